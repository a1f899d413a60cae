"""Alarms from end to end: raised once, told by a signed call and by e-mail until that arrives, repeated, ended."""

import json
import socketserver
import ssl
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy

import pytest
import sqlalchemy as sa

from connector.config import AlarmSettings
from connector.core.alarms import Alarm, steps
from connector.ids import new_id
from connector.mail import Mailer, Server, message
from connector.pipeline.chores import sweep
from connector.pipeline.chores.alarms import Disk, Teller, full, look
from connector.store import accounts, alarms, backup_notes, findings, snapshots
from connector.store.bulk import insert_many
from connector.store.secrets import Keyring
from connector.store.tables import deliveries, numbers, sends
from connector.webhooks import standard
from connector.works.alarms import _Webhook
from tests.webhooks.receiver import receiving

NOW = datetime(2026, 11, 24, 15, tzinfo=UTC)
SECRET = standard.new_secret()


class Clock:
    def __init__(self):
        self.at = NOW

    def now(self):
        return self.at


@pytest.fixture
def clock():
    return Clock()


def seen(store, disks=(), targets=("webhook",), at=NOW, systems=None):
    return look(store, systems or {}, disks, targets, at)


FULL = Disk("/data", 100 << 20, 1 << 40)


def listed(store):
    with store.read() as conn:
        return [(row.code, row.resolved_at is not None, row.call) for row in alarms.listing(conn)]


def hook(url, hosts=()):
    return _Webhook(AlarmSettings(webhook_url=url, webhook_secret=SECRET, hosts=hosts))


def told(store, clock, target):
    Teller(store, {"webhook": target}, clock).drain(lambda: False)


def test_raised_once_told_signed_repeated_daily_and_ended(store, clock):
    with receiving() as receiver:
        target = hook(receiver.url)
        assert [seen(store, [FULL]) for _ in range(3)] == [1, 0, 0]
        assert sweep.due(store, NOW) == ["alarm"]
        told(store, clock, target)
        assert sweep.due(store, NOW) == []
        clock.at = NOW + timedelta(hours=24)
        assert seen(store, [FULL], at=clock.at) == 1
        told(store, clock, target)
        assert seen(store, at=clock.at) == 1
        told(store, clock, target)
    kinds = [json.loads(body)["type"] for _, _, body in receiver.calls]
    assert kinds == ["connector.alarm.raised", "connector.alarm.repeated", "connector.alarm.resolved"]
    _, headers, body = receiver.calls[0]
    assert standard.signed(headers, body, [standard.key(SECRET)], float(headers["webhook-timestamp"]))
    assert json.loads(body)["data"] == {
        "what": "raised", "code": "disk_full", "key": "/data", "message": "/data has 100 MiB left.",
        "hint": full([FULL])[0].hint,
    }  # fmt: skip
    assert listed(store) == [("disk_full", True, "done")]
    assert seen(store, [FULL], at=clock.at) == 1  # it may begin again


def test_a_target_that_is_away_is_called_again_with_the_same_id(store, clock):
    with receiving((503, {}), (500, {}), (204, {})) as receiver:
        target = hook(receiver.url)
        seen(store, [FULL])
        for _ in range(4):
            told(store, clock, target)
            clock.at += timedelta(minutes=2)
    assert len({headers["webhook-id"] for _, headers, _ in receiver.calls}) == 1
    assert len(receiver.calls) == 3
    assert listed(store) == [("disk_full", False, "done")]


def test_one_that_never_answers_is_given_up_after_a_day_and_the_next_is_told(store, clock):
    with receiving((404, {})) as receiver:
        target = hook(receiver.url)
        seen(store, [FULL])
        for _ in range(12):
            told(store, clock, target)
            clock.at += timedelta(hours=9)
    assert len(receiver.calls) == 9
    assert listed(store) == [("disk_full", False, "failed")]
    assert seen(store, [FULL], at=clock.at) == 1


def test_a_caller_that_died_in_the_middle_has_counted_its_try(store, clock):
    seen(store, [FULL])
    with store.read() as conn:
        (row,) = alarms.due(conn, NOW, 5)
    with store.write() as conn:
        assert alarms.begin(conn, row.id, row.attempts, NOW + timedelta(minutes=5))
        assert not alarms.begin(conn, row.id, row.attempts, NOW + timedelta(minutes=5))
    with receiving() as receiver:
        told(store, clock, hook(receiver.url))
        assert receiver.calls == []
        clock.at += timedelta(minutes=6)
        told(store, clock, hook(receiver.url))
    assert len(receiver.calls) == 1


def test_a_target_that_was_taken_away_ends_its_calls(store, clock):
    seen(store, [FULL])
    Teller(store, {}, clock).drain(lambda: False)
    assert listed(store) == [("disk_full", False, "failed")]


def test_two_lookers_raise_one_alarm_once(store):
    todo = steps([], [Alarm("lag", "write", "late")], NOW)
    for expected in (1, 0):
        with store.write() as conn:
            assert alarms.take(conn, todo, ["webhook"], NOW) == expected


def test_private_addresses_are_called_only_when_they_are_named(store):
    answer = hook("https://10.0.0.8/x").tell("1", "k", NOW, {})
    assert (answer.outcome, "public" in answer.text) == ("never", True)
    assert hook("http://metadata.internal/x").tell("1", "k", NOW, {}).outcome == "never"
    with receiving() as receiver:
        named = receiver.url.replace("127.0.0.1", "127.1")
        assert hook(named).tell("1", "k", NOW, {}).outcome != "done"
        assert hook(named, hosts=("127.1",)).tell("1", "k", NOW, {}).outcome == "done"


# ---- what rings --------------------------------------------------------------------------------------------------
def test_what_is_out_of_the_ordinary_rings(store):
    keyring, old = Keyring(["A" * 43 + "="]), NOW - timedelta(hours=2)
    with store.write() as conn:
        wa = accounts.add(conn, keyring, "whatsapp", "wa", {}, {}, NOW).id
        accounts.set_state(conn, wa, "needs_person", "The token is wrong.")
        insert_many(conn, numbers, [{"id": "1", "account": wa, "name": "wa", "quality": "RED", "health": "BLOCKED"}])
        insert_many(conn, sends, [{"id": new_id(), "cause": "c", "state": "unknown", "started_at": old, "at": old}])
        waits = {"id": "d", "account": wa, "received_at": old, "body": b"", "state": "new", "attempts": 0}
        conn.execute(sa.insert(deliveries), [waits])
        findings.raise_(conn, [findings.Finding("template_paused", "k", "visit is paused.", "Wait.")], NOW)
        issue = {"code": "token_expires", "message": "The token ends on 2026-12-01.", "at": "2026-12-01T00:00:00+00:00"}
        snapshots.put(conn, f"account:{wa}", {"issues": [issue]}, NOW)
        backup_notes.put(conn, {"ok": True}, NOW - timedelta(days=4))
        backup_notes.put(conn, {"ok": False, "error": "The disk is full."}, NOW)
    seen(store)
    with store.read() as conn:
        rings = {row.code: row.message for row in alarms.listing(conn)}
    assert set(rings) == {
        "needs_person", "number_quality", "number_health", "unknown_sends", "lag", "template_paused", "token_expires",
        "backup_old", "backup_failed",
    }  # fmt: skip
    assert rings["lag"] == "Webhooks wait to be read for 120 minutes (wa)."
    assert rings["needs_person"] == "The account wa needs a person: The token is wrong."


def test_an_account_that_fell_silent_rings_and_a_new_webhook_ends_it(store):
    with store.write() as conn:
        rows = [
            {"id": f"{n}", "account": "wa", "received_at": NOW - timedelta(hours=n), "body": b"", "state": "unpacked",
             "attempts": 0} for n in range(24 * 10, 11, -1)
        ]  # fmt: skip
        conn.execute(sa.insert(deliveries), rows)
    assert seen(store, systems={"wa": "whatsapp"}) == 1
    assert listed(store)[0][0] == "webhook_silence"
    with store.write() as conn:
        fresh = {"id": "new", "account": "wa", "received_at": NOW, "body": b"", "state": "unpacked", "attempts": 0}
        conn.execute(sa.insert(deliveries), [fresh])
    seen(store, systems={"wa": "whatsapp"}, at=NOW + timedelta(minutes=1))
    assert listed(store)[0][:2] == ("webhook_silence", True)


def test_what_is_old_is_forgotten_and_what_rings_stays(store):
    seen(store, [FULL])
    seen(store, at=NOW)
    seen(store, [Disk("/other", 1, 1 << 40)])
    with store.write() as conn:
        conn.execute(sa.text("UPDATE alarm_calls SET state = 'done'"))
        alarms.prune(conn, NOW + timedelta(days=91))
        assert [row.key for row in alarms.listing(conn)] == ["/other"]


# ---- e-mail ------------------------------------------------------------------------------------------------------
class _Post(socketserver.StreamRequestHandler):
    """As much of SMTP as one letter needs."""

    def handle(self):
        self.say("220 ready")
        while line := self.rfile.readline():
            word = line.split()[0].upper() if line.split() else b""
            self.server.heard.append(line.strip())
            if word == b"DATA":
                self.say("354 go on")
                lines = []
                while (part := self.rfile.readline()) != b".\r\n":
                    lines.append(part)
                self.server.letters.append(b"".join(lines))
                self.say("250 taken")
            elif word == b"EHLO":
                self.say("250 here")
            elif word == b"QUIT":
                return  # without a farewell: the letter is taken all the same
            else:
                self.say("550 no" if self.server.strict and word == b"RCPT" else "250 fine")

    def say(self, text):
        self.wfile.write(f"{text}\r\n".encode())


@contextmanager
def post(strict=False):
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Post) as server:
        server.letters, server.heard, server.strict = [], [], strict
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def mailer(url):
    return Mailer(Server(url), ["ops@example.com", "boss@example.com"], "connector@example.com", "https://c.example")


DATA = {"what": "raised", "code": "lag", "message": "Late.\r\nBcc: evil@example.com", "hint": "Look.\x1b[2J"}


def test_a_letter_is_taken_once_and_no_header_can_be_smuggled_in():
    with post() as server:
        answer = mailer(f"smtp://127.0.0.1:{server.server_address[1]}").tell("id-1", "k", NOW, DATA)
    assert (answer.outcome, answer.text) == ("done", "taken")
    letter = message_from_bytes(server.letters[0], policy=policy.default)
    assert letter["Subject"] == "[https://c.example] Alarm: Late.\\r\\nBcc: evil@example.com"
    assert letter["Bcc"] is None
    assert (letter["From"], letter["To"]) == ("connector@example.com", "ops@example.com, boss@example.com")
    assert letter["Message-ID"] == "<id-1@connector.invalid>"
    assert "Look.\\x1b[2J" in letter.get_content()
    assert [line for line in server.heard if line.startswith(b"rcpt")] == [
        b"rcpt TO:<ops@example.com>", b"rcpt TO:<boss@example.com>",
    ]  # fmt: skip


def test_a_mail_server_that_refuses_or_is_away_is_asked_again():
    with post(strict=True) as server:
        refused = mailer(f"smtp://127.0.0.1:{server.server_address[1]}").tell("1", "k", NOW, DATA)
    assert (refused.outcome, "refuses every address" in refused.text) == ("again", True)
    away = mailer("smtp://127.0.0.1:1").tell("1", "k", NOW, DATA)
    assert (away.outcome, away.away) == ("again", True)


def test_nothing_goes_out_in_the_clear_or_to_a_stranger(tmp_path):
    with post() as server, pytest.MonkeyPatch.context() as patch:
        patch.setattr("connector.mail.is_loopback", lambda host: False)  # as if it stood elsewhere
        answer = mailer(f"smtp://u:secret@127.0.0.1:{server.server_address[1]}").tell("1", "k", NOW, DATA)
        assert (answer.outcome, server.letters) == ("again", [])
        assert not any(b"AUTH" in line.upper() for line in server.heard)
    with post() as server:  # it speaks no TLS at all
        answer = mailer(f"smtps://127.0.0.1:{server.server_address[1]}").tell("1", "k", NOW, DATA)
        assert (answer.outcome, server.letters) == ("again", [])
    assert ssl.create_default_context().verify_mode == ssl.CERT_REQUIRED


def test_a_letter_of_any_alarm_can_be_made():
    found = message("id", NOW, {"what": "?", "message": "ñ\u202e" * 300, "hint": ""}, ["a@b.c"], "d@e.f", "x\ny")
    assert len(str(found["Subject"])) <= 150
    assert "\n" not in str(found["Subject"])
