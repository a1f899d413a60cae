"""The made-up business every stand-in agrees on, and what the command line can change about Meta's."""

from dataclasses import dataclass

PHONE_ID = "106540352242922"
WABA = "102290129340398"
BUSINESS = "2729063490586005"
APP = "670843887433847"
DISPLAY = "15550783881"
NAME = "Sandbox Store"
TOKEN = "sandbox-whatsapp-token"  # noqa: S105 - everyone may know the sandbox's secrets
APP_SECRET = "sandbox-app-secret"  # noqa: S105
VERIFY_TOKEN = "sandbox-verify-token"  # noqa: S105
WINDOW = 24 * 3600  # seconds a customer's message opens the window for


@dataclass(frozen=True)
class GraphOptions:
    """How Meta's stand-in behaves. `limit` is messages a second for one number, 0 for no limit."""

    token: str = TOKEN
    app_secret: str = APP_SECRET
    verify_token: str = VERIFY_TOKEN
    limit: int = 80  # Cloud API throughput pages, checked 2026-09
    status_seconds: float = 0.5  # until `delivered`; `sent` comes at a fifth of it, `read` at twice
    read_rate: float = 1.0  # the share of delivered messages that are read
    duplicate: float = 0.0  # the share of updates that come twice
    shuffle: bool = False  # the updates of a batch in any order
    seed: int = 0
