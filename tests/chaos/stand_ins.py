"""The stand-ins in a process of their own that nobody kills: what they hold, how bad their day is, what they heard."""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from connector.works.stand_ins import ACCOUNTS
from tests.chaos.processes import ROOT

WEBHOOK = "/hooks/whatsapp/whatsapp"  # where its messages come in

CRMS = ("hubspot", "salesforce")
SLOW = ((20.0, 0.6), (40.0, 0.4))  # milliseconds and how often: everybody answers after 0, 20, 40 or 60 ms
MESSAGES = "POST /graph/*/messages"
# What may befall a message: 3 % are lost before they are taken, 3 % after it, 4 % are refused for a while.
LOST: Sequence[Mapping[str, Any]] = (
    {"route": MESSAGES, "kind": "drop_before", "rate": 0.03},
    {"route": MESSAGES, "kind": "drop_after", "rate": 0.02},
    {"route": MESSAGES, "kind": "reset_after", "rate": 0.01},
    {"route": MESSAGES, "kind": "error", "code": 131056, "rate": 0.035},
    {"route": MESSAGES, "kind": "error", "code": 130429, "rate": 0.005},  # each rests the number for two seconds
)
# And its statuses: a third come behind their successors, some long after, some twice.
LATE: Sequence[Mapping[str, Any]] = (
    {"route": "STATUS *", "kind": "delay", "ms": 1500, "rate": 0.3},
    {"route": "STATUS *", "kind": "delay", "ms": 3000, "rate": 0.05},
    {"route": "STATUS *", "kind": "twice", "rate": 0.1},
)
UNTIDY = {"status_batch": 0.05, "read_rate": 0.5, "duplicate": 0.05, "shuffle": True}
AGAIN = ("--redeliver-first", "0.2", "--redeliver-longest", "1")  # seconds between two deliveries of one webhook
OBJECTS = "/hubspot/crm/objects/2026-09"
IN_ONE = 100  # records of one call
DEAL_TO_CONTACT = 3  # HubSpot's association type


@dataclass(slots=True)
class Sandbox:
    """One run's own."""

    process: subprocess.Popen[str]
    url: str
    down: dict[str, str] = field(default_factory=dict)  # services that are down now, and how
    _weather: tuple[Sequence[Mapping[str, Any]], int] = ((), 0)

    @classmethod
    def start(cls) -> "Sandbox":
        argv = [sys.executable, "-m", "connector.sandbox", "--port", "0", "--json", "--hubspot-limit", "0", *AGAIN]
        process = subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        return cls(process, json.loads(process.stdout.readline())["sandbox"])

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(10)
        assert self.process.stdout is not None
        self.process.stdout.close()

    # ---- its weather ---------------------------------------------------------------------------------------------
    def storm(self, seed: int, answer: float, delivered: float) -> None:
        """Answers come late, so that there is something in hand at any time; messages get lost, statuses confused."""
        self._faults([*LATE, *LOST], seed)
        self.call("POST", "/_options", {**UNTIDY, "answer_seconds": answer, "status_seconds": delivered})

    def calm(self, seed: int) -> None:
        """What is sent from now on arrives."""
        self._faults(LATE, seed)

    def changed(self) -> None:
        """Some service went down or came back; the weather stays."""
        faults, seed = self._weather
        self._faults(faults, seed + 1)  # not the same dice again

    def _faults(self, faults: Sequence[Mapping[str, Any]], seed: int) -> None:
        self._weather = faults, seed
        down = [{"route": f"* /{service}/*", "kind": kind} for service, kind in self.down.items()]
        slow = [
            {"route": f"* /{service}/*", "kind": "delay", "ms": ms, "rate": rate}
            for ms, rate in SLOW
            for service in (*CRMS, "graph")
        ]
        self.call(
            "POST", "/_faults", [{**fault, "seed": seed * 100 + n} for n, fault in enumerate([*down, *slow, *faults])]
        )

    # ---- WhatsApp ------------------------------------------------------------------------------------------------
    def tell(self, port: int) -> None:
        """Statuses go to this port's hook from now on."""
        self.call("POST", "/_webhook", {"service": "graph", "url": f"http://127.0.0.1:{port}{WEBHOOK}"})

    def told(self) -> bool:
        """Every status there is was taken."""
        return bool(self.call("GET", "/_webhooks")["settled"])

    def messages(self) -> list[dict[str, Any]]:
        """Every message that was accepted, with the statuses it was given."""
        return list(self.call("GET", "/_records/graph/messages"))

    # ---- HubSpot -------------------------------------------------------------------------------------------------
    def deals(self, wanted: Sequence[tuple[str, int]]) -> dict[tuple[str, int], str]:
        """A deal for each (customer, number), and a contact for each of its customers; {(customer, number): its id}."""
        people = list(dict.fromkeys(who for who, _ in wanted))
        contacts = self._create("contacts", [{"properties": _contact(who)} for who in people])
        ids = dict(zip(people, contacts, strict=True))
        return dict(zip(wanted, self._create("deals", [_deal(ids[who], n) for who, n in wanted]), strict=True))

    def change(self, service: str, object_: str, id: str, fields: Mapping[str, str]) -> None:
        """As a person in its screens would."""
        self.call("PATCH", f"/_records/{service}/{object_}/{id}", fields)

    def _create(self, object_: str, inputs: Sequence[Mapping[str, Any]]) -> list[str]:
        made: list[str] = []
        for start in range(0, len(inputs), IN_ONE):
            body = {"inputs": inputs[start : start + IN_ONE]}
            answer = self.call("POST", f"{OBJECTS}/{object_}/batch/create", body, ACCOUNTS["hubspot"][1]["token"])
            made += [one["id"] for one in answer["results"]]
        return made

    # ---- HTTP ----------------------------------------------------------------------------------------------------
    def ledger(self, service: str, since: float = 0.0) -> Iterator[dict[str, Any]]:
        """Line by line: of a long run nobody holds it as a whole."""
        with urllib.request.urlopen(f"{self.url}/_ledger?service={service}&since={since}", timeout=60) as answer:
            yield from map(json.loads, answer)

    def call(self, method: str, path: str, body: Any = None, token: str = "") -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
        request = urllib.request.Request(f"{self.url}{path}", data, headers, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)


def _contact(wa_id: str) -> dict[str, str]:
    return {"phone": f"+{wa_id}", "whatsapp_id": wa_id, "lastname": f"Customer {wa_id[-3:]}"}


def _deal(contact: str, n: int) -> dict[str, Any]:
    kinds = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": DEAL_TO_CONTACT}]
    properties = {"dealname": str(n), "dealstage": "appointmentscheduled", "pipeline": "default"}
    return {"properties": properties, "associations": [{"to": {"id": contact}, "types": kinds}]}
