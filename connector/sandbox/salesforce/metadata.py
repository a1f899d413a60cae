"""Salesforce's endpoints about itself: describe, picklists by record type, limits, versions, and the Tooling API."""

from collections.abc import Mapping

from connector.sandbox.http import Record, Request, Response, answer
from connector.sandbox.salesforce.errors import not_found
from connector.sandbox.salesforce.objects import PREFIXES
from connector.sandbox.salesforce.org import Org, document, object_of
from connector.sandbox.salesforce.records import BASE
from connector.sandbox.salesforce.schema import MASTER_TYPE, TOOLING
from connector.sandbox.salesforce.settings import API, OLDEST_API

READ_ONLY = frozenset({"User"})


def versions(_org: Org, _request: Request) -> Response:
    """GET /services/data."""
    listed = [(f"{n}.0", f"/services/data/v{n}.0") for n in (66, 67, 68)]
    labels = ("Spring '26", "Summer '26", "Winter '27")
    return answer([{"label": label, "url": url, "version": v} for (v, url), label in zip(listed, labels, strict=True)])


def resources(_org: Org, _request: Request) -> Response:
    """GET /services/data/v68.0."""
    return answer(
        {name: f"{BASE}/{name}" for name in ("sobjects", "query", "queryAll", "search", "limits", "composite")}
    )


def objects(_org: Org, _request: Request) -> Response:
    """GET sobjects."""
    return answer(
        {"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": [_head(name) for name in PREFIXES if _data(name)]}
    )


def describe(org: Org, _request: Request, object: str) -> Response:
    """GET sobjects/{object}/describe: the fields our user may see."""
    object = object_of(org, object)
    if not _data(object):
        raise not_found()
    record_type: Record = {
        "active": True, "available": True, "defaultRecordTypeMapping": True, "developerName": "Master",
        "master": True, "name": "Master", "recordTypeId": MASTER_TYPE,
    }  # fmt: skip
    fields = [field.shown() for field in org.store.schema.seen(object)]
    return answer({**_head(object), "fields": fields, "recordTypeInfos": [record_type], "urls": {}})


def _data(object: str) -> bool:
    return object not in TOOLING


def _head(object: str) -> Record:
    open_ = object not in READ_ONLY
    return {
        "name": object, "label": object, "labelPlural": f"{object}s", "keyPrefix": PREFIXES[object],
        "custom": object.endswith("__c"),
        "createable": open_, "updateable": open_, "deletable": open_, "queryable": True, "searchable": True,
    }  # fmt: skip


def picklists(org: Org, _request: Request, object: str, record_type: str) -> Response:
    """GET ui-api/object-info/{object}/picklist-values/{record type}."""
    object = object_of(org, object)
    if record_type[:15] != MASTER_TYPE[:15]:
        raise not_found()
    found = {f.name: _values(f.options) for f in org.store.schema.seen(object) if "picklist" in f.type}
    return answer({"eTag": str(org.calls), "picklistFieldValues": found})


def _values(options: tuple[str, ...]) -> Mapping[str, object]:
    values: list[Record] = [{"attributes": None, "label": value, "validFor": [], "value": value} for value in options]
    return {"controllerValues": {}, "defaultValue": None, "values": values}


def limits(org: Org, _request: Request) -> Response:
    """GET limits."""
    daily = org.options.daily
    return answer(
        {
            "DailyApiRequests": {"Max": daily, "Remaining": max(0, daily - org.calls)},
            "DailyAsyncApexExecutions": {"Max": 250_000, "Remaining": 250_000},
            "DataStorageMB": {"Max": 1024, "Remaining": 1000},
        }
    )


def add_field(org: Org, request: Request) -> Response:
    """POST tooling/sobjects/CustomField: the field is there, and hidden until a permission set opens it."""
    full = org.store.schema.add(document(request))
    object, _, name = full.partition(".")
    row = org.store.create("CustomField", {"DeveloperName": name.removesuffix("__c"), "TableEnumOrId": object})
    return answer({"id": row.id, "success": True, "errors": [], "warnings": [], "infos": []}, 201, record=full)


def check_version(version: str) -> None:
    """NOT_FOUND for a version that is not there (any more, or yet)."""
    number, _, minor = version.partition(".")
    if minor != "0" or not OLDEST_API <= int(number) <= float(API):
        raise not_found()
