"""What reaches the terminal: nothing hostile, nothing that it cannot show, no noise."""

from __future__ import annotations

import os
import subprocess

import pytest
from support.repositories import GITTASKS, Repo

HOSTILE = (
    'subject: "a\\e[31mred\\u202Eevil\\u200Bzero\\x9b2J"\n'
    'owner: "o\\u202Ewn"\nresult: "r\\u2066x"\nphase: "p\\eh"\nactiveForm: "f\\ex"\n'
    'description: "d\\e]0;title\\a"\nstatus: in_progress\n'
    'metadata: {"k\\e": "v\\u202E"}\n'
)
FORBIDDEN = "\x1b\x9b\r\x07\u202e\u2066\u200b"


@pytest.mark.parametrize(
    "args",
    [
        ("list", "--all"),
        ("status",),
        ("show", "bad"),
        ("log",),
        ("log", "bad"),
        ("ready",),
        ("lists",),
        ("export",),
        ("list", "--json"),
        ("note", "bad", "x"),
        ("start", "b"),
        ("done", "bad"),
        ("delete", "bad"),
        ("undo",),
    ],
    ids=" ".join,
)
def test_hostile_text_is_never_printed_raw(listed: Repo, args: tuple[str, ...]) -> None:
    """Control, bidi and zero-width characters of a file edited by hand come out as escapes."""
    title = 'format: 1\nrules: 1\nid: plan\ntitle: "t\\ex"\n'
    evil = "evil \x1b[2J\u202e"
    listed.hand_edit({"README.md": "nothing of a task\n"}, message=evil)
    listed.hand_edit({"tasks/bad.yaml": HOSTILE, "list.yaml": title}, message=evil)
    done = listed.run(*args)
    printed = done.out + done.err
    assert not [c for c in printed if c in FORBIDDEN], printed
    assert done.code == 0
    shows = args[0] in ("list", "status", "show", "log", "export")
    assert ("evil" in printed) is shows, printed


def test_hostile_text_is_shown_as_escapes(listed: Repo) -> None:
    """Nothing is hidden: the reader sees which characters stand there."""
    listed.hand_edit({"tasks/bad.yaml": HOSTILE})
    assert "a\\x1b[31mred\\u202eevil\\u200bzero\\x9b2J" in listed.ok("list").out
    # A line break cannot begin a line of ours: such a subject is not read at all.
    listed.hand_edit({"tasks/bad.yaml": 'subject: "a\\nb"\n'})
    done = listed.run("list")
    assert done.code == 4
    assert "unreadable: tasks/bad.yaml:1: " in done.out


@pytest.mark.parametrize("command", [("lists",), ("status", "--all")])
def test_of_several_lists_the_unreadable_one_is_named(repo: Repo, command: tuple[str, ...]) -> None:
    """A branch that only has the name of a list is one line, and says which it is."""
    repo.git("commit", "-q", "--allow-empty", "-m", "code")
    repo.git("branch", "gittasks/broken")
    repo.ok("init", "good")
    done = repo.run(*command)
    assert done.code == 4
    assert "unreadable: broken: list.yaml: missing" in done.out


def test_hostile_argument_in_an_error(listed: Repo) -> None:
    """An argument is escaped too before an error repeats it."""
    for code, *args in (
        (3, "start", "\x1b[2J\u202e"),
        (2, "\x1b[2J"),
        (2, "-l", "\x1b", "list"),
        (3, "apply", "\x1b"),
    ):
        done = listed.run(*map(str, args))
        assert done.code == code, done
        assert not [c for c in done.err if c in FORBIDDEN]


def test_ascii_output(listed: Repo) -> None:
    """Where the output holds no other characters the marks are ASCII and letters are escaped."""
    listed.ok("create", "Grüße →", "--id", "g")
    listed.ok("done", "a")
    listed.ok("start", "b")
    env = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = listed.ok("list", env=env)
    assert done.out.isascii()
    assert "[x] a  Task a" in done.out
    assert "[>] b  Task b (in_progress, Ada)" in done.out
    assert "Gr\\xfc\\xdfe" in done.out
    assert listed.ok("done", "b", env=env).out.startswith("b: in_progress -> completed")
    failed = listed.run("start", "g\u00fc", env=env)
    assert failed.code == 3
    assert failed.err.isascii()


def test_no_colour_in_a_pipe(listed: Repo) -> None:
    """Plain output has no escape sequence."""
    listed.ok("start", "a")
    for args in (("list",), ("status",), ("log",), ("show", "a"), ("-h",)):
        assert "\x1b" not in listed.ok(*args).out


@pytest.mark.parametrize("args", [("log",), ("list",), ("export",), ("log", "--json"), ("-h",)])
def test_closed_pipe_is_silent(listed: Repo, args: tuple[str, ...]) -> None:
    """When nobody reads on, the command ends without a word and without failing."""
    text = "".join(f'{{"op": "note", "id": "a", "text": "{i} {"x" * 900}"}}\n' for i in range(90))
    listed.ok("batch", stdin=text)
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [GITTASKS, *args], cwd=listed.path, stdout=writer, stderr=subprocess.PIPE, check=False
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, b"")


def test_quiet_says_only_ids(listed: Repo) -> None:
    """With -q a change prints the ids of the tasks it was about, one a line."""
    assert listed.ok("start", "a", "-q").out == "a\n"
    assert listed.ok("create", "Loop", "--id", "l", "--iterations", "2", "-q").out == "l-1\nl-2\n"
    assert listed.ok("init", "plan", "-q").out == "plan\n"
