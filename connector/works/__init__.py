"""What each kind of task does: one visible list. A task is asked for in the console, or by a program; a worker does it.

Each is a function (connections, task, progress) -> result as JSON; docs/decisions/0015 says what repeating one means.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from connector.connections import Connections
from connector.pipeline.chores.tasks import Progress, Work
from connector.store.tasks import Task
from connector.works import (
    accounts,
    alarms,
    broadcasts,
    checkup,
    connecting,
    deep,
    hands,
    imports,
    leaves,
    mappings,
    packages,
    people,
    removing,
    replays,
    stand_ins,
    templates,
    trying,
)

Kind = Callable[[Connections, Task, Progress], Any]
KINDS: Mapping[str, Kind] = {
    "account.try": connecting.try_task,
    "account.save": connecting.save_task,
    "account.check": accounts.check_task,
    "account.fields": accounts.fields_task,
    "account.package": packages.package_task,
    "account.begin": leaves.begin_task,
    "account.connect": leaves.connect_task,
    "account.remove": removing.remove_task,
    "sandbox.connect": stand_ins.connect_task,
    "templates.sync": templates.sync_task,
    "templates.create": templates.create_task,
    "templates.edit": templates.edit_task,
    "templates.delete": templates.delete_task,
    "mappings.publish": mappings.publish_task,
    "mappings.try": trying.try_task,
    "sends.import": imports.import_task,
    "event.undo": hands.undo_task,
    "review.rejudge": hands.rejudge_task,
    "replay": replays.replay_task,
    "doctor": checkup.doctor_task,
    "doctor.deep": deep.deep_task,
    "alarms.test": alarms.try_task,
    "contact.erase": people.erase_task,
    "broadcast.lists": broadcasts.lists_task,
    "broadcast.forecast": broadcasts.forecast_task,
    "broadcast.plan": broadcasts.plan_task,
    "broadcast.members": broadcasts.members_task,
}
# Not begun again when their worker died in the middle: a second time would be refused, or count once more.
ONCE = frozenset({"templates.create", "templates.edit", "templates.delete", "account.connect"})


def of(connections: Connections) -> dict[str, Work]:
    """Every kind, for a worker."""
    return {name: Work(partial(kind, connections), again=name not in ONCE) for name, kind in KINDS.items()}
