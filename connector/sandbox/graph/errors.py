"""Graph API errors as Meta words them: code, HTTP status, text.

Codes, titles and statuses: Cloud API error codes page, checked 2025-12. Throttling is HTTP 400 with a code there, not
429, and carries no Retry-After.
"""

import secrets
from typing import Any

from connector.sandbox.http import Response, answer

ERRORS: dict[int, tuple[int, str]] = {
    1: (400, "API Unknown"),
    2: (503, "API Service"),
    3: (500, "API Method"),
    4: (400, "API Too Many Calls"),
    10: (403, "Permission Denied"),
    33: (400, "Parameter value is not valid"),
    100: (400, "Invalid parameter"),
    190: (401, "Access token has expired"),
    200: (403, "API Permission"),
    368: (403, "Temporarily blocked for policies violations"),
    80007: (400, "Rate limit issues"),
    130403: (400, "Message failed to send because you blocked this user"),
    130429: (400, "Rate limit hit"),
    130472: (400, "User's number is part of an experiment"),
    130497: (403, "Business account is restricted from messaging users in this country"),
    131000: (500, "Something went wrong"),
    131005: (403, "Access denied"),
    131008: (400, "Required parameter is missing"),
    131009: (400, "Parameter value is not valid"),
    131016: (500, "Service unavailable"),
    131021: (400, "Recipient cannot be sender"),
    131026: (400, "Message undeliverable"),
    131030: (400, "Recipient phone number not in allowed list"),
    131031: (403, "Account has been locked"),
    131037: (400, "Display name approval is needed before the message can be sent"),
    131042: (400, "Business eligibility payment issue"),
    131045: (500, "Incorrect certificate"),
    131047: (400, "Re-engagement message"),
    131048: (400, "Spam rate limit hit"),
    131049: (400, "This message was not delivered to maintain healthy ecosystem engagement"),
    131050: (400, "User has stopped marketing messages from your business"),
    131051: (400, "Unsupported message type"),
    131052: (400, "Media download error"),
    131053: (400, "Media upload error"),
    131056: (400, "(Business Account, Consumer Account) pair rate limit hit"),
    131057: (500, "Account in maintenance mode"),
    131062: (400, "Business-scoped user id is not allowed for this message"),
    131064: (400, "Template categorisation limit reached"),
    132000: (400, "Number of parameters does not match the expected number of params"),
    132001: (404, "Template name does not exist in the translation"),
    132005: (400, "Translated text too long"),
    132007: (400, "Template format character policy violated"),
    132012: (400, "Parameter format does not match format in the created template"),
    132015: (400, "Template is paused"),
    132016: (400, "Template is disabled"),
    132018: (400, "There was an issue with the parameters in your template"),
    132068: (400, "Flow is blocked"),
    132069: (400, "Flow is throttled"),
    133004: (503, "Server temporarily unavailable"),
    133010: (400, "Phone number not registered"),
    135000: (400, "Generic user error"),
}
OTHER = (400, "Generic user error")

TOO_MANY = "Message failed to send because too many were sent from this number in a short time"


class GraphError(Exception):
    """A refusal: `GraphError(132000, "body: ...")`."""

    def __init__(self, code: int, details: str) -> None:
        super().__init__(details)
        self.code = code
        self.details = details

    def response(self) -> Response:
        """As the API answers it."""
        status, title = ERRORS.get(self.code, OTHER)
        data = {"messaging_product": "whatsapp", "details": self.details}
        return _error(status, code=self.code, message=f"(#{self.code}) {title}", type="OAuthException", error_data=data)

    def shown(self) -> dict[str, Any]:
        """As a `failed` status carries it."""
        title = ERRORS.get(self.code, OTHER)[1]
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


class TemplateRefused(GraphError):
    """What is wrong with a template, in the words Meta shows to a person: `TemplateRefused(2388023, "...", "...")`."""

    def __init__(self, subcode: int, title: str, message: str) -> None:
        super().__init__(100, message)
        self.subcode, self.title = subcode, title

    def response(self) -> Response:
        """As the API answers it."""
        return _error(
            400,
            code=100,
            message="Invalid parameter",
            type="OAuthException",
            error_subcode=self.subcode,
            is_transient=False,
            error_user_title=self.title,
            error_user_msg=self.details,
        )


def no_object(method: str, id: str) -> Response:
    """The id in the path is nothing this token can see."""
    message = (
        f"Unsupported {method.lower()} request. Object with ID '{id}' does not exist, cannot be loaded due to "
        "missing permissions, or does not support this operation"
    )
    return _error(400, code=100, message=message, type="GraphMethodException", error_subcode=33)


def _error(status: int, **fields: Any) -> Response:
    return answer({"error": {**fields, "fbtrace_id": "A" + secrets.token_urlsafe(16)}}, status)
