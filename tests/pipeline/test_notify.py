"""notify: a matched mapping's call goes out once it can, is repeated for a day, and then needs a person."""

import json
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from connector.app import kinds
from connector.pipeline.writing.notify import WAITS, Notifier
from connector.ports import Account
from connector.store import notifications
from connector.store.bulk import insert_many
from connector.store.tables import changes, events
from connector.webhooks import connect, standard
from tests.pipeline.conftest import ANA
from tests.pipeline.messages import replies, tap
from tests.webhooks.receiver import receiving

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)
CRM = Account(id="crm-1", kind="hubspot", name="hs")
SECRET = standard.new_secret()


class Clock:
    """Set by hand."""

    def __init__(self):
        self.at = NOW

    def now(self):
        return self.at


def never():
    return False


@pytest.fixture
def clock():
    return Clock()


def queue(store, n=1, webhook="ops"):
    """`n` notifications of as many events."""
    with store.write() as conn:
        for i in range(n):
            event = {"id": f"e{i}", "account": "shop", "dedupe_key": f"k{i}", "payload": {}, "received_at": NOW}
            insert_many(conn, events, [event])
            body = {"kind": "Notify", "webhook": webhook, "values": {"n": i}}
            row = {"event": f"e{i}", "account": CRM.id, "ordinal": 0, "lane": "c", "kind": "Notify", "body": body}
            insert_many(conn, changes, [row])


def rows(store):
    with store.read() as conn:
        found = conn.execute(sa.select(changes).order_by(changes.c.seq)).all()
    return [(r.state, r.attempts, r.next_at) for r in found]


def drain(store, clock, **urls):
    def webhook(name):
        secrets = {"secret": SECRET}
        url = urls.get(name)
        return url and connect(Account(id=name, kind="webhook", name=name, settings={"url": url}, secrets=secrets))

    Notifier(store, CRM, webhook, clock).drain(never)


def test_each_is_called_once_signed_and_done(store, clock):
    queue(store, 3)
    with receiving() as receiver:
        drain(store, clock, ops=receiver.url)
        drain(store, clock, ops=receiver.url)
    assert rows(store) == [("done", 1, None)] * 3
    said = [json.loads(body) for _, _, body in receiver.calls]
    assert [s["data"] for s in said] == [{"event": f"e{n}", "crm": "hs", "values": {"n": n}} for n in range(3)]
    assert {(s["type"], s["timestamp"]) for s in said} == {("mapping.matched", "2026-11-24T10:00:00Z")}
    assert len({headers["webhook-id"] for _, headers, _ in receiver.calls}) == 3


def test_one_that_fails_is_called_again_under_the_same_id(store, clock):
    queue(store)
    with receiving((500, {}), (200, {})) as receiver:
        drain(store, clock, ops=receiver.url)
        assert rows(store) == [("new", 1, NOW + timedelta(seconds=WAITS[0]))]
        drain(store, clock, ops=receiver.url)
        assert len(receiver.calls) == 1
        clock.at += timedelta(seconds=WAITS[0])
        drain(store, clock, ops=receiver.url)
    first, second = (headers for _, headers, _ in receiver.calls)
    assert first["webhook-id"] == second["webhook-id"]
    assert rows(store) == [("done", 2, None)]


def test_after_a_day_a_person_is_asked(store, clock):
    queue(store)
    with receiving((404, {})) as receiver:
        while rows(store)[0][0] == "new":
            drain(store, clock, ops=receiver.url)
            clock.at = rows(store)[0][2] or clock.at
    assert rows(store) == [("review", len(WAITS) + 1, None)]
    assert timedelta(hours=23) < clock.at - NOW < timedelta(hours=25)


def test_one_webhook_that_is_away_costs_the_rest_of_its_calls_nothing(store, clock):
    queue(store, 3)
    with receiving((503, {"Retry-After": "90"})) as receiver:
        drain(store, clock, ops=receiver.url)
    assert len(receiver.calls) == 1
    later = NOW + timedelta(seconds=90)
    assert rows(store) == [("new", 1, later), ("new", 0, later), ("new", 0, later)]


@pytest.mark.parametrize(("webhook", "url"), [("nobody", None), ("ops", "https://10.0.0.8/")])
def test_what_can_never_be_called_is_a_persons_business_at_once(store, clock, webhook, url):
    queue(store, webhook=webhook)
    drain(store, clock, ops=url)
    assert [state for state, _, _ in rows(store)] == ["review"]


def test_the_sweep_sees_what_is_due(store, clock):
    queue(store)
    with store.write() as conn:
        conn.execute(
            sa.text(
                "INSERT INTO accounts (id, kind, name, settings, created_at) VALUES ('crm-1', 'hubspot', 'hs', '{}', 0)"
            )
        )
        assert notifications.accounts_due(conn, NOW) == ["crm-1"]
        notifications.postpone(conn, [n.seq for n in notifications.due(conn, "crm-1", NOW, 9)], NOW + timedelta(1))
        assert notifications.accounts_due(conn, NOW) == []


MAPPING = """mapping: tell-ops
crm: hubspot
when: {answer_to: anything, type: button}
contact: {find_by: [whatsapp, phone], if_missing: create, if_several: review}
set: {whatsapp_last_answer: "{{ answer.title }}"}
notify: ops
"""


def test_a_reply_reaches_the_webhook_that_its_mapping_names(house):
    house.publish(MAPPING)
    with receiving() as receiver:
        ops = {"url": receiver.url}
        house.app.add_account(kinds()["webhook"], "ops", ops, {"secret": SECRET})
        house.deliver(replies(tap(ANA, "interested", "Me interesa", id="wamid.1")))
        house.settle()
        house.deliver(replies(tap(ANA, "interested", "Me interesa", id="wamid.1")))
        house.settle()
    ((_, headers, body),) = receiver.calls
    assert standard.signed(headers, body, [standard.key(SECRET)], datetime.now(UTC).timestamp())
    assert json.loads(body)["data"]["crm"] == "hubspot"
    assert house.counts()["waiting"] == 0
