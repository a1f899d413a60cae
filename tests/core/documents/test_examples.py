"""The shipped examples, and the docs that are generated."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ruamel.yaml import YAML

from connector.core import documents
from connector.core.documents import check, check_together, json_schema, read, reference, run_tests
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
    assert len(found) >= 3
    assert [r for r in found if not r.passed] == []


@pytest.mark.parametrize("name", TEXTS)
def test_every_example_shows_what_is_kept_and_what_a_person_decides(name: str) -> None:
    tests = read(TEXTS[name]).tests
    assert any("unchanged" in t.expect.values() for t in tests)
    assert any(t.expect.get("outcome") == "review" for t in tests)


def test_the_examples_show_button_list_text_and_form_on_both_crms() -> None:
    shipped = [read(text) for name, text in TEXTS.items() if (ROOT / "mappings" / f"{name}.yaml").exists()]
    assert {kind for d in shipped for kind in d.types} >= {"button", "list", "text", "form"}
    assert {d.crm for d in shipped} == {"hubspot", "salesforce"}
    assert check_together(shipped) == []
    assert [d.name for d in shipped] == [path.stem for path in EXAMPLES if path.parent.name == "mappings"]


@pytest.mark.parametrize("name", GENERATED)
def test_generated_docs_are_fresh(name: str) -> None:
    fresh = (ROOT / "docs" / name).read_text(encoding="utf-8") == GENERATED[name]()
    assert fresh, f"docs/{name} is stale: python -m tests.core.documents.write_docs"


def words(text: str) -> Any:
    return YAML(typ="safe", pure=True).load(text)


@pytest.mark.parametrize("name", TEXTS)
def test_the_json_schema_takes_the_examples(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema())
    jsonschema.validate(json.loads(json.dumps(words(TEXTS[name]), default=str)), json_schema())


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
    jsonschema.validate(right, json_schema())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(right | change, json_schema())


def test_every_word_is_documented() -> None:
    text = reference()
    for schema in json_schema()["$defs"].values():
        assert schema["description"]
        for word, told in schema["properties"].items():
            assert told["description"], word
            assert f"`{word}`" in text
    assert all(f"`{kind}`" in text for kind in MESSAGE_TYPES)


def test_the_reference_holds_a_right_example() -> None:
    text = reference().split("```yaml\n")[1].split("```")[0]
    assert check(text, schema=None) == []
    assert all(r.passed for r in run_tests(read(text)))


def test_the_public_names_exist() -> None:
    assert all(hasattr(documents, name) for name in documents.__all__)
