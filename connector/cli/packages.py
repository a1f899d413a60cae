"""connector <crm> package: what the CRM itself needs, as files to upload or deploy; the words are its manifest's."""

from collections.abc import Mapping
from pathlib import Path

import click

from connector import crm
from connector.app import App
from connector.base import crm_kinds
from connector.cli.context import FINDINGS, fail, opened
from connector.ports import Account, Deployed, Manifest, Package
from connector.works import packages as works

OUT = click.Path(file_okay=False, path_type=Path)


def kinds() -> list[str]:
    """The CRMs that need something of us."""
    return [kind for kind in sorted(crm_kinds()) if crm.manifest(kind).package is not None]


def group(kind: str) -> click.Group | None:
    """`connector <kind>`; None for what is no CRM, or needs nothing."""
    manifest = crm.manifest(kind) if kind in crm_kinds() else None
    if manifest is None or manifest.package is None:
        return None
    found = click.Group(kind, help=manifest.package.about)
    found.add_command(_command(manifest, manifest.package))
    return found


def _command(manifest: Manifest, package: Package) -> click.Command:
    def run(url: str, name: str, out: Path, deploys: bool = False, **switches: bool) -> None:
        on = {switch.name for switch in package.switches if switches[_variable(switch.name)]}
        done = _package(manifest.kind, url, name, out, on, deploys)
        if done is None:
            click.echo(f"Next: {package.after.format(out=out)}")
            return
        for problem in done.problems:
            click.echo(problem, err=True)
        click.echo(f"Deployment {done.id}: {done.state or 'still running'}.")
        raise SystemExit(0 if done.ok else FINDINGS)

    own = f"The {manifest.title} account; may be left out where there is one."
    place = Path(f"{manifest.kind}-package")
    options: list[click.Parameter] = [
        click.Option(["--url"], default="", help="Our public https address; PUBLIC_URL when left out."),
        click.Option(["--account", "name"], default="", help=own),
        click.Option(["--out"], type=OUT, default=place, show_default=True, help="The folder to write."),
        *(click.Option([f"--{s.name}", _variable(s.name)], is_flag=True, help=s.help) for s in package.switches),
    ]
    if package.deploys:
        options.append(click.Option(["--deploy", "deploys"], is_flag=True, help=package.deploys))
    return click.Command("package", params=options, callback=run, help=package.help)


def _variable(switch: str) -> str:
    return switch.replace("-", "_")


def _package(kind: str, url: str, name: str, out: Path, switches: set[str], deploys: bool) -> Deployed | None:
    with opened() as app:
        account = _account(app, kind, name)
        address = url.rstrip("/") or app.config.public_url
        wanted = works.packing(app, account, address, switches=switches)
        files = crm.pack(wanted)
        _write(files, out)
        return crm.deploy(wanted, files) if deploys else None


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
