"""Exchange with a remote: fetch, merge, push; and commits that the remote decides.

A refused push is no failure: somebody was first, so what they did is merged and the push tried
again. Nothing is ever pushed with force, and nothing is reported as sent before the remote is
known to hold it.

A remote takes only one of two pushes onto the same head, whatever the machines and clocks of
those who push. That is the lock on which claims stand: the loser looks again at the newer list.

It is a long module since both ways to a remote stand on the same ground: its refusals, its first
branch, commits made anew for a forge that checks addresses and signatures, and a remote that turns
out to be two repositories.
"""

from __future__ import annotations

import os
import time

from gittasks.core.model import ListState, Unmerged
from gittasks.core.trailers import OWNER, SESSION, parse_trailers, undo_message
from gittasks.errors import (
    UPDATE,
    BranchGone,
    Busy,
    DiskFailure,
    EmptyRemote,
    FormatTooNew,
    GittasksError,
    HistoryRewritten,
    InvalidData,
    NoList,
    NoRemote,
    Refused,
    RemoteFailure,
    Way,
    failure_of,
)
from gittasks.light import TYPE_CHECKING, pattern, suppress
from gittasks.store import (
    git,
    home,
    leases,
    remotes,
    removal,
    side_branches,
    signing,
    transaction,
    worktrees,
)
from gittasks.store.commits import CommitInfo, is_ancestor
from gittasks.store.disk import Backoff
from gittasks.store.list_store import ListStore
from gittasks.store.list_tree import Evaluated
from gittasks.store.list_version import (
    MERGE_SIGNER,
    ROOT_SIGNER,
    Heads,
    ListVersion,
    merge_subject,
)
from gittasks.store.lock_files import ListLock, turn_path_of
from gittasks.store.objects import NewObject
from gittasks.store.remotes import PushOutcome
from gittasks.store.repository import Repository
from gittasks.store.transaction import CommitResult, Propose, Signatures
from gittasks.sync.outcome import Look, SyncOptions, SyncResult

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence


def rewritten(list_id: str, remote: str) -> HistoryRewritten:
    """The remote's history lost something."""
    return HistoryRewritten(
        f'the history of "{list_id}" was rewritten on {remote}: it no longer holds what was '
        "fetched or pushed before, so nothing was merged",
        hint="nothing here is lost",
        ways=[
            Way("ask who did that, then merge both histories", _ACCEPT, decision=True),
        ],
        details={"list": list_id},
    )


def removed(list_id: str, remote: str, unsent: int = 0) -> HistoryRewritten:
    """The remote has the list no more."""
    own = f"; {unsent} {'change' if unsent == 1 else 'changes'} here never went there"
    return HistoryRewritten(
        f'"{list_id}" was removed from {remote}, which had it before{own if unsent else ""}',
        ways=[
            Way(
                "everything is still here; push it again",
                ("gittasks", "push", "--accept-rewrite"),
                decision=True,
            ),
            Way(
                "or give it up here as well",
                ("gittasks", "drop", list_id, "--offline"),
                decision=True,
            ),
        ],
        details={"list": list_id},
    )


def shallow(list_id: str, remote: str) -> RemoteFailure:
    """A shallow clone lacks what a merge needs."""
    return RemoteFailure(
        f'"{list_id}" cannot be merged: this is a shallow clone, which lacks the point '
        "where the two histories diverge",
        ways=[
            Way("fetch the whole history", ("git", "fetch", "--unshallow", remote), decision=True)
        ],
        details={"list": list_id},
    )


def newer(list_id: str, remote: str) -> FormatTooNew:
    """Somebody works on the list with a later version of gittasks."""
    return FormatTooNew(
        f'"{list_id}" on {remote} was written by a later version of gittasks',
        hint="your work is safe here until then",
        ways=[UPDATE],
        details={"list": list_id},
    )


def malformed(list_id: str, remote: str) -> InvalidData:
    """Somebody pushed a commit that nobody can read."""
    return InvalidData(
        f'"{list_id}" on {remote} holds a commit that cannot be read',
        hint="your work is safe here until then",
        ways=[Way("see who made it, and how the branch is taken back", ("gittasks", "doctor"))],
        details={"list": list_id},
    )


def unmergeable(why: Unmerged, list_id: str, remote: str) -> GittasksError:
    """The error for a branch that what was fetched is not in; see `Branch.apart`."""
    errors: dict[Unmerged, Callable[[str, str], GittasksError]] = {
        Unmerged.SHALLOW: shallow,
        Unmerged.NEWER: newer,
        Unmerged.REWRITTEN: rewritten,
        Unmerged.MALFORMED: malformed,
    }
    return errors[why](list_id, remote)


_CHECKED = pattern(r"(?i)e-?mail|address|committer|author|identity|sign|gpg|verif")
"""Words of forges that check who made a commit, or whether it is signed."""
_SETTINGS = (
    'for a forge that checks addresses: git config gittasks.identity "Name <name@example.com>"; '
    "what was never pushed is then made anew by the next push"
)
_NAMED = pattern(r"(?i)\bbranch(es)?\b|\bref ?names?\b")
"""Words of servers that refuse the name of a branch."""
_PUSH_AS = (
    "where only branches of other names may be pushed: git config gittasks.pushAs NAME, in which a "
    "* stands for the id of the list"
)
_SIGN = Way(
    "for a forge that wants signatures",
    ("git", "config", "gittasks.sign", "true"),
    decision=True,
)


def refused(list_id: str, remote: str, reason: str) -> RemoteFailure:
    """The remote does not take it, or says nothing."""
    hint = "your work is safe in the local branch; it is not on the remote"
    if reason == remotes.OTHER_HASH:
        hint = f"{remotes.SHARE_NOTHING}; {hint}"
    elif _NAMED.search(reason):
        hint = f"{hint}; {_PUSH_AS}"
    checked = _CHECKED.search(reason)
    return RemoteFailure(
        f'{remote} refused "{list_id}": {reason or "it ended the connection without a word"}',
        hint=f"{hint}; {_SETTINGS}" if checked else hint,
        ways=[_SIGN] if checked else [],
        details={"list": list_id},
    )


def nowhere(list_id: str, remote: str) -> NoList:
    """There is no such list, neither here nor there."""
    return NoList(
        f'there is no task list "{list_id}" here or on {remote}',
        ways=[Way("make it", ("gittasks", "init", list_id))],
    )


def not_taken(list_id: str, remote: str, reason: str) -> RemoteFailure:
    """The remote did not take a write that it has to agree to, so it was not made here either."""
    again = "try again"
    if reason == remotes.OTHER_HASH:
        again = remotes.SHARE_NOTHING
    elif _NAMED.search(reason):
        again = _PUSH_AS
    checked = _CHECKED.search(reason)
    return RemoteFailure(
        f'{remote} did not take the change to "{list_id}": {reason or "no reason was given"}',
        hint=f"nothing was changed; {again}; claim, done, skip and release take --offline, which "
        "does not ask the remote" + (f"; {_SETTINGS}" if checked else ""),
        ways=[_SIGN] if checked else [],
        details={"list": list_id},
    )


_SAFE_HERE = "your work is safe in the local branch, and "


def in_doubt(
    error: GittasksError | OSError, list_id: str, remote: str, *, also: str = ""
) -> RemoteFailure:
    """The answer to a push was lost, and the remote cannot be asked any more."""
    reason = error.message if isinstance(error, GittasksError) else str(error)
    return RemoteFailure(
        f"{reason}; whether {remote} took the change before that is unknown",
        hint=f"{also}the same command again does nothing twice",
        ways=[Way("find out, as soon as it can be reached", ("gittasks", "pull"))],
        details={"list": list_id, "outcome": "unknown"},
    )


def never_first(list_id: str, remote: str) -> EmptyRemote:
    """The error where a list would be the first branch of a repository."""
    return EmptyRemote(
        f'{remote} has no branch yet, and a forge makes the first one its default: "{list_id}" '
        "was not pushed",
        ways=[
            Way("push your code first", ("git", "push", remote, "HEAD"), decision=True),
            Way("or the list all the same", ("gittasks", "push", "--first"), decision=True),
        ],
        details={"list": list_id},
    )


def in_the_way(list_id: str, remote: str, other: str, ref: str) -> Refused:
    """The error where a branch on the remote keeps git from making that of a list."""
    other, name = other.removeprefix("refs/heads/"), ref.removeprefix("refs/heads/")
    return Refused(
        "branch-name",
        f'the branch "{other}" on {remote} stands in the way of "{name}": git cannot hold both',
        hint=f"or rename that branch on {remote}",
        ways=[Way("choose another prefix", ("git", "config", _PREFIX, "tasks-"), decision=True)],
        details={"list": list_id},
    )


def partly_pushed(list_id: str, remote: str, missed: Sequence[str]) -> RemoteFailure:
    """The error where the remote took a list, and further URLs that it pushes to did not."""
    return RemoteFailure(
        f'{remote} took "{list_id}", but {"; ".join(missed)}',
        hint="run this again later",
        ways=[
            Way("see all of them", ("git", "remote", "get-url", "--push", "--all", remote), True)
        ],
        details={"list": list_id},
    )


_PREFIX = "gittasks.branchPrefix"
_ACCEPT = ("gittasks", "sync", "--accept-rewrite")
_ROUNDS = 100
"""Races that one list or operation may lose; each loss means that somebody else's went in."""
_DOUBTS = 2
"""Times that a remote may end the connection without a word before that is an answer."""
_CROWD = 24
"""Others whom the pauses of who was beaten leave room for, in rounds of its own."""
_SAFE = "nothing is lost; fix the cause and run this again"
_LONG = 1.0
"""Seconds of a round that count for its pause: what it took longer was no race."""


def run(
    stores: Sequence[ListStore],
    remote: str,
    wish: SyncOptions,
    there: frozenset[str] | None = None,
    look: Look | None = None,
) -> list[SyncResult]:
    """Bring lists and the remote in line; one that fails stops no other.

    `there` are the lists that the remote has, `look` is what a fetch of the only list has shown,
    where that is known already.
    """
    before = look.before if look else None
    exchanges = {store.list_id: _ListSync(store, remote, wish, before) for store in stores}
    running = dict(exchanges)
    urls = home.urls_of(stores[0].repository, remote) if stores else None
    decided = urls is None or urls.decided
    for attempt in range(_ROUNDS):
        if not running:
            break
        began = time.monotonic()
        if wish.fetch or attempt or not decided or any(e.is_only_fetched for e in running.values()):
            with _ending(running.values()):
                _fetch(running, remote, *((None, None) if attempt else (there, look)))
        for exchange in running.values():
            exchange.guarded(exchange.integrate)
        commits = {i: c for i, e in running.items() if (c := e.guarded(e.to_push))}
        if commits:
            with _ending(running.values()):
                _push(running, remote, commits, decided=decided)
        running = {i: e for i, e in running.items() if not e.settled}
        if running:
            _wait_for_turn(attempt, time.monotonic() - began)
    for exchange in running.values():
        exchange.give_up()
    return [exchange.result for exchange in exchanges.values()]


class _ending:  # noqa: N801  called as a function, as `suppress` is
    """Have an error of the remote or of the disk end these exchanges, where they still run.

    What they pushed in an earlier round stays pushed, and no error says otherwise.
    """

    def __init__(self, exchanges: Iterable[_ListSync]) -> None:
        self._exchanges = exchanges

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> bool:
        if not isinstance(error, (RemoteFailure, Busy, OSError)):
            return False
        failure = failure_of(error, hint=_SAFE)
        for exchange in self._exchanges:
            if not exchange.settled:
                exchange.fail(failure)
        return True


def longest_pause(beaten: int) -> int:
    """The longest pause, in rounds of one's own, after so many lost races before this one.

    It grows while it may be that only few are in the way, and then shrinks: whoever has waited
    longer comes back sooner than those who came later, so all are served nearly in turn.
    """
    return max(1, min(2 << beaten, _CROWD - 2 * beaten))


def _wait_for_turn(beaten: int, seconds: float) -> None:
    """Pause after a round that took so many seconds, and was lost."""
    longest = longest_pause(beaten) * min(seconds, _LONG)
    Backoff(first=longest, most=longest).wait(0)


def _make_whole(store: ListStore) -> None:
    """Put back what git removed beside writes: it can neither fetch nor push without that."""
    with suppress(OSError, InvalidData):  # it fails then, and says why
        if head := store.repository.refs.read(store.ref):
            store.repository.objects.put_back(store.ref, head)


def _fetch(
    running: Mapping[str, _ListSync],
    remote: str,
    there: frozenset[str] | None,
    look: Look | None,
) -> None:
    """Fetch for all that are running; when that fails, it failed for each."""
    repository = next(iter(running.values())).repository
    present = [list_id for list_id in running if there is None or list_id in there]
    while True:
        try:
            absent = _shown_absent(look) if look else remotes.fetch(repository, remote, present)
            break
        except Refused as error:  # the tracking ref of one list has another's name in the way
            list_id = error.details["list"]
            running[list_id].fail(error)
            present.remove(list_id)
            look = None
    for list_id in present:
        leases.record_observations(repository, remote, list_id)
    missing = absent.union(running.keys() - set(present))
    _fetch_side_branches(running, remote)
    for list_id, exchange in running.items():
        if exchange.settled:
            continue
        exchange.note_fetched(absent=list_id in missing)


def _shown_absent(look: Look) -> frozenset[str]:
    """The lists that a fetch did not find; raises what it ended with."""
    if look.error:
        raise look.error
    return look.absent


def _fetch_side_branches(running: Mapping[str, _ListSync], remote: str) -> None:
    """Fetch the branches of other names that are known to hold one of the lists."""
    repository = next(iter(running.values())).repository
    names = {e.result.pushed_as for e in running.values() if e.result.pushed_as}
    sides = side_branches.fetched(repository, remote)
    names |= {s.name.removeprefix(f"{remote}/") for s in sides if s.list_id in running}
    if names:
        remotes.fetch_side_branches(repository, remote, sorted(names))
        sides = side_branches.fetched(repository, remote)
    for exchange in running.values():
        exchange.sides = sides


def _push(
    running: Mapping[str, _ListSync], remote: str, commits: Mapping[str, str], *, decided: bool
) -> None:
    """Push for those that may be; what became of it is noted with each."""
    repository = next(iter(running.values())).repository
    pushed = dict(commits)
    if any(running[i].must_follow for i in commits) and _is_first(repository, remote):
        for list_id in [i for i in commits if running[i].must_follow]:
            running[list_id].fail(never_first(list_id, remote))
            del pushed[list_id]
    only_at = _drop_removed(running, remote, pushed)
    divided = frozenset() if decided else _divided(repository, remote, list(pushed))
    for list_id in divided:
        running[list_id].fail(home.divided(repository, list_id, remote, _DIFFER))
    for list_id in [i for i in pushed if not decided and running[i].has_moved]:
        commit = running[list_id].guarded(running[list_id].grown)
        pushed |= {list_id: commit} if commit else {}
    going: dict[str, str] = {}
    for list_id in [i for i in pushed if not running[i].settled]:
        ref = running[list_id].ref
        if ref in going:
            running[list_id].fail(side_branches.shared_name(list_id, going[ref], ref))
        going.setdefault(ref, list_id)
    refspecs = {ref: pushed[list_id] for ref, list_id in going.items()}
    only_at = {ref: tip for ref, tip in only_at.items() if ref in refspecs}
    answers = _push_onto(repository, remote, refspecs, only_at) if refspecs else {}
    for ref, list_id in going.items():
        with _ending([running[list_id]]):
            running[list_id].note_pushed(pushed[list_id], answers[ref])


def _push_onto(
    repository: Repository, remote: str, refspecs: Mapping[str, str], only_at: Mapping[str, str]
) -> dict[str, remotes.Pushed]:
    """Push commits; those in `only_at` only onto the head that the remote was last seen at.

    To git that is a forced push (`--force-with-lease`): it would take away whatever of that head is
    not in the commit. Another process here may have pushed since the commit was chosen, and moved
    what is known of the remote with it; so this is looked at last.

        o---w         the commit that is to go
         \
          c           pushed by another process: the remote is at it, as it is known here by now
    """
    objects = repository.objects
    late = {ref for ref, tip in only_at.items() if not is_ancestor(objects, tip, refspecs[ref])}
    going = {ref: commit for ref, commit in refspecs.items() if ref not in late}
    onto = {ref: tip for ref, tip in only_at.items() if ref not in late}
    answers = remotes.push(repository, remote, going, onto) if going else {}
    return answers | dict.fromkeys(late, remotes.Pushed(PushOutcome.LOST, "it moved meanwhile"))


def _drop_removed(
    running: Mapping[str, _ListSync], remote: str, pushed: dict[str, str]
) -> dict[str, str]:
    """Keep back what a push without a fetch would put back: what the remote had and has no more.

    Where the commit is known that it had last, the push itself asks for that: returned are these
    by ref. A branch that is gone or has moved is refused then, and fetched. All others are looked
    at first.
    """
    unseen = [list_id for list_id in pushed if running[list_id].must_be_there]
    only_at = {running[i].ref: tip for i in unseen if (tip := running[i].known_tip)}
    unseen = [list_id for list_id in unseen if running[list_id].ref not in only_at]
    repository = next(iter(running.values())).repository
    shown = remotes.branches(repository, remote) if unseen else {}
    for list_id in unseen:
        if repository.ref(list_id) not in shown:
            running[list_id].note_removed()
            del pushed[list_id]
    return only_at


# --- a remote that is fetched from one URL and pushed to others ----------------------------------
#
#     url ──fetch──▶ here ──push──▶ pushurl        one repository by two ways, or two repositories?
#
# Two that show the same before a push may still be two: only what is fetched afterwards tells.

_DIFFER = "they show different heads of the list"
_UNSEEN = "what was pushed to the one does not show at the other"
_LOOKS = 3
"""Looks at both before they are held to be two: others push meanwhile, and replicas lag."""
_LOOK_AGAIN = Backoff(first=0.2, most=1.0, least=1.0)


def _divided(repository: Repository, remote: str, list_ids: Sequence[str]) -> frozenset[str]:
    """The lists of which the fetched URL and those pushed to show different heads.

    fetched  o---A- - - - - - -o---B     others push meanwhile: what the one shows lies between
    pushed to         o---X              two fetches from the other, so it is one repository
    """
    urls = home.urls_of(repository, remote)
    pushed = urls.push if urls else ()
    differing = frozenset(list_ids)
    for look in range(_LOOKS):
        if look:
            _LOOK_AGAIN.wait(look - 1)
            remotes.fetch(repository, remote, sorted(differing))
        targets = {i: side_branches.pushed_ref(repository, i) for i in differing}
        before = {ref: _seen(repository, remote, ref) for ref in targets.values()}
        shown = [remotes.branches(repository, remote, url) for url in pushed]
        if any(s.get(ref) != before[ref] for s in shown for ref in before):
            remotes.fetch(repository, remote, sorted(differing))
        differing = frozenset(
            i
            for i, ref in targets.items()
            for heads in ((before[ref], s.get(ref), _seen(repository, remote, ref)) for s in shown)
            if not _lies_between(repository, *heads)
        )
        if not differing:
            break
    return differing


def _lies_between(
    repository: Repository, before: str | None, shown: str | None, after: str | None
) -> bool:
    """True when a head that the one shows is where the other came by between two looks."""
    if shown == before:
        return True
    objects = repository.objects
    if shown is None or after is None or not objects.has(shown):
        return False
    grown = before is None or is_ancestor(objects, before, shown)
    return grown and is_ancestor(objects, shown, after)


def _seen(repository: Repository, remote: str, ref: str) -> str | None:
    """The commit of a branch on a remote, as it was last fetched."""
    return repository.refs.read(side_branches.tracking_ref(remote, ref))


def _shows(repository: Repository, remote: str, list_id: str, commit: str) -> bool:
    """True when the fetched URL holds a commit that was pushed to another."""
    branch = side_branches.pushed_as(repository, list_id)
    for look in range(_LOOKS):
        if look:
            _LOOK_AGAIN.wait(look - 1)
        remotes.fetch(repository, remote, [list_id])
        remotes.fetch_side_branches(repository, remote, [branch] if branch else [])
        tracked = _seen(repository, remote, side_branches.pushed_ref(repository, list_id))
        if tracked and is_ancestor(repository.objects, commit, tracked):
            return True
    return False


def _is_first(repository: Repository, remote: str) -> bool:
    """True when a list would be the first branch on the remote, and there is code to be that."""
    lists = {repository.ref(list_id) for list_id in repository.local_lists()}
    has_code = any(name not in lists for name, _ in repository.refs.listed("refs/heads/"))
    return has_code and not remotes.branches(repository, remote)


def _is_dropped(store: ListStore) -> bool:
    return store.load().snapshot.info.state is ListState.DROPPED


class _ListSync:
    """One list on its way: what is known of the remote, what came in, what is to go out."""

    def __init__(
        self, store: ListStore, remote: str, wish: SyncOptions, before: Heads | None
    ) -> None:
        self.repository = store.repository
        self.ref = side_branches.pushed_ref(store.repository, store.list_id)
        """The ref on the remote that it is pushed to."""
        pushed_as = side_branches.pushed_as(store.repository, store.list_id)
        self.result = SyncResult(store.list_id, remote, pushed_as=pushed_as)
        self.settled = False
        self.sides: Sequence[side_branches.SideBranch] | None = None
        """The side branches of the remote, where they were just fetched."""
        self._store = store
        self._list_id = store.list_id
        self._remote = remote
        self._wish = wish
        self._before = before or store.heads()
        self._absent = self._looked = False
        self._received: dict[str, CommitInfo] = {}
        self._unsent: tuple[CommitInfo, ...] = ()
        self._offered: dict[str, CommitInfo] = {}
        self._doubts = self._stuck = 0
        self._is_doubtful = False
        """Was the answer to the last push lost, and nobody has looked since?"""
        self._urls: home.Urls | None = None
        self._tip: tuple[str | None, ...] = ()

    def note_fetched(self, *, absent: bool) -> None:
        """Take in what a fetch said of this list."""
        self._absent, self._looked, self._is_doubtful = absent, True, False
        if not absent:
            self._note_shown()
        elif any(self._store.heads().all) and remotes.held(
            self.repository, self._remote, self._list_id
        ):
            if self._wish.accept_rewrite:
                remotes.forget_published(self.repository, self._remote, self._list_id)
            else:
                self.note_removed()

    def note_removed(self) -> None:
        """Follow where a list that was dropped has been deleted; else say that it is gone.

        What was sent before is nobody's loss here; what was not is told as an error.
        """
        store, remote = self._store, self._remote
        held = remotes.held(self.repository, remote, self._list_id)
        heads = store.heads()
        unsent = removal.unsent(store, held)
        try:
            if any(heads[:2]) and not unsent and _is_dropped(store):
                removal.remove(store, remote, heads.local)
                self.result = self.result._replace(removed=True, deleted=True)
                self.settled = True
                return
        except GittasksError as error:  # a worktree has it checked out, or it moves just now
            self.fail(error)
            return
        self.result = self.result._replace(removed=not unsent, kept=heads.local is not None)
        self.fail(removed(self._list_id, remote, len(unsent)))

    def _note_shown(self) -> None:
        """A list that a fetch has shown there may not be missed there later on unsaid."""
        place = (self.repository, self._remote, self._list_id)
        if remotes.published(*place) is None:
            known = remotes.held(*place) or self._store.heads().tracked
            if known:
                remotes.record_published(*place, known)

    def integrate(self) -> None:
        """Bring the local branch to what the list says with what was fetched."""
        if self.settled:
            return
        try:
            self._take_in()
            if self._wish.push and self._absent and self.is_only_fetched:
                transaction.create(self._store, self._before.tracked)
            if self._store.heads().tracked != self._before.tracked:
                transaction.make_ready()  # what came in may have to be merged
            if self._wish.accept_rewrite:  # what the remote had is here before it is forgotten
                transaction.hold(self._store)
                remotes.forget_published(self.repository, self._remote, self._list_id)
            evaluated, lagging, _ = transaction.integrate(self._store, apart=True)
            if evaluated.behind:
                self.result = self.result._replace(behind=True)
            if evaluated.behind and evaluated.branch.heads.local:
                evaluated, lagging, _ = transaction.integrate(self._store, apart=True)
        except GittasksError as error:
            is_gone = isinstance(error, NoList) and not isinstance(error, BranchGone)
            self.fail(nowhere(self._list_id, self._remote) if is_gone else error)
            return
        if self._is_gone(evaluated.branch.heads):
            return
        self._note_merged(evaluated, lagging)
        if evaluated.branch.apart:
            self.fail(unmergeable(evaluated.branch.apart, self._list_id, self._remote))
            return
        if not self._wish.push:
            self.result = self.result._replace(absent=self._absent)
            self._finish()

    def _note_merged(self, evaluated: Evaluated, lagging: tuple[str, ...]) -> None:
        """Keep what a merge here showed: the list, its conflicts, what came and what goes."""
        branch = evaluated.branch
        received = evaluated.received
        if not branch.heads.local and self._before.tracked != branch.heads.tracked:
            received = self._store.news(self._before.tracked)
        self._received |= {c.id: c for c in received}
        self._unsent = evaluated.unsent
        if branch.heads.local:
            branch = branch._replace(heads=branch.heads._replace(local=branch.commit))
        self.result = self.result._replace(
            branch=branch,
            conflicts=evaluated.conflicts,
            lagging=lagging,
            rounds=self.result.rounds + 1,
        )

    def _is_gone(self, heads: Heads) -> bool:
        """Fail where a ref of the list was here and is not: somebody removes it just now."""
        local = self._before.local and not heads.local
        tracked = self._before.tracked and not heads.tracked and not self._absent
        if not local and not tracked:
            return False
        message = f'a branch of "{self._list_id}" was removed while this ran'
        self.fail(Busy(message, hint="run this again"))
        return True

    def _take_in(self) -> None:
        """Take in what side branches of the remote hold; one that cannot be had stops nothing."""
        sides, self.sides = self.sides, None
        if sides is None:
            sides = side_branches.fetched(self.repository, self._remote)
        for side in side_branches.unmerged(self._store, sides):
            try:
                received = self._received_from(side)
            except GittasksError as error:
                sentence = f"{side.name} was not taken in: {error.message}"
                self.result = self.result._replace(untaken=(*self.result.untaken, sentence))
                continue
            self._received |= {c.id: c for c in received}
            self.result = self.result._replace(taken=(*self.result.taken, side.name))

    def _received_from(self, side: side_branches.SideBranch) -> tuple[CommitInfo, ...]:
        """Take in one side branch; the operations that came with it, parents first."""
        store, heads = self._store, self._store.heads()
        if heads.local is None:
            transaction.create(store, heads.tracked or side.commit)
            if heads.tracked is None:
                return tuple(reversed(list(store.walk(side.commit))))
            if heads.tracked != self._before.tracked:
                self._received |= {c.id: c for c in store.news(self._before.tracked)}
        transaction.make_ready()
        evaluated = transaction.integrate(store, beside=side.commit, apart=True).evaluated
        if evaluated.branch.apart:
            raise unmergeable(evaluated.branch.apart, self._list_id, self._remote)
        return evaluated.received

    @property
    def is_only_fetched(self) -> bool:
        """True when it is here as fetched alone: from another remote, or from an earlier URL."""
        return self._before.local is None and self._before.tracked is not None

    @property
    def has_moved(self) -> bool:
        """True when the remote was seen to be further than when it was last taken in."""
        branch = self.result.branch
        return branch is not None and self._store.heads().tracked != branch.heads.tracked

    def grown(self) -> str | None:
        """The commit that the remote should have, with what came since; as `to_push`."""
        self.integrate()
        return self.to_push()

    def to_push(self) -> str | None:
        """The commit that the remote should have; None when it has it, or there is none."""
        if self.settled:
            return None
        heads = self._store.heads()
        if self._is_gone(heads):
            return None
        looked = self._wish.fetch or self.result.rounds > 1
        self._urls = urls = home.urls_of(self.repository, self._remote)
        level = looked and not self._absent and heads.local == heads.tracked
        if self.result.pushed_as:
            level = level or heads.local == self._shown
        # That the fetched URL has it says nothing of the others.
        if heads.local is None or (level and not (urls and urls.apart)):
            self._finish()
            return None
        try:
            side_branches.check_own(self.repository, self._remote, self._list_id)
            if self.result.branch:  # what is no list is not pushed either
                transaction.check_writable(self._store, self.result.branch)
            published = remotes.published(self.repository, self._remote, self._list_id)
            if make_anew(self._store, published):
                self.integrate()
                return self.to_push()
        except GittasksError as error:
            self.fail(error)
            return None
        unsent = self._unsent
        if self._absent or not heads.tracked:  # all of it is new there
            unsent = tuple(reversed(list(self._store.walk(heads.local))))
        if self.result.pushed_as and self._shown:
            beside = self._store.merged(Heads(heads.local, self._shown), None, apart=True).unsent
            unsent = tuple(commit for commit in beside if commit in unsent)
        self._offered |= {c.id: c for c in unsent}
        return heads.local

    @property
    def _shown(self) -> str | None:
        """The commit of the branch that it is pushed to, as it was last seen on the remote."""
        return _seen(self.repository, self._remote, self.ref)

    @property
    def must_be_there(self) -> bool:
        """True when the remote had it, and has not been asked since."""
        known = remotes.held(self.repository, self._remote, self._list_id)
        return known is not None and not self._looked and not self.result.pushed_as

    @property
    def known_tip(self) -> str | None:
        """The commit that the remote showed last, which what is here has grown from."""
        tracked = self._store.heads().tracked
        published = remotes.published(self.repository, self._remote, self._list_id)
        apart = self._urls is not None and self._urls.apart
        return tracked if tracked == published and not apart else None

    @property
    def must_follow(self) -> bool:
        """True when it is pushed there for the first time, and so not before the code."""
        return not self._wish.first and (self._absent or not self._store.heads().tracked)

    def note_pushed(self, commit: str, pushed: remotes.Pushed) -> None:
        """Take in what became of a push."""
        if pushed.outcome is PushOutcome.OK:
            self._note_taken(commit, pushed)
        elif pushed.outcome is PushOutcome.UNKNOWN:
            self._doubts += 1
            self._is_doubtful = True  # the next fetch tells whether it is there
        elif pushed.outcome is PushOutcome.LOST:
            if error := _blocked(self._store, self._remote, self.ref):
                self.fail(error)
                return
            tip = self._shown  # nobody was first if that stays as it is
            self._stuck = self._stuck + 1 if self._tip == (tip,) else 0
            self._tip = (tip,)
        if pushed.outcome is PushOutcome.REFUSED or self._doubts > _DOUBTS or self._stuck > _DOUBTS:
            self.fail(refused(self._list_id, self._remote, pushed.reason))

    def _note_taken(self, commit: str, pushed: remotes.Pushed) -> None:
        """Take in that a push went in, where the URL that is fetched from shows it."""
        repository, place = self.repository, (self._remote, self._list_id)
        urls = self._urls
        try:
            if urls and not urls.decided and not _shows(repository, *place, commit):
                raise home.divided(repository, self._list_id, self._remote, _UNSEEN)
        except NoRemote as error:
            self.fail(error)
            return
        except (RemoteFailure, OSError) as error:
            self.fail(in_doubt(error, self._list_id, self._remote, also=_SAFE_HERE))
            return
        known = None
        with suppress(GittasksError, OSError):  # it is there, and the next fetch says so
            if self.result.pushed_as:
                known = self._store.heads().tracked
                home.adopt(repository, self._list_id, self._remote)
                name = side_branches.tracking_ref(self._remote, self.ref)
                remotes.note_branch(repository, self._list_id, name, commit)
            else:
                remotes.note_tracking(repository, *place, commit)
        self.result = self.result._replace(created=pushed.created and not known)
        self._finish()
        if pushed.missed:
            self.fail(partly_pushed(self._list_id, self._remote, pushed.missed))

    def guarded(self, step: Callable[[], str | None]) -> str | None:
        """Take a step; an error of the disk ends this exchange, and no other."""
        try:
            return step()
        except OSError as error:
            self.fail(DiskFailure.of(error, hint=_SAFE))
            return None

    def give_up(self) -> None:
        """Others were always first."""
        message = f'others pushed to "{self._list_id}" on {self._remote} {_ROUNDS} times in a row'
        hint = "what they did is merged, and your work is safe here; run this again"
        self.fail(Busy(message, hint=hint))

    def fail(self, error: GittasksError) -> None:
        """It goes no further."""
        if self._is_doubtful:
            error = in_doubt(error, self._list_id, self._remote, also=_SAFE_HERE)
        self.result = self.result._replace(error=error, received=tuple(self._received.values()))
        self.settled = True

    def _finish(self) -> None:
        # What a side branch brought was on the remote before.
        outgoing = tuple(c for i, c in self._offered.items() if i not in self._received)
        incoming = tuple(self._received.values())
        self.result = self.result._replace(received=incoming, sent=outgoing)
        self.settled = True


_STUCK = 5
"""Times that the remote may turn a push away although nobody else's went in."""
_MOMENT = 2
"""Seconds after a write of one's own in which nobody else is likely to have written."""
_LOOK_EACH = 4
"""Of so many writes in a row one looks at the remote all the same."""
_ANYWHERE: Mapping[str, str] = {}


# here      o---C     C is made on the head that the remote was seen at, and is on no branch yet
#          /
# there  -o           receive-pack moves the branch from o to C (git-receive-pack): C stands, and
#                     the branch here follows
# there  -o---X       or the push is refused ("fetch first", "stale info": git-push), since X was
#                     first: X is looked at, and C made anew on it, if it can still be made


def commit_through_remote(
    store: ListStore,
    remote: str,
    propose: Propose,
    signatures: Signatures,
    *,
    first: bool = False,
) -> CommitResult:
    """Apply `propose` to the list as it is on the remote until the remote takes it.

    When it returns, the remote holds the commit and the local branch has it. Raises whatever
    `propose` raises, RemoteFailure when the remote cannot be reached or refuses, NoRemote when it
    is fetched from one repository and pushed to another, Busy when others always came first.
    """
    offer = _Offer(store, remote, propose, signatures, first=first)
    with _turn_of(store) as turn:
        for attempt in range(_ROUNDS):
            began = time.monotonic()
            if committed := offer.make(attempt, turn.mark_before):
                if committed.commit:
                    with suppress(OSError):  # it saves a look, and the write is done
                        turn.mark(committed.commit.id)
                return committed
            _wait_for_turn(attempt, time.monotonic() - began)
    raise Busy(
        f'others pushed to "{store.list_id}" on {remote} {_ROUNDS} times in a row',
        hint="nothing was changed; run this again",
    )


def _turn_of(store: ListStore) -> ListLock:
    """The queue of those here who ask the remote of a list: they would only race each other.

    Its mark is the commit that the remote took last from here. As with all locks of ours the
    remote decides, queue or not.
    """
    repository = store.repository
    path = turn_path_of(repository.common, store.ref)
    return ListLock(path, None, repository.shared, repository.announce)


class _Offer:
    """An operation that a remote is asked to take: what was offered so far, and what it said."""

    def __init__(
        self, store: ListStore, remote: str, propose: Propose, people: Signatures, *, first: bool
    ) -> None:
        self._store, self._remote, self._propose = store, remote, propose
        self._people, self._first = people, first
        urls = home.urls_of(store.repository, remote)
        self._decided = urls is None or urls.decided
        self._offered: transaction.PreparedCommit | None = None
        self._doubtful, self._stuck = False, 0
        self._tip: str | None = None

    def make(self, attempt: int, sent: str) -> CommitResult | None:
        """Look at the remote and offer it the commit; None when that was not taken.

        `sent` is what it took last from here, if that is known.
        """
        if attempt == 0 and (committed := self._unseen(sent)):
            return committed
        store, remote, repository = self._store, self._remote, self._store.repository
        evaluated, divided = self._look()
        tracked = evaluated.branch.heads.tracked
        old, objects = self._offered, repository.objects
        if old and tracked and is_ancestor(objects, old.commit.id, tracked):
            return _settle(store, remote, tracked, old)
        if divided:
            error = home.divided(repository, store.list_id, remote, _DIFFER)
            # The lost answer may have been a yes.
            if old and self._doubtful and not self._take_back(evaluated, old):
                raise in_doubt(error, store.list_id, remote)
            raise error
        proposal = self._propose(evaluated.branch)
        if proposal is None:
            return CommitResult(None)
        offered = self._prepare(evaluated, proposal)
        answer = self._push(offered.commit.id)
        if answer.outcome is PushOutcome.OK:
            if not self._decided:
                self._check_shown(evaluated, offered)
            settled = _settle(store, remote, offered.commit.id, offered, evaluated.branch)
            return settled._replace(unfinished=(*settled.unfinished, *answer.missed))
        self._note_refusal(answer, tracked, attempt)
        return None

    def _look(self) -> tuple[Evaluated, bool]:
        """The list as it is on the remote now, and whether that turns out to be two."""
        store, remote = self._store, self._remote
        try:
            evaluated = _look(store, remote, first=self._first)
            divided = not self._decided and _divided(store.repository, remote, [store.list_id])
            if store.heads().tracked != evaluated.branch.heads.tracked:  # others pushed meanwhile
                evaluated = store.evaluate()
        except (GittasksError, OSError) as error:
            if self._doubtful:
                raise in_doubt(error, store.list_id, remote) from error
            raise
        return evaluated, bool(divided)

    def _unseen(self, sent: str) -> CommitResult | None:
        """Offer the commit without a look before, where nobody is likely to have come in between.

        A look is a connection, and a push looks as well: it is given the head that it must find
        (`--force-with-lease`), so what moved, or went away, is left alone, and looked at then. A
        refusal, or that nothing is to do, is no answer before the look either.
        """
        store, remote = self._store, self._remote
        known = remotes.published(store.repository, remote, store.list_id)
        urls = home.urls_of(store.repository, remote)
        if known is None or urls is None or urls.apart or store.heads().tracked != known:
            return None
        try:
            branch = store.load()
            evaluated = store.evaluate() if branch.in_memory else Evaluated(branch)
            if evaluated.behind or evaluated.branch.apart:
                return None
            proposal = self._propose(evaluated.branch)
            times = self._people.committer.time, sent == known
            if proposal is None or not _is_fresh(store, known, proposal, *times):
                return None
            offered = self._prepare(evaluated, proposal)
        except GittasksError:
            return None
        answer = self._push(offered.commit.id, {store.ref: known})
        if answer.outcome is PushOutcome.OK:
            return _settle(store, remote, offered.commit.id, offered, evaluated.branch)
        self._note_refusal(answer, known, 0)
        return None

    def _push(self, commit: str, only_at: Mapping[str, str] = _ANYWHERE) -> remotes.Pushed:
        ref = self._store.ref
        return _push_onto(self._store.repository, self._remote, {ref: commit}, only_at)[ref]

    def _prepare(
        self, evaluated: Evaluated, proposal: transaction.Proposal
    ) -> transaction.PreparedCommit:
        """Write the objects of the commit that is offered, and no ref."""
        store = self._store
        evaluated = signing.signed_merge(store.repository, evaluated)
        offered = transaction.compose(store, evaluated.branch, proposal, self._people)
        local = evaluated.branch.heads.local
        worktrees.find_clean(store.repository, store.ref, local or offered.commit.id)
        store.repository.objects.write_commit(store.ref, local, [*evaluated.new, *offered.objects])
        self._offered = offered
        return offered

    def _note_refusal(self, answer: remotes.Pushed, tracked: str | None, attempt: int) -> None:
        """Take in that the commit was not taken; raise where trying again helps nothing."""
        store, remote = self._store, self._remote
        if answer.outcome is PushOutcome.LOST and (error := _blocked(store, remote, store.ref)):
            raise error
        self._stuck = self._stuck + 1 if attempt and tracked == self._tip else 0
        self._tip, self._doubtful = tracked, answer.outcome is PushOutcome.UNKNOWN
        if answer.outcome is PushOutcome.REFUSED or self._stuck > _STUCK:
            failure = not_taken(store.list_id, remote, answer.reason)
            raise in_doubt(failure, store.list_id, remote) if self._doubtful else failure

    def _check_shown(self, evaluated: Evaluated, offered: transaction.PreparedCommit) -> None:
        """Take the commit back where the URL that is fetched from does not show it."""
        store = self._store
        try:
            if _shows(store.repository, self._remote, store.list_id, offered.commit.id):
                return
        except (RemoteFailure, OSError) as error:
            raise in_doubt(error, store.list_id, self._remote) from None
        took_back = self._take_back(evaluated, offered)
        end = "it was taken back there" if took_back else "it could not be taken back there"
        raise home.divided(
            store.repository, store.list_id, self._remote, f"{_UNSEEN}; {end}, and not made here"
        )

    def _take_back(self, evaluated: Evaluated, offered: transaction.PreparedCommit) -> bool:
        """Put a commit that undoes the one that was offered on top of it, where that went."""
        store = self._store
        head = offered.commit.id
        branch = offered.after._replace(commit=head, heads=Heads(None, head))
        message = undo_message(store.list_id, head, os.urandom(10).hex())
        proposal = transaction.Proposal(evaluated.branch.snapshot, message)
        try:
            undone = transaction.compose(store, branch, proposal, self._people)
            store.repository.objects.write_commit(store.ref, head, undone.objects)
            answer = self._push(undone.commit.id)
        except (GittasksError, OSError):
            return False
        return answer.outcome is PushOutcome.OK and not answer.missed


def _blocked(store: ListStore, remote: str, ref: str) -> Refused | None:
    """The error for a list whose branch a remote cannot make, because of another's name."""
    repository = store.repository
    if _seen(repository, remote, ref):
        return None
    try:
        names = remotes.branches(repository, remote)
    except RemoteFailure:
        return None
    for name in names:
        if ref.startswith(f"{name}/") or name.startswith(f"{ref}/"):
            return in_the_way(store.list_id, remote, name, ref)
    return None


def _is_fresh(
    store: ListStore, known: str, proposal: transaction.Proposal, now: int, is_sent: bool
) -> bool:
    """True when a remote is likely to be still where it was seen, and is not to be looked at.

    Whoever writes now wrote its last commit, or another one here did (`is_sent`): a moment ago, or
    also the one before, so that nobody came in between then. Where that is wrong it costs a
    connection; where right it saves one. Who writes without a pause looks now and then all the
    same: others, who have to look first, would never be first else.
    """
    head, writer = store.commit(known), _writer(proposal.message)
    is_own = _writer(head.message) == writer
    since = now - head.committer.time
    # Who had to queue for its turn began before that commit.
    if (is_sent or (is_own and since >= 0)) and since <= _MOMENT:
        return int(known, 16) % _LOOK_EACH != 0
    return is_own and any(
        _writer(store.commit(parent).message) == writer for parent in head.parents
    )


def _writer(message: str) -> tuple[list[str] | None, ...]:
    trailers = parse_trailers(message)
    return trailers.get(OWNER), trailers.get(SESSION)


def _look(store: ListStore, remote: str, *, first: bool) -> Evaluated:
    """The list as it is on the remote now, with what is here on top."""
    repository, list_id = store.repository, store.list_id
    _make_whole(store)
    absent = remotes.fetch(repository, remote, [list_id])
    if list_id in absent and remotes.held(repository, remote, list_id):
        raise removed(list_id, remote)
    if list_id in absent and not first and _is_first(repository, remote):
        raise never_first(list_id, remote)
    try:
        evaluated = store.evaluate()
        if evaluated.behind and evaluated.branch.heads.local:
            # what the remote lost is here again first
            transaction.integrate(store)
            evaluated = store.evaluate()
    except NoList:
        raise nowhere(list_id, remote) from None
    if evaluated.branch.apart:
        raise unmergeable(evaluated.branch.apart, list_id, remote)
    return evaluated


def _settle(
    store: ListStore,
    remote: str,
    tracked: str,
    prepared: transaction.PreparedCommit,
    before: ListVersion | None = None,
) -> CommitResult:
    """The remote holds the commit: so does the local branch now, with whatever came meanwhile.

    `before` is what it was prepared on, where the remote is known to be at just that commit.
    """
    after, record = transaction.Aftermath(), transaction.Aftermath()
    lagging: tuple[str, ...] = ()
    with record.step(f"that {remote} has it is not recorded here; gittasks pull does that"):
        remotes.note_tracking(store.repository, remote, store.list_id, tracked)
    with after.step(f"{remote} has it, and the branch here not yet; gittasks pull brings it"):
        if store.heads().local is None:
            after.unfinished += transaction.create(store, tracked).unfinished
        moved = transaction.follow(store, before, prepared) if before else None
        if moved is None:
            moved = transaction.integrate(store, tracked)[1:]
        lagging = moved[0]
        after.unfinished += [*record.unfinished, *moved[1]]  # else one pull brings both
        transaction.ensure_present(store.repository, prepared.objects)
    return CommitResult(prepared.commit, lagging, tuple(after.unfinished), prepared.earlier)


_NOBODY = (MERGE_SIGNER.encode(), ROOT_SIGNER.encode())


def make_anew(store: ListStore, published: str | None) -> bool:
    """Make what was never pushed anew by `gittasks.identity` and `gittasks.sign`; True if so.

    `published` is what the remote was known to hold. Trees, messages, authors and dates stay: to
    the merge these are the same commits.
    """
    repository, objects = store.repository, store.repository.objects
    sign = signing.signer(repository)
    heads = store.heads()
    if heads.local is None or (objects.identity is None and sign is None):
        return False
    merge_message = f"{merge_subject(store.list_id)}\n".encode()
    identity = objects.identity.encode("utf-8", "surrogateescape") if objects.identity else None
    renamed: dict[bytes, bytes] = {}
    new: list[NewObject] = []
    for commit_id in _unpushed(store, heads.local, published):
        old = objects.read(commit_id, "commit")
        content = _rewritten(old, renamed, identity, merge_message)
        if content == old and (sign is None or signing.is_signed(old)):
            continue
        content = signing.unsigned(content)
        if sign is not None:
            content = signing.with_signature(objects.form, content, sign)
        new.append(objects.form.new("commit", content))
        renamed[commit_id.encode()] = new[-1].id.encode()
    if not new:
        return False
    return transaction.replace(store, heads.local, new)


def _unpushed(store: ListStore, local: str, published: str | None) -> list[str]:
    """The commits of the branch that no remote was seen to have, parents first."""
    repository = store.repository
    args = ["rev-list", "--topo-order", "--reverse", "--ignore-missing", local, "--not"]
    args += ["--remotes", *([published] if published else [])]
    place = [*git.NO_HOOKS, f"--git-dir={repository.common}"]
    answer = git.run([*place, *args], cwd=repository.common, env=git.unbound(repository.env))
    if answer.returncode != 0:
        raise InvalidData(f"git rev-list failed: {git.first_line(answer.stderr)}")
    return answer.stdout.decode("ascii").split()


def _rewritten(
    content: bytes, renamed: dict[bytes, bytes], identity: bytes | None, merge_message: bytes
) -> bytes:
    """The content of a commit on parents that were made anew, by the identity if by nobody."""
    head, _, message = content.partition(b"\n\n")
    lines = head.split(b"\n")
    parents = [renamed.get(line[7:], line[7:]) for line in lines if line.startswith(b"parent ")]
    if message == merge_message:
        parents.sort()
    after: list[bytes] = []
    for line in lines:
        key, _, value = line.partition(b" ")
        if key == b"parent":
            after.append(b"parent " + parents.pop(0))
        elif identity and key in (b"author", b"committer") and value.startswith(_NOBODY):
            after.append(b"%s %s%s" % (key, identity, value[value.index(b">") + 1 :]))
        else:
            after.append(line)
    return b"\n".join(after) + b"\n\n" + message
