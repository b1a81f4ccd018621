"""`claude install`: into settings that belong to somebody else, and out of them without trace."""

from __future__ import annotations

import json
import os
import stat
from typing import Any

import pytest
from support.repositories import Repo

from gittasks.claude import settings

_OURS = "gittasks claude hook"
_THEIRS: dict[str, Any] = {
    "model": "opus",
    "env": {"A": "1"},
    "hooks": {
        "Stop": [{"hooks": [{"type": "command", "command": "say done"}]}],
        "PreToolUse": [{"matcher": "Bash", "hooks": [{"type": "command", "command": "check"}]}],
    },
    "permissions": {"allow": ["Bash(ls:*)"]},
}
_FORMS = {
    "absent": None,
    "empty": b"",
    "nothing": b"{}",
    "compact": b'{"a":1,"hooks":{}}',
    "four": json.dumps(_THEIRS, indent=4).encode() + b"\n",
    "tabs": json.dumps(_THEIRS, indent="\t").encode(),
    "crlf": json.dumps(_THEIRS, indent=2).replace("\n", "\r\n").encode() + b"\r\n",
    "odd layout": b'{\n  "n": 1.10, "big": 123456789012345678,\n "u": "\\u00e9\xc3\xa9\\ud8ff"}',
}


def _put(repo: Repo, name: str, content: bytes | None) -> None:
    if content is not None:
        os.makedirs(os.path.dirname(repo.file(name)), exist_ok=True)
        with open(repo.file(name), "wb") as file:
            file.write(content)


def _get(repo: Repo, name: str) -> bytes | None:
    try:
        with open(repo.file(name), "rb") as file:
            return file.read()
    except FileNotFoundError:
        return None


def _json(repo: Repo, name: str) -> Any:
    return json.loads(repo.read(name))


_FILES = (".claude/settings.json", ".claude/settings.local.json", ".mcp.json")


def _all(repo: Repo) -> dict[str, bytes | None]:
    return {name: _get(repo, name) for name in _FILES}


@pytest.mark.parametrize("form", _FORMS)
def test_uninstall_gives_back_every_byte(listed: Repo, form: str) -> None:
    """Whatever the file looked like, it is as it was before, and so is the folder."""
    for name in (".claude/settings.json", ".mcp.json"):
        _put(listed, name, _FORMS[form])
    before = _all(listed), os.path.isdir(listed.file(".claude"))
    listed.ok("claude", "install", "--scope", "project")
    once = _all(listed)
    assert once != before[0]
    content = _json(listed, ".claude/settings.json")
    assert content["env"]["CLAUDE_CODE_TASK_LIST_ID"] == "plan"
    assert _json(listed, ".mcp.json")["mcpServers"]["gittasks"] == settings.server()
    listed.ok("claude", "install", "--scope", "project")
    assert _all(listed) == once
    listed.ok("claude", "uninstall", "--scope", "project")
    assert (_all(listed), os.path.isdir(listed.file(".claude"))) == before
    listed.ok("claude", "uninstall", "--scope", "project")
    assert (_all(listed), os.path.isdir(listed.file(".claude"))) == before


def test_other_peoples_settings_stay(listed: Repo) -> None:
    """Keys, their order, and hooks of the same event are kept, ours come behind them."""
    _put(listed, ".claude/settings.json", json.dumps(_THEIRS).encode())
    _put(listed, ".mcp.json", b'{"mcpServers": {"other": {"command": "x"}}, "more": 1}')
    listed.ok("claude", "install", "--scope", "project")
    made = _json(listed, ".claude/settings.json")
    assert list(made) == list(_THEIRS)
    assert made["env"] == {"A": "1", "CLAUDE_CODE_TASK_LIST_ID": "plan"}
    assert made["hooks"]["PreToolUse"] == _THEIRS["hooks"]["PreToolUse"]
    assert made["hooks"]["Stop"][0] == _THEIRS["hooks"]["Stop"][0]
    assert len(made["hooks"]["Stop"]) == 2
    mcp = _json(listed, ".mcp.json")
    assert (list(mcp), list(mcp["mcpServers"])) == (["mcpServers", "more"], ["other", "gittasks"])


def test_what_others_changed_since_is_kept(listed: Repo) -> None:
    """After a change by somebody else only what is ours goes."""
    _put(listed, ".claude/settings.json", json.dumps(_THEIRS).encode())
    listed.ok("claude", "install", "--scope", "project")
    made = _json(listed, ".claude/settings.json")
    made["new"] = True
    stop = made["hooks"]["Stop"][1]["hooks"]
    stop.append({"type": "command", "command": "mine in their group"})
    _put(listed, ".claude/settings.json", json.dumps(made).encode())
    listed.ok("claude", "uninstall", "--scope", "project")
    left = _json(listed, ".claude/settings.json")
    assert left.pop("new") is True
    assert [h["command"] for g in left["hooks"].pop("Stop") for h in g["hooks"]] == [
        "say done",
        "mine in their group",
    ]
    expected = {**_THEIRS, "hooks": {"PreToolUse": _THEIRS["hooks"]["PreToolUse"]}}
    assert left == expected


def test_a_clone_without_memory_takes_out_what_is_ours(listed: Repo) -> None:
    """A teammate who has the files from git can uninstall too; also a group without hooks stays."""
    theirs = {**_THEIRS, "hooks": {**_THEIRS["hooks"], "SessionEnd": [{"hooks": []}]}}
    _put(listed, ".claude/settings.json", json.dumps(theirs).encode())
    listed.ok("claude", "install", "--scope", "project")
    listed.remove("gittasks", "claude")
    listed.ok("claude", "uninstall", "--scope", "project")
    assert _json(listed, ".claude/settings.json") == theirs
    assert _get(listed, ".mcp.json") is None


def test_hooks_of_an_older_version_are_replaced(listed: Repo) -> None:
    """What an older version wrote is known by its command, and never is duplicated."""
    old = {"hooks": {"Stop": [{"hooks": [{"type": "command", "command": f"{_OURS} Stop"}]}]}}
    _put(listed, ".claude/settings.local.json", json.dumps(old).encode())
    listed.ok("claude", "install")
    made = _json(listed, ".claude/settings.local.json")
    assert made["hooks"] == settings.hooks()
    listed.ok("claude", "uninstall")
    assert _get(listed, ".claude/settings.local.json") is None


def test_an_agent_can_be_held_back_at_the_end_of_a_turn(listed: Repo) -> None:
    """`--stop hold` writes one hook more strictly; it stays until `--stop remind`, and goes with
    the others."""
    listed.ok("claude", "install", "--stop", "hold")
    file = ".claude/settings.local.json"
    assert _json(listed, file)["hooks"] == settings.hooks(hold=True)
    listed.ok("claude", "install")
    assert _json(listed, file)["hooks"] == settings.hooks(hold=True)
    assert "hooks set up" in listed.ok("claude", "status").out
    listed.ok("claude", "install", "--stop", "remind")
    assert _json(listed, file)["hooks"] == settings.hooks()
    listed.ok("claude", "install", "--stop", "hold")
    listed.ok("claude", "uninstall")
    assert _get(listed, file) is None


@pytest.mark.parametrize(
    "content",
    [
        b"not json",
        b'{"a": 1,}',
        b'// comment\n{"a": 1}',
        b"[]",
        b'"x"',
        b'{"a": 1, "a": 2}',
        b'{"hooks": []}',
        b'{"hooks": {"Stop": {}}}',
        b'{"hooks": {"Stop": ["x"]}}',
        b'{"hooks": {"Stop": [{"hooks": 1}]}}',
        b'{"env": "x"}',
        b'{"mcpServers": []}',
        b'{"n": NaN}',
        b'{"n": 1e999}',
        b"\xff\xfe{}",
        b"[" * 50_000,
    ],
    ids=lambda c: c[:30].decode("latin-1"),
)
@pytest.mark.parametrize("name", [".claude/settings.json", ".mcp.json"])
def test_odd_content_is_refused_and_nothing_written(
    listed: Repo, content: bytes, name: str
) -> None:
    """A file that could not be kept safely is named, and neither of the two is touched."""
    _put(listed, name, content)
    before = _all(listed)
    for verb in ("install", "uninstall"):
        done = listed.run("claude", verb, "--scope", "project")
        assert done.code == 4, done
        assert done.err.startswith(f"error: {name}: ")
        assert "nothing was written" in done.err
        assert _all(listed) == before


def test_what_is_no_file_is_refused(listed: Repo) -> None:
    """A folder or a dangling link in the place of the settings is told."""
    os.makedirs(listed.file(".claude/settings.json"))
    os.symlink("nowhere", listed.file(".mcp.json"))
    assert listed.run("claude", "install", "--scope", "project").code == 4
    os.rmdir(listed.file(".claude/settings.json"))
    assert listed.run("claude", "install", "--scope", "project").code == 4
    assert os.path.islink(listed.file(".mcp.json"))
    assert _get(listed, ".claude/settings.json") is None


def test_another_server_of_that_name_is_not_replaced(listed: Repo) -> None:
    """A server called gittasks that is not ours stops the install; ours in another way stays."""
    _put(listed, ".mcp.json", b'{"mcpServers": {"gittasks": {"command": "other"}}}')
    assert listed.run("claude", "install", "--scope", "project").code == 4
    own = b'{"mcpServers": {"gittasks": {"command": "/opt/bin/gittasks", "args": ["mcp", "-q"]}}}'
    _put(listed, ".mcp.json", own)
    listed.ok("claude", "install", "--scope", "project")
    assert _get(listed, ".mcp.json") == own


def test_a_list_that_is_pinned_already_stays_unless_one_is_named(listed: Repo) -> None:
    """Somebody's own choice of a list is kept; `--list` replaces it."""
    _put(listed, ".claude/settings.local.json", b'{"env": {"CLAUDE_CODE_TASK_LIST_ID": "mine"}}')
    listed.ok("claude", "install")
    assert _json(listed, _FILES[1])["env"] == {"CLAUDE_CODE_TASK_LIST_ID": "mine"}
    listed.ok("claude", "install", "--list", "plan")
    assert _json(listed, _FILES[1])["env"] == {"CLAUDE_CODE_TASK_LIST_ID": "plan"}
    missing = listed.run("claude", "install", "--list", "nowhere")
    assert missing.code == 8


def test_links_and_permissions_stay(listed: Repo, tmp_path: object) -> None:
    """A settings file that is a link to somewhere else stays one; its mode is kept."""
    real = os.path.join(str(tmp_path), "dotfiles.json")
    with open(real, "w", encoding="utf-8") as file:
        file.write("{}\n")
    os.chmod(real, 0o600)
    os.makedirs(listed.file(".claude"))
    os.symlink(real, listed.file(_FILES[1]))
    listed.ok("claude", "install")
    assert os.path.islink(listed.file(_FILES[1]))
    assert stat.S_IMODE(os.stat(real).st_mode) == 0o600
    assert "hooks" in _json(listed, _FILES[1])
    listed.ok("claude", "uninstall")
    with open(real, encoding="utf-8") as file:
        assert file.read() == "{}\n"
    assert sorted(os.listdir(os.path.dirname(real))).count("dotfiles.json") == 1


def test_the_user_scope_needs_no_repository(tmp_path: object) -> None:
    """It names no list, which would be that of all repositories."""
    outside = Repo(str(tmp_path))
    outside.ok("claude", "install", "--scope", "user")
    path = os.path.join(os.environ["HOME"], ".claude", "settings.json")
    with open(path, encoding="utf-8") as file:
        assert json.load(file) == {"hooks": settings.hooks()}
    assert outside.ok("claude", "status").out == "user: hooks set up, MCP server not set up\n"
    outside.ok("claude", "uninstall", "--scope", "user")
    assert not os.path.exists(os.path.dirname(path))


def test_claude_config_dir_moves_the_user_scope(
    tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CLAUDE_CONFIG_DIR is where the user's settings are, if it is set."""
    root = os.path.join(str(tmp_path), "config")
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", root)
    Repo(str(tmp_path)).ok("claude", "install", "--scope", "user")
    assert os.listdir(root) == ["settings.json"]
    assert not os.path.exists(os.path.join(os.environ["HOME"], ".claude"))


def test_nothing_is_written_when_only_asked(listed: Repo) -> None:
    """`--print` and `--dry-run` show what would be, and write nothing."""
    before = _all(listed)
    shown = listed.ok("claude", "install", "--print", "--json").json()
    assert shown["settings"]["hooks"] == settings.hooks()
    assert shown["mcp"] == settings.servers()
    assert '"CLAUDE_CODE_TASK_LIST_ID": "plan"' in listed.ok("claude", "install", "--print").out
    for scope in ("project", "local"):
        said = listed.ok("claude", "install", "--dry-run", "--scope", scope).out
        assert "would be changed" in said
    assert _all(listed) == before
    assert listed.run("claude", "status").code == 1


def test_a_variable_that_is_no_text_names_no_list(listed: Repo) -> None:
    """Whatever a settings file holds, `env` in the answer of `status` is a text or null."""
    _put(listed, ".claude/settings.json", b'{"env": {"CLAUDE_CODE_TASK_LIST_ID": ["plan"]}}')
    rows = listed.run("claude", "status", "--json").json()["scopes"]
    assert [row["env"] for row in rows] == [None, None, None]


def test_the_server_of_the_other_scopes_is_claude_codes_to_register(
    listed: Repo, tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those servers are in a file that Claude Code writes all the time: it is asked to do it."""
    told = listed.ok("claude", "install")
    assert "claude mcp add --scope local gittasks -- gittasks mcp" in told.out
    folder = os.path.join(str(tmp_path), "bin")
    log = os.path.join(str(tmp_path), "log")
    os.makedirs(folder)
    with open(os.path.join(folder, "claude"), "w", encoding="utf-8") as file:
        file.write(f'#!/bin/sh\necho "$PWD $*" >>"{log}"\n')
    os.chmod(file.name, 0o700)
    monkeypatch.setenv("PATH", folder + os.pathsep + os.environ["PATH"])
    listed.ok("claude", "install")
    state = {"projects": {listed.path: {"mcpServers": {"gittasks": settings.server()}}}}
    with open(os.path.join(os.environ["HOME"], ".claude.json"), "w", encoding="utf-8") as file:
        json.dump(state, file)
    listed.ok("claude", "install")
    rows = listed.ok("claude", "status", "--json").json()["scopes"]
    assert rows[0] == {"scope": "local", "hooks": True, "env": "plan", "mcp": True}
    listed.ok("claude", "uninstall")
    with open(log, encoding="utf-8") as file:
        assert file.read().splitlines() == [
            f"{listed.path} mcp add --scope local gittasks -- gittasks mcp",
            f"{listed.path} mcp remove --scope local gittasks",
        ]


def test_a_missing_gittasks_is_silent_in_a_hook(listed: Repo) -> None:
    """A teammate who has the settings from git but no gittasks notices nothing."""
    import subprocess

    for event in settings.EVENTS:
        line = ["/bin/sh", "-c", settings.hook_command(event)]
        done = subprocess.run(line, env={"PATH": "/nowhere"}, capture_output=True, check=False)
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_the_shell_line_of_a_hook_runs_it(listed: Repo) -> None:
    """What stands in the settings does what it says, and never exits with 2."""
    import subprocess
    import sys

    path = os.path.dirname(sys.executable) + os.pathsep + os.environ["PATH"]
    for stdin, code in ((b'{"session_id": "s"}', 0), (b"{", 1)):
        done = subprocess.run(
            ["/bin/sh", "-c", settings.hook_command("SessionStart")],
            cwd=listed.path,
            env={**os.environ, "PATH": path},
            input=stdin,
            capture_output=True,
            check=False,
        )
        assert done.returncode == code
        assert bool(done.stdout) == (code == 0)
