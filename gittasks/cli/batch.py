"""The command batch."""

from __future__ import annotations

import sys

from gittasks import render
from gittasks.cli.options import (
    command,
    force_option,
    owner_option,
    parallel_option,
)
from gittasks.cli.output import Answer
from gittasks.cli.settings import Settings
from gittasks.codec.batch import MAX_BYTES, NOTHING_APPLIED, BatchLine, read_batch
from gittasks.core.operations import Create
from gittasks.errors import Ambiguous, GittasksError, InvalidData, NotFound, Refused, Usage


@command(
    "batch",
    owner_option,
    force_option,
    parallel_option,
)
def batch_command(settings: Settings, owner: str | None, force: bool, parallel: bool) -> Answer:
    """Apply operations, one JSON object a line on stdin: all or nothing.

    op is create, update, start, done, skip, reopen, release, note, delete or restore. "as" names
    a new task for the lines below, which write $name for its id; $2 is the task of line 2.

    \b
    {"op": "create", "as": "core", "subject": "Write the parser"}
    {"op": "create", "subject": "Write tests", "blockedBy": ["$core"]}
    {"op": "done", "id": "plan", "result": "PASS"}
    """
    lines = read_batch(sys.stdin.buffer.read(MAX_BYTES + 1))
    workspace = settings.workspace(owner)
    workspace.cut_ids = False
    try:
        report = workspace.edit([line.operation for line in lines], force=force, parallel=parallel)
    except GittasksError as error:
        raise _located(error, lines) from error
    edit = report.edit
    return Answer(
        lambda: render.documents.batch_document(
            edit, report.commit, [(line.number, line.op) for line in lines]
        ),
        lambda marks: render.plain.edited(edit, marks, [i for i in edit.focus if i]),
        quiet=["\n".join(edit.focus)],
        workspace=workspace,
    )


def _located(error: GittasksError, lines: list[BatchLine]) -> GittasksError:
    """The error with the line that it is about; a value that cannot be used is invalid data."""
    if isinstance(error, Usage):
        error = InvalidData(
            error.message, hint=error.advice, ways=error.ways, details=error.details
        )
    about_a_line = isinstance(error, (Refused, NotFound, Ambiguous, InvalidData))
    index = error.details.get("operation", 0 if about_a_line and len(lines) == 1 else None)
    if index is None:  # no list, a busy branch
        return error
    number = lines[index].number
    error = error.with_details(where=f"standard input:{number}", line=number)
    advice, ways = error.advice, error.ways
    if isinstance(error, NotFound) and (below := _made_below(error, lines[index + 1 :])):
        advice, ways = f"line {below} makes it: put that line before this one", ()
    return error.with_hint(f"{advice}; {NOTHING_APPLIED}" if advice else NOTHING_APPLIED, *ways)


def _made_below(error: NotFound, lines: list[BatchLine]) -> int | None:
    """The line that makes the task that was not found, when it comes too late."""
    for line in lines:
        task_id = line.operation.id if isinstance(line.operation, Create) else None
        if task_id and f'"{task_id}"' in error.message:
            return line.number
    return None
