"""The shipped examples, and the docs that are generated."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ruamel.yaml import YAML

from connector.core import documents
from connector.core.documents import MappingDocument, check, check_together, json_schema, read, reference, run_tests
from connector.core.events import MESSAGE_TYPES

ROOT = Path(__file__).parents[3]
EXAMPLES = [*sorted((ROOT / "mappings").glob("*.yaml")), *sorted(Path(__file__).with_name("payloads").glob("*.yaml"))]
TEXTS = {path.stem: path.read_text(encoding="utf-8") for path in EXAMPLES}
GENERATED = {
    "mapping-reference.md": reference,
    "mapping.schema.json": lambda: json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n",
}


@pytest.mark.parametrize("name", TEXTS)
def test_examples_are_right_and_pass_their_tests(name: str) -> None:
    assert check(TEXTS[name], schema=None) == []
    found = run_tests(read(TEXTS[name]))
    assert len(found) >= 2
    assert [r for r in found if not r.passed] == []


@pytest.mark.parametrize("name", TEXTS)
def test_every_example_shows_what_is_held_back_and_what_a_person_decides(name: str) -> None:
    document = read(TEXTS[name])
    outcomes = {t.expect.get("outcome") for t in document.tests}
    if isinstance(document, MappingDocument):
        assert any("unchanged" in t.expect.values() for t in document.tests)
    elif document.kind == "flow":
        ends = {t.expect.get("end") for t in document.tests}
        assert {"opted_out", "handed_over"} <= ends
        assert len(ends) >= 4
    else:
        assert "sends" in outcomes
        assert outcomes & {"waits", "refused", "no_match"}
        assert any(key.startswith("after.failed.") for t in document.tests for key in t.expect)


def test_the_shipped_mappings_show_what_goes_to_a_person() -> None:
    asking = [
        name for name, text in TEXTS.items() if any(t.expect.get("outcome") == "review" for t in read(text).tests)
    ]
    assert len(asking) >= 4


def test_the_examples_show_button_list_text_and_form_on_both_crms() -> None:
    shipped = [read(text) for name, text in TEXTS.items() if (ROOT / "mappings" / f"{name}.yaml").exists()]
    mappings = [d for d in shipped if isinstance(d, MappingDocument)]
    assert {kind for d in mappings for kind in d.types} >= {"button", "list", "text", "form"}
    assert {d.crm for d in shipped} == {"hubspot", "salesforce"}
    assert check_together(shipped) == []
    assert [d.name for d in shipped] == [path.stem for path in EXAMPLES if path.parent.name == "mappings"]


@pytest.mark.parametrize("name", GENERATED)
def test_generated_docs_are_fresh(name: str) -> None:
    fresh = (ROOT / "docs" / name).read_text(encoding="utf-8") == GENERATED[name]()
    assert fresh, f"docs/{name} is stale: python -m tests.core.documents.write_docs"


def words(text: str) -> Any:
    return YAML(typ="safe", pure=True).load(text)


@cache
def validator() -> jsonschema.Draft202012Validator:
    """Of the schema that editors are given, itself valid."""
    jsonschema.Draft202012Validator.check_schema(json_schema())
    return jsonschema.Draft202012Validator(json_schema())


@pytest.mark.parametrize("name", TEXTS)
def test_the_json_schema_takes_the_examples(name: str) -> None:
    validator().validate(json.loads(json.dumps(words(TEXTS[name]), default=str)))


@pytest.mark.parametrize(
    "change",
    [
        {"when": {}},
        {"log": "all"},
        {"mappings": "x"},
        {"set": {"x": {"frm": "answer.id"}}},
        {"when": {"answer_to": "t", "type": "buton"}},
    ],
)
def test_the_json_schema_refuses_what_we_refuse(change: dict[str, Any]) -> None:
    right = {"mapping": "a", "crm": "b", "when": {"answer_to": "t"}, "set": {"x": "y"}}
    validator().validate(right)
    with pytest.raises(jsonschema.ValidationError):
        validator().validate(right | change)


@pytest.mark.parametrize(
    "change",
    [
        {"when": {"deal.stage": "won"}},
        {"when": {"dealstage": {"becomes": "won"}}},
        {"when": {"deal.stage": {"becoms": "won"}}},
        {"guard": {"quiet_hours": {}}},
        {"guard": {"consent": "always"}},
        {"after": {"delivred": {}}},
        {"template": None},
        {"with": ["a"]},
    ],
)
def test_the_json_schema_refuses_what_we_refuse_in_a_send(change: dict[str, Any]) -> None:
    right = {"send": "a", "crm": "b", "when": {"deal.stage": {"becomes": "won"}}, "to": "deal.contact", "template": "t"}
    for when in ({"deal.stage": "changes"}, {"deal.stage": {"changes": None}}, {"contact.created": None}):
        validator().validate(right | {"when": when})
    with pytest.raises(jsonschema.ValidationError):
        validator().validate(right | change)


def test_every_word_is_documented() -> None:
    text = reference()
    for schema in json_schema()["$defs"].values():
        assert schema["description"]
        for word, told in schema["properties"].items():
            assert told["description"], word
            assert f"`{word}`" in text
    assert all(f"`{kind}`" in text for kind in MESSAGE_TYPES)


@pytest.mark.parametrize(("number", "kind"), [(1, "mapping"), (2, "send"), (3, "flow")])
def test_the_reference_holds_right_examples(number: int, kind: str) -> None:
    text = reference().split("```yaml\n")[number].split("```")[0]
    assert check(text, schema=None) == []
    assert read(text).kind == kind
    assert all(r.passed for r in run_tests(read(text)))


def test_the_public_names_exist() -> None:
    assert all(hasattr(documents, name) for name in documents.__all__)
