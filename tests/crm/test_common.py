"""The registry, the address check, and the helpers both CRMs call."""

import subprocess
import sys
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.crm import KINDS, base_url, connect, kinds, manifest
from connector.crm.batch import at_once, chunks, waves
from connector.errors import NotAllowed
from connector.ports import Account, fence

HOSTS = ("hubapi.com",)


def test_every_kind_says_what_it_is() -> None:
    assert [manifest(kind).kind for kind in KINDS] == list(KINDS)
    assert set(KINDS) <= set(kinds())
    assert all(
        flag.secret for kind in KINDS for flag in manifest(kind).flags if "secret" in flag.name or flag.name == "token"
    )


def test_an_unknown_kind_is_told_what_is_known() -> None:
    with pytest.raises(NotAllowed, match="hubspot"):
        connect(Account(id="a", kind="hubspto", name="x"), None)  # type: ignore[arg-type]


def test_the_manifest_and_the_webhooks_import_no_sdk() -> None:
    code = """
import sys
from connector.crm import KINDS, manifest, webhook
from connector.ports import Account
for kind in [*KINDS, *KINDS]:
    manifest(kind); webhook(Account(id='a', kind=kind, name='x'))
print(sorted({'hubspot', 'simple_salesforce', 'urllib3', 'requests', 'phonenumbers'} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "url",
    [
        "https://api.hubapi.com",
        "https://api.hubapi.com/",
        "http://127.0.0.1:8010/hubspot",
        "http://localhost:1",
        "http://[::1]:9/x",
    ],
)
def test_an_address_we_may_call(url: str) -> None:
    assert base_url(url, HOSTS) == url.rstrip("/")


@pytest.mark.parametrize(
    "url",
    [
        "http://api.hubapi.com",
        "https://evil.example",
        "https://hubapi.com.evil.example",
        "https://evilhubapi.com",
        "https://user@api.hubapi.com",
        "https://evil.example\\@api.hubapi.com",
        "https://evil.example#@api.hubapi.com",
        "https://api.hubapi.com/crm/v3",
        "https://api.hubapi.com/2026-09",
        "https://api.hubapi.com?x=1",
        "http://169.254.169.254",
        "http://10.0.0.1",
        "ftp://127.0.0.1",
        "http://localhost.evil.example",
        "https://api.hubapi.com:x",
        "https://[::1",
        "",
    ],
)
def test_an_address_no_token_is_sent_to(url: str) -> None:
    with pytest.raises(NotAllowed) as refused:
        base_url(url, HOSTS)
    assert refused.value.hint


@given(st.lists(st.integers(0, 9)), st.integers(1, 5))
def test_batches_lose_nothing(items: list[int], size: int) -> None:
    parts = list(chunks(items, size))
    assert [item for part in parts for item in part] == items
    assert all(0 < len(part) <= size for part in parts)
    found = waves(items, lambda item: item)
    assert sorted(item for wave in found for item in wave) == sorted(items)
    assert all(len(set(wave)) == len(wave) for wave in found)
    assert len(found) == max((items.count(item) for item in items), default=0)


def test_four_calls_run_at_once_and_answers_keep_their_order() -> None:
    together = threading.Barrier(4, timeout=10)

    def work(n: int) -> int:
        together.wait()
        return n * n

    assert at_once(work, [1, 2, 3, 4]) == [1, 4, 9, 16]


def test_calls_at_once_ask_the_same_fence() -> None:
    asked: list[int] = []
    with fence.asked(lambda: asked.append(1)):
        at_once(lambda _: fence.ask(), range(5))
    at_once(lambda _: fence.ask(), range(5))
    assert len(asked) == 5


def test_an_error_comes_out() -> None:
    with pytest.raises(ZeroDivisionError):
        at_once(lambda n: 1 // n, [1, 0, 2])
