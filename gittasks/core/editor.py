"""Editor of a list: look-up, dependencies, the transitions of one task, and its place by order.

Notes, links and fields may be changed by anybody; who may move a task that is in progress is said
by the table in `actors`, asked here before each transition.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from operator import itemgetter

from gittasks.core import actors, rules
from gittasks.core.actors import Answer, Standing
from gittasks.core.changes import strictly_equal
from gittasks.core.graph import Graph
from gittasks.core.ids import look_up, unreadable
from gittasks.core.model import (
    LOOP_ENDED,
    Actor,
    CodeCommit,
    ListInfo,
    Note,
    Snapshot,
    Status,
    Task,
)
from gittasks.core.operations import Claim, Context, Holder
from gittasks.core.times import format_time, parse_time
from gittasks.core.validation import ORDER_DECIMALS, ORDER_LIMIT
from gittasks.errors import Refused, Usage
from gittasks.light import TYPE_CHECKING, pattern

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from typing import Any

Order = int | float
Key = tuple[float, str, str]
"""`Task.sort_key`."""
_NUMBERED = pattern(r"(?i)PHASE ([0-9]{1,4})([a-z]?)")


def between(low: Order | None, high: Order, count: int) -> list[Order] | None:
    """`count` numbers that increase from above `low` to below `high`, or None without room."""
    if low is None:
        low = 0 if high > 0 else int(high // 1) - count - 1
    first = int(low // 1) + 1
    if first + count - 1 < high:
        return [first + n for n in range(count)]
    step = (high - low) / (count + 1)
    for digits in range(1, ORDER_DECIMALS + 1):
        numbers = [round(low + step * (n + 1), digits) for n in range(count)]
        if all(a < b for a, b in zip([low, *numbers], [*numbers, high], strict=True)):
            return list(numbers)
    return None


def phase_number(label: str | None) -> tuple[int, str] | None:
    """`PHASE 3b` as (3, "b"); None for a phase with a name."""
    match = _NUMBERED.fullmatch(label or "")
    return (int(match[1]), match[2].lower()) if match else None


class Places:
    """The places of the tasks of a list, kept while tasks are added: the last of each phase, and
    of those that wait for the same task. Each question costs the same in a list of any length."""

    __slots__ = ("_first", "_last", "_sorted", "_tasks", "_waiting")

    def __init__(self, tasks: Iterable[Task]) -> None:
        self._tasks = [t for t in tasks if t.status is not Status.DELETED]
        """Those that are not taken in yet: only the first question about a place does that."""
        self._sorted: list[Key] = []
        self._first: dict[str, Key] = {}
        self._last: dict[str, Key] = {}
        self._waiting: dict[str, Key] = {}

    def add(self, task: Task) -> None:
        """Add a new task."""
        self._tasks.append(task)

    @property
    def _keys(self) -> list[Key]:
        """The places of all tasks, in order."""
        self._take_in()
        return self._sorted

    def _take_in(self) -> None:
        if len(self._tasks) == 1 and self._sorted:
            insort(self._sorted, self._tasks[0].sort_key)
        elif self._tasks:
            self._sorted = sorted([*self._sorted, *(t.sort_key for t in self._tasks)])
        for task in self._tasks:
            self._note(task)
        self._tasks.clear()

    def _note(self, task: Task) -> None:
        key, label = task.sort_key, (task.phase_label or "").casefold()
        self._first[label] = min(key, self._first.get(label, key))
        self._last[label] = max(key, self._last.get(label, key))
        for blocker in task.blocked_by:
            self._waiting[blocker] = max(key, self._waiting.get(blocker, key))

    def orders_of(
        self,
        task: Task,
        blockers: Sequence[Task],
        dependents: Sequence[Task],
        latest: Task | None,
        count: int,
    ) -> list[Order] | None:
        """The orders of a new task, or of a loop that begins with it; None for those at the end.

        It goes behind the last task of its phase; a numbered phase of which there is none, before
        later ones; else behind the last that it waits for and those that wait for the same; else
        before the first that waits for it. `latest` was made just before by the same caller, who
        gave the two in this sequence.
        """
        label = task.phase_label
        if not (label or blockers or dependents):
            return None
        self._take_in()
        if label and (last := self._last.get(label.casefold())):
            return self.after(last, count)
        if (number := phase_number(label)) is not None:
            return self._before_later_phases(number, count)
        if blockers:
            keys = [self._waiting.get(b.id, b.sort_key) for b in blockers]
            keys += [b.sort_key for b in blockers]
            keys += [latest.sort_key] if latest and not latest.phase_label else []
            return self.after(max(keys), count)
        if dependents:
            return self._before(min(d.sort_key for d in dependents), count)
        return None

    def _before_later_phases(self, number: tuple[int, str], count: int) -> list[Order] | None:
        later = [
            key
            for label, key in self._first.items()
            if (other := phase_number(label)) and other > number
        ]
        return self._before(min(later), count) if later else None

    def after(self, key: Key, count: int = 1) -> list[Order] | None:
        """`count` orders right behind a place; None where that is the end, or without room."""
        place = bisect_right(self._keys, key)
        if place == len(self._keys) or key[0] >= ORDER_LIMIT:
            return None
        low, high = _number(key[0]), self._keys[place][0]
        if high >= ORDER_LIMIT:  # tasks without an order stand there
            return [int(low // 1) + 1 + n for n in range(count)]
        if numbers := between(low, _number(high), count):
            return numbers
        return [low] if count == 1 else None  # of one number what was made later stands behind

    def last_of_same_order(self, key: Key) -> Key:
        """The last place of an order that several tasks have, from one of them on."""
        place = bisect_right(self._keys, key[0], key=itemgetter(0))
        return max(key, self._keys[place - 1]) if place else key

    def _before(self, key: Key, count: int) -> list[Order] | None:
        place = bisect_left(self._keys, key)
        if place:
            return self.after(self._keys[place - 1], count)
        return between(None, _number(key[0]), count) if abs(key[0]) < ORDER_LIMIT else None


def _number(order: float) -> Order:
    return int(order) if order.is_integer() else order


_NOTES_LIMIT = 96 * 1024
"""Bytes of all notes of a task: beside a description of the greatest length they leave room in
its file for whatever still has to be recorded."""
_PLACING = frozenset({"order", "phase", "subject"})
"""Fields that say where a task stands."""


class Editor:
    """The tasks of a snapshot, changed step by step; the snapshot itself stays as it is."""

    __slots__ = (
        "_begun",
        "_places",
        "_problems",
        "_waiting",
        "coming",
        "context",
        "created",
        "finished_claim",
        "forced",
        "info",
        "last_order",
        "loop_ends",
        "tasks",
        "unreadable",
    )

    def __init__(self, snapshot: Snapshot, context: Context) -> None:
        self.context = context
        self.info: ListInfo = snapshot.info
        self.tasks: dict[str, Task] = dict(snapshot.tasks)
        self._problems = snapshot.problems
        self.unreadable = snapshot.unreadable
        self.created: list[str] = []
        self._places: Places | None = None
        orders = (t.order for t in self.tasks.values() if t.order is not None)
        self.last_order = int(max((o for o in orders if abs(o) < ORDER_LIMIT), default=0))
        self.coming: frozenset[str] = frozenset()
        """Ids of tasks that later operations of the same batch make."""
        self._waiting: list[tuple[str, str]] = []
        """Edges (task, blocker) of which one end is still to come."""
        self.loop_ends: dict[str, str] = {}
        """Of each loop made here, the last iteration by the first."""
        self.forced: dict[str, None] = {}
        self.finished_claim = False
        self._begun: set[str] = set()
        """Tasks that who acts began here, also on behalf of their owners."""

    def resolve(self, text: str, also: Collection[str] = ()) -> str:
        """The id that `text` names among the tasks and the ids `also`."""
        return look_up(text, self.tasks, self._problems, also, cut=self.context.cut_ids)

    @property
    def places(self) -> Places:
        """The places of the tasks, for new ones."""
        if self._places is None:
            self._places = Places(self.tasks.values())
        return self._places

    def check_free(self, task_id: str) -> None:
        """Raise InvalidData when a new task would take the place of a file that is unreadable."""
        if task_id in self.unreadable:
            raise unreadable(next(p for p in self._problems if p.task == task_id))

    def unless_forced(self, refusal: Refused | None) -> None:
        """Raise the refusal, if there is one, or remember that it was overridden."""
        if refusal is None:
            return
        if not self.context.force:
            raise refusal
        self.forced[refusal.rule] = None

    def put(self, task_id: str, **changes: Any) -> None:
        """Change fields of a task."""
        old = self.tasks[task_id]
        if not changes.keys().isdisjoint(_PLACING):
            self._places = None
        if not all(strictly_equal(getattr(old, name), value) for name, value in changes.items()):
            self.tasks[task_id] = old._replace(**changes)

    def _moment(self, task: Task) -> str:
        """Now, or where another clock was ahead, the latest time that the task or a blocker states.

        A slow clock finishes nothing before it was made, begun, or ready.
        """
        blockers = (self.tasks[i].finished for i in task.blocked_by if i in self.tasks)
        times = (self.context.now, task.created, task.started, *blockers)
        return max(time for time in times if time)

    def add_note(self, task_id: str, text: str) -> None:
        """Append a note by the actor; an equal one of the same second comes a second later."""
        old = self.tasks[task_id]
        note = Note(self.context.now, self.context.actor.owner, text)
        while note in old.notes:  # the merge knows a note by its content
            note = note._replace(at=format_time(parse_time(note.at) + 1))
        if sum(len(n.text.encode()) for n in old.notes) + len(text.encode()) > _NOTES_LIMIT:
            raise Usage(
                f"the notes of {task_id} would be longer than {_NOTES_LIMIT // 1024} KiB",
                hint="keep long texts in a file and note its path, or go on in a new task",
            )
        self.tasks[task_id] = old._replace(notes=(*old.notes, note))

    # --- commits of the code ----------------------------------------------------------------

    def link_commit(self, task_id: str, commit: CodeCommit) -> None:
        """Add a commit to a task, once."""
        old = self.tasks[task_id]
        if commit.sha not in {c.sha for c in old.commits}:
            self.tasks[task_id] = old._replace(commits=(*old.commits, commit))

    def relink_commits(self, renamed: Mapping[str, CodeCommit]) -> None:
        """Put rewritten commits in the place of what they were, in every task."""
        for task in list(self.tasks.values()):
            if not renamed.keys() & {c.sha for c in task.commits}:
                continue
            now = {(new := renamed.get(c.sha, c)).sha: new for c in task.commits}
            self.tasks[task.id] = task._replace(commits=tuple(now.values()))

    # --- dependencies ---------------------------------------------------------------------

    def end_of_edge(self, text: str) -> str:
        """The id that `text` names as one end of an edge: a task, or one that is to come."""
        name = text.strip()
        if name in self.coming and name not in self.tasks:
            return name
        return self.resolve(text)

    def take_up_edges(self, task_id: str) -> None:
        """Add the edges that waited for a task which has just been made."""
        due = [edge for edge in self._waiting if task_id in edge]
        self._waiting = [edge for edge in self._waiting if task_id not in edge]
        for edge in due:
            self.add_edge(*edge)

    def add_edge(self, task_id: str, blocker: str, *, fresh: bool = False) -> None:
        """Let `task_id` wait for `blocker`. Raises Refused `cycle` or `deleted`.

        Nothing waits yet for a `fresh` task, so it can close no cycle but with itself. An edge to
        a task that is still to come waits until that is made.
        """
        if task_id not in self.tasks or (blocker in self.coming and blocker not in self.tasks):
            self._waiting.append((task_id, blocker))
            return
        task = self.tasks[task_id]
        if blocker in task.blocked_by:
            return
        if task.status is Status.DELETED:
            raise rules.deleted(task)
        if blocker == task_id:
            raise rules.cycle((task_id, task_id))
        path = None if fresh else Graph(self.tasks).cycle_through(task_id, (blocker,))
        if path:
            raise rules.cycle(path)
        self.put(task_id, blocked_by=(*task.blocked_by, blocker))

    def remove_edge(self, task_id: str, blocker: str) -> None:
        """Let `task_id` no longer wait for `blocker`."""
        left = tuple(b for b in self.tasks[task_id].blocked_by if b != blocker)
        self.put(task_id, blocked_by=left)

    # --- transitions: each may be repeated, the second time changes nothing -----------------

    def start(self, task_id: str, owner: str | None = None, *, resume: bool = False) -> None:
        """Begin work for the owner that the task has, else for who acts (`owner`, if given).

        With `resume` go on with what another session of the same owner began.
        """
        task, actor = self.tasks[task_id], self._acting(owner)
        if task.status.closed:
            raise rules.closed(task, "start")
        if task.status is Status.IN_PROGRESS:
            self._go_on(task, actor, resume=resume)
        else:
            self._begin(task, task.owner or actor.owner, self._moment(task))
            if actor == self.context.actor:
                self._begun.add(task_id)

    def _go_on(self, task: Task, actor: Actor, *, resume: bool) -> None:
        where = self._standing(task, actor)
        answer = actors.to_start(task, where, resume=resume)
        if answer is Answer.UNCHANGED:
            return
        if answer.refused:
            self.unless_forced(rules.held(task, actor, answer, "start"))
        if task.claim and where is not Standing.HOLDER:  # the number of who had it is an old one
            self.tasks[task.id] = task = task._replace(claim=task.claim + 1)
        if answer is Answer.RESUME:
            self._begin(task, task.owner or actor.owner, task.started or self._moment(task))
        else:
            self._begin(task, actor.owner, self._moment(task))

    def _begin(self, task: Task, owner: str, since: str) -> None:
        session = self.context.actor.session
        self._check_blockers(task)
        self._check_one_in_progress(task, owner, session, "start")
        self.put(
            task.id,
            status=Status.IN_PROGRESS,
            owner=owner,
            session=session,
            left=None,
            started=since,
            finished=None,
        )

    def claim(self, task_id: str, op: Claim) -> None:
        """Take a task for an owner (else the actor) and this session alone; its epoch goes up."""
        task, actor = self.tasks[task_id], self._acting(op.owner)
        if task.status.closed:
            raise rules.closed(task, "claim")
        since = self._moment(task)
        if task.status is Status.IN_PROGRESS:
            answer = actors.to_claim(task, actor, resume=op.resume)
            if answer is Answer.UNCHANGED:
                known = op.granted is None or op.granted.get(task_id) == self.holder(task_id)
                if op.tentative or (task.claim and known):
                    return
            if answer.refused:
                self._check_take_over(task, actor, answer, op)
            else:
                since = task.started or since
        else:
            self.unless_forced(rules.assigned(task, actor.owner))
        self._check_blockers(task)
        self._check_one_in_progress(task, actor.owner, actor.session, "claim")
        self.put(
            task_id,
            status=Status.IN_PROGRESS,
            owner=actor.owner,
            session=actor.session,
            claim=task.claim + (not op.tentative),
            left=None,
            started=since,
            finished=None,
        )

    def _check_take_over(self, task: Task, actor: Actor, answer: Answer, op: Claim) -> None:
        if not op.take_over:
            raise rules.claimed(task, actor, answer)
        if op.stale.get(task.id) != self.holder(task.id):
            self.unless_forced(rules.claimed(task, actor, answer, asked=True))

    def check_may_end(self, task: Task, verb: str, by: Actor | None = None) -> None:
        """Refuse to move a task in progress away from who holds it. Raises Refused `held`."""
        actor = by or self.context.actor
        if task.status is not Status.IN_PROGRESS:
            return
        answer = actors.to_end(task, actor, self._standing(task, actor))
        if answer.refused:
            self.unless_forced(rules.held(task, actor, answer, verb))

    def _acting(self, owner: str | None) -> Actor:
        """The actor of a call that may give the owner itself."""
        actor = self.context.actor
        return actor._replace(owner=owner, named=True) if owner else actor

    def _standing(self, task: Task, actor: Actor) -> Standing:
        """The standing of an actor to a task in progress; one begun for another is its own."""
        begun = task.id in self.context.on_behalf or task.id in self._begun
        mine = begun and actor == self.context.actor
        return Standing.HOLDER if mine else actors.standing(task, actor)

    def holder(self, task_id: str) -> Holder | None:
        """The holder of a task in progress; None for one not in progress, or not there."""
        task = self.tasks.get(task_id)
        if task is None or task.status is not Status.IN_PROGRESS:
            return None
        return task.owner, task.session, task.claim

    def done(self, task_id: str, owner: str | None = None, result: str | None = None) -> None:
        """Complete a task; a pending one counts as started at the same moment."""
        task, actor = self.tasks[task_id], self._acting(owner)
        if task.status in (Status.SKIPPED, Status.DELETED):
            raise rules.closed(task, "complete")
        outcome = task.result if result is None else result
        if task.status is Status.COMPLETED:
            if outcome != task.result:
                self.unless_forced(rules.finished_by_another(task, actor))
            self.put(task_id, result=outcome)
            return
        self.finished_claim = self.finished_claim or bool(task.claim)
        pending = task.status is Status.PENDING
        self.check_may_end(task, "done", actor)
        self._check_blockers(task)
        self.put(
            task_id,
            status=Status.COMPLETED,
            owner=task.owner or actor.owner,
            session=actor.session if pending else task.session,
            left=None,
            started=task.started or self._moment(task),
            finished=self._moment(task),
            result=outcome,
        )

    def end_loop(self, task_id: str) -> None:
        """Skip the iterations still pending in the loop of `task_id`."""
        ended = self.tasks[task_id]
        place = ended.iteration
        if place is None:
            raise rules.no_loop(ended)
        for task in list(self.tasks.values()):
            other = task.iteration if task.status is Status.PENDING else None
            if other and (task.phase, other.name, other.max) == (
                ended.phase,
                place.name,
                place.max,
            ):
                self.skip(task.id, LOOP_ENDED)

    def skip(self, task_id: str, result: str | None = None) -> None:
        """Close a task without doing it."""
        task = self.tasks[task_id]
        if task.status in (Status.COMPLETED, Status.DELETED):
            raise rules.closed(task, "skip")
        outcome = task.result if result is None else result
        if task.status is Status.SKIPPED:
            self.put(task_id, result=outcome)
            return
        self.check_may_end(task, "skip")
        self.put(
            task_id,
            status=Status.SKIPPED,
            session=None,
            left=None,
            started=None,
            finished=self._moment(task),
            result=outcome,
        )

    def reopen(self, task_id: str) -> None:
        """Make a completed or skipped task pending again; it keeps its owner."""
        task = self.tasks[task_id]
        if task.status is Status.IN_PROGRESS:
            raise rules.in_progress(task, "reopen")
        if task.status is Status.DELETED:
            raise rules.closed(task, "reopen")
        if task.status is not Status.PENDING:
            self.put(
                task_id,
                status=Status.PENDING,
                session=None,
                started=None,
                finished=None,
                result=None,
            )

    def release(self, task_id: str, *, keep_owner: bool = False) -> None:
        """Give a task back: pending, and nobody's. What is another's stays meant for that one, as
        it does with `keep_owner`."""
        task = self.tasks[task_id]
        if task.status.closed:
            raise rules.closed(task, "release")
        self.check_may_end(task, "release")
        keeps = keep_owner or task.owner != self.context.actor.owner
        self.put(
            task_id,
            status=Status.PENDING,
            owner=task.owner if keeps else None,
            session=None,
            left=None,
            started=None,
        )

    def delete(self, task_id: str) -> None:
        """Hide a task; all but its session is kept for `restore`."""
        if self.tasks[task_id].status is not Status.DELETED:
            self.check_may_end(self.tasks[task_id], "delete")
            self.put(task_id, status=Status.DELETED, session=None, left=None)

    def restore(self, task_id: str) -> None:
        """Bring a deleted task back as completed or skipped if it was, else as pending."""
        task = self.tasks[task_id]
        if task.status is not Status.DELETED:
            return
        if task.finished:
            status = Status.COMPLETED if task.started else Status.SKIPPED
            self.put(task_id, status=status)
        else:
            self.put(task_id, status=Status.PENDING, started=None)
        blockers = [b for b in task.blocked_by if b != task_id]
        if path := Graph(self.tasks).cycle_through(task_id, blockers):
            raise rules.cycle(path)

    def move_to(
        self, task_id: str, status: Status, owner: str | None = None, result: str | None = None
    ) -> None:
        """Reach `status` by the transition that leads there. Raises what that raises."""
        task = self.tasks[task_id]
        if status is Status.IN_PROGRESS:
            self.start(task_id, owner)
        elif status is Status.COMPLETED:
            self.done(task_id, owner, result)
        elif status is Status.SKIPPED:
            self.skip(task_id, result)
        elif status is Status.DELETED:
            self.delete(task_id)
        elif task.status is Status.IN_PROGRESS:
            self.release(task_id, keep_owner=True)
        else:
            self.reopen(task_id)

    def assign(self, task_id: str, owner: str | None) -> None:
        """Give a task to `owner` or to nobody; the session was that of the one before."""
        task = self.tasks[task_id]
        if owner == task.owner:
            return
        if task.status is Status.IN_PROGRESS:
            self.check_may_end(task, "update")
            if owner:
                self._check_one_in_progress(task, owner, None, "update")
        self.put(task_id, owner=owner, session=None, left=None)

    def _check_blockers(self, task: Task) -> None:
        blockers = Graph(self.tasks, self.unreadable).open_blockers(task.id)
        known = [
            self.tasks.get(b) or Task(id=b, subject="its file is unreadable") for b in blockers
        ]
        self.unless_forced(rules.blocked(task, known))

    def _check_one_in_progress(
        self, task: Task, owner: str, session: str | None, verb: str
    ) -> None:
        if self.context.parallel:
            return
        for other in actors.counted(self.tasks, owner, session):
            if other.id != task.id:
                waits = bool(Graph(self.tasks, self.unreadable).open_blockers(other.id))
                self.unless_forced(rules.one_in_progress(task, other, owner, verb, waits=waits))
