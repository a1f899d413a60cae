"""Every call of the API and every form of the console with values nobody would give: refused in words, never a fault.

The API is walked by its own description (docs/openapi.json) and not with schemathesis: docs/decisions/0027 says why.
"""

import io
import json
import re
from copy import deepcopy
from functools import cache, partial
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given, note
from hypothesis import strategies as st

from connector.store import api_tokens
from connector.web import api
from connector.web.api.described import description
from connector.web.auth.roles import ROLES
from connector.web.frame import ours as landing
from tests.hostile import meter
from tests.hostile.shapes import PLAIN, RAW, Raw, written
from tests.hostile.texts import ALL, PAYLOADS
from tests.web.pages.business import Business
from tests.web.pages.test_api import DOCUMENT, nullable
from tests.web.test_hostile_console import made

ROOT = Path(__file__).parents[2]
MADE = description(api.CALLS)
TOO_LARGE = 413
TEXT = st.one_of(st.sampled_from(ALL), st.text(st.characters(codec=None), max_size=40))


@pytest.fixture
def business(console):
    """A console over a house in which something has happened."""
    found = Business(console)
    ana = found.person()
    found.publish()
    one, two, three = (found.event(ana) for _ in range(3))
    found.written(one, ana)
    found.puzzled(two, ana)
    found.send(three, ana)
    found.ids = ["0192-00000001", "0192-00000002", "send-4", "webinar-interest", ana, "wamid.1", "1", found.hubspot]
    return found


# ---- the API ------------------------------------------------------------------------------------------------------
def fitting(schema, ids):
    """Values that fit a schema, made of what is there."""
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    kind = schema.get("type")
    if kind == "integer":
        return st.integers(schema.get("minimum", -5), schema.get("maximum", 500))
    if kind == "boolean":
        return st.booleans()
    if kind == "array":
        return st.lists(fitting(schema.get("items", {}), ids), max_size=4)
    if kind == "object":
        named = {name: fitting(inner, ids) for name, inner in schema.get("properties", {}).items()}
        return st.fixed_dictionaries(named) if named else st.dictionaries(st.sampled_from(ids), st.sampled_from(ids))
    return st.one_of(st.sampled_from([*ids, "7d", "2026-11-01", "30", DOCUMENT, "hubspot", ""]), TEXT)


ODD = st.one_of(st.sampled_from(PLAIN).map(deepcopy), TEXT, st.sampled_from(RAW).map(Raw), st.integers(), st.floats())


@st.composite
def calls(draw, ids):
    """(method, path with its places filled, query, body or None, the call's description)."""
    path = draw(st.sampled_from(sorted(MADE["paths"])))
    method = draw(st.sampled_from(sorted(MADE["paths"][path])))
    told = MADE["paths"][path][method]
    query, place = {}, path
    for one in told.get("parameters", ()):
        value = draw(st.one_of(fitting(one["schema"], ids), TEXT))
        if one["in"] == "path":
            place = place.replace(f"{{{one['name']}}}", quoted(str(value)[:3000]) or "x")
        elif draw(st.booleans()):
            query[one["name"]] = sent(str(value))
    schema = told.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    body = None
    if schema is not None or draw(st.integers(0, 9)) == 0:
        body = draw(st.one_of(fitting(schema or {"type": "object"}, ids), ODD))
        if isinstance(body, dict) and body and draw(st.booleans()):
            body[draw(st.sampled_from(sorted(body)))] = draw(ODD)
        if isinstance(body, dict) and draw(st.integers(0, 7)) == 0:
            body[draw(st.sampled_from(["role", "admin", "id", "state", "author", "__class__", "$ref"]))] = draw(ODD)
    return method.upper(), place, query, body, told


def quoted(text):
    from urllib.parse import quote

    return quote(text.encode("utf-8", "replace"), safe="")


def judge(told, answer):
    """A status that the description names, JSON, and of the shape it says."""
    status = str(answer.status_code)
    assert answer.status_code < 500, answer.text[:500]
    if answer.status_code == TOO_LARGE or (answer.status_code == 404 and "responses" not in told):
        return
    assert status in told["responses"], f"{status} is not described: {answer.text[:300]}"
    validator(json.dumps(told["responses"][status]["content"]["application/json"]["schema"])).validate(
        answer.get_json()
    )


@cache
def validator(schema):
    """Of one answer, made once."""
    return jsonschema.Draft4Validator(nullable({**json.loads(schema), "components": MADE["components"]}))


@pytest.mark.long
def test_the_api_answers_as_described_whatever_it_is_asked_by_whomever(business):
    console, tokens = business.console, {"": ""}
    for role in ROLES:
        with console.house.store.write() as conn:
            tokens[role] = api_tokens.add(conn, role, role, "me", console.house.clock.now())[1]
    client = console.app.test_client()

    @meter.tries(600)
    @given(st.sampled_from(["", *ROLES, "admin", "admin"]), calls(business.ids))
    def walk(role, call):
        method, path, query, body, told = call
        note(f"{role} {method} {path} {query} {str(body)[:500]}")
        more = {} if body is None else {"data": written(body), "content_type": "application/json"}
        headers = {"Authorization": f"Bearer {tokens[role]}"} if role else {}
        answer = meter.cheap(
            lambda: client.open(f"/api/v1{path}", method=method, query_string=query, headers=headers, **more)
        )
        if answer.status_code == 308:  # two slashes are one
            assert re.match(r"(http://localhost)?/(?!/)", answer.headers["Location"])
            return
        if not role:
            assert answer.status_code in (401, 404, 429)
        judge(told, answer)

    walk()


def test_the_description_is_the_one_in_the_docs():
    assert json.loads((ROOT / "docs/openapi.json").read_text())["paths"] == MADE["paths"]


def test_what_a_call_does_not_take_is_refused_by_its_name(business):
    """Mass assignment: nothing that stands beside what a call takes is set, or even passed over in silence."""
    with business.store.write() as conn:
        token = api_tokens.add(conn, "t", "admin", "me", business.console.house.clock.now())[1]
    client, headers = business.console.app.test_client(), {"Authorization": f"Bearer {token}"}
    for call in api.CALLS:
        if call.method != "POST":
            continue
        path = re.sub(r"<\w+>", "x", call.path)
        for name in ("role", "author", "state_", "id", "__proto__"):
            answer = client.post(f"/api/v1{path}", json={name: "admin"}, headers=headers)
            assert answer.status_code == 422, call.path
            assert name in answer.get_json()["fields"], call.path


@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_json_nested_without_end_is_refused(business, opening):
    with business.store.write() as conn:
        token = api_tokens.add(conn, "t", "admin", "me", business.console.house.clock.now())[1]
    more = {"headers": {"Authorization": f"Bearer {token}"}, "content_type": "application/json"}
    for path in ("/events/retry", "/documents", "/sent", "/replay"):
        for body in (opening * 150_000, '{"keys": ' + "[" * 900 + "]" * 900 + "}"):
            answer = meter.cheap(partial(business.console.app.test_client().post, f"/api/v1{path}", data=body, **more))
            assert answer.status_code == 422


# ---- the console --------------------------------------------------------------------------------------------------
PAGES = ROOT / "connector/web"
FIELDS = sorted(
    {name for path in PAGES.rglob("pages/**/*.py")
     for name in re.findall(r'(?:given\(request\.\w+, |\.get\(|\.getlist\(|form\[|args\[)"([a-z_.:]+)"',
     path.read_text())}
    | {name for path in PAGES.rglob("*.html") for name in re.findall(r'\bname="([a-z_.0-9]+)"', path.read_text())}
    | {f"button.{n}.{what}" for n in range(2) for what in ("kind", "text", "url", "phone", "example")}
    | {"v:a", "base:x", "token:gone", "form-a", "csrf2"}
)  # fmt: skip
UPLOADS = ("file", "files")
FILES = (b"", b"PK\x03\x04", b"\x1f\x8b\x08\x00", b"phone\n=1+1\n", b"\xff\xfe\x00", b"mapping: x\n", b'{"a": 1}',
         b"a,b\n\"", b"x" * 5000)  # fmt: skip
GUESSES = ("0", "1", "on", "yes", "admin", "viewer", "live", "mapping", "send", "flow", "hubspot", "whatsapp", "7d",
"en",
           "done", "a@example.com", "correct horse battery", "+573001112222", "https://example.com/x", "csv",
           "query")  # fmt: skip
AWAY = ("phone.", "setup.")  # they call the sandbox, which is not there: 502 and 503 say so


def routes(console, ids):
    """(endpoint, methods, converters) of every page."""
    for rule in console.app.url_map.iter_rules():
        if not rule.rule.startswith("/api/") and rule.endpoint not in ("static", "signin.leave"):
            yield rule


@st.composite
def visits(draw, rules, ids):
    """(rule, method, path, query, form)."""
    rule = draw(st.sampled_from(rules))
    path = ""
    for dynamic, text in rule._trace:
        if not dynamic:
            path += text
            continue
        kind = rule._converters[text]
        if hasattr(kind, "items"):
            value = draw(st.sampled_from(sorted(kind.items)))
        elif hasattr(kind, "num_convert"):
            value = str(draw(st.sampled_from([0, 1, 2, 2**31, 2**63, 10**30])))
        else:
            value = draw(st.one_of(st.sampled_from(ids), st.sampled_from(ids), TEXT))
        path += quoted(value[:2000]) or "x"
    values = st.one_of(st.sampled_from([*GUESSES, *ids]), TEXT)
    some = st.dictionaries(st.sampled_from(FIELDS), values, max_size=7)
    method = draw(st.sampled_from(sorted(rule.methods - {"HEAD", "OPTIONS"})))
    form = draw(some) if method != "GET" else {}
    if method != "GET" and draw(st.integers(0, 5)) == 0:
        form[draw(st.sampled_from(UPLOADS))] = draw(st.tuples(st.sampled_from(FILES), TEXT.map(lambda t: t[:100])))
    return rule, method, path.replace("|", ""), draw(some), form


LIVE = re.compile(
    r"<script>window\.|<img src=x|<svg onload|<iframe srcdoc|<base href=//|<style>@import|\" onfocus=window"
)


@pytest.mark.long
def test_every_page_and_form_takes_whatever_it_is_given(business, make_console):
    console = make_console(business.store, sandbox="http://127.0.0.1:9")
    rules = list(routes(console, business.ids))
    assert len(FIELDS) > 80
    browsers = {}

    @meter.tries(360)
    @given(visits(rules, business.ids), st.booleans(), st.sampled_from(["admin", "admin", "admin", "viewer"]))
    def visit(one, part, role):
        rule, method, path, query, form = one
        note(f"{role} {method} {path} {str(query)[:300]} {str(form)[:600]}")
        if role not in browsers or rule.endpoint.startswith(("people.", "me.", "signin.")):
            browsers[role] = console(role, f"fuzz-{role}@example.com")
        files = {k: (io.BytesIO(v[0]), name(v[1])) for k, v in form.items() if isinstance(v, tuple)}
        plain = {k: sent(v) for k, v in form.items() if not isinstance(v, tuple)}
        asked = {k: sent(v) for k, v in query.items()}
        browser = browsers[role]
        if method == "GET":
            answer = browser.get(path, part=part, query_string=asked)
        else:
            answer = browser.post(path, {**plain, **files}, part=part, query_string=asked)
        calm = answer.status_code < 500 or (answer.status_code in (502, 503, 504) and rule.endpoint.startswith(AWAY))
        assert calm, f"{rule.endpoint} {answer.status_code}: {answer.text[:300]}"
        assert not any("\n" in value or "\r" in value for _, value in answer.headers)
        if answer.mimetype == "text/html" and answer.status_code != 302:
            assert not LIVE.search(answer.text), f"{rule.endpoint}: {LIVE.search(answer.text)}"
            assert "nonce-" in answer.headers["Content-Security-Policy"]
        if answer.status_code in (302, 303):
            assert re.match(r"/(?![/\\])", answer.headers["Location"]), answer.headers["Location"]

    visit()


def sent(text):
    """As a browser can send it."""
    return text.encode("utf-8", "replace").decode()


def name(text):
    return sent(text).replace("\r", "").replace("\n", "") or "x"


ELSEWHERE = (
    "//evil.example", "/\\evil.example", "https://evil.example", "/\t//evil.example",
    "/\t/evil.example", "\\\\evil.example",
    "/\n//evil.example", "///evil.example", "http:evil.example", "/\u2028/evil", "/\x00/evil", " //evil.example",
    "/x\r\nSet-Cookie: a=b", "javascript:alert(1)", "/\r//evil.example", *PAYLOADS[:8],
)  # fmt: skip


def test_signing_in_leads_nowhere_else(console):
    """Browsers drop tabs and line breaks of an address before they look where it leads."""
    for place in ELSEWHERE:
        assert landing(place) == "/" or re.match(r"/[^/\\\s]+", landing(place)), place
        assert landing(place).isprintable()
    made(console, "ana@example.com")
    for place in ("/\t//evil.example", "/x\r\nSet-Cookie: a=b"):
        form = {"email": "ana@example.com", "password": "correct horse battery", "next": place}
        answer = console.stranger.post("/signin", data=form)
        assert (answer.status_code, answer.headers["Location"]) == (303, "/")
