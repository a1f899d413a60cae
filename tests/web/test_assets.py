"""The console's vendored files are those that tools/assets built, with their licences, and small."""

import gzip
import hashlib
import json
import re
from importlib.resources import files
from pathlib import Path

import defusedxml.ElementTree

VENDOR = files("connector") / "web/static/vendor"
TOOLS = Path(__file__).parents[2] / "tools/assets"
MANIFEST = json.loads((VENDOR / "manifest.json").read_text("utf-8"))
OWN = json.loads((TOOLS / "package.json").read_text("utf-8"))
LOCK = json.loads((TOOLS / "package-lock.json").read_text("utf-8"))
SVG = "{http://www.w3.org/2000/svg}"


def compressed(*names):
    return sum(len(gzip.compress((VENDOR / name).read_bytes())) for name in names)


def test_each_file_is_the_one_that_was_built():
    found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in VENDOR.iterdir()}
    del found["manifest.json"]
    assert found == MANIFEST["files"]


def test_versions_are_exact_and_the_same_everywhere():
    asked = OWN["dependencies"] | OWN["devDependencies"]
    built = MANIFEST["packages"] | MANIFEST["built_with"]
    locked = {path.removeprefix("node_modules/"): found["version"] for path, found in LOCK["packages"].items() if path}
    assert [version for version in asked.values() if not re.fullmatch(r"\d+\.\d+\.\d+", version)] == []
    assert {name: built[name] for name in asked} == asked
    assert {name: locked[name] for name in built} == built


def test_the_lock_names_no_host_and_every_hash():
    packages = [found for path, found in LOCK["packages"].items() if path]
    assert [found for found in packages if "resolved" in found] == []
    assert [found for found in packages if not found["integrity"].startswith("sha512-")] == []


def test_each_package_has_its_licence():
    text = (VENDOR / "LICENSES.txt").read_text("utf-8")
    parts = re.split(r"^=== (\S+) (\S+) \((.+)\) ===$", text, flags=re.MULTILINE)
    names, versions, kinds, texts = parts[1::4], parts[2::4], parts[3::4], parts[4::4]
    assert dict(zip(names, versions, strict=True)) == MANIFEST["packages"]
    assert set(kinds) <= {"MIT", "ISC", "BSD-0-Clause"}
    assert [name for name, text in zip(names, texts, strict=True) if len(text.strip()) < 500] == []


def test_the_sprite_has_each_icon_once_in_the_colour_of_its_place():
    symbols = defusedxml.ElementTree.fromstring((VENDOR / "icons.svg").read_text("utf-8")).findall(f"{SVG}symbol")
    assert [symbol.get("id") for symbol in symbols] == (TOOLS / "icons.txt").read_text("utf-8").split()
    assert {(symbol.get("viewBox"), symbol.get("stroke")) for symbol in symbols} == {("0 0 24 24", "currentColor")}
    assert [symbol.get("id") for symbol in symbols if not len(symbol)] == []


def test_nothing_is_fetched_from_elsewhere():
    """The names of XML's namespaces are addresses, and nobody calls them."""
    texts = [(VENDOR / name).read_text("utf-8") for name in ("htmx.min.js", "editor.js", "icons.svg")]
    assert {url for text in texts for url in re.findall(r"https?://[\w./-]+", text)} <= {"http://www.w3.org/2000/svg"}


def test_every_page_stays_light():
    """100 kB for a page's first paint: 40 of them for these, the rest for our own style and script."""
    assert compressed("htmx.min.js", "icons.svg") < 40_000


def test_the_editor_stays_light():
    """Only the pages with an editor load it."""
    assert compressed("editor.js") < 160_000
