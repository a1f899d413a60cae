"""Who calls and by whose name, through none, one and two proxies; and wrong secrets, counted in memory."""

import pytest

from connector.web import callers, shield
from connector.web.limits import MOST, Limiter

SPOOFED = "1.1.1.1, 2.2.2.2"


@pytest.mark.parametrize(
    ("hops", "told", "found"),
    [
        (0, None, "203.0.113.9"),
        (0, SPOOFED, "203.0.113.9"),  # nobody stands in front of us: the header is the caller's own word
        (1, "198.51.100.7", "198.51.100.7"),
        (1, f"{SPOOFED}, 198.51.100.7", "198.51.100.7"),
        (2, "198.51.100.7, 10.0.0.5", "198.51.100.7"),
        (2, f"{SPOOFED},198.51.100.7 ,10.0.0.5", "198.51.100.7"),
        (2, "198.51.100.7", ""),  # one of the two said nothing: nobody is believed
        (1, "", ""),
        (1, "198.51.100.7:52100", "198.51.100.7"),
        (1, "[2001:db8::1]:443", "2001:db8::1"),
        (1, "2001:db8::1%eth0", "2001:db8::1"),
        (1, "::ffff:198.51.100.7", "198.51.100.7"),
        (1, "<script>", ""),
        (1, "unknown", ""),
    ],
)
def test_the_address_of_a_caller(hops, told, found):
    environ = {"REMOTE_ADDR": "203.0.113.9"} | ({} if told is None else {"HTTP_X_FORWARDED_FOR": told})
    assert callers.address(environ, hops) == found


@pytest.mark.parametrize(
    ("where", "public", "found"),
    [
        ("198.51.100.7", "https://wa.example.com", "198.51.100.7"),
        ("2001:db8:1:2:3:4:5:6", "https://wa.example.com", "2001:db8:1:2::"),
        ("127.0.0.1", "https://wa.example.com", ""),  # a proxy of this machine stands for everybody
        ("127.0.0.1", "http://127.0.0.1:8000", "127.0.0.1"),
        ("", "https://wa.example.com", ""),
    ],
)
def test_what_tries_are_counted_by(where, public, found):
    assert callers.network(where, public) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [("", []), ("10.0.0.1/8, 203.0.113.7", ["10.0.0.0/8", "203.0.113.7/32"]), ("2001:db8::/32", ["2001:db8::/32"]),
     ("here", None), ("10.0.0.0/33", None), ("10.0.0.1,", ["10.0.0.1/32"])],
)  # fmt: skip
def test_networks_as_a_person_writes_them(text, found):
    assert callers.usable(text) == found


def test_inside_a_network():
    assert callers.inside("10.9.9.9", ["203.0.113.0/24", "10.0.0.0/8"])
    assert not callers.inside("11.0.0.1", ["10.0.0.0/8", "2001:db8::/32"])
    assert not callers.inside("", ["0.0.0.0/0"])


# ---- by whose name ---------------------------------------------------------------------------------------------------
NAMES = shield.Names("https://wa.example.com", ["internal:8000", "other.example.com"])


@pytest.mark.parametrize(
    "host",
    ["wa.example.com", "WA.Example.com", "wa.example.com:443", "wa.example.com.", "127.0.0.1:8000", "localhost",
     "[::1]:8000", "internal:8000", "other.example.com:1234"],
)  # fmt: skip
def test_names_that_are_ours(host):
    assert NAMES.good(host)


@pytest.mark.parametrize(
    "host",
    ["", "evil.example", "wa.example.com.evil.example", "evil.example/wa.example.com", "a@wa.example.com", "internal",
     "internal:8001", "wa.example.com, evil.example", "wa.example.com\tx", "127.0.0.1.evil.example", "[::1", "é.com",
     "wa.example.com:99999", "x" * 400],
)  # fmt: skip
def test_names_that_are_not(host):
    assert not NAMES.good(host)


# ---- wrong secrets ---------------------------------------------------------------------------------------------------
def test_after_many_wrong_ones_nothing_is_looked_at_for_a_while():
    now = [0.0]
    limits = Limiter(lambda: now[0], free=3, window=60)
    for _ in range(3):
        assert limits.held("here") == 0
        limits.wrong("here")
    assert limits.held("here") == 60
    assert limits.held("there") == 0
    now[0] = 45
    assert limits.held("here") == 15
    now[0] = 60
    assert limits.held("here") == 0


def test_who_was_right_lately_goes_on_beside_a_guesser():
    now = [0.0]
    limits = Limiter(lambda: now[0], free=1, window=60)
    limits.right("known")
    limits.wrong("here")
    assert limits.held("here", "another") > 0
    assert limits.held("here", "known") == 0
    now[0] = 3601
    limits.wrong("here")
    assert limits.held("here", "known") > 0


def test_where_nobody_is_seen_nobody_is_held_and_what_is_kept_is_bounded():
    limits = Limiter(lambda: 0.0, free=1)
    limits.wrong("")
    assert limits.held("") == 0
    for n in range(MOST + 5):
        limits.wrong(f"k{n}")
    assert limits.held("k0") == 0
    assert limits.held(f"k{MOST + 4}") > 0
