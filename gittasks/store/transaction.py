"""The write: objects first, then one guarded move of the ref, safe beside git gc.

git itself has no defence. Ours: once the ref names them, wait for a pruning gc that began
before, and write again what it took. What goes even later the next write finds in the journal.

Read the head, let the caller propose a snapshot, write blobs, tree and commit, then move the
ref once, guarded by the head that was read. A lost race asks the caller again on the new head.

    A        read A; make B on it, whose objects no ref names yet, so that git-gc may take them
    A---B    the ref is still at A: moved to B, and what gc took meanwhile is written again
    A---C    the ref is at C: B is nobody's, and the intent is tried on C (never B merged with C:
             a rule that held on A may not hold on C)

It is a long module since all that moves a list's ref stands on one lock, one guard and one
aftermath.
"""

from __future__ import annotations

import os
import time

from gittasks.core.ids import list_id_fault, unreadable
from gittasks.core.model import Problem, Snapshot
from gittasks.errors import Busy, GittasksError, InvalidData, Way, failure_of
from gittasks.light import TYPE_CHECKING, Callable, NamedTuple, contextmanager, suppress
from gittasks.store import (
    acknowledged,
    commits,
    disk,
    git,
    home,
    journal,
    platform,
    refs,
    signing,
    worktrees,
)
from gittasks.store.commits import Signature
from gittasks.store.disk import Backoff
from gittasks.store.list_store import ListStore
from gittasks.store.list_tree import next_branch, root_objects
from gittasks.store.list_version import Heads, ListVersion
from gittasks.store.lock_files import ListLock, path_of
from gittasks.store.objects import NewObject
from gittasks.store.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from subprocess import Popen

    from gittasks.store.list_tree import Evaluated

_PATIENCE = 20.0
"""Seconds to wait for a gc that prunes everything; a gc of a large repository takes longer."""
_PRUNE_PAUSE = 0.01
_CAREFUL = ("day", "week", "month", "year", "never")
"""Words in `gc.pruneExpire` with which gc keeps what is as young as a write of ours."""


def ensure_present(repository: Repository, written: Sequence[NewObject]) -> None:
    """Make sure that the objects of a move that was just made are there, and stay.

    Raises OSError when they are gone and cannot be written again.
    """
    path = os.path.join(repository.common, "gc.pid")
    running = _pruner(repository, path)
    deadline = time.monotonic() + _PATIENCE
    # A gc that starts now sees the ref as it is: only the one that was running can do harm.
    while running and _read(path) == running and time.monotonic() < deadline:
        time.sleep(_PRUNE_PAUSE)
        if not _is_alive(running):
            break
    if lost := repository.objects.missing(written):
        repository.objects.write(lost)


def _pruner(repository: Repository, path: str) -> str:
    """Content of gc.pid while a gc runs here that may remove young objects; else ""."""
    content = _read(path)
    return content if content and _is_alive(content) and _prunes(repository, content) else ""


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read(1024)
    except OSError:
        return ""


def _is_alive(content: str) -> bool:
    """Tell if a content of gc.pid (`process host`) names a live process of this host."""
    number, _, host = content.strip().partition(" ")
    is_here = number.isdecimal() and platform.is_this_host(host)
    return is_here and platform.is_alive(int(number))


def _prunes(repository: Repository, content: str) -> bool:
    """Tell if that gc removes young objects, by an argument or by the configuration.

    git's own upkeep leaves what is younger than two weeks, and nobody should wait for it.
    """
    expire = repository.config.get("gc.pruneexpire") or "never"
    if not any(word in expire for word in _CAREFUL):
        return True
    words = platform.command_line(int(content.split()[0]))
    if words is None:
        return True  # a system that does not tell
    return any(w.startswith("--prune=") and not any(c in w for c in _CAREFUL) for w in words)


_LOOSE_SAMPLE = 27
"""Entries of one of the 256 fan-out folders at which git's own estimate is 6,700 loose objects."""
_PAUSE = 300
"""Seconds between two tries, so that a gc that cannot help is not started by every command."""
_running: list[Popen[bytes]] = []
"""Those that a long-lived process started and has not yet seen the end of."""


def is_due(repository: Repository) -> bool:
    """Tell if enough loose objects piled up (`gc.auto`), as `git gc --auto` judges."""
    setting = repository.config.get("gc.auto")
    limit = _LOOSE_SAMPLE
    if setting is not None and setting.lstrip("-").isdecimal():
        if int(setting) <= 0:
            return False
        limit = (int(setting) + 255) // 256
    try:
        loose = len(os.listdir(os.path.join(repository.common, "objects", "17")))
    except OSError:
        return False
    return loose > limit and not os.path.exists(os.path.join(repository.common, "gc.pid"))


def start(repository: Repository) -> None:
    """Start `git maintenance run --auto` on its own, without hooks; once in five minutes."""
    stamp = os.path.join(repository.common, "gittasks", "upkeep")
    try:
        if time.time() - os.stat(stamp).st_mtime < _PAUSE:
            return
    except OSError:
        pass
    import subprocess

    try:
        disk.put(stamp, b"", repository.shared)
        place = [f"--git-dir={repository.common}", *git.NO_HOOKS]
        maintenance = subprocess.Popen(
            ["git", *place, "maintenance", "run", "--auto", "--quiet"],
            cwd=repository.common,
            env=git.unbound(repository.env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        _running[:] = [process for process in [*_running, maintenance] if process.poll() is None]
    except OSError:
        return  # upkeep is a courtesy: the next command tries again


_ATTEMPTS = 50
"""Races that one operation may lose; each loss means that somebody else's write went in."""
_BACKOFF = Backoff(first=0.005, most=0.5)


class Proposal(NamedTuple):
    """The list as a caller wants it to become, and the commit message that says so.

    The commits of `earlier` proposals go before it; all become visible by one move of the ref.
    """

    after: Snapshot
    message: str
    earlier: tuple[Proposal, ...] = ()


class CommitResult(NamedTuple):
    """The commit that `update` made, None if nothing changed.

    `lagging` are folders that have the list's branch checked out and could not be brought along:
    there `git status` now shows the change taken back. `unfinished` says what else failed after
    the commit was in the history.
    """

    commit: commits.CommitInfo | None
    lagging: tuple[str, ...] = ()
    unfinished: tuple[str, ...] = ()
    earlier: tuple[commits.CommitInfo, ...] = ()
    """Commits of the same write below it, oldest first."""


class PreparedCommit(NamedTuple):
    """A commit that could be made: itself, the branch after it, the objects to write."""

    commit: commits.CommitInfo
    after: ListVersion
    objects: list[NewObject]
    earlier: tuple[commits.CommitInfo, ...] = ()


class MergeCommitResult(NamedTuple):
    """The merge that `integrate` made, with what `CommitResult` has of a commit."""

    evaluated: Evaluated
    lagging: tuple[str, ...] = ()
    unfinished: tuple[str, ...] = ()


class CreateResult(NamedTuple):
    """The local branch that `create` made, or that was there before; see `CommitResult`."""

    created: bool
    unfinished: tuple[str, ...] = ()


class Aftermath:
    """Steps after the commit point: one that fails is a sentence, and never an error.

    The ref has moved, or the remote took the push: who is told of a failure now would do again
    what is done.
    """

    def __init__(self) -> None:
        self.unfinished: list[str] = []

    @contextmanager
    def step(self, sentence: str) -> Iterator[None]:
        """Run a step; if it fails, `sentence` and the reason are what is unfinished."""
        try:
            yield
        except (GittasksError, OSError) as error:
            self.fail(sentence, error)

    def fail(self, sentence: str, error: GittasksError | OSError) -> None:
        """Add a sentence about a step that failed, with the reason."""
        failure = failure_of(error)
        where = f"{failure.where}: " if failure.where else ""
        self.unfinished.append(f"{sentence} ({where}{failure.message})")


class Signatures(NamedTuple):
    """Author and committer of the commits that this process makes."""

    author: Signature
    committer: Signature


Propose = Callable[[ListVersion], Proposal | None]
"""Decides on the head it is given; None means there is nothing to change. May be called again."""


def make_ready() -> None:
    """Import what makes commits, which takes longer than to make one, before others wait for it."""
    import dulwich.objects  # noqa: F401


def create(store: ListStore, at: str | None = None) -> CreateResult:
    """Make the local branch: at a commit, else at what was fetched, else empty."""
    make_ready()
    with lock_of(store) as lock:
        if store.repository.refs.read(store.ref):
            return CreateResult(created=False)
        store.repository.refs.check_creatable(store.ref)
        commit = at or store.heads().tracked
        new, folders = list[NewObject](), list[str]()
        if commit is None:
            new = signing.signed(
                store.repository, root_objects(store.repository.objects, store.list_id)
            )
            folders = store.repository.objects.write_commit(store.ref, None, new, named=False)
            commit = new[-1].id
        after = Aftermath()
        created = _move(store, lock, None, commit, new, "create", after, folders=folders)
        if created:
            _finish(store, None, new, after)
        return CreateResult(created, tuple(after.unfinished))


def hold(store: ListStore) -> None:
    """Let the local branch hold what the remote had, before that is forgotten for what it has."""
    merge = store.evaluate()
    if merge.branch.apart is None and not merge.behind:
        return
    if merge.branch.heads.local:
        integrate(store)
        return
    make_ready()
    with lock_of(store) as lock:
        store.repository.refs.check_creatable(store.ref)
        folders = store.repository.objects.write_commit(store.ref, None, merge.new, named=False)
        after, target = Aftermath(), merge.branch.commit
        if _move(store, lock, None, target, merge.new, "create", after, folders=folders):
            _finish(store, None, merge.new, after)


def update(store: ListStore, propose: Propose, signatures: Signatures) -> CommitResult:
    """Apply `propose` to the head until it sticks; return what was written.

    When it returns, the change is on the disk and in the history. Raises whatever `propose`
    raises, Refused for a dirty checkout, Busy when other writers always came first.
    """
    make_ready()
    unsynced: list[str] = []
    with lock_of(store) as lock:
        for attempt in range(_ATTEMPTS):
            written = _try(store, lock, propose, signatures, unsynced)
            if written is not None:
                break
            _BACKOFF.wait(attempt)
        else:
            raise _always_beaten(store)
    # Who is next need not wait for this: a write that builds on this one syncs the same folder
    # after its own move, and is done only then.
    written = _synced(written, unsynced)
    with suppress(GittasksError, OSError):  # upkeep is a courtesy, and the write is done
        if is_due(store.repository):
            start(store.repository)
    return written


def _synced(result: CommitResult, folders: Sequence[str]) -> CommitResult:
    """The result of a write whose move of the ref is on the disk now, or says that it may not."""
    after = Aftermath()
    try:
        refs.sync_move(folders)
    except refs.Unsynced as error:
        after.fail(_UNSYNCED, error)
    return result._replace(unfinished=(*after.unfinished, *result.unfinished))


_UNSYNCED = "a power cut may undo it; look then with: gittasks log -n 1"


def _always_beaten(store: ListStore) -> Busy:
    return Busy(
        f'other writers changed "{store.list_id}" {_ATTEMPTS} times in a row',
        hint="nothing was written; run this again in a moment",
    )


def other_list(repository: Repository, list_id: str, problem: Problem) -> InvalidData:
    """The error for a branch that holds another list: it was renamed or copied by git."""
    other = problem.other_list
    name, own = (repository.ref(i).removeprefix("refs/heads/") for i in (list_id, other))
    hint, ways = f"a list keeps its id, its title changes: gittasks init {other} --title TEXT", []
    if list_id_fault(other):  # anybody can write that file
        hint = "repair it by hand: git worktree add gives you the list's branch as files"
    elif repository.refs.read(repository.ref(other)):
        hint = f"it is a copy, and {own} is here too; {hint}"
    else:
        back = ("git", "branch", "-m", name, own)
        ways = [Way("give the branch its name back", back, decision=True)]
    return InvalidData(
        f"the branch {name} holds another list: {problem.message}",
        where="list.yaml",
        ways=ways,
        hint=hint,
    )


def _check_identity(store: ListStore, branch: ListVersion) -> None:
    for problem in branch.snapshot.problems:
        if problem.is_other_list:
            raise other_list(store.repository, store.list_id, problem)


def _try(
    store: ListStore,
    lock: ListLock,
    propose: Propose,
    signatures: Signatures,
    unsynced: list[str],
) -> CommitResult | None:
    """One attempt, which adds folders that are yet to be synced; None where another was first."""
    branch = store.load()
    local = branch.heads.local  # the move is guarded by what was read
    _check_identity(store, branch)
    proposal = propose(branch)
    if proposal is None:
        return CommitResult(None)
    new: list[NewObject] = []
    if branch.in_memory:  # what the operation stands on is written along with it
        merge = store.evaluate()
        if merge.branch.commit != branch.commit:
            return None
        merge = signing.signed_merge(store.repository, merge)
        branch, new = merge.branch, list(merge.new)
    prepared = compose(store, branch, proposal, signatures)
    subject = proposal.message.partition("\n")[0]
    moved = _put(
        store,
        lock,
        local,
        prepared.commit.id,
        [*new, *prepared.objects],
        subject,
        signatures.committer,
        unsynced,
    )
    if moved is None:
        return None
    with suppress(OSError):
        if not _settles(branch, prepared.after):
            heads = Heads(prepared.commit.id, branch.heads.tracked)
            store.remember(prepared.after._replace(commit=prepared.commit.id, heads=heads))
    return CommitResult(prepared.commit, *moved, earlier=prepared.earlier)


def compose(
    store: ListStore, branch: ListVersion, proposal: Proposal, signatures: Signatures
) -> PreparedCommit:
    """The commits of a proposal on top of a branch, and all objects that are new; unwritten."""
    check_writable(store, branch)
    repository = store.repository
    chain: list[commits.CommitInfo] = []
    objects: list[NewObject] = []
    for step in (*proposal.earlier, proposal):
        if chain and not all(file.canonical for file in branch.files.values()):
            repository.objects.write(objects)  # a file that a person edited is read again
        tree, branch, new = next_branch(repository.objects, branch, step.after)
        parents = (branch.commit,)
        form = repository.objects.form
        commit = commits.new_commit(form, tree, parents, *signatures, step.message)
        objects += signing.signed(repository, [*new, commit])
        commit_id = objects[-1].id
        chain.append(commits.CommitInfo(commit_id, tree, parents, *signatures, step.message))
        branch = branch._replace(commit=commit_id)
    return PreparedCommit(chain[-1], branch, objects, tuple(chain[:-1]))


def replace(store: ListStore, old: str, new: Sequence[NewObject]) -> bool:
    """Move the branch from a commit to the last of new ones, which say the same."""
    with lock_of(store) as lock:
        return _put(store, lock, old, new[-1].id, new, "made anew") is not None


def _settles(before: ListVersion, after: ListVersion) -> bool:
    """Tell if a change may have settled a conflict: then the next look works that out."""
    return any(
        path == "list.yaml" or before.files.get(i) != after.files.get(i)
        for path in before.contested
        for i in [path.removeprefix("tasks/").removesuffix(".yaml")]
    )


def integrate(
    store: ListStore,
    tracked: str | None = None,
    *,
    beside: str | None = None,
    apart: bool = False,
) -> MergeCommitResult:
    """Bring the local branch to what the list says, with what was fetched from its remote.

    `tracked` is what the remote is known to hold, whatever its tracking ref says; `beside` is the
    head of a side branch that is taken in instead; `apart` asks for the operations that only one
    of the two has. A list that is only on the remote gets no local branch by that. Raises as
    `update` does, and NoList.
    """
    with lock_of(store) as lock:
        for attempt in range(_ATTEMPTS):
            ours = Heads(store.heads().local, beside)
            if beside:
                merge = store.merged(ours, None, apart=apart)
            else:
                merge = store.evaluate(tracked, apart=apart)
            local, target = merge.branch.heads.local, merge.branch.commit
            if local is None or local == target:
                return MergeCommitResult(merge)
            check_writable(store, merge.branch)
            merge = signing.signed_merge(store.repository, merge)
            target = merge.branch.commit
            moved = _put(store, lock, local, target, merge.new, "merge")
            if moved is not None:
                heads = merge.branch.heads._replace(local=target)
                with suppress(OSError):
                    store.remember(merge.branch._replace(heads=heads))
                return MergeCommitResult(merge, *moved)
            _BACKOFF.wait(attempt)
    raise _always_beaten(store)


def follow(
    store: ListStore, before: ListVersion, prepared: PreparedCommit
) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """Bring the local branch to a commit that a remote took, from where it was prepared on.

    Returns what `CommitResult` has as `lagging` and `unfinished`; None where the branch is
    elsewhere by now: then `integrate` works out what the two say.
    """
    local, commit = before.heads.local, prepared.commit
    with lock_of(store) as lock:
        if local is None or store.repository.refs.read(store.ref) != local:
            return None
        subject = commit.message.partition("\n")[0]
        moved = _put(store, lock, local, commit.id, (), subject, commit.committer)
    if moved is not None and not _settles(before, prepared.after):
        heads = Heads(commit.id, commit.id)
        with suppress(OSError):
            store.remember(prepared.after._replace(commit=commit.id, heads=heads))
    return moved


def _put(
    store: ListStore,
    lock: ListLock,
    old: str | None,
    new: str,
    objects: Sequence[NewObject],
    subject: str,
    who: Signature | None = None,
    unsynced: list[str] | None = None,
) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """Write the objects of commit `new` and move the ref there; None when it was not at `old`.

    The folders of the ref are synced, or added to those that are `unsynced`. Returns the folders
    of checkouts that could not be brought along, and what else is unfinished.
    """
    repository = store.repository
    if old is None:
        repository.refs.check_creatable(store.ref)
    checkouts = worktrees.find_clean(repository, store.ref, old or new)
    folders = repository.objects.write_commit(store.ref, old, objects, named=False)
    worktrees.check_movable(repository, checkouts, new)
    after = Aftermath()
    if not _move(store, lock, old, new, objects, subject, after, who, folders, unsynced):
        return None
    _finish(store, old, objects, after)
    lagging = worktrees.bring_along(repository, checkouts, new)
    return lagging, tuple(after.unfinished)


def _finish(
    store: ListStore, old: str | None, objects: Sequence[NewObject], after: Aftermath
) -> None:
    """The steps after a move of the ref that need no checkout."""
    if old is None:
        with after.step("the home remote of the list was not recorded; gittasks sync does it"):
            _adopt(store)
    with after.step("what git gc removed meanwhile is not written again; look with: git fsck"):
        ensure_present(store.repository, objects)


def _adopt(store: ListStore) -> None:
    """A list that was fetched has its branch here now: from where is written down with it."""
    if store.remote and store.heads().tracked:
        home.adopt(store.repository, store.list_id, store.remote)


def check_writable(store: ListStore, branch: ListVersion) -> None:
    """Raise InvalidData when the list itself, or where its tasks are, cannot be read."""
    _check_identity(store, branch)
    fatal = (p for p in branch.snapshot.problems if p.path in ("list.yaml", "tasks"))
    if problem := next(fatal, None):
        raise unreadable(problem)


def _move(
    store: ListStore,
    lock: ListLock,
    old: str | None,
    new: str,
    objects: Sequence[NewObject],
    subject: str,
    after: Aftermath,
    who: Signature | None = None,
    folders: Sequence[str] = (),
    unsynced: list[str] | None = None,
) -> bool:
    """Move the list's ref, the commit point; False when it was not at `old`."""
    person = who or Signature("gittasks <root@gittasks.invalid>", int(time.time()))
    try:
        moved = store.repository.refs.move(
            store.ref,
            old,
            new,
            marks=lock,
            reason=refs.Reason(person, f"gittasks: {subject}"),
            along=acknowledged.guard(store.repository, store.list_id, new),
            restore=lambda: ensure_present(store.repository, objects),
            folders=folders,
            later=unsynced,
        )
    except Busy as error:
        if holder := lock.holder():
            raise _held(holder, error) from error
        raise
    except refs.Unsynced as error:
        after.fail(_UNSYNCED, error)
        moved = True
    if moved:
        with suppress(GittasksError, OSError):  # a courtesy of the next look; the write is done
            acknowledged.note(store.repository, store.list_id, old, new)
    return moved


def _held(holder: platform.Holder, error: Busy) -> Busy:
    """The error for a ref whose lock is that of another writer of ours."""
    return Busy(
        f"{holder} is in the middle of a write to this list",
        where=error.where,
        hint="let it go on, or end it; then run this again",
    )


def restore(store: ListStore) -> int:
    """Merge what was acknowledged here, and is missing from the branch, again; how many operations.

    Raises InvalidData when its objects are gone, and as `update` does.
    """
    repository, list_id = store.repository, store.list_id
    with lock_of(store) as lock:
        heads = store.heads()
        operations = acknowledged.lost(repository, list_id, heads.all)
        for head in acknowledged.all_heads(repository, list_id) if operations else ():
            _bring_back(store, lock, head)
        if operations:
            with suppress(GittasksError, OSError):  # recorded or not, nothing is missing any more
                acknowledged.replace(repository, list_id, repository.refs.read(store.ref))
        return len(operations)


def _bring_back(store: ListStore, lock: ListLock, head: str) -> None:
    repository = store.repository
    commits.read_commit(repository.objects, head)
    for attempt in range(_ATTEMPTS):
        local = repository.refs.read(store.ref)
        target, new = head, tuple[NewObject, ...]()
        if local is not None:
            merge = store.merged(Heads(local, head), None)
            check_writable(store, merge.branch)
            target, new = merge.branch.commit, merge.new
        if target == local or _put(store, lock, local, target, new, "restore") is not None:
            return
        _BACKOFF.wait(attempt)
    raise _always_beaten(store)


def forget(store: ListStore) -> int:
    """Let go of what was acknowledged here and is missing from the branch; how many operations."""
    repository, list_id = store.repository, store.list_id
    with lock_of(store):
        heads = store.heads()
        operations = acknowledged.lost(repository, list_id, heads.all)
        if operations:
            acknowledged.drop(repository, list_id)
            journal.Journal(repository.common, store.ref).drop()
            if heads.local:
                acknowledged.write(repository, list_id, acknowledged.Record(heads.local))
            store.forget_cached()
        return len(operations)


def lock_of(store: ListStore) -> ListLock:
    """The advisory lock of a list, not yet taken."""
    repository = store.repository
    path, ref_lock = path_of(repository.common, store.ref), repository.refs.own_lock(store.ref)
    return ListLock(path, ref_lock, repository.shared, repository.announce)
