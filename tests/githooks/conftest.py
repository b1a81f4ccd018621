"""Repositories whose git calls the installed gittasks."""

from __future__ import annotations

import os
import sys

import pytest
from support.repositories import Repo, plan


@pytest.fixture(autouse=True)
def on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hooks find gittasks on PATH, as they do for a user."""
    folder = os.path.dirname(sys.executable)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


@pytest.fixture
def hooked(repo: Repo) -> Repo:
    """A repository with the list `plan`, the pending tasks a, b and c, and the hooks installed."""
    plan(repo, "a", "b", "c").ok("hooks", "install")
    return repo
