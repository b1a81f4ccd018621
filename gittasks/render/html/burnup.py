"""The burn-up of the page: how many tasks there were, and how many complete, over time."""

from __future__ import annotations

from collections.abc import Sequence

from gittasks.core.axis import Axis
from gittasks.core.clock import format_time
from gittasks.core.timeline import Point
from gittasks.render.html.markup import Html, tag
from gittasks.render.html.parts import row, section, table
from gittasks.render.report import Report

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
    plot = tag(
        "svg",
        *lines,
        viewBox=f"0 0 {_WIDE} {_HIGH}",
        preserveAspectRatio="none",
        y="10",
        width="100%",
        height="150",
    )
    drawing = tag(
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
    key = tag(
        "ul",
        tag("li", tag("span", class_="key scope", aria_hidden="true"), " all tasks"),
        tag("li", tag("span", class_="key done", aria_hidden="true"), " complete"),
        class_="legend",
    )
    return section(
        "burn-up", "Burn-up", tag("p", words, class_="note"), drawing, key, _figures(points)
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


def _figures(points: Sequence[Point]) -> Html:
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
