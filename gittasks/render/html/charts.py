"""Charts of the page: timeline, burn-up, dependency graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gittasks.core.graph import layers
from gittasks.core.history import BurnUpPoint, Outcome, Reopened, Span
from gittasks.core.model import Status, Task
from gittasks.core.times import duration_brief, duration_words, format_time
from gittasks.core.validation import shorten
from gittasks.render.history_text import Axis
from gittasks.render.html.markup import (
    MARKS,
    Html,
    anchor,
    css_class,
    mark,
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

_WIDE, _HIGH = 1000, 100
"""The drawing's own units; it is stretched to the width of the page."""
_TABLE_ROWS = 30


def burnup_section(report: Report, axis: Axis) -> Html:
    """The curve, and its figures as a table."""
    points = report.timeline.points
    if not points:
        return Html()
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
    axis_below = tag("div", _axis_labels(axis), class_="lead-burn-up")
    return section("burn-up", "Burn-up", note, drawing, axis_below, key, _figures(points))


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
        tag("text", "0", x=2, y=157),
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
    "class_": "scroll timeline",
    "role": "region",
    "aria_label": "Timeline",
    "tabindex": 0,
}
_IN_LEGEND = 12
"""Owners that the legend names."""
_TICKS = 10
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def timeline_section(report: Report, axis: Axis) -> Html:
    """The timeline: owners, their tasks, start and end."""
    rows = list(report.timeline.by_task().items())
    if not rows:
        return Html()
    shown = rows[-_ROWS:]
    reopened: dict[str, list[Reopened]] = {}
    for moment in report.timeline.reopened:
        reopened.setdefault(moment.task, []).append(moment)
    bars = [
        part
        for label, members in _by_phase(report, shown).items()
        for part in (
            *([_phase_row(label)] if label else []),
            *(_row(report, i, spans, reopened.get(i, []), axis) for i, spans in members),
        )
    ]
    rows_table = table("By phase and first start", ("Task", "When", "Time"), bars, "gantt")
    left_out = len(rows) - len(shown)
    return section(
        "timeline",
        "Timeline",
        tag("p", _words(report, axis), class_="note"),
        tag("p", f"{left_out} tasks that were begun earlier are not drawn.") if left_out else None,
        _scrolled(_axis_strip(axis), rows_table, many=len(bars) > _IN_VIEW),
        _legend(report),
    )


def _scrolled(strip: Html, rows: Html, *, many: bool) -> Html:
    """The rows under their axis; many are scrolled, and stand at their end: at now.

    A box whose column runs upwards begins to scroll at its lower end, without a script.
    """
    if not many:
        return tag("div", strip, rows)
    return tag("div", tag("div", strip, rows), **_SCROLLED)


def _by_phase(
    report: Report, rows: Sequence[tuple[str, Sequence[Span]]]
) -> Mapping[str, list[tuple[str, Sequence[Span]]]]:
    """The rows under the labels of their phases, "" for those without, by first start."""
    groups: dict[str, list[tuple[str, Sequence[Span]]]] = {}
    labels: dict[str, str] = {}
    for task_id, spans in rows:
        label = report.view.snapshot.tasks[task_id].phase_label or ""
        groups.setdefault(labels.setdefault(label.casefold(), label), []).append((task_id, spans))
    return groups


def _phase_row(label: str) -> Html:
    head = tag("th", status_text(label), scope="rowgroup", colspan=3, role="rowheader")
    return tag("tr", head, role="row", class_="phase-row")


_OWNERS = 6
"""Colours and shapes for owners; more than so many share them."""


def owner_badge(report: Report, owner: str) -> Html:
    """An owner's name behind a sign of its own: a colour, and a letter for who sees none."""
    place = report.owners.get(owner, 0) % _OWNERS
    letter = next((c for c in owner if c.isalnum()), "?").upper()
    sign = tag("span", letter, class_=f"who o{place}", aria_hidden="true")
    return tag("span", sign, " ", status_text(owner), class_="owner")


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
    """The axis above the rows of the timeline."""
    return tag("div", _axis_labels(axis), class_="lead")


def _axis_labels(axis: Axis) -> Html:
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
    return tag("svg", *texts, class_="axis", aria_hidden="true")


def _row(
    report: Report, task_id: str, spans: Sequence[Span], moments: Sequence[Reopened], axis: Axis
) -> Html:
    now = report.view.now
    words = "; ".join(_span_text(span, now) for span in spans)
    if moments:
        words += f"; reopened {', '.join(_clock(m.at) for m in moments)}"
    drawn = [_bar(span, axis, now, report.owners.get(span.owner or "", -1)) for span in spans]
    drawn += [
        tag("circle", cx=percent(axis.place(m.at)), cy=8, r=4, class_="reopened") for m in moments
    ]
    strip = tag(
        "svg", tag("use", href="#grid"), *drawn, class_="strip", role="img", aria_label=words
    )
    seconds = sum(span.seconds(now) for span in spans)
    owners = list(dict.fromkeys(span.owner for span in spans if span.owner))
    by = [Html(" ", owner_badge(report, owner)) for owner in owners]
    task = report.view.snapshot.tasks[task_id]
    label = _name(task) if task.phase_label else task.headline
    name = tag("div", tag("a", status_text(label), href=f"#{anchor(task.id)}"), *by)
    return row(name, strip, duration_brief(seconds) if seconds else "")


def _bar(span: Span, axis: Axis, now: int, owner: int) -> Html:
    """A span: its outcome as the fill, its owner as the band below."""
    left = axis.place(span.start)
    right = axis.place(now if span.end is None else span.end)
    # Whatever was short is still seen.
    width = max(right - left, 0.004)
    kind = span.outcome.replace(" ", "-")
    x, wide = percent(min(left, 1 - width)), percent(width)
    return Html(
        tag(
            "rect",
            tag("title", _span_text(span, now)),
            x=x,
            y=1,
            width=wide,
            height=10,
            rx=2,
            class_=f"s-{kind}",
        ),
        tag("rect", x=x, y=12, width=wide, height=3, class_=f"b o{owner % _OWNERS}")
        if owner >= 0
        else None,
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


def _legend(report: Report) -> Html:
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
    owners = [tag("li", owner_badge(report, owner)) for owner in report.owners]
    return tag("ul", *items, tag("li", ring, " reopened"), *owners[:_IN_LEGEND], class_="legend")


_WIDTH, _HEIGHT, _BESIDE, _BELOW = 200, 44, 16, 36
"""Size of a task in the drawing, and the space to its neighbours, in pixels."""
_MANY = 60
"""Tasks that are drawn at most: beyond, a list says more than a drawing."""
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
        return Html()
    shown = _drawn(linked)
    return section(
        "dependencies",
        "Dependencies",
        _critical_words(report),
        _graph(report, shown, len(linked) - len(shown)) if shown else None,
        _in_words(report, linked, alone=not shown),
    )


def _graph(report: Report, shown: Sequence[Task], left_out: int) -> Html:
    """The drawing, which can be scrolled, and a sentence about what it leaves out."""
    note = f"{left_out} linked tasks that are closed are not drawn." if left_out else ""
    drawing = tag(
        "div",
        _drawing(report, shown),
        class_="scroll",
        role="region",
        aria_label="Dependency graph",
        tabindex=0,
    )
    return tag("div", tag("p", note, class_="note") if note else None, drawing, class_="drawn")


def _drawn(tasks: Sequence[Task]) -> Sequence[Task]:
    """The tasks that are drawn: all, else the open ones; none where these are too many."""
    if len(tasks) <= _MANY:
        return tasks
    still_open = [t for t in tasks if not t.status.closed]
    return still_open if len(still_open) <= _MANY else ()


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
    left = f" (about {duration_words(seconds)}, estimate)" if seconds else ""
    return tag("p", f"Critical path{left}: ", *links, f" → {more} more" if more else None)


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


def _in_words(report: Report, tasks: Sequence[Task], *, alone: bool) -> Html:
    """The dependencies as a list that begins with what runs; on a phone it stands for the
    drawing."""
    items = []
    for task in sorted(tasks, key=lambda t: (_TURN.get(t.status, 2), t.sort_key)):
        if above := report.picture.net.waits[task.id]:
            links = [
                Html(", " if i else "", task_link(report.view.snapshot.tasks[b]))
                for i, b in enumerate(above)
            ]
            items.append(tag("li", mark(task.status), " ", task_link(task), " waits for ", *links))
    first = tag("ul", *items[:_IN_WORDS], class_="plain words")
    if alone or len(items) > _IN_WORDS:
        rest = items[_IN_WORDS:]
        more = tag(
            "details", tag("summary", f"{len(rest)} more"), tag("ul", *rest, class_="plain words")
        )
        return tag("div", first, more if rest else None, class_="" if alone else "in-words")
    return tag("div", first, class_="in-words")


_TURN = {Status.IN_PROGRESS: 0, Status.PENDING: 1}
"""Running tasks stand first in the list of dependencies, then open ones."""
_IN_WORDS = 12
"""Dependencies that the list names at once."""
