"""`completion`: Tab in real shells, in a real terminal."""

from __future__ import annotations

import os
import pty
import random
import select
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from functools import cache

import pytest
from support.repositories import GITTASKS, Repo

from gittasks.cli import click_commands, completion
from gittasks.cli.command_line import ALIASES, MODULES, load
from gittasks.cli.options import COMMON, Choice, Command, Group
from gittasks.cli.output import Settings

SHELLS = {
    "bash": ["bash", "--norc", "--noprofile", "-i"],
    "zsh": ["zsh", "-f", "-i"],
    "fish": ["fish", "--no-config", "-i"],
}
_SETUP = {
    "bash": 'eval "$(gittasks completion bash)"',
    "zsh": 'autoload -Uz compinit && compinit -u -D; eval "$(gittasks completion zsh)"',
    "fish": "gittasks completion fish | source",
}
_PATIENCE = 30.0


class Terminal:
    """An interactive shell that is typed into; all that it has shown is in `shown`."""

    def __init__(self, command: list[str], folder: str, env: Mapping[str, str]) -> None:
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            os.execvpe(command[0], command, dict(env))  # noqa: S606
        self.shown = ""

    def type(self, keys: str) -> None:
        os.write(self._fd, keys.encode())

    def wait(self, text: str, since: int = 0) -> None:
        """Read until `text` is shown, after what was shown at `since`."""
        deadline = time.monotonic() + _PATIENCE
        while text not in self.shown[since:]:
            assert time.monotonic() < deadline, self.shown[since:]
            if select.select([self._fd], [], [], 0.1)[0]:
                self.shown += os.read(self._fd, 65536).decode("utf-8", "replace")
                if "\x1b[c" in self.shown:  # fish asks the terminal what it is
                    self.shown = self.shown.replace("\x1b[c", "")
                    self.type("\x1b[?62c")

    def close(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self._fd)


@pytest.mark.parametrize(
    ("words", "candidates"),
    [
        (["git", "gittasks", "--list", "pl"], ["plan"]),
        (["git", "-C", ".", "gittasks", "sta"], ["start", "status"]),
        (["git", "gittasks", "create", "X", "--owner", "An"], [r"Ana\ B."]),
        (["git", "gittasks", "list", "--tag", ""], ["red", "blue"]),
        (["git", "gittasks", "list", "--phase", "P"], [r"PHASE\ 2"]),
        (["git", "gittasks", "config", "catch"], ["catchUp"]),
    ],
)
def test_git_completes_its_subcommand(
    listed: Repo, words: list[str], candidates: list[str]
) -> None:
    """git's completion calls the function of a subcommand with the words and the place in them."""
    listed.ok(
        *("create", "PHASE 2: X", "--id", "x", "--owner", "Ana B.", "--tag", "red,blue"), "--force"
    )
    path = f"{os.path.dirname(GITTASKS)}{os.pathsep}{os.environ['PATH']}"
    script = (
        'eval "$(gittasks completion bash)"; words=("$@"); cword=$(($# - 1)); _git_gittasks; '
        'printf "%s\\n" "${COMPREPLY[@]}"'
    )
    done = subprocess.run(
        ["bash", "-c", script, "bash", *words],
        cwd=listed.path,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == candidates, done.stderr


@pytest.mark.parametrize(
    ("shell", "program"), [*((shell, "gittasks") for shell in SHELLS), ("zsh", "git gittasks")]
)
def test_tab_completes_commands_options_and_ids(listed: Repo, shell: str, program: str) -> None:
    """What Tab puts on the line is run, and does what the words in full would do.

    zsh has a completion of git's own, which asks ours for the subcommand.
    """
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed (apt install {shell})")
    listed.ok("create", "Only one", "--id", "only-one")
    listed.ok("init", "another-list", "-q")
    path = f"{os.path.dirname(GITTASKS)}{os.pathsep}{os.environ['PATH']}"
    terminal = Terminal(
        SHELLS[shell], listed.path, {**os.environ, "PATH": path, "TERM": "xterm", "PS1": "> "}
    )
    try:
        terminal.type(f"{_SETUP[shell]}; echo set''up\r")
        terminal.wait("setup")
        # Beginnings of which there is one: a command, an option with a list, and a task.
        terminal.type(f"{program} --li\tpl\tstar\ton\t && echo do''ne\r")
        terminal.wait("done")
    finally:
        terminal.close()
    task = listed.tasks("plan")["only-one"]
    assert task["status"] == "in_progress", terminal.shown


def _bash(repo: Repo, *words: str, env: Mapping[str, str] = {}) -> list[str]:
    """What bash would offer for the last of these words."""
    done = subprocess.run(
        [GITTASKS],
        cwd=repo.path,
        env={
            **os.environ,
            **env,
            "_GITTASKS_COMPLETE": "bash_complete",
            "COMP_WORDS": " ".join(["gittasks", *words]),
            "COMP_CWORD": str(len(words)),
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=True,
    )
    assert done.stderr == b""
    return [line.partition(",")[2] for line in done.stdout.decode().splitlines() if line]


def test_tasks_that_the_command_is_for(listed: Repo) -> None:
    """Each command offers the tasks that it can do something with."""
    listed.ok("start", "a")
    listed.ok("done", "b")
    listed.ok("delete", "c")
    assert _bash(listed, "start", "") == []
    assert _bash(listed, "done", "") == ["a"]
    assert _bash(listed, "complete", "") == ["a"]  # another name of done
    assert _bash(listed, "reopen", "") == ["b"]
    assert _bash(listed, "restore", "") == ["c"]
    assert _bash(listed, "show", "") == ["a", "b"]
    assert _bash(listed, "create", "X", "--blocked-by", "") == ["a", "b"]
    assert _bash(listed, "update", "a", "--add-blocks", "b") == ["b"]


def test_lists_and_options(listed: Repo) -> None:
    """Lists stand behind `use` and --list; options are those of the command."""
    listed.ok("init", "other", "-q")
    assert _bash(listed, "use", "") == ["other", "plan"]
    assert _bash(listed, "list", "--list", "p") == ["plan"]
    assert _bash(listed, "--list", "plan", "start", "") == ["a", "b", "c"]
    assert _bash(listed, "done", "--end") == ["--end-loop"]
    assert _bash(listed, "list", "--status", "in") == ["in_progress"]
    assert "create" in _bash(listed, "")


def test_nothing_to_complete_is_silent(repo: Repo, tmp_path: object) -> None:
    """Without a list, or outside any repository, nothing is offered and nothing is said."""
    assert _bash(repo, "start", "") == []
    assert _bash(repo, "-C", str(tmp_path), "start", "") == []
    assert _bash(repo, "-C", str(tmp_path), "use", "") == []
    assert "create" in _bash(repo, "no-command", "")


def test_subjects_cannot_break_the_protocol(empty: Repo) -> None:
    """A subject with control characters, written by hand, stays on its line."""
    empty.hand_edit({"tasks/x.yaml": 'subject: "a\\tb\\x1b[2J"\nstatus: pending\n'})
    done = subprocess.run(
        [GITTASKS],
        cwd=empty.path,
        env={
            **os.environ,
            "_GITTASKS_COMPLETE": "zsh_complete",
            "COMP_WORDS": "gittasks start ",
            "COMP_CWORD": "2",
        },
        capture_output=True,
        check=True,
    )
    assert done.stdout == b"plain\nx\na\\tb\\x1b[2J\n"


# --- with click and without ----------------------------------------------------------------------


def _commands(modules: Mapping[str, str], path: str = "") -> Iterator[tuple[str, Command]]:
    """All commands by the words that name them."""
    for name in modules:
        declared = load(modules, name)
        if isinstance(declared, Group):
            yield from _commands(declared.modules, f"{path}{name} ")
        else:
            yield path + name, declared


def _lines() -> Iterator[str]:
    """Beginnings of lines: each command with each option and number of arguments."""
    starts = ["", "s", "no", "-", "--", "--li", "x ", "@", "--list ", "--as A", "-C . ", "-q st"]
    yield from starts
    yield from (f"{option} {start}" for option in ("-q", "--json", "-l plan") for start in starts)
    options = set()
    for path, command in _commands(MODULES):
        for rest in ("", "a ", "a b ", "-", "--re", "-- ", "="):
            yield f"{path} {rest}"
        for option in (*command.parameters, *COMMON):
            if not option.words or option.words in options:
                continue
            options.add(option.words)
            word, kind = option.words[-1], option.kind
            value = kind.words[0] if isinstance(kind, Choice) else "1"
            for rest in (word, f"{word} ", f"{word}=", f"{word} -", f"{word} {value} {word[:3]}"):
                yield f"{path} {rest}"
            yield f"{path} a {option.words[0]} {value} "
    yield from (f"{alias} " for alias in ALIASES)
    chance = random.Random(3)
    pool = ["a", "b", "-q", "--json", "--list", "plan", "--status", "--tag", "red", "-x", "--", "="]
    pool += ["show", "start", "create", "claude", "hooks", "", "'", "--owner", "An", "-d", "é", ":"]
    for _ in range(300):
        yield " ".join(chance.choices(pool, k=chance.randrange(1, 6)))


def _asked(line: str, shell: str) -> dict[str, str]:
    """The variables by which the script of a shell asks."""
    words = f"gittasks {line}".split(" ")
    place = words[-1] if shell == "fish" else str(len(words) - 1)
    return {
        "_GITTASKS_COMPLETE": f"{shell}_complete",
        "COMP_WORDS": " ".join(words),
        "COMP_CWORD": place,
    }


def test_click_and_we_complete_alike(
    listed: Repo, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    """What is answered without click, which is most, has the bytes that click answers with."""
    listed.ok("create", "PHASE 2: X: y", "--id", "x", "--owner", "Ana", "--tag", "red,blue:z", "-q")
    listed.ok("start", "a")
    monkeypatch.chdir(listed.path)
    known = cache(click_commands.ClickGroup.get_command)  # made once, not for every line
    monkeypatch.setattr(click_commands.ClickGroup, "get_command", known)
    lines = list(_lines())
    quick_count = 0
    for number, line in enumerate(lines):
        shell = ("bash", "zsh", "fish")[number % 3]
        for name, value in _asked(line, shell).items():
            monkeypatch.setenv(name, value)
        if completion.answer(Settings()):
            quick_count += 1
            quick = capfdbinary.readouterr().out
            with pytest.raises(SystemExit) as ended:  # it is how click leaves
                click_commands.run([], Settings())
            click = capfdbinary.readouterr().out
            assert (quick, ended.value.code) == (click, 0), (line, shell)
    assert quick_count / len(lines) > 0.5


def test_scripts(repo: Repo) -> None:
    """Each shell has a script; with --json it is in a document; another shell is refused."""
    for shell in SHELLS:
        text = repo.ok("completion", shell).out
        assert "_GITTASKS_COMPLETE" in text
        document = repo.ok("completion", shell, "--json").json()
        assert (document["shell"], document["script"].strip()) == (shell, text.strip())
    assert repo.run("completion", "tcsh").code == 2
