"""`watch` in pipes and on a terminal: what happens is told as it happens, and nothing is locked."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from support import clones, gits
from support.repositories import Repo
from support.terminals import Window, window
from test_json import check_document

from gittasks.core.operations import Create, Transition, Verb


class Watched:
    """A watch that runs, line by line."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process

    def line(self) -> str:
        """The next line that it prints."""
        assert self.process.stdout
        return self.process.stdout.readline().decode().rstrip("\n")

    def event(self) -> dict[str, Any]:
        """The next line, a document with the keys of docs/json.md."""
        made: dict[str, Any] = json.loads(self.line())
        check_document(made, "watch")
        return made

    def end(self, number: int = signal.SIGINT) -> int:
        """Send a signal; the exit code."""
        self.process.send_signal(number)
        return self.process.wait(30)


@contextmanager
def watching(repo: Repo, *args: str) -> Iterator[Watched]:
    """A watch in a pipe; nothing may be left on its standard error."""
    process = repo.start("watch", *args)
    try:
        yield Watched(process)
    finally:
        if process.poll() is None:
            process.kill()
        _, err = process.communicate(timeout=30)
    assert err == b""


# --- for programs ------------------------------------------------------------------------------


def test_an_event_a_line(listed: Repo) -> None:
    """First how it is, then each commit with who did what, and how far the list is by it."""
    with watching(listed, "--json") as watched:
        first = watched.event()
        assert (first["event"], first["entry"]) == ("state", None)
        assert (first["commit"], first["progress"]["total"]) == (listed.head(), 3)
        listed.ok("start", "a", "--owner", "kim")
        second = watched.event()
        assert (second["event"], second["entry"]["owner"]) == ("change", "kim")
        assert second["entry"]["changes"][0]["to"] == "in_progress"
        assert second["progress"]["inProgress"] == 1
        assert second["commit"] == listed.head()
        listed.ok("done", "a", "--owner", "kim", "--result", "PASS")
        assert watched.event()["progress"]["summary"] == "1/3 tasks complete (33.3%)"
        assert watched.end() == 130


def test_a_list_that_goes_and_comes(listed: Repo) -> None:
    """A deleted list is an event, and so is its return; the watch goes on."""
    with watching(listed, "--json") as watched:
        watched.event()
        listed.git("branch", "-m", "gittasks/plan", "aside")
        gone = watched.event()
        assert (gone["event"], gone["progress"], gone["error"]["kind"]) == ("gone", None, "no-list")
        listed.git("branch", "-m", "aside", "gittasks/plan")
        assert watched.event()["event"] == "state"
        listed.git("branch", "-D", "gittasks/plan")
        assert watched.event()["event"] == "gone"
        listed.ok("init", "plan")
        anew = watched.event()
        assert (anew["event"], anew["progress"]["total"]) == ("state", 0)


@gits.files_only
def test_a_damaged_list_is_told_and_survived(listed: Repo) -> None:
    """What cannot be read is an event; when it is mended the watch goes on."""
    path = os.path.join(listed.git_dir, "refs", "heads", "gittasks", "plan")
    head = listed.head()
    with watching(listed, "--json") as watched:
        watched.event()
        with open(path, "w", encoding="ascii") as file:
            file.write("x\n")
        assert watched.event()["event"] == "unreadable"
        with open(path, "w", encoding="ascii") as file:
            file.write(f"{head}\n")
        assert watched.event()["event"] == "state"
        listed.hand_edit({"tasks/bad.yaml": "subject: [\n"})
        assert watched.event()["event"] == "change"


def test_what_others_push(tmp_path: object) -> None:
    """With --fetch the remote is followed as well; a failing one is told once."""
    ann, bob = clones.share(str(tmp_path), "ann", "bob")
    with watching(bob, "--json", "--fetch", "1s") as watched:
        watched.event()
        ann.edit(Transition(Verb.START, "a"))
        ann.sync()
        told = watched.event()
        assert (told["event"], told["entry"]["changes"][0]["task"]) == ("change", "a")
        url = ann.git("remote", "get-url", "origin")
        os.rename(url, f"{url}.away")
        failed = watched.event()
        assert (failed["event"], failed["error"]["exitCode"]) == ("fetchFailed", 7)
        os.rename(f"{url}.away", url)
        assert watched.event()["event"] == "fetchWorks"
    assert bob.git("for-each-ref", "refs/heads/gittasks") == ""


def test_lines_for_a_pipe(listed: Repo) -> None:
    """Without --json the status comes first, then a line for each change and the summary."""
    status = listed.ok("status").out.splitlines()
    with watching(listed) as watched:
        assert [watched.line() for _ in status] == status
        listed.ok("start", "a", "--owner", "kim")
        assert watched.line().endswith(" kim  a: pending → in_progress")
        assert watched.line() == "0/3 tasks complete (0%), currently Task a"


def test_until_done(listed: Repo) -> None:
    """--until-done ends with 0 when everything is complete."""
    with watching(listed, "--json", "--until-done") as watched:
        watched.event()
        for task in ("a", "b", "c"):
            listed.ok("done", task)
        assert watched.process.wait(30) == 0


def test_once(listed: Repo) -> None:
    """--once prints what is there, and ends."""
    assert listed.ok("watch", "--once").out == listed.ok("status").out
    check_document(listed.ok("watch", "--once", "--json").json(), "watch")


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (("--fetch", "soon"), 2),
        (("--fetch", "0"), 2),
        (("--once", "--fetch", "5s"), 2),
        (("--fetch", "5s"), 8),
        (("--list", "none"), 8),
    ],
)
def test_what_cannot_be_watched(listed: Repo, args: tuple[str, ...], code: int) -> None:
    """Wrong options, no remote and no list are errors at once."""
    done = listed.run("watch", *args)
    assert (done.code, done.out) == (code, "")
    assert "hint: " in done.err or code == 2


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_end_it(listed: Repo, number: int) -> None:
    """It ends at once and without a word; the exit code says that it was interrupted."""
    with watching(listed, "--json") as watched:
        watched.event()
        assert watched.end(number) == 130


def test_a_reader_that_goes_away_ends_it(listed: Repo) -> None:
    """Also while nothing happens: nothing is left running behind a closed pipe."""
    process = listed.start("watch", "--json")
    assert process.stdout
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(30) == 0
    assert process.stderr
    assert process.stderr.read() == b""
    process.stderr.close()


def test_no_lock_is_taken_and_no_list_is_written(listed: Repo) -> None:
    """A watch leaves every ref and the queue of writers alone, and writers do not wait for it."""
    before = listed.git("for-each-ref")
    locks = os.path.join(listed.git_dir, "gittasks", "lock")
    found = {name: os.stat(os.path.join(locks, name)).st_mtime_ns for name in os.listdir(locks)}
    with watching(listed, "--json") as watched:
        watched.event()
        time.sleep(1)
        opened = os.listdir(f"/proc/{watched.process.pid}/fd") if os.path.isdir("/proc") else []
        links = [os.path.realpath(f"/proc/{watched.process.pid}/fd/{n}") for n in opened]
        assert not [link for link in links if link.startswith(listed.git_dir)]
    assert listed.git("for-each-ref") == before
    after = {name: os.stat(os.path.join(locks, name)).st_mtime_ns for name in os.listdir(locks)}
    assert after == found


# --- on a terminal -----------------------------------------------------------------------------


@contextmanager
def on_screen(repo: Repo, width: int = 100, height: int = 40) -> Iterator[Window]:
    """A window in which a watch has drawn itself."""
    with window(repo.path, width, height) as shown:
        shown.type("gittasks watch")
        shown.wait(lambda text: "watching gittasks/plan" in text)
        yield shown


def test_the_picture_follows_the_list(listed: Repo) -> None:
    """Who does what appears and moves on by itself; the spinner turns beside the activeForm."""
    listed.ok("update", "a", "--active-form", "Reviewing it all")
    with on_screen(listed) as shown:
        listed.ok("start", "a", "--owner", "kim")
        text = shown.wait(lambda text: "In progress (1)" in text)
        assert "0/3 tasks complete (0%), currently reviewing it all" in text
        signs = set()
        for _ in range(40):
            line = next(x for x in shown.shown().splitlines() if " kim" in x and "Reviewing" in x)
            signs.add(line.split()[0])
            time.sleep(0.05)
        assert len(signs) > 2
        listed.ok("done", "a", "--owner", "kim", "--result", "PASS")
        text = shown.wait(lambda text: "completed (PASS)" in text)
        assert "1/3 tasks complete (33.3%)" in text
        assert "In progress" not in text


@pytest.mark.parametrize("size", [(40, 12), (200, 50)])
def test_it_survives_a_new_size(listed: Repo, size: tuple[int, int]) -> None:
    """After a resize the picture fits the window, with nothing of the old one left."""
    listed.ok("start", "a")
    with on_screen(listed, 90, 30) as shown:
        shown.resize(*size)
        # A smaller window shows the last lines of the old picture until it is painted anew.
        whole = ("watching", "In progress (1)")
        text = shown.wait(lambda t: len(t.splitlines()) == size[1] and all(w in t for w in whole))
        assert text.count("watching gittasks/plan") == 1
        assert text.count("In progress (1)") == 1
        listed.ok("note", "a", "seen")
        shown.wait(lambda text: "note: seen" in text)


@pytest.mark.parametrize(("key", "code"), [("C-c", 130), ("q", 0)])
def test_the_terminal_is_put_back(listed: Repo, key: str, code: int) -> None:
    """The old screen, the cursor and the echo are back, and one line says how far it was."""
    with on_screen(listed) as shown:
        assert shown.format("alternate_on") == "1"
        assert shown.format("cursor_flag") == "0"
        shown.key(key)
        shown.wait(lambda text: "plan: 3 tasks, 0 complete" in text)
        shown.type("echo code=$?; stty -a | tr ' ' '\\n' | grep -x -e '-*echo;*' -e '-*icanon;*'")
        text = shown.wait(lambda text: f"code={code}" in text and "icanon" in text)
        assert "-echo" not in text
        assert "-icanon" not in text
        assert shown.format("alternate_on") == "0"
        assert shown.format("cursor_flag") == "1"


def test_it_stops_and_goes_on(listed: Repo) -> None:
    """Ctrl-Z gives the terminal back; fg paints the picture anew."""
    with on_screen(listed) as shown:
        shown.key("C-z")
        shown.wait(lambda text: "top" in text and "watching" not in text)
        assert shown.format("cursor_flag") == "1"
        listed.ok("start", "a")
        shown.type("fg")
        shown.wait(lambda text: "In progress (1)" in text)


def test_a_terminal_that_goes_away_ends_it(listed: Repo) -> None:
    """When the window is closed nothing of it is left running."""
    with on_screen(listed) as shown:
        pid = int(shown.format("pane_pid"))
        shown.close()
        clones_of = ["pgrep", "-s", str(pid)]
        deadline = time.monotonic() + 30
        while subprocess.run(clones_of, capture_output=True, check=False).stdout:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_a_list_that_is_deleted_while_it_is_shown(listed: Repo) -> None:
    """The picture says so, and shows the list again when it is back."""
    with on_screen(listed) as shown:
        listed.git("branch", "-m", "gittasks/plan", "aside")
        shown.wait(lambda text: 'task list "plan" is gone' in text)
        listed.git("branch", "-m", "aside", "gittasks/plan")
        text = shown.wait(lambda text: "Ready (3)" in text)
        assert "no task list" not in text


def test_hostile_text_does_not_reach_the_terminal(listed: Repo) -> None:
    """What could steer the terminal, or pass for the spinner, comes out as an escape."""
    listed.edit(Create("Nice", id="nice"))
    with on_screen(listed) as shown:
        listed.hand_edit({"tasks/bad.yaml": 'subject: "a\\e[2J\\uFDD0"\nstatus: in_progress\n'})
        text = shown.wait(lambda text: "In progress (1)" in text)
        assert "a\\x1b[2J\\ufdd0" in text


def test_a_remote_that_hangs_stops_nothing(listed: Repo, tmp_path: object) -> None:
    """While a fetch hangs the list is followed as before; the end of the watch ends the fetch, with
    the ssh that git talks through."""
    script = os.path.join(str(tmp_path), "hang.sh")
    with open(script, "w", encoding="utf-8") as file:
        file.write(f"#!/bin/sh\n>{script}.begun\nexec sleep 612.5\n")
    os.chmod(script, 0o700)
    listed.git("config", "core.sshCommand", script)
    listed.git("remote", "add", "origin", "ssh://nowhere/x.git")
    with watching(listed, "--json", "--fetch", "1s") as watched:
        watched.event()
        deadline = time.monotonic() + 30
        while not os.path.exists(f"{script}.begun"):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        listed.ok("start", "a")
        assert watched.event()["event"] == "change"
        assert watched.end(signal.SIGTERM) == 130
    ps = ["ps", "-A", "-ww", "-o", "args"]
    shown = subprocess.run(ps, capture_output=True, text=True, check=True).stdout
    assert f"--git-dir={listed.git_dir}" not in shown
    assert "sleep 612.5" not in shown
