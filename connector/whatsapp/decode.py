"""Bytes to JSON without surprises: no NaN, no infinite or endless numbers, whatever the sender wrote."""

import json
import re
from math import isfinite
from typing import Any

_DIGITS = 18  # the longest whole number that always fits 63 bits; longer ones are ids and stay text


def _whole(text: str) -> int | str:
    return int(text) if len(text) <= _DIGITS else text[:256]


def _fraction(text: str) -> float | str:
    value = float(text)
    return value if isfinite(value) else text[:256]


# NaN, Infinity and -Infinity are no JSON; they stay visible as text, so that no other item of the batch is lost.
# A doubled key keeps its last value, as everywhere in Python.
DECODER = json.JSONDecoder(parse_int=_whole, parse_float=_fraction, parse_constant=str)


_CUT = 200  # levels left of what Python cannot read; still far over what an item may have, so it is shown, not guessed
_TOKENS = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?|[\[\]{}]', re.DOTALL)  # linear: it never has to go back


def decode(body: bytes) -> Any:
    """The JSON value of a body, with an empty text for what is nested too deep. Raises ValueError when it is none."""
    text = body.decode("utf-8", "replace").removeprefix("\ufeff")
    try:
        return DECODER.decode(text)
    except RecursionError:
        return DECODER.decode(_shallow(text))


def _shallow(text: str) -> str:
    """The same without what is nested over _CUT levels: one such item must not take the others of its batch along."""
    parts, depth, kept = [], 0, 0
    for token in _TOKENS.finditer(text):
        if token[0] in "[{":
            depth += 1
            if depth == _CUT:
                parts.append(text[kept : token.start()])
        elif token[0] in "]}":
            if depth == _CUT:
                parts.append('""')
                kept = token.end()
            depth -= 1
    return "".join(parts) + (text[kept:] if depth < _CUT else "")
