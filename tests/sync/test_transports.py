"""The remotes for tests of sharing do what git does over each transport, faults included."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Iterator

import pytest
from support import transports
from support.repositories import Repo, git
from support.transports import Auth, Fault, Remote


def clone(remote: Remote, path: str) -> Repo:
    """`git clone` of the remote, with what its transport needs."""
    git(os.path.dirname(path), "clone", "-q", remote.url, path, env=remote.env)
    return Repo(path)


def commit(repo: Repo, name: str) -> str:
    """A commit with a new file; its id."""
    repo.write(name, name)
    repo.git("add", name)
    repo.git("commit", "-qm", f"Add {name}")
    return repo.git("rev-parse", "HEAD")


def push(repo: Repo, remote: Remote, *args: str) -> str:
    """`git push` of main, which must succeed; what it tells scripts."""
    return repo.git("push", "--porcelain", remote.url, "main", *args, env=remote.env)


def failed_push(repo: Repo, remote: Remote, *args: str) -> tuple[str, str]:
    """`git push` of main, which must fail; what it tells scripts and people."""
    done = subprocess.run(
        ["git", "push", "--porcelain", remote.url, "main", *args],
        cwd=repo.path,
        env={**os.environ, **remote.env},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0, done
    return done.stdout, done.stderr


@pytest.fixture
def served(bare: str) -> Iterator[Remote]:
    """A remote behind smart http."""
    with transports.over_http(bare) as remote:
        yield remote


def test_a_push_reaches_a_clone_and_comes_back_by_a_fetch(repo: Repo, remote: Remote) -> None:
    """Clone, push and fetch work over each transport, with nothing but the environment."""
    first = repo.git("rev-parse", "HEAD")
    repo.git("remote", "add", "origin", remote.url)
    repo.git("push", "-q", "origin", "main")
    assert remote.tip() == first
    other = Repo(f"{repo.path}-clone")
    git(os.path.dirname(other.path), "clone", "-q", remote.url, other.path)
    second = commit(other, "more.txt")
    other.git("push", "-q", "origin", "main")
    repo.git("fetch", "-q", "origin")
    assert repo.git("rev-parse", "origin/main") == second == remote.tip()


def test_a_push_that_a_hook_declines_changes_nothing(repo: Repo, remote: Remote) -> None:
    """A pre-receive hook's message reaches the pusher over each transport, and no ref moves."""
    transports.reject_pushes(remote.path, "closed for today")
    told, shown = failed_push(repo, remote)
    assert "!\trefs/heads/main:refs/heads/main\t[remote rejected] (pre-receive hook decl" in told
    assert "closed for today" in shown
    assert remote.tip() == ""


def test_a_remote_that_is_away_comes_back(repo: Repo, remote: Remote) -> None:
    """While the repository is away each transport fails; afterwards it works as before."""
    with remote.away(), pytest.raises(AssertionError, match="128: "):
        push(repo, remote)
    assert "[new branch]" in push(repo, remote)


def test_a_server_that_dies_after_the_update_says_nothing(repo: Repo, remote: Remote) -> None:
    """The push fails without a line about the ref, yet it is on the server; a second one agrees."""
    transports.die_after_update(remote.path)
    told, shown = failed_push(repo, remote)
    assert "refs/heads/main" not in told
    assert "the remote end hung up unexpectedly" in shown
    assert remote.tip() == repo.git("rev-parse", "HEAD")
    assert "[up to date]" in push(repo, remote)


def test_a_rewind_is_refused_even_by_force(repo: Repo, bare: str) -> None:
    """receive.denyNonFastForwards holds against --force."""
    with transports.over_path(bare) as remote:
        push(repo, remote)
        transports.reject_rewinds(bare)
        repo.git("commit", "-q", "--amend", "-m", "Another past")
        told, _ = failed_push(repo, remote, "--force")
    assert "[remote rejected] (non-fast-forward)" in told


@pytest.mark.parametrize("kind", ["path", "ssh", "http", "http-auth"])
def test_a_read_only_remote_is_read(repo: Repo, bare: str, kind: str) -> None:
    """A remote may refuse all pushes, http with the code 403, and still be cloned."""
    with transports.TRANSPORTS[kind](bare) as remote:
        push(repo, remote)
        commit(repo, "more.txt")
        transports.make_read_only(bare)
        told, shown = failed_push(repo, remote)
        if kind.startswith("http"):
            assert "403" in shown
        else:
            assert "[remote rejected]" in told
        assert clone(remote, f"{repo.path}-clone").read("code.txt") == "code\n"


@pytest.mark.parametrize("kind", ["ssh", "http"])
def test_a_stopped_server_refuses_connections(repo: Repo, bare: str, kind: str) -> None:
    """After `stop()` nobody listens at the URL, and no thread of the server is left."""
    before = threading.active_count()
    with transports.TRANSPORTS[kind](bare) as remote:
        push(repo, remote)
        assert remote.service is not None
        remote.service.stop()
        assert threading.active_count() == before
        _, shown = failed_push(repo, remote)
    assert "onnect" in shown


@pytest.mark.parametrize("auth", ["url", "helper"])
def test_a_login_comes_from_the_url_or_from_a_helper(repo: Repo, bare: str, auth: Auth) -> None:
    """Each way to a password opens a server that demands one."""
    with transports.over_http(bare, auth) as remote:
        push(repo, remote)
        assert isinstance(remote.service, transports.SmartHttp)
        assert remote.service.seen[0].endswith("401")
    assert remote.tip() == repo.git("rev-parse", "HEAD")


def test_a_login_is_demanded(repo: Repo, bare: str) -> None:
    """Without a password git cannot ask for one here, and a wrong one is refused."""
    with transports.over_http(bare, "none") as remote:
        _, shown = failed_push(repo, remote)
        assert "could not read Username" in shown
    with transports.over_http(bare, "url") as remote:
        _, shown = failed_push(
            repo, Remote(remote.url.replace("s3cret", "guess"), bare, remote.env)
        )
        assert "Authentication failed" in shown
    assert remote.tip() == ""


def test_large_and_packed_requests_arrive(repo: Repo, served: Remote) -> None:
    """The server takes chunked bodies, zipped bodies, and clients that wait for its `100`."""
    assert isinstance(served.service, transports.SmartHttp)
    with open(repo.file("big"), "wb") as file:
        file.write(os.urandom(100_000))
    commit(repo, "small")
    repo.git("add", "big")
    repo.git("commit", "-qm", "Add big")
    repo.git("config", "http.postBuffer", "65536")
    repo.git("config", "http.extraHeader", "Expect: 100-continue")
    push(repo, served)
    other = clone(served, f"{repo.path}-clone")
    late = range(2_000_000_000, 2_000_000_040)  # offered to the server before what it knows
    own = [f"commit refs/heads/own{i}\ncommitter A <a@b> {i} +0\ndata 0\n" for i in late]
    other.git("fast-import", "--quiet", stdin="".join(own))
    commit(repo, "more.txt")
    push(repo, served)
    other.git("fetch", "-q", env=served.env)
    assert other.git("rev-parse", "origin/main") == served.tip()
    seen = "\n".join(served.service.seen)
    assert "git-receive-pack 100-continue chunked 200" in seen
    assert "git-upload-pack gzip 200" in seen


@pytest.mark.parametrize("kind", ["ssh", "http-auth"])
def test_a_proxy_passes_all_until_it_is_told(repo: Repo, bare: str, kind: str) -> None:
    """Behind a proxy a remote works as in front of it, a little delay included."""
    with (
        transports.TRANSPORTS[kind](bare) as near,
        transports.behind_proxy(near) as (remote, proxy),
    ):
        proxy.fault(Fault(delay_up=0.001, delay_down=0.001), connections=2)
        push(repo, remote)
        assert clone(remote, f"{repo.path}-clone").git("rev-parse", "HEAD") == remote.tip()
        assert proxy.connections >= 2


@pytest.mark.parametrize("kind", ["ssh", "http"])
@pytest.mark.parametrize("sent", [0, 100, 400])
def test_a_cut_push_changes_nothing(repo: Repo, bare: str, kind: str, sent: int) -> None:
    """Connections cut before the push was sent change nothing; libcurl tries a second one."""
    with (
        transports.TRANSPORTS[kind](bare) as near,
        transports.behind_proxy(near) as (remote, proxy),
    ):
        proxy.fault(Fault(cut_after=sent), connections=2)
        failed_push(repo, remote)
        assert remote.tip() == ""
        proxy.heal()
        push(repo, remote)


def test_a_silent_server_is_left_by_an_impatient_client(repo: Repo, served: Remote) -> None:
    """A reply that never comes ends when the client's own patience does, and at the proxy's end."""
    with transports.behind_proxy(served) as (remote, proxy):
        proxy.fault(Fault(delay_down=3600))
        patience = {"lowSpeedLimit": "1", "lowSpeedTime": "1"}
        for name, value in patience.items():
            repo.git("config", f"http.{name}", value)
        _, shown = failed_push(repo, remote)
        assert "too slow" in shown


@pytest.mark.parametrize("keep_alive", [True, False])
def test_a_lost_reply_leaves_the_push_on_the_server(
    repo: Repo, bare: str, keep_alive: bool
) -> None:
    """The push is done, the client sees the connection end, and cannot tell which refs moved."""
    with (
        transports.over_http(bare, keep_alive=keep_alive) as near,
        transports.behind_proxy(near) as (remote, proxy),
    ):
        proxy.lose_replies(2)
        told, shown = failed_push(repo, remote)
        assert proxy.lost == (2 if keep_alive else 1)
        assert "refs/heads/main" not in told
        assert "the remote end hung up unexpectedly" in shown
        assert remote.tip() == repo.git("rev-parse", "HEAD")


def test_a_lost_reply_can_look_like_a_rejection(repo: Repo, served: Remote) -> None:
    """libcurl repeats a push whose kept-alive connection died; the repeat meets its own update."""
    with transports.behind_proxy(served) as (remote, proxy):
        proxy.lose_replies(1)
        told, _ = failed_push(repo, remote)
        assert proxy.lost == 1
        # git 2.50 and newer say "reference already exists"
        words = ("[remote rejected] (failed to update ref)", "[remote rejected] (reference already")
        assert any(word in told for word in words)
        assert remote.tip() == repo.git("rev-parse", "HEAD")


def test_a_large_push_loses_its_own_reply(repo: Repo, served: Remote) -> None:
    """The empty push that git sends before a large one is answered; that to the push is lost."""
    with open(repo.file("big"), "wb") as file:
        file.write(os.urandom(100_000))
    repo.git("add", "big")
    repo.git("commit", "-qm", "Add big")
    repo.git("config", "http.postBuffer", "65536")
    with transports.behind_proxy(served) as (remote, proxy):
        proxy.lose_replies(1)
        failed_push(repo, remote)
        assert proxy.lost == 1
        assert remote.tip() == repo.git("rev-parse", "HEAD")


def test_an_end_of_a_server_ends_its_processes(repo: Repo, served: Remote) -> None:
    """A push that hangs in a hook ends with its proxy; the hook ends with the server."""
    began, ended = (os.path.join(served.path, name) for name in ("began", "ended"))
    lines = [f"trap 'touch {ended}; exit 1' TERM", f"touch {began}", "sleep 600 & wait"]
    transports.hook(served.path, "pre-receive", *lines)
    with transports.behind_proxy(served) as (remote, _):
        pushing = subprocess.Popen(
            ["git", "push", remote.url, "main"],
            cwd=repo.path,
            env={**os.environ, **remote.env},
            stderr=subprocess.DEVNULL,
        )
        appears(began)
    assert pushing.wait(60) != 0
    assert not os.path.exists(ended)
    assert served.service is not None
    served.service.stop()
    appears(ended)


def appears(path: str) -> None:
    """Wait until there is such a file."""
    deadline = time.monotonic() + 60
    while not os.path.exists(path):
        assert time.monotonic() < deadline, f"no {path}"
        time.sleep(0.01)
