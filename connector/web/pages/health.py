"""Health: does everything get through, how late, and what stands in the way."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from flask import Blueprint, current_app, render_template, request

from connector.pipeline.views import healthy
from connector.store import audit, tasks
from connector.web.auth import needs, person
from connector.web.chart import HEIGHT, WIDTH, Hour, bars
from connector.web.frame import house_of, t
from connector.web.house import House

screen = Blueprint("health", __name__, url_prefix="/health")
SILENT = timedelta(minutes=3)  # the shortest chore comes every half minute
FAR = timedelta(days=3650)  # a rest that long ends when somebody says so
OK = "ok"


@screen.get("/")
@needs("viewer")
def index() -> str:
    """The page; for htmx the part of it that refreshes itself."""
    house = house_of(current_app)
    now, names = house.clock.now(), house.names()
    with house.store.read() as conn:
        found = healthy.load(conn, names, now)
    name = "health/_now.html" if "HX-Request" in request.headers else "health/index.html"
    return render_template(
        name, found=found, names=names, checks=_checks(house, found.chored_at, now), chart=_chart(found),
        waiting={line.id: line for line in found.oldest}, size=(WIDTH, HEIGHT), far=now + FAR,
        titles={kind: made.title for kind, made in house.manifests.items()}, **_findings(house), **_around(house),
    )  # fmt: skip


@screen.get("/findings")
@needs("viewer")
def findings() -> str:
    """What the doctor last found."""
    return render_template("health/_findings.html", **_findings(house_of(current_app)))


@screen.post("/check")
@needs("editor")
def check() -> str:
    """Asks a worker to look now; the part that comes back shows how far it is, then what was found."""
    return _ask("doctor", "health.findings")


@screen.get("/around")
@needs("viewer")
def around() -> str:
    """What the long look last found."""
    return render_template("health/_around.html", **_around(house_of(current_app)))


@screen.post("/look")
@needs("admin")
def look() -> str:
    """Asks a worker for the long look: it calls the vendors and our own public address."""
    return _ask("doctor.deep", "health.around")


def _ask(kind: str, then: str) -> str:
    house = house_of(current_app)
    with house.store.write() as conn:
        task = tasks.add(conn, kind, {}, person().name, house.clock.now())
        audit.append(conn, person().name, "health.check", task, {"kind": kind}, house.clock.now())
    house.ring("task")
    return render_template("health/_checking.html", id=task, then=then)


def _around(house: House) -> dict[str, Any]:
    """`looked`: {ok, findings}, None before the first time."""
    with house.store.read() as conn:
        kept = healthy.around(conn)
    return {"looked": kept[0] if kept else None, "looked_at": kept[1] if kept else None}


def _findings(house: House) -> dict[str, Any]:
    """`doctor`: {ok, findings, counts}, None before its first time."""
    with house.store.read() as conn:
        kept = healthy.checkup(conn)
    return {"doctor": kept[0] if kept else None, "taken_at": kept[1] if kept else None}


def _checks(house: House, chored: datetime | None, now: datetime) -> list[tuple[str, str]]:
    """(what, "ok" or what is wrong): the database answers, or this page would not be."""
    clock = OK if chored is not None and now - chored < SILENT else "stale"
    return [("database", OK), *((name, check()) for name, check in house.checks.items()), ("clock", clock)]


def _chart(found: healthy.Health) -> dict[str, Any]:
    """The bars with what each says, and all of it in one sentence."""
    hours = [_hour(found, at, sums) for at, sums in found.hours]
    spoken = [
        t("health.bar", hour=f"{at:%a %H:00}", n=hour.total, review=hour.review, refused=hour.refused)
        for (at, _), hour in zip(found.hours, hours, strict=True)
    ]
    return {
        "bars": list(zip(bars(hours), spoken, strict=True)), "most": max((hour.total for hour in hours), default=0),
        **_sums(hours),
    }  # fmt: skip


def _hour(found: healthy.Health, at: datetime, sums: Any) -> Hour:
    bad = found.bad_hours.get(at, {})
    return Hour(sum(sums.values()), bad.get("review", 0), bad.get("refused", 0))


def _sums(hours: Sequence[Hour]) -> dict[str, int]:
    return {
        "total": sum(hour.total for hour in hours), "review": sum(hour.review for hour in hours),
        "refused": sum(hour.refused for hour in hours),
    }  # fmt: skip
