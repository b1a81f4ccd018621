"""No repository is worked in that git would refuse, whatever the repository says of itself.

Another owner is what `chown` makes, where the tests run as root; everywhere else git is told to
assume one (`GIT_TEST_ASSUME_DIFFERENT_OWNER`), and gittasks puts the question to git.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from itertools import product
from pathlib import Path

import pytest
from support import gits
from support.repositories import Repo, git

from gittasks.errors import Untrusted
from gittasks.mcp_server import server
from gittasks.store import discovery
from gittasks.store.repository import Repository

FOREIGN = {"GIT_TEST_ASSUME_DIFFERENT_OWNER": "1"}
NOBODY = 65534

needs_root = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0,
    reason="only root can give a repository to another user",
)


def give_away(*paths: str) -> None:
    """Give folders, with all that is in them, to nobody."""
    for top in paths:
        os.lchown(top, NOBODY, NOBODY)
        for folder, folders, files in os.walk(top):
            for name in (*folders, *files):
                os.lchown(os.path.join(folder, name), NOBODY, NOBODY)


def warm(repo: Repo) -> None:
    """Have every cache written, the configuration's too."""
    repo.remove("gittasks", "cache")
    os.utime(os.path.join(repo.git_dir, "config"), (1, 1))
    os.utime(os.environ["GIT_CONFIG_GLOBAL"], (1, 1))
    for _ in range(200):
        repo.ok("list")
        if os.path.exists(os.path.join(repo.git_dir, "gittasks", "cache", "config")):
            return
    raise AssertionError("the configuration is never remembered")


def assert_whole(message: str, path: str) -> None:
    """It is git's message, with the command that makes the exception."""
    assert f"detected dubious ownership in repository at '{path}'" in message, message
    assert f"git config --global --add safe.directory {path}" in message, message


def assert_refused(repo: Repo, *args: str, **env: str) -> None:
    """gittasks says what git says and nothing else."""
    answer = repo.run(*(args or ("list",)), env=env)
    assert answer.code == 8, answer
    assert not answer.out, answer
    assert_whole(answer.err, repo.path)


def refused(path: str, **env: str) -> bool:
    """Whether gittasks would not work in a folder, asked in this process as if it were new."""
    discovery._accepted.clear()
    try:
        Repository(path, {**os.environ, **env})
    except Untrusted:
        return True
    return False


def refused_by_git(path: str, **env: str) -> bool:
    """Whether git would not work in a folder."""
    done = subprocess.run(
        ["git", "rev-parse", "--git-dir"],
        cwd=path,
        env={**os.environ, **env},
        capture_output=True,
        check=False,
    )
    return done.returncode != 0


def test_a_remembered_configuration_is_no_verdict(listed: Repo) -> None:
    """Whoever may write in the repository may write in its caches."""
    warm(listed)
    assert_refused(listed, **FOREIGN)


@needs_root
def test_the_repository_of_another_user_is_refused_warm_and_cold(listed: Repo) -> None:
    warm(listed)
    give_away(listed.path)
    assert_refused(listed)
    listed.remove("gittasks")
    assert_refused(listed)


@needs_root
def test_no_program_of_another_user_is_run(listed: Repo, tmp_path: Path) -> None:
    """A missing object of a partial clone would have git run what its owner calls uploadpack."""
    warm(listed)
    canary = tmp_path / "canary"
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {canary}\nexit 1\n")
    program.chmod(0o755)
    for name, value in (
        ("core.repositoryformatversion", "1"),
        ("extensions.partialClone", "origin"),
        ("remote.origin.promisor", "true"),
        ("remote.origin.uploadpack", str(program)),
    ):
        listed.git("config", name, value)
    warm(listed)
    task = listed.git("rev-parse", "gittasks/plan:tasks/a.yaml")
    listed.remove("objects", task[:2], task[2:])
    listed.remove("gittasks", "cache", "lists")
    listed.remove("gittasks", "journal")
    give_away(listed.path)
    assert_refused(listed)
    assert not canary.exists()


@pytest.mark.parametrize(
    "args",
    [
        ("list", "--json"),
        ("status", "--all"),
        ("prime",),
        ("prime", "--json"),
        ("create", "Another task"),
        ("init", "another"),
        ("doctor", "--fix"),
        ("hooks", "install"),
        ("claude", "install"),
        ("report",),
        ("sync",),
        ("merge-driver", "code.txt", "code.txt", "code.txt", "tasks/a.yaml"),
    ],
)
def test_every_command_is_refused_with_the_words_of_git(
    listed: Repo, args: tuple[str, ...]
) -> None:
    before = listed.git("for-each-ref")
    config = Path(listed.git_dir, "config").read_text()
    assert_refused(listed, *args, **FOREIGN)
    assert listed.git("for-each-ref") == before
    assert Path(listed.git_dir, "config").read_text() == config


def test_a_folder_that_is_named_is_judged_as_one_that_is_stood_in(
    listed: Repo, tmp_path: Path
) -> None:
    elsewhere = Repo(str(tmp_path))
    (tmp_path / "link").symlink_to(listed.path)
    for place in (listed.path, os.path.join(listed.path, ".git"), str(tmp_path / "link")):
        answer = elsewhere.run("-C", place, "list", env=FOREIGN)
        assert answer.code == 8, answer
        assert "dubious ownership" in answer.err, answer


def test_a_variable_of_git_is_no_way_around(listed: Repo, tmp_path: Path) -> None:
    """git checks nothing where GIT_DIR is set; what is found there is a stranger's all the same."""
    git_dir = os.path.join(listed.path, ".git")
    elsewhere = Repo.create(str(tmp_path / "elsewhere"))
    for env in ({"GIT_DIR": git_dir}, {"GIT_DIR": git_dir, "GIT_WORK_TREE": elsewhere.path}):
        assert elsewhere.run("list", env=env).code == 0
        answer = elsewhere.run("list", env={**env, **FOREIGN})
        assert answer.code == 8
        assert_whole(answer.err, listed.path)


def test_a_git_hook_says_it_and_does_not_stop_git(listed: Repo) -> None:
    answer = listed.run("hook", "post-commit", env=FOREIGN)
    assert answer.code == 0
    assert_whole(answer.err, listed.path)


def test_a_session_of_claude_code_is_told_once(listed: Repo) -> None:
    for name, code in (("SessionStart", 1), ("Stop", 0)):
        event = json.dumps({"hook_event_name": name, "cwd": listed.path, "session_id": "s"})
        answer = listed.run("claude", "hook", env=FOREIGN, stdin=event)
        assert (answer.code, answer.out) == (code, "")
        if code:
            assert_whole(answer.err, listed.path)


def test_a_tool_of_the_mcp_server_says_it(listed: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    answer = server.answer(listed.path, None, "TaskList", {})
    assert answer.is_error
    assert_whole(answer.content[0].text, listed.path)  # type: ignore[union-attr]
    assert "Fix:" not in answer.content[0].text  # type: ignore[union-attr]


def test_the_yes_of_git_is_kept_in_the_process_and_a_no_is_asked_again(
    listed: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server goes on when its user has made the exception, and does not ask for every call."""
    assert refused(listed.path, **FOREIGN)
    git(listed.path, "config", "--global", "safe.directory", listed.path)
    assert not refused(listed.path, **FOREIGN)

    def never(*args: object, **options: object) -> object:
        raise AssertionError(args)

    monkeypatch.setattr("gittasks.store.git.run", never)
    Repository(listed.path, {**os.environ, **FOREIGN})


def test_the_scopes_that_git_believes_are_believed_and_no_other(
    listed: Repo, tmp_path: Path
) -> None:
    """System, global and command line; what the repository says of itself counts for nothing."""
    listed.git("config", "extensions.worktreeConfig", "true")
    for scope in ("--local", "--worktree"):
        listed.git("config", scope, "safe.directory", "*")
    assert refused(listed.path, **FOREIGN)
    for value in (listed.path, "*"):
        file = tmp_path / "exceptions"
        file.write_text(f'[safe]\n\tdirectory = "{value}"\n')
        system = {"GIT_CONFIG_NOSYSTEM": "0", "GIT_CONFIG_SYSTEM": str(file)}
        count = {"GIT_CONFIG_COUNT": "1"}
        count |= {"GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": value}
        option = {"GIT_CONFIG_PARAMETERS": f"'safe.directory'='{value}'"}
        for env in (system, {"GIT_CONFIG_GLOBAL": str(file)}, count, option):
            assert not refused(listed.path, **FOREIGN, **env), env
            in_order = {"GIT_DIR": os.path.join(listed.path, ".git")}
            assert not refused(str(tmp_path), **FOREIGN, **env, **in_order), env
    other = {"GIT_CONFIG_PARAMETERS": f"'safe.directory'='{tmp_path}'"}
    assert refused(listed.path, **FOREIGN, **other)


def test_a_bare_repository_counts_only_where_git_lets_it(listed: Repo, tmp_path: Path) -> None:
    """One that lies in a work tree may have come in a commit, with a configuration of its own."""
    inner = listed.clone(listed.file("inner"), "--bare")
    explicit = {"GIT_CONFIG_PARAMETERS": "'safe.bareRepository'='explicit'"}
    assert not refused(inner.path)
    assert refused_by_git(inner.path, **explicit)
    assert refused(inner.path, **explicit)
    inner.git("config", "safe.bareRepository", "all")
    assert refused(inner.path, **explicit)
    assert not refused(str(tmp_path), **explicit, GIT_DIR=inner.path)
    assert refused(str(tmp_path), **explicit, **FOREIGN, GIT_DIR=inner.path)


@needs_root
def test_every_mixture_of_owners_is_judged_as_git_does(listed: Repo, tmp_path: Path) -> None:
    """A linked worktree: its folder, its `.git` file, its git dir, the git dir that is shared."""
    tree = str(tmp_path / "tree")
    listed.git("worktree", "add", "-q", tree, "-b", "topic")
    private = os.path.join(listed.git_dir, "worktrees", "tree")
    places = (tree, os.path.join(tree, ".git"), private, listed.git_dir, listed.path)
    judged = []
    for owners in product((0, NOBODY), repeat=len(places)):
        for path, owner in zip(places, owners, strict=True):
            os.chown(path, owner, owner)
        for folder in (tree, listed.path):
            judged.append(refused(folder))
            assert judged[-1] is refused_by_git(folder), (folder, owners)
    assert {True, False} == set(judged)


@needs_root
def test_other_layouts_are_judged_as_git_does(listed: Repo, tmp_path: Path) -> None:
    bare = listed.clone(str(tmp_path / "bare.git"), "--bare").path
    outer = Repo.create(str(tmp_path / "outer"))
    outer.git("submodule", "add", "-q", listed.path, "sub")
    module = os.path.join(outer.git_dir, "modules", "sub")
    linked = tmp_path / "linked"
    linked.mkdir()
    (linked / ".git").symlink_to(os.path.join(listed.path, ".git"))
    folders = (bare, os.path.join(outer.path, "sub"), module, outer.git_dir, str(linked))
    for path in folders:
        assert refused(path) is refused_by_git(path) is False, path
    for path in (bare, module, outer.file("sub")):
        give_away(path)
        assert refused(path), path
        assert refused_by_git(path), path
    assert not refused(outer.path), "the repository around a stranger's submodule"
    os.lchown(linked / ".git", NOBODY, NOBODY)
    assert refused(str(linked)) is refused_by_git(str(linked)) is True


@needs_root
def test_root_may_work_for_the_user_who_called_sudo(listed: Repo) -> None:
    give_away(listed.path)
    assert not refused(listed.path, SUDO_UID=str(NOBODY))
    for other in ("1000", "", "nonsense", f"{NOBODY + 2**32}"):
        assert refused(listed.path, SUDO_UID=other) is refused_by_git(listed.path, SUDO_UID=other)
    for path in (listed.path, os.path.join(listed.path, ".git")):
        os.chown(path, 0, 0)
    assert not refused(listed.path, SUDO_UID="1000"), "root's own stays root's own"


@needs_root
def test_a_stranger_s_worktree_of_a_list_runs_nothing(listed: Repo, tmp_path: Path) -> None:
    """A write brings worktrees of the list along; the settings of one are its maker's."""
    tree, canary = Repo(str(tmp_path / "tree")), tmp_path / "canary"
    listed.git("config", "extensions.worktreeConfig", "true")
    listed.git("worktree", "add", "-q", tree.path, "gittasks/plan")
    listed.ok("start", "a")
    assert "in_progress" in tree.read("tasks/a.yaml")
    tree.git("config", "--worktree", "filter.x.clean", f"touch {canary}; cat")
    attributes = Path(listed.git_dir, "worktrees", "tree", "attributes")
    attributes.write_text("* filter=x\n")
    tree.git("config", "--worktree", "core.attributesFile", str(attributes))
    give_away(tree.path, str(attributes.parent))
    Path(tree.file("tasks/a.yaml")).touch()
    head = listed.head()
    answer = listed.run("done", "a")
    assert answer.code == 8, answer
    assert_whole(answer.err, tree.path)
    assert listed.head() == head
    assert not canary.exists()


PROGRAMS = (
    "core.fsmonitor",
    "core.sshCommand",
    "core.pager",
    "core.editor",
    "core.askPass",
    "core.alternateRefsCommand",
    "core.gitProxy",
    "sequence.editor",
    "diff.external",
    "gpg.program",
    "credential.helper",
    "interactive.diffFilter",
    "remote.origin.uploadpack",
    "remote.origin.receivepack",
    "remote.origin.vcs",
    "filter.x.clean",
    "filter.x.smudge",
    "diff.x.textconv",
    "diff.x.command",
    "merge.x.driver",
    "trailer.task.command",
    "uploadpack.packObjectsHook",
    "web.browser",
    "pager.log",
    "alias.rev-parse",
    "alias.config",
    "alias.var",
)
"""Settings whose values are programs that some command of git runs."""


def test_a_read_runs_no_program_that_the_repository_names(listed: Repo, tmp_path: Path) -> None:
    """Cold and warm; of one's own repository, for its settings may have come in an archive."""
    canary, program = tmp_path / "canary", tmp_path / "program"
    program.write_text(f'#!/bin/sh\necho "$0 $*" >>{canary}\nexit 1\n')
    program.chmod(0o755)
    listed.git("remote", "add", "origin", f"ext::{program}")
    for key in PROGRAMS:
        listed.git("config", key, str(program) if not key.startswith("alias") else f"!{program}")
    listed.git("config", "log.showSignature", "true")
    listed.write(".gitattributes", "* filter=x diff=x merge=x\n")
    hooks = os.path.join(listed.git_dir, "hooks")
    shutil.rmtree(hooks, ignore_errors=True)
    os.mkdir(hooks)
    names = ("post-index-change", "reference-transaction", "pre-auto-gc", "fsmonitor-watchman")
    for name in (*names, "pre-push", "post-checkout", "post-commit"):
        shutil.copy(program, os.path.join(hooks, name))
    for args in (
        ("list",),
        ("status", "--all"),
        ("show", "a"),
        ("log",),
        ("log", "--json"),
        ("list", "--at", "HEAD~0"),
        ("list", "--at", "gittasks/plan"),
        ("list", "--since", "1 day ago"),
        ("lint",),
        ("doctor",),
        ("conflicts",),
        ("prime",),
        ("hooks", "status"),
        ("export",),
        ("graph",),
    ):
        listed.run(*args)
        assert not canary.exists(), (args, canary.read_text())
    listed.git("status")
    assert canary.exists(), "the trap was not set"


@gits.files_only
def test_a_name_of_a_commit_is_not_fetched(listed: Repo, tmp_path: Path) -> None:
    """Only what a list itself consists of may be fetched by a read."""
    canary, program = tmp_path / "canary", tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {canary}\nexit 1\n")
    program.chmod(0o755)
    listed.git("config", "core.repositoryformatversion", "1")
    for name, value in (
        ("extensions.partialClone", "origin"),
        ("remote.origin.url", str(tmp_path)),
        ("remote.origin.promisor", "true"),
        ("remote.origin.uploadpack", str(program)),
    ):
        listed.git("config", name, value)
    listed.git("update-ref", "refs/heads/lost", "HEAD")
    Path(listed.git_dir, "refs", "heads", "lost").write_text("1" * 40 + "\n")
    assert listed.run("list", "--at", "lost").code == 2
    assert listed.run("list", "--at", "1" * 40).code == 3
    assert not canary.exists()
    subprocess.run(["git", "cat-file", "-e", "1" * 40], cwd=listed.path, check=False)
    assert canary.exists(), "the trap was not set"


def test_a_link_of_git_that_is_no_text_is_no_repository(listed: Repo, tmp_path: Path) -> None:
    Path(listed.git_dir, "commondir").write_bytes(b"\xff\xfe\0\n")
    assert listed.run("list").code == 8
    (tmp_path / ".git").write_bytes(b"gitdir: \xff\xfe\0\n")
    assert listed.run("-C", str(tmp_path), "list").code == 8


@pytest.mark.parametrize(
    ("owners", "user", "own"),
    [
        ([1000, 1000, 1000], 1000, True),
        ([0, 0], 0, True),
        ([1000, 1001], 1000, False),
        ([1000, 0], 1000, False),
        ([1000], 0, False),
        ([1000, None], 1000, False),
        ([None], None, False),
        ([1000], None, False),
    ],
)
def test_only_what_is_all_the_users_own_needs_no_git(
    owners: list[int | None], user: int | None, own: bool
) -> None:
    assert discovery.plainly_own(owners, user) is own
