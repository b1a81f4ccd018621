"""A list while it is being edited: look-up, dependencies, and the transitions of one task.

Every change but a note or a link to a commit goes through `put`, where a task that somebody holds
under a session is protected.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from gittasks.core import rules
from gittasks.core.changes import same
from gittasks.core.graph import Graph
from gittasks.core.lookup import named, unreadable
from gittasks.core.model import CodeCommit, ListInfo, Note, Snapshot, Status, Task
from gittasks.core.operations import Claim, Context, Holder
from gittasks.core.texts import ORDER_LIMIT
from gittasks.errors import Refused, Usage

_NOTES_LIMIT = 96 * 1024
"""Bytes of all notes of a task: beside a description of the greatest length they leave room in
its file for whatever still has to be recorded."""
NOT_NEEDED = "not needed, loop exited"
"""The result of an iteration that was skipped because its loop ended."""


class Draft:
    """The tasks of a snapshot, changed step by step; the snapshot itself stays as it is."""

    __slots__ = (
        "_problems",
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
        orders = (t.order for t in self.tasks.values() if t.order is not None)
        self.last_order = int(max((o for o in orders if abs(o) < ORDER_LIMIT), default=0))
        self.loop_ends: dict[str, str] = {}
        """Of each loop made here, the last iteration by the first."""
        self.forced: dict[str, None] = {}
        self.finished_claim = False

    def resolve(self, text: str, also: Collection[str] = ()) -> str:
        """The id that `text` names, in full or by prefix, among the tasks and the ids `also`."""
        return named(text, self.tasks, self._problems, also)

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
        """Change fields of a task. Raises Refused `held`."""
        old = self.tasks[task_id]
        if not all(same(getattr(old, name), value) for name, value in changes.items()):
            self.unless_forced(rules.held(old, self.context.actor))
            self.tasks[task_id] = old._replace(**changes)

    def add_note(self, task_id: str, text: str) -> None:
        """Append a note by the actor; the same note of the same moment is there only once."""
        old = self.tasks[task_id]
        note = Note(self.context.now, self.context.actor.owner, text)
        if sum(len(n.text.encode()) for n in old.notes) + len(text.encode()) > _NOTES_LIMIT:
            raise Usage(
                f"the notes of {task_id} would be longer than {_NOTES_LIMIT // 1024} KiB",
                hint="keep long texts in a file and note its path, or go on in a new task",
            )
        if note not in old.notes:
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

    def add_edge(self, task_id: str, blocker: str, *, fresh: bool = False) -> None:
        """Let `task_id` wait for `blocker`. Raises Refused `cycle`, `deleted` or `held`.

        Nothing waits yet for a `fresh` task, so it can close no cycle but with itself.
        """
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
        """Let `task_id` no longer wait for `blocker`. Raises Refused `held`."""
        left = tuple(b for b in self.tasks[task_id].blocked_by if b != blocker)
        self.put(task_id, blocked_by=left)

    # --- transitions: each may be repeated, the second time changes nothing -----------------

    def start(self, task_id: str, owner: str | None = None) -> None:
        """Begin work for `owner`, else for the owner that the task has, else for the actor."""
        task, actor = self.tasks[task_id], self.context.actor
        if task.status.closed:
            raise rules.closed(task, "start")
        if task.status is Status.IN_PROGRESS and (task.owner or task.session):
            refusal = rules.taken(task, actor, owner)
            if refusal is None:
                return
            self.unless_forced(refusal)
            whose = owner or actor.owner
            if task.claim:  # taken from who had claimed it: their number is the old one now
                self.tasks[task_id] = task = task._replace(claim=task.claim + 1)
        else:
            whose = owner or task.owner or actor.owner
        self._check_blockers(task)
        self._check_one_in_progress(task, whose)
        self.put(
            task_id,
            status=Status.IN_PROGRESS,
            owner=whose,
            session=actor.session,
            started=self.context.now,
            finished=None,
        )

    def claim(self, task_id: str, op: Claim) -> None:
        """Take a task for an owner (else the actor) and this session alone; its epoch goes up.

        The same session may claim again.
        """
        task, actor = self.tasks[task_id], self.context.actor
        whose = op.owner or actor.owner
        if task.status.closed:
            raise rules.closed(task, "claim")
        mine = actor.session is not None and (task.owner, task.session) == (whose, actor.session)
        if task.status is Status.IN_PROGRESS and mine:
            known = op.granted is None or op.granted.get(task_id) == self.holder(task_id)
            if op.tentative or (task.claim and known):
                return
        elif task.status is Status.IN_PROGRESS:
            if not op.take_over:
                raise rules.claimed(task)
            if op.stale.get(task_id) != self.holder(task_id):
                self.unless_forced(rules.claimed(task, asked=True))
        else:
            self.unless_forced(rules.assigned(task, whose))
        self._check_blockers(task)
        self._check_one_in_progress(task, whose, actor.session)
        # Not through `put`: that the holder keeps it has been looked at above.
        self.tasks[task_id] = task._replace(
            status=Status.IN_PROGRESS,
            owner=whose,
            session=actor.session,
            claim=task.claim + (not op.tentative),
            started=task.started if mine and task.started else self.context.now,
            finished=None,
        )

    def holder(self, task_id: str) -> Holder | None:
        """Who has a task in progress; None for one that nobody has, or that is not there."""
        task = self.tasks.get(task_id)
        if task is None or task.status is not Status.IN_PROGRESS:
            return None
        return task.owner, task.session, task.claim

    def done(self, task_id: str, owner: str | None = None, result: str | None = None) -> None:
        """Complete a task; a pending one counts as started at the same moment."""
        task, actor = self.tasks[task_id], self.context.actor
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
        if pending:
            self._check_blockers(task)
        self.put(
            task_id,
            status=Status.COMPLETED,
            owner=task.owner or owner or actor.owner,
            session=actor.session if pending else task.session,
            started=task.started or self.context.now,
            finished=self.context.now,
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
                self.skip(task.id, NOT_NEEDED)

    def skip(self, task_id: str, result: str | None = None) -> None:
        """Close a task without doing it."""
        task = self.tasks[task_id]
        if task.status in (Status.COMPLETED, Status.DELETED):
            raise rules.closed(task, "skip")
        outcome = task.result if result is None else result
        if task.status is Status.SKIPPED:
            self.put(task_id, result=outcome)
            return
        self.put(
            task_id,
            status=Status.SKIPPED,
            session=None,
            started=None,
            finished=self.context.now,
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
        """Give a task back: pending, and owned by nobody unless `keep_owner`."""
        task = self.tasks[task_id]
        if task.status.closed:
            raise rules.closed(task, "release")
        self.put(
            task_id,
            status=Status.PENDING,
            owner=task.owner if keep_owner else None,
            session=None,
            started=None,
        )

    def delete(self, task_id: str) -> None:
        """Hide a task; all but its session is kept for `restore`."""
        if self.tasks[task_id].status is not Status.DELETED:
            self.put(task_id, status=Status.DELETED, session=None)

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
        """Give a task to `owner` or to nobody; work in progress leaves its session behind."""
        task = self.tasks[task_id]
        if owner == task.owner:
            return
        if task.status is Status.IN_PROGRESS:
            if owner:
                self._check_one_in_progress(task, owner)
            self.put(task_id, owner=owner, session=None)
        else:
            self.put(task_id, owner=owner)

    def _check_blockers(self, task: Task) -> None:
        blockers = Graph(self.tasks, self.unreadable).open_blockers(task.id)
        known = [
            self.tasks.get(b) or Task(id=b, subject="its file is unreadable") for b in blockers
        ]
        self.unless_forced(rules.blocked(task, known))

    def _check_one_in_progress(self, task: Task, owner: str, session: str | None = None) -> None:
        if not self.context.parallel:
            self.unless_forced(rules.one_in_progress(task, owner, self.tasks, session))
