"""Repositories whose git calls the installed gittasks."""

from __future__ import annotations

import os

import pytest
from support.repositories import Repo, on_path


@pytest.fixture(autouse=True)
def gittasks_on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hooks find gittasks on PATH, as they do for a user."""
    monkeypatch.setenv("PATH", on_path())


@pytest.fixture
def hooked(tmp_path: object) -> Repo:
    """A repository with the list `plan`, the pending tasks a, b and c, and the hooks installed."""
    return Repo.listed(os.path.join(str(tmp_path), "repo"), "a", "b", "c", hooks=True)
