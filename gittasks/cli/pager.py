"""The pager that git would use: GIT_PAGER, core.pager of the user, PAGER, less."""

from __future__ import annotations

import os
import shlex
import subprocess
from contextlib import suppress

from gittasks.store import git, platform

_USUAL = {"LESS": "FRX", "LV": "-c"}
"""Settings of pagers where the user has none, as git has them: less ends when one screen does."""


def show(text: str, rows: int) -> bool:
    """Show text in the pager until its reader ends it; False where there is no pager.

    What `rows` of a screen hold needs no less, which would only clear a line and end.
    """
    words = _command()
    if not words or words == ["cat"] or (words[0] == "less" and text.count("\n") + 1 < rows):
        return False
    try:
        process = subprocess.Popen(
            platform.runnable(words), stdin=subprocess.PIPE, env={**_USUAL, **os.environ}
        )
    except OSError:
        return False
    assert process.stdin  # noqa: S101
    with suppress(BrokenPipeError), process.stdin as pipe:
        pipe.write(f"{text}\n".encode())
    while True:
        try:
            process.wait()
        except KeyboardInterrupt:
            continue  # it is the pager's: less goes on
        return process.returncode != 127


def _command() -> list[str]:
    """The words of the pager's command line; no repository has a say in it."""
    env = os.environ
    line = env.get("GIT_PAGER")
    if line is None:
        answer = git.run(
            ["config", "--get", "core.pager"], cwd=os.path.abspath(os.sep), env=git.unbound(env)
        )
        line = answer.stdout.decode("utf-8", "replace").strip() or env.get("PAGER", "less")
    try:
        return shlex.split(line)
    except ValueError:
        return []
