"""The common part of YAML read line by line: the same tree as the parser's, thirty times as fast.

People write task files in a small part of YAML: maps and lists in blocks, scalars that are plain
or quoted on one line, text in blocks, lists in brackets on one line, comments. `read` knows that
part alone, and gives nothing for everything else, faults included: those are the parser's. The
suite holds both against each other.
"""

from __future__ import annotations

import re
from itertools import accumulate
from typing import Literal, NamedTuple

from gittasks.codec.canonical import MAX_DEPTH


class Node(NamedTuple):
    """One value of a document. `start` and `end` are offsets into `decode_text(data)`.

    Of `text` (scalar), `items` (sequence) and `pairs` (mapping) only the one of its `kind` is
    filled. `line` counts from 1. `plain` is a scalar without quotes and not in a block; an
    omitted value (`key:`) is a plain scalar of no text. A block collection ends where its last
    value does, so comments after it are outside.
    """

    kind: Literal["scalar", "sequence", "mapping"]
    line: int
    start: int
    end: int
    text: str = ""
    items: tuple[Node, ...] = ()
    pairs: tuple[tuple[Node, Node], ...] = ()
    plain: bool = False
    style: str = ""

    def get(self, key: str) -> Node | None:
        """The value under `key`, or None if it is not there or this is no mapping."""
        for name, value in self.pairs:
            if name.text == key:
                return value
        return None

    @property
    def empty(self) -> bool:
        """True when nothing was written: an omitted value, or the plain word for null."""
        return self.plain and self.text in _NULLS


_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_INDICATORS = frozenset("-?:,[]{}#&*!|>'\"%@`")
"""Characters that begin something else than a plain scalar."""
_REST = r"(?: +#.*| *)$"
_DOUBLE = r'"(?:[^"\\]|\\(?:["\\/ntr]|u(?![dD][89a-fA-F])[0-9a-fA-F]{4}))*"'
_SINGLE = r"'(?:[^']|'')*'"
_IN_BRACKETS = rf"{_DOUBLE}|{_SINGLE}|[^][ \-?:,{{}}#&*!|>'\"%@`][^][,:?#{{}}]*"
_KEY = re.compile(rf"""(?:([A-Za-z_][A-Za-z0-9_./-]{{0,99}})|({_DOUBLE}|{_SINGLE})):(?: +|$)""")
_QUOTED = re.compile(rf"({_DOUBLE}|{_SINGLE}){_REST}")
_BRACKETS = re.compile(rf"(\[ *(?:(?:{_IN_BRACKETS}) *(?:, *(?:{_IN_BRACKETS}) *)*)?\]){_REST}")
_ITEM = re.compile(_IN_BRACKETS)
_BLOCK = re.compile(rf"([|>])([-+]?){_REST}")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}


def read(text: str, most: int) -> Node | None:
    """The tree of a text with at most so many values; None when it is for the parser to read."""
    if "\t" in text or "\r" in text:
        return None
    try:
        reader = _Reader(text)
        root = reader.root()
    except _OtherYaml:
        return None
    return root if reader.count <= most else None


class _OtherYaml(Exception):
    """The text is no YAML, or such as only the parser knows."""


class _Reader:
    """A text as lines, and how far it was read. Each method begins and ends at a line of worth."""

    def __init__(self, text: str) -> None:
        self.lines = text.split("\n")
        self.starts = [0, *accumulate(len(line) + 1 for line in self.lines)]
        if not self.lines[-1]:
            self.lines.pop()
        self.ended = text.endswith("\n")
        self.at = 0
        self.count = 0

    def root(self) -> Node:
        """The whole document."""
        indent = self._next()
        if indent == 0 and self.lines[self.at] == "---":
            self.at += 1
            indent = self._next()
        if indent:
            raise _OtherYaml
        node = self._collection(0, 0, 0)
        if self.at < len(self.lines):
            raise _OtherYaml
        return node

    def _next(self) -> int:
        """Go on to the next line that is no comment; its indentation, -1 at the end."""
        lines = self.lines
        while self.at < len(lines):
            line = lines[self.at]
            bare = line.lstrip(" ")
            if bare and bare[0] != "#":
                return len(line) - len(bare)
            self.at += 1
        return -1

    def _node(self, kind: Literal["sequence", "mapping"], start: int, line: int) -> Node:
        self.count += 1
        return Node(kind, line, start, start, style="block")

    def _collection(self, indent: int, column: int, depth: int) -> Node:
        """The block list or map whose first line is this one, and begins there at `column`."""
        if depth == MAX_DEPTH or self.at == len(self.lines):
            raise _OtherYaml
        first = self._node("mapping", self.starts[self.at] + column, self.at + 1)
        if self.lines[self.at].startswith("- ", column):
            items = self._items(indent, depth)
            return first._replace(kind="sequence", items=items, end=items[-1].end)
        pairs = self._pairs(column, depth)
        return first._replace(pairs=pairs, end=pairs[-1][1].end)

    def _items(self, indent: int, depth: int) -> tuple[Node, ...]:
        items: list[Node] = []
        while True:
            line = self.lines[self.at]
            column = indent + 1
            while line.startswith(" ", column):
                column += 1
            if line.startswith("#", column) or column == len(line):
                raise _OtherYaml
            if line.startswith("- ", column) or _KEY.match(line, column):
                items.append(self._collection(column, column, depth + 1))
            else:
                items.append(self._scalar(column, indent, depth))
            following = self._next()
            if following != indent or not self.lines[self.at].startswith("- ", indent):
                if following > indent:
                    raise _OtherYaml
                return tuple(items)

    def _pairs(self, indent: int, depth: int) -> tuple[tuple[Node, Node], ...]:
        pairs: list[tuple[Node, Node]] = []
        keys: set[str] = set()
        while True:
            line, start = self.lines[self.at], self.starts[self.at]
            match = _KEY.match(line, indent)
            if not match:
                raise _OtherYaml
            key = self._key(match, start)
            if key.text in keys:
                raise _OtherYaml
            keys.add(key.text)
            if match.end() < len(line) and line[match.end()] != "#":
                value = self._scalar(match.end(), indent, depth)
            else:
                self.at += 1
                value = self._below(key, indent, depth)
            pairs.append((key, value))
            following = self._next()
            if following != indent:
                if following > indent:
                    raise _OtherYaml
                return tuple(pairs)
            if self.lines[self.at].startswith("- ", indent):
                return tuple(pairs)  # the next item of the list that this map is in, or a fault

    def _key(self, match: re.Match[str], start: int) -> Node:
        self.count += 1
        word, quotes = match.groups()
        line, begin = self.at + 1, start + match.start()
        if word:
            return Node("scalar", line, begin, begin + len(word), word, plain=True)
        return Node("scalar", line, begin, begin + len(quotes), _unquoted(quotes), style=quotes[0])

    def _below(self, key: Node, indent: int, depth: int) -> Node:
        """The value of a key that stands on the lines after it, or nowhere."""
        below = self._next()
        if below > indent or (below == indent and self.lines[self.at].startswith("- ", indent)):
            return self._collection(below, below, depth + 1)
        self.count += 1
        return Node("scalar", key.line, key.end + 1, key.end + 1, plain=True)

    def _scalar(self, column: int, indent: int, depth: int) -> Node:
        """The scalar, or the list in brackets, from `column` of this line on."""
        line, start = self.lines[self.at], self.starts[self.at] + column
        first = line[column]
        self.count += 1
        if first in "|>":
            return self._block(column, indent)
        if first == "[":
            return self._brackets(column, depth)
        if first in "\"'":
            match = _QUOTED.match(line, column)
            if not match:
                raise _OtherYaml
            self.at += 1
            quotes = match[1]
            end = start + len(quotes)
            return Node("scalar", self.at, start, end, _unquoted(quotes), style=first)
        return self._plain(column, indent)

    def _plain(self, column: int, indent: int) -> Node:
        """A plain scalar, with the lines on which it goes on."""
        line, start, number = self.lines[self.at], self.starts[self.at] + column, self.at + 1
        if line[column] in _INDICATORS and (
            line[column] != "-" or line[column + 1 : column + 2] in ("", " ")
        ):
            raise _OtherYaml
        comment = line.find(" #", column)
        text = _checked(line[column:comment] if comment >= 0 else line[column:])
        end = start + len(text)
        self.at += 1
        while comment < 0:
            at = self.at
            while at < len(self.lines) and not self.lines[at].strip(" "):
                at += 1
            if at == len(self.lines):
                break
            more = self.lines[at].lstrip(" ")
            spaces = len(self.lines[at]) - len(more)
            if spaces <= indent or more[0] == "#":
                break
            if more[0] in "-?:" or " #" in more:
                raise _OtherYaml
            more = _checked(more)
            text += ("\n" * (at - self.at) or " ") + more
            end = self.starts[at] + spaces + len(more)
            self.at = at + 1
        return Node("scalar", number, start, end, text, plain=True)

    def _brackets(self, column: int, depth: int) -> Node:
        """A list in brackets on one line, of scalars."""
        match = _BRACKETS.match(self.lines[self.at], column)
        if not match or depth + 1 == MAX_DEPTH:
            raise _OtherYaml
        start = self.starts[self.at]
        self.at += 1
        items = []
        for item in _ITEM.finditer(match.string, column + 1, match.end(1) - 1):
            words, begin = item[0].rstrip(" "), start + item.start()
            quote = words[0] if words[0] in "\"'" else ""
            text = _unquoted(words) if quote else words
            end = begin + len(words)
            items.append(Node("scalar", self.at, begin, end, text, plain=not quote, style=quote))
        self.count += len(items)
        end = start + match.end(1)
        return Node("sequence", self.at, start + column, end, items=tuple(items), style="flow")

    def _block(self, column: int, indent: int) -> Node:
        """Text in a block: the lines below that are indented further than `indent`."""
        match = _BLOCK.match(self.lines[self.at], column)
        if not match:
            raise _OtherYaml
        start, number = self.starts[self.at] + column, self.at + 1
        self.at += 1
        lines = self._block_lines(indent)
        blank = 0
        while not lines[-1 - blank]:
            blank += 1
        content = lines[: len(lines) - blank]
        style, chomping = match.groups()
        text = "\n".join(content) if style == "|" else _folded(content)
        if chomping != "-":
            text += "\n" * (1 + blank if chomping else 1)
        return Node("scalar", number, start, self.starts[self.at], text, style=style)

    def _block_lines(self, indent: int) -> list[str]:
        """The lines of a block without their indentation, blank ones at both ends included."""
        lines: list[str] = []
        margin = ""
        while self.at < len(self.lines):
            line = self.lines[self.at]
            if line and not margin:
                margin = " " * (len(line) - len(line.lstrip(" ")))
                if len(margin) <= indent:
                    raise _OtherYaml
            if line and line.startswith(margin) and line.strip(" "):
                lines.append(line[len(margin) :])
            elif not line:
                lines.append("")
            elif line.startswith(" " * (indent + 1)) or not line.strip(" "):
                raise _OtherYaml
            else:
                break
            self.at += 1
        if not margin or (self.at == len(self.lines) and not self.ended):
            raise _OtherYaml
        return lines


def _checked(text: str) -> str:
    """A line of a plain scalar without spaces at its end, if it is nothing else."""
    text = text.rstrip(" ")
    if ": " in text or text[-1] == ":":
        raise _OtherYaml
    return text


def _folded(lines: list[str]) -> str:
    """Lines of a folded block: those that follow each other joined by spaces."""
    text, breaks = "", 0
    for line in lines:
        if line.startswith(" "):
            raise _OtherYaml
        if line:
            text += ("\n" * breaks or (" " if text else "")) + line
            breaks = 0
        else:
            breaks += 1
    return text


def _unquoted(quotes: str) -> str:
    """The text between quotes."""
    inner = quotes[1:-1]
    if quotes[0] == "'":
        return inner.replace("''", "'")
    if "\\" not in inner:
        return inner
    return re.sub(r"\\(u....|.)", _unescaped, inner)


def _unescaped(match: re.Match[str]) -> str:
    name = match[1]
    return chr(int(name[1:], 16)) if len(name) > 1 else _ESCAPES.get(name, name)
