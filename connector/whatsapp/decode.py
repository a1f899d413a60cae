"""Bytes to JSON without surprises: no NaN, no infinite or endless numbers, whatever the sender wrote."""

import json
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


def decode(body: bytes) -> Any:
    """The JSON value of a body. Raises ValueError when it is none, or nested too deep to be read."""
    try:
        return DECODER.decode(body.decode("utf-8", "replace").removeprefix("\ufeff"))
    except RecursionError:
        raise ValueError("it is nested too deep") from None
