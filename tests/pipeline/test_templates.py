"""Templates over a sync and over webhooks: what is kept, what is gone, what a person is told."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from connector.core.events import TemplateUpdate
from connector.core.template import Template
from connector.pipeline.documents.templates import Sync, heard, sync
from connector.ports import Account
from connector.store import findings
from connector.store import templates as rows
from tests.pipeline.conftest import WABA, few_chores

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)
SHOP = Account(id="shop", kind="whatsapp", name="shop")
BODY = ({"type": "BODY", "text": "Hi {{name}}"},)


class Meta:
    """A WhatsApp account that shows these templates, and does something while it is asked."""

    def __init__(self, *templates, meanwhile=lambda: None):
        self.shown, self.meanwhile = list(templates), meanwhile

    def templates(self):
        self.meanwhile()
        return self.shown


def template(name="quote_ready", language="es", **values):
    given = {"status": "APPROVED", "category": "utility", "format": "named", "components": BODY, "id": "77"} | values
    return Template(name=name, language=language, **given)


def told(store):
    with store.read() as conn:
        return {(f.code, f.key): f.message for f in findings.all_(conn)}


def counted(store, work):
    """How many statements it takes."""
    seen = []
    note = lambda conn, cursor, statement, *rest: seen.append(statement)  # noqa: E731
    sa.event.listen(store.engine, "before_cursor_execute", note)
    try:
        work()
    finally:
        sa.event.remove(store.engine, "before_cursor_execute", note)
    return len(seen)


def hear(store, what, value, reason="", at=NOW, name="quote_ready"):
    with store.write() as conn:
        heard(conn, "shop", TemplateUpdate(id="1", what=what, name=name, language="es", value=value, reason=reason), at)


def test_a_sync_takes_as_many_statements_for_fifty_templates_as_for_five(store):
    def changing(account, n):
        """First all are sent, then they stop or move, or are gone."""
        names = [f"{account}_{i}" for i in range(n)]
        to = [{"status": "PAUSED"}, {"category": "marketing"}, {"status": "REJECTED", "quality": "RED"}, {}]
        first = Meta(*(template(name) for name in names))
        second = Meta(*(template(name, **to[i % 5]) for i, name in enumerate(names) if i % 5 < 4))
        shop = Account(id=account, kind="whatsapp", name=account)
        return [
            counted(store, lambda i=i, meta=meta: sync(store, shop, meta, NOW + timedelta(hours=i)))
            for i, meta in enumerate((first, second, second, first))
        ]

    assert changing("large", 50) == changing("small", 5)
    assert {code for code, _ in told(store)} == {"template_category"}  # until a person has seen it


def test_what_meta_shows_is_kept_and_what_it_no_longer_shows_is_gone(store):
    first = sync(store, SHOP, Meta(template(), template(language="en")), NOW)
    assert first == Sync(added=("quote_ready es", "quote_ready en"))
    later = NOW + timedelta(hours=1)
    second = sync(store, SHOP, Meta(template(quality="GREEN")), later)
    assert second == Sync(changed=("quote_ready es",), gone=("quote_ready en",))
    assert sync(store, SHOP, Meta(template(quality="GREEN")), later) == Sync()
    with store.read() as conn:
        assert {t.language: (t.status, t.quality) for t in rows.known(conn, "shop")} == {
            "en": ("DELETED", ""), "es": ("APPROVED", "GREEN"),
        }  # fmt: skip
        assert rows.known(conn, "shop", ["quote_ready"])[1] == template(quality="GREEN")
        assert rows.known(conn, "another") == []
        assert rows.approved(conn) == [("quote_ready", "es")]
    assert told(store) == {}


def test_a_new_price_is_told_until_it_is_taken_back(store):
    sync(store, SHOP, Meta(template()), NOW)
    found = sync(store, SHOP, Meta(template(category="marketing")), NOW)
    assert found.category_changes == ("quote_ready es",)
    assert told(store) == {
        ("template_category", "shop:quote_ready:es"): "Meta made quote_ready (es) a marketing template; it was utility."
    }


@pytest.mark.parametrize(
    ("status", "code"),
    [("REJECTED", "template_rejected"), ("PAUSED", "template_paused"), ("DISABLED", "template_disabled")],
)
def test_one_that_stops_is_told_and_the_finding_goes_when_it_works_again(store, status, code):
    sync(store, SHOP, Meta(template()), NOW)
    hear(store, "status", status, "too many blocks")
    assert list(told(store)) == [(code, "shop:quote_ready:es")]
    assert "too many blocks" in told(store)[code, "shop:quote_ready:es"]
    with store.read() as conn:
        assert [t.status for t in rows.known(conn, "shop")] == [status]
    hear(store, "status", "APPROVED")
    assert told(store) == {}
    with store.read() as conn:
        assert [(t.status, t.reason) for t in rows.known(conn, "shop")] == [("APPROVED", "")]


def test_one_that_was_rejected_before_we_came_is_no_news(store):
    sync(store, SHOP, Meta(template(status="REJECTED")), NOW)
    assert told(store) == {}
    sync(store, SHOP, Meta(template(status="REJECTED")), NOW)
    assert told(store) == {}


def test_a_flagged_template_can_still_be_sent(store):
    sync(store, SHOP, Meta(template()), NOW)
    hear(store, "status", "FLAGGED")
    with store.read() as conn:
        assert rows.approved(conn) == [("quote_ready", "es")]


def test_a_category_is_announced_then_changed(store):
    sync(store, SHOP, Meta(template()), NOW)
    hear(store, "correct_category", "MARKETING", "now UTILITY")
    assert list(told(store)) == [("template_category_due", "shop:quote_ready:es")]
    hear(store, "category", "MARKETING")
    assert list(told(store)) == [("template_category", "shop:quote_ready:es")]
    with store.read() as conn:
        (known,) = rows.known(conn, "shop")
    assert (known.category, known.previous_category) == ("marketing", "utility")


def test_a_webhook_that_comes_while_meta_is_asked_is_newer_than_the_answer(store):
    sync(store, SHOP, Meta(template()), NOW)

    def meanwhile():
        hear(store, "status", "PAUSED", at=NOW + timedelta(seconds=61))

    sync(store, SHOP, Meta(template(quality="RED"), meanwhile=meanwhile), NOW + timedelta(seconds=60))
    with store.read() as conn:
        assert [t.status for t in rows.known(conn, "shop")] == ["PAUSED"]
    assert list(told(store)) == [("template_paused", "shop:quote_ready:es")]


def test_one_that_was_only_heard_of_has_no_contract_yet(store):
    hear(store, "status", "APPROVED", name="brand_new")
    with store.read() as conn:
        assert rows.known(conn, "shop") == []
        assert [(r.name, r.status) for r in rows.rows(conn, "shop")] == [("brand_new", "APPROVED")]


def test_a_webhook_of_meta_stops_a_template_and_the_documents_are_looked_at(house):
    house.app.chores = few_chores(house.app, "drift")
    house.app.chores.do(lambda: False)
    shop = house.app.account("whatsapp")
    sync(house.app.store, shop, house.app.messenger(shop), house.app.clock.now())
    value = {
        "event": "PAUSED", "message_template_id": 7, "message_template_name": "quote_ready",
        "message_template_language": "es", "reason": "NONE",
    }  # fmt: skip
    change = {"field": "message_template_status_update", "value": value}
    house.deliver(
        {"object": "whatsapp_business_account", "entry": [{"id": WABA, "time": 1795000000, "changes": [change]}]}
    )
    house.unpack()
    assert [code for code, _ in told(house.app.store)] == ["template_paused"]
    assert "drift" in house.app.chores.due()
