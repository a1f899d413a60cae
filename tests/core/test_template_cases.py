"""Templates as Graph lists them, and the exact message that fills each: one JSON file per kind of component."""

import json
from pathlib import Path

import pytest

from connector.core.template import fit_example, from_graph, labels, preview, render, rules, slots
from connector.core.template.slots import needs

CASES = sorted((Path(__file__).parent / "templates").glob("*.json"))


@pytest.fixture(params=CASES, ids=lambda path: path.stem)
def case(request):
    return json.loads(request.param.read_text("utf-8"))


def test_the_message_is_exactly_what_graph_takes(case):
    assert render(from_graph(case["template"]), case["values"], case["payloads"]) == case["graph"]


def test_the_preview_is_what_a_customer_reads(case):
    assert preview(from_graph(case["template"]), case["values"]) == case["preview"]


def test_a_template_can_be_filled_from_its_own_examples(case):
    template = from_graph(case["template"])
    values = fit_example(template)
    assert set(values) == {need.key for need in needs(slots(template)) if need.required}
    assert render(template, values, labels(template))["template"]["name"] == template.name


def test_what_meta_approved_breaks_no_rule(case):
    """An approved authentication template shows Meta's own text, which a new one must not bring."""
    found = {misfit.code for misfit in rules(case["template"])}
    assert found <= ({"authentication"} if case["template"]["category"] == "AUTHENTICATION" else {"language"})


def test_there_is_a_case_for_every_kind():
    kinds = set()
    for path in CASES:
        template = from_graph(json.loads(path.read_text("utf-8"))["template"])
        found = slots(template)
        for part in (found, *found.cards):
            kinds |= {part.header, *(one.kind for one in part.buttons)} | ({"cards"} if found.cards else set())
            kinds |= {"offer"} if part.offer else set()
    assert kinds >= {
        "", "text", "image", "video", "document", "location", "quick_reply", "url", "copy_code", "flow", "otp",
        "phone_number", "catalog", "request_contact_info", "cards", "offer",
    }  # fmt: skip
