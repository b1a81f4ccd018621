"""The plugin folder holds what `claude install` writes, and a skill whose commands are real."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

from support.repositories import Repo

from gittasks import __version__
from gittasks.claude import settings
from gittasks.cli.command_line import ALIASES, COMMANDS

_ROOT = Path(__file__).parent.parent.parent
_PLUGIN = _ROOT / "plugins" / "claude-code"
_SKILL = _PLUGIN / "skills" / "gittasks" / "SKILL.md"


def _json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def test_the_plugin_bundles_what_install_writes() -> None:
    """Hooks and server of the plugin are those of the settings, so the two cannot drift apart."""
    assert _json(_PLUGIN / "hooks" / "hooks.json")["hooks"] == settings.hooks()
    assert _json(_PLUGIN / ".mcp.json") == settings.servers()


def test_the_manifests_name_the_plugin() -> None:
    """Its version is that of gittasks: Claude Code updates a plugin when that changes."""
    manifest = _json(_PLUGIN / ".claude-plugin" / "plugin.json")
    assert (manifest["name"], manifest["version"]) == ("gittasks", __version__)
    (entry,) = _json(_ROOT / ".claude-plugin" / "marketplace.json")["plugins"]
    assert entry["name"] == manifest["name"]
    assert (_ROOT / entry["source"]).resolve() == _PLUGIN


def test_the_skill_says_when_it_is_for() -> None:
    """The head names it and says when to use it, within what Claude Code reads."""
    text = _SKILL.read_text(encoding="utf-8")
    head = re.match(r"---\nname: ([a-z-]+)\ndescription: (.+)\n---\n", text)
    assert head is not None
    assert head[1] == _SKILL.parent.name == "gittasks"
    assert len(head[2]) < 1024
    assert "Use it" in head[2]


def test_the_commands_of_the_skill_exist() -> None:
    """Every `gittasks WORD` in it is a command."""
    known = {name for group in COMMANDS.values() for name in group}.union(ALIASES)
    words = set(re.findall(r"gittasks ([a-z-]+)", _SKILL.read_text(encoding="utf-8")))
    assert words - {"so", "has"} <= known


def test_the_examples_of_the_skill_run(repo: Repo) -> None:
    """The lines of its shell blocks do what they say, in the order in which they stand there."""
    import subprocess
    import sys

    text = _SKILL.read_text(encoding="utf-8")
    repo.ok("init", "feature-auth")
    path = os.path.dirname(sys.executable) + os.pathsep + os.environ["PATH"]
    plan, steps, loop = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    between = "gittasks start p2-plan\ngittasks done p2-plan\n"
    done = subprocess.run(
        ["/bin/sh", "-e"],
        cwd=repo.path,
        env={**os.environ, "PATH": path},
        input=f"{plan}{steps}{between}{loop}".encode(),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done
    status = repo.ok("status").out
    assert "4/7 tasks complete" in status, status
    assert "Loop completed in 2/10 iterations" in status
