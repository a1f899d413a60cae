"""Files that came in or go out: which are to be fetched or uploaded, and what became of each."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from connector.core.message.words import kind_of
from connector.store.among import among
from connector.store.bulk import insert_many
from connector.store.once import once
from connector.store.tables import changes, events, in_state, media, media_ids, sends

ATTACH = "AttachFile"
_T, _I = media.c, media_ids.c


# ---- in: a customer's files ----------------------------------------------------------------------------------------
def expect(conn: sa.Connection, rows: Sequence[Mapping[str, Any]]) -> int:
    """Files that messages brought, each once; how many are new."""
    if not rows:
        return 0
    return len(insert_many(conn, media, list(rows), ignore_conflicts=True, returning=["id"]))


def due(conn: sa.Connection, now: datetime, limit: int) -> Sequence[Any]:
    """Files to be fetched whose time has come, the longest due first."""
    return _due(conn, now, limit).all()


@once
def _due(_: sa.Connection, now: datetime, limit: int) -> sa.Executable:
    mine = sa.and_(in_state(media, "new"), _T.next_at <= now)
    return sa.select(media).where(mine).order_by(_T.next_at).limit(limit)


def start(conn: sa.Connection, rows: Sequence[Any], until: datetime) -> list[Any]:
    """The attempt is counted before the work; one whose worker dies is due again at `until`."""
    taken = []
    for row in rows:
        mine = sa.and_(_T.id == row.id, _T.state == "new", _T.attempts == row.attempts)
        if conn.execute(sa.update(media).where(mine).values(attempts=row.attempts + 1, next_at=until)).rowcount:
            taken.append(row)
    return taken


def stored(conn: sa.Connection, row: Any, now: datetime, **found: Any) -> bool:
    """It lies on disk: mime, size, sha256. False when it ended otherwise meanwhile (its person was erased)."""
    mine = sa.and_(_T.id == row.id, _T.state == "new")
    values = {"state": "stored", "stored_at": now, "next_at": None, "reason": "", **found}
    return conn.execute(sa.update(media).where(mine).values(**values)).rowcount == 1


def later(conn: sa.Connection, row: Any, then: datetime, reason: str) -> None:
    """Another try."""
    conn.execute(sa.update(media).where(_T.id == row.id, _T.state == "new").values(next_at=then, reason=reason))


def refuse(conn: sa.Connection, row: Any, reason: str) -> None:
    """It will never be here; whoever waits for it hears why."""
    values = {"state": "refused", "next_at": None, "reason": reason}
    conn.execute(sa.update(media).where(_T.id == row.id, _T.state == "new").values(**values))


def wake(conn: sa.Connection, file: str) -> list[str]:
    """The CRM accounts with a change that waits for this file (WhatsApp's id): it is due now."""
    t = changes.c
    waits = sa.and_(in_state(changes, "new", "in_flight"), t.kind == ATTACH, t.state == "new")
    rows = conn.execute(sa.select(t.seq, t.account, t.body).where(waits, t.next_at.is_not(None))).all()
    mine = [row for row in rows if row.body.get("file") == file]
    if mine:
        conn.execute(sa.update(changes).where(t.seq.in_([row.seq for row in mine])).values(next_at=None))
    return sorted({row.account for row in mine})


def of_files(conn: sa.Connection, files: Collection[str]) -> dict[str, Any]:
    """{WhatsApp's id: its row}."""
    rows = conn.execute(sa.select(media).where(among(conn, _T.media_id, list(files)))).all() if files else ()
    return {row.media_id: row for row in rows}


def of_events(conn: sa.Connection, events: Collection[str]) -> dict[str, Any]:
    """{event: the file it brought}."""
    rows = conn.execute(sa.select(media).where(among(conn, _T.event, list(events)))).all() if events else ()
    return {row.event: row for row in rows}


def one(conn: sa.Connection, id_: str) -> Any:
    """One file by our key, None when there is none."""
    return conn.execute(sa.select(media).where(_T.id == id_)).first()


# ---- out: our files, and what each number calls them ----------------------------------------------------------------
def add(conn: sa.Connection, row: Mapping[str, Any]) -> None:
    """A file of ours."""
    conn.execute(sa.insert(media).values(**{"way": "out", **row}))


def fetched(conn: sa.Connection, key: str, now: datetime, **found: Any) -> None:
    """A file of an address lies here, for the first time or anew: mime, size, sha256."""
    values = {"state": "stored", "stored_at": now, "reason": "", **found}
    conn.execute(sa.update(media).where(_T.id == key).values(**values))


def known(conn: sa.Connection, number: str, keys: Collection[str], now: datetime) -> dict[str, Any]:
    """{key: its row of media_ids} that is good now, or says why there is none."""
    mine = sa.and_(_I.number == number, among(conn, _I.media, list(keys)))
    rows = conn.execute(sa.select(media_ids).where(mine)).all() if keys else ()
    return {row.media: row for row in rows if row.state != "done" or (row.expires_at and row.expires_at > now)}


def want(conn: sa.Connection, number: str, keys: Mapping[str, str], now: datetime) -> None:
    """These {key: address} are to be uploaded, also anew when their id has expired; once, however many carry them."""
    there = [
        {"id": key, "way": "out", "number": number, "url": url, "kind": kind_of(url), "state": "new", "at": now}
        for key, url in sorted(keys.items())
        if url
    ]
    insert_many(conn, media, there, ignore_conflicts=True)
    fresh = [
        {"number": number, "media": key, "state": "new", "attempts": 0, "next_at": now, "reason": "", "at": now}
        for key in sorted(keys)
    ]
    if not fresh:
        return
    insert_many(conn, media_ids, fresh, ignore_conflicts=True)
    old = sa.and_(_I.number == number, among(conn, _I.media, list(keys)), _I.state == "done", _I.expires_at <= now)
    conn.execute(sa.update(media_ids).where(old).values(state="new", attempts=0, next_at=now, media_id=None))


def uploads_due(conn: sa.Connection, now: datetime, number: str = "", limit: int = 100) -> Sequence[Any]:
    """What is to be uploaded now: of one number, or of any."""
    return (_uploads_of(conn, now, number, limit) if number else _uploads(conn, now, limit)).all()


@once
def _uploads(_: sa.Connection, now: datetime, limit: int) -> sa.Executable:
    mine = sa.and_(in_state(media_ids, "new"), _I.next_at <= now)
    return sa.select(media_ids).where(mine).order_by(_I.next_at).limit(limit)


@once
def _uploads_of(_: sa.Connection, now: datetime, number: str, limit: int) -> sa.Executable:
    mine = sa.and_(in_state(media_ids, "new"), _I.next_at <= now, _I.number == number)
    return sa.select(media_ids).where(mine).order_by(_I.next_at).limit(limit)


def uploading(conn: sa.Connection, row: Any, until: datetime) -> bool:
    """Compare-and-set: the attempt is counted before the request."""
    mine = sa.and_(_mine(row), _I.state == "new", _I.attempts == row.attempts)
    return conn.execute(sa.update(media_ids).where(mine).values(attempts=row.attempts + 1, next_at=until)).rowcount == 1


def uploaded(conn: sa.Connection, row: Any, media_id: str, expires: datetime, now: datetime) -> None:
    """WhatsApp's name for it, and what waits for it goes on."""
    done = {"state": "done", "media_id": media_id, "expires_at": expires, "next_at": None, "reason": ""}
    conn.execute(sa.update(media_ids).where(_mine(row)).values(**done))
    _go_on(conn, row.number, now)


def upload_failed(conn: sa.Connection, row: Any, then: datetime | None, reason: str, now: datetime) -> None:
    """Tried again at `then`; None = never, and the messages that carry it are refused with this reason."""
    values = {"reason": reason, "next_at": then} | ({} if then else {"state": "refused"})
    conn.execute(sa.update(media_ids).where(_mine(row)).values(**values))
    if then is None:
        _go_on(conn, row.number, now)


def forget(conn: sa.Connection, number: str, media_id: str) -> None:
    """WhatsApp does not know this id any more."""
    mine = sa.and_(_I.number == number, _I.media_id == media_id)
    conn.execute(sa.update(media_ids).where(mine).values(expires_at=_I.at))


def _mine(row: Any) -> sa.ColumnElement[bool]:
    return sa.and_(_I.number == row.number, _I.media == row.media)


def _go_on(conn: sa.Connection, number: str, now: datetime) -> None:
    """Messages of this number that waited for a file are looked at now."""
    t = sends.c
    waits = sa.and_(in_state(sends, "ready"), t.number == number, t.code == "media")
    conn.execute(sa.update(sends).where(waits).values(next_at=now))


# ---- the end --------------------------------------------------------------------------------------------------------
def old(conn: sa.Connection, before: datetime, limit: int) -> list[str]:
    """Customers' files since before then that nothing waits for any more, and fetched ones of ours; by age."""
    t = changes.c
    waits = sa.exists().where(t.event == _T.event, t.kind == ATTACH, t.state.in_(["new", "in_flight", "review"]))
    theirs = sa.or_(_T.way == "in", _T.url.is_not(None))
    mine = sa.and_(_T.state != "gone", _T.at < before, theirs, ~waits)
    return list(conn.execute(sa.select(_T.id).where(mine).order_by(_T.at).limit(limit)).scalars())


def of_lanes(conn: sa.Connection, lanes: Sequence[str], top: int, limit: int) -> list[str]:
    """Files that messages of these lanes brought, up to the event `top`."""
    e = events.c
    theirs = sa.exists().where(e.id == _T.event, e.lane.in_(list(lanes)), e.seq <= top)
    return list(conn.execute(sa.select(_T.id).where(_T.state != "gone", theirs).limit(limit)).scalars())


def strange(conn: sa.Connection, names: Sequence[str]) -> list[str]:
    """Which of these files no row knows of."""
    known = set(conn.execute(sa.select(_T.id).where(among(conn, _T.id, names))).scalars())
    return [name for name in names if name not in known]


def gone(conn: sa.Connection, ids: Sequence[str], reason: str) -> int:
    """They were deleted: the row stays, what it said of the file does not."""
    blank = {"state": "gone", "next_at": None, "name": "", "declared": "", "sha256": "", "reason": reason}
    return conn.execute(sa.update(media).where(_T.id.in_(list(ids))).values(**blank)).rowcount
