"""Try with what the CRM says now: the same as in the page, where only our own rows are asked."""

from typing import Any

from connector import errors
from connector.connections import Connections
from connector.core import documents as language
from connector.pipeline.again import trying
from connector.pipeline.chores.tasks import Progress
from connector.store.tasks import Task


def try_task(connections: Connections, task: Task, _: Progress) -> dict[str, Any]:
    """{text, event} -> what `trying.do` tells. Writes nothing, so it may be repeated."""
    c = connections
    document = language.read(trying.text_of(c.store, task.args))
    account = c.account(document.crm)
    if account is None:
        raise errors.NotFound(f"There is no account named {document.crm!r}.", code="account")
    return trying.do(c.store, account, c.crm(account), c.library, c.clock, task.args)
