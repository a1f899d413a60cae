"""connector mappings: check, test, push, pull and diff the documents an admin writes."""

import difflib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from connector.cli.context import FINDINGS, author, fail, opened, read_text, show_json
from connector.cli.versions import COMMANDS
from connector.core.documents import Finding
from connector.pipeline.documents import publish
from connector.pipeline.documents.publish import Verdict
from connector.store import documents as rows
from connector.works import mappings as works

PULLED = ".connector-pulled.json"  # {name: digest}: the live texts that this folder's texts are based on


@click.group("mappings")
def group() -> None:
    """Check, test and publish the documents in a folder."""


def texts(paths: Sequence[str]) -> Iterator[tuple[Path, str]]:
    """Every document under these files and folders, in name order."""
    for given in paths or ("mappings",):
        root = Path(given)
        if not root.exists():
            fail(f"There is no file or folder {given}.")
        for path in [root] if root.is_file() else sorted([*root.rglob("*.yaml"), *root.rglob("*.yml")]):
            yield path, read_text(path)


def verdicts(
    look: publish.Look, paths: Sequence[str], templates: publish.Templates = publish.unknown
) -> list[tuple[Path, Verdict]]:
    """What we think of each text; `look` knows the CRMs' fields, `templates` what WhatsApp approved."""
    judged = [(path, publish.judge(text, look, templates)) for path, text in texts(paths)]
    if not judged:
        fail(f"There is no document (*.yaml) in {', '.join(paths) or 'mappings'}.")
    return judged


def _many(n: int, word: str) -> str:
    return f"{n:,} {word}" + ("" if n == 1 else "s")


def _line(path: Path, f: Finding) -> str:
    mild = "warning: " if f.severity == "warning" else ""
    return f"{path}:{f.line}:{f.column}: {mild}{f.message} {f.hint}".rstrip()


@group.command("check")
@click.argument("paths", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def check(paths: tuple[str, ...], as_json: bool) -> None:
    """Everything wrong with these documents: line, what, and what to write instead."""
    with opened() as app:
        judged = verdicts(app.fields_of(refresh=False), paths, app.templates_of(refresh=False))
        strangers = works.strangers(app, judged) if app.accounts() else []
    found = [(path, f) for path, verdict in judged for f in verdict.findings] + strangers
    if as_json:
        show_json([publish.as_json(str(path), f) for path, f in found])
    else:
        for path, f in found:
            click.echo(_line(path, f))
        click.echo(f"{_many(len(judged), 'document')}, {_many(len(found), 'finding')}.")
    raise SystemExit(FINDINGS if found else 0)


@group.command("test")
@click.argument("paths", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def test(paths: tuple[str, ...], as_json: bool) -> None:
    """Run the tests that stand inside these documents; needs no account and no database."""
    judged = verdicts(publish.unknown, paths)
    broken = [(path, f) for path, v in judged for f in v.errors]
    results = [(path, t) for path, v in judged for t in v.tests]
    failed = [(path, t) for path, t in results if not t.passed]
    if as_json:
        show_json(
            [
                {"path": str(p), "line": t.line, "name": t.name, "passed": t.passed, "message": t.message}
                for p, t in results
            ]
        )
    else:
        for path, finding in broken:
            click.echo(f"{path}:{finding.line}: {finding.message} {finding.hint}".rstrip())
        for path, t in results:
            click.echo(
                f"{'ok  ' if t.passed else 'FAIL'} {path}:{t.line} {t.name}" + ("" if t.passed else f": {t.message}")
            )
        click.echo(f"{len(results) - len(failed)} passed, {len(failed)} failed." if results else "No tests stand here.")
    raise SystemExit(FINDINGS if failed or broken else 0)


@group.command("push")
@click.argument("folder", default="mappings")
@click.option("--force", is_flag=True, help="Publish over a live version this folder has not seen.")
@click.option("--draft", is_flag=True, help="Store as a draft; do not publish.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def push(folder: str, force: bool, draft: bool, as_json: bool) -> None:
    """Check, test and publish every document of a folder at once; all or none."""
    with opened() as app:
        judged = verdicts(app.fields_of(refresh=True), [folder], app.templates_of(refresh=True))
        problems = [*_problems(judged), *(_line(path, f) for path, f in works.strangers(app, judged))]
        if problems:
            for line in problems:
                click.echo(line, err=True)
            click.echo("Nothing was published.", err=True)
            raise SystemExit(FINDINGS)
        documents = [v.document for _, v in judged if v.document is not None]
        base = read_pulled(_root(folder))
        state = "draft" if draft else "live"
        done = publish.push(app.store, documents, author(), app.clock.now(), base=base, force=force, state=state)
        if not draft and all(d.did != "refused" for d in done):
            write_pulled(_root(folder), base | {d.name: publish.digest(d.text) for d in documents})
        starts = {} if draft else works.starts(app, documents, done)
    if as_json:
        show_json([{"name": d.name, "did": d.did, "version": d.version, "why": d.why} for d in done])
    for path, f in ((path, f) for path, v in judged for f in v.findings if f.severity == "warning"):
        click.echo(_line(path, f), err=True)
    for d in [] if as_json else done:
        why = d.why or starts.get(d.name, "")
        click.echo(f"{d.name}: {d.did}" + (f", version {d.version}" if d.version else "") + (f". {why}" if why else ""))
    raise SystemExit(FINDINGS if any(d.did == "refused" for d in done) else 0)


def _problems(judged: Sequence[tuple[Path, Verdict]]) -> list[str]:
    lines = [_line(path, f) for path, v in judged for f in v.errors]
    lines += [
        f"{path}:{t.line}: the test {t.name!r} fails: {t.message}"
        for path, v in judged
        for t in v.tests
        if not t.passed
    ]
    return lines + [f"Two documents are called {name!r}." for name in publish.twins(judged)]


@group.command("pull")
@click.argument("folder", default="mappings")
def pull(folder: str) -> None:
    """Write every live document into a folder."""
    root = Path(folder)
    with opened() as app:
        with app.store.read() as conn:
            live = rows.live(conn)
        root.mkdir(parents=True, exist_ok=True)
        here = {name: path for path, name in _names(root)}
        for row in live:
            path = here.get(row.name, root / f"{row.name}.yaml")
            path.write_text(row.text, encoding="utf-8")
            click.echo(f"{path}: version {row.n}")
        write_pulled(root, {row.name: publish.digest(row.text) for row in live})


def _names(root: Path) -> Iterator[tuple[Path, str]]:
    for path, text in texts([str(root)]):
        verdict = publish.judge(text, publish.unknown)
        if verdict.document is not None:
            yield path, verdict.document.name
        else:
            click.echo(f"{path} is left out: it cannot be read. See: connector mappings check {path}", err=True)


def _root(given: str) -> Path:
    """The folder that remembers; of a single file, the one it is in."""
    return Path(given).parent if Path(given).is_file() else Path(given)


def write_pulled(root: Path, base: Mapping[str, str]) -> None:
    """Remembers what is live now; a folder we may not write into is told, and costs a --force next time."""
    try:
        (root / PULLED).write_text(json.dumps(dict(sorted(base.items())), indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        click.echo(f"{root / PULLED} cannot be written ({error.strerror}); the next push asks for --force.", err=True)


def read_pulled(root: Path) -> dict[str, str]:
    """The live texts this folder was last pulled from or pushed to."""
    path = root / PULLED
    if not path.is_file():
        return {}
    try:
        return {str(k): str(v) for k, v in json.loads(read_text(path)).items()}
    except (ValueError, TypeError, AttributeError, RecursionError):
        fail(f"{path} is damaged. Run: connector mappings pull {root}")


@group.command("diff")
@click.argument("folder", default="mappings")
def diff(folder: str) -> None:
    """What differs between a folder and what is live."""
    with opened() as app, app.store.read() as conn:
        live: dict[str, Any] = {row.name: row for row in rows.live(conn)}
    changed = False
    local = {name: path for path, name in _names(Path(folder))}
    for name in sorted({*live, *local}):
        before = live[name].text.splitlines(keepends=True) if name in live else []
        after = read_text(local[name]).splitlines(keepends=True) if name in local else []
        lines = list(difflib.unified_diff(before, after, f"live {name}", str(local.get(name, "not in this folder"))))
        changed = changed or bool(lines)
        click.echo("".join(lines), nl=False)
    raise SystemExit(FINDINGS if changed else 0)


for command in COMMANDS:
    group.add_command(command)
