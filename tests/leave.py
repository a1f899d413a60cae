"""A person who gives leave in a browser: the console, the vendor's consent page, its button, the console again."""

import html
import re
from datetime import UTC, datetime
from urllib.parse import urljoin

import httpx

from connector.base import Base
from connector.store import users


def signed_in(app: Base, url: str) -> httpx.Client:
    """An admin's browser at the console that listens on `url`."""
    with app.store.write() as conn:
        now = datetime.now(UTC)
        user = users.add(conn, "leave@example.com", "Leave", "admin", now) or users.get(conn, "leave@example.com").id
        token = users.sign_in(conn, user, now)
    return httpx.Client(base_url=url, cookies={"connector": token}, timeout=20)


def give_leave(browser: httpx.Client, start: str, allow: str = "yes") -> httpx.Response:
    """From the console's link to what the console says at the end (303 to the outcome of a worker's task)."""
    sent = browser.get(start)
    assert sent.status_code == 302, sent.text
    return browser.get(consent(sent.headers["location"], allow))


def consent(link: str, allow: str = "yes") -> str:
    """Where the vendor sends the browser back to once the button was pressed."""
    page = httpx.get(link, timeout=20)
    assert page.status_code == 200, page.text
    found = re.search(r'<form method="post" action="([^"]+)"', page.text)
    assert found
    back = httpx.post(urljoin(link, html.unescape(found[1])), data={"allow": allow}, timeout=20)
    assert back.status_code == 302, back.text
    return back.headers["location"]
