"""The lock files: every package with its version, its hashes and who asked for it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "requirements"
OURS = "whatsapp-crm-connector"
# What each is made of: an extra of ours, "" for none, None for the build system's own.
LOCKS = {"dev": "dev", "postgres": "postgres", "runtime": "", "release": "release", "build": None}
ALONE = ("release", None)  # those without what the connector itself needs
_PIN = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)==(?P<version>[^\s;\\]+)\s*(?:;\s*(?P<marker>[^\\]+?))?\s*\\?")
_HASH = re.compile(r"\s+--hash=(?P<hash>sha256:[0-9a-f]{64})\s*\\?")
_VIA = re.compile(r"\s+#\s+(?:via\s+)?(?P<who>[A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^]]*\])?(?:\s+\(.*\))?")


class BadLock(ValueError):
    """A line of a lock file that is none of those we write."""


@dataclass(frozen=True, slots=True)
class Pin:
    """One package of a lock. `via` = the packages that need it; `marker` = where it is needed, "" = everywhere."""

    name: str
    version: str
    marker: str
    hashes: tuple[str, ...]
    via: tuple[str, ...]


def read(name: str) -> list[Pin]:
    """`requirements/<name>.lock`. Raises BadLock for a line that is no pin, hash or comment."""
    return list(parse((FOLDER / f"{name}.lock").read_text("utf-8")))


def parse(text: str) -> Iterator[Pin]:
    """The pins of a lock's text, in their order."""
    head: re.Match[str] | None = None
    hashes: list[str] = []
    via: list[str] = []

    def made() -> Iterator[Pin]:
        if head is not None:
            yield Pin(
                canonical(head["name"]), head["version"], head["marker"] or "", tuple(hashes), tuple(sorted(set(via)))
            )

    for number, line in enumerate(text.splitlines(), 1):
        if found := _PIN.fullmatch(line):
            yield from made()
            head, hashes, via = found, [], []
        elif found := _HASH.fullmatch(line):
            hashes.append(found["hash"])
        elif line.strip() in ("", "# via") or line.startswith("#"):
            continue
        elif head is not None and (found := _VIA.fullmatch(line)):
            via.append(canonical(found["who"]))
        else:
            raise BadLock(f"line {number}: {line}")
    yield from made()


def canonical(name: str) -> str:
    """A package's name as all spellings of it are compared (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()
