"""Remotes, and what the installed git reports when it talks to one.

git does the talking, so credentials, ssh, proxies and rewritten URLs are as the user has them. What
a remote refuses is a value here, not an error: a lost race is the ordinary case.
"""

from __future__ import annotations

import os
import time

from gittasks.core.ids import list_id_fault
from gittasks.errors import InvalidData, Refused, RemoteFailure, Way
from gittasks.light import TYPE_CHECKING, NamedTuple, StrEnum, pattern, suppress
from gittasks.store import discovery, disk, git, home, lock_files, platform, refs
from gittasks.store.disk import Backoff

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from gittasks.store.git import Completed
    from gittasks.store.repository import Repository


def published(repository: Repository, remote: str, list_id: str) -> str | None:
    """The commit of a list that the repository at a remote's URL was last known to hold."""
    commit = _record(_published_path(repository, remote, list_id))
    return commit if refs.is_object_id(commit) else None


def record_published(repository: Repository, remote: str, list_id: str, commit: str) -> None:
    """Remember what a fetch from a remote, or a push to it, has just shown."""
    if published(repository, remote, list_id) != commit:
        path = _published_path(repository, remote, list_id)
        disk.put(path, commit.encode() + b"\n", repository.shared)


def forget_published(repository: Repository, remote: str, list_id: str) -> None:
    """Forget what a remote held: a person accepts that it was rewritten."""
    disk.remove(_published_path(repository, remote, list_id))
    disk.remove(_seen_path(repository, remote, list_id))


def forget_urls(repository: Repository, list_id: str) -> None:
    """Forget what any URL held of a list that is gone from here, also of remotes that moved."""
    for key in disk.names_in(_urls_folder(repository)):
        disk.remove(_url_path(repository, key, list_id))
    disk.remove(_missed_path(repository, list_id))


def _missed_path(repository: Repository, list_id: str) -> str:
    branch = repository.ref(list_id).removeprefix("refs/heads/")
    return os.path.join(repository.common, "gittasks", "missed", branch)


def held(repository: Repository, remote: str, list_id: str) -> str | None:
    """The commit that a remote held, as far as is known: shown by it, else seen as fetched."""
    if commit := published(repository, remote, list_id):
        return commit
    commit, _, url = _record(_seen_path(repository, remote, list_id)).partition(" ")
    mine = url == _url_key(repository, remote)
    return commit if mine and refs.is_object_id(commit) else None


def note_seen(repository: Repository, remote: str, list_id: str, tracked: str) -> None:
    """Remember where a read saw the tracking ref, which git or another program may have moved.

    A ref that has not moved since the remote was pointed elsewhere says nothing of the new URL.
    """
    if published(repository, remote, list_id):
        record_published(repository, remote, list_id, tracked)
        return
    path = _seen_path(repository, remote, list_id)
    commit, _, seen_at = _record(path).partition(" ")
    if commit != tracked or not seen_at:
        url = _url_that_showed(repository, remote, list_id, tracked)
        disk.put(path, f"{tracked} {url}\n".encode(), repository.shared)


def _url_that_showed(repository: Repository, remote: str, list_id: str, tracked: str) -> str:
    """The URL, as a file name, that a tracking ref is from: its remote's, or an earlier one of it.

    That is one which is known to have shown that very commit, and is not where another remote is;
    or the one that git cloned from, where no remote is any more.
    """
    own = _url_key(repository, remote)
    shown = {
        key
        for key in disk.names_in(_urls_folder(repository))
        if _record(_url_path(repository, key, list_id)) == tracked
    }
    for name in repository.remotes() if shown else ():
        with suppress(InvalidData):
            if repository.refs.read(repository.tracking_ref(name, list_id)) == tracked:
                shown.discard(_url_key(repository, name))
    former = None if shown else home.cloned_from(repository)
    return min(shown, default=disk.short_hash(former) if former else own)


def _published_path(repository: Repository, remote: str, list_id: str) -> str:
    return _url_path(repository, _url_key(repository, remote), list_id)


def _urls_folder(repository: Repository) -> str:
    return os.path.join(repository.common, "gittasks", "published", "url")


def _url_path(repository: Repository, key: str, list_id: str) -> str:
    branch = repository.ref(list_id).removeprefix("refs/heads/")
    return os.path.join(_urls_folder(repository), key, branch)


def _seen_path(repository: Repository, remote: str, list_id: str) -> str:
    ref = repository.tracking_ref(remote, list_id).removeprefix("refs/remotes/")
    return os.path.join(repository.common, "gittasks", "published", "seen", ref)


def _url_key(repository: Repository, remote: str) -> str:
    """The URL of a remote as a file name."""
    urls = home.urls_of(repository, remote)
    text = home.address(urls.fetch) if urls else remote
    return disk.short_hash(text)


def _record(path: str) -> str:
    try:
        return disk.read(path).decode("ascii", "replace").strip()
    except OSError:
        return ""


LEASES = "refs/gittasks/leases/"
"""The prefix of the refs of all leases given here, of any list."""


def leases_of(list_id: str) -> str:
    """The prefix of the refs of all leases of a list, on a remote or without one."""
    return f"{LEASES}{list_id}/"


def seen_leases(remote: str, list_id: str) -> str:
    """The prefix of the refs that say which leases a remote was seen to have."""
    return f"refs/gittasks/seen/{remote}/{list_id}/"


def lease_record(repository: Repository, remote: str | None, list_id: str) -> str:
    """The file that says when each lease was first seen as it is (here, without a remote)."""
    name = os.path.join(f"remote-{remote}" if remote else "local", list_id)
    return os.path.join(repository.common, "gittasks", "leases", name)


class PushOutcome(StrEnum):
    """The end of a push; only what is `ok` is known to be there.

    `unknown`: the connection ended before the remote said. `lost`: somebody was first.
    """

    OK = "ok"
    UNKNOWN = "unknown"
    LOST = "lost"
    REFUSED = "refused"


class Pushed(NamedTuple):
    """The outcome of a push for one ref."""

    outcome: PushOutcome
    reason: str = ""
    created: bool = False
    missed: tuple[str, ...] = ()
    """Sentences about further URLs of the remote that did not take it."""


_ANYWHERE: Mapping[str, str] = {}
_LOST = (
    "fetch first",
    "non-fast-forward",
    "failed to update ref",
    "cannot lock ref",
    "incorrect old value",
    "reference already exists",
    "reference does not exist",
    "refname conflict",
    "stale info",
    "needs force",
)
"""Git's ways to say that the remote's ref is another than was seen (transport.c, receive-pack.c,
refs.c): it moved, came or went, or there is one now whose name is in the way."""
_RACED = (b"cannot lock ref", b"unable to update local ref")
_RACES = 5
_BACKOFF = Backoff(first=0.05, most=1.6, least=0.5)
_UNSURE = ("failed to report status", "remote failure")
_PATIENCE = ("http.lowSpeedLimit=1", "http.lowSpeedTime=120")
"""Two minutes of silence end a connection: git by itself would wait for ever."""
_ABSENT = pattern(r"couldn't find remote ref (\S+)")


def lists(repository: Repository, remote: str) -> frozenset[str]:
    """The lists that a remote has; RemoteFailure. Without a prefix, of those known here."""
    pattern = f"{repository.ref('')}*"
    answer = _talk(repository, ["ls-remote", "--refs", "--end-of-options", remote, pattern])
    if answer.returncode != 0:
        raise _failure(f"cannot reach {remote}", answer.stderr)
    names = answer.stdout.decode("utf-8", "replace").split()[1::2]
    list_ids = {name.removeprefix(repository.ref("")) for name in names}
    if repository.prefix == "refs/heads/":
        list_ids &= {*repository.local_lists(), *repository.tracked_lists().get(remote, {})}
    return frozenset(i for i in list_ids if list_id_fault(i) is None)


def fetch(repository: Repository, remote: str, list_ids: Sequence[str]) -> frozenset[str]:
    """Bring the tracking refs of lists up to date, and what is seen of their leases.

    Returns the lists that the remote does not have; RemoteFailure. A tracking ref says what the
    remote shows, also where that lost something: what it held before is in its record, and the
    evaluation compares the two.
    """
    absent: set[str] = set()
    remaining = list(list_ids)
    for list_id in remaining:
        _note_before(repository, remote, list_id)
    while remaining:
        answer = _fetch(repository, remote, remaining)
        missing = judged(repository, remote, answer.returncode, answer.stderr)
        if not missing:
            break
        if not missing & set(remaining):
            raise _failure(f"cannot fetch from {remote}", answer.stderr)
        absent |= missing
        remaining = [list_id for list_id in remaining if list_id not in missing]
    return frozenset(absent)


def fetch_again(repository: Repository, remote: str, list_id: str) -> None:
    """Fetch a list whole, as if nothing of it were here: lost objects are here then; RemoteFailure.

    Only into the tracking ref, and from nothing that is here: what is damaged cannot be offered.
    """
    command, *args = _fetch_args(repository, remote, [list_id])
    answer = _talk(repository, [command, "--refetch", *args])
    judged(repository, remote, answer.returncode, answer.stderr)


def _note_before(repository: Repository, remote: str, list_id: str) -> None:
    """Remember where the tracking ref is before a fetch moves it, where nothing is known yet."""
    if held(repository, remote, list_id) is None:
        with suppress(InvalidData):
            tracked = repository.refs.read(repository.tracking_ref(remote, list_id))
            if tracked:
                note_seen(repository, remote, list_id, tracked)


def judged(repository: Repository, remote: str, code: int, stderr: bytes) -> frozenset[str]:
    """The lists for whose absence a fetch that has ended brought nothing; RemoteFailure."""
    if code == 0:
        return frozenset()
    text = stderr.decode("utf-8", "replace")
    missing = {name.removeprefix(repository.ref("")) for name in _ABSENT.findall(text)}
    if not missing:
        raise _failure(f"cannot fetch from {remote}", stderr)
    return frozenset(missing)


_HASTE = 5.0
"""Seconds that a read waits for a list that was named and is not here."""
_RESPITE = 3600
"""Seconds after a failure in which no read asks for the list again."""


def fetch_missing(repository: Repository, remote: str, list_id: str) -> bool:
    """Fetch one list that is not here, in a few seconds; True when it is here now.

    Raises nothing: who asked goes on without it, and for an hour nobody waits again.
    """
    mark = _missed_path(repository, list_id)
    try:
        if 0 <= time.time() - os.stat(mark).st_mtime < _RESPITE:
            return False
    except OSError:
        pass
    try:
        arrived = _fetched_in_haste(repository, remote, list_id)
    except (RemoteFailure, OSError):
        arrived = False
    if arrived:
        disk.remove(mark)
    else:
        disk.put(mark, b"", repository.shared)
    return arrived


def _fetched_in_haste(repository: Repository, remote: str, list_id: str) -> bool:
    fetching = BackgroundFetch(repository, remote, list_id)
    end = time.monotonic() + _HASTE
    while (absent := fetching.ended()) is None:
        if time.monotonic() > end:
            fetching.stop()
            return False
        time.sleep(0.02)
    return list_id not in absent


class BackgroundFetch:
    """A fetch of one list that goes on while this process does other things."""

    def __init__(self, repository: Repository, remote: str, list_id: str) -> None:
        self._repository, self._remote = repository, remote
        options, cwd, env = _surroundings(repository, ())
        args = _fetch_args(repository, remote, [list_id])
        self._told = platform.scratch_file()  # closed when it is over
        self._process = git.start_remote([*options, *args], cwd=cwd, env=env, told=self._told)
        self._size, self._heard = 0, time.monotonic()

    def ended(self) -> frozenset[str] | None:
        """The absent lists, None while it goes on; RemoteFailure. Not to be asked again then."""
        code = self._process.poll()
        if code is None:
            self._check_progress()
            return None
        with self._told:
            self._told.seek(0)
            return judged(self._repository, self._remote, code, self._told.read())

    def _check_progress(self) -> None:
        """Give up a remote that has said nothing for too long."""
        size = os.fstat(self._told.fileno()).st_size
        if size != self._size:
            self._size, self._heard = size, time.monotonic()
        elif time.monotonic() - self._heard > git.NO_PROGRESS:
            self.stop()
            why = b"fatal: no progress for %d seconds, given up" % git.NO_PROGRESS
            raise _failure(f"cannot fetch from {self._remote}", why)

    def stop(self) -> None:
        """End it before its time."""
        platform.terminate(self._process)
        self._process.wait()
        self._told.close()


_WHOLE = 10**9
"""The depth that completes what is fetched, a list, and leaves the code as shallow as it is."""


def _fetch_args(repository: Repository, remote: str, list_ids: Sequence[str]) -> list[str]:
    """Arguments of a git that fetches just these lists and what is seen of their leases."""
    refspecs = [f"+{repository.ref(i)}:{repository.tracking_ref(remote, i)}" for i in list_ids]
    refspecs += [f"+{leases_of(i)}*:{seen_leases(remote, i)}*" for i in list_ids]
    return ["fetch", *_fetch_options(repository), remote, *refspecs]


def _fetch_options(repository: Repository) -> list[str]:
    options = ["--no-tags", "--no-prune", "--refmap=", "--no-write-fetch-head", "--progress"]
    options += ["--no-recurse-submodules", "--no-auto-maintenance"]
    if discovery.read_shallow(repository.common):
        options.append(f"--depth={_WHOLE}")
    return [*options, "--end-of-options"]


def fetch_side_branches(repository: Repository, remote: str, branches: Iterable[str]) -> None:
    """Bring the tracking refs of further branches up to date, as far as that can be done.

    Those that are no longer there stay as they were last seen: their work is nowhere else.
    """
    # A pattern, since git fetches nothing at all when one of several names is not there.
    refspecs = [f"+refs/heads/{name}*:refs/remotes/{remote}/{name}*" for name in branches]
    if refspecs:
        _talk(repository, ["fetch", *_fetch_options(repository), remote, *refspecs])


def _fetch(repository: Repository, remote: str, list_ids: Sequence[str]) -> Completed:
    """One fetch; again when another one moved a tracking ref meanwhile.

    Raises Busy when a tracking ref stays locked: the remote has no part in that.
    """
    args = _fetch_args(repository, remote, list_ids)
    locks = repository.refs.locks(repository.tracking_ref(remote, i) for i in list_ids)
    attempt = 0
    while True:
        with lock_files.noting(repository.common, locks, shared=repository.shared) as note:
            answer = _talk(repository, args, keep=note.inherited)
            if answer.returncode < 0:
                note.keep()
        raced = answer.returncode != 0 and any(words in answer.stderr for words in _RACED)
        if raced:
            _check_names(repository, remote, list_ids)
        else:
            return answer
        if attempt == _RACES:
            for lock in filter(os.path.lexists, locks):
                raise refs.still_locked(lock)
            return answer
        if not lock_files.clear_leftovers(repository.common, locks):
            _BACKOFF.wait(attempt)
        attempt += 1


def _check_names(repository: Repository, remote: str, list_ids: Sequence[str]) -> None:
    """Raise Refused for a tracking ref that git cannot make, because of another's name."""
    for list_id in list_ids:
        ref = repository.tracking_ref(remote, list_id)
        try:
            repository.refs.check_creatable(ref)
        except Refused:
            raise Refused(
                "branch-name",
                f'"{list_id}" cannot be fetched from {remote}: a branch that was fetched before '
                f"has a name that stands in the way of {ref.removeprefix('refs/remotes/')}",
                ways=[
                    Way(
                        f"when {remote} has that branch no more",
                        ("git", "remote", "prune", remote),
                        decision=True,
                    )
                ],
                details={"list": list_id},
            ) from None


def push(
    repository: Repository,
    remote: str,
    refspecs: Mapping[str, str],
    only_at: Mapping[str, str] = _ANYWHERE,
) -> dict[str, Pushed]:
    """Push commits to refs (ref to commit, or to `+id` with force); the answer for each ref.

    A ref with "" is deleted, one in `only_at` only if the remote still has it at that commit.

    Of several URLs the one that is fetched from comes first and decides: git by itself goes
    through them in the order of the configuration and says of all together that one failed. What
    it refused goes nowhere else. Raises nothing: what a remote says is an answer.
    """
    urls = home.urls_of(repository, remote)
    if urls is None or not urls.apart:
        return _push(repository, remote, refspecs, [f"remote.{remote}.mirror=false"], only_at)
    first, *others = urls.in_order
    answers = _push(repository, _ONE_URL, refspecs, _one_url(repository, remote, first), only_at)
    for url in others:
        accepted = {r: s for r, s in refspecs.items() if answers[r].outcome is PushOutcome.OK}
        if not accepted:
            break
        later = _push(repository, _ONE_URL, accepted, _one_url(repository, remote, url), only_at)
        for ref, answer in later.items():
            if answer.outcome is not PushOutcome.OK:
                sentence = f"{home.address(url)} did not take it: {answer.reason or 'no answer'}"
                answers[ref] = answers[ref]._replace(missed=(*answers[ref].missed, sentence))
    return answers


_ONE_URL = "gittasks-one-url"
"""A remote that lives in the arguments of one git: one URL of another remote."""
_TALKING = ("proxy", "proxyauthmethod", "receivepack", "serveroption", "uploadpack", "vcs")
"""Settings of a remote that say how git talks to it."""


def _one_url(repository: Repository, remote: str, url: str) -> list[str]:
    """The settings that make `_ONE_URL` one URL of a remote, for fetching as for pushing."""
    config, section = repository.config, f"remote.{remote}."
    settings = [f"remote.{_ONE_URL}.url={url}", f"remote.{_ONE_URL}.pushurl={url}"]
    for name in _TALKING:
        values = config.every(section + name)
        settings += [f"remote.{_ONE_URL}.{name}={value}" for value in values]
    return settings


def _push(
    repository: Repository,
    remote: str,
    refspecs: Mapping[str, str],
    settings: Sequence[str],
    only_at: Mapping[str, str],
) -> dict[str, Pushed]:
    """Push to a remote that has one URL; UNKNOWN also where the system fails beside git."""
    options = ["--porcelain", "--no-verify", "--no-follow-tags", "--recurse-submodules=no"]
    options += [f"--force-with-lease={ref}:{commit}" for ref, commit in only_at.items()]
    pairs = [f"{source}:{ref}" for ref, source in refspecs.items()]
    arguments = ["push", *options, "--progress", "--end-of-options", remote, *pairs]
    try:
        answer = _talk(repository, arguments, *settings)
    except OSError as error:  # git may have been on its way
        return dict.fromkeys(refspecs, Pushed(PushOutcome.UNKNOWN, str(error)))
    if answer.returncode != 0 and _is_of_other_hash(answer.stderr):
        return dict.fromkeys(refspecs, Pushed(PushOutcome.REFUSED, OTHER_HASH))
    outcomes: dict[str, Pushed] = {}
    for line in answer.stdout.decode("utf-8", "replace").splitlines():
        flag, tab, rest = line.partition("\t")
        names, _, summary = rest.partition("\t")
        if tab and len(flag) == 1:
            outcomes[names.rpartition(":")[2]] = _outcome(flag, summary)
    reason = git.remote_message(answer.stderr)
    unknown = Pushed(PushOutcome.UNKNOWN, reason)
    pushed = {ref: outcomes.get(ref, unknown) for ref in refspecs}
    if answer.returncode != 0 and all(p.outcome is PushOutcome.OK for p in pushed.values()):
        pushed = dict.fromkeys(pushed, unknown)
    return {
        ref: p._replace(reason=f"{p.reason}: {reason}")
        if p.outcome in (PushOutcome.REFUSED, PushOutcome.LOST) and reason
        else p
        for ref, p in pushed.items()
    }


def branches(repository: Repository, remote: str, url: str | None = None) -> dict[str, str]:
    """The branches at a URL of a remote, by ref; where pushes go first, unless one is given."""
    urls = home.urls_of(repository, remote)
    place, settings = remote, []
    if urls and (url or urls.apart):
        place, settings = _ONE_URL, _one_url(repository, remote, url or urls.in_order[0])
    answer = _talk(repository, ["ls-remote", "--heads", "--end-of-options", place], *settings)
    if answer.returncode != 0:
        raise _failure(f"cannot reach {home.address(url) if url else remote}", answer.stderr)
    words = answer.stdout.decode("utf-8", "replace").split()
    return dict(zip(words[1::2], words[0::2], strict=False))


def _outcome(flag: str, summary: str) -> Pushed:
    if flag in " *=+-":
        return Pushed(PushOutcome.OK, created=flag == "*")
    reason = summary.partition("(")[2].rpartition(")")[0] or summary
    if any(words in summary for words in _LOST):
        return Pushed(PushOutcome.LOST, reason)
    unsure = any(words in summary for words in _UNSURE)
    return Pushed(PushOutcome.UNKNOWN if unsure else PushOutcome.REFUSED, reason)


def note_tracking(repository: Repository, remote: str, list_id: str, commit: str) -> None:
    """Set the tracking ref to what the remote is known to hold, where git did not do so itself.

    Busy while another program has it locked; all else is recorded by then.
    """
    record_published(repository, remote, list_id, commit)
    home.adopt(repository, list_id, remote)
    note_branch(repository, list_id, repository.tracking_ref(remote, list_id), commit)


def note_branch(repository: Repository, list_id: str, name: str, commit: str) -> None:
    """Set a tracking ref of a list to what the remote is known to hold; Busy as `note_tracking`."""
    old = repository.refs.read(name)
    if old != commit:
        lock_files.clear_leftovers(repository.common, repository.refs.locks([name]))
        objects, ref = repository.objects, repository.ref(list_id)
        repository.refs.move(
            name, old, commit, restore=lambda: objects.put_back(ref, commit, whole=True)
        )


def _talk(
    repository: Repository, args: Sequence[str], *settings: str, keep: Sequence[int] = ()
) -> Completed:
    """Run git for the remote, in the user's configuration and without the user's hooks."""
    options, cwd, env = _surroundings(repository, settings)
    repository.contacted = True
    return git.run_remote([*options, *args], cwd=cwd, env=env, keep=keep)


def _surroundings(
    repository: Repository, settings: Sequence[str]
) -> tuple[list[str], str, dict[str, str]]:
    """Options, folder and environment of a git that talks to a remote."""
    options = [f"--git-dir={repository.found.path}", *git.NO_HOOKS]
    for event in ("pre-push", "reference-transaction"):  # those of the configuration (git 2.54)
        options += ["-c", f"hook.{event}.enabled=false"]
    options += ["-c", "color.ui=false"]
    if repository.config.get("http.lowspeedlimit") is None:
        settings = (*settings, *_PATIENCE)
    for setting in settings:
        options += ["-c", setting]
    # git takes a path that is a URL from the top of the work tree, wherever the user is.
    top = repository.found.work_tree or repository.found.path
    # Replaced and grafted commits are nobody's history but the one that is looked at here.
    whole = {"GIT_NO_REPLACE_OBJECTS": "1", "GIT_GRAFT_FILE": ""}
    return options, top, {**git.searching(repository.env), **whole}


_OTHER_FORMAT = ("mismatched algorithms", "hash algorithm", "object format")
"""Words of git for a remote whose objects are named by another hash."""
OTHER_HASH = "one of the two repositories names its objects by SHA-1, the other by SHA-256"
SHARE_NOTHING = (
    "such repositories share nothing, in git either: clone one that has the format of the remote"
)


def _is_of_other_hash(stderr: bytes) -> bool:
    message = git.remote_message(stderr)
    return any(words in message for words in _OTHER_FORMAT)


def _failure(what: str, stderr: bytes) -> RemoteFailure:
    if _is_of_other_hash(stderr):
        return RemoteFailure(f"{what}: {OTHER_HASH}", hint=SHARE_NOTHING)
    return RemoteFailure(
        f"{what}: {git.remote_message(stderr) or 'git failed without a message'}",
        hint="your work is safe in the local branch; run this again when the remote can be reached",
    )
