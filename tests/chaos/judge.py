"""What the CRMs heard decides: read from the stand-ins' ledger alone, by somebody who knows nothing of our tables."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

Entry = Mapping[str, Any]
REF = re.compile(r"<p>ref [^<]*</p>")
NUMBER = re.compile(r"\d+")
TASKS = frozenset({2, 5, 9})  # answers that make a task in HubSpot (mappings/hubspot-tasks.yaml)
DONE = range(200, 300)


@dataclass(frozen=True, slots=True)
class Fact:
    """One row that a CRM took. `key` is what it was upserted by; `value` is the answer's number."""

    kind: str  # field message task
    record: str  # of a field: the contact; of the others: the entry itself
    key: str = ""
    who: str = ""  # of the others: the contact they hang on
    value: int | None = None


@dataclass(slots=True)
class Verdict:
    """Nothing wrong = every number 0 and no words."""

    messages: int = 0
    lost: int = 0
    doubled: int = 0
    out_of_order: int = 0
    wrong: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        return not (self.lost or self.doubled or self.out_of_order or self.wrong)


@dataclass(slots=True)
class Account:
    """One CRM as its ledger tells it."""

    series: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))  # contact -> values in order
    entries: dict[tuple[str, str], dict[int, set[str]]] = field(default_factory=lambda: defaultdict(dict))
    known: dict[tuple[str, str], str] = field(default_factory=dict)  # kind, key -> record
    doubles: int = 0  # records made twice for one key
    unread: int = 0  # answers from which nobody can tell which rows were taken

    def take(self, entry: Entry, read: "Reader") -> None:
        """One line of the ledger."""
        if entry["status"] not in DONE or not isinstance(entry["body"], dict):
            return
        facts = list(read(entry))
        if not facts:
            return
        ids = entry["record"] if isinstance(entry["record"], list) else [entry["record"]]
        for fact, record in self._landed(facts, [str(one) for one in ids]):
            self._note(fact, record)

    def _landed(self, facts: Sequence[Fact], ids: Sequence[str]) -> Iterator[tuple[Fact, str]]:
        """Which rows were taken, under which id. Ids come in the order of the rows, without the refused ones."""
        if len(facts) == len(ids):
            yield from zip(facts, ids, strict=True)
            return
        named = [(fact, fact.record or self.known.get((fact.kind, fact.key), "")) for fact in facts]
        yield from ((fact, record) for fact, record in named if record in ids)
        fresh = [fact for fact, record in named if not record]
        left = [one for one in ids if one not in {record for _, record in named}]
        if left and len(fresh) != len(left):
            self.unread += 1
        elif left:
            yield from zip(fresh, left, strict=True)

    def _note(self, fact: Fact, record: str) -> None:
        if fact.key and self.known.setdefault((fact.kind, fact.key), record) != record:
            self.doubles += 1
        if fact.value is None:
            return
        if fact.kind == "field":
            self.series[record].append(fact.value)
        else:
            self.entries[fact.kind, fact.who].setdefault(fact.value, set()).add(record)

    def contact(self, wa_id: str) -> str:
        return self.known.get(("field", wa_id), "")


Reader = Any  # (entry) -> the facts it asks for


def judge(ledgers: Mapping[str, Iterable[Entry]], sent: Mapping[str, int]) -> Verdict:
    """`sent` is {wa_id: its last number}; every number up to it was answered 200."""
    verdict = Verdict(messages=sum(sent.values()))
    for name, entries in ledgers.items():
        account = Account()
        for entry in entries:
            account.take(entry, READERS[name])
        _weigh(name, account, sent, verdict)
    return verdict


def _weigh(name: str, account: Account, sent: Mapping[str, int], verdict: Verdict) -> None:
    if account.unread:
        verdict.wrong.append(f"{name}: {account.unread} answers cannot be read")
    verdict.doubled += account.doubles
    for wa_id, last in sent.items():
        record = account.contact(wa_id)
        values = account.series.get(record, [])
        verdict.out_of_order += sum(1 for a, b in pairwise(values) if b < a)
        if not values or values[-1] != last:
            verdict.wrong.append(f"{name}: {wa_id} ends at {values[-1:] or 'nothing'}, not {last}")
        for kind, wanted in (("message", set(range(1, last + 1))), ("task", TASKS if name == "hubspot" else set())):
            _count(account, kind, record, wanted & set(range(1, last + 1)), verdict)
    strangers = {who for _, who in account.entries} - {account.contact(wa_id) for wa_id in sent}
    if strangers:
        verdict.wrong.append(f"{name}: entries on records of nobody: {sorted(strangers)[:5]}")


def _count(account: Account, kind: str, record: str, wanted: set[int] | frozenset[int], verdict: Verdict) -> None:
    """Exactly one entry for each wanted number."""
    made = {n: len(ids) for n, ids in account.entries.get((kind, record), {}).items()}
    verdict.lost += len(wanted - made.keys())
    verdict.doubled += sum(n - 1 for n in made.values())
    if made.keys() - wanted:
        verdict.wrong.append(f"{record}: {kind} of answers that nobody gave: {sorted(made.keys() - wanted)[:5]}")


# ---- HubSpot -----------------------------------------------------------------------------------------------------
def read_hubspot(entry: Entry) -> Iterator[Fact]:
    parts = entry["path"].partition("?")[0].split("/")
    if parts[-2] != "batch" or parts[-1] not in ("create", "update", "upsert") or parts[-3] not in HUBSPOT:
        return
    for one in entry["body"]["inputs"]:
        yield HUBSPOT[parts[-3]](one)


def _hubspot_contact(one: Entry) -> Fact:
    given = one.get("properties") or {}
    key = one["id"] if one.get("idProperty") == "whatsapp_id" else given.get("whatsapp_id", "")
    record = "" if one.get("idProperty") else str(one.get("id", ""))
    return Fact("field", record, key, value=_number(given.get("whatsapp_last_answer")))


def _hubspot_message(one: Entry) -> Fact:
    body = one["properties"]["hs_communication_body"]
    return Fact("message", "", "", str(one["associations"][0]["to"]["id"]), _number(REF.sub("", body)))


def _hubspot_task(one: Entry) -> Fact:
    return Fact("task", "", "", str(one["associations"][0]["to"]["id"]), _number(one["properties"]["hs_task_subject"]))


HUBSPOT = {"contacts": _hubspot_contact, "communications": _hubspot_message, "tasks": _hubspot_task}


# ---- Salesforce --------------------------------------------------------------------------------------------------
def read_salesforce(entry: Entry) -> Iterator[Fact]:
    path = entry["path"].partition("?")[0].partition("/services/data/")[2].partition("/")[2]
    if entry["method"] not in ("POST", "PATCH"):
        return
    if path.startswith("composite/sobjects"):
        rows = entry["body"].get("records") or []
    elif path.startswith("sobjects/Contact"):
        rows = [entry["body"]]
    else:
        return
    for row in rows:
        task = "WhatsApp_Ref__c" in row
        yield _salesforce_task(row) if task else _salesforce_contact(row)


def _salesforce_contact(row: Entry) -> Fact:
    number = _number(row.get("NPS_Comment__c"))
    return Fact("field", str(row.get("id", "")), row.get("WhatsApp_Id__c", ""), value=number)


def _salesforce_task(row: Entry) -> Fact:
    return Fact("message", "", row["WhatsApp_Ref__c"], row["WhoId"], _number(row["Description"]))


READERS = {"hubspot": read_hubspot, "salesforce": read_salesforce}


def _number(text: Any) -> int | None:
    found = NUMBER.search(str(text or ""))
    return int(found.group()) if found else None
