"""connector templates: what Meta approved, what waits for review, and new ones checked before they are submitted."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import click

from connector import errors
from connector.app import App
from connector.cli.context import FINDINGS, WRONG_USE, fail, opened, read_text, show_json
from connector.core import template as language
from connector.core.template import Misfit, Template
from connector.pipeline.documents import templates as journey
from connector.ports import Account
from connector.store import findings
from connector.store import templates as rows
from connector.works import templates as works

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
F = TypeVar("F", bound=Callable[..., Any])
UNITS = (("day", timedelta(days=1)), ("h", timedelta(hours=1)), ("min", timedelta(minutes=1)))


@click.group("templates")
def group() -> None:
    """WhatsApp templates: sync, look at, check, submit."""


def sender(app: App, name: str) -> Account:
    """The WhatsApp account, which must be named where there are several."""
    found = works.senders(app, name)
    if len(found) > 1:
        fail(f"Which account? --account {' or '.join(a.name for a in found)}")
    return found[0]


def _account(text: str) -> Callable[[F], F]:
    return click.option("--account", "name", default="", help=text)


_ONE = _account("The WhatsApp account; may be left out where there is one.")


@group.command("sync")
@_account("Only this WhatsApp account.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def sync(name: str, as_json: bool) -> None:
    """Read every template from Meta."""
    with opened() as app:
        done = {a.name: works.sync(app, a) for a in works.senders(app, name)}
    if as_json:
        show_json([{"account": account, **asdict(found)} for account, found in done.items()])
        return
    for account, found in done.items():
        said = {word.replace("_", " "): names for word, names in asdict(found).items() if names}
        click.echo(f"{account}: " + ("; ".join(f"{w} {', '.join(n)}" for w, n in said.items()) or "nothing new") + ".")


@group.command("list")
@_account("Only this WhatsApp account.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_(name: str, as_json: bool) -> None:
    """Every template as last read, with its state."""
    with opened() as app:
        now = app.clock.now()
        with app.store.read() as conn:
            found = [(a.name, row) for a in works.senders(app, name) for row in rows.rows(conn, a.id)]
    if as_json:
        show_json([_listed(account, row) for account, row in found])
    for account, row in [] if as_json else found:
        line = f"{row.name:<32} {row.language:<6} {row.status.lower():<10} {row.category.lower():<15} {row.quality:<8}"
        click.echo(f"{line} {account} {_since(row, now)}".rstrip())
    if not found and not as_json:
        click.echo("None were read yet: connector templates sync")


def _listed(account: str, row: Any) -> dict[str, Any]:
    names = ("name", "language", "status", "category", "quality", "reason", "submitted_at")
    return {"account": account} | {name: getattr(row, name) for name in names}


def _since(row: Any, now: datetime) -> str:
    """How long a review has taken so far, or why it was refused."""
    if row.status == "PENDING" and row.submitted_at:
        age = now - row.submitted_at
        unit, size = next(((u, s) for u, s in UNITS if age >= s), UNITS[-1])
        many = "s" if unit == "day" and age >= 2 * size else ""
        return f"submitted {age // size} {unit}{many} ago"
    return str(row.reason)


@group.command("show")
@click.argument("template")
@click.option("--language", "code", default="", help="Only this language, e.g. es or pt_BR.")
@_ONE
def show(template: str, code: str, name: str) -> None:
    """What a customer reads, and what a document must give for it."""
    with opened() as app:
        account = sender(app, name)
        with app.store.read() as conn:
            found = [t for t in rows.known(conn, account.id, [template]) if code in ("", t.language)]
    if not found:
        fail(f"There is no template {template!r}. See: connector templates list", FINDINGS)
    for one in found:
        values = language.fit_example(one)
        click.echo(f"{one.name} ({one.language}), {one.category}, {one.status.lower()}")
        click.echo(language.preview(one, values))
        for key, value in values.items():
            click.echo(f"  {key}: {value}")
        click.echo(f"  buttons: {', '.join(language.labels(one))}\n" if language.labels(one) else "")


@group.command("create")
@click.argument("file", type=FILE)
@_ONE
def create(file: Path, name: str) -> None:
    """Check a new template (JSON, as Graph takes it) and submit it for review."""
    body = _body(file)
    with opened() as app:
        made = works.create(app, sender(app, name), body)
    click.echo(f"{made.name} ({made.language}) is submitted: {made.status.lower()}, {made.category}.")


@group.command("edit")
@click.argument("file", type=FILE)
@_ONE
def edit(file: Path, name: str) -> None:
    """Check the new contents of a template and submit them; all its components are replaced."""
    body = _body(file)
    with opened() as app, _told_unknown():
        changed = works.edit(app, sender(app, name), body)
    click.echo(f"{changed.name} ({changed.language}) is submitted again.")


@contextmanager
def _told_unknown() -> Iterator[None]:
    """A template nobody knows is a finding, no wrong use."""
    try:
        yield
    except errors.NotFound as error:
        fail(str(error), FINDINGS if error.code == "template" else WRONG_USE)


@group.command("delete")
@click.argument("template")
@click.option("--language", "code", default="", help="Only this language; else all of them.")
@_ONE
def delete(template: str, code: str, name: str) -> None:
    """Delete a template at Meta. Its name cannot be used again for 30 days."""
    with opened() as app, _told_unknown():
        gone = works.delete(app, sender(app, name), template, code)
    click.echo(f"{template} is deleted in {', '.join(gone)}.")


@group.command("check")
@click.argument("files", nargs=-1, type=FILE)
@click.option("--seen", is_flag=True, help="The new categories, and their prices, are known now: stop telling.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def check(files: tuple[Path, ...], seen: bool, as_json: bool) -> None:
    """Check new templates by Meta's rules; without a file, what is wrong with those that are there."""
    if files:
        found = [{"place": str(file), **_told(misfit)} for file in files for misfit in language.rules(_json(file))]
    else:
        with opened() as app:
            found = _wrong(app, seen)
    if as_json:
        show_json(found)
    for one in [] if as_json else found:
        click.echo(f"{one['place']}: {one['message']} {one['hint']}".rstrip())
    if not found and not as_json:
        click.echo("Nothing is wrong.")
    raise SystemExit(FINDINGS if found else 0)


def _wrong(app: App, seen: bool) -> list[dict[str, str]]:
    """Languages of one template that take other values, and what Meta changed."""
    with app.store.write() as conn:
        if seen:
            findings.clear_all(conn, journey.CATEGORY)
        known = [t for t in rows.known(conn, "") if t.status == "APPROVED"]
        told = [row for row in findings.all_(conn) if row.code.startswith("template_")]
    named: dict[tuple[str, str], list[Template]] = {}
    for template in known:
        named.setdefault((template.account, template.name), []).append(template)
    found = [
        {"place": name, **_told(m)} for (_, name), same in named.items() for m in language.compatible(same)
    ]  # fmt: skip
    return found + [
        {"place": r.key.partition(":")[2] or r.key, "code": r.code, "message": r.message, "hint": r.hint} for r in told
    ]


def _told(misfit: Misfit) -> dict[str, str]:
    return {"code": misfit.code, "message": misfit.text, "hint": misfit.hint}


def _body(file: Path) -> Mapping[str, Any]:
    """A template that Meta's rules let through."""
    body = _json(file)
    wrong = language.rules(body)
    for misfit in wrong:
        click.echo(f"{file}: {misfit.text} {misfit.hint}".rstrip(), err=True)
    if wrong:
        fail("Nothing was submitted.", FINDINGS)
    return body


def _json(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(read_text(file))
    except (ValueError, RecursionError) as error:
        fail(f"{file} is not JSON: {error}")
    if not isinstance(found, dict):
        fail(f"{file} is not one JSON object.")
    return found
