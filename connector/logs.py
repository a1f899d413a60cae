"""The log of a process: one line for each record, as text or JSON, made safe in one place.

Our own loggers say what LOG_LEVEL asks for. Other libraries say warnings only: at DEBUG they print bodies and headers.
Phones, e-mails, ids of people and secrets are masked in every line (core/logtext.py); of an exception that is not
ours only the kind and the places are told, because its text may quote what somebody wrote."""

import json
import logging
import os
import sys
import threading
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from types import MappingProxyType, TracebackType
from typing import IO, Any

from connector.core.logtext import hushed, line, unquoted
from connector.errors import ConnectorError

OURS = "connector"
IDS = ("account", "event", "delivery", "send", "task", "bell")  # ids that a record may carry, in this order
REQUEST = ("method", "path", "status", "ms", "person")  # of a line of the console's requests
FORMATS = ("text", "json")
FRAMES = 30  # places of an exception, the last ones
_NONE: Mapping[str, str] = MappingProxyType({})
_within: ContextVar[Mapping[str, str]] = ContextVar("log", default=_NONE)


@contextmanager
def within(**ids: str) -> Iterator[None]:
    """Every record of this thread carries these ids meanwhile."""
    token = _within.set({**_within.get(), **{name: value for name, value in ids.items() if value}})
    try:
        yield
    finally:
        _within.reset(token)


def set_up(
    level: str, form: str = "", *, people: bool = False, process: str = "", stream: IO[str] | None = None
) -> None:
    """Replaces whatever handlers there are. `form`: text or json; "" = text on a terminal, json elsewhere."""
    to = stream or sys.stderr
    chosen = form or ("text" if to.isatty() else "json")
    handler = logging.StreamHandler(to)
    handler.setFormatter(Formatter(chosen, people=people, process=process or OURS))
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    logging.getLogger(OURS).setLevel(level)
    for name in FOREIGN:  # some set a level of their own, and some a handler that knows nothing of masks
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.captureWarnings(True)
    sys.excepthook = _uncaught
    threading.excepthook = _uncaught_in_thread


FOREIGN = ("rq.worker", "rq.job", "httpx", "httpcore", "alembic", "urllib3", "sqlalchemy", "werkzeug")
# For granian, which configures logging itself: its loggers write to ours.
GRANIAN = {
    "version": 1,
    "incremental": False,
    "disable_existing_loggers": False,
    "loggers": {
        name: {"handlers": [], "level": "WARNING", "propagate": True} for name in ("_granian", "granian.access")
    },
}


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    logging.getLogger(OURS).critical("the process ends", exc_info=(kind, error, trace))


def _uncaught_in_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is not None and not issubclass(args.exc_type, SystemExit):
        info = (args.exc_type, args.exc_value, args.exc_traceback)
        logging.getLogger(OURS).error("the thread %s ends", args.thread.name if args.thread else "", exc_info=info)


class Formatter(logging.Formatter):
    """A record as one safe line."""

    def __init__(self, form: str, *, people: bool = False, process: str = OURS) -> None:
        super().__init__()
        self._json, self._people, self._process = form == "json", people, process

    def format(self, record: logging.LogRecord) -> str:
        found = self.fields(record)
        return json.dumps(found, ensure_ascii=True, separators=(",", ":")) if self._json else _text(found)

    def fields(self, record: logging.LogRecord) -> dict[str, Any]:
        """What the line says, in its order."""
        at = datetime.fromtimestamp(record.created, UTC)
        found: dict[str, Any] = {
            "time": f"{at:%Y-%m-%dT%H:%M:%S}.{int(record.msecs):03d}Z", "level": record.levelname,
            "logger": line(record.name), "process": self._process, "pid": os.getpid(), "message": self._message(record),
        }  # fmt: skip
        ids = {**_within.get(), **{name: getattr(record, name) for name in (*IDS, *REQUEST) if hasattr(record, name)}}
        found |= {name: self._id(ids[name]) for name in (*IDS, *REQUEST) if ids.get(name) not in (None, "")}
        if record.exc_info and record.exc_info[1] is not None:
            found["exception"] = self._safe(told(record.exc_info[1]))
        return found

    def _message(self, record: logging.LogRecord) -> str:
        args = record.args
        if isinstance(args, Mapping):
            args = {name: _argument(value) for name, value in args.items()}
        elif args:
            args = tuple(_argument(value) for value in args)
        try:
            return self._safe(str(record.msg) % args if args else str(record.msg))
        except (TypeError, ValueError, KeyError):  # a mistake of whoever wrote the call must not lose the line
            return self._safe(str(record.msg))

    def _safe(self, text: str) -> str:
        return line(hushed(text, people=self._people))

    def _id(self, value: Any) -> Any:
        return value if isinstance(value, int | float) else self._safe(str(value))


def _argument(value: Any) -> Any:
    """An exception as an argument: ours by its sentence without quotations, others by their kind."""
    if isinstance(value, ConnectorError):
        return unquoted(str(value))
    return type(value).__name__ if isinstance(value, BaseException) else value


def told(error: BaseException) -> str:
    """An exception in one line: its kind and places, the innermost last; then what it came from."""
    parts, seen = list[str](), set[int]()
    at: BaseException | None = error
    while at is not None and id(at) not in seen and len(parts) < 5:
        seen.add(id(at))
        frames = traceback.extract_tb(at.__traceback__)[-FRAMES:]
        places = " > ".join(f"{_file(frame.filename)}:{frame.lineno} {frame.name}" for frame in frames)
        said = f": {unquoted(str(at))}" if isinstance(at, ConnectorError) else ""
        parts.append(f"{type(at).__module__}.{type(at).__qualname__}{said}" + (f" at {places}" if places else ""))
        at = at.__cause__ or (None if at.__suppress_context__ else at.__context__)
    return " | from ".join(parts)


def _file(path: str) -> str:
    """From the package on: where it is installed is nobody's business."""
    for mark in ("/site-packages/", "/lib/python3"):
        if mark in path:
            return path.rpartition(mark)[2].partition("/")[2] if mark != "/site-packages/" else path.rpartition(mark)[2]
    at = path.rfind("/connector/")
    return path[at + 1 :] if at >= 0 else path.rpartition("/")[2]


def _text(found: Mapping[str, Any]) -> str:
    known = ("time", "level", "logger", "process", "pid", "message", "exception")
    more = "".join(f" {name}={value}" for name, value in found.items() if name not in known)
    broken = f" [{found['exception']}]" if "exception" in found else ""
    head = f"{found['time']} {found['level']} {found['process']}[{found['pid']}] {found['logger']}"
    return f"{head}: {found['message']}{more}{broken}"
