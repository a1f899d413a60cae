"""Which licence a package has, in SPDX's words; and the page that lists them."""

import json
import re
from importlib import metadata
from pathlib import Path
from typing import Any

from tools.supply.locks import ROOT

PAGE = ROOT / "docs" / "licences.md"
SBOM = ROOT / "docs" / "sbom.json"
VENDOR = ROOT / "connector" / "web" / "static" / "vendor"
# Nobody who uses the connector has to publish anything of theirs. psycopg (LGPL) is used as it comes, as a library.
ALLOWED = {
    *("MIT", "MIT-0", "BSD-2-Clause", "BSD-3-Clause", "0BSD", "ISC", "Apache-2.0", "PSF-2.0", "Python-2.0", "ZPL-2.1"),
    *("MPL-2.0", "LGPL-3.0-only", "LGPL-3.0-or-later", "Unlicense", "CC0-1.0", "CNRI-Python", "Zlib"),
}
SPDX = {  # how packages say it, in lower case, without "license"
    "mit": "MIT",
    "bsd": "BSD-3-Clause",
    "bsd-3-clause": "BSD-3-Clause",
    "new bsd": "BSD-3-Clause",
    "3-clause bsd": "BSD-3-Clause",
    "bsd 3-clause": "BSD-3-Clause",
    "apache": "Apache-2.0",
    "apache 2": "Apache-2.0",
    "apache 2.0": "Apache-2.0",
    "apache software": "Apache-2.0",
    "apache-2.0": "Apache-2.0",
    "isc": "ISC",
    "isc (iscl)": "ISC",
    "psf": "PSF-2.0",
    "psf-2.0": "PSF-2.0",
    "psfl": "PSF-2.0",
    "python software foundation": "PSF-2.0",
    "mozilla public 2.0 (mpl 2.0)": "MPL-2.0",
    "mpl-2.0": "MPL-2.0",
    "gnu lesser general public v3 (lgplv3)": "LGPL-3.0-only",
}
# Packages that cannot be asked, with where it was read.
KNOWN = {"async-timeout": "Apache-2.0"}  # not installed here: only Pythons before 3.11.3 need it; its page on PyPI
_WORD = re.compile(r"[^()\s]+")


def of(name: str) -> str:
    """An installed package's SPDX expression. Raises LookupError when its words are none we know."""
    if name in KNOWN:
        return KNOWN[name]
    told = metadata.metadata(name).json
    if expression := told.get("license_expression"):
        return str(expression)
    classes = [text.rpartition(" :: ")[2] for text in told.get("classifier") or () if text.startswith("License ::")]
    for words in [*classes, str(told.get("license") or "").split("\n")[0]]:
        plain = re.sub(r"\s*\blicen[cs]e\b,?\s*|\bversion\s+", " ", words.lower()).strip()
        if found := SPDX.get(" ".join(plain.split())):
            return found
    raise LookupError(f"{name}: its licence is not known: {classes or told.get('license')!r}")


def words(expression: str) -> set[str]:
    """The licences that an SPDX expression names."""
    return set(_WORD.findall(expression)) - {"AND", "OR", "WITH"}


def vendored() -> dict[str, tuple[str, str]]:
    """The packages inside the console's vendored files: name -> (version, licence)."""
    heads = re.findall(r"^=== (\S+) (\S+) \((.+)\) ===$", (VENDOR / "LICENSES.txt").read_text("utf-8"), re.MULTILINE)
    spelled = {"BSD-0-Clause": "0BSD"}
    return {name: (version, spelled.get(licence, licence)) for name, version, licence in heads}


def page(sbom: dict[str, Any]) -> str:
    """docs/licences.md, out of the list of parts."""
    lines = [
        "# Licences of what is inside",
        "",
        "The connector is MIT. It runs with these packages, each under its own licence; `make sbom` makes this page out"
        " of [sbom.json](sbom.json). Their full texts come with the packages; those of the console's files are in"
        " `connector/web/static/vendor/LICENSES.txt`.",
    ]
    for title, kind in (("Python packages", "pkg:pypi/"), ("In the console's files", "pkg:npm/")):
        lines += ["", f"## {title}", "", "| package | version | licence |", "|---|---|---|"]
        lines += [
            f"| {part['name']} | {part['version']} | {part['licenses'][0]['expression']} |"
            for part in sbom["components"]
            if part["purl"].startswith(kind)
        ]
    return "\n".join(lines) + "\n"


def read(path: Path = SBOM) -> dict[str, Any]:
    """The list of parts as it is committed."""
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found
