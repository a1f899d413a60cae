"""A bar chart as numbers: where each bar of an hour stands, so that a template draws it without any style."""

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 960, 120
GAP = 3
LEAST = 2  # units of height that something, however little beside the rest, still has


@dataclass(frozen=True, slots=True)
class Hour:
    """What came in one hour, and how much of it stands badly."""

    total: int
    review: int = 0
    refused: int = 0


@dataclass(frozen=True, slots=True)
class Rect:
    """One rectangle; `look` is its class: "" look bad."""

    x: float
    y: float
    width: float
    height: float
    look: str


def bars(hours: Sequence[Hour]) -> list[list[Rect]]:
    """Of each hour the rectangles from the ground up: refused, in review, all the rest. An empty hour has none."""
    most = max((max(hour.total, hour.review + hour.refused) for hour in hours), default=0)
    step = WIDTH / len(hours) if hours else 0
    return [_bar(hour, round(n * step, 1), round(step - GAP, 1), most) for n, hour in enumerate(hours)]


def _bar(hour: Hour, x: float, width: float, most: int) -> list[Rect]:
    parts = (("bad", hour.refused), ("look", hour.review), ("", max(0, hour.total - hour.review - hour.refused)))
    found: list[Rect] = []
    top = float(HEIGHT)
    for look, n in parts:
        if n:
            height = min(top, max(LEAST, round(n * HEIGHT / most, 1)))
            top = round(top - height, 1)
            found.append(Rect(x, top, width, height, look))
    return found
