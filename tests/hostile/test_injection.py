"""What comes from outside stays data: in sheets, templates, queries and pages."""

import csv
import io
import re
from pathlib import Path
from urllib.parse import quote

import pytest
import sqlalchemy as sa
from hypothesis import example, given
from hypothesis import strategies as st

from connector.core import export, phone
from connector.core.template.misfit import Misfit
from connector.core.template.values import check_suffix, check_text
from connector.crm.salesforce.find import quoted, select
from connector.crm.salesforce.sosl import search_text
from connector.ports import ContactKey
from connector.store import api_tokens, tables
from tests.hostile import meter
from tests.hostile.texts import ALL, PAYLOADS
from tests.web.pages.business import Business

ROOT = Path(__file__).parents[2]

# ---- sheets -------------------------------------------------------------------------------------------------------
STARTS = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")


def cells(line, separator):
    """The cells as a program reads them whose country separates so, and that knows quotes only around a whole cell."""
    for row in re.split(r"\r\n|\r|\n", line):
        yield from (cell.strip('" \u00a0\u3000\u200b\ufeff') for cell in row.split(separator))


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
    assert made.replace("'", "") == text.replace("'", "")


def test_a_long_cell_of_separators_costs_nothing():
    for text in (";" * 100_000, "\n" * 100_000 + "=", "; " * 50_000):
        meter.cheap(lambda text=text: export.cell(text))


def test_every_csv_that_leaves_is_made_of_such_cells():
    """Whoever writes a sheet asks `core/export` for its cells; a new place has to be looked at."""
    writers = {path.relative_to(ROOT).as_posix() for path in (ROOT / "connector").rglob("*.py")
               if "csv.writer(" in path.read_text() and "sandbox" not in path.parts}  # fmt: skip
    assert writers == {"connector/core/export.py", "connector/cli/broadcasts.py", "connector/web/pages/broadcasts.py",
                       "connector/cli/demo_broadcast.py"}  # fmt: skip
    # the last writes the demo's own list of people
    rows = (ROOT / "connector/pipeline/broadcasts/export.py").read_text()
    assert "tuple(cell(one) for one in _cells(" in rows


# ---- templates ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("text", ALL)
def test_a_value_goes_into_a_template_as_one_line_of_text_or_not_at_all(text):
    try:
        value = check_text("name", text)
    except Misfit as refused:
        meter.says(refused.text)
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


# ---- queries ------------------------------------------------------------------------------------------------------
@meter.tries(300)
@given(
    st.one_of(st.sampled_from(ALL).map(lambda t: t[:500]), st.text(max_size=40), st.text("'\\\"%_ OR=1;-", max_size=20))
)
def test_a_literal_of_soql_ends_where_it_should(text):
    made = select(["Id"], "Contact", "Email", [text])
    inside = made[made.index("(") + 1 : -1]
    assert re.fullmatch(r"'(?:[^'\\]|\\.)*'", inside, re.DOTALL), inside
    assert quoted(text).count("\n") == 0


@meter.tries(300)
@example("+57 300 111 2222")  # chance hardly finds a phone
@given(st.one_of(st.sampled_from(ALL), st.text(max_size=40), st.text("+0123456789 ()-{}*?OR\"'", max_size=25)))
def test_a_search_by_phone_is_made_of_digits(text):
    """SOSL and HubSpot's filters get phones only as we spell them."""
    found = phone.e164(text, "CO")
    assert found is None or re.fullmatch(r"\+[0-9]{7,15}", found)
    for spelling in phone.spellings(found) if found else ():
        assert re.fullmatch(r"\+?[0-9]{5,17}", spelling)
    if found:
        key = ContactKey(contact="c", objects=("Contact",), phones=tuple(phone.spellings(found)))
        asked = search_text([key], {"Contact": ["Id"]})
        assert re.fullmatch(r'FIND \{[0-9 \\+"OR]+\} IN PHONE FIELDS RETURNING Contact\(Id LIMIT [0-9]+\)', asked), (
            asked
        )


SQL = ("' OR '1'='1", "'; DROP TABLE events; --", "1) UNION SELECT secrets FROM accounts --", "%", "_")


def test_no_filter_sort_or_cursor_is_sql(console):
    business = Business(console)
    ana = business.person()
    business.event(ana)
    with business.store.write() as conn:
        token = api_tokens.add(conn, "t", "viewer", "me", console.house.clock.now())[1]
    client, headers = console.app.test_client(), {"Authorization": f"Bearer {token}"}
    for path, names in {"/events": ("q", "document", "account", "before"), "/contacts": ("q", "before"),
    "/broadcasts": ("before",),
                        "/sends": ("q", "document", "template", "number", "before"), "/reports": ("template",
                        "number")}.items():  # fmt: skip
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


# ---- markup -------------------------------------------------------------------------------------------------------
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
        assert "&lt;" in page


def test_nothing_is_marked_safe_but_what_we_drew_ourselves():
    """Autoescaping is only lifted in places that were looked at."""
    lifted = {path.relative_to(ROOT).as_posix(): found for path in (ROOT / "connector/web").rglob("*")
              if path.suffix in (".html",
              ".py") and (found := re.findall(r"\|\s*safe\b|autoescape false|Markup\(f[\"']",
              path.read_text()))}  # fmt: skip
    assert set(lifted) <= ALLOWED, lifted


ALLOWED: set[str] = set()
