"""Files in and out, against a sandbox over HTTP: fetched once and checked, kept, put on the record, uploaded once."""

import base64
from collections.abc import Mapping
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, BinaryIO

import pytest
import sqlalchemy as sa

from connector import errors
from connector.app import kinds
from connector.core import message as core_message
from connector.ids import new_id
from connector.pipeline.chores import retention
from connector.pipeline.people import privacy
from connector.pipeline.sending import media_out
from connector.ports import FetchedFile, StoredFile
from connector.store import media as media_rows
from connector.store import sends
from connector.store.tables import media, media_ids
from connector.store.tables import sends as send_rows
from tests.pipeline.conftest import ANA, NUMBER, House
from tests.pipeline.messages import replies

RECEIPTS = """\
mapping: receipts
crm: {crm}
when: {{answer_to: anything, type: media}}
contact: {{find_by: [whatsapp, phone], if_missing: create, if_several: review}}
set: {{{field}: "{{{{ answer.kind }}}}"}}
attach: media
"""
HUBSPOT = RECEIPTS.format(crm="hubspot", field="whatsapp_last_answer")
SALESFORCE = RECEIPTS.format(crm="salesforce", field="Description")
BEATRIZ = "5511987654321"  # a Contact of the sandbox's Salesforce
ELF = b"\x7fELF\x02\x01\x01" + bytes(100)


def write(house: House, who: str, answer: Mapping[str, Any]) -> dict[str, Any]:
    """A customer writes; the webhook Meta would send is stored as the web process does."""
    answered = house.sandbox.http.post(f"/_customers/{who}", json=answer)
    assert answered.is_success, answered.text
    made: dict[str, Any] = answered.json()
    house.deliver(replies(made["message"]))
    return made


def files(house: House) -> list[Any]:
    with house.app.store.read() as conn:
        return list(conn.execute(sa.select(media).order_by(media.c.at)))


@pytest.fixture
def store_url(sqlite_url: str) -> str:
    """One database: nothing here is about which one."""
    return sqlite_url


def test_a_photo_is_fetched_and_put_on_the_hubspot_record(house: House) -> None:
    house.publish(HUBSPOT)
    made = write(house, ANA, {"media": {"kind": "image", "caption": "my receipt"}})
    house.settle()
    (file,) = files(house)
    assert (file.state, file.kind, file.mime) == ("stored", "image", "image/jpeg")
    assert house.app.store.files.path(file.id).stat().st_size == file.size
    (kept,) = house.sandbox.records("hubspot", "files")
    assert kept["path"].startswith("/whatsapp/")
    assert kept["access"] == "PRIVATE"
    (note,) = house.sandbox.records("hubspot", "notes")
    assert note["properties"]["hs_attachment_ids"] == kept["id"]
    assert "my receipt" in note["properties"]["hs_note_body"]
    assert {c.kind: c.state for c in house.rows(made["wamid"])} == {"SetField": "done", "AttachFile": "done"}


def test_a_photo_is_fetched_and_put_on_the_salesforce_record(house: House) -> None:
    house.publish(SALESFORCE)
    write(house, BEATRIZ, {"media": {"kind": "document", "filename": "contract.pdf"}})
    house.settle()
    (version,) = house.sandbox.records("salesforce", "ContentVersion")
    links = [one["LinkedEntityId"] for one in house.sandbox.records("salesforce", "ContentDocumentLink")]
    assert version["PathOnClient"] == "contract.pdf"
    assert any(house.sandbox.record("salesforce", "Contact", one)["LastName"] for one in links if one[:3] == "003")


def test_what_is_not_what_it_says_is_refused_and_the_change_goes_to_review(house: House) -> None:
    house.publish(HUBSPOT)
    data = base64.b64encode(ELF).decode()
    made = write(house, ANA, {"media": {"kind": "document", "filename": "invoice.pdf", "data": data}})
    house.settle()
    (file,) = files(house)
    assert (file.state, file.reason) == ("refused", "It is a program, and programs are not kept.")
    assert not house.app.store.files.path(file.id).exists()
    states = {c.kind: (c.state, (c.outcome or {}).get("text", "")) for c in house.rows(made["wamid"])}
    assert states["AttachFile"] == ("review", "It is a program, and programs are not kept.")
    assert states["SetField"][0] == "done"
    assert house.sandbox.records("hubspot", "files") == []


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/x", "https://10.0.0.1/x", "https://169.254.169.254/latest", "file:///etc/passwd"]
)
def test_an_address_that_leads_elsewhere_gets_neither_call_nor_token(house: House, url: str) -> None:
    made = house.sandbox.http.post(f"/_customers/{ANA}", json={"media": "image"}).json()
    id = made["message"]["image"]["id"]
    assert house.sandbox.http.patch(f"/_records/graph/media/{id}", json={"url": url}).is_success
    house.deliver(replies(made["message"]))
    house.settle(rounds=3)
    (file,) = files(house)
    assert file.state in ("refused", "new")
    assert file.reason
    assert file.state == "refused" or "127.0.0.1" in url  # loopback is the sandbox's own: it does not answer there


def test_a_file_of_ours_goes_to_whatsapp_once_for_many_messages(house: House) -> None:
    write(house, ANA, {"text": "hello"})
    house.settle()
    source = house.app.config.home / "map.png"
    source.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(50))
    key = media_out.keep(house.app.store, source, "image/png", "map.png", house.app.clock)
    for _ in range(2):
        send(house, {"type": "image", "media": key, "caption": "Here"})
    house.settle()
    calls = [c["path"] for c in house.sandbox.ledger("graph") if c["method"] == "POST"]
    assert len([c for c in calls if c.endswith("/media")]) == 1
    with house.app.store.read() as conn:
        (known,) = conn.execute(sa.select(media_ids)).all()
        states = set(conn.execute(sa.select(send_rows.c.state)).scalars())
    assert known.state == "done"
    assert states <= {"accepted", "sent", "delivered", "read"}
    sent = [m["message"]["image"] for m in house.sandbox.records("graph", "messages")]
    assert sent == [{"id": known.media_id, "caption": "Here"}] * 2


def test_a_file_whatsapp_does_not_take_ends_its_message_with_the_reason(house: House) -> None:
    write(house, ANA, {"text": "hello"})
    house.settle()
    send(house, {"type": "image", "media": new_id()})
    house.settle()
    with house.app.store.read() as conn:
        (row,) = conn.execute(sa.select(send_rows)).all()
    assert (row.state, row.code) == ("refused", "parameter")
    assert "not kept here" in row.reason


def send(house: House, message: Mapping[str, Any]) -> None:
    """A message inside the window, ready."""
    now = house.app.clock.now()
    with house.app.store.write() as conn:
        lane = conn.execute(sa.text("SELECT contact FROM contact_keys WHERE kind = 'wa_id'")).scalar_one()
        account = conn.execute(sa.text("SELECT id FROM accounts WHERE name = 'whatsapp'")).scalar_one()
        row = {
            "id": new_id(), "cause": new_id(), "account": account, "lane": lane, "number": NUMBER, "to": f"+{ANA}",
            "category": "service", "body": {"message": dict(message)}, "state": "ready", "next_at": now, "at": now,
        }  # fmt: skip
        assert sends.add(conn, [row]) == 1


@pytest.mark.parametrize(("word", "typing"), [("yes", False), ("typing", True), ("no", None)])
def test_read_marks_are_as_the_account_says(house: House, word: str, typing: bool | None) -> None:
    whatsapp = kinds()["whatsapp"]
    house.app.add_account(whatsapp, "whatsapp", {"read_marks": word}, {})
    wamids = [write(house, ANA, {"text": words})["wamid"] for words in ("one", "two")]
    house.settle()
    house.app.marks.wait()
    read = {one["id"]: one["typing"] for one in house.sandbox.records("graph", "reads")}
    assert read == ({} if typing is None else {wamids[-1]: typing})


def test_files_are_not_fetched_where_the_account_says_so(house: House) -> None:
    house.app.add_account(kinds()["whatsapp"], "whatsapp", {"keep_media": "no"}, {})
    house.publish(HUBSPOT)
    made = write(house, ANA, {"media": "image"})
    house.settle()
    assert files(house) == []
    states = {c.kind: (c.outcome or {}).get("text", "") for c in house.rows(made["wamid"]) if c.state == "review"}
    assert "keep-media" in states["AttachFile"]


def test_files_go_with_the_person_and_with_their_texts(house: House) -> None:
    house.publish(HUBSPOT)
    write(house, ANA, {"media": "image"})
    write(house, BEATRIZ, {"media": "image"})
    house.settle()
    mine, other = files(house)
    path = house.app.store.files.path
    with house.app.store.read() as conn:
        contact = conn.execute(sa.text(f"SELECT contact FROM contact_keys WHERE value = '{ANA}'")).scalar_one()
    (told,) = privacy.export(house.app.store, contact)["media"]
    assert told["file"] == str(path(mine.id))
    privacy.erase(house.app.store, contact, "test", house.app.clock.now())
    assert [path(one.id).exists() for one in (mine, other)] == [False, True]
    assert retention.run(house.app.store, house.app.clock.now() + timedelta(days=400), lambda: False)["files"] == 1
    assert not path(other.id).exists()
    assert {row.state for row in files(house)} == {"gone"}


class Web:
    """A messenger whose open internet is a dict."""

    def __init__(self, pages: Mapping[str, bytes]) -> None:
        self.pages, self.asked, self.sent = pages, list[str](), list[StoredFile]()

    def fetch(self, url: str, into: BinaryIO, most: int) -> FetchedFile:
        self.asked.append(url)
        if len(self.pages[url]) > most:
            raise errors.Rejected("The file is larger than it may be.")
        into.write(self.pages[url])
        return FetchedFile(mime="image/png", size=len(self.pages[url]), sha256="x")

    def upload(self, file: StoredFile) -> str:
        self.sent.append(file)
        return str(len(self.sent))


def test_a_file_of_an_address_is_fetched_once_a_day_and_uploaded(house: House) -> None:
    url = "https://shop.example/a%20map.png"
    web, store, clock = Web({url: b"\x89PNG"}), house.app.store, house.app.clock
    (key,) = core_message.files({"message": {"type": "image", "url": url, "upload": True}})
    for days in (0, 0, 2):
        now = clock.now() + timedelta(days=days)
        with store.write() as conn:
            media_rows.want(conn, NUMBER, {key: url}, now)
        later = SimpleNamespace(now=lambda now=now: now)
        media_out.Uploader(store, NUMBER, web, later).drain(lambda: False)  # type: ignore[arg-type]
    assert web.asked == [url] * 2
    assert [(one.name, one.size) for one in web.sent] == [("a map.png", 4)] * 2
