"""What every CRM adapter must do for broadcasts: lists of people by name and by id, in pages, with their fields."""

from collections.abc import Sequence
from typing import Any, ClassVar

import pytest

from connector.core.audience import Source
from connector.crm import connect
from connector.errors import GiveUp, NotFound, Unreachable
from connector.ports import CRM, Account, Tokens
from tests.town import Sandbox


class AudienceContract:
    """Inherit, name the class Test..., fill in the hooks. `kind`: which of the CRM's lists these are."""

    kind: ClassVar[str]
    name_field: ClassVar[str]  # a field of a person that holds what `add_people` was given
    pages: ClassVar[int]  # people on a page, 0 = everybody stands on one

    def account(self, url: str) -> Account:
        raise NotImplementedError

    def tokens(self) -> Tokens:
        raise NotImplementedError

    def add_people(self, sandbox: Sandbox, names: Sequence[str]) -> list[str]:
        """New people by the vendor's own API; their ids."""
        raise NotImplementedError

    def add_list(self, sandbox: Sandbox, name: str, ids: Sequence[str]) -> str:
        """A list of them; its id."""
        raise NotImplementedError

    @pytest.fixture
    def crm(self, sandbox: Sandbox) -> CRM:
        return connect(self.account(sandbox.url), self.tokens())

    def everybody(self, crm: CRM, value: str, fields: Sequence[str] = ()) -> list[Any]:
        source = Source(kind=self.kind, value=value)
        page = crm.audience(source, fields)
        found = list(page.records)
        while page.after:
            page = crm.audience(source, fields, after=page.after)
            found += page.records
        return found

    def test_people_come_with_their_fields_by_name_and_by_id(self, crm: CRM, sandbox: Sandbox) -> None:
        assert self.kind in crm.can.audiences
        ids = self.add_people(sandbox, ["Zoe", "Yara"])
        list_ = self.add_list(sandbox, "Spring customers, ñ", ids)
        for value in ("Spring customers, ñ", list_):
            found = self.everybody(crm, value, [self.name_field])
            assert {(r.id, r.fields[self.name_field]) for r in found} == set(zip(ids, ["Zoe", "Yara"], strict=True))

    def test_a_long_list_comes_whole_and_each_person_once(self, crm: CRM, sandbox: Sandbox) -> None:
        many = self.pages + 3 if self.pages else 30
        ids = self.add_people(sandbox, [f"P{n}" for n in range(many)])
        found = self.everybody(crm, self.add_list(sandbox, "Many", ids))
        assert sorted(r.id for r in found) == sorted(ids)

    def test_an_empty_list_is_nobody(self, crm: CRM, sandbox: Sandbox) -> None:
        assert self.everybody(crm, self.add_list(sandbox, "Empty", [])) == []

    def test_a_list_that_is_not_there_is_said(self, crm: CRM) -> None:
        with pytest.raises(NotFound, match="no such people"):
            self.everybody(crm, "no such people")

    def test_its_name_is_found_by_its_beginning(self, crm: CRM, sandbox: Sandbox) -> None:
        id_ = self.add_list(sandbox, "Autumn", [])
        found = crm.audiences(self.kind, "Aut")
        assert (self.kind, id_, "Autumn") in [(one.kind, one.id, one.name) for one in found]

    def test_what_it_has_not_is_refused(self, crm: CRM) -> None:
        strange = next(k for k in ("list", "report") if k not in crm.can.audiences)
        with pytest.raises(GiveUp):
            crm.audience(Source(kind=strange, value="x"), [])

    def test_a_crm_that_is_down_is_unreachable(self) -> None:
        with pytest.raises(Unreachable):
            connect(self.account("http://127.0.0.1:1"), self.tokens()).audience(Source(kind=self.kind, value="1"), [])
