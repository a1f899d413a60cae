"""The small JSON API under /api/v1: the same functions as the pages, for tokens (`Authorization: Bearer wcc_...`)."""

import logging
from collections.abc import Callable
from datetime import datetime

from flask import Blueprint, request

from connector import errors
from connector.store import api_tokens
from connector.web import callers
from connector.web.api import changing, people, reading
from connector.web.api.calls import bound
from connector.web.api.described import description
from connector.web.auth.roles import Person, lesser
from connector.web.house import House

log = logging.getLogger("connector.web")
CALLS = (*reading.CALLS, *changing.CALLS, *people.CALLS)
blueprint = bound(CALLS, Blueprint("api", __name__, url_prefix="/api/v1"), description(CALLS))


def token_person(house: House) -> Callable[[str, datetime], Person | None]:
    """Who a token is; the last use is noted, at most every few minutes."""

    def found(token: str, now: datetime) -> Person | None:
        with house.store.read() as conn:
            row = api_tokens.of(conn, token, now)
        if row is None or (row.networks and not callers.inside(request.remote_addr or "", row.networks)):
            return None
        if row.used_at is None or row.used_at < now - api_tokens.USED:
            _note(house, row.id, now)
        role = lesser(row.role, row.maker_role) if row.maker_role else row.role
        scopes = None if row.scopes is None else tuple(row.scopes)
        return Person(row.id, f"token: {row.name}", role, scopes=scopes)

    return found


def _note(house: House, id_: str, now: datetime) -> None:
    """A call is not refused because the note of it could not be written."""
    try:
        with house.store.write() as conn:
            api_tokens.used(conn, id_, now)
    except errors.StoreDown as error:
        log.warning("the use of a token was not noted: %s", error)
