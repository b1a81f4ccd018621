"""The batch command: operations as JSON lines, all of them or none, as one commit."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from gittasks.cli import output
from gittasks.cli.options import command, force_option, owner_option, parallel_option
from gittasks.cli.settings import Settings
from gittasks.codec.batch import MAX_BYTES, NOTHING_APPLIED, BatchLine, read_batch
from gittasks.errors import Ambiguous, GittasksError, InvalidData, NotFound, Refused, Usage

if TYPE_CHECKING:
    from gittasks.workspace import Report


@command("batch")
@owner_option
@force_option
@parallel_option
@click.pass_obj
def batch_command(settings: Settings, owner: str | None, force: bool, parallel: bool) -> None:
    """Apply operations, one JSON object a line on stdin, as one commit: all or nothing.

    op is create, update, start, done, skip, reopen, release, note, delete or restore. "as" names
    a new task for the lines below, which write $name for its id; $2 is the task of line 2.

    \b
    {"op": "create", "as": "core", "subject": "Write the parser"}
    {"op": "create", "subject": "Write tests", "blockedBy": ["$core"]}
    {"op": "done", "id": "plan", "result": "PASS"}
    """
    lines = read_batch(sys.stdin.buffer.read(MAX_BYTES + 1))
    workspace = settings.workspace(owner)
    try:
        made = workspace.edit([line.operation for line in lines], force=force, parallel=parallel)
    except GittasksError as error:
        raise _located(error, lines) from error
    if settings.json:
        output.document(_document(lines, made))
    elif settings.quiet:
        output.say("\n".join(made.edit.focus))
    else:
        output.say_changes(settings, made, [i for i in made.edit.focus if i])
    output.notices(settings, workspace)


def _document(lines: list[BatchLine], made: Report) -> dict[str, object]:
    from gittasks.render import documents

    edit, graph = made.edit, made.graph
    return documents.envelope(
        "batch",
        list=documents.list_part(edit.after.info),
        results=[
            {
                "line": line.number,
                "op": line.op,
                "id": task_id,
                "status": str(edit.after.tasks[task_id].status),
                "changed": task_id in edit.changed,
            }
            for line, task_id in zip(lines, edit.focus, strict=True)
        ],
        tasks=[documents.task(edit.after.tasks[i], graph) for i in edit.changed],
        changed=edit.made,
        unblocked=list(edit.unblocked),
        commit=made.commit,
    )


def _located(error: GittasksError, lines: list[BatchLine]) -> GittasksError:
    """The error with the line that it is about; a value that cannot be used is invalid data."""
    if isinstance(error, Usage):
        error = InvalidData(error.message, hint=error.hint, details=error.details)
    about_a_line = isinstance(error, (Refused, NotFound, Ambiguous, InvalidData))
    index = error.details.get("operation", 0 if about_a_line and len(lines) == 1 else None)
    if index is None:  # no list, a busy branch
        return error
    error.details["line"] = lines[index].number
    error.where = f"standard input:{lines[index].number}"
    if isinstance(error, NotFound) and (below := _made_below(error, lines[index + 1 :])):
        error.hint = f"line {below} makes it: put that line before this one"
    error.hint = f"{error.hint}; {NOTHING_APPLIED}" if error.hint else NOTHING_APPLIED
    return error


def _made_below(error: NotFound, lines: list[BatchLine]) -> int | None:
    """The line that makes the task that was not found, when it comes too late."""
    from gittasks.core.operations import Create

    for line in lines:
        made = line.operation.id if isinstance(line.operation, Create) else None
        if made and f'"{made}"' in error.message:
            return line.number
    return None
