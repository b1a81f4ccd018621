"""Installation of the hook scripts: where they can go, beside what is there, and out again.

Where hooks can be put here: git's own folder, git's configuration, or a file that somebody
else looks after, for which there are only words to say. Their symptoms for doctor are here too.
"""

from __future__ import annotations

import errno
import os
import re
import stat
import sys
from collections.abc import Collection, Iterator, Sequence

from gittasks.core.rules import Symptom
from gittasks.errors import DiskFailure, GittasksError, Refused
from gittasks.githooks import catch_up, dispatch, record
from gittasks.githooks.dispatch import NAMES
from gittasks.light import NamedTuple, StrEnum, suppress
from gittasks.store import disk, git, merge_driver, platform
from gittasks.store.repository import Repository
from gittasks.workspace import Workspace

MARK = "# Managed by: gittasks hooks install|uninstall."
"""A line that every script of ours has, of whatever version."""


_PROGRAM = re.compile(rb"^installed=(.*)$", re.MULTILINE)
"""The line of a script that holds the program for where PATH has none."""


def script(name: str, program: str = "") -> bytes:
    """The script for a hook, which falls back to `program` where PATH has no gittasks."""
    folder = os.path.dirname(os.path.abspath(__file__))
    shipped = os.path.join(folder, "shipped", name)
    in_source_tree = os.path.join(os.path.dirname(os.path.dirname(folder)), "hooks", name)
    with open(shipped if os.path.exists(shipped) else in_source_tree, "rb") as file:
        text = file.read()
    line = b"installed=" + _quoted(program)
    return _PROGRAM.sub(lambda _: line, text, count=1) if program else text


def _quoted(path: str) -> bytes:
    return b"'" + os.fsencode(path).replace(b"'", b"'\\''") + b"'"


def running_program() -> str:
    """The absolute path of the program that runs now; "" when it is no installed one."""
    folder = os.path.dirname(os.path.abspath(sys.executable))
    name = "gittasks.exe" if os.name == "nt" else "gittasks"
    started = os.path.abspath(sys.argv[0]) if os.path.dirname(sys.argv[0]) else ""
    candidates = [os.path.join(folder, name)]
    if os.path.basename(started).startswith(("gittasks", "git-gittasks")):
        candidates.insert(0, started)
    return next((path for path in candidates if os.access(path, os.X_OK)), "")


def is_ours(path: str) -> bool:
    """True when the file at `path` is a script of ours."""
    try:
        with disk.open_file(path) as file:
            return MARK.encode() in file.read(4096)
    except OSError:
        return False


_CONFIGURED = (2, 54)
"""The first git that runs hooks from its configuration (git-hook)."""

_OFF = "core.hooksPath (no folder)"
"""The manager where git is told to look for hooks where none can be: people switch them off so."""


class Place(NamedTuple):
    """`folder`: scripts go there. Otherwise `manager` says who looks after the hooks, and
    `configured` whether git's configuration can hold ours beside that."""

    folder: str
    manager: str | None = None
    configured: bool = False


def find(repository: Repository) -> Place:
    """The place of the hooks of this repository."""
    folder = _hooks_folder(repository)
    manager = _manager(repository, folder)
    return Place(folder, manager, bool(manager) and _version(repository) >= _CONFIGURED)


def _hooks_folder(repository: Repository) -> str:
    """The folder that git looks for hooks in, core.hooksPath and worktrees considered."""
    if repository.config.get("core.hookspath") == "":
        return os.devnull
    answer = _ask(repository, "rev-parse", "--git-path", "hooks")
    return os.path.normpath(os.path.join(repository.start, answer))


def _manager(repository: Repository, folder: str) -> str | None:
    """The program or setting that looks after the hooks, when it is not git alone."""
    tree = repository.found.work_tree
    if os.path.exists(folder) and not os.path.isdir(folder):
        return _OFF
    own = os.path.realpath(folder).startswith(os.path.realpath(repository.common) + os.sep)
    if os.path.basename(folder.removesuffix(f"{os.sep}_")) == ".husky":
        return "husky"
    for name in NAMES:
        if _says(os.path.join(folder, name), b"lefthook"):
            return "lefthook"
    if own:
        return None
    if tree and os.path.realpath(folder).startswith(os.path.realpath(tree) + os.sep):
        return f"core.hooksPath ({os.path.relpath(folder, tree)}, a part of the work tree)"
    scope = _ask(repository, "config", "--show-scope", "--get", "core.hooksPath").split()[:1]
    if scope in (["local"], ["worktree"]):
        return None
    return f"core.hooksPath ({folder}, for more repositories than this one)"


def _says(path: str, word: bytes) -> bool:
    try:
        with disk.open_file(path) as file:
            return word in file.read(65536).lower()
    except OSError:
        return False


def is_of_pre_commit(path: str) -> bool:
    """True for a hook of the pre-commit framework, which runs `<name>.legacy` beside it."""
    return _says(path, b"pre-commit.com") or _says(path, b"pre_commit")


def manual_step(place: Place, tree: str) -> dict[str, str]:
    """For each hook the file that a person keeps, and whether it calls gittasks: '' if not."""
    files = {}
    for name in NAMES:
        if place.manager == "husky":
            path = os.path.join(place.folder.removesuffix(f"{os.sep}_"), name)
            paths = [path]
        elif place.manager == "lefthook":
            paths = [os.path.join(tree, file) for file in _LEFTHOOK]
        else:
            paths = [os.path.join(place.folder, name)]
        call = f"gittasks hook {name}".encode()
        files[name] = next((path for path in paths if _says(path, call)), "")
    return files


_LEFTHOOK = tuple(
    f"{dot}lefthook{local}.{ending}"
    for dot in ("", ".")
    for local in ("", "-local")
    for ending in ("yml", "yaml", "toml", "json")
)
"""Files that lefthook reads; all of them that are there count."""


def describe_place(place: Place, names: Sequence[str] = NAMES) -> list[str]:
    """The lines that a person has to add for hooks, when we cannot."""
    if place.manager == _OFF:
        return [
            "git runs no hooks here, for core.hooksPath names no folder",
            "see where that is set with: git config --show-origin core.hooksPath",
            "take it out, then: gittasks hooks install",
        ]
    if place.manager == "lefthook":
        lines = ["lefthook looks after the hooks here; add to lefthook.yml, then: lefthook install"]
        for name in names:
            step = [f"run: {_line(name, '{0}')}"]
            if name == "pre-push":  # without a file lefthook passes over it; lists go all the same
                step = ["files: git ls-files | head -n 1", f"{step[0]} {{files}}"]
            if name in dispatch.READING:
                step.append("use_stdin: true")
            lines += [f"  {name}:", "    commands:", "      gittasks:"]
            lines += [f"        {line}" for line in step]
        return lines
    where = ".husky/NAME" if place.manager == "husky" else os.path.join(place.folder, "NAME")
    lines = [f"{place.manager} looks after the hooks here; add one line to each file {where}:"]
    lines += [f"  {name}: {_line(name, chr(34) + '$@' + chr(34))}" for name in names]
    return lines


def _line(name: str, args: str) -> str:
    """A hook's call; only a refusal by gittasks.strictTrailers may stop a commit."""
    end = "[ $? -ne 5 ]" if name == "commit-msg" else "true"
    return f"gittasks hook {name} {args} || {end}"


def _version(repository: Repository) -> tuple[int, ...]:
    numbers = re.search(r"(\d+)\.(\d+)", _ask(repository, "version"))
    return tuple(map(int, numbers.groups())) if numbers else (0, 0)


def _ask(repository: Repository, *args: str) -> str:
    answer = git.run(args, cwd=repository.start, env=repository.env)
    return answer.stdout.decode("utf-8", "surrogateescape").strip()


_CHAINED = ".gittasks-chained"


class HookState(StrEnum):
    """State of a hook: git calls the script of this version, an older one, none, or a person's.

    NOEXEC: the script is right, and its disk runs no programs.
    """

    INSTALLED = "installed"
    OUTDATED = "outdated"
    MISSING = "missing"
    BY_HAND = "by hand"
    NOEXEC = "noexec"


class Hook(NamedTuple):
    """One hook; `path` is its file.

    `after` is the hook that was there before and is run first, if there was one.
    """

    name: str
    state: HookState
    path: str | None = None
    after: str | None = None

    @property
    def runs(self) -> bool:
        """True when git calls gittasks for it, by whatever version of the script."""
        if self.state is HookState.OUTDATED:
            return bool(self.path) and os.access(str(self.path), os.X_OK)
        return self.state not in (HookState.MISSING, HookState.NOEXEC)


class HookStatus(NamedTuple):
    """State of all hooks, and what is left to do by hand, in words."""

    hooks: tuple[Hook, ...]
    merge_driver: bool
    changed: bool = False
    left: tuple[str, ...] = ()
    stopped: tuple[str, ...] = ()
    """Hooks that ran here once, and that git no longer calls."""

    @property
    def complete(self) -> bool:
        """True when git calls gittasks wherever it could."""
        return self.merge_driver and all(
            h.state in (HookState.INSTALLED, HookState.BY_HAND) for h in self.hooks
        )


def status(repository: Repository) -> HookStatus:
    """State of the hooks in a repository."""
    place = find(repository)
    hooks = tuple(_look(repository, place, name) for name in NAMES)
    installed = merge_driver.is_installed(repository)
    left: tuple[str, ...] = ()
    missing = [h.name for h in hooks if h.state is HookState.MISSING]
    if place.manager and not place.configured and missing:
        left = tuple(describe_place(place, missing))
    if off := record.switched_off(repository):
        left = (*left, off)
    stopped: tuple[str, ...] = ()
    if known := record.read(repository):
        stopped = tuple(h.name for h in hooks if h.name in known.running and not h.runs)
        _remember(repository, place, hooks, known.running)
    return HookStatus(hooks, installed, left=left, stopped=stopped)


def _remember(
    repository: Repository, place: Place, hooks: Sequence[Hook], before: Collection[str]
) -> None:
    """Record a look at the hooks, with all files that could make the next one another."""
    running = [h.name for h in hooks if h.runs or h.name in before]
    stopped = [h.name for h in hooks if h.name in before and not h.runs]
    folder = os.path.join(repository.common, "hooks")
    files = [os.path.join(f, name) for f in {place.folder: 0, folder: 0} for name in NAMES]
    files += [h.path for h in hooks if h.path]
    tree = repository.found.work_tree
    if place.manager == "husky":
        files += [os.path.join(place.folder.removesuffix(f"{os.sep}_"), name) for name in NAMES]
    elif place.manager == "lefthook" and tree:
        files += [os.path.join(tree, name) for name in _LEFTHOOK]
    record.write(repository, running, stopped, files)


def install(repository: Repository) -> HookStatus:
    """Set up the merge driver and all hooks; what is set up already stays as it is.

    Raises Refused where a file is in the way, before anything was changed.
    """
    place = find(repository)
    before = [_look(repository, place, name) for name in NAMES]
    todo = [h for h in before if h.state in (HookState.MISSING, HookState.OUTDATED)]
    if not place.manager:
        for hook in todo:
            _check_free(_slot(place.folder, hook.name))
    changed = merge_driver.install(repository)
    if todo:
        dispatch.begin(repository)
    for hook in todo:
        slot = _slot(place.folder, hook.name)
        if not place.manager or is_ours(slot):
            _put(slot, hook.name, repository)
            changed = True
        elif place.configured:
            changed = _configure(repository, hook.name) or changed
    for name in () if place.manager else NAMES:  # of a time when somebody else had the folder
        changed = _unconfigure(repository, name) or changed
    catch_up.begin(repository)
    _remember(repository, place, [_look(repository, place, name) for name in NAMES], ())
    return status(repository)._replace(changed=changed)


def uninstall(repository: Repository) -> HookStatus:
    """Take out the merge driver and all hooks of ours; what was there before is there again."""
    place = find(repository)
    # Those of git's own folder may be from before core.hooksPath was set.
    folders = {os.path.join(repository.common, "hooks")}
    folders |= set() if place.manager else {place.folder}
    changed = merge_driver.uninstall(repository)
    record.remove(repository)
    catch_up.forget(repository)
    for name in NAMES:
        changed = _unconfigure(repository, name) or changed
        for folder in folders:
            for slot in (os.path.join(folder, f"{name}.legacy"), os.path.join(folder, name)):
                changed = _take_out(slot) or changed
    with suppress(OSError):  # ours, unless somebody keeps something there
        os.rmdir(os.path.dirname(_copy(repository, "")))
    return status(repository)._replace(changed=changed, left=())


# --- files ----------------------------------------------------------------------------------


def _slot(folder: str, name: str) -> str:
    """The file that ours is: the hook itself, or what the pre-commit framework runs beside its."""
    path = os.path.join(folder, name)
    if is_of_pre_commit(path) and not is_ours(path):
        return f"{path}.legacy"
    return path


def _check_free(slot: str) -> None:
    if unfit := _unfit(slot):
        raise Refused(
            "hook",
            f"{slot} is {unfit}, and git can run no hook there",
            hint="move it away, then install again",
        )
    chained = f"{slot}{_CHAINED}"
    theirs = os.path.lexists(slot) and not is_ours(slot)
    if theirs and os.path.lexists(chained) and not _are_alike(slot, chained):
        raise Refused(
            "hook",
            f"{slot} is not the script of gittasks any more, and {chained} is still there",
            hint="somebody wrote over the script: put what you want to run into the second file, "
            "move the first away, then install again",
        )


def _unfit(slot: str) -> str | None:
    """The kind of what can be neither run first nor kept beside ours, if that is there."""
    try:
        return "a folder" if stat.S_ISDIR(os.stat(slot).st_mode) else None
    except OSError as error:  # behind a link to itself ours would run ours
        return "a link to itself" if error.errno == errno.ELOOP else None


def _are_alike(slot: str, chained: str) -> bool:
    """Did a tool put the hook that is kept back into its place, as it does at each of its runs?"""
    try:
        return disk.read(slot) == disk.read(chained)
    except OSError:
        return False


def _put(slot: str, name: str, repository: Repository) -> None:
    """Put our script into a slot; what is there is kept beside it, and never missing."""
    chained = f"{slot}{_CHAINED}"
    temporary = f"{slot}.gittasks-{os.getpid()}"
    try:
        disk.make_folders(os.path.dirname(slot), repository.shared)
        with disk.naming(temporary), open(temporary, "wb", opener=_executable) as file:
            file.write(script(name, running_program()))
        repository.shared.apply(temporary)
        if os.path.lexists(slot) and not is_ours(slot) and not os.path.lexists(chained):
            platform.link_or_copy(slot, chained)
        platform.replace(temporary, slot)
    except OSError as error:
        disk.remove(temporary)
        raise DiskFailure.of(error) from error


def _executable(path: str, flags: int) -> int:
    """Make a file that may be run, as far as the umask of the user has it."""
    return os.open(path, flags, 0o777)


def _take_out(slot: str) -> bool:
    """Take our script out of a slot and put back what it displaced; False when it is not there."""
    chained = f"{slot}{_CHAINED}"
    if not is_ours(slot):
        if _are_alike(slot, chained):
            disk.remove(chained)
        return False
    try:
        if os.path.lexists(chained):
            platform.replace(chained, slot)
        else:
            platform.unlink(slot)
    except OSError as error:
        raise DiskFailure.of(error) from error
    return True


def _look(repository: Repository, place: Place, name: str) -> Hook:
    slot = _slot(place.folder, name)
    if place.manager and not is_ours(slot):  # managers leave hooks that they have no use for
        by_hand = manual_step(place, repository.found.work_tree or repository.start)[name]
        if by_hand:
            return Hook(name, HookState.BY_HAND, by_hand)
        configured = repository.config.get(f"hook.gittasks-{name}.event") == name
        copy = _copy(repository, name)
        if not configured or not place.configured or not is_ours(copy):
            return Hook(name, HookState.MISSING)
        return Hook(name, _state(copy, name), copy)
    if not is_ours(slot):
        return Hook(name, HookState.MISSING)
    chained = f"{slot}{_CHAINED}"
    return Hook(name, _state(slot, name), slot, chained if os.path.lexists(chained) else None)


def _state(path: str, name: str) -> HookState:
    """INSTALLED for a script of this version that can run, whichever program installed it."""
    text = disk.read(path)
    line = _PROGRAM.search(text)
    program = os.fsdecode(line[1].strip(b"'")) if line else ""
    uninstalled = program != "" and not os.access(program, os.X_OK)
    same = _PROGRAM.sub(b"installed=", text, count=1) == script(name)
    if not same or uninstalled:
        return HookState.OUTDATED
    if os.access(path, os.X_OK):
        return HookState.INSTALLED
    return HookState.NOEXEC if os.stat(path).st_mode & stat.S_IXUSR else HookState.OUTDATED


# --- git's configuration --------------------------------------------------------------------


def _copy(repository: Repository, name: str) -> str:
    return os.path.join(repository.common, "gittasks", "hooks", name)


def _configure(repository: Repository, name: str) -> bool:
    _put(_copy(repository, name), name, repository)
    # Found again when the repository moves, and nothing is wrong when the script is not there.
    command = (
        'f="$(git rev-parse --path-format=absolute --git-common-dir)'
        f'/gittasks/hooks/{name}"; [ ! -x "$f" ] || "$f"'
    )
    repository.set_config("--local", f"hook.gittasks-{name}.command", command)
    repository.set_config("--local", f"hook.gittasks-{name}.event", name)
    return True


def _unconfigure(repository: Repository, name: str) -> bool:
    copy = _copy(repository, name)
    configured = repository.config.get(f"hook.gittasks-{name}.event") is not None
    if configured:
        repository.remove_config_section(f"hook.gittasks-{name}")
    if os.path.lexists(copy):
        disk.remove(copy)
        return True
    return configured


def symptoms(workspace: Workspace, *, fix: bool) -> Iterator[Symptom]:
    """Hooks that were installed here and do not run, and commits that no hook saw."""
    repository = workspace.repository
    installed = record.read(repository) is not None
    if installed:
        hooks = status(repository)
        if hooks.stopped:
            yield _stopped(repository, hooks, fix=fix)
        if off := record.switched_off(repository):
            yield Symptom("hooks", None, off, "unset GITTASKS_HOOKS")
    try:
        yield from _missed(workspace, fix=fix) if installed else _never_installed(workspace)
    except GittasksError as error:
        yield Symptom("missed", None, error.message, error.hint or "see: gittasks hooks catch-up")


def _stopped(repository: Repository, status: HookStatus, *, fix: bool) -> Symptom:
    names = ", ".join(status.stopped)
    place = find(repository)
    by_hand = bool(place.manager) and not place.configured
    fixed, step = False, "put them back with: gittasks hooks install"
    if fix and not by_hand:
        try:
            fixed = not install(repository).stopped
        except GittasksError as error:
            names, step = f"{names} ({error.message})", error.hint or step
    return Symptom(
        "hooks",
        None,
        f"git no longer calls the hooks of gittasks that were installed here: {names}",
        f"{place.manager} looks after them now; gittasks hooks install says what to add there"
        if by_hand
        else step,
        fixed,
    )


def _never_installed(workspace: Workspace) -> Iterator[Symptom]:
    """Commits that name tasks, in a clone where nobody installed the hooks."""
    recent = catch_up.recent(workspace)
    if recent is not None and recent.due:
        yield Symptom(
            "hooks",
            None,
            f"commits of this branch name {catch_up.names(recent.due)}, and no hooks of gittasks "
            "are installed here",
            f"gittasks hooks install; gittasks hooks catch-up {recent.span} links and moves them",
        )


def _missed(workspace: Workspace, *, fix: bool) -> Iterator[Symptom]:
    """Commits that name tasks and that no hook saw, from others and of one's own."""
    arrived = catch_up.run(workspace, write=fix)
    if arrived is not None and arrived.due:
        yield Symptom(
            "missed",
            None,
            f"commits that no hook saw name {catch_up.names(arrived.due)}",
            "gittasks hooks catch-up links and moves them",
            fixed=fix,
        )
    if arrived is not None and (arrived.too_many or arrived.strangers):
        line = arrived._replace(linked=()).lines()[-1]
        message, _, command = line.rpartition(": ")
        yield Symptom("missed", None, message, command)
    own = catch_up.unseen(workspace)
    if own is not None and own.due:
        yield Symptom(
            "missed",
            None,
            f"commits of this branch that no hook saw name {catch_up.names(own.due)}",
            f"gittasks hooks catch-up {own.span} links and moves them; "
            "gittasks hooks catch-up --dismiss dismisses it",
        )
