"""Where a record is seen in Salesforce's own screens. Imports no SDK."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from connector.crm import value

_ID = re.compile(r"[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?")
_HOST = re.compile(r"[a-z0-9][a-z0-9.-]*\.salesforce\.com")


def record_url(settings: Mapping[str, Any], object_: str, record: str) -> str:
    """The instance and the id alone: Salesforce leads on to the page of its object. "" for the sandbox."""
    del object_
    given = value(settings, "base-url") or value(settings, "domain")
    host = urlsplit(given if "://" in given else f"https://{given}").hostname or ""
    return f"https://{host}/{record}" if _HOST.fullmatch(host) and _ID.fullmatch(record) else ""
