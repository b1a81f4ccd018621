"""Small pieces that several sections of the page are made of."""

from __future__ import annotations

from collections.abc import Sequence

from gittasks.core.model import Status, Task
from gittasks.render.html.markup import Child, Html, tag
from gittasks.render.text import UNICODE

MARKS = {
    Status.PENDING: "○",
    Status.IN_PROGRESS: UNICODE.in_progress,
    Status.COMPLETED: UNICODE.completed,
    Status.SKIPPED: UNICODE.skipped,
    Status.DELETED: UNICODE.deleted,
}


def section(name: str, title: str, *content: Child) -> Html:
    """A part of the page with its heading; `name` is what links lead to."""
    heading = tag("h2", title, id=f"h-{name}")
    return tag("section", heading, *content, id=name, aria_labelledby=f"h-{name}")


def said(text: str) -> Html:
    """Text that somebody wrote: its direction is its own and does not reach further."""
    return tag("bdi", text)


def mark(status: Status) -> Html:
    """The sign of a status; its name is said beside it."""
    return tag("span", MARKS[status], class_=f"mark {css_class(status)}", aria_hidden="true")


def css_class(status: Status) -> str:
    """Name of a status in the style sheet."""
    return status.value.replace("_", "-")


def anchor(task_id: str) -> str:
    """Where a task stands on the page."""
    return f"t-{task_id}"


def task_link(task: Task) -> Html:
    """A task by its subject, leading to its details."""
    return tag("a", said(task.headline), href=f"#{anchor(task.id)}")


def percent(place: float) -> str:
    """A place between 0 and 1 as SVG takes it."""
    text = f"{max(0.0, min(place, 1.0)) * 100:.2f}"
    return f"{text.rstrip('0').rstrip('.')}%"


def bar(parts: Sequence[tuple[str, int]], total: int, label: str) -> Html:
    """A bar of counts, by style class; `label` says the same in words."""
    rects, left = [], 0
    for name, count in parts:
        if count:
            share = percent(count / total)
            rects.append(tag("rect", x=percent(left / total), width=share, height=10, class_=name))
        left += count
    return tag("svg", *rects, class_="bar", role="img", aria_label=label)


def definitions(pairs: Sequence[tuple[str, Child]], class_: str | None = None) -> Html:
    """Names and what stands for them, those with nothing left out."""
    items = [
        tag("div", tag("dt", name), tag("dd", value))
        for name, value in pairs
        if value not in (None, "", ())
    ]
    return tag("dl", *items, class_=class_) if items else Html()


def table(caption: str, head: Sequence[str], rows: Sequence[Html], class_: str) -> Html:
    """A table; its roles are said, because the style sheet makes blocks of rows on a phone."""
    cells = (tag("th", name, scope="col", role="columnheader") for name in head)
    return tag(
        "table",
        tag("caption", caption),
        tag("thead", tag("tr", *cells, role="row"), role="rowgroup"),
        tag("tbody", *rows, role="rowgroup"),
        role="table",
        class_=class_,
    )


def row(heading: Child, *cells: Child, class_: str | None = None) -> Html:
    """A row of a table, the first cell being its heading."""
    first = tag("th", heading, scope="row", role="rowheader")
    return tag("tr", first, *(tag("td", c, role="cell") for c in cells), role="row", class_=class_)
