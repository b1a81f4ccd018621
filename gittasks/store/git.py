"""Run the installed git. Arguments are a list, never a shell; nothing is prompted for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from gittasks.errors import NoRepository

if TYPE_CHECKING:
    import subprocess

LOCAL_ENV = frozenset(
    {
        "GIT_ALTERNATE_OBJECT_DIRECTORIES",
        "GIT_COMMON_DIR",
        "GIT_CONFIG",
        "GIT_CONFIG_COUNT",
        "GIT_CONFIG_PARAMETERS",
        "GIT_DIR",
        "GIT_GRAFT_FILE",
        "GIT_IMPLICIT_WORK_TREE",
        "GIT_INDEX_FILE",
        "GIT_INTERNAL_SUPER_PREFIX",
        "GIT_NAMESPACE",
        "GIT_NO_REPLACE_OBJECTS",
        "GIT_OBJECT_DIRECTORY",
        "GIT_PREFIX",
        "GIT_QUARANTINE_PATH",
        "GIT_REPLACE_REF_BASE",
        "GIT_SHALLOW_FILE",
        "GIT_WORK_TREE",
    }
)
"""Variables that tie a process to one repository (`git rev-parse --local-env-vars`)."""


def unbound(env: Mapping[str, str]) -> dict[str, str]:
    """`env` without the variables that would send a child git to another repository."""
    return {k: v for k, v in env.items() if k not in LOCAL_ENV}


def run(
    args: Sequence[str],
    *,
    cwd: str,
    env: Mapping[str, str],
    stdin: bytes = b"",
) -> subprocess.CompletedProcess[bytes]:
    """Run `git ARGS` in `cwd` and return it finished, whatever its exit code."""
    import subprocess  # 4 ms, and most commands never run git

    try:
        return subprocess.run(
            ["git", *args],
            cwd=cwd,
            env={**env, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"},
            input=stdin,
            capture_output=True,
            check=False,
        )
    except FileNotFoundError as error:
        raise NoRepository(
            "git is not installed, or not on PATH", hint="install git, then run this again"
        ) from error


def whole_message(stderr: bytes) -> str:
    """What git said up to the first empty line, as one line, without its `fatal: ` prefix."""
    text = stderr.decode("utf-8", "replace").strip().partition("\n\n")[0]
    words = " ".join(text.split()) or "git failed without a message"
    return words.removeprefix("fatal: ").removeprefix("error: ")


def first_line(stderr: bytes) -> str:
    """What git said, in one line, without its `fatal: ` prefix."""
    text = stderr.decode("utf-8", "replace").strip()
    line = text.splitlines()[0] if text else "git failed without a message"
    return line.removeprefix("fatal: ").removeprefix("error: ")
