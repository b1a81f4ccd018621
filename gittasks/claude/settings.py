"""Claude Code's settings: put our hooks and server in beside what is there, and take them out.

Settings are JSON objects. Keys, their order and everything that is not ours stay as they are;
what has not the form that Claude Code documents is refused, for it could not be kept safely.

A file is written whole, beside itself first. What stood there before is remembered, so that a
file that nobody else changed since comes back byte for byte; from any other only what is ours goes.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Container, Mapping, Sequence
from typing import Any, NamedTuple

from gittasks import light
from gittasks.claude.transfer import config_root
from gittasks.codec import strict_json
from gittasks.errors import Busy, InvalidData, Way
from gittasks.store import disk

LIST_VARIABLE = "CLAUDE_CODE_TASK_LIST_ID"
SERVER = "gittasks"
_OURS = "gittasks claude hook"
"""What every command of a hook of ours says, of whatever version."""
EVENTS: Mapping[str, tuple[str | None, int]] = {
    "SessionStart": (None, 20),
    "PostToolUse": ("TaskCreate|TaskUpdate", 15),
    "TaskCompleted": (None, 15),
    "Stop": (None, 15),
    "SessionEnd": (None, 5),
}
"""The events that we answer: for which tools, and after how many seconds Claude Code gives up."""

Settings = dict[str, Any]


def hook_command(event: str, *options: str) -> str:
    """The shell line of a hook: silent where gittasks is missing, and never exit code 2."""
    check = "command -v gittasks >/dev/null 2>&1"
    return f"if {check}; then {' '.join([_OURS, event, *options])} || exit 1; fi"


def hooks(*, hold: bool = False) -> dict[str, list[Settings]]:
    """The value of `hooks`: for each event one group of ours.

    `hold`: an agent that would stop is held back while its tasks are in progress.
    """
    groups = {}
    for event, (matcher, timeout) in EVENTS.items():
        options = ("--hold",) if hold and event == "Stop" else ()
        hook = {"type": "command", "command": hook_command(event, *options), "timeout": timeout}
        group: Settings = {"matcher": matcher} if matcher else {}
        groups[event] = [{**group, "hooks": [hook]}]
    return groups


def server() -> Settings:
    """The entry of our MCP server."""
    return {"command": "gittasks", "args": ["mcp"]}


def wanted(list_id: str | None, *, hold: bool = False) -> Settings:
    """The content for a settings file; with a list, the variable that names it."""
    env = {"env": {LIST_VARIABLE: list_id}} if list_id else {}
    return {**env, "hooks": hooks(hold=hold)}


def servers() -> Settings:
    """The content for a `.mcp.json`."""
    return {"mcpServers": {SERVER: server()}}


# --- reading and writing a file ---------------------------------------------------------------


def parse(data: bytes, where: str) -> Settings:
    """The settings in a file; an empty one holds none. Raises InvalidData."""
    try:
        text = data.decode("utf-8")
        if not text.strip():
            return {}
        content = strict_json.loads(text)
    except ValueError as error:
        raise _odd(where, f"it cannot be read as JSON: {error}") from error
    if not isinstance(content, dict):
        raise _odd(where, "it does not hold a JSON object")
    return content


def render(content: Settings, like: bytes) -> bytes:
    """A file of settings, indented and ended as the one that it replaces."""
    text = like.decode("utf-8", "replace")
    match = re.search(r"\{\r?\n([ \t]+)", text)
    indent = match[1] if match else 2
    body = json.dumps(content, indent=indent, ensure_ascii=False)
    if not _is_encodable(body):
        body = json.dumps(content, indent=indent)
    if not text.strip() or text.endswith("\n"):
        body += "\n"
    return (body.replace("\n", "\r\n") if "\r\n" in text else body).encode()


def _is_encodable(text: str) -> bool:
    """True when UTF-8 can hold it: a lone half of a pair needs an escape."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _odd(where: str, what: str) -> InvalidData:
    return InvalidData(
        what,
        where=where,
        hint="nothing was written; correct it",
        ways=[Way("see what would be added", ("gittasks", "claude", "install", "--print"))],
    )


# --- merging ---------------------------------------------------------------------------------


def with_ours(content: Settings, ours: Settings, where: str) -> Settings:
    """The settings with what is ours in them, as it is now. Raises InvalidData.

    A server of ours that is there is kept as it is: it may be given in another way.
    """
    result = _checked(content, where)
    if "env" in ours:
        result["env"] = {**result.get("env", {}), **ours["env"]}
    if "mcpServers" in ours:
        theirs = result.get("mcpServers", {})
        if SERVER in theirs and not _is_ours(theirs[SERVER]):
            raise _odd(where, f'"mcpServers.{SERVER}" is another server')
        result["mcpServers"] = {**theirs, SERVER: theirs.get(SERVER, ours["mcpServers"][SERVER])}
    if "hooks" in ours and not _has_hooks(result, ours["hooks"]):
        result = without_hooks(result)
        theirs = result.get("hooks", {})
        added = {event: [*theirs.get(event, []), *g] for event, g in ours["hooks"].items()}
        result["hooks"] = {**theirs, **added}
    return result


def without_ours(content: Settings, where: str, lists: Container[str]) -> Settings:
    """The settings without what is ours; a section that is empty then goes too.

    The variable goes if it names one of `lists`.
    """
    result = without_hooks(_checked(content, where))
    list_id = result.get("env", {}).get(LIST_VARIABLE)
    if isinstance(list_id, str) and list_id in lists:
        result = _less(result, "env", LIST_VARIABLE)
    if _is_ours(result.get("mcpServers", {}).get(SERVER)):
        result = _less(result, "mcpServers", SERVER)
    return result


def holds(content: Settings, where: str) -> dict[str, Any]:
    """Our entries in a file: `hooks` (all, as they are now), `env` (the list), `mcp`."""
    settings = _checked(content, where)
    return {
        "hooks": holds_back(settings) or _has_hooks(settings, hooks()),
        "env": settings.get("env", {}).get(LIST_VARIABLE),
        "mcp": _is_ours(settings.get("mcpServers", {}).get(SERVER)),
    }


def holds_back(content: Settings) -> bool:
    """True when the hooks of ours hold an agent back that would stop."""
    return _has_hooks(content, hooks(hold=True))


def _checked(content: Settings, where: str) -> Settings:
    """A copy of the settings; InvalidData if a part that we touch has another form."""
    for section in ("env", "hooks", "mcpServers"):
        if not isinstance(content.get(section, {}), dict):
            raise _odd(where, f'"{section}" is not a JSON object')
    for event, groups in content.get("hooks", {}).items():
        if not isinstance(groups, list):
            raise _odd(where, f'"hooks.{event}" is no list')
        for group in groups:
            if not isinstance(group, dict) or not isinstance(group.get("hooks", []), list):
                raise _odd(where, f'"hooks.{event}" has a group without a list of hooks')
    return dict(content)


def _has_hooks(content: Settings, ours: Mapping[str, list[Settings]]) -> bool:
    """True when each hook of ours is there once, up to date, and no other one of ours."""
    theirs = content.get("hooks", {})
    present = {
        event: [g for g in groups if any(_runs_us(h) for h in g.get("hooks", []))]
        for event, groups in theirs.items()
    }
    return {event: groups for event, groups in present.items() if groups} == ours


def without_hooks(content: Settings) -> Settings:
    """The settings without the hooks of ours; groups and events that are empty then go too."""
    if "hooks" not in content:
        return content
    left = {}
    for event, groups in content["hooks"].items():
        cleaned = [_group_without(g) for g in groups]
        remaining = [k for k, g in zip(cleaned, groups, strict=True) if k.get("hooks") or k == g]
        if remaining or not groups:
            left[event] = remaining
    if left or not content["hooks"]:
        return {**content, "hooks": left}
    return {k: v for k, v in content.items() if k != "hooks"}


def _group_without(group: Settings) -> Settings:
    if not any(_runs_us(h) for h in group.get("hooks", [])):
        return group
    return {**group, "hooks": [h for h in group["hooks"] if not _runs_us(h)]}


def _runs_us(hook: Any) -> bool:
    command = hook.get("command") if isinstance(hook, dict) else None
    return isinstance(command, str) and _OURS in command


def _is_ours(entry: Any) -> bool:
    """True when an MCP server runs `gittasks mcp`, from any folder."""
    if not isinstance(entry, dict) or not isinstance(entry.get("command"), str):
        return False
    name = entry["command"].replace("\\", "/").rpartition("/")[2].removesuffix(".exe")
    return name in ("gittasks", "git-gittasks") and entry.get("args", [])[:1] == ["mcp"]


def _less(content: Settings, section: str, key: str) -> Settings:
    left = {k: v for k, v in content[section].items() if k != key}
    if left:
        return {**content, section: left}
    return {k: v for k, v in content.items() if k != section}


class Place(NamedTuple):
    """One settings file: its name for people, its path, and whether it is for MCP servers."""

    name: str
    path: str
    is_mcp: bool = False


class Site(NamedTuple):
    """The files of a scope, and the folder that remembers their former content."""

    scope: str
    places: tuple[Place, ...]
    memory: str


class SettingsChange(NamedTuple):
    """A file as it is and as it is to be; None: not there."""

    place: Place
    before: bytes | None
    after: bytes | None

    @property
    def made(self) -> bool:
        """True when there is anything to write."""
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


def to_install(
    site: Site, list_id: str | None, *, replace: bool, hold: bool | None = None
) -> list[SettingsChange]:
    """The changes to write; InvalidData when a file holds what cannot be kept safely.

    Another list that a file names already stays, unless it is to be replaced; so does what
    happens when an agent stops, where `hold` does not say.
    """
    changes = []
    for place in site.places:
        before = _content(place)
        content = parse(before or b"", place.name)
        present_list = holds(content, place.name)["env"]
        back = holds_back(content) if hold is None else hold
        ours = servers() if place.is_mcp else wanted(list_id, hold=back)
        if present_list is not None and not replace:
            ours.pop("env", None)
        merged = with_ours(content, ours, place.name)
        same = merged == content and before is not None
        changes.append(SettingsChange(place, before, before if same else _rendered(merged, before)))
    return changes


def install(site: Site, changes: Sequence[SettingsChange]) -> None:
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
            previous = None if change.before is None else change.before.decode()
            fresh = {
                "before": previous,
                "after": _name_of(change.after or b""),
                "folder": made_folder,
            }
            _remember(site, change.place, fresh)
        else:
            disk.remove(_memory_path(site, change.place))


def _is_free_of_ours(change: SettingsChange) -> bool:
    content = parse(change.before or b"", change.place.name)
    held = holds(content, change.place.name)
    return without_hooks(content) == content and not held["mcp"]


def to_uninstall(site: Site, lists: Container[str]) -> list[SettingsChange]:
    """The changes that take our entries out. Raises InvalidData.

    `lists` are the lists whose name in the variable is taken for our doing.
    """
    changes = []
    for place in site.places:
        before = _content(place)
        memory = _recall(site, place)
        if before is None:
            changes.append(SettingsChange(place, None, None))
        elif memory is not None and memory["after"] == _name_of(before):
            previous = memory["before"]
            changes.append(
                SettingsChange(place, before, None if previous is None else previous.encode())
            )
        else:
            content = parse(before, place.name)
            result = without_ours(content, place.name, lists)
            after = before if result == content else _rendered(result, before) if result else None
            changes.append(SettingsChange(place, before, after))
    return changes


def uninstall(site: Site, changes: Sequence[SettingsChange]) -> None:
    """Write the changes of `to_uninstall`, and forget what was remembered for them."""
    for change in changes:
        memory = _recall(site, change.place)
        if change.made:
            _replace(change)
        if change.after is None and memory is not None and memory.get("folder"):
            _remove_empty(os.path.dirname(change.place.path))
        disk.remove(_memory_path(site, change.place))


def state(site: Site) -> dict[str, Any]:
    """Our entries in the files of a scope: `hooks`, `env` and, for a project, `mcp`."""
    summary: dict[str, Any] = {"hooks": False, "env": None, "mcp": False}
    for place in site.places:
        content = parse(_content(place) or b"", place.name)
        held = holds(content, place.name)
        summary = {
            "hooks": summary["hooks"] or held["hooks"],
            "env": summary["env"] or (held["env"] if isinstance(held["env"], str) else None),
            "mcp": summary["mcp"] or held["mcp"],
        }
    return summary


def registered(env: Mapping[str, str], work_tree: str | None) -> bool | None:
    """True when our MCP server is registered for the user (or one project of theirs).

    That is in a file which Claude Code keeps for itself, so it is only ever read; None when it
    cannot be.
    """
    home = env.get("HOME") or os.path.expanduser("~")
    path = os.path.join(env.get("CLAUDE_CONFIG_DIR") or home, ".claude.json")
    try:
        content = json.loads(disk.read(path))
        part = content["projects"].get(work_tree, {}) if work_tree else content
        return holds({"mcpServers": part.get("mcpServers", {})}, path)["mcp"] is True
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
    except FileNotFoundError as error:
        if os.path.lexists(place.path):
            raise InvalidData("it is a link to nothing", where=place.name) from error
        return None
    except OSError as error:
        raise InvalidData(f"it cannot be read: {error.strerror}", where=place.name) from error


def _rendered(content: Settings, before: bytes | None) -> bytes:
    return render(content, before or b"")


def _replace(change: SettingsChange) -> None:
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
    return os.path.join(site.memory, hashlib.sha256(os.fsencode(place.path)).hexdigest()[:16])


def _name_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _recall(site: Site, place: Place) -> dict[str, Any] | None:
    try:
        memory = light.read_json(disk.read(_memory_path(site, place)))
        good = isinstance(memory["after"], str) and isinstance(memory["before"], (str, type(None)))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return memory if good else None


def _remember(site: Site, place: Place, memory: Mapping[str, Any]) -> None:
    disk.put(_memory_path(site, place), json.dumps(memory).encode(), disk.PRIVATE)
