"""Every test sees real git, sealed: no configuration, clock zone or editor of the developer."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, is_hypothesis_test, settings
from support import limits, offers
from support.launcher import unsynced
from support.repositories import FRESH, Repo, sealed
from support.templates import copied

# Under nohup, and in the background of a script, these are ignored, also by all that a test starts.
for name, usual in (("SIGHUP", signal.SIG_DFL), ("SIGINT", signal.default_int_handler)):
    number = getattr(signal, name, None)
    if number is not None and signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, usual)

# The suite draws the same examples everywhere; `make deep` draws many more, and new ones.
_SLOW = (HealthCheck.too_slow, HealthCheck.data_too_large)
settings.register_profile(
    "suite", deadline=None, derandomize=True, max_examples=40, suppress_health_check=_SLOW
)
settings.register_profile(
    "deep", deadline=None, max_examples=3000, suppress_health_check=_SLOW, print_blob=True
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "suite"))


_SECONDS = 600
"""Many times what the slowest test takes, so that a busy machine fails none."""
_DEEP_SECONDS = 4 * 3600


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give each test a time limit: one that waits for ever fails, and shows where it waits."""
    for item in items:
        if item.get_closest_marker("timeout") is None:
            limit = _DEEP_SECONDS if item.get_closest_marker("deep") else _SECONDS
            item.add_marker(pytest.mark.timeout(limit))


def pytest_timeout_set_timer(item: pytest.Item, settings: Any) -> bool | None:
    """Let a law that hangs end at its limit.

    What pytest-timeout raises Hypothesis takes for the failure of one example, and tries that
    again, without a limit.
    """
    if not is_hypothesis_test(getattr(item, "obj", None)) or not hasattr(signal, "setitimer"):
        return None
    item.cancel_timeout = limits.alarm(settings.timeout)  # type: ignore[attr-defined]
    return True


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tell how many kinds of offers were met (`support.offers`); a worker tells nothing."""
    if offers.kinds:
        counts = ", ".join(f"{count} {name}" for name, count in offers.kinds.items())
        terminalreporter.write_line(f"kinds of commands that errors and replies offered: {counts}")


@pytest.fixture(autouse=True)
def sealed_git(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the developer's git settings out of the environment, and put Ada's in."""
    env = sealed(os.environ, str(tmp_path_factory.mktemp("home")))
    for name in os.environ.keys() - env.keys():
        monkeypatch.delenv(name)
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    if not FRESH:
        monkeypatch.setattr(os, "fsync", unsynced)


@pytest.fixture
def copy_of(tmp_path: object) -> Callable[[str, Callable[[Repo], object]], Repo]:
    """Make a repository by the name of its kind: built the first time, then copied."""

    def make(name: str, build: Callable[[Repo], object]) -> Repo:
        path = os.path.join(str(tmp_path), "repo")
        copied(name, lambda folder: build(Repo.create(folder)), path)
        return Repo(path)

    return make


@pytest.fixture
def repo(tmp_path: object) -> Repo:
    """A repository with one commit of code and no list."""
    return Repo.create(os.path.join(str(tmp_path), "repo"))


@pytest.fixture
def listed(tmp_path: object) -> Repo:
    """A repository with the list `plan` and the pending tasks a, b and c."""
    return Repo.listed(os.path.join(str(tmp_path), "repo"), "a", "b", "c")


@pytest.fixture
def empty(tmp_path: object) -> Repo:
    """A repository with the list `plan`, without tasks."""
    return Repo.listed(os.path.join(str(tmp_path), "repo"))
