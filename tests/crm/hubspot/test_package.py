"""The HubSpot project we hand out: what HubSpot's builder reads of it, and that it fits what we answer."""

import json
from typing import Any

import pytest

from connector.core.reasons import REASONS
from connector.crm.hubspot import package_words as words
from connector.crm.hubspot.complete import outputs
from connector.crm.hubspot.package import PROPERTIES, files
from connector.crm.hubspot.workflows import wait_for
from connector.errors import Rejected
from connector.ports import ActionDone

URL = "https://crm.example.org"
APP = "src/app/app-hsmeta.json"
WEBHOOKS = "src/app/webhooks/webhooks-hsmeta.json"
ACTION = "src/app/workflow-actions/send-whatsapp-hsmeta.json"


def made(*given: Any, **more: Any) -> dict[str, Any]:
    found = files(*(given or (URL, "shop")), **more)
    assert all(text.endswith("}\n") for text in found.values())
    return {path: json.loads(text) for path, text in found.items()}


def test_every_part_names_its_type_and_a_uid_of_its_own() -> None:
    found = made()
    assert set(found) == {"hsproject.json", APP, WEBHOOKS, ACTION}
    assert (found["hsproject.json"]["srcDir"], found["hsproject.json"]["name"]) == ("src", "whatsapp-connector-shop")
    assert [found[path]["type"] for path in (APP, WEBHOOKS, ACTION)] == ["app", "webhooks", "workflow-action"]
    assert len({found[path]["uid"] for path in (APP, WEBHOOKS, ACTION)}) == 3


def test_everything_calls_the_accounts_own_hook() -> None:
    found = made(f"{URL}/", "shop")
    hook = f"{URL}/hooks/crm/shop"
    assert found[WEBHOOKS]["config"]["settings"]["targetUrl"] == hook
    action = found[ACTION]["config"]
    assert action["actionUrl"] == f"{hook}/action"
    picked = [f["typeDefinition"] for f in action["inputFields"] if "optionsUrl" in f["typeDefinition"]]
    assert [(one["name"], one["optionsUrl"]) for one in picked] == [("message", f"{hook}/options")]


def test_the_app_is_private_and_asks_for_what_the_check_asks_for() -> None:
    app = made()[APP]["config"]
    assert (app["distribution"], app["auth"]["type"]) == ("private", "static")
    wanted = {"crm.objects.contacts.write", "crm.schemas.contacts.write", "crm.objects.deals.write", "automation"}
    assert wanted | {"crm.objects.owners.read"} <= set(app["auth"]["requiredScopes"])


def test_without_workflows_there_is_neither_the_action_nor_its_scope() -> None:
    found = made(URL, "shop", workflows=False)
    assert ACTION not in found
    assert "automation" not in found[APP]["config"]["auth"]["requiredScopes"]


def test_every_event_and_property_is_subscribed_once() -> None:
    properties = {"deal": ["dealstage", "dealstage", "quote_pdf_url"], "2-1234567": ["plate"]}
    found = made(URL, "shop", properties)[WEBHOOKS]["config"]["subscriptions"]
    asked = [(s["objectType"], s["subscriptionType"], s.get("propertyName", "")) for s in found["crmObjects"]]
    assert len(asked) == len(set(asked))
    assert {(o, p) for o, kind, p in asked if kind == "object.propertyChange"} == {
        ("deal", "dealstage"), ("deal", "quote_pdf_url"), ("2-1234567", "plate"),
    }  # fmt: skip
    events = {"object.creation", "object.deletion", "object.merge", "object.restore"}
    assert {(o, kind) for o, kind, p in asked if not p} == {
        (o, kind) for o in ("contact", "deal", "2-1234567") for kind in events
    }
    assert [s["subscriptionType"] for s in found["hubEvents"]] == ["contact.privacyDeletion"]
    assert all(s["active"] is True for part in found.values() for s in part)


def test_the_usual_properties_are_there_without_asking() -> None:
    found = made()[WEBHOOKS]["config"]["subscriptions"]["crmObjects"]
    named = {(s["objectType"], s["propertyName"]) for s in found if "propertyName" in s}
    assert named == {(name, one) for name, all_ in PROPERTIES.items() for one in all_}
    assert ("deal", "dealstage") in named


@pytest.mark.parametrize("given", [
    ("http://crm.example.org", "shop"), ("https://", "shop"), ("https://a.b/?x=1", "shop"), ("https://u@a.b", "shop"),
    (URL, "a/b"), (URL, ""), (URL, "shop", {"contact": ["hs_lastmodifieddate"]}), (URL, "shop", {"deal": ["a b"]}),
    (URL, "shop", {"deal": [f"p{n}" for n in range(1_000)]}),
])  # fmt: skip
def test_what_hubspot_would_not_take_is_refused_before_it_is_uploaded(given: Any) -> None:
    with pytest.raises(Rejected):
        files(*given)


# ---- the words -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("language", ["en", "es", "pt-br"])
def test_every_field_option_and_rule_has_words(language: str) -> None:
    action = made()[ACTION]["config"]
    labels = action["labels"][language]
    inputs = [f["typeDefinition"]["name"] for f in action["inputFields"]]
    assert list(labels["inputFieldLabels"]) == list(labels["inputFieldDescriptions"]) == inputs
    assert list(labels["outputFieldLabels"]) == [f["typeDefinition"]["name"] for f in action["outputFields"]]
    assert set(labels["executionRules"]) == {rule["labelName"] for rule in action["executionRules"]}
    waits = next(f["typeDefinition"] for f in action["inputFields"] if f["typeDefinition"]["name"] == "wait_for")
    assert set(labels["inputFieldOptionLabels"]["wait_for"]) == {one["value"] for one in waits["options"]}
    assert all(text.strip() and "{{{" not in text for text in labels["executionRules"].values())
    assert labels["actionName"]
    assert "{{message}}" in labels["actionCardContent"]


def test_every_code_is_one_that_a_send_can_end_with() -> None:
    assert set(words.ERRORS) - set(REASONS) == {"not_read"}


def test_what_can_be_waited_for_is_what_the_hook_understands() -> None:
    assert [wait_for({"wait_for": value}) for value in words.WAITS["en"]] == ["reply", "delivered", "sent", ""]


def test_a_failed_step_carries_the_code_its_rule_looks_for() -> None:
    action = made()[ACTION]["config"]
    values = {"state": "refused", "reason": "Opted out.", "error_code": "opted_out"}
    told = outputs(ActionDone(id="1", callback="c", ok=False, values=values))["outputFields"]
    assert told["hs_execution_state"] == "FAIL_CONTINUE"
    first = next(r for r in action["executionRules"] if r["conditions"].items() <= told.items())
    assert first["labelName"] == "opted_out"
    names = {f["typeDefinition"]["name"] for f in action["outputFields"]}
    assert set(told) - {"hs_execution_state"} <= names
