"""Commands that look deeper into a list: log, graph, lint, insights."""

from __future__ import annotations

import sys
from collections import Counter

from gittasks import render
from gittasks.cli.options import Choice, IntRange, argument, command, option
from gittasks.cli.output import Answer, Settings
from gittasks.cli.view import exit_code, since_option, unread
from gittasks.core.graph import Picture, picture
from gittasks.core.history import phase_times, timeline, workers
from gittasks.core.ids import find
from gittasks.errors import Usage
from gittasks.light import TYPE_CHECKING

if TYPE_CHECKING:
    from gittasks.core.lint.rules import Finding
    from gittasks.core.model import Snapshot
    from gittasks.render.text import StatusMarks

_PIPE = 100
"""Columns where there is no terminal, unless COLUMNS says another number."""


def show_timeline(settings: Settings, task_id: str | None, limit: int | None = None) -> Answer:
    """The timeline of the list at work, or of one task."""
    workspace = settings.workspace()
    snapshot, now = workspace.snapshot(), workspace.now().epoch
    chosen = find(snapshot, task_id, cut=True) if task_id else None
    shown = timeline(snapshot, workspace.log(), now)
    phases = phase_times(snapshot.ordered(), now) if chosen is None else []
    return Answer(
        lambda: render.documents.timeline_document(
            shown, snapshot.info, workers(shown), phases, chosen
        ),
        lambda marks: "\n".join(
            [
                *render.history_text.timeline_lines(
                    shown, snapshot, marks, _columns(), chosen, limit
                ),
                *render.history_text.phase_lines(phases),
            ]
        ),
        quiet=[name for name in shown.by_task() if chosen in (None, name)],
        exit_code=exit_code(snapshot),
        notices=unread(snapshot),
    )


def _columns() -> int:
    import shutil  # it brings bz2 and lzma, which no warm read needs

    fallback = (_PIPE, 24)
    if sys.stdout.isatty():
        return shutil.get_terminal_size(fallback).columns - 1
    return shutil.get_terminal_size(fallback).columns


@command(
    "log",
    argument("task_id", metavar="[ID]", required=False),
    option("-n", "--limit", type=IntRange(1), metavar="N", help="Only the newest N."),
    option("--reverse", is_flag=True, help="Oldest first."),
    since_option,
    option("--timeline", "--graph", "drawn", is_flag=True, help="Draw when each task was done."),
    hot=True,
)
def log_command(
    settings: Settings,
    task_id: str | None,
    limit: int | None,
    reverse: bool,
    since: str | None,
    drawn: bool,
) -> Answer:
    """Show who did what when, newest first, and how long each phase took."""
    if drawn:
        if reverse or since:
            raise Usage("--reverse and --since do not go with --timeline")
        return show_timeline(settings, task_id, limit)
    workspace = settings.workspace()
    snapshot = workspace.snapshot()
    chosen = find(snapshot, task_id, cut=True) if task_id else None
    only = None if since is None else workspace.look_back(since).moment.later
    entries = workspace.log(chosen, limit=limit, only=only)
    if reverse:
        entries.reverse()
    times = phase_times(snapshot.ordered(), workspace.now().epoch) if chosen is None else []

    def text(marks: StatusMarks) -> str:
        lines = render.history_text.entry_lines(
            entries, marks, with_task=chosen is None, with_author=True
        )
        return "\n".join([*lines, *render.history_text.phase_lines(times)])

    return Answer(
        lambda: render.documents.log_document(snapshot.info, entries, times),
        text,
        drawing=lambda screen: screen.fitted(text(settings.marks())),
        paged=True,
        exit_code=exit_code(snapshot),
        notices=unread(snapshot),
    )


_MERMAID_ARROWS = 500
"""Arrows that Mermaid draws unless it is configured otherwise (`maxEdges`)."""


@command(
    "graph",
    argument("task_id", metavar="[ID]", required=False),
    option(
        "--format",
        "form",
        type=Choice(["text", "mermaid", "dot"]),
        default="text",
        help="text (a tree), mermaid (for Markdown) or dot (for Graphviz).",
    ),
    option("--open", "only_open", is_flag=True, help="Leave closed tasks out."),
)
def graph_command(settings: Settings, task_id: str | None, form: str, only_open: bool) -> Answer:
    """Show what waits for what, and the critical path.

    With ID only what has to come before that task and what comes after it.
    """
    workspace = settings.workspace()
    snapshot, now = workspace.snapshot(), workspace.now().epoch
    chosen = find(snapshot, task_id, cut=True) if task_id else None
    shown = picture(snapshot, now, only_open=only_open, task_id=chosen)
    return Answer(
        lambda: render.documents.graph_document(snapshot, shown),
        lambda marks: _drawn(snapshot, shown, form, marks, now),
        drawing=(
            (
                lambda screen: screen.fitted(
                    _drawn(snapshot, shown, form, settings.marks(), now), cut=True
                )
            )
            if form == "text"
            else None
        ),
        paged=True,
        quiet=[task.id for task in shown.net.tasks],
        hints=lambda: _hints(shown, form),
        workspace=workspace,
        exit_code=exit_code(snapshot),
    )


def _drawn(snapshot: Snapshot, shown: Picture, form: str, marks: StatusMarks, now: int) -> str:
    if form == "text":
        lines = render.graph_text.lines_for(marks, terminal=sys.stdout.isatty())
        drawn = render.graph_text.tree(shown, marks, lines, now)
        return "\n".join([drawn, *render.plain.problem_lines(snapshot.problems)])
    plain_marks = render.text.marks(sys.stdout.encoding)
    problems = list(map(str, snapshot.problems))
    if form == "dot":
        return render.graph_text.dot(snapshot.info, shown, plain_marks, problems)
    return render.graph_text.mermaid(shown, plain_marks, problems)


def _hints(shown: Picture, form: str) -> list[str]:
    arrows = sum(map(len, shown.net.waits.values()))
    if form != "mermaid" or arrows <= _MERMAID_ARROWS:
        return []
    limit = f"Mermaid draws {_MERMAID_ARROWS} arrows unless its maxEdges is set"
    return [f"{limit}, and these are {arrows}; --open or an ID shows fewer"]


@command(
    "lint",
    option("--rule", "only", multiple=True, metavar="RULE", help="Only this rule."),
    option("--ignore", multiple=True, metavar="RULE", help="All but this rule."),
)
def lint_command(settings: Settings, only: tuple[str, ...], ignore: tuple[str, ...]) -> Answer:
    """Show what makes the progress of this list hard to see, and what to do about it.

    It reads the list and its history and changes nothing. Exit code 1 when it finds something.
    """
    workspace = settings.workspace()
    snapshot = workspace.snapshot()
    findings = workspace.lint(snapshot, only, ignore)
    return Answer(
        lambda: render.documents.lint_document(snapshot, findings),
        lambda _: "\n".join([*_lines(findings), *render.plain.problem_lines(snapshot.problems)]),
        quiet=dict.fromkeys(task_id for finding in findings for task_id in finding.tasks),
        workspace=workspace,
        exit_code=exit_code(snapshot) or (1 if findings else 0),
    )


@command(
    "insights",
    option("--all", "every", is_flag=True, help="All lists, not just the one in use."),
    since_option,
    option("--people", is_flag=True, help="Name people, not only agents and sessions."),
)
def insights_command(settings: Settings, every: bool, since: str | None, people: bool) -> Answer:
    """Show where the work lost its time: idle tasks, work done twice, who waited for what.

    It reads the history and changes nothing. Each line names the commits that show it.
    """
    workspace = settings.workspace()
    ids = workspace.known_lists() if every else []
    chosen = [workspace.on(list_id) for list_id in ids] or [workspace]
    shown = [(w.snapshot(), w.insights(since, people=people)) for w in chosen]

    def text(_: StatusMarks) -> str:
        parts = ["\n".join(render.report.insight_lines(s, i)) for s, i in shown]
        return "\n\n".join(parts)

    return Answer(
        lambda: render.documents.insights_document((s.info, i) for s, i in shown),
        text,
        drawing=lambda screen: screen.fitted(text(settings.marks())),
        paged=True,
        quiet=dict.fromkeys(t for _, i in shown for loss in i.top for t in loss.tasks),
        workspace=workspace,
        exit_code=max(exit_code(s) for s, _ in shown),
        notices=[line for s, _ in shown for line in unread(s)],
    )


def _lines(found: list[Finding]) -> list[str]:
    """Two lines a finding, then how many there are."""
    clean = render.text.clean
    if not found:
        return ["nothing to improve"]
    lines = []
    for f in found:
        lines += [f"{f.severity}: {clean(f.message)} [{f.rule}]", f"  {clean(f.hint)}"]
    counts = Counter(f.severity for f in found)
    total = "1 finding" if len(found) == 1 else f"{len(found)} findings"
    parts = ", ".join(f"{n} {_plural(severity, n)}" for severity, n in counts.items())
    return [*lines, f"{total}: {parts}"]


def _plural(severity: str, count: int) -> str:
    return severity if count == 1 or severity == "info" else f"{severity}s"
