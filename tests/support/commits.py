"""Commits of code with git, and what their hooks said."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from typing import Any

from support.repositories import Repo


def ran(folder: str, *args: str, env: Mapping[str, str] = {}, stdin: str = "") -> tuple[int, str]:
    """git's exit code and what it and its hooks said, on both streams."""
    done = subprocess.run(
        ["git", *args],
        cwd=folder,
        env={**os.environ, **env},
        input=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def said(output: str) -> list[str]:
    """The lines of gittasks alone, without their mark."""
    mark = "gittasks: "
    return [line.removeprefix(mark) for line in output.splitlines() if line.startswith(mark)]


def commit(repo: Repo, message: str, *args: str, env: Mapping[str, str] = {}) -> list[str]:
    """Change a file and commit it, which must succeed; what gittasks said."""
    with open(repo.file("code.txt"), "a", encoding="utf-8") as file:
        file.write(f"{message[:10]}\n")
    code, output = ran(repo.path, "commit", "-qa", "-m", message, *args, env=env)
    assert code == 0, output
    return said(output)


def links(repo: Repo, task_id: str) -> list[str]:
    """Subjects of the commits that a task is linked to, each a commit that git knows as that."""
    task: Any = repo.tasks()[task_id]
    for link in task["commits"]:
        assert repo.git("log", "-1", "--format=%s", link["sha"]) == link["subject"]
    return [link["subject"] for link in task["commits"]]


def shas(repo: Repo, task_id: str) -> list[str]:
    """Ids of the commits that a task is linked to."""
    return [link["sha"] for link in repo.tasks()[task_id]["commits"]]


def status(repo: Repo, task_id: str) -> str:
    """The status of a task."""
    found: str = repo.tasks()[task_id]["status"]
    return found
