"""What one event sent, for the why: the message, each attempt, each status, and the reason it waits or failed."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from connector.core import message
from connector.store import telling
from connector.store.sends import RANKS


def of_event(conn: Any, event: str) -> list[dict[str, Any]]:
    """Every message this event sent, oldest first."""
    return [_send(row) for row in telling.history(conn, event)]


def _send(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": row["id"], "document": row["document"], "version": row["version"], "template": row["template"],
        "language": row["language"], "to": row["to"] or row["user_id"] or "", "state": row["state"],
        "label": row["label"], "code": row["code"], "reason": row["reason"], "who": row["who"],
        "next_at": _iso(row["next_at"]), "account": row["crm"], "text": _text(row["body"] or {}),
        "attempts": [
            {"n": a.n, "at": _iso(a.started_at), "outcome": a.outcome or "no outcome is known", "text": a.text or ""}
            for a in row["attempts_made"]
        ],
        "statuses": [{"status": s.status, "at": _iso(s.at)} for s in _in_order(row["statuses"])],
        "answered_by": row["answered_by"],
    }  # fmt: skip


def _in_order(facts: Sequence[Any]) -> list[Any]:
    """Meta's times are whole seconds: within one, the way a message goes."""
    return sorted(facts, key=lambda s: (s.at is None, s.at, RANKS.get(s.status, 0)))


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _text(body: Mapping[str, Any]) -> str:
    return message.said(body)


def render(sent: Sequence[Mapping[str, Any]]) -> list[str]:
    """The lines for a terminal."""
    lines = []
    for one in sent:
        what = one["template"] or repr(one["text"][:60])
        lines.append(f"sent by {one['document']}, version {one['version']}: {what} to {one['to']}    {one['state']}")
        until = (
            f" until {one['next_at'][:16]}Z" if one["next_at"] and one["state"] == "waiting" and one["reason"] else ""
        )
        lines += [f"  {one['reason']}{until}"] if one["reason"] else []
        lines += [
            f"  attempt {a['n']:<16} {(a['at'] or '')[11:19]} {a['outcome']} {a['text']}" for a in one["attempts"]
        ]
        lines += [f"  {s['status']:<24} {(s['at'] or '')[11:19]}" for s in one["statuses"]]
    return [line.rstrip() for line in lines]
