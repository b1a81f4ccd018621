"""Insights as lines: what cost most, then tasks, losses, loops and agents, with their commits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from gittasks.core.insights import AgentCourse, Insights, LoopCourse, Loss, TaskCourse
from gittasks.core.model import Snapshot
from gittasks.core.times import duration_brief, format_time
from gittasks.render.text import clean

_EVIDENCE = 4
"""Commits that a line names."""


def lines(snapshot: Snapshot, shown: Insights) -> list[str]:
    """Everything, without sections that would be empty."""
    name = clean(snapshot.info.title or snapshot.info.id)
    since = f", since {format_time(shown.since)}" if shown.since is not None else ""
    head = [f"{name}{since}"]
    sections = (
        ("What cost most", [f"{n}. {_loss(x)}" for n, x in enumerate(shown.top, 1)]),
        ("Tasks", [_task(course) for course in shown.tasks]),
        ("What else happened", [_loss(x) for x in shown.losses if x not in shown.top]),
        ("Loops", [_loop(loop) for loop in shown.loops]),
        ("Agents", [_agent(agent) for agent in shown.agents]),
        ("Critical path", [_path(shown.critical)] if shown.critical else []),
        ("Estimate", list(_estimate(shown))),
    )
    if not shown.tasks and not shown.losses:
        return [*head, "nothing has happened yet"]
    body = [
        line
        for title, part in sections
        if part
        for line in (f"{title}:", *(f"  {text}" for text in part))
    ]
    return [*head, *([] if shown.losses else ["no time was lost"]), *body]


def _evidence(commits: Sequence[str]) -> str:
    names = " ".join(commit[:8] for commit in commits[:_EVIDENCE])
    more = " …" if len(commits) > _EVIDENCE else ""
    return f" [{names}{more}]" if names else ""


def _loss(loss: Loss) -> str:
    return f"{clean(loss.words)}{_evidence(loss.commits)}"


def _task(course: TaskCourse) -> str:
    blockers = f" by {', '.join(course.blockers)}" if course.blockers else ""
    parts = (
        ("waited", course.waiting, ""),
        ("blocked", course.blocked, blockers),
        ("active", course.active, ""),
        ("left", course.left, ""),
    )
    times = [f"{word} {duration_brief(seconds)}{more}" for word, seconds, more in parts if seconds]
    return f"{course.task}: {', '.join(times) or 'no time'}{_evidence(course.commits)}"


def _loop(loop: LoopCourse) -> str:
    results = ", ".join(clean(result) or "-" for result in loop.results)
    brought = f": {results}" if any(loop.results) else ""
    took = f" in {duration_brief(loop.seconds)}" if loop.seconds else ""
    words = f"{clean(loop.name)}: {loop.rounds} of {loop.max} rounds{took}{brought}"
    return f"{words}{_evidence(loop.commits)}"


def _agent(agent: AgentCourse) -> str:
    session = f" (session {clean(agent.session)})" if agent.session else ""
    tasks = "1 task" if agent.completed == 1 else f"{agent.completed} tasks"
    lost = f", {duration_brief(agent.lost)} lost" if agent.lost else ""
    words = f"{clean(agent.name)}{session}: {tasks}, {duration_brief(agent.useful)} useful{lost}"
    return f"{words}{_evidence(agent.commits)}"


def _path(ids: Iterable[str]) -> str:
    return " → ".join(ids)


def _estimate(shown: Insights) -> Iterator[str]:
    if estimate := shown.estimate:
        expected, actual = duration_brief(estimate.said), duration_brief(estimate.came)
        yield f"after {estimate.done} tasks {expected} were expected, and it took {actual}"
