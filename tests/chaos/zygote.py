"""`python -m tests.chaos.zygote`: has imported everything, and forks a process of ours for each line of JSON it reads.

What is forked is a process like any other: a session of its own, its own environment, log and signals, no threads of
ours, ended by itself or by SIGKILL. Only its imports cost nothing. It is nobody's child here: its middle parent ends at
once, so it belongs to whoever asked for it (PR_SET_CHILD_SUBREAPER), who alone sees how it ends.

In: {argv, env, cwd, log}; out: {pid}.
"""

import ctypes
import gc
import json
import os
import signal
import sys
import time
from importlib import import_module
from typing import Any

PRELOADED = (
    "granian", "psycopg", "rq", "hubspot", "simple_salesforce", "httpx", "sqlalchemy.dialects.postgresql",
    "sqlalchemy.dialects.sqlite", "connector.cli.run", "connector.jobs", "connector.webapp", "connector.app",
    "connector.crm.hubspot.adapter", "connector.crm.salesforce.adapter", "tests.chaos.mutants",
)  # fmt: skip

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def main() -> None:
    """Returns in each forked process once its own work is done, and here when nobody asks any more."""
    for name in PRELOADED:
        import_module(name)
    gc.freeze()  # pages that nobody touches stay shared
    for line in iter(sys.stdin.readline, ""):
        asked = json.loads(line)
        pid = fork()
        if pid == 0:
            return run(asked)
        sys.stdout.write(json.dumps({"pid": pid}) + "\n")
        sys.stdout.flush()
    return None


def fork() -> int:
    """0 in the new process, once it belongs to whoever asked; its pid here, once its middle parent has ended."""
    out, into = os.pipe()
    middle = os.fork()
    if middle == 0:
        os.close(out)
        between = os.getpid()
        pid = os.fork()
        if pid == 0:
            os.close(into)
            while os.getppid() == between:
                time.sleep(0.001)  # nobody tells us
            return 0
        os.write(into, str(pid).encode())
        os._exit(0)
    os.close(into)
    with os.fdopen(out) as told:
        pid = int(told.read())
    os.waitpid(middle, 0)
    return pid


def run(asked: dict[str, Any]) -> None:
    """As if this process had been started with these words."""
    os.setsid()
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)  # a rig that is killed leaves nobody behind
    log = os.open(asked["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for number, file in ((0, nothing), (1, log), (2, log)):
        os.dup2(file, number)
    os.closerange(3, max(log, nothing) + 1)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 - it ends with the process
    os.chdir(asked["cwd"])
    os.environ.clear()
    os.environ.update(asked["env"])
    sys.argv = ["connector", *asked["argv"]]
    if asked["altered"]:
        from tests.chaos.mutants import alter

        alter(asked["altered"])
    from connector.cli import main as command

    command(prog_name="connector")


if __name__ == "__main__":
    main()
