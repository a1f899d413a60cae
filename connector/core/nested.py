"""How deep JSON from outside may be nested: what Python reads is deeper than what a database or an encoder writes."""

from typing import Any


def too_deep(value: Any, left: int) -> bool:
    """Is the nesting deeper than `left` levels?"""
    if not left:
        return True
    inner = value.values() if type(value) is dict else value
    return any(too_deep(one, left - 1) for one in inner if type(one) is dict or type(one) is list)
