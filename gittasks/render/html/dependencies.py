"""The dependency graph of the page, drawn from top to bottom, and the same in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gittasks.core.clock import duration_words
from gittasks.core.model import Task
from gittasks.core.paths import layers
from gittasks.core.texts import shorten
from gittasks.render.html.markup import Html, tag
from gittasks.render.html.parts import MARKS, anchor, css_class, section, task_link
from gittasks.render.report import Report, state_words
from gittasks.render.text import clean

_WIDTH, _HEIGHT, _BESIDE, _BELOW = 200, 44, 16, 36
"""Size of a task in the drawing, and the space to its neighbours, in pixels."""
_MANY = 120
"""Tasks that are drawn at most: beyond, a drawing says less than a list."""
_CHAIN = 12
"""Tasks of the chain that decides the end which are named."""
_CHARS, _SMALL_CHARS = 26, 32
"""Characters that fit into the lines of a task."""

Place = tuple[int, int]


def dependencies_section(report: Report) -> Html:
    """Who waits for whom."""
    picture = report.picture
    net = picture.net
    linked = [t for t in report.view.tasks if net.waits[t.id] or net.frees[t.id]]
    if not linked:
        nothing = tag("p", "No task waits for another.")
        return section("dependencies", "Dependencies", nothing)
    shown, note = _chosen(linked)
    drawing = tag(
        "div",
        _drawing(report, shown),
        class_="scroll",
        role="region",
        aria_label="Dependency graph",
        tabindex=0,
    )
    return section(
        "dependencies",
        "Dependencies",
        tag("p", note, class_="note") if note else None,
        _critical_words(report),
        drawing,
        _in_words(report, linked),
    )


def _chosen(tasks: Sequence[Task]) -> tuple[Sequence[Task], str]:
    """Which of the tasks are drawn, and what is said about the others."""
    if len(tasks) <= _MANY:
        return tasks, ""
    still_open = [t for t in tasks if not t.status.closed] or list(tasks)
    drawn = still_open[:_MANY]
    return drawn, f"{len(tasks)} tasks are linked; {len(drawn)} of them are drawn, open ones first."


def _critical_words(report: Report) -> Html:
    critical = report.picture.critical
    if len(critical.left) < 2:
        return Html()
    links = [
        Html(" → " if i else "", task_link(report.view.snapshot.tasks[name]))
        for i, name in enumerate(critical.left[:_CHAIN])
    ]
    more = len(critical.left) - len(links)
    left = f" (about {duration_words(critical.seconds)}, an estimate)" if critical.seconds else ""
    return tag("p", f"What decides the end{left}: ", *links, f" → {more} more" if more else None)


# --- the drawing -------------------------------------------------------------------------------


def _drawing(report: Report, tasks: Sequence[Task]) -> Html:
    picture = report.picture
    here = {t.id for t in tasks}
    edges = {t.id: [b for b in picture.net.waits[t.id] if b in here] for t in tasks}
    rows = _rows(edges, layers(picture.net))
    width = max(map(len, rows)) * (_WIDTH + _BESIDE) + _BESIDE
    height = len(rows) * (_HEIGHT + _BELOW) - _BELOW + 4
    places = {
        name: (_left(index, len(names), width), 2 + depth * (_HEIGHT + _BELOW))
        for depth, names in enumerate(rows)
        for index, name in enumerate(names)
    }
    critical = picture.critical_steps
    lines = [
        _line(places[blocker], places[name], (name, blocker) in critical)
        for name, above in edges.items()
        for blocker in above
    ]
    nodes = [_node(report, task, places[task.id]) for task in tasks]
    words = f"{len(edges)} tasks, {len(lines)} dependencies; each task is below what it waits for"
    return tag(
        "svg",
        tag("title", "Dependency graph", id="graph-title"),
        tag("desc", words, id="graph-words"),
        tag("defs", _arrow("arrow"), _arrow("arrow-critical")),
        *lines,
        *nodes,
        class_="graph",
        viewBox=f"0 0 {width} {height}",
        width=width,
        height=height,
        role="group",
        aria_labelledby="graph-title graph-words",
    )


def _rows(edges: Mapping[str, Sequence[str]], depth: Mapping[str, int]) -> list[list[str]]:
    """The tasks by layer; inside one, each near to the middle of what it waits for."""
    used = {level: row for row, level in enumerate(sorted({depth[name] for name in edges}))}
    rows: list[list[str]] = [[] for _ in used]
    for name in edges:
        rows[used[depth[name]]].append(name)
    place: dict[str, float] = {}
    for names in rows:
        middles = {
            name: sum(place[b] for b in edges[name]) / max(1, len(edges[name])) for name in names
        }
        names.sort(key=middles.__getitem__)
        place |= {name: i - (len(names) - 1) / 2 for i, name in enumerate(names)}
    return rows


def _left(index: int, count: int, width: int) -> int:
    used = count * (_WIDTH + _BESIDE) - _BESIDE
    return (width - used) // 2 + index * (_WIDTH + _BESIDE)


def _arrow(name: str) -> Html:
    return tag(
        "marker",
        tag("path", d="M0 0L8 4L0 8Z", class_=name),
        id=name,
        viewBox="0 0 8 8",
        refX=7,
        refY=4,
        markerWidth=7,
        markerHeight=7,
        orient="auto",
    )


def _line(above: Place, below: Place, critical: bool) -> Html:
    x1, y1 = above[0] + _WIDTH // 2, above[1] + _HEIGHT
    x2, y2 = below[0] + _WIDTH // 2, below[1] - 2
    bend = max(_BELOW // 2, (y2 - y1) // 2)
    kind = "critical" if critical else ""
    return tag(
        "path",
        d=f"M{x1} {y1}C{x1} {y1 + bend} {x2} {y2 - bend} {x2} {y2}",
        class_=f"edge {kind}".rstrip(),
        marker_end=f"url(#arrow{'-critical' if critical else ''})",
    )


def _node(report: Report, task: Task, place: Place) -> Html:
    x, y = place
    state = state_words(task, report.view.graph)
    critical = task.id in report.picture.critical.tasks
    above = f"{MARKS[task.status]} {f'{task.phase_label} · ' if task.phase_label else ''}{state}"
    kind = "blocked" if state == "blocked" else css_class(task.status)
    whole = f"{task.headline}{', on the critical path' if critical else ''}"
    return tag(
        "a",
        tag("rect", tag("title", whole), x=x, y=y, width=_WIDTH, height=_HEIGHT, rx=6),
        tag("text", shorten(clean(above), _SMALL_CHARS), x=x + 10, y=y + 17, class_="small"),
        tag("text", shorten(clean(_name(task)), _CHARS), x=x + 10, y=y + 34),
        href=f"#{anchor(task.id)}",
        class_=f"node {'critical ' if critical else ''}{kind}",
    )


def _name(task: Task) -> str:
    """What tells this box from the others: of an iteration its number comes first."""
    place = task.iteration
    return f"{place.n}/{place.max} {place.name}".rstrip() if place else task.title


def _in_words(report: Report, tasks: Sequence[Task]) -> Html:
    items = []
    for task in tasks:
        if above := report.picture.net.waits[task.id]:
            links = [
                Html(", " if i else "", task_link(report.view.snapshot.tasks[b]))
                for i, b in enumerate(above)
            ]
            items.append(tag("li", task_link(task), " waits for ", *links))
    return tag("details", tag("summary", "Dependencies in words"), tag("ul", *items))
