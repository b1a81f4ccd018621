"""hooks install, uninstall, status: beside whatever is there, and out again without a trace."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from support import gits
from support.commits import commit, ran, said, status
from support.repositories import Repo, git, plan

from gittasks.errors import DiskFailure
from gittasks.githooks import install
from gittasks.githooks.dispatch import NAMES

_MINE = '#!/bin/sh\necho mine-%s "$@" >> log\n'


def _hook(repo: Repo, name: str, text: str) -> Path:
    path = Path(repo.git_dir, "hooks", name)
    path.write_text(text, encoding="utf-8")
    path.chmod(0o750)
    return path


def _tree(folder: str) -> dict[str, tuple[str, int, bytes]]:
    """All files and links below a folder: kind, mode, content."""
    found = {}
    for path in sorted(Path(folder).rglob("*")):
        if path.is_symlink():
            found[str(path)] = ("link", 0, os.readlink(path).encode())
        elif path.is_file():
            found[str(path)] = ("file", stat.S_IMODE(path.stat().st_mode), path.read_bytes())
    return found


def _states(repo: Repo) -> set[str]:
    return {h["state"] for h in repo.run("hooks", "status", "--json").json()["hooks"]}


def test_install_twice_changes_nothing_and_uninstall_leaves_no_trace(listed: Repo) -> None:
    """Hooks and configuration are byte for byte as they were."""
    hooks, config = os.path.join(listed.git_dir, "hooks"), listed.read(".git/config")
    before = _tree(hooks)
    assert listed.ok("hooks", "install", "--json").json()["changed"] is True
    installed = _tree(hooks)
    assert listed.ok("hooks", "install", "--json").json()["changed"] is False
    assert _tree(hooks) == installed
    assert listed.ok("hooks", "status").out.count("installed") == len(NAMES) + 1
    listed.ok("hooks", "uninstall")
    assert _tree(hooks) == before
    assert listed.read(".git/config") == config
    assert listed.run("hooks", "status").code == 1


def test_hooks_of_ones_own_run_first_and_come_back(listed: Repo) -> None:
    """A hand-written hook keeps its arguments and is restored with its mode; so is a link."""
    _hook(listed, "post-commit", _MINE % "post-commit")
    _hook(listed, "mine", _MINE % "prepare")
    os.symlink("mine", os.path.join(listed.git_dir, "hooks", "prepare-commit-msg"))
    before = _tree(os.path.join(listed.git_dir, "hooks"))
    listed.ok("hooks", "install")
    assert "post-commit         installed, after the hook" in listed.ok("hooks", "status").out
    assert commit(listed, "x\n\nTask: a completed") == ["plan: a completed [1/3 complete]"]
    assert listed.read("log") == "mine-prepare .git/COMMIT_EDITMSG message\nmine-post-commit\n"
    listed.ok("hooks", "uninstall")
    assert _tree(os.path.join(listed.git_dir, "hooks")) == before


@pytest.mark.parametrize("name", ["prepare-commit-msg", "commit-msg"])
def test_a_hook_that_refuses_still_refuses(listed: Repo, name: str) -> None:
    """The exit code of the hook that was there stops the commit, as before."""
    _hook(listed, name, "#!/bin/sh\necho no >&2\nexit 3\n")
    listed.ok("hooks", "install")
    code, output = ran(listed.path, "commit", "--allow-empty", "-qm", "x\n\nTask: a completed")
    assert (code, output) == (1, "no\n")
    assert status(listed, "a") == "pending"


def test_a_hook_of_ones_own_reads_what_git_says(listed: Repo, tmp_path: Path) -> None:
    """post-rewrite and pre-push get their standard input, and ours as well."""
    hub = str(tmp_path / "hub")
    git(listed.path, "init", "-q", "--bare", hub)
    listed.git("remote", "add", "origin", hub)
    for name in ("post-rewrite", "pre-push"):
        _hook(listed, name, '#!/bin/sh\n{ echo "$@"; cat; } > seen-' + name + "\n")
    listed.ok("hooks", "install")
    commit(listed, "x\n\nTask: a completed")
    old = listed.git("rev-parse", "HEAD")
    ran(listed.path, "commit", "-q", "--amend", "-m", "y\n\nTask: a completed")
    new = listed.git("rev-parse", "HEAD")
    assert listed.read("seen-post-rewrite") == f"amend\n{old} {new}\n"
    code, output = ran(listed.path, "push", "-q", "origin", "main")
    assert (code, said(output)) == (0, ["plan goes to origin with the next push, after the code"])
    first, second = listed.read("seen-pre-push").splitlines()
    assert first == f"origin {hub}"
    assert second.startswith(f"refs/heads/main {new} refs/heads/main 0000")


def test_an_own_post_checkout_keeps_its_say(listed: Repo) -> None:
    """The exit code of post-checkout is that of git checkout."""
    _hook(listed, "post-checkout", "#!/bin/sh\nexit 7\n")
    listed.ok("hooks", "install")
    assert ran(listed.path, "checkout", "-q", "-b", "side")[0] != 0


def test_an_older_script_is_brought_up_to_date(hooked: Repo) -> None:
    """A script of another version is replaced; what runs before it stays."""
    path = Path(hooked.git_dir, "hooks", "post-commit")
    path.write_text(path.read_text(encoding="utf-8") + "# old\n", encoding="utf-8")
    assert "outdated" in hooked.run("hooks", "status").out
    assert hooked.ok("hooks", "install", "--json").json()["changed"] is True
    assert "# old" not in path.read_text(encoding="utf-8")
    hooked.ok("hooks", "uninstall")
    assert {name.partition(".")[2] for name in os.listdir(path.parent)} <= {"sample"}


def test_nothing_is_overwritten_twice(listed: Repo) -> None:
    """When somebody wrote over our script, neither their hook nor the first one is lost."""
    first = _hook(listed, "post-commit", _MINE % "first")
    listed.ok("hooks", "install")
    second = _hook(listed, "post-commit", _MINE % "second")
    done = listed.run("hooks", "install")
    assert done.code == 5
    assert "post-commit.gittasks-chained" in done.err
    assert second.read_text(encoding="utf-8") == _MINE % "second"
    kept = Path(f"{first}.gittasks-chained")
    assert kept.read_text(encoding="utf-8") == _MINE % "first"


def test_from_a_linked_worktree(listed: Repo, tmp_path: Path) -> None:
    """Worktrees share their hooks."""
    folder = str(tmp_path / "wt")
    listed.git("worktree", "add", "-q", "-b", "side", folder)
    Repo(folder).ok("hooks", "install")
    assert _states(listed) == {"installed"}


def test_a_hooks_path_of_the_repository_is_used(listed: Repo, tmp_path: Path) -> None:
    """A folder that core.hooksPath names for this repository alone, outside of the code."""
    listed.git("config", "core.hooksPath", str(tmp_path / "hooks"))
    listed.ok("hooks", "install")
    assert (tmp_path / "hooks" / "post-commit").exists()
    assert commit(listed, "x\n\nTask: a completed") == ["plan: a completed [1/3 complete]"]
    listed.ok("hooks", "uninstall")
    assert list((tmp_path / "hooks").iterdir()) == []


@pytest.mark.parametrize("path", ["", os.devnull])
@pytest.mark.parametrize("version", [(2, 39), (2, 54)])
def test_hooks_that_are_switched_off_are_not_called_installed(
    listed: Repo, path: str, version: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """core.hooksPath that is no folder: nothing lands in the work tree, and what to do is said."""
    from gittasks.githooks import install

    monkeypatch.setattr(install, "_version", lambda _: version)
    listed.git("config", "core.hooksPath", path)
    before = sorted(os.listdir(listed.path))
    found = install.install(listed.workspace("plan").repository)
    assert sorted(os.listdir(listed.path)) == before
    assert found.complete is (version == (2, 54))
    assert bool(found.left) is not found.complete
    if found.left:
        assert "core.hooksPath" in found.left[0]


def test_uninstall_finds_what_was_there_before_another_hooks_path(hooked: Repo) -> None:
    """core.hooksPath set after install hides our scripts from git, not from uninstall."""
    os.makedirs(hooked.file(".husky/_"))
    hooked.git("config", "core.hooksPath", ".husky/_")
    hooked.ok("hooks", "uninstall")
    assert not set(os.listdir(os.path.join(hooked.git_dir, "hooks"))) & set(NAMES)


def _old_git(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(install, "_version", lambda _: (2, 39))


@pytest.mark.parametrize("folder", [".githooks", ".husky/_"])
def test_hooks_in_the_code_are_left_to_people(
    listed: Repo, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the work tree nothing is written; the exact lines are said, and seen once added."""
    from gittasks.githooks import install

    _old_git(monkeypatch)
    os.makedirs(listed.file(folder))
    listed.git("config", "core.hooksPath", folder)
    found = install.install(listed.workspace("plan").repository)
    assert not found.complete
    assert os.listdir(listed.file(folder)) == []
    where = folder.removesuffix("/_")
    assert where in found.left[0]
    for line in found.left[1:]:
        name, _, text = line.strip().partition(": ")
        listed.write(f"{where}/{name}", f"#!/bin/sh\n{text}\n")
        os.chmod(listed.file(f"{where}/{name}"), 0o700)
    assert install.status(listed.workspace("plan").repository).complete
    if folder == ".githooks":
        assert commit(listed, "x\n\nTask: a completed") == ["plan: a completed [1/3 complete]"]
        listed.git("config", "gittasks.strictTrailers", "true")
        assert ran(listed.path, "commit", "--allow-empty", "-qm", "x\n\nTask: zz")[0] == 1


def test_lefthook_is_told_what_to_add(listed: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    """lefthook writes its hooks anew, so they are described in its own file."""
    from gittasks.githooks import install

    _old_git(monkeypatch)
    _hook(listed, "post-commit", '#!/bin/sh\nlefthook run "post-commit" "$@"\n')
    found = install.install(listed.workspace("plan").repository)
    assert "lefthook.yml" in found.left[0]
    assert any("gittasks hook post-commit" in line for line in found.left)
    # Where no file is pushed, lefthook runs a command of pre-push only if it has files of its own.
    push = [line.strip() for line in found.left[found.left.index("  pre-push:") :]]
    assert push[3:6] == [
        "files: git ls-files | head -n 1",
        "run: gittasks hook pre-push {0} || true {files}",
        "use_stdin: true",
    ]
    listed.write("lefthook.yml", "\n".join(found.left[1:]))
    assert install.status(listed.workspace("plan").repository).complete


def test_with_a_new_git_its_configuration_holds_the_hooks(
    listed: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From git 2.54 on hooks are configured beside a manager; what git runs is run here."""
    from gittasks.githooks import install

    monkeypatch.setattr(install, "_version", lambda _: (2, 54))
    os.makedirs(listed.file(".husky/_"))
    listed.git("config", "core.hooksPath", ".husky/_")
    before = listed.read(".git/config")
    assert install.install(listed.workspace("plan").repository).complete
    assert listed.git("config", "hook.gittasks-post-commit.event") == "post-commit"
    _old_git(monkeypatch)  # beside it on the same machine: that one does not know them
    assert not install.status(listed.workspace("plan").repository).complete
    commit(listed, "x\n\nTask: a completed")
    command = listed.git("config", "hook.gittasks-post-commit.command")
    for folder in (listed.path, os.path.dirname(listed.git_dir)):
        done = subprocess.run(
            ["sh", "-c", f'{command} "$@"', "hook"],
            cwd=folder,
            capture_output=True,
            text=True,
            check=True,
        )
    assert status(listed, "a") == "completed"
    listed.remove("gittasks", "hooks")
    assert subprocess.run(["sh", "-c", f'{command} "$@"', "hook"], cwd=listed.path).returncode == 0
    install.uninstall(listed.workspace("plan").repository)
    assert listed.read(".git/config") == before
    assert done.returncode == 0


@pytest.mark.parametrize("path", [".husky/_", os.devnull])
def test_the_newest_git_calls_hooks_of_its_configuration(
    listed: Repo, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside a manager, and where its hooks are switched off; doctor puts them back there."""
    for name, value in gits.newest_git().items():
        monkeypatch.setenv(name, value)
    listed.ok("hooks", "install")
    listed.git("config", "core.hooksPath", path)
    assert commit(listed, "x\n\nTask: a completed") == []
    assert "git no longer calls the hooks" in listed.run("doctor", "--fix").out
    assert commit(listed, "x\n\nTask: a completed") == ["plan: a completed [1/3 complete]"]
    listed.git("config", "gittasks.strictTrailers", "true")
    assert ran(listed.path, "commit", "--allow-empty", "-qm", "x\n\nTask: zz")[0] == 1
    listed.git("config", "--unset", "core.hooksPath")
    listed.ok("hooks", "install")  # nothing is called twice
    assert "hook." not in listed.read(".git/config")
    assert commit(listed, "x\n\nTask: b completed") == ["plan: b completed [2/3 complete]"]


# --- the pre-commit framework ---------------------------------------------------------------

_CONFIG = """
default_install_hook_types: [pre-commit, commit-msg]
repos:
- repo: local
  hooks:
  - {id: mark, name: mark, language: system, entry: touch marked, always_run: true,
     pass_filenames: false, stages: [commit-msg]}
"""


def _pre_commit(repo: Repo, *args: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pre_commit", *args],
        cwd=repo.path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("first", ["pre-commit", "gittasks"])
def test_beside_the_pre_commit_framework(listed: Repo, first: str) -> None:
    """Whichever was installed first, both run, and uninstall takes out ours alone."""
    listed.write(".pre-commit-config.yaml", _CONFIG)
    listed.git("add", ".pre-commit-config.yaml")
    if first == "gittasks":
        listed.ok("hooks", "install")
    _pre_commit(listed, "install")
    listed.ok("hooks", "install")
    assert _states(listed) == {"installed"}
    listed.git("config", "gittasks.strictTrailers", "true")
    code, output = ran(listed.path, "commit", "-qm", "x\n\nTask: zz completed")
    assert code == 1
    assert 'no task "zz"' in output
    assert commit(listed, "x\n\nTask: a completed")[-1] == "plan: a completed [1/3 complete]"
    assert os.path.exists(listed.file("marked"))
    listed.ok("hooks", "uninstall")
    os.unlink(listed.file("marked"))
    assert commit(listed, "x\n\nTask: b completed") == []
    assert os.path.exists(listed.file("marked"))


def test_pre_commits_users_can_name_our_hooks(repo: Repo) -> None:
    """.pre-commit-hooks.yaml at the top of this project holds what pre-commit needs."""
    import io

    from ruamel.yaml import YAML

    path = Path(__file__).parent.parent.parent / ".pre-commit-hooks.yaml"
    hooks = YAML(typ="safe").load(io.StringIO(path.read_text(encoding="utf-8")))
    entries = {h["entry"].removeprefix("gittasks hook ") for h in hooks}
    assert entries <= set(NAMES)
    plan(repo, "a")
    local = [{**h, "language": "system"} for h in hooks if h["stages"] == ["post-commit"]]
    # JSON is YAML.
    content = json.dumps({"repos": [{"repo": "local", "hooks": local}]})
    repo.write(".pre-commit-config.yaml", content)
    repo.git("add", ".pre-commit-config.yaml")
    _pre_commit(repo, "install", "-t", "post-commit")
    _, output = ran(repo.path, "commit", "-qm", "x\n\nTask: a completed")
    assert "gittasks: plan: a completed [1/1 complete]" in output


# --- hooks that no longer run -------------------------------------------------------------------


def _husky(repo: Repo) -> None:
    os.makedirs(repo.file(".husky/_"))
    repo.git("config", "core.hooksPath", ".husky/_")


def _lefthook(repo: Repo) -> None:
    hooks = Path(repo.git_dir, "hooks")
    os.replace(hooks / "post-commit", hooks / "post-commit.old")
    _hook(repo, "post-commit", '#!/bin/sh\nlefthook run "post-commit" "$@"\n')


def _simple_git_hooks(repo: Repo) -> None:
    for path in Path(repo.git_dir, "hooks").iterdir():
        path.unlink()


def _no_longer_executable(repo: Repo) -> None:
    Path(repo.git_dir, "hooks", "post-commit").chmod(0o600)


@pytest.mark.parametrize("event", [_husky, _lefthook, _simple_git_hooks, _no_longer_executable])
def test_hooks_that_stopped_are_told(
    hooked: Repo, event: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By status, prime, doctor and hooks status; where we may, doctor puts them back."""
    _old_git(monkeypatch)
    assert "no longer" not in hooked.ok("status").err
    assert callable(event)
    event(hooked)
    assert "git no longer calls the hooks of gittasks" in hooked.ok("status").err
    assert "post-commit" in hooked.ok("prime").out.partition("git no longer calls")[2]
    assert "post-commit" in hooked.run("doctor").out
    done = hooked.run("hooks", "status", "--json")
    assert (done.code, "post-commit" in done.json()["stopped"]) == (1, True)
    ours = event in (_simple_git_hooks, _no_longer_executable) or gits.has_configured_hooks()
    hooked.run("doctor", "--fix")
    assert ("no longer" in hooked.ok("status").err) is not ours
    hooked.ok("hooks", "uninstall")
    assert "no longer" not in hooked.ok("status").err


def test_a_manager_that_took_one_hook_left_the_others(
    hooked: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """lefthook replaces the hooks that it has a use for; of the rest ours still run."""
    _old_git(monkeypatch)
    _lefthook(hooked)
    assert "hooks of gittasks (post-commit);" in hooked.ok("status").err
    state = install.status(hooked.workspace("plan").repository)
    assert state.stopped == ("post-commit",)
    assert not [line for line in state.left if "pre-push" in line]
    path = Path(hooked.git_dir, "hooks", "post-rewrite")
    path.write_text(path.read_text(encoding="utf-8") + "# old\n", encoding="utf-8")
    install.install(hooked.workspace("plan").repository)
    assert "# old" not in path.read_text(encoding="utf-8")


def test_a_tool_that_writes_its_hook_at_each_of_its_runs_is_no_trap(hooked: Repo) -> None:
    """simple-git-hooks does so with `npm install`: ours go back beside it as often."""
    theirs = "#!/bin/sh\necho ran >>theirs\n"
    for times in (1, 2):
        path = _hook(hooked, "post-commit", theirs)
        assert "post-commit" in hooked.ok("status").err
        hooked.ok("doctor", "--fix")
        assert path.read_text(encoding="utf-8") != theirs
        commit(hooked, "x")
        assert Path(hooked.file("theirs")).read_text(encoding="utf-8") == "ran\n" * times
    _hook(hooked, "post-commit", theirs)
    hooked.ok("hooks", "uninstall")
    assert path.read_text(encoding="utf-8") == theirs
    assert not Path(f"{path}.gittasks-chained").exists()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes in folders")
def test_a_pipe_in_the_place_of_a_hook_is_not_waited_for(hooked: Repo) -> None:
    """It is no script of ours: told as missing, kept beside ours by install, put back after."""
    slot = Path(hooked.git_dir, "hooks", "post-merge")
    slot.unlink()
    os.mkfifo(slot)
    states = {
        h["name"]: h["state"] for h in hooked.run("hooks", "status", "--json").json()["hooks"]
    }
    assert states.pop("post-merge") == "missing"
    assert set(states.values()) == {"installed"}
    hooked.ok("status")
    hooked.ok("hooks", "install")
    assert _states(hooked) == {"installed"}
    hooked.ok("hooks", "uninstall")
    assert slot.is_fifo()


@pytest.mark.skipif(os.name == "nt", reason="a folder has no handle there")
def test_a_script_that_cannot_be_written_is_closed_and_goes(
    listed: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between its opening and the first byte: no handle is left, and no draft."""
    real, handles, folder = os.open, list[int](), os.path.join(listed.git_dir, "hooks")

    def open_folder(path: str, flags: int, mode: int = 0o777) -> int:
        handle = real(path, flags, mode)
        if not str(path).startswith(f"{folder}{os.sep}") or not flags & os.O_CREAT:
            return handle
        os.close(handle)
        handles.append(real(folder, os.O_RDONLY))
        return handles[-1]

    before = os.listdir(folder)
    with monkeypatch.context() as patch:
        patch.setattr(os, "open", open_folder)
        with pytest.raises(DiskFailure, match="directory"):
            install.install(listed.workspace("plan").repository)
    assert handles
    for handle in handles:
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(handle)
    assert sorted(os.listdir(folder)) == sorted(before)


@pytest.mark.parametrize("kind", ["a folder", "a link to itself"])
def test_what_can_be_no_hook_is_refused_before_anything_is_installed(
    hooked: Repo, kind: str
) -> None:
    """Kept beside ours, such a link would lead to ours, which would run itself without end."""
    hooked.ok("hooks", "uninstall")
    slot = Path(hooked.git_dir, "hooks", "pre-push")
    slot.parent.mkdir(exist_ok=True)
    if kind == "a folder":
        slot.mkdir()
    else:
        slot.symlink_to(slot.name)
    refused = hooked.run("hooks", "install")
    assert refused.code == 5
    assert f"{slot} is {kind}" in refused.err
    assert _states(hooked) == {"missing"}
    slot.rename(f"{slot}.away")
    hooked.ok("hooks", "install")


def test_two_hooks_in_one_place_are_left_to_a_person(hooked: Repo) -> None:
    """One was kept beside ours, another was written over ours: neither is lost, doctor says so."""
    for words in ("first", "second"):
        _hook(hooked, "post-commit", f"#!/bin/sh\necho {words}\n")
        done = hooked.run("doctor", "--fix")
    assert done.code == 1
    assert "somebody wrote over the script" in done.out
    kept = Path(hooked.git_dir, "hooks", "post-commit.gittasks-chained")
    assert "first" in kept.read_text(encoding="utf-8")
    assert hooked.run("hooks", "install").code == 5


def test_hooks_that_the_environment_switches_off_are_told(hooked: Repo) -> None:
    """GITTASKS_HOOKS=0 that somebody exported for good; where none are installed it is nothing."""
    off = {"GITTASKS_HOOKS": "0"}
    line = "GITTASKS_HOOKS=0 in the environment switches the hooks of gittasks off"
    assert line in hooked.ok("status", env=off).err
    assert line in hooked.ok("prime", env=off).out
    assert line in hooked.run("doctor", env=off).out
    assert line in hooked.run("hooks", "status", env=off).out
    hooked.ok("hooks", "uninstall")
    assert line not in hooked.ok("status", env=off).err


def test_hooks_that_were_never_here_are_not_missed(listed: Repo) -> None:
    """A clone in which nobody installed them says nothing of them."""
    assert "hook" not in listed.ok("status").err


def test_without_gittasks_on_path_the_program_that_installed_them_runs(
    hooked: Repo, tmp_path: Path
) -> None:
    """As in a GUI client, or outside of a virtual environment."""
    (tmp_path / "bin").mkdir()
    for name in ("git", "sh", "grep", "cat"):
        found = next(p for d in os.environ["PATH"].split(":") if os.path.exists(p := f"{d}/{name}"))
        os.symlink(found, tmp_path / "bin" / name)
    env = {"PATH": str(tmp_path / "bin")}
    assert commit(hooked, "x\n\nTask: a completed", env=env) == ["plan: a completed [1/3 complete]"]


def test_a_program_that_is_gone_makes_a_script_outdated(hooked: Repo) -> None:
    """Installing again names the one that runs now."""
    path = Path(hooked.git_dir, "hooks", "post-commit")
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("installed='", "installed='/nowhere"), encoding="utf-8")
    assert "post-commit         outdated" in hooked.run("hooks", "status").out
    hooked.ok("hooks", "install")
    assert path.read_text(encoding="utf-8") == text


@pytest.mark.parametrize("name", ["lefthook-local.yml", ".lefthook-local.toml", "lefthook.json"])
def test_every_file_of_lefthook_is_looked_at(
    listed: Repo, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where another of its files is there that says nothing of us."""
    _old_git(monkeypatch)
    _hook(listed, "post-commit", '#!/bin/sh\nlefthook run "post-commit" "$@"\n')
    listed.write("lefthook.yml", "pre-commit: {}\n")
    left = install.install(listed.workspace("plan").repository).left
    listed.write(name, "\n".join(left[1:]))
    assert install.status(listed.workspace("plan").repository).complete


def test_a_disk_that_runs_no_programs_is_said_as_what_it_is(
    hooked: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Mounted noexec: the scripts are right, and installing them again would not help."""
    real = os.access
    folder = os.path.join(hooked.git_dir, "hooks")

    def access(path: str, mode: int) -> bool:
        return not str(path).startswith(folder) and real(path, mode)

    monkeypatch.setattr(os, "access", access)
    state = install.status(hooked.workspace().repository)
    assert {hook.state for hook in state.hooks} == {install.HookState.NOEXEC}
    assert not any(hook.runs for hook in state.hooks)
