"""Lengths of time as counts in steps, so that days can be added up and still tell a median. Pure."""

import math
from collections.abc import Mapping

STEPS = 8  # to twice the length: a step is 9 % wide, so a quantile is at most 5 % beside the truth
HIGHEST = 22 * STEPS  # 48 days


def step_of(seconds: float) -> int:
    """The step of a length; what is shorter than a second is the first."""
    return min(HIGHEST, int(math.log2(seconds) * STEPS)) if seconds > 1 else 0


def quantile(counts: Mapping[int, int], share: float) -> float | None:
    """Seconds within which this share lies (0.5 = median), about; None of nothing."""
    total = sum(counts.values())
    wanted, seen = share * total, 0
    for step in sorted(counts):
        seen += counts[step]
        if counts[step] and seen >= wanted:
            return float(2.0 ** ((step + 0.5) / STEPS))
    return None
