"""A process that has imported every command already and forks for each call: what a call costs is its work.

One line of JSON in ({argv, env, cwd, out, err}), one line out ({code}); the call's outputs are files.
"""

import gc
import json
import os
import signal
import sys
from importlib import import_module
from typing import Any, NoReturn

LONGEST = 60  # seconds; SIGALRM ends a call that takes longer


def main() -> None:
    from connector.cli import COMMANDS

    for place in COMMANDS.values():
        import_module(place.partition(":")[0])
    gc.freeze()  # pages that nobody touches stay shared
    for line in sys.stdin:
        asked = json.loads(line)
        pid = os.fork()
        if pid == 0:
            child(asked)
        _, status = os.waitpid(pid, 0)
        print(json.dumps({"code": os.waitstatus_to_exitcode(status)}), flush=True)


def child(asked: dict[str, Any]) -> NoReturn:
    """The call, as if it were a process of its own."""
    signal.alarm(LONGEST)
    for number, path, flags in (
        (0, os.devnull, os.O_RDONLY),
        (1, asked["out"], os.O_WRONLY | os.O_CREAT),
        (2, asked["err"], os.O_WRONLY | os.O_CREAT),
    ):
        os.dup2(os.open(path, flags, 0o600), number)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 - it ends with the process
    os.chdir(asked["cwd"])
    os.environ.clear()
    os.environ.update(asked["env"])
    os._exit(run(asked["argv"]))


def run(argv: list[str]) -> int:
    """The exit code; a fault of ours is written as Python would."""
    from connector.cli import main as command

    code: Any = 0
    try:
        command(argv, prog_name="connector")
    except SystemExit as ended:
        code = ended.code
    except BaseException:  # noqa: BLE001 - told as Python tells it
        import traceback

        traceback.print_exc()
        code = 1
    if code is not None and not isinstance(code, int):
        print(code, file=sys.stderr)
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    return int(code or 0)


if __name__ == "__main__":
    main()
