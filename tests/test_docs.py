"""The docs hold together: links lead somewhere, every page is found from the README, what they name exists."""

import itertools
import re
from pathlib import Path

import click
import pytest

from connector import cli

ROOT = Path(__file__).parents[1]
PAGES = [
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    *sorted((ROOT / "docs").rglob("*.md")),
    ROOT / "tools/assets/README.md",
]
PAGES += [path for path in [ROOT / "SECURITY.md"] if path.exists()]
LINK = re.compile(r"\]\((?!https?:|mailto:)([^)\s#]*)(?:#([^)\s]*))?\)")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def text_of(page):
    return page.read_text("utf-8")


def anchors(page):
    """The ids that a page's headings get on GitHub."""
    heads = re.findall(r"^#+ +(.+?) *$", FENCE.sub("", text_of(page)), re.MULTILINE)
    return {
        re.sub(r"[^\w\- ]", "", re.sub(r"\[(.+?)\]\(.*?\)", r"\1", head).lower()).replace(" ", "-") for head in heads
    }


def links(page):
    """(file, anchor) of every link to one of our own files."""
    for target, anchor in LINK.findall(FENCE.sub("", text_of(page))):
        yield ((page.parent / target).resolve() if target else page), anchor


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page):
    lost = [str(target) for target, _ in links(page) if not target.exists()]
    lost += [
        f"{target.name}#{anchor}"
        for target, anchor in links(page)
        if anchor and target.suffix == ".md" and target.exists() and anchor not in anchors(target)
    ]
    assert lost == []


def test_every_page_is_found_from_the_readme():
    seen, next_ones = set(), [ROOT / "README.md"]
    while next_ones:
        page = next_ones.pop()
        if page in seen:
            continue
        seen.add(page)
        if page.is_dir():
            next_ones += page.glob("*.md")
        elif page.suffix == ".md" and page.exists():
            next_ones += [target for target, _ in links(page)]
    assert [str(page.relative_to(ROOT)) for page in PAGES if page not in seen] == []


def test_the_developers_map_is_that_of_the_house():
    """A name in code marks that looks like a file of ours is one: `pipeline/{unpack,handle}.py`, `tests/chaos`."""
    tops = {path.name for path in (ROOT / "connector").iterdir()} | {"tests", "docs", "tools", "mappings", "deploy"}
    lost = []
    for name in re.findall(r"`([\w./{},-]+/[\w./{},-]*|[\w{},]+\.py)`", text_of(ROOT / "docs/developers.md")):
        parts = [part.split(",") for part in re.split(r"[{}]", name)]
        for each in ("".join(chosen) for chosen in itertools.product(*parts)):
            if "/" in each and each.split("/")[0] not in tops:
                continue
            places = (ROOT / each, ROOT / "connector" / each, *(ROOT / "connector").rglob(each))
            lost += [each] if not any(place.exists() for place in places) else []
    assert lost == []


def test_decisions_have_each_a_number():
    numbers = [path.name[:5] for path in (ROOT / "docs/decisions").glob("*.md")]
    assert all(re.fullmatch(r"\d{4}-", number) for number in numbers)
    assert len(numbers) == len(set(numbers))


COMMAND = re.compile(
    r"(?:`|^\s*(?:\$ )?)(?:\.venv/bin/)?connector ((?:[a-z][a-z-]*|--[a-z-]+)(?: [^`\n#]*)?)", re.MULTILINE
)


def wrong(line):
    """What in the words after `connector` is no command or option of it, "" when all are."""
    words = re.split(r"[ =]", re.sub(r"\.\.\.|[()]", " ", line))
    found: click.Command = cli.main
    while isinstance(found, click.Group) and words and re.fullmatch(r"[a-z-]+", words[0]):
        name = words.pop(0)
        below = found.get_command(click.Context(found), name)
        if below is None:
            return name
        found = below
    if found.context_settings.get("ignore_unknown_options"):  # it reads them itself
        return ""
    known = {option for each in found.params for option in (*each.opts, *each.secondary_opts)} | {"--help", "--version"}
    given = {word.strip("[],.;:") for word in words if word.startswith("--")}
    return " ".join(given - known)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_that_is_named_exists(page):
    lines = [line for line in COMMAND.findall(text_of(page)) if "|" not in line.split()[0]]
    assert [(line, told) for line in lines if (told := wrong(line))] == []


def test_every_make_target_that_is_named_exists():
    targets = set(re.findall(r"^([a-z-]+):", text_of(ROOT / "Makefile"), re.MULTILINE))
    named = {name for page in PAGES for name in re.findall(r"`make ([a-z-]+)", text_of(page))}
    assert named - targets == set()
    assert targets - {"help", "browser", "node", "clean", "docs"} <= set(
        re.findall(r"make ([a-z-]+)", text_of(ROOT / "Makefile").split("\n")[0])
    )
