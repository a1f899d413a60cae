"""Searching by phone within HubSpot's limits, and who counts as found."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.core import phone
from connector.crm.hubspot import search
from connector.ports import ContactKey


def key(wa_id: str) -> ContactKey:
    return ContactKey(contact=wa_id, objects=("contacts",), wa_id=wa_id, phones=phone.spellings(wa_id))


def test_one_search_asks_for_every_spelling() -> None:
    body = search.request([key("5215512345678"), key("573001112222")])
    asked = {group["filters"][0]["propertyName"]: group["filters"][0]["values"] for group in body["filterGroups"]}
    assert set(asked["phone"]) == {"+525512345678", "+5215512345678", "+573001112222"}
    assert {"5512345678", "3001112222"} <= set(asked["hs_searchable_calculated_phone_number"])
    assert len(body["filterGroups"]) <= 5
    assert sum(len(group["filters"]) for group in body["filterGroups"]) <= 18


NUMBERS = st.lists(st.integers(10**9, 10**10 - 1), unique=True, max_size=150)


@given(NUMBERS, st.sampled_from(["521", "55", "57", "549"]))
def test_every_key_is_asked_for_once_within_the_limits(numbers: list[int], country: str) -> None:
    keys = [key(f"{country}{n}") for n in numbers]
    groups = list(search.packed(keys))
    assert [k for group in groups for k in group] == keys
    for group in groups:
        body = search.request(group)
        assert len(json.dumps(body)) <= 3000
        assert max(len(g["filters"][0]["values"]) for g in body["filterGroups"]) <= 100


def test_strangers_share_searches() -> None:
    assert len(list(search.packed([key(f"57300{n:07}") for n in range(100)]))) <= 4


@pytest.mark.parametrize(
    "typed,country,found",
    [
        ("+52 55 1234 5678", None, True),
        ("+52 1 55 1234 5678", None, True),
        ("55 1234 5678", "MX", True),
        ("5215512345678", None, True),
        ("55 1234 5678", None, False),
        ("+1 551 234 5678", "MX", False),
        ("", "MX", False),
        ("call me", "MX", False),
    ],
)
def test_a_hit_is_that_subscriber_or_nobody(typed: str, country: str | None, found: bool) -> None:
    held = search.numbers({"phone": None, "mobilephone": typed}, country)
    assert (not held.isdisjoint(phone.spellings("5215512345678"))) is found
