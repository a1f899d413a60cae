"""Whatever the order, the copies and the deliveries: one save is one message."""

from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connector.core import documents as language
from connector.core.events import RecordChanged
from connector.pipeline.documents.library import LiveSend, Shelf
from connector.pipeline.triggers.firing import Judge, Ledger, order, watched
from connector.store.plans import Work
from connector.store.tables import changes, deliveries, events, plans, record_values, sends
from tests.depth import examples
from tests.pipeline.conftest import House
from tests.pipeline.triggering import QUOTE, fire, happened, publish, ready, sent, told

START = datetime(2026, 11, 20, 12, tzinfo=UTC)
NAMES = ("dealstage", "amount", "dealname")
STAGES = ("presentationscheduled", "closedlost", "qualifiedtobuy")


def quote(name: str, watch: str) -> str:
    return QUOTE.replace("quote-ready", name).replace("deal.dealstage: {becomes: presentationscheduled}", watch)


def shelf() -> Shelf:
    texts = (QUOTE, quote("any-stage", "deal.dealstage: changes"), quote("new-deal", "deal.created: yes"))
    documents = [language.read(text) for text in texts]
    return Shelf(sends=tuple(LiveSend(d, 1, START) for d in documents if isinstance(d, language.SendDocument)))


SHELF, OBJECTS = shelf(), {"deal": "deals", "contact": "contacts"}


def judged(history: list[RecordChanged]) -> tuple[set[tuple[str, datetime]], dict[str, Any]]:
    """({(document, when)} that fired, what is known in the end) of one claim."""
    ledger = Ledger({}, {})
    judge = Judge(SHELF, OBJECTS, watched(SHELF, OBJECTS), START)
    work = [
        (Work(str(n), "a", n, "l", 0, e.kind, {}, START + timedelta(days=1), "a"), e) for n, e in enumerate(history)
    ]
    done = [judge.judge(*one, ledger) for one in sorted(work, key=lambda one: order(*one))]
    fired = {(f.live.document.name, d.at) for d in done for f in d.fired}
    return fired, {name: known.value for (_, name), known in ledger.seen.items()}


def changed(n: int, name: str, value: str, second: int) -> RecordChanged:
    at = START + timedelta(seconds=second)
    return RecordChanged(id=f"e{n}", at=at, object="deals", record="1", what="changed", field=name, value=value)


@st.composite
def histories(draw: Any) -> list[RecordChanged]:
    """Saves at different times; in one save each field changes once."""
    out: list[RecordChanged] = []
    for second in draw(st.lists(st.integers(0, 50), unique=True, max_size=6)):
        for name in draw(st.lists(st.sampled_from(NAMES), unique=True)):
            out.append(changed(len(out), name, draw(st.sampled_from(STAGES)), second))
    if draw(st.booleans()):
        out.append(RecordChanged(id="c", at=START, object="deals", record="1", what="created"))
    return out


@given(histories(), st.randoms(use_true_random=False))
def test_the_order_of_a_claim_does_not_matter(history: list[RecordChanged], chance: Any) -> None:
    expected = judged(history)
    mixed = [*history, *chance.sample(history, len(history) // 2)]
    chance.shuffle(mixed)
    fired, known = judged(mixed)
    assert known == expected[1]
    assert fired == expected[0]


@given(histories())
def test_a_stage_fires_exactly_when_it_is_new(history: list[RecordChanged]) -> None:
    stages = sorted((e.at, e.value) for e in history if e.field == "dealstage" and e.at)
    before: list[str | None] = [None, *(value for _, value in stages)]
    expected = {at for (at, value), was in zip(stages, before, strict=False) if value == STAGES[0] != was}
    assert {at for name, at in judged(history)[0] if name == "quote-ready"} == expected


def forget(house: House) -> None:
    with house.app.store.write() as conn:
        for table in (events, plans, sends, changes, record_values, deliveries):
            conn.execute(sa.delete(table))


@settings(max_examples=examples(12), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_burst_in_any_order_and_any_deliveries_is_the_same_sends(house: House, data: st.DataObject) -> None:
    forget(house)
    if not house.sent:
        ready(house)
        publish(house, QUOTE)
        publish(house, quote("any-stage", "deal.dealstage: changes\n  deal.amount: changes"))
        house.sent = 1
    at = datetime.now(UTC)
    fields = {"dealname": "x", "dealstage": "presentationscheduled", "amount": "900", "pipeline": "default"}
    burst = [told("deal", "3001", name, value, at) for name, value in fields.items()]
    burst.append(happened("deal", "3001", "creation", at))
    mixed = data.draw(st.permutations([*burst, *data.draw(st.lists(st.sampled_from(burst), max_size=3))]))
    cut = data.draw(st.integers(0, len(mixed)))
    for part in (mixed[:cut], mixed[cut:]):
        if part:
            fire(house, part)
    assert sorted(row.document for row in sent(house)) == ["any-stage", "quote-ready"]
