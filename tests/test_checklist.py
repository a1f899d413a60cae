"""docs/security-checklist.md: every line names a test that is there; a line without one is a wish."""

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/security-checklist.md"
FEWEST = 60
LINE = re.compile(r"\| (?P<asvs>[^|]+) \| (?P<requirement>[^|]+) \| (?P<how>[^|]+) \| (?P<test>[^|]+) \|")
NUMBER = re.compile(r"\d{1,2}\.\d{1,2}\.\d{1,2}")
TEST = re.compile(r"`(tests/[\w/.-]+\.py)::(\w+)(?:::(\w+))?`")


def lines(text):
    """(line number, its four cells) of every row of the tables; a row of another shape has None."""
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("|") and not re.match(r"\|[\s:|-]+\|$", line) and not line.startswith("| ASVS"):
            yield number, LINE.fullmatch(line)


@cache
def names(path):
    """The tests of a file: functions, and methods as Class::name."""
    found = set()
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.ClassDef):
            found |= {f"{node.name}::{inner.name}" for inner in node.body if isinstance(inner, ast.FunctionDef)}
    return frozenset(found)


def problems(text):
    """What is wrong with the page, line by line."""
    seen = 0
    for number, row in lines(text):
        if row is None:
            yield f"line {number}: a row has four cells: ASVS number, requirement, how, test"
            continue
        seen += 1
        for one in row["asvs"].split(","):
            if one.strip() != "-" and not NUMBER.fullmatch(one.strip()):
                yield f"line {number}: {one.strip()!r} is no number of ASVS 5.0; write - where there is none"
        tests = TEST.findall(row["test"])
        if not tests or TEST.sub("", row["test"]).strip(" ,"):
            yield f"line {number}: name its tests as `tests/file.py::test_name`, and nothing else"
        for path, name, method in tests:
            wanted = f"{name}::{method}" if method else name
            if not (ROOT / path).is_file():
                yield f"line {number}: there is no {path}"
            elif wanted not in names(path) or not (method or name).startswith("test_"):
                yield f"line {number}: {path} has no test {wanted}"
    if seen < FEWEST:
        yield f"{seen} lines; {FEWEST} at least"


def test_every_line_of_the_checklist_names_a_test_that_is_there():
    assert list(problems(PAGE.read_text("utf-8"))) == []


def test_a_line_without_a_test_or_with_one_that_is_gone_is_told():
    here = "tests/test_checklist.py::test_every_line_of_the_checklist_names_a_test_that_is_there"
    good = f"| 1.2.3 | a | b | `{here}` |\n" * FEWEST
    assert list(problems(good)) == []
    wrong = {
        "| 1.2.3 | a | b |  |": "a row has four cells",
        "| 1.2.3 | a | b | - |": "name its tests",
        "| 1.2.3 | a | b | by hand |": "name its tests",
        f"| 1.2.3 | a | b | `{here}` and by hand |": "name its tests",
        "| 1.2.3 | a | b | `tests/no_such.py::test_x` |": "there is no tests/no_such.py",
        "| 1.2.3 | a | b | `tests/test_checklist.py::test_gone` |": "has no test test_gone",
        "| 1.2.3 | a | b | `tests/test_checklist.py::problems` |": "has no test problems",
        f"| V1 | a | b | `{here}` |": "is no number",
        "| 1.2.3 | a | b | c | d |": "a row has four cells",
    }
    for line, said in wrong.items():
        (found,) = problems(good + line)
        assert said in found
    assert next(problems("")) == f"0 lines; {FEWEST} at least"


def test_a_number_stands_in_the_page_for_one_requirement_only_once_per_test():
    seen = {}
    for number, row in lines(PAGE.read_text("utf-8")):
        assert row is not None
        key = (row["asvs"].strip(), row["test"].strip())
        assert key not in seen, f"line {number} says the same as line {seen[key]}"
        seen[key] = number
