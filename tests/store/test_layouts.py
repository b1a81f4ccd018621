"""The repository is the one that git itself would use, in whatever layout it is."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from support import gits, repositories
from support.repositories import Repo


def test_linked_worktrees_share_the_lists(listed: Repo, tmp_path: Path) -> None:
    tree = Repo(str(tmp_path / "tree"))
    listed.git("worktree", "add", "-q", tree.path, "-b", "topic")
    tree.ok("start", "a")
    assert listed.tasks()["a"]["status"] == "in_progress"
    listed.ok("done", "a")
    assert tree.tasks()["a"]["status"] == "completed"
    own = tree.git("for-each-ref", "--format=%(refname)", "refs/worktree", "refs/heads/gittasks")
    assert own == "refs/heads/gittasks/plan"
    assert tree.git("status", "--porcelain") == ""


def test_use_in_a_linked_worktree_is_its_own_with_worktree_config(
    listed: Repo, tmp_path: Path
) -> None:
    """With extensions.worktreeConfig each worktree has its list; without, they share it."""
    listed.ok("init", "second")
    listed.git("config", "extensions.worktreeConfig", "true")
    tree = Repo(str(tmp_path / "tree"))
    listed.git("worktree", "add", "-q", tree.path, "-b", "topic")
    tree.ok("use", "plan")
    assert tree.ok("list", "--json").json()["list"]["id"] == "plan"
    assert listed.ok("list", "--json").json()["list"]["id"] == "second"


def test_a_bare_repository_holds_lists(listed: Repo, tmp_path: Path) -> None:
    bare = listed.clone(str(tmp_path / "bare.git"), "--bare")
    bare.ok("start", "a", "--list", "plan")
    assert bare.tasks("plan")["a"]["status"] == "in_progress"
    bare.ok("init", "another")
    bare.fsck()
    assert not os.path.exists(os.path.join(bare.path, "logs")), "git keeps no reflog in bare ones"


def test_a_bare_repository_whose_head_is_the_list(listed: Repo, tmp_path: Path) -> None:
    """There is no work tree to bring along."""
    bare = listed.clone(str(tmp_path / "bare.git"), "--bare")
    bare.git("symbolic-ref", "HEAD", "refs/heads/gittasks/plan")
    bare.ok("start", "a", "--list", "plan")
    assert bare.tasks("plan")["a"]["status"] == "in_progress"


def test_a_submodule_has_lists_of_its_own(listed: Repo, tmp_path: Path) -> None:
    outer = Repo.create(str(tmp_path / "outer"))
    outer.git("submodule", "add", "-q", listed.path, "sub")
    outer.git("commit", "-qm", "Add submodule")
    sub = Repo(outer.file("sub"))
    sub.ok("start", "a")
    assert sub.tasks()["a"]["status"] == "in_progress"
    assert outer.run("list").code == 8
    assert outer.git("status", "--porcelain") == ""
    sub.fsck()


def test_a_submodule_with_the_list_checked_out_is_brought_along(
    listed: Repo, tmp_path: Path
) -> None:
    outer = Repo.create(str(tmp_path / "outer"))
    outer.git("submodule", "add", "-q", listed.path, "sub")
    sub = Repo(outer.file("sub"))
    sub.git("checkout", "-q", "gittasks/plan")
    sub.ok("start", "a")
    assert sub.git("status", "--porcelain") == ""
    assert "in_progress" in sub.read("tasks/a.yaml")


def test_a_separate_git_dir(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "store").mkdir()
    repositories.git(
        str(tmp_path / "work"), "init", "-q", "--separate-git-dir", f"{tmp_path}/store/g"
    )
    work = repositories.plan(Repo(str(tmp_path / "work")), "a")
    work.ok("start", "a")
    assert work.tasks()["a"]["status"] == "in_progress"
    assert (
        repositories.git(str(tmp_path), "--git-dir=store/g", "rev-parse", "gittasks/plan")
        == work.head()
    )


def test_a_separate_git_dir_with_the_list_checked_out_is_brought_along(tmp_path: Path) -> None:
    """The work tree is where its `.git` file is, not beside the git directory."""
    stranger = Repo.create(str(tmp_path / "stranger"))
    (tmp_path / "work").mkdir()
    git_dir = f"{stranger.path}/g"
    repositories.git(str(tmp_path / "work"), "init", "-q", "--separate-git-dir", git_dir)
    work = repositories.plan(Repo(str(tmp_path / "work")), "a")
    work.git("checkout", "-q", "gittasks/plan")
    work.ok("start", "a")
    assert work.git("status", "--porcelain") == ""
    assert "in_progress" in work.read("tasks/a.yaml")
    assert stranger.git("status", "--porcelain", "--untracked-files=no") == ""


def test_git_dir_and_work_tree_variables_name_the_repository(listed: Repo, tmp_path: Path) -> None:
    """As git does: from anywhere, absolute or relative, and not the repository one stands in."""
    elsewhere = Repo.create(str(tmp_path / "elsewhere"))
    env = {"GIT_DIR": os.path.join(listed.path, ".git")}
    assert elsewhere.run("start", "a", env=env).code == 0
    env = {"GIT_DIR": "../repo/.git", "GIT_WORK_TREE": listed.path}
    assert elsewhere.run("done", "a", env=env).code == 0
    assert listed.tasks()["a"]["status"] == "completed"
    assert elsewhere.run("list").code == 8
    wrong = elsewhere.run("list", env={"GIT_DIR": "no-such-dir"})
    assert wrong.code == 8
    assert "no-such-dir" in wrong.err


@gits.files_only
def test_git_common_dir_variable(listed: Repo, tmp_path: Path) -> None:
    """HEAD of one directory, refs and objects of the shared one."""
    own = tmp_path / "own"
    own.mkdir()
    (own / "HEAD").write_text("ref: refs/heads/main\n")
    env = {"GIT_DIR": str(own), "GIT_COMMON_DIR": os.path.join(listed.path, ".git")}
    result = listed.run("start", "a", env=env, cwd=str(tmp_path))
    assert result.code == 0, result
    assert listed.tasks()["a"]["status"] == "in_progress"


def test_minus_c_and_subfolders(listed: Repo, tmp_path: Path) -> None:
    """`gittasks -C`, `git -C … gittasks` and any folder below mean the same repository."""
    os.makedirs(listed.file("deep/er"))
    for words in (["-C", listed.path, "list"], ["list", "-C", listed.file("deep")]):
        assert "Task a" in listed.run(*words, cwd=str(tmp_path)).out
    assert "Task a" in listed.run("list", cwd=listed.file("deep/er")).out
    path = f"{os.path.dirname(repositories.GITTASKS)}:{os.environ['PATH']}"
    env = {"PATH": path}
    assert "Task a" in repositories.git(
        str(tmp_path), "-C", listed.file("deep"), "gittasks", "ls", env=env
    )


def test_an_alias_in_git_runs_with_its_environment(listed: Repo) -> None:
    """git sets GIT_DIR and GIT_PREFIX for shell aliases."""
    os.makedirs(listed.file("deep"))
    listed.git("config", "alias.t", f"!{repositories.GITTASKS} list")
    listed.git("config", "alias.u", f"!{repositories.GITTASKS} start a")
    repositories.git(listed.file("deep"), "u")
    assert "in_progress" in repositories.git(listed.file("deep"), "t")


def test_ceiling_directories_stop_the_search(listed: Repo) -> None:
    os.makedirs(listed.file("deep/er"))
    deep = listed.file("deep/er")
    assert listed.run("list", cwd=deep, env={"GIT_CEILING_DIRECTORIES": listed.path}).code == 8
    above = os.path.dirname(listed.path)
    assert listed.run("list", cwd=deep, env={"GIT_CEILING_DIRECTORIES": above}).code == 0
    assert listed.run("list", env={"GIT_CEILING_DIRECTORIES": listed.path}).code == 0
    os.symlink(listed.path, link := f"{listed.path}-link")
    assert listed.run("list", cwd=deep, env={"GIT_CEILING_DIRECTORIES": link}).code == 8


def test_outside_any_repository(tmp_path: Path) -> None:
    result = Repo(str(tmp_path)).run("list", env={"GIT_CEILING_DIRECTORIES": str(tmp_path.parent)})
    assert result.code == 8
    assert "hint:" in result.err


def test_a_dangling_gitfile_is_told(tmp_path: Path) -> None:
    (tmp_path / ".git").write_text(f"gitdir: {tmp_path}/gone\n")
    assert Repo(str(tmp_path)).run("list").code == 8
    (tmp_path / ".git").write_text("nonsense\n")
    assert Repo(str(tmp_path)).run("list").code == 8


@pytest.mark.parametrize("packed", [False, True])
def test_objects_of_alternates_are_read(listed: Repo, tmp_path: Path, packed: bool) -> None:
    """`git clone --shared` leaves the objects where they are, loose or packed."""
    if packed:
        listed.git("gc", "-q")
    clone = listed.clone(str(tmp_path / "clone"), "--shared")
    assert set(clone.tasks()) == {"a", "b", "c"}
    clone.ok("start", "a")
    assert len(clone.ok("log", "--json").json()["entries"]) == 3
    clone.fsck()


def test_a_shallow_clone_works_to_its_boundary(listed: Repo, tmp_path: Path) -> None:
    """Reads and writes need no old history."""
    for letter in "abc":
        listed.ok("note", letter, "x")
    clone = Repo(str(tmp_path / "clone"))
    repositories.git(
        str(tmp_path), "clone", "-q", "--depth=1", "--no-single-branch",
        f"file://{listed.path}", clone.path,
    )  # fmt: skip
    assert set(clone.tasks()) == {"a", "b", "c"}
    clone.ok("start", "a")
    log = clone.run("log", "--json")
    assert log.code == 0, log
    assert log.json()["entries"][0]["changes"][0]["task"] == "a"


def test_a_repository_that_git_refuses_is_refused(listed: Repo) -> None:
    """An extension that this git does not know, or a repository of somebody else's."""
    listed.git("config", "core.repositoryFormatVersion", "1")
    listed.git("config", "extensions.fromTheFuture", "true")
    result = listed.run("list")
    assert result.code == 8
    assert "extension" in result.err
    assert "fromthefuture" in result.err
    assert listed.run("start", "a").code == 8


def test_a_read_only_repository_is_read(listed: Repo) -> None:
    """No cache can be written, so nothing is; every answer is the same."""
    expected = {name: listed.ok(name).out for name in ("list", "status", "ready", "log", "lists")}
    listed.remove("gittasks")
    argv = _without_privileges()
    subprocess.run(["chmod", "-R", "a-w", listed.path], check=True)
    try:
        for name, text in expected.items():
            done = subprocess.run(
                [*argv, repositories.GITTASKS, name],
                cwd=listed.path,
                capture_output=True,
                check=False,
            )
            assert (done.returncode, done.stdout.decode()) == (0, text), done.stderr.decode()
        done = subprocess.run(
            [*argv, repositories.GITTASKS, "start", "a"],
            cwd=listed.path,
            capture_output=True,
            check=False,
        )
        assert done.returncode == 4
        assert b"ermission denied" in done.stderr
    finally:
        subprocess.run(["chmod", "-R", "u+w", listed.path], check=True)
    assert not os.path.exists(os.path.join(listed.git_dir, "gittasks"))


def _without_privileges() -> list[str]:
    """A prefix under which root, too, is held to the permissions of files."""
    if os.geteuid() != 0:
        return []
    if shutil.which("setpriv") is None:
        pytest.skip("running as root, and setpriv is not installed")
    return ["setpriv", "--bounding-set=-all", "--inh-caps=-all"]


@gits.files_only
def test_a_symbolic_link_as_head_is_followed(listed: Repo, tmp_path: Path) -> None:
    """As very old repositories have it: the list of the branch, and the worktree that is on it."""
    head = Path(listed.git_dir, "HEAD")
    listed.ok("init", "topic")
    listed.git("checkout", "-q", "-b", "topic")
    head.unlink()
    head.symlink_to("refs/heads/topic")
    assert listed.ok("status", "--json").json()["list"]["id"] == "topic"
    listed.git("checkout", "-q", "gittasks/plan")
    head.unlink()
    head.symlink_to("refs/heads/gittasks/plan")
    listed.ok("note", "a", "comes along", "--list", "plan")
    assert "comes along" in listed.read("tasks/a.yaml")
    assert listed.git("status", "--porcelain") == ""


@gits.files_only
def test_a_symbolic_link_as_a_ref_is_followed(listed: Repo) -> None:
    """git takes it for a symbolic ref: what it points to is read, and moved."""
    listed.git("branch", "-qm", "gittasks/plan", "elsewhere")
    link = Path(listed.git_dir, "refs/heads/gittasks/plan")
    link.parent.mkdir(exist_ok=True)
    link.symlink_to("refs/heads/elsewhere")
    before = listed.git("rev-parse", "elsewhere")
    listed.ok("start", "a", "--list", "plan")
    assert link.is_symlink()
    assert (
        listed.git("rev-parse", "elsewhere~1")
        == before
        == listed.git("rev-parse", "gittasks/plan~1")
    )


@gits.files_only
@pytest.mark.parametrize("storage", ["files:///elsewhere", "reftable:///elsewhere", "unheard-of"])
def test_refs_in_another_place_are_refused(listed: Repo, storage: str) -> None:
    """By the variable, and by the configuration: nothing is written where git would not look."""
    before = listed.head()
    assert listed.run("list", env={"GIT_REFERENCE_BACKEND": ""}).code == 4  # of git: fatal
    result = listed.run("start", "a", env={"GIT_REFERENCE_BACKEND": storage})
    assert result.code == 4
    assert "GIT_REFERENCE_BACKEND" in result.err
    listed.ok("list", env={"GIT_REFERENCE_BACKEND": "files"})
    listed.git("config", "core.repositoryFormatVersion", "1")
    with open(os.path.join(listed.git_dir, "config"), "a", encoding="utf-8") as file:
        file.write(f"[extensions]\n\trefStorage = {storage}\n")
    for words in (["list"], ["start", "a"]):
        result = listed.run(*words)
        assert result.code == 8 or (gits.is_new() and result.code == 4), result
        assert "refstorage" in result.err or storage in result.err
    assert Path(listed.git_dir, "refs/heads/gittasks/plan").read_text().strip() == before


@pytest.mark.parametrize("way", ["global", "include", "command"])
def test_the_format_is_what_the_repository_itself_says(
    listed: Repo, tmp_path: Path, way: str
) -> None:
    """git takes the format from that one file: elsewhere the setting means nothing."""
    env = {}
    for key, value in (("refStorage", "reftable"), ("objectFormat", "sha256")):
        if way == "global":
            listed.git("config", "--global", f"extensions.{key}", value)
        elif way == "include":
            listed.git("config", "--file", str(tmp_path / "more"), f"extensions.{key}", value)
            listed.git("config", "include.path", str(tmp_path / "more"))
        else:
            env = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_VALUE_0": value}
            env["GIT_CONFIG_KEY_0"] = f"extensions.{key}"
        before = listed.git("rev-parse", "gittasks/plan", env=env)
        listed.ok("note", "a", f"{key} elsewhere", env=env)
        assert listed.git("rev-parse", "gittasks/plan~1", env=env) == before


@pytest.mark.parametrize("form", ["sha256-files", "sha1-reftable"])
def test_the_format_is_known_from_every_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    """git names the file of the settings now from the top of the work tree, now from elsewhere."""
    for name, value in gits.of_format(form).items():
        monkeypatch.setenv(name, value)
    repo = Repo.create(str(tmp_path / "repo"))
    repo.ok("init", "plan")
    repo.write("deep/in/it/x", "")
    repo.git("worktree", "add", "-q", str(tmp_path / "other"))
    places = ["deep/in/it", ".git", ".git/gittasks", "../other"]
    for number, place in enumerate(places):
        repo.remove("gittasks", "cache")
        done = repo.run("create", "x", "--id", f"t{number}", cwd=repo.file(place))
        assert (done.code, done.err) == (0, ""), place
    env = {"GIT_DIR": repo.git_dir}
    assert repo.run("create", "x", "--id", "t4", cwd=str(tmp_path), env=env).code == 0
    assert len(repo.tasks()) == 5


def test_objects_in_another_place_are_refused(listed: Repo, tmp_path: Path) -> None:
    """What we wrote to the repository's own, git would not see there."""
    own = {"GIT_OBJECT_DIRECTORY": os.path.join(listed.git_dir, "objects")}
    assert listed.ok("list", env=own).out == listed.ok("list").out
    for words in (["list"], ["start", "a"]):
        result = listed.run(*words, env={"GIT_OBJECT_DIRECTORY": str(tmp_path)})
        assert result.code == 8, result
        assert "GIT_OBJECT_DIRECTORY" in result.err


def test_in_a_push_that_is_not_accepted_lists_are_read_and_not_written(
    listed: Repo, tmp_path: Path
) -> None:
    """git moves no ref there, and throws away what is written; afterwards both work."""
    hub = Repo(str(tmp_path / "hub.git"))
    repositories.git(str(tmp_path), "init", "-q", "--bare", hub.path)
    listed.git("remote", "add", "origin", hub.path)
    listed.git("push", "-q", "origin", "main", "gittasks/plan")
    for hook, words in (("pre-receive", "start a"), ("post-receive", "start b")):
        path = Path(hub.path, "hooks", hook)
        path.parent.mkdir(exist_ok=True)
        path.write_text(
            f"#!/bin/sh\n{repositories.GITTASKS} list\n"
            f"{repositories.GITTASKS} {words} && echo written || echo code $?\n"
        )
        path.chmod(0o755)
    listed.git("commit", "-q", "--allow-empty", "-m", "x")
    done = subprocess.run(
        ["git", "push", "origin", "main"],
        cwd=listed.path,
        capture_output=True,
        text=True,
        check=True,
    )
    before, _, after = done.stderr.partition("code 5")
    assert "a push is being received here" in before
    assert "[ ] a" in before
    assert "written" in after
    statuses = {i: task["status"] for i, task in hub.tasks().items()}
    assert statuses == {"a": "pending", "b": "in_progress", "c": "pending"}
