"""Setup: who sees what, the ticks, accounts tried and saved by a worker, secrets that never come back."""

import io
import zipfile
from datetime import timedelta

import pytest

from connector.ports import HOOK_MARK
from connector.store import accounts, audit, setting_up, snapshots, tasks, users
from connector.store.tables import audit as audit_table

HOSTILE = "<script>alert(1)</script> \u202egnp\u202c \u200b " + "x" * 3000
SECRETS = {"token": "tok-SECRET-1", "app-secret": "app-SECRET-2", "verify-token": "ver-SECRET-3"}
FORM = {"name": "main", "phone-number-id": "111", "waba-id": "222", "base-url": "https://graph.facebook.com", **SECRETS}


def add(console, kind="whatsapp", name="wa", settings=None, secrets=None):
    with console.house.store.write() as conn:
        given = settings or {"phone_number_id": "111", "waba_id": "222"}
        return accounts.add(
            conn, console.house.keyring, kind, name, given, secrets or {"token": "old"}, console.house.clock.now()
        )


def seen(console, account, issues=(), **found):
    with console.house.store.write() as conn:
        body = {"issues": list(issues), "found": found}
        snapshots.put(conn, f"account:{account.id}", body, console.house.clock.now())


def only_task(console):
    with console.house.store.read() as conn:
        (row,) = tasks.list_(conn)
        return tasks.get(conn, row.id)


def end(console, result, state="done", error=""):
    """The worker ends the one task there is."""
    now = console.house.clock.now()
    with console.house.store.write() as conn:
        (waiting,) = tasks.claimable(conn, now)
        mine = tasks.claim(conn, waiting, now)
        tasks.end(conn, mine, state, now, result=result, error=error)
    return waiting.id


def noted(console):
    with console.house.store.read() as conn:
        return [(row.action, row.object) for row in conn.execute(audit_table.select())]


ISSUE = {"code": "token", "message": "The token is wrong.", "hint": "Make another.", "fix": False, "blocks": True}


# ---- who may -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("role", "status"), [("viewer", 403), ("editor", 403), ("publisher", 403), ("admin", 200)])
def test_accounts_are_an_admins(console, role, status):
    add(console)
    browser = console(role)
    assert browser.get("/setup/").status_code == 200
    assert browser.get("/setup/ticks", part=True).status_code == 200
    for path in ("/setup/connect/hubspot", "/setup/accounts/wa"):
        assert browser.get(path).status_code == status
    for path in ("/setup/connect/whatsapp/try", "/setup/accounts/wa/check"):
        assert browser.post(path, FORM, part=True).status_code == status
    if role != "admin":
        for path in ("/setup/accounts/wa/pause", "/setup/accounts/wa/disconnect", "/setup/sandbox"):
            assert browser.post(path, {"confirm": "wa"}, part=True).status_code == 403
        assert browser.get("/setup/outcome/x").status_code == 403
        assert browser.get("/setup/packages/x.zip").status_code == 403
    assert console.stranger.get("/setup/").status_code == 302


def test_a_form_of_another_page_changes_nothing(console):
    add(console)
    browser = console()
    browser.csrf = "forged"
    assert browser.post("/setup/accounts/wa/pause").status_code == 403
    assert console.house.accounts()[0].state == "ok"


@pytest.mark.parametrize(
    "path", ["/setup/connect/webhook", "/setup/connect/nope", "/setup/accounts/nobody", "/setup/outcome/nope",
             "/setup/packages/nope.zip"],
)  # fmt: skip
def test_what_is_not_there(console, path):
    assert console().get(path).status_code == 404


# ---- the checklist -----------------------------------------------------------------------------------------------
def test_a_new_house_says_what_to_do_next(console):
    page = console().get("/setup/").text
    assert "0 of 9" in page
    assert 'href="/setup/connect/whatsapp"' in page
    assert "Invite somebody" in page
    assert "is not https" in page
    assert "sandbox" not in page.lower()


def test_ticks_tell_what_was_seen(console):
    wa = add(console)
    hub = add(console, "hubspot", "crm", {"country": "CO"}, {"token": "t"})
    seen(console, wa)
    seen(console, hub, portal_id="24681357", fields={"contacts": 38})
    with console.house.store.write() as conn:
        now = console.house.clock.now()
        for n in (1, 2):
            users.add(conn, f"a{n}@example.com", "", "admin", now)
        snapshots.put(conn, "doctor", {"ok": True, "findings": [], "counts": {}}, now)
    page = console("viewer").get("/setup/").text
    assert "Account 24681357: 38 fields read" in page
    assert "2 admins" in page
    assert "Nothing lost, nothing doubled" in page


@pytest.mark.parametrize(
    ("state", "issues", "said"),
    [
        ("needs_person", (), "the token was revoked"),
        ("ok", (ISSUE,), "The token is wrong."),
        ("ok", ({**ISSUE, "blocks": False, "fix": True},), "Something can be mended"),
    ],
)
def test_an_account_that_does_not_work_is_no_tick(console, state, issues, said):
    hub = add(console, "hubspot", "crm", {"country": "CO"}, {"token": "t"})
    seen(console, hub, issues, portal_id="1")
    if state != "ok":
        with console.house.store.write() as conn:
            accounts.set_state(conn, hub.id, state, "the token was revoked")
    page = console().get("/setup/ticks", part=True).text
    assert said in page
    assert 'id="ticks"' in page
    assert "<html" not in page


def test_findings_and_reasons_are_text_whatever_they_hold(console):
    hub = add(console, "hubspot", "crm", {"country": "CO"}, {"token": "t"})
    seen(console, hub, [{**ISSUE, "message": HOSTILE, "hint": HOSTILE}], portal_id=HOSTILE)
    finding = {"code": "x", "count": 2, "examples": [HOSTILE], "hint": HOSTILE}
    with console.house.store.write() as conn:
        accounts.set_state(conn, hub.id, "needs_person", HOSTILE)
        snapshots.put(conn, "doctor", {"ok": False, "findings": [finding], "counts": {}}, console.house.clock.now())
    for path in ("/setup/", "/setup/accounts/crm"):
        page = console().get(path).text
        assert "<script>alert" not in page
        assert "\u202e" not in page
        assert "RLO" in page


def test_a_machine_without_clock_is_told(make_console, store, clock):
    console = make_console(store)
    assert "No worker or no clock" in console().get("/setup/ticks", part=True).text
    with store.write() as conn:
        from connector.store import chores

        chores.begin(conn, "timers", timedelta(seconds=30), clock.now())
    assert "Running; last round" in console().get("/setup/ticks", part=True).text
    clock.at += timedelta(hours=1)
    assert "No worker or no clock" in console().get("/setup/ticks", part=True).text


# ---- connecting --------------------------------------------------------------------------------------------------
def test_the_form_is_what_the_manifest_asks(console):
    page = console().get("/setup/connect/hubspot").text
    for flag in console.house.manifests["hubspot"].flags:
        assert f'name="{flag.name}"' in page
    assert page.count('type="password"') == 2
    add(console, "hubspot", "hubspot", {"country": "CO"}, {"token": "t"})
    assert 'value="hubspot-2"' in console().get("/setup/connect/hubspot").text


@pytest.mark.parametrize(("language", "word"), [("es", "Secreto de cliente"), ("pt", "Segredo do cliente")])
def test_the_form_speaks_the_readers_language(console, language, word):
    browser = console()
    assert word in browser.client.get("/setup/connect/hubspot", headers={"Accept-Language": language}).text


def test_what_is_typed_goes_sealed_to_a_worker(console):
    answer = console().post("/setup/connect/whatsapp/save", FORM | {"fix": "1"}, part=True)
    assert 'hx-trigger="every 1s"' in answer.text
    task = only_task(console)
    assert task.kind == "account.save"
    assert task.args["settings"] == {
        "phone_number_id": "111", "waba_id": "222", "base_url": "https://graph.facebook.com",
    }  # fmt: skip
    assert (task.args["fix"], task.args["force"], task.author) == (True, False, "admin@example.com")
    assert not any(secret in str(task.args) + answer.text for secret in SECRETS.values())
    assert tasks.unsealed(console.house.keyring, task) == {k.replace("-", "_"): v for k, v in SECRETS.items()}
    assert console.rung == ["task"]
    assert noted(console)[-1] == ("account.save", "main")


def test_without_htmx_the_outcome_is_a_page(console):
    answer = console().post("/setup/connect/whatsapp/try", FORM)
    assert answer.status_code == 303
    assert "<html" in console().get(answer.headers["Location"]).text


@pytest.mark.parametrize("name", ["", "a b", "../x", "-a", "ñ", "a" * 65, "<b>", "a\u202e"])
def test_a_bad_name_is_refused_before_anything_is_asked(console, name):
    answer = console().post("/setup/connect/whatsapp/try", FORM | {"name": name}, part=True)
    assert answer.status_code == 422
    assert "cannot be a name" in answer.text
    with console.house.store.read() as conn:
        assert tasks.list_(conn) == []


def test_what_is_too_long_is_refused(console):
    assert console().post("/setup/connect/whatsapp/try", FORM | {"token": "x" * 20_001}, part=True).status_code == 413


def test_a_stored_secret_is_kept_and_never_shown(console):
    add(console, secrets={"token": "tok-SECRET-1", "app_secret": "app-SECRET-2", "app_secret_old": "old-SECRET"})
    page = console().get("/setup/accounts/wa").text
    assert "stored; leave empty to keep" in page
    assert "SECRET" not in page
    form = {"name": "wa", "phone-number-id": "111", "waba-id": "", "token": "", "app-secret-old:gone": "1"}
    console().post("/setup/connect/whatsapp/save", form, part=True)
    task = only_task(console)
    assert tasks.unsealed(console.house.keyring, task) == {"app_secret_old": ""}
    assert task.args["settings"] == {"phone_number_id": "111", "waba_id": ""}


def test_the_outcome_shows_what_was_found(console):
    console().post("/setup/connect/whatsapp/save", FORM, part=True)
    id_ = end(console, {"saved": False, "account": {"name": "main"}, "issues": [ISSUE], "found": {"quality": "GREEN"}})
    part = console().get(f"/setup/outcome/{id_}", part=True).text
    assert "every 1s" not in part
    assert "Not saved" in part
    assert "quality good" in part
    assert "Save anyway" in part
    assert "Save anyway" not in console().get(f"/setup/outcome/{id_}").text  # there is no form to send again


@pytest.mark.parametrize(
    ("kind", "result", "said"),
    [
        ("try", {"issues": [], "found": {"display": HOSTILE}}, "The connection works."),
        ("save", {"saved": True, "account": {"name": "main"}, "issues": [], "found": {}}, "main is connected."),
    ],
)
def test_a_good_outcome(console, kind, result, said):
    console().post(f"/setup/connect/whatsapp/{kind}", FORM, part=True)
    part = console().get(f"/setup/outcome/{end(console, result)}", part=True).text
    assert said in part
    assert "<script>alert" not in part


def test_a_task_that_failed_says_why_and_one_nobody_takes_asks_for_a_worker(console, clock):
    console().post("/setup/connect/whatsapp/try", FORM, part=True)
    task = only_task(console)
    clock.at += timedelta(seconds=20)
    assert "No worker has taken it" in console().get(f"/setup/outcome/{task.id}", part=True).text
    end(console, None, "failed", HOSTILE)
    part = console().get(f"/setup/outcome/{task.id}", part=True).text
    assert "&lt;script&gt;" in part
    assert "<script>alert" not in part


def test_tasks_of_other_screens_are_not_shown_here(console):
    with console.house.store.write() as conn:
        id_ = tasks.add(conn, "replay", {}, "x", console.house.clock.now())
    assert console().get(f"/setup/outcome/{id_}").status_code == 404


# ---- one account -------------------------------------------------------------------------------------------------
def test_pause_resume_check_and_fix(console):
    add(console)
    browser = console()
    assert browser.post("/setup/accounts/wa/pause", part=True).headers["HX-Redirect"] == "/setup/accounts/wa"
    (account,) = console.house.accounts()
    assert (account.state, account.reason) == ("paused", "Paused by admin@example.com")
    browser.post("/setup/accounts/wa/resume")
    assert console.house.accounts()[0].state == "ok"
    assert any(bell.startswith("handle:") for bell in console.rung)
    browser.post("/setup/accounts/wa/fix", part=True)
    assert only_task(console).args == {"account": "wa", "fix": True}
    assert browser.post("/setup/accounts/wa/other").status_code == 404
    assert [action for action, _ in noted(console)] == ["account.pause", "account.resume", "account.check"]


def test_disconnecting_needs_its_name(console):
    add(console)
    assert console().post("/setup/accounts/wa/disconnect", {"confirm": "w"}).status_code == 422
    assert console.house.accounts()
    assert console().post("/setup/accounts/wa/disconnect", {"confirm": "wa"}).status_code == 303
    assert console.house.accounts() == []
    assert noted(console)[-1] == ("account.disconnect", "wa")


def test_the_webhooks_whole_address_is_there_to_copy(console):
    add(console, "salesforce", "sf", {"domain": "x.my.salesforce.com"}, {"client_secret": "s", "hook_secret": "HOOK"})
    page = console().get("/setup/accounts/sf").text
    assert "http://127.0.0.1:8000/hooks/crm/sf/HOOK" in page
    assert 'data-copy="hook-url"' in page


def test_a_package_carries_the_hook_only_when_it_is_downloaded(console):
    add(console, "salesforce", "sf", {"domain": "x.my.salesforce.com"}, {"client_secret": "s", "hook_secret": "HOOK"})
    console().post("/setup/accounts/sf/package", part=True)
    files = {"package.xml": "<x/>", "workflows/a.workflow": f"https://wa.example.com{HOOK_MARK}"}
    id_ = end(console, {"account": "sf", "files": files})
    assert f"/setup/packages/{id_}.zip" in console().get(f"/setup/outcome/{id_}", part=True).text
    answer = console().get(f"/setup/packages/{id_}.zip")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="salesforce-sf.zip"'
    assert answer.headers["Cache-Control"] == "no-store"
    with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
        assert archive.namelist() == list(files)
        assert archive.read("workflows/a.workflow") == b"https://wa.example.com/hooks/crm/sf/HOOK"


# ---- the sandbox -------------------------------------------------------------------------------------------------
def test_the_sandbox_is_one_click_where_one_runs(make_console, store):
    console = make_console(store, sandbox="http://127.0.0.1:1")
    page = console().get("/setup/").text
    assert "Connect the sandbox" in page
    assert "Connect the sandbox" not in console("viewer").get("/setup/").text
    console().post("/setup/sandbox", part=True)
    assert only_task(console).kind == "sandbox.connect"
    id_ = end(console, {"accounts": ["whatsapp"], "documents": ["a", "b"], "invited": "573001112222"})
    assert "/phone/573001112222" in console().get(f"/setup/outcome/{id_}", part=True).text


def test_it_stays_apart_from_real_accounts(make_console, store):
    console = make_console(store, sandbox="http://127.0.0.1:1")
    add(console)
    assert "stays apart" in console().get("/setup/").text


def test_without_a_sandbox_there_is_nothing_to_connect(console):
    assert console().post("/setup/sandbox").status_code == 404


def test_what_is_read_is_few_short_reads(store):
    with store.read() as conn:
        found = setting_up.steps(conn)
        assert (found.mapped, found.heard, found.templates, list(found.documents)) == ("", "", 0, [])
        assert setting_up.remembered(conn, ["wamid.x"]) == {}
    assert audit.append  # the list of who did what is append-only
