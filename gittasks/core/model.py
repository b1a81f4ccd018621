"""The nouns of a task list: Task, Status, Note, CodeCommit, ListInfo, Snapshot.

All are immutable values; NamedTuples, because they are made at every start of the program and
a dataclass takes several times as long. Give fields by name. Times are text, RFC 3339 in UTC with
whole seconds and a `Z` (`2026-11-22T10:00:00Z`), so that they sort as they read. Nothing here is
derived from other tasks: what depends on the whole list is in `graph` and `progress`.
"""

from __future__ import annotations

from gittasks.core.times import seconds_between
from gittasks.light import (
    TYPE_CHECKING,
    MappingProxyType,
    NamedTuple,
    StrEnum,
    attrgetter,
    lru_cache,
    pattern,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

FORMAT = 1
"""Version of the tree layout and the task file that this code reads and writes."""
RULES = 1
"""Version of the merge rules; two versions must never merge the same list automatically."""

Value = str | int | float | bool | None | list["Any"] | dict[str, "Any"]
"""What metadata and unknown keys may hold: the values of JSON."""
_NOTHING: Mapping[str, Any] = MappingProxyType({})

LOOP_ENDED = "not needed, loop exited"
"""The result of an iteration that was skipped because its loop ended, and not by choice."""


class Status(StrEnum):
    """State of a task. `deleted` is a tombstone: hidden, kept, restorable."""

    PENDING = "pending"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    SKIPPED = "skipped"
    DELETED = "deleted"

    @property
    def closed(self) -> bool:
        """True when a task in this state no longer blocks others."""
        return self is not PENDING and self is not IN_PROGRESS

    def is_ahead_of(self, other: Status) -> bool:
        """True when a task in this state is further on; nothing is deleted by being further on."""
        return _STAGES.get(self, 0) > _STAGES.get(other, 0)


PENDING, IN_PROGRESS, COMPLETED, SKIPPED, DELETED = Status
"""The states for loops over long lists: an attribute of an enumeration takes as long as a call."""
_STAGES = {Status.IN_PROGRESS: 1, Status.COMPLETED: 2, Status.SKIPPED: 2}


class Unmerged(StrEnum):
    """The reason why what was fetched is not in a list.

    The history there was rewritten, the clone here is shallow, a newer version of the program
    wrote it, or a commit there cannot be read by anybody.
    """

    REWRITTEN = "rewritten"
    SHALLOW = "shallow"
    NEWER = "newer"
    MALFORMED = "malformed"


class Note(NamedTuple):
    """A remark on a task: when (UTC), who, what."""

    at: str
    by: str
    text: str


class CodeCommit(NamedTuple):
    """A commit of the code repository that belongs to a task."""

    sha: str
    subject: str | None = None


class Iteration(NamedTuple):
    """Place of a task in a loop, read from the subject `Iteration n/max: name`."""

    n: int
    max: int
    name: str


class Task(NamedTuple):
    """One task: the content of one file under `tasks/`. Absent in the file means the default here.

    `claim` is the epoch of the latest claim (0: never claimed). `left` is when the session that
    holds the task ended. `phase` is the explicit field;
    `phase_label` is what is shown. `extra` holds keys of the file that this version does not know.
    """

    id: str
    subject: str
    active_form: str | None = None
    description: str | None = None
    status: Status = Status.PENDING
    owner: str | None = None
    session: str | None = None
    claim: int = 0
    left: str | None = None
    started: str | None = None
    finished: str | None = None
    result: str | None = None
    phase: str | None = None
    order: int | float | None = None
    priority: int = 2
    tags: tuple[str, ...] = ()
    not_before: str | None = None
    paths: tuple[str, ...] = ()
    blocked_by: tuple[str, ...] = ()
    commits: tuple[CodeCommit, ...] = ()
    notes: tuple[Note, ...] = ()
    metadata: Mapping[str, Value] = _NOTHING
    created: str | None = None
    created_by: str | None = None
    extra: Mapping[str, Value] = _NOTHING

    @property
    def phase_label(self) -> str | None:
        """The phase this task is shown under: the field, else `PHASE n` from the subject."""
        return phase_named(self.phase) if self.phase else phase_in(self.subject)

    @property
    def iteration(self) -> Iteration | None:
        """Place in a loop when the subject begins with `Iteration i/N`, else None."""
        if "/" not in self.subject or not _begins_iteration(self.subject):
            return None
        match = _ITERATION.match(self.subject)
        if not match:
            return None
        n, top = int(match[1]), int(match[2])
        return Iteration(n, top, (match[3] or "").strip()) if 1 <= n <= top else None

    @property
    def title(self) -> str:
        """The subject without its `PHASE n:` or `Iteration i/N:` prefix."""
        return without_prefix(self.subject)

    @property
    def headline(self) -> str:
        """The subject as lists show it: after the name of its phase, unless it says that itself."""
        if not self.phase or self.iteration or phase_in(self.subject):
            return self.subject
        return f"{self.phase_label}: {self.subject}"

    @property
    def sort_key(self) -> tuple[float, str, str]:
        """Order of display: `order`, then age, then id; tasks without an order come last."""
        return _LAST if self.order is None else float(self.order), self.created or "", self.id


_LAST = float("inf")
_PLACE = attrgetter("order", "created", "id")


def in_order(tasks: Iterable[Task]) -> list[Task]:
    """Tasks in order of display: by `Task.sort_key`."""
    listed = list(tasks)
    try:
        return sorted(listed, key=_PLACE)  # the same, and without a call of Python's for each
    except TypeError:  # one lacks what another has
        return sorted(listed, key=lambda task: task.sort_key)


_ITERATION = pattern(r"(?is)\s*iteration\s+([0-9]{1,4})/([0-9]{1,4})\s*(?::\s*(.*))?$")
_ITERATION_PREFIX = pattern(r"(?i)\s*iteration\s+[0-9]{1,4}/[0-9]{1,4}\s*:\s*")
_DIGITS = "0123456789"


def _begins_iteration(subject: str) -> bool:
    return subject.lstrip()[:9].lower() == "iteration"


def _numbered(text: str) -> int:
    """The length of the number that a text begins with: `3`, or `3b`; 0 without one."""
    digits = len(text) - len(text.lstrip(_DIGITS))
    letter = text[digits : digits + 1]
    return digits + (letter.isascii() and letter.isalpha()) if 1 <= digits <= 4 else 0


@lru_cache(4096)
def _phase_prefix(head: str) -> tuple[str, str] | None:
    """The label of the phase that the head of a subject names, and what follows it, else None.

    Read by hand, because every list has such subjects, and a pattern takes longer to compile than
    the list to read.
    """
    rest = head.lstrip()
    if rest[:5].lower() != "phase":
        return None
    text = rest[5:].lstrip()
    end = _numbered(text)
    after = text[end:].lstrip()
    if len(text) == len(rest) - 5 or not end or after[:1] not in _AFTER_PHASE:
        return None
    return f"PHASE {text[:end]}", after[1:]


_AFTER_PHASE = frozenset(":.\u2014-")


def phase_named(phase: str) -> str:
    """The label of a phase: `PHASE 3` for `3`; any other name is its own."""
    bare = 0 < len(phase) == _numbered(phase) and phase == phase.lower()
    return f"PHASE {phase}" if bare else phase


def phase_in(subject: str) -> str | None:
    """The label of the phase that a subject begins with, as `PHASE 3: Build` does, else None."""
    # What names the phase ends with the first colon at the latest: tasks of a phase share it.
    head, colon, _ = subject.partition(":")
    prefix = _phase_prefix(head + colon)
    return prefix[0] if prefix else None


def phase_labels(tasks: Iterable[Task]) -> list[str | None]:
    """The `phase_label` of each task; in a row of subjects with one head it is read once."""
    labels: list[str | None] = []
    head, label = ":", phase_in(":")  # a subject that begins so names none
    for task in tasks:
        if task.phase:
            labels.append(phase_named(task.phase))
            continue
        subject = task.subject
        if not subject.startswith(head):
            name, colon, _ = subject.partition(":")
            head, label = f"{name}{colon or _NEVER}", phase_in(subject)
        labels.append(label)
    return labels


_NEVER = "\n"
"""The end of a head that no other subject has: each is one line."""


def without_prefix(subject: str) -> str:
    """A subject without its `PHASE n:` or `Iteration i/N:`, unless nothing else is in it."""
    head, colon, rest = subject.partition(":")
    if prefix := _phase_prefix(head + colon):
        return f"{prefix[1]}{rest}".strip() or subject
    match = _ITERATION_PREFIX.match(subject) if _begins_iteration(subject) else None
    return subject[match.end() :].strip() or subject if match else subject


def by_phase(tasks: Iterable[Task]) -> dict[str | None, list[Task]]:
    """Tasks by the label of their phase, in order of first appearance; None: those of none.

    Labels that differ only in case are one phase, under the one that came first.
    """
    groups: dict[str, tuple[str | None, list[Task]]] = {}
    members: dict[str | None, list[Task]] = {}
    listed = list(tasks)
    for task, label in zip(listed, phase_labels(listed), strict=True):
        if label not in members:
            members[label] = groups.setdefault((label or "").casefold(), (label, []))[1]
        members[label].append(task)
    return dict(groups.values())


class ListState(StrEnum):
    """The place of a list in its life; one that is not open is not offered, and still works."""

    OPEN = "open"
    ARCHIVED = "archived"
    DROPPED = "dropped"


LIST_MARKS = ("archived", "dropped")
"""The marks of a list that is not open, the weaker one first."""


class ListInfo(NamedTuple):
    """The content of `list.yaml`: the list itself, apart from its tasks.

    `archived` and `dropped` are the times since when it is so.
    """

    id: str
    title: str | None = None
    format: int = FORMAT
    rules: int = RULES
    settings: Mapping[str, Value] = _NOTHING
    extra: Mapping[str, Value] = _NOTHING
    archived: str | None = None
    dropped: str | None = None

    @property
    def state(self) -> ListState:
        """Dropped, else archived, else open."""
        if self.dropped:
            return ListState.DROPPED
        return ListState.ARCHIVED if self.archived else ListState.OPEN


OTHER_ID = "id says "
"""The beginning of the fault of a list.yaml that was written for another list."""

SET_ASIDE = "not read yet: the list has more hand-written text than is read at once"
"""The fault of a file that was set aside, with the time that it would take."""
LACKS, TORN, PROMISED = (
    "the repository lacks the ",
    "the object file of the ",
    "this partial clone lacks ",
)
"""The beginnings of the faults of a file whose object cannot be had."""
FETCHED_AGAIN = "with --fix it is brought back, where it was kept or a remote has it"
READ_ON = "run this again: what was read is kept, and the next command reads on"


class Problem(NamedTuple):
    """Something on the branch that cannot be read: which path, which line, why."""

    path: str
    line: int | None
    message: str

    @property
    def is_other_list(self) -> bool:
        """True when list.yaml was written for another list than the branch is named for."""
        return self.path == "list.yaml" and self.message.startswith(OTHER_ID)

    @property
    def other_list(self) -> str:
        """The id of the list that `is_other_list` tells of."""
        return self.message.removeprefix(OTHER_ID).partition(" ")[0]

    @property
    def is_lost(self) -> bool:
        """True when the object of the file cannot be had, so that nothing is wrong in its text."""
        return self.message.startswith((LACKS, TORN, PROMISED))

    @property
    def set_aside(self) -> bool:
        """True when nothing is wrong with the file, and the next command reads on."""
        return self.message == SET_ASIDE

    @property
    def task(self) -> str | None:
        """Id of the task whose file this is about, None when it is about something else."""
        name = self.path.removeprefix("tasks/").removesuffix(".yaml")
        return name if self.path == f"tasks/{name}.yaml" else None

    def __str__(self) -> str:
        """`path:line: message`, as compilers print it."""
        return (
            f"{self.path}:{self.line}: {self.message}"
            if self.line
            else f"{self.path}: {self.message}"
        )


class Snapshot(NamedTuple):
    """A whole list at one moment. `tasks` maps id to task, deleted ones included."""

    info: ListInfo
    tasks: Mapping[str, Task] = _NOTHING
    problems: tuple[Problem, ...] = ()

    @property
    def unreadable(self) -> frozenset[str]:
        """Ids of tasks that are on the branch but whose files cannot be read."""
        return frozenset(i for p in self.problems if (i := p.task) and i not in self.tasks)

    def ordered(self, *, deleted: bool = False) -> list[Task]:
        """Tasks in order of display, without the deleted ones unless asked for."""
        if deleted:
            return in_order(self.tasks.values())
        return in_order([t for t in self.tasks.values() if t.status is not DELETED])

    def with_tasks(self, *changed: Task) -> Snapshot:
        """This snapshot with the given tasks put in place of those with their ids."""
        return self._replace(tasks={**self.tasks, **{t.id: t for t in changed}})


class Actor(NamedTuple):
    """An owner who acts, and the session that tells two runs of one owner apart.

    `named`: an option, GITTASKS_OWNER or the call gave that name; else it is the default of git
    config or the login.
    """

    owner: str
    session: str | None = None
    named: bool = False


def task_seconds(task: Task) -> int | None:
    """Seconds that a completed task took; None for any other, and where a time is missing."""
    if task.status is not COMPLETED:
        return None
    return seconds_between(task.started, task.finished)
