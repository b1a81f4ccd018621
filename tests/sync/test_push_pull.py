"""Sharing when the network, the remote, the configuration or another process is in the way."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from support import transports
from support.clones import settle, share
from support.repositories import GITTASKS, Repo, Result
from support.templates import copied
from support.transports import Fault, Remote

from gittasks.core.operations import AddNote

Pair = tuple[Repo, Repo]


@pytest.fixture
def pair(tmp_path: object) -> Pair:
    """Ann and Bob, whose clones hold the list `plan`; Ann has a note that nobody else has."""
    copied("clones, one with news", _clone, str(tmp_path))
    return Repo(os.path.join(str(tmp_path), "ann")), Repo(os.path.join(str(tmp_path), "bob"))


def _clone(folder: str) -> None:
    ann, bob = share(folder, "ann", "bob")
    bob.workspace().init("plan", None)
    ann.git("-C", hub(ann), "config", "http.receivepack", "true")
    os.makedirs(os.path.join(hub(ann), "hooks"))
    ann.edit(AddNote("a", "from ann"))


def hub(repo: Repo) -> str:
    """Path of the bare repository."""
    return os.path.join(os.path.dirname(repo.path), "hub.git")


@contextlib.contextmanager
def over(kind: str, repo: Repo, **options: Any) -> Iterator[Remote]:
    """Let `origin` of a clone be the hub over another transport."""
    transport = transports.over_http if options else transports.TRANSPORTS[kind]
    with transport(hub(repo), **options) as remote, pytest.MonkeyPatch.context() as patch:
        for name, value in remote.env.items():
            patch.setenv(name, value)
        repo.git("remote", "set-url", "origin", remote.url)
        yield remote


@contextlib.contextmanager
def over_proxy(kind: str, repo: Repo, **options: Any) -> Iterator[transports.Proxy]:
    """The same by way of a proxy."""
    with (
        over(kind, repo, **options) as near,
        transports.behind_proxy(near) as (remote, proxy),
    ):
        repo.git("remote", "set-url", "origin", remote.url)
        yield proxy


def tip(repo: Repo) -> str:
    """Commit of the list in the bare repository, looked up there."""
    return repo.git("-C", hub(repo), "rev-parse", "refs/heads/gittasks/plan")


def sent(done: Result) -> list[str]:
    """Subjects of the changes that a `--json` answer says went out."""
    assert done.code == 0, done
    (one,) = done.json()["lists"]
    return [entry["subject"] for entry in one["sent"]]


def stays(repo: Repo, *args: str, says: str = "") -> str:
    """A command fails with 7, says that the work is safe, and changes nothing; what it says."""
    before = repo.git("for-each-ref")
    done = repo.run(*args)
    assert (done.code, done.out) == (7, ""), done
    assert "is safe in the local branch" in done.err
    assert says in done.err
    assert repo.git("for-each-ref") == before
    return done.err


# --- replies that are lost ---------------------------------------------------------------------

NOTE = ["plan: a note: from ann"]


@pytest.mark.parametrize("keep_alive", [True, False])
@pytest.mark.parametrize("command", ["push", "sync"])
def test_a_lost_reply_is_asked_for_again(pair: Pair, keep_alive: bool, command: str) -> None:
    """A push that went in is a success that names what went, though its reply never came."""
    ann, _ = pair
    with over_proxy("http", ann, keep_alive=keep_alive) as proxy:
        proxy.lose_replies(9)
        assert sent(ann.run(command, "--json")) == NOTE
        assert proxy.lost
    assert tip(ann) == ann.head()


@pytest.mark.parametrize("kind", ["path", "ssh"])
def test_a_server_that_dies_after_the_update_is_asked_again(pair: Pair, kind: str) -> None:
    """What the remote holds is a success, though its git was killed before it said so."""
    ann, _ = pair
    with over(kind, ann):
        transports.die_after_update(hub(ann), times=9)
        assert sent(ann.run("push", "--json")) == NOTE
    assert tip(ann) == ann.head()


@pytest.mark.parametrize("times", [1, 99])
def test_a_server_that_dies_before_the_update_is_no_success(pair: Pair, times: int) -> None:
    """What did not go in is pushed again, and is a failure when that never helps."""
    ann, _ = pair
    left = os.path.join(hub(ann), "left")
    lines = [f"echo x >>{left}", f"[ $(wc -l <{left}) -gt {times} ] || kill -9 $PPID"]
    transports.hook(hub(ann), "pre-receive", *lines)
    before = tip(ann)
    if times == 1:
        assert sent(ann.run("push", "--json")) == NOTE
        assert tip(ann) == ann.head()
    else:
        stays(ann, "push", says="hung up")
        assert tip(ann) == before


@pytest.mark.parametrize(
    ("kind", "cut"), [("http", 100), ("http", 600), ("http", 900), ("ssh", 99)]
)
def test_a_cut_connection_never_claims_more_than_is_true(pair: Pair, kind: str, cut: int) -> None:
    """Wherever connections end: either all of it is there, or the command says it is not."""
    ann, bob = pair
    bob.edit(AddNote("b", "from bob"))
    bob.sync()
    with over_proxy(kind, ann) as proxy:
        proxy.fault(Fault(cut_after=cut), connections=99)
        done = ann.run("sync")
        assert done.code in (0, 7), done
        assert (done.code == 0) == (tip(ann) == ann.head())
        assert done.code == 0 or "safe in the local branch" in done.err
        proxy.heal()
        ann.ok("sync")
    assert tip(ann) == ann.head()


def test_a_slow_remote_is_waited_for_and_a_silent_one_left(pair: Pair) -> None:
    """Delays change nothing; silence ends with the patience that the user configured."""
    ann, _ = pair
    with over_proxy("http", ann) as proxy:
        proxy.fault(Fault(delay_up=0.02, delay_down=0.02), connections=9)
        assert sent(ann.run("sync", "--json")) == NOTE
        proxy.heal()
        ann.edit(AddNote("a", "more"))
        ann.git("config", "http.lowSpeedLimit", "1")
        ann.git("config", "http.lowSpeedTime", "1")
        proxy.fault(Fault(delay_down=3600), connections=9)
        stays(ann, "pull", says="too slow")


# --- remotes that are away, or refuse ----------------------------------------------------------


@pytest.mark.parametrize("kind", ["path", "ssh", "http"])
@pytest.mark.parametrize("command", ["pull", "push"])
def test_an_unreachable_remote_leaves_everything_as_it_is(
    pair: Pair, kind: str, command: str
) -> None:
    """Exit code 7, the reason, and that the work is safe; it goes out the next time."""
    ann, _ = pair
    with over(kind, ann) as remote:
        if remote.service:
            remote.service.stop()
            stays(ann, command, says="onnect")
        else:
            with remote.away():
                stays(ann, command, says="does not appear to be a git repository")
                error = ann.run(command, "--json").json()["error"]
                assert (error["kind"], error["exitCode"]) == ("remote", 7)
            assert ann.ok(command).out


def test_a_remote_that_goes_away_between_fetch_and_push(pair: Pair) -> None:
    """What was fetched is merged and kept, nothing is claimed to be sent."""
    ann, bob = pair
    bob.edit(AddNote("b", "from bob"))
    bob.sync()
    transports.hook(hub(ann), "serve", 'git upload-pack "$@"', 'mv "$1" "$1.away"')
    ann.git("config", "remote.origin.uploadpack", os.path.join(hub(ann), "hooks", "serve"))
    done = ann.run("sync", "--json")
    assert done.code == 7
    assert "safe in the local branch" in done.json()["error"]["hint"]
    os.rename(f"{hub(ann)}.away", hub(ann))
    assert [len(ann.tasks()[i]["notes"]) for i in "ab"] == [1, 1]
    assert tip(ann) == bob.head()
    ann.git("config", "--unset", "remote.origin.uploadpack")
    settle(ann, bob)


HOOKS = [
    ("path", "pre-receive"),
    ("ssh", "pre-receive"),
    ("http", "pre-receive"),
    ("path", "update"),
]


@pytest.mark.parametrize(("kind", "hook"), HOOKS)
def test_the_words_of_a_hook_that_declines_are_shown_once(pair: Pair, kind: str, hook: str) -> None:
    """A refusal is no lost race: 7 at once, with the reason and what the hook said."""
    ann, _ = pair
    runs = os.path.join(hub(ann), "runs")
    lines = [f"echo x >>{runs}", "echo closed for today >&2", "echo ask Eve >&2", "exit 1"]
    transports.hook(hub(ann), hook, *lines)
    with over(kind, ann):
        said = stays(ann, "sync", says="hook declined")
    assert [said.count(words) for words in ("declined", "closed for today", "ask Eve")] == [1, 1, 1]
    with open(runs, encoding="utf-8") as file:
        assert file.read() == "x\n"


@pytest.mark.parametrize("kind", ["path", "http"])
def test_a_read_only_remote_can_be_pulled_from(pair: Pair, kind: str) -> None:
    """A push is refused with 7, a pull brings what others did."""
    ann, bob = pair
    bob.edit(AddNote("b", "from bob"))
    bob.sync()
    with over(kind, ann):
        transports.make_read_only(hub(ann))
        assert ann.ok("pull").out.startswith("plan: 1 change from origin")
        stays(ann, "push", says="origin refused")
    assert ann.tasks()["b"]["notes"]


def test_a_lock_on_the_remote_is_no_race(pair: Pair) -> None:
    """When nobody else pushed, nobody is blamed: the remote refused, and that is said."""
    ann, _ = pair
    with open(Repo(hub(ann)).ref_lock(), "w", encoding="utf-8"):
        pass
    assert "others pushed" not in stays(ann, "push", says="failed to update ref")


@pytest.mark.parametrize("args", [("pull",), ("push",), ("sync", "--all")], ids=" ".join)
def test_nobody_is_asked_for_a_password(pair: Pair, args: tuple[str, ...]) -> None:
    """Without a login the command ends with 7, on a terminal that is not its own as well."""
    ann, _ = pair
    with over("http", ann, auth="none"):
        code, shown = on_terminal(ann, *args)
    assert (code, shown) == (7, "")


def test_ssh_asks_nobody(pair: Pair) -> None:
    """A program that runs gittasks has the terminal: ssh must not ask there and wait.

    What it has to say, before git says that it could not read, is shown.
    """
    ann, _ = pair
    with over("ssh", ann) as remote:
        strange = remote.env["GIT_SSH_COMMAND"].replace("known_hosts", "nobody-known")
        asking = strange.replace("BatchMode=yes", "BatchMode=no").replace("ing=yes", "ing=ask")
        assert on_terminal(ann, "pull", env={"GIT_SSH_COMMAND": asking}) == (7, "")
        done = ann.run("pull", env={"GIT_SSH_COMMAND": strange})
    assert (done.code, "Host key verification failed" in done.err) == (7, True)


_LEADER = """
import fcntl, os, sys, termios
os.setsid()
fcntl.ioctl(os.open(sys.argv[1], os.O_RDWR), termios.TIOCSCTTY, 0)
os.execv(sys.argv[2], sys.argv[2:])
"""


def on_terminal(repo: Repo, *args: str, env: Mapping[str, str] = {}) -> tuple[int | None, str]:
    """Run gittasks in a session with a terminal, as an agent in one does: with pipes for output.

    Returns the exit code, None when it did not end, and what stood on the terminal.
    """
    main, side = os.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", _LEADER, os.ttyname(side), GITTASKS, *args],
        cwd=repo.path,
        env={**os.environ, "GIT_TERMINAL_PROMPT": "1", **env},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    code = None
    with contextlib.suppress(subprocess.TimeoutExpired):
        code = process.wait(10)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(60)
    os.set_blocking(main, False)
    shown = b""
    with contextlib.suppress(BlockingIOError):
        shown = os.read(main, 65536)
    os.close(main)
    os.close(side)
    return code, shown.decode()


def talking(repo: Repo) -> bool:
    """Whether a git runs that gittasks started for a remote of this clone."""
    shown = subprocess.run(
        ["ps", "-A", "-ww", "-o", "args"], capture_output=True, text=True, check=True
    )
    return f"--git-dir={repo.git_dir}" in shown.stdout


def test_a_command_that_is_killed_leaves_no_git_behind(pair: Pair) -> None:
    """What waits for a silent remote ends with the command: SIGTERM is how agents lose patience."""
    ann, _ = pair
    with over_proxy("http", ann) as proxy:
        proxy.fault(Fault(delay_down=3600), connections=9)
        process = ann.start("pull")
        for wanted in (True, False):
            deadline = time.monotonic() + 10
            while talking(ann) is not wanted:
                assert time.monotonic() < deadline, f"talking: {not wanted}"
                time.sleep(0.05)
            process.terminate()
        process.communicate(timeout=10)


# --- configuration that must not interfere -----------------------------------------------------

SETTINGS = """
remote.origin.mirror=true remote.origin.push=+refs/heads/*:refs/heads/copy/*
remote.origin.tagOpt=--tags remote.pushDefault=nowhere fetch.prune=true fetch.pruneTags=true
push.default=matching push.followTags=true transfer.fsckObjects=true color.ui=always
"""


def test_settings_of_the_user_do_not_interfere(pair: Pair) -> None:
    """Only the list is exchanged, whatever else git is told to push, fetch or prune."""
    ann, bob = pair
    bob.edit(AddNote("b", "from bob"))
    bob.git("tag", "-am", "There", "there")
    bob.git("push", "-q", "origin", "there", "main:main")
    bob.sync()
    ann.git("-C", hub(ann), "config", "transfer.fsckObjects", "true")
    ann.git("tag", "-am", "Here", "here", "gittasks/plan")
    ann.git("update-ref", "refs/remotes/origin/gone", "main")
    for setting in SETTINGS.split():
        ann.git("config", *setting.split("=", 1))
    expected = ann.git("for-each-ref", "--format=%(refname)")
    assert sent(ann.run("sync", "--json")) == NOTE
    assert ann.git("for-each-ref", "--format=%(refname)") == expected
    there = ann.git("-C", hub(ann), "for-each-ref", "--format=%(refname)").split()
    assert there == ["refs/heads/gittasks/plan", "refs/heads/main", "refs/tags/there"]
    assert tip(ann) == ann.head()


def test_hooks_of_the_user_are_not_run(pair: Pair) -> None:
    """Neither a hook of the clone nor one of core.hooksPath runs, so none can stop a sync."""
    ann, bob = pair
    bob.edit(AddNote("b", "from bob"))
    bob.sync()
    ran = ann.file("ran")
    for folder in (os.path.join(ann.git_dir, "hooks"), ann.file("hooks")):
        os.makedirs(folder)
        for name in ("pre-push", "reference-transaction", "post-merge", "pre-auto-gc"):
            transports.hook(os.path.dirname(folder), name, f"touch {ran}", "exit 1")
    assert sent(ann.run("sync", "--json")) == NOTE
    ann.git("config", "core.hooksPath", ann.file("hooks"))
    ann.edit(AddNote("a", "more"))
    ann.ok("push")
    assert not os.path.exists(ran)


HOSTILE = [
    ("--upload-pack=touch pwned", "../nowhere"),
    ("bad", "--upload-pack=touch pwned"),
    ("bad", "-u"),
    ("bad", "ext::touch pwned"),
    ("bad", "ssh://-oProxyCommand=touch pwned/x"),
]


@pytest.mark.parametrize(("name", "url"), HOSTILE, ids=[" ".join(h) for h in HOSTILE])
def test_names_and_urls_are_no_options(pair: Pair, name: str, url: str) -> None:
    """A remote that was named or placed to be taken for an option is a remote that fails."""
    ann, _ = pair
    ann.git("config", f"remote.{name}.url", url)
    for command in ("pull", "push"):
        stays(ann, command, "--", name)
    assert not os.path.exists(ann.file("pwned"))
