"""A child process of the intake tests: submits for ever, and says each body it was told is stored."""

import itertools
import os
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

from connector.store.deliveries import Intake
from connector.store.engine import open_store

intake = Intake(open_store(sys.argv[1], home=Path(sys.argv[2])), timeout=20)


def work(n: int) -> None:
    for k in itertools.count():
        body = f"{n}-{k}"
        intake.submit("a", {}, body.encode(), datetime.now(UTC))
        os.write(1, f"{body}\n".encode())


for n in range(8):
    threading.Thread(target=work, args=(n,)).start()
