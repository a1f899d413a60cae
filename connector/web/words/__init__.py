"""The console's words: one catalogue, one TOML file a screen, three languages a line.

[screen.key]
en = "{n} waiting"
es = "{n} en espera"
pt = "{n} à espera"
"""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

LANGUAGES = {"en": "English", "es": "Español", "pt": "Português"}
FALLBACK = "en"
_FOLDER = Path(__file__).parent


@cache
def catalogue() -> dict[str, dict[str, str]]:
    """{"screen.key": {language: text}} of every file."""
    return _read(*sorted(_FOLDER.glob("*.toml")))


@cache
def of_adapter(path: Path | None) -> dict[str, dict[str, str]]:
    """The same of what an adapter says of itself (`Manifest.words`): hook, package, leave, flag.token, fact.org_id."""
    return _read(path) if path is not None else {}


def _read(*paths: Path) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for path in paths:
        with path.open("rb") as file:
            _gather("", tomllib.load(file), found)
    return found


def _gather(prefix: str, table: dict[str, object], found: dict[str, dict[str, str]]) -> None:
    texts = {name: value for name, value in table.items() if isinstance(value, str)}
    if texts:
        if prefix in found or FALLBACK not in texts:
            raise ValueError(f"The word {prefix} stands in two files, or has no {FALLBACK} text.")
        found[prefix] = texts
    for name, value in table.items():
        if isinstance(value, dict):
            _gather(f"{prefix}.{name}" if prefix else name, value, found)


def say(language: str, key: str, **values: object) -> str:
    """The words of `key`; with `n`, `key.one` stands for exactly one where the catalogue has it.

    Raises KeyError for a key nobody wrote: a test walks every template."""
    words = catalogue()
    if values.get("n") == 1 and f"{key}.one" in words:
        key = f"{key}.one"
    text = spoken(words[key], language)
    return text.format_map(values) if values else text


def spoken(texts: Mapping[str, str], language: str) -> str:
    """The one in this language, else in English."""
    return texts.get(language) or texts[FALLBACK]


def choose(wanted: str, accepted: str) -> str:
    """The user's own language, else the first one the browser accepts (`es-CO,es;q=0.9`), else English."""
    for name in (wanted, *(part.partition(";")[0].strip()[:2].lower() for part in accepted[:200].split(","))):
        if name in LANGUAGES:
            return name
    return FALLBACK
