"""The description of a trigger link: OpenAPI 3.0, simple enough to make a form of it, and true to the call."""

import json

import jsonschema
import pytest

from connector.ports import Account
from connector.web.openapi import described
from connector.webhooks import standard
from connector.webhooks.link import LinkWebhook

URL = "https://wa.example.com"
SIMPLE = {"string", "boolean", "integer", "number", "array", "object"}


def spec(link="ab12"):
    return json.loads(described(URL, link))


def schema(name):
    """One schema with its references put in."""
    schemas = spec()["components"]["schemas"]

    def inside(value):
        if isinstance(value, dict):
            ref = value.get("$ref")
            return inside(schemas[ref.rpartition("/")[2]]) if ref else {k: inside(v) for k, v in value.items()}
        return value

    return inside(schemas[name])


def test_it_has_what_openapi_3_0_asks_for():
    found = spec()
    assert found["openapi"] == "3.0.3"
    assert found["info"] == {"title": "Trigger link", "version": "1"}
    assert found["servers"] == [{"url": URL}]
    ((path, item),) = found["paths"].items()
    assert (path, list(item)) == ("/hooks/link/ab12", ["post"])
    operation = item["post"]
    assert operation["operationId"].isidentifier()
    assert operation["requestBody"]["content"].keys() == {"application/json"}
    assert all(answer["description"] for answer in operation["responses"].values())
    assert operation["security"] == [{"secret": []}]
    assert found["components"]["securitySchemes"] == {"secret": {"type": "http", "scheme": "bearer"}}


def test_every_reference_leads_somewhere_and_every_type_is_simple():
    text = json.dumps(spec())
    for name in ("Call", "Value", "Accepted"):
        assert f"#/components/schemas/{name}" in text
    for name in spec()["components"]["schemas"]:
        found = schema(name)
        jsonschema.Draft4Validator.check_schema(found)
        assert {p["type"] for p in found["properties"].values()} <= SIMPLE
        assert not {"oneOf", "anyOf", "allOf", "additionalProperties", "nullable"} & found.keys()


def test_what_it_describes_is_what_is_taken_and_answered():
    call = {
        "event_id": "run 7", "object": "deals", "record": "9001", "values": [{"name": "day", "value": "Monday"}],
    }  # fmt: skip
    jsonschema.validate(call, schema("Call"))
    secret = standard.new_secret()
    link = LinkWebhook(Account(id="1", kind="link", name="ab12", secrets={"secret": secret}))
    body = json.dumps(call).encode()
    (routed,) = link.parse(body, {})
    assert (routed.event.id, routed.event.record, routed.event.values) == ("run 7", "9001", {"day": "Monday"})


@pytest.mark.parametrize("name", ['"', "a b", "", "é", "x" * 65, "../.."])
def test_a_name_that_is_none_does_not_get_in(name):
    assert list(spec(name)["paths"]) == ["/hooks/link/{link}"]
