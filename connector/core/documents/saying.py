"""A `reply:` compiled: its texts are filled when it is said, and what can be known before is checked before."""

from collections.abc import Iterator, Mapping
from typing import Any

from connector.core import message
from connector.core.documents.comparing import empty, shown
from connector.core.documents.expressions import Expression
from connector.core.documents.findings import Problem
from connector.core.documents.words import Run, Scope

Path = tuple[str | int, ...]
_STAND_IN = {"url": "https://example.com/file", "media": "https://example.com/file", "latitude": "0", "longitude": "0"}


def compiled(reply: Any) -> Run | None:
    """scope -> the neutral message, or None when there is nothing to say."""
    if reply is None:
        return None
    if isinstance(reply, Expression):
        run = reply.run
        return lambda scope: None if empty(text := shown(run(scope))) else message.text(text)
    return lambda scope: message.build(_filled(reply, scope))


def _filled(words: Any, scope: Scope) -> Any:
    if isinstance(words, Expression):
        return shown(words.run(scope))
    if isinstance(words, Mapping):
        return {key.rstrip("_"): _filled(value, scope) for key, value in words.items()}
    return words


def problems(reply: Any) -> Iterator[tuple[Path, Problem]]:
    """What WhatsApp would refuse whatever the values are: a text with `{{ }}` stands for a short one."""
    if not isinstance(reply, Mapping):
        return
    for fault in message.check(message.build(_sample(reply))):
        yield ("reply",), Problem(fault.text, code="whatsapp", hint=fault.hint)


def _sample(words: Any, name: str = "") -> Any:
    if isinstance(words, Expression):
        return words.text if words.constant else _STAND_IN.get(name, name[:20] or "value")
    if isinstance(words, Mapping):
        return {str(key).rstrip("_"): _sample(value, str(key)) for key, value in words.items()}
    return words
