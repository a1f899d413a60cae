"""connector flows: a conversation walked by machine before a customer does."""

from collections.abc import Iterator
from pathlib import Path

import click

from connector.cli import conversations
from connector.cli.context import FINDINGS, fail, opened, read_text, show_json
from connector.core.documents import FlowDocument, flow_simulate, read
from connector.core.documents.flow_simulate import Simulation
from connector.errors import BadDocument
from connector.pipeline.documents import publish


@click.group("flows")
def group() -> None:
    """Walk the conversations of `flow:` documents, and look after those that run."""


for _command in conversations.COMMANDS:
    group.add_command(_command)


@group.command("simulate")
@click.argument("path", type=click.Path())
@click.option("--crm", is_flag=True, help="Also look at the CRM's fields and the approved templates.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def simulate(path: str, crm: bool, as_json: bool) -> None:
    """Every path of a flow: the tree, how many paths go through each step, and what is wrong.

    Without --crm it needs no account and no database. Exit code 1 when there is a finding."""
    file = Path(path)
    if not file.is_file():
        fail(f"There is no file {path}.")
    text = read_text(file)
    try:
        document = read(text)
    except BadDocument as error:
        found = error.facts["findings"]
        _show(path, found, as_json)
        raise SystemExit(FINDINGS) from None
    if not isinstance(document, FlowDocument):
        fail(f"{path} is a `{document.kind}:` document. Its tests: connector mappings test {path}")
    if crm:
        with opened() as app:
            schema, templates = app.fields_of(refresh=False)(document), app.templates_of(refresh=False)(document)
        done = flow_simulate.simulate(document, schema=schema, templates=templates)
    else:
        done = flow_simulate.simulate(document)
    if as_json:
        findings = [publish.as_json(path, f) for f in done.findings]
        show_json(flow_simulate.as_json(done) | {"findings": findings})
    else:
        for line in _lines(path, done):
            click.echo(line)
    raise SystemExit(FINDINGS if done.findings else 0)


def _lines(path: str, done: Simulation) -> Iterator[str]:
    yield from flow_simulate.drawn(done)
    yield ""
    for name, count in done.coverage.items():
        yield f"{count:>6,} path{'s' if count != 1 else ' '} {name}" + ("" if name in done.tested else "   (no test)")
    yield ""
    for f in done.findings:
        yield f"{path}:{f.line}:{f.column}: {f.message} {f.hint}".rstrip()
    seen = sum(1 for count in done.coverage.values() if count)
    more = "" if done.whole else "; too many to walk them all"
    yield f"{done.paths:,} paths, {seen} of {len(done.coverage)} steps, {len(done.findings)} findings{more}."


def _show(path: str, found: object, as_json: bool) -> None:
    findings = list(found)  # type: ignore[call-overload]
    if as_json:
        show_json({"findings": [publish.as_json(path, f) for f in findings]})
        return
    for f in findings:
        click.echo(f"{path}:{f.line}:{f.column}: {f.message} {f.hint}".rstrip())
