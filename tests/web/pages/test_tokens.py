"""Tokens of the API: for what, from where, how long, and never more than their maker."""

import re

import pytest

from connector.store import api_tokens, users
from connector.web import api
from connector.web.api.calls import SCOPES


@pytest.fixture
def console(sqlite_url, home, make_console):
    from connector.store.engine import open_store

    store = open_store(sqlite_url, home=home)
    yield make_console(store)
    store.close()


def made(console, *scopes, role="admin", user=None, **more):
    with console.house.store.write() as conn:
        chosen = {"scopes": list(scopes) if scopes else None, "user": user, **more}
        return api_tokens.add(conn, "t", role, "me", console.house.clock.now(), **chosen)[1]


def get(console, token, path="/api/v1/tasks", where="127.0.0.1", method="GET"):
    given = {"Authorization": f"Bearer {token}"}
    return console.stranger.open(path, method=method, headers=given, environ_base={"REMOTE_ADDR": where})


def filled(path):
    return "/api/v1" + re.sub(r"<\w+>", "1", path)


def test_every_call_has_a_scope_and_every_scope_a_call():
    assert {one.scope for one in api.CALLS} | {"metrics"} == set(SCOPES)  # which is for /metrics


@pytest.mark.parametrize("scope", SCOPES)
def test_a_token_does_what_its_scope_is_for_and_nothing_else(console, scope):
    token, wrong = made(console, scope), []
    for one in api.CALLS:
        answer = get(console, token, filled(one.path), method=one.method)
        if (answer.status_code == 403) is (one.scope == scope) or answer.status_code >= 500:
            wrong.append((one.method, one.path, answer.status_code))
    assert wrong == []
    other = next(one for one in api.CALLS if one.scope != scope)
    answer = get(console, token, filled(other.path), method=other.method)
    assert other.scope in answer.get_json()["hint"]


def test_a_token_from_before_there_were_scopes_does_what_its_role_may(console):
    assert {get(console, made(console), filled(one.path), method=one.method).status_code for one in api.CALLS} <= {
        200, 202, 404, 422,
    }  # fmt: skip


def test_a_token_works_from_its_networks_only(console):
    token = made(console, "tasks", networks=["203.0.113.0/24", "2001:db8::/32"])
    assert get(console, token, where="203.0.113.7").status_code == 200
    assert get(console, token, where="2001:db8::7").status_code == 200
    assert get(console, token, where="198.51.100.7").status_code == 401


def test_a_token_stops_with_its_maker_and_goes_no_further_than_they_may(console):
    admin = console("admin")
    with console.house.store.write() as conn:
        user = users.add(conn, "eve@example.com", "", "admin", console.house.clock.now())
    token = made(console, *SCOPES, user=user)
    cancel = "/api/v1/sends/x/cancel"
    assert get(console, token, cancel, method="POST").status_code == 404
    assert admin.post(f"/settings/people/{user}", {"role": "viewer", "state": "active"}).status_code == 200
    assert get(console, token, cancel, method="POST").status_code == 403
    assert get(console, token).status_code == 200
    assert admin.post(f"/settings/people/{user}", {"role": "viewer", "state": "disabled"}).status_code == 200
    assert get(console, token).status_code == 401
    assert "its maker is disabled" in admin.get("/settings/tokens/").text
    assert admin.post(f"/settings/people/{user}", {"role": "viewer", "state": "active"}).status_code == 200
    assert get(console, token).status_code == 200


def test_making_one_in_the_console(console):
    admin = console("admin")
    form = {"name": "report", "role": "viewer", "days": "30"}
    assert admin.post("/settings/tokens/", form).status_code == 422  # for nothing
    assert admin.post("/settings/tokens/", form | {"scope": "king"}).status_code == 422
    odd = form | {"scope": ["read", "tasks"], "networks": "office"}
    answer = admin.post("/settings/tokens/", odd)
    assert answer.status_code == 422
    assert 'value="office"' in answer.text
    answer = admin.post("/settings/tokens/", odd | {"networks": "127.0.0.1, 10.0.0.0/8"})
    token = re.search(r"wcc_[\w-]+", answer.text).group()
    assert get(console, token).status_code == 200
    assert get(console, token, where="192.0.2.1").status_code == 401
    with console.house.store.read() as conn:
        row = api_tokens.all_tokens(conn)[0]
        assert (row.scopes, row.networks) == (["read", "tasks"], ["127.0.0.1/32", "10.0.0.0/8"])
        assert users.get(conn, row.user).email == "admin@example.com"
        assert token not in str(row)


def test_tokens_that_are_none_are_looked_at_twenty_times_a_minute_and_a_good_one_goes_on(console):
    token, later = made(console, "tasks"), made(console, "tasks")
    assert get(console, token).status_code == 200
    found = [get(console, f"wcc_{n}") for n in range(21)]
    assert [one.status_code for one in found] == [401] * 20 + [429]
    assert int(found[-1].headers["Retry-After"]) > 0
    assert found[-1].mimetype == "application/json"
    assert get(console, token).status_code == 200
    assert get(console, later).status_code == 429  # not known here yet
    assert get(console, later, where="203.0.113.7").status_code == 200
