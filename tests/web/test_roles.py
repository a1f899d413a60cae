"""Every route asks for its role: those below are refused, those who have it are not, strangers sign in first."""

from collections.abc import Iterator

import pytest

from connector.store import api_tokens
from connector.web.auth.roles import ROLES

ENDS = {ROLES[0], ROLES[-1]}  # the two in every run; who is between them is refused some and not others
PAST_THE_GATE = {401, 403}  # what only the gate answers; a page may refuse what was given, but not with these


@pytest.fixture
def console(postgres_store, make_console):
    """Roles are the same on every database: one is enough."""
    return make_console(postgres_store, sandbox="http://127.0.0.1:9")


def place(kind) -> object:
    """Something that fits: one of its words, a number, a name of nothing."""
    return sorted(kind.items)[0] if hasattr(kind, "items") else 1 if hasattr(kind, "num_convert") else "x"


def routes(console) -> Iterator[tuple[str, str, str, str]]:
    """(endpoint, method, path, role) of every route; its places are filled with names of nothing."""
    for rule in console.app.url_map.iter_rules():
        filled = {name: place(kind) for name, kind in rule._converters.items()}
        with console.app.test_request_context():
            path = console.app.url_map.bind("127.0.0.1").build(rule.endpoint, filled, method=sorted(rule.methods)[0])
        role = getattr(console.app.view_functions[rule.endpoint], "role", None)
        for method in sorted(rule.methods - {"HEAD", "OPTIONS"}):
            yield rule.endpoint, method, path, role


def pages(console):
    return [one for one in routes(console) if not one[2].startswith("/api/")]


def calls(console):
    return [one for one in routes(console) if one[2].startswith("/api/")]


def test_every_route_names_its_role(console):
    nameless = {endpoint for endpoint, _, _, role in routes(console) if role not in (*ROLES, "anyone")}
    assert nameless == set()
    open_to_all = {endpoint for endpoint, _, _, role in routes(console) if role == "anyone"}
    assert open_to_all <= {
        "static", "report", "signin.form", "signin.enter", "signin.welcome", "signin.begin", "second.form",
        "second.enter", "api.openapi",
    }, "open to everybody: is that meant?"  # fmt: skip


@pytest.mark.parametrize("role", [pytest.param(r, marks=() if r in ENDS else pytest.mark.long) for r in ROLES])
def test_a_page_opens_for_its_role_and_for_nobody_below(console, role):
    wrong, one = [], console(role)
    for endpoint, method, path, needed in pages(console):
        if needed == "anyone":
            continue
        refused = ROLES.index(role) < ROLES.index(needed)
        for part in (False, True):
            answer = one.get(path, part=part) if method == "GET" else one.post(path, part=part)
            if method != "GET" and not refused:
                one = console(role)  # it may have ended the session
            good = answer.status_code == 403 if refused else answer.status_code not in PAST_THE_GATE
            if not good or answer.status_code == 500:
                wrong.append((endpoint, method, path, "part" if part else "page", answer.status_code))
            if refused and part and answer.headers.get("HX-Retarget") != "#toasts":
                wrong.append((endpoint, method, path, "a refused part is not told in passing"))
    assert wrong == []


def test_a_stranger_signs_in_first(console):
    wrong = []
    for endpoint, method, path, needed in pages(console):
        if needed == "anyone":
            continue
        plain = console.stranger.open(path, method=method)
        part = console.stranger.open(path, method=method, headers={"HX-Request": "true"})
        welcomed = plain.status_code == 302 and plain.headers["Location"].startswith("/signin")
        if not (welcomed if method == "GET" else plain.status_code == 401) or part.status_code != 401:
            wrong.append((endpoint, method, path, plain.status_code, part.status_code))
    assert wrong == []


def test_a_change_from_another_site_is_refused_whoever_it_is(console):
    wrong, admin = [], console("admin")  # refused, nothing ends its session
    for endpoint, method, path, needed in pages(console):
        if method == "GET" or needed == "anyone":
            continue
        forged = admin.client.open(path, method=method, data={"csrf": "guessed"})
        elsewhere = admin.client.open(
            path, method=method, headers={"X-Csrf": admin.csrf, "Sec-Fetch-Site": "cross-site"}
        )
        if {forged.status_code, elsewhere.status_code} != {403}:
            wrong.append((endpoint, method, path, forged.status_code, elsewhere.status_code))
    assert wrong == []


@pytest.mark.parametrize("role", ROLES)
def test_a_token_of_the_api_calls_what_its_role_may(console, role):
    with console.house.store.write() as conn:
        token = api_tokens.add(conn, role, role, "me", console.house.clock.now())[1]
    wrong = []
    for endpoint, method, path, needed in calls(console):
        refused = needed != "anyone" and ROLES.index(role) < ROLES.index(needed)
        answer = console.stranger.open(path, method=method, headers={"Authorization": f"Bearer {token}"})
        good = answer.status_code == 403 if refused else answer.status_code not in {*PAST_THE_GATE, 500}
        if not good:
            wrong.append((endpoint, method, path, answer.status_code))
    assert wrong == []
