"""The sender against the sandbox, and against a phone that answers as told: every gate, every outcome."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from connector import whatsapp
from connector.core.template import Template
from connector.pipeline.preparing import gates
from connector.ports import Account, Messenger, Receipt, fence
from connector.store import accounts, contacts, findings, gate_facts, holding, outcomes, parks, sending
from connector.store import templates as template_rows
from connector.store.engine import Store
from connector.store.tables import consents, contact_keys
from tests.pipeline.sends import NOW, NUMBER, TEXT, WABA, Desk
from tests.town import Sandbox

ANA = "573001112222"


@pytest.fixture
def desk(store: Store) -> Desk:
    return Desk(store)


@pytest.fixture
def graph(sandbox: Sandbox) -> Iterator[Messenger]:
    """The sandbox's Graph API, as the connector speaks with it."""
    settings = {"phone_number_id": NUMBER, "waba_id": WABA, "base_url": f"{sandbox.url}/graph"}
    secrets = {"token": "sandbox-whatsapp-token"}
    messenger = whatsapp.connect(Account(id=WABA, kind="whatsapp", name="w", settings=settings, secrets=secrets))
    yield messenger
    messenger.close()  # type: ignore[attr-defined]


def test_a_ready_row_is_sent_once(desk: Desk, graph: Messenger, sandbox: Sandbox) -> None:
    body = {"type": "template", "template": {"name": "welcome_back", "language": {"code": "en"}}}
    sent = desk.add(body=body, template="welcome_back", language="en")
    desk.phone = graph  # type: ignore[assignment]
    desk.drain()
    desk.drain()
    row = desk.row(sent)
    assert (row.state, row.rank, row.attempts) == ("accepted", 1, 1)
    assert [call["record"] for call in sandbox.ledger("graph") if call["method"] == "POST"] == [row.wamid]
    assert desk.attempts(sent) == [(1, "accepted")]
    assert sandbox.records("graph", "messages")[0]["message"]["biz_opaque_callback_data"] == sent


def test_replies_go_first_then_the_longest_due(desk: Desk) -> None:
    late, early = desk.add(next_at=NOW), desk.add(next_at=NOW - timedelta(hours=1))
    reply = desk.add(priority=0)
    desk.add(next_at=NOW + timedelta(seconds=1))
    desk.sender(threads=1).drain(lambda: False)
    assert desk.phone.keys == [reply, early, late]


# ---- gates -------------------------------------------------------------------------------------------------------
def opt(desk: Desk, lane: str, category: str, state: str = "opted_out") -> None:
    row = {"contact": lane, "category": category, "state": state, "how": "stop_word", "at": desk.clock.now(),
           "evidence": "", "event": None}  # fmt: skip
    with desk.store.write() as conn:
        contacts.opt(conn, [row])


@pytest.mark.parametrize(
    "category, said, sent",
    [
        ("utility", [("all", "opted_out")], False),
        ("utility", [("marketing", "opted_out")], True),
        ("marketing", [("marketing", "opted_out")], False),
        ("service", [("all", "opted_out")], False),
        ("utility", [("all", "opted_out"), ("all", "opted_in")], True),
        ("marketing", [("all", "opted_out"), ("marketing", "opted_in")], False),
    ],
)
def test_an_opt_out_stops_it(desk: Desk, category: str, said: list[tuple[str, str]], sent: bool) -> None:
    lane = desk.contact(ANA, wrote=NOW)
    for word in said:
        opt(desk, lane, *word)
    row = desk.add(lane=lane, category=category)
    desk.drain()
    assert desk.state(row) == (("accepted", "") if sent else ("refused", "consent"))
    assert bool(desk.phone.sent) == sent
    assert desk.attempts(row) == ([(1, "accepted")] if sent else [])


def test_an_opt_out_under_another_spelling_of_the_phone_stops_it(desk: Desk) -> None:
    other = desk.contact("551187654321")
    opt(desk, other, "all")
    row = desk.add(lane=desk.contact(), to="+5511987654321")
    desk.drain()
    assert desk.state(row) == ("refused", "consent")


def test_free_text_needs_an_open_window(desk: Desk) -> None:
    text = {"template": "", "category": "service", "body": TEXT, "document": "nps-answer"}
    inside = desk.add(lane=desk.contact(ANA, wrote=NOW - timedelta(hours=23)), **text)
    outside = desk.add(lane=desk.contact("573001112223", wrote=NOW - timedelta(hours=24)), to="+573001112223", **text)
    never = desk.add(lane=desk.contact("573001112224"), to="+573001112224", **text)
    desk.drain()
    assert [desk.state(row) for row in (inside, outside, never)] == [
        ("accepted", ""), ("refused", "window"), ("refused", "window"),
    ]  # fmt: skip


def test_what_came_too_late_expires(desk: Desk) -> None:
    late = desk.add(give_up_at=NOW, crm="hub")
    desk.drain()
    row = desk.row(late)
    assert (row.state, row.code, row.tell, row.ended_at) == ("expired", "give_up", 1, NOW)


def template(**more: Any) -> Template:
    body = {"type": "BODY", "text": more.pop("text", "Hola {{first_name}}, tu pedido sale hoy.")}
    given: dict[str, Any] = {"name": "quote_ready", "language": "es", "category": "utility", "format": "named"} | more
    return Template(components=(body,), **given)


def keep(desk: Desk, one: Template) -> None:
    with desk.store.write() as conn:
        template_rows.put(conn, WABA, [one], desk.clock.now())


def test_a_paused_template_waits(desk: Desk) -> None:
    keep(desk, template(status="PAUSED"))
    row = desk.add()
    desk.drain()
    assert desk.state(row) == ("ready", "template")
    assert desk.row(row).next_at == NOW + gates.LOOK_AGAIN
    desk.clock.pass_(minutes=6)
    keep(desk, template())
    desk.drain()
    assert desk.state(row) == ("accepted", "")


@pytest.mark.parametrize("now", [template(status="DISABLED"), template(text="Hola {{name}}, son {{amount}} pesos.")])
def test_a_template_that_changed_stops_its_document_before_a_request(desk: Desk, now: Template) -> None:
    contract = {"contract": gates.contract(template())}
    keep(desk, template())
    fine = desk.add(context=contract)
    desk.drain()
    desk.clock.pass_(seconds=1)
    keep(desk, now)
    first, other = desk.add(context=contract), desk.add(document="another", template="welcome")
    desk.drain()
    later = desk.add(context=contract)
    desk.drain()
    assert [desk.state(row) for row in (fine, first, later, other)] == [
        ("accepted", ""), ("refused", "template"), ("refused", "template"), ("accepted", ""),
    ]  # fmt: skip
    assert desk.phone.keys == [fine, other]
    with desk.store.read() as conn:
        assert {f.document for f in findings.all_(conn)} == {"quote-ready"}
        assert parks.parked(conn, "document", ["quote-ready"], desk.clock.now())


def test_the_wording_of_a_template_may_change(desk: Desk) -> None:
    keep(desk, template(text="Hola {{first_name}}: tu pedido ya va en camino."))
    row = desk.add(context={"contract": gates.contract(template())})
    desk.drain()
    assert desk.state(row) == ("accepted", "")


def test_a_new_category_is_looked_at_again(desk: Desk) -> None:
    """Marketing asks for an opt-in that utility did not: its document judges it anew."""
    keep(desk, template(category="marketing"))
    row = desk.add(crm="hub")
    desk.drain()
    assert desk.state(row) == ("waiting", "template")
    assert desk.phone.sent == []


@pytest.mark.parametrize("scope", ["document", "template", "contact", "send", "number", "account"])
def test_pause_and_resume(desk: Desk, scope: str) -> None:
    lane = desk.contact(ANA)
    row = desk.add(lane=lane)
    keys = {"document": "quote-ready", "template": f"{WABA}:quote_ready", "contact": lane, "send": row,
            "number": NUMBER, "account": WABA}  # fmt: skip
    with desk.store.write() as conn:
        holding.pause(conn, scope, keys[scope], "Stock is out.", NOW)
    desk.drain()
    assert desk.row(row).state == "ready"
    with desk.store.read() as conn:
        assert [r["reason"] for r in holding.listing(conn, {"id": row}, 5, NOW)] == ["Stock is out."]
        assert sending.numbers_due(conn, NOW, NOW) == []
    with desk.store.write() as conn:
        assert holding.resume(conn, scope, keys[scope], NOW)
    desk.drain()
    assert desk.state(row) == ("accepted", "")


def test_a_paused_account_sends_nothing(desk: Desk) -> None:
    row = desk.add()
    with desk.store.write() as conn:
        accounts.set_state(conn, WABA, "paused", "Holidays.")
    desk.drain()
    with desk.store.read() as conn:
        assert [r["reason"] for r in holding.listing(conn, {}, 5, NOW)] == ["Holidays."]
    assert desk.state(row) == ("ready", "")


def test_cancelled_rows_never_leave(desk: Desk) -> None:
    rows = [desk.add(crm="hub"), desk.add(state="waiting", crm="hub"), desk.add(document="other")]
    with desk.store.write() as conn:
        assert holding.cancel(conn, "document", "quote-ready", "", NOW) == 2
    desk.drain()
    assert [desk.row(r).state for r in rows] == ["cancelled", "cancelled", "accepted"]
    assert desk.row(rows[0]).tell == 1


def test_a_burst_to_one_person_is_spread(desk: Desk) -> None:
    lane = desk.contact(ANA)
    for _ in range(50):
        desk.add(lane=lane)
    desk.drain()
    assert len(desk.phone.sent) == 45
    for _ in range(5):
        desk.clock.pass_(seconds=6)
        desk.drain()
    assert len(desk.phone.sent) == 50


# ---- outcomes ----------------------------------------------------------------------------------------------------
def answer(desk: Desk, **receipt: Any) -> None:
    desk.phone.answers.append(Receipt(**receipt))


def test_not_sent_goes_again_after_a_rest(desk: Desk) -> None:
    answer(desk, outcome="not_sent", text="Meta cannot be reached.", who="Meta")
    row = desk.add()
    desk.drain()
    assert desk.state(row) == ("ready", "not_sent")
    desk.drain()
    assert len(desk.phone.sent) == 1, "the number rests"
    desk.clock.pass_(seconds=2)
    desk.drain()
    assert desk.state(row) == ("accepted", "")
    assert desk.attempts(row) == [(1, "not_sent"), (2, "accepted")]


def test_too_fast_for_the_number_rests_longer_each_time(desk: Desk) -> None:
    row = desk.add()
    for wait in (2, 4, 8):
        answer(desk, outcome="again", code=130429, text="Too fast.", who="Meta", park="number", wait=2.0)
        desk.drain()
        assert desk.row(row).next_at == desk.clock.now() + timedelta(seconds=wait)
        desk.clock.pass_(seconds=wait)
    desk.drain()
    assert desk.state(row) == ("accepted", "")
    with desk.store.read() as conn:
        assert parks.tries(conn, "number", NUMBER) == 0


def test_too_many_to_one_person_holds_nobody_else(desk: Desk) -> None:
    lane = desk.contact(ANA)
    answer(desk, outcome="again", code=131056, text="Too many.", who="Meta", park="contact", wait=4.0)
    first = desk.add(lane=lane)
    desk.drain()
    second, other = desk.add(lane=lane), desk.add(lane=desk.contact("573001112223"))
    desk.drain()
    assert [desk.row(r).state for r in (first, second, other)] == ["ready", "ready", "accepted"]
    desk.clock.pass_(seconds=4)
    desk.drain()
    assert {desk.row(r).state for r in (first, second)} == {"accepted"}


def test_marketing_that_meta_holds_back_leaves_the_rest_alone(desk: Desk) -> None:
    lane = desk.contact(ANA)
    answer(desk, outcome="park", code=131049, text="Enough marketing.", who="Meta", park="contact", wait=86400.0)
    sale = desk.add(lane=lane, category="marketing")
    desk.drain()
    order, again = desk.add(lane=lane), desk.add(lane=lane, category="marketing")
    desk.drain()
    assert [desk.row(r).state for r in (sale, order, again)] == ["ready", "accepted", "ready"]
    assert desk.row(again).next_at == NOW + timedelta(days=1)


def test_a_failure_says_why_and_who(desk: Desk) -> None:
    answer(desk, outcome="failed", code=131026, text="No WhatsApp on that number.", who="customer")
    row = desk.add(crm="hub")
    desk.drain()
    found = desk.row(row)
    assert (found.state, found.code, found.reason, found.who, found.tell) == (
        "failed", "graph_131026", "No WhatsApp on that number.", "customer", 1,
    )  # fmt: skip


def test_a_bad_token_pauses_the_account_and_drops_nothing(desk: Desk) -> None:
    answer(desk, outcome="failed", code=190, text="The access token has expired.", who="you", park="account")
    row, other = desk.add(), desk.add(next_at=NOW - timedelta(seconds=1))
    desk.sender(threads=1).drain(lambda: False)
    assert (desk.row(row).state, desk.row(other).state) == ("ready", "ready")
    with desk.store.read() as conn:
        assert accounts.state(conn, WABA) == "needs_person"
    with desk.store.write() as conn:
        accounts.set_state(conn, WABA, "ok")
    desk.drain()
    assert {desk.row(r).state for r in (row, other)} == {"accepted"}


def test_who_stopped_marketing_is_never_asked_again(desk: Desk) -> None:
    lane = desk.contact(ANA)
    answer(desk, outcome="failed", code=131050, text="The person has stopped marketing messages.", who="customer")
    desk.add(lane=lane, category="marketing")
    desk.drain()
    again = desk.add(lane=lane, category="marketing")
    desk.drain()
    assert desk.state(again) == ("refused", "consent")
    with desk.store.read() as conn:
        assert conn.execute(sa.select(consents.c.how).where(consents.c.contact == lane)).scalars().all() == ["131050"]


def test_a_receipt_teaches_the_contact(desk: Desk) -> None:
    lane = desk.contact()
    answer(desk, outcome="accepted", wamid="wamid.1", wa_id="551187654321", user_id="BR.123")
    desk.add(lane=lane, to="+5511987654321")
    desk.drain()
    with desk.store.read() as conn:
        person = contacts.load(conn, [lane])[lane]
    assert (person.wa_id, person.user_id) == ("551187654321", "BR.123")


def test_a_receipt_joins_a_phone_with_the_person_it_belongs_to(desk: Desk) -> None:
    known, lane = desk.contact("551187654321"), desk.contact()
    answer(desk, outcome="accepted", wamid="wamid.1", wa_id="551187654321")
    row = desk.add(lane=lane, to="+5511987654321")
    desk.drain()
    with desk.store.read() as conn:
        assert contacts.heirs(conn, [lane]) == {lane: known}
    assert desk.row(row).lane == known


def test_a_receipt_never_takes_a_key_from_somebody_else(desk: Desk) -> None:
    ana, bea = desk.contact("551187654321"), desk.contact("573001112223")
    answer(desk, outcome="accepted", wamid="wamid.1", wa_id="551187654321")
    desk.add(lane=bea)
    desk.drain()
    with desk.store.read() as conn:
        query = sa.select(contact_keys.c.contact).where(contact_keys.c.value == "551187654321")
        assert conn.execute(query).scalars().all() == [ana]


def test_a_status_that_comes_before_the_receipt_stands(desk: Desk) -> None:
    def delivered_first(key: str) -> Receipt:
        desk.status(key, "wamid.7", "delivered", pricing={"type": "regular", "category": "utility", "billable": True})
        return Receipt(outcome="accepted", wamid="wamid.7")

    desk.phone.answers.append(delivered_first)
    row = desk.add(crm="hub")
    desk.drain()
    found = desk.row(row)
    assert (found.state, found.rank, found.wamid, found.tell) == ("delivered", 4, "wamid.7", 1)
    assert found.pricing == {"type": "regular", "category": "utility"}
    desk.status(row, "wamid.7", "sent")
    assert desk.row(row).state == "delivered"


def test_a_status_without_our_id_waits_for_the_message_id(desk: Desk) -> None:
    def delivered_first(key: str) -> Receipt:
        desk.status(None, "wamid.8", "delivered")
        return Receipt(outcome="accepted", wamid="wamid.8")

    desk.phone.answers.append(delivered_first)
    row = desk.add()
    desk.drain()
    assert desk.row(row).state == "delivered"


# ---- unknown -----------------------------------------------------------------------------------------------------
def lost(desk: Desk, **more: Any) -> str:
    """A send whose answer never came."""
    answer(desk, outcome="unknown", text="Meta did not answer.", who="Meta")
    row = desk.add(**more)
    desk.drain()
    assert desk.row(row).state == "unknown"
    return row


def test_an_unknown_send_is_settled_by_its_status(desk: Desk) -> None:
    row = lost(desk, crm="hub")
    desk.status(row, "wamid.9", "sent")
    found = desk.row(row)
    assert (found.state, found.wamid, found.tell, found.reason) == ("sent", "wamid.9", 1, "")


def test_utility_is_sent_again_only_after_word_of_a_later_message(desk: Desk) -> None:
    row = lost(desk)
    desk.clock.pass_(minutes=2)
    desk.drain()
    assert desk.row(row).state == "unknown", "no word of any message: statuses may be late"
    other = desk.add()
    desk.drain()
    assert desk.row(other).state == "accepted"
    desk.status(other, desk.row(other).wamid, "delivered")
    desk.clock.pass_(minutes=2)
    desk.drain()
    found = desk.row(row)
    assert (found.state, found.label) == ("accepted", "resent_after_unknown")
    assert desk.attempts(row) == [(1, "unknown"), (2, "accepted")]


def test_word_of_an_earlier_message_proves_nothing(desk: Desk) -> None:
    early = desk.add()
    desk.drain()
    desk.clock.pass_(seconds=5)
    row = lost(desk)
    desk.status(early, desk.row(early).wamid, "read")
    desk.clock.pass_(minutes=5)
    desk.drain()
    assert desk.row(row).state == "unknown"


def test_it_is_sent_again_once_and_then_a_person_looks(desk: Desk) -> None:
    row = lost(desk)
    desk.phone.mute = {row}
    for _ in range(4):
        desk.clock.pass_(minutes=2)
        other = desk.add(priority=0)
        desk.drain()
        desk.status(other, desk.row(other).wamid, "delivered")
        desk.clock.pass_(minutes=2)
        desk.drain()
    assert desk.attempts(row) == [(1, "unknown"), (2, "unknown")]
    found = desk.row(row)
    assert (found.state, found.who, found.next_at) == ("unknown", "you", None)


@pytest.mark.parametrize("category, state", [("authentication", "expired"), ("marketing", "unknown")])
def test_codes_expire_and_marketing_waits_for_a_person(desk: Desk, category: str, state: str) -> None:
    row = lost(desk, category=category)
    other = desk.add()
    desk.clock.pass_(minutes=2)
    desk.drain()
    desk.status(other, desk.row(other).wamid, "read")
    desk.clock.pass_(minutes=2)
    desk.drain()
    assert desk.row(row).state == state
    assert len(desk.attempts(row)) == 1
    with desk.store.write() as conn:
        assert holding.send_again(conn, row, desk.clock.now()) == (state == "unknown")
    desk.drain()
    assert desk.row(row).state == ("accepted" if state == "unknown" else "expired")


def test_a_silent_graph_is_not_fed_with_more(desk: Desk) -> None:
    for _ in range(300):
        desk.add()
        answer(desk, outcome="unknown", text="Meta did not answer.", who="Meta")
    desk.drain()
    assert len(desk.phone.sent) < 150
    before = len(desk.phone.sent)
    desk.clock.pass_(seconds=3)
    desk.drain()
    assert len(desk.phone.sent) == before + 1, "one asks whether it is well again"


def test_one_lost_answer_does_not_hold_the_number(desk: Desk) -> None:
    row = desk.add(next_at=NOW - timedelta(seconds=1))
    desk.phone.mute = {row}
    others = [desk.add() for _ in range(20)]
    desk.sender(threads=1).drain(lambda: False)
    assert desk.row(row).state == "unknown"
    assert {desk.row(other).state for other in others} == {"accepted"}


# ---- rows without an owner ---------------------------------------------------------------------------------------
def test_what_a_dead_worker_left_is_unknown_never_ready(desk: Desk) -> None:
    row = desk.add()
    with desk.store.write() as conn:
        found = sending.due(conn, NUMBER, NOW, 5)
        assert [s.id for s in sending.start(conn, found, NOW)] == [row]
    desk.drain()
    assert desk.row(row).state == "in_flight", "its request may still be under way"
    with desk.store.read() as conn:
        assert sending.numbers_due(conn, desk.clock.pass_(seconds=6), desk.clock.now() - timedelta(seconds=5)) == [
            NUMBER
        ]
    desk.drain()
    assert desk.state(row) == ("unknown", "lost")
    assert desk.phone.sent == []


def test_a_late_answer_of_an_old_owner_is_believed(desk: Desk) -> None:
    from connector.store.outcomes import Result

    row = desk.add()
    with desk.store.write() as conn:
        (started,) = sending.start(conn, sending.due(conn, NUMBER, NOW, 5), NOW)
        outcomes.lose(conn, NUMBER, NOW + timedelta(seconds=1), NOW)
    with desk.store.write() as conn:
        outcomes.record(conn, [Result(send=started, outcome="accepted", state="accepted", wamid="wamid.late")], NOW)
    assert (desk.row(row).state, desk.row(row).wamid) == ("accepted", "wamid.late")


def test_a_claim_is_won_once(desk: Desk) -> None:
    desk.add()
    with desk.store.write() as conn:
        rows = sending.due(conn, NUMBER, NOW, 5)
        assert len(sending.start(conn, rows, NOW)) == 1
        assert sending.start(conn, rows, NOW) == []


def test_a_wrong_clock_stops_sends(desk: Desk) -> None:
    if desk.store.dialect != "postgresql":
        return
    row = desk.add()
    desk.sender(wrong_clock=timedelta(seconds=30)).drain(lambda: False)
    assert (desk.row(row).state, desk.phone.sent) == ("ready", [])
    with desk.store.read() as conn:
        assert [f.code for f in findings.all_(conn)] == ["clock_off"]


def test_stop_ends_at_a_row_boundary(desk: Desk) -> None:
    for _ in range(200):
        desk.add()
    seen: Callable[[], bool] = lambda: bool(desk.phone.sent)  # noqa: E731
    desk.sender().drain(seen)
    with desk.store.read() as conn:
        rows = holding.listing(conn, {}, 500, NOW)
    states = [row["state"] for row in rows]
    assert set(states) == {"ready", "accepted"}
    assert states.count("accepted") == len(desk.phone.sent)


def test_thousands_are_cancelled_by_a_mark(desk: Desk) -> None:
    """From the mark on none leaves, whether its row was reached or not; what is planned later goes."""
    rows = [desk.add(lane=desk.contact()) for _ in range(5)]
    with desk.store.write() as conn:
        assert holding.cancel(conn, "document", "quote-ready", "Wrong price.", NOW, at_once=2) == 5
        shown = holding.listing(conn, {}, 10, NOW)
        facts = gate_facts.look(conn, NUMBER, sending.due(conn, NUMBER, NOW, 9), NOW)
    assert {(line["state"], line["reason"]) for line in shown} == {("cancelled", "Wrong price.")}
    verdict = gates.Desk(facts, NOW, lambda *_: "").judge(9)
    assert (verdict.go, {move.state for move in verdict.moves}) == ([], {"cancelled"})
    desk.clock.pass_(seconds=1)
    later = desk.add()
    desk.drain()
    assert [desk.state(row) for row in (*rows, later)] == [("cancelled", "cancelled")] * 5 + [("accepted", "")]
    with desk.store.read() as conn:
        assert parks.parked(conn, "cancel:document", ["quote-ready"], NOW - timedelta(days=1)) == {}


def test_a_message_that_was_overtaken_by_time_does_not_leave(desk: Desk) -> None:
    """The computer slept between the gates and the wire, where the messenger asks: the gates look again."""
    ready = desk.add()

    def slept(_: str) -> Receipt:
        desk.clock.pass_(minutes=1)
        fence.ask()
        raise AssertionError

    desk.phone.answers = [slept]
    desk.drain()
    assert [outcome for _, outcome in desk.attempts(ready)] == ["again"]
    assert desk.row(ready).state == "ready"
    desk.clock.pass_(minutes=1)
    desk.drain()
    assert desk.row(ready).state == "accepted"
