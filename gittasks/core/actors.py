"""Actors, the rights of each to a task in progress, in one table, and where two get in the way.

Whoever acts is an owner in a session (`model.Actor`). The holder of a task in progress is whoever
acts in its session, if it records one, else whoever acts as its owner. A session may work for
several owners; two named owners in it are two holders. `left` tells that the session ended.
"""

from __future__ import annotations

from gittasks.core.ids import composed, listed
from gittasks.core.model import Actor, Status, Task
from gittasks.core.validation import escape_line
from gittasks.light import TYPE_CHECKING, NamedTuple, StrEnum

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


class Standing(StrEnum):
    """The standing of an actor to a task in progress."""

    HOLDER = "holder"
    SAME_OWNER = "same owner, other session"
    ANOTHER = "another owner"
    NOBODY = "held by nobody"


class Answer(StrEnum):
    """One cell of the table."""

    YES = "allowed"
    UNCHANGED = "so already"
    RESUME = "goes on with what another session began"
    ASK_START = "refused; `start --resume` goes on"
    ASK_CLAIM = "refused; `claim --resume` goes on"
    NO = "refused"

    @property
    def refused(self) -> bool:
        """True for the answers that need force."""
        return self in (Answer.ASK_START, Answer.ASK_CLAIM, Answer.NO)


MOST_LETTERS = 200
"""Letters that the name of an owner, or of a session, may have."""


def is_owner(name: str) -> bool:
    """True for what somebody can act as: a file that was edited by hand may hold anything."""
    return name == " ".join(name.split()) != "" and len(name) <= MOST_LETTERS and name.isprintable()


def standing(task: Task, actor: Actor) -> Standing:
    """The standing of `actor` to a task that is in progress."""
    if task.session is None and task.owner is None:
        return Standing.NOBODY
    if task.session is not None and task.session == actor.session:
        apart = actor.named and task.owner not in (None, actor.owner)
        return Standing.ANOTHER if apart else Standing.HOLDER
    if task.owner == actor.owner:
        return Standing.HOLDER if task.session is None else Standing.SAME_OWNER
    return Standing.ANOTHER


def to_start(task: Task, where: Standing, *, resume: bool = False) -> Answer:
    """The answer to `start` of a task in progress by who stands so to it."""
    if where is Standing.NOBODY:
        return Answer.YES
    if where is Standing.HOLDER:
        return Answer.RESUME if task.left else Answer.UNCHANGED
    if where is Standing.ANOTHER:
        return Answer.NO
    if task.left:
        return Answer.RESUME
    if task.claim:
        return Answer.ASK_CLAIM
    return Answer.RESUME if resume else Answer.ASK_START


def to_end(task: Task, actor: Actor, where: Standing) -> Answer:
    """The answer to whatever ends work on a task in progress: done, skip, release, delete, and
    giving it to somebody else."""
    if where in (Standing.HOLDER, Standing.NOBODY):
        return Answer.YES
    if where is Standing.SAME_OWNER:
        return Answer.ASK_CLAIM if task.claim and not task.left else Answer.YES
    if task.claim:
        return Answer.NO
    free = not actor.named or task.session is None or task.left
    return Answer.YES if free else Answer.NO


def to_claim(task: Task, actor: Actor, *, resume: bool = False) -> Answer:
    """The answer to `claim` of a task in progress.

    Stricter than the others: two runs that give no session cannot be told apart, nor can two
    agents in one session of whom one gives no name.
    """
    if actor.session is None or task.session is None or task.owner != actor.owner:
        return Answer.NO
    if task.left or (resume and task.session != actor.session):
        return Answer.RESUME
    return Answer.UNCHANGED if task.session == actor.session else Answer.ASK_CLAIM


def is_mine(task: Task, actor: Actor) -> bool:
    """True for a task in progress for this actor, as far as can be told: one that gives no session,
    as a person who commits in a terminal, has what any session of that owner holds."""
    if task.status is not Status.IN_PROGRESS:
        return False
    where = standing(task, actor)
    return where is Standing.HOLDER or (where is Standing.SAME_OWNER and actor.session is None)


def elsewhere(tasks: Iterable[Task], actor: Actor) -> list[tuple[Task, Standing]]:
    """The tasks in progress that are not of this session, each with the standing to it."""
    running = [t for t in tasks if t.status is Status.IN_PROGRESS]
    stands = [(t, standing(t, actor)) for t in running]
    return [
        (task, where)
        for task, where in stands
        if where in (Standing.SAME_OWNER, Standing.ANOTHER)
        and (task.session is None or task.session != actor.session)
    ]


def counted(tasks: Mapping[str, Task], owner: str, session: str | None) -> list[Task]:
    """The tasks that an owner has in progress in one session; what it left does not count."""
    return [
        t
        for t in tasks.values()
        if t.status is Status.IN_PROGRESS and (t.owner, t.session, t.left) == (owner, session, None)
    ]


def way_on(task: Task, actor: Actor) -> Answer:
    """The command by which `actor` goes on with a task of another session of the same owner."""
    claims = task.claim and not task.left
    if not claims:
        return Answer.ASK_START
    return Answer.ASK_CLAIM if actor.session and task.session else Answer.NO


# --- the same files ---------------------------------------------------------------------------

# What two globs have in common cannot be told from them cheaply, and a warning that comes too often
# costs less than one that does not come: each is cut before its first wildcard, back to the last
# slash, and two overlap when one is the other or a folder above it.

_WILDCARDS = frozenset("*?[{")
_SHOWN = 3
"""Overlaps that are told one by one."""


class Overlap(NamedTuple):
    """A task and one that somebody else has in progress; `paths` are those of that one."""

    task: str
    other: Task
    paths: tuple[str, ...]

    @property
    def words(self) -> str:
        """`p2 may touch what q1 (in progress, Bob) touches: src/parser/**`."""
        owner = f", {escape_line(self.other.owner, 60)}" if self.other.owner else ""
        shared = listed([escape_line(path, 80) for path in self.paths], _SHOWN)
        state = "left" if self.other.left else "in progress"
        return f"{self.task} may touch what {self.other.id} ({state}{owner}) touches: {shared}"


def base(path: str) -> str:
    """The part of a glob that is certain: `src/parser` of `src/parser/*.py`, "" of `**`."""
    wildcard = next((place for place, letter in enumerate(path) if letter in _WILDCARDS), None)
    certain = composed(path if wildcard is None else path[:wildcard].rpartition("/")[0])
    return certain.removeprefix("./").strip("/").removeprefix(".")


def overlap(ours: str, theirs: str) -> bool:
    """True when one of two globs is the other, or a folder above it."""
    shorter, longer = sorted((base(ours), base(theirs)), key=len)
    return not shorter or longer == shorter or longer.startswith(f"{shorter}/")


def overlaps(task: Task, tasks: Iterable[Task], actor: Actor) -> list[Overlap]:
    """The tasks that others than `actor` have in progress and that touch what `task` will touch."""
    if not task.paths:
        return []
    rivals = (
        other
        for other in tasks
        if other.status is Status.IN_PROGRESS
        and other.paths
        and other.id != task.id
        and standing(other, actor) is not Standing.HOLDER
    )
    pairs = (
        (other, tuple(t for t in other.paths if any(overlap(o, t) for o in task.paths)))
        for other in rivals
    )
    return [Overlap(task.id, other, shared) for other, shared in pairs if shared]


def disjoint_first(tasks: Sequence[Task], among: Iterable[Task], actor: Actor) -> list[Task]:
    """The tasks in their order, those last that touch what others have in progress."""
    running = [task for task in among if task.status is Status.IN_PROGRESS and task.paths]
    return sorted(tasks, key=lambda task: bool(overlaps(task, running, actor)))
