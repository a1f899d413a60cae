"""One thing that WhatsApp would refuse in a message."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """`code` is stable; `path` says where (`buttons.0.title`); `text` what is wrong, `hint` what to do."""

    code: str
    path: str
    text: str
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.text} {self.hint}".strip()
