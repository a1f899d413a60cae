"""An e-mail to operators: over TLS with a verified certificate, or to this machine's own mail server."""

import smtplib
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any
from urllib.parse import unquote, urlsplit

from connector.core.address import is_loopback
from connector.core.logtext import line

TIMEOUT = 10.0  # seconds for each answer of the server
PORTS = {"smtp": 587, "smtps": 465}
SUBJECT = 150  # characters
LONGEST = 254  # characters of an address; RFC 5321


@dataclass(frozen=True, slots=True)
class Told:
    """What one try came to, as `pipeline.writing.notify` judges it."""

    outcome: str  # done again never
    text: str = ""
    after: float | None = None
    away: bool = False


@dataclass(frozen=True, slots=True)
class Server:
    """smtps://user:password@host:465, or smtp://... which must offer STARTTLS unless it is this machine."""

    url: str = field(repr=False)

    def connect(self, context: ssl.SSLContext | None = None) -> smtplib.SMTP:
        """A session that is encrypted and signed in. Raises OSError and SMTPException."""
        parts = urlsplit(self.url)
        host, port = parts.hostname or "", parts.port or PORTS[parts.scheme]
        context = context or ssl.create_default_context()
        if parts.scheme == "smtps":
            session: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=TIMEOUT, context=context)
        else:
            session = smtplib.SMTP(host, port, timeout=TIMEOUT)
        try:
            if parts.scheme == "smtp" and not is_loopback(host):
                session.starttls(context=context)  # refused by a server without it: nothing goes out in the clear
            if parts.username:
                session.login(unquote(parts.username), unquote(parts.password or ""))
        except BaseException:
            session.close()
            raise
        return session


def refusal(url: str) -> str:
    """Why it is no mail server, in words; "" when it is one."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in PORTS and parts.hostname and parts.port != 0 and parts.path in ("", "/")
    except ValueError:
        usable = False
    return "" if usable else "Use smtps://user:password@host:465 or smtp://user:password@host:587."


def usable(address: str) -> bool:
    """One plain address: name@host, nothing that a header could be made of."""
    if not (address.isascii() and address.isprintable()) or len(address) > LONGEST or " " in address:
        return False
    name, at, host = address.rpartition("@")
    return bool(at and name and host) and not set(address) & set('<>(),;:\\"[]')


class Mailer:
    """Tells of alarms by e-mail; never raises."""

    def __init__(self, server: Server, to: Sequence[str], sender: str, about: str) -> None:
        self._server, self._to, self._sender, self._about = server, list(to), sender, about

    def tell(self, id_: str, kind: str, at: datetime, data: Mapping[str, Any]) -> Told:
        """One message to everybody; the same id makes the same Message-ID, so that a repetition is seen as one."""
        del kind
        try:
            letter = message(id_, at, data, self._to, self._sender, self._about)
            session = self._server.connect()
            try:
                refused = session.send_message(letter, self._sender, self._to)
                _part(session)
            finally:
                session.close()
        except smtplib.SMTPAuthenticationError:
            return Told("again", "The mail server refuses our name and password: correct SMTP_URL.")
        except smtplib.SMTPRecipientsRefused:
            return Told("again", "The mail server refuses every address of ALARM_EMAIL.")
        except (smtplib.SMTPException, OSError, ValueError) as error:
            return Told("again", f"The mail server did not take it ({type(error).__name__}).", away=True)
        return Told("done", f"taken, but not for {len(refused)} of {len(self._to)}" if refused else "taken")


def _part(session: smtplib.SMTP) -> None:
    """It has the letter: a farewell that fails must not send it again."""
    try:
        session.quit()
    except (smtplib.SMTPException, OSError):
        return


WORDS = {"raised": "Alarm", "repeated": "Alarm, still", "resolved": "Resolved", "test": "Test"}


def message(
    id_: str, at: datetime, data: Mapping[str, Any], to: Sequence[str], sender: str, about: str
) -> EmailMessage:
    """The letter. What came from outside is one line of printable text wherever it stands."""
    text, what = line(str(data.get("message", ""))), WORDS.get(str(data.get("what")), "Alarm")
    letter = EmailMessage()
    letter["From"] = Address(addr_spec=sender)
    letter["To"] = [Address(addr_spec=one) for one in to]
    letter["Subject"] = f"[{line(about)[:60]}] {what}: {text}"[:SUBJECT]
    letter["Date"] = format_datetime(at)
    letter["Message-ID"] = f"<{line(id_)}@connector.invalid>"
    letter["Auto-Submitted"] = "auto-generated"  # RFC 3834: no robot answers it
    lines = [text, line(str(data.get("hint", ""))), "", f"{line(str(data.get('code', '')))} {line(about)}"]
    letter.set_content("\n".join(lines).strip() + "\n")
    return letter
