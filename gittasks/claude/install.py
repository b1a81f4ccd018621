"""Put what is ours into Claude Code's settings files, and take it out again.

A file is written whole, beside itself first. What stood there before is remembered, so that a
file that nobody else changed since comes back byte for byte; from any other only what is ours goes.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Container, Mapping, Sequence
from typing import Any, NamedTuple

from gittasks.claude import settings
from gittasks.claude.folder import config_root
from gittasks.claude.settings import Settings
from gittasks.errors import Busy, InvalidData
from gittasks.store import disk


class Place(NamedTuple):
    """One settings file: its name for people, its path, and whether it is for MCP servers."""

    name: str
    path: str
    is_mcp: bool = False


class Site(NamedTuple):
    """Where a scope is: its files, and the folder in which it is remembered what they were."""

    scope: str
    places: tuple[Place, ...]
    memory: str


class Change(NamedTuple):
    """A file as it is and as it is to be; None: not there."""

    place: Place
    before: bytes | None
    after: bytes | None

    @property
    def made(self) -> bool:
        """Whether there is anything to do."""
        return self.before != self.after


def repository_site(scope: str, work_tree: str, common: str) -> Site:
    """The files of the scopes `local` (mine, in this repository) and `project` (everybody's)."""
    file = "settings.json" if scope == "project" else "settings.local.json"
    places = [Place(f".claude/{file}", os.path.join(work_tree, ".claude", file))]
    if scope == "project":
        places.append(Place(".mcp.json", os.path.join(work_tree, ".mcp.json"), is_mcp=True))
    return Site(scope, tuple(places), os.path.join(common, "gittasks", "claude", "settings"))


def user_site(env: Mapping[str, str]) -> Site:
    """The file of the scope `user`: all sessions of this account."""
    root = config_root(env)
    name = "settings.json" if env.get("CLAUDE_CONFIG_DIR") else "~/.claude/settings.json"
    home = env.get("HOME") or os.path.expanduser("~")
    state = env.get("XDG_STATE_HOME") or os.path.join(home, ".local", "state")
    memory = os.path.join(state, "gittasks", "claude")
    return Site("user", (Place(name, os.path.join(root, "settings.json")),), memory)


def to_install(site: Site, list_id: str | None, *, replace: bool) -> list[Change]:
    """What would be written; InvalidData when a file holds what cannot be kept safely.

    Another list that a file names already stays, unless it is to be replaced.
    """
    changes = []
    for place in site.places:
        before = _content(place)
        content = settings.parse(before or b"", place.name)
        ours = settings.servers() if place.is_mcp else settings.wanted(list_id)
        named = settings.holds(content, place.name)["env"]
        if named is not None and not replace:
            ours.pop("env", None)
        made = settings.with_ours(content, ours, place.name)
        same = made == content and before is not None
        changes.append(Change(place, before, before if same else _rendered(made, before)))
    return changes


def install(site: Site, changes: Sequence[Change]) -> None:
    """Write the changes of `to_install`, and remember what was there."""
    for change in changes:
        if not change.made:
            continue
        folder = os.path.dirname(change.place.path)
        made_folder = not os.path.isdir(folder)
        memory = _recall(site, change.place)
        _replace(change)
        if memory is not None and memory["after"] == _name_of(change.before or b""):
            memory["after"] = _name_of(change.after or b"")
            _remember(site, change.place, memory)
        elif _is_free_of_ours(change):
            kept = None if change.before is None else change.before.decode()
            fresh = {"before": kept, "after": _name_of(change.after or b""), "folder": made_folder}
            _remember(site, change.place, fresh)
        else:
            disk.remove(_memory_path(site, change.place))


def _is_free_of_ours(change: Change) -> bool:
    content = settings.parse(change.before or b"", change.place.name)
    found = settings.holds(content, change.place.name)
    return settings.without_hooks(content) == content and not found["mcp"]


def to_uninstall(site: Site, lists: Container[str]) -> list[Change]:
    """What would be written to take out what is ours. Raises InvalidData.

    `lists` are the lists whose name in the variable is taken for our doing.
    """
    changes = []
    for place in site.places:
        before = _content(place)
        memory = _recall(site, place)
        if before is None:
            changes.append(Change(place, None, None))
        elif memory is not None and memory["after"] == _name_of(before):
            kept = memory["before"]
            changes.append(Change(place, before, None if kept is None else kept.encode()))
        else:
            content = settings.parse(before, place.name)
            made = settings.without_ours(content, place.name, lists)
            after = before if made == content else _rendered(made, before) if made else None
            changes.append(Change(place, before, after))
    return changes


def uninstall(site: Site, changes: Sequence[Change]) -> None:
    """Write the changes of `to_uninstall`, and forget what was remembered for them."""
    for change in changes:
        memory = _recall(site, change.place)
        if change.made:
            _replace(change)
        if change.after is None and memory is not None and memory.get("folder"):
            _remove_empty(os.path.dirname(change.place.path))
        disk.remove(_memory_path(site, change.place))


def state(site: Site) -> dict[str, Any]:
    """What of ours is in the files of a scope: `hooks`, `env` and, for a project, `mcp`."""
    found: dict[str, Any] = {"hooks": False, "env": None, "mcp": False}
    for place in site.places:
        content = settings.parse(_content(place) or b"", place.name)
        held = settings.holds(content, place.name)
        found = {
            "hooks": found["hooks"] or held["hooks"],
            "env": found["env"] or (held["env"] if isinstance(held["env"], str) else None),
            "mcp": found["mcp"] or held["mcp"],
        }
    return found


def registered(env: Mapping[str, str], work_tree: str | None) -> bool | None:
    """Whether our MCP server is registered for the user (or for one project of his).

    That is in a file which Claude Code keeps for itself, so it is only ever read; None when it
    cannot be.
    """
    home = env.get("HOME") or os.path.expanduser("~")
    path = os.path.join(env.get("CLAUDE_CONFIG_DIR") or home, ".claude.json")
    try:
        found = json.loads(disk.read(path))
        part = found["projects"].get(work_tree, {}) if work_tree else found
        return settings.holds({"mcpServers": part.get("mcpServers", {})}, path)["mcp"] is True
    except FileNotFoundError:
        return False
    except KeyError:
        return False
    except (OSError, ValueError, AttributeError, TypeError, RecursionError, InvalidData):
        return None


# --- files -----------------------------------------------------------------------------------


def _content(place: Place) -> bytes | None:
    try:
        return disk.read(place.path)
    except FileNotFoundError:
        if os.path.lexists(place.path):
            raise InvalidData("it is no regular file", where=place.name) from None
        return None
    except OSError as error:
        raise InvalidData(f"it cannot be read: {error.strerror}", where=place.name) from error


def _rendered(content: Settings, before: bytes | None) -> bytes:
    return settings.render(content, before or b"")


def _replace(change: Change) -> None:
    """Put the new content in place of the old, if that is still there. Raises Busy, InvalidData."""
    if _content(change.place) != change.before:
        raise Busy(
            f"{change.place.name} was changed by another program just now",
            hint="nothing was written to it; run this again",
        )
    path = os.path.realpath(change.place.path)  # a link to somewhere else stays one
    try:
        if change.after is None:
            os.unlink(path)
            return
        os.makedirs(os.path.dirname(path), exist_ok=True)
        disk.replace_file(path, change.after, durable=True, like=path)
    except OSError as error:
        raise InvalidData(
            f"it cannot be written: {error.strerror}", where=change.place.name
        ) from error


def _remove_empty(folder: str) -> None:
    try:
        os.rmdir(folder)
    except OSError:
        return


# --- what was there before -------------------------------------------------------------------


def _memory_path(site: Site, place: Place) -> str:
    return os.path.join(site.memory, hashlib.sha256(place.path.encode()).hexdigest()[:16])


def _name_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _recall(site: Site, place: Place) -> dict[str, Any] | None:
    try:
        found = json.loads(disk.read(_memory_path(site, place)))
        good = isinstance(found["after"], str) and isinstance(found["before"], (str, type(None)))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return found if good else None


def _remember(site: Site, place: Place, memory: Mapping[str, Any]) -> None:
    disk.put(_memory_path(site, place), json.dumps(memory).encode(), disk.PRIVATE)
