"""The beginning of the page: how far the list is, its phases and loops, what needs a look."""

from __future__ import annotations

from gittasks.core.clock import duration_brief, duration_words
from gittasks.core.model import Status
from gittasks.core.progress import Phase, Progress
from gittasks.core.timeline import workers
from gittasks.render.html.markup import Html, tag
from gittasks.render.html.parts import bar, definitions, mark, row, said, section, table, task_link
from gittasks.render.plain import loop_lines
from gittasks.render.report import Report

NOBODY = "(nobody)"


def heading(report: Report) -> Html:
    """The banner: what the list is, and how far."""
    info, progress = report.view.info, report.view.progress
    more = [words for words in (progress.eta_words, progress.finished_words(info.title)) if words]
    return tag(
        "header",
        tag("p", "Task list ", tag("code", info.id), class_="list-id") if info.title else None,
        tag("h1", said(report.name)),
        tag("p", said(progress.summary), class_="summary"),
        _whole_bar(progress),
        *(tag("p", said(words), class_="more") for words in more),
    )


def _whole_bar(progress: Progress) -> Html:
    parts = (("completed", progress.completed), ("in-progress", progress.in_progress))
    label = f"{progress.percent}% complete, {progress.in_progress} of {progress.total} in progress"
    return bar(parts, max(1, progress.total), label)


def progress_section(report: Report) -> Html:
    """Figures, what runs now, phases and loops."""
    progress = report.view.progress
    figures = (
        ("complete", f"{progress.completed} of {progress.total}"),
        ("in progress", str(progress.in_progress)),
        ("ready", str(progress.pending - progress.blocked)),
        ("blocked", str(progress.blocked)),
        ("skipped", str(progress.skipped)),
    )
    loops = [tag("li", said(line)) for line in loop_lines(progress.loops)]
    return section(
        "progress",
        "Progress",
        definitions(figures, "figures"),
        _running(progress),
        _phases(report),
        Html(tag("h3", "Loops"), tag("ul", *loops)) if loops else None,
    )


def _running(progress: Progress) -> Html:
    items = []
    for current in progress.current:
        words = current.task.active_form or ""
        owner = current.task.owner
        so_far = f"{duration_words(current.seconds)} so far" if current.seconds else None
        aside = [said(part) for part in (words, owner, so_far) if part]
        items.append(
            tag(
                "li",
                mark(Status.IN_PROGRESS),
                " ",
                task_link(current.task),
                *((" · ", part) for part in aside),
            )
        )
    return Html(tag("h3", "Now"), tag("ul", *items, class_="plain")) if items else Html()


def _phases(report: Report) -> Html:
    if not report.view.progress.phases:
        return Html()
    times = {t.label.casefold(): t for t in report.phases}
    rows = []
    for phase in report.view.progress.phases:
        time = times.get(phase.label.casefold())
        took = duration_brief(time.seconds) if time else ""
        took += " so far" if time and not time.finished else ""
        words = Html(said(phase.words), tag("br"), said(phase.parallel)) if phase.parallel else None
        rows.append(row(words or said(phase.words), _phase_bar(phase), took))
    return table("Phases", ("Phase", "Share", "Time"), rows, "phases")


def _phase_bar(phase: Phase) -> Html:
    parts = (("completed", phase.completed), ("in-progress", phase.in_progress))
    label = f"{phase.completed} of {phase.total} complete, {phase.in_progress} in progress"
    return bar(parts, max(1, phase.total), label)


def matters_section(report: Report) -> Html:
    """Conflicts, files that cannot be read, silent holders; that there is none is said too."""
    if not report.matters:
        nothing = tag("p", "No open conflicts, and nothing else to see to.")
        return section("matters", "To look at", nothing)
    items = [
        tag(
            "li",
            tag("strong", matter.kind, class_="warn"),
            " ",
            said(matter.what),
            *(tag("div", said(line), class_="detail") for line in matter.details),
        )
        for matter in report.matters
    ]
    return section("matters", "To look at", tag("ul", *items, class_="plain"))


def people_section(report: Report) -> Html:
    """Who worked on what, how long."""
    rows = [
        row(
            said(worker.owner or NOBODY),
            worker.completed,
            worker.in_progress,
            duration_brief(worker.seconds),
            _ago(report.view.now - worker.last),
        )
        for worker in workers(report.timeline)
    ]
    if not rows:
        return section("people", "Who did what", tag("p", "Nobody has begun yet."))
    head = ("Who", "Done", "Now", "At work", "Last seen")
    return section(
        "people", "Who did what", table("Work by owner", head, rows, "people"), _activity(report)
    )


def _ago(seconds: int) -> str:
    return f"{duration_brief(seconds)} ago" if seconds >= 60 else "now"


_SHOWN = 100
"""Entries of the history on the page; all are in the log."""


def _activity(report: Report) -> Html:
    rows = [
        row(
            tag("time", a.at.replace("T", " "), datetime=a.at),
            said(a.who),
            Html(said(a.what), " ", tag("code", a.commit[:7])),
        )
        for a in report.activity[:_SHOWN]
    ]
    more = len(report.activity) - len(rows)
    return tag(
        "details",
        tag("summary", f"The last {len(rows)} changes"),
        table("Newest first", ("When (UTC)", "Who", "What"), rows, "activity"),
        tag("p", f"{more} earlier ones: gittasks log") if more else None,
    )
