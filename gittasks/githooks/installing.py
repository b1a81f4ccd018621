"""Put the hook scripts in place beside what is there, and take them out without a trace."""

from __future__ import annotations

import os
from contextlib import suppress
from enum import StrEnum
from typing import NamedTuple

from gittasks.errors import DiskFailure, Refused
from gittasks.githooks import news, places
from gittasks.githooks.places import Place
from gittasks.githooks.running import NAMES
from gittasks.githooks.scripts import is_ours, script
from gittasks.store import disk, merge_driver
from gittasks.store.repository import Repository

_CHAINED = ".gittasks-chained"


class HookState(StrEnum):
    """Whether git calls the script of this version, an older one, none, or one set up by hand."""

    INSTALLED = "installed"
    OUTDATED = "outdated"
    MISSING = "missing"
    BY_HAND = "by hand"


class Hook(NamedTuple):
    """One hook; `path` is its file.

    `after` is the hook that was there before and is run first, if there was one.
    """

    name: str
    state: HookState
    path: str | None = None
    after: str | None = None


class Status(NamedTuple):
    """What is set up, and what is left to do by hand, in words."""

    hooks: tuple[Hook, ...]
    merge_driver: bool
    changed: bool = False
    left: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether git calls gittasks wherever it could."""
        return self.merge_driver and all(
            h.state in (HookState.INSTALLED, HookState.BY_HAND) for h in self.hooks
        )


def status(repository: Repository) -> Status:
    """What is set up in a repository."""
    place = places.find(repository)
    hooks = tuple(_look(repository, place, name) for name in NAMES)
    installed = merge_driver.is_installed(repository)
    left: tuple[str, ...] = ()
    if place.manager and not place.configured and any(h.state is HookState.MISSING for h in hooks):
        left = tuple(places.words(place))
    return Status(hooks, installed, left=left)


def install(repository: Repository) -> Status:
    """Set up the merge driver and all hooks; what is set up already stays as it is.

    Raises Refused where a file is in the way, before anything was changed.
    """
    place = places.find(repository)
    before = [_look(repository, place, name) for name in NAMES]
    todo = [h for h in before if h.state in (HookState.MISSING, HookState.OUTDATED)]
    if not place.manager:
        for hook in todo:
            _check_free(_slot(place.folder, hook.name))
    changed = merge_driver.install(repository)
    if todo:
        news.begin(repository)
    for hook in todo:
        if place.configured:
            changed = _configure(repository, hook.name) or changed
        elif not place.manager:
            _put(_slot(place.folder, hook.name), hook.name, repository)
            changed = True
    return status(repository)._replace(changed=changed)


def uninstall(repository: Repository) -> Status:
    """Take out the merge driver and all hooks of ours; what was there before is there again."""
    place = places.find(repository)
    # Those of git's own folder may be from before core.hooksPath was set.
    folders = {os.path.join(repository.common, "hooks")}
    folders |= set() if place.manager else {place.folder}
    changed = merge_driver.uninstall(repository)
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
    if places.is_of_pre_commit(path) and not is_ours(path):
        return f"{path}.legacy"
    return path


def _check_free(slot: str) -> None:
    chained = f"{slot}{_CHAINED}"
    if os.path.lexists(slot) and not is_ours(slot) and os.path.lexists(chained):
        raise Refused(
            "hook",
            f"{slot} is not the script of gittasks any more, and {chained} is still there",
            hint="somebody wrote over the script: put what you want to run into the second file, "
            "move the first away, then install again",
        )


def _put(slot: str, name: str, repository: Repository) -> None:
    """Put our script into a slot; what is there is kept beside it, and never missing."""
    chained = f"{slot}{_CHAINED}"
    temporary = f"{slot}.gittasks-{os.getpid()}"
    try:
        disk.make_folders(os.path.dirname(slot), repository.shared)
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o777), "wb") as file:
            file.write(script(name))
        repository.shared.apply(temporary)
        if os.path.lexists(slot) and not is_ours(slot):
            os.link(slot, chained, follow_symlinks=False)
        os.replace(temporary, slot)
    except OSError as error:
        disk.remove(temporary)
        raise DiskFailure.of(error) from error


def _take_out(slot: str) -> bool:
    """Whether our script was in a slot; what it had displaced is back then."""
    if not is_ours(slot):
        return False
    chained = f"{slot}{_CHAINED}"
    try:
        if os.path.lexists(chained):
            os.replace(chained, slot)
        else:
            os.unlink(slot)
    except OSError as error:
        raise DiskFailure.of(error) from error
    return True


def _look(repository: Repository, place: Place, name: str) -> Hook:
    if place.manager:
        by_hand = places.by_hand(place, repository.found.work_tree or repository.start)[name]
        if by_hand:
            return Hook(name, HookState.BY_HAND, by_hand)
        configured = repository.config.get(f"hook.gittasks-{name}.event") == name
        copy = _copy(repository, name)
        if not configured or not place.configured or not is_ours(copy):
            return Hook(name, HookState.MISSING)
        return Hook(name, _state(copy, name), copy)
    slot = _slot(place.folder, name)
    if not is_ours(slot):
        return Hook(name, HookState.MISSING)
    chained = f"{slot}{_CHAINED}"
    return Hook(name, _state(slot, name), slot, chained if os.path.lexists(chained) else None)


def _state(path: str, name: str) -> HookState:
    with open(path, "rb") as file:
        same = file.read() == script(name)
    usable = same and os.access(path, os.X_OK)
    return HookState.INSTALLED if usable else HookState.OUTDATED


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
    there = repository.config.get(f"hook.gittasks-{name}.event") is not None
    if there:
        repository.remove_config_section(f"hook.gittasks-{name}")
    if os.path.lexists(copy):
        disk.remove(copy)
        there = True
    return there
