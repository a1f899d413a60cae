"""What pages are written with: every word in three languages, every drawing in the sprite, nothing that runs."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from string import Formatter

import jinja2
import pytest
from jinja2 import nodes

from connector import crm
from connector.web import words

WEB = Path(words.__file__).parents[1]
TEMPLATES = sorted((WEB / "templates").rglob("*.html"))
SAYERS = {"t", "say"}  # functions that take a key of the catalogue


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def named(path: Path) -> str:
    return str(path.relative_to(WEB))


@cache
def parsed(path: Path) -> nodes.Template:
    return jinja2.Environment(autoescape=True).parse(read(path))


# ---- which words are asked for -----------------------------------------------------------------------------------
def asked(of: Path) -> list[tuple[str, bool, set[str] | None]]:
    """(key, whole, names given) of every call of t: a key in pieces is known by its beginning; None = any names."""
    return list(_asked_by_page(parsed(of)) if of.suffix == ".html" else _asked_by_code(ast.parse(read(of))))


def _asked_by_page(tree: nodes.Template) -> Iterator[tuple[str, bool, set[str] | None]]:
    scripts = {c for one in tree.find_all(nodes.Filter) if one.name == "tojson" for c in one.find_all(nodes.Call)}
    for call in tree.find_all(nodes.Call):
        if isinstance(call.node, nodes.Name) and call.node.name == "t" and call.args:
            handed_on = call.dyn_kwargs or call in scripts  # a script fills it in
            given = None if handed_on else {one.key for one in call.kwargs}
            yield from ((key, whole, given) for key, whole in _page_keys(call.args[0]))


def _page_keys(node: nodes.Node) -> Iterator[tuple[str, bool]]:
    if isinstance(node, nodes.Const):
        yield node.value, True
    elif isinstance(node, nodes.CondExpr):
        yield from _page_keys(node.expr1)
        yield from _page_keys(node.expr2)
    elif isinstance(node, nodes.Concat):
        yield from _begun(node.nodes)
    elif isinstance(node, nodes.Add):
        yield from ((key, False) for key, _ in _page_keys(node.left))


def _begun(pieces: list[nodes.Node]) -> Iterator[tuple[str, bool]]:
    yield from ((key, False) for key, _ in _page_keys(pieces[0]))


def _asked_by_code(tree: ast.AST) -> Iterator[tuple[str, bool, set[str] | None]]:
    for call in ast.walk(tree):
        if not isinstance(call, ast.Call) or not call.args:
            continue
        name = getattr(call.func, "id", getattr(call.func, "attr", ""))
        if name in SAYERS:
            given = None if any(one.arg is None for one in call.keywords) else {str(one.arg) for one in call.keywords}
            position = 1 if name == "say" and len(call.args) > 1 else 0
            yield from ((key, whole, given) for key, whole in _code_keys(call.args[position]))


def _code_keys(node: ast.AST) -> Iterator[tuple[str, bool]]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value, True
    elif isinstance(node, ast.IfExp):
        yield from _code_keys(node.body)
        yield from _code_keys(node.orelse)
    elif isinstance(node, ast.JoinedStr) and isinstance(node.values[0], ast.Constant):
        yield str(node.values[0].value), False
    elif isinstance(node, ast.BinOp):
        yield from ((key, False) for key, _ in _code_keys(node.left))


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


SOURCES = [*TEMPLATES, *sorted(path for path in WEB.rglob("*.py") if path.parent.name != "words")]


@pytest.mark.parametrize("source", SOURCES, ids=named)
def test_every_word_a_page_asks_for_is_written_and_gets_its_values(source):
    known = words.catalogue()
    wrong = []
    for key, whole, given in asked(source):
        if whole and key not in known and f"{key}.one" not in known:
            wrong.append(f"{key}: nobody wrote it")
        elif whole and given is not None and key in known:
            lacking = placeholders(known[key]["en"]) - given
            wrong += [f"{key}: {{{name}}} gets no value" for name in lacking]
        elif not whole and not any(one.startswith(key) for one in known):
            wrong.append(f"{key}…: nobody wrote one that begins so")
    assert wrong == []


def test_every_word_stands_in_three_languages_with_the_same_values():
    wrong = []
    for key, texts in words.catalogue().items():
        lacking = set(words.LANGUAGES) - set(texts)
        wrong += [f"{key}: not in {language}" for language in sorted(lacking)]
        wrong += [f"{key}: empty in {language}" for language, text in texts.items() if not text.strip()]
        if len({frozenset(placeholders(text)) for text in texts.values()}) > 1:
            wrong.append(f"{key}: the languages take different values")
        base = words.catalogue().get(key.removesuffix(".one"))
        if key.endswith(".one") and (base is None or not placeholders(texts["en"]) <= placeholders(base["en"])):
            wrong.append(f"{key}: there is no {key.removesuffix('.one')} that takes its values")
    assert wrong == []


@pytest.mark.parametrize("kind", crm.kinds())
def test_every_word_of_an_adapter_has_its_place_and_three_languages(kind):
    manifest = crm.manifest(kind)
    flags = {f"flag.{flag.name}" for flag in manifest.flags}
    places = {"hook", "package", "leave"} | flags | {f"{flag}.help" for flag in flags}
    said = words.of_adapter(manifest.words)
    assert [key for key in said if key not in places and not key.startswith("fact.")] == []
    assert [key for key, texts in said.items() if set(texts) != set(words.LANGUAGES) or not all(texts.values())] == []
    assert [key for key, texts in said.items() if any(map(placeholders, texts.values()))] == []


def test_no_word_is_left_that_no_page_says():
    whole, begun = set(), set()
    for source in SOURCES:
        for key, all_of_it, _ in asked(source):
            (whole if all_of_it else begun).add(key)
    text = "\n".join(map(read, SOURCES))  # a key may be handed on before it is said
    quoted = set(re.findall(r"""["']([\w.\-]+)["']""", text))
    started = {one for one in re.findall(r"""["']([\w\-]+\.[\w.\-]*)(?:["'{])""", text) if one[-1] in "._"} | begun
    unused = [
        key
        for key in words.catalogue()
        if (base := key.removesuffix(".one")) not in whole | quoted and not any(base.startswith(one) for one in started)
    ]
    assert unused == []


# ---- drawings ----------------------------------------------------------------------------------------------------
SPRITE = set(re.findall(r'<symbol[^>]*\bid="([\w-]+)"', read(WEB / "static" / "vendor" / "icons.svg")))


def _drawings(node: nodes.Node) -> Iterator[str]:
    """The names an expression may come to; names of variables are looked at in a browser."""
    if isinstance(node, nodes.Const) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, nodes.CondExpr):
        yield from _drawings(node.expr1)
        if node.expr2 is not None:
            yield from _drawings(node.expr2)
    elif isinstance(node, nodes.Dict):
        for pair in node.items:
            yield from _drawings(pair.value)
    elif isinstance(node, nodes.Getitem):
        yield from _drawings(node.node)
    elif isinstance(node, nodes.Call) and isinstance(node.node, nodes.Getattr) and node.node.attr == "get":
        yield from _drawings(node.node.node)
        if len(node.args) > 1:
            yield from _drawings(node.args[1])


@pytest.mark.parametrize("page", TEMPLATES, ids=named)
def test_every_drawing_is_in_the_sprite(page):
    calls = [c for c in parsed(page).find_all(nodes.Call) if isinstance(c.node, nodes.Name) and c.node.name == "icon"]
    assert {name for call in calls for name in _drawings(call.args[0])} - SPRITE == set()


# ---- nothing that runs, nothing that is not text ------------------------------------------------------------------
FORBIDDEN = {
    r"\sstyle\s*=": "a style of its own: the content policy refuses it",
    r"<[^>{]*\son[a-z]+\s*=": "an inline handler",
    r"\|\s*safe\b": "text that is not escaped",
    r"autoescape\s+false": "text that is not escaped",
    r"hx-on": "htmx would compile its text",
    r"""(?:hx-vals|hx-headers|hx-confirm)[^=]*=["']\s*(?:js|javascript):""": "htmx would compile its text",
    r"<script(?![^>]*\bnonce=)": "a script without this answer's nonce",
    r"javascript:": "a link that runs",
    r"https?://(?!www\.w3\.org)[\w.-]+[^\s\"']*\.(?:js|css|woff2?)": "a file of somebody else's",
}


@pytest.mark.parametrize("page", TEMPLATES, ids=named)
def test_no_page_has_anything_that_runs(page):
    text = re.sub(r"\{#.*?#\}", "", read(page), flags=re.DOTALL)
    assert [why for pattern, why in FORBIDDEN.items() if re.search(pattern, text, re.IGNORECASE)] == []
