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
from connector.sandbox.graph import templates as sandbox
from connector.sandbox.graph.errors import GraphError
from tests.core.template_parts import REPLY, TEXT, body, buttons, made, url

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
