"""A template as Meta approved it: its placeholders, what fits them, and the message that fills them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """One language of one template. `components` as Graph lists them; `format`: positional | named."""

    name: str
    language: str
    status: str = "APPROVED"
    category: str = ""  # marketing utility authentication
    format: str = "positional"
    components: tuple[Mapping[str, Any], ...] = ()
    id: str = ""
    quality: str = ""
    previous_category: str = ""
    reason: str = ""
    account: str = field(default="", compare=False)  # ours
