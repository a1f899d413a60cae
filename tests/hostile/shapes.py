"""What webhooks could bring: real bodies of every vendor with a few things wrong in each."""

import json
import re
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from connector.base import webhook
from connector.ports import Account, Webhook
from connector.webhooks import standard
from tests.hostile.texts import ALL

TESTS = Path(__file__).parents[1]
FOLDERS = {
    "whatsapp": ("whatsapp/payloads/*.json",),
    "hubspot": ("crm/hubspot/payloads/webhook_batch.json", "crm/hubspot/payloads/action_*.json",
                "crm/hubspot/payloads/workflow_webhooks.json"),
    "salesforce": ("crm/salesforce/payloads/callout_*.json", "crm/salesforce/payloads/outbound_*.xml"),
    "link": ("hostile/payloads/link_*.json",),
}  # fmt: skip
LINK_SECRET = standard.new_secret()
ACCOUNTS = {
    "whatsapp": Account(id="w", kind="whatsapp", name="whatsapp", settings={"phone_number_id": "1"},
                        secrets={"app_secret": "s", "verify_token": "v", "token": "t"}),
    "hubspot": Account(id="h", kind="hubspot", name="hubspot", settings={"portal_id": "24681357"},
                       secrets={"client_secret": "s"}),
    "salesforce": Account(id="s", kind="salesforce", name="salesforce", settings={"org_id": "00D5e000000SBOXEA2"},
                          secrets={"hook_secret": "long-random-hook-secret"}),
    "link": Account(id="l", kind="link", name="ab12", settings={"document": "visit"}, secrets={"secret": LINK_SECRET}),
}  # fmt: skip


@cache
def reader(vendor: str) -> Webhook:
    return webhook(ACCOUNTS[vendor])


@cache
def files(vendor: str) -> tuple[Path, ...]:
    found = tuple(sorted(path for pattern in FOLDERS[vendor] for path in TESTS.glob(pattern)))
    assert found, vendor
    return found


@cache
def bodies_of(path: Path) -> tuple[bytes, ...]:
    """The bodies in a file: the workflow's webhooks stand together in one."""
    raw = path.read_bytes()
    if path.name != "workflow_webhooks.json":
        return (raw,)
    return tuple(json.dumps(one).encode() for one in json.loads(raw).values())


# ---- JSON ------------------------------------------------------------------------------------------------------------
class Raw(str):
    """Stands in the JSON as it is written here, without quotes."""


RAW = ("NaN", "-Infinity", "1e999", "-1e999", "9" * 5000, "0.1e-9999", '"\\ud800"', '"\\u0000"', "[" * 300 + "]" * 300,
       '{"a":' * 120 + "1" + "}" * 120, "[" * 100_000 + "]" * 100_000, "{}}", '"open', "")  # fmt: skip
PLAIN: tuple[Any, ...] = (
    None, True, False, 0, -1, 1.5, 2**31, 2**53 + 1, 2**63, -(2**63) - 1, 10**30, [], {}, [None], [[]], {"": ""},
    {"a": {"b": []}}, ["x"] * 500, {str(n): n for n in range(400)}, {"__proto__": {"x": 1}, "constructor": 1},
)  # fmt: skip
VALUES = st.one_of(
    st.sampled_from(PLAIN).map(deepcopy),  # what is drawn is spoilt further
    st.sampled_from(ALL),
    st.sampled_from(RAW).map(Raw),
    st.text(st.characters(codec=None), max_size=30),
    st.integers(),
    st.floats(),
)
MARK = "\x01raw%d\x01"


def spots(value: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) below a value."""
    found = []
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        found.append((value, key))
        found += spots(inner)
    return found


def written(value: Any) -> bytes:
    """As JSON, with what is Raw as it is."""
    raws: list[str] = []

    def mark(one: Any) -> Any:
        if isinstance(one, Raw):
            raws.append(str(one))
            return MARK % (len(raws) - 1)
        if isinstance(one, dict):
            return {key: mark(inner) for key, inner in one.items()}
        return [mark(inner) for inner in one] if isinstance(one, list) else one

    text = json.dumps(mark(value))
    for n, raw in enumerate(raws):
        text = text.replace(json.dumps(MARK % n), raw)
    return text.encode()


ACTS = ("set", "set", "set", "drop", "double", "more", "key", "swap")


@st.composite
def json_bodies(draw: st.DrawFn, body: bytes) -> bytes:
    """The body with up to three things wrong in it."""
    whole = json.loads(body)
    for _ in range(draw(st.integers(1, 3))):
        there = spots(whole)
        if not there:
            return written(draw(VALUES))
        holder, key = there[draw(st.integers(0, len(there) - 1))]
        act = draw(st.sampled_from(ACTS))
        if act == "set":
            holder[key] = draw(VALUES)
        elif act == "drop":
            del holder[key]
        elif act == "double" and isinstance(holder, list):
            holder += [json.loads(json.dumps(holder[key]))] * draw(st.integers(1, 20))
        elif act == "more" and isinstance(holder[key], list):
            holder[key].append(draw(VALUES))
        elif act == "key" and isinstance(holder, dict):
            holder[draw(st.sampled_from(ALL))[:200]] = holder.pop(key)
        else:
            other, name = there[draw(st.integers(0, len(there) - 1))]
            moved = other[name]
            if moved is not holder and not any(one is holder for one, _ in spots(moved)):
                holder[key] = json.loads(json.dumps(moved))
    return spoilt(draw, written(whole))


# ---- XML -------------------------------------------------------------------------------------------------------------
_TAG = re.compile(r"<[^<>!?]+>|>[^<]+<")
DOCTYPES = (
    '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>',
    '<!DOCTYPE x [<!ENTITY c SYSTEM "file:///etc/passwd">]>',
    '<!DOCTYPE x SYSTEM "http://169.254.169.254/evil.dtd">',
    '<!DOCTYPE x [<!ENTITY % p SYSTEM "http://127.0.0.1:9/p.dtd"> %p;]>',
    "<!DOCTYPE notifications>",
)
XML_ODD = ("&c;", "&#0;", "&#xD800;", "]]>", "<![CDATA[x]]>", "<!-- x -->", "<?pi x?>", "<a>" * 3000 + "</a>" * 3000,
           "<a>" * 3000, "", "x" * 100_000, '<sf:Id xmlns:sf="urn:x">1</sf:Id>', "1.0E999", "&amp;" * 5000)  # fmt: skip


@st.composite
def xml_bodies(draw: st.DrawFn, body: bytes) -> bytes:
    """The envelope with up to three things wrong in it."""
    text = body.decode("utf-8")
    for _ in range(draw(st.integers(1, 3))):
        found = list(_TAG.finditer(text))
        if not found:
            break
        spot = found[draw(st.integers(0, len(found) - 1))]
        act = draw(st.sampled_from(("in", "in", "out", "double", "doctype")))
        if act == "doctype":
            text = text.replace("?>", f"?>{draw(st.sampled_from(DOCTYPES))}", 1)
        elif act == "out":
            text = text[: spot.start()] + text[spot.end() :]
        elif act == "double":
            text = text[: spot.end()] + spot.group() * draw(st.integers(1, 50)) + text[spot.end() :]
        else:
            odd = draw(st.one_of(st.sampled_from(XML_ODD), st.sampled_from(ALL)))
            text = text[: spot.start() + 1] + odd + text[spot.end() - 1 :]
    return spoilt(draw, text.encode("utf-8", "surrogatepass"))


# ---- bytes -----------------------------------------------------------------------------------------------------------
def spoilt(draw: st.DrawFn, body: bytes) -> bytes:
    """Sometimes cut off, or with bytes that belong to no text."""
    act = draw(st.sampled_from(("",) * 8 + ("cut", "bytes", "bom", "utf-16")))
    at = draw(st.integers(0, len(body))) if act in ("cut", "bytes") else 0
    if act == "cut":
        return body[:at]
    if act == "bytes":
        return body[:at] + draw(st.binary(max_size=8)) + body[at:]
    if act == "bom":
        return b"\xef\xbb\xbf" + body
    return body.decode("utf-8", "replace").encode("utf-16") if act == "utf-16" else body


def bodies(vendor: str) -> st.SearchStrategy[bytes]:
    """Spoilt bodies of one vendor."""
    whole = [body for path in files(vendor) for body in bodies_of(path)]

    def spoil(body: bytes) -> st.SearchStrategy[bytes]:
        return xml_bodies(body) if body.lstrip()[:1] == b"<" else json_bodies(body)

    return st.one_of(st.sampled_from(whole).flatmap(spoil), st.binary(max_size=100), VALUES.map(written))
