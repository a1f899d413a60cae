"""connector audit: is the log of who changed what still what was written?"""

import click

from connector.cli.context import FINDINGS, opened, show_json
from connector.store import audit_chain

WHAT = {
    "changed": "this line does not say what was written",
    "removed": "a line before this one is gone, or this one was moved",
    "unchained": "this line was written by an older version during an upgrade, or by somebody else",
    "start": "lines before this one are gone, and retention did not take them",
    "end": "the newest lines are gone",
    "seal": "the row that holds the ends of the chain was changed or is gone, or its key does not open",
}


@click.group("audit")
def group() -> None:
    """The audit log."""


@group.command("verify")
@click.option("--expect", default="", metavar="HASH", help="An end that was printed before: it must be in the chain.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def verify(expect: str, as_json: bool) -> None:
    """Look through the whole log: a line that was changed or taken away is found. Prints where the chain ends."""
    with opened() as app, app.store.read() as conn:
        found = audit_chain.verify(conn, expect=expect)
    told = {"ok": not found.problems, "lines": found.lines, "older": found.older, "erased": found.erased}
    if as_json:
        show_json(told | {"head": found.head, "problems": found.problems})
    else:
        for one in found.problems:
            click.echo(f"{one['seq'] or 'the log'}: {WHAT[one['what']]}")
        click.echo(f"{found.lines:,} lines in the chain; it ends with {found.head or 'nothing'}")
        if found.older:
            click.echo(f"{found.older:,} lines are older than the chain: nothing is known of them.")
        if found.erased:
            click.echo(f"{found.erased:,} lines had a person taken out, as the chain says.")
        click.echo("Nothing was changed." if not found.problems else f"{len(found.problems)} problems.")
    raise SystemExit(FINDINGS if found.problems else 0)
