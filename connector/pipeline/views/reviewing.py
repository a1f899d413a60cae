"""What needs a person, as the console shows it: groups with examples of what was said and by whom."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connector.pipeline.views import activity, sent
from connector.pipeline.views.activity import Line
from connector.pipeline.views.sent import Send
from connector.store import review, states

SEVERAL = ("several_records", "several_persons", "another_user", "several_contacts")


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """One question, and how many wait for its answer."""

    key: str  # names the group in an address, also for `review.of_group`
    why: str  # not_understood several_records no_record ... refused
    account: str  # the CRM account's name
    document: str  # "" where it is not known, or does not matter
    object: str
    field: str
    answer: str  # what was not understood, "" = another question
    text: str  # in plain words
    count: int
    choices: tuple[str, ...]
    examples: tuple[Line, ...]  # its newest event: a page has fifty groups


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """The page. `more`: there are more in review than were looked at (the newest 5,000)."""

    answers: list[Group]  # not understood: add to the map?
    people: list[Group]  # several contacts or records: who is it?
    questions: list[Group]  # every other question
    refused: list[Group]  # by the CRM
    unknown: list[Send]
    dead_events: list[Line]
    dead_plans: list[Any]  # rows: event, account, journey, attempts, error
    dead_deliveries: list[Any]  # rows: id, account, received_at, error
    accounts: Sequence[Any]  # rows: id, name, kind, state, reason
    more: bool


def load(conn: Any, names: Mapping[str, str], now: datetime, groups: int = 50) -> Review:
    """All that needs a person: at most so many groups, the largest first, with an example each."""
    found = review.questions(conn)
    shown = found.groups[:groups]
    gone = review.dead(conn)
    newest = review.events_of(conn, [group.newest for group in shown])
    ids = [*newest.values(), *(row.id for row in gone["events"])]
    rows = review.received(conn, ids)
    words = states.words(conn, {row.id: row.state for row in rows.values()})
    lines = {line.id: line for line in activity.shape(conn, list(rows.values()), words, names, now)}
    made = [(group.why, _group(group, names, lines.get(newest.get(group.newest, "")))) for group in shown]
    return Review(
        answers=[g for why, g in made if why == "not_understood"],
        people=[g for why, g in made if why in SEVERAL],
        refused=[g for why, g in made if why == "refused"],
        questions=[g for why, g in made if why not in ("not_understood", "refused", *SEVERAL)],
        unknown=sent.shape(conn, review.unknown(conn, now), names),
        dead_events=[lines[row.id] for row in gone["events"] if row.id in lines],
        dead_plans=gone["plans"],
        dead_deliveries=gone["deliveries"],
        accounts=review.held_accounts(conn),
        more=found.more or len(found.groups) > groups,
    )


def _group(group: review.Group, names: Mapping[str, str], example: Line | None) -> Group:
    return Group(
        key=group.key, why=group.why, account=names.get(group.account, ""), document=group.document,
        object=group.object, field=group.field, answer=activity.short(group.answer), text=activity.short(group.text),
        count=group.count, choices=group.choices,
        examples=() if example is None else (example,),
    )  # fmt: skip
