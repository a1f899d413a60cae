"""Graph API errors as Meta words them: code, HTTP status, text.

Codes, titles and statuses: Cloud API error codes page, checked 2025-12. Throttling is HTTP 400 with a code there, not
429, and carries no Retry-After.
"""

import secrets
from typing import Any

from connector.sandbox.http import Response, answer

ERRORS: dict[int, tuple[int, str]] = {
    100: (400, "Invalid parameter"),
    130429: (400, "Rate limit hit"),
    131008: (400, "Required parameter is missing"),
    131009: (400, "Parameter value is not valid"),
    131021: (400, "Recipient cannot be sender"),
    131026: (400, "Message undeliverable"),
    131047: (400, "Re-engagement message"),
    131050: (400, "User has stopped marketing messages from your business"),
    131056: (400, "(Business Account, Consumer Account) pair rate limit hit"),
    132000: (400, "Number of parameters does not match the expected number of params"),
    132001: (404, "Template name does not exist in the translation"),
    132005: (400, "Translated text too long"),
    132012: (400, "Parameter format does not match format in the created template"),
    132015: (400, "Template is paused"),
    132016: (400, "Template is disabled"),
    131062: (400, "Business-scoped user id is not allowed for this message"),
}

TOO_MANY = "Message failed to send because too many were sent from this number in a short time"


class GraphError(Exception):
    """A refusal: `GraphError(132000, "body: ...")`."""

    def __init__(self, code: int, details: str) -> None:
        super().__init__(details)
        self.code = code
        self.details = details

    def response(self) -> Response:
        """As the API answers it."""
        status, title = ERRORS[self.code]
        data = {"messaging_product": "whatsapp", "details": self.details}
        return _error(status, code=self.code, message=f"(#{self.code}) {title}", type="OAuthException", error_data=data)

    def shown(self) -> dict[str, Any]:
        """As a `failed` status carries it."""
        title = ERRORS[self.code][1]
        href = "https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes"
        details = {"details": self.details}
        return {"code": self.code, "title": title, "message": title, "error_data": details, "href": href}


def no_token() -> Response:
    """The token is missing or was never one."""
    message = "Invalid OAuth access token - Cannot parse access token"
    return _error(401, code=190, message=message, type="OAuthException")


def expired_token() -> Response:
    """The token was valid once."""
    message = "Error validating access token: Session has expired on Sunday, 22-Nov-26 08:00:00 PST."
    return _error(401, code=190, message=message, type="OAuthException", error_subcode=463)


def no_object(method: str, id: str) -> Response:
    """The id in the path is nothing this token can see."""
    message = (
        f"Unsupported {method.lower()} request. Object with ID '{id}' does not exist, cannot be loaded due to "
        "missing permissions, or does not support this operation"
    )
    return _error(400, code=100, message=message, type="GraphMethodException", error_subcode=33)


def _error(status: int, **fields: Any) -> Response:
    return answer({"error": {**fields, "fbtrace_id": "A" + secrets.token_urlsafe(16)}}, status)
