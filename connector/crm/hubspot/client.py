"""One pooled, thread-safe HTTP client per HubSpot account; every answer that is not 2xx becomes one of our errors."""

import json
import ssl
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import urllib3
from hubspot.crm.contacts import ApiClient, Configuration
from hubspot.crm.contacts.exceptions import ApiException
from urllib3.exceptions import ConnectTimeoutError, HTTPError, LocationParseError, MaxRetryError, NewConnectionError
from urllib3.exceptions import SSLError as PoolSSLError

from connector.core.scrub import scrubbed
from connector.crm import wire
from connector.crm.hubspot import faults, pace
from connector.errors import ConnectorError, Unreachable
from connector.ports import Multipart, fence

if TYPE_CHECKING:
    from connector.crm.hubspot.bearer import Bearer

VERSION = "2026-09"  # supported for 18 months; the SDK's own v3 and v4 paths end in 2027
TIMEOUT = (3, 20)  # seconds to connect, to read
POOL = 8
MOST = 3  # renewals for one call: what another process stored may have aged too
LOW = 0.02  # of the daily limit: time to learn when the day ends, while we may still ask
HEADERS = {"Accept": "application/json", "Content-Type": "application/json"}
Body = dict[str, Any]
Answer = tuple[int, Mapping[str, str], bytes]


def objects(name: str, *rest: str) -> str:
    """/crm/objects/<version>/<name>/..., each part quoted."""
    return _path("/crm/objects", name, *rest)


def properties(name: str, *rest: str) -> str:
    """/crm/properties/<version>/<name>/..., each part quoted."""
    return _path("/crm/properties", name, *rest)


def associations(source: str, target: str) -> str:
    """The batch read of what is associated."""
    return _path("/crm/associations", source, target, "batch", "read")


def validations(type_id: str) -> str:
    """The account's own validation rules of one object type."""
    return _path("/crm/property-validations", type_id)


def _path(start: str, *parts: str) -> str:
    return "/".join([start, VERSION, *(quote(part, safe="") for part in parts)])


def lists(*rest: str) -> str:
    """/crm/lists/<version>/..., each part quoted."""
    return _path("/crm/lists", *rest)


CALLBACKS = f"/automation/actions/callbacks/{VERSION}"


def callback(id_: str) -> str:
    """Where one workflow that waits is told to go on."""
    return f"{CALLBACKS}/{quote(id_, safe='')}/complete"


# The dated path that the files guide names (2026-03); a later date has none in the docs yet, checked 2026-11.
FILES = "/files/2026-03/files"
OWNERS = f"/crm/owners/{VERSION}"
DETAILS = f"/account-info/{VERSION}/details"


class Client:
    """`get` and `post` of JSON. Uses the SDK's ApiClient by path: its documented style opens a connection per call."""

    def __init__(self, host: str, bearer: "Bearer", *, zone: str | None = None) -> None:
        configuration = Configuration(host=host)
        configuration.connection_pool_maxsize = POOL
        configuration.retries = urllib3.Retry(0, redirect=False)  # the pipeline retries; nobody is redirected
        self._api, self._bearer = ApiClient(configuration), bearer
        wire.fenced(self._api.rest_client.pool_manager)
        self._api.user_agent = "whatsapp-crm-connector"
        self._zone = zone
        self._window = pace.Window(int(pace.LIMIT * pace.SHARE), pace.INTERVAL)
        self._turns = pace.Turns(pace.SEARCH_LIMIT)
        self.used: dict[str, tuple[int, int]] = {}  # calls used and allowed, by limit

    def __repr__(self) -> str:
        return f"Client({self._api.configuration.host!r})"

    def get(self, path: str, **query: str) -> Body:
        """The JSON object at `path`."""
        return self._call("GET", f"{path}?{urlencode(query)}" if query else path, None)

    def post(self, path: str, body: Body) -> Body:
        """The JSON object answered to `body`; {} for an empty answer."""
        return self._call("POST", path, body)

    def upload(self, path: str, body: Multipart) -> Body:
        """A form with a file, read from disk as it is sent."""
        self._window.enter()
        status, headers, data = self._proven(lambda token: self._uploaded(path, body, token))
        if not 200 <= status <= 299:
            raise faults.translate(status, headers, data, self._zone, datetime.now(UTC))
        return _object(data)

    def _uploaded(self, path: str, body: Multipart, token: str) -> Answer:
        headers = {"Accept": "application/json", "Content-Type": body.content_type, "Content-Length": str(len(body))}
        headers |= {"Authorization": f"Bearer {token}"}
        try:
            answer = self._api.rest_client.pool_manager.request(
                "POST", self._api.configuration.host + path, body=iter(body), headers=headers, redirect=False,
                retries=urllib3.Retry(0, redirect=False), timeout=urllib3.Timeout(*TIMEOUT),
            )  # fmt: skip
        except (HTTPError, OSError) as error:
            raise unreachable(error) from None
        return answer.status, answer.headers, answer.data

    def search(self, name: str, body: Body) -> Body:
        """One page of a search, which HubSpot counts apart: a few a second, outside the ten-second window."""
        self._turns.enter()
        return self._send("POST", objects(name, "search"), body)

    def details(self) -> Body:
        """The account: portalId, timeZone, ... (the cheapest test of a token)."""
        found = self.get(DETAILS)
        self._zone = str(found.get("timeZone") or "") or None
        return found

    def _call(self, method: str, path: str, body: Body | None) -> Body:
        self._window.enter()
        return self._send(method, path, body)

    def _send(self, method: str, path: str, body: Body | None) -> Body:
        status, headers, data = self._proven(lambda token: self._exchange(method, path, body, token))
        if limit := pace.read_limit(headers):
            self._window.learn(*limit)
        self.used = self.used | pace.read_used(headers)
        if not 200 <= status <= 299:
            raise faults.translate(status, headers, data, self._zone, datetime.now(UTC))
        self._mind_the_day(path, headers)
        return _object(data)

    def _proven(self, call: Callable[[str], Answer]) -> Answer:
        """One call with our token, and again with a new one where it was refused. Its text never comes back."""
        token = self._bearer.current()
        status, headers, data = call(token)
        ours = False
        for _ in range(MOST):
            if status != 401 or ours:
                break
            fresh, ours = self._bearer.renew(token)
            if not fresh:
                break
            token = fresh
            status, headers, data = call(token)
        return status, headers, scrubbed(data, [token])

    def _exchange(self, method: str, path: str, body: Body | None, token: str) -> Answer:
        """(status, headers, body) whatever the status; a transport error as Unreachable, without its cause's text."""
        try:
            answer = self._api.call_api(
                path,
                method,
                header_params={**HEADERS, "Authorization": f"Bearer {token}"},  # not the SDK's: threads share that
                body=body,
                auth_settings=[],
                _preload_content=False,
                _request_timeout=TIMEOUT,
            )
            return answer.status, answer.headers, answer.data
        except ApiException as error:
            if error.status:
                return error.status, error.headers or {}, error.body or b""
            raise Unreachable("HubSpot's TLS connection failed.", sent=False, code="tls") from None
        except UnicodeDecodeError:  # the SDK decodes every error page as UTF-8
            raise Unreachable("HubSpot answered with a page we cannot read.", code="not_json") from None
        except (HTTPError, OSError) as error:
            raise unreachable(error) from None

    def _mind_the_day(self, path: str, headers: Mapping[str, str]) -> None:
        """Learn the account's time zone before the daily limit is reached: after that nothing answers."""
        daily = headers.get("X-HubSpot-RateLimit-Daily", "")
        left = headers.get("X-HubSpot-RateLimit-Daily-Remaining", "")
        if self._zone or path == DETAILS or not (daily.isdecimal() and left.isdecimal()):
            return
        if 0 < int(left) < int(daily) * LOW:
            self._zone = "UTC"  # asked once; also the answer when that call fails
            try:
                with fence.asked(None):  # it comes after a call whose outcome it must not lose
                    self.details()
            except ConnectorError:
                return


def unreachable(error: BaseException) -> Unreachable:
    """A transport error by what it says about our request: `sent` False only where no connection was made."""
    cause = error.reason if isinstance(error, MaxRetryError) and error.reason else error
    certificate = isinstance(cause, PoolSSLError) and isinstance(next(iter(cause.args), None), ssl.CertificateError)
    if isinstance(cause, (NewConnectionError, ConnectTimeoutError, LocationParseError)) or certificate:
        return Unreachable("HubSpot cannot be reached.", sent=False, code="no_connection", cause=type(cause).__name__)
    return Unreachable("HubSpot's answer did not arrive.", sent=True, code="no_answer", cause=type(cause).__name__)


def _object(data: bytes) -> Body:
    if not data:
        return {}
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise Unreachable("HubSpot answered with something that is not JSON.", code="not_json")
    return found
