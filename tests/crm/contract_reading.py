"""What every CRM adapter must do for sending: records by id, who they are about, what changed, workflows that wait."""

from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import pytest

from connector.crm import connect
from connector.errors import Busy, GiveUp, NotAllowed, Unreachable
from connector.ports import CRM, Account, ActionDone, Page, Tokens, Where
from tests.town import Sandbox

LONG_AGO = datetime(2001, 1, 1, tzinfo=UTC)


class ReadingContract:
    """Inherit, name the class Test..., fill in the words and the hooks. A deal is whatever this CRM calls one."""

    # ---- the vendor's words --------------------------------------------------------------------------------------
    deal: ClassVar[str]  # the CRM's object for the word `deal` (or `opportunity`)
    word: ClassVar[str] = "deal"
    person: ClassVar[str]  # its object for a contact
    text: ClassVar[str]  # a plain text field of a deal
    number: ClassVar[str]  # a number field of a deal
    gone: ClassVar[str]  # an id in the vendor's form that no record has
    everything: ClassVar[str]  # fault route: any call
    service: ClassVar[str]  # the ledger's name of the stand-in

    # ---- hooks ---------------------------------------------------------------------------------------------------
    def account(self, url: str, **settings: Any) -> Account:
        """An account whose base-url is the stand-in below `url`."""
        raise NotImplementedError

    def tokens(self) -> Tokens:
        """A token store in memory."""
        raise NotImplementedError

    def add_deal(self, sandbox: Sandbox, **fields: str) -> str:
        """A new deal by the vendor's own API; its id."""
        raise NotImplementedError

    def add_person(self, sandbox: Sandbox, name: str) -> str:
        """A new contact by the vendor's own API; its id."""
        raise NotImplementedError

    def link(self, sandbox: Sandbox, deal: str, person: str, *, primary: bool = False) -> None:
        """Associate them."""
        raise NotImplementedError

    def edit(self, sandbox: Sandbox, deal: str, **fields: str) -> None:
        """Change a deal by the vendor's own API."""
        raise NotImplementedError

    def delete(self, sandbox: Sandbox, deal: str) -> None:
        """To the recycle bin."""
        raise NotImplementedError

    def combine(self, sandbox: Sandbox, into: str, gone: str) -> str:
        """Merge two contacts by the vendor's own API; the id that goes on."""
        raise NotImplementedError

    # ---- the ground ----------------------------------------------------------------------------------------------
    @pytest.fixture
    def crm(self, sandbox: Sandbox) -> CRM:
        """A connected account."""
        return connect(self.account(sandbox.url, country="MX"), self.tokens())

    def calls(self, sandbox: Sandbox) -> int:
        """Calls the stand-in heard so far."""
        return len(sandbox.ledger(self.service))

    def pages(self, crm: CRM, where: list[Where]) -> list[Page]:
        """Every page of a query."""
        found = [crm.query(self.deal, where, [self.text])]
        while found[-1].after:
            found.append(crm.query(self.deal, where, [self.text], after=found[-1].after))
        return found

    # ---- capabilities --------------------------------------------------------------------------------------------
    def test_the_words_of_the_language_name_objects(self, crm: CRM) -> None:
        assert (crm.can.objects[self.word], crm.can.objects["contact"]) == (self.deal, self.person)

    # ---- read ----------------------------------------------------------------------------------------------------
    def test_reads_what_is_there_under_the_ids_asked_for(self, sandbox: Sandbox, crm: CRM) -> None:
        ids = [self.add_deal(sandbox, **{self.text: f"Deal {n}", self.number: "1250.5"}) for n in range(3)]
        found = crm.read(self.deal, [*ids, self.gone, ids[0]], [self.text, self.number])
        assert list(found) == ids or set(found) == set(ids)
        assert [(found[i].id, found[i].object, found[i].fields[self.text]) for i in ids] == [
            (i, self.deal, f"Deal {n}") for n, i in enumerate(ids)
        ]
        assert {found[i].fields[self.number] for i in ids} == {1250.5}
        assert all(found[i].was is None and found[i].modified and found[i].modified.tzinfo for i in ids)

    def test_more_ids_than_a_call_takes_are_read_in_few_calls(self, sandbox: Sandbox, crm: CRM) -> None:
        known = self.add_deal(sandbox, **{self.text: "Known"})
        crm.read(self.deal, [known], [self.text])  # whatever is learnt once
        before = self.calls(sandbox)
        many = [known, *[self.add_deal(sandbox, **{self.text: f"D{n}"}) for n in range(crm.can.read_batch + 5)]]
        added = self.calls(sandbox) - before
        assert set(crm.read(self.deal, many, [self.text])) == set(many)
        assert self.calls(sandbox) - before - added <= 2

    def test_nothing_asked_costs_nothing(self, sandbox: Sandbox, crm: CRM) -> None:
        before = self.calls(sandbox)
        assert crm.read(self.deal, [], [self.text]) == {}
        assert crm.related(self.deal, [], self.person) == {}
        assert crm.complete([]) == []
        assert self.calls(sandbox) == before

    @pytest.mark.parametrize("id", ["", "x", "١٢", "1' OR Id != '", "9" * 300])
    def test_what_is_no_id_is_nobody(self, crm: CRM, id: str) -> None:
        assert crm.read(self.deal, [id], [self.text]) == {}
        assert crm.related(self.deal, [id], self.person) == {id: []}

    def test_deleted_records_are_absent(self, sandbox: Sandbox, crm: CRM) -> None:
        kept, deleted = (self.add_deal(sandbox, **{self.text: name}) for name in ("Kept", "Deleted"))
        self.delete(sandbox, deleted)
        assert set(crm.read(self.deal, [kept, deleted], [self.text])) == {kept}

    def test_a_merged_record_is_the_one_that_goes_on(self, sandbox: Sandbox, crm: CRM) -> None:
        first, second = (self.add_person(sandbox, name) for name in ("Ruiz", "Luna"))
        now = self.combine(sandbox, first, second)
        found = crm.read(self.person, [second], [])
        assert (found[second].id, found[second].was) == (now, second)

    # ---- related -------------------------------------------------------------------------------------------------
    def test_every_id_is_answered_and_the_primary_one_stands_first(self, sandbox: Sandbox, crm: CRM) -> None:
        alone, several = (self.add_deal(sandbox, **{self.text: name}) for name in ("Alone", "Several"))
        people = [self.add_person(sandbox, name) for name in ("Ruiz", "Luna", "Paz")]
        for person in people:
            self.link(sandbox, several, person, primary=person == people[2])
        found = crm.related(self.deal, [alone, several, self.gone], self.person)
        assert (found[alone], found[self.gone]) == ([], [])
        assert {one.id for one in found[several]} == set(people)
        assert [one.primary for one in found[several]] == [True, False, False]
        assert {one.object for one in found[several]} == {self.person}
        assert found[several][0].id == people[2]

    def test_the_only_one_is_found_for_many_at_once(self, sandbox: Sandbox, crm: CRM) -> None:
        deals = [self.add_deal(sandbox, **{self.text: f"D{n}"}) for n in range(5)]
        people = [self.add_person(sandbox, f"P{n}") for n in range(5)]
        for deal, person in zip(deals, people, strict=True):
            self.link(sandbox, deal, person)
        crm.related(self.deal, deals[:1], self.person)  # whatever is learnt once
        before = self.calls(sandbox)
        found = crm.related(self.deal, deals, self.person)
        assert [[one.id for one in found[deal]] for deal in deals] == [[person] for person in people]
        assert self.calls(sandbox) - before <= 3

    # ---- query ---------------------------------------------------------------------------------------------------
    def test_every_condition_is_met(self, sandbox: Sandbox, crm: CRM) -> None:
        wanted = self.add_deal(sandbox, **{self.text: "Roof", self.number: "900"})
        self.add_deal(sandbox, **{self.text: "Roof", self.number: "899"})
        self.add_deal(sandbox, **{self.text: "Wall", self.number: "901"})
        where = [Where(self.text, "eq", "Roof"), Where(self.number, "ge", 900)]
        page = crm.query(self.deal, where, [self.text, self.number])
        assert [(one.id, one.fields[self.text], one.fields[self.number]) for one in page.records] == [
            (wanted, "Roof", 900)
        ]
        assert (page.after, page.total) == ("", 1)
        below = crm.query(self.deal, [where[0], Where(self.number, "lt", 900)], [])
        assert wanted not in [one.id for one in below.records]
        assert len(below.records) == 1

    def test_what_changed_comes_in_its_order(self, sandbox: Sandbox, crm: CRM) -> None:
        ids = [self.add_deal(sandbox, **{self.text: f"D{n}"}) for n in range(3)]
        read = crm.read(self.deal, ids, [self.text])
        since = max(one.modified for one in read.values() if one.modified)
        self.edit(sandbox, ids[2], **{self.text: "Later"})
        self._edit_later(sandbox, crm, ids[0], than=ids[2])
        changed = [one.id for page in self.pages(crm, [Where("", "ge", since)]) for one in page.records]
        assert [id for id in changed if id in (ids[0], ids[2])] == [ids[2], ids[0]]
        assert self.pages(crm, [Where("", "ge", datetime.now(UTC) + timedelta(days=2))])[0].records == ()

    def _edit_later(self, sandbox: Sandbox, crm: CRM, id: str, *, than: str) -> None:
        """Change a deal until the CRM's clock has moved on since the other changed."""
        for n in range(2_000):
            self.edit(sandbox, id, **{self.text: f"Later {n}"})
            found = crm.read(self.deal, [id, than], [])
            one, other = found[id].modified, found[than].modified
            if one and other and one > other:
                return
        raise AssertionError("the clock stands still")

    def test_pages_lose_and_repeat_nothing(self, sandbox: Sandbox, crm: CRM) -> None:
        ids = {self.add_deal(sandbox, **{self.text: f"Same {n}"}) for n in range(12)}
        for where in ([], [Where("", "ge", LONG_AGO)]):
            found = [one.id for page in self.pages(crm, where) for one in page.records]
            assert len(found) == len(set(found))
            assert ids <= set(found)

    def test_a_field_that_is_not_there_is_said_so(self, crm: CRM) -> None:
        with pytest.raises(GiveUp, match="no_such_field_at_all"):
            crm.query(self.deal, [Where("no_such_field_at_all", "eq", "x")], [self.text])

    @pytest.mark.parametrize("after", ["x", "0 OR 1", "9" * 60, ">", "="])
    def test_a_page_that_was_never_given_is_refused(self, crm: CRM, after: str) -> None:
        with pytest.raises(GiveUp):
            crm.query(self.deal, [Where("", "ge", LONG_AGO)], [], after=after)

    # ---- complete ------------------------------------------------------------------------------------------------
    def test_a_workflow_nobody_knows_is_refused_in_words(self, crm: CRM) -> None:
        actions = [ActionDone(id=str(n), callback=f"nobody-{n}", ok=bool(n)) for n in range(3)]
        outcomes = crm.complete(actions)
        assert [outcome.state for outcome in outcomes] == ["refused"] * 3
        assert all(outcome.text and outcome.code for outcome in outcomes)

    # ---- bad days ------------------------------------------------------------------------------------------------
    @pytest.mark.parametrize("kind,error", [("429", Busy), ("expired", NotAllowed), ("5xx", Unreachable)])
    def test_a_bad_day_is_typed(self, sandbox: Sandbox, crm: CRM, kind: str, error: type[Exception]) -> None:
        id = self.add_deal(sandbox, **{self.text: "D"})
        sandbox.faults({"route": self.everything, "kind": kind})
        for call in (
            lambda: crm.read(self.deal, [id], [self.text]),
            lambda: crm.related(self.deal, [id], self.person),
            lambda: crm.query(self.deal, [Where("", "ge", LONG_AGO)], [self.text]),
        ):
            with pytest.raises(error):
                call()
