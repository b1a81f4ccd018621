"""The report as one HTML page: its sections, and everything in one file.

It is made of tags that escape what is put into them (`markup`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

from gittasks.core.fields import SIMPLE, Field
from gittasks.core.history import PhaseTime, workers
from gittasks.core.model import Status, Task, Value, by_phase
from gittasks.core.progress import Phase, Progress
from gittasks.core.times import duration_brief, duration_words, format_time
from gittasks.render import assets
from gittasks.render.history_text import in_words
from gittasks.render.html.charts import (
    burnup_section,
    dependencies_section,
    grid,
    owner_badge,
    timeline_section,
)
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


def now_section(report: Report) -> Html:
    """The tasks that run now, with owner and time; the figures."""
    progress = report.view.progress
    figures = (
        ("complete", f"{progress.completed} of {progress.total}"),
        ("in progress", str(progress.in_progress)),
        ("ready", str(progress.pending - progress.blocked)),
        ("blocked", str(progress.blocked)),
        ("skipped", str(progress.skipped) if progress.skipped else None),
    )
    loops = [tag("li", status_text(line)) for line in loop_lines(progress.loops)]
    return section(
        "now",
        "Now",
        _running(report),
        definitions(figures, "figures"),
        tag("ul", *loops, class_="plain") if loops else None,
    )


def _running(report: Report) -> Html:
    items = []
    for current in report.view.progress.current:
        words = current.task.active_form or ""
        owner = current.task.owner
        so_far = f"{duration_words(current.seconds)} so far" if current.seconds else None
        aside = [status_text(part) for part in (words, so_far) if part]
        items.append(
            tag(
                "li",
                mark(Status.IN_PROGRESS),
                " ",
                task_link(current.task),
                *((" · ", part) for part in aside),
                Html(" ", owner_badge(report, owner)) if owner else None,
            )
        )
    return tag("ul", *items, class_="plain running") if items else Html()


_OPEN = 20
"""Open tasks that are listed at once; the others are under a fold."""


def open_section(report: Report) -> Html:
    """The tasks that are not closed and not in progress: what is ready first, then what waits."""
    graph = report.view.graph
    waiting = [t for t in report.view.tasks if t.status is Status.PENDING]
    waiting.sort(key=lambda t: (graph.is_blocked(t.id), t.sort_key))
    if not waiting:
        return Html()
    items = [_open_line(report, task) for task in waiting]
    rest = len(items) - _OPEN
    more = tag(
        "details",
        tag("summary", f"{rest} more open {'task' if rest == 1 else 'tasks'}"),
        tag("ul", *items[_OPEN:], class_="plain"),
    )
    shown = tag("ul", *items[:_OPEN], class_="plain lines")
    return section("open", "Open tasks", shown, more if rest > 0 else None)


def _open_line(report: Report, task: Task) -> Html:
    state = state_words(task, report.view.graph)
    if state == "blocked":
        blockers = [
            tag("a", blocker, href=f"#{anchor(blocker)}")
            for blocker in report.view.graph.open_blockers(task.id)
            if blocker in report.view.snapshot.tasks
        ]
        why = Html("waits for ", *(Html(", " if n else "", b) for n, b in enumerate(blockers)))
    else:
        why = Html("ready")
    return tag(
        "li",
        mark(task.status),
        " ",
        task_link(task),
        Html(" ", owner_badge(report, task.owner)) if task.owner else None,
        " ",
        tag("span", why, class_="state pending"),
    )


def phases_section(report: Report) -> Html:
    """All tasks under their phases, each phase a fold; one at work stands open."""
    tasks = report.view.tasks
    if not tasks:
        return section("tasks", "Tasks", tag("p", "There are no tasks yet."))
    blocks: dict[str, list[Task]] = {}
    for task in tasks:
        for blocker in dict.fromkeys(task.blocked_by):
            blocks.setdefault(blocker, []).append(task)
    words = {phase.label.casefold(): phase for phase in report.view.progress.phases}
    times = {time.label.casefold(): time for time in report.phases}
    parts: list[Child] = []
    for label, members in by_phase(tasks).items():
        lines = [_task(report, task, blocks.get(task.id, ())) for task in members]
        name = (label or "").casefold()
        head = _phase_head(words[name], times.get(name)) if name in words else None
        at_work = any(task.status is Status.IN_PROGRESS for task in members)
        begun = at_work or any(task.status.closed for task in members)
        parts.append(
            tag(
                "details",
                tag("summary", head or _plain_head(label, members)),
                tag("div", *lines, id=f"p-{len(parts) + 1}"),
                class_="phase" if begun else "phase waiting",
                open=at_work and len(members) <= _OPEN,
            )
        )
    return section("tasks", _tasks_title(report), *parts)


def _tasks_title(report: Report) -> str:
    return "Phases" if report.view.progress.phases else "Tasks"


def _plain_head(label: str | None, members: Sequence[Task]) -> Html:
    """The line of tasks that are in no phase, or whose phase has no figures."""
    closed = sum(task.status.closed for task in members)
    count = "1 task" if len(members) == 1 else f"{len(members)} tasks"
    return tag("h3", status_text(label or "Other tasks"), f": {count}, {closed} closed")


def _phase_head(phase: Phase, time: PhaseTime | None) -> Html:
    took = duration_brief(time.seconds) if time else ""
    took += " so far" if time and not time.finished else ""
    parallel = Html(" · ", status_text(phase.parallel)) if phase.parallel else Html()
    return Html(
        tag("h3", status_text(phase.words), parallel),
        _phase_bar(phase),
        tag("span", took, class_="took"),
    )


def _phase_bar(phase: Phase) -> Html:
    parts = (("completed", phase.completed), ("in-progress", phase.in_progress))
    label = f"{phase.completed} of {phase.total} complete, {phase.in_progress} in progress"
    return bar(parts, max(1, phase.total), label)


def losses_section(report: Report) -> Html:
    """Losses of time: those that cost most, as `insights` tells them."""
    if not report.losses:
        return Html()
    items = [
        tag(
            "li",
            status_text(loss.words),
            *(Html(" ", tag("code", commit[:7])) for commit in loss.commits[:_EVIDENCE]),
        )
        for loss in report.losses
    ]
    return section("losses", "Where the time went", tag("ol", *items))


def matters_section(report: Report) -> Html:
    """Conflicts, files that cannot be read, silent holders."""
    if not report.matters:
        return Html()
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
    return section("matters", "Needs attention", tag("ul", *items, class_="plain"))


def people_section(report: Report) -> Html:
    """The section of owners: their tasks and times."""
    rows = [
        row(
            owner_badge(report, worker.owner) if worker.owner else status_text(NOBODY),
            worker.completed,
            worker.in_progress,
            duration_brief(worker.seconds),
            _ago(report.view.now - worker.last),
        )
        for worker in workers(report.timeline)
    ]
    if not rows:
        return Html()
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


def _task(report: Report, task: Task, blocks: Sequence[Task]) -> Html:
    state = state_words(task, report.view.graph)
    took = time_words(task, report.view.progress)
    aside = [
        *([owner_badge(report, task.owner)] if task.owner else []),
        *([status_text(took)] if took else []),
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
_EVIDENCE = 3
"""Commits that are named for a loss."""


def policy(*, is_live: bool = False) -> str:
    """The content security policy: this style, for the live page this script, and nothing else."""
    allowed = ["default-src 'none'", f"style-src {source_hash(_STYLE)}"]
    if is_live:
        allowed += [f"script-src {source_hash(_SCRIPT)}", "connect-src 'self'"]
    return "; ".join([*allowed, "base-uri 'none'", "form-action 'none'"])


def page(report: Report, *, is_live: bool = False) -> str:
    """The report as a page; `is_live` adds the script that follows the list."""
    axis = report.axis()
    sections = (
        ("now", "Now", now_section(report)),
        ("matters", "Needs attention", matters_section(report)),
        ("open", "Open tasks", open_section(report)),
        ("tasks", _tasks_title(report), phases_section(report)),
        ("timeline", "Timeline", timeline_section(report, axis)),
        ("burn-up", "Burn-up", burnup_section(report, axis)),
        ("dependencies", "Dependencies", dependencies_section(report)),
        ("losses", "Where the time went", losses_section(report)),
        ("people", "Who did what", people_section(report)),
    )
    shown = [(name, title, content) for name, title, content in sections if content]
    main = tag("main", grid(axis), *(content for _, _, content in shown), id="content", tabindex=-1)
    navigation = _navigation([(name, title) for name, title, _ in shown])
    return _document(
        f"{report.view.progress.percent}% · {report.name}",
        tag("div", heading(report), navigation, main, _footer(report), id="page"),
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


def _navigation(sections: Iterable[tuple[str, str]]) -> Html:
    links = (tag("li", tag("a", title, href=f"#{name}")) for name, title in sections)
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
