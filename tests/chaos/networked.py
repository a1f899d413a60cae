"""The flags for networks, tokens, hosts and releases: each stands for some of the faults of tests.chaos.steps."""

import argparse

from tests.chaos.steps.upgrade import release

HOSTS = ("cut", "stall", "hiccup")


def flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--proxy", action="store_true", help="on every way out, with a storm for each four kills")
    parser.add_argument("--expire", type=int, default=0, help="how often all access tokens end at once")
    parser.add_argument("--hosts", type=int, choices=(1, 2), default=1, help="2: each cut off at times")
    parser.add_argument("--old", default="", help="upgrade from this commit; `last` or 0004 = before it came")


def faults(given: argparse.Namespace) -> tuple[tuple[str, int], ...]:
    """What they stand for."""
    found = {"proxy": max(1, given.kills // 4) * given.proxy, "expire": given.expire, "upgrade": 4 * bool(given.old)}
    if given.hosts == 2:
        found |= dict.fromkeys(HOSTS, max(1, given.kills // 12))
    return tuple((name, n) for name, n in found.items() if n)


def before(given: argparse.Namespace) -> None:
    """An old release knows no broadcasts and no conversations of ours."""
    if given.old:
        given.people = given.talks = 0


def old(given: argparse.Namespace) -> str:
    """The commit to begin with; "" = there is no upgrade."""
    return release(given.old) if given.old else ""
