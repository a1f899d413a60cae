"""What does not fit a template is said before Graph can refuse it."""

import json
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.core.template import (
    Misfit,
    Template,
    compatible,
    fit_example,
    from_graph,
    labels,
    misfits,
    preview,
    render,
    rules,
    slots,
)
from connector.core.template.slots import needs
from connector.sandbox import templates as sandbox
from connector.sandbox.graph_errors import GraphError


def made(*components, category="marketing", format="positional", language="en") -> Template:
    return Template(name="t", language=language, category=category, format=format, components=components)


def body(text: str) -> dict:
    return {"type": "BODY", "text": text}


def buttons(*found: dict) -> dict:
    return {"type": "BUTTONS", "buttons": list(found)}


def url(address: str) -> dict:
    return {"type": "URL", "text": "Open", "url": address}


REPLY = {"type": "QUICK_REPLY", "text": "Yes"}
QUOTE = made(
    {"type": "HEADER", "format": "DOCUMENT"},
    body("Dear {{first_name}}, the sum is {{amount}} in all."),
    buttons(REPLY, {"type": "QUICK_REPLY", "text": "No"}, url("https://example.com/q/{{1}}")),
    format="named",
)
FITS = {"header.document": "https://example.com/a.pdf", "first_name": "Ana", "amount": "5", "button.url": "7"}


# ---- keys --------------------------------------------------------------------------------------------------------
def test_what_fits_has_no_misfit():
    assert misfits(QUOTE, FITS.keys(), 2) == misfits(QUOTE, FITS.keys(), 0) == []


@pytest.mark.parametrize(
    ("keys", "count", "expected"),
    [
        (FITS.keys() - {"amount"}, 2, [("missing", "amount")]),
        (FITS.keys() - {"header.document", "button.url"}, 0,
         [("missing", "header.document"), ("missing", "button.url")]),
        (FITS.keys() | {"amounts"}, 2, [("extra", "amounts")]),
        (FITS.keys() | {"header.image"}, 2, [("extra", "header.image")]),
        (FITS.keys() | {"button.2"}, 2, [("twice", "button.2")]),
        (FITS.keys() | {"button.0"}, 2, [("extra", "button.0")]),  # a quick reply takes its id from buttons:
        (FITS.keys(), 1, [("buttons", "buttons")]),
        (FITS.keys(), 3, [("buttons", "buttons")]),
    ],
)  # fmt: skip
def test_every_key_that_does_not_fit_is_named(keys, count, expected):
    assert [(one.code, one.key) for one in misfits(QUOTE, keys, count)] == expected


def test_a_misfit_speaks_plainly():
    missing, extra = misfits(QUOTE, FITS.keys() - {"amount"} | {"amuont"}, 0)
    assert missing.text == "The template needs `amount`, and the document gives no value for it."
    assert (extra.text, extra.hint) == ("The template has no place for `amuont`.", "Did you mean `amount`?")
    (count,) = misfits(QUOTE, FITS.keys(), 1)
    assert count.text == "The template has 2 quick replies, and the document names 1 under `buttons:`."


def test_a_button_may_be_named_by_kind_only_where_one_is_of_it():
    two = made(body("Hi"), buttons(url("https://a.example/{{1}}"), url("https://b.example/{{1}}")))
    assert [one.code for one in misfits(two, {"button.url"}, 0)] == ["missing", "missing", "extra"]
    assert misfits(two, {"button.0", "button.1"}, 0) == []


def test_the_code_button_is_filled_by_itself():
    code = made(body(""), buttons({"type": "OTP", "otp_type": "COPY_CODE", "text": "Copy"}), category="authentication")
    assert misfits(code, {"1"}, 0) == []
    (extra,) = misfits(code, {"1", "button.0"}, 0)
    assert extra.hint == "The button copies the code of the text by itself: leave it out."
    assert render(code, {"1": "4711"}, [])["template"]["components"][1]["sub_type"] == "url"


@pytest.mark.parametrize("kind", ["MPM", "SPM", "ORDER_DETAILS", "SOMETHING_NEW"])
def test_what_we_cannot_fill_is_said(kind):
    (misfit,) = misfits(made(body("Hi"), buttons({"type": kind, "text": "x"})), (), 0)
    assert (misfit.code, misfit.key) == ("unsupported", kind.lower())


# ---- values ------------------------------------------------------------------------------------------------------
TEXT = made(body("Dear {{1}}, hello."))


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("", "empty"), ("  ", "empty"), ("\n", "empty"),
        ("a\nb", "newline"), ("a\r\nb", "newline"), ("a\u2028b", "newline"),
        ("a\x85b", "newline"), ("a\tb", "tab"), ("a     b", "spaces"), ("a\u00a0\u00a0\u00a0\u00a0\u00a0b", "spaces"),
        ("a\x00b", "character"), ("a\ud800b", "character"), ("x" * 1012, "too_long"), ("😀" * 506, "too_long"),
    ],
)  # fmt: skip
def test_a_text_graph_would_refuse_is_refused_here(value, code):
    with pytest.raises(Misfit) as refused:
        render(TEXT, {"1": value}, [])
    assert (refused.value.code, refused.value.key) == (code, "1")
    assert not value.strip() or value not in str(refused.value)  # a customer's value is not for logs


@pytest.mark.parametrize("value", ["a    b", "x" * 1011, "ñ {{1}} %s", "😀" * 505, " Ana\n"])
def test_a_text_at_the_limits_goes_out(value):
    sent = render(TEXT, {"1": value}, [])["template"]["components"][0]["parameters"]
    assert sent == [{"type": "text", "text": value.strip()}]


PUBLIC = ["https://example.com/a.pdf", "http://files.example.com:8080/x?y=1#z", "https://8.8.8.8/a", "https://[2606:4700::1111]/a",
          "123456789012345", "https://example.com/ü.pdf"]  # fmt: skip
PRIVATE = [
    "http://127.0.0.1/a", "http://localhost/a", "http://LOCALHOST:80/a", "http://a.localhost/", "http://10.0.0.8/a",
    "http://192.168.1.1/a", "http://172.16.5.5/a", "http://169.254.169.254/latest", "http://0.0.0.0/", "http://2130706433/",
    "http://0x7f000001/", "http://0x7f.1/", "http://0177.0.0.1/", "http://127.1/", "http://017700000001/", "http://[::1]/",
    "http://[fe80::1]/", "http://[fe80::1%25eth0]/", "http://[fc00::1]/", "http://[::ffff:127.0.0.1]/", "http://[::ffff:0a00:1]/",
    "http://[64:ff9b::7f00:1]/", "http://[2002:7f00:1::]/", "http://[::]/", "http://[::127.0.0.1]/", "http://127.0.0.1./",
    "http://db.internal/", "http://printer.local/", "http://intranet/", "http://100.64.0.1/", "http://224.0.0.1/",
    "http://256.0.0.1/", "http://10.0.0.08/",
]  # fmt: skip
BROKEN = [
    "ftp://example.com/a", "file:///etc/passwd", "example.com/a.pdf", "https://", "https://u:p@example.com/a",
    "https://u@example.com/", "https://example.com/a b", "https://exa\\mple.com/", "https://example.com:99999/",
    "https://[::1/", "javascript:alert(1)", "1234", "https://example.com/" + "a" * 2000, "https:///a",
    "data:text/plain,x", "//example.com/a",
]  # fmt: skip


def with_document(value: str) -> dict:
    template = made({"type": "HEADER", "format": "DOCUMENT"}, body("Hi"))
    return render(template, {"header.document": value}, [])["template"]["components"][0]["parameters"][0]["document"]


@pytest.mark.parametrize("value", PUBLIC)
def test_a_public_address_or_a_media_id_is_taken(value):
    assert with_document(value) == {"id" if value.isdigit() else "link": value}


@pytest.mark.parametrize("value", PRIVATE + BROKEN)
def test_no_other_address_is(value):
    with pytest.raises(Misfit) as refused:
        with_document(value)
    assert (refused.value.code, refused.value.key) == ("media", "header.document")


@given(st.ip_addresses())
def test_only_global_addresses_are_taken(address):
    host = f"[{address}]" if address.version == 6 else str(address)
    if not address.is_global:
        with pytest.raises(Misfit):
            with_document(f"https://{host}/a.pdf")


@given(st.ip_addresses(v=4), st.sampled_from(["{}", "0x{:x}", "0{:o}"]))
def test_a_private_address_stays_private_in_any_spelling(address, spelling):
    plain, spelled = (f"http://{host}/a" for host in (address, spelling.format(int(address))))
    results = []
    for link in (plain, spelled):
        try:
            results.append(bool(with_document(link)))
        except Misfit:
            results.append(False)
    assert results[1] <= results[0]


@pytest.mark.parametrize(
    ("address", "value", "sent"),
    [
        ("https://a.example/o/{{1}}", "A-1", "A-1"),
        ("https://a.example/o/{{1}}", "Ä 1/2?x=%20", "%C3%84%201/2?x=%20"),
        ("https://a.example{{1}}", "/o/7", "/o/7"),
        ("https://a.example/?to={{1}}", "https://b.example/", "https://b.example/"),
    ],
)
def test_the_end_of_a_buttons_address(address, value, sent):
    template = made(body("Hi"), buttons(url(address)))
    made_button = render(template, {"button.url": value}, [])["template"]["components"][0]
    assert made_button == {
        "type": "button",
        "sub_type": "url",
        "index": "0",
        "parameters": [{"type": "text", "text": sent}],
    }


@pytest.mark.parametrize(
    ("address", "value", "code"),
    [
        ("https://a.example/{{1}}", "https://a.example/7", "url"),
        ("https://a.example{{1}}", "@evil.example", "url"),
        ("https://a.example{{1}}", ".evil.example/", "url"),
        ("https://a.example/{{1}}", "x" * 1983, "too_long"),
        ("https://a.example/{{1}}", "ü" * 400, "too_long"),
        ("https://a.example/{{1}}", "a\nb", "newline"),
    ],
)
def test_an_address_that_would_break_is_refused(address, value, code):
    with pytest.raises(Misfit) as refused:
        render(made(body("Hi"), buttons(url(address))), {"button.url": value}, [])
    assert (refused.value.code, refused.value.key) == (code, "button.url")


COUPON = made(body("Hi"), buttons({"type": "COPY_CODE", "example": "A"}))
CODE = made(body("*{{1}}* is your code."), buttons(url("https://w.example/{{1}}")), category="authentication")
PLACE = made({"type": "HEADER", "format": "LOCATION"}, body("Hi"))
OFFER = made(body("Hi"), {"type": "LIMITED_TIME_OFFER", "limited_time_offer": {"text": "x", "has_expiration": True}})
TITLE = made({"type": "HEADER", "format": "TEXT", "text": "On {{1}}"}, body("Hi"))


@pytest.mark.parametrize(
    ("template", "values", "payloads", "code"),
    [
        (COUPON, {"button.copy_code": "A" * 16}, [], "too_long"),
        (COUPON, {"button.copy_code": "A B"}, [], "coupon"),
        (CODE, {"1": "1" * 16}, [], "too_long"),
        (CODE, {"1": "evil.example/x"}, [], "code"),
        (PLACE, {"header.latitude": "91", "header.longitude": "0"}, [], "location"),
        (PLACE, {"header.latitude": "4,7", "header.longitude": "0"}, [], "location"),
        (OFFER, {"offer.expires": "tomorrow"}, [], "moment"),
        (OFFER, {"offer.expires": "2026-11-29T10:00:00"}, [], "moment"),
        (TITLE, {"header.1": "x" * 58}, [], "too_long"),
        (made(body("Hi"), buttons(REPLY)), {}, ["x" * 129], "too_long"),
        (made(body("Hi"), buttons(REPLY)), {}, [""], "empty"),
        (TEXT, {}, [], "missing"),
        (TEXT, {"1": "a", "2": "b"}, [], "extra"),
        (made(body("Hi")), {}, ["yes"], "buttons"),
        (made(body("Hi"), {"type": "CAROUSEL", "cards": [{"components": [body("{{1}} " + "x" * 150)]}]}),
         {"card.0.1": "y" * 10}, [], "too_long"),
    ],
)  # fmt: skip
def test_every_kind_of_value_has_its_limits(template, values, payloads, code):
    with pytest.raises(Misfit) as refused:
        render(template, values, payloads)
    assert refused.value.code == code


def test_an_optional_value_that_is_empty_is_left_out():
    template = made({"type": "HEADER", "format": "DOCUMENT"}, body("Hi"))
    sent = render(template, {"header.document": "123456", "header.filename": " "}, [])
    assert sent["template"]["components"][0]["parameters"][0]["document"] == {"id": "123456"}


# ---- reading and comparing ---------------------------------------------------------------------------------------
def test_from_graph_speaks_our_words():
    item = {
        "id": 7, "name": "a", "language": "en-US", "status": "approved", "category": "UTILITY",
        "parameter_format": "NAMED", "components": [body("Hi"), "junk"], "rejected_reason": "NONE",
        "quality_score": {"score": "GREEN", "date": 1}, "previous_category": "MARKETING",
    }  # fmt: skip
    assert from_graph(item) == Template(
        name="a", language="en_US", status="APPROVED", category="utility", format="named", components=(body("Hi"),),
        id="7", quality="GREEN", previous_category="marketing", reason="",
    )  # fmt: skip


def test_languages_that_take_the_same_are_compatible():
    one, other = (
        made(body(text), buttons(REPLY), language=code) for code, text in (("en", "Hi {{1}}."), ("es", "Hola {{1}}."))
    )
    assert compatible([one, other]) == compatible([]) == []


def test_languages_that_differ_are_named():
    one = made(body("Hi {{1}} and {{2}}."), buttons(REPLY), language="en")
    other = made(body("Hola {{1}}."), language="es")
    assert [(found.key, found.text) for found in compatible([one, other])] == [
        ("es", "`t` takes `2` in en, and not in es."),
        ("es", "`t` has 1 quick replies in en, and 0 in es."),
    ]


def test_a_misfit_is_a_value():
    one = Misfit("missing", "a", "text", "hint")
    assert one == Misfit("missing", "a", "text", "hint")
    assert one != Misfit("extra", "a", "text", "hint")
    assert len({one, Misfit("missing", "a", "text", "hint")}) == 1


# ---- properties --------------------------------------------------------------------------------------------------
names = st.text(string.ascii_lowercase + "_", min_size=1, max_size=8)
words = st.sampled_from(["Hello", "dear", "friend,", "see", "you.", "{{", "}}"])


@st.composite
def texts(draw, named: bool, most: int = 4) -> str:
    params = (
        draw(st.lists(names, max_size=most, unique=True))
        if named
        else [str(n + 1) for n in range(draw(st.integers(0, most)))]
    )
    return " ".join(["Hi", *(f"{draw(words)} {{{{{name}}}}} and" for name in params), "bye"])


@st.composite
def templates(draw) -> Template:
    named = draw(st.booleans())
    components = []
    header = draw(st.sampled_from(["", "TEXT", "IMAGE", "VIDEO", "DOCUMENT", "LOCATION"]))
    if header == "TEXT":
        components.append({"type": "HEADER", "format": "TEXT", "text": draw(texts(named, 1))})
    elif header:
        components.append({"type": "HEADER", "format": header})
    components.append(body(draw(texts(named))))
    kinds = draw(
        st.lists(st.sampled_from(["QUICK_REPLY", "URL", "FIXED", "COPY_CODE", "FLOW", "PHONE_NUMBER"]), max_size=6)
    )
    addresses = {"URL": "https://e.example/{{1}}", "FIXED": "https://e.example/"}
    found = [
        {"type": "URL" if kind in addresses else kind, "text": kind, "url": addresses.get(kind, "")} for kind in kinds
    ]
    components += [buttons(*found)] if found else []
    return made(*components, format="named" if named else "positional")


def accepted(template: Template, sent: dict) -> str:
    """What a stand-in for Graph, which knows nothing of this code, makes of it."""
    shown = {"name": template.name, "status": template.status, "parameter_format": template.format.upper(),
             "components": list(template.components)}  # fmt: skip
    return sandbox.check(shown, sent["template"].get("components", []))


@given(templates())
def test_what_is_rendered_graph_takes(template):
    values = fit_example(template)
    assert misfits(template, values.keys(), 0) == []
    for payloads in ([], [f"id{n}" for n in range(len(labels(template)))]):
        read = accepted(template, render(template, values, payloads))
        assert read in preview(template, values)


@given(templates(), st.data())
def test_whatever_the_values_graph_takes_it_or_we_refuse_it(template, data):
    wanted = [need.key for need in needs(slots(template))]
    keys = data.draw(st.lists(st.sampled_from(wanted), unique=True)) if wanted else []
    extra = data.draw(st.lists(st.sampled_from(["1", "2", "a", "header.1", "button.0", "button.url"]), max_size=2))
    value = st.one_of(st.just("https://example.com/a"), st.just("12"), st.text(max_size=40), st.text(min_size=1000))
    values = {key: data.draw(value) for key in {*keys, *extra}}
    try:
        sent = render(template, values, data.draw(st.lists(st.text(max_size=5), max_size=3)))
    except Misfit as misfit:
        assert misfit.text and misfit.code and misfit.key  # noqa: PT017, PT018
        return
    json.dumps(sent, ensure_ascii=False).encode()
    accepted(template, sent)


def test_the_stand_in_does_refuse():
    """The oracle of the two properties above is awake."""
    with pytest.raises(GraphError):
        accepted(TEXT, {"template": {"components": []}})


KEYS = (
    "type", "text", "format", "buttons", "url", "example", "cards", "components", "limited_time_offer", "header_handle",
    "body_text", "has_expiration", "phone_number", "code_expiration_minutes", "flow_id", "otp_type",
)  # fmt: skip
PARTS = st.sampled_from(["HEADER", "body", "Footer", "BUTTONS", "CAROUSEL", "LIMITED_TIME_OFFER", "OTHER"])
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.just("{{1}}"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5),
    max_leaves=20,
)
strange = st.builds(
    lambda kind, rest: {**rest, "type": kind}, PARTS, st.dictionaries(st.sampled_from(KEYS), json_values)
)


@given(st.lists(strange, max_size=5), st.sampled_from(["marketing", "authentication", "x"]))
def test_no_shape_of_a_template_breaks_the_reader(components, category):
    item = {"name": "t", "language": "en", "category": category, "components": components}
    template = from_graph(item)
    slots(template)
    misfits(template, {"1", "header.1"}, 1)
    preview(template, fit_example(template))
    compatible([template, TEXT])
    assert all(isinstance(one, Misfit) for one in rules(item))
