"""The console's lists over a history that the real journeys made: the same words as `why` and `doctor`."""

from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest

from connector.pipeline.views import activity, people, sent
from tests.pipeline.conftest import ANA, House
from tests.pipeline.messages import replies, tap, text, value, webhook
from tests.pipeline.test_journey import ANYTHING, SHARED, WEBINAR

pytestmark = pytest.mark.long  # make test-long

NEW = "573007654321"


@pytest.fixture
def busy(house: House) -> House:
    """Taps that are done and not understood, a text of two records, a newcomer's text, and one that waits."""
    house.publish(WEBINAR)
    house.publish(ANYTHING)
    invite = house.sent_template(ANA, "webinar_invite_v2")
    house.deliver(replies(tap(ANA, "interested", "Me interesa", id="wamid.yes", context=invite)))
    house.settle()
    again = house.sent_template(ANA, "webinar_invite_v2")
    house.deliver(replies(tap(ANA, "perhaps", "Quizás", id="wamid.perhaps", context=again)))
    house.deliver(replies(text(SHARED, "hola", id="wamid.shared")))
    house.deliver(webhook(value(text(NEW, "soy nuevo", id="wamid.new"), names={NEW: "José Ñúñez"})))
    house.settle()
    house.deliver(replies(text(ANA, "y esto espera", id="wamid.waits")))
    house.unpack()
    return house


def lines(house: House, **how: Any) -> activity.Lines:
    with house.app.store.read() as conn:
        return activity.activity(conn, names(house), datetime.now(UTC), **how)


def names(house: House) -> dict[str, str]:
    return {a.id: a.name for a in house.app.accounts()}


def test_a_line_says_who_what_and_why(busy: House) -> None:
    by_key = {line.key: line for line in lines(busy).rows}
    yes, perhaps, new = by_key["wamid.yes"], by_key["wamid.perhaps"], by_key["wamid.new"]
    assert (yes.what, yes.state, yes.documents) == ("Me interesa", "done", ("webinar-interest",))
    assert yes.counts["written"] >= 2
    assert ("lifecyclestage", "salesqualifiedlead", "written") in [(f.name, f.value, f.state) for f in yes.fields]
    assert (yes.who.phone, yes.direction, yes.account) == ("+" + ANA, "in", "whatsapp")
    assert perhaps.state == "review"
    assert perhaps.reason
    assert new.who.name == "José Ñúñez"


def test_states_are_those_of_why_and_doctor(busy: House) -> None:
    everything = lines(busy, limit=100)
    assert everything.older == ""
    assert all(line.state == busy.why(line.key)["state"] for line in everything.rows)
    counted = Counter(line.state for line in everything.rows)
    told = busy.counts()
    assert {word: counted[word] for word in ("done", "waiting", "review", "refused")} == {
        word: told[word] for word in ("done", "waiting", "review", "refused")
    }
    for word in ("done", "waiting", "review", "refused"):
        expected = [line.id for line in everything.rows if line.state == word]
        assert [line.id for line in lines(busy, state=word).rows] == expected


def test_filters(busy: House) -> None:
    def keys(**how: Any) -> set[str]:
        return {line.key for line in lines(busy, **how).rows}

    assert keys(document="webinar-interest") == {"wamid.yes", "wamid.perhaps"}
    assert keys(document="every-text") == {"wamid.shared", "wamid.new"}
    assert keys(document="every-text", state="review") == {"wamid.shared"}
    assert keys(document="every_text") == set()
    assert keys(direction="out") == set()
    assert keys(kinds=("InboundMessage",)) == keys()
    by_name = {name: id_ for id_, name in names(busy).items()}
    assert keys(account=by_name["whatsapp"]) == keys()
    assert keys(account="nobody") == set()


NEWCOMER = ("jose nunez", "JOSÉ", "ñúñ", "Nunez José", "+57 300 765 4321", "573007654321", "300 765 4321",
            "(300) 765-4321", "0300 7654321", "57 3007", "300765", "wamid.new")  # fmt: skip
NOBODY = ("", " ", "jose maria", "\x00", "\ud800", "%", "_", "999999", "+", "a" * 100_000)


def test_who_is_typed_is_found(busy: House) -> None:
    for typed in NEWCOMER:
        assert [line.key for line in lines(busy, query=typed).rows] == ["wamid.new"], typed
    for typed in NOBODY:
        assert len(lines(busy, query=typed).rows) == (5 if not typed.strip() else 0), typed[:20]


def test_people_and_their_timeline(busy: House) -> None:
    with busy.app.store.read() as conn:
        known, now = names(busy), datetime.now(UTC)
        listed = people.contacts(conn, known, now)
        assert {p.who.phone for p in listed.rows} >= {"+" + ANA, "+" + NEW, "+" + SHARED}
        assert listed.older == ""
        (ana,) = people.contacts(conn, known, now, query="+" + ANA).rows
        assert ana.open_until is not None
        assert [(link.account, link.record) for link in ana.links] == [("hubspot", "1512")]
        one = people.contact(conn, known, now, ana.who.id)
        assert one is not None
        assert ("wa_id", ANA) in [(key.kind, key.value) for key in one.keys]
        told = people.timeline_of(conn, known, now, ana.who.id)
        assert [type(row).__name__ for row in told.rows].count("Send") == 2
        wrote = [row.key for row in told.rows if isinstance(row, activity.Line)]
        assert wrote == ["wamid.waits", "wamid.perhaps", "wamid.yes"]
        paged, before = [], ""
        while True:
            page = people.timeline_of(conn, known, now, ana.who.id, before=before, limit=2)
            paged += [row.id for row in page.rows]
            before = page.older
            if not before:
                break
        assert paged == [row.id for row in told.rows]


def test_sends_are_listed(busy: House) -> None:
    with busy.app.store.read() as conn:
        found = sent.sends(conn, names(busy), datetime.now(UTC))
        assert [send.template for send in found.rows] == ["webinar_invite_v2"] * 2
        assert found.rows[0].who.phone == "+" + ANA
        assert sent.sends(conn, names(busy), datetime.now(UTC), group="failed").rows == []
        assert sent.summary(conn, datetime.now(UTC))["now"] == {"waiting": 0, "ready": 0, "in_flight": 0, "unknown": 0}
