"""The sandbox over HTTP, for the phone in the page and for what sets it up. Its address is a setting."""

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from connector import errors

PATIENCE = 3.0  # seconds; it is on this machine
MOST = 4_000_000  # bytes of an answer


@dataclass(frozen=True, slots=True)
class Sandbox:
    """`Sandbox("http://127.0.0.1:8010")`; raises Unreachable, and Rejected with the sandbox's own words."""

    url: str
    patience: float = PATIENCE

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """One JSON call."""
        data = json.dumps(body).encode() if body is not None else None
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(self.url + path, data, headers, method=method)  # noqa: S310 - a setting
        try:
            with _direct().open(request, timeout=self.patience) as answer:
                return json.loads(answer.read(MOST))
        except urllib.error.HTTPError as refused:
            raise errors.Rejected(_reason(refused), code="sandbox") from None
        except (OSError, ValueError) as error:
            hint = "Start it again: connector up --sandbox"
            raise errors.Unreachable("The sandbox does not answer.", hint=hint, code="sandbox") from error

    def heard(self) -> bool:
        """What its customers write comes to somebody."""
        return bool(self.call("GET", "/_webhooks")["graph"]["url"])

    def people(self) -> list[dict[str, Any]]:
        """[{id, name, last}]: whose phone can be looked at."""
        return list(self.call("GET", "/_customers"))

    def phone(self, who: str) -> dict[str, Any]:
        """{customer, on, messages, records, form, now} of one of them."""
        return dict(self.call("GET", f"/_customers/{quote(who, safe='')}"))

    def file(self, id_: str) -> tuple[str, bytes]:
        """(type, bytes) of a file at the sandbox's WhatsApp. Raises NotFound."""
        request = urllib.request.Request(f"{self.url}/_files/{quote(id_, safe='')}")  # noqa: S310 - a setting
        try:
            with _direct().open(request, timeout=self.patience) as answer:
                return answer.headers.get_content_type(), answer.read(MOST)
        except urllib.error.HTTPError:
            raise errors.NotFound("There is no such file.", code="file") from None
        except OSError as error:
            raise errors.Unreachable("The sandbox does not answer.", code="sandbox") from error

    def write(self, who: str, answer: dict[str, Any]) -> dict[str, Any]:
        """A customer writes or taps: {wamid, message, delivering}."""
        return dict(self.call("POST", f"/_customers/{quote(who, safe='')}", answer))

    def carry(self, who: str, message: dict[str, Any]) -> str:
        """A message of another tool's appears on the phone; its wamid."""
        return str(self.call("POST", f"/_customers/{quote(who, safe='')}/messages", message)["id"])

    def change(self, service: str, object_: str, id_: str, fields: dict[str, Any]) -> None:
        """A colleague changes a record; the CRM's webhook follows."""
        place = "/".join(quote(part, safe="") for part in (service, object_, id_))
        self.call("PATCH", f"/_records/{place}", fields)

    def subscribe(self, service: str, url: str) -> None:
        """Where a service's webhooks go."""
        self.call("POST", "/_webhook", {"service": service, "url": url})


def _direct() -> urllib.request.OpenerDirector:
    """Past every proxy of the environment."""
    return urllib.request.build_opener(urllib.request.ProxyHandler({}))


def _reason(refused: urllib.error.HTTPError) -> str:
    with refused:
        try:
            return str(json.loads(refused.read(10_000))["error"])[:500]
        except (ValueError, KeyError, TypeError, OSError):
            return f"The sandbox answered {refused.code}."
