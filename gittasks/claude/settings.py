"""What goes into Claude Code's settings, and how it goes in beside what is there, and out again.

Settings are JSON objects. Keys, their order and everything that is not ours stay as they are;
what has not the form that Claude Code documents is refused, for it could not be kept safely.
"""

from __future__ import annotations

import json
import re
from collections.abc import Container, Mapping
from typing import Any

from gittasks.codec import strict_json
from gittasks.errors import InvalidData

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


def hook_command(event: str) -> str:
    """The shell line of a hook: silent where gittasks is missing, and never exit code 2."""
    there = "command -v gittasks >/dev/null 2>&1"
    return f"if {there}; then {_OURS} {event} || exit 1; fi"


def hooks() -> dict[str, list[Settings]]:
    """The value of `hooks`: for each event one group of ours."""
    made = {}
    for event, (matcher, timeout) in EVENTS.items():
        one = {"type": "command", "command": hook_command(event), "timeout": timeout}
        group: Settings = {"matcher": matcher} if matcher else {}
        made[event] = [{**group, "hooks": [one]}]
    return made


def server() -> Settings:
    """The entry of our MCP server."""
    return {"command": "gittasks", "args": ["mcp"]}


def wanted(list_id: str | None) -> Settings:
    """What a settings file is to hold; with a list the variable that names it."""
    env = {"env": {LIST_VARIABLE: list_id}} if list_id else {}
    return {**env, "hooks": hooks()}


def servers() -> Settings:
    """What a `.mcp.json` is to hold."""
    return {"mcpServers": {SERVER: server()}}


# --- reading and writing a file ---------------------------------------------------------------


def parse(data: bytes, where: str) -> Settings:
    """The settings in a file; an empty one holds none. Raises InvalidData."""
    try:
        text = data.decode("utf-8")
        if not text.strip():
            return {}
        found = strict_json.loads(text)
    except ValueError as error:
        raise _odd(where, f"it cannot be read as JSON: {error}") from error
    if not isinstance(found, dict):
        raise _odd(where, "it holds no JSON object")
    return found


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
    """Whether UTF-8 can hold it: a lone half of a pair is only good as an escape."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _odd(where: str, what: str) -> InvalidData:
    return InvalidData(
        what,
        where=where,
        hint="nothing was written; put it right, or see what is to go in with: "
        "gittasks claude install --print",
    )


# --- merging ---------------------------------------------------------------------------------


def with_ours(content: Settings, ours: Settings, where: str) -> Settings:
    """The settings with what is ours in them, as it is now. Raises InvalidData.

    A server of ours that is there is kept as it is: it may be given in another way.
    """
    made = _checked(content, where)
    if "env" in ours:
        made["env"] = {**made.get("env", {}), **ours["env"]}
    if "mcpServers" in ours:
        theirs = made.get("mcpServers", {})
        if SERVER in theirs and not _is_ours(theirs[SERVER]):
            raise _odd(where, f'"mcpServers.{SERVER}" is another server')
        made["mcpServers"] = {**theirs, SERVER: theirs.get(SERVER, ours["mcpServers"][SERVER])}
    if "hooks" in ours and not _has_hooks(made, ours["hooks"]):
        made = without_hooks(made)
        theirs = made.get("hooks", {})
        added = {event: [*theirs.get(event, []), *g] for event, g in ours["hooks"].items()}
        made["hooks"] = {**theirs, **added}
    return made


def without_ours(content: Settings, where: str, lists: Container[str]) -> Settings:
    """The settings without what is ours; a section that is empty then goes too.

    The variable goes if it names one of `lists`.
    """
    made = without_hooks(_checked(content, where))
    named = made.get("env", {}).get(LIST_VARIABLE)
    if isinstance(named, str) and named in lists:
        made = _less(made, "env", LIST_VARIABLE)
    if _is_ours(made.get("mcpServers", {}).get(SERVER)):
        made = _less(made, "mcpServers", SERVER)
    return made


def holds(content: Settings, where: str) -> dict[str, Any]:
    """What of ours is there: `hooks` (all, as they are now), `env` (the list), `mcp`."""
    made = _checked(content, where)
    return {
        "hooks": _has_hooks(made, hooks()),
        "env": made.get("env", {}).get(LIST_VARIABLE),
        "mcp": _is_ours(made.get("mcpServers", {}).get(SERVER)),
    }


def _checked(content: Settings, where: str) -> Settings:
    """A copy of the settings; InvalidData if a part that we touch has another form."""
    for section in ("env", "hooks", "mcpServers"):
        if not isinstance(content.get(section, {}), dict):
            raise _odd(where, f'"{section}" is no JSON object')
    for event, groups in content.get("hooks", {}).items():
        if not isinstance(groups, list):
            raise _odd(where, f'"hooks.{event}" is no list')
        for group in groups:
            if not isinstance(group, dict) or not isinstance(group.get("hooks", []), list):
                raise _odd(where, f'"hooks.{event}" has a group without a list of hooks')
    return dict(content)


def _has_hooks(content: Settings, ours: Mapping[str, list[Settings]]) -> bool:
    """Whether each hook of ours is there once, as it is now, and no other one of ours."""
    theirs = content.get("hooks", {})
    found = {
        event: [g for g in groups if any(_runs_us(h) for h in g.get("hooks", []))]
        for event, groups in theirs.items()
    }
    return {event: groups for event, groups in found.items() if groups} == ours


def without_hooks(content: Settings) -> Settings:
    """The settings without the hooks of ours; groups and events that are empty then go too."""
    if "hooks" not in content:
        return content
    left = {}
    for event, groups in content["hooks"].items():
        kept = [_group_without(g) for g in groups]
        remaining = [k for k, g in zip(kept, groups, strict=True) if k.get("hooks") or k == g]
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
    """Whether an MCP server runs `gittasks mcp`, from wherever."""
    if not isinstance(entry, dict) or not isinstance(entry.get("command"), str):
        return False
    name = entry["command"].replace("\\", "/").rpartition("/")[2].removesuffix(".exe")
    return name in ("gittasks", "git-gittasks") and entry.get("args", [])[:1] == ["mcp"]


def _less(content: Settings, section: str, key: str) -> Settings:
    left = {k: v for k, v in content[section].items() if k != key}
    if left:
        return {**content, section: left}
    return {k: v for k, v in content.items() if k != section}
