"""Documents published: checked against the CRM's fields and the templates of now, tested, then published at once."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from connector import errors
from connector.base import crm_kinds
from connector.connections import Connections
from connector.core.documents import Document, Finding, SendDocument
from connector.pipeline.chores.tasks import Progress
from connector.pipeline.documents import publish
from connector.pipeline.documents.publish import Judged, Key, Push, Verdict
from connector.store.tasks import Task

NONE = "Connect it: connector accounts add"
STATES = ("live", "draft", "shadow")


def strangers(connections: Connections, judged: Judged[Key]) -> list[tuple[Key, Finding]]:
    """Documents for a CRM that is not connected."""
    known = sorted(a.name for a in connections.accounts() if a.kind in crm_kinds())
    return publish.strangers(judged, known, NONE)


def starts(connections: Connections, documents: Sequence[Document], done: Sequence[Push]) -> dict[str, str]:
    """What newly published send: documents do not send, by name."""

    def there(document: SendDocument) -> int:
        account = connections.account(document.crm)
        try:
            return publish.already(connections.crm(account), document) if account is not None else 0
        except errors.StoreDown:
            raise
        except errors.ConnectorError:  # the CRM does not say: a count is no reason not to publish
            return 0

    return publish.starts(documents, done, there)


def publish_task(connections: Connections, task: Task, progress: Progress) -> dict[str, Any]:
    """{texts, base, author?, draft?, state?, force?} -> {published, documents: [{name, did, version, why, ...}]}.

    All or none. Repeating it publishes nothing twice: the same text is `unchanged`."""
    texts, state = task.args["texts"], _state(task.args)
    look, templates = connections.fields_of(refresh=True), connections.templates_of(refresh=True)
    judged: list[tuple[int, Verdict]] = []
    for n, text in enumerate(texts):
        judged.append((n, publish.judge(text, look, templates)))
        progress(n + 1, len(texts))
    odd = strangers(connections, judged)
    twins = publish.twins(judged)
    if twins or odd or not all(v.good for _, v in judged):
        return {"published": False, "documents": [_refused(n, v, dict(odd), twins) for n, v in judged]}
    documents = [v.document for _, v in judged if v.document is not None]
    author, force = task.args.get("author") or task.author, bool(task.args.get("force"))
    base = task.args.get("base") or {}
    done = publish.push(
        connections.store, documents, author, connections.clock.now(), base=base, force=force, state=state
    )
    said = starts(connections, documents, done) if state == "live" else {}
    by_name = {push.name: push for push in done}
    told = [_pushed(v, by_name, said) for _, v in judged]
    return {"published": all(push.did != "refused" for push in done), "documents": told}


def _state(args: Mapping[str, Any]) -> str:
    state = str(args.get("state") or ("draft" if args.get("draft") else "live"))
    if state not in STATES:
        raise errors.Rejected(f"A version is not {state!r}.", hint=f"It is {', '.join(STATES)}.", code="state")
    return state


def _told(verdict: Verdict, more: Sequence[Finding] = ()) -> dict[str, Any]:
    tests = [{"name": t.name, "line": t.line, "passed": t.passed, "message": t.message} for t in verdict.tests]
    return {"findings": [asdict(f) for f in (*verdict.findings, *more)], "tests": tests}


def _refused(n: int, verdict: Verdict, odd: Mapping[int, Finding], twins: Sequence[str]) -> dict[str, Any]:
    """One document of a list that is not published; `why` says what is wrong with this one, if anything is."""
    name = verdict.document.name if verdict.document else ""
    failed = [f"The test {t.name!r} fails: {t.message}" for t in verdict.tests if not t.passed]
    more = [odd[n]] if n in odd else []
    wrong = [f"Line {f.line}: {f.message} {f.hint}".strip() for f in (*verdict.errors, *more)] + failed
    wrong += [f"Two documents are called {name!r}."] if name in twins else []
    told = {"name": name, "did": "refused", "version": None, "why": wrong[0] if wrong else "", "starts": ""}
    return told | _told(verdict, more)


def _pushed(verdict: Verdict, done: Mapping[str, Push], said: Mapping[str, str]) -> dict[str, Any]:
    """One document; where another is refused because its live text is a stranger's, nothing was done to this one."""
    assert verdict.document is not None
    name = verdict.document.name
    push = done.get(name, Push(name, "refused"))
    told = {"name": name, "did": push.did, "version": push.version, "why": push.why, "starts": said.get(name, "")}
    return told | _told(verdict)
