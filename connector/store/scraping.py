"""Who may read /metrics with an API token."""

from datetime import datetime
from ipaddress import ip_address, ip_network

import sqlalchemy as sa

from connector.store import api_tokens

SCOPE = "metrics"


def allowed(conn: sa.Connection, token: str, address: str, now: datetime) -> bool:
    """A good token for it, called from where it may be; `address` "" = nobody knows from where.

    Its use is noted in no row: a scrape comes every few seconds."""
    row = api_tokens.of(conn, token, now) if token.startswith(api_tokens.PREFIX) else None
    if row is None:
        return False
    scopes, networks = row._mapping.get("scopes"), row._mapping.get("networks")
    return (scopes is None or SCOPE in scopes) and (not networks or _inside(address, networks))


def _inside(address: str, networks: list[str]) -> bool:
    try:
        return any(ip_address(address) in ip_network(one, strict=False) for one in networks)
    except ValueError:
        return False
