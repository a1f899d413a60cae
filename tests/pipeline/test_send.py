"""The sender against the sandbox and against a phone that answers as told: every gate, every outcome."""

from collections.abc import Iterator
from typing import Any

import pytest

from connector import whatsapp
from connector.ports import Account, Messenger
from connector.store.engine import Store
from tests.crm.conftest import Sandbox, sandbox, sandbox_url  # noqa: F401 - fixtures
from tests.pipeline.sends import NUMBER, WABA, Desk


@pytest.fixture
def desk(store: Store) -> Desk:
    return Desk(store)


@pytest.fixture
def graph(sandbox: Sandbox) -> Iterator[Messenger]:  # noqa: F811
    """The sandbox's Graph API, as the connector speaks with it."""
    settings = {"phone_number_id": NUMBER, "waba_id": WABA, "base_url": f"{sandbox.url}/graph"}
    secrets = {"token": "sandbox-whatsapp-token"}
    messenger = whatsapp.connect(Account(id=WABA, kind="whatsapp", name="w", settings=settings, secrets=secrets))
    yield messenger
    messenger.close()  # type: ignore[attr-defined]


def posts(sandbox: Sandbox) -> list[dict[str, Any]]:  # noqa: F811
    return [call for call in sandbox.ledger("graph") if call["method"] == "POST"]


def test_a_ready_row_is_sent_once(desk: Desk, graph: Messenger, sandbox: Sandbox) -> None:  # noqa: F811
    body = {"type": "template", "template": {"name": "welcome_back", "language": {"code": "en"}}}
    sent = desk.add(body=body, template="welcome_back", language="en")
    desk.phone = graph  # type: ignore[assignment]
    desk.drain()
    desk.drain()
    row = desk.row(sent)
    assert (row.state, row.rank, row.attempts) == ("accepted", 1, 1)
    assert [call["record"] for call in posts(sandbox)] == [row.wamid]
    assert desk.attempts(sent) == [(1, "accepted")]
    assert sandbox.records("graph", "messages")[0]["message"]["biz_opaque_callback_data"] == sent
