"""Completion: the script of a shell, and the answer that it gets on Tab.

A line whose words are known for certain is completed without click, any other by click. The form
of an answer is click's, and stays: the scripts of older versions are in people's files. Candidates
are commands, options, and values that are known: ids of tasks and lists, owners, phases, tags.
"""

from __future__ import annotations

import os
import sys

from gittasks import render
from gittasks.cli.command_line import COMMANDS, COMPLETION, MODULES, Doubt, Line
from gittasks.cli.help import ROOT
from gittasks.cli.options import Choice, Parameter, argument, command, offered
from gittasks.cli.output import Answer, Settings
from gittasks.core.model import Status, Task
from gittasks.core.settings import SETTINGS
from gittasks.errors import GittasksError
from gittasks.light import TYPE_CHECKING, NamedTuple
from gittasks.render.text import clean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_OF_GIT = {
    "bash": """
_git_gittasks() {
    local at=1
    while [[ $at -lt ${#words[@]} && ${words[at]} != gittasks ]]; do at=$((at + 1)); done
    local COMP_WORDS=("${words[@]:at}") COMP_CWORD=$((cword - at))
    _gittasks_completion gittasks
}
""",
    "zsh": """
_git-gittasks() {
    _gittasks_completion "$@"
}
""",
}
"""Functions by which git's own completion of a shell completes `git gittasks`."""


@command("completion", argument("shell", type=Choice(("bash", "zsh", "fish"))))
def completion_command(_settings: Settings, shell: str) -> Answer:
    """Print the script with which SHELL completes commands, options and ids on Tab.

    \b
    bash  echo 'eval "$(gittasks completion bash)"' >>~/.bashrc
    zsh   echo 'eval "$(gittasks completion zsh)"' >>~/.zshrc
    fish  gittasks completion fish >~/.config/fish/completions/gittasks.fish
    """
    from click import Command  # it has the scripts
    from click.shell_completion import get_completion_class

    dialect = get_completion_class(shell)
    assert dialect is not None  # noqa: S101  click has all three
    complete = dialect(Command("gittasks"), {}, "gittasks", COMPLETION)
    script = complete.source_template % complete.source_vars() + _OF_GIT.get(shell, "")
    # A word with a space in it is one word on the line, too.
    script = script.replace("COMPREPLY+=($value)", 'COMPREPLY+=("$(printf %q "$value")")')
    return Answer(
        lambda: render.documents.completion_document(shell, script), lambda _: script.strip()
    )


def answer(settings: Settings) -> bool:
    """Tell a shell what may stand next on a line; False when click has to."""
    shell = os.environ[COMPLETION]
    if shell not in _FORMS:
        return False
    try:
        words, beginning = _question(
            os.environ.get("COMP_WORDS", ""), os.environ.get("COMP_CWORD", ""), shell
        )
        lines = map(_FORMS[shell], _candidates(words, beginning, settings))
    except Doubt:
        return False
    # In UTF-8, as click does: the words of a repository, whatever the terminal can show.
    sys.stdout.buffer.write("\n".join(lines).encode() + b"\n")
    sys.stdout.flush()
    return True


def _question(line: str, place: str, shell: str) -> tuple[list[str], str]:
    """The words between the program's name and the one to complete, and that one's beginning.

    The place is the number of the word to complete; fish gives the word itself, the last one.
    """
    for space in "\t\r\n":
        line = line.replace(space, " ")
    words = [word for word in line.split(" ") if word]
    if not {*line, *place}.isdisjoint("'\"\\") or not words:
        raise Doubt
    if shell == "fish_complete":
        if len(place.split()) != 1 and place:
            raise Doubt
        return words[1:-1] if place and words[1:][-1:] == [place] else words[1:], place
    if not place.isdecimal() or place == "0":
        raise Doubt
    number = int(place)
    return words[1:number], "".join(words[number : number + 1])


def _candidates(words: list[str], beginning: str, settings: Settings) -> list[Candidate]:
    """The words that may stand behind these."""
    line = Line(words)
    if "--" in words or (beginning.startswith("-") and "=" in beginning) or beginning == "=":
        raise Doubt
    if beginning.startswith("-"):
        return _options(line, beginning)
    if parameter := _next_parameter(line, words):
        settings.set(line.common)
        name = line.command.name if line.command else None
        return candidates_of(parameter, name, beginning, settings)
    if line.command:
        return []
    if line.modules is not MODULES:  # the texts of a group are in its modules
        raise Doubt
    return [
        Candidate(name, text)
        for group in COMMANDS.values()
        for name, (_, text) in group.items()
        if name.startswith(beginning)
    ]


def _options(line: Line, beginning: str) -> list[Candidate]:
    """The options that begin so, but for those on the line already."""
    if line.modules is not MODULES or (line.command and line.common):
        # click tells common options before the command's name from those behind it.
        raise Doubt
    names = {*line.given, *line.common}
    return [
        Candidate(word, option.help.get("help"))
        for option in offered(line.command or ROOT)
        if not option.help.get("hidden") and (option.multiple or option.name not in names)
        for word in option.words
        if word.startswith(beginning)
    ]


def _next_parameter(line: Line, words: list[str]) -> Parameter | None:
    """The option or argument whose value comes next; None for the name of a command."""
    if line.waiting:
        return line.waiting
    last = line.options.get(words[-1]) if words else None
    if last and not last.is_flag:  # the value of another option, and for click one itself
        raise Doubt
    if line.command is None:
        return None
    arguments = [parameter for parameter in line.command.parameters if not parameter.words]
    rest = arguments[len(line.texts) :]
    return rest[0] if rest else next((p for p in arguments if p.nargs < 0), None)


def _for_bash(candidate: Candidate) -> str:
    return f"plain,{candidate.word}"


def _for_zsh(candidate: Candidate) -> str:
    word = candidate.word.replace(":", "\\:") if candidate.meaning else candidate.word
    return f"plain\n{word}\n{candidate.meaning or '_'}"


def _for_fish(candidate: Candidate) -> str:
    meaning = f"\t{candidate.meaning}" if candidate.meaning else ""
    return f"plain,{candidate.word}{meaning}"


_FORMS: dict[str, Callable[[Candidate], str]] = {
    "bash_complete": _for_bash,
    "zsh_complete": _for_zsh,
    "fish_complete": _for_fish,
}
"""The form of a candidate, by what the script of a shell asks for."""


class Candidate(NamedTuple):
    """A word that may stand on the line, and what shells show beside it."""

    word: str
    meaning: str | None = None


def candidates_of(
    parameter: Parameter, command: str | None, beginning: str, settings: Settings
) -> list[Candidate]:
    """Values for an option or argument of a command that begin so; none where none are known."""
    if find := _FINDERS.get(parameter.name):
        try:
            return list(find(settings, command, beginning))
        except GittasksError:  # no repository, no list
            return []
    words = parameter.kind.words if isinstance(parameter.kind, Choice) else ()
    return [Candidate(word) for word in words if word.startswith(beginning)]


_SUITS: dict[str | None, Callable[[Task], bool]] = {
    "start": lambda task: task.status is Status.PENDING,
    "claim": lambda task: task.status is Status.PENDING,
    "run": lambda task: task.status is Status.PENDING,
    "done": lambda task: not task.status.closed,
    "skip": lambda task: not task.status.closed,
    "release": lambda task: task.status is Status.IN_PROGRESS,
    "heartbeat": lambda task: task.status is Status.IN_PROGRESS,
    "reopen": lambda task: task.status in (Status.COMPLETED, Status.SKIPPED),
    "restore": lambda task: task.status is Status.DELETED,
}
"""Which tasks a command is for; any but the deleted ones unless it stands here."""


def _is_there(task: Task) -> bool:
    return task.status is not Status.DELETED


def _tasks(settings: Settings, command: str | None, beginning: str) -> Iterator[Candidate]:
    suits = _SUITS.get(command, _is_there)
    for task in settings.workspace().snapshot().ordered(deleted=True):
        if task.id.startswith(beginning) and suits(task):
            yield Candidate(task.id, clean(task.subject))


def _lists(settings: Settings, _: str | None, beginning: str) -> Iterator[Candidate]:
    """Local lists and fetched ones."""
    return map(
        Candidate, (n for n in settings.workspace().known_lists() if n.startswith(beginning))
    )


def _owners(settings: Settings, _: str | None, beginning: str) -> Iterator[Candidate]:
    return _in_use(settings, beginning, lambda task: [task.owner])


def _phases(settings: Settings, _: str | None, beginning: str) -> Iterator[Candidate]:
    """Phases of the list, as `--phase` takes them."""
    return _in_use(settings, beginning, lambda task: [task.phase_label])


def _tags(settings: Settings, _: str | None, beginning: str) -> Iterator[Candidate]:
    return _in_use(settings, beginning, lambda task: task.tags)


def _in_use(
    settings: Settings, beginning: str, words: Callable[[Task], Iterable[str | None]]
) -> Iterator[Candidate]:
    """Words that tasks of the list have, each once, in order of display."""
    tasks = settings.workspace().snapshot().ordered()
    known = dict.fromkeys(word for task in tasks for word in words(task) if word)
    return map(Candidate, (word for word in known if word.startswith(beginning)))


def _settings(_: Settings, _command: str | None, beginning: str) -> Iterator[Candidate]:
    for known in SETTINGS:
        if known.name.lower().startswith(beginning.lower()):
            yield Candidate(known.name, known.meaning)


_FINDERS = {
    name: find
    for find, names in {
        _tasks: "task_id task_ids blocked_by blocks add_blocked_by remove_blocked_by add_blocks "
        "remove_blocks",
        _lists: "list_id",
        _owners: "owner acting",
        _phases: "phase",
        _tags: "tags add_tags remove_tags",
        _settings: "setting_name",
    }.items()
    for name in names.split()
}
"""The words that an option or argument takes, by its name."""
