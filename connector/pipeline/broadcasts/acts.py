"""Broadcasts by a person's hand: made, started, held, let go on, ended, tried again; and by the clock, when it is time.

Console, command line and clock call the same functions; each step is a compare-and-set of the broadcast's state.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from connector import errors
from connector.core import audience, quiet
from connector.core import documents as language
from connector.core.audience import Source
from connector.core.documents import SendDocument
from connector.ids import new_id
from connector.pipeline.drain import log
from connector.ports import Account
from connector.store import again, broadcast_people, broadcasts, documents, holding, tasks, waiting
from connector.store.broadcasts import CANCELLED, DONE, DRAFT, OPEN, PLANNING, RUNNING, SCHEDULED

FORECAST, PLAN, MEMBERS = "broadcast.forecast", "broadcast.plan", "broadcast.members"  # kinds of tasks
SCOPE = "broadcast"
LATE = timedelta(hours=24)  # a time of a document that long past is not made up for
ROUNDS = 400  # of a retry by one click: two hundred thousand messages
AT_ONCE = 500  # messages tried again in one transaction
AGAIN = "plan_again"  # code of a planning that stopped for a passing reason
REST = timedelta(minutes=1)  # before it goes on
BY_TIME = "its document's time"


# ---- made ------------------------------------------------------------------------------------------------------------
def create(
    conn: Any,
    accounts: Sequence[Account],
    document: str,
    source: Source | None,
    author: str,
    now: datetime,
    *,
    key: str = "",
    name: str = "",
    campaign: str = "",
    phone_column: str = "",
    forecast: bool = True,
) -> Any:
    """A draft with its forecast under way; the same key twice is the same broadcast. Ring `task` after the commit.

    Raises NotFound, Rejected where the document is no live broadcast, or no list is named."""
    id_ = new_id()
    if key and (there := broadcasts.by_key(conn, key)) is not None:
        return there
    row, read = _live(conn, document)
    source = source or audience.parse(read.segment)
    if source is None:
        hint = "Name a list, a report, a view or a query, or give a CSV."
        raise errors.Rejected(f"{document} takes any list, and none was named.", hint=hint, code="audience")
    if source.kind == "csv" and not source.upload:
        raise errors.Rejected("The file is missing.", hint="Give a CSV with a column of phones.", code="audience")
    account = next((one for one in accounts if one.name == read.crm), None)
    if account is None:
        raise errors.NotFound(f"There is no CRM account named {read.crm!r}.", hint="Connect it first.", code="account")
    given = source.as_json() | ({"phone_column": phone_column} if phone_column else {})
    made = {
        "id": id_, "key": key or id_, "name": name[:200] or f"{document}, {source}"[:200], "document": document,
        "version": row.n, "crm": account.id, "source": given, "campaign": campaign[:40], "state": DRAFT,
        "author": author, "at": now,
    }  # fmt: skip
    if not broadcasts.add(conn, made):
        return broadcasts.by_key(conn, key)
    if forecast:
        foretell(conn, id_, author, now)
    return broadcasts.get(conn, id_)


def _live(conn: Any, name: str) -> tuple[Any, SendDocument]:
    row = documents.live_version(conn, name)
    if row is None:
        raise errors.NotFound(f"There is no live document named {name!r}.", hint="Publish it first.", code="document")
    read = language.read(row.text)
    if not isinstance(read, SendDocument) or not read.segment:
        hint = "A broadcast's document says whom it is for: when: {segment: any}"
        raise errors.Rejected(f"{name} is no broadcast.", hint=hint, code="document")
    return row, read


def foretell(conn: Any, id_: str, author: str, now: datetime) -> str:
    """A (new) forecast of a draft, with the version that is live now; the task's id."""
    row = _get(conn, id_)
    live, _ = _live(conn, row.document)
    task = tasks.add(conn, FORECAST, {"broadcast": id_}, author, now)
    if not broadcasts.move(conn, id_, [DRAFT], DRAFT, task=task, version=live.n, forecast=None):
        raise errors.Rejected(f"It is {row.state}: its forecast is over.", code="state")
    return task


def renew(conn: Any, id_: str) -> None:
    """A draft is of the version that is live now: its next forecast looks at that one."""
    live, _ = _live(conn, _get(conn, id_).document)
    broadcasts.move(conn, id_, [DRAFT], DRAFT, version=live.n)


def _get(conn: Any, id_: str) -> Any:
    row = broadcasts.get(conn, id_)
    if row is None:
        raise errors.NotFound(f"There is no broadcast {id_}.", hint="See: connector broadcasts list", code="broadcast")
    return row


# ---- started ---------------------------------------------------------------------------------------------------------
def start(conn: Any, id_: str, author: str, now: datetime, at: datetime | None = None) -> bool:
    """It begins now, or at a time; False when it was started already, by whomever. Ring `task` after the commit."""
    row = _get(conn, id_)
    live, _ = _live(conn, row.document)
    if row.state == DRAFT and row.forecast is not None and row.version != live.n:
        hint = "Make the forecast again, and look at it."
        text = f"{row.document} was published anew since the forecast: it is another message now."
        raise errors.Rejected(text, hint=hint, code="version")
    if at is not None and at > now:
        mine = {"start_at": at, "starter": author, "version": live.n}
        return broadcasts.move(conn, id_, [DRAFT], SCHEDULED, **mine)
    frm = [DRAFT] if at is None and row.state == DRAFT else [DRAFT, SCHEDULED]
    return _plan(conn, id_, frm, author, now, live.n)


def _plan(conn: Any, id_: str, frm: Sequence[str], author: str, now: datetime, version: int) -> bool:
    values = {"started_at": now, "starter": author, "version": version, "reason": ""}
    if not broadcasts.move(conn, id_, frm, PLANNING, **values):
        return False
    broadcasts.note(conn, id_, task=tasks.add(conn, PLAN, {"broadcast": id_}, author, now))
    return True


# ---- held, let go on, ended ------------------------------------------------------------------------------------------
def pause(conn: Any, id_: str, author: str, now: datetime) -> bool:
    """Nothing of it leaves until it goes on; False when it is over, or rests already."""
    row = _get(conn, id_)
    if row.state not in OPEN or row.paused_at is not None:
        return False
    holding.pause(conn, SCOPE, id_, f"The broadcast {row.name} was paused by {author}.", now)
    return broadcasts.rest(conn, id_, now)


def resume(conn: Any, id_: str, author: str, now: datetime) -> bool:
    """It goes on, also where its planning has stopped; False when it did not rest."""
    row = _get(conn, id_)
    rested = holding.resume(conn, SCOPE, id_, now) or row.paused_at is not None
    broadcasts.note(conn, id_, paused_at=None)
    if row.state == PLANNING and _stopped(conn, row):
        broadcasts.note(conn, id_, reason="", task=tasks.add(conn, PLAN, {"broadcast": id_}, author, now))
        return True
    return rested and row.state in OPEN


def _stopped(conn: Any, row: Any) -> bool:
    task = tasks.get(conn, row.task)
    return task is None or task.state in tasks.ENDED or task.state == "paused"


def cancel(conn: Any, id_: str, author: str, now: datetime) -> bool:
    """What has not left never will; False when it is over. Its sends are cancelled at once, or by the sender."""
    row = _get(conn, id_)
    if not broadcasts.move(conn, id_, [DRAFT, *OPEN], CANCELLED, ended_at=now, paused_at=None):
        return False
    broadcasts.forget(conn, id_)
    holding.cancel(conn, SCOPE, id_, f"The broadcast {row.name} was cancelled by {author}.", now)
    holding.resume(conn, SCOPE, id_, now)
    return True


# ---- once more -------------------------------------------------------------------------------------------------------
def retry(conn: Any, id_: str, now: datetime, after: str = "") -> tuple[int, int, str]:
    """Some of those that surely failed, anew: (tried, left alone, the last one looked at; "" = there are no more).

    What may have arrived is never sent again, nor to somebody who does not want it."""
    row = _get(conn, id_)
    if row.state not in (RUNNING, DONE):
        raise errors.Rejected(f"It is {row.state}: nothing of it can be tried again.", code="state")
    tried = alone = 0
    ids = broadcast_people.failed(conn, id_, after, AT_ONCE)
    for send in again.rows(conn, ids):
        if not again.why_not(send) and again.send(conn, send, now) is not None:
            tried += 1
        else:
            alone += 1
    if tried:
        broadcasts.move(conn, id_, [DONE], RUNNING, ended_at=None)
    return tried, alone, ids[-1] if len(ids) == AT_ONCE else ""


# ---- by the clock ----------------------------------------------------------------------------------------------------
def tick(conn: Any, now: datetime) -> list[str]:
    """What has become due begins, what has nothing left is done; the bells to ring. Safe with several clocks."""
    bells: list[str] = []
    for row in broadcasts.open_(conn):
        try:
            with conn.begin_nested():
                bells += _step(conn, row, now)
        except errors.ConnectorError as error:  # its author has too many tasks open; the others begin all the same
            log.warning("broadcast %s: %s", row.id, error)
    return bells


def _step(conn: Any, row: Any, now: datetime) -> list[str]:
    if row.state == SCHEDULED and row.start_at <= now and row.paused_at is None:
        return ["task"] if _due(conn, row, now) else []
    if row.state == PLANNING and row.paused_at is None and _may_go_on(conn, row, now):
        broadcasts.note(conn, row.id, task=tasks.add(conn, PLAN, {"broadcast": row.id}, row.starter, now))
        return ["task"]
    if row.state == RUNNING and not broadcast_people.left(conn, row.id):
        return _end(conn, row, now)
    return []


def _may_go_on(conn: Any, row: Any, now: datetime) -> bool:
    """The CRM was away while its people were read: nobody has to say that the planning goes on."""
    task = tasks.get(conn, row.task)
    failed = task is not None and task.state == "failed" and (task.result or {}).get("code") == AGAIN
    return failed and task is not None and (task.ended_at or now) <= now - REST


def _end(conn: Any, row: Any, now: datetime) -> list[str]:
    """Nothing of it is left: it is done, and its campaign hears."""
    if not broadcasts.move(conn, row.id, [RUNNING], DONE, ended_at=now, paused_at=None) or not row.campaign:
        return []
    tell_campaign(conn, row.id, row.starter, now)
    return ["task"]


def tell_campaign(conn: Any, id_: str, author: str, now: datetime) -> str:
    """The campaign's members hear what became of their messages, also of answers since; the task's id."""
    if not _get(conn, id_).campaign:
        hint = "Give it with --campaign when the broadcast is made."
        raise errors.Rejected("This broadcast has no campaign.", hint=hint, code="campaign")
    return tasks.add(conn, MEMBERS, {"broadcast": id_}, author, now)


def _due(conn: Any, row: Any, now: datetime) -> bool:
    """Begins what waited for its time; one whose document is gone is told, and ends."""
    try:
        live, _ = _live(conn, row.document)
    except errors.ConnectorError as error:
        broadcasts.move(conn, row.id, [SCHEDULED], CANCELLED, reason=str(error)[:500], ended_at=now)
        broadcasts.forget(conn, row.id)
        return False
    return _plan(conn, row.id, [SCHEDULED], row.starter, now, live.n)


def timed(
    conn: Any, account: Account, live: Sequence[tuple[SendDocument, datetime]], now: datetime
) -> list[str]:  # fmt: skip
    """Documents whose own `at:` has come begin, each time once for ever; (document, live since). The bells to ring."""
    bells = []
    for document, since in live:
        at = moment(document, account)
        if at is None or not now - LATE < at <= now or since > at:
            continue
        key = f"at:{document.name}:{at.isoformat()}"
        if broadcasts.by_key(conn, key) is not None:
            continue
        row = create(conn, [account], document.name, None, BY_TIME, now, key=key, forecast=False)
        if start(conn, row.id, BY_TIME, now):
            bells.append("task")
    return bells


def moment(document: SendDocument, account: Account) -> datetime | None:
    """When it begins by itself."""
    if document.at is None:
        return None
    return quiet.local(document.at.date(), document.at.time(), account.settings.get("time_zone") or "UTC")


def when(text: str, zone: str) -> datetime:
    """`2026-12-01 09:00` in this zone, or an ISO time with its own. Raises Rejected."""
    try:
        at = datetime.fromisoformat(text.strip().replace(" ", "T"))
    except ValueError:
        hint = "Write for example 2026-12-01 09:00"
        raise errors.Rejected(f"{text[:60]!r} is not a day and a time.", hint=hint, code="at") from None
    return at.astimezone(UTC) if at.tzinfo else quiet.local(at.date(), at.time(), zone)


def numbers(conn: Any) -> list[str]:
    """Every number that can send: what to ring for when something may go on."""
    return [one.number for one in waiting.senders(conn) if one.number]
