"""All tasks of the page, by phase, each with its details folded away."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from gittasks.core.fields import SIMPLE, Field
from gittasks.core.model import Task, Value, by_phase
from gittasks.render.html.markup import Child, Html, tag
from gittasks.render.html.parts import (
    anchor,
    css_class,
    definitions,
    mark,
    said,
    section,
    task_link,
)
from gittasks.render.plain import field_words
from gittasks.render.report import Report, state_words, time_words


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
            parts.append(tag("h3", said(label) if label else "Other tasks"))
        parts += (_task(report, task, blocks.get(task.id, ())) for task in members)
    return section("tasks", "Tasks", *parts)


def _task(report: Report, task: Task, blocks: Sequence[Task]) -> Html:
    state = state_words(task, report.view.graph)
    aside = [said(part) for part in (task.owner, time_words(task, report.view.progress)) if part]
    summary = tag(
        "summary",
        mark(task.status),
        " ",
        tag("span", said(_name(task)), class_="subject"),
        " ",
        tag("span", state, class_=f"state {css_class(task.status)}"),
        *(Html(" · ", part) for part in aside),
        Html(" — ", said(task.result)) if task.result else None,
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
            ("Owner", said(task.owner) if task.owner else None),
            ("Session", said(task.session) if task.session else None),
            ("Says", said(task.active_form) if task.active_form else None),
            ("Iteration", f"{place.n} of {place.max}" if place else None),
            ("Waits for", _links(above)),
            ("Blocks", _links(blocks)),
            ("Started", _time(task.started)),
            ("Finished", _time(task.finished)),
            ("Created", Html(_time(task.created), _by(task.created_by))),
            ("Result", said(task.result) if task.result else None),
            *((f.label.capitalize(), said(field_words(task, f))) for f in _stated(task)),
            *((key, said(_text(value))) for key, value in _free(task).items()),
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
        Html(", " if i else "", said(f"{t} (not in this list)") if isinstance(t, str) else _link(t))
        for i, t in enumerate(tasks)
    ]
    return Html(*parts) if parts else None


def _link(task: Task) -> Child:
    # A deleted task has no place on the page.
    return said(f"{task.headline} (deleted)") if task.status == "deleted" else task_link(task)


def _time(text: str | None) -> Html | None:
    return tag("time", text.replace("T", " ").replace("Z", " UTC"), datetime=text) if text else None


def _by(name: str | None) -> Html | None:
    return Html(" by ", said(name)) if name else None


def _texts(task: Task) -> Html:
    notes = [
        tag("li", tag("span", _time(n.at), " ", said(n.by), class_="note"), _block(n.text))
        for n in task.notes
    ]
    commits = [tag("li", tag("code", c.sha[:12]), " ", said(c.subject or "")) for c in task.commits]
    return Html(
        _block(task.description) if task.description else None,
        Html(tag("h4", "Notes"), tag("ul", *notes, class_="plain")) if notes else None,
        Html(tag("h4", "Commits"), tag("ul", *commits, class_="plain")) if commits else None,
    )


def _block(text: str) -> Html:
    """Text with its own lines."""
    return tag("div", text.rstrip(), class_="text", dir="auto")
