"""What a part measured, beside its target: a table for people, JSON for comparison."""

import json
import os
import platform
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psutil

RESULTS = Path(__file__).with_name("results")
PACKAGES = ("flask", "granian", "psycopg", "pywa", "redis", "rq", "sqlalchemy", "jinja2")


@dataclass(frozen=True, slots=True)
class Row:
    """One figure. `target` None = told for information; `peer` is the figure of what we are compared with."""

    what: str
    figure: float
    unit: str = ""
    at_least: float | None = None
    at_most: float | None = None
    peer: float | None = None
    note: str = ""

    @property
    def met(self) -> bool | None:
        if self.at_least is not None:
            return self.figure >= self.at_least
        return None if self.at_most is None else self.figure <= self.at_most

    @property
    def target(self) -> str:
        if self.at_least is not None:
            return f">= {self.at_least:g}"
        return "" if self.at_most is None else f"<= {self.at_most:g}"


@dataclass(slots=True)
class Result:
    """A part's rows, and the rounds they come from."""

    rows: list[Row] = field(default_factory=list)
    rounds: Mapping[str, Any] = field(default_factory=dict)


def machine() -> dict[str, Any]:
    """Where the figures come from."""
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 2**30, 1),
        "system": platform.platform(),
        "python": platform.python_version(),
        "packages": {name: found for name in PACKAGES if (found := _version(name))},
    }


def _version(name: str) -> str:
    """ "" for one that is not installed: only some parts need the peer."""
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.processor())


def write(part: str, result: Result, load: float) -> Path:
    """Keeps one part's figures; `load` is the machine's load before it began, which tells a quiet run from another."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{part}.json"
    document = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "load_before": round(load, 2),
        "machine": machine(),
        "rows": [{**asdict(row), "met": row.met} for row in result.rows],
        "rounds": result.rounds,
    }
    path.write_text(json.dumps(document, indent=1, default=str) + "\n")
    return path


def table(rows: Iterable[Row]) -> str:
    """The rows as text."""
    cells = [("", "figure", "target", "", "peer", "")]
    for row in rows:
        met = {True: "met", False: "MISSED", None: ""}[row.met]
        peer = "" if row.peer is None else f"{row.peer:,.5g}"
        cells.append((row.what, f"{row.figure:,.5g} {row.unit}".strip(), row.target, met, peer, row.note))
    widths = [max(len(line[n]) for line in cells) for n in range(6)]
    return "\n".join("  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip() for line in cells)


def percentile(values: Sequence[float], percent: float) -> float:
    """The value that `percent` of them do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def median(rounds: Iterable[Mapping[str, Any]], pick: Callable[[Mapping[str, Any]], float]) -> float:
    """The middle one of a figure over the rounds."""
    return statistics.median(pick(one) for one in rounds)
