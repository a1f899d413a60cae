"""The sandbox's own address book: ledger, faults, customers, records, webhooks, reset. No vendor has any of this."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from connector.sandbox.desk import Desk
from connector.sandbox.faults import KINDS, STATUS_KINDS
from connector.sandbox.graph import phone
from connector.sandbox.graph.customers import SETTABLE, new_wamid
from connector.sandbox.graph.replies import READERS
from connector.sandbox.graph.service import Graph
from connector.sandbox.graph.webhooks import MOST_UPDATES, Mess, Update
from connector.sandbox.http import Granting, Request, Response, answer
from connector.sandbox.world import World

LONGEST_WAIT = 60.0
ABOUT = {
    "this is": "the sandbox: stand-ins for WhatsApp and two CRMs; nothing here reaches anybody",
    "GET /_ledger": "every request the stand-ins heard, as JSON lines; ?since= ?service= ?limit=",
    "POST /_faults": f"a list of {{route, kind, rate, seed, times, after, ms, code}}; kinds: {', '.join(KINDS)}",
    "POST /_faults (STATUS)": f"route 'STATUS /graph/<wa_id>/<status>', * for any; kinds: {', '.join(STATUS_KINDS)}",
    "POST /_customers/<wa_id>": f"a customer writes: one of {', '.join(READERS)}; reply_to, name, user_id, number",
    "GET /_customers": "everybody whose phone can be looked at",
    "GET /_customers/<wa_id>": "the phone's messages, and the customer's records in the CRMs with what changed",
    "GET /_files/<id>": "the bytes of a file that a customer sent, or the business uploaded",
    "POST /_customers/<wa_id>/messages": "another tool's message: {template, language, values, buttons} or {message}",
    "PATCH /_customers/<wa_id>": f"what a customer is like: {', '.join(SETTABLE)}",
    "POST /_customers": "a list of the same, each with wa_id: one webhook; ?duplicate=0.1&shuffle=1&seed=7",
    "GET|PATCH /_records/<service>/<object>/<id>": "read or change a record; a change sends the vendor's webhook",
    "POST /_templates/<name>/<language>": "{status|category|quality, reason?, ...}: what Meta does to a template",
    "POST /_webhook": "{url, service}: where a service's webhooks go",
    "GET /_webhooks": "what became of the webhooks; ?wait=10 waits until none is under way",
    "POST /_clock": "{advance: seconds}",
    "POST /_expire": "{service}: every access token it gave ends now; what renews them stays good",
    "GET|POST /_options": "how WhatsApp behaves: limit, answer_seconds, status_seconds, status_batch, read_rate, ...",
    "POST /_reset": "everything back to the start",
}


class Control:
    """`Control(world, graph)` answers what is under no service's prefix."""

    def __init__(self, world: World, graph: Graph) -> None:
        self._world = world
        self._graph = graph
        self._desk = Desk(world)

    def __call__(self, request: Request) -> Response:
        """One request; ValueError and KeyError become 400 and 404 with the reason."""
        parts = [part for part in request.path.split("/") if part]
        handler = ROUTES.get((request.method, parts[0] if parts else "", len(parts)))
        if handler is None:
            return answer({"error": f"the sandbox has no {request.method} {request.path}", "see": "GET /"}, 404)
        try:
            return handler(self, request, *parts[1:])
        except ValueError as wrong:
            return answer({"error": str(wrong)}, 400)
        except LookupError as absent:
            return answer({"error": f"there is no {absent}"}, 404)

    def about(self, _request: Request) -> Response:
        """What this is."""
        return answer({**ABOUT, "services": {s.name: s.prefix for s in self._world.services.values()}})

    def ledger(self, request: Request) -> Response:
        """JSON lines, oldest first."""
        limit = request.query.get("limit")
        found = self._world.ledger.read(
            _instant(request.query.get("since")), request.query.get("service"), int(limit) if limit else None
        )
        return Response(200, b"".join(found), {"Content-Type": "application/x-ndjson"})

    def faults(self, _request: Request) -> Response:
        """The list in force."""
        return answer(self._world.faults.shown())

    def set_faults(self, request: Request) -> Response:
        """Replace the list."""
        return answer(self._world.faults.replace(request.json()))

    def writes(self, request: Request, wa_id: str) -> Response:
        """One customer writes."""
        wamid, update = self._update(wa_id, _object(request.json()))
        on = self._graph.business.deliver([update], _mess(request.query))
        return answer({"wamid": wamid, "message": update.item, "delivering": on})

    def all_write(self, request: Request) -> Response:
        """Many customers write, in one webhook."""
        answers = request.json()
        if not isinstance(answers, list) or not 0 < len(answers) <= MOST_UPDATES:
            raise ValueError(f"a list of 1 to {MOST_UPDATES} answers, each with its wa_id")
        made = [self._numbered(n, one) for n, one in enumerate(answers)]
        on = self._graph.business.deliver([update for _, update in made], _mess(request.query))
        return answer({"wamids": [wamid for wamid, _ in made], "delivering": on})

    def phones(self, _request: Request) -> Response:
        """Whose phone can be looked at."""
        return answer(phone.owners(self._graph.business))

    def phone(self, _request: Request, wa_id: str) -> Response:
        """One phone, and the records of its owner."""
        found = phone.phone(self._graph.business, _digits(wa_id))
        return answer({**found, "now": self._world.now(), "records": self._desk.of(found["customer"]["wa_id"])})

    def file(self, _request: Request, id: str) -> Response:
        """The bytes of a file, for whoever draws the phone."""
        found = self._graph.business.state.shelf.files.get(id)
        if found is None:
            raise LookupError(id)
        return Response(200, found.data, {"Content-Type": found.mime.partition(";")[0]})

    def carries(self, request: Request, wa_id: str, what: str) -> Response:
        """A message that another tool sent."""
        if what != "messages":
            raise LookupError(what)
        return answer(phone.carry(self._graph.business, _digits(wa_id), _object(request.json())).shown())

    def describe(self, request: Request, wa_id: str) -> Response:
        """What a customer is like."""
        return answer(self._graph.business.describe(_digits(wa_id), _object(request.json())).shown())

    def records(self, _request: Request, service: str, object: str) -> Response:
        """All records of one object."""
        return answer(self._world.services[service].records(object))

    def record(self, _request: Request, service: str, object: str, id: str) -> Response:
        """One record."""
        return answer(self._world.services[service].record(object, id))

    def change(self, request: Request, service: str, object: str, id: str) -> Response:
        """Change a record as a person in the vendor's screens would."""
        return answer(self._world.services[service].change(object, id, _object(request.json())))

    def template(self, request: Request, name: str, language: str) -> Response:
        """What Meta does to a template, its webhook included."""
        found = [t for t in self._graph.records("templates") if (t["name"], t["language"]) == (name, language)]
        if not found:
            raise LookupError(f"template {name} in {language}")
        return answer(self._graph.review.change(found[0], _object(request.json())))

    def webhook(self, request: Request) -> Response:
        """Where a service's webhooks go."""
        document = _object(request.json())
        self._world.subscribe(str(document.get("service", "graph")), str(document.get("url", "")))
        return answer(self._world.urls)

    def webhooks(self, request: Request) -> Response:
        """What became of them."""
        poster, urls = self._world.poster, self._world.urls
        seconds = min(float(request.query.get("wait", 0)), LONGEST_WAIT)
        settled = self._graph.business.webhooks.settled(seconds) and poster.wait(seconds)
        names = [*self._world.services, *(name for name in urls if name not in self._world.services)]
        found = {name: {"waiting": poster.waiting(name), **asdict(poster.tally(name))} for name in names}
        return answer({"settled": settled, **{name: {"url": urls.get(name), **one} for name, one in found.items()}})

    def clock(self, request: Request) -> Response:
        """Move the sandbox's clock forward."""
        seconds = _object(request.json()).get("advance")
        if not isinstance(seconds, int | float) or seconds < 0:
            raise ValueError("advance is a number of seconds; the clock only goes forward")
        self._world.advance(float(seconds))
        return answer({"now": self._world.now()})

    def expire(self, request: Request) -> Response:
        """Every access token of a service, or of all, ends at once."""
        asked = str(_object(request.json() or {}).get("service", ""))
        names = [asked] if asked else list(self._world.services)
        found = {name: self._world.services[name] for name in names}
        return answer({name: one.expire() for name, one in found.items() if isinstance(one, Granting)})

    def options(self, request: Request) -> Response:
        """How WhatsApp behaves; with a body, some of it changed until the next reset."""
        return answer(self._graph.options.change(_object(request.json()) if request.body else {}))

    def reset(self, _request: Request) -> Response:
        """Everything back to the start."""
        self._world.reset()
        self._desk.reset()
        return answer({"reset": True})

    def _numbered(self, n: int, one: object) -> tuple[str, Update]:
        try:
            answer = _object(one)
            return self._update(str(answer.get("wa_id", "")), answer)
        except ValueError as wrong:
            raise ValueError(f"answer {n}: {wrong}") from wrong

    def _update(self, wa_id: str, one: Mapping[str, Any]) -> tuple[str, Update]:
        key = _digits(wa_id)
        if isinstance(one.get("marketing"), str):
            return "", self._graph.business.prefer(key, one["marketing"])
        wamid = str(one.get("wamid") or new_wamid(key, "\x00\x12\x18"))
        return wamid, self._graph.business.hear(key, one, wamid)


Handler = Callable[..., Response]
ROUTES: Mapping[tuple[str, str, int], Handler] = {
    ("GET", "", 0): Control.about,
    ("GET", "_ledger", 1): Control.ledger,
    ("GET", "_faults", 1): Control.faults,
    ("POST", "_faults", 1): Control.set_faults,
    ("GET", "_customers", 1): Control.phones,
    ("GET", "_customers", 2): Control.phone,
    ("GET", "_files", 2): Control.file,
    ("POST", "_customers", 3): Control.carries,
    ("POST", "_customers", 1): Control.all_write,
    ("POST", "_customers", 2): Control.writes,
    ("PATCH", "_customers", 2): Control.describe,
    ("GET", "_records", 3): Control.records,
    ("GET", "_records", 4): Control.record,
    ("PATCH", "_records", 4): Control.change,
    ("POST", "_templates", 3): Control.template,
    ("POST", "_webhook", 1): Control.webhook,
    ("GET", "_webhooks", 1): Control.webhooks,
    ("POST", "_clock", 1): Control.clock,
    ("POST", "_expire", 1): Control.expire,
    ("GET", "_options", 1): Control.options,
    ("POST", "_options", 1): Control.options,
    ("POST", "_reset", 1): Control.reset,
}


def _object(document: object) -> dict[str, Any]:
    if not isinstance(document, dict):
        raise ValueError("the body is a JSON object")
    return document


def _digits(wa_id: str) -> str:
    """A wa_id (digits) or a BSUID, as it is."""
    key = wa_id.removeprefix("+")
    if "." not in key and not (key.isascii() and key.isdigit()):
        raise ValueError(f"{wa_id!r} is not a wa_id: digits with the country code, or a business-scoped user id")
    return key


def _mess(query: Mapping[str, str]) -> Mess | None:
    if not {"duplicate", "shuffle", "seed"} & set(query):
        return None
    seed = query.get("seed")
    shuffle = query.get("shuffle", "0") not in ("0", "", "false")
    return Mess(float(query.get("duplicate", 0)), shuffle, int(seed) if seed else None)


def _instant(given: str | None) -> float:
    """Unix seconds, from those or from ISO 8601."""
    if not given:
        return 0.0
    try:
        return float(given)
    except ValueError:
        return datetime.fromisoformat(given.replace(" ", "+")).timestamp()
