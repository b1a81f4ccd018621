"""The whole page: everything in one file, nothing fetched from anywhere."""

from __future__ import annotations

from gittasks.core.clock import format_time
from gittasks.render import assets
from gittasks.render.html.burnup import burnup_section
from gittasks.render.html.dependencies import dependencies_section
from gittasks.render.html.gantt import grid, timeline_section
from gittasks.render.html.markup import (
    Html,
    document,
    script,
    source_hash,
    style_sheet,
    tag,
)
from gittasks.render.html.overview import (
    heading,
    matters_section,
    people_section,
    progress_section,
)
from gittasks.render.html.tasks import tasks_section
from gittasks.render.report import MARKER, Report

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
