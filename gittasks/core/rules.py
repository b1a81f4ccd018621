"""Rules of a list: refusals, and the invariants that a merge can break.

A function with a condition returns the refusal or None, and leaves to its caller whether
`--force` lets it pass; one without a condition builds the refusal for a caller that has
already found out. The steps that a refusal offers are checked against the list before they are
shown (`apply`). `Refused.rule` is part of the JSON error, so the names are fixed:
`blocked`, `held`, `one-in-progress`, `assigned`, `lost-lease` (can be forced), `claimed` (with
`--take-over`), `handed-out`, `closed`, `cycle`, `deleted`, `exists`, `in-progress`, `no-loop`,
`built-on` (cannot).

Every command keeps the invariants; a merge can break them: cycles, two tasks in progress, running
while blocked.
"""

from __future__ import annotations

from itertools import pairwise

from gittasks.core.actors import Answer, counted, is_owner, standing, to_end, to_start
from gittasks.core.graph import Graph
from gittasks.core.ids import listed
from gittasks.core.model import Actor, Snapshot, Status, Task
from gittasks.core.validation import escape_line
from gittasks.errors import Refused, Way
from gittasks.light import TYPE_CHECKING, NamedTuple, StrEnum

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

_SHOWN = 5
"""How many tasks a message lists before it only counts."""


def _named(task: Task) -> str:
    return f"{task.id} ({escape_line(task.subject, 60)})"


def _hold(task: Task) -> dict[str, Any]:
    return {"owner": task.owner, "session": task.session, "since": task.started}


def _holder(task: Task) -> str:
    who = escape_line(task.owner, 60) if task.owner else "somebody"
    session = f", session {escape_line(task.session, 60)}" if task.session else ""
    since = f" since {task.started}" if task.started else ""
    return f"{who}{session}{since}"


def _way(purpose: str, *words: str, decision: bool = False) -> Way:
    return Way(purpose, ("gittasks", *words), decision)


def _ready() -> Way:
    return _way("see what can be started", "ready")


def held(task: Task, actor: Actor, answer: Answer, verb: str) -> Refused:
    """A task in progress is not moved by who does not hold it; `answer` is that of the table."""
    goes_on = {Answer.ASK_START: "start", Answer.ASK_CLAIM: "claim"}.get(answer)
    owner = _who_may(task, actor, verb) if answer is Answer.NO else None
    ways = [_way("see what else can be started", "ready")]
    if goes_on:
        ways.append(_way("go on with it", goes_on, task.id, "--resume"))
    elif owner:
        name = escape_line(owner, 60)
        ways.append(_way(f"if you are {name}", verb, task.id, "--owner", owner))
    elif verb in _MAY_FORCE:
        purpose = "only if that session is no longer running"
        ways.append(_way(purpose, verb, task.id, "--force", decision=True))
    return Refused(
        "held",
        f"{_named(task)} is in progress, held by {_holder(task)}",
        ways=ways,
        tasks=(task.id,),
        details={**_hold(task), "left": task.left, "goOn": goes_on, "actAs": owner},
    )


_MAY_FORCE = ("start", "done", "skip", "release", "delete")
"""Transitions of one task that `--force` lets pass."""


def _who_may(task: Task, actor: Actor, verb: str) -> str | None:
    """The owner as whom an actor without a name of its own could do this at once."""
    owner = task.owner or ""
    if actor.named or not is_owner(owner) or verb not in _MAY_FORCE:
        return None
    other = Actor(owner, actor.session, named=True)
    where = standing(task, other)
    answer = to_start(task, where) if verb == "start" else to_end(task, other, where)
    return None if answer.refused else task.owner


def claimed(task: Task, actor: Actor, answer: Answer, *, asked: bool = False) -> Refused:
    """A task that somebody holds cannot be claimed, nor a second time without a session: two
    runs that give none cannot be told apart. `asked`: a take-over was asked for."""
    words = None
    another = _way("claim another", "claim")
    take_over = _way(
        "only if the holder is no longer running",
        *("claim", task.id, "--take-over", "--force"),
        decision=True,
    )
    if asked:
        words = (
            "as far as was seen from here its holder has no lease that ran out; look again after "
            "the length of the lease"
        )
        ways = [take_over]
    elif answer is Answer.ASK_CLAIM:
        ways = [_way("go on with it", "claim", task.id, "--resume"), another]
    elif task.owner == actor.owner:
        words = "two runs under one name need different sessions (GITTASKS_SESSION)"
        ways = [another]
    else:
        ways = [another, take_over]
    return Refused(
        "claimed",
        f"{_named(task)} is {'claimed' if task.claim else 'in progress, held'} by {_holder(task)}",
        hint=words,
        ways=ways,
        tasks=(task.id,),
        details={
            **_hold(task),
            "claim": task.claim,
            "left": task.left,
            "goOn": "claim" if answer is Answer.ASK_CLAIM and not asked else None,
        },
    )


def handed_out(task: Task) -> Refused:
    """Refuse any further task to a session that has one: this is another agent of its name."""
    return Refused(
        "handed-out",
        f"{_named(task)} is in progress, held by {_holder(task)}: this session has it already",
        hint=f"go on with {task.id}; for another agent give --owner NAME",
        tasks=(task.id,),
        details=_hold(task),
    )


def assigned(task: Task, owner: str) -> Refused | None:
    """A task that is meant for somebody is not claimed by another."""
    if task.owner in (None, owner):
        return None
    return Refused(
        "assigned",
        f"{_named(task)} is meant for {escape_line(task.owner, 60)}",
        ways=[
            _way("claim another", "claim"),
            _way("to take it anyway", "claim", task.id, "--force", decision=True),
        ],
        tasks=(task.id,),
        details={"owner": task.owner},
    )


def finished_by_another(task: Task, actor: Actor) -> Refused | None:
    """The result of a claimed task belongs to the session that finished it."""
    if not task.claim or task.session == actor.session:
        return None
    return lost_lease(task)


def lost_lease(task: Task) -> Refused:
    """Refuse a finish after a lost claim: another holds the task, or has finished it."""
    if task.status is Status.IN_PROGRESS:
        state = f"is held by {_holder(task)}"
    else:
        state = f"was {task.status.value} by {_holder(task)}"
    return Refused(
        "lost-lease",
        f"{_named(task)} {state}, under claim {task.claim}: yours was lost",
        ways=[
            _way("see what became of it", "show", task.id),
            _way("go on with another", "claim"),
        ],
        tasks=(task.id,),
        details={**_hold(task), "claim": task.claim},
    )


def blocked(task: Task, blockers: Sequence[Task]) -> Refused | None:
    """A task with open blockers can be neither started nor completed."""
    if not blockers:
        return None
    shown = listed([_named(b) for b in blockers], _SHOWN)
    return Refused(
        "blocked",
        f"{_named(task)} is blocked by {shown}",
        ways=[_ready(), _way("see what it waits for", "show", blockers[0].id)],
        tasks=[b.id for b in blockers],
        details={"openBlockers": [b.id for b in blockers]},
    )


def one_in_progress(task: Task, other: Task, owner: str, verb: str, *, waits: bool) -> Refused:
    """An owner has one task in progress in a session; `other` is that task.

    `waits`: it is blocked, so that it can be given back but not finished. `verb` would begin the
    task.
    """
    why = f", and it waits for {task.id}" if waits and task.id in other.blocked_by else ""
    ways = [] if waits else [_way("finish that first", "done", other.id)]
    ways.append(_way("give it back", "release", other.id))
    if verb != "update":
        ways.append(_way("to work on both", verb, task.id, "--parallel"))
    return Refused(
        "one-in-progress",
        f"{escape_line(owner, 60)} already has {_named(other)} in progress{why}",
        ways=ways,
        tasks=(other.id,),
        details={"owner": owner, "waits": waits},
    )


def closed(task: Task, verb: str) -> Refused:
    """A closed task must be opened again before `verb` makes sense."""
    way = "restore" if task.status is Status.DELETED else "reopen"
    return Refused(
        "closed",
        f"cannot {verb} {_named(task)}: it is {task.status}",
        ways=[_way("open it again", way, task.id)],
        tasks=(task.id,),
        details={"status": task.status.value},
    )


def in_progress(task: Task, verb: str) -> Refused:
    """A task in progress is not closed, so it cannot be reopened."""
    return Refused(
        "in-progress",
        f"cannot {verb} {_named(task)}: it is in progress",
        ways=[
            _way("see who works on it", "show", task.id),
            _way("give it back", "release", task.id),
        ],
        tasks=(task.id,),
    )


def deleted(task: Task) -> Refused:
    """A deleted task cannot be changed."""
    return Refused(
        "deleted",
        f"{_named(task)} is deleted",
        ways=[_way("bring it back", "restore", task.id)],
        tasks=(task.id,),
    )


def exists(task: Task, subject: str) -> Refused:
    """An id given by the caller means one task, with one subject."""
    return Refused(
        "exists",
        f'{_named(task)} exists already, and its subject is not "{escape_line(subject, 60)}"',
        hint="or give another id",
        ways=[_way("look at it", "show", task.id)],
        tasks=(task.id,),
    )


def no_loop(task: Task) -> Refused:
    """Only an iteration has a loop to end."""
    return Refused(
        "no-loop",
        f'{_named(task)} is in no loop: its subject does not begin with "Iteration i/N:"',
        ways=[_way("finish it alone", "done", task.id)],
        tasks=(task.id,),
    )


def cycle(path: Sequence[str]) -> Refused:
    """Dependencies must not go round; `path` is the cycle, its first id again at the end."""
    # The first edge is the one that was asked for; the others may be there already.
    present = list(pairwise(path))[1:]
    ways = [
        _way("drop an existing one", "update", task, "--remove-blocked-by", blocker)
        for task, blocker in present
    ]
    words = "leave one of these dependencies out" if present else "a task cannot wait for itself"
    return Refused(
        "cycle",
        f"that would make a cycle, each task blocked by the next: {' → '.join(path)}",
        hint=words,
        ways=ways[:_SHOWN],
        tasks=tuple(dict.fromkeys(path)),
        details={"cycle": list(path)},
    )


def built_on(message: str, tasks: Sequence[str], details: Mapping[str, Any]) -> Refused:
    """Refuse to take back work that others have built on since."""
    return Refused(
        "built-on",
        f"cannot undo: {message}",
        ways=[_way("see what came after", "log", *tasks[:1])],
        tasks=tasks,
        details=details,
    )


class TroubleKind(StrEnum):
    """The ways in which a list can be at odds with the rules."""

    CYCLE = "cycle"
    TWO_IN_PROGRESS = "two-in-progress"
    RUNNING_WHILE_BLOCKED = "running-while-blocked"


class Symptom(NamedTuple):
    """Something to see to: in which list, if in one; what to do; whether it was done just now."""

    check: str
    list_id: str | None
    message: str
    hint: str
    fixed: bool = False


class Violation(NamedTuple):
    """The tasks that are at odds with a rule, why, and what can be done."""

    kind: TroubleKind
    tasks: tuple[str, ...]
    message: str
    hint: str


def violations(snapshot: Snapshot, *, parallel: bool = False) -> list[Violation]:
    """All troubles of a list; `parallel` allows several tasks in progress for one owner."""
    graph = Graph.of(snapshot)
    troubles = _cycles(graph)
    running = [t for t in snapshot.ordered() if t.status is Status.IN_PROGRESS]
    for task in running:
        if blockers := graph.open_blockers(task.id):
            troubles.append(
                Violation(
                    TroubleKind.RUNNING_WHILE_BLOCKED,
                    (task.id, *blockers),
                    f"{task.id} is in progress and blocked by {', '.join(blockers)}",
                    f"wait with it: gittasks release {task.id}; or see why: gittasks log {task.id}",
                )
            )
    for owner, session in dict.fromkeys((t.owner, t.session) for t in running if t.owner):
        ids = [t.id for t in counted(snapshot.tasks, owner or "", session)]
        if len(ids) > 1 and not parallel:
            troubles.append(
                Violation(
                    TroubleKind.TWO_IN_PROGRESS,
                    tuple(ids),
                    f"{owner} has {len(ids)} tasks in progress: {', '.join(ids)}",
                    f"finish one, or give it back: gittasks release {ids[-1]}",
                )
            )
    return troubles


def _cycles(graph: Graph) -> list[Violation]:
    cycle = graph.deadlock()
    if cycle is None:
        return []
    return [
        Violation(
            TroubleKind.CYCLE,
            tuple(dict.fromkeys(cycle)),
            f"these tasks wait for each other: {' → '.join(cycle)}",
            f"drop one dependency: gittasks update {cycle[0]} --remove-blocked-by {cycle[1]}",
        )
    ]
