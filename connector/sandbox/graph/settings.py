"""The made-up business every stand-in agrees on, and what the command line can change about Meta's."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

PHONE_ID = "106540352242922"
WABA = "102290129340398"
BUSINESS = "2729063490586005"
APP = "670843887433847"
DISPLAY = "15550783881"
NAME = "Sandbox Store"
TOKEN = "sandbox-whatsapp-token"  # noqa: S105 - everyone may know the sandbox's secrets
APP_SECRET = "sandbox-app-secret"  # noqa: S105
VERIFY_TOKEN = "sandbox-verify-token"  # noqa: S105
PROFILE = {
    "about": "Everything for your sandbox.",
    "address": "1 Example Street, Menlo Park",
    "description": "A made-up shop.",
    "email": "hello@sandbox-store.example",
    "websites": ["https://sandbox-store.example/"],
    "vertical": "RETAIL",
    "profile_picture_url": "https://sandbox-store.example/picture.jpg",
    "messaging_product": "whatsapp",
}
WINDOW = 24 * 3600  # seconds a customer's message opens the window for


@dataclass
class GraphOptions:
    """How Meta's stand-in behaves. `limit` is messages a second for one number, 0 for no limit."""

    token: str = TOKEN
    app_secret: str = APP_SECRET
    verify_token: str = VERIFY_TOKEN
    limit: int = 80  # Cloud API throughput pages, checked 2026-09
    answer_seconds: float = 0.0  # how long a send takes to be answered, once it was carried out
    status_seconds: float = 0.5  # until `delivered`; `sent` comes at a fifth of it, `read` at twice
    status_batch: float = 0.0  # seconds in which due statuses are gathered into one webhook; 0: each comes alone
    read_rate: float = 1.0  # the share of delivered messages that are read
    review_seconds: float = 2.0  # until a new template is approved; negative: only on request
    duplicate: float = 0.0  # the share of updates that come twice
    shuffle: bool = False  # the updates of a batch in any order
    seed: int = 0

    def change(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Set some by name; ValueError for what is none, and then nothing is changed."""
        shown = self.shown()
        for name, value in values.items():
            kind = type(shown.get(name))
            fits = isinstance(value, int | float) if kind is float else type(value) is kind
            if name not in shown or not fits or isinstance(value, bool) != (kind is bool):
                raise ValueError(f"there is no option {name} like that; options: {', '.join(shown)}")
        for name, value in values.items():
            setattr(self, name, value)
        return self.shown()

    def shown(self) -> dict[str, Any]:
        """What may be seen and changed."""
        return {name: value for name, value in asdict(self).items() if name not in FIXED}

    def restore(self, start: "GraphOptions") -> None:
        """All as in `start`."""
        for one in fields(self):
            setattr(self, one.name, getattr(start, one.name))


FIXED = ("token", "app_secret", "verify_token", "seed")
