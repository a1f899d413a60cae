"""Accounts: the form an adapter's manifest asks for, tried and saved by a worker, and what can be done to one."""

import io
import zipfile
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, abort, current_app, make_response, redirect, render_template, request, url_for

from connector.ports import HOOK_MARK, PLACE_FLAGS, Account, Flag, Manifest
from connector.store import accounts as rows
from connector.store import audit, numbers, removing, snapshots
from connector.store import tasks as task_rows
from connector.store.tasks import ENDED, Task
from connector.web import words
from connector.web.auth import needs, person
from connector.web.checklist import code_words
from connector.web.frame import given, house_of, language, t, toast
from connector.web.house import House

screen = Blueprint("connecting", __name__)
LONGEST = 20_000  # characters of one value: a key in PEM is 3,000
KINDS = (
    "account.try", "account.save", "account.check", "account.package", "account.begin", "account.connect",
    "account.remove", "sandbox.connect",
)  # fmt: skip
CHECKS = {"check": False, "fix": True}


def kinds(house: House) -> Mapping[str, Manifest]:
    """What is connected here: systems with an account of their own; webhooks that we call are settings."""
    return {kind: manifest for kind, manifest in house.manifests.items() if kind != "webhook"}


# ---- the form ----------------------------------------------------------------------------------------------------
@screen.get("/connect/<kind>")
@needs("admin")
def new(kind: str) -> str:
    """An empty form."""
    house = house_of(current_app)
    manifest = _manifest(house, kind)
    taken = {account.name for account in house.accounts()}
    name = next(n for n in (kind, *(f"{kind}-{i}" for i in range(2, 1000))) if n not in taken)
    return render_template("setup/connect.html", manifest=manifest, account=None, name=name, groups=_groups(manifest))


@screen.post("/connect/<kind>/<act>")
@needs("admin")
def ask(kind: str, act: str) -> Response:
    """Tries or saves what the form holds, or begins OAuth with it; secrets are encrypted before anything is stored."""
    house = house_of(current_app)
    manifest = _manifest(house, kind)
    if act not in ("try", "save", "begin") or (act == "begin" and manifest.oauth is None):
        abort(404)
    name = given(request.form, "name", LONGEST).strip()
    if not rows.usable_name(name):
        return make_response(render_template("setup/_refused.html", text=t("setup.bad_name")), 422)
    old = next((a for a in house.accounts() if a.name == name), None)
    settings, secrets = manifest.split({f.name: given(request.form, f.name, LONGEST) for f in manifest.flags})
    gone = {f.name.replace("-", "_") for f in manifest.flags if f.secret and f"{f.name}:gone" in request.form}
    secrets = {k: v for k, v in secrets.items() if v} | (dict.fromkeys(gone, "") if old is not None else {})
    args: dict[str, Any] = {"kind": kind, "name": name, "settings": _filled(settings, old)}
    if act == "save":
        args |= {"force": bool(request.form.get("force")), "fix": bool(request.form.get("fix"))}
    return _begin(house, f"account.{act}", args, name, secrets)


def _filled(settings: Mapping[str, str], old: Account | None) -> dict[str, str]:
    """An empty field of a new account is its default; of an old one it empties what stood there."""
    return {k: v for k, v in settings.items() if v or (old is not None and old.settings.get(k))}


def _groups(manifest: Manifest) -> list[tuple[str, list[Flag]]]:
    place = {flag.name for flag in PLACE_FLAGS}
    needed = {f.name for f in manifest.flags if f.required} | set(manifest.oauth.needs if manifest.oauth else ())
    groups = [
        ("needed", [f for f in manifest.flags if f.name in needed]),
        ("place", [f for f in manifest.flags if f.name not in needed and f.name in place]),
        ("more", [f for f in manifest.flags if f.name not in needed and f.name not in place]),
    ]
    return [(name, flags) for name, flags in groups if flags]


@screen.app_template_global("flag_words")
def flag_words(manifest: Manifest, flag: Flag) -> tuple[str, str]:
    """(label, help) in the reader's language; the adapter's own where nobody has put them into words here."""
    own, known = words.of_adapter(manifest.words), words.catalogue()
    found = ((own, f"flag.{flag.name}"), (known, f"flag.{manifest.kind}.{flag.name}"), (known, f"flag.any.{flag.name}"))
    said, key = next(((texts, key) for texts, key in found if key in texts), ({}, ""))
    label = said[key].get(language(), flag.label) if key else flag.label
    help_ = said.get(f"{key}.help", {}).get(language(), flag.help) if key else flag.help
    return label, help_


@screen.app_template_global("own_words")
def own_words(manifest: Manifest | None, key: str) -> str:
    """What the adapter itself says in the reader's language; "" where it says nothing."""
    texts = words.of_adapter(manifest.words).get(key) if manifest is not None else None
    return words.spoken(texts, language()) if texts else ""


screen.app_template_global("code_words")(code_words)


# ---- one account -------------------------------------------------------------------------------------------------
@screen.get("/accounts/<name>")
@needs("admin")
def account(name: str) -> str:
    """What it is, how it fares, where its webhooks go, its form."""
    house = house_of(current_app)
    found = _account(house, name)
    with house.store.read() as conn:
        body, at = snapshots.get(conn, f"account:{found.id}") or (None, None)
        mine = numbers.of_account(conn, found.id)
    manifest = house.manifests[found.kind]
    hook = house.hook(found)
    return render_template(
        "setup/account.html", manifest=manifest, account=found, name=found.name, groups=_groups(manifest), numbers=mine,
        seen=body, seen_at=at, hook=house.public_url + hook if hook else "", https=house.https,
    )  # fmt: skip


@screen.post("/accounts/<name>/<act>")
@needs("admin")
def do(name: str, act: str) -> Response:
    """check, fix, package: a worker's; pause, resume: at once."""
    house = house_of(current_app)
    found = _account(house, name)
    if act in CHECKS:
        return _begin(house, "account.check", {"account": found.name, "fix": CHECKS[act]}, found.name)
    if act == "package":
        return _begin(house, "account.package", {"account": found.name, "url": house.public_url}, found.name)
    if act not in ("pause", "resume"):
        abort(404)
    state, reason = ("paused", t("setup.paused_by", who=person().name)) if act == "pause" else ("ok", "")
    with house.store.write() as conn:
        rows.set_state(conn, found.id, state, reason)
        audit.append(conn, person().name, f"account.{act}", found.name, {}, house.clock.now())
    if act == "resume":
        house.ring(*(f"{bell}:{found.id}" for bell in ("handle", "write", "trigger", "prepare", "truth")))
    return _go(url_for(".account", name=found.name), t(f"setup.done_{act}", name=found.name))


@screen.post("/accounts/<name>/disconnect")
@needs("admin", fresh=True)
def disconnect(name: str) -> Response:
    """Takes our leave back at the vendor and deletes the secrets (a worker does); its name has to be typed."""
    house = house_of(current_app)
    found = _account(house, name)
    if given(request.form, "confirm", 200).strip() != found.name:
        return make_response(render_template("setup/_refused.html", text=t("setup.not_confirmed")), 422)
    now = house.clock.now()
    with house.store.write() as conn:
        removing.begin(conn, found.id, now)  # from this commit on its hook answers 401
        args = {"id": found.id, "name": found.name}
        id_ = task_rows.add(conn, "account.remove", args, person().name, now)
        audit.append(conn, person().name, "account.disconnect", found.name, {"kind": found.kind}, now)
    house.ring("task")
    return _go(url_for(".outcome", task=id_), t("setup.done_disconnect", name=found.name))


# ---- what a worker found -----------------------------------------------------------------------------------------
@screen.get("/outcome/<task>")
@needs("admin")
def outcome(task: str) -> str:
    """How far a worker is with it, and what it found."""
    if "HX-Request" in request.headers:
        return outcome_part(task)
    return render_template("setup/outcome.html", **_told(task))


def outcome_part(task: str) -> str:
    """The same as a part that asks again until it has ended."""
    return render_template("setup/_outcome.html", **_told(task))


def _told(task: str) -> dict[str, Any]:
    """The task, with the manifest of the account that it is about where there is one."""
    house, found = house_of(current_app), _task(task)
    named = {account.name: account.kind for account in house.accounts()}
    kind = found.args.get("kind") or named.get(str(found.args.get("account")), "")
    return {"task": found, "over": ENDED, "manifest": house.manifests.get(str(kind))}


@screen.get("/packages/<task>.zip")
@needs("admin")
def package(task: str) -> Response:
    """The files a worker made, with the hook's secret that is not kept with them."""
    house = house_of(current_app)
    found = _task(task)
    if found.kind != "account.package" or found.state != "done":
        abort(404)
    owner = _account(house, str(found.result["account"]))
    hook, out = house.hook(owner), io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, text in found.result["files"].items():
            archive.writestr(zipfile.ZipInfo(path), text.replace(HOOK_MARK, hook).encode(), zipfile.ZIP_DEFLATED)
    with house.store.write() as conn:
        audit.append(conn, person().name, "account.package", owner.name, {}, house.clock.now())
    response = make_response(out.getvalue())
    response.headers["Content-Type"] = "application/zip"
    response.headers["Content-Disposition"] = f'attachment; filename="{owner.kind}-{owner.name}.zip"'
    return response


def _task(id_: str) -> Task:
    with house_of(current_app).store.read() as conn:
        found = task_rows.get(conn, id_[:64])
    if found is None or found.kind not in KINDS:
        abort(404)
    return found


def _begin(
    house: House, kind: str, args: Mapping[str, Any], name: str, secrets: Mapping[str, str] | None = None
) -> Response:
    """Asks a worker, and shows how far it is."""
    now = house.clock.now()
    with house.store.write() as conn:
        id_ = task_rows.add(conn, kind, args, person().name, now, keyring=house.keyring, secrets=secrets)
        audit.append(conn, person().name, kind, name, {}, now)
    house.ring("task")
    if "HX-Request" in request.headers:
        return make_response(outcome_part(id_))
    return make_response(redirect(url_for(".outcome", task=id_), 303))


def _go(place: str, said: str) -> Response:
    """A whole page anew: for htmx by a header."""
    if "HX-Request" in request.headers:
        return make_response("", 200, {"HX-Redirect": place, **toast(said)})
    return make_response(redirect(place, 303))


def _manifest(house: House, kind: str) -> Manifest:
    found = kinds(house).get(kind)
    if found is None:
        abort(404)
    return found


def _account(house: House, name: str) -> Account:
    found = next((a for a in house.accounts() if a.name == name and a.kind in kinds(house)), None)
    if found is None:
        abort(404)
    return found
