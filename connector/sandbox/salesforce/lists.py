"""Salesforce's list views and reports, as far as they name people: made by tests, read by their ids."""

from collections.abc import Mapping
from typing import Any

from connector.sandbox.http import Record, Request, Response, answer
from connector.sandbox.salesforce.errors import not_found
from connector.sandbox.salesforce.org import Org, document, object_of
from connector.sandbox.salesforce.records import BASE

ROWS = 2000  # detail rows of a report


def views(org: Org, _request: Request, object: str) -> Response:
    """GET sobjects/{object}/listviews."""
    found = [_head(v) for v in org.views.values() if v["object"] == object_of(org, object)]
    return answer({"done": True, "listviews": found, "nextRecordsUrl": None, "size": len(found)})


def _head(view: Mapping[str, Any]) -> Record:
    at = f"{BASE}/sobjects/{view['object']}/listviews/{view['id']}"
    return {
        "id": view["id"], "label": view["label"], "developerName": view["label"].replace(" ", "_"),
        "soqlCompatible": True, "url": at, "describeUrl": f"{at}/describe", "resultsUrl": f"{at}/results",
    }  # fmt: skip


def describe_view(org: Org, _request: Request, object: str, id: str) -> Response:
    """GET sobjects/{object}/listviews/{id}/describe: the query it stands for."""
    view = org.views.get(id)
    if view is None or view["object"] != object_of(org, object):
        raise not_found()
    where = f" WHERE {view['where']}" if view["where"] else ""
    query = f"SELECT Name, Id FROM {view['object']}{where} ORDER BY Name ASC NULLS FIRST, Id ASC NULLS FIRST"  # noqa: S608
    return answer({"id": id, "sobjectType": view["object"], "query": query, "scope": "everything", "columns": []})


def report(org: Org, request: Request, id: str) -> Response:
    """GET analytics/reports/{id}?includeDetails=true: a tabular report, 2,000 rows at most."""
    found = org.reports.get(id)
    if found is None:
        raise not_found()
    details = request.query.get("includeDetails") == "true"
    cells = [{"dataCells": [{"label": one, "value": one}, {"label": "x", "value": "x"}]} for one in found["ids"][:ROWS]]
    return answer({
        "allData": len(found["ids"]) <= ROWS, "hasDetailRows": details,
        "factMap": {"T!T": {"aggregates": [], "rows": cells if details else []}},
        "reportMetadata": {"id": id, "name": found["name"], "reportFormat": "TABULAR"},
    })  # fmt: skip


def make(org: Org, request: Request) -> Response:
    """POST _lists {view: {label, object, where}} or {report: {name, ids}}: what a person would make on a screen."""
    body = document(request)
    if "view" in body:
        given = body["view"]
        id_ = f"00B5e0000000{len(org.views):03}AAA"
        org.views[id_] = {"id": id_, "object": "Contact", "where": "", **given}
        return answer({"id": id_})
    id_ = f"00O5e0000000{len(org.reports):03}AAA"
    org.reports[id_] = dict(body["report"])
    return answer({"id": id_})


def named(org: Org, query: str) -> Response | None:
    """The answer to a SOQL query of reports by name; None when it is about something else."""
    if " FROM Report" not in query:
        return None
    _, _, wanted = query.partition("Name = '")
    name = wanted.partition("'")[0]
    rows = [{"attributes": {"type": "Report"}, "Id": i, "Name": r["name"]} for i, r in org.reports.items()
            if not name or r["name"] == name]  # fmt: skip
    return answer({"totalSize": len(rows), "done": True, "records": rows})
