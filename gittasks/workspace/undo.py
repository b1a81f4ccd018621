"""Undo of an operation of this actor by a new commit, and redo of an undo by another."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from gittasks.core.apply import Edit, between
from gittasks.core.operations import Context
from gittasks.core.trailers import OP, OWNER, SESSION, UNDO, parse_trailers
from gittasks.core.undo import take_back
from gittasks.errors import NotFound, Refused, Way
from gittasks.workspace import editing, past
from gittasks.workspace.log import last_value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gittasks.store.commits import CommitInfo
    from gittasks.store.list_store import ListStore
    from gittasks.store.list_version import ListVersion
    from gittasks.workspace.session import Session


_LOG = Way("see who did what", ("gittasks", "log"))


class TakenBack(NamedTuple):
    """A commit, and its subject."""

    commit: str
    subject: str


class Undone(NamedTuple):
    """An undo or redo: what it took back, the edit, and the operation that would be next.

    `target` is None where nothing was to be done: my last operation is that `verb` already.
    """

    target: TakenBack | None
    report: editing.EditResult
    following: TakenBack | None = None
    dry_run: bool = False
    verb: str = "undo"

    @property
    def title(self) -> str:
        """The undo in a line, as it is told; it has task text in it, not escaped yet."""
        if self.target:
            verb = "would undo" if self.dry_run else "undid"
            return f"{verb} {self.target.commit[:7]}: {self.target.subject}"
        title = f"nothing to {self.verb}: that was {self.verb}ne already"
        if not self.following:
            return title
        commit, subject = self.following
        return f"{title}; the operation before is {commit[:10]}: {subject}"


class _Operation(NamedTuple):
    """The last commit of an operation; a call with several transitions made several.

    `undo`: it takes back another one, and is no redo. `stands`: no undo that stands took it back.
    """

    commit: CommitInfo
    undo: bool
    stands: bool

    @property
    def named(self) -> TakenBack:
        """The commit as it is told."""
        return TakenBack(self.commit.id, self.commit.message.partition("\n")[0])


def undo(session: Session, commit: str | None = None, *, dry_run: bool = False) -> Undone:
    """Take back the last operation of this actor, or the one of a commit; see `Workspace.undo`.

    Right after an undo the last operation is that undo, and nothing is done: a call that is
    repeated because its answer was lost takes back one operation, not two.
    """
    if commit is not None:
        return _undo_commit(session, commit, dry_run=dry_run)
    operations = _mine(session)
    last = next(operations, None)
    if last is None:
        raise _none(session, "undo")
    if not last.undo and last.stands:
        following = next((op.named for op in operations if op.stands and not op.undo), None)
        return _take_back(session, last, following, dry_run=dry_run)
    following = next((op.named for op in operations if op.stands and not op.undo), None)
    return _unchanged(session, following, dry_run=dry_run)


def redo(session: Session, *, dry_run: bool = False) -> Undone:
    """Take back the last undo of this actor; nothing is done right after a redo."""
    for number, operation in enumerate(_mine(session)):
        if operation.undo and operation.stands:
            return _take_back(session, operation, None, dry_run=dry_run)
        if number == 0 and UNDO in parse_trailers(operation.commit.message):
            return _unchanged(session, None, dry_run=dry_run)._replace(verb="redo")
    raise _none(session, "redo")


def _undo_commit(session: Session, text: str, *, dry_run: bool) -> Undone:
    commit_id = past.commit_named(session.store, text)
    call = _call(session.store.commit(commit_id))
    operation = next((op for op in _operations(session) if call and _call(op.commit) == call), None)
    if operation is None:
        raise NotFound(
            f"{commit_id[:7]} is not an operation of gittasks: nothing to undo",
            ways=[_LOG],
        )
    owner = last_value(parse_trailers(operation.commit.message).get(OWNER))
    if owner != session.actor.owner:
        raise Refused(
            "not-mine",
            f"{commit_id[:7]} is an operation of {owner}, and you are {session.actor.owner}",
            ways=[_LOG],
        )
    if not operation.stands:
        return _unchanged(session, None, dry_run=dry_run)
    return _take_back(session, operation, None, dry_run=dry_run)


def _take_back(
    session: Session, operation: _Operation, following: TakenBack | None, *, dry_run: bool
) -> Undone:
    target, store = operation.commit, session.store
    if store.load().contested:
        from gittasks.workspace import conflicts  # the merge is loaded where there are conflicts

        conflicts.check_uncontested(store, target.id)
    before = store.load_at(_first(store, target).parents[0])
    after = store.load_at(target.id, before)

    def change(branch: ListVersion, _context: Context) -> tuple[Edit, tuple[str, ...]]:
        restored = take_back(before.snapshot, after.snapshot, branch.snapshot)
        return between(branch.snapshot, restored), ()

    if dry_run:
        snapshot = session.snapshot()
        restored = take_back(before.snapshot, after.snapshot, snapshot)
        report = editing.EditResult(between(snapshot, restored), None)
    else:
        report = editing.write(session, change, editing.Policy(fences=True), undo_of=target.id)
    return Undone(operation.named, report, following, dry_run)


def _unchanged(session: Session, following: TakenBack | None, *, dry_run: bool) -> Undone:
    snapshot = session.snapshot()
    report = editing.EditResult(between(snapshot, snapshot), None)
    return Undone(None, report, following, dry_run)


def _mine(session: Session) -> Iterator[_Operation]:
    """The operations of this actor, newest first: under its name, session and git identity."""
    actor, author = session.actor, session.repository.config.author
    for operation in _operations(session):
        trailers = parse_trailers(operation.commit.message)
        if (
            last_value(trailers.get(OWNER)) == actor.owner
            and last_value(trailers.get(SESSION)) == actor.session
            and author in (None, operation.commit.author.person)
        ):
            yield operation


def _operations(session: Session) -> Iterator[_Operation]:
    """The operations of the list, newest first; who takes one back comes before it."""
    store = session.store
    fallen: set[str] = set()
    calls: set[str] = set()
    for commit in store.walk(store.load_readable().commit):
        trailers = parse_trailers(commit.message)
        stands = commit.id not in fallen
        target = last_value(trailers.get(UNDO))
        if target and stands:
            fallen.add(target)
        call = _call(commit)
        if call and call not in calls:
            calls.add(call)
            yield _Operation(commit, bool(target) and _is_undo(session, target or ""), stands)


def _call(commit: CommitInfo) -> str | None:
    """The id of the call that made a commit, which is no merge; None when it is none of ours.

    Its commits are numbered behind a dot: a call is taken back whole.
    """
    operation = last_value(parse_trailers(commit.message).get(OP))
    return operation.partition(".")[0] if operation and len(commit.parents) == 1 else None


def _first(store: ListStore, last: CommitInfo) -> CommitInfo:
    """The oldest commit of the call whose last one is given."""
    call, first = _call(last), last
    while _call(parent := store.commit(first.parents[0])) == call:
        first = parent
    return first


def _is_undo(session: Session, target: str) -> bool:
    """True when to take back `target` is an undo, not a redo: it is an operation, or a redo."""
    undo = True
    while above := last_value(parse_trailers(session.store.commit(target).message).get(UNDO)):
        target, undo = above, not undo
    return undo


def _none(session: Session, verb: str) -> NotFound:
    actor = session.actor
    run = f" in session {actor.session}" if actor.session else ""
    return NotFound(
        f'"{session.list_id}" has no operation of {actor.owner}{run} to {verb}',
        ways=[_LOG],
    )
