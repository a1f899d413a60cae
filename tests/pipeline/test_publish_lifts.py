"""A new version of a document that its template had stopped starts it again; a person's pause stays."""

from datetime import UTC, datetime, timedelta

import pytest

from connector.core import documents as language
from connector.pipeline.documents import publish
from connector.store import findings, holding, parks
from connector.store.engine import Store
from connector.store.findings import Finding
from tests.pipeline.test_drift import SEND

NOW = datetime(2026, 11, 24, 3, tzinfo=UTC)


def push(store: Store, text: str) -> None:
    publish.push(store, [language.read(text)], "test", NOW, base={}, force=True)


def parked(store: Store) -> bool:
    with store.read() as conn:
        return bool(parks.parked(conn, "document", ["quote-ready"], NOW + timedelta(days=1)))


@pytest.mark.parametrize("code", publish.STOPPED)
def test_what_the_template_stopped_goes_on_with_the_next_version(store: Store, code: str) -> None:
    push(store, SEND)
    with store.write() as conn:
        holding.pause(conn, "document", "quote-ready", "its template changed", NOW)
        findings.raise_(conn, [Finding(code, "quote-ready:x", "it rests", "mend it", "quote-ready")], NOW)
    push(store, SEND)  # the same text mends nothing
    assert parked(store)
    push(store, SEND.replace("to:", "about: mended\nto:"))
    assert not parked(store)
    with store.read() as conn:
        assert findings.all_(conn) == []


def test_a_persons_pause_outlives_a_new_version(store: Store) -> None:
    push(store, SEND)
    with store.write() as conn:
        holding.pause(conn, "document", "quote-ready", "a person wants it so", NOW)
    push(store, SEND.replace("to:", "about: another\nto:"))
    assert parked(store)
