"""Charts of the page: timeline, burn-up, dependency graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gittasks.core.graph import layers
from gittasks.core.history import BurnUpPoint, Outcome, Reopened, Span
from gittasks.core.model import Task
from gittasks.core.times import duration_brief, duration_words, format_time
from gittasks.core.validation import shorten
from gittasks.render.html.markup import (
    MARKS,
    Html,
    anchor,
    css_class,
    percent,
    row,
    section,
    status_text,
    table,
    tag,
    task_link,
)
from gittasks.render.report import Report, state_words
from gittasks.render.text import clean
from gittasks.render.timeline import Axis

_WIDE, _HIGH = 1000, 100
"""The drawing's own units; it is stretched to the width of the page."""
_TABLE_ROWS = 30


def burnup_section(report: Report, axis: Axis) -> Html:
    """The curve, and its figures as a table."""
    points = report.timeline.points
    if not points:
        return section("burn-up", "Burn-up", tag("p", "There are no tasks yet."))
    top = max(1, *(p.total for p in points))
    last = points[-1]
    words = (
        f"{last.completed} of {last.total} tasks complete; the list began with "
        f"{points[0].total}, and had {top} at most."
    )
    places = [axis.place(p.at) for p in points]
    done = _steps(places, [p.completed / top for p in points])
    lines = (
        tag("path", d=_area(done), class_="area"),
        tag("path", d=done, class_="done"),
        tag("path", d=_steps(places, [p.total / top for p in points]), class_="scope"),
    )
    key = tag(
        "ul",
        tag("li", tag("span", class_="key scope", aria_hidden="true"), " all tasks"),
        tag("li", tag("span", class_="key done", aria_hidden="true"), " complete"),
        class_="legend",
    )
    note = tag("p", words, class_="note")
    drawing = _burnup_drawing(lines, words, top)
    return section("burn-up", "Burn-up", note, drawing, key, _figures(points))


def _burnup_drawing(lines: Sequence[Html], words: str, top: int) -> Html:
    """The curves on the grid of the time axis, with the highest count at the upper end."""
    plot = tag(
        "svg",
        *lines,
        viewBox=f"0 0 {_WIDE} {_HIGH}",
        preserveAspectRatio="none",
        y="10",
        width="100%",
        height="150",
    )
    return tag(
        "svg",
        tag("title", "Burn-up", id="burn-up-title"),
        tag("desc", words, id="burn-up-words"),
        tag("use", href="#grid"),
        plot,
        tag("text", str(top), x=2, y=20),
        role="img",
        class_="burn-up",
        aria_labelledby="burn-up-title burn-up-words",
    )


def _steps(places: Sequence[float], shares: Sequence[float]) -> str:
    """The path of one figure: it keeps its value until it changes. One step a column suffices."""
    columns = {round(x * _WIDE): share for x, share in zip(places, shares, strict=True)}
    path: list[str] = []
    height = float(_HIGH)
    for x, share in columns.items():
        y = round(_HIGH - share * _HIGH, 1)
        if not path:
            path.append(f"M{x} {y:g}")
        elif y != height:
            path.append(f"H{x}V{y:g}")
        height = y
    return "".join([*path, f"H{_WIDE}"])


def _area(path: str) -> str:
    start = path.partition(" ")[0].removeprefix("M")
    return f"{path}V{_HIGH}H{start}Z"


def _figures(points: Sequence[BurnUpPoint]) -> Html:
    every = -(-len(points) // _TABLE_ROWS)
    shown = [p for i, p in enumerate(points) if i % every == 0 or i == len(points) - 1]
    rows = []
    for point in shown:
        at = format_time(point.at)
        time = tag("time", at.replace("T", " "), datetime=at)
        rows.append(row(time, point.total, point.completed))
    return tag(
        "details",
        tag("summary", "Burn-up in figures"),
        table("Number of tasks", ("When (UTC)", "All", "Complete"), rows, "figures-table"),
    )


_ROWS = 300
"""Tasks that are drawn; more would only be scrolled past."""
_IN_VIEW = 40
"""Rows that stand on the page as they are; more are scrolled under the axis."""
_SCROLLED: Mapping[str, str | int] = {
    "class_": "scroll",
    "role": "region",
    "aria_label": "Timeline",
    "tabindex": 0,
}
_TICKS = 10
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def timeline_section(report: Report, axis: Axis) -> Html:
    """The timeline: owners, their tasks, start and end."""
    rows = list(report.timeline.by_task().items())
    if not rows:
        return section("timeline", "Timeline", tag("p", "Nothing has begun yet."))
    shown = rows[-_ROWS:]
    reopened: dict[str, list[Reopened]] = {}
    for moment in report.timeline.reopened:
        reopened.setdefault(moment.task, []).append(moment)
    bars = [_row(report, i, spans, reopened.get(i, []), axis) for i, spans in shown]
    rows_table = table("By first start", ("Task", "When", "Time"), bars, "gantt")
    left_out = len(rows) - len(shown)
    return section(
        "timeline",
        "Timeline",
        tag("p", _words(report, axis), class_="note"),
        tag("p", f"{left_out} tasks that were begun earlier are not drawn.") if left_out else None,
        tag("div", _axis_strip(axis), rows_table, **(_SCROLLED if len(bars) > _IN_VIEW else {})),
        _legend(),
    )


def _words(report: Report, axis: Axis) -> str:
    start, end = axis.stretches[0].start, axis.stretches[-1].end
    words = f"From {_clock(start)} to {_clock(min(end, max(report.view.now, start)))} UTC."
    if gaps := axis.gaps:
        times = "time" if len(gaps) == 1 else "times"
        words += f" {len(gaps)} idle {times} cut short (grey)."
    return words


def grid(axis: Axis) -> Html:
    """The lines of the axis and its gaps, seen nowhere itself: what is drawn on it refers to it."""
    lines = [
        tag("line", x1=percent(tick.place), x2=percent(tick.place), y1=0, y2="100%")
        for tick in axis.ticks(_TICKS)
    ]
    gaps = [
        tag("rect", x=percent(g.left), width=percent(g.right - g.left), height="100%", class_="gap")
        for g in axis.gaps
    ]
    defined = tag("defs", tag("g", *gaps, *lines, id="grid"))
    return tag("svg", defined, width=0, height=0, aria_hidden="true")


def _axis_strip(axis: Axis) -> Html:
    """The dates and times of day of the axis."""
    texts = []
    seldom = True
    for tick in axis.ticks(_TICKS):
        # Where there is little room every other one is left out, but none with a date.
        seldom = not seldom and not tick.date
        # Text at an end would be cut off if it stood in the middle of its line.
        at = "start" if tick.place < 0.1 else "end" if tick.place > 0.9 else "middle"
        texts += [
            tag("text", text, x=percent(tick.place), y=y, class_=f"{at} odd" if seldom else at)
            for text, y in ((_day(tick.date), 10), (tick.clock, 24))
            if text
        ]
    return tag("div", tag("svg", *texts, class_="axis", aria_hidden="true"), class_="lead")


def _row(
    report: Report, task_id: str, spans: Sequence[Span], moments: Sequence[Reopened], axis: Axis
) -> Html:
    now = report.view.now
    words = "; ".join(_span_text(span, now) for span in spans)
    if moments:
        words += f"; reopened {', '.join(_clock(m.at) for m in moments)}"
    drawn = [_bar(span, axis, now) for span in spans]
    drawn += [
        tag("circle", cx=percent(axis.place(m.at)), cy=8, r=4, class_="reopened") for m in moments
    ]
    strip = tag(
        "svg", tag("use", href="#grid"), *drawn, class_="strip", role="img", aria_label=words
    )
    seconds = sum(span.seconds(now) for span in spans)
    owners = list(dict.fromkeys(span.owner for span in spans if span.owner))
    by = [Html(", " if i else "", status_text(owner)) for i, owner in enumerate(owners)]
    name = Html(
        task_link(report.view.snapshot.tasks[task_id]), " ", tag("span", *by, class_="owner")
    )
    return row(name, strip, duration_brief(seconds) if seconds else "")


def _bar(span: Span, axis: Axis, now: int) -> Html:
    left = axis.place(span.start)
    right = axis.place(now if span.end is None else span.end)
    # Whatever was short is still seen.
    width = max(right - left, 0.004)
    kind = span.outcome.replace(" ", "-")
    return tag(
        "rect",
        tag("title", _span_text(span, now)),
        x=percent(min(left, 1 - width)),
        y=2,
        width=percent(width),
        height=12,
        rx=2,
        class_=f"s-{kind}",
    )


def _span_text(span: Span, now: int) -> str:
    end = "now" if span.end is None else _clock(span.end)
    who = f"{span.owner}: " if span.owner else ""
    return (
        f"{who}{_clock(span.start)} to {end}, {duration_brief(span.seconds(now))}, {span.outcome}"
    )


def _day(date: str) -> str:
    """A date without its year, which is said above the axis."""
    return f"{int(date[8:])} {_MONTHS[int(date[5:7]) - 1]}" if date else ""


def _clock(at: int) -> str:
    return format_time(at).replace("T", " ").removesuffix("Z")


def _legend() -> Html:
    kinds = (
        (Outcome.RUNNING, "in progress"),
        (Outcome.COMPLETED, "completed"),
        (Outcome.SKIPPED, "skipped"),
        (Outcome.RELEASED, "given back or handed over"),
    )
    items = [
        tag(
            "li",
            tag("svg", tag("rect", width=24, height=12, class_=f"s-{kind}"), aria_hidden="true"),
            " ",
            words,
        )
        for kind, words in kinds
    ]
    ring = tag("svg", tag("circle", cx=12, cy=6, r=4, class_="reopened"), aria_hidden="true")
    return tag("ul", *items, tag("li", ring, " reopened"), class_="legend")


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
    """The dependency graph, drawn."""
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
    """The tasks that are drawn, and a sentence about the others."""
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
    seconds = report.picture.eta_seconds
    left = f" (about {duration_words(seconds)}, an estimate)" if seconds else ""
    return tag("p", f"What decides the end{left}: ", *links, f" → {more} more" if more else None)


# --- the drawing -------------------------------------------------------------------------------


def _drawing(report: Report, tasks: Sequence[Task]) -> Html:
    picture = report.picture
    shown = {t.id for t in tasks}
    edges = {t.id: [b for b in picture.net.waits[t.id] if b in shown] for t in tasks}
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
    """The label of a box: of an iteration its number comes first."""
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
