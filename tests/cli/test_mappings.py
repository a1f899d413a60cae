"""connector mappings: a folder of documents is checked, tested, published, pulled and compared."""

import json
from datetime import UTC, datetime

import pytest

from connector.core import documents as language
from connector.store import documents as rows
from tests.cli.conftest import EXAMPLES

GOOD = """\
mapping: every-text
crm: hubspot
when: {answer_to: anything, type: text}
contact: {find_by: [whatsapp, phone], if_missing: create, if_several: review}
set:
  whatsapp_last_answer: "{{ answer.text }}"
tests:
  - name: what was said
    given: {answer.text: hello}
    expect: {whatsapp_last_answer: hello}
"""
TYPO = GOOD.replace("every-text", "typo").replace("whatsapp_last_answer:", "whatsapp_last_anwser:")
FAILING = GOOD.replace("every-text", "failing").replace(
    "expect: {whatsapp_last_answer: hello}", "expect: {whatsapp_last_answer: bye}"
)
SHIPPED = sorted(path.stem for path in EXAMPLES.glob("*.yaml"))


@pytest.fixture
def docs(cli):
    """./mappings with one good document."""
    path = cli.cwd / "mappings"
    path.mkdir()
    (path / "every-text.yaml").write_text(GOOD)
    return path


def live(house):
    """{name: (version, text, author)} of what is live."""
    with house.app.store.read() as conn:
        return {row.name: (row.n, row.text, row.author) for row in rows.live(conn)}


def by_somebody_else(house, text):
    """A version that another person published."""
    document = language.read(text)
    with house.app.store.write() as conn:
        rows.publish(conn, document.kind, document.name, text, "Paula in the console", datetime.now(UTC))


def test_the_shipped_documents_pass_their_own_tests_without_account_or_database(cli, folder):
    nothing = {
        "DATABASE_URL": "postgresql://nobody:a-secret-of-mine@127.0.0.1:1/none",
        "CONNECTOR_HOME": "/dev/null/none",
    }
    results = cli("mappings", "test", "--json", **nothing).json
    assert [list(r) for r in results] == [["path", "line", "name", "passed", "message"]] * len(results)
    assert {r["path"] for r in results} == {f"mappings/{name}.yaml" for name in SHIPPED}
    assert all(r["passed"] for r in results)
    assert len(results) == sum(path.read_text().count("expect:") for path in folder.glob("*.yaml"))
    assert f"{len(results)} passed, 0 failed." in cli("mappings", "test", **nothing).out


def test_a_failing_test_is_a_finding_with_its_line(cli, docs):
    (docs / "failing.yaml").write_text(FAILING)
    results = cli("mappings", "test", "--json", code=1).json
    assert [(r["path"], r["line"], r["passed"]) for r in results] == [
        ("mappings/every-text.yaml", 8, True), ("mappings/failing.yaml", 8, False),
    ]  # fmt: skip
    assert "FAIL mappings/failing.yaml:8 what was said" in cli("mappings", "test", code=1).out


def test_check_tells_path_line_column_and_what_to_write(cli, docs, house):
    assert cli("mappings", "check", "--json").json == []
    (docs / "tab.yml").write_text("mapping: t\n\tcrm: hubspot\n")
    (docs / "word.yaml").write_text(GOOD.replace("every-text", "word").replace("when:", "wehn:"))
    found = cli("mappings", "check", "--json", code=1).json
    assert all(list(f) == ["path", "line", "column", "code", "message", "hint"] for f in found)
    assert {f["path"]: f["line"] for f in found}["mappings/tab.yml"] == 2
    word = next(f for f in found if (f["path"], f["line"], f["column"]) == ("mappings/word.yaml", 3, 1))
    assert "Did you mean 'when'" in word["hint"]
    assert f"mappings/word.yaml:3:1: {word['message']}" in cli("mappings", "check", "mappings/word.yaml", code=1).out


def test_check_knows_which_crm_is_connected(cli, docs, house):
    (docs / "every-text.yaml").write_text(GOOD.replace("crm: hubspot", "crm: hubspott"))
    said = cli("mappings", "check", code=1)
    assert "There is no account named 'hubspott'. Write hubspot" in said.out
    assert "1 document, 1 finding." in said.out


def test_push_reads_the_crms_fields_and_refuses_a_typo_with_the_line(cli, docs, house):
    (docs / "typo.yaml").write_text(TYPO)
    said = cli("mappings", "push", code=1).err
    assert "mappings/typo.yaml:6:3: There is no field 'whatsapp_last_anwser' on contacts." in said
    assert "Did you mean 'whatsapp_last_answer'" in said
    assert "Nothing was published." in said
    assert live(house) == {}
    found = cli("mappings", "check", "--json", code=1).json  # now the fields are known without asking the CRM
    assert [(f["path"], f["line"], f["code"]) for f in found] == [("mappings/typo.yaml", 6, "unknown_field")]


def test_push_publishes_and_the_same_again_is_unchanged(cli, folder, house):
    first = cli("mappings", "push", "mappings", "--json").json
    assert [(d["name"], d["did"], d["version"]) for d in first] == [(name, "published", 1) for name in SHIPPED]
    again = cli("mappings", "push", "mappings", "--json").json
    assert {(d["did"], d["version"]) for d in again} == {("unchanged", 1)}
    assert "nps-answer: unchanged" in cli("mappings", "push").out
    assert {name: n for name, (n, _, _) in live(house).items()} == dict.fromkeys(SHIPPED, 1)


@pytest.mark.parametrize(
    "text, why",
    [
        (FAILING, "the test 'what was said' fails"),
        (GOOD.replace("crm: hubspot", "crm: nobody").replace("every-text", "b"), "no account named 'nobody'"),
        (GOOD, "Two documents are called 'every-text'"),
        ("- a\n- b\n", ":1:"),
    ],
)
def test_one_bad_document_publishes_none(cli, docs, house, text, why):
    (docs / "b.yaml").write_text(text)
    assert why in cli("mappings", "push", code=1).err
    assert live(house) == {}


def test_a_live_version_of_somebody_else_is_not_overwritten_unseen(cli, docs, house):
    theirs = GOOD.replace("set:", "about: Paula's.\nset:")
    by_somebody_else(house, theirs)
    (docs / "another.yaml").write_text(GOOD.replace("every-text", "another"))
    said = cli("mappings", "push", code=1).out
    assert "every-text: refused" in said
    assert "by Paula in the console" in said
    assert set(live(house)) == {"every-text"}  # all or none
    assert live(house)["every-text"][1] == theirs
    assert {d["did"] for d in cli("mappings", "push", "--force", "--json").json} == {"published"}
    assert live(house)["every-text"][1] == GOOD


def test_pull_then_push_works_and_only_over_what_was_pulled(cli, docs, house):
    theirs = GOOD.replace("set:", "about: Paula's, with a 🎉.\nset:")
    by_somebody_else(house, theirs)
    assert "every-text.yaml: version 1" in cli("mappings", "pull").out
    assert (docs / "every-text.yaml").read_text() == theirs
    assert cli("mappings", "diff").out == ""
    (docs / "every-text.yaml").write_text(GOOD)
    assert cli("mappings", "push", "--json").json[0]["did"] == "published"
    by_somebody_else(house, theirs)
    (docs / "every-text.yaml").write_text(GOOD + "\n")
    assert cli("mappings", "push", "--json", code=1).json[0]["did"] == "refused"


def test_pull_into_a_new_folder(cli, docs, house):
    cli("mappings", "push")
    cli("mappings", "pull", "other/place")
    assert (cli.cwd / "other/place/every-text.yaml").read_text() == GOOD
    assert set(json.loads((cli.cwd / "other/place/.connector-pulled.json").read_text())) == {"every-text"}
    (cli.cwd / "other/place/every-text.yaml").write_text(GOOD + "\n")
    assert cli("mappings", "push", "other/place", "--json").json[0]["did"] == "published"


def test_a_folder_that_never_saw_the_live_version_is_refused(cli, docs, house):
    cli("mappings", "push")
    (docs / "every-text.yaml").write_text(GOOD + "\n")
    assert cli("mappings", "push", "--json").json[0]["did"] == "published"  # its own work
    (cli.cwd / "elsewhere").mkdir()
    (cli.cwd / "elsewhere/every-text.yaml").write_text(GOOD + "\n\n")
    assert cli("mappings", "push", "elsewhere", "--json", code=1).json[0]["did"] == "refused"


def test_a_draft_is_stored_and_not_live(cli, docs, house):
    assert cli("mappings", "push", "--draft", "--json").json[0]["did"] == "draft"
    assert live(house) == {}
    assert cli("mappings", "push", "--draft", "--json").json[0]["did"] == "unchanged"
    assert cli("mappings", "push", "--json").json[0]["did"] == "published"


def test_diff_tells_what_differs_by_its_exit_code(cli, docs, house):
    cli("mappings", "push")
    assert cli("mappings", "diff").out == ""
    (docs / "every-text.yaml").write_text(GOOD.replace("if_missing: create", "if_missing: skip"))
    said = cli("mappings", "diff", code=1).out
    assert "-contact: {find_by: [whatsapp, phone], if_missing: create" in said
    assert "+contact: {find_by: [whatsapp, phone], if_missing: skip" in said
    (docs / "every-text.yaml").write_text("not: [a document")
    broken = cli("mappings", "diff", code=1)
    assert "every-text.yaml is left out" in broken.err
    assert "-mapping: every-text" in broken.out


def test_a_crm_that_is_away_publishes_nothing(cli, docs, house):
    house.sandbox.faults({"route": "* /hubspot/*", "kind": "down"})
    assert "HubSpot" in cli.refused("mappings", "push")
    assert live(house) == {}


def test_files_that_cannot_be_read_are_wrong_use(cli, docs, house):
    (docs / "latin.yaml").write_bytes("mapping: café\n".encode("latin-1"))
    for words in (("check",), ("pull",)):
        assert "latin.yaml is not UTF-8 text" in cli.refused("mappings", *words)
    (docs / "latin.yaml").unlink()
    (docs / "folder.yaml").mkdir()
    assert "Is a directory" in cli.refused("mappings", "check")
    (docs / "folder.yaml").rmdir()
    (docs / ".connector-pulled.json").write_text('["damaged"]')
    assert "is damaged" in cli.refused("mappings", "push")
    (cli.cwd / "empty").mkdir()
    for words in (("test", "empty"), ("push", "empty")):
        assert "no document" in cli.refused("mappings", *words)
    for words in (("push", "none"), ("diff", "none")):
        assert "There is no file or folder none." in cli.refused("mappings", *words)
    assert "Not a directory" in cli.refused("mappings", "pull", "mappings/every-text.yaml/x")
