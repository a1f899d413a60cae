"""Health: counts that add up, what is late, refused, resting and broken; and the doctor at once."""

from datetime import timedelta

import pytest

from connector.ids import new_id
from connector.store import accounts, chores, counters, figures, parks, snapshots, tasks
from connector.store import events as event_rows
from connector.store.bulk import insert_many
from connector.store.tables import changes, numbers
from connector.web.chart import HEIGHT, WIDTH, Hour, bars

HOSTILE = '"><script>alert(1)</script>\u202eevil'


def event(console, state="done", error=None, at=None, crms=()):
    made = new_id()
    row = {
        "id": made, "delivery": None, "account": "", "dedupe_key": made, "lane": "", "kind": "InboundMessage",
        "payload": {"text": HOSTILE, "type": "text"}, "received_at": at or console.house.clock.now(), "state": state,
        "attempts": 0, "error": error,
    }  # fmt: skip
    with console.house.store.write() as conn:
        event_rows.add(conn, [row], crms)
    return made


def change(console, event_, state, **outcome):
    row = {
        "event": event_, "account": "", "ordinal": 0, "lane": "", "object": "contacts", "record": "1",
        "kind": "SetField", "body": {}, "state": state, "attempts": 0, "outcome": outcome or None,
    }  # fmt: skip
    with console.house.store.write() as conn:
        insert_many(conn, changes, [row])


def test_an_empty_house_is_shown(console):
    page = console("viewer").get("/health/").text
    assert "No events in the last 48 hours" in page
    assert "nothing waits" in page
    assert "No account is connected yet" in page
    assert "The first look is still to come" in page
    assert "Check now" not in page


def test_the_counts_add_up(console):
    event(console)
    event(console, state="dead", error="cannot be read")
    change(console, event(console), "refused", text=HOSTILE, code="INVALID_OPTION")
    page = console("viewer").get("/health/").text
    assert "<script>alert" not in page
    told = [page.split(f"state={word}")[1].split("<strong>")[1].split("<")[0] for word in ("done", "waiting", "review")]
    assert told == ["1", "0", "1"]
    assert "INVALID_OPTION" in page


def test_what_is_late_says_since_when_and_leads_to_its_why(console):
    now = console.house.clock.now()
    with console.house.store.write() as conn:
        crm = accounts.add(conn, console.house.keyring, "hubspot", "crm", {}, {}, now).id
    waits = event(console, state="new", at=now - timedelta(minutes=7), crms=[crm])
    with console.house.store.write() as conn:
        parks.park(conn, "account", crm, now + timedelta(minutes=5), f"HubSpot is limiting us {HOSTILE}")
        parks.park(conn, "number", "1", now + timedelta(days=36500), "A person paused it.")
        counters.bump(conn, "refused.whatsapp", 7)
        insert_many(
            conn, numbers, [{"id": "1", "account": "", "display": HOSTILE, "tier": "TIER_1K", "quality": "RED"}]
        )
    page = console("viewer").get("/health/").text
    assert f'href="/activity/{waits}"' in page
    assert "HubSpot is limiting us" in page
    assert "until somebody resumes it" in page
    assert "refused.whatsapp" in page
    assert ">1K<" in page.replace('<bdi class="said">', ">").replace("</bdi>", "<")
    assert "<script>alert" not in page


def test_hours_are_drawn_with_what_went_badly(console):
    now = console.house.clock.now()
    this = figures.beginning(now, figures.HOUR)
    with console.house.store.write() as conn:
        figures.replace(conn, figures.EVENTS, this, {(figures.EVENTS, "in"): 40, (figures.EVENTS, "out"): 2})
    change(console, event(console), "review")
    page = console("viewer").get("/health/").text
    assert "42 events in 48 hours, at most 42 in one hour; 0 in review" in page or "1 in review" in page
    assert "<svg" in page
    assert "style=" not in page


def test_the_part_refreshes_itself(console):
    part = console("viewer").get("/health/", part=True).text
    assert "<html" not in part
    assert 'id="now"' in part
    assert "every 10s" in part


def test_what_is_alive(console):
    console.house.checks.update(redis=lambda: "away", workers=lambda: "ok")
    page = console("viewer").get("/health/").text
    assert ">away<" in page.replace("</svg>", ">")
    assert "silent" in page
    with console.house.store.write() as conn:
        chores.begin(conn, "tally", timedelta(seconds=30), console.house.clock.now())
    assert "silent" not in console("viewer").get("/health/").text


def test_findings_have_hints_and_examples_that_lead_to_their_why(console):
    broken = new_id()
    found = [
        {"code": "change_missing", "count": 3, "examples": [broken], "hint": f"Report it {HOSTILE}"},
        {"code": "drift", "count": 1, "examples": [f"There is no field {HOSTILE}"], "hint": ""},
        {"code": "delivery_waits", "count": 1, "examples": [new_id()], "hint": ""},
    ]
    with console.house.store.write() as conn:
        snapshots.put(conn, "doctor", {"ok": False, "findings": found, "counts": {}}, console.house.clock.now())
    part = console("viewer").get("/health/findings", part=True).text
    assert 'id="found"' in part
    assert f'href="/activity/{broken}"' in part
    assert part.count("/activity/") == 1
    assert "<script>alert" not in part
    assert "Report it" in part


def test_check_now_is_a_task(console):
    answer = console("editor").post("/health/check", part=True)
    assert answer.status_code == 200
    with console.house.store.read() as conn:
        [task] = tasks.list_(conn)
    assert task.kind == "doctor"
    assert f'/tasks/{task.id}?done=/health/findings"' in answer.text
    assert console.rung == ["task"]
    assert console("viewer").post("/health/check", part=True).status_code == 403
    assert console.stranger.get("/health/").status_code == 302


# ---- the chart ---------------------------------------------------------------------------------------------------
def test_a_bar_stands_on_the_ground_and_is_as_high_as_its_share():
    [[rect]] = bars([Hour(10)])
    assert (rect.y, rect.height, rect.look) == (0, HEIGHT, "")
    low, high = bars([Hour(5), Hour(10, review=5)])
    assert low[0].height == HEIGHT / 2
    assert [r.look for r in high] == ["look", ""]
    assert high[0].y + high[0].height == HEIGHT
    assert high[1].y + high[1].height == high[0].y


@pytest.mark.parametrize(
    "hours", [[], [Hour(0)] * 48, [Hour(1_000_000), Hour(1, refused=1)], [Hour(0, review=3)], [Hour(3, 2, 9)]]
)
def test_nothing_leaves_the_drawing_and_little_is_still_seen(hours):
    for rects in bars(hours):
        for rect in rects:
            assert 0 <= rect.x <= rect.x + rect.width <= WIDTH
            assert 0 <= rect.y <= rect.y + rect.height <= HEIGHT
            assert rect.height >= 2
