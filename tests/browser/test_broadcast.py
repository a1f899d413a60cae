"""A broadcast from its list to its result: the forecast names who gets nothing, it goes out, each person is told."""

import csv
import re
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.hostile import cli

OFFER = """\
send: spring
about: An offer to a list of people.
crm: hubspot
when: {segment: any}
template: spring_offer
language: es
with: {first_name: "{{ contact.firstname }}"}
guard: {consent: not_opted_out}
"""
GOOD = 120
ODD = ("5.73E+11;Spreadsheet", "3100000000;Again", ";Nobody", "12;Short", "3009998888;")


def test_a_broadcast_from_forecast_to_result(tab, ready, tmp_path):
    folder = ready.home / "offer"
    folder.mkdir()
    (folder / "spring.yaml").write_text(OFFER, encoding="utf-8")
    cli(ready, "mappings", "push", str(folder))
    page = tab("/sends/")
    page.get_by_role("link", name="Broadcasts").click()
    page.get_by_role("link", name="New broadcast").first.click()
    page.get_by_label("Document", exact=True).select_option("spring")
    page.get_by_label("CSV file").set_input_files(sheet(tmp_path))
    page.get_by_role("button", name="Look who would get it").click()
    forecast_is_shown(page)
    started(page)
    ended(page, tmp_path)


def sheet(folder: Path) -> Path:
    """As a spreadsheet of Bogota writes it: BOM, semicolons, and rows that nobody can be written to with."""
    file = folder / "people.csv"
    rows = [*(f"{3100000000 + k};Persona {k}" for k in range(GOOD)), *ODD]
    file.write_text("\ufeff" + "\r\n".join(["Teléfono;First name", *rows]) + "\r\n", encoding="utf-8")
    return file


def tile(page: Page, name: str, number: int) -> None:
    shown = page.locator(".tile").filter(has=page.get_by_text(re.compile(f"^{name}"))).locator("strong")
    expect(shown).to_have_text(str(number), timeout=60_000)


def forecast_is_shown(page: Page) -> None:
    """Who gets it, who not and why, what it costs; nobody got anything yet."""
    forecast = page.locator("#forecast")
    expect(forecast).to_be_visible(timeout=60_000)
    tile(page, "can be sent now", GOOD)
    tile(page, "get nothing", len(ODD))
    expect(forecast.locator(".tile").last.locator("strong")).to_have_text(re.compile(r"\d+\.\d\d [A-Z]{3}"))
    page.get_by_text(f"{len(ODD)} rows of the list").click()
    expect(forecast.get_by_role("row").filter(has_text="5.73E+11").last).to_be_visible()


def started(page: Page) -> None:
    """A publisher types the number of people; the wrong one starts nothing."""
    page.get_by_role("button", name=f"Send to {GOOD} people").click()
    dialog = page.get_by_role("dialog")
    begin = dialog.get_by_role("button", name="Start")
    number = dialog.get_by_label(f"Type {GOOD} to confirm")
    number.fill("119")
    expect(begin).to_be_disabled()
    number.fill(str(GOOD))
    begin.click()
    expect(page.locator("#progress")).to_be_visible()
    expect(page.get_by_role("progressbar", name="Progress")).to_be_visible(timeout=60_000)


def ended(page: Page, folder: Path) -> None:
    """It counts up by itself; then the result, and everybody of the list in a sheet."""
    tile(page, "Sent", GOOD)
    tile(page, "Delivered", GOOD)
    expect(page.locator(".page-head .badge")).to_have_text("done", timeout=60_000)
    tile(page, "Got nothing", len(ODD))
    with page.expect_download() as down:
        page.locator(".page-head").get_by_role("link", name="Result as CSV").click()
    kept = folder / "result.csv"
    down.value.save_as(kept)
    rows = list(csv.reader(kept.read_text(encoding="utf-8-sig").splitlines()))
    assert len(rows) == 1 + GOOD + len(ODD)
    assert sum({"delivered", "read"} & set(row) != set() for row in rows) == GOOD
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row)
