"""Every test sees real git, sealed: no configuration, clock zone or editor of the developer."""

from __future__ import annotations

import os
import signal

import pytest
from hypothesis import HealthCheck, settings
from support import repositories

# Under nohup, and in the background of a script, these are ignored, also by all that a test starts.
for name, usual in (("SIGHUP", signal.SIG_DFL), ("SIGINT", signal.default_int_handler)):
    number = getattr(signal, name, None)
    if number is not None and signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, usual)

# The suite draws the same examples everywhere; `make deep` draws many more, and new ones.
_SLOW = (HealthCheck.too_slow, HealthCheck.data_too_large)
settings.register_profile("suite", deadline=None, derandomize=True, suppress_health_check=_SLOW)
settings.register_profile(
    "deep", deadline=None, max_examples=3000, suppress_health_check=_SLOW, print_blob=True
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "suite"))


@pytest.fixture(autouse=True)
def sealed_git(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the developer's git settings out of the environment, and put Ada's in."""
    env = repositories.sealed(os.environ, str(tmp_path_factory.mktemp("home")))
    for name in os.environ.keys() - env.keys():
        monkeypatch.delenv(name)
    for name, value in env.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def repo(tmp_path: object) -> repositories.Repo:
    """A repository with one commit of code and no list."""
    return repositories.Repo.create(os.path.join(str(tmp_path), "repo"))


@pytest.fixture
def listed(repo: repositories.Repo) -> repositories.Repo:
    """A repository with the list `plan` and the pending tasks a, b and c."""
    return repositories.plan(repo, "a", "b", "c")
