"""The lists of the console at the store: pages without gaps or doubles, each by an index, whatever is typed."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from connector.core.text import words
from connector.ids import new_id
from connector.pipeline.views import activity, healthy, people, reviewing, sent
from connector.store import activity as activity_rows
from connector.store import cursors, days, doctor, document_lists, names, people_lists, review, search, send_lists
from connector.store.contacts import merge
from connector.store.engine import Store, open_store
from connector.store.figures import DAY, beginning, matched, sends_of_days
from connector.store.tables import contact_words, contacts, events, sends, tallies
from tests.bench import big

NOW = datetime.now(UTC)
NAMES = {big.WHATSAPP: "shop", big.HUBSPOT: "hubspot", big.SALESFORCE: "salesforce"}


@pytest.fixture(scope="module")
def past(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A thousand events of a long past; nothing here changes it."""
    home = tmp_path_factory.mktemp("past")
    url = f"sqlite:///{home / 'connector.db'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres").database()
    big.fill(url, 0.002, NOW)
    store = open_store(url, home=home)
    yield store
    store.close()


both = pytest.mark.parametrize("past", ["sqlite", "postgresql"], indirect=True)
lite = pytest.mark.parametrize("past", ["sqlite"], indirect=True)


def walk(store: Store, read: Any, **how: Any) -> list[Any]:
    """Every row of every page."""
    rows, before = [], ""
    with store.read() as conn:
        for _ in range(3000):
            page = read(conn, before=before, **how)
            rows += page.rows
            before = page.older
            if not before:
                return rows
    raise AssertionError("the pages never end")


# ---- pages -------------------------------------------------------------------------------------------------------
@pytest.mark.long
@both
def test_activity_is_complete_in_every_state(past: Store) -> None:
    def page(conn: Any, **how: Any) -> Any:
        return activity.activity(conn, NAMES, NOW, limit=37, **how)

    everything = walk(past, page)
    with past.read() as conn:
        told = conn.execute(sa.select(events.c.seq).where(events.c.kind != "DeliveryStatus"))
        assert [line.seq for line in everything] == sorted(told.scalars(), reverse=True)
        counted = doctor.counts(conn)
        unpaged = activity.activity(conn, NAMES, NOW, limit=10_000)
    assert [line.seq for line in unpaged.rows] == [line.seq for line in everything]
    for word in ("done", "waiting", "review", "refused"):
        expected = {line.id for line in everything if line.state == word}
        found = [line.id for line in walk(past, page, state=word)]
        assert len(found) == len(set(found))
        assert set(found) == expected
        if word != "done":  # done counts the statuses too
            assert counted[word] == len(expected)
    statuses = walk(past, page, direction="status")
    assert len(statuses) + len(everything) == counted["events"]


@both
def test_a_backlog_is_paged_too(past: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def page(conn: Any, **how: Any) -> Any:
        return activity.activity(conn, NAMES, NOW, state="waiting", limit=10, **how)

    few = {line.id for line in walk(past, page)}
    monkeypatch.setattr(activity_rows, "FEW", 3)
    monkeypatch.setattr(activity_rows, "LOOKED", 100)
    many = [line.id for line in walk(past, page)]
    assert len(many) == len(set(many))
    assert set(many) == few


@both
def test_sends_are_complete_in_every_group(past: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(send_lists, "LOOKED", 60)

    def page(conn: Any, **how: Any) -> Any:
        return sent.sends(conn, NAMES, NOW, limit=23, **how)

    everything = walk(past, page)
    assert [s.id for s in everything] == sorted((s.id for s in everything), reverse=True)
    with past.read() as conn:
        assert len(everything) == conn.execute(sa.select(sa.func.count()).select_from(sends)).scalar_one()
        now = send_lists.counts(conn)
    for group in send_lists.GROUPS:
        expected = [s.id for s in everything if s.group == group]
        assert [s.id for s in walk(past, page, group=group)] == expected
    assert now["waiting"] + now["ready"] + now["in_flight"] == len([s for s in everything if s.group == "waiting"])
    mine = [s.id for s in everything if s.document == "deal-won" and s.group == "failed"]
    assert [s.id for s in walk(past, page, document="deal-won", group="failed")] == mine
    assert walk(past, page, template="nothing") == []


@both
def test_contacts_come_by_who_wrote_last(past: Store) -> None:
    def page(conn: Any, **how: Any) -> Any:
        return people.contacts(conn, NAMES, NOW, limit=17, **how)

    everyone = walk(past, page)
    assert len(everyone) == len({p.who.id for p in everyone}) == int(big.CONTACTS * 0.002)
    wrote = [p.last_inbound_at for p in everyone if p.last_inbound_at]
    assert wrote == sorted(wrote, reverse=True)
    assert all(p.last_inbound_at is None for p in everyone[len(wrote) :])
    one = everyone[0]
    with past.read() as conn:
        (found,) = people.contacts(conn, NAMES, NOW, query=one.who.phone).rows
        known = people.contact(conn, NAMES, NOW, one.who.id)
        assert known is not None
        assert found.who == one.who == known.who
        timeline = people.timeline_of(conn, NAMES, NOW, one.who.id, limit=1000)
        assert all(getattr(row, "who", one.who) == one.who for row in timeline.rows)


@both
def test_the_summary_pages_agree_with_the_rows(past: Store) -> None:
    with past.read() as conn:
        page = reviewing.load(conn, NAMES, NOW)
        shown = [g for part in (page.answers, page.people, page.questions, page.refused) for g in part]
        assert sum(group.count for group in shown) <= review.counts(conn)["changes"]
        if shown:
            assert len(review.of_group(conn, shown[0].key)) == shown[0].count
            assert shown[0].examples
        health = healthy.load(conn, NAMES, NOW)
        assert health.counts == doctor.counts(conn)
        assert {lag.stage for lag in health.lags} == {"unpack", "handle", "trigger", "write", "send", "tell"}
        assert len(health.hours) == 48
        listed = document_lists.listing(conn, NOW)
        assert [(row.name, row.live) for row in listed] == sorted((n, 20) for n in (*big.MAPPINGS, *big.SENDERS))


def test_pages_hold_still_while_rows_come(store: Store) -> None:
    """What was there at the first page is seen once, whatever is inserted meanwhile."""
    dice, made = random.Random(3), list[str]()

    def put(count: int) -> None:
        rows = [
            {"id": new_id(), "account": "wa", "dedupe_key": new_id(), "lane": None, "kind": "Noted", "payload": {},
             "received_at": NOW, "state": "done"}
            for _ in range(count)
        ]  # fmt: skip
        made.extend(str(row["id"]) for row in rows)
        with store.write() as conn:
            conn.execute(sa.insert(events), rows)

    put(40)
    there, seen, before = set(made), list[str](), ""
    while True:
        with store.read() as conn:
            page = activity.activity(conn, {}, NOW, before=before, limit=7)
        seen += [line.id for line in page.rows]
        before = page.older
        if not before:
            break
        put(dice.randrange(5))
    assert len(seen) == len(set(seen))
    assert there <= set(seen)


# ---- each by an index --------------------------------------------------------------------------------------------
@contextmanager
def told(store: Store) -> Iterator[list[tuple[str, Any]]]:
    """The statements of a block."""
    heard: list[tuple[str, Any]] = []

    def listen(conn: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        heard.append((statement, parameters))

    sa.event.listen(store.engine, "before_cursor_execute", listen)
    yield heard
    sa.event.remove(store.engine, "before_cursor_execute", listen)


@lite
def test_no_page_scans_a_long_table(past: Store) -> None:
    from tests.bench.bench_reads import reads

    for name, read in reads(NOW):
        with told(past) as heard, past.read() as conn:
            read(conn)
        assert len(heard) <= 120, (name, len(heard))
        with past.read() as conn:
            for statement, parameters in heard:
                if not statement.lstrip().startswith(("SELECT", "WITH")):
                    continue
                plan = conn.exec_driver_sql("EXPLAIN QUERY PLAN " + statement, parameters).all()
                for step in (str(row[-1]) for row in plan):
                    long = [t for t in ("events", "sends", "contacts", "changes", "plans", "contact_keys", "statuses",
                                        "contact_words", "deliveries") if step == f"SCAN {t}"]  # fmt: skip
                    assert not long, (name, step, statement)


# ---- search ------------------------------------------------------------------------------------------------------
def person(store: Store, name: str, **keys: str) -> str:
    id_ = new_id()
    with store.write() as conn:
        conn.execute(sa.insert(contacts).values(id=id_, name=name, created_at=NOW))
        names.put(conn, {id_: name})
        for kind, value in keys.items():
            conn.execute(sa.insert(search.contact_keys).values(kind=kind, value=value, contact=id_, at=NOW))
    return id_


def found(store: Store, typed: str) -> set[str]:
    with store.read() as conn:
        return set(search.people(conn, typed))


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("José Ñúñez", ["jose", "nunez"]),
        ("  ANA-MARÍA  d'Ávila_x ", ["ana", "maria", "d", "avila", "x"]),
        ("ﷺ Straße Ⅷ", [*words("ﷺ"), "strasse", "viii"]),
        ("<script>alert(1)</script>", ["script", "alert", "1"]),
        ("\u202egnirts\u202c \x00\ud800", ["gnirts"]),
        ("a a A á", ["a"]),
        ("王小明 привет", ["王小明", "привет"]),
        ("x" * 100_000, ["x" * 40]),
        (" ".join(map(str, range(50))), [str(n) for n in range(8)]),
        ("🎉", []),
    ],
)
def test_words(typed: str, expected: list[str]) -> None:
    assert words(typed) == expected


def test_spellings_find_the_phone(store: Store) -> None:
    with store.write() as conn:
        conn.execute(
            sa.text("INSERT INTO accounts (id, kind, name, settings, created_at) VALUES ('a', 'hubspot', 'a', :s, 1)"),
            {"s": '{"country":"BR"}'},
        )
    brazil, mexico = person(store, "B", wa_id="551187654321"), person(store, "M", wa_id="5215512345678")
    hint = person(store, "H", phone="+5511976543210")
    for typed in ("+55 11 98765-4321", "(11) 98765-4321", "551187654321", "11987654321", "+551187654321"):
        assert found(store, typed) == {brazil}, typed
    assert found(store, "+52 55 1234 5678") == {mexico}
    assert found(store, "11 97654") == {hint}
    assert found(store, "5511") >= {brazil, hint}
    assert found(store, "99999999") == set()


def test_names_follow_the_contact(store: Store) -> None:
    ana, bea = person(store, "Ana Ruiz", wa_id="1"), person(store, "Bea Ruiz", wa_id="2")
    assert found(store, "rui") == {ana, bea}
    assert found(store, "RUÍZ be") == {bea}
    with store.write() as conn:
        names.renamed(conn, {ana: "Ána Gómez"})
    assert (found(store, "ruiz"), found(store, "gomez")) == ({bea}, {ana})
    with store.write() as conn:
        merge(conn, ana, bea, NOW)
    assert found(store, "ruiz") == {ana}
    with store.read() as conn:
        assert set(search.lanes(conn, [ana])) == {ana, bea}
    with store.write() as conn:
        names.forget(conn, [ana])
        assert conn.execute(sa.select(sa.func.count()).select_from(contact_words)).scalar_one() == 0


@pytest.mark.parametrize("text", ["", "x", "1", "1.", ".", "99999999999999999999.a", "1.\x00", "-1.\ud800", "٣.a"])
def test_a_cursor_from_anybody_is_harmless(store: Store, text: str) -> None:
    cursors.read(text)
    with store.read() as conn:
        assert activity.activity(conn, {}, NOW, before=text, document=text, account=text, state=text).rows == []
        assert people_lists.page(conn, "", text).people == []
        assert sent.sends(conn, {}, NOW, before=text, document=text, group=text, query=text).rows == []
        assert people.timeline_of(conn, {}, NOW, text, before=text).rows == []


# ---- figures -----------------------------------------------------------------------------------------------------
def test_figures_are_what_the_rows_say(store: Store) -> None:
    rows = [
        {"id": new_id(), "cause": str(n), "state": state, "document": "d", "at": NOW - n * DAY}
        for n, state in enumerate(["read", "failed", "sent", "waiting", "read", "read", "read", "read", "read"])
    ]
    with store.write() as conn:
        conn.execute(sa.insert(sends), rows)
        matched(conn, ["d", "d", "e"], NOW)
        matched(conn, ["d"], NOW - timedelta(seconds=1) if beginning(NOW, DAY) < NOW else NOW)
    for _ in range(2):
        days.count(store, NOW)
        with store.read() as conn:
            assert sends_of_days(conn, NOW) == {"read": 4, "failed": 1, "sent": 1, "waiting": 1}
            assert sends_of_days(conn, NOW, "d") == sends_of_days(conn, NOW)
    with store.write() as conn:
        conn.execute(sa.update(sends).where(sends.c.state == "sent").values(state="delivered"))
    days.count(store, NOW + timedelta(hours=13))
    with store.read() as conn:
        assert sends_of_days(conn, NOW).get("sent") is None


def test_tallies_are_a_chore(store: Store) -> None:
    for _ in range(3):
        days.tally(store)
    with store.read() as conn:
        assert conn.execute(sa.select(sa.func.count()).select_from(tallies)).scalar_one() == 2


def test_the_first_id_of_a_moment() -> None:
    assert days.first_id(datetime.now(UTC) - timedelta(seconds=1)) < new_id() < days.first_id(NOW + timedelta(hours=1))
