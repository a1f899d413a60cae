"""The flags for networks, tokens, hosts and releases: each stands for some of the faults of tests.chaos.steps."""

import argparse

from tests.chaos.steps.upgrade import release

HOSTS = ("cut", "stall", "hiccup")


def flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--proxy", action="store_true", help="on every way out, with a storm for each four kills")
    parser.add_argument("--expire", type=int, default=0, help="how often all access tokens end at once")
    parser.add_argument(
        "--hosts", type=int, choices=(1, 2), default=1, help="2: each cut off from the database at times"
    )
    parser.add_argument(
        "--old", default="", help="the release to upgrade from: a commit; `last`, or a migration: before it"
    )


def faults(given: argparse.Namespace) -> tuple[tuple[str, int], ...]:
    """What they stand for."""
    found = {"proxy": max(1, given.kills // 4) * given.proxy, "expire": given.expire, "upgrade": 3 * bool(given.old)}
    if given.hosts == 2:
        found |= dict.fromkeys(HOSTS, max(1, given.kills // 12))
    return tuple((name, n) for name, n in found.items() if n)


def old(given: argparse.Namespace) -> str:
    """The commit to begin with; "" = there is no upgrade."""
    return release(given.old) if given.old else ""
