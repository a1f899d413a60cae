"""The console's words: one catalogue, one TOML file a screen, three languages a line.

[screen.key]
en = "{n} waiting"
es = "{n} en espera"
pt = "{n} à espera"
"""

import tomllib
from functools import cache
from pathlib import Path

LANGUAGES = {"en": "English", "es": "Español", "pt": "Português"}
FALLBACK = "en"
_FOLDER = Path(__file__).parent


@cache
def catalogue() -> dict[str, dict[str, str]]:
    """{"screen.key": {language: text}} of every file."""
    found: dict[str, dict[str, str]] = {}
    for path in sorted(_FOLDER.glob("*.toml")):
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
    text = words[key].get(language) or words[key][FALLBACK]
    return text.format_map(values) if values else text


def choose(wanted: str, accepted: str) -> str:
    """The user's own language, else the first one the browser accepts (`es-CO,es;q=0.9`), else English."""
    for name in (wanted, *(part.partition(";")[0].strip()[:2].lower() for part in accepted[:200].split(","))):
        if name in LANGUAGES:
            return name
    return FALLBACK
