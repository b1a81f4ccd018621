"""Writing to the list at work: a move of the ref for each edit, or where the remote decides.

Also the holders of a claimed task, by the remote's branch and by the task's history: their rights
decide which way an edit takes.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from gittasks.core.apply import Edit, apply, with_accepted_ways
from gittasks.core.graph import Graph
from gittasks.core.messages import AFTER_LOSS, commit_message, remarks
from gittasks.core.model import Status, Task
from gittasks.core.operations import AddNote, Claim, Context, Operation, Retitle, Transition, Verb
from gittasks.core.rules import lost_lease
from gittasks.core.validation import escape_line
from gittasks.errors import GittasksError, Refused
from gittasks.light import TYPE_CHECKING, NamedTuple
from gittasks.store import home, side_branches, transaction
from gittasks.workspace import log

if TYPE_CHECKING:
    from gittasks.core.operations import Holder
    from gittasks.store.list_store import ListStore
    from gittasks.store.list_version import ListVersion
    from gittasks.workspace.session import Moment, Session

Change = Callable[["ListVersion", Context], "tuple[Edit, tuple[str, ...]]"]
"""Computes an edit of the list as it is at that moment, with sentences about it."""

_LOSING = frozenset({"held", "lost-lease", "closed"})
"""Rules by which a finish is refused when somebody else has, or had, the task."""


_UNASKED = (
    "the remote was not asked if the claim still holds: gittasks.pushAs has the list pushed under "
    "another name; a later claim of somebody else wins when a teammate syncs"
)


class EditResult(NamedTuple):
    """The outcome of an edit. `commit` is None when there was nothing to change."""

    edit: Edit
    commit: str | None
    notes: tuple[str, ...] = ()
    """Sentences about what a plan names and the list keeps as it is."""

    @property
    def task(self) -> Task | None:
        """The task that the last operation was about, as it is now; None without one."""
        return self.edit.after.tasks.get(next(reversed(self.edit.focus), ""))

    @property
    def changed(self) -> tuple[str, ...]:
        """Ids of the tasks that are new, different or gone."""
        return self.edit.changed

    @property
    def unblocked(self) -> tuple[str, ...]:
        """Ids of the tasks that nothing blocks any more."""
        return self.edit.unblocked

    @property
    def graph(self) -> Graph:
        """Dependencies after the edit."""
        return Graph.of(self.edit.after)


class Policy(NamedTuple):
    """The decider of a write, and the rules that it lifts.

    With a `remote` that one decides whatever the edit turns out to be. `fences`: the home of the
    list decides on what ends a claim, since somebody else may have taken the task over. Else it
    is decided here. `force` and `parallel` are those of the Context; `first`: also where the
    remote has no branch yet.
    """

    remote: str | None = None
    fences: bool = False
    force: bool = False
    parallel: bool = False
    first: bool = False


def edit(
    session: Session,
    operations: Sequence[Operation],
    *,
    force: bool = False,
    parallel: bool = False,
    offline: bool = False,
    first: bool = False,
) -> EditResult:
    """Apply operations, all or nothing and by one move of the ref; see `Workspace.edit`."""
    claims = [op for op in operations if isinstance(op, Claim)]
    remote = session.store.decisive if claims and not offline else None
    policy = Policy(remote, not offline, force, parallel, first)
    if remote:
        _check_claimable(session, remote, claims[0], policy)

    def change(branch: ListVersion, context: Context) -> tuple[Edit, tuple[str, ...]]:
        session.check_open(branch.snapshot.info)
        intents = operations
        if policy.remote:
            holders = granted_claims(session, branch)
            intents = [
                op._replace(granted=holders) if isinstance(op, Claim) else op for op in operations
            ]
        try:
            return apply(branch.snapshot, intents, context), ()
        except GittasksError as error:
            if len(operations) > 1:
                raise
            raise error.with_details(operation=None) from error.__cause__

    try:
        report = _write_own(session, change, policy)
    except Refused as refusal:
        raise _with_result_noted(session, operations, refusal) from None
    if not report.edit.made:
        _check_lost(session, operations, report)
    session.notices += remarks(report.edit, operations, session.actor, session.now().text)
    return report


def retitle(session: Session, title: str) -> None:
    """Give the list at work another title."""
    edit(session, [Retitle(title)])


def _check_claimable(session: Session, remote: str, claim: Claim, policy: Policy) -> None:
    """Refuse a claim where the branch that decides on it is not pushed from here."""
    branch = side_branches.pushed_as(session.repository, session.list_id)
    if branch is not None:
        refusal = side_branches.no_claim(session.list_id, remote, branch, claim.id)
        context = new_context(session, session.now(), policy)
        raise with_accepted_ways(refusal, session.snapshot(), context)


def _write_own(session: Session, change: Change, policy: Policy) -> EditResult:
    """Write; what is refused as held by another is asked of the history before it is believed."""
    try:
        return write(session, change, policy)
    except Refused as refusal:
        if not began_on_behalf(session, refusal):
            raise
        session.on_behalf |= {refusal.tasks[0]}
    return write(session, change, policy)


def write(
    session: Session,
    change: Change,
    policy: Policy,
    *,
    plan: str | None = None,
    undo_of: str | None = None,
) -> EditResult:
    """Commit what `change` makes of the list, where the policy says that it is decided."""
    moment = session.now()
    people, hint = session.signatures(moment)
    attempt = _Attempt(session, change, policy, new_context(session, moment, policy), plan, undo_of)
    written, remote = None, policy.remote
    if remote is None:
        if session.store.head() is None:
            session.branch()
        written = transaction.update(session.store, attempt.propose, people)
        if attempt.needs_remote:
            remote = session.store.decisive
    if remote is not None:
        written = _ask(session, remote, attempt, people, first=policy.first)
    assert written is not None  # noqa: S101  what has to be asked is known, or raised NoRemote
    if written.commit is None:
        return EditResult(attempt.edit, None, attempt.notes)
    chain = (*written.earlier, written.commit)
    session.commits += [commit.id for commit in chain]
    steps = attempt.edit.steps or (attempt.edit,)
    log.remember(session.store, list(zip(chain, steps, strict=True)))
    if hint:
        session.notices.append(hint)
    if attempt.unasked:
        session.notices.append(_UNASKED)
    session.note_lagging(written.lagging)
    session.notices += [f"done, but {sentence}" for sentence in written.unfinished]
    return EditResult(attempt.edit, written.commit.id, attempt.notes)


def _ask(
    session: Session,
    remote: str,
    attempt: _Attempt,
    people: transaction.Signatures,
    *,
    first: bool,
) -> transaction.CommitResult:
    """Let the home remote decide on a write."""
    from gittasks.sync.exchange import (
        commit_through_remote,
    )  # it is for claims of shared lists alone

    attempt.asks = True
    if sentence := home.moved(session.repository, session.list_id, remote):
        session.notify([sentence])
    return commit_through_remote(session.store, remote, attempt.propose, people, first=first)


class _Attempt:
    """One write, proposed for each state of the list that it meets until it goes in."""

    edit: Edit
    notes: tuple[str, ...]

    def __init__(
        self,
        session: Session,
        change: Change,
        policy: Policy,
        context: Context,
        plan: str | None,
        undo_of: str | None,
    ) -> None:
        self._session, self._change, self._context = session, change, context
        self._fences = policy.fences
        self._plan, self._undo_of = plan, undo_of
        self._operation_id = session.new_operation_id()
        self.asks = policy.remote is not None
        """Whether the remote is being asked."""
        self.needs_remote = False
        """Whether nothing was proposed because the remote has to agree to it."""
        self._pushed_as = side_branches.pushed_as(session.repository, session.list_id)
        self.unasked = False
        """Whether the remote had to agree, and cannot: the branch that decides is not pushed."""

    def propose(self, branch: ListVersion) -> transaction.Proposal | None:
        """The commit to make on top of a branch; None when there is nothing to commit here."""
        try:
            self.edit, self.notes = self._change(branch, self._context)
        except Refused as refusal:
            raise with_accepted_ways(refusal, branch.snapshot, self._context) from None
        edit = self.edit
        if not edit.made:
            return None
        if any(t.claim for i in edit.changed if (t := edit.before.tasks.get(i))):
            fenced = (
                self._fences
                and not self.asks
                and is_fenced(self._session.store, branch, edit, undo=self._undo_of is not None)
            )
            self.unasked = fenced and self._pushed_as is not None
            self.needs_remote = fenced and not self.unasked
            if self.needs_remote:
                return None
        steps = edit.steps or (edit,)
        proposals = [
            transaction.Proposal(step.after, self._message(step, number, len(steps)))
            for number, step in enumerate(steps, 1)
        ]
        return proposals[-1]._replace(earlier=tuple(proposals[:-1]))

    def _message(self, step: Edit, number: int, count: int) -> str:
        """The message of one of the commits; those of one operation share its id."""
        return commit_message(
            self._session.list_id,
            step,
            self._session.actor,
            self._operation_id + (f".{number}" if count > 1 else ""),
            undo_of=self._undo_of,
            plan=self._plan,
        )


def new_context(session: Session, moment: Moment, policy: Policy) -> Context:
    """Time, actor and chance for a write, and the rules that it lifts."""
    parallel = policy.parallel or session.repository.config.flag("gittasks.parallel")
    entropy = int.from_bytes(os.urandom(8))
    return Context(
        moment.text,
        session.actor,
        entropy,
        parallel,
        policy.force,
        session.on_behalf,
        session.cut_ids,
    )


# --- finishing what somebody else has claimed since -------------------------------------------


def _check_lost(session: Session, operations: Sequence[Operation], report: EditResult) -> None:
    """Tell who finishes a task that another finished under a later claim."""
    for op, task_id in zip(operations, report.edit.focus, strict=True):
        task = report.edit.after.tasks.get(task_id)
        finishes = isinstance(op, Transition) and op.verb is Verb.DONE
        if finishes and task and task.claim and is_lost(session, task):
            raise lost_lease(task)


def _with_result_noted(
    session: Session, operations: Sequence[Operation], refusal: Refused
) -> Refused:
    """Save the result of a finish after a lost claim as a note; the error that says so.

    Any other refusal is given back as it is.
    """
    finish = operations[refusal.details.get("operation", 0)] if operations else None
    if not isinstance(finish, Transition) or finish.verb is not Verb.DONE:
        return refusal
    if refusal.rule not in _LOSING or not refusal.tasks:
        return refusal
    task = session.snapshot().tasks.get(refusal.tasks[0])
    if task is None or not is_lost(session, task):
        return refusal
    actor = session.actor
    by = f", session {actor.session}" if actor.session else ""
    outcome = f": {finish.result}" if finish.result else ""
    text = escape_line(f"finished by {actor.owner}{by} {AFTER_LOSS}{outcome}", 2000)
    loss = lost_lease(task)
    try:
        if not any(note.text == text for note in task.notes):  # the same call again
            edit(session, [AddNote(task.id, text)])
    except GittasksError as error:
        session.notices.append(f"the result could not be kept as a note: {error.message}")
        return loss
    message = f"{loss.message}; what you did is kept as a note"
    return loss.with_message(message).with_details(noted=True)


def is_fenced(store: ListStore, branch: ListVersion, edit: Edit, *, undo: bool = False) -> bool:
    """True when an edit finishes, gives back or goes on with a claimed task of a shared list.

    Then the remote has to agree, since somebody else may have taken it over. So it has to where
    an undo gives a claim back to its holder: the task may be somebody else's by now.
    """
    return any(
        _ends_claim(old, new) or (undo and _restores_claim(old, new))
        for task_id in edit.changed
        if (old := edit.before.tasks.get(task_id)) and (new := edit.after.tasks.get(task_id))
    ) and (branch.heads.tracked is not None or home.of(store.repository, store.list_id).is_shared)


def _ends_claim(old: Task, new: Task) -> bool:
    if not old.claim or old.status is not Status.IN_PROGRESS:
        return False
    held = (Status.IN_PROGRESS, old.result, old.claim)
    return (new.status, new.result, new.claim) != held


def _restores_claim(old: Task, new: Task) -> bool:
    return bool(new.claim) and Status.IN_PROGRESS is new.status is not old.status


def began_on_behalf(session: Session, refusal: Refused) -> bool:
    """True when a task that is refused as another owner's was begun by this actor for that owner.

    In this session: the task does not say it, its history does.
    """
    actor = session.actor
    if refusal.rule != "held" or refusal.details["session"] != actor.session:
        return False
    for entry in log.log(session.store, refusal.tasks[0]):
        if any(c.field == "status" and c.after == Status.IN_PROGRESS for c in entry.changes):
            return (entry.owner, entry.session) == (actor.owner, actor.session)
    return False


def granted_claims(session: Session, branch: ListVersion) -> dict[str, Holder]:
    """Holders of tasks, as the remote's own branch says it."""
    if branch.heads.tracked is None:
        return {}
    shown = session.store.load_at(branch.heads.tracked, branch).snapshot
    return {
        task.id: (task.owner, task.session, task.claim)
        for task in shown.tasks.values()
        if task.status is Status.IN_PROGRESS
    }


def is_lost(session: Session, task: Task) -> bool:
    """True when this owner and session held a task that somebody else has claimed since.

    The other one holds it or has finished it. What was given back is free for whoever finishes
    it, here as in a merge.
    """
    actor = session.actor
    if not task.claim or task.status is Status.PENDING:
        return False
    if actor.session is None:
        mine = task.session is None and task.owner == actor.owner
    else:
        mine = task.session == actor.session
    return not mine and _has_held(session, task)


def _has_held(session: Session, task: Task) -> bool:
    """True when this owner and session ever had a task in progress, by its history."""
    actor = session.actor
    for entry in log.log(session.store, task.id):
        if entry.session != actor.session or (actor.session is None and entry.owner != actor.owner):
            continue
        if any(
            c.field == "claim" or (c.field == "status" and c.after == Status.IN_PROGRESS)
            for c in entry.changes
        ):
            return True
    return False
