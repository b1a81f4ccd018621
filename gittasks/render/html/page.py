"""The page: its sections, and everything in one file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from gittasks.core.fields import SIMPLE, Field
from gittasks.core.history import workers
from gittasks.core.model import Status, Task, Value, by_phase
from gittasks.core.progress import Phase, Progress
from gittasks.core.times import duration_brief, duration_words, format_time
from gittasks.render import assets
from gittasks.render.history_text import in_words
from gittasks.render.html.charts import burnup_section, dependencies_section, grid, timeline_section
from gittasks.render.html.markup import (
    Child,
    Html,
    anchor,
    bar,
    css_class,
    definitions,
    document,
    mark,
    row,
    script,
    section,
    source_hash,
    status_text,
    style_sheet,
    table,
    tag,
    task_link,
)
from gittasks.render.plain import field_words, loop_lines
from gittasks.render.report import MARKER, Report, state_words, time_words
from gittasks.render.text import UNICODE

NOBODY = "(nobody)"


def heading(report: Report) -> Html:
    """The banner: what the list is, and how far."""
    info, progress = report.view.info, report.view.progress
    more = [words for words in (progress.eta_words, progress.finished_words(info.title)) if words]
    return tag(
        "header",
        tag("p", "Task list ", tag("code", info.id), class_="list-id") if info.title else None,
        tag("h1", status_text(report.name)),
        tag("p", status_text(progress.summary), class_="summary"),
        _whole_bar(progress),
        *(tag("p", status_text(words), class_="more") for words in more),
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
    loops = [tag("li", status_text(line)) for line in loop_lines(progress.loops)]
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
        aside = [status_text(part) for part in (words, owner, so_far) if part]
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
        words = (
            Html(status_text(phase.words), tag("br"), status_text(phase.parallel))
            if phase.parallel
            else None
        )
        rows.append(row(words or status_text(phase.words), _phase_bar(phase), took))
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
            status_text(matter.what),
            *(tag("div", status_text(line), class_="detail") for line in matter.details),
        )
        for matter in report.matters
    ]
    return section("matters", "To look at", tag("ul", *items, class_="plain"))


def people_section(report: Report) -> Html:
    """The section of owners: their tasks and times."""
    rows = [
        row(
            status_text(worker.owner or NOBODY),
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
            tag("time", entry.at.replace("T", " "), datetime=entry.at),
            status_text(entry.who),
            Html(status_text(in_words(entry, UNICODE)), " ", tag("code", entry.commit[:7])),
        )
        for entry in report.history[:_SHOWN]
    ]
    more = len(report.history) - len(rows)
    return tag(
        "details",
        tag("summary", f"The last {len(rows)} changes"),
        table("Newest first", ("When (UTC)", "Who", "What"), rows, "activity"),
        tag("p", f"{more} earlier ones: gittasks log") if more else None,
    )


def tasks_section(report: Report) -> Html:
    """The tasks in order, under the heading of their phase."""
    tasks = report.view.tasks
    if not tasks:
        return section("tasks", "Tasks", tag("p", "There are no tasks yet."))
    groups = by_phase(tasks)
    blocks: dict[str, list[Task]] = {}
    for task in tasks:
        for blocker in dict.fromkeys(task.blocked_by):
            blocks.setdefault(blocker, []).append(task)
    parts: list[Child] = []
    for label, members in groups.items():
        if len(groups) > 1 or label:
            parts.append(tag("h3", status_text(label) if label else "Other tasks"))
        parts += (_task(report, task, blocks.get(task.id, ())) for task in members)
    return section("tasks", "Tasks", *parts)


def _task(report: Report, task: Task, blocks: Sequence[Task]) -> Html:
    state = state_words(task, report.view.graph)
    aside = [
        status_text(part) for part in (task.owner, time_words(task, report.view.progress)) if part
    ]
    summary = tag(
        "summary",
        mark(task.status),
        " ",
        tag("span", status_text(_name(task)), class_="subject"),
        " ",
        tag("span", state, class_=f"state {css_class(task.status)}"),
        *(Html(" · ", part) for part in aside),
        Html(" — ", status_text(task.result)) if task.result else None,
    )
    # A link opens the details around what it leads to, so the target is inside.
    body = tag("div", _fields(report, task, blocks), _texts(task), id=anchor(task.id))
    return tag("details", summary, body, class_="task")


def _name(task: Task) -> str:
    """The subject, without the phase that it stands under."""
    return task.title if task.phase_label and not task.iteration else task.subject


def _fields(report: Report, task: Task, blocks: Sequence[Task]) -> Html:
    place = task.iteration
    above = [report.view.snapshot.tasks.get(b) or b for b in dict.fromkeys(task.blocked_by)]
    return definitions(
        (
            ("Id", tag("code", task.id)),
            ("Owner", status_text(task.owner) if task.owner else None),
            ("Session", status_text(task.session) if task.session else None),
            ("Says", status_text(task.active_form) if task.active_form else None),
            ("Iteration", f"{place.n} of {place.max}" if place else None),
            ("Waits for", _links(above)),
            ("Blocks", _links(blocks)),
            ("Started", _time(task.started)),
            ("Finished", _time(task.finished)),
            ("Created", Html(_time(task.created), _by(task.created_by))),
            ("Result", status_text(task.result) if task.result else None),
            *((f.label.capitalize(), status_text(field_words(task, f))) for f in _stated(task)),
            *((key, status_text(_text(value))) for key, value in _free(task).items()),
        ),
        "fields",
    )


def _stated(task: Task) -> list[Field]:
    """The fields without a line of their own that are not as they are by default."""
    return [field for field in SIMPLE if field_words(task, field)]


def _free(task: Task) -> Mapping[str, Value]:
    return {**task.metadata, **task.extra}


def _text(value: Value) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _links(tasks: Sequence[Task | str]) -> Html | None:
    parts = [
        Html(
            ", " if i else "",
            status_text(f"{t} (not in this list)") if isinstance(t, str) else _link(t),
        )
        for i, t in enumerate(tasks)
    ]
    return Html(*parts) if parts else None


def _link(task: Task) -> Child:
    # A deleted task has no place on the page.
    return (
        status_text(f"{task.headline} (deleted)") if task.status == "deleted" else task_link(task)
    )


def _time(text: str | None) -> Html | None:
    return tag("time", text.replace("T", " ").replace("Z", " UTC"), datetime=text) if text else None


def _by(name: str | None) -> Html | None:
    return Html(" by ", status_text(name)) if name else None


def _texts(task: Task) -> Html:
    notes = [
        tag("li", tag("span", _time(n.at), " ", status_text(n.by), class_="note"), _block(n.text))
        for n in task.notes
    ]
    commits = [
        tag("li", tag("code", c.sha[:12]), " ", status_text(c.subject or "")) for c in task.commits
    ]
    return Html(
        _block(task.description) if task.description else None,
        Html(tag("h4", "Notes"), tag("ul", *notes, class_="plain")) if notes else None,
        Html(tag("h4", "Commits"), tag("ul", *commits, class_="plain")) if commits else None,
    )


def _block(text: str) -> Html:
    """Text with its own lines."""
    return tag("div", text.rstrip(), class_="text", dir="auto")


_STYLE = "\n" + assets.read("report.css")
_SCRIPT = "\n" + assets.read("live.js")
_SECTIONS = (
    ("progress", "Progress"),
    ("matters", "To look at"),
    ("timeline", "Timeline"),
    ("burn-up", "Burn-up"),
    ("dependencies", "Dependencies"),
    ("people", "Who did what"),
    ("tasks", "Tasks"),
)


def policy(*, is_live: bool = False) -> str:
    """The content security policy: this style, for the live page this script, and nothing else."""
    allowed = ["default-src 'none'", f"style-src {source_hash(_STYLE)}"]
    if is_live:
        allowed += [f"script-src {source_hash(_SCRIPT)}", "connect-src 'self'"]
    return "; ".join([*allowed, "base-uri 'none'", "form-action 'none'"])


def page(report: Report, *, is_live: bool = False) -> str:
    """The report as a page; `is_live` adds the script that follows the list."""
    axis = report.axis()
    main = tag(
        "main",
        grid(axis),
        progress_section(report),
        matters_section(report),
        timeline_section(report, axis),
        burnup_section(report, axis),
        dependencies_section(report),
        people_section(report),
        tasks_section(report),
        id="content",
        tabindex=-1,
    )
    return _document(
        f"{report.view.progress.percent}% · {report.name}",
        tag("div", heading(report), _navigation(), main, _footer(report), id="page"),
        is_live=is_live,
    )


def notice_page(title: str, message: str) -> str:
    """A live page that only says why there is no report, until there is one again."""
    main = tag("main", tag("h1", title), tag("p", message), id="content", tabindex=-1)
    return _document(title, tag("div", main, id="page"), is_live=True)


def _document(title: str, content: Html, *, is_live: bool) -> str:
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy(is_live=is_live)),
        tag("meta", name="generator", content=MARKER),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("title", title),
        style_sheet(_STYLE),
    )
    status = tag("p", "Live", id="live", role="status") if is_live else None
    body = tag(
        "body",
        tag("a", "Skip to the content", href="#content", class_="skip"),
        content,
        status,
        script(_SCRIPT) if is_live else None,
    )
    return document(head, body)


def _navigation() -> Html:
    links = (tag("li", tag("a", title, href=f"#{name}")) for name, title in _SECTIONS)
    return tag("nav", tag("ul", *links), aria_label="Sections")


def _footer(report: Report) -> Html:
    at = format_time(report.view.now)
    return tag(
        "footer",
        tag(
            "p",
            "As of ",
            tag("time", at.replace("T", " ").replace("Z", " UTC"), datetime=at),
            ", commit ",
            tag("code", report.view.commit[:12]),
            ". Made by gittasks.",
        ),
    )
