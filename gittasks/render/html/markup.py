"""HTML made of tags: text becomes markup by being escaped, and in no other way.

A str among the children of a tag is text, whoever wrote it; an `Html` is markup, and only the
functions here make one. Attributes are checked by name: none that runs a script, none that leads
out of the page.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable, Sequence
from hashlib import sha256

from gittasks.core.model import Status, Task
from gittasks.render.text import UNICODE, clean_block

_NAME = re.compile(r"[a-z][a-zA-Z0-9]*(-[a-z0-9]+)*")
_NOT_AS_TAG = frozenset({"script", "style", "iframe", "object", "embed", "link", "base", "form"})
_NO_END = frozenset({"br", "hr", "meta", "wbr"})
_SHORT = frozenset({"path", "rect", "line", "circle", "use"})
"""Tags of SVG without content."""
_LINKS = frozenset({"href", "src", "action", "formaction", "srcset", "data", "poster"})
_ENTITIES = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;", "`": "&#96;"}
)


class Html:
    """Markup that is safe to show. `Html(a, b)` puts parts together; each str is escaped."""

    __slots__ = ("_markup",)

    def __init__(self, *parts: Child) -> None:
        self._markup = "".join(map(_markup_of, parts))

    def __str__(self) -> str:
        return self._markup

    def __bool__(self) -> bool:
        return bool(self._markup)


Child = str | int | Html | None | Iterable["Child"]


def tag(name: str, /, *children: Child, **attributes: str | int | bool | None) -> Html:
    """An element. `class_` is the attribute class, `aria_label` is aria-label.

    True gives an attribute without a value; None and False leave it out.
    """
    if not _NAME.fullmatch(name) or name in _NOT_AS_TAG:
        raise ValueError(f"not a tag that may be used: {name}")
    parts = [f"<{name}"]
    for key, value in attributes.items():
        if value is not None and value is not False:
            parts.append(_attribute(key.rstrip("_").replace("_", "-"), value))
    if name in _SHORT and not children:
        parts.append("/>")
    elif name in _NO_END:
        parts.append(">")
    else:
        parts += [">", *map(_markup_of, children), f"</{name}>"]
    return _made("".join(parts))


def document(head: Html, body: Html, language: str = "en") -> str:
    """A whole page."""
    return f'<!DOCTYPE html>\n<html lang="{_escaped(language)}">{head}{body}</html>\n'


def style_sheet(css: str) -> Html:
    """The style of the page, a constant of this program; refused if it could end the element."""
    return _made(f"<style>{_inert(css)}</style>")


def script(code: str) -> Html:
    """A script of the page, a constant of this program; refused if it could end the element."""
    return _made(f"<script>{_inert(code)}</script>")


def source_hash(content: str) -> str:
    """The hash by which a content security policy allows an inline style or script."""
    return f"'sha256-{b64encode(sha256(content.encode()).digest()).decode()}'"


def _inert(content: str) -> str:
    if "</" in content or "<!--" in content:
        raise ValueError("a style or script must not hold </ or <!--")
    return content


def _attribute(name: str, value: str | int | bool) -> str:
    if not _NAME.fullmatch(name) or name.startswith("on") or name == "style":
        raise ValueError(f"not an attribute that may be used: {name}")
    if value is True:
        return f" {name}"
    if name in _LINKS and not (name == "href" and str(value).startswith("#")):
        raise ValueError(f"a page leads nowhere else: {name}={value}")
    return f' {name}="{_escaped(str(value))}"'


def _markup_of(part: Child) -> str:
    if isinstance(part, str):
        return _escaped(part)
    if isinstance(part, Html):
        return str(part)
    if part is None:
        return ""
    return str(part) if isinstance(part, int) else "".join(map(_markup_of, part))


def _escaped(text: str) -> str:
    return clean_block(text).translate(_ENTITIES)


def _made(markup: str) -> Html:
    html = Html()
    html._markup = markup  # noqa: SLF001  the only place where markup begins
    return html


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


def status_text(text: str) -> Html:
    """Text that somebody wrote: its direction is its own and does not reach further."""
    return tag("bdi", text)


def mark(status: Status) -> Html:
    """The sign of a status; its name is said beside it."""
    return tag("span", MARKS[status], class_=f"mark {css_class(status)}", aria_hidden="true")


def css_class(status: Status) -> str:
    """Name of a status in the style sheet."""
    return status.value.replace("_", "-")


def anchor(task_id: str) -> str:
    """The anchor of a task on the page."""
    return f"t-{task_id}"


def task_link(task: Task) -> Html:
    """A task by its subject, leading to its details."""
    return tag("a", status_text(task.headline), href=f"#{anchor(task.id)}")


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
