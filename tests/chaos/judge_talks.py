"""Conversations, as WhatsApp heard them: each question once, in order, and every answer one step."""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any

from tests.chaos.judge_sends import FOR_PERSON, RESENT
from tests.chaos.talks import QUESTIONS, last_words

Entry = Mapping[str, Any]


@dataclass(slots=True)
class Said:
    """One text that was said to one person."""

    ids: set[str] = field(default_factory=set)
    accepted: int = 0


@dataclass(slots=True)
class TalkVerdict:
    """Nothing wrong = the first three 0 and no words."""

    lost: int = 0
    doubled: int = 0
    out_of_order: int = 0
    wrong: list[str] = field(default_factory=list)
    people: int = 0
    held: int = 0  # a question may have been sent and a person decides: the conversation waits or has ended
    twice: int = 0  # labelled

    @property
    def good(self) -> bool:
        return not (self.lost or self.doubled or self.out_of_order or self.wrong)


def judge_talks(
    ledger: Iterable[Entry], said: Mapping[str, int], labels: Mapping[str, str], held: Set[tuple[str, str]]
) -> TalkVerdict:
    """`said`: {person: how often they wrote}; `held`: (person, text) that a person of ours must decide on."""
    heard = _listen(ledger, said.keys())
    verdict = TalkVerdict(people=len(said))
    for who, n in sorted(said.items()):
        _weigh(who, n, heard.get(who, {}), labels, held, verdict)
    return verdict


def _listen(ledger: Iterable[Entry], people: Set[str]) -> dict[str, dict[str, Said]]:
    """{person: {text: what became of it}}, the texts in the order in which they were first accepted."""
    found: dict[str, dict[str, Said]] = {}
    for entry in ledger:
        body = entry["body"]
        if entry["method"] != "POST" or not entry["path"].endswith("/messages") or not isinstance(body, dict):
            continue
        who = str(body.get("to", "")).lstrip("+")
        if who not in people or body.get("type") != "text" or entry["status"] != 200:
            continue
        one = found.setdefault(who, {}).setdefault(body["text"]["body"], Said())
        one.ids.add(body["biz_opaque_callback_data"])
        one.accepted += 1
    return found


def _weigh(
    who: str, n: int, heard: Mapping[str, Said], labels: Mapping[str, str], held: Set[tuple[str, str]],
    verdict: TalkVerdict,
) -> None:  # fmt: skip
    """After n messages of theirs, n things were said to them, unless one of them is held."""
    should = [*QUESTIONS, last_words(who)][:n]
    stuck = [text for text in should if (who, text) in held]
    verdict.held += bool(stuck)
    missing = [text for text in should if text not in heard]
    if missing and not stuck:
        verdict.lost += len(missing)
        verdict.wrong.append(f"{who} wrote {n} times and never heard {missing}")
    strange = [text for text in heard if text not in should]
    if strange:
        verdict.wrong.append(f"{who} wrote {n} times and heard {strange}")
    order = [text for text in heard if text in should]
    verdict.out_of_order += order != [text for text in should if text in heard]
    for text, one in heard.items():
        _once(who, text, one, labels, verdict)


def _once(who: str, text: str, one: Said, labels: Mapping[str, str], verdict: TalkVerdict) -> None:
    said = {labels.get(id, "") for id in one.ids}
    labelled = len(one.ids) == 1 and one.accepted == 2 and said <= {RESENT, FOR_PERSON}
    verdict.twice += labelled
    if one.accepted > 1 and not labelled:
        verdict.doubled += one.accepted - 1
        verdict.wrong.append(f"{who} heard {text!r} {one.accepted} times")


def written(ledger: Iterable[Entry], said: Mapping[str, int]) -> list[str]:
    """HubSpot was told every answer of everybody who came to the end, and nothing else."""
    ended = {last_words(who) for who, n in said.items() if n > len(QUESTIONS)}
    told = {title for entry in ledger for title in _titles(entry)}
    wrong = [f"HubSpot was never told {words!r}" for words in sorted(ended - told)]
    return wrong + [f"HubSpot was told {words!r}" for words in sorted(told - ended)]


def _titles(entry: Entry) -> Sequence[str]:
    if "/contacts/batch/" not in entry["path"] or entry["status"] not in range(200, 300):
        return ()
    inputs = entry["body"].get("inputs") or ()
    return [one["properties"]["jobtitle"] for one in inputs if (one.get("properties") or {}).get("jobtitle")]
