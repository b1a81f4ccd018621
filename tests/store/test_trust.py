"""No repository is worked in that git would refuse, whatever the repository says of itself.

Another owner is what `chown` makes, where the tests run as root; everywhere else git is told to
assume one (`GIT_TEST_ASSUME_DIFFERENT_OWNER`), and gittasks puts the question to git.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support.repositories import Repo

from gittasks.store import trust

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


def assert_refused(repo: Repo, *args: str, **env: str) -> None:
    """gittasks says what git says, the command that ends it included, and nothing else."""
    answer = repo.run(*(args or ("list",)), env=env)
    assert answer.code == 8, answer
    assert not answer.out, answer
    assert "dubious ownership" in answer.err, answer
    assert f"    git config --global --add safe.directory {repo.path}\n" in answer.err, answer


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
    give_away(listed.path)
    assert_refused(listed)
    assert not canary.exists()


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
    assert trust.plainly_own(owners, user) is own
