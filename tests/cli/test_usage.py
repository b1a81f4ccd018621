"""The command line itself: names, options, texts, help."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.repositories import GITTASKS, Repo

from gittasks.cli.command_line import ALIASES, COMMANDS
from gittasks.core.suggestions import COMMANDS_MEANT

NAMES = [name for group in COMMANDS.values() for name in group]


@pytest.mark.parametrize("name", NAMES)
def test_every_command_has_help(repo: Repo, name: str) -> None:
    """-h and --help work for each command and outside any list; the common options are in it."""
    done = repo.ok(name, "-h")
    assert done.out == repo.ok(name, "--help").out
    assert done.out.startswith(f"Usage: gittasks {name} ")
    for option in ("-C DIR", "--list", "--json", "--color", "--quiet"):
        assert option in done.out
    assert done.err == ""


def test_help_names_all_commands_and_aliases(repo: Repo) -> None:
    """The overview lists every command with one line, and the short names."""
    out = repo.ok("-h").out
    for group in COMMANDS.values():
        for name, (_, text) in group.items():
            assert re.search(rf"^  {name} +{re.escape(text)}$", out, re.MULTILINE), name
    for alias, name in ALIASES.items():
        assert f"{alias} = {name}" in out


def test_no_command_says_how_far_the_list_is_and_what_to_do(listed: Repo) -> None:
    """`gittasks` alone: the status and two commands, each of which is accepted when it is run."""
    listed.ok("update", "b", "--add-blocked-by", "a")
    for _ in range(20):
        done = listed.ok()
        status, _, steps = done.out.partition("\n\nnext: ")
        assert status == listed.ok("status").out.rstrip("\n")
        lines = steps.rstrip("\n").split("\nnext: ")
        assert len(lines) == 2
        for line in reversed(lines):
            listed.ok(*line.split()[1:])
        if lines[0] == "gittasks log":
            break
    assert status.startswith("plan\n3/3 tasks complete (100%)")


def test_no_command_in_an_empty_list(empty: Repo) -> None:
    assert 'next: gittasks create "PHASE 1: ..."' in empty.ok().out


def test_no_command_and_no_list_says_how_to_begin(repo: Repo, tmp_path: Path) -> None:
    """Eight lines on standard output; where there is a remote, its lists come first."""
    outside = tmp_path / "outside"
    outside.mkdir()
    for folder, first in ((repo.path, "gittasks --version"), (str(outside), "git init")):
        done = repo.run(cwd=folder)
        lines = done.out.splitlines()
        assert (done.code, done.err, len(lines)) == (0, "", 8)
        assert lines[1].startswith(f"  {first} ")
    repo.git("remote", "add", "origin", repo.path)
    assert repo.ok().out.splitlines()[1].startswith("  gittasks pull ")


def test_no_command_and_several_lists_names_them(listed: Repo) -> None:
    listed.ok("init", "other", "-q")
    Path(listed.git_dir, "gittasks-list").unlink()
    done = listed.ok()
    assert {"plan", "other"} <= set(done.out.split())
    assert "gittasks use LIST" in done.err


@pytest.mark.parametrize("words", [(), ("create",), ("hooks", "install")])
def test_help_says_the_same_as_the_option(repo: Repo, words: tuple[str, ...]) -> None:
    assert repo.ok("help", *words).out == repo.ok(*words, "--help").out


def test_help_of_an_unknown_command_is_an_error(repo: Repo) -> None:
    done = repo.run("help", "craete")
    assert (done.code, done.out) == (2, "")
    assert "did you mean: gittasks create" in done.err
    assert repo.run("help", "hooks", "nothing").code == 2
    assert repo.run("help", "create", "nothing").code == 2


def test_the_manual_page_is_that_of_these_commands(repo: Repo) -> None:
    """`man/gittasks.1` is in the wheel: `git help gittasks` and `git gittasks --help` show it."""
    page = Path(__file__).parents[2] / "man" / "gittasks.1"
    same = repo.ok("help", "--man").out == page.read_text(encoding="utf-8")
    assert same, "make it anew with: gittasks help --man > man/gittasks.1"
    for name in NAMES:
        assert f".SS gittasks {name}".replace("-", r"\-") in page.read_text(encoding="utf-8")


@pytest.mark.skipif(shutil.which("man") is None, reason="no man")
def test_git_shows_the_manual_page(repo: Repo, tmp_path: Path) -> None:
    folder = os.path.dirname(GITTASKS)
    shutil.copytree(Path(__file__).parents[2] / "man", tmp_path / "man" / "man1")
    env = {
        "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}",
        "MANPAGER": "cat",
        "MANPATH": str(tmp_path / "man"),
    }
    for args in (("help", "gittasks"), ("gittasks", "--help")):
        assert "a task list that lives in your git repository" in repo.git(*args, env=env)


def test_options_before_and_after(listed: Repo, tmp_path: object) -> None:
    """-C, --list, --json and -q mean the same before and after the command; the last one counts."""
    listed.ok("init", "other", "-q")
    for args in (
        ("-C", listed.path, "--list", "plan", "--json", "list"),
        ("list", "-C", listed.path, "-l", "plan", "--json"),
        ("-C", listed.path, "list", "--json", "--list=plan"),
        ("-l", "other", "-C", listed.path, "list", "-l", "plan", "--json"),
    ):
        done = listed.run(*args, cwd=str(tmp_path))
        assert done.json()["list"]["id"] == "plan"
    assert listed.ok("-q", "-l", "plan", "start", "a").out == "a\n"
    assert listed.ok("done", "a", "-l", "plan", "-q").out == "a\n"


@pytest.mark.parametrize("name", ["tag", "path", "blocked-by", "blocks"])
def test_what_create_sets_an_update_adds(listed: Repo, name: str) -> None:
    """An option of `create` that `update` has twice, to add and to remove, is the first there."""
    refused = listed.run("update", "a", f"--{name}", "b")
    assert refused.code == 2
    assert f"hint: did you mean --add-{name}?" in refused.err


@pytest.mark.parametrize(("alias", "name"), sorted(ALIASES.items()))
def test_aliases(listed: Repo, alias: str, name: str) -> None:
    """A short name is the command itself."""
    assert listed.ok(alias, "-h").out.splitlines()[2:] == listed.ok(name, "-h").out.splitlines()[2:]


@pytest.mark.parametrize(("wrong", "right"), sorted(COMMANDS_MEANT.items()))
def test_wrong_words_are_answered_with_the_right_one(repo: Repo, wrong: str, right: str) -> None:
    """A word that others use is answered with ours, also when it has options of its own."""
    done = repo.run(wrong, "x", "--strange")
    assert (done.code, done.out) == (2, "")
    assert f'there is no command "{wrong}"' in done.err
    assert f"hint: did you mean: gittasks {right}?" in done.err


def test_misspelt_words(repo: Repo) -> None:
    """A slip of the hand is told with near names, each once; nonsense points to the help."""
    assert "did you mean: gittasks status" in repo.run("statsu").err
    assert "did you mean: gittasks list or lint?" in repo.run("lsit").err
    assert "gittasks list or ls" not in repo.run("lst").err
    assert "gittasks --help" in repo.run("qqqqqq").err
    assert "--force" in repo.run("start", "a", "--frce").err
    assert repo.run("start", "a", "b").code == 2


@pytest.mark.parametrize(
    ("args", "hint"),
    [
        (("create", "--name", "x"), 'gittasks create "SUBJECT"'),
        (("create", "X", "--desc", "y"), "--description"),
        (("create", "X", "--depends-on", "a"), "--blocked-by"),
        (("create", "X", "--blocked_by", "a"), "--blocked-by"),
        (("create", "X", "--blockedBy", "a"), "--blocked-by"),
        (("create", "X", "--activeForm", "y"), "--active-form"),
        (("create", "X", "--assignee", "y"), "--owner"),
        (("create", "X", "--due", "friday"), "--metadata KEY=VALUE"),
        (("create", "X", "--parent", "a"), "--blocked-by ID"),
        (("create", "X", "-m", "text"), "gittasks note ID TEXT"),
        (("create", "Write", "the", "tests"), "quote a text of several words"),
        (("create", "X", "--status", "done"), "--status completed"),
        (("create",), 'gittasks create "SUBJECT"'),
        (("update", "a", "--title", "y"), "--subject"),
        (("update", "a", "--blocked-by", "b"), "--add-blocked-by"),
        (("update", "a", "--depends-on", "b"), "--add-blocked-by"),
        (("update", "a", "--status", "canceled"), "--status skipped"),
        (("done", "a", "--message", "y"), "--result TEXT"),
        (("done", "a", "--reason", "y"), "--result"),
        (("start", "a", "b"), "gittasks help batch"),
        (("done",), "gittasks done ID...; list shows the ids"),
        (("note", "a"), "gittasks note ID TEXT"),
        (("note", "a", "two", "words"), "quote a text of several words"),
        (("list", "--format", "json"), "--json"),
        (("list", "--state", "pending"), "--status"),
        (("start", "a", "--yes"), "there are no prompts"),
        (("start", "a", "--actor", "eve"), "--as NAME"),
        (("status", "--project", "x"), "--list LIST"),
        (("create", "X", "--tags", "y"), "did you mean --tag?"),
        (("create", "X", "--label", "y"), "did you mean --tag?"),
        (("create", "X", "--where", "a=1"), "did you mean --metadata KEY=VALUE?"),
        (("claim", "--tag", "y"), "ready takes --tag; claim an ID"),
        (("update", "a", "--tag", "y"), "did you mean --add-tag?"),
        (("create", "X", "-p", "1"), "did you mean --parallel or --path or --phase or --priority?"),
        (("list", "-p", "1"), "did you mean --phase or --priority?"),
        (("list", "-a"), "did you mean --all?"),
        (("list", "-n", "3"), "did you mean --limit?"),
        (("list", "--status", "pending,done"), "value: --status pending --status completed"),
        (("ready", "--priority", "0,1"), "each value: --priority 0 --priority 1"),
        (("redo", "abc"), "gittasks undo COMMIT"),
        (("push", "--force"), "nothing is pushed with force"),
    ],
    ids=" ".join,
)
def test_wrong_options_are_answered_with_the_right_one(
    listed: Repo, args: tuple[str, ...], hint: str
) -> None:
    """What other tools call it is refused, with what it is called here as the only guess."""
    before = listed.head()
    done = listed.run(*args)
    assert (done.code, done.out) == (2, "")
    said = done.err.splitlines()
    assert said[-1].startswith("hint: ")
    assert hint in said[-1]
    assert "Did you mean" not in said[0]
    assert listed.head() == before


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("list", "--priority", "high"), "'high' is not a whole number from 0 to 4"),
        (("list", "--priority", "5"), "'5' is not a whole number from 0 to 4"),
        (("log", "--limit", "0"), "'0' is not a whole number of 1 or more"),
    ],
    ids=" ".join,
)
def test_a_wrong_number_is_answered_with_what_is_taken(
    repo: Repo, args: tuple[str, ...], words: str
) -> None:
    """Whether it is none or out of bounds, in the words that the fields of tasks have."""
    done = repo.run(*args)
    assert (done.code, done.out) == (2, "")
    assert words in done.err


def test_spellings_of_a_status(listed: Repo) -> None:
    """A status is understood however its words are joined and whatever their case."""
    listed.ok("update", "a", "--status", "In-Progress")
    assert listed.ok("list", "--status", "IN_PROGRESS", "-q").out == "a\n"


def test_the_subject_may_be_an_option(listed: Repo) -> None:
    """`create --subject`, which `update` has, is the argument; both at once are refused."""
    listed.ok("create", "--subject", "By option", "--id", "x")
    assert listed.tasks()["x"]["subject"] == "By option"
    assert listed.run("create", "One", "--subject", "Two").code == 2


def test_names_of_native_tools(repo: Repo) -> None:
    """Who takes the name of a task tool of Claude Code for a command is told ours."""
    for word, right in (
        ("TaskCreate", "create"),
        ("task_update", "update"),
        ("TaskGet", "show"),
        ("TaskCreateMany", "apply"),
    ):
        assert f"did you mean: gittasks {right}?" in repo.run(word, "x").err


def test_options_are_not_abbreviated(listed: Repo) -> None:
    """An abbreviated option is refused and the whole one named: a later option cannot change it."""
    done = listed.run("list", "--blo")
    assert done.code == 2
    assert "--blo" in done.err


def test_subject_that_begins_with_a_hyphen(listed: Repo) -> None:
    """Behind -- everything is text."""
    listed.ok("create", "--id", "x", "--", "--json is a flag")
    assert listed.tasks()["x"]["subject"] == "--json is a flag"
    assert listed.run("create", "--nope").code == 2


class TestTexts:
    """Descriptions and notes from stdin and from files."""

    def test_stdin(self, listed: Repo) -> None:
        listed.ok("create", "X", "--id", "x", "-d", "-", stdin="One\r\nTwo\n\n")
        assert listed.tasks()["x"]["description"] == "One\nTwo"

    def test_file(self, listed: Repo) -> None:
        listed.write("text.md", "# Title\n\n- [ ] Grüße\n")
        listed.ok("update", "a", "--description", "@text.md")
        assert listed.tasks()["a"]["description"] == "# Title\n\n- [ ] Grüße"

    def test_result(self, listed: Repo) -> None:
        listed.write("result.txt", "PASS: 12 of 12\n")
        listed.ok("done", "a", "--result", "@result.txt")
        listed.ok("skip", "b", "--result", "-", stdin="not needed\n")
        listed.ok("update", "c", "--result", "@@ada said so")
        results = [task["result"] for task in listed.tasks().values()]
        assert results == ["PASS: 12 of 12", "not needed", "@ada said so"]

    def test_a_note_is_taken_as_it_is(self, listed: Repo) -> None:
        listed.write("ada", "not this")
        for text in ("@ada please look", "@@ada", "@ada"):
            listed.ok("note", "a", text)
        listed.ok("note", "a", "-", stdin="from stdin\n")
        notes = [note["text"] for note in listed.tasks()["a"]["notes"]]
        assert notes == ["@ada please look", "@@ada", "@ada", "from stdin"]

    def test_endless_text(self, listed: Repo) -> None:
        done = listed.run("update", "a", "-d", "-", stdin="x" * (1024 * 1024 + 1))
        assert (done.code, "more than 1024 KiB" in done.err) == (2, True)

    def test_at_sign_as_text(self, listed: Repo) -> None:
        listed.ok("update", "a", "-d", "@@ada please look")
        assert listed.tasks()["a"]["description"] == "@ada please look"

    def test_file_that_is_not_there(self, listed: Repo) -> None:
        done = listed.run("update", "a", "-d", "@ada")
        assert done.code == 2
        assert "cannot read ada" in done.err
        assert "write @@" in done.err

    def test_not_utf8(self, listed: Repo) -> None:
        done = subprocess.run(
            [GITTASKS, "note", "a", "-"],
            cwd=listed.path,
            input=b"\xff",
            capture_output=True,
            check=False,
        )
        assert done.returncode == 2
        assert b"standard input is not UTF-8 text" in done.stderr

    def test_empty_text_clears(self, listed: Repo) -> None:
        listed.ok("update", "a", "-d", "Text", "--owner", "eve", "--phase", "2")
        listed.ok("update", "a", "-d", "", "--owner", "", "--phase", "")
        task = listed.tasks()["a"]
        assert (task["description"], task["owner"], task["phase"]) == (None, None, None)


class TestOtherDoors:
    """The program by its other names."""

    def test_module(self, listed: Repo) -> None:
        done = subprocess.run(
            [sys.executable, "-m", "gittasks", "list"],
            cwd=listed.path,
            capture_output=True,
            check=False,
        )
        assert done.stdout.decode() == listed.ok("list").out
        assert done.returncode == 0

    def test_git_subcommand(self, listed: Repo) -> None:
        path = os.pathsep.join((os.path.dirname(GITTASKS), os.environ["PATH"]))
        assert listed.git("gittasks", "list", env={"PATH": path}) == listed.ok("list").out.rstrip()

    def test_version(self, repo: Repo) -> None:
        from gittasks import __version__

        assert repo.ok("--version").out == f"gittasks {__version__}\n"


def test_commands_document_names_every_command_and_option(repo: Repo) -> None:
    """docs/commands.md has a section for each command, and in it each of its own options."""
    path = os.path.join(os.path.dirname(__file__), "..", "..", "docs", "commands.md")
    with open(path, encoding="utf-8") as file:
        sections = re.split(r"^### ", file.read(), flags=re.MULTILINE)[1:]
    told = {re.split(r"[ \n`]", s.lstrip("`"), maxsplit=1)[0]: s for s in sections}
    assert list(told) == NAMES
    common = {
        "--list",
        "--as",
        "--json",
        "--color",
        "--quiet",
        "--no-fetch",
        "--no-pager",
        "--help",
    }
    for name in NAMES:
        options = set(
            re.findall(r"^  (?:-\w, )?(--[a-z-]+)", repo.ok(name, "-h").out, re.MULTILINE)
        )
        missing = [o for o in options - common if f"`{o}" not in told[name]]
        assert not missing, f"{name}: {missing}"
