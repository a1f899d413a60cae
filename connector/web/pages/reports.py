"""Reports: what messages led to, by template, document or number; who did not answer; the same as CSV."""

from datetime import datetime, timedelta
from typing import Any

from flask import Blueprint, Response, current_app, render_template, request, url_for

from connector import errors
from connector.pipeline.views import reports
from connector.store import contacts
from connector.store.figures import DAY, beginning
from connector.store.report_days import DIMENSIONS
from connector.web.auth import needs
from connector.web.chart import HEIGHT, WIDTH, Hour, bars
from connector.web.frame import given, house_of, t

screen = Blueprint("reports", __name__, url_prefix="/reports")
LISTED = 200  # lines of one page; the rest is in the CSV


@screen.get("/")
@needs("viewer")
def index() -> str:
    """One report; with `template`, `document` or `number` of that one only."""
    house, asked, wrong = house_of(current_app), wanted(), ""
    now = house.clock.now()
    try:
        during = reports.period(now, asked["days"], asked["since"], asked["until"])
    except errors.Rejected as error:
        during, wrong = reports.period(now), f"{error.message} {error.hint}"
        asked |= {"days": "", "since": "", "until": ""}
    only = {name: asked[name] for name in DIMENSIONS if asked[name]}
    with house.store.read() as conn:
        found = reports.report(conn, during, asked["by"], only)
        numbers = reports.titles(conn)
    return render_template(
        "reports/index.html", found=found, asked=asked, here=here, wrong=wrong, chart=_chart(found),
        size=(WIDTH, HEIGHT), periods=reports.PERIODS, by=DIMENSIONS, only=only, numbers=numbers, shown=LISTED,
        length=length, yesterday=beginning(now, DAY) - DAY,
    )  # fmt: skip


@screen.get("/report.csv")
@needs("viewer")
def table() -> Response:
    """A row for each day, document, template and number, sent as it is read."""
    house, asked = house_of(current_app), wanted()
    during = reports.period(house.clock.now(), asked["days"], asked["since"], asked["until"])
    only = {name: asked[name] for name in DIMENSIONS if asked[name]}
    answer = Response(reports.csv(house.store, during, only), mimetype="text/csv")
    name = f"report-{during.since:%Y-%m-%d}-{during.last:%Y-%m-%d}.csv"
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


@screen.get("/unanswered")
@needs("viewer")
def unanswered() -> str:
    """Messages of ours that wait for an answer, or, with `side=people`, people nobody answered."""
    house, side, before = house_of(current_app), given(request.args, "side", 10), given(request.args, "before", 100)
    now = house.clock.now()
    day = _day(given(request.args, "day", 10), now)
    with house.store.read() as conn:
        if side == "people":
            rows: list[Any] = reports.silent(conn, day)
            older = ""
        else:
            rows, older = reports.unanswered(conn, now, before)
        people = contacts.load(conn, sorted({row.lane for row in rows if row.lane}))
    return render_template(
        "reports/unanswered.html", rows=rows, people=people, side="people" if side == "people" else "ours", day=day,
        today=beginning(now, DAY), step=DAY,
        older=url_for("reports.unanswered", before=older) if older else "",
        newest=url_for("reports.unanswered") if before else "",
    )  # fmt: skip


def wanted() -> dict[str, str]:
    """What the address asks for."""
    found = {name: given(request.args, name, 600).strip() for name in ("days", "since", "until", "by", *DIMENSIONS)}
    return found | {"by": found["by"] if found["by"] in DIMENSIONS else "template"}


def here(asked: dict[str, str], view: str = ".index", **more: str) -> str:
    """The address with these wishes; "" leaves one out."""
    values: dict[str, Any] = {name: value for name, value in {**asked, **more}.items() if value}
    return url_for(f"reports{view}", **values)


def length(seconds: float | None) -> str:
    """About how long: 40 s, 12 min, 3.5 h, 2 days."""
    if seconds is None:
        return "–"
    for unit, size, most in (("s", 1, 90), ("min", 60, 5400), ("h", 3600, 48 * 3600), ("days", 86_400, float("inf"))):
        if seconds < most:
            n = seconds / size
            return t(f"reports.len_{unit}", n=f"{n:.1f}".removesuffix(".0") if n < 10 and size > 60 else round(n))
    raise AssertionError


def _day(text: str, now: datetime) -> datetime:
    try:
        return reports.period(now, "", text, text).since if text else beginning(now - timedelta(days=1), DAY)
    except errors.Rejected:
        return beginning(now - timedelta(days=1), DAY)


def _chart(found: reports.Report) -> dict[str, Any]:
    """A bar for each day, what was sent with what failed below it, and all of it in one sentence."""
    drawn = [Hour(day.sent + day.failed, 0, day.failed) for day in found.days]
    spoken = [t("reports.bar", day=f"{d.at:%Y-%m-%d}", n=d.sent, failed=d.failed) for d in found.days]
    return {"bars": list(zip(bars(drawn), spoken, strict=True)), "most": max((one.total for one in drawn), default=0)}
