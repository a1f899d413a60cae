"""Real deaths and real races: a worker killed around its request, an opt-out beside a claim."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from connector import whatsapp
from connector.ids import new_id
from connector.ports import Account, Messenger
from connector.store import contacts, doctor, gate_facts, sending
from connector.store.engine import Store
from connector.store.tables import contact_keys
from connector.store.tables import contacts as contact_rows
from tests.pipeline.sends import NUMBER, WABA, Clock, Desk
from tests.town import Sandbox

pytestmark = pytest.mark.both  # what two processes do to rows is the point

ROOT = Path(__file__).parents[2]
ANA = "573001112222"
BODY = {"type": "template", "template": {"name": "welcome_back", "language": {"code": "en"}}}


@pytest.fixture
def desk(store: Store) -> Desk:
    return Desk(store, Clock(datetime.now(UTC)))


@pytest.fixture
def graph(sandbox: Sandbox) -> Iterator[Messenger]:
    settings = {"phone_number_id": NUMBER, "waba_id": WABA, "base_url": f"{sandbox.url}/graph"}
    secrets = {"token": "sandbox-whatsapp-token"}
    messenger = whatsapp.connect(Account(id=WABA, kind="whatsapp", name="w", settings=settings, secrets=secrets))
    yield messenger
    messenger.close()  # type: ignore[attr-defined]


@pytest.mark.long
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_worker_killed_around_its_request(
    desk: Desk,
    graph: Messenger,
    sandbox: Sandbox,
    store_url: str,
    home: Path,
    when: str,
) -> None:
    """Nobody can tell the two apart, so neither is repeated before WhatsApp's own word."""
    row = desk.add(body=BODY, template="welcome_back", language="en")
    argv = [sys.executable, "-m", "tests.pipeline.claimer", store_url, str(home), f"{sandbox.url}/graph", when]
    died = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (died.returncode, died.stdout) == (-9, "dies\n"), died.stderr
    assert (desk.row(row).state, desk.attempts(row)) == ("in_flight", [(1, None)])
    desk.phone = graph  # type: ignore[assignment]
    desk.clock.at = desk.row(row).started_at
    desk.drain()
    assert desk.row(row).state == "in_flight", "its request may still be under way"
    desk.clock.pass_(seconds=6)
    desk.drain()
    assert desk.row(row).state == "unknown"
    other = desk.add(body=BODY, template="welcome_back", language="en", to="+573001112223")
    desk.clock.pass_(minutes=2)
    desk.drain()
    desk.status(other, desk.row(other).wamid, "delivered")
    if when == "after":  # its status comes, late
        (message,) = [
            m for m in sandbox.records("graph", "messages") if m["message"]["biz_opaque_callback_data"] == row
        ]
        desk.status(row, message["id"], "sent")
    desk.clock.pass_(minutes=2)
    desk.drain()
    keys = [m["message"]["biz_opaque_callback_data"] for m in sandbox.records("graph", "messages")]
    assert sorted(keys) == sorted([row, other])
    found = desk.row(row)
    assert (found.state, found.label) == (("sent", "") if when == "after" else ("accepted", "resent_after_unknown"))
    with desk.store.read() as conn:
        assert doctor.findings(conn, desk.clock.now() - timedelta(minutes=4)) == []


def opt_out(desk: Desk, lane: str) -> None:
    fact = {"contact": lane, "category": "all", "state": "opted_out", "how": "stop_word", "at": desk.clock.now(),
            "evidence": "", "event": None}  # fmt: skip
    with desk.store.write() as conn:
        contacts.opt(conn, [fact])


def test_an_opt_out_waits_for_a_claim_that_looked_before_it(desk: Desk) -> None:
    """The claim has the contact: the opt-out is stored after it, never between its look and its start."""
    lane = desk.contact("573001112222")
    row = desk.add(lane=lane)
    stored = threading.Event()

    def stop() -> None:
        opt_out(desk, lane)
        stored.set()

    other = threading.Thread(target=stop)
    with desk.store.write() as conn:
        now = desk.clock.now()
        facts = gate_facts.look(conn, NUMBER, sending.due(conn, NUMBER, now, 1), now)
        assert facts.consents == {}
        other.start()
        assert not stored.wait(0.3), "it was stored under a claim that had looked already"
        sending.start(conn, facts.rows, now)
    assert stored.wait(15)
    other.join()
    assert desk.row(row).state == "in_flight"


def test_a_claim_waits_for_an_opt_out_that_is_being_stored(desk: Desk) -> None:
    """The other way round: it sees the opt-out, or it comes first."""
    lane = desk.contact("573001112222")
    row = desk.add(lane=lane)
    sender = threading.Thread(target=desk.drain)
    fact = {"contact": lane, "category": "all", "state": "opted_out", "how": "stop_word", "at": desk.clock.now(),
            "evidence": "", "event": None}  # fmt: skip
    with desk.store.write() as conn:
        contacts.opt(conn, [fact])
        sender.start()
        sender.join(0.5)
        assert desk.phone.sent == []
    sender.join(20)
    assert desk.state(row) == ("refused", "consent")
    assert desk.phone.sent == []


def test_a_claim_waits_for_an_opt_out_that_is_the_first_we_hear_of_somebody(desk: Desk) -> None:
    """The CRM's person and the one who writes STOP are two contacts with one phone, and the second is being made."""
    lane = desk.contact()
    with desk.store.write() as conn:
        conn.execute(sa.insert(contact_keys).values(kind="phone", value=f"+{ANA}", contact=lane, at=desk.clock.now()))
    row = desk.add(lane=lane, to=f"+{ANA}")
    sender = threading.Thread(target=desk.drain)
    with desk.store.write() as conn:
        newcomer = {"id": new_id(), "name": "", "created_at": desk.clock.now()}
        conn.execute(sa.insert(contact_rows).values(newcomer))
        key = {"kind": "wa_id", "value": ANA, "contact": newcomer["id"], "at": desk.clock.now()}
        conn.execute(sa.insert(contact_keys).values(key))
        contacts.opt(conn, [{"contact": newcomer["id"], "category": "all", "state": "opted_out", "how": "stop_word",
                             "at": desk.clock.now(), "evidence": "", "event": None}])  # fmt: skip
        sender.start()
        sender.join(0.5)
        assert desk.phone.sent == []
    sender.join(20)
    assert desk.state(row) == ("refused", "consent")
    assert desk.phone.sent == []


def test_opt_outs_beside_a_running_sender_are_all_kept(desk: Desk) -> None:
    """While a number sends, people stop: whoever's opt-out was stored first is never written to."""
    people = [desk.contact(f"57300{n:07d}") for n in range(60)]
    rows = {lane: desk.add(lane=lane, to=f"+57300{n:07d}") for n, lane in enumerate(people)}
    sender = threading.Thread(target=desk.drain)
    sender.start()
    before: dict[str, bool] = {}
    for lane in reversed(people):
        opt_out(desk, lane)
        before[lane] = rows[lane] in desk.phone.keys  # its request had left when the opt-out was stored
    sender.join(30)
    desk.drain()
    for lane, row in rows.items():
        state = desk.row(row).state
        assert state in ("accepted", "refused")
        if desk.attempts(row) == []:
            assert state == "refused"
            assert not before[lane]
    with desk.store.read() as conn:
        assert doctor.findings(conn, desk.clock.now()) == []
