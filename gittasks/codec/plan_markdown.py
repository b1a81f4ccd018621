"""Plans in Markdown: list items with boxes, ids and attributes, read and written.

A reader of lines, not of Markdown: it knows headings, list items, fences and HTML comments and
takes everything else outside items for prose. What `write_markdown` writes is read back as
the same tasks.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from itertools import islice
from typing import NamedTuple

from gittasks.core.fields import LISTS, SIMPLE, Field
from gittasks.core.ids import task_id_fault
from gittasks.core.model import ListInfo, Status, Task, phase_in
from gittasks.core.plan import (
    NO_VALUES,
    Fault,
    Plan,
    PlannedTask,
    assign_ids,
    id_faults,
    invalid_plan,
    with_values,
)

MAX_ITEM = 32 * 1024
"""Longest line of a list item, in characters."""

_BOXES = {
    "": Status.PENDING,
    " ": Status.PENDING,
    "x": Status.COMPLETED,
    "X": Status.COMPLETED,
    "✓": Status.COMPLETED,
    "✔": Status.COMPLETED,
    "-": Status.SKIPPED,
    ">": Status.IN_PROGRESS,
    "→": Status.IN_PROGRESS,
    "/": Status.IN_PROGRESS,
}
_MARKS = {
    Status.PENDING: " ",
    Status.IN_PROGRESS: ">",
    Status.COMPLETED: "x",
    Status.SKIPPED: "-",
}
_ATTRIBUTES = {
    "id": "id",
    "owner": "owner",
    "active": "active",
    "activeform": "active",
    "after": "after",
    "blockedby": "after",
    "phase": "phase",
    "result": "result",
    "iterations": "iterations",
    **{field.name.lower(): field.name for field in SIMPLE if field.uses.planned},
}
_KNOWN = " ".join(dict.fromkeys(_ATTRIBUTES.values()))
_NOTHING = "-"
"""The value that says that a task has no phase."""

_BOX = re.compile(r"\[(.?)\](?:[ \t]+|$)")
_ID_SPAN = re.compile(r"`([^`]+)`[ \t]+(?=[^ \t])")
_OWNER = re.compile(r"(?:^|[ \t])@([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9_-])?)$")
_NAME = re.compile(r"[ \t]*([A-Za-z][A-Za-z_ -]{0,30}?)[ \t]*:")
_PUNCTUATION = r"[!-/:-@\[-`{-~]"
_OPAQUE = re.compile(rf"\\{_PUNCTUATION}|(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)")
"""What is never structure: an escaped character, or a code span (group 1 is its fence)."""


class ItemText(NamedTuple):
    """The content of the line of an item; `faults` are messages, each with a hint or None.

    `attributes` has the names id, owner, active, after, phase, result and those of SIMPLE fields;
    a phase of no text says that there is none.
    """

    status: Status | None
    subject: str
    attributes: dict[str, str]
    faults: list[tuple[str, str | None]]


def read_item(text: str) -> ItemText:
    """Read an item's line, without its list marker."""
    attributes: dict[str, str] = {}
    faults: list[tuple[str, str | None]] = []
    if len(text) > MAX_ITEM:
        faults.append((f"a list item of more than {MAX_ITEM} characters", None))
        return ItemText(None, "", attributes, faults)
    status = None
    if box := _BOX.match(text):
        text, status = text[box.end() :], _BOXES.get(box[1])
        if status is None:
            hint = "use [ ] pending, [>] in_progress, [x] completed, [-] skipped, \\[ for text"
            faults.append((f'unknown box "[{box[1]}]"', hint))
    if (span := _ID_SPAN.match(text)) and not task_id_fault(span[1]):
        text, attributes["id"] = text[span.end() :], span[1]
    subject = unescape(_trailing(text, attributes, faults)).strip()
    if (count := attributes.get("iterations")) and not re.fullmatch("[0-9]{1,6}", count):
        faults.append((f'iterations must be a whole number, not "{count[:60]}"', None))
        del attributes["iterations"]
    if not subject and not faults:
        faults.append(("a list item without text", "write the subject of the task, or remove it"))
    return ItemText(status, subject, attributes, faults)


def write_item(status: Status, subject: str, attributes: Mapping[str, str]) -> str:
    """The line that `read_item` reads back as these values; plain where that is possible."""
    line = ""
    for escaped in (False, True):
        line = _line(status, subject, attributes, escaped)
        if read_item(line) == (status, subject, dict(attributes), []):
            break
    return line


def _line(status: Status, subject: str, attributes: Mapping[str, str], escaped: bool) -> str:
    def text(value: str) -> str:
        return escape(value) if escaped or value == _NOTHING else value

    rest = {k: v for k, v in attributes.items() if k != "id"}
    parts = [f"[{_MARKS[status]}]", text(subject)]
    if name := attributes.get("id"):
        parts.insert(1, f"`{name}`")
    if _OWNER.fullmatch(owner := f"@{rest.get('owner', '')}"):
        parts.append(owner)
        del rest["owner"]
    if rest:
        parts.append("(" + "; ".join(f"{k}: {text(v) or _NOTHING}" for k, v in rest.items()) + ")")
    return " ".join(parts)


def unescape(text: str) -> str:
    """`text` without the backslashes that make punctuation plain, code spans left alone."""
    return _OPAQUE.sub(lambda m: m[0] if m[1] else m[0][1:], text)


def escape(text: str) -> str:
    """`text` with a backslash before all punctuation, so that none of it is structure."""
    return re.sub(_PUNCTUATION, r"\\\g<0>", text)


def _trailing(text: str, attributes: dict[str, str], faults: list[tuple[str, str | None]]) -> str:
    """Move the attributes at the end of `text` into `attributes`; return what is before them."""
    masked = _OPAQUE.sub(lambda m: "\0" * len(m[0]), text)
    while True:
        masked = masked.rstrip(" \t")
        text = text[: len(masked)]
        pairs: list[tuple[str, str]] | None = None
        if owner := _OWNER.search(masked):
            start, pairs = owner.start(), [("owner", owner[1])]
        elif (start := _opening(masked)) >= 0:
            pairs = _pairs(text[start + 1 : -1], masked[start + 1 : -1], faults)
        if pairs is None:
            return text
        for name, value in pairs:
            if name in attributes:
                faults.append((f'"{name}" is given twice', None))
                return text
            attributes[name] = value
        text, masked = text[:start], masked[:start]


def _opening(masked: str) -> int:
    """The place where the parenthesis begins that ends the text, or -1 if none does."""
    depth = 0
    if masked.endswith(")"):
        for place in range(len(masked) - 1, -1, -1):
            depth += {")": 1, "(": -1}.get(masked[place], 0)
            if depth == 0:
                return place if not place or masked[place - 1] in " \t" else -1
    return -1


def _pairs(
    text: str, masked: str, faults: list[tuple[str, str | None]]
) -> list[tuple[str, str]] | None:
    """The `name: value` pairs in a parenthesis; None when it is prose."""
    pieces: list[tuple[str, str]] = []
    place = 0
    for part in masked.split(";"):
        piece = text[place : place + len(part)]
        head = _NAME.match(part)
        pieces.append((head[1], piece[head.end() :].strip()) if head else ("", piece.strip()))
        place += len(part) + 1
    known = [_ATTRIBUTES.get(re.sub(r"[ _-]", "", name.lower())) for name, _ in pieces]
    near_misses = [
        None if k else _misspelled(name) for k, (name, _) in zip(known, pieces, strict=True)
    ]
    if not any(known) and not any(near_misses):
        return None
    pairs: list[tuple[str, str]] = []
    for attribute, near, (name, value) in zip(known, near_misses, pieces, strict=True):
        if attribute is None:
            what = f'unknown attribute "{name or value}"'
            if near:
                what += f" (did you mean {near}?)"
            faults.append((what, f"known: {_KNOWN}; \\( for plain text"))
        elif not value and attribute != "after":
            faults.append((f'the attribute "{name}" has no value', None))
        else:
            nothing = value == _NOTHING and attribute in ("after", "phase")
            pairs.append((attribute, "" if nothing else unescape(value).strip()))
    return pairs


def _misspelled(name: str) -> str | None:
    """The attribute that `name` is one slip away from, or None: then it is prose."""
    names = ("after", "owner", "active", "result", "phase")
    return next((known for known in names if _one_slip(name.lower(), known)), None)


def _one_slip(a: str, b: str) -> bool:
    """True when one letter added, left out, changed, or swapped with the next makes `a` of `b`."""
    same = next((n for n, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), None)
    if same is None:
        return abs(len(a) - len(b)) == 1
    x, y = a[same:], b[same:]
    swapped = x[1:2] + x[:1] + x[2:]
    return x[1:] == y[1:] or x[1:] == y or x == y[1:] or swapped == y


MAX_BYTES = 2 * 1024 * 1024
"""Largest plan that is read."""
NEST = 2
"""Columns to the right of an item's marker from which a line belongs to the item."""

_ITEM = re.compile(r"([-*+]|[0-9]{1,9}[.)])(?:[ \t]+(.*))?")
_HEADING = re.compile(r"(#{1,6})(?:$|[ \t])")
_CLOSING = re.compile(r"(?:^|[ \t])#+$")
_RULE = re.compile(r"([-*_])(?:[ \t]*\1){2,}[ \t]*")
_FENCE = re.compile(r"`{3,}(?=[^`]*$)|~{3,}")
_PHASE = re.compile(r"phase[ \t]+([0-9]{1,4}[a-z]?)(?=[ \t:.)–—-]|$)", re.IGNORECASE)
_ESCAPED = re.compile(r"\\(?=[!-/:-@\[-`{-~]|$)|([0-9]{1,9})\\(?=[.)])")
"""How a line of a description begins that would otherwise be a list item, a comment, or blank."""


class _Item:
    """An item of the list while its lines are being read."""

    __slots__ = ("body", "content", "indent", "line", "parent", "phase", "text")

    def __init__(self, line: int, indent: int, content: int, text: ItemText) -> None:
        self.line = line
        self.indent = indent
        self.content = content
        self.text = text
        self.parent: _Item | None = None
        self.phase: str | None = None
        self.body: list[str] = []


def read_markdown(
    data: bytes,
    where: str,
    values: Mapping[str, str] = NO_VALUES,
    declared: Mapping[str, str | None] = NO_VALUES,
) -> Plan:
    """Read a plan; every task of the result has an id.

    `where` is the file that errors name. Raises InvalidData, with all faults in its details.
    """
    reader = _Reader()
    for number, line in enumerate(_lines(data, where), 1):
        reader.read(number, line)
    reader.finish()
    planned = tuple(_planned(item) for item in reader.items)
    faults = [*reader.faults]
    if not planned and not faults:
        message = "no task in this plan: a task is a list item, such as `- [ ] Ask the user`"
        faults.append(Fault(1, message, "docs/plans.md describes the two forms of a plan"))
    if faults:
        raise invalid_plan(where, faults + id_faults(planned))
    plan = Plan(title=reader.title, tasks=planned, where=where, variables=declared)
    plan = assign_ids(with_values(plan, values))
    return _nested(plan, reader.items)


def _lines(data: bytes, where: str) -> list[str]:
    if len(data) > MAX_BYTES:
        message = f"larger than {MAX_BYTES // 1024} KiB ({len(data)} bytes)"
        raise invalid_plan(where, [Fault(1, message)])
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        fault = Fault(line, "not UTF-8 text", "save the file as UTF-8")
        raise invalid_plan(where, [fault]) from None
    lines = [line.removesuffix("\r") for line in text.removeprefix("\ufeff").split("\n")]
    if lines[0].rstrip() == "---":  # front matter belongs to other tools
        end = next((n for n, line in enumerate(lines) if n and line.rstrip() == "---"), -1)
        lines[: end + 1] = [""] * (end + 1)
    return lines


class _Reader:
    """State between two lines. `fence` is the run of characters of the open fence, else empty."""

    def __init__(self) -> None:
        self.title: str | None = None
        self.phase: str | None = None
        self.items: list[_Item] = []
        self.faults: list[Fault] = []
        self.open: list[_Item] = []
        self.blanks = 0
        self.lazy = False
        self.comment = 0
        self.fence = ""
        self.fence_line = 0
        self.fence_item: _Item | None = None

    def read(self, number: int, raw: str) -> None:
        """Take in one line."""
        text = raw.lstrip(" \t")
        lead = raw[: len(raw) - len(text)]
        indent = len(lead.expandtabs(4))
        if self.comment:
            self.comment = 0 if "-->" in text else self.comment
        elif self.fence and self._in_fence(lead, indent, text):
            pass
        elif not text.rstrip(" \t"):
            self.blanks += 1
        elif text.startswith("<!--"):
            self.comment = 0 if "-->" in text else number
        else:
            self._block(number, lead, indent, text)
            self.blanks = 0

    def finish(self) -> None:
        """Report what is still open at the end."""
        if self.comment:
            self.faults.append(Fault(self.comment, "this comment is never closed (-->)"))
        if self.fence and self.fence_item is None:
            message = f"this code block is never closed ({self.fence})"
            self.faults.append(Fault(self.fence_line, message))

    def _in_fence(self, lead: str, indent: int, text: str) -> bool:
        """Take a line inside a fence; False when the line has left the item of the fence."""
        item = self.fence_item
        if item and text.rstrip(" \t") and indent < item.indent + NEST:
            self.fence = ""
            return False
        if item:
            item.body.append(_dedent(lead, indent, item.content) + text)
        if _closes(text, self.fence):
            self.fence = ""
        return True

    def _block(self, number: int, lead: str, indent: int, text: str) -> None:
        item = next((i for i in reversed(self.open) if indent >= i.indent + NEST), None)
        lazy, self.lazy = self.lazy and not self.blanks, False
        if fence := _FENCE.match(text):
            self.fence, self.fence_line, self.fence_item = fence[0], number, item
            if item:
                self._add(item, _dedent(lead, indent, item.content) + text)
            else:
                self.open.clear()
        elif not item and (heading := _HEADING.match(text)):
            self.open.clear()
            self._heading(len(heading[1]), text[heading.end() :].strip(" \t"))
        elif (marker := _ITEM.fullmatch(text)) and not _RULE.fullmatch(text):
            self._item(number, indent, marker)
        elif item:
            self._add(item, _dedent(lead, indent, item.content) + _unescape_start(text))
        elif lazy and not _RULE.fullmatch(text) and text[0] not in ">|":
            self._add(self.open[-1], _unescape_start(text))
        else:
            self.open.clear()

    def _heading(self, level: int, raw: str) -> None:
        phase = _PHASE.match(raw)
        text = unescape(_CLOSING.sub("", raw)).strip()
        if level == 1 and not phase and self.title is None and not self.items:
            self.title = text or None
        else:
            self.phase = f"PHASE {phase[1]}" if phase else text or None

    def _item(self, number: int, indent: int, marker: re.Match[str]) -> None:
        while self.open and indent < self.open[-1].indent + NEST:
            self.open.pop()
        item = _Item(number, indent, indent + len(marker[1]) + 1, read_item(marker[2] or ""))
        item.parent = self.open[-1] if self.open else None
        item.phase = self.phase
        self.faults += [Fault(number, *fault) for fault in item.text.faults]
        self.items.append(item)
        self.open.append(item)
        self.lazy = True

    def _add(self, item: _Item, line: str) -> None:
        if item.body:
            item.body += [""] * self.blanks
        item.body.append(line)
        self.lazy = True


def _dedent(lead: str, indent: int, columns: int) -> str:
    """The white space that is left of `lead` once `columns` of it are taken away."""
    cut = min(columns, indent)
    return lead[cut:] if lead[:cut] == " " * cut else " " * (indent - cut)


def _closes(text: str, fence: str) -> bool:
    bare = text.rstrip(" \t")
    return len(bare) >= len(fence) and bare == fence[0] * len(bare)


def _unescape_start(text: str) -> str:
    escaped = _ESCAPED.match(text)
    return text[: escaped.end() - 1] + text[escaped.end() :] if escaped else text


def _planned(item: _Item) -> PlannedTask:
    status, subject, attributes, _ = item.text
    after, count = attributes.get("after"), attributes.get("iterations")
    phase = item.phase if phase_in(subject) is None else None
    return PlannedTask(
        line=item.line,
        id=attributes.get("id"),
        subject=subject,
        active_form=attributes.get("active"),
        description="\n".join(item.body).rstrip() or None,
        owner=attributes.get("owner"),
        phase=attributes.get("phase", phase) or None,
        status=status,
        result=attributes.get("result"),
        blocked_by=None if after is None else tuple(re.findall(r"[^,`\s]+", after)),
        iterations=None if count is None else int(count),
        fields={f.attr: _value(f, attributes[f.name]) for f in SIMPLE if f.name in attributes},
    )


def _value(field: Field, text: str) -> str | tuple[str, ...]:
    """The value of an attribute; lists are parted by commas."""
    if field not in LISTS:
        return text
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _nested(plan: Plan, items: Sequence[_Item]) -> Plan:
    """The plan with each nested item blocked by the item that it stands under.

    An item may be a loop of several tasks: its first waits for the item above, and what stands
    under it waits for its last.
    """
    if all(item.parent is None for item in items):
        return plan
    rest = iter(plan.tasks)
    parts = [list(islice(rest, int(i.text.attributes.get("iterations", "1")))) for i in items]
    names = {id(item): part[-1].id for item, part in zip(items, parts, strict=True)}
    for item, part in zip(items, parts, strict=True):
        if above := names[id(item.parent)] if item.parent else None:
            refs = (above, *(part[0].blocked_by or ()))
            part[0] = part[0]._replace(blocked_by=tuple(dict.fromkeys(refs)))
    return plan._replace(tasks=tuple(task for part in parts for task in part))


def write_markdown(info: ListInfo, tasks: Sequence[Task]) -> str:
    """The list as a plan: what it reads back as changes nothing in the list it came from.

    `tasks` are written in the order given, without the deleted ones and the dependencies on
    them. Notes, metadata, times and linked commits have no place in a plan in Markdown.
    """
    deleted = {task.id for task in tasks if task.status is Status.DELETED}
    lines: list[str] = []
    if info.title and (title := _heading_line(1, info.title, (info.title, None))):
        lines += [title]
    phase: str | None = None
    for task in tasks:
        if task.id in deleted:
            continue
        label = task.phase_label
        if label and label != phase and (heading := _heading_line(2, label, (None, label))):
            if lines:
                lines.append("")
            lines.append(heading)
            phase = label
        if not lines or lines[-1].startswith("#"):
            lines.append("")
        lines.append("- " + _task_line(task, phase, deleted))
        lines += _description(task.description or "")
    return "\n".join(lines).strip("\n") + "\n"


def _heading_line(level: int, text: str, wanted: tuple[str | None, str | None]) -> str | None:
    """A heading that is read as `wanted` (title, phase), or None if no heading is."""
    for candidate in (text, escape(text)):
        reader = _Reader()
        line = f"{'#' * level} {candidate}"
        reader.read(1, line)
        if (reader.title, reader.phase) == wanted:
            return line
    return None


def _task_line(task: Task, heading: str | None, deleted: Collection[str]) -> str:
    values = {
        "owner": task.owner,
        "active": task.active_form,
        "after": ", ".join(b for b in task.blocked_by if b not in deleted),
        "result": task.result,
        **{f.name: _written(task, f) for f in SIMPLE if f.uses.planned},
    }
    attributes = {"id": task.id, **{name: value for name, value in values.items() if value}}
    inherited = heading if phase_in(task.subject) is None else None
    if task.phase_label is None and inherited:
        attributes["phase"] = ""
    elif task.phase and task.phase_label != inherited:
        attributes["phase"] = task.phase
    return write_item(task.status, task.subject, attributes)


def _written(task: Task, field: Field) -> str | None:
    """The value of a field as an attribute; None when it is as it is by default."""
    value = getattr(task, field.attr)
    if value == field.default:
        return None
    return ", ".join(value) if field in LISTS else str(value)


def _description(text: str) -> list[str]:
    """The lines of a description, indented; outside fences none of them is structure."""
    lines: list[str] = []
    fence = ""
    for line in text.rstrip().split("\n"):
        bare = line.lstrip(" \t")
        lead = line[: len(line) - len(bare)]
        if fence:
            fence = "" if _closes(bare, fence) else fence
        elif opening := _FENCE.match(bare):
            fence = opening[0]
        elif not bare:
            bare = "\\" if lead or not any(lines) else ""
        elif _ESCAPED.match(bare) or bare.startswith("<!--"):
            bare = "\\" + bare
        elif _ITEM.fullmatch(bare) and not _RULE.fullmatch(bare):
            bare = re.sub(r"^[0-9]*", r"\g<0>\\", bare, count=1)
        lines.append(f"  {lead}{bare}" if lead or bare else "")
    return lines if text else []
