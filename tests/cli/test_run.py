"""`run`: a program between start and done, as if it had been called alone."""

from __future__ import annotations

import os
import signal
import subprocess

import pytest
from support.repositories import GITTASKS, Repo


def _notes(repo: Repo, task: str = "a") -> list[str]:
    return [note["text"] for note in repo.tasks()[task]["notes"]]


def _status(repo: Repo, task: str = "a") -> str:
    return str(repo.tasks()[task]["status"])


def test_success_completes(listed: Repo) -> None:
    """Exit code 0 completes the task; it was in progress while the program ran."""
    done = listed.ok("run", "a", "--", "sh", "-c", f"{GITTASKS} list --status in_progress")
    assert "[→] a  Task a (in_progress, Ada)" in done.out
    assert "a: in_progress → completed" in done.out
    task = listed.tasks()["a"]
    assert task["status"] == "completed"
    assert task["notes"] == []


@pytest.mark.parametrize(
    ("program", "code", "words"),
    [
        (("sh", "-c", "exit 3"), 3, "exit code 3"),
        (("sh", "-c", "exit 255"), 255, "exit code 255"),
        (("sh", "-c", "kill -9 $$"), 128 + 9, "SIGKILL"),
        (("no-such-program-here",), 127, "not found"),
        (("/",), 126, "could not be run"),
    ],
)
def test_failure_keeps_the_task(
    listed: Repo, program: tuple[str, ...], code: int, words: str
) -> None:
    """Any other end is passed on as a shell would; the task stays, with a note that says how."""
    done = listed.run("run", "a", "--", *program)
    assert (done.code, done.out) == (code, "")
    assert words in done.err
    assert "still in progress" in done.err
    assert _status(listed) == "in_progress"
    assert len(_notes(listed)) == 1
    assert words in _notes(listed)[0]
    assert program[-1] in _notes(listed)[0]


def test_a_task_that_failed_can_be_run_again(listed: Repo) -> None:
    """Running it again takes up the task that is in progress."""
    assert listed.run("run", "a", "--", "false").code == 1
    listed.ok("run", "a", "--", "true")
    assert _status(listed) == "completed"


def test_streams_pass_through(listed: Repo) -> None:
    """Standard input, output and error are the program's own, byte for byte."""
    data = bytes(range(256)) * 500
    done = subprocess.run(
        [GITTASKS, "run", "a", "-q", "--", "sh", "-c", "cat; echo error >&2"],
        cwd=listed.path,
        input=data,
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, data, b"error\n")


def test_what_cannot_be_started_is_not_run(listed: Repo) -> None:
    """When the task cannot be started the program does not run."""
    listed.ok("update", "b", "--add-blocked-by", "a")
    done = listed.run("run", "b", "--", "touch", "ran")
    assert done.code == 5
    assert not os.path.exists(listed.file("ran"))


def test_json_is_a_document_of_its_own(listed: Repo) -> None:
    """With --json stdout has the document alone, and the program prints to stderr."""
    listed.ok("update", "c", "--add-blocked-by", "a")
    done = listed.ok("run", "a", "--json", "--", "sh", "-c", "echo hi; echo there >&2")
    assert done.err == "hi\nthere\n"
    answer = done.json()
    assert (answer["kind"], answer["exitCode"], answer["unblocked"]) == ("run", 0, ["c"])
    assert (answer["task"]["status"], answer["commit"]) == ("completed", listed.head())
    done = listed.run("run", "b", "--json", "--", "sh", "-c", "exit 7")
    answer = done.json()
    assert (done.code, answer["exitCode"]) == (7, 7)
    assert answer["outcome"] == "the command failed with exit code 7"
    assert (answer["task"]["status"], len(answer["task"]["notes"])) == ("in_progress", 1)


def test_options_of_the_program_are_its_own(listed: Repo) -> None:
    """What stands behind -- is never an option of ours; without -- the hint says so."""
    assert listed.ok("run", "a", "-q", "--", "echo", "--json", "-l", "x").out == "--json -l x\n"
    done = listed.run("run", "b", "sh", "-c", "true")
    assert done.code == 2
    assert "hint: put -- before the command" in done.err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1])
def test_signals_reach_the_program(listed: Repo, number: signal.Signals) -> None:
    """A signal sent to gittasks ends up at the program, whose end counts."""
    name = number.name.removeprefix("SIG")
    script = f"trap 'echo caught; exit 9' {name}; echo ready; while :; do sleep 0.05; done"
    with listed.start("run", "a", "--", "sh", "-c", script) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(number)
        out, _ = process.communicate(timeout=30)
    assert process.returncode == 9
    assert out == b"caught\n"
    assert "exit code 9" in _notes(listed)[0]


def test_interrupt_from_the_keyboard(listed: Repo) -> None:
    """Ctrl-C reaches both; gittasks waits for the program and records its end."""
    script = "trap 'sleep 0.2; exit 7' INT; echo ready; while :; do sleep 0.05; done"
    process = subprocess.Popen(
        [GITTASKS, "run", "a", "--", "sh", "-c", script],
        cwd=listed.path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    os.killpg(process.pid, signal.SIGINT)
    process.communicate(timeout=30)
    assert process.returncode == 7
    assert _status(listed) == "in_progress"


def test_done_comes_after_the_end(listed: Repo) -> None:
    """The task is completed only when the program has ended."""
    wait = "echo up; while [ ! -e go ]; do sleep 0.05; done"
    process = listed.start("run", "a", "-q", "--", "sh", "-c", wait)
    assert process.stdout is not None
    process.stdout.readline()
    assert _status(listed) == "in_progress"
    listed.write("go", "")
    process.communicate(timeout=30)
    assert process.returncode == 0
    assert _status(listed) == "completed"
