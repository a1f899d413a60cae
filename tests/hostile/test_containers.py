"""XML, archives, files and headers: what is packed in them is never unpacked blindly, and leads nowhere."""

import io
import json
import zipfile

import pytest

from connector.core import sheet
from connector.errors import NotAuthentic
from connector.ports import Multipart, RawRequest, StoredFile
from connector.store.files import Files
from tests.hostile import meter, shapes
from tests.hostile.texts import ALL

# ---- XML ----------------------------------------------------------------------------------------------------------
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
    with pytest.raises(ValueError):
        shapes.reader("salesforce").parse(raw, {})
    if raw.lstrip()[:1] == b"<":  # else it is no XML to us, and an odd JSON
        with pytest.raises(NotAuthentic):
            shapes.reader("salesforce").verify(
                RawRequest("POST", "/hooks/crm/salesforce/long-random-hook-secret", "", {}, raw)
            )


@pytest.mark.parametrize("levels", [200, 5000, 20_000])
def test_xml_nested_without_end_takes_nothing_along(levels):
    deep = "<x>" * levels + "</x>" * levels
    text = SOAP.replace("<Id>04lHp00000AbC01IAF</Id>", deep)
    items = meter.cheap(lambda: shapes.reader("salesforce").parse(text.encode(), {}))
    assert [item.event.kind for item in items] == ["Unrecognised", "RecordChanged"]
    json.dumps(dict(items[0].event.raw))


# ---- paths, headers, archives -------------------------------------------------------------------------------------
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


BREAKS = (
    "/settings/audit/%0d%0aX-Evil:1", "/mappings/%0d%0aSet-Cookie:a=b", "/signin?next=/%0d%0aX-Evil:1",
    "/reports/report.csv?since=%0d%0aX-Evil:1", "/mappings/x%0d%0aX-Evil:1/running.svg",
)  # fmt: skip


def test_no_line_break_gets_into_a_header(console):
    admin = console("admin")
    for path in BREAKS:
        for part in (False, True):
            answer = admin.get(path, part=part)
            assert answer.status_code < 500
            assert not [v for _, v in answer.headers if "\n" in v or "\r" in v]
            assert "X-Evil" not in answer.headers


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


PLACES = ("../../etc/cron.d/x.yaml", "/etc/x.yaml", "..\\..\\x.yaml", "a/../../x.yaml", "<script>x.yaml", "C:\\x.yaml")
GOOD = b"mapping: x\ncrm: hubspot\nwhen: {answer_to: anything}\nset: {a: b}\n"


def test_a_path_in_an_archive_is_a_label_and_leads_nowhere(console, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    answer = brought(console, zipped([(path, GOOD) for path in PLACES]))
    assert answer.status_code == 200
    assert answer.text.count("cron.d") >= 1
    assert "<script>x" not in answer.text
    assert list(tmp_path.parent.rglob("x.yaml")) == []


@pytest.mark.parametrize(  # an archive holds the time: without names of its own each process would have other tests
    "body",
    [zipped([("xl/workbook.xml", b"<x/>")]), b"\x1f\x8b\x08" + b"\0" * 50, b"%PDF-1.4", b"\x89PNG\r\n"],
    ids=["workbook", "gzip", "pdf", "png"],
)
def test_a_workbook_or_another_file_is_no_list_of_people_and_is_never_unpacked(body):
    with pytest.raises(sheet.Unreadable):
        list(sheet.rows(sheet.lines_of([body], sheet.encoding_of([body]))))
