"""Settings: what holds, people, links, tokens, the audit, one's own account."""

import re
from datetime import timedelta

import pytest

from connector.store import accounts, api_tokens, documents, options, users
from tests.web.pages.conftest import PASSWORD

HOSTILE = '"><script>alert(1)</script>\u202eevil'


def actions(console):
    with console.house.store.read() as conn:
        return [row[0] for row in conn.exec_driver_sql("SELECT action FROM audit ORDER BY seq")]


def test_settings_are_shown_and_changed_and_audited(console):
    admin = console("admin")
    assert "Webhooks as they came" in admin.get("/settings/").text
    answer = admin.post("/settings/", {"business_name": HOSTILE, "retain_raw": "20"}, part=True)
    assert answer.status_code == 200
    assert "toast" in answer.headers["HX-Trigger"]
    assert "<script>alert" not in admin.get("/settings/").text
    with console.house.store.read() as conn:
        assert options.get(conn).retain_raw == 20
    assert actions(console)[-1] == "settings.change"


def test_a_setting_that_cannot_be_keeps_what_was_typed(console):
    answer = console("admin").post("/settings/", {"retain_raw": "soon", "time_zone": "Mars/Base"}, part=True)
    assert answer.status_code == 422
    assert 'value="soon"' in answer.text
    assert "whole number" in answer.text


@pytest.mark.parametrize("role", ["viewer", "editor", "publisher"])
def test_only_an_admin_changes(console, role):
    one = console(role)
    assert one.get("/settings/people/").status_code == 200
    for path in ("/settings/", "/settings/people/", "/settings/links/", "/settings/links/called"):
        answer = one.post(path, {})
        assert answer.status_code == 403
        assert "needs the role: admin" in answer.text
    assert one.get("/settings/tokens/").status_code == 403


def test_a_new_person_comes_in_by_their_link(console):
    answer = console("admin").post("/settings/people/", {"email": "Bo@Example.com", "name": HOSTILE, "role": "editor"})
    link = re.search(r"http://127.0.0.1:8000(/welcome/[\w-]+)", answer.text).group(1)
    bo = console.stranger
    assert bo.post(link, data={"password": PASSWORD}).status_code == 303
    assert bo.get("/settings/people/").status_code == 200
    with console.house.store.read() as conn:
        assert users.get(conn, "bo@example.com").role == "editor"
    assert {"person.add", "person.begin"} <= set(actions(console))


def test_an_email_is_taken_once(console):
    admin = console("admin")
    assert admin.post("/settings/people/", {"email": "admin@example.com", "role": "viewer"}).status_code == 422
    assert admin.post("/settings/people/", {"email": "x", "role": "viewer"}).status_code == 422
    assert admin.post("/settings/people/", {"email": "a@example.com", "role": "king"}).status_code == 400


def test_a_new_role_holds_at_once_and_one_admin_stays(console):
    admin, other = console("admin"), console("viewer")
    with console.house.store.read() as conn:
        me, them = users.get(conn, "admin@example.com").id, users.get(conn, "viewer@example.com").id
    assert admin.post(f"/settings/people/{them}", {"role": "admin", "state": "active"}).status_code == 200
    assert other.get("/settings/").status_code == 302  # they sign in anew
    assert admin.post(f"/settings/people/{me}", {"role": "viewer", "state": "active"}).status_code == 422
    assert admin.post(f"/settings/people/{them}", {"role": "viewer", "state": "active"}).status_code == 200
    second = console("admin", "second@example.com")
    with console.house.store.write() as conn:
        users.change(conn, users.get(conn, "second@example.com").id, state="disabled")
    assert second.get("/settings/").status_code == 302
    assert admin.post(f"/settings/people/{me}", {"role": "admin", "state": "disabled"}).status_code == 422


def test_a_disabled_person_has_a_way_back(console):
    admin = console("admin")
    console("viewer")
    with console.house.store.read() as conn:
        them = users.get(conn, "viewer@example.com").id
    assert admin.post(f"/settings/people/{them}", {"role": "viewer", "state": "disabled"}).status_code == 200
    assert "disabled" in admin.get("/settings/people/").text
    assert admin.post(f"/settings/people/{them}/link").status_code == 200
    assert admin.post(f"/settings/people/{them}", {"role": "viewer", "state": "active"}).status_code == 200
    assert admin.post("/settings/people/nobody/link").status_code == 404


def test_ones_own_language_and_password(console):
    client = console.stranger
    with console.house.store.write() as conn:
        link = users.invite(conn, None, console.house.clock.now())
    client.post(f"/welcome/{link}", data={"email": "ana@example.com", "password": PASSWORD})
    csrf = re.search(r'data-csrf="([^"]+)"', client.get("/settings/me/").text).group(1)
    assert client.post("/settings/me/", data={"language": "es", "csrf": csrf}).status_code == 204
    assert "Ajustes" in client.get("/settings/me/").text
    wrong = {"old": "nope", "new": "another long password", "csrf": csrf}
    assert client.post("/settings/access/password", data=wrong).status_code == 422
    elsewhere = console.stranger
    elsewhere.post("/signin", data={"email": "ana@example.com", "password": PASSWORD})
    assert client.post("/settings/access/password", data=wrong | {"old": PASSWORD}).status_code == 204
    assert elsewhere.get("/settings/").status_code == 302
    assert client.get("/settings/").status_code == 200


def test_a_token_is_shown_once_and_ends(console):
    admin = console("admin")
    answer = admin.post("/settings/tokens/", {"name": HOSTILE, "role": "viewer", "days": "30", "scope": "read"})
    token = re.search(r"wcc_[\w-]+", answer.text).group()
    page = admin.get("/settings/tokens/").text
    assert token not in page
    assert "<script>alert" not in page
    with console.house.store.read() as conn:
        row = api_tokens.all_tokens(conn)[0]
        assert token not in str(row)
        now = console.house.clock.now()
        assert api_tokens.of(conn, token, now).id == row.id
        assert api_tokens.of(conn, token, now + timedelta(days=31)) is None
    assert admin.post(f"/settings/tokens/{row.id}/revoke").status_code == 200
    assert admin.post(f"/settings/tokens/{row.id}/revoke").status_code == 404
    with console.house.store.read() as conn:
        assert api_tokens.of(conn, token, now) is None
    assert admin.post("/settings/tokens/", {"name": " ", "role": "viewer"}).status_code == 422


SEND = """send: quote
crm: hubspot
when: {webhook: quote}
to: {contact: contact}
template: quote_ready
language: es
"""


def test_a_link_is_made_given_a_new_secret_and_ended(console):
    admin, house = console("admin"), console.house
    assert admin.post("/settings/links/", {"document": "quote"}).status_code == 422
    with house.store.write() as conn:
        documents.publish(conn, "send", "quote", SEND, "me", house.clock.now())
    answer = admin.post("/settings/links/", {"document": "quote"})
    assert answer.status_code == 200, answer.text
    secret = re.search(r"whsec_[\w+/=]+", answer.text).group()
    (link,) = [a for a in house.accounts() if a.kind == "link"]
    assert link.secrets["secret"] == secret
    assert secret not in admin.get("/settings/links/").text
    assert admin.post(f"/settings/links/{link.name}/rotate").status_code == 200
    (link,) = [a for a in house.accounts() if a.kind == "link"]
    assert link.secrets["secret_old"] == secret
    assert admin.post(f"/settings/links/{link.name}/revoke").status_code == 200
    assert not house.accounts()
    assert admin.post(f"/settings/links/{link.name}/revoke").status_code == 404


@pytest.mark.parametrize(
    ("name", "url", "status"),
    [("office", "https://example.com/hook", 200), ("office", "http://example.com", 422), ("a b", "https://e.com", 422),
     ("office", "https://u:p@example.com/", 422), ("", "", 422)],
)  # fmt: skip
def test_an_address_to_notify(console, name, url, status):
    admin = console("admin")
    assert admin.post("/settings/links/called", {"name": name, "url": url}).status_code == status
    assert [a.name for a in console.house.accounts()] == (["office"] if status == 200 else [])
    if status == 200:
        assert admin.post("/settings/links/called", {"name": name, "url": url}).status_code == 422
        assert admin.post("/settings/links/called/office/remove").status_code == 200
        with console.house.store.read() as conn:
            assert accounts.get(conn, console.house.keyring, "office") is None


def test_the_audit_is_paged_and_filtered(console):
    admin = console("admin")
    for n in range(20, 80):
        admin.post("/settings/", {"retain_raw": str(n)})
    page = admin.get("/settings/audit/?action=settings.change").text
    assert page.count("settings.change") >= 50
    older = re.search(r'href="([^"]*before=\d+[^"]*)" rel="next"', page).group(1).replace("&amp;", "&")
    assert "settings.change" in admin.get(older).text
    assert "Nothing was changed" in admin.get("/settings/audit/?who=nobody").text
    assert console("viewer").get("/settings/audit/").status_code == 403
