"""Salesforce's lists of people: a report, a list view, or a SOQL query; with the fields that are asked for.

Queries and list views are paged by record id, as reading.py does. A report gives 2,000 rows and not one more (Reports
and Dashboards REST API guide, checked 2026-11): a longer one is refused, never cut.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from connector.core.audience import Source
from connector.crm.salesforce import soql
from connector.crm.salesforce.client import Client
from connector.crm.salesforce.find import Finder, is_id, quoted
from connector.crm.salesforce.schema import Schema
from connector.errors import NotFound, Rejected
from connector.ports import Audience, Page

PAGE = 1000  # people a page
SHOWN = 100
MOST_ROWS = 2000  # of a report
PREFIXES = {"003": "Contact", "00Q": "Lead"}


class Audiences:
    """`audiences` and `audience` of the port."""

    def __init__(self, client: Client, schema: Schema, finder: Finder) -> None:
        self._client, self._schema, self._finder = client, schema, finder

    # ---- which there are -----------------------------------------------------------------------------------------
    def named(self, kind: str, text: str) -> list[Audience]:
        """Reports, or list views of contacts and leads, whose name begins so."""
        if kind == "view":
            found = [view for object_ in soql.PEOPLE for view in self._views(object_)]
            wanted = [v for v in found if v["label"].lower().startswith(text.lower())]
            return [Audience("view", v["id"], v["label"]) for v in wanted[:SHOWN]]
        if kind != "report":
            return []
        like = f" WHERE Name LIKE {quoted(text.replace('%', '') + '%')}" if text else ""
        rows = self._client.query(f"SELECT Id, Name FROM Report{like} ORDER BY Name LIMIT {SHOWN}")  # noqa: S608
        return [Audience("report", str(row["Id"]), str(row["Name"])) for row in rows]

    # ---- their people --------------------------------------------------------------------------------------------
    def page(self, source: Source, fields: Sequence[str], after: str) -> Page:
        """One page. Raises NotFound, Rejected with what to mend."""
        if source.kind == "report":
            return self._report(source.value, fields)
        if source.kind == "view":
            return self._query(self._people_of_view(source), fields, after)
        if source.kind == "query":
            return self._query(soql.parse(source.value), fields, after)
        hint = "Name a report, a list view or a query, or give a CSV."
        raise Rejected(f"Salesforce has no {source.kind}.", hint=hint, code="audience")

    def _query(self, people: soql.People, fields: Sequence[str], after: str) -> Page:
        if after and not is_id(after):
            raise Rejected("This is not a page of this query.", code="bad_page")
        columns = self._finder.columns(people.object, fields)
        tests = [f"({people.where})"] * bool(people.where) + [f"Id > {quoted(after)}"] * bool(after)
        text = f"SELECT {', '.join(columns)} FROM {people.object}"  # noqa: S608 - names come from the describe
        text += f" USING {people.scope}" * bool(people.scope) + f" WHERE {' AND '.join(tests)}" * bool(tests)
        order = f" ORDER {people.order}" if people.order else " ORDER BY Id"
        text += f"{order} LIMIT {people.limit or PAGE}"
        rows = self._client.query(text)
        records = tuple(self._finder.record(people.object, row) for row in rows)
        more = not people.limit and len(rows) == PAGE
        return Page(records, after=str(rows[-1]["Id"]) if more else "")

    # ---- list views ----------------------------------------------------------------------------------------------
    def _views(self, object_: str) -> Iterator[Mapping[str, Any]]:
        answer = self._client.call("GET", f"sobjects/{object_}/listviews") or {}
        for view in answer.get("listviews") or []:
            if view.get("soqlCompatible", True):
                yield {"id": str(view["id"]), "label": str(view.get("label") or ""), "object": object_,
                       "name": str(view.get("developerName") or "")}  # fmt: skip

    def _people_of_view(self, source: Source) -> soql.People:
        """A list view as the query that Salesforce itself makes of it."""
        objects = [source.object] if source.object else list(soql.PEOPLE)
        wanted = source.value.lower()
        for object_ in objects:
            for view in self._views(object_):
                if wanted in (view["id"].lower(), view["id"][:15].lower(), view["label"].lower(), view["name"].lower()):
                    told = self._client.call("GET", f"sobjects/{object_}/listviews/{view['id']}/describe") or {}
                    people = soql.parse(str(told.get("query") or ""))
                    return soql.People(people.object, people.where, people.scope)
        hint = "Its name stands above the list of contacts or leads."
        raise NotFound(f"Salesforce has no list view {source.value[:80]!r}.", hint=hint, code="audience")

    # ---- reports -------------------------------------------------------------------------------------------------
    def _report(self, wanted: str, fields: Sequence[str]) -> Page:
        """Everybody whose record a row of a tabular report names, each once."""
        id_ = wanted if is_id(wanted) and wanted.startswith("00O") else self._report_named(wanted)
        told = self._client.call("GET", f"analytics/reports/{quote(id_, safe='')}", params={"includeDetails": "true"})
        answer = told or {}
        if not answer.get("allData", False):
            hint = "Take a list view or a query instead; they have no such limit."
            raise Rejected(
                f"The report has over {MOST_ROWS:,} rows: Salesforce gives no more.", hint=hint, code="audience"
            )
        ids = list(dict.fromkeys(_people_in(answer)))
        if not ids and any(answer.get("factMap") or {}):
            self._sure(answer)
        records: list[Any] = []
        for prefix, object_ in PREFIXES.items():
            some = [i for i in ids if i.startswith(prefix)]
            found = self._finder.read(object_, some, fields) if some else {}
            records += [found[i[:15]] for i in some if i[:15] in found]
        return Page(tuple(records), total=len(records))

    def _report_named(self, name: str) -> str:
        query = f"SELECT Id, Name FROM Report WHERE Name = {quoted(name)} LIMIT 2"  # noqa: S608 - quoted
        rows = self._client.query(query)
        if len(rows) != 1:
            said = "several reports" if rows else "no report"
            hint = "Give its id: it stands in the report's address (00O...)."
            raise NotFound(f"Salesforce has {said} named {name[:80]!r}.", hint=hint, code="audience")
        return str(rows[0]["Id"])

    def _sure(self, answer: Mapping[str, Any]) -> None:
        rows = any((part.get("rows") or []) for part in answer["factMap"].values())
        if rows:
            hint = "Add the column Contact ID (or the contact's name) to the report, and show its details."
            raise Rejected("No column of the report names a contact or a lead.", hint=hint, code="audience")


def _people_in(answer: Mapping[str, Any]) -> Iterator[str]:
    """Ids of contacts and leads in the detail rows: the first of each row."""
    for part in (answer.get("factMap") or {}).values():
        for row in part.get("rows") or []:
            values = (str(cell.get("value") or "") for cell in row.get("dataCells") or [])
            yield from [v for v in values if is_id(v) and v[:3] in PREFIXES][:1]
