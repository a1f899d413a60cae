"""How deep a run looks. `make test` has five minutes; `make test-long` does what is marked `long` and nothing else;
`make test-deep` does everything, with more examples, on both databases.

Rooms where the database is the point run on both each time (BOTH, or `pytestmark = pytest.mark.both`).
"""

import os
import zlib
from collections.abc import Iterable, Sequence
from typing import Any

import pytest

DEEP = bool(os.environ.get("CONNECTOR_TESTS_DEEP"))
LONG = bool(os.environ.get("CONNECTOR_TESTS_LONG"))
BOTH = ("store/", "journey/", "chaos/", "test_config", "test_jobs", "test_supervisor")
# Rooms that only the long run does: others lean on what they prove (every test of a journey on the sandbox), try
# variants of it (fuzz), or are about what a person does now and then.
LATER = (
    "sandbox/", "hostile/test_fuzz", "hostile/test_containers", "hostile/test_logs", "test_supervisor",
    "store/test_doctor", "store/test_lists", "store/test_summed", "pipeline/test_leave", "pipeline/test_reports",
    "pipeline/test_resolve", "pipeline/test_retention", "pipeline/test_shadow", "pipeline/test_try",
    "pipeline/test_undo", "pipeline/test_works",
)  # fmt: skip
READ_ONLY = ("store/test_doctor", "store/test_lists", "store/test_summed")  # queries of pages, not rows and locks
SHARE = 6  # a quick run tries this part of a property's examples
TIMES = int(os.environ.get("CONNECTOR_FUZZ") or 1)  # `make fuzz` tries many times as many


def some(cases: Iterable[Any], each: int) -> list[Any]:
    """Parameters of which a quick run tries one of `each`, and the long one the others."""
    whole = (case if isinstance(case, tuple) else (case,) for case in cases)
    return [pytest.param(*case, marks=() if n % each == 0 else pytest.mark.long) for n, case in enumerate(whole)]


def examples(wanted: int) -> int:
    """max_examples of a property that is tried with `wanted` in a deep run."""
    return wanted * TIMES if DEEP else max(wanted // SHARE, 5)


def left_out(node: str, database: str, databases: Sequence[str] = ("sqlite", "postgresql")) -> bool:
    """Is this one of the tests that a quick run does on the other database? Each has its own for ever."""
    mine = zlib.crc32(node.replace(database, "").encode()) % len(databases)
    return databases[mine] != database
