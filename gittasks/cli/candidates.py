"""Candidates of the Tab key: ids of tasks and lists, owners, phases, tags, settings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from gittasks.cli.options import Choice, Parameter
from gittasks.cli.settings import Settings
from gittasks.core.model import Status, Task
from gittasks.core.settings import SETTINGS
from gittasks.errors import GittasksError
from gittasks.light import NamedTuple
from gittasks.render.text import clean


class Candidate(NamedTuple):
    """A word that may stand on the line, and what shells show beside it."""

    word: str
    meaning: str | None = None


def of(
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
