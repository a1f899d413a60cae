"""connector tasks: the long works that were asked for; hold one, let it go on, end it."""

from datetime import timedelta

import click

from connector.cli.context import FINDINGS, fail, opened, show_json
from connector.pipeline.chores.tasks import BELL
from connector.store import tasks as rows
from connector.store.tasks import Task


@click.group("tasks")
def group() -> None:
    """Long works asked for in the console."""


@group.command("list")
@click.option("--open", "open_", is_flag=True, help="Only those that have not ended.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="How many, newest first.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_(open_: bool, limit: int, as_json: bool) -> None:
    """The newest tasks: how far each is, how fast, and how long it still takes."""
    with opened() as app, app.store.read() as conn:
        found = rows.list_(conn, open_=open_, limit=limit)
    if as_json:
        show_json([task.as_json() for task in found])
        return
    for task in found:
        click.echo(f"{task.id}  {task.at:%m-%d %H:%M}Z  {task.kind:<18} {_line(task)}".rstrip())
    if not found:
        click.echo("There is no task.")


def _line(task: Task) -> str:
    state = {"pause": "pausing", "cancel": "cancelling"}.get(task.wish, task.state)
    count = f"{task.done:,}" + (f" of {task.total:,}" if task.total else "") if task.done or task.total else ""
    rate = f"{task.rate:,.1f} a second" if task.rate and task.state == "running" else ""
    left = task.seconds_left if task.state == "running" else None
    ends = f"{timedelta(seconds=round(left))} left" if left is not None else ""
    return f"{state:<10} " + "  ".join(part for part in (count, rate, ends, task.error) if part)


def _wish(what: str, said: str) -> click.Command:
    @click.argument("id")
    @click.option("--json", "as_json", is_flag=True, help="Print JSON.")
    def run(id: str, as_json: bool) -> None:
        with opened() as app:
            with app.store.write() as conn:
                done = rows.wish(conn, id, what, app.clock.now())
                task = rows.get(conn, id)
            if done and what == "resume":
                app.bell.ring(BELL)
        if task is None:
            fail(f"There is no task {id}. See: connector tasks list", FINDINGS)
        if not done:
            fail(f"Task {id} is {task.state}: it cannot {what}.", FINDINGS)
        if as_json:
            show_json(task.as_json())
        else:
            click.echo(f"{id} ({task.kind}) {said}.")

    run.__doc__ = HELP[what]
    return click.command(what)(run)


HELP = {
    "pause": "Hold a task at its next row; it goes on from there.",
    "resume": "Let a paused task go on, or a failed one that can.",
    "cancel": "End a task at its next row. What is done stays done.",
}
group.add_command(_wish("pause", "is held at its next row"))
group.add_command(_wish("resume", "goes on"))
group.add_command(_wish("cancel", "ends at its next row"))
