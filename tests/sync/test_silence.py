"""A remote that falls silent or talks without end: nothing waits for ever, by any transport."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator

import pytest
from support import gits, transports
from support.clones import share
from support.repositories import Repo

from gittasks.errors import RemoteFailure
from gittasks.store import git, remotes

SILENT = "sleep 600; #"


@pytest.fixture
def bob(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> Repo:
    """A clone in a process that waits for half a second where others wait for two minutes."""
    monkeypatch.setattr(git, "NO_PROGRESS", 0.5)
    _, bob = share(str(tmp_path), "ada", "bob")
    bob.git("branch", "-q", "gittasks/plan", "origin/gittasks/plan")
    return bob


@pytest.fixture
def port() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=16) as server:
        yield server.getsockname()[1]


@pytest.mark.parametrize("kind", ["path", "http", "ssh", "git"])
def test_a_silent_remote_is_given_up(bob: Repo, kind: str, port: int) -> None:
    """The fetch fails with the reason, and the git that waited is gone."""
    if kind == "http" and not gits.has_http():
        pytest.skip("this git has no http")
    if kind == "path":
        bob.git("config", "remote.origin.uploadpack", SILENT)
    else:
        bob.git("remote", "set-url", "origin", f"{kind}://127.0.0.1:{port}/plan.git")
    done = bob.sync()
    assert isinstance(done.error, RemoteFailure)
    assert "no progress for" in done.error.message
    assert not git._talking


def test_a_push_that_is_never_answered_is_given_up(bob: Repo) -> None:
    """What became of it is asked; the work stays here."""
    bob.git("config", "remote.origin.receivepack", SILENT)
    bob.ok("note", "a", "news")
    done = bob.sync()
    assert isinstance(done.error, RemoteFailure)
    assert "no progress for" in done.error.message


def test_a_watched_remote_that_falls_silent_is_given_up(bob: Repo) -> None:
    """A fetch in the background ends as well."""
    bob.git("config", "remote.origin.uploadpack", SILENT)
    going = remotes.BackgroundFetch(bob.workspace("plan").repository, "origin", "plan")

    def wait() -> None:
        while going.ended() is None:
            time.sleep(0.05)

    with pytest.raises(RemoteFailure, match="no progress for"):
        wait()


def test_what_git_leaves_running_is_not_waited_for(bob: Repo) -> None:
    """A process that holds the stream open, as the master of ssh connections, does not matter."""
    left = os.path.join(bob.path, "left")
    program = f"sleep 600 2>&2 <&- >&- & echo $! > {left}; git-upload-pack"
    bob.git("config", "remote.origin.uploadpack", program)
    done = bob.sync()
    with open(left, encoding="utf-8") as file:
        os.kill(int(file.read()), 15)
    assert done.error is None


def test_a_remote_that_talks_much_is_quoted_in_short(bob: Repo) -> None:
    """An error repeats some lines of what a hook of the remote printed, each cut."""
    hub = bob.git("remote", "get-url", "origin")
    os.makedirs(os.path.join(hub, "hooks"), exist_ok=True)
    transports.hook(
        hub, "pre-receive", "for n in $(seq 3000); do echo line $n $(seq 200) >&2; done", "exit 1"
    )
    bob.ok("note", "a", "news")
    done = bob.sync()
    assert isinstance(done.error, RemoteFailure)
    assert "line 1 " in done.error.message
    assert "lines more" in done.error.message
    assert len(done.error.message) < 4000
