"""Addresses from outside: no spelling, trick or change of mind leads us inside, and no host keeps us for ever."""

import io
import re
import socket
import threading
from contextlib import closing

import pytest

from connector.core.address import refusal as token_refusal
from connector.core.message import check as check_message
from connector.core.template import media
from connector.crm.hubspot import MANIFEST as HUBSPOT
from connector.crm.salesforce import MANIFEST as SALESFORCE
from connector.errors import Rejected, Unreachable
from connector.webhooks import address as webhook_address
from connector.whatsapp.download import Guard
from tests.webhooks.test_client import call as call_webhook

# Everything that leads to this machine, its network, or a cloud's metadata, in the spellings that parsers disagree on.
INSIDE = (
    "127.0.0.1", "127.1", "2130706433", "0x7f000001", "0x7f.0.0.1", "0177.0.0.1", "017700000001", "0", "0.0.0.0",
    "10.0.0.1", "10.1", "172.16.0.1", "192.168.0.1", "169.254.169.254", "0xa9fea9fe", "2852039166",
    "0251.0376.0251.0376",
    "100.64.0.1", "198.18.0.1", "192.0.0.1", "224.0.0.1", "255.255.255.255", "[::1]", "[::]", "[fe80::1]", "[fc00::1]",
    "[fd00:ec2::254]", "[ff02::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::ffff:169.254.169.254]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]", "[::127.0.0.1]",
)  # fmt: skip
TRICKS = (
    "https://graph.facebook.com@127.0.0.1/", "https://user:pw@example.com/", "https://example.com#@127.0.0.1/",
    "https://127.0.0.1\\@example.com/", "https://example.com\\@127.0.0.1/", "https:///127.0.0.1/", "https://",
    "https://example.com:x/", "https://example.com:99999/", "https://[::1", "file:///etc/passwd", "gopher://127.0.0.1/",
    "ftp://example.com/", "dict://127.0.0.1:6379/", "jar:https://example.com!/", "//example.com", "example.com",
    "https://exa mple.com/", "https://example.com/\r\nHost: evil", "https://example.com/\tx",
    "https://" + "a" * 64 + ".com/",
    "https://a..b/", "https://.example.com/", "https://%31%32%37.0.0.1/", "https://①②⑦.⓪.⓪.①/", "https://127。0。0。1/",
    "", "\x00", "https://\x00/", "https://" + "a." * 2000 + "com/",
)  # fmt: skip


def real(host, port):
    """As this machine reads numbers; names are not asked for."""
    try:
        return [str(one[4][0]) for one in socket.getaddrinfo(host, port, flags=socket.AI_NUMERICHOST)]
    except socket.gaierror:
        return []


@pytest.mark.parametrize("host", INSIDE)
def test_no_spelling_of_an_inner_address_is_fetched_called_or_given_to_meta(host):
    url = f"https://{host}/x"
    with pytest.raises((Rejected, Unreachable)):
        Guard(token="secret").fetch(url, io.BytesIO(), real)
    assert media.refusal(url)
    assert check_message({"type": "link", "text": "x", "title": "x", "url": url})
    assert token_refusal(url, (*HUBSPOT.hosts, *SALESFORCE.hosts)) == "" if loopback(host) else True
    answer = call_webhook(url, resolve=lambda name, port: real(name, port))
    assert answer.outcome != "done"
    if not loopback(host):
        assert answer.text.startswith(
            ("The webhook's url cannot be used", "The webhook is not called", "The webhook did not")
        )
        assert token_refusal(url, HUBSPOT.hosts)


def loopback(host):
    """What is meant by it: the sandbox lives there, and only an admin's own address may say so."""
    return host in ("127.0.0.1", "[::1]")


@pytest.mark.parametrize("url", TRICKS)
def test_no_trick_in_an_address_gets_through_or_raises_something_else(url):
    def nowhere(host, port):
        return ["10.0.0.1"]

    with pytest.raises((Rejected, Unreachable)):
        Guard(token="secret").fetch(url, io.BytesIO(), nowhere)
    assert call_webhook(url, resolve=nowhere).outcome in ("never", "again")
    assert token_refusal(url, HUBSPOT.hosts)
    assert webhook_address.refusal(url) or re.match(r"https://(%|\.)", url)


@pytest.mark.parametrize("host", ["a" * 64 + ".example.com", "a..example.com"])
def test_a_name_no_server_can_be_asked_for_is_refused_and_not_a_fault(host):
    """The resolver raises a ValueError for them, not an OSError."""
    with pytest.raises(Rejected):
        Guard().fetch(f"https://{host}/", io.BytesIO())
    assert call_webhook(f"https://{host}/").outcome == "never"


def test_a_name_is_asked_for_once_and_every_address_counts():
    """DNS rebinding: the second answer is never heard, as the address of the first one is what is connected to."""
    asked = []

    def turning(host, port):
        asked.append(host)
        return ["10.0.0.1"] if len(asked) > 1 else ["93.184.215.14", "10.0.0.1"]

    with pytest.raises(Rejected):
        Guard().fetch("https://rebind.example/", io.BytesIO(), turning)
    assert asked == ["rebind.example"]
    assert call_webhook("https://rebind.example/", resolve=turning).outcome == "never"
    assert asked == ["rebind.example"] * 2


class Talker:
    """A host of one connection that says what it is told to."""

    def __init__(self, say):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port, self.asked, self.over = self.socket.getsockname()[1], b"", threading.Event()
        self.thread = threading.Thread(target=self._serve, args=(say,), daemon=True)
        self.thread.start()

    def _serve(self, say):
        connection, _ = self.socket.accept()
        with closing(connection):
            self.asked = connection.recv(65536)
            try:
                while (piece := say()) is not None:
                    connection.sendall(piece)
            except OSError:
                self.over.set()

    def close(self):
        self.socket.close()
        self.thread.join(5)


def test_a_host_that_says_continue_for_ever_is_given_up():
    """Each piece comes in time, so no timeout of a read would ever end it."""
    host = Talker(lambda: b"HTTP/1.1 100 Continue\r\n\r\n")
    guard = Guard(local=True, patience=0.3)
    with pytest.raises(Unreachable):
        guard.fetch(f"http://127.0.0.1:{host.port}/", io.BytesIO())
    assert host.over.wait(5)
    host.close()


def test_a_called_webhook_that_says_continue_for_ever_is_given_up():
    host = Talker(lambda: b"HTTP/1.1 100 Continue\r\n\r\n")
    answer = call_webhook(f"http://127.0.0.1:{host.port}/in", longest=0.3)
    assert (answer.outcome, answer.away) == ("again", True)
    assert host.over.wait(5)
    host.close()


def test_an_address_in_any_alphabet_is_asked_for_in_ascii():
    replies = iter([b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", None])
    host = Talker(lambda: next(replies))
    Guard(local=True).fetch(f"http://127.0.0.1:{host.port}/añ o/%41?q=ü&x=%20".replace(" ", ""), io.BytesIO())
    host.close()
    assert host.asked.startswith(b"GET /a%C3%B1o/%41?q=%C3%BC&x=%20 HTTP/1.1\r\n")
