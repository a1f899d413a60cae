"""A Graph API that gives fixed answers, for what the sandbox does not say; and a client of it."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from connector import whatsapp
from connector.ports import Account
from connector.whatsapp.client import VERSION

NUMBER, WABA, TOKEN = "106540352242922", "102290129340398", "sandbox-whatsapp-token"
UNKNOWN = (404, {"error": {"code": 100, "message": "Unsupported request"}})


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _say(self):
        path = self.path.partition("?")[0].removeprefix(f"/{VERSION}/")
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.heard.append((self.command, self.path, dict(self.headers), body))
        self.server.ports.add(self.client_address[1])
        status, answer = self.server.answers.get(path, UNKNOWN)
        raw = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    do_GET = do_POST = do_DELETE = _say

    def log_message(self, *_):
        """The test's output stays its own."""


class Graph(ThreadingHTTPServer):
    """`answers[path] = (status, body)`; `heard` holds (method, path, headers, body), `ports` the callers' ports."""

    daemon_threads = True

    def __init__(self, tls=None):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers, self.heard, self.ports = {}, [], set()
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.server_port}"
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_side=True)


@contextmanager
def answering(tls=None):
    """A Graph that listens until the end."""
    with Graph(tls) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def connected(base_url, number=NUMBER, waba=WABA, token=TOKEN, app_secret="sandbox-app-secret"):
    """A client, closed at the end."""
    settings = {"phone_number_id": number, "waba_id": waba, "base_url": base_url}
    secrets = {"token": token, "app_secret": app_secret}
    client = whatsapp.connect(Account(id="a1", kind="whatsapp", name="verde", settings=settings, secrets=secrets))
    try:
        yield client
    finally:
        client.close()
