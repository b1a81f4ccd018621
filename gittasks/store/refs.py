"""Refs: read one, list those of a prefix, move one under a guard. Here those that are files.

`Refs` says what every format can do; `reftable` has the other. Reading a file ref is a file or a
byte search, so it costs the same beside 5 refs and 50,000. Moving is a compare-and-swap under
git's own `<ref>.lock`, so git and we never overwrite each other. It is our own: dulwich's leaves
its lock behind when the disk is full, and syncs no folder. It is long because that move is.
"""

from __future__ import annotations

import errno
import os

from gittasks import store
from gittasks.errors import Busy, DiskFailure, InvalidData, Refused, Way
from gittasks.light import TYPE_CHECKING, NamedTuple, Protocol, suppress
from gittasks.store import disk
from gittasks.store.disk import Backoff

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from gittasks.store.commits import Signature

_LENGTHS = frozenset({40, 64})
"""Hex digits of an object id: SHA-1, SHA-256."""
_HEX = frozenset("0123456789abcdef")
_MAX_SYMREFS = 5
_LOCK_PATIENCE = 10.0
"""Seconds to wait for somebody else's `<ref>.lock`; git holds one for milliseconds."""
_BACKOFF = Backoff(first=0.005, most=0.5, least=0.5)
_LOG_END = 8192
"""Bytes at the end of a reflog that are read."""
_HURDLES = 20
"""Times that a folder may vanish or be in the way under one move before that is an error."""


def is_object_id(text: str) -> bool:
    """Is `text` a full object id, SHA-1 or SHA-256, in lower-case hex?"""
    return len(text) in _LENGTHS and _HEX.issuperset(text)


class DamagedRef(InvalidData):
    """A ref file that holds no commit id, as a power cut leaves it."""


class Reason(NamedTuple):
    """The mover of a ref, the time, and the words for it, as the reflog has them."""

    who: Signature
    message: str


class Logged(NamedTuple):
    """A move of a ref as its reflog has it; of a ref that was made the old id is all zeros."""

    old: str
    new: str
    message: str


class LockMarker(Protocol):
    """Note of a writer that it is about to hold a ref's lock, for who finds it dead."""

    def mark(self, commit: str) -> None:
        """The lock is about to be made, to move the ref to `commit`."""

    def clear(self) -> None:
        """There is no lock of ours."""


class Refs(Protocol):
    """The refs of a repository, in whatever format they are stored."""

    def read(self, name: str) -> str | None:
        """Return the commit id that ref `name` holds, None if there is no such ref.

        Raises InvalidData when the ref exists but is damaged.
        """

    def listed(self, prefix: str) -> Iterator[tuple[str, str]]:
        """Yield (name, id) of the refs that begin with `prefix`, in order of name.

        A damaged one has the id "".
        """

    def below(self, folder: str) -> set[str]:
        """The first parts of the names of refs below `folder`; of some that are gone, too."""

    def head(self, git_dir: str) -> str | None:
        """The ref that HEAD of a worktree points to, None when it is detached or unreadable."""

    def trace(self, names: Iterable[str]) -> tuple[object, ...]:
        """A value that differs once one of these refs may have moved; it costs next to nothing."""

    def stored_name(self, name: str) -> str | None:
        """Name a ref as it is stored, None where that is not known.

        A disk that ignores case has the ref of `plan` for `Plan` too.
        """

    def check_creatable(self, name: str) -> None:
        """Raise Refused when another ref stands in the way of `name` (file against folder)."""

    def move(
        self,
        name: str,
        old: str | None,
        new: str,
        *,
        marks: LockMarker | None = None,
        reason: Reason | None = None,
        along: Mapping[str, str] = {},
        restore: Callable[[], object] | None = None,
        folders: Sequence[str] = (),
        later: list[str] | None = None,
    ) -> bool:
        """Move ref `name` from `old` (None: it must not exist) to `new`; False if it was elsewhere.

        Waits for somebody else's lock with jittered pauses and raises Busy after 10 seconds. The
        ref is on the disk before this returns, or Unsynced. `along` are refs that `put` sets next:
        a format where each move costs a process sets them in the same one. `restore` writes the
        objects again where git refuses to name what a prune took meanwhile. `folders` have names
        of objects that are not on the disk yet: they are synced before the ref names these. The
        folder of the ref itself is added to `later`, if that is given: then it is the caller who
        brings the move to the disk, with `sync_move`. Not where that folder is new.
        """

    def put(self, refs: Mapping[str, str]) -> None:
        """Set refs of ours, wherever they were; where that fails, nothing happens."""

    def remove(self, names: Iterable[str], only_at: Mapping[str, str] = {}) -> None:
        """Remove refs of ours, or none of them: where that fails, nothing happens.

        One in `only_at` is removed only while it holds that id.
        """

    def last_moves(self, name: str, count: int) -> list[Logged]:
        """The last moves of a ref by its reflog, newest first."""

    def moved_at(self, name: str) -> int | None:
        """Nanoseconds at which a move of ours was last logged, None if none was."""

    def last_action(self, git_dir: str) -> str:
        """The words with which HEAD of a worktree last moved; "" when no log says."""

    def locks(self, names: Iterable[str]) -> list[str]:
        """The paths of the locks that a git takes which moves these refs."""

    def own_lock(self, name: str) -> str | None:
        """The path of the lock that `move` takes itself; None where git takes it."""


class FileRefs:
    """Refs in files below the common git dir, and in packed-refs."""

    def __init__(
        self,
        common: str,
        env: Mapping[str, str],
        shared: disk.Sharing = disk.PRIVATE,
        *,
        logs: bool = True,
        durable: bool = True,
    ) -> None:
        self._common, self._env, self._shared = common, env, shared
        self._logs, self._durable = logs, durable
        """A ref without a reflog gets one (`core.logAllRefUpdates`); one that moves is synced."""

    def read(self, name: str) -> str | None:
        return _followed(self._common, name)[1]

    def listed(self, prefix: str) -> Iterator[tuple[str, str]]:
        return _listed(self._common, prefix)

    def below(self, folder: str) -> set[str]:
        return set(disk.names_in(os.path.join(self._common, folder)))

    def head(self, git_dir: str) -> str | None:
        path = os.path.join(git_dir, "HEAD")
        try:
            if target := _link_target(path):
                return target
            text = disk.read_first(path, 4096).decode("utf-8", "replace").strip()
        except OSError:
            return None
        return text[5:].strip() if text.startswith("ref: ") else None

    def trace(self, names: Iterable[str]) -> tuple[object, ...]:
        stats: list[object] = []
        for name in ("packed-refs", *names):
            try:
                state = os.stat(os.path.join(self._common, name))
            except OSError:
                stats.append(None)
            else:
                stats += (state.st_ino, state.st_mtime_ns, state.st_size)
        return tuple(stats)

    def stored_name(self, name: str) -> str | None:
        path = os.path.join(self._common, name)
        if not os.path.lexists(path):
            return None
        folder, last = os.path.split(path)
        names = disk.names_in(folder)
        if last not in names:
            last = next((n for n in names if n.casefold() == last.casefold()), last)
        return f"{os.path.dirname(name)}/{last}"

    def check_creatable(self, name: str) -> None:
        """Raise Refused when another ref stands in the way of `name` (file against folder).

        Folders that git left empty are cleared away, as git does itself.
        """
        packed = _packed(self._common)
        parent = os.path.dirname(name)
        while parent.count("/") >= 2:
            if os.path.isfile(os.path.join(self._common, parent)) or _find_packed(packed, parent):
                raise in_the_way(parent, name)
            parent = os.path.dirname(parent)
        path = os.path.join(self._common, name)
        if os.path.isdir(path):
            for root, _, files in os.walk(path, topdown=False):
                if files:
                    raise in_the_way(f"{os.path.relpath(root, self._common)}/{files[0]}", name)
                with suppress(FileNotFoundError):  # git was quicker
                    os.rmdir(root)
        at = packed.find(b" " + name.encode() + b"/")
        if at >= 0:
            end = packed.find(b"\n", at)
            raise in_the_way(packed[at + 1 : end].decode("utf-8", "replace"), name)

    def move(
        self,
        name: str,
        old: str | None,
        new: str,
        *,
        marks: LockMarker | None = None,
        reason: Reason | None = None,
        along: Mapping[str, str] = {},  # noqa: ARG002  a file each, so that `put` is soon enough
        restore: Callable[[], object] | None = None,  # noqa: ARG002  nobody asks for the objects
        folders: Sequence[str] = (),
        later: list[str] | None = None,
    ) -> bool:
        store.git.check_no_push(self._env)
        name, _ = _followed(self._common, name)
        lock = os.path.join(self._common, name) + ".lock"
        before = old or "0" * len(new)

        def log() -> None:
            if reason:
                self._append_reflog(name, Logged(before, new, reason.message), reason.who)

        created: list[str] = []

        def swap() -> bool:
            # Also those that were made before somebody else was first.
            created.extend(disk.make_folders(os.path.dirname(lock), self._shared))
            moved = _swap(
                *(self._common, name, before, new, marks, log, self._shared, folders),
                durable=self._durable,
            )
            if moved and self._durable:
                # Who is next finds a new folder in its place, and syncs none of those above it.
                sync_move([os.path.dirname(lock), *created], None if created else later)
            return moved

        return self._patiently(swap, name, lock)

    def _patiently(self, swap: Callable[[], bool], name: str, lock: str) -> bool:
        """Swap as soon as nobody else has the lock."""
        import time

        deadline = time.monotonic() + _LOCK_PATIENCE
        losses = hurdles = 0
        while True:
            try:
                return swap()
            except FileExistsError:
                if time.monotonic() > deadline:
                    raise still_locked(lock) from None
                _BACKOFF.wait(losses)
                losses += 1
            except (FileNotFoundError, IsADirectoryError):
                # git removed the folder while it was empty, or left one in the place of the ref
                hurdles += 1
                if hurdles > _HURDLES:
                    raise
                self.check_creatable(name)

    def _append_reflog(self, name: str, move: Logged, who: Signature) -> None:
        """Record a move as git does."""
        path = os.path.join(self._common, "logs", name)
        if not self._logs and not os.path.exists(path):
            return
        sign, minutes = "-" if who.zone < 0 else "+", abs(who.zone)
        zone = f"{sign}{minutes // 60:02d}{minutes % 60:02d}"
        line = f"{move.old} {move.new} {who.person} {who.time} {zone}\t{move.message}\n"
        data = line.encode("utf-8", "surrogateescape")
        try:
            disk.in_folder(
                os.path.dirname(path), self._shared, lambda: disk.append(path, data, disk.PRIVATE)
            )
            if not move.old.strip("0"):
                self._shared.apply(path)
        except OSError:
            return  # the reflog is a convenience; the branch itself holds the history

    def put(self, refs: Mapping[str, str]) -> None:
        # Drafted elsewhere: what a killed writer leaves among the refs, git takes for one.
        draft = os.path.join(self._common, "gittasks", "ref")
        for name, commit in refs.items():
            path = os.path.join(self._common, name)
            disk.put(path, f"{commit}\n".encode(), self._shared, draft=draft)

    def remove(self, names: Iterable[str], only_at: Mapping[str, str] = {}) -> None:
        if orders := "".join(f"{order}\n" for order in deletions(names, only_at)):
            args = [f"--git-dir={self._common}", *store.git.NO_HOOKS, "update-ref", "--stdin"]
            env = store.git.unbound(self._env)
            store.git.run(args, cwd=self._common, env=env, stdin=orders.encode())

    def last_moves(self, name: str, count: int) -> list[Logged]:
        moves = []
        for line in reversed(_log_end(os.path.join(self._common, "logs", name))[-count:]):
            ids, _, message = line.partition("\t")
            old, _, new = ids[: ids.find(" ", ids.find(" ") + 1)].partition(" ")
            moves.append(Logged(old, new, message))
        return moves

    def moved_at(self, name: str) -> int | None:
        try:
            return os.stat(os.path.join(self._common, "logs", name)).st_mtime_ns
        except OSError:
            return None

    def last_action(self, git_dir: str) -> str:
        lines = _log_end(os.path.join(git_dir, "logs", "HEAD"))
        return lines[-1].partition("\t")[2] if lines else ""

    def locks(self, names: Iterable[str]) -> list[str]:
        return [os.path.join(self._common, name) + ".lock" for name in names]

    def own_lock(self, name: str) -> str | None:
        with suppress(InvalidData):  # reading it will tell
            name, _ = _followed(self._common, name)
        return os.path.join(self._common, name) + ".lock"


def deletions(names: Iterable[str], only_at: Mapping[str, str]) -> list[str]:
    """The orders to `git update-ref --stdin` that remove refs, as `Refs.remove` has it."""
    return [f"delete {name} {only_at.get(name, '')}".rstrip() for name in names]


def _log_end(path: str) -> list[str]:
    """The last lines of a reflog."""
    try:
        with open(path, "rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - _LOG_END))
            return file.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return []


def _link_target(path: str) -> str | None:
    """The ref that a symbolic link of an old git's points to, None when it is something else."""
    try:
        target = os.readlink(path)
    except OSError:
        return None
    return target if target.startswith("refs/") else None


def _followed(common: str, name: str, packed: bytes | None = None) -> tuple[str, str | None]:
    """The ref that `name` points to, itself unless it is symbolic, and the id that it holds."""
    for _ in range(_MAX_SYMREFS):
        if not name.startswith("refs/") or ".." in name:
            raise InvalidData(f"a symbolic ref points to {name!a}, which is not a ref", where=name)
        path = os.path.join(common, name)
        if target := _link_target(path):
            name = target
            continue
        try:
            text = disk.read_first(path, 4096).decode("utf-8", "replace").strip()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return name, _find_packed(_packed(common) if packed is None else packed, name)
        if not text.startswith("ref: "):
            if is_object_id(text):
                return name, text
            raise DamagedRef(
                f"the ref file {name} is damaged: it holds no commit id",
                where=name,
                ways=[Way("see how it comes back", ("gittasks", "doctor"))],
                hint=f"its last good value is the last line of logs/{name} in the git directory",
            )
        name = text[5:].strip()
    raise InvalidData(f"{name} is a loop of symbolic refs", where=name)


def _listed(common: str, prefix: str) -> Iterator[tuple[str, str]]:
    """Yield (name, id) of the refs that begin with `prefix`, in order of name.

    A damaged one has the id "".
    """
    loose: dict[str, str] = {}
    dangling: dict[str, str] = {}
    for root, _, files in os.walk(os.path.join(common, os.path.dirname(prefix))):
        base = root.removeprefix(common).replace(os.sep, "/").strip("/")
        for file in files:
            name = f"{base}/{file}"
            if name.startswith(prefix) and not name.endswith(".lock"):
                try:
                    real, value = _followed(common, name, b"")
                except InvalidData:
                    real, value = name, ""
                if value is None:
                    dangling[name] = real
                else:
                    loose[name] = value
    packed = _packed(common)  # last: `git pack-refs` may have moved loose ones there meanwhile
    values: dict[str, str] = {}
    needle = b" " + prefix.encode()
    at = packed.find(needle)
    while at >= 0:
        end = packed.find(b"\n", at)
        name = packed[at + 1 : end if end >= 0 else None].decode("utf-8", "replace")
        value = _id_before(packed, at)
        values[name] = value if is_object_id(value) else ""
        at = packed.find(needle, at + 1)
    values |= {name: v for name, real in dangling.items() if (v := _find_packed(packed, real))}
    yield from sorted((values | loose).items())


def _packed(common: str) -> bytes:
    try:
        with open(os.path.join(common, "packed-refs"), "rb") as file:
            return file.read()
    except FileNotFoundError:
        return b""


def _find_packed(packed: bytes, name: str) -> str | None:
    at = packed.find(b" " + name.encode() + b"\n")
    value = _id_before(packed, at) if at >= 0 else ""
    return value if is_object_id(value) else None


def _id_before(packed: bytes, at: int) -> str:
    """The id on the line of packed-refs whose name begins behind `at`."""
    return packed[packed.rfind(b"\n", 0, at) + 1 : at].decode("ascii", "replace")


def in_the_way(other: str, name: str) -> Refused:
    """The error for a ref whose name stands in the way of another."""
    other, name = other.removeprefix("refs/heads/"), name.removeprefix("refs/heads/")
    return Refused(
        "branch-name",
        f'the branch "{other}" stands in the way of "{name}": git cannot hold both',
        hint="or rename that branch",
        ways=[
            Way(
                "choose another prefix",
                ("git", "config", "gittasks.branchPrefix", "tasks-"),
                decision=True,
            )
        ],
    )


class Unsynced(DiskFailure):
    """The ref has moved, which cannot be taken back, and its folder could not be synced."""


def sync_before(folders: Sequence[str], lock: Sequence[int] = ()) -> None:
    """Sync the names of objects, and the lock of the ref that is to hold them: one wait.

    A power cut before the rename leaves the old ref, and objects that nobody names. After it all
    is there: what git packed meanwhile with its folder it has synced, and what it pruned is
    written again by `ensure_present`. Past the cache of the disk goes the lock alone: the folders
    need only come before the rename, and that is synced in full when it is done.
    """
    with suppress(FileNotFoundError):
        disk.sync_all([*lock, *folders], full=lock)


def sync_move(folders: Sequence[str], later: list[str] | None = None) -> None:
    """Sync the folders of a ref that has moved, or add them to those of `later`; Unsynced."""
    if later is not None:
        later.extend(folders)
        return
    try:
        # Without its folder the ref is in packed-refs by now, which git has synced.
        with suppress(FileNotFoundError):
            disk.sync_all(folders, full=folders)
    except OSError as error:
        raise Unsynced.of(
            error,
            hint="the change is in the history, but a power cut may undo it",
        ).with_ways([Way("check the disk, then look", ("gittasks", "log", "-n", "1"))]) from error


# The steps of a guarded move, which are those of `git update-ref` (`git help update-ref`):
#
#   make <ref>.lock, exclusively    no other git moves the ref from here on
#   read the ref: is it `old`?      only now, since before the lock it could still move
#   write and sync the new id       a name must never be durable before its content is; beside
#                                   it the folders of the objects, for the same reason
#   append to the reflog            while locked, so that its lines are in order
#   rename the lock to the ref      the commit point: readers see the old id or the new one


# <ref>        A       A             A         B     all readers see A up to the rename, which is
# <ref>.lock   - (1)   empty (2,3)   B (4)     -     the commit point
#
# (1) make the lock, which fails where anybody has it, git included; (2) only then read the ref,
# since nobody may move it from now on; (3) where it is not at A any more, take the lock away and
# change nothing; (4) write B and sync it, as a rename may reach the disk before the bytes do.
# `git update-ref <ref> B A` does the same (git-update-ref: "after verifying that the current
# value ... matches"); git's locks are made likewise, so git and we exclude each other.


def _swap(
    common: str,
    name: str,
    old: str,
    new: str,
    marks: LockMarker | None,
    log: Callable[[], None],
    shared: disk.Sharing,
    folders: Sequence[str],
    *,
    durable: bool,
) -> bool:
    """Compare and swap under git's own `<ref>.lock`; FileExistsError when somebody has that."""
    lock = f"{os.path.join(common, name)}.lock"
    handle = _open_lock(lock, new, marks)
    # Killed or interrupted so far, the mark stays, and tells the next writer whose lock that is.
    moved, ours = False, 0
    try:
        with disk.naming(lock):
            try:
                ours = os.fstat(handle).st_ino
                unmoved = (_followed(common, name)[1] or "0" * len(old)) == old
                if unmoved:
                    _write_id(handle, new)
                    sync_before(folders, [handle] if durable else [])
            finally:
                os.close(handle)
        if unmoved:
            shared.apply(lock)
            log()
            moved = _rename(common, name, old, lock)
    finally:
        # The mark of a lock that stays lets the next writer remove it.
        if (moved or _unlock(lock, ours)) and marks:
            with suppress(OSError):  # a mark without a lock does no harm
                marks.clear()
    return moved


def _open_lock(lock: str, new: str, marks: LockMarker | None) -> int:
    """Make a lock file, marked as ours before; FileExistsError when somebody has it."""
    if os.path.lexists(lock):  # no mark for what is not going to be made
        raise FileExistsError(lock)
    if marks:
        marks.mark(new)
    try:
        return os.open(lock, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    except OSError as error:
        # A network disk may have made it and lost the answer: then the mark tells whose it is.
        if marks and (isinstance(error, FileExistsError) or not os.path.lexists(lock)):
            marks.clear()
        raise


def _rename(common: str, name: str, old: str, lock: str) -> bool:
    """Rename a lock into the place of its ref; True. OSError when the ref is where it was.

    A rename whose answer was lost, on a network disk, is repeated and then reports an error
    although it was done.
    """
    try:
        store.platform.replace(lock, lock.removesuffix(".lock"))
    except OSError:
        try:
            moved = (_followed(common, name)[1] or "0" * len(old)) != old
        except (OSError, InvalidData):
            moved = not os.path.lexists(lock)
        if not moved:
            raise
    return True


def _unlock(lock: str, ours: int) -> bool:
    """Remove our lock; False when it stays. Another inode is the next one's already."""
    try:
        if ours in (0, os.stat(lock).st_ino):
            os.unlink(lock)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def _write_id(handle: int, commit: str) -> None:
    if os.write(handle, commit.encode() + b"\n") <= len(commit):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def still_locked(lock: str) -> Busy:
    """The error for a ref that another program has locked: the path, who has it, since when."""
    name = lock.removesuffix(".lock")
    if os.path.basename(name) == "tables.list":
        name = "the reftable"
    name = name[name.rfind("/refs/") + 1 :].removeprefix("refs/heads/").removeprefix("refs/")
    holder = store.platform.opener_of(lock)
    leftover = "; if no git is running here, that lock file is a leftover, and can be removed"
    return Busy(
        f"{name} is locked by {holder or 'another program'}{disk.age_words(lock)}",
        where=lock,
        hint=f"wait and run this again{'' if holder else leftover}",
    )
