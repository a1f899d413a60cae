"""Rows into Salesforce, 200 a call, in rounds: what was refused is mended and sent again until each has an outcome."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from connector.core.changes import Outcome
from connector.crm.batch import chunks, waves
from connector.crm.salesforce import problems, rows
from connector.crm.salesforce.client import WRITE_BATCH, Client
from connector.crm.salesforce.find import Finder, is_id, select
from connector.crm.salesforce.problems import CallRejected, Problem
from connector.crm.salesforce.rows import Row
from connector.crm.salesforce.schema import USER_ID, WA_ID, Schema
from connector.errors import ConnectorError, NotAllowed, NotFound, TryAgain
from connector.ports import RecordChange

ROUNDS = 20  # a row loses a field or changes its way in each; more is a fault somewhere
# An update of a known record passes rules that only warn; a new one must not, so that its double is found.
_ALLOW = {"Sforce-Duplicate-Rule-Header": "allowSave=true; includeRecordDetails=false; runAsCurrentUser=true"}
_DETAILS = {"Sforce-Duplicate-Rule-Header": "allowSave=false; includeRecordDetails=true; runAsCurrentUser=true"}


@dataclass(frozen=True, slots=True)
class Result:
    """What one call said of one row."""

    record: str | None
    created: bool
    problems: list[Problem]


class Writer:
    """`write` of the port for records; `run` also carries the timeline's tasks."""

    def __init__(self, client: Client, schema: Schema, finder: Finder) -> None:
        self._client, self._schema, self._finder = client, schema, finder
        self._send: dict[str, Callable[[Sequence[Row]], Any]] = {
            "update": self._update,
            "upsert": self._upsert,
            "create": self._create,
        }

    def write(self, changes: Sequence[RecordChange]) -> list[Outcome]:
        """One outcome a change, in order; all of one object."""
        object = changes[0].object
        try:
            columns = self._schema.needing(object, {n for c in changes for n in c.fields})
        except NotFound:
            said = f"Salesforce has no object {object}, or our user may not see it."
            return [Outcome(state="refused", code="no_object", text=said) for _ in changes]
        made = [rows.from_change(change, columns) for change in changes]
        for row in made:
            if row.how == "update" and row.outcome is None and not is_id(str(row.record)):
                rows.refuse(row, "MALFORMED_ID", f"{row.record!r} is not a Salesforce id.")
        return self.run(made)

    def run(self, made: Sequence[Row]) -> list[Outcome]:
        """Rounds until every row has its outcome. Raises only while none has been written."""
        started = time.monotonic()
        self._check_keys(made)
        written = False
        for _ in range(ROUNDS):
            pending = [r for r in made if r.outcome is None]
            if not pending:
                break
            try:
                self._round(pending)
            except (TryAgain, NotAllowed) as trouble:
                if not written and not any(_is_written(r) for r in made):
                    raise
                self._later([r for r in made if r.outcome is None], trouble)
            written = written or any(_is_written(r) for r in made)
        for row in made:
            if row.outcome is None:
                rows.refuse(row, "too_many_errors", "Salesforce refused this record again and again.")
        ms = int((time.monotonic() - started) * 1000)
        return [replace(r.outcome, ms=ms) for r in made if r.outcome is not None]

    def _later(self, pending: Sequence[Row], trouble: ConnectorError) -> None:
        """Part of the batch is written and must be told; the rest comes again, and raises then if it must."""
        after = trouble.after if isinstance(trouble, TryAgain) else 0.0
        for row in pending:
            rows.postpone(row, trouble.code, trouble.message, after)

    def _check_keys(self, made: Sequence[Row]) -> None:
        """Our unique fields must be there before anything is upserted by them."""
        for object, name in {(r.object, r.key[0]) for r in made if r.outcome is None and r.how == "upsert"}:
            if name not in self._schema.needing(object, {name}):
                raise NotAllowed(
                    f"The field {name} is missing on {object}, or our user may not see it.",
                    hint="Run `connector accounts check --fix`.",
                    code="missing_field",
                )

    # ---- one round ----
    def _round(self, pending: Sequence[Row]) -> None:
        groups: dict[tuple[str, str, str], list[Row]] = {}
        for row in pending:
            name = row.key[0] if row.how == "upsert" else ""
            groups.setdefault((row.object, row.how, name), []).append(row)
        for group in groups.values():
            for wave in waves(group, lambda r: r.key):
                for chunk in chunks(wave, WRITE_BATCH):
                    for row, result in zip(chunk, self._results(chunk), strict=True):
                        made = result.created or (row.how == "create" and result.record is not None)
                        rows.heard(row, result.record, made, result.problems)
        doubtful = [r for r in pending if r.doubt is not None]
        if doubtful:
            self._resolve(doubtful)

    def _results(self, sent: Sequence[Row]) -> list[Result]:
        """One result a row. A call refused as a whole (one value broke its JSON reader) is halved to the guilty."""
        try:
            answer = self._send[sent[0].how](sent) or []
        except CallRejected as refused:
            if len(sent) == 1:
                return [Result(None, False, refused.problems)]
            half = len(sent) // 2
            return self._results(sent[:half]) + self._results(sent[half:])
        if len(answer) != len(sent):
            raise problems.error(502, None)
        return [_result(item) for item in answer]

    def _update(self, sent: Sequence[Row]) -> Any:
        return self._client.call("PATCH", "composite/sobjects", _collection(sent), headers=_ALLOW)

    def _upsert(self, sent: Sequence[Row]) -> Any:
        path = f"composite/sobjects/{quote(sent[0].object)}/{quote(sent[0].key[0])}"
        return self._client.call("PATCH", path, _collection(sent), headers=_DETAILS)

    def _create(self, sent: Sequence[Row]) -> Any:
        return self._client.call("POST", "composite/sobjects", _collection(sent), headers=_DETAILS)

    # ---- doubts: it is there already, or not any more ----
    def _resolve(self, doubtful: Sequence[Row]) -> None:
        gone = [r for r in doubtful if r.how == "update"]
        if gone:
            self._follow(gone)
        there = [r for r in doubtful if r.how != "update"]
        if there:
            self._reread(there)

    def _follow(self, gone: Sequence[Row]) -> None:
        """Merged records go on under their master's id; deleted ones are refused."""
        went = self._finder.masters(gone[0].object, [str(r.record) for r in gone if not r.followed])
        for row in gone:
            master = went.get(str(row.record)[:15])
            if master and not row.followed:
                row.followed, row.record, row.doubt = True, master, None
            elif row.doubt:
                rows.refuse(row, row.doubt.code, rows.words(row.doubt))

    def _reread(self, doubtful: Sequence[Row]) -> None:
        """Who has our ids? One record is updated, several are asked about, none: see what a duplicate rule matched."""
        holders = self._holders(doubtful)
        left = []
        for row in doubtful:
            mine = {str(h["Id"]): h for h in holders if any(_same(h.get(n), v) for n, v in row.ids.items())}
            if len(mine) == 1 or (mine and row.object == "Task"):
                record, holds = next(iter(mine.items()))
                rows.adopt(row, record, holds)
            elif mine:
                rows.refuse(row, "several_records", f"Several records have this person's WhatsApp ids: {_list(mine)}.")
            else:
                left.append(row)
        if left:
            self._similar(left)

    def _holders(self, doubtful: Sequence[Row]) -> list[dict[str, Any]]:
        object = doubtful[0].object
        names = [n for n in dict.fromkeys(n for r in doubtful for n in r.ids) if n in self._schema.columns(object)]
        found: list[dict[str, Any]] = []
        for name in names:
            values = [r.ids[name] for r in doubtful if name in r.ids]
            found += self._client.query(select(["Id", *names], object, name, values))
        return found

    def _similar(self, left: Sequence[Row]) -> None:
        """No record we can see has our ids: take the one record Salesforce itself names."""
        named = {id(row): self._named(row) for row in left}
        ids = list(dict.fromkeys(i for found in named.values() for i in found))
        columns = [n for n in (WA_ID, USER_ID) if n in self._schema.columns(left[0].object)]
        rest = [r for r in left if r.outcome is None and r.doubt is not None]
        seen = {r["Id"][:15]: r for r in self._client.retrieve(left[0].object, ids, ["Id", *columns])} if ids else {}
        for row in rest:
            found = named[id(row)]
            holds = seen.get(found[0][:15], {}) if found else {}
            if len(found) == 1 and all(not holds.get(n) or _same(holds[n], v) for n, v in row.ids.items()):
                rows.adopt(row, found[0], holds)
            else:
                _ask(row, found)

    def _named(self, row: Row) -> list[str]:
        """Ids of the same object that the refusal names; collections may leave them out, a single create does not."""
        problem = row.doubt
        if problem is not None and problem.code == "DUPLICATES_DETECTED" and not problem.similar:
            row.doubt, result = None, self._alone(row)
            rows.heard(row, result.record, result.created, result.problems)
            problem = row.doubt
        if problem is None:
            return []
        record = problems.record_id_in(problem.text) if problem.code == "DUPLICATE_VALUE" else None
        named = [record] if record else [i for object, i in problem.similar if object in ("", row.object)]
        return list(dict.fromkeys(named))

    def _alone(self, row: Row) -> Result:
        row.how = "create"
        body = {n: v for n, v in row.body().items() if n != "attributes"}
        try:
            answer = self._client.call("POST", f"sobjects/{quote(row.object)}", body, headers=_DETAILS)
        except CallRejected as refused:
            return Result(None, False, refused.problems)
        return _result({**(answer or {}), "created": True})


def _collection(sent: Sequence[Row]) -> dict[str, Any]:
    return {"allOrNone": False, "records": [row.body() for row in sent]}


def _result(item: Mapping[str, Any]) -> Result:
    if item.get("success") and item.get("id"):
        # A plain create does not say `created`: there it always is.
        return Result(str(item["id"]), bool(item.get("created")), [])
    return Result(None, False, [problems.read(e) for e in item.get("errors") or ()])


def _is_written(row: Row) -> bool:
    return row.created or (row.outcome is not None and row.outcome.state == "done")


def _same(a: object, b: str) -> bool:
    return str(a or "").casefold() == b.casefold()


def _list(ids: Any) -> str:
    return ", ".join(list(ids)[:5])


def _ask(row: Row, found: Sequence[str]) -> None:
    said = rows.words(row.doubt) if row.doubt else ""
    if len(found) > 1:
        rows.refuse(row, "several_records", f"Salesforce found several similar records ({_list(found)}). {said}")
    elif found:
        rows.refuse(row, "other_person", f"The similar record {found[0]} has another WhatsApp id. {said}")
    else:
        rows.refuse(row, row.doubt.code if row.doubt else "", said)
