"""What the database sums for a page is what the rows say one by one."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from connector.store import activity, days, health, resolving, review, states
from connector.store.bulk import insert_many
from connector.store.engine import Store
from connector.store.figures import HOUR, beginning, first_id
from connector.store.tables import changes, events, plans, sends
from tests.bench import big

NOW = datetime(2026, 11, 24, 15, 30, tzinfo=UTC)


@pytest.fixture
def past(store: Store, store_url: str) -> Store:
    """4,000 events of 30 days."""
    big.fill(store_url, 0.004, NOW)
    return store


def test_the_hours_of_health_count_every_event_by_its_word(past):
    with past.read() as conn:
        found = health.bad_hours(conn, NOW)
        since = beginning(NOW, HOUR) - 47 * HOUR
        rows = {row.id: row for row in conn.execute(sa.select(events)) if row.received_at >= since}
        words = states.words(conn, {row.id: row.state for row in rows.values()})
    told = Counter(
        (beginning(rows[id_].received_at, HOUR), w) for id_, w in words.items() if w in ("review", "refused")
    )
    assert {(hour, word): n for hour, sums in found.items() for word, n in sums.items()} == told
    assert {word for _, word in told} == {"review", "refused"}
    days.count(past, NOW)
    with past.read() as conn:
        assert health.last_bad_hours(conn, NOW) == found


def test_refusals_of_a_day_are_counted_by_their_code(past):
    with past.read() as conn:
        found = health.refusals(conn, NOW)
        ended = [row for row in conn.execute(sa.select(sends)) if row.state in states.ENDED]
        fields = [row for row in conn.execute(sa.select(changes)) if row.state in ("refused", "review")]
    mine = Counter(("send", row.code) for row in ended if row.id >= first_id(NOW - timedelta(hours=24)))
    new = [row for row in fields if row.kind != "Ask" and row.event >= first_id(NOW - timedelta(hours=24))]
    mine.update(("field", row.outcome["code"]) for row in new)
    assert {(one["what"], one["code"]): one["n"] for one in found} == mine
    by_code = {one["code"]: one for one in found if one["what"] == "field"}
    if new:
        assert by_code["INVALID_OPTION"]["reason"] == max(new, key=lambda row: row.event).outcome["text"]


def test_groups_hold_every_change_in_review(past):
    with past.read() as conn:
        found = review.questions(conn)
        rows = conn.execute(sa.select(changes).where(changes.c.state == "review").order_by(changes.c.seq.desc())).all()
        alike = {group.key: review.of_group(conn, group.key) for group in found.groups}
        newest = review.events_of(conn, [group.newest for group in found.groups])
    assert not found.more
    assert sum(group.count for group in found.groups) == len(rows) > 20
    by_seq = {row.seq: row for row in rows}
    for group in found.groups:
        assert [seq for seq, _ in alike[group.key]] == sorted((seq for seq, _ in alike[group.key]), reverse=True)
        assert (len(alike[group.key]), alike[group.key][0][0]) == (group.count, group.newest)
        assert newest[group.newest] == alike[group.key][0][1] == by_seq[group.newest].event
    assert sorted(seq for some in alike.values() for seq, _ in some) == sorted(by_seq)


def test_there_are_more_than_are_looked_at(past, monkeypatch):
    with past.read() as conn:
        n = len(conn.execute(sa.select(changes.c.seq).where(changes.c.state == "review")).all())
        for looked, more in ((n, False), (n - 1, True), (n + 1, False)):
            monkeypatch.setattr(review, "LOOKED", looked)
            assert review.questions(conn).more is more


def test_whose_record_it_is_is_found_among_other_questions(past):
    body = {"kind": "Ask", "why": "several_records", "choices": ["1", "2"], "text": 'not "no_record"'}
    other = {"kind": "Ask", "why": "not_understood", "text": "several_records"}
    base = {"account": "a", "ordinal": 0, "object": "contacts", "record": "", "kind": "Ask", "state": "review"}
    with past.write() as conn:
        rows = [base | {"event": f"e{n}", "lane": "l", "body": b} for n, b in enumerate((body, other, body))]
        insert_many(conn, changes, rows)
    with past.read() as conn:
        (mine,) = resolving.whose(conn)
    assert [row.event for row in mine] == ["e2", "e0"]
    assert mine[0].body["choices"] == ["1", "2"]


def test_a_documents_events_are_those_that_it_matched(past):
    with past.read() as conn:
        made = {row.event: row.body for row in conn.execute(sa.select(plans)) if row.body}
        for name in ("nps-answer", "deal-won", "nps", 'x"y', ""):
            matched = {id_ for id_, parts in made.items() if any(p["document"] == name and p["matched"] for p in parts)}
            assert activity._matched(conn, set(made), name) == matched
            assert name in ("nps", 'x"y', "") or matched


def test_pages_of_a_filter_follow_each_other_to_the_end(past):
    with past.read() as conn:
        wanted, before, seen = activity.Wanted(document="nps-answer"), "", []
        while True:
            found = activity.page(conn, wanted, before=before, limit=20)
            seen += [row.id for row in found.rows]
            before = found.older
            if not before:
                break
        ids = [row.id for row in conn.execute(sa.select(events.c.id))]
        assert seen == sorted(activity._about(conn, ids, "nps-answer"), reverse=True)
    assert len(seen) > 100
