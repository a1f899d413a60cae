"""The house rules that a machine can check: who may import whom, and how long things get."""

import ast
import subprocess
import sys
from pathlib import Path

import click

from connector.cli import COMMANDS, main

ROOT = Path(__file__).parents[1]
GENERATED = ROOT / "connector/store/migrations/versions"
SOURCES = [path for path in sorted((ROOT / "connector").rglob("*.py")) if not path.is_relative_to(GENERATED)]
LONGEST_FILE = 350  # lines; 300 is the aim
LONGEST_FUNCTION = 50
LONGER = {"connector/store/tables.py": "one table after the other: to be read in one place"}


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
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef) and (node.end_lineno or 0) - node.lineno >= LONGEST_FUNCTION
    ]
    assert long == []


def test_every_command_of_the_help_can_be_loaded():
    with click.Context(main) as ctx:
        found = {name: main.get_command(ctx, name) for name in COMMANDS}
    assert [name for name, command in found.items() if command is None or not command.help] == []
