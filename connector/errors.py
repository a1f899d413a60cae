"""Every error we raise, grouped by what to do next.

ConnectorError
├ TryAgain       later: Busy (rate limit) · Unreachable · StoreDown
├ GiveUp         this item only: Rejected · NotFound · OutsideWindow · NoConsent · TemplateNotApproved
├ NeedsPerson    pauses the account, one alert, nothing dropped: NotAllowed
├ NotAuthentic   answered 401 with a fixed text; never says what was expected
└ BadDocument    refused at publish, never at run time
"""


class ConnectorError(Exception):
    """What went wrong; `hint` says what to do, `code` is stable, `facts` are safe to log (no secrets, no bodies)."""

    def __init__(self, message: str, *, hint: str = "", code: str = "", **facts: object) -> None:
        super().__init__(message)
        self.message, self.hint, self.code, self.facts = message, hint, code, facts

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class TryAgain(ConnectorError):
    """The same call may succeed later; `after` is seconds to wait, None = the caller's own back-off."""

    def __init__(
        self, message: str, *, after: float | None = None, hint: str = "", code: str = "", **facts: object
    ) -> None:
        super().__init__(message, hint=hint, code=code, **facts)
        self.after = after


class Busy(TryAgain):
    """A rate limit: park the account, burn no attempt."""


class Unreachable(TryAgain):
    """No answer, or an answer that says nothing about our request; `sent` False = it surely never arrived."""

    def __init__(self, message: str, *, sent: bool = True, **rest: object) -> None:
        super().__init__(message, **rest)  # type: ignore[arg-type]
        self.sent = sent


class StoreDown(TryAgain):
    """The database did not answer in time."""


class GiveUp(ConnectorError):
    """This item will never succeed as it is."""


class Rejected(GiveUp):
    """The other side refused this row."""


class NotFound(GiveUp):
    """The record, template or number does not exist (any more)."""


class OutsideWindow(GiveUp):
    """Free text outside the 24 h customer service window."""


class NoConsent(GiveUp):
    """The contact opted out, or never opted in where that is asked for."""


class TemplateNotApproved(GiveUp):
    """The template is missing, paused, disabled or not approved in that language."""


class NeedsPerson(ConnectorError):
    """Only a person can mend it."""


class NotAllowed(NeedsPerson):
    """Token, scope, billing: the account is paused until a person mends it."""


class NotAuthentic(ConnectorError):
    """A call we cannot trust. The caller hears a fixed text."""


class BadDocument(ConnectorError):
    """A document an admin must mend: where it is and what to write instead."""

    def __init__(
        self,
        message: str,
        *,
        path: str = "",
        line: int = 0,
        column: int = 0,
        hint: str = "",
        code: str = "",
        **facts: object,
    ) -> None:
        super().__init__(message, hint=hint, code=code, **facts)
        self.path, self.line, self.column = path, line, column

    def __str__(self) -> str:
        where = f"line {self.line}: " if self.line else ""
        return f"{where}{self.message} {self.hint}".strip()
