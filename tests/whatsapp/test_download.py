"""The guard of downloads: which address is connected to, who sees the token, and where it ends."""

import io
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from connector.errors import NotAllowed, NotFound, Rejected, Unreachable
from connector.ports import Multipart, StoredFile
from connector.whatsapp import download
from connector.whatsapp.download import Guard
from connector.whatsapp.media import digest

PDF = b"%PDF-1.4 hello"


class Host(BaseHTTPRequestHandler):
    """Serves by path, and remembers who asked."""

    heard: list[tuple[str, str, str]]

    def do_GET(self) -> None:
        self.heard.append((self.path, self.headers["Host"], self.headers.get("Authorization", "")))
        code = int(self.path[1:4]) if self.path[1:4].isdigit() else 200
        self.send_response(code)
        if code in (301, 302):
            self.send_header("Location", self.path[5:])
        if self.path == "/short":
            self.send_header("Content-Length", "100")
        self.send_header("Content-Type", "application/pdf")
        if self.path == "/drip":
            self.send_header("Content-Length", "100")
        self.end_headers()
        self.wfile.write(PDF)
        if self.path == "/drip":
            self.rfile.read(1)  # until the other side has had enough

    def log_message(self, *_: object) -> None:
        """Silent."""


@pytest.fixture
def host() -> Iterator[ThreadingHTTPServer]:
    handler = type("Handler", (Host,), {"heard": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def heard(host: ThreadingHTTPServer) -> list[tuple[str, str, str]]:
    return host.RequestHandlerClass.heard  # type: ignore[attr-defined,no-any-return]


def here(_host: str, _port: int) -> Sequence[str]:
    return ["127.0.0.1"]


def test_it_connects_to_the_address_that_was_checked(host: ThreadingHTTPServer) -> None:
    """The name is not looked up again: it has no address but the one that was checked."""
    into = io.BytesIO()
    port = host.server_port
    found = Guard(local=True).fetch(f"http://files.invalid:{port}/a.pdf?x=1", into, here)
    assert (found.size, found.mime, into.getvalue(), found.head) == (len(PDF), "application/pdf", PDF, PDF)
    assert heard(host) == [("/a.pdf?x=1", f"files.invalid:{port}", "")]


@pytest.mark.parametrize(
    "addresses",
    [["10.0.0.1"], ["93.184.216.34", "192.168.1.1"], ["169.254.169.254"], ["::1"], ["fe80::1%eth0"], ["127.0.0.1"],
     ["::ffff:10.0.0.1"], ["64:ff9b::a00:1"], ["0.0.0.0"], ["224.0.0.1"], ["100.64.0.1"]],
)  # fmt: skip
def test_one_private_address_among_others_is_enough_to_refuse(addresses: list[str]) -> None:
    with pytest.raises(Rejected, match="private"):
        Guard().fetch("https://files.example/a", io.BytesIO(), lambda _host, _port: addresses)


def test_only_the_hosts_of_the_token_see_it(host: ThreadingHTTPServer) -> None:
    port = host.server_port
    guard = Guard(token="secret", token_hosts=("127.0.0.1",), local=True)
    guard.fetch(f"http://127.0.0.1:{port}/a", io.BytesIO(), here)
    guard.fetch(f"http://localhost:{port}/b", io.BytesIO(), here)
    with pytest.raises(Rejected):
        guard.fetch(f"http://files.example:{port}/c", io.BytesIO(), here)
    assert [token for _, _, token in heard(host)] == ["Bearer secret", ""]


@pytest.mark.parametrize("to", ["https://10.0.0.1/x", "file:///etc/passwd", "http://user@127.0.0.1/", "//[::1"])
def test_a_redirect_is_checked_like_the_first_address(host: ThreadingHTTPServer, to: str) -> None:
    def names(name: str, _port: int) -> Sequence[str]:
        return ["127.0.0.1"] if name == "localhost" else [name.strip("[]")]

    with pytest.raises((Rejected, Unreachable)):
        Guard(local=True).fetch(f"http://localhost:{host.server_port}/302/{to}", io.BytesIO(), names)
    assert len(heard(host)) == 1


def test_redirects_end(host: ThreadingHTTPServer) -> None:
    again = f"http://localhost:{host.server_port}/301/"
    with pytest.raises(Rejected, match="without end"):
        Guard(local=True).fetch(again * 8, io.BytesIO(), here)


@pytest.mark.parametrize(
    ("path", "error"), [("404", NotFound), ("401", NotAllowed), ("503", Unreachable), ("418", Rejected)]
)
def test_what_an_answer_means(host: ThreadingHTTPServer, path: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        Guard(local=True).fetch(f"http://localhost:{host.server_port}/{path}", io.BytesIO(), here)


def test_a_file_that_is_too_large_or_cut_off(host: ThreadingHTTPServer) -> None:
    address = f"http://localhost:{host.server_port}"
    with pytest.raises(Rejected, match="larger"):
        Guard(local=True, most=5).fetch(f"{address}/a", io.BytesIO(), here)
    with pytest.raises(Unreachable):
        Guard(local=True).fetch(f"{address}/short", io.BytesIO(), here)


def test_a_file_that_drips_is_given_up(host: ThreadingHTTPServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each byte comes in time, and the whole never would."""
    monkeypatch.setattr(download, "LONGEST", 0.0)
    monkeypatch.setattr(download, "READ", 2.0)
    with pytest.raises(Unreachable) as told:
        Guard(local=True).fetch(f"http://localhost:{host.server_port}/drip", io.BytesIO(), here)
    assert told.value.code == "slow"


def test_a_type_that_a_customer_made_up_cannot_write_headers() -> None:
    file = StoredFile(path=Path("a"), name='a"\r\nX: 1', mime="text/plain\r\nX-Evil: 1", size=0)
    head = Multipart({}, "file", file)._head.decode()
    assert ("Evil" in head, "X: 1" in head.splitlines()) == (False, False)
    kept = Multipart({}, "file", replace(file, mime="audio/ogg; codecs=opus"))._head.decode()
    assert "Content-Type: audio/ogg; codecs=opus\r\n" in kept


@pytest.mark.parametrize("url", ["", "http://", "ftp://a.example/x", "https://a b/", "https://[::1", "nothing"])
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(Rejected):
        Guard().fetch(url, io.BytesIO(), here)


def test_a_hash_in_either_spelling() -> None:
    hexed = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert digest(hexed) == digest("ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=") == hexed
    assert [digest(wrong) for wrong in ("", "x", None, "YWJj")] == [""] * 4
