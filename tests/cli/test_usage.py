"""The command line itself: names, options, texts, help."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest
from support import GITTASKS, Repo

from gittasks.cli.main import ALIASES, COMMANDS, MEANT

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


def test_no_command_shows_help_as_an_error(repo: Repo) -> None:
    """`gittasks` alone is a usage error that shows the commands on stderr."""
    done = repo.run()
    assert (done.code, done.out) == (2, "")
    assert "Usage: gittasks" in done.err


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


@pytest.mark.parametrize(("alias", "name"), sorted(ALIASES.items()))
def test_aliases(listed: Repo, alias: str, name: str) -> None:
    """A short name is the command itself."""
    assert listed.ok(alias, "-h").out.splitlines()[2:] == listed.ok(name, "-h").out.splitlines()[2:]


@pytest.mark.parametrize(("wrong", "right"), sorted(MEANT.items()))
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
        listed.ok("note", "a", "@text.md")
        task = listed.tasks()["a"]
        assert task["description"] == task["notes"][0]["text"] == "# Title\n\n- [ ] Grüße"

    def test_at_sign_as_text(self, listed: Repo) -> None:
        listed.ok("note", "a", "@@ada please look")
        assert listed.tasks()["a"]["notes"][0]["text"] == "@ada please look"

    def test_file_that_is_not_there(self, listed: Repo) -> None:
        done = listed.run("note", "a", "@ada")
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
    common = {"--list", "--json", "--color", "--quiet", "--help"}
    for name in NAMES:
        options = set(
            re.findall(r"^  (?:-\w, )?(--[a-z-]+)", repo.ok(name, "-h").out, re.MULTILINE)
        )
        missing = [o for o in options - common if f"`{o}" not in told[name]]
        assert not missing, f"{name}: {missing}"
