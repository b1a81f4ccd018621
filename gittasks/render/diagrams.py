"""The dependency graph for programs that draw: Mermaid (in Markdown) and Graphviz.

Texts of tasks may hold anything, so each language gets its own escapes: none of what stands in a
subject can end a label, add a node, or become a link.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from gittasks.core.model import ListInfo, Status, Task
from gittasks.core.picture import Picture
from gittasks.core.texts import shorten
from gittasks.render.text import Marks, clean

_LONG = 80
"""Characters of a subject that a box shows."""
_COLORS = {  # fill, border, text: read on a light and on a dark page
    Status.PENDING: ("#f6f8fa", "#8c959f", "#24292f"),
    Status.IN_PROGRESS: ("#fff8c5", "#bf8700", "#24292f"),
    Status.COMPLETED: ("#dafbe1", "#2da44e", "#24292f"),
    Status.SKIPPED: ("#eaeef2", "#8c959f", "#57606a"),
}


def _label(task: Task, marks: Marks) -> str:
    """`✓ PHASE 1: Ask user`, escaped for one line of plain text."""
    mark = {
        Status.IN_PROGRESS: marks.in_progress,
        Status.COMPLETED: marks.completed,
        Status.SKIPPED: marks.skipped,
    }.get(task.status, "")
    text = shorten(clean(task.headline), _LONG, tidy=True)
    return f"{mark} {text}".strip()


# --- Mermaid -------------------------------------------------------------------------------


def mermaid(shown: Picture, marks: Marks, problems: Iterable[str] = ()) -> str:
    """A `flowchart`: arrows from what comes first, thick ones along the critical path."""
    names = {task.id: f"t{n}" for n, task in enumerate(shown.net.tasks)}
    critical = set(shown.critical.tasks)
    rows = ["flowchart TD", *(f"  %% {_comment(p)}" for p in problems)]
    for task in shown.net.tasks:
        box = f'["{_mermaid_text(_label(task, marks))}<br/>{_mermaid_text(task.id)}"]'
        rows.append(f"  {names[task.id]}{box}:::{task.status.value}")
    steps = shown.critical_steps
    for task in shown.net.tasks:
        for blocker in shown.net.waits[task.id]:
            arrow = "==>" if (task.id, blocker) in steps else "-->"
            rows.append(f"  {names[blocker]} {arrow} {names[task.id]}")
    rows += [f"  {names[b]} -.->|cycle| {names[t]}" for t, b in shown.net.closing]
    for status in dict.fromkeys(task.status for task in shown.net.tasks):
        fill, border, text = _COLORS[status]
        dashes = ",stroke-dasharray:4" if status is Status.SKIPPED else ""
        style = f"fill:{fill},stroke:{border},color:{text}{dashes}"
        rows.append(f"  classDef {status.value} {style}")
    if critical:
        rows.append("  classDef critical stroke-width:3px")
        on_way = [names[i] for i in shown.critical.tasks]
        rows.append(f"  class {','.join(on_way)} critical")
    return "\n".join(rows)


def _mermaid_text(text: str) -> str:
    """Text within quotes: what could mean something to Mermaid or HTML becomes `#35;`."""
    # Mermaid takes the last semicolon away from what looks like `style x fill:#f00;`.
    colon = "" if "style" in text or "classDef" in text else ":"
    return re.sub(rf"[^\w .,{colon}()/+\-\u2026\u2192\u2713]", lambda m: f"#{ord(m[0])};", text)


def _comment(text: str) -> str:
    return re.sub(r"[{}]", "", clean(text))


# --- Graphviz ------------------------------------------------------------------------------


def dot(info: ListInfo, shown: Picture, marks: Marks, problems: Iterable[str] = ()) -> str:
    """A `digraph` in the DOT language: arrows from what comes first, the critical path thick."""
    critical, steps = set(shown.critical.tasks), shown.critical_steps
    rows = [
        f"digraph {_quoted(info.id)} {{",
        *(f"  // {clean(p)}" for p in problems),
        '  graph [rankdir="TB", bgcolor="transparent"]',
        '  node [shape="box", style="rounded,filled", fontname="sans-serif", fontsize="11"]',
        '  edge [color="#8c959f"]',
    ]
    for task in shown.net.tasks:
        fill, border, text = _COLORS[task.status]
        label = f'"{_dot_text(_label(task, marks))}\\n{_dot_text(task.id)}"'
        style = ', style="rounded,filled,dashed"' if task.status is Status.SKIPPED else ""
        width = ', penwidth="3"' if task.id in critical else ""
        colors = f'fillcolor="{fill}", color="{border}", fontcolor="{text}"'
        rows.append(f"  {_quoted(task.id)} [label={label}, {colors}{style}{width}]")
    for task in shown.net.tasks:
        for blocker in shown.net.waits[task.id]:
            thick = ' [penwidth="3"]' if (task.id, blocker) in steps else ""
            rows.append(f"  {_quoted(blocker)} -> {_quoted(task.id)}{thick}")
    for task_id, blocker in shown.net.closing:
        style = '[style="dashed", label="cycle", constraint="false"]'
        rows.append(f"  {_quoted(blocker)} -> {_quoted(task_id)} {style}")
    return "\n".join([*rows, "}"])


def _quoted(text: str) -> str:
    return f'"{_dot_text(text)}"'


def _dot_text(text: str) -> str:
    """Text within quotes: no escape of DOT's own (`\\N`) and no HTML entity is left in it."""
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("&", "&amp;")
