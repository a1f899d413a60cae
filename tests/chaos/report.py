"""What a run came to: a small table for who ran it, and one page for who wants to know (docs/chaos.md)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.chaos.door import Door
from tests.chaos.judge import Verdict
from tests.chaos.judge_sends import SendVerdict
from tests.chaos.judge_talks import TalkVerdict
from tests.chaos.killer import Killer
from tests.chaos.recovery import middle
from tests.chaos.steps import Scene, load

if TYPE_CHECKING:
    from tests.chaos.run import Course

SHOWN = 8  # words of what is wrong
KINDS = {
    "worker": "workers killed (SIGKILL)", "web main": "web servers killed", "web child": "web processes killed",
    "clock": "clocks killed", "valkey": "Redis killed",
}  # fmt: skip


@dataclass(slots=True)
class Report:
    """What a run came to."""

    course: "Course"
    database: str
    verdict: Verdict
    sends: SendVerdict
    talks: TalkVerdict
    outcomes: dict[str, int] = field(default_factory=dict)  # of the attempts to send
    unknown: dict[str, int] = field(default_factory=dict)  # how sends ended whose attempt nobody knows the end of
    killer: Killer = None  # type: ignore[assignment]
    door: Door = None  # type: ignore[assignment]
    took: float = 0.0
    settled: float = 0.0
    fallen: tuple[str, ...] = ()

    @property
    def good(self) -> bool:
        return self.verdict.good and self.sends.good and self.talks.good

    @property
    def scene(self) -> Scene:
        return self.killer.scene

    @property
    def kills(self) -> dict[str, int]:
        return self.killer.by_kind()

    @property
    def stages(self) -> dict[str, int]:
        return self.killer.stages()

    @property
    def in_hand(self) -> int:
        return self.killer.in_hand()

    @property
    def wrong(self) -> list[str]:
        return [*self.verdict.wrong, *self.sends.wrong, *self.talks.wrong]

    def table(self) -> str:
        """For people in front of a terminal."""
        verdict, sends, talks, door = self.verdict, self.sends, self.talks, self.door
        rows: dict[str, Any] = {
            "run": f"{self.database} broken on purpose: {self.course.mutant}" if self.course.mutant else self.database,
            "messages": f"{verdict.messages} of {self.course.contacts} contacts, seed {self.course.seed}",
            "posts": f"{door.posts}, {len(door.broken)} without a 200, {door.again} sent again after one",
            "kills": f"{sum(self.kills.values())}: {told(self.kills)}",
            "in hand": f"{self.in_hand}: {told(self.stages)}",
            "besides": f"{self.killer.flushes} Redis flushed, {self.killer.stops} Postgres stopped",
            "faults": told(self.scene.counts),
            "measured": "; ".join(
                f"{name} {middle(times, 0.5):.1f} / {middle(times, 0.95):.1f} s"
                for name, times in self.scene.seconds.items()
            ) or "-",
            "settled after": f"{self.settled:.1f} s of {self.took:.0f} s",
            "lost": verdict.lost,
            "doubled": verdict.doubled,
            "out of order": verdict.out_of_order,
            "else": "; ".join(verdict.wrong[:SHOWN]) or "-",
            "broadcast": f"{self.course.people} people" if self.course.people else "-",
            "sends": f"{sends.sends}: {sends.stopped} refused after a STOP, {sends.resent} resent "
            f"and labelled ({sends.twice} reached WhatsApp twice, {sends.held} are held for a person)",
            "attempts": told({name or "killed": n for name, n in self.outcomes.items()}),
            "sends lost": sends.lost,
            "sent twice": sends.doubled,
            "after a STOP": sends.after_stop,
            "in quiet hours": sends.quiet,
            "else of sends": "; ".join(sends.wrong[:SHOWN]) or "-",
            "conversations": f"{talks.people}: {talks.lost} lost, {talks.doubled} doubled, {talks.out_of_order} out of "
            f"order, {talks.held} held for a person" if talks.people else "-",
            "else of talks": "; ".join(talks.wrong[:SHOWN]) or "-",
            "fell by itself": ", ".join(self.fallen) or "-",
        }  # fmt: skip
        return "\n".join(f"{name:>14}  {value}" for name, value in rows.items())

    # ---- the page ------------------------------------------------------------------------------------------------
    def page(self, command: str) -> str:
        """For everybody: Markdown."""
        return "\n".join([*self._about(command), *self._promises(), *self._unknown(), *self._times(), *self._faults()])

    def _about(self, command: str) -> Iterator[str]:
        course = self.course
        verdict = "Every promise was kept." if self.good else "**A promise was broken.**"
        yield "## One run"
        yield ""
        yield f"`{command}` on {self.database}, seed {course.seed}, {self.took / 60:.1f} minutes. {verdict}"
        yield ""
        yield (
            f"{self.verdict.messages:,} messages of {course.contacts:,} customers, {self.sends.sends:,} sends "
            f"({course.people:,} of one broadcast), {course.talks:,} conversations; {course.workers} workers. "
            f"{sum(self.kills.values())} kills, {self.in_hand} of them with rows in hand or a request under way. "
            f"{self.door.posts:,} webhooks posted: {len(self.door.broken):,} got no 200 and came again, "
            f"{self.door.again:,} came again although they had."
        )
        yield ""

    def _promises(self) -> Iterator[str]:
        verdict, sends, talks = self.verdict, self.sends, self.talks
        yield from head("promise", "replies to CRMs", "messages sent", "conversations")
        yield row("lost", verdict.lost, sends.lost, talks.lost)
        yield row("doubled", verdict.doubled, sends.doubled, talks.doubled)
        yield row("out of order", verdict.out_of_order, "-", talks.out_of_order)
        yield row("sent after a STOP", "-", sends.after_stop, "-")
        yield row("sent in quiet hours", "-", sends.quiet, "-")
        yield row("anything else", len(verdict.wrong), len(sends.wrong), len(talks.wrong))
        yield ""
        yield from (f"- {word}" for word in self.wrong[:SHOWN])
        yield f"{len(self.fallen)} processes ended by themselves. {sends.stopped} sends were refused after a STOP."
        yield ""

    def _unknown(self) -> Iterator[str]:
        attempts = {name or "its process was killed": n for name, n in self.outcomes.items()}
        yield "Attempts to send, by what is known of them: " + told(attempts) + "."
        yield ""
        yield from head("sends of which one attempt ended unknown", "how many")
        yield from (row(name, n) for name, n in sorted(self.unknown.items(), key=lambda pair: -pair[1]))
        yield ""
        yield (
            f"{self.sends.twice + self.talks.twice} of those that were sent once more had reached WhatsApp the first "
            "time too: each carries the label that says so."
        )
        yield ""

    def _times(self) -> Iterator[str]:
        yield from head("how long it took", "times", "p50", "p95", "longest")
        for name, times in sorted(self.scene.seconds.items()):
            p50, p95, most = (f"{one:.2f} s" for one in (middle(times, 0.5), middle(times, 0.95), max(times)))
            yield row(name, len(times), p50, p95, most)
        yield row("everything settled after the load", 1, *[f"{self.settled:.1f} s"] * 3)
        yield ""

    def _faults(self) -> Iterator[str]:
        known, counts = load(), self.scene.counts
        yield from head("what was done to it", "times")
        yield from (row(KINDS.get(name, name), n) for name, n in sorted(self.kills.items()))
        yield row("Redis flushed", self.killer.flushes)
        yield row("Postgres stopped as a crash does it", self.killer.stops)
        yield from (row(known[name].about, counts[name]) for name in sorted(known) if counts[name])
        yield from (row(name, n) for name, n in sorted(counts.items()) if name not in known)
        yield ""
        yield "Who was killed was at: " + told(self.stages) + "."


def told(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{n} {name}" for name, n in sorted(counts.items(), key=lambda pair: -pair[1])) or "-"


def head(*names: str) -> list[str]:
    return [row(*names), row(*["---"] * len(names))]


def row(*values: object) -> str:
    return "| " + " | ".join(f"{one:,}" if isinstance(one, int) else str(one) for one in values) + " |"
