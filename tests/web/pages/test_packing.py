"""Answers in gzip, and a form's token that looks different in every one of them."""

import gzip
import re
from functools import partial

import pytest

from connector.web.auth.masks import masked, same

GZIP = {"Accept-Encoding": "br, gzip"}


@pytest.fixture
def client(console):
    """It reads answers to their end, as a server does, and closes the file."""
    browser = console("admin").client
    browser.get = partial(browser.get, buffered=True)
    return browser


def test_a_page_is_packed_where_the_browser_takes_it(client):
    plain, packed = client.get("/settings/"), client.get("/settings/", headers=GZIP)
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert int(packed.headers["Content-Length"]) == len(packed.data) < len(plain.data) / 2
    assert "Accept-Encoding" in packed.headers["Vary"]
    assert b"</html>" in gzip.decompress(packed.data)


@pytest.mark.parametrize("refused", ["identity", "gzip;q=0", "", "br"])
def test_nobody_gets_what_they_refuse(client, refused):
    for path in ("/settings/", "/static/app.css"):
        answer = client.get(path, headers={"Accept-Encoding": refused})
        assert "Content-Encoding" not in answer.headers
        assert "Accept-Encoding" in answer.headers["Vary"]


def test_what_another_site_began_is_not_packed(client):
    answer = client.get("/settings/", headers=GZIP | {"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 200
    assert "Content-Encoding" not in answer.headers


def test_what_is_small_is_not_packed(client):
    assert "Content-Encoding" not in client.get("/static/theme.js", headers=GZIP).headers


@pytest.mark.parametrize("name", ["app.css", "app.js", "vendor/htmx.min.js", "vendor/icons.svg", "vendor/editor.js"])
def test_a_file_packed_is_the_same_file(client, name):
    plain, packed = client.get(f"/static/{name}?v=1"), client.get(f"/static/{name}?v=1", headers=GZIP)
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.data) == plain.data
    assert packed.mimetype == plain.mimetype
    assert packed.headers["Cache-Control"] == plain.headers["Cache-Control"]
    assert packed.headers["ETag"] != plain.headers["ETag"]


@pytest.mark.parametrize("headers", [{}, GZIP])
def test_a_file_that_is_known_is_not_sent_again(client, headers):
    tag = client.get("/static/app.css", headers=headers).headers["ETag"]
    again = client.get("/static/app.css", headers=headers | {"If-None-Match": tag})
    assert (again.status_code, again.data) == (304, b"")


@pytest.mark.parametrize("name", ["../web/house.py", "%2e%2e/house.py", "vendor", "none.css", "a" * 500, "/etc/passwd"])
@pytest.mark.parametrize("headers", [{}, GZIP])
def test_only_files_of_ours_are_given(client, name, headers):
    assert client.get(f"/static/{name}", headers=headers).status_code in (404, 308)


def test_every_answer_carries_another_token_and_each_is_good(console):
    browser = console("viewer")
    pages = [browser.get("/settings/me/").text for _ in range(3)]
    tokens = [re.search(r'data-csrf="([^"]+)"', page).group(1) for page in pages]
    assert len(set(tokens)) == 3
    assert not any(browser.csrf in page for page in pages)
    for token in tokens:
        data = {"language": "es", "csrf": token}
        assert browser.client.post("/settings/me/", data=data).status_code in (204, 303)


def test_one_page_has_one_token(console):
    page = console("admin").get("/settings/people/").text
    tokens = re.findall(r'(?:data-csrf|name="csrf" value)="([^"]+)"', page)
    assert len(tokens) > 1
    assert len(set(tokens)) == 1


@pytest.mark.parametrize("text", ["", "x", "x" * 64, "ñ" * 64, "====", "A" * 201, "\0" * 64])
def test_no_other_text_is_the_token(text):
    token = "token-of-the-session-24b"
    assert same(masked(token), token)
    assert same(token, token)
    assert not same(text, token)
    assert not same(masked(token)[:-1], token)
    assert not same(masked("another-token-of-24-bytes"), token)
