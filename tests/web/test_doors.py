"""The accounts in memory: a rotated secret and a new account count at once, a database that is away refuses nobody."""

import pytest

from connector.errors import NotAuthentic, StoreDown
from connector.ports import RawRequest
from connector.web.doors import AGAIN, STALE, Door, Doors


class Token:
    """A webhook that knows callers by their body."""

    def __init__(self, token: bytes) -> None:
        self.token = token
        self.asked = 0

    def verify(self, request):
        self.asked += 1
        if request.body != self.token:
            raise NotAuthentic("no")


class World:
    """A clock that is set by hand, and the accounts the database would give."""

    def __init__(self) -> None:
        self.now, self.reads, self.down = 100.0, 0, False
        self.accounts: list[Door] = []
        self.stranger = Token(b"nobody")
        self.doors = Doors(self.load, {"whatsapp": self.stranger}, clock=lambda: self.now)

    def load(self):
        self.reads += 1
        if self.down:
            raise StoreDown("away")
        return self.accounts

    def call(self, name, body):
        return self.doors.verified("whatsapp", name, RawRequest("POST", "/hooks", "", {}, body)).account


@pytest.fixture
def world():
    world = World()
    world.accounts = [Door("id-1", "shop", "whatsapp", Token(b"s1"))]
    return world


def test_an_account_is_found_by_name_and_by_id_with_one_read(world):
    assert [world.call("shop", b"s1"), world.call("id-1", b"s1")] == ["id-1", "id-1"]
    assert world.reads == 1


def test_another_system_has_other_accounts(world):
    world.doors._strangers["crm"] = Token(b"x")
    with pytest.raises(NotAuthentic):
        world.doors.verified("crm", "shop", RawRequest("POST", "/", "", {}, b"s1"))


def test_a_rotated_secret_counts_at_once(world):
    world.call("shop", b"s1")
    world.accounts = [Door("id-1", "shop", "whatsapp", Token(b"s2"))]
    world.now += AGAIN
    assert world.call("shop", b"s2") == "id-1"


def test_a_new_account_counts_at_once_and_an_old_one_goes_with_the_next_read(world):
    world.call("shop", b"s1")
    world.accounts = [Door("id-2", "other", "whatsapp", Token(b"o"))]
    world.now += AGAIN
    assert world.call("other", b"o") == "id-2"
    with pytest.raises(NotAuthentic):
        world.call("shop", b"s1")


def test_accounts_are_read_anew_every_few_seconds(world):
    world.call("shop", b"s1")
    world.now += STALE + 0.1
    world.call("shop", b"s1")
    assert world.reads == 2


def test_forgers_and_strangers_cost_one_read_a_second_and_the_same_check(world):
    world.call("shop", b"s1")
    world.now += AGAIN
    for name in ("shop", "nobody") * 10:
        with pytest.raises(NotAuthentic):
            world.call(name, b"forged")
    assert world.reads == 2
    assert world.stranger.asked == 10


def test_whoever_guesses_the_strangers_secret_is_still_a_stranger(world):
    with pytest.raises(NotAuthentic):
        world.call("nobody", b"nobody")


def test_a_database_that_is_away_refuses_nobody(world):
    world.call("shop", b"s1")
    world.down = True
    world.now += STALE + 1
    assert world.call("shop", b"s1") == "id-1"
    for name in ("nobody", "shop"):
        with pytest.raises(StoreDown):
            world.call(name, b"forged")
    world.down = False
    world.now += AGAIN
    with pytest.raises(NotAuthentic):
        world.call("nobody", b"forged")


def test_a_database_that_was_never_there_refuses_nobody(world):
    world.down = True
    with pytest.raises(StoreDown):
        world.call("shop", b"s1")
