"""Commands that write tasks: create, update, note, delete, restore, batch, undo, redo."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from gittasks import render
from gittasks.cli.options import (
    Parameter,
    argument,
    command,
    force_option,
    ids_argument,
    option,
    owner_option,
    parallel_option,
    prose,
    several,
    status_choice,
    text_or_stdin,
)
from gittasks.cli.output import Answer, Settings, edit, edited, make_named_list
from gittasks.core.fields import LISTS, SIMPLE, Kind
from gittasks.core.ids import find
from gittasks.core.model import Status, Value
from gittasks.core.operations import AddNote, Create, Transition, Update, Verb
from gittasks.errors import GittasksError, Usage, Way

if TYPE_CHECKING:
    from gittasks.workspace import EditResult, Undone, Workspace

_STATUSES = status_choice(Status)
_OPEN_STATUSES = status_choice(s for s in Status if s is not Status.DELETED)


def _pairs(values: tuple[str, ...]) -> dict[str, Value]:
    pairs: dict[str, Value] = {}
    for value in values:
        key, is_pair, text = value.partition("=")
        if not is_pair or not key.strip():
            raise Usage(f'"{value}" is not KEY=VALUE', hint="write it as: --metadata estimate=3h")
        pairs[key.strip()] = text
    return pairs


def _order(text: str | None) -> int | float | None:
    if text is None:
        return None
    try:
        number = float(text)
        return int(number) if number.is_integer() else number
    except (ValueError, OverflowError):  # of "nan" and "inf" there is no whole part
        raise Usage(f'--order takes a number, not "{text}"') from None


_METAVARS = {
    Kind.LINE: "TEXT",
    Kind.TEXT: "TEXT",
    Kind.TIME: "TIME",
    Kind.COUNT: "N",
    Kind.WORDS: "WORD",
    Kind.PATHS: "GLOB",
}


def _simple_options(*ways: str) -> Iterator[Parameter]:
    """The options of fields that are set by their kind alone.

    With `ways`, members of lists are added and removed.
    """
    for field in SIMPLE:
        kind, listed = _METAVARS[field.kind], field in LISTS
        for way in ways if listed and ways else ("",):
            name = f"{way}_{field.attr}" if way else field.attr
            words = f"--{way}-{field.option[2:]}" if way else field.option
            yield option(words, name, metavar=kind, multiple=listed, help=field.hint)


_edit_option = option("--edit", "in_editor", is_flag=True, help="Edit it in git's editor.")


def _given(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value not in (None, ())}


def _times(fields: Mapping[str, Any]) -> list[str]:
    """The attributes of the times to come that were given."""
    return [f.attr for f in SIMPLE if f.kind is Kind.TIME and fields.get(f.attr, "").strip()]


def _stored(workspace: Workspace, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Values of fields, with times as they are stored instead of as people write them."""
    times = {attr: workspace.time_ahead(fields[attr]) for attr in _times(fields)}
    return {**fields, **times}


@command(
    "create",
    argument("subject", required=False, metavar="SUBJECT"),
    option("--subject", "subject_option", metavar="TEXT", hidden=True),
    option("--id", "task_id", metavar="ID", help="Its id; by default one is made."),
    option("-d", "--description", metavar="TEXT", help="Details; - reads stdin, @FILE a file."),
    option("--active-form", metavar="TEXT", help='Text to show while it runs: "Running tests".'),
    option("--status", type=_OPEN_STATUSES, default="pending", help="State to begin in."),
    option("--owner", metavar="NAME", help="Whose task it is."),
    option("--blocked-by", multiple=True, metavar="ID", help="This task must be closed first."),
    option("--blocks", multiple=True, metavar="ID", help="This task has to wait for the new one."),
    option("--phase", metavar="NAME", help='Phase, when the subject has no "PHASE n:".'),
    option("--after", metavar="ID", help="Place it right after this task; default: by phase."),
    *_simple_options(),
    option("--metadata", multiple=True, metavar="K=V", help="Free data."),
    option("--iterations", type=int, metavar="N", help="Make a loop of N tasks in a chain."),
    _edit_option,
    force_option,
    parallel_option,
    hot=True,
)
def create_command(
    settings: Settings,
    /,
    subject: str | None,
    subject_option: str | None,
    in_editor: bool,
    force: bool,
    parallel: bool,
    **options: Any,
) -> Answer:
    """Create a task.

    With --iterations N it becomes a loop: "Iteration 1/N: SUBJECT" to N/N, each after the one
    before. An --id that exists with the same subject changes nothing. With --edit the options
    are where the form begins.
    """
    words = "" if in_editor and not (subject or subject_option) else None
    subject = _one_subject(subject, subject_option) if words is None else words
    operation = _creation(subject, **options)
    workspace = settings.workspace()
    make_named_list(workspace)
    operation = operation._replace(fields=_stored(workspace, operation.fields))
    if in_editor:
        report = _created_in_editor(settings, workspace, operation, force=force, parallel=parallel)
        if report is None:
            return _ended()
    else:
        report = workspace.edit([operation], force=force, parallel=parallel)
    from gittasks.core.lint import remarks  # no other command of these needs it

    change = report.edit
    # Their author should read at once what will make new tasks hard to follow.
    return edited(workspace, report)._replace(
        hints=lambda: remarks(change.before, change.after, change.created)
    )


def _ended() -> Answer:
    """The answer when the form came back empty."""
    return Answer(dict, lambda _: "the form came back empty, so nothing was changed", exit_code=1)


def _created_in_editor(
    settings: Settings, workspace: Workspace, operation: Create, *, force: bool, parallel: bool
) -> EditResult | None:
    """Make the task that the person writes; None when the form came back empty."""
    from gittasks.cli.programs import Draft  # for --edit alone
    from gittasks.codec import form

    command = ("gittasks", "create", "--edit", *(("--id", operation.id) if operation.id else ()))
    again = Way("the form is kept; edit it again", command, decision=True)
    draft = Draft(workspace.repository, workspace.list_id, form.draft(operation), again)
    task = draft.edited(f'A new task of the list "{workspace.list_id}".', quiet=settings.json)
    if task is None:
        return None
    creation = form.creation(operation, task)
    report = draft.kept_on_error(lambda: workspace.edit([creation], force=force, parallel=parallel))
    draft.discard()
    return report


def _updated_in_editor(settings: Settings, task_ids: Sequence[str]) -> Answer:
    """Change what the person changes in the form of one task."""
    from gittasks.cli.programs import Draft  # for --edit alone
    from gittasks.codec import form

    if len(task_ids) != 1:
        raise Usage("--edit takes one task at a time")
    workspace = settings.workspace()
    snapshot = workspace.snapshot()
    task = snapshot.tasks[find(snapshot, task_ids[0], cut=True)]
    command = ("gittasks", "update", task.id, "--edit")
    again = Way("the form is kept; edit it again", command, decision=True)
    draft = Draft(workspace.repository, workspace.list_id, task, again)
    after = draft.edited(f"The task {task.id} ({task.status}).", quiet=settings.json)
    if after is None:
        return _ended()
    operation = form.update(draft.before(), after) or Update(task.id)
    report = draft.kept_on_error(lambda: workspace.edit([operation]))
    draft.discard()
    return edited(workspace, report)


def _creation(
    subject: str,
    /,
    *,
    task_id: str | None,
    description: str | None,
    active_form: str | None,
    status: str,
    owner: str | None,
    blocked_by: tuple[str, ...],
    blocks: tuple[str, ...],
    phase: str | None,
    after: str | None,
    metadata: tuple[str, ...],
    iterations: int | None,
    **fields: Any,
) -> Create:
    """The operation that the options of `create` ask for."""
    return Create(
        subject=subject,
        id=task_id,
        description=prose(description),
        active_form=active_form,
        status=Status(status),
        owner=owner,
        blocked_by=several(blocked_by),
        blocks=several(blocks),
        phase=phase,
        after=after,
        metadata=_pairs(metadata),
        iterations=iterations,
        fields=_given(fields),
    )


def _one_subject(argument: str | None, option: str | None) -> str:
    """The subject, which some give as an option because `update` takes it so."""
    if argument is not None and option is not None:
        raise Usage("the subject is given twice", hint='write: gittasks create "SUBJECT"')
    if argument is None and option is None:
        raise Usage("missing argument 'SUBJECT'", hint='write: gittasks create "SUBJECT"')
    return argument or option or ""


@command(
    "update",
    ids_argument,
    option("--subject", metavar="TEXT"),
    option("-d", "--description", metavar="TEXT", help="- reads stdin, @FILE a file."),
    option("--active-form", metavar="TEXT"),
    option("--status", type=_STATUSES, help="By the same rules as start, done, ..."),
    option("--owner", metavar="NAME", help="Whose task it is."),
    option("--result", metavar="TEXT", help="The outcome; -, @FILE as above."),
    option("--order", metavar="N", help="Place in the list: a number."),
    option("--after", metavar="ID", help="Place it right after this task."),
    option("--phase", metavar="NAME"),
    *_simple_options("add", "remove"),
    option("--add-blocked-by", multiple=True, metavar="ID"),
    option("--remove-blocked-by", multiple=True, metavar="ID"),
    option("--add-blocks", multiple=True, metavar="ID"),
    option("--remove-blocks", multiple=True, metavar="ID"),
    option("--metadata", multiple=True, metavar="K=V", help="Set free data."),
    option("--unset", multiple=True, metavar="K", help="Remove free data."),
    _edit_option,
    force_option,
    parallel_option,
    hot=True,
)
def update_command(
    settings: Settings,
    /,
    task_ids: tuple[str, ...],
    in_editor: bool,
    force: bool,
    parallel: bool,
    **options: Any,
) -> Answer:
    """Change fields of tasks; an empty text clears a field."""
    update = _update(**options)
    if in_editor:
        if update != Update(id=""):
            raise Usage("--edit takes no other changes", hint="make them in the form")
        return _updated_in_editor(settings, several(task_ids))
    if update == Update(id=""):
        raise Usage(
            "nothing to change was given",
            ways=[Way("see what can be", ("gittasks", "update", "--help"))],
        )
    if _times(update.fields):
        update = update._replace(fields=_stored(settings.workspace(), update.fields))
    updates = [update._replace(id=task_id) for task_id in several(task_ids)]
    return edit(settings, updates, force=force, parallel=parallel)


def _update(
    *,
    subject: str | None,
    description: str | None,
    active_form: str | None,
    status: str | None,
    owner: str | None,
    result: str | None,
    order: str | None,
    after: str | None,
    phase: str | None,
    add_blocked_by: tuple[str, ...],
    remove_blocked_by: tuple[str, ...],
    add_blocks: tuple[str, ...],
    remove_blocks: tuple[str, ...],
    metadata: tuple[str, ...],
    unset: tuple[str, ...],
    **fields: Any,
) -> Update:
    """The operation that the options of `update` ask for, of no task yet."""
    plain = Update(
        id="",
        subject=subject,
        description=prose(description),
        active_form=active_form,
        status=Status(status) if status else None,
        owner=owner,
        result=prose(result),
        order=_order(order),
        after=after,
        phase=phase,
        add_blocked_by=several(add_blocked_by),
        remove_blocked_by=several(remove_blocked_by),
        add_blocks=several(add_blocks),
        remove_blocks=several(remove_blocks),
        metadata=_pairs(metadata),
        unset=unset,
    )
    simple = Update.of({"id": "", **_given(fields)})
    return plain._replace(fields=simple.fields, added=simple.added, removed=simple.removed)


@command("note", argument("task_id", metavar="ID"), argument("text"), owner_option, hot=True)
def note_command(settings: Settings, task_id: str, text: str, owner: str | None) -> Answer:
    """Add a note to a task; a TEXT of - is read from stdin."""
    note = AddNote(task_id, text_or_stdin(text) or "")
    return edit(settings, [note], owner=owner)


@command(
    "delete",
    ids_argument,
    owner_option,
    force_option,
)
def delete_command(
    settings: Settings, task_ids: tuple[str, ...], owner: str | None, force: bool
) -> Answer:
    """Delete tasks: hide them. They are kept, and tasks that waited for them may start."""
    moves = [Transition(Verb.DELETE, task_id) for task_id in several(task_ids)]
    return edit(settings, moves, owner=owner, force=force)


@command(
    "restore",
    ids_argument,
    owner_option,
    force_option,
)
def restore_command(
    settings: Settings, task_ids: tuple[str, ...], owner: str | None, force: bool
) -> Answer:
    """Restore deleted tasks."""
    moves = [Transition(Verb.RESTORE, task_id) for task_id in several(task_ids)]
    return edit(settings, moves, owner=owner, force=force)


@command("batch", owner_option, force_option, parallel_option)
def batch_command(settings: Settings, owner: str | None, force: bool, parallel: bool) -> Answer:
    """Apply operations, one JSON object a line on stdin: all or nothing.

    op is create, update, start, done, skip, reopen, release, note, delete or restore. "as" names
    a new task for the lines below, which write $name for its id; $2 is the task of line 2.

    \b
    {"op": "create", "as": "core", "subject": "Write the parser"}
    {"op": "create", "subject": "Write tests", "blockedBy": ["$core"]}
    {"op": "done", "id": "plan", "result": "PASS"}
    """
    from gittasks.codec.batch import MAX_BYTES, located, read_batch  # other commands need no JSON

    lines = read_batch(sys.stdin.buffer.read(MAX_BYTES + 1))
    workspace = settings.workspace(owner)
    workspace.cut_ids = False
    try:
        report = workspace.edit([line.operation for line in lines], force=force, parallel=parallel)
    except GittasksError as error:
        raise located(error, lines) from error
    edit = report.edit
    return Answer(
        lambda: render.documents.batch_document(
            edit, report.commit, [(line.number, line.op) for line in lines]
        ),
        lambda marks: render.plain.edited(edit, marks, [i for i in edit.focus if i]),
        quiet=["\n".join(edit.focus)],
        workspace=workspace,
    )


_dry_run_option = option("--dry-run", is_flag=True, help="Only show what would change.")


@command(
    "undo",
    argument("commit", metavar="[COMMIT]", required=False),
    _dry_run_option,
    owner_option,
)
def undo_command(
    settings: Settings, commit: str | None, dry_run: bool, owner: str | None
) -> Answer:
    """Undo my last operation, or that of a COMMIT, with a new commit.

    Refused when others have built on it. Right after an undo it changes nothing and names the
    commit to give for the operation before.
    """
    workspace = settings.workspace(owner)
    return _undone(workspace, workspace.undo(commit, dry_run=dry_run))


@command(
    "redo",
    _dry_run_option,
    owner_option,
)
def redo_command(settings: Settings, dry_run: bool, owner: str | None) -> Answer:
    """Undo my last undo with a new commit; right after a redo it changes nothing."""
    workspace = settings.workspace(owner)
    return _undone(workspace, workspace.redo(dry_run=dry_run))


def _undone(workspace: Workspace, undone: Undone) -> Answer:
    report, title = undone.report, render.text.clean(undone.title)
    if undone.following and not undone.target:
        title += f"\nto take that back: gittasks undo {undone.following.commit[:10]}"
    return Answer(
        lambda: render.documents.undo_document(
            report.edit, report.commit, undone.target, undone.following, dry_run=undone.dry_run
        ),
        lambda marks: f"{title}\n{render.plain.edited(report.edit, marks)}",
        quiet=title.splitlines(),
        workspace=workspace,
    )
