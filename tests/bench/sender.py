"""The processes under measurement: our sender on a store, and a loop of bare httpx clients beside it.

`python -m tests.bench.sender ours <database> <home> <graph> <seconds>` · `... bare <graph> <messages> <threads>`;
each prints one line of JSON: seconds, CPU seconds, resident megabytes."""

import json
import sys
import threading
import time
from pathlib import Path
from typing import Any

import psutil

from tests.bench.sends import NUMBER, WABA, body

MB = 1024 * 1024


def ours(database: str, home: str, graph: str, seconds: str) -> dict[str, Any]:
    """Drains the number as a worker does, until nothing is left or the time is over."""
    from connector import whatsapp
    from connector.app import SystemClock
    from connector.pipeline.sending.send import Sender
    from connector.ports import Account
    from connector.store.engine import open_store

    settings = {"phone_number_id": NUMBER, "waba_id": WABA, "base_url": graph}
    account = Account(id=WABA, kind="whatsapp", name="bench", settings=settings, secrets={"token": "t"})
    store, messenger = open_store(database, home=Path(home)), whatsapp.connect(account)
    me = psutil.Process()
    before, memory, started = me.cpu_times(), [me.memory_info().rss / MB], time.monotonic()
    stopped = threading.Event()

    def watch() -> None:
        while not stopped.wait(1.0):
            memory.append(me.memory_info().rss / MB)

    watching = threading.Thread(target=watch, daemon=True)
    watching.start()
    end = started + float(seconds)
    Sender(store, NUMBER, messenger, SystemClock()).drain(lambda: time.monotonic() > end)
    took, after = time.monotonic() - started, me.cpu_times()
    stopped.set()
    return {"seconds": took, "cpu": after.user + after.system - before.user - before.system, "memory_mb": memory}


def bare(graph: str, messages: str, threads: str) -> dict[str, Any]:
    """What anybody would write: threads, each with an httpx.Client, each posting one after the other."""
    import httpx

    left = iter(range(int(messages)))
    lock = threading.Lock()

    def post() -> None:
        with httpx.Client(base_url=graph, headers={"Authorization": "Bearer t"}, timeout=20) as client:
            while True:
                with lock:
                    n = next(left, None)
                if n is None:
                    return
                document = {**body(), "messaging_product": "whatsapp", "to": f"+57300{n:07d}"}
                answer = client.post(f"/{NUMBER}/messages", json={**document, "biz_opaque_callback_data": f"bare-{n}"})
                assert answer.json()["messages"][0]["id"]

    me = psutil.Process()
    before, started = me.cpu_times(), time.monotonic()
    workers = [threading.Thread(target=post) for _ in range(int(threads))]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    took, after = time.monotonic() - started, me.cpu_times()
    return {"seconds": took, "cpu": after.user + after.system - before.user - before.system}


if __name__ == "__main__":
    kind, *rest = sys.argv[1:]
    print(json.dumps({"ours": ours, "bare": bare}[kind](*rest)), flush=True)
