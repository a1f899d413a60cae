"""Which of our writes a send: document of ours could hear: only those are remembered, each absorbs one event."""

from collections.abc import Iterable, Sequence

from connector.pipeline.documents.library import Shelf
from connector.ports import Capabilities
from connector.store.changes import Row
from connector.store.own_writes import Written

Watched = frozenset[tuple[str, str]]  # (object, field)


def watched(shelf: Shelf, can: Capabilities) -> Watched:
    """The fields that live send: documents of this account watch."""
    return frozenset(
        (can.objects.get(watch.word, watch.word), watch.field)
        for live in shelf.sends
        for watch in live.document.watches
    )


def told(rows: Iterable[Row], watching: Watched) -> Sequence[Written]:
    """The last value of each watched field that these rows write to records the CRM knows."""
    last = {
        (row.object, row.record, str(row.body["field"])): row.body.get("value")
        for row in rows
        if row.kind == "SetField" and row.record and (row.object, str(row.body["field"])) in watching
    }
    return [(*key, value) for key, value in last.items()]
