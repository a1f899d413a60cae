"""What comes from outside stays data: in addresses, XML, sheets, templates, queries, paths, headers and archives."""

import csv
import io
import json
import re
import socket
import threading
import zipfile
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from connector.core import export, phone
from connector.core.address import refusal as token_refusal
from connector.core.message import check as check_message
from connector.core.template import media
from connector.core.template.misfit import Misfit
from connector.core.template.values import check_suffix, check_text
from connector.crm.hubspot import MANIFEST as HUBSPOT
from connector.crm.salesforce import MANIFEST as SALESFORCE
from connector.crm.salesforce.find import quoted, select
from connector.crm.salesforce.sosl import search_text
from connector.errors import NotAuthentic, Rejected, Unreachable
from connector.ports import ContactKey, Multipart, RawRequest, StoredFile
from connector.store import api_tokens, tables
from connector.store.files import Files
from connector.webhooks import address as webhook_address
from connector.whatsapp.download import Guard
from tests.hostile import meter, shapes
from tests.hostile.texts import ALL, PAYLOADS
from tests.web.pages.business import Business
from tests.webhooks.test_client import call as call_webhook

ROOT = Path(__file__).parents[2]

# ---- addresses -------------------------------------------------------------------------------------------------------
# Everything that leads to this machine, its network, or a cloud's metadata, in the spellings that parsers disagree on.
INSIDE = (
    "127.0.0.1", "127.1", "2130706433", "0x7f000001", "0x7f.0.0.1", "0177.0.0.1", "017700000001", "0", "0.0.0.0",
    "10.0.0.1", "10.1", "172.16.0.1", "192.168.0.1", "169.254.169.254", "0xa9fea9fe", "2852039166", "0251.0376.0251.0376",
    "100.64.0.1", "198.18.0.1", "192.0.0.1", "224.0.0.1", "255.255.255.255", "[::1]", "[::]", "[fe80::1]", "[fc00::1]",
    "[fd00:ec2::254]", "[ff02::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::ffff:169.254.169.254]", "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]", "[::127.0.0.1]",
)  # fmt: skip
TRICKS = (
    "https://graph.facebook.com@127.0.0.1/", "https://user:pw@example.com/", "https://example.com#@127.0.0.1/",
    "https://127.0.0.1\\@example.com/", "https://example.com\\@127.0.0.1/", "https:///127.0.0.1/", "https://",
    "https://example.com:x/", "https://example.com:99999/", "https://[::1", "file:///etc/passwd", "gopher://127.0.0.1/",
    "ftp://example.com/", "dict://127.0.0.1:6379/", "jar:https://example.com!/", "//example.com", "example.com",
    "https://exa mple.com/", "https://example.com/\r\nHost: evil", "https://example.com/\tx", "https://" + "a" * 64 + ".com/",
    "https://a..b/", "https://.example.com/", "https://%31%32%37.0.0.1/", "https://①②⑦.⓪.⓪.①/", "https://127。0。0。1/",
    "", "\x00", "https://\x00/", "https://" + "a." * 2000 + "com/",
)  # fmt: skip


def real(host, port):
    """As this machine reads numbers; names are not asked for."""
    try:
        return [str(one[4][0]) for one in socket.getaddrinfo(host, port, flags=socket.AI_NUMERICHOST)]
    except socket.gaierror:
        return []


@pytest.mark.parametrize("host", INSIDE)
def test_no_spelling_of_an_inner_address_is_fetched_called_or_given_to_meta(host):
    url = f"https://{host}/x"
    with pytest.raises((Rejected, Unreachable)):
        Guard(token="secret").fetch(url, io.BytesIO(), real)
    assert media.refusal(url)
    assert check_message({"type": "link", "text": "x", "title": "x", "url": url})
    assert token_refusal(url, (*HUBSPOT.hosts, *SALESFORCE.hosts)) == "" if loopback(host) else True
    answer = call_webhook(url, resolve=lambda name, port: real(name, port))
    assert answer.outcome != "done"
    if not loopback(host):
        assert answer.text.startswith(
            ("The webhook's url cannot be used", "The webhook is not called", "The webhook did not")
        )
        assert token_refusal(url, HUBSPOT.hosts)


def loopback(host):
    """What is meant by it: the sandbox lives there, and only an admin's own address may say so."""
    return host in ("127.0.0.1", "[::1]")


@pytest.mark.parametrize("url", TRICKS)
def test_no_trick_in_an_address_gets_through_or_raises_something_else(url):
    def nowhere(host, port):
        return ["10.0.0.1"]

    with pytest.raises((Rejected, Unreachable)):
        Guard(token="secret").fetch(url, io.BytesIO(), nowhere)
    assert call_webhook(url, resolve=nowhere).outcome in ("never", "again")
    assert token_refusal(url, HUBSPOT.hosts)
    assert webhook_address.refusal(url) or re.match(r"https://(%|\.)", url)


@pytest.mark.parametrize("host", ["a" * 64 + ".example.com", "a..example.com"])
def test_a_name_no_server_can_be_asked_for_is_refused_and_not_a_fault(host):
    """The resolver raises a ValueError for them, not an OSError."""
    with pytest.raises(Rejected):
        Guard().fetch(f"https://{host}/", io.BytesIO())
    assert call_webhook(f"https://{host}/").outcome == "never"


def test_a_name_is_asked_for_once_and_every_address_counts():
    """DNS rebinding: the second answer is never heard, as the address of the first one is what is connected to."""
    asked = []

    def turning(host, port):
        asked.append(host)
        return ["10.0.0.1"] if len(asked) > 1 else ["93.184.215.14", "10.0.0.1"]

    with pytest.raises(Rejected):
        Guard().fetch("https://rebind.example/", io.BytesIO(), turning)
    assert asked == ["rebind.example"]
    assert call_webhook("https://rebind.example/", resolve=turning).outcome == "never"
    assert asked == ["rebind.example"] * 2


class Talker:
    """A host of one connection that says what it is told to."""

    def __init__(self, say):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port, self.asked, self.over = self.socket.getsockname()[1], b"", threading.Event()
        self.thread = threading.Thread(target=self._serve, args=(say,), daemon=True)
        self.thread.start()

    def _serve(self, say):
        connection, _ = self.socket.accept()
        with closing(connection):
            self.asked = connection.recv(65536)
            try:
                while (piece := say()) is not None:
                    connection.sendall(piece)
            except OSError:
                self.over.set()

    def close(self):
        self.socket.close()
        self.thread.join(5)


def test_a_host_that_says_continue_for_ever_is_given_up():
    """Each piece comes in time, so no timeout of a read would ever end it."""
    host = Talker(lambda: b"HTTP/1.1 100 Continue\r\n\r\n")
    guard = Guard(local=True, patience=0.3)
    with pytest.raises(Unreachable):
        guard.fetch(f"http://127.0.0.1:{host.port}/", io.BytesIO())
    assert host.over.wait(5)
    host.close()


def test_an_address_in_any_alphabet_is_asked_for_in_ascii():
    replies = iter([b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", None])
    host = Talker(lambda: next(replies))
    Guard(local=True).fetch(f"http://127.0.0.1:{host.port}/añ o/%41?q=ü&x=%20".replace(" ", ""), io.BytesIO())
    host.close()
    assert host.asked.startswith(b"GET /a%C3%B1o/%41?q=%C3%BC&x=%20 HTTP/1.1\r\n")


# ---- XML -------------------------------------------------------------------------------------------------------------
SOAP = (shapes.TESTS / "crm/salesforce/payloads/outbound_two_contacts.xml").read_text()


@pytest.mark.parametrize("doctype", shapes.DOCTYPES)
@pytest.mark.parametrize("before", ["", "\ufeff", "<?xml version='1.0' encoding='UTF-16'?>"])
def test_no_doctype_is_read_whatever_it_says(doctype, before):
    text = before + SOAP.replace("?>", f"?>{doctype}", 1).replace("confirmed", "&c;")
    found = shapes.reader("salesforce")
    with pytest.raises(ValueError):
        found.parse(text.encode(), {})
    with pytest.raises(NotAuthentic):
        found.verify(RawRequest("POST", "/hooks/crm/salesforce/long-random-hook-secret", "", {}, text.encode()))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-7", "utf-32", "cp037", "no-such"])
def test_an_encoding_hides_no_doctype(encoding):
    text = SOAP.replace('encoding="UTF-8"?>', f'encoding="{encoding}"?>{shapes.DOCTYPES[1]}', 1)
    try:
        raw = text.encode(encoding)
    except LookupError:
        raw = text.encode()
    with pytest.raises((NotAuthentic, ValueError)):
        shapes.reader("salesforce").verify(
            RawRequest("POST", "/hooks/crm/salesforce/long-random-hook-secret", "", {}, raw)
        )
        shapes.reader("salesforce").parse(raw, {})


@pytest.mark.parametrize("levels", [200, 5000, 20_000])
def test_xml_nested_without_end_takes_nothing_along(levels):
    deep = "<x>" * levels + "</x>" * levels
    text = SOAP.replace("<Id>04lHp00000AbC01IAF</Id>", deep)
    items = meter.cheap(lambda: shapes.reader("salesforce").parse(text.encode(), {}))
    assert [item.event.kind for item in items] == ["Unrecognised", "RecordChanged"]
    json.dumps(dict(items[0].event.raw))


# ---- sheets ----------------------------------------------------------------------------------------------------------
STARTS = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")


def cells(line, separator):
    """The cells as a program reads them whose country separates so, and knows quotes only around a whole cell."""
    return [cell.strip("\"' \u00a0\u3000\u200b\ufeff") if not cell.lstrip('"').startswith("'") else "'"
            for row in re.split(r"\r\n|\r|\n", line) for cell in row.split(separator)]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [*ALL, "\u3000=1", "\u200b=1", "\ufeff@x", "a;=1", 'a;"=1', "a\n=1", "x\t+1", "x|-1", "a; \u00a0@x", "\x0b=1"],
)
def test_no_cell_of_an_export_is_a_formula_for_any_program(text):
    line = next(export.lines([["first", text, 3]])).removeprefix(export.BOM)
    ((_, found, n),) = list(csv.reader(io.StringIO(line, newline="")))
    assert n == "3"
    assert not found.startswith(STARTS)
    for separator in (";", "\t", "|"):
        assert not [c for c in cells(line, separator) if c.startswith(STARTS)], separator


@meter.tries(300)
@given(st.text("=+-@;\t|\r\n\"', ax\u200b", max_size=20))
def test_nor_is_any_mixture_of_their_signs(text):
    made = export.cell(text)
    assert not made.startswith(STARTS)
    assert not re.search(r"[;\t|\r\n][\s\"']{0,20}?(?<!')[=+\-@]", made.replace("''", "'"))
    assert "".join(c for c in made if c != "'") == "".join(c for c in text if c != "'")


def test_a_long_cell_of_separators_costs_nothing():
    for text in (";" * 100_000, "\n" * 100_000 + "=", "; " * 50_000):
        meter.cheap(lambda text=text: export.cell(text))


def test_every_csv_that_leaves_is_made_of_such_cells():
    """Whoever writes a sheet asks `core/export` for its cells; a new place has to be looked at."""
    writers = {path.relative_to(ROOT).as_posix() for path in (ROOT / "connector").rglob("*.py")
               if "csv.writer(" in path.read_text() and "sandbox" not in path.parts}  # fmt: skip
    assert writers == {"connector/core/export.py", "connector/cli/broadcasts.py", "connector/web/pages/broadcasts.py"}
    rows = (ROOT / "connector/pipeline/broadcast_export.py").read_text()
    assert "tuple(cell(one) for one in _cells(" in rows


# ---- templates -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("text", ALL)
def test_a_value_goes_into_a_template_as_one_line_of_text_or_not_at_all(text):
    try:
        value = check_text("name", text)
    except Misfit as refused:
        assert refused.text
        return
    assert not re.search(r"[\n\r\t\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\u2028\u2029\u0085]|\s{5}", value)
    value.encode()


@pytest.mark.parametrize(
    "text", [*ALL, "..//x", "../x", "a/../../x", "%2e%2e/x", ".%2E%2fx", "?..", "//evil.example", "@evil.example"]
)
@pytest.mark.parametrize("fixed", ["https://shop.example/orders/", "https://shop.example", "https://shop.example/?o="])
def test_the_end_of_a_buttons_address_never_leaves_its_place(text, fixed):
    try:
        value = check_suffix("button.url", text, fixed + "{{1}}")
    except Misfit:
        return
    whole = fixed + value
    assert re.match(r"https://shop\.example[/?#]", whole)
    assert whole.isascii()
    assert not re.search(r"[\s<>\"\\{}|^`]", whole)
    path = whole.split("?")[0].split("#")[0]
    assert not re.search(r"/(\.|%2e){2}(/|$|%2f)", path, re.IGNORECASE)


# ---- queries ---------------------------------------------------------------------------------------------------------
@meter.tries(300)
@given(st.one_of(st.sampled_from(ALL), st.text(max_size=40), st.text("'\\\"%_ OR=1;-", max_size=20)))
def test_a_literal_of_soql_ends_where_it_should(text):
    made = select(["Id"], "Contact", "Email", [text])
    inside = made[made.index("(") + 1 : -1]
    assert re.fullmatch(r"'(?:[^'\\]|\\.)*'", inside, re.DOTALL), inside
    assert quoted(text).count("\n") == 0


@meter.tries(300)
@given(st.one_of(st.sampled_from(ALL), st.text(max_size=40), st.text("+0123456789 ()-{}*?OR\"'", max_size=25)))
def test_a_search_by_phone_is_made_of_digits(text):
    """SOSL and HubSpot's filters get phones only as we spell them."""
    found = phone.e164(text, "CO")
    assert found is None or re.fullmatch(r"\+[0-9]{7,15}", found)
    for spelling in phone.spellings(found) if found else ():
        assert re.fullmatch(r"\+?[0-9]{5,17}", spelling)
    if found:
        key = ContactKey(phones=tuple(phone.spellings(found)))
        asked = search_text([key], {"Contact": ["Id"]})
        assert re.fullmatch(r'FIND \{[0-9 \\+"OR]+\} IN PHONE FIELDS RETURNING Contact\(Id LIMIT [0-9]+\)', asked), (
            asked
        )


SQL = (
    "' OR '1'='1",
    "'; DROP TABLE events; --",
    "1) UNION SELECT secrets FROM accounts --",
    "%",
    "_",
    "\\",
    '"',
    "x' OR kind='",
)


def test_no_filter_sort_or_cursor_is_sql(console):
    business = Business(console)
    ana = business.person()
    business.event(ana)
    with business.store.write() as conn:
        token = api_tokens.add(conn, "t", "viewer", "me", console.house.clock.now())[1]
    client, headers = console.app.test_client(), {"Authorization": f"Bearer {token}"}
    for path, names in {"/events": ("q", "document", "account", "before"), "/contacts": ("q", "before"), "/broadcasts": ("before",),
                        "/sends": ("q", "document", "template", "number", "before"), "/reports": ("template", "number")}.items():  # fmt: skip
        for name in names:
            for text in SQL:
                answer = client.get(f"/api/v1{path}", query_string={name: text}, headers=headers)
                assert answer.status_code in (200, 422)
                if name != "before" and "rows" in (found := answer.get_json()):
                    assert found["rows"] == [], (path, name, text)
    with business.store.read() as conn:
        assert conn.execute(sa.select(sa.func.count()).select_from(tables.events)).scalar_one() == 1


def test_sql_is_made_of_parameters_only():
    """No statement of ours has a value put into its text: what is formatted are names of our own."""
    told = {}
    for path in (ROOT / "connector/store").rglob("*.py"):
        found = re.findall(
            r'(?:sa\.text|exec_driver_sql|literal_column)\(\s*f["\']([^"\']*\{[^}]*\}.*)', path.read_text()
        )
        if found and "migrations" not in path.parts:
            told[path.name] = found
    assert set(told) <= {"engine.py", "tables.py", "locks.py", "scour.py", "options.py"}, told


# ---- paths, headers, archives ------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "key",
    [*ALL, "a" * 15, "a" * 65, "../" + "a" * 20, "aaaaaaaaaaaaaaaa/../b", "aaaaaaaaaaaaaaaa\n", "AAAAAAAAAAAAAAAA"],
)
def test_a_file_lies_only_where_its_key_says(tmp_path, key):
    with pytest.raises(ValueError):
        Files(tmp_path).path(key)


@pytest.mark.parametrize("name", ALL)
def test_a_files_name_and_type_cannot_write_headers(tmp_path, name):
    path = tmp_path / "f"
    path.write_bytes(b"x")
    made = Multipart({"a": ("", "b")}, "file", StoredFile(path=path, name=name, mime=name, size=1))
    try:
        head = made.read().split(b"\r\n\r\n")[1]
    except UnicodeEncodeError:
        pytest.fail("a name that cannot be written")
    assert head.count(b"\r\n") == 3
    assert head.count(b'"') == 4


@pytest.mark.parametrize("path", ["/settings/audit/%0d%0aX-Evil:1", "/mappings/%0d%0aSet-Cookie:a=b", "/signin?next=/%0d%0aX:1",
                                  "/reports/report.csv?since=%0d%0aX:1", "/mappings/x%0d%0aX:1/running.svg"])  # fmt: skip
def test_no_line_break_gets_into_a_header(console, path):
    for part in (False, True):
        answer = console("admin").get(path, part=part)
        assert answer.status_code < 500
        assert not [v for _, v in answer.headers if "\n" in v or "\r" in v]
        assert "X-Evil" not in answer.headers
        assert "X" not in answer.headers


def zipped(entries):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in entries:
            archive.writestr(name, body)
    return made.getvalue()


def brought(console, body):
    return console("editor").post("/mappings/+import", {"files": (io.BytesIO(body), "a.zip")})


def test_an_archive_that_grows_is_refused_before_it_fills_the_memory(console):
    bomb = zipped([(f"{n}.yaml", b"x: " + b"a" * 20_000_000) for n in range(3)])
    assert len(bomb) < 200_000
    answers = []
    assert meter.memory(lambda: answers.append(brought(console, bomb).status_code)) < 40 * meter.MB
    assert answers[0] in (413, 422)
    many = zipped([(f"{n}.yaml", b"mapping: x\n") for n in range(2000)])
    assert brought(console, many).status_code in (200, 413, 422)


@pytest.mark.parametrize(
    "path",
    ["../../etc/cron.d/x.yaml", "/etc/x.yaml", "..\\..\\x.yaml", "a/../../x.yaml", "<script>x.yaml", "C:\\x.yaml"],
)
def test_a_path_in_an_archive_is_a_label_and_leads_nowhere(console, tmp_path, monkeypatch, path):
    monkeypatch.chdir(tmp_path)
    answer = brought(console, zipped([(path, b"mapping: x\ncrm: hubspot\nwhen: {answer_to: anything}\nset: {a: b}\n")]))
    assert answer.status_code == 200
    assert "<script>x" not in answer.text
    assert [p for p in tmp_path.parent.rglob("x.yaml")] == []


@pytest.mark.parametrize(
    "body", [zipped([("xl/workbook.xml", b"<x/>")]), b"\x1f\x8b\x08" + b"\0" * 50, b"%PDF-1.4", b"\x89PNG\r\n"]
)
def test_a_workbook_or_another_file_is_no_list_of_people_and_is_never_unpacked(body):
    from connector.core import sheet

    with pytest.raises(sheet.Unreadable):
        list(sheet.rows(sheet.lines_of([body], sheet.encoding_of([body]))))


# ---- markup ------------------------------------------------------------------------------------------------------------
def test_every_payload_is_shown_as_text_on_the_pages_that_show_it(console):
    business = Business(console)
    for n, text in enumerate(PAYLOADS):
        who = business.person(text[:300], f"5730022{n:05d}")
        business.event(who, text)
    viewer = console("viewer")
    for place in (
        "/activity/",
        "/contacts/",
        f"/activity/?q={quote(PAYLOADS[0])}",
        f"/contacts/?q={quote(PAYLOADS[4])}",
    ):
        page = viewer.get(place).text
        assert "<script>window" not in page
        assert not re.search(
            r"<(?:img|iframe|math|details|body|base|meta|link|form)\b[^>]*(?:onerror|onload|srcdoc|ontoggle|javascript:|//evil)",
            page,
        )
        assert "&lt;script&gt;" in page


def test_nothing_is_marked_safe_but_what_we_drew_ourselves():
    """Autoescaping is only lifted in places that were looked at."""
    lifted = {path.relative_to(ROOT).as_posix(): found for path in (ROOT / "connector/web").rglob("*")
              if path.suffix in (".html", ".py") and (found := re.findall(r"\|\s*safe\b|autoescape false|Markup\(f[\"']", path.read_text()))}  # fmt: skip
    assert set(lifted) <= ALLOWED, lifted


ALLOWED: set[str] = set()
