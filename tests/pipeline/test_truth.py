"""What is told to the CRM of a send: each step once, in its order, whatever Meta leaves out or sends late."""

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.pipeline.writing.truth import completion, steps
from connector.store.sends import RANKS

NAMES = {rank: name for name, rank in RANKS.items()}


def row(**more: Any) -> Any:
    """A send as the teller reads it."""
    base = {"state": "accepted", "rank": 1, "told": 0, "told_reply": 0, "answered_by": None, "reason": "", "code": ""}
    return SimpleNamespace(**(base | more))


@pytest.mark.parametrize(
    ("send", "told"),
    [
        (row(), []),
        (row(state="sent", rank=2), ["sent"]),
        (row(state="read", rank=5), ["sent", "delivered", "read"]),
        (row(state="read", rank=5, told=4), ["read"]),
        (row(state="failed", rank=3, told=2), ["failed"]),
        (row(state="failed", rank=3, told=3), []),
        (row(state="delivered", rank=4, told=3), ["delivered"]),
        (row(state="refused", rank=0), ["failed"]),
        (row(state="expired", rank=0, told=3), []),
        (row(state="cancelled", rank=0), []),
        (row(state="played", rank=6, told=5), []),
        (row(state="delivered", rank=4, told=4, answered_by="e1"), ["replied"]),
        (row(state="delivered", rank=4, told=4, answered_by="e1", told_reply=1), []),
    ],
)
def test_the_steps(send: Any, told: list[str]) -> None:
    assert list(steps(send)) == told


@given(st.lists(st.sampled_from(sorted(RANKS.values())), max_size=12))
def test_every_step_is_told_once(heard: list[int]) -> None:
    """Ranks only go up; after each status the teller may or may not have come by."""
    send, told = row(), []
    for rank in heard:
        if rank > send.rank:
            send.rank, send.state = rank, NAMES[rank]
        told += steps(send)
        send.told = max(3, send.rank) if send.state == "failed" else send.rank
    assert len(told) == len(set(told))
    assert [t for t in told if t != "failed"] == [
        n for n in ("sent", "delivered", "read") if RANKS[n] <= send.rank and n in told
    ]
    if send.rank >= RANKS["read"]:
        assert "read" in told


ANSWER = {"text": "Aceptar", "answer": {"id": "accept", "title": "Aceptar"}}


@pytest.mark.parametrize(
    ("send", "waits", "answer", "ok", "values"),
    [
        (row(state="sent", rank=2), "sent", None, True, {"state": "sent"}),
        (row(state="sent", rank=2), "delivered", None, None, {}),
        (row(state="read", rank=5), "delivered", None, True, {"state": "read"}),
        (row(state="read", rank=5), "reply", None, None, {}),
        (row(state="read", rank=5, answered_by="e"), "reply", ANSWER, True,
         {"state": "replied", "reply": "Aceptar", "reply_id": "accept"}),
        (row(state="refused", rank=0, reason="No phone.", code="no_phone"), "reply", None, False,
         {"state": "refused", "reason": "No phone.", "error_code": "no_phone"}),
        (row(state="failed", rank=3, reason="Not on WhatsApp.", code="graph_131026"), "sent", None, False,
         {"state": "failed", "reason": "Not on WhatsApp.", "error_code": "graph_131026"}),
    ],
)  # fmt: skip
def test_a_workflow_hears_what_it_waits_for(
    send: Any, waits: str, answer: Any, ok: bool | None, values: dict[str, str]
) -> None:
    done = completion(send, ("cb-1", waits), answer)
    assert (done is None) == (ok is None)
    if done is not None:
        assert (done.callback, done.ok, dict(done.values)) == ("cb-1", ok, values)


def test_who_does_not_wait_hears_nothing() -> None:
    assert completion(row(state="refused"), None, None) is None
