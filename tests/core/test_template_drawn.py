"""A message as a phone draws it, and a template as a form holds it: there and back without a loss."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connector.core.template import draw, draw_body, fit_example, from_graph, preview, render, rules, values_of
from connector.core.template.draft import Button, Draft, from_template, to_graph
from connector.sandbox.graph import templates as sandbox
from tests.core.template_parts import body, buttons, made, url

QUOTE = made(
    {"type": "HEADER", "format": "DOCUMENT"},
    body("Dear {{first_name}}, the sum is {{amount}} in all."),
    {"type": "FOOTER", "text": "Bye"},
    buttons({"type": "QUICK_REPLY", "text": "Yes"}, url("https://example.com/q/{{1}}")),
    format="named",
)
VALUES = {"header.document": "https://example.com/a.pdf", "header.filename": "a.pdf", "first_name": "Ana",
          "amount": "5", "button.1": "7"}  # fmt: skip


def text(pieces) -> str:
    return "".join(piece.text for piece in pieces)


def test_values_stand_out_and_what_has_none_stays():
    drawn = draw(QUOTE, {"first_name": "Ana"})
    assert text(drawn.body) == "Dear Ana, the sum is {{amount}} in all."
    assert [(p.key, p.known) for p in drawn.body if p.key] == [("first_name", True), ("amount", False)]
    assert (drawn.media, drawn.foot) == ("document", "Bye")
    assert [(c.kind, c.label) for c in drawn.choices] == [("quick_reply", "Yes"), ("url", "Open")]


def test_a_frozen_message_gives_its_values_back():
    frozen = render(QUOTE, VALUES)
    found = {key: value for key, value in values_of(frozen, QUOTE).items() if value}
    assert found == VALUES
    drawn = draw(QUOTE, found)
    assert drawn.file == "a.pdf"
    assert drawn.choices[1].detail == "https://example.com/q/7"


SEEDED = [
    from_graph({**one, "language": language, "components": components, "status": "APPROVED"})
    for one in json.loads(Path(sandbox.__file__).with_name("templates.json").read_text(encoding="utf-8"))
    for language, components in one["languages"].items()
]


@pytest.mark.parametrize("template", SEEDED, ids=lambda t: f"{t.name}-{t.language}")
def test_every_template_of_the_sandbox_is_drawn_as_previewed(template):
    values = fit_example(template)
    drawn = draw(template, values)
    assert text(drawn.body) in preview(template, values)


@given(st.recursive(st.none() | st.booleans() | st.text(max_size=8) | st.integers(),
                    lambda x: st.lists(x, max_size=3) | st.dictionaries(
                        st.sampled_from(["type", "template", "components", "parameters", "text", "interactive", "body",
                                         "header", "action", "buttons", "reply", "image", "link", "cards"]), x,
                        max_size=4), max_leaves=12))  # fmt: skip
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_any_stored_body_can_be_drawn(found):
    stored = found if isinstance(found, dict) else {"type": "text", "text": found}
    draw_body(stored)
    values_of(stored, QUOTE)


def test_messages_that_are_no_template():
    asked = {"type": "interactive", "interactive": {"type": "button", "body": {"text": "Which?"}, "action": {
        "buttons": [{"type": "reply", "reply": {"id": "a", "title": "A"}}]}}}  # fmt: skip
    assert text(draw_body({"type": "text", "text": {"body": "Hi"}}).body) == "Hi"
    assert (text(draw_body(asked).body), draw_body(asked).choices[0].label) == ("Which?", "A")
    assert draw_body({"type": "image", "image": {"link": "https://e.com/a.png"}}).media == "image"


# ---- the form ----------------------------------------------------------------------------------------------------
FULL = Draft(
    name="table_ready", language="es", category="marketing", header="TEXT", header_text="Hola {{name}} hoy",
    header_example="Ana", body="Su mesa, {{name}}, para {{people}} ya está lista aquí.",
    examples={"name": "Ana", "people": "4"}, footer="Gracias",
    buttons=(Button("QUICK_REPLY", "Voy"), Button("URL", "Ver", "https://e.com/{{1}}", "https://e.com/7"),
             Button("PHONE_NUMBER", "Llamar", "+573001230001"), Button("COPY_CODE", example="PROMO10")),
)  # fmt: skip


@pytest.mark.parametrize(
    "draft",
    [FULL, Draft(name="t", language="en", body="Dear {{1}}, we owe you {{2}} now, all right?",
                 examples={"1": "Ana", "2": "5"})],
)  # fmt: skip
def test_a_form_comes_back_from_what_meta_stores(draft):
    sent = to_graph(draft)
    assert rules(sent) == []
    assert from_template(from_graph(sent)) == draft


def test_a_code_has_metas_own_text():
    sent = to_graph(Draft(name="code", language="en", category="authentication", minutes=5, advice=True))
    assert rules(sent) == []
    assert "verification code" in text(draw(from_graph(sent), {}).body)


def test_a_media_header_needs_its_handle():
    sent = to_graph(Draft(name="t", language="en", header="IMAGE", body="Hello you."))
    assert [found.code for found in rules(sent)] == ["example"]
    assert rules(to_graph(Draft(name="t", language="en", header="IMAGE", header_example="4::x", body="Hello."))) == []


def test_what_no_form_shows_is_not_offered_as_one():
    assert from_template(made(body("Hi."), {"type": "CAROUSEL", "cards": []})) is None
    assert from_template(made(body("Hi."), buttons({"type": "FLOW", "text": "x"}))) is None
