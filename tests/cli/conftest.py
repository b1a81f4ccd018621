"""Repositories for the tests of the command line: each is built once and then copied."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable

import pytest
from support import repositories
from support.repositories import Repo

Build = Callable[[Repo], object]


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Folder of the repositories that tests copy."""
    return str(tmp_path_factory.mktemp("templates"))


@pytest.fixture
def copy_of(templates: str, tmp_path: object) -> Callable[[str, Build], Repo]:
    """Make a repository by name: the first time it is built, then it is copied."""

    def make(name: str, build: Build) -> Repo:
        template = os.path.join(templates, name)
        if not os.path.isdir(template):
            build(Repo.create(template))
        path = os.path.join(str(tmp_path), "repo")
        shutil.copytree(template, path, symlinks=True)
        return Repo(path)

    return make


@pytest.fixture
def repo(copy_of: Callable[[str, Build], Repo]) -> Repo:
    """A repository with one commit of code and no list."""
    return copy_of("repo", lambda _: None)


@pytest.fixture
def listed(copy_of: Callable[[str, Build], Repo]) -> Repo:
    """A repository with the list `plan` and the pending tasks a, b and c."""
    return copy_of("listed", lambda made: repositories.plan(made, "a", "b", "c"))


@pytest.fixture
def empty(copy_of: Callable[[str, Build], Repo]) -> Repo:
    """A repository with the list `plan`, without tasks."""
    return copy_of("empty", repositories.plan)
