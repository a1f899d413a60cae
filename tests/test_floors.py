"""The house rules that a machine can check: who may import whom, and how long things get."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import click

from connector.cli import main
from connector.crm import KINDS, manifest

ROOT = Path(__file__).parents[1]
GENERATED = ROOT / "connector/store/migrations/versions"
SOURCES = [path for path in sorted((ROOT / "connector").rglob("*.py")) if not path.is_relative_to(GENERATED)]
LONGEST_FILE = 350  # lines; 300 is the aim
LONGEST_FUNCTION = 50
LONGER = {"connector/store/tables.py": "one table after the other: to be read in one place"}
CRMS = {kind: (ROOT / path.replace(".", "/"), manifest(kind)) for kind, path in KINDS.items()}
CRM_WORDS = {word.lower() for kind, (_, one) in CRMS.items() for word in (kind, one.title)}
# Where a CRM may be named besides: every other place asks its manifest.
NAMED = {
    "connector/crm/__init__.py": "the one line of each, in KINDS",
    "connector/core/documents/prose.py": "an example of the language, as a person writes it",
    "connector/core/documents/prose_flow.py": "the same",
    "connector/core/documents/prose_send.py": "the same",
}
WEB = ROOT / "connector/web"
SHOWN = [path for kind in ("html", "toml", "js", "css") for path in sorted(WEB.rglob(f"*.{kind}"))]


@cache
def tree(path: Path) -> ast.AST:
    return ast.parse(path.read_text("utf-8"))


def test_each_floor_imports_only_what_is_below():
    code = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports())"  # it turns our loggers off
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout + found.stderr


def test_files_stay_short():
    lengths = {str(path.relative_to(ROOT)): path.read_text("utf-8").count("\n") for path in SOURCES}
    assert {name: n for name, n in lengths.items() if n > LONGEST_FILE and name not in LONGER} == {}


def test_functions_stay_short():
    long = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
        for path in SOURCES
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef) and (node.end_lineno or 0) - node.lineno >= LONGEST_FUNCTION
    ]
    assert long == []


def test_every_command_of_the_help_can_be_loaded():
    with click.Context(main) as ctx:
        found = {name: main.get_command(ctx, name) for name in main.list_commands(ctx)}
    assert [name for name, command in found.items() if command is None or not command.help] == []


# ---- a CRM's name only in its folder -----------------------------------------------------------------------------
def elsewhere(paths: list[Path]) -> list[Path]:
    """Those outside every CRM's folder and the sandbox, which plays them."""
    homes = [ROOT / "connector/sandbox", *(folder for folder, _ in CRMS.values())]
    return [p for p in paths if not any(map(p.is_relative_to, homes)) and str(p.relative_to(ROOT)) not in NAMED]


def said(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """(line, text) of every name and every text of a module but its docstrings."""
    told = {
        id(body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and (body := node.body)
        and isinstance(body[0], ast.Expr)
        and isinstance(body[0].value, ast.Constant)
    }
    for node in ast.walk(tree):
        if id(node) not in told:
            texts = (getattr(node, name, None) for name in ("id", "attr", "arg", "name", "asname", "module", "value"))
            yield from ((getattr(node, "lineno", 0), text) for text in texts if isinstance(text, str))


def names_a_crm(text: str) -> bool:
    return any(word in text.lower() for word in CRM_WORDS)


def test_a_crm_is_named_only_in_its_folder():
    found = [
        f"{path.relative_to(ROOT)}:{line}: {text[:60]!r}"
        for path in elsewhere(SOURCES)
        for line, text in said(tree(path))
        if names_a_crm(text)
    ]
    assert found == []


def test_no_page_names_a_crm():
    found = [str(path.relative_to(ROOT)) for path in SHOWN if names_a_crm(path.read_text("utf-8"))]
    assert found == []


def test_what_looks_for_names_finds_them():
    """In every shape that code has: or the two tests above would be content with anything."""
    kind = next(iter(KINDS))
    shapes = (
        f"from connector.crm.{kind} import client", f"import connector.crm.{kind} as c", f"a = {kind!r}", f"{kind} = 1",
        f"a.{kind}", f"def {kind}(): ...", f"class {kind.title()}: ...", f"f({kind}=1)", f"def f({kind}): ...",
        f"import a as {kind}", f"a = f'the {kind} {{a}}'", f"match a:\n    case {kind!r}: ...",
    )  # fmt: skip
    assert [shape for shape in shapes if not any(names_a_crm(text) for _, text in said(ast.parse(shape)))] == []
    assert not any(names_a_crm(text) for _, text in said(ast.parse(f'def f():\n    """As {kind} does."""')))


def test_what_may_name_a_crm_still_does():
    assert [name for name in NAMED if not names_a_crm((ROOT / name).read_text("utf-8"))] == []
