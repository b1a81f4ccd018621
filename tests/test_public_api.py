"""What `from gittasks import …` gives, and the program of docs/library.md."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from support.repositories import Repo

import gittasks

ROOT = Path(__file__).parent.parent
NAMES = {
    "AddNote",
    "Ambiguous",
    "Busy",
    "Change",
    "Claim",
    "Create",
    "Edit",
    "EditResult",
    "FormatTooNew",
    "GittasksError",
    "Graph",
    "HistoryRewritten",
    "InvalidData",
    "LogEntry",
    "NoList",
    "NoRemote",
    "NoRepository",
    "NotFound",
    "OpenConflict",
    "Progress",
    "Refused",
    "RemoteFailure",
    "Snapshot",
    "Status",
    "SyncOptions",
    "SyncResult",
    "Task",
    "Transition",
    "Undone",
    "Update",
    "Usage",
    "Verb",
    "Workspace",
}
"""The contract: a name that goes from here breaks a program of somebody's."""


def test_the_public_names_are_these() -> None:
    """All public names load, `dir` shows them, and no other name does."""
    assert set(gittasks.__all__) == NAMES
    assert dir(gittasks) == sorted([*NAMES, "__version__"])
    assert {getattr(gittasks, name).__name__ for name in NAMES} == NAMES
    with pytest.raises(AttributeError, match="nothing"):
        gittasks.nothing  # noqa: B018


def test_importing_the_package_loads_nothing() -> None:
    """The names are loaded when they are asked for."""
    code = "import sys, gittasks; print([m for m in sys.modules if m.startswith('gittasks.')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert done.stdout.strip() == "[]"


def test_the_program_of_the_manual_runs(repo: Repo) -> None:
    """docs/library.md: the program runs in a repository and prints what stands below it."""
    text = (ROOT / "docs" / "library.md").read_text(encoding="utf-8")
    program = "\n".join(re.findall(r"```python\n(.*?)```", text, re.DOTALL))
    (printed,) = re.findall(r"```text\n(.*?)```", text, re.DOTALL)
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=repo.path, capture_output=True, text=True, timeout=60
    )
    assert done.stderr == ""
    assert done.stdout == printed
    names = set(re.findall(r"^from gittasks import (.*)$", program, re.MULTILINE)[0].split(", "))
    assert names <= NAMES
