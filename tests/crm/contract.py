"""What every CRM adapter must do, said once: a folder's tests inherit CRMContract and fill in the vendor's words."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar

import pytest

from connector.core import phone
from connector.crm import connect, manifest
from connector.errors import Busy, NotAllowed, Unreachable
from connector.ports import CRM, Account, ActivityChange, ContactKey, RecordChange, Tokens, fence
from tests.crm import attaching
from tests.town import Sandbox

WA_ID = "5215519370264"  # a Mexican subscriber, spelled as WhatsApp does
OTHER = "573157770123"
USER_ID = "MX.13491208655302741918"
AT = datetime(2026, 11, 20, 15, 48, 22, tzinfo=UTC)
CLOSED = "http://127.0.0.1:1"  # nothing listens on port 1


def key(contact: str = "c1", **given: Any) -> ContactKey:
    """A contact to be found; `wa_id` brings every spelling of its phone."""
    given.setdefault("phones", phone.spellings(given.get("wa_id") or ""))
    return ContactKey(**{"contact": contact, "objects": ("?",)} | given)


def _no() -> None:
    raise fence.Late


class CRMContract:
    """Inherit, name the class Test..., fill in the words and the hooks."""

    # ---- the vendor's words --------------------------------------------------------------------------------------
    object: ClassVar[str]
    text: ClassVar[str]  # a plain text field
    too_long: ClassVar[int]  # characters that field does not take
    choice: ClassVar[tuple[str, str]]  # a field with options, and one of its values
    read_only: ClassVar[str]
    phone: ClassVar[str]
    first_name: ClassVar[str]
    last_name: ClassVar[str]
    types: ClassVar[dict[str, str]]  # some fields and our word for their type
    gone: ClassVar[str]  # an id in the vendor's form that no record has
    secrets: ClassVar[tuple[str, ...]]  # what no error may ever show
    everything: ClassVar[str]  # fault route: any call
    creating: ClassVar[str]  # fault route: the call that makes a timeline message
    calls_for_a_batch: ClassVar[int]  # calls one full batch of known records may cost

    # ---- hooks ---------------------------------------------------------------------------------------------------
    def account(self, url: str, **settings: Any) -> Account:
        """An account whose base-url is the stand-in below `url`."""
        raise NotImplementedError

    def tokens(self) -> Tokens:
        """A token store in memory."""
        raise NotImplementedError

    def add(self, sandbox: Sandbox, **fields: str) -> str:
        """A new record by the vendor's own API, under the vendor's field names; its id."""
        raise NotImplementedError

    def merge(self, sandbox: Sandbox, into: str, gone: str) -> str:
        """Merge two records by the vendor's own API; the id that goes on."""
        raise NotImplementedError

    def value(self, sandbox: Sandbox, id: str, field: str) -> Any:
        """What the stand-in holds; "" and absent are None."""
        raise NotImplementedError

    def entries(self, sandbox: Sandbox, kind: str) -> list[dict[str, Any]]:
        """Timeline entries of one kind as {text, owner, title, record}, whatever record they are on."""
        raise NotImplementedError

    def own(self, sandbox: Sandbox, id: str) -> str:
        """Give the record an owner; the owner's id."""
        raise NotImplementedError

    def without_our_fields(self, sandbox: Sandbox) -> None:
        """Delete our two unique fields, as in an account that never saw us."""
        raise NotImplementedError

    # ---- the ground ----------------------------------------------------------------------------------------------
    @pytest.fixture
    def crm(self, sandbox: Sandbox) -> CRM:
        """A connected account whose own fields exist."""
        adapter = connect(self.account(sandbox.url, country="MX"), self.tokens())
        adapter.check(fix=True)
        return adapter

    def ask(self, contact: str = "c1", **given: Any) -> ContactKey:
        """A key for this CRM's object."""
        return key(contact, objects=(self.object,), **given)

    def change(self, id: str = "1", **given: Any) -> RecordChange:
        """A change of this CRM's object."""
        return RecordChange(id=id, object=self.object, **given)

    def message(self, record: str, id: str = "1", **given: Any) -> ActivityChange:
        """A timeline entry on this CRM's object."""
        words = {"kind": "message", "text": "Me interesa", "ref": "01a2056f8120-7", "at": AT} | given
        return ActivityChange(id=id, object=self.object, record=record, **words)

    def ours(self, crm: CRM) -> tuple[str, str]:
        """Our two unique fields."""
        return crm.can.identity["wa_id"], crm.can.identity["user_id"]

    # ---- find ----------------------------------------------------------------------------------------------------
    def test_finds_by_record_id_with_the_fields_asked_for(self, sandbox: Sandbox, crm: CRM) -> None:
        id = self.add(sandbox, **{self.text: "Florist", self.last_name: "Ruiz"})
        asked = self.ask(record=(self.object, id))
        [found] = crm.find([asked], [self.text, self.last_name])[asked]
        assert (found.id, found.object, found.found_by, found.was) == (id, self.object, "id", None)
        assert (found.fields[self.text], found.fields[self.last_name]) == ("Florist", "Ruiz")

    def test_an_empty_field_is_none(self, sandbox: Sandbox, crm: CRM) -> None:
        id = self.add(sandbox, **{self.last_name: "Ruiz"})
        asked = self.ask(record=(self.object, id))
        assert crm.find([asked], [self.text])[asked][0].fields[self.text] is None

    @pytest.mark.parametrize("given", [{"wa_id": WA_ID}, {"user_id": USER_ID}], ids=["wa_id", "user_id"])
    def test_finds_by_our_own_field(self, sandbox: Sandbox, crm: CRM, given: dict[str, str]) -> None:
        names = dict(zip(("wa_id", "user_id"), self.ours(crm), strict=True))
        [(kind, value)] = given.items()
        id = self.add(sandbox, **{names[kind]: value, self.last_name: "Ruiz"})
        asked = self.ask(**given)
        [found] = crm.find([asked], [])[asked]
        assert (found.id, found.found_by) == (id, "whatsapp")
        assert found.fields[names[kind]] == value

    @pytest.mark.parametrize("typed", ["+525519370264", "+52 1 55 1937 0264", "55 1937 0264", "(55) 1937-0264"])
    def test_finds_by_phone_however_it_was_typed(self, sandbox: Sandbox, crm: CRM, typed: str) -> None:
        id = self.add(sandbox, **{self.phone: typed, self.last_name: "Ruiz"})
        asked = self.ask(wa_id=WA_ID)
        [found] = crm.find([asked], [self.phone])[asked]
        assert (found.id, found.found_by, found.fields[self.phone]) == (id, "phone", typed)

    def test_the_same_national_number_in_another_country_is_nobody(self, sandbox: Sandbox, crm: CRM) -> None:
        self.add(sandbox, **{self.phone: "+1 551 937 0264", self.last_name: "Jersey"})
        asked = self.ask(wa_id=WA_ID)
        assert crm.find([asked], []) == {asked: []}

    def test_several_are_all_given_and_none_is_picked(self, sandbox: Sandbox, crm: CRM) -> None:
        ids = {self.add(sandbox, **{self.phone: "+525519370264", self.last_name: name}) for name in ("Ruiz", "Paz")}
        asked = self.ask(wa_id=WA_ID)
        assert {record.id for record in crm.find([asked], [])[asked]} == ids

    def test_phone_is_not_searched_unless_allowed(self, sandbox: Sandbox, crm: CRM) -> None:
        self.add(sandbox, **{self.phone: "+525519370264", self.last_name: "Ruiz"})
        asked = self.ask(wa_id=WA_ID, find_by=("whatsapp",))
        assert crm.find([asked], []) == {asked: []}

    def test_every_key_is_in_the_answer(self, sandbox: Sandbox, crm: CRM) -> None:
        id = self.add(sandbox, **{self.phone: "+573157770123", self.last_name: "Luna"})
        keys = [self.ask("a", wa_id=OTHER), self.ask("b", wa_id="573157770999"), self.ask("c", user_id="CO.1")]
        found = crm.find([*keys, self.ask("d", record=(self.object, self.gone), find_by=())], [])
        assert [[record.id for record in found[k]] for k in keys] == [[id], [], []]
        assert len(found) == 4

    def test_nothing_asked_costs_nothing(self, crm: CRM) -> None:
        assert crm.find([], [self.text]) == {}
        assert crm.write([]) == []

    def test_a_merged_record_is_followed(self, sandbox: Sandbox, crm: CRM) -> None:
        kept, gone = (self.add(sandbox, **{self.last_name: name, self.text: name}) for name in ("Ruiz", "Paz"))
        now = self.merge(sandbox, kept, gone)
        asked = self.ask(record=(self.object, gone))
        [found] = crm.find([asked], [self.last_name])[asked]
        assert (found.id, found.was) == (now, gone)

    # ---- write ---------------------------------------------------------------------------------------------------
    def test_outcomes_come_in_the_order_of_the_changes(self, sandbox: Sandbox, crm: CRM) -> None:
        ids = [self.add(sandbox, **{self.last_name: f"Ruiz {n}"}) for n in range(3)]
        order = [ids[2], ids[0], ids[1]]
        outcomes = crm.write([self.change(i, record=i, fields={self.text: f"job {i}"}) for i in order])
        assert [(o.state, o.record, o.created) for o in outcomes] == [("done", i, False) for i in order]
        assert [self.value(sandbox, i, self.text) for i in ids] == [f"job {i}" for i in ids]

    def test_one_row_refused_leaves_the_others_written(self, sandbox: Sandbox, crm: CRM) -> None:
        id = self.add(sandbox, **{self.last_name: "Ruiz"})
        changes = [self.change(str(n), record=i, fields={self.text: "x"}) for n, i in enumerate([self.gone, id])]
        assert [o.state for o in crm.write(changes)] == ["refused", "done"]
        assert self.value(sandbox, id, self.text) == "x"

    def test_an_option_the_crm_does_not_have_holds_back_only_itself(self, sandbox: Sandbox, crm: CRM) -> None:
        ids = [self.add(sandbox, **{self.last_name: f"Ruiz {n}"}) for n in range(3)]
        fields = [{self.text: "x", self.choice[0]: option} for option in (self.choice[1], "no such", self.choice[1])]
        outcomes = crm.write([self.change(i, record=i, fields=f) for i, f in zip(ids, fields, strict=True)])
        assert [(o.state, set(o.refused)) for o in outcomes] == [
            ("done", set()),
            ("done", {self.choice[0]}),
            ("done", set()),
        ]
        assert [self.value(sandbox, i, self.choice[0]) for i in ids] == [self.choice[1], None, self.choice[1]]
        assert [self.value(sandbox, i, self.text) for i in ids] == ["x", "x", "x"]
        assert outcomes[1].refused[self.choice[0]]

    @pytest.mark.parametrize("what", ["too long", "unknown", "read only"])
    def test_one_bad_field_is_dropped_and_reported(self, sandbox: Sandbox, crm: CRM, what: str) -> None:
        id = self.add(sandbox, **{self.first_name: "Ana", self.last_name: "Ruiz"})
        bad = {"too long": self.text, "unknown": "no_such_field_x", "read only": self.read_only}[what]
        fields = {bad: "x" * (self.too_long if what == "too long" else 1), self.first_name: "Eva"}
        [outcome] = crm.write([self.change(record=id, fields=fields)])
        assert (outcome.state, set(outcome.refused)) == ("done", {bad})
        assert self.value(sandbox, id, self.first_name) == "Eva"

    def test_a_record_with_nothing_left_to_write_is_refused(self, sandbox: Sandbox, crm: CRM) -> None:
        id = self.add(sandbox, **{self.last_name: "Ruiz"})
        [outcome] = crm.write([self.change(record=id, fields={self.choice[0]: "no such"})])
        assert (outcome.state, set(outcome.refused)) == ("refused", {self.choice[0]})
        assert outcome.text

    def test_none_empties_a_field(self, sandbox: Sandbox, crm: CRM) -> None:
        id = self.add(sandbox, **{self.last_name: "Ruiz", self.text: "Florist"})
        assert [o.state for o in crm.write([self.change(record=id, fields={self.text: None})])] == ["done"]
        assert self.value(sandbox, id, self.text) is None

    def test_a_newcomer_is_created_with_name_phone_and_our_ids(self, sandbox: Sandbox, crm: CRM) -> None:
        newcomer = self.change(
            wa_id=WA_ID, user_id=USER_ID, name="Ana Ruiz", phone="+525519370264", fields={self.text: "x"}
        )
        [outcome] = crm.write([newcomer])
        assert (outcome.state, outcome.created) == ("done", True)
        assert outcome.record is not None
        held = [self.value(sandbox, outcome.record, f) for f in (self.phone, self.text, *self.ours(crm))]
        assert held == ["+525519370264", "x", WA_ID, USER_ID]
        names = [self.value(sandbox, outcome.record, f) for f in (self.first_name, self.last_name)]
        assert " ".join(name for name in names if name) == "Ana Ruiz"

    @pytest.mark.parametrize("who", [{"wa_id": WA_ID}, {"user_id": USER_ID}], ids=["wa_id", "user_id"])
    def test_a_newcomer_without_a_name_is_created_once(self, sandbox: Sandbox, crm: CRM, who: dict[str, str]) -> None:
        first, second = (crm.write([self.change(fields={self.text: t}, **who)])[0] for t in ("one", "two"))
        assert (first.state, first.created, second.state, second.created) == ("done", True, "done", False)
        assert first.record is not None
        assert first.record == second.record
        assert self.value(sandbox, first.record, self.text) == "two"

    def test_whoever_is_there_already_keeps_the_name(self, sandbox: Sandbox, crm: CRM) -> None:
        there = {self.ours(crm)[0]: WA_ID, self.first_name: "Doctora Ana", self.last_name: "Ruiz"}
        id = self.add(sandbox, **there)
        [outcome] = crm.write(
            [self.change(wa_id=WA_ID, name="anita :)", phone="+525519370264", fields={self.text: "x"})]
        )
        assert (outcome.record, outcome.created) == (id, False)
        assert [self.value(sandbox, id, f) for f in (self.first_name, self.last_name)] == ["Doctora Ana", "Ruiz"]
        assert self.value(sandbox, id, self.text) == "x"

    def test_four_at_once_make_one_record(self, sandbox: Sandbox, crm: CRM) -> None:
        with ThreadPoolExecutor(4) as pool:
            changes = [self.change(str(n), wa_id=WA_ID, name="Ana Ruiz", fields={self.text: "x"}) for n in range(4)]
            outcomes = [o for one in pool.map(lambda c: crm.write([c]), changes) for o in one]
        done = {o.record for o in outcomes if o.state == "done"}
        assert len(done) == 1
        asked = self.ask(wa_id=WA_ID, find_by=("whatsapp",))
        assert [record.id for record in crm.find([asked], [])[asked]] == list(done)

    def test_a_bad_field_does_not_stop_a_newcomer(self, sandbox: Sandbox, crm: CRM) -> None:
        fields = {self.choice[0]: "no such", self.text: "x"}
        [outcome] = crm.write([self.change(wa_id=WA_ID, name="Ana Ruiz", fields=fields)])
        assert (outcome.state, outcome.created, set(outcome.refused)) == ("done", True, {self.choice[0]})

    def test_a_full_batch_costs_few_calls(self, sandbox: Sandbox, crm: CRM) -> None:
        newcomers = [self.change(str(n), wa_id=f"57300{n:07}", name=f"Person {n}") for n in range(crm.can.batch)]
        ids = [o.record for o in crm.write(newcomers)]
        assert len(set(ids)) == crm.can.batch
        before = len(sandbox.ledger(self.account("").kind))
        outcomes = crm.write([self.change(str(i), record=i, fields={self.text: str(n)}) for n, i in enumerate(ids)])
        assert [o.record for o in outcomes] == ids
        assert len(sandbox.ledger(self.account("").kind)) - before <= self.calls_for_a_batch

    # ---- timeline ------------------------------------------------------------------------------------------------
    @pytest.mark.parametrize("kind", ["message", "note"])
    def test_an_entry_stands_on_the_record_with_our_ref(self, sandbox: Sandbox, crm: CRM, kind: str) -> None:
        id = self.add(sandbox, **{self.last_name: "Ruiz"})
        [outcome] = crm.write([self.message(id, kind=kind, text="Sí <b>quiero</b>")])
        assert outcome.state == "done"
        assert outcome.activity
        [entry] = self.entries(sandbox, kind)
        assert entry["record"] == id
        assert "01a2056f8120-7" in entry["text"]
        assert "Sí" in entry["text"]

    def test_entries_come_back_in_order(self, sandbox: Sandbox, crm: CRM) -> None:
        ids = [self.add(sandbox, **{self.last_name: f"Ruiz {n}"}) for n in range(3)]
        changes = [self.message(i, id=str(n), ref=f"01a2056f8120-{n}") for n, i in enumerate([ids[2], ids[0], ids[1]])]
        outcomes = crm.write(changes)
        assert [o.state for o in outcomes] == ["done"] * 3
        assert len({o.activity for o in outcomes}) == 3
        on = {entry["record"]: entry["text"] for entry in self.entries(sandbox, "message")}
        assert [change.ref in on[change.record] for change in changes] == [True] * 3

    @pytest.mark.parametrize("kind", ["message", "note", "task"])
    def test_an_entry_that_arrived_is_not_made_again(self, sandbox: Sandbox, crm: CRM, kind: str) -> None:
        id = self.add(sandbox, **{self.last_name: "Ruiz"})
        [first] = crm.write([self.message(id, kind=kind, title="Call back")])
        [second] = crm.write([self.message(id, kind=kind, title="Call back", look_first=True)])
        assert (second.state, second.activity) == ("done", first.activity)
        assert len(self.entries(sandbox, kind)) == 1

    def test_an_entry_that_an_older_release_made_is_not_made_again(self, sandbox: Sandbox, crm: CRM) -> None:
        """Its ref is built otherwise, and its process was ended before it could write the outcome down."""
        id = self.add(sandbox, **{self.last_name: "Ruiz"})
        [first] = crm.write([self.message(id, ref="01a2056f8120-31")])
        again = self.message(id, ref="01a2056f8120-L0-77aa", former="01a2056f8120-31", look_first=True)
        [second] = crm.write([again])
        assert (second.state, second.activity) == ("done", first.activity)
        assert len(self.entries(sandbox, "message")) == 1

    def test_an_entry_that_did_not_arrive_is_made(self, sandbox: Sandbox, crm: CRM) -> None:
        id = self.add(sandbox, **{self.last_name: "Ruiz"})
        crm.write([self.message(id, ref="01a2056f8120-6")])
        [outcome] = crm.write([self.message(id, look_first=True)])
        assert outcome.state == "done"
        assert len(self.entries(sandbox, "message")) == 2

    def test_an_answer_lost_on_the_way_is_told_as_such(self, sandbox: Sandbox, crm: CRM) -> None:
        id = self.add(sandbox, **{self.last_name: "Ruiz"})
        sandbox.faults({"route": self.creating, "kind": "drop_after", "times": 1})
        with pytest.raises(Unreachable) as lost:
            crm.write([self.message(id)])
        assert lost.value.sent
        assert crm.write([self.message(id, look_first=True)])[0].state == "done"
        assert len(self.entries(sandbox, "message")) == 1

    def test_a_task_goes_to_the_owner_of_the_record(self, sandbox: Sandbox, crm: CRM) -> None:
        id = self.add(sandbox, **{self.last_name: "Ruiz"})
        owner = self.own(sandbox, id)
        [outcome] = crm.write([self.message(id, kind="task", title="Call Ana", text="wants a demo", owner="owner")])
        assert outcome.state == "done"
        [task] = self.entries(sandbox, "task")
        assert (task["owner"], task["title"], task["record"]) == (owner, "Call Ana", id)

    # ---- bad days ------------------------------------------------------------------------------------------------
    def test_a_rate_limit_says_when_to_come_back(self, sandbox: Sandbox, crm: CRM) -> None:
        id = self.add(sandbox, **{self.last_name: "Ruiz"})
        sandbox.faults({"route": self.everything, "kind": "429"})
        for call in (lambda: crm.find([self.ask(record=(self.object, id))], []), lambda: crm.write([self.message(id)])):
            with pytest.raises(Busy) as busy:
                call()
            assert busy.value.after is None or busy.value.after > 0
        assert self.entries(sandbox, "message") == []

    def test_a_revoked_token_needs_a_person(self, sandbox: Sandbox, crm: CRM) -> None:
        id = self.add(sandbox, **{self.last_name: "Ruiz"})
        sandbox.faults({"route": self.everything, "kind": "expired"})
        with pytest.raises(NotAllowed) as refused:
            crm.find([self.ask(record=(self.object, id))], [])
        assert refused.value.hint

    @pytest.mark.parametrize("kind", ["5xx", "drop_before", "half", "down"])
    def test_a_broken_answer_is_unreachable(self, sandbox: Sandbox, crm: CRM, kind: str) -> None:
        id = self.add(sandbox, **{self.last_name: "Ruiz"})
        sandbox.faults({"route": self.everything, "kind": kind})
        with pytest.raises(Unreachable) as broken:
            crm.write([self.change(record=id, fields={self.text: "x"})])
        assert broken.value.sent
        assert "<" not in str(broken.value)

    def test_a_host_that_is_not_there_was_not_reached(self, sandbox: Sandbox) -> None:
        crm = connect(self.account(CLOSED), self.tokens())
        with pytest.raises(Unreachable) as broken:
            crm.find([self.ask(wa_id=WA_ID)], [])
        assert not broken.value.sent

    @pytest.mark.parametrize("kind", ["429", "expired", "5xx", "half", "down"])
    def test_no_error_shows_a_secret(self, sandbox: Sandbox, crm: CRM, kind: str) -> None:
        sandbox.faults({"route": self.everything, "kind": kind})
        with pytest.raises((Busy, NotAllowed, Unreachable)) as told:
            crm.find([self.ask(wa_id=WA_ID)], [])
        error = told.value
        shown = "".join(map(repr, (error, str(error), error.hint, error.facts, error.__cause__, crm, self.account(""))))
        assert not [secret for secret in self.secrets if secret in shown]
        assert error.__cause__ is None or error.__suppress_context__

    # ---- set-up --------------------------------------------------------------------------------------------------
    def test_fields_are_described(self, crm: CRM) -> None:
        fields = {field.name: field for field in crm.fields(self.object)}
        assert {name: fields[name].type for name in self.types} == self.types
        assert self.choice[1] in [value for value, _ in fields[self.choice[0]].options]
        assert not fields[self.read_only].writable
        assert fields[self.text].writable
        assert [fields[name].unique for name in self.ours(crm)] == [True, True]
        assert fields[self.text].label

    def test_check_finds_the_missing_fields_and_mends_them_once(self, sandbox: Sandbox) -> None:
        self.without_our_fields(sandbox)
        crm = connect(self.account(sandbox.url), self.tokens())
        missing = [issue for issue in crm.check() if issue.fix]
        assert len(missing) == 2
        rounds = [[issue for issue in crm.check(fix=fix) if issue.fix] for fix in (True, True, False)]
        assert rounds == [[], [], []]
        calls = [self._writes(sandbox) for _ in (crm.check(fix=True), crm.check(fix=True))]
        assert all(before == after for before, after in pairwise(calls))

    def _writes(self, sandbox: Sandbox) -> int:
        """Calls so far that created something."""
        return sum(call["status"] == 201 for call in sandbox.ledger(self.account("").kind))

    def test_it_says_whose_the_credentials_are(self, crm: CRM) -> None:
        """Under the name of the setting that what it sends us is routed by."""
        assert any(value for name, value in crm.whoami().items() if name in manifest(self.account("").kind).owners)

    def test_check_tells_of_a_revoked_token(self, sandbox: Sandbox, crm: CRM) -> None:
        sandbox.faults({"route": self.everything, "kind": "expired"})
        [issue, *_] = crm.check()
        assert issue.message
        assert not issue.fix

    # ---- the fence -----------------------------------------------------------------------------------------------
    def test_every_request_of_a_write_asks_before_it_leaves(self, sandbox: Sandbox, crm: CRM, tmp_path: Path) -> None:
        ids = [self.add(sandbox, **{self.last_name: f"Ruiz {n}"}) for n in range(2)]
        asked: list[int] = []
        fields = {self.text: "x", self.choice[0]: "no such"}
        calls: list[Callable[[], Any]] = [
            lambda: crm.write([self.change(i, record=i, fields=fields) for i in ids]),
            lambda: crm.write([self.change(wa_id=WA_ID, name="Ana Ruiz", fields={self.text: "x"})]),
            lambda: crm.write([self.message(ids[0], look_first=True)]),
            lambda: crm.attach([attaching.change(tmp_path, self.object, ids[0], look_first=True)]),
        ]
        kind = self.account("").kind
        for call in calls:
            before = len(sandbox.ledger(kind))
            asked.clear()
            with fence.asked(lambda: asked.append(1)):
                call()
            assert len(asked) >= len(sandbox.ledger(kind)) - before > 0
            before = len(sandbox.ledger(kind))
            with pytest.raises(fence.Late), fence.asked(_no):
                call()
            assert len(sandbox.ledger(kind)) == before

    # ---- files ---------------------------------------------------------------------------------------------------
    def files(self, sandbox: Sandbox) -> list[str]:
        """The records that files are on, one for each."""
        raise NotImplementedError

    def test_a_file_is_put_on_its_record_once(self, sandbox: Sandbox, crm: CRM, tmp_path: Path) -> None:
        id = self.add(sandbox, **{self.last_name: "Ruiz"})
        [first] = crm.attach([attaching.change(tmp_path, self.object, id)])
        assert (first.state, bool(first.activity)) == ("done", True)
        [second] = crm.attach([attaching.change(tmp_path, self.object, id, look_first=True)])
        assert (second.state, second.activity) == ("done", first.activity)
        again = attaching.change(tmp_path, self.object, id, ref="abc-9", look_first=True)
        [third] = crm.attach([replace(again, former=attaching.change(tmp_path, self.object, id).ref)])
        assert (third.state, third.activity) == ("done", first.activity)
        [other] = crm.attach([attaching.change(tmp_path, self.object, id, ref="abc-2", look_first=True)])
        assert (other.state, other.activity == first.activity) == ("done", False)
        assert self.files(sandbox) == [id] * 2

    def test_a_file_for_nobody_is_refused_and_holds_nobody(self, sandbox: Sandbox, crm: CRM, tmp_path: Path) -> None:
        id = self.add(sandbox, **{self.last_name: "Ruiz"})
        wrong = attaching.change(tmp_path, self.object, self.gone)
        outcomes = crm.attach([wrong, attaching.change(tmp_path, self.object, id, ref="abc-3")])
        assert [one.state for one in outcomes] == ["refused", "done"]
        assert outcomes[0].text
