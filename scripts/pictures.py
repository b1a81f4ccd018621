"""Make the pictures of the README from a real list: `status` as an SVG, the report page as a PNG.

`python scripts/pictures.py` writes docs/pictures; Chromium draws the page. The list is made in a
scratch repository with a clock that stands still, so a second run makes the same status.
"""

from __future__ import annotations

import io
import os
import pty
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping

PICTURES = os.path.join(
    os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "docs", "pictures"
)
COLUMNS = 84
_PAGE = (1000, 640)
"""Pixels of the picture of the page: its first screen."""
_PATIENCE = 120

PLAN = """\
# Log in with a passkey

## Phase 1: Requirements
- [ ] `ask` Ask the users what they need (active: Asking the users)

## Phase 2: Build
- [ ] `server` Store the keys (active: Storing the keys; after: ask)
- [ ] `page` Build the login page (active: Building the login page; after: ask)
- [ ] `docs` Write the guide (active: Writing the guide; after: server, page)

## Phase 3: Reviews
- [ ] `security` Security review (after: server)
- [ ] `access` Accessibility review (after: page)
- [ ] `ux` Usability review (after: page)

## Phase 4: Release
- [ ] `release` Release it (after: docs, security, access, ux)
"""
STEPS = (
    ("09:00", "ana", "init", "passkeys"),
    ("09:00", "ana", "apply", "plan.md"),
    ("09:01", "ana", "start", "ask"),
    ("09:20", "ana", "done", "ask", "--result", "5 requirements"),
    ("09:21", "claude", "start", "server"),
    ("09:22", "codex", "start", "page"),
    ("09:58", "codex", "note", "page", "The form works without scripts as well"),
    ("10:04", "claude", "done", "server", "--result", "PASS"),
    ("10:07", "codex", "done", "page", "--result", "PASS"),
    ("10:08", "claude", "start", "docs"),
    ("10:09", "codex", "start", "access"),
    ("10:26", "codex", "done", "access", "--result", "2 issues fixed"),
    ("10:31", "gemini", "start", "ux"),
)
NOW = "10:45"


def main() -> None:
    """Write both pictures."""
    os.makedirs(PICTURES, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        env = make_list(folder)
        with open(os.path.join(PICTURES, "status.svg"), "w", encoding="utf-8") as file:
            file.write(status_picture(folder, env))
        page = os.path.join(folder, "report.html")
        _gittasks(folder, env, "report", "--output", page)
        draw_page(page, os.path.join(PICTURES, "report.png"))


def make_list(folder: str) -> Mapping[str, str]:
    """Make the list in a repository at `folder`; the environment in which it is looked at."""
    env = {
        name: value for name, value in os.environ.items() if not name.startswith(("GIT", "CLAUDE"))
    }
    env |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "HOME": folder}
    env |= {"GIT_AUTHOR_NAME": "Ana", "GIT_AUTHOR_EMAIL": "ana@example.org", "TZ": "UTC"}
    env |= {"GIT_COMMITTER_NAME": "Ana", "GIT_COMMITTER_EMAIL": "ana@example.org"}
    subprocess.run(["git", "init", "-q", folder], env=env, check=True)
    with open(os.path.join(folder, "plan.md"), "w", encoding="utf-8") as file:
        file.write(PLAN)
    for clock, owner, *command in STEPS:
        _gittasks(folder, env | _at(clock) | {"GITTASKS_OWNER": owner}, *command)
    return env | _at(NOW)


def status_picture(folder: str, env: Mapping[str, str]) -> str:
    """An SVG of what `gittasks status` shows on a terminal."""
    from rich.console import Console
    from rich.text import Text

    shown = Text.from_ansi(on_terminal(folder, env, "status"))
    console = Console(width=COLUMNS, record=True, file=io.StringIO(), force_terminal=True)
    console.print(Text.assemble(("$ ", "dim"), "gittasks status"))
    console.print(shown)
    picture = console.export_svg(title="passkeys", unique_id="status")
    return re.sub(r"\s*@font-face \{[^}]*\}", "", picture)  # nothing is fetched


def on_terminal(folder: str, env: Mapping[str, str], *command: str) -> str:
    """What a command shows on a terminal, escape sequences included."""
    sizes = {"COLUMNS": str(COLUMNS), "LINES": "50", "TERM": "xterm-256color", "LANG": "C.UTF-8"}
    ours, theirs = pty.openpty()
    argv = [sys.executable, "-m", "gittasks", *command]
    child = subprocess.Popen(argv, cwd=folder, env={**env, **sizes}, stdin=theirs, stdout=theirs)
    os.close(theirs)
    shown = bytearray()
    try:
        while piece := os.read(ours, 1 << 16):
            shown += piece
    except OSError:  # how Linux says that the other end is closed
        pass
    os.close(ours)
    if child.wait(timeout=_PATIENCE):
        sys.exit(f"failed: {' '.join(command)}")
    return shown.decode().replace("\r\n", "\n").rstrip("\n")


def draw_page(page: str, picture: str) -> None:
    """Save the first screen of a page as a PNG."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        sys.exit("chromium is not installed")
    flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
    flags += [f"--window-size={_PAGE[0]},{_PAGE[1]}", f"--screenshot={picture}", f"file://{page}"]
    subprocess.run([chromium, *flags], check=True, capture_output=True, timeout=_PATIENCE)


def _at(clock: str) -> dict[str, str]:
    moment = f"2026-11-22T{clock}:00Z"
    return {"GIT_AUTHOR_DATE": moment, "GIT_COMMITTER_DATE": moment}


def _gittasks(folder: str, env: Mapping[str, str], *command: str) -> None:
    argv = [sys.executable, "-m", "gittasks", "--quiet", *command]
    subprocess.run(argv, cwd=folder, env=env, check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
