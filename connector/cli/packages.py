"""connector hubspot package, connector salesforce package: what the CRM itself needs, as files to upload or deploy."""

from collections.abc import Mapping
from pathlib import Path

import click

from connector.app import App
from connector.cli.context import FINDINGS, fail, opened
from connector.ports import Account
from connector.works import packages as works

OUT = click.Path(file_okay=False, path_type=Path)


@click.group("hubspot")
def hubspot() -> None:
    """What HubSpot needs to know of us."""


@click.group("salesforce")
def salesforce() -> None:
    """What Salesforce needs to know of us."""


def _account(app: App, kind: str, name: str) -> Account:
    found = [a for a in app.accounts() if a.kind == kind and name in ("", a.name)]
    if not found:
        fail(f"There is no {kind} account{f' named {name!r}' if name else ''}. See: connector accounts list")
    if len(found) > 1:
        fail(f"Which account? --account {' or '.join(a.name for a in found)}")
    return found[0]


def _write(files: Mapping[str, str], out: Path) -> None:
    """Into a folder of ours alone: a file may hold the hook's secret."""
    out.mkdir(mode=0o700, parents=True, exist_ok=True)
    for path, text in files.items():
        place = out / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
    click.echo(f"{out}: {len(files)} files.")


def _url(given: str, app: App) -> str:
    return given.rstrip("/") or app.config.public_url


@hubspot.command("package")
@click.option("--url", default="", help="Our public https address; PUBLIC_URL when left out.")
@click.option("--account", "name", default="", help="The HubSpot account; may be left out where there is one.")
@click.option("--out", type=OUT, default=Path("hubspot-package"), show_default=True, help="The folder to write.")
@click.option("--no-workflows", is_flag=True, help="Only webhooks: the portal has no workflows.")
@click.option("--oauth", is_flag=True, help="An app that is connected by OAuth, instead of one with a token.")
def hubspot_package(url: str, name: str, out: Path, no_workflows: bool, oauth: bool) -> None:
    """Write a HubSpot project: webhooks for what the live documents wait for, and the workflow action."""
    with opened() as app:
        account = _account(app, "hubspot", name)
        files = works.hubspot(app, account, _url(url, app), workflows=not no_workflows, oauth=oauth)
    _write(files, out)
    click.echo(f"Next: cd {out} && hs project upload (HubSpot's own tool; step by step: docs/hubspot.md, Our app)")


@salesforce.command("package")
@click.option("--url", default="", help="Our public https address; PUBLIC_URL when left out.")
@click.option("--account", "name", default="", help="The Salesforce account; may be left out where there is one.")
@click.option("--out", type=OUT, default=Path("salesforce-package"), show_default=True, help="The folder to write.")
@click.option("--deploy", "deploys", is_flag=True, help="Deploy it to the org at once.")
def salesforce_package(url: str, name: str, out: Path, deploys: bool) -> None:
    """Write the metadata of an org: fields, access, messages for what the live documents wait for, a sample flow."""
    with opened() as app:
        account = _account(app, "salesforce", name)
        files = works.salesforce(app, account, _url(url, app))
        _write(files, out)
        package = works.package("salesforce")
        done = package.deploy(works.org(app, account), package.zipped(files)) if deploys else None
    if done is None:
        click.echo(
            "Next: the same with --deploy, or deploy the folder with Salesforce's own tools; then docs/salesforce.md"
        )
        return
    for problem in done.problems:
        click.echo(problem, err=True)
    click.echo(f"Deployment {done.id}: {done.state or 'still running'}.")
    raise SystemExit(0 if done.ok else FINDINGS)
