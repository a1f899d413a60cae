"""connector mappings try, shadow, rollback: a text against what happened, beside what is live, and back again."""

from pathlib import Path
from typing import Any

import click

from connector import errors
from connector.app import App
from connector.cli.context import FINDINGS, author, fail, opened, read_text, show_json
from connector.core import documents as language
from connector.pipeline.again import trying
from connector.pipeline.documents import shadow as shading
from connector.pipeline.documents import versions
from connector.pipeline.documents.versions import Made


@click.command("try")
@click.argument("file", type=click.Path(exists=True, dir_okay=False))
@click.option("--event", "key", help="A past event: a wamid, or its id. The CRM is asked for its values of now.")
@click.option("--given", multiple=True, metavar="WORD=VALUE", help="A made-up one: answer.id=yes, contact.city=Lima")
@click.option("--text", help="A made-up text message, the same as --given answer.text=...")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def try_(file: str, key: str | None, given: tuple[str, ...], text: str | None, as_json: bool) -> None:
    """What this file would make of a past event or of a made-up one; nothing is written."""
    if bool(key) == bool(given or text):
        raise click.UsageError("Give either --event, or --text and --given.")
    facts = dict(word.partition("=")[::2] for word in given) | ({"answer.text": text} if text else {})
    source = read_text(Path(file))
    with opened() as app:
        try:
            found = _past(app, source, key) if key else _sample(app, source, facts)
        except errors.GiveUp as error:
            fail(str(error), FINDINGS)
    if as_json:
        show_json(found)
    else:
        click.echo(_shown(found))
    raise SystemExit(0 if found["good"] else FINDINGS)


def _sample(app: App, text: str, given: dict[str, str]) -> dict[str, Any]:
    look, templates = app.fields_of(refresh=False), app.templates_of(refresh=False)
    return trying.sample(text, given, fields=look, templates=templates)


def _past(app: App, text: str, key: str) -> dict[str, Any]:
    try:
        crm = language.read(text).crm
    except errors.BadDocument as error:
        fail(str(error), FINDINGS)
    account = app.account(crm)
    if account is None:
        fail(f"There is no account named {crm!r}.")
    args = {"text": text, "event": key}
    return trying.do(app.store, account, app.crm(account), app.library, app.clock, args)


def _shown(found: dict[str, Any]) -> str:
    lines = [f"{f['line']}:{f['column']}: {f['message']} {f['hint']}".rstrip() for f in found["findings"]]
    lines += [f"the test {t['name']!r} fails: {t['message']}" for t in found["tests"] if not t["passed"]]
    lines.append(f"{found['name']}: {'matched: ' if found['matched'] else ''}{found['because']}")
    for f in found["fields"]:
        moved = " -> ".join(dict.fromkeys(str(v) for v in (f["from"], f["value"]) if v is not None))
        lines.append(f"  {f['field']:<24} {moved:<44} {f['outcome']}: {f['because']}".rstrip(": "))
    for s in found["sends"]:
        lines += [f"  {g['gate']:<24} {g['state']} {g['reason']}".rstrip() for g in s["gates"]]
    lines += [f"  to the customer: {m['text']}" for m in found["messages"]]
    return "\n".join([*lines, "Nothing was written."])


@click.command("rollback")
@click.argument("name")
@click.argument("version", type=int, required=False)
@click.option("--note", default="", help="Why; it stands beside the version.")
def rollback(name: str, version: int | None, note: str) -> None:
    """Publish an earlier version again, as a new one; without VERSION the one that was live before."""
    with opened() as app:
        look, templates = app.fields_of(refresh=True), app.templates_of(refresh=True)
        made = versions.roll_back(
            app.store, name, version, author(), app.clock.now(), note=note, fields=look, templates=templates
        )
    _told(made, ("published",))


@click.command("shadow")
@click.argument("file", type=click.Path(exists=True, dir_okay=False), required=False)
@click.option("--report", "name", help="What the shadow of this document would have done.")
@click.option("--stop", "stop", help="End the shadow of this document.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def shadow(file: str | None, name: str | None, stop: str | None, as_json: bool) -> None:
    """Let a file judge beside the live version, without writing anything, and report where they differ."""
    if sum(map(bool, (file, name, stop))) != 1:
        raise click.UsageError("Give a FILE, or --report NAME, or --stop NAME.")
    with opened() as app:
        if file:
            look, templates = app.fields_of(refresh=True), app.templates_of(refresh=True)
            text = read_text(Path(file))
            made = shading.start(app.store, text, author(), app.clock.now(), fields=look, templates=templates)
            return _told(made, ("shadowed", "unchanged"))
        if stop:
            return click.echo(f"{stop}: ended") if shading.stop(app.store, stop) else fail(f"{stop} has no shadow.")
        found = shading.report(app.store, str(name))
    if found is None:
        fail(f"{name} has no shadow.", FINDINGS)
    if as_json:
        return show_json(found)
    click.echo(f"{name}, version {found['version']}: {found['differing']} of {found['events']} events differ.")
    for what, n in found["by"].items():
        click.echo(f"  {what:<24} {n}")
    for one in found["examples"]:
        click.echo(f"  {one['id']}: {one['message']!r}")
    return None


def _told(made: Made, good: tuple[str, ...]) -> None:
    version = f", version {made.version}" if made.version else ""
    click.echo(f"{made.name}: {made.did}{version}" + (f". {made.why}" if made.why else ""))
    raise SystemExit(0 if made.did in good else FINDINGS)


COMMANDS = (try_, rollback, shadow)
