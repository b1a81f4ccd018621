"""Tasks and lists for tests about dependencies, written in few words."""

from __future__ import annotations

from hypothesis import strategies as st

from gittasks.core.model import ListInfo, Snapshot, Status, Task


def at(minute: int, second: int = 0) -> str:
    """A moment of one hour."""
    return f"2026-11-22T10:{minute:02}:{second:02}Z"


def task(
    name: str, *blocked_by: str, took: tuple[int, int] | None = None, **fields: object
) -> Task:
    """A task by name; `took=(a, b)` completes it, from minute a to minute b."""
    made = Task(id=name, subject=name, blocked_by=blocked_by)._replace(**fields)  # type: ignore[arg-type]
    if took is None:
        return made
    return made._replace(status=Status.COMPLETED, started=at(took[0]), finished=at(took[1]))


def listed(*tasks: Task, list_id: str = "plan") -> Snapshot:
    """A list of tasks that stand in the order in which they are given."""
    ordered = (t._replace(order=n) for n, t in enumerate(tasks))
    return Snapshot(info=ListInfo(id=list_id), tasks={t.id: t for t in ordered})


def chain(count: int) -> Snapshot:
    """Tasks t0 to t<count-1>, each blocked by the one before."""
    return listed(*(task(f"t{n}", *([f"t{n - 1}"] if n else [])) for n in range(count)))


@st.composite
def webs(draw: st.DrawFn) -> Snapshot:
    """Lists of up to eight tasks with any dependencies, cycles and strangers among them."""
    names = [f"n{i}" for i in range(draw(st.integers(0, 8)))]
    blockers = st.lists(st.sampled_from([*names, "gone"]), unique=True, max_size=3)
    states = st.sampled_from([*Status])
    return listed(*(task(i, *draw(blockers), status=draw(states)) for i in names))
