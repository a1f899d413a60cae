"""Settings from the environment; all faults are told at once.

Each NAME may come as NAME_FILE instead: the path of a file whose text is the value.
"""

import hashlib
import importlib.util
import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from marshmallow import EXCLUDE, Schema, ValidationError, fields, validate

from connector.keys import BadConfig, Watched, is_key, key_file, split, usable

if TYPE_CHECKING:
    from connector.store.secrets import Keyring

__all__ = [
    "AlarmSettings", "BadConfig", "Config", "is_key", "key_file", "load", "local_url", "normalise", "private_directory",
    "socket_path",
]  # fmt: skip

SOCKET_MAX = 104  # bytes of a Unix socket's path on macOS, Linux has 108
POSTGRES = "postgresql+psycopg://"
SHORTEST_TOKEN = 20  # characters of METRICS_TOKEN


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """What one deployment runs with. Addresses may hold passwords, so they are never shown."""

    home: Path
    database_url: str = field(repr=False)
    redis_url: str = field(repr=False)
    own_redis: bool  # True = we start the bundled Valkey at `redis_url`
    host: str
    port: int  # 0 = pick a free one
    public_url: str  # no slash at the end
    web_processes: int
    web_threads: int
    workers: int
    log_level: str
    trusted_hosts: tuple[str, ...] = ()  # names we answer to beside PUBLIC_URL's and this machine's own
    trusted_proxies: int = 0  # how many stand in front of us and add to X-Forwarded-For
    sandbox_url: str = ""  # the sandbox whose phone the console shows; "" = none runs here
    secret_keys: tuple[str, ...] = field(default=(), repr=False)  # Fernet keys, the newest first
    secret_key_file: Path | None = None  # where they were read from; it is watched
    media_dir: Path | None = None  # where people's files lie; None = <HOME>/media
    log_format: str = ""  # text or json; "" = text on a terminal, json elsewhere
    log_people: bool = False  # phones stand in the log as they are
    metrics_token: str = field(default="", repr=False)  # who may read /metrics; "" = this machine only
    alarms: "AlarmSettings" = field(default_factory=lambda: AlarmSettings())
    backup_dir: Path | None = None  # where the nightly backup goes; None = there is none
    backup_keep: int = 7  # backups that are kept there
    backup_hour: int = 2  # of the nightly one, in the deployment's time zone
    backup_key: str = field(default="", repr=False)  # seals backups and the journal
    journal_dir: Path | None = None  # the second record (docs/backup.md); None = there is none

    @property
    def socket(self) -> Path:
        """Where the bundled Valkey listens."""
        return Path(self.redis_url.removeprefix("unix://"))

    def keyring(self) -> "Keyring":
        """The keys that secrets are stored under: CONNECTOR_SECRET_KEY, else <HOME>/secret.key, made at first use."""
        from connector.store.secrets import Keyring

        if self.secret_key_file is not None:
            path = self.secret_key_file
            return Keyring(Watched(path, lambda: usable(path)))
        return Keyring(self.secret_keys or Watched(self.own_key_file, lambda: key_file(self.home)))

    @property
    def own_key_file(self) -> Path:
        """The file that we make, and may change, where CONNECTOR_SECRET_KEY says nothing."""
        return self.home / "secret.key"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmSettings:
    """Where alarms go; nothing set = only the Health page and `connector alarms list` tell of them."""

    webhook_url: str = field(default="", repr=False)
    webhook_secret: str = field(default="", repr=False)
    hosts: tuple[str, ...] = ()  # that may be called although they are not public
    emails: tuple[str, ...] = ()
    sender: str = ""
    smtp_url: str = field(default="", repr=False)


def _keys(text: str) -> None:
    if not all(map(is_key, split(text))):
        raise ValidationError("Each key must be 32 bytes in URL-safe base64 (44 characters), with commas between keys.")


def _database(url: str) -> None:
    if url.startswith(POSTGRES):
        if importlib.util.find_spec("psycopg") is None:
            raise ValidationError("Postgres needs its driver: pip install 'whatsapp-crm-connector[postgres]'.")
    elif not url.startswith("sqlite:///"):
        raise ValidationError("Use postgresql://user:password@host/name or sqlite:////absolute/path.db.")


def _key(text: str) -> None:
    if text and not is_key(text):
        raise ValidationError("The key must be 32 bytes in URL-safe base64 (44 characters).")


_ABSOLUTE = validate.Regexp(r"(/.*)?\Z", error="Use an absolute path.")
_URL = validate.Regexp(r"https?://[^\s/?#@]+(/[^\s?#]*)?\Z", error="Use https://host without user, query or fragment.")


def _long(text: str) -> None:
    if text and (len(text) < SHORTEST_TOKEN or not text.isascii() or " " in text):
        raise ValidationError(f"Use at least {SHORTEST_TOKEN} letters and digits, e.g. of `openssl rand -hex 24`.")


def _webhook_secret(text: str) -> None:
    from connector.webhooks.standard import usable

    if text and not usable(text):
        raise ValidationError("Use whsec_ and 24 to 64 bytes in base64.")


def _emails(text: str) -> None:
    from connector.mail import usable

    wrong = [one for one in split(text) if not usable(one)]
    if wrong:
        raise ValidationError(f"{', '.join(wrong)[:100]!r} is no e-mail address. Use name@host, with commas between.")


def _mail_server(url: str) -> None:
    from connector.mail import refusal

    if url and (wrong := refusal(url)):
        raise ValidationError(wrong)


class _Settings(Schema):
    """The settings that are plain values; the keys are the environment's names."""

    class Meta:
        unknown = EXCLUDE

    DATABASE_URL = fields.String(validate=_database)
    REDIS_URL = fields.String(
        validate=validate.Regexp(r"(rediss?|unix)://.+", error="Use redis://, rediss:// or unix://.")
    )
    HOST = fields.String(load_default="127.0.0.1")
    PORT = fields.Integer(load_default=8000, validate=validate.Range(0, 65535))
    PUBLIC_URL = fields.String(validate=_URL)
    SANDBOX_URL = fields.String(
        load_default="",
        validate=validate.Regexp(
            r"http://(127\.0\.0\.1|localhost|\[::1\]):\d{1,5}\Z", error="Use http://127.0.0.1:PORT."
        ),
    )
    WEB_PROCESSES = fields.Integer(validate=validate.Range(1, 64))
    WEB_THREADS = fields.Integer(load_default=32, validate=validate.Range(1, 256))
    TRUSTED_PROXIES = fields.Integer(load_default=0, validate=validate.Range(0, 10))
    TRUSTED_HOSTS = fields.String(load_default="", validate=validate.Regexp(
        r"(([\w.-]+|\[[0-9A-Fa-f:]+\])(:\d{1,5})?(\Z|[, ]+))*\Z", re.ASCII, error="Use wa.example.com,internal:8000."
    ))  # fmt: skip
    WORKERS = fields.Integer(load_default=2, validate=validate.Range(1, 64))
    MEDIA_DIR = fields.String(
        load_default="", validate=validate.Regexp(r"(/.*)?\Z", error="Use an absolute path, shared by all machines.")
    )
    BACKUP_DIR = fields.String(load_default="", validate=_ABSOLUTE)
    BACKUP_KEEP = fields.Integer(load_default=7, validate=validate.Range(1, 1000))
    BACKUP_HOUR = fields.Integer(load_default=2, validate=validate.Range(0, 23))
    BACKUP_KEY = fields.String(load_default="", validate=_key)
    JOURNAL_DIR = fields.String(load_default="", validate=_ABSOLUTE)
    CONNECTOR_SECRET_KEY = fields.String(load_default="", validate=_keys)
    LOG_FORMAT = fields.String(load_default="", validate=validate.OneOf(["", "text", "json"]))
    LOG_PEOPLE = fields.Boolean(load_default=False)
    METRICS_TOKEN = fields.String(load_default="", validate=_long)
    ALARM_WEBHOOK_URL = fields.String(load_default="")
    ALARM_WEBHOOK_SECRET = fields.String(load_default="", validate=_webhook_secret)
    ALARM_HOSTS = fields.String(load_default="")
    ALARM_EMAIL = fields.String(load_default="", validate=_emails)
    ALARM_FROM = fields.String(load_default="", validate=_emails)
    SMTP_URL = fields.String(load_default="", validate=_mail_server)
    LOG_LEVEL = fields.String(load_default="INFO", validate=validate.OneOf(["DEBUG", "INFO", "WARNING", "ERROR"]))


NAMES = ("CONNECTOR_HOME", *_Settings().fields)


def load(environ: Mapping[str, str]) -> Config:
    """The settings of this environment. Raises BadConfig with every fault; makes nothing on disk."""
    given, faults = _read(environ)
    if "DATABASE_URL" in given:
        given["DATABASE_URL"] = normalise(given["DATABASE_URL"])
    given |= {name: given[name].upper() for name in ("LOG_LEVEL",) if name in given}
    given |= {name: given[name].lower() for name in ("LOG_FORMAT",) if name in given}
    faults += _alone(given)
    try:
        values: dict[str, Any] = _Settings().load(given)
    except ValidationError as error:
        values = {}
        faults += [f"{name}: {' '.join(texts)}" for name, texts in error.messages_dict.items()]
    if faults:
        lines = "".join(f"\n  {fault}" for fault in sorted(faults))
        raise BadConfig(f"The settings cannot be used:{lines}", code="config")
    watched = environ.get("CONNECTOR_SECRET_KEY_FILE", "").strip()
    values["SECRET_KEY_FILE"] = Path(watched) if watched else None
    return _config(Path(given.get("CONNECTOR_HOME", ".connector")).expanduser().resolve(), values)


def _alone(given: Mapping[str, str]) -> list[str]:
    """Settings of alarms that are of no use without another one."""
    from connector.webhooks.address import refusal

    url, hosts = given.get("ALARM_WEBHOOK_URL", ""), split(given.get("ALARM_HOSTS", ""))
    found = [f"ALARM_WEBHOOK_URL: It cannot be called: {why}." for why in [refusal(url, hosts)] if url and why]
    if url and not given.get("ALARM_WEBHOOK_SECRET"):
        found.append("ALARM_WEBHOOK_SECRET: ALARM_WEBHOOK_URL needs it: whsec_ and 24 to 64 bytes in base64.")
    if given.get("ALARM_EMAIL") and not given.get("SMTP_URL"):
        found.append("SMTP_URL: ALARM_EMAIL needs a mail server: smtps://user:password@host:465.")
    return found


def _alarms(values: Mapping[str, Any]) -> AlarmSettings:
    emails = split(values["ALARM_EMAIL"])
    return AlarmSettings(
        webhook_url=values["ALARM_WEBHOOK_URL"], webhook_secret=values["ALARM_WEBHOOK_SECRET"],
        hosts=split(values["ALARM_HOSTS"]), emails=emails, smtp_url=values["SMTP_URL"],
        sender=values["ALARM_FROM"] or (emails[0] if emails else ""),
    )  # fmt: skip


def _config(home: Path, values: Mapping[str, Any]) -> Config:
    database = values.get("DATABASE_URL") or f"sqlite:///{home / 'connector.db'}"
    host, port = values["HOST"], values["PORT"]
    return Config(
        home=home,
        database_url=database,
        redis_url=values.get("REDIS_URL") or f"unix://{socket_path(home)}",
        own_redis="REDIS_URL" not in values,
        host=host,
        port=port,
        public_url=str(values.get("PUBLIC_URL") or local_url(host, port)).rstrip("/"),
        # SQLite has one writer at a time, and more than three writing processes wait for seconds (measured).
        web_processes=values.get("WEB_PROCESSES") or (1 if database.startswith("sqlite") else 2),
        web_threads=values["WEB_THREADS"],
        workers=values["WORKERS"],
        log_level=values["LOG_LEVEL"],
        trusted_hosts=split(values["TRUSTED_HOSTS"]),
        trusted_proxies=values["TRUSTED_PROXIES"],
        sandbox_url=values["SANDBOX_URL"],
        secret_keys=split(values["CONNECTOR_SECRET_KEY"]),
        secret_key_file=values["SECRET_KEY_FILE"],
        log_format=values["LOG_FORMAT"],
        log_people=values["LOG_PEOPLE"],
        metrics_token=values["METRICS_TOKEN"],
        alarms=_alarms(values),
        media_dir=_path(values["MEDIA_DIR"]),
        backup_dir=_path(values["BACKUP_DIR"]),
        backup_keep=values["BACKUP_KEEP"],
        backup_hour=values["BACKUP_HOUR"],
        backup_key=values["BACKUP_KEY"],
        journal_dir=_path(values["JOURNAL_DIR"]),
    )


def _path(text: str) -> Path | None:
    return Path(text) if text else None


def _read(environ: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """Our settings that are not empty, from NAME or the file that NAME_FILE names; and what is wrong with them."""
    given: dict[str, str] = {}
    faults: list[str] = []
    for name in NAMES:
        value, path = environ.get(name, "").strip(), environ.get(f"{name}_FILE", "").strip()
        if value and path:
            faults.append(f"{name}: Set either {name} or {name}_FILE, not both.")
        elif path:
            try:
                value = Path(path).read_text(encoding="utf-8").strip()
            except (OSError, ValueError) as error:
                reason = getattr(error, "strerror", None) or "it is not text"
                faults.append(f"{name}_FILE: {path} cannot be read: {reason}.")
        if value:
            given[name] = value
    return given, faults


def normalise(url: str) -> str:
    """Postgres addresses as hosts hand them out (postgres://, postgresql://) with the driver we use."""
    for scheme in ("postgres://", "postgresql://"):
        if url.startswith(scheme):
            return POSTGRES + url.removeprefix(scheme)
    return url


def local_url(host: str, port: int) -> str:
    """How a process on this machine reaches the web server."""
    name = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    return f"http://{name}:{port}"


def socket_path(home: Path) -> Path:
    """`<tmp>/connector-<8 hex of HOME>/s`: short enough for every system, the same for every process of this HOME."""
    name = f"connector-{hashlib.sha256(str(home).encode()).hexdigest()[:8]}"
    path = Path(tempfile.gettempdir()) / name / "s"
    return path if len(os.fsencode(path)) < SOCKET_MAX else Path("/tmp") / name / "s"  # noqa: S108 - made 0700 and checked


def private_directory(path: Path) -> Path:
    """The directory, made 0700; refused when another user owns it or it is a link."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = path.lstat()
    except OSError as error:
        why = f"{path} cannot be made: {error.strerror}."
        raise BadConfig(why, hint="Set CONNECTOR_HOME to a place we may write.") from None
    if path.is_symlink() or found.st_uid != os.getuid():
        raise BadConfig(f"{path} belongs to somebody else.", hint="Remove it, or set TMPDIR to a directory of yours.")
    return path
