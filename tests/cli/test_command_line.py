"""A command line means the same to both of its readers; the quick one leaves the rest to click."""

from __future__ import annotations

import random
import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from click import ClickException
from support.repositories import Repo

from gittasks.cli import click_commands, command_line, main
from gittasks.cli.command_line import ALIASES, MODULES, load
from gittasks.cli.options import COMMON, Choice, Command, IntRange, Parameter
from gittasks.cli.output import Settings
from gittasks.errors import Usage

ROOT = Path(__file__).parent.parent.parent
Line = tuple[str, ...]
HELP = (("-h",), ("--help",))


class Reading(NamedTuple):
    """The function that a line calls, its keyword arguments, and the common options."""

    function: object
    values: Mapping[str, Any]
    settings: Mapping[str, Any]


class Readers:
    """Both readers; no command is run."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._readings: list[Reading] = []
        self._root = click_commands.Root()
        note = self._readings.append
        monkeypatch.setattr(Command, "run", lambda *call: note(_reading(*call)) or 0)
        known = cache(click_commands.ClickGroup.get_command)  # made once, not for every line
        monkeypatch.setattr(click_commands.ClickGroup, "get_command", known)

    def quick(self, line: Line) -> Reading | None:
        """The reading without click; None when the line is left to click."""
        call = command_line.read(line)
        return self._only(lambda: call.run(Settings())) if call else None

    def click(self, line: Line) -> Reading | None:
        """The reading by click; None when the line is wrong, or asks for help."""
        how: dict[str, Any] = {"standalone_mode": False, "obj": Settings()}
        try:
            return self._only(lambda: self._root.main(list(line), "gittasks", **how))
        except (ClickException, Usage):
            return None

    def _only(self, read: Callable[[], object]) -> Reading | None:
        self._readings.clear()
        read()
        return self._readings.pop() if self._readings else None

    def check(self, lines: Iterable[Line]) -> float:
        """Have each line that is read without click read by click too; how many of all they are."""
        count = quick_count = 0
        for line in lines:
            count += 1
            if (quick := self.quick(line)) is not None:
                quick_count += 1
                if line[-1:] in HELP and "--" not in line:
                    assert self.click(line) is None, line
                    line = ("help", *line[:-1])
                assert quick == self.click(line), line
        return quick_count / count


def _reading(command: Command, settings: Settings, values: Mapping[str, Any]) -> Reading:
    common = {name: getattr(settings, name) for name in Settings.__slots__}
    return Reading(command.function, dict(values), common)


@pytest.fixture
def readers(monkeypatch: pytest.MonkeyPatch) -> Readers:
    """Both readers of this process."""
    return Readers(monkeypatch)


# --- lines made from the table -----------------------------------------------------------------

HOT: list[tuple[Line, Command]] = [
    ((name,), declared)
    for name in MODULES
    if isinstance(declared := load(MODULES, name), Command) and declared.hot
]
CLAUDE_HOOK = load({"hook": "agents"}, "hook")
assert isinstance(CLAUDE_HOOK, Command)
HOT.append((("claude", "hook"), CLAUDE_HOOK))
TEXTS = ("a=b", "", "--json")
ODD = ("v", "-", "é x", "-q", "--", "@f", "-1", "--list=x")
NUMBERS = ("1", "3", "04", " 2", "1_0", "9", "0", "-1", "x", "", "1.5")


def _texts(option: Parameter) -> tuple[str, ...]:
    """Values to try: right and wrong ones."""
    if isinstance(option.kind, Choice):
        words = option.kind.words
        return (*words, words[-1].upper(), words[-1].replace("_", "-"), words[0][:-1], "", "x")
    return NUMBERS if option.kind is int or isinstance(option.kind, IntRange) else TEXTS


def _spellings(option: Parameter) -> Iterator[Line]:
    """The ways, right and wrong, in which an option may stand on a line."""
    for word in option.words:
        yield (word,)
        yield (word, word)
        yield (word[:-1],)
        yield (f"{word}x",)
        for text in ("",) if option.is_flag else _texts(option):
            yield (word, text)
            yield (f"{word}={text}",)
            yield (f"{word}{text}",)
        yield (word, "3", f"{word}=3")


def _required(command: Command) -> Line:
    return tuple("t1" for p in command.parameters if p.required and not p.words)


def _lines(path: Line, command: Command) -> Iterator[Line]:
    """Lines that call a command: each option in each way, and each number of arguments."""
    needed = _required(command)
    yield (*path, "--", *needed[1:], "--help")
    for option in (*command.parameters, *(COMMON if path == ("list",) else ())):
        for words in _spellings(option):
            yield (*path, *words, *needed)
            yield (*path, *needed, *words)
            yield (*path, "--", *needed, *words)
            if option.common:
                yield (*words, *path, *needed)
                yield (*words, *path, *words, *needed)
    for count in range(len(needed) + 3):
        texts = ("t1", "-", "")[:count]
        for place in range(count + 1):
            yield (*path, *texts[:place], "--", *texts[place:])
            yield (*path, *texts[:place], "-x", *texts[place:])
        yield (*path, *texts)


@pytest.mark.parametrize(("path", "command"), HOT, ids=lambda value: getattr(value, "name", ""))
def test_every_option_means_the_same_to_both(
    path: Line, command: Command, readers: Readers
) -> None:
    """Each option and argument of each hot command, in every way to write it."""
    assert readers.check(_lines(path, command)) > 0.1


def test_lines_at_random_mean_the_same_to_both(readers: Readers) -> None:
    """Any words in any order: several options, values that look like options, names of commands."""
    chance = random.Random(7)
    words = [word for option in COMMON for word in option.words]
    pool = [
        *TEXTS,
        *ODD,
        *NUMBERS,
        *MODULES,
        *ALIASES,
        "-h",
        "--help",
        "--version",
        "hooks",
        "claude",
    ]

    def lines() -> Iterator[Line]:
        for _ in range(1500):
            path, command = chance.choice(HOT)
            own = [word for option in command.parameters for word in option.words]
            some = chance.choices([*own, *own, *words, *pool], k=chance.randrange(6))
            yield (*some[:1], *path, *some[1:]) if chance.random() < 0.2 else (*path, *some)

    assert readers.check(lines()) > 0.1


def test_the_lines_of_the_documents_mean_the_same_to_both(readers: Readers) -> None:
    """Whatever command line the manual shows."""
    texts = [
        path.read_text(encoding="utf-8")
        for path in (*ROOT.glob("docs/**/*.md"), ROOT / "README.md")
    ]
    shown = [
        line for text in texts for line in re.findall(r"^\$ gittasks (.*)$", text, re.MULTILINE)
    ]

    def lines() -> Iterator[Line]:
        for line in shown:
            try:
                yield tuple(shlex.split(line, comments=True))
            except ValueError:  # a command of several lines
                continue

    assert readers.check(lines()) > 0.25


# --- what is hot -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        "",
        "-C sub --json",
        "ls --status in-progress --status=pending --mine --limit 3 --sort -priority",
        "-q get t1 --no-history",
        "add 'PHASE 1: x' --id a --blocked-by b,c --priority 1 --tag x -d @f",
        "complete a b --result PASS --next --as bob",
        "note a -- -x",
        "update a --add-tag x --order 3 --status completed",
        "claim --lease 5m",
        "ready --owner bob --disjoint",
        "--version",
        "-h",
        "hooks install --help",
        "help add",
        "hook post-commit",
        "claude hook Stop --hold",
    ],
)
def test_usual_lines_are_read_without_click(line: str) -> None:
    """What agents and hooks call all day."""
    assert command_line.read(shlex.split(line))


IN_DOUBT = """
list --limit 0; list -x; list a -h; -q -h; --version list; -qv list; list --lim 3; claude; hooks
graph; nothing; show; note a; -- list; ready --watch; list --mine --mine; list --mine=1; -C
create -dx y; list --limit; start a b; list --status done; claude nothing; claude list
"""


@pytest.mark.parametrize("line", re.split(r"[;\n]", IN_DOUBT.strip()))
def test_whatever_is_in_doubt_is_for_click(line: str) -> None:
    """Errors and what is seldom written have one home."""
    assert command_line.read(shlex.split(line)) is None


def test_no_command_has_a_common_option_of_its_own() -> None:
    """Where a word stands on the line makes no difference to its meaning."""
    common = {word for option in COMMON for word in option.words}
    for _, command in HOT:
        own = [word for option in command.parameters for word in option.words]
        assert not common.intersection(own)
        assert len(own) == len(set(own))
        assert [p.nargs for p in command.parameters if not p.words][:-1].count(-1) == 0


# --- whole runs --------------------------------------------------------------------------------

LINES = """
; -q; list; ls --json; list --color always; list --all --json --status pending; status; ready -q
get a; show b --json; show nothing; prime; log -n 2; --version; -C . list -l x; list -l x --json
-h; add -h; hooks install --help; help claude; help nothing; help list x; hooks; list a -h; -q -h
start a; start b; note a x; done a --result PASS --next; start c --owner bob; skip c --owner bob
add b --id n; update b --add-blocked-by a,c; add New --id new --status in-progress; reopen a; list
"""


def test_whole_runs_are_the_same_with_click_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is printed, the exit codes, and what becomes of the list."""
    monkeypatch.setenv("GIT_AUTHOR_DATE", "2030-01-01T00:00:00Z")
    monkeypatch.setenv("GITTASKS_SESSION", "s-1")

    def runs(folder: str) -> tuple[list[object], object]:
        repo = Repo.listed(str(tmp_path / folder), "a", "b", "c")
        monkeypatch.chdir(repo.path)
        lines = map(shlex.split, re.split(r"[;\n]", LINES.strip("\n")))
        return [(line, main.run(line), *capsys.readouterr()) for line in lines], repo.tasks()

    with_both = runs("both")
    monkeypatch.setattr(command_line, "read", lambda _line: None)
    with_click = runs("click")
    for quick, slow in zip(with_both[0], with_click[0], strict=True):
        assert quick == slow
    assert with_both[1] == with_click[1]
