"""Application of operations to a list: a pure function from a snapshot to an edit.

The module is long because every write needs all of it: how each operation is applied, the steps
that the edit is committed in, and which commands a refusal may offer.
"""

from __future__ import annotations

from itertools import pairwise

from gittasks.core import ids, rules, validation
from gittasks.core.actors import disjoint_first
from gittasks.core.changes import Change, diff
from gittasks.core.editor import Editor, Places
from gittasks.core.fields import CLEARABLE, LISTS, SIMPLE
from gittasks.core.graph import Graph
from gittasks.core.model import (
    Actor,
    ListState,
    Snapshot,
    Status,
    Task,
    in_order,
    phase_in,
    phase_named,
    without_prefix,
)
from gittasks.core.operations import (
    MOST_ITERATIONS,
    AddNote,
    Claim,
    Context,
    Create,
    LinkCommit,
    MarkList,
    Operation,
    RelinkCommits,
    Retitle,
    SessionEnd,
    StartNext,
    Transition,
    Update,
    Verb,
    resolved,
)
from gittasks.core.times import format_time, parse_time
from gittasks.errors import GittasksError, Refused, Usage, Way
from gittasks.light import TYPE_CHECKING, Mapping, NamedTuple, assert_never

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any


class Edit(NamedTuple):
    """The outcome of operations on a list.

    `focus` has, for each operation, the id of the task that it was about ("" for a title, for
    rewritten commits, and for StartNext and Claim when nothing was ready). `created` lists new ids
    in the order they were made; `changed` all ids that are new, different or gone, in order of
    display; `unblocked` the pending tasks that had open blockers before and have none now;
    `forced` the names of the rules that were overridden.
    """

    before: Snapshot
    after: Snapshot
    focus: tuple[str, ...] = ()
    created: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    unblocked: tuple[str, ...] = ()
    forced: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()
    """Everything that differs, computed once for the message and the log."""
    steps: tuple[Edit, ...] = ()
    """The edits of which this one consists, a commit each; none when it is one commit."""

    @property
    def made(self) -> bool:
        """True when anything differs, in the tasks or in the list itself."""
        return bool(self.changed) or self.before.info != self.after.info


def between(
    before: Snapshot,
    after: Snapshot,
    *,
    focus: tuple[str, ...] = (),
    forced: tuple[str, ...] = (),
) -> Edit:
    """The Edit that leads from one snapshot to another, however it came about."""
    changes = diff(before, after)
    changed = tuple(dict.fromkeys(change.task for change in changes if change.task))
    return Edit(
        before=before,
        after=after,
        focus=focus,
        created=tuple(i for i in changed if i not in before.tasks),
        changed=changed,
        unblocked=unblocked(before, after) if changed else (),
        forced=forced,
        changes=changes,
    )


def unblocked(before: Snapshot, after: Snapshot) -> tuple[str, ...]:
    """Pending tasks that had open blockers in `before` and have none in `after`, in order."""
    then, now = Graph.of(before), Graph.of(after)
    waiting = [task.id for task in before.tasks.values() if task.blocked_by]
    freed = [
        task
        for task in map(after.tasks.get, waiting)
        if task is not None
        and task.status is Status.PENDING
        and then.is_blocked(task.id)
        and not now.is_blocked(task.id)
    ]
    return tuple(task.id for task in in_order(freed))


def apply(snapshot: Snapshot, operations: Sequence[Operation], context: Context) -> Edit:
    """Apply the operations in turn, each to the result of those before it, or none of them.

    An id may be `$N`, the task of the N-th operation (`operations.resolved`).

    Raises Refused (a rule forbids it), NotFound, Ambiguous or Usage; `details["operation"]` of
    the error is the index of the operation that failed.
    """
    draft = Editor(snapshot, context)
    focus: list[str] = []
    draft.coming = frozenset(_ids_to_come(operations))
    moves: list[Move] = []
    for index, operation in enumerate(operations):
        tasks = dict(draft.tasks) if len(operations) > 1 and _is_transition(operation) else None
        try:
            intent = resolved(operation, focus, draft.loop_ends)
            focus.append(_apply_one(draft, intent))
        except GittasksError as error:
            raise error.with_details(operation=index) from error.__cause__
        if tasks is not None:
            moves.append(_move(tasks, draft.tasks))
    after = snapshot._replace(info=draft.info, tasks=draft.tasks)
    edit = between(snapshot, after, focus=tuple(focus), forced=tuple(draft.forced))
    return stepwise(edit._replace(created=tuple(draft.created)), moves)


# --- one commit for each transition ---------------------------------------------------------------

_STATE = ("status", "owner", "session", "claim", "left", "started", "finished", "result")
"""The fields that a transition moves together."""
Move = Mapping[str, tuple[Task, Task]]
"""The tasks that one transition moved, each before and after it."""


def _is_transition(operation: Operation) -> bool:
    if isinstance(operation, Update):
        return operation.status is not None
    return isinstance(operation, (Transition, StartNext, Claim))


def _state(task: Task) -> dict[str, Any]:
    return {name: getattr(task, name) for name in _STATE}


def _move(before: Mapping[str, Task], after: Mapping[str, Task]) -> Move:
    pairs = ((before[i], task) for i, task in after.items() if i in before)
    return {new.id: (old, new) for old, new in pairs if _state(old) != _state(new)}


def stepwise(edit: Edit, moves: Sequence[Move]) -> Edit:
    """The edit in steps: first all that is no transition, then the transitions in turn.

    An edit with one transition and nothing about other tasks is one step. What the steps lead to
    is what the edit leads to; where a later operation changed a task once more, the last has it.
    """
    moves = [move for move in moves if move]
    if not moves:
        return edit
    tasks = dict(edit.after.tasks)
    for move in reversed(moves):
        for task_id, (old, _) in move.items():
            tasks[task_id] = tasks[task_id]._replace(**_state(old))
    snapshots = [edit.before, edit.after._replace(tasks=dict(tasks))]
    for move in moves:
        for task_id, (_, new) in move.items():
            tasks[task_id] = tasks[task_id]._replace(**_state(new))
        snapshots.append(edit.after._replace(tasks=dict(tasks)))
    snapshots[-1] = edit.after
    first = between(snapshots[0], snapshots[1])
    if len(moves) == 1 and moves[0].keys() >= set(first.changed):
        return edit
    steps = [first, *(between(a, b) for a, b in pairwise(snapshots[1:]))]
    steps = [step._replace(forced=edit.forced) for step in steps if step.made]
    return edit._replace(steps=tuple(steps)) if len(steps) > 1 else edit


def moves_between(before: Snapshot, after: Snapshot) -> list[Move]:
    """The transitions that lead from one snapshot to another: ends first, then beginnings.

    A task that is new with a status has made none.
    """
    pairs = _move(before.tasks, after.tasks).values()
    moved = [(old, new) for old, new in pairs if old.status is not new.status]
    moved.sort(key=lambda pair: (not pair[1].status.closed, pair[1].sort_key))
    return [{new.id: (old, new)} for old, new in moved]


def _ids_to_come(operations: Sequence[Operation]) -> Iterator[str]:
    """The ids that operations give to the tasks that they make."""
    for op in operations:
        if isinstance(op, Create) and op.id is not None:
            name = op.id.strip()
            count = op.iterations
            if count is None:
                yield name
            elif 1 <= count <= MOST_ITERATIONS:
                yield from (f"{name}-{i}" for i in range(1, count + 1))


def _apply_one(draft: Editor, operation: Operation) -> str:
    if isinstance(operation, Create):
        return _create(draft, operation)
    if isinstance(operation, Update):
        return _update(draft, operation)
    if isinstance(operation, Transition):
        return _transition(draft, operation)
    if isinstance(operation, AddNote):
        return _add_note(draft, operation)
    if isinstance(operation, SessionEnd):
        _end_session(draft, ended=not operation.goes_on)
        return ""
    if isinstance(operation, LinkCommit):
        task_id = draft.resolve(operation.id)
        draft.link_commit(task_id, operation.commit)
        return task_id
    if isinstance(operation, RelinkCommits):
        draft.relink_commits(operation.renamed)
        return ""
    if isinstance(operation, StartNext):
        return _start_next(draft, operation)
    if isinstance(operation, Claim):
        return _claim(draft, operation)
    if isinstance(operation, Retitle):
        draft.info = draft.info._replace(title=validation.single_line(operation.title, "title"))
        return ""
    if isinstance(operation, MarkList):
        _mark(draft, operation)
        return ""
    assert_never(operation)


def _mark(draft: Editor, op: MarkList) -> None:
    """Bring the list to a state; one that it is in already stays since when it was."""
    info, now = draft.info, draft.context.now
    if op.state is ListState.DROPPED:
        later = format_time(parse_time(info.dropped) + 1) if op.anew and info.dropped else now
        draft.info = info._replace(dropped=max(now, later) if op.anew else info.dropped or now)
    elif op.state is ListState.ARCHIVED:
        draft.info = info._replace(archived=info.archived or now, dropped=None)
    else:
        draft.info = info._replace(archived=None, dropped=None)


def _line(text: str | None, field: str) -> str | None:
    return None if text is None else validation.single_line(text, field)


# --- creating -----------------------------------------------------------------------------


def _create(draft: Editor, op: Create) -> str:
    subject = validation.subject(op.subject)
    if op.iterations is None:
        return _create_one(draft, op._replace(subject=subject))
    if not 1 <= op.iterations <= MOST_ITERATIONS:
        raise Usage(
            f"{op.iterations} iterations: give a number from 1 to {MOST_ITERATIONS}",
            hint="a loop may end early: gittasks done ID --end-loop",
        )
    if op.status is not Status.PENDING:
        raise Usage(
            f"iterations are made pending, not {op.status}",
            hint="make them first, then: gittasks start ID",
        )
    return _create_loop(draft, op._replace(subject=subject))


def _create_loop(draft: Editor, op: Create) -> str:
    """Make `Iteration 1/N: …` to `N/N`; a phase in the subject becomes the phase of each."""
    name, phase = op.subject, op.phase
    if not phase and (label := phase_in(op.subject)):
        name, phase = without_prefix(op.subject), label.removeprefix("PHASE ")
    count = op.iterations or 0
    iterations: list[str] = []
    first = Task(id="", subject=name, phase=phase)
    orders = _orders(draft, op, first, *_ends_of(draft, op), count=count)
    for i in range(1, count + 1):
        iteration = Create(
            subject=validation.subject(f"Iteration {i}/{count}: {name}"),
            id=f"{op.id.strip()}-{i}" if op.id else None,
            description=op.description,
            active_form=f"{op.active_form.strip()} ({i}/{count})" if op.active_form else None,
            owner=op.owner,
            blocked_by=(iterations[-1],) if iterations else op.blocked_by,
            blocks=op.blocks if i == count else (),
            phase=phase,
            order=orders[i - 1],
            metadata=op.metadata,
            result=op.result,
            fields=op.fields,
        )
        iterations.append(_create_one(draft, iteration))
    draft.loop_ends[iterations[0]] = iterations[-1]
    return iterations[0]


def _create_one(draft: Editor, op: Create) -> str:
    """Make one task, unless the id is given and there; the subject has been checked."""
    if op.id is not None:
        task_id = ids.check_task_id(op.id.strip())
        if existing := draft.tasks.get(task_id):
            if existing.subject == op.subject:
                return task_id
            raise rules.exists(existing, op.subject)
        draft.check_free(task_id)
    else:
        # Counted on, so that a batch of equal subjects does not try the same ids again and again.
        entropy = draft.context.entropy + len(draft.created)
        task_id = ids.make_task_id(op.subject, entropy, draft.tasks)
        draft.check_free(task_id)
    # Ids are looked up before the task is there, so that one cut short cannot mean the task itself.
    blockers, dependents = _ends_of(draft, op)
    task = _new_task(draft, op, task_id)
    (order,) = _orders(draft, op, task, blockers, dependents, count=1)
    draft.tasks[task_id] = task._replace(order=order)
    draft.places.add(draft.tasks[task_id]._replace(blocked_by=tuple(blockers)))
    draft.created.append(task_id)
    for blocker in blockers:
        draft.add_edge(task_id, blocker, fresh=True)
    for dependent in dependents:
        draft.add_edge(dependent, task_id)
    draft.take_up_edges(task_id)
    if op.status is not Status.PENDING:
        draft.move_to(task_id, op.status, _line(op.owner, "owner"), _line(op.result, "result"))
    return task_id


def _new_task(draft: Editor, op: Create, task_id: str) -> Task:
    return Task(
        id=task_id,
        subject=op.subject,
        active_form=_line(op.active_form, "activeForm"),
        description=None
        if op.description is None
        else validation.multi_line(op.description, "description"),
        owner=_line(op.owner, "owner"),
        result=_line(op.result, "result"),
        phase=_needed_phase(op.subject, _line(op.phase, "phase")),
        metadata=validation.metadata(op.metadata),
        created=draft.context.now,
        created_by=draft.context.actor.owner,
        **_simple(op.fields),
    )


def _simple(given: Mapping[str, Any]) -> dict[str, Any]:
    """Values of SIMPLE fields as they are stored; None says nothing."""
    return {
        field.attr: validation.stored(field, value)
        for field in SIMPLE
        if (value := given.get(field.attr)) is not None
    }


def _needed_phase(subject: str, phase: str | None) -> str | None:
    """`phase`, or None where the subject says the same already."""
    return phase if phase and phase_named(phase) != phase_in(subject) else None


def _ends_of(draft: Editor, op: Create) -> tuple[list[str], list[str]]:
    """The ids of what a new task waits for, and of what waits for it."""
    blockers = [draft.end_of_edge(text) for text in op.blocked_by]
    return blockers, [draft.end_of_edge(text) for text in op.blocks]


def _orders(
    draft: Editor,
    op: Create,
    task: Task,
    blockers: Sequence[str],
    dependents: Sequence[str],
    *,
    count: int,
) -> Sequence[int | float | None]:
    """The orders of new tasks: as given, else where their phase and dependencies put them."""
    if op.order is not None and op.after is not None:
        raise Usage("order and after both say where it goes", hint="leave out one of the two")
    if op.order is not None:
        first = validation.order(op.order) or 0
        draft.last_order = max(draft.last_order, int(first))
        return [first, *(round(first + i / MOST_ITERATIONS, 3) for i in range(1, count))]
    tasks = draft.tasks
    if op.after is not None:
        anchor = tasks[draft.resolve(op.after)]
        if anchor.order is None:
            return [None] * count  # behind it, as the younger one
        orders = draft.places.after(anchor.sort_key, count)
    else:
        orders = draft.places.orders_of(
            task,
            [tasks[i] for i in blockers if i in tasks],
            [tasks[i] for i in dependents if i in tasks],
            tasks[draft.created[-1]] if draft.created else None,
            count,
        )
    return orders or [_next_order(draft) for _ in range(count)]


def _next_order(draft: Editor) -> int | None:
    """The place after all others; None, which sorts last as well, when the numbers run out."""
    following = draft.last_order + 1
    if following >= validation.ORDER_LIMIT:
        return None
    draft.last_order = following
    return following


# --- changing -----------------------------------------------------------------------------


def _update(draft: Editor, op: Update) -> str:
    op = _cleared(op)
    task_id = draft.resolve(op.id)
    task = draft.tasks[task_id]
    if task.status is Status.DELETED and op.status is not Status.DELETED:
        if op.status is None:
            raise rules.deleted(task)
        draft.restore(task_id)
    _update_fields(draft, task_id, op)
    _update_edges(draft, task_id, op)
    owner, result = _line(op.owner, "owner"), _line(op.result, "result")
    if op.owner is not None and draft.tasks[task_id].status is Status.PENDING:
        draft.assign(task_id, owner)
    if op.status is not None:
        # Who starts again a task that is in progress says no more than who it is; a change of
        # its owner comes after, so that it cannot serve to take the task from somebody.
        running = draft.tasks[task_id].status is Status.IN_PROGRESS
        starter = None if running and draft.tasks[task_id].owner != owner else owner
        draft.move_to(task_id, op.status, starter, result)
    if op.owner is not None:
        draft.assign(task_id, owner)
    if op.result is not None:
        draft.put(task_id, result=result)
    return task_id


def _cleared(op: Update) -> Update:
    """The update with each field that it clears by name set to nothing."""
    fields = dict(op.fields)
    changes: dict[str, Any] = {}
    for name in op.clear:
        field = CLEARABLE.get(name)
        if field is None:
            shown = validation.escape_line(name, 60)
            raise Usage(f'"{shown}" cannot be cleared', hint=f"clear takes: {', '.join(CLEARABLE)}")
        simple = field in SIMPLE
        value = op.fields.get(field.attr) if simple else getattr(op, field.attr)
        if value not in (None, "", ()) or field.attr in op.added:
            raise Usage(f"{name} is both given and cleared", hint="leave out one of the two")
        if simple:
            fields[field.attr] = () if field in LISTS else ""
        else:
            changes[field.attr] = ""
    return op._replace(fields=fields, **changes) if op.clear else op


def _update_fields(draft: Editor, task_id: str, op: Update) -> None:
    task = draft.tasks[task_id]
    changes: dict[str, object] = {}
    subject = task.subject if op.subject is None else validation.subject(op.subject)
    if op.subject is not None:
        changes["subject"] = subject
    if op.description is not None:
        changes["description"] = validation.multi_line(op.description, "description")
    if op.active_form is not None:
        changes["active_form"] = validation.single_line(op.active_form, "activeForm")
    if op.phase is not None:
        changes["phase"] = _needed_phase(subject, validation.single_line(op.phase, "phase"))
    if op.order is not None:
        changes["order"] = validation.order(op.order)
    if op.after is not None:
        changes["order"] = _order_behind(draft, task, op)
    if op.metadata or op.unset:
        stated = validation.metadata(op.metadata)
        dropped = {key.strip() for key in op.unset} - stated.keys()
        merged = {**task.metadata, **stated}
        dropped.update(key for key, value in stated.items() if value is None)
        changes["metadata"] = {k: v for k, v in merged.items() if k not in dropped}
    changes |= _simple(op.fields)
    added = _simple(op.added)
    removed = _simple(op.removed)
    for name in {**removed, **added}:
        lost, new = removed.get(name, ()), added.get(name, ())
        left = [member for member in getattr(task, name) if ids.composed(member) not in lost]
        present = set(map(ids.composed, left))
        changes[name] = (*left, *(member for member in new if member not in present))
    draft.put(task_id, **changes)


def _order_behind(draft: Editor, task: Task, op: Update) -> int | float | None:
    """The order of a task that is moved behind another."""
    if op.order is not None:
        raise Usage("order and after both say where it goes", hint="leave out one of the two")
    anchor = draft.tasks[draft.resolve(op.after or "")]
    if anchor.id == task.id:
        raise Usage(f"{task.id} cannot be placed after itself", hint="name another task")
    others = Places(t for t in draft.tasks.values() if t.id != task.id)
    for key in (anchor.sort_key, others.last_of_same_order(anchor.sort_key)):
        orders = others.after(key)
        order = orders[0] if orders else _next_order(draft)
        if task._replace(order=order).sort_key > anchor.sort_key:  # of one order, by age
            return order
    if task._replace(order=None).sort_key > anchor.sort_key:
        return None
    number = str(draft.last_order + 1)
    raise Refused(
        "order",
        f"{anchor.id} has no order, and stands behind all that have one",
        ways=[Way("give it one first", ("gittasks", "update", anchor.id, "--order", number))],
        tasks=[anchor.id],
    )


def _update_edges(draft: Editor, task_id: str, op: Update) -> None:
    """Removals come first, so that one update can turn a dependency round."""
    for text in op.remove_blocked_by:
        blocker = draft.resolve(text, also=draft.tasks[task_id].blocked_by)
        draft.remove_edge(task_id, blocker)
    for text in op.remove_blocks:
        draft.remove_edge(draft.resolve(text), task_id)
    for text in op.add_blocked_by:
        draft.add_edge(task_id, draft.end_of_edge(text))
    for text in op.add_blocks:
        draft.add_edge(draft.end_of_edge(text), task_id)


def _transition(draft: Editor, op: Transition) -> str:
    task_id = draft.resolve(op.id)
    owner, result = _line(op.owner, "owner"), _line(op.result, "result")
    if op.verb is Verb.START:
        draft.start(task_id, owner, resume=op.resume)
    elif op.verb is Verb.DONE:
        draft.done(task_id, owner, result)
        if op.end_loop:
            draft.end_loop(task_id)
    elif op.verb is Verb.SKIP:
        draft.skip(task_id, result)
    elif op.verb is Verb.REOPEN:
        draft.reopen(task_id)
    elif op.verb is Verb.RELEASE:
        draft.release(task_id)
    elif op.verb is Verb.DELETE:
        draft.delete(task_id)
    elif op.verb is Verb.RESTORE:
        draft.restore(task_id)
    else:
        assert_never(op.verb)
    return task_id


def _end_session(draft: Editor, *, ended: bool) -> None:
    """Mark what this session holds as left; or, when it goes on after all, as not left."""
    session = draft.context.actor.session
    for task in list(draft.tasks.values()):
        running = task.status is Status.IN_PROGRESS
        if running and session and task.session == session and ended == (task.left is None):
            draft.put(task.id, left=draft.context.now if ended else None)


def _add_note(draft: Editor, op: AddNote) -> str:
    task_id = draft.resolve(op.id)
    text = validation.multi_line(op.text, "note")
    if text is None:
        raise Usage("the note is empty", hint=f"write it as: gittasks note {task_id} TEXT")
    draft.add_note(task_id, text)
    return task_id


def _graph(draft: Editor) -> Graph:
    return Graph(draft.tasks, draft.unreadable, draft.context.now)


def _start_next(draft: Editor, op: StartNext) -> str:
    owner = _line(op.owner, "owner")
    ready = _graph(draft).ready(owner or draft.context.actor.owner)
    if not ready:
        return ""
    if draft.finished_claim:  # who claims goes on claiming
        draft.claim(ready[0].id, Claim(owner=owner))
    else:
        draft.start(ready[0].id, owner)
    return ready[0].id


def _claim(draft: Editor, op: Claim) -> str:
    owner = _line(op.owner, "owner")
    if op.id is not None:
        task_id = draft.resolve(op.id)
        draft.claim(task_id, op._replace(owner=owner))
        return task_id
    actor = draft.context.actor
    whose = owner or actor.owner
    held = [
        t.id
        for t in draft.tasks.values()
        if t.status is Status.IN_PROGRESS
        and actor.session
        and (t.owner, t.session) == (whose, actor.session)
    ]
    if held and op.anew and not draft.context.parallel:
        raise rules.handed_out(draft.tasks[held[0]])
    if held and not draft.context.parallel:  # a run that died asks again for what it had
        ready = held
    else:
        free = _graph(draft).ready(whose)
        if op.disjoint:
            free = disjoint_first(free, draft.tasks.values(), actor._replace(owner=whose))
        ready = [t.id for t in free]
    if op.take_over:
        stale = [i for i, holder in op.stale.items() if draft.holder(i) == holder]
        ready += sorted(stale, key=lambda i: draft.tasks[i].sort_key)
    if not ready:
        return ""
    draft.claim(ready[0], op._replace(owner=owner))
    return ready[0]


# --- what a refusal offers --------------------------------------------------------------------

_VERBS = frozenset(verb.value for verb in Verb)


def with_accepted_ways(refusal: Refused, snapshot: Snapshot, context: Context) -> Refused:
    """The refusal with the commands that are accepted at once, the list being as it is.

    Each is tried on the snapshot by the rules themselves. Decisions stay: force is a person's.
    """
    plain = context._replace(force=False, parallel=context.parallel)
    ways = [w for w in refusal.ways if w.decision or _is_kept(w.command, snapshot, plain)]
    return refusal.with_ways(ways)


def _is_kept(command: Sequence[str], snapshot: Snapshot, context: Context) -> bool:
    if not command:
        return True
    _, verb, *words = command
    if verb == "ready":
        graph = Graph(snapshot.tasks, snapshot.unreadable, context.now)
        return bool(graph.ready(context.actor.owner))
    if verb == "show":
        return words[0] in snapshot.tasks
    if verb in ("log", "sync"):
        return True
    if "--owner" in words:
        owner = words[words.index("--owner") + 1]
        context = context._replace(actor=Actor(owner, context.actor.session, named=True))
    context = context._replace(parallel=context.parallel or "--parallel" in words)
    try:
        edit = apply(snapshot, [_offered(verb, words)], context)
    except GittasksError:
        return False
    return edit.made or (verb == "claim" and bool(edit.focus[0]))


def _offered(verb: str, words: Sequence[str]) -> Operation:
    """The operation of a command that a rule offers."""
    task_id = words[0] if words else None
    resume = "--resume" in words
    if task_id is None or verb == "claim":
        return Claim(task_id, resume=resume)
    if verb in _VERBS:
        return Transition(Verb(verb), task_id, resume=resume)
    at = words.index("--remove-blocked-by")
    return Update(task_id, remove_blocked_by=(words[at + 1],))
