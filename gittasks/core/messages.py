"""Words about an edit: commit messages with their trailers, and remarks.

The history of the branch is read with stock git, so a message says what happened in its first
line and repeats the machine-readable part as trailers in the last paragraph. Every piece of
text from a task or an actor is made printable first; no value can add a line or a trailer.

Remarks tell whoever acted whose tasks an edit moved, in words that fit every tool.
"""

from __future__ import annotations

from gittasks.core.actors import Standing, overlaps, standing
from gittasks.core.apply import Edit
from gittasks.core.changes import Change, ChangeKind
from gittasks.core.graph import Graph
from gittasks.core.merge.registers import Register
from gittasks.core.model import LIST_MARKS, Actor, Status, Task
from gittasks.core.operations import Operation, StartNext, Transition, Update, Verb
from gittasks.core.progress import nothing_ready
from gittasks.core.trailers import (
    CLAIM,
    FORCED,
    KEEP,
    OP,
    OWNER,
    SESSION,
    STATUS,
    TASK,
    UNDO,
    VALUE_LIMIT,
    trailer_lines,
)
from gittasks.core.validation import escape_line
from gittasks.light import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

SUBJECT_LIMIT = 100
"""Most characters of the first line."""
_LINES_LIMIT = 128 * 1024
_PAIRS_LIMIT = 512 * 1024
"""Bytes that lines and trailers about single tasks may take: a longer commit is not read."""

AFTER_LOSS = "after the claim was lost"
"""Words of the note that keeps the result of a finish whose claim was lost."""


def commit_message(
    list_id: str,
    edit: Edit,
    actor: Actor,
    op_id: str,
    *,
    undo_of: str | None = None,
    plan: str | None = None,
) -> str:
    """The message for an edit; ends in a line feed.

    `op_id` is random text that tells this operation from an equal one of the same second;
    `undo_of` the id of the commit that is taken back; `plan` the name of the plan applied.
    """
    lines = _lines(edit)
    first = lines[0] if len(lines) == 1 else _summary(edit, len(lines))
    if plan is not None:
        first = f"plan {escape_line(plan, 40)}: {first}"
    if undo_of is not None:
        first = f"undo {escape_line(undo_of, 10).removesuffix('…')}: {first}"
    paragraphs = [escape_line(f"{list_id}: {first}", SUBJECT_LIMIT)]
    if len(lines) > 1:
        shown = _fitting(lines, _LINES_LIMIT)
        more = len(lines) - len(shown)
        paragraphs.append("\n".join([*shown, f"... and {more} more"] if more else shown))
    paragraphs.append(_trailers(edit, actor, op_id, undo_of))
    return "\n\n".join(paragraphs) + "\n"


def keep_message(
    list_id: str, kept: Sequence[tuple[str, Register]], actor: Actor, op_id: str
) -> str:
    """The message of a commit that settles conflicts in favour of what stands."""
    import json

    paths = list(dict.fromkeys(path for path, _ in kept))
    names = [path.removeprefix("tasks/").removesuffix(".yaml") for path in paths]
    first = escape_line(f"{list_id}: kept the values shown in {', '.join(names)}", SUBJECT_LIMIT)
    pairs = [(TASK, name) for name in names]
    pairs += [(OWNER, escape_line(actor.owner, VALUE_LIMIT)), (SESSION, actor.session or "")]
    pairs += [(KEEP, f"{path} {json.dumps(register)}") for path, register in kept]
    pairs.append((OP, op_id))
    trailers = "\n".join(f"{key}: {value}" for key, value in pairs if value)
    return f"{first}\n\n{trailers}\n"


def _lines(edit: Edit) -> list[str]:
    """The changes of the list and of each task, one line each."""
    by_task: dict[str, list[Change]] = {}
    for change in edit.changes:
        by_task.setdefault(change.task, []).append(change)
    return [_line(task_id, changes, edit) for task_id, changes in by_task.items()]


def _line(task_id: str, changes: list[Change], edit: Edit) -> str:
    if not task_id:
        return _list_line(changes)
    first = changes[0]
    if first.kind is ChangeKind.CREATED:
        return f"{task_id} created: {escape_line(first.after.subject, VALUE_LIMIT)}"
    if first.kind is ChangeKind.REMOVED:
        return f"{task_id} removed"
    old, new = edit.before.tasks[task_id], edit.after.tasks[task_id]
    if old.status is not new.status:
        return f"{task_id} {old.status.value} → {new.status.value}{_outcome(changes)}"
    if new.claim > old.claim and new.status is Status.IN_PROGRESS:
        return f"{task_id} taken over by {escape_line(new.owner or 'somebody', 80)}"
    fields = [change.field for change in changes]
    if fields == ["left"]:
        return f"{task_id} {'left: its session ended' if new.left else 'is not left any more'}"
    if "session" in fields and new.status is Status.IN_PROGRESS and old.owner == new.owner:
        return f"{task_id} resumed by {escape_line(new.owner or 'somebody', 80)}"
    if fields == ["notes"] and len(new.notes) > len(old.notes):
        return f"{task_id} note: {escape_line(new.notes[-1].text, 200)}"
    if fields == ["commits"]:
        new_shas = [c.sha[:7] for c in new.commits if c not in old.commits]
        return f"{task_id} linked to {', '.join(new_shas)}" if new_shas else f"{task_id} unlinked"
    return f"{task_id} {', '.join(escape_line(f, 60) for f in fields)} changed"


def _outcome(changes: list[Change]) -> str:
    """The new result in brackets, where there is one."""
    results = [c.after for c in changes if c.field == "result" and c.after]
    return f" ({escape_line(results[0], 80)})" if results else ""


def _list_line(changes: list[Change]) -> str:
    marks = {c.field: c.after for c in changes if c.field in LIST_MARKS}
    if marks:
        return f"list {next((name for name in reversed(marks) if marks[name]), 'opened again')}"
    title = next((c for c in changes if c.field == "title"), None)
    if title is None:
        return f"list {', '.join(c.field for c in changes)} changed"
    return f"title: {escape_line(title.after, 80)}" if title.after else "title cleared"


def _summary(edit: Edit, lines: int) -> str:
    """The numbers of tasks created, changed and removed."""
    if not lines:
        return "nothing changed"
    new = sum(i not in edit.before.tasks for i in edit.changed)
    removed = sum(i not in edit.after.tasks for i in edit.changed)
    rest = len(edit.changed) - new - removed
    counts = ((new, "created"), (rest, "changed"), (removed, "removed"))
    parts = [f"{n} {'task' if n == 1 else 'tasks'} {what}" for n, what in counts if n]
    if edit.before.info != edit.after.info:
        parts.append("list changed")
    return ", ".join(parts)


def _fitting(blocks: Sequence[str], limit: int) -> Sequence[str]:
    """The first of `blocks`, as many as `limit` bytes hold."""
    room = limit
    for number, block in enumerate(blocks):
        room -= len(block.encode()) + 1
        if room < 0:
            return blocks[:number]
    return blocks


def _trailers(edit: Edit, actor: Actor, op_id: str, undo_of: str | None) -> str:
    tasks = _fitting([_task_trailers(edit, task_id) for task_id in edit.changed], _PAIRS_LIMIT)
    pairs = [(OWNER, actor.owner), (SESSION, actor.session or "")]
    pairs += [(FORCED, rule) for rule in edit.forced]
    pairs += [(UNDO, undo_of or ""), (OP, op_id)]
    return "\n".join((*tasks, trailer_lines(pairs)))


def _task_trailers(edit: Edit, task_id: str) -> str:
    task: Task | None = edit.after.tasks.get(task_id)
    status = "removed" if task is None else Status(task.status).value
    pairs = [(TASK, task_id), (STATUS, status)]
    before = edit.before.tasks.get(task_id)
    if task and task.claim != (before.claim if before else 0):
        pairs.append((CLAIM, str(task.claim)))
    return trailer_lines(pairs)


_SHOWN = 3
"""Tasks of a kind that are named."""
_DID = {
    Status.COMPLETED: "completed it",
    Status.SKIPPED: "skipped it",
    Status.PENDING: "gave it back",
    Status.DELETED: "deleted it",
}


def remarks(edit: Edit, operations: Sequence[Operation], actor: Actor, now: str = "") -> list[str]:
    """Sentences about tasks of others that were moved, and about what else is in progress."""
    sentences: list[str] = []
    begun: list[Task] = []
    for task_id in edit.changed:
        old, new = edit.before.tasks.get(task_id), edit.after.tasks.get(task_id)
        if new is None:
            continue
        if new.status is Status.IN_PROGRESS and (old is None or _began(old, new)):
            begun.append(new)
            if old is not None and old.status is new.status and old.started == new.started:
                sentences.append(f"{new.id} has been in progress since {new.started}")
        if old is not None and old.owner and old.owner == new.owner != actor.owner:
            sentences += _about(old, new, actor)
    for task_id, op in zip(edit.focus, operations, strict=False):
        task = edit.after.tasks.get(task_id)
        if task and edit.before.tasks.get(task_id) == task:
            sentences += _unchanged(task, op)
        if isinstance(op, StartNext) and not task_id:
            who = op.owner or actor.owner
            sentences.append(escape_line(nothing_ready(Graph.of(edit.after, now), who), 300))
    shared = (overlaps(task, edit.after.tasks.values(), actor) for task in begun)
    sentences += [overlap.words for of_task in shared for overlap in of_task[:_SHOWN]]
    return sentences + _elsewhere(edit, begun)


def _began(old: Task, new: Task) -> bool:
    return old.status is not Status.IN_PROGRESS or (old.session, old.owner) != (
        new.session,
        new.owner,
    )


def _about(old: Task, new: Task, actor: Actor) -> list[str]:
    """Sentences about a task that is somebody else's and stays so."""
    owner, who = escape_line(new.owner or "", 60), escape_line(actor.owner, 60)
    if new.status is Status.IN_PROGRESS:
        began = old.status is not Status.IN_PROGRESS
        return (
            [f"{new.id} is meant for {owner}, and was started on that owner's behalf"]
            if began
            else []
        )
    if old.status is not Status.IN_PROGRESS or new.status not in _DID:
        return []
    stays = f"; it stays meant for {owner}" if new.status is Status.PENDING else ""
    did = f"{who} {_DID[new.status]}{stays}"
    return [f"{new.id} was in progress for {owner}; the history says that {did}"]


def _unchanged(task: Task, op: Operation) -> list[str]:
    """Sentences about a task that was so already."""
    verb = op.verb if isinstance(op, Transition) else None
    starts = isinstance(op, Update) and op.status is Status.IN_PROGRESS
    if task.status is Status.IN_PROGRESS and (verb is Verb.START or starts):
        since = f" since {task.started}" if task.started else ""
        whose = escape_line(task.owner or "nobody", 60)
        apart = "; agents who share a name need a session or a claim each"
        return [f"{task.id} has been in progress for {whose}{since}{'' if task.session else apart}"]
    if task.status is Status.PENDING and verb is Verb.RELEASE and task.owner:
        return [f"{task.id} is not in progress, and stays meant for {escape_line(task.owner, 60)}"]
    return []


def _elsewhere(edit: Edit, begun: Sequence[Task]) -> list[str]:
    """Sentences about the other tasks in progress of those whose tasks were begun."""
    sentences: list[str] = []
    names = {(task.owner, task.session) for task in begun}
    mine = {task.id for task in begun}
    for owner, session in names:
        others = [
            t
            for t in edit.after.ordered()
            if t.status is Status.IN_PROGRESS
            and t.id not in mine
            and t.owner == owner
            and (t.left or standing(t, Actor(owner or "", session)) is Standing.SAME_OWNER)
        ]
        for task in others[:_SHOWN]:
            where = "left by an earlier session" if task.left else "in another session"
            sentences.append(
                f"{escape_line(owner or '', 60)} also has {task.id} in progress, {where}"
            )
    return sentences
