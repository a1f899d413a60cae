"""Sending, over HTTP: what each answer of Meta's comes to, and what no answer means."""

import json
import subprocess
import sys

import httpx
import pytest

from connector import whatsapp
from connector.ports import Account, OutboundMessage, Receipt

NUMBER, WABA, TOKEN = "106540352242922", "102290129340398", "sandbox-whatsapp-token"
ANA = "+573001112222"
BACK = {"type": "template", "template": {"name": "welcome_back", "language": {"code": "es"}}}


@pytest.fixture(scope="module")
def sandbox():
    command = [sys.executable, "-m", "connector.sandbox", "--port", "0", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield json.loads(process.stdout.readline())["sandbox"]
        finally:
            process.terminate()
            process.wait(timeout=10)


@pytest.fixture
def client(sandbox):
    httpx.post(f"{sandbox}/_reset").raise_for_status()
    settings = {"phone_number_id": NUMBER, "waba_id": WABA, "base_url": f"{sandbox}/graph"}
    account = Account(id="a1", kind="whatsapp", name="verde", settings=settings, secrets={"token": TOKEN})
    found = whatsapp.connect(account)
    yield found
    found.close()


def message(body=BACK, to=ANA, user_id=None, reply_to=None):
    return OutboundMessage(to=to, user_id=user_id, body=body, reply_to=reply_to)


def test_an_accepted_message(sandbox, client):
    receipt = client.send(message(), "send-1")
    assert receipt == Receipt(outcome="accepted", wamid=receipt.wamid, wa_id="573001112222")
    (sent,) = httpx.get(f"{sandbox}/_records/graph/messages").json()
    assert (sent["id"], sent["message"]["biz_opaque_callback_data"]) == (receipt.wamid, "send-1")
    assert sent["message"]["to"] == ANA
