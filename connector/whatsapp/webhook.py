"""Meta's webhook: the handshake, the signature, and the items of a body."""

from collections.abc import Mapping
from urllib.parse import parse_qsl

from connector.errors import NotAuthentic
from connector.ports import Account, RawRequest, Response, Routed
from connector.whatsapp.batch import DEEPEST, read_body
from connector.whatsapp.decode import decode
from connector.whatsapp.settings import value
from connector.whatsapp.signature import same_token, signed

SIGNATURE = "x-hub-signature-256"
_REFUSED = "This call does not come from Meta."  # one text for every reason, so that a forger learns nothing
_CHALLENGE = 1024  # characters; Meta sends about 10 digits


class WhatsAppWebhook:
    """One account's webhook. Holds its secrets; `verify` is the web process's hot path and parses nothing."""

    def __init__(self, account: Account) -> None:
        secrets = (value(account.secrets, name) for name in ("app-secret", "app-secret-old"))
        self._secrets = tuple(secret.encode() for secret in secrets if secret)
        self._verify_token = value(account.secrets, "verify-token").encode()

    def verify(self, request: RawRequest) -> None:
        """POST: the signature over the raw bytes. GET: Meta's handshake. Anything else is refused."""
        if request.method == "POST":
            if signed(request.body, request.headers.get(SIGNATURE), self._secrets):
                return
        elif request.method == "GET" and self._challenge(request.query) is not None:
            return
        raise NotAuthentic(_REFUSED)

    def parse(self, body: bytes, headers: Mapping[str, str]) -> list[Routed]:
        """Every item of the body, in its order. Raises ValueError only when the body as a whole is not JSON."""
        del headers
        deep = body.count(b"{") + body.count(b"[") > DEEPEST
        return read_body(decode(body), deep=deep)

    def answer(self, request: RawRequest) -> Response:
        """The challenge for a handshake, an empty 200 for a delivery: nothing but 200 counts for Meta."""
        challenge = self._challenge(request.query) if request.method == "GET" else None
        return Response(200, challenge.encode() if challenge else b"")

    def _challenge(self, query: str) -> str | None:
        """The challenge of a true handshake, None of any other call."""
        try:
            values = dict(parse_qsl(query, keep_blank_values=True, max_num_fields=16))
        except ValueError:
            return None
        right = same_token(values.get("hub.verify_token", ""), self._verify_token)
        challenge = values.get("hub.challenge", "")
        if right and values.get("hub.mode") == "subscribe" and 0 < len(challenge) <= _CHALLENGE:
            return challenge
        return None
