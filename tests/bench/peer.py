"""What a user would write instead: Flask, pywa and rq, behind the same server with the same settings as ours."""

import functools
import sys
from collections.abc import Callable
from typing import Any

from connector.web.server import free_port, serve
from tests.bench.load import NUMBER, PATH, SECRET

QUEUE = "updates"


def handle(update: dict[str, Any]) -> None:
    """What rq would run in a worker; the bench measures how updates come in, not what becomes of them."""


def build(redis_url: str) -> tuple[Any, Callable[[], None]]:
    """The Flask app of one web process: pywa checks the signature and reads the update, rq keeps it."""
    from flask import Flask
    from pywa import WhatsApp
    from pywa.types import Message
    from redis import Redis
    from rq import Queue

    app, connection = Flask("peer"), Redis.from_url(redis_url)
    queue = Queue(QUEUE, connection=connection)
    client = WhatsApp(
        phone_id=NUMBER,
        server=app,
        webhook_endpoint=PATH,
        app_secret=SECRET,
        verify_token="verify",
        validate_updates=True,
    )

    @client.on_message
    def keep(_: WhatsApp, message: Message) -> None:
        queue.enqueue("tests.bench.peer.handle", dict(message.raw))

    return app, connection.close


def main(redis_url: str, processes: str, threads: str) -> None:
    """Prints its port, then serves until SIGTERM."""
    port = free_port("127.0.0.1", 0)
    print(port, flush=True)
    serve(
        functools.partial(build, redis_url),
        host="127.0.0.1",
        port=port,
        processes=int(processes),
        threads=int(threads),
        log_level="ERROR",
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
