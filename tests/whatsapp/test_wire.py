"""The way to Meta: TLS with one context for all threads, and the proxy of the environment."""

import ssl
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from connector.errors import Unreachable
from connector.ports import OutboundMessage, fence
from connector.whatsapp.wire import Wire
from tests.whatsapp.answering import NUMBER, answering, connected

MESSAGE = OutboundMessage(to="+573001112222", user_id=None, body={"type": "text", "text": {"body": "hi"}})
ACCEPTED = (200, {"messages": [{"id": "wamid.1"}]})


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """The file of a certificate for this computer, signed by itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "loopback")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(hours=1), now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = tmp_path_factory.mktemp("tls") / "loopback.pem"
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture
def secure(certificate):
    """A Graph API behind TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with answering(context) as server:
        server.answers[f"{NUMBER}/messages"] = ACCEPTED
        yield server


def test_what_comes_too_late_does_not_leave(secure, certificate, monkeypatch):
    """The fence is asked before each message, connected already."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    asked = []

    def question():
        asked.append(len(secure.heard))
        if len(asked) == 3:  # the second one's head
            raise fence.Late

    with connected(secure.url) as client:
        with fence.asked(question):
            assert client.send(MESSAGE, "k").outcome == "accepted"
            with pytest.raises(fence.Late):
                client.send(MESSAGE, "k")
        assert (asked, len(secure.heard)) == ([0, 0, 1], 1)
        assert client.send(MESSAGE, "k").outcome == "accepted"


def test_many_threads_send_over_tls(secure, certificate, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with connected(secure.url) as client, ThreadPoolExecutor(4) as pool:
        outcomes = {receipt.outcome for receipt in pool.map(lambda _: client.send(MESSAGE, "k"), range(40))}
    assert (outcomes, len(secure.heard)) == ({"accepted"}, 40)
    assert len(secure.ports) <= 4, "a handshake for each connection, not for each message"


def test_a_certificate_nobody_vouches_for_is_refused_before_anything_is_sent(secure):
    with connected(secure.url) as client:
        assert client.send(MESSAGE, "k").outcome == "not_sent"
    assert secure.heard == []


def test_a_proxy_is_not_asked_for_this_computer_itself(scripted, monkeypatch):
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    scripted.answers[f"{NUMBER}/messages"] = ACCEPTED
    with connected(scripted.url) as client:
        assert client.send(MESSAGE, "k").outcome == "accepted"


@pytest.mark.parametrize("proxy", ["http://127.0.0.1:9", "127.0.0.1:9", "gopher://127.0.0.1:9"])
def test_a_proxy_that_is_away_or_none_means_that_nothing_was_sent(proxy, monkeypatch):
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    wire = Wire("https://graph.facebook.com/v26.0", "token")
    with pytest.raises(Unreachable) as failure:
        wire.call("POST", wire.target("1/messages"), b"{}")
    assert not failure.value.sent
    wire.close()


def test_what_stands_in_an_address_is_quoted():
    wire = Wire("https://graph.facebook.com/v26.0", "token")
    assert str(wire.target("12/messages?x=1#y", {"a": "b&c"})) == (
        "https://graph.facebook.com/v26.0/12/messages%3Fx%3D1%23y?a=b%26c"
    )
    assert wire.target("12/messages").raw_path == b"/v26.0/12/messages"
