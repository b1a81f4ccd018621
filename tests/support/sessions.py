"""A session of Claude Code as gittasks sees it: events on stdin, task files on the disk."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from typing import Any

from support.repositories import GITTASKS, Repo, Result

Fields = Mapping[str, Any]


def tasks_folder(name: str = "plan") -> str:
    """Folder of a native list in the HOME of the test."""
    return os.path.join(os.environ["HOME"], ".claude", "tasks", name)


def put(number: int, subject: str, name: str = "plan", **fields: Any) -> str:
    """Write a native task file as Claude Code does; its path."""
    folder = tasks_folder(name)
    os.makedirs(folder, exist_ok=True)
    task = {
        "id": str(number),
        "subject": subject,
        "description": f"About {subject}",
        "activeForm": f"Doing {subject}",
        "status": "pending",
        "blocks": [],
        "blockedBy": [],
        **fields,
    }
    return put_raw(f"{number}.json", json.dumps(task, indent=2), name)


def put_raw(file: str, text: str | bytes, name: str = "plan") -> str:
    """Write any file into the folder of a native list; its path."""
    folder = tasks_folder(name)
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, file)
    with open(path, "wb") as out:
        out.write(text.encode() if isinstance(text, str) else text)
    return path


def get(number: int, name: str = "plan") -> Any:
    """What a native task file holds."""
    with open(os.path.join(tasks_folder(name), f"{number}.json"), encoding="utf-8") as file:
        return json.load(file)


def event(name: str, session: str = "s1", **fields: Any) -> str:
    """An event as Claude Code writes it."""
    common = {"session_id": session, "transcript_path": "/nowhere", "hook_event_name": name}
    return json.dumps({**common, **fields})


def created(number: int, subject: str, session: str = "s1", **fields: Any) -> str:
    """The event after a TaskCreate."""
    return event(
        "PostToolUse",
        session,
        tool_name="TaskCreate",
        tool_input={"subject": subject, "description": f"About {subject}", **fields},
        tool_response={"task": {"id": str(number), "subject": subject}},
    )


def updated(number: int, session: str = "s1", **fields: Any) -> str:
    """The event after a TaskUpdate."""
    return event(
        "PostToolUse",
        session,
        tool_name="TaskUpdate",
        tool_input={"taskId": str(number), **fields},
        tool_response={"success": True, "taskId": str(number), "updatedFields": sorted(fields)},
    )


def hook(repo: Repo, stdin: str, *args: str, env: Mapping[str, str] = {}) -> Result:
    """`gittasks claude hook` with an event on standard input; never exit code 2."""
    done = repo.run("claude", "hook", *args, stdin=stdin, env=env)
    assert done.code in (0, 1), done
    assert bool(done.code) == bool(done.err), done
    return done


def quiet(repo: Repo, stdin: str, env: Mapping[str, str] = {}) -> None:
    """A hook that has nothing to say."""
    assert hook(repo, stdin, env=env) == Result(0, "", "")


def start_hook(repo: Repo, stdin: str) -> subprocess.Popen[bytes]:
    """Start a hook, hand it its event and go on at once."""
    process = subprocess.Popen(
        [GITTASKS, "claude", "hook"],
        cwd=repo.path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdin is not None
    process.stdin.write(stdin.encode())
    process.stdin.close()
    process.stdin = None
    return process


def told(result: Result) -> str:
    """The context that a PostToolUse hook gives to the model."""
    output = json.loads(result.out)["hookSpecificOutput"]
    assert output["hookEventName"] == "PostToolUse"
    text = output["additionalContext"]
    assert isinstance(text, str)
    return text


def by_subject(repo: Repo) -> dict[str, Any]:
    """The tasks of the list at work by their subjects, of which there must be no two."""
    tasks = list(repo.tasks().values())
    found = {task["subject"]: task for task in tasks}
    assert len(found) == len(tasks), [task["subject"] for task in tasks]
    return found
