"""The people of a broadcast, page by page, as records the documents can look at: from a CSV, or from the CRM."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from connector import errors
from connector.core import sheet
from connector.core.audience import Source
from connector.core.contact import Record, RecordRef, Value
from connector.core.documents import SendDocument
from connector.pipeline.people import consents
from connector.ports import CRM, Account
from connector.store import uploads
from connector.store.engine import Store

PAGE = 500  # people of a CSV judged and stored together


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the list. `code` "" = it can be looked at."""

    line: int
    record: Record
    ref: RecordRef | None = None  # the CRM's own record, where we know which it is
    phone: str = ""  # as it stands there
    name: str = ""
    code: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """Some rows; `cursor` None = there are no more, else where the next part begins (JSON)."""

    entries: Sequence[Entry]
    cursor: Any = None
    total: int | None = None  # of the whole list, where that is known


@dataclass(slots=True)
class Reader:
    """Reads the list of one broadcast for one document."""

    store: Store
    account: Account
    crm: CRM
    document: SendDocument
    source: Source
    phone_column: str = ""
    _line: int = field(default=0, init=False)

    def parts(self, cursor: Any = None) -> Iterator[Part]:
        """From the beginning, or from where a part ended. Raises GiveUp with what to mend."""
        if self.source.kind == "csv":
            yield from self._csv(int((cursor or {}).get("line", 0)))
        else:
            yield from self._crm(cursor)

    @property
    def object(self) -> str:
        can = self.crm.can
        return self.source.object or can.objects.get(self.document.word, can.object)

    @property
    def _needed(self) -> set[str]:
        own = (*self.crm.can.identity.values(), *consents.fields(self.account))
        return {*self.document.reads, *self.document.record_reads, *own}

    # ---- the CRM -------------------------------------------------------------------------------------------------
    def _crm(self, cursor: Any) -> Iterator[Part]:
        if self.source.kind not in self.crm.can.audiences:
            kinds = ", ".join(self.crm.can.audiences)
            hint = f"It has: {kinds}. A csv goes everywhere."
            raise errors.Rejected(f"{self.account.name} knows no {self.source.kind}.", hint=hint, code="audience")
        after, line = str((cursor or {}).get("after", "")), int((cursor or {}).get("line", 0))
        fields = sorted(self._needed)
        while True:
            page = self.crm.audience(self.source, fields, after=after)
            entries = [self._person(line + n, record) for n, record in enumerate(page.records, 1)]
            line += len(entries)
            after = page.after
            yield Part(entries, {"after": after, "line": line} if after else None, page.total)
            if not after:
                return

    def _person(self, line: int, record: Record) -> Entry:
        can = self.crm.can
        name = " ".join(str(v) for n in can.names if (v := record.fields.get(n)))
        ref = RecordRef(self.account.id, record.object, record.id)
        return Entry(line, record, ref, str(record.fields.get(can.phone) or ""), name[:200])

    # ---- a CSV ---------------------------------------------------------------------------------------------------
    def _csv(self, after: int) -> Iterator[Part]:
        with self.store.read() as conn:
            if not uploads.there(conn, self.source.upload):
                raise errors.NotFound("The file is not kept any more.", hint="Give it once more.", code="upload")
        encoding = sheet.encoding_of(uploads.read(self.store, self.source.upload))
        lines = sheet.lines_of(uploads.read(self.store, self.source.upload), encoding)
        found = sheet.rows(lines, self.phone_column)
        try:
            columns = next(found)
            assert isinstance(columns, sheet.Columns)
            names = self._names(columns)
            rows = (row for row in found if isinstance(row, sheet.Row) and row.line > after)
            while some := list(islice(rows, PAGE)):
                yield Part([self._entry(row, names) for row in some], {"line": some[-1].line})
        except sheet.Unreadable as error:
            raise errors.Rejected(str(error), hint="Save it as CSV (UTF-8).", code="unreadable") from None
        yield Part(())

    def _names(self, columns: sheet.Columns) -> dict[str, str]:
        """{field that the document reads: the column that has it}: `contact.firstname` is also `First name`."""
        plain = {sheet.plain(name): name for name in reversed(columns.names)}
        exact = set(columns.names)
        found = {name: name if name in exact else plain.get(sheet.plain(name), "") for name in self._needed}
        return {name: column for name, column in found.items() if column}

    def _entry(self, row: sheet.Row, names: dict[str, str]) -> Entry:
        fields: dict[str, Value] = {name: row.values.get(column, "") for name, column in names.items()}
        fields |= dict.fromkeys(self._phones, row.phone)
        ref = RecordRef(self.account.id, self.object, row.record) if row.record else None
        record = Record(object=self.object, id=row.record or f"line {row.line}", fields=fields)
        return Entry(row.line, record, ref, row.phone, row.name, row.code, row.problem)

    @property
    def _phones(self) -> list[str]:
        """Wherever the document looks for a phone, it finds the one of the row."""
        return sorted({path[-1] for e in self.document.phone for path in e.paths} | {"phone"})
