"""The chain over the audit log: each line holds a keyed hash of the one before, both ends are sealed in a row.

The key is encrypted under keys that are not in the database, so who only has that can neither write a line that fits
nor cut an end off. What a copy of the whole database from yesterday cannot tell is that there was a today: note the
end that `connector audit verify` prints somewhere else, and give it back with --expect.
"""

import hashlib
import hmac
import json
import logging
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from connector.errors import ConnectorError
from connector.store.bulk import insert_many
from connector.store.tables import audit, audit_chain, to_ms

log = logging.getLogger("connector.store")
PLACE = "audit:key"
ERASED = "audit.erase"  # a line of the chain that tells what another one holds since an erasure
ROWS = 2000  # of one read
MOST = 50  # problems that are told
_T, _C = audit.c, audit_chain.c


@dataclass(slots=True)
class Chain:
    """The row with both ends, under its key."""

    row: Any
    key: bytes

    def mac(self, *parts: object) -> str:
        """A keyed hash; the parts cannot run into each other."""
        told = json.dumps(parts, ensure_ascii=True, separators=(",", ":"))
        return hmac.new(self.key, told.encode(), hashlib.sha256).hexdigest()

    def digest(self, who: str, object_: str, detail: Any) -> str:
        """Of what an erasure may take out."""
        return self.mac("line", who, object_, detail)

    def link(self, before: str, at_ms: int, action: str, digest: str) -> str:
        """The hash of a line."""
        return self.mac("link", before, at_ms, action, digest)

    def seal(self, **new: Any) -> dict[str, Any]:
        """Values of the row with its seal."""
        values = {name: getattr(self.row, name) for name in ("hash", "born", "cut", "anchor")} | new
        return values | {"seal": self.mac("ends", values["hash"], values["born"], values["cut"], values["anchor"])}

    def put(self, conn: sa.Connection, **new: Any) -> None:
        conn.execute(sa.update(audit_chain).values(**self.seal(**new)))


def held(conn: sa.Connection) -> Chain | None:
    """The chain, held to the end of the transaction; made at the first line. None when its key does not open."""
    query = sa.select(audit_chain).with_for_update()
    row = conn.execute(query).first()
    if row is None:
        _begin(conn)
        row = conn.execute(query).one()
    return _opened(conn, row)


def _opened(conn: sa.Connection, row: Any) -> Chain | None:
    try:
        return Chain(row, _key(_keyring(conn), row.key))
    except ConnectorError as error:
        log.error("the audit log's key does not open, its lines are not chained: %s", error)
        return None


@lru_cache(maxsize=8)
def _key(keyring: Any, packed: str | None) -> bytes:
    if packed is None:
        return b""
    if keyring is None:
        raise ConnectorError("There are no keys here.")
    return bytes.fromhex(keyring.decrypt(packed, PLACE))


def _keyring(conn: sa.Connection) -> Any:
    found = conn.get_execution_options().get("connector_store")
    store = found() if found is not None else None
    return store.keyring if store is not None else None


def _begin(conn: sa.Connection) -> None:
    """From here on; what was written before is older than the chain."""
    keyring = _keyring(conn)
    key = os.urandom(32)
    packed = None if keyring is None else keyring.encrypt(key.hex(), PLACE)
    born = conn.execute(sa.select(sa.func.max(_T.seq))).scalar() or 0
    row = {"id": "ends", "key": packed, "hash": "", "born": born, "cut": 0, "anchor": "", "seal": ""}
    insert_many(conn, audit_chain, [row], ignore_conflicts=True)
    chain = _opened(conn, conn.execute(sa.select(audit_chain).with_for_update()).one())
    if chain is not None and not chain.row.seal:
        chain.put(conn)


def chained(conn: sa.Connection, row: dict[str, Any]) -> None:
    """Adds the line at the end: appends wait for each other until they are committed, so it comes last in its work."""
    chain = held(conn)
    if chain is None:  # what was done is not refused because its line could not be chained; `verify` tells
        insert_many(conn, audit, [row])
        return
    digest = chain.digest(row["who"], row["object"], row["detail"])
    new = chain.link(chain.row.hash, to_ms(row["at"]), row["action"], digest)
    insert_many(conn, audit, [row | {"digest": digest, "hash": new}])
    chain.put(conn, hash=new)


def cut(conn: sa.Connection, upto: int) -> int:
    """Takes away the lines up to `upto`, the oldest ones; their last hash stays as the anchor. How many went."""
    chain = held(conn)
    if chain is None:
        return 0
    last = sa.select(_T.hash).where(_T.seq <= upto, _T.hash != "").order_by(_T.seq.desc()).limit(1)
    anchor = conn.execute(last).scalar() or chain.row.anchor
    chain.put(conn, cut=max(upto, chain.row.cut), anchor=anchor)
    return conn.execute(sa.delete(audit).where(_T.seq <= upto)).rowcount


# ---- is it what was written? ---------------------------------------------------------------------------------------
@dataclass(slots=True)
class Verdict:
    """What a look through the chain found; `problems` are {seq, what}: changed removed unchained start end seal."""

    lines: int = 0
    older: int = 0  # than the chain: nothing is known of them
    erased: int = 0
    head: str = ""
    problems: list[dict[str, Any]] = field(default_factory=list)

    def add(self, seq: int | None, what: str) -> None:
        if len(self.problems) < MOST:
            self.problems.append({"seq": seq, "what": what})


def verify(conn: sa.Connection, *, newest: int = 0, expect: str = "") -> Verdict:
    """Looks through the chain from its anchor, or through the `newest` lines only; `expect` is a hash once noted."""
    found, row = Verdict(), conn.execute(sa.select(audit_chain)).first()
    if row is None:
        seq = conn.execute(sa.select(sa.func.max(_T.seq)).where(_T.hash != "")).scalar()
        if seq is not None:
            found.add(seq, "seal")
        return found
    chain = _opened(conn, row)
    if chain is None or not hmac.compare_digest(chain.seal()["seal"], row.seal):
        found.add(None, "seal")
        return found
    found.head = row.hash
    _walk(conn, chain, found, newest, expect)
    if found.problems and conn.execute(sa.select(_C.cut)).scalar() != row.cut:
        return verify(conn, newest=newest, expect=expect)  # retention went on meanwhile
    return found


def _walk(conn: sa.Connection, chain: Chain, found: Verdict, newest: int, expect: str) -> None:
    begin, before = _start(conn, newest)
    first, odd, told = not begin, dict[int, str](), dict[int, str]()
    last = chain.row.anchor if first else before
    seen = {last} & {chain.row.hash, expect}
    for line in _lines(conn, begin):
        if not line.hash:
            if line.seq <= chain.row.born:
                found.older += 1
            else:
                found.add(line.seq, "unchained")
            continue
        found.lines += 1
        digest = chain.digest(line.who, line.object, line.detail)
        if digest != line.digest:
            odd[line.seq] = digest
        if chain.link(last, to_ms(line.at), line.action, line.digest) != line.hash:
            found.add(line.seq, "start" if first else "removed")
        if line.action == ERASED and digest == line.digest:
            told[int((line.detail or {}).get("line", 0))] = str((line.detail or {}).get("now", ""))
        first, last = False, line.hash
        seen |= {last} & {chain.row.hash, expect}  # lines after that end came while we looked
    for seq, digest in odd.items():
        if told.get(seq) == digest:
            found.erased += 1
        else:
            found.add(seq, "changed")
    if chain.row.hash not in seen or (expect and expect not in seen):
        found.add(None, "end")


def _start(conn: sa.Connection, newest: int) -> tuple[int, str]:
    """(the line before the newest ones, its hash); (0, "") = there are no more than those."""
    if not newest:
        return 0, ""
    query = sa.select(_T.seq, _T.hash).where(_T.hash != "").order_by(_T.seq.desc()).offset(newest).limit(1)
    row = conn.execute(query).first()
    return (row.seq, row.hash) if row is not None else (0, "")


def _lines(conn: sa.Connection, after: int) -> Iterator[Any]:
    while True:
        rows: Sequence[Any] = conn.execute(sa.select(audit).where(_T.seq > after).order_by(_T.seq).limit(ROWS)).all()
        yield from rows
        if len(rows) < ROWS:
            return
        after = rows[-1].seq


def summed(conn: sa.Connection, newest: int) -> list[dict[str, Any]]:
    """As doctor tells it: nothing, or one finding."""
    found = verify(conn, newest=newest)
    if not found.problems:
        return []
    examples = [f"{one['what']} {one['seq'] or ''}".strip() for one in found.problems[:5]]
    hint = "Somebody changed the audit log in the database itself. `connector audit verify` says where."
    return [{"code": "audit_chain", "count": len(found.problems), "examples": examples, "hint": hint}]


def blanked(conn: sa.Connection, mine: sa.ColumnElement[bool], line: Any, values: dict[str, Any], at: Any) -> int:
    """A person is taken out of a line: the chain tells what it holds from now on, and nothing of what it held."""
    chain = held(conn)
    new = {name: values.get(name, getattr(line, name)) for name in ("who", "object", "detail")}
    n = conn.execute(sa.update(audit).where(mine).values(**values, erased=line.erased + 1)).rowcount
    if chain is not None and line.hash:
        now = chain.digest(new["who"], new["object"], new["detail"])
        detail = {"line": line.seq, "now": now}
        chained(conn, {"at": at, "who": "connector", "action": ERASED, "object": str(line.seq), "detail": detail})
    return n
