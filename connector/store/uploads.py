"""Files that a person gave us and a worker reads later, part by part: nobody ever holds a whole one."""

import zlib
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime, timedelta

import sqlalchemy as sa

from connector.core import sheet, unlist
from connector.errors import Rejected
from connector.ids import new_id
from connector.store.bulk import insert_many
from connector.store.engine import Store
from connector.store.tables import broadcasts, upload_parts, uploads

PART = 256 * 1024  # bytes
LARGEST = 64 * 1024 * 1024  # bytes of a whole file
KEPT = timedelta(days=7)  # of a file that nothing needs any more
_P = upload_parts.c


def add(store: Store, name: str, parts: Iterable[bytes], author: str, now: datetime) -> str:
    """Keeps a file, each part in a transaction of its own; its id. Raises Rejected for one that is too large."""
    id_, size = new_id(), 0
    with store.write() as conn:
        insert_many(conn, uploads, [{"id": id_, "name": name[:200], "size": 0, "author": author, "at": now}])
    for n, part in enumerate(_even(parts)):
        size += len(part)
        if size > LARGEST:
            drop(store, id_)
            hint = "Split it, or send to a list of the CRM."
            raise Rejected(f"The file has over {LARGEST // 1024 // 1024} MB.", hint=hint, code="too_large")
        with store.write() as conn:
            conn.execute(sa.insert(upload_parts).values(upload=id_, n=n, data=zlib.compress(part, 1)))
    with store.write() as conn:
        conn.execute(sa.update(uploads).where(uploads.c.id == id_).values(size=size))
    return id_


def _even(parts: Iterable[bytes]) -> Iterator[bytes]:
    """In parts of PART, whatever the sizes they come in."""
    held = bytearray()
    for part in parts:
        held += part
        while len(held) >= PART:
            yield bytes(held[:PART])
            del held[:PART]
    if held:
        yield bytes(held)


def read(store: Store, id_: str) -> Iterator[bytes]:
    """The file's parts in their order."""
    n = 0
    while True:
        with store.read() as conn:
            data = conn.execute(sa.select(_P.data).where(_P.upload == id_, _P.n == n)).scalar()
        if data is None:
            return
        yield zlib.decompress(data)
        n += 1


def without(store: Store, ids: Collection[str]) -> int:
    """Takes one person's rows out of every file that is kept; how many files changed. Done again, it finds nothing."""
    with store.read() as conn:
        files = list(conn.execute(sa.select(uploads.c.id)).scalars())
    return sum(_without(store, id_, ids) for id_ in files) if ids else 0


def _without(store: Store, id_: str, ids: Collection[str]) -> bool:
    """A file that names them is written anew, in one transaction: half of each would be neither."""
    encoding = sheet.encoding_of(read(store, id_))
    if not unlist.any_names(read(store, id_), encoding, ids):
        return False
    parts = [zlib.compress(part, 1) for part in _even(unlist.without(read(store, id_), encoding, ids))]
    with store.write() as conn:
        conn.execute(sa.delete(upload_parts).where(_P.upload == id_))
        for n, data in enumerate(parts):
            conn.execute(sa.insert(upload_parts).values(upload=id_, n=n, data=data))
    return True


def there(conn: sa.Connection, id_: str) -> bool:
    """Is it still kept?"""
    return conn.execute(sa.select(uploads.c.id).where(uploads.c.id == id_)).first() is not None


def drop(store: Store, id_: str) -> None:
    with store.write() as conn:
        _drop(conn, [id_])


def _drop(conn: sa.Connection, ids: list[str]) -> None:
    conn.execute(sa.delete(upload_parts).where(_P.upload.in_(ids)))
    conn.execute(sa.delete(uploads).where(uploads.c.id.in_(ids)))


def prune(conn: sa.Connection, now: datetime) -> int:
    """Forgets old files, but those that a broadcast is still to be planned from; how many."""
    b = broadcasts.c
    waits = conn.execute(sa.select(b.source).where(b.state.in_(["scheduled", "planning"]))).scalars()
    needed = {source.get("upload") for source in waits}
    old = conn.execute(sa.select(uploads.c.id).where(uploads.c.at < now - KEPT).limit(100)).scalars()
    gone = [id_ for id_ in old if id_ not in needed]
    if gone:
        _drop(conn, gone)
    return len(gone)
