"""Repositories whose git calls the installed gittasks."""

from __future__ import annotations

import os
import sys

import pytest
from support.repositories import Repo


@pytest.fixture(autouse=True)
def on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hooks find gittasks on PATH, as they do for a user."""
    folder = os.path.dirname(sys.executable)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


@pytest.fixture
def hooked(tmp_path: object) -> Repo:
    """A repository with the list `plan`, the pending tasks a, b and c, and the hooks installed."""
    return Repo.listed(os.path.join(str(tmp_path), "repo"), "a", "b", "c", hooks=True)
