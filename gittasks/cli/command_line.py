"""The table of commands, and the command line of a hot one read without click.

A command is loaded by its name in the table. A line is read here where the command is hot and each
word is known for certain. Whatever is in doubt or wrong is left to `click_commands`, which can read
every command line, so that errors have one home. What is read here means the same there: the tests
compare.
"""

from __future__ import annotations

from gittasks import light
from gittasks.cli.options import (
    COMMON,
    HELP_OPTION,
    Choice,
    Command,
    Group,
    IntRange,
    Parameter,
    version_command,
)
from gittasks.cli.output import Settings
from gittasks.light import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import Any

COMMANDS: dict[str, dict[str, tuple[str, str]]] = {
    "Lists": {
        "init": ("lists", "Create or adopt a task list, and use it."),
        "lists": ("lists", "Show the lists of this repository."),
        "use": ("lists", "Choose the list that commands work on here."),
        "archive": ("lists", "Put a finished list away."),
        "unarchive": ("lists", "Reopen a list that was archived or dropped."),
        "drop": ("lists", "Drop a list; with --purge delete it for good."),
        "apply": ("lists", "Apply a plan (YAML or Markdown) to the list."),
        "template": ("transfer", "Print the list as a plan without states."),
        "export": ("transfer", "Print the whole list as JSON, Markdown or CSV."),
        "import": ("transfer", "Import tasks from another tool, or an exported list."),
    },
    "Tasks": {
        "create": ("tasks", "Create a task, or a loop of them."),
        "update": ("tasks", "Change fields of a task."),
        "note": ("tasks", "Add a note to a task."),
        "delete": ("tasks", "Delete a task: hide it until it is restored."),
        "restore": ("tasks", "Restore a deleted task."),
        "batch": ("tasks", "Apply many operations (JSON lines on stdin), all or none."),
        "undo": ("tasks", "Undo my last operation, or another of mine."),
        "redo": ("tasks", "Undo my last undo."),
    },
    "Work": {
        "ready": ("view", "Show what can be started now."),
        "claim": ("transitions", "Claim a task: mine alone, on all machines."),
        "heartbeat": ("transitions", "Renew the lease of my claims."),
        "start": ("transitions", "Start a task."),
        "done": ("transitions", "Complete a task."),
        "skip": ("transitions", "Close a task without doing it."),
        "reopen": ("transitions", "Make a closed task pending again."),
        "release": ("transitions", "Give a task back."),
        "run": ("transitions", "Start a task, run a command, complete it on success."),
    },
    "Progress": {
        "list": ("view", "Show the tasks."),
        "show": ("view", "Show everything about one task."),
        "status": ("view", "Show how far the list is."),
        "watch": ("watch", "Show the list as it changes."),
        "log": ("inspect", "Show who did what when."),
        "graph": ("inspect", "Show what waits for what, and the critical path."),
        "lint": ("inspect", "Give advice: what makes progress hard to see."),
        "insights": ("inspect", "Show where the work lost its time."),
        "report": ("report", "Write a report: one page, or Markdown."),
        "serve": ("report", "Show the report as a live page on this machine."),
        "conflicts": ("sync", "Show fields that were changed in two places at once."),
    },
    "Sharing": {
        "pull": ("sync", "Fetch and merge the work of others."),
        "push": ("sync", "Push my work to the remote."),
        "sync": ("sync", "Pull, then push."),
    },
    "Git": {
        "hooks": ("setup", "Install, uninstall and check the git hooks."),
        "hook": ("hook", "Run a git hook; git calls this."),
        "merge-driver": ("setup", "Merge one task file for git."),
        "doctor": ("setup", "Check the repository and all its lists."),
        "config": ("setup", "Show, set and unset settings."),
        "deinit": ("setup", "Remove gittasks from this clone."),
    },
    "Agents": {
        "mcp": ("agents", "Serve the task tools to an agent (MCP)."),
        "prime": ("agents", "Print the manual for agents."),
        "claude": ("agents", "Claude Code: settings, hooks, its own task files."),
        "completion": ("completion", "Print the completion script for a shell."),
        "help": ("help", "Explain a command, or list them all."),
    },
}
ALIASES = {"add": "create", "ls": "list", "get": "show", "complete": "done"}
MODULES = {name: module for group in COMMANDS.values() for name, (module, _) in group.items()}
"""The module of each command in gittasks.cli, which is imported when the command is called."""


def load(modules: Mapping[str, str], name: str) -> Command | Group:
    """The declaration of a command, in the module that its group has for the name."""
    module = light.module(f"gittasks.cli.{modules[name]}")
    declared: Command | Group = getattr(module, f"{name.replace('-', '_')}_command")
    return declared


COMPLETION = "_GITTASKS_COMPLETE"
"""The variable by which a shell asks what may come next on a line."""
_ALONE = {"overview": "view"}
"""The command of `gittasks` without any."""


class Call(NamedTuple):
    """A command with its keyword arguments, and the values of the common options."""

    command: Command
    values: Mapping[str, Any]
    common: Mapping[str, Any]

    def run(self, settings: Settings) -> int:
        """Run the command; its exit code."""
        settings.set(self.common)
        return self.command.run(settings, self.values)


class Doubt(Exception):
    """Something on the line that click has to read."""


def read(args: Sequence[str]) -> Call | None:
    """The call that a command line asks for; None when click has to read it."""
    if list(args) == ["--version"]:
        return Call(version_command, {}, {})
    try:
        if args and args[-1] in HELP_OPTION.words and "--" not in args:  # behind it all is text
            return _help(args[:-1])
        return Line(args).call()
    except Doubt:
        return None


def _help(names: Sequence[str]) -> Call:
    """The call of `help` that a line ending with `--help` asks for."""
    line = Line(names)
    if line.common or line.given or line.texts or line.waiting:
        raise Doubt
    return Line(["help", *names]).call()


class Line:
    """A command line, read from the left as far as it goes; Doubt."""

    def __init__(self, args: Iterable[str]) -> None:
        self.modules: Mapping[str, str] = MODULES
        """The commands of which the line may name one, while it names none."""
        self.command: Command | None = None
        self.common: dict[str, Any] = {}
        self.given: dict[str, Any] = {}
        """Values of the command's own options."""
        self.texts: list[str] = []
        """Arguments of the command."""
        self.waiting: Parameter | None = None
        """The option at the end of the line whose value is not there."""
        self.options = {word: option for option in COMMON for word in option.words}
        self._read(iter(args))

    def call(self) -> Call:
        """The call of a line that is whole, of a command that is hot."""
        alone = _ALONE if self.modules is MODULES else {}
        command = self.command or _declared(alone, "overview")
        if isinstance(command, Group) or not command.hot or self.waiting:
            raise Doubt
        return Call(command, _values(command, self.given, self.texts), self.common)

    def _read(self, words: Iterator[str]) -> None:
        for word in words:
            if word == "--" and self.command:
                self.texts += words
            elif _is_option(word):
                self._read_option(word, words)
            elif self.command:
                self.texts.append(word)
            else:
                self._read_name(word)

    def _read_name(self, word: str) -> None:
        name = ALIASES.get(word, word) if self.modules is MODULES else word
        declared = _declared(self.modules, name)
        if isinstance(declared, Group):
            self.modules = declared.modules
            return
        self.command = declared
        self.options |= {word: option for option in declared.parameters for word in option.words}

    def _read_option(self, word: str, words: Iterator[str]) -> None:
        """Read an option; its value is in the word itself or the next one."""
        name, sign, rest = word.partition("=") if word.startswith("--") else (word, "", "")
        option = self.options.get(name)
        if option is None or option.bare is not None or (option.is_flag and sign):
            raise Doubt
        text = rest if sign or option.is_flag else next(words, None)
        if text is None:
            self.waiting = option
            return
        value = True if option.is_flag else _converted(option, text)
        values = self.common if option.common else self.given
        if option.multiple:
            values[option.name] = (*values.get(option.name, ()), value)
        elif option.name in values:
            raise Doubt
        else:
            values[option.name] = value


def _declared(modules: Mapping[str, str], name: str) -> Command | Group:
    if name not in modules:
        raise Doubt
    return load(modules, name)


def _is_option(word: str) -> bool:
    return word.startswith("-") and word != "-"


def _converted(parameter: Parameter, text: str) -> str | int:
    kind = parameter.kind
    if kind is str:
        return text
    if isinstance(kind, Choice):
        word = kind.spelled(text)
        if word not in kind.words:
            raise Doubt
        return word
    try:
        number = int(text)
    except ValueError:
        raise Doubt from None
    if isinstance(kind, IntRange) and number not in kind:
        raise Doubt
    return number


def _values(command: Command, given: Mapping[str, Any], texts: Sequence[str]) -> dict[str, Any]:
    """The keyword arguments of a command: of each option and argument, given or not."""
    values: dict[str, Any] = {}
    for parameter in command.parameters:
        if parameter.words:
            value: Any = given.get(parameter.name, parameter.absent)
        elif parameter.nargs < 0:
            value, texts = tuple(_converted(parameter, text) for text in texts), ()
        else:
            value, texts = _converted(parameter, texts[0]) if texts else None, texts[1:]
        if parameter.required and value in (None, ()):
            raise Doubt
        values[parameter.name] = value
    if texts:
        raise Doubt
    return values
