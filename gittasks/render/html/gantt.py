"""The timeline of the page: one row a task, a bar for each time that somebody worked on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gittasks.core.axis import Axis
from gittasks.core.clock import duration_brief, format_time
from gittasks.core.timeline import Outcome, Reopened, Span
from gittasks.render.html.markup import Html, tag
from gittasks.render.html.parts import percent, row, said, section, table, task_link
from gittasks.render.report import Report

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
    """Who worked on what from when to when."""
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
    words = "; ".join(_told(span, now) for span in spans)
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
    by = [Html(", " if i else "", said(owner)) for i, owner in enumerate(owners)]
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
        tag("title", _told(span, now)),
        x=percent(min(left, 1 - width)),
        y=2,
        width=percent(width),
        height=12,
        rx=2,
        class_=f"s-{kind}",
    )


def _told(span: Span, now: int) -> str:
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
