"""YAML as a tree of text with positions: nothing but text is ever constructed.

The only module that imports ruamel.yaml, and it does so inside `parse`. What a scalar means
is the business of the caller's schema. The subset is narrow on purpose: the bytes come from a
branch that anybody may have pushed, so everything that makes YAML surprising (tags, anchors,
merge keys, several documents) or slow (size, depth, number of values) is refused with a place.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple, NoReturn

from gittasks.codec import yaml_lines
from gittasks.codec.canonical import MAX_BYTES, MAX_DEPTH
from gittasks.codec.yaml_lines import Node
from gittasks.errors import InvalidData


class Limits(NamedTuple):
    """The limits of a document, checked before and while it is parsed."""

    size: int
    nodes: int


FILE_LIMITS = Limits(MAX_BYTES, 20_000)
"""For a file on a list's branch, which a stranger may have written: a second of parsing."""


_BAD_CHARACTER = "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]"
_MARKER = r"(?m)^(?:(?:<{7}|>{7}|\|{7})(?: |\r?$)|={7}\r?$)"
_DIRECTIVE = r"(?:[ \t]*(?:#[^\n]*)?\r?\n)*%"
_SURROGATE = "[\ud800-\udfff]"
_PLAIN_WORDS = {
    "mapping values are not allowed": 'unexpected ":"; text that contains ": " needs quotes',
    "found character '\\t'": "a tab cannot indent YAML; use spaces",
    "found unexpected end of stream": "a quote is opened and never closed",
    "sequence entries are not allowed": 'unexpected "- "; a list begins on a line of its own',
    "expected <block end>": "the indentation does not fit the lines above",
    "could not find expected ':'": 'a line without "key:"; text of several lines needs "|"',
}


def invalid(where: str, line: int, message: str, hint: str | None = None) -> InvalidData:
    """An error at a line of the document `where`, in the form that all readers here use."""
    problem = {"path": where, "line": line, "message": message}
    return InvalidData(message, where=f"{where}:{line}", hint=hint, details={"problems": [problem]})


def decode_text(data: bytes, where: str, size: int = MAX_BYTES) -> str:
    """The document as text without a byte order mark, once it is safe to give to a parser."""
    if len(data) > size:
        raise invalid(where, 1, f"larger than {size // 1024} KiB ({len(data)} bytes)")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise invalid(where, line, "not UTF-8 text", "save the file as UTF-8") from None
    text = text.removeprefix("\ufeff")
    if match := re.search(_MARKER, text):
        raise invalid(
            where,
            _line_of(text, match.start()),
            "a merge was left unresolved here (conflict marker)",
            "keep the lines that are right and remove the markers",
        )
    if match := re.search(_BAD_CHARACTER, text):
        code = f"{ord(match[0]):04X}"
        raise invalid(
            where,
            _line_of(text, match.start()),
            f"control character U+{code} in the text",
            f'inside double quotes it can be written "\\u{code}"',
        )
    if match := re.match(_DIRECTIVE, text):
        raise invalid(where, _line_of(text, match.end() - 1), "YAML directives are not allowed")
    return text


def parse(data: bytes, where: str, limits: Limits = FILE_LIMITS) -> Node:
    """Read one document; an empty one gives an empty mapping.

    `where` is the path that errors name. Raises InvalidData, and nothing else, for whatever
    bytes are given.
    """
    return parse_lines(data, where, limits) or parse_any(data, where, limits)


def parse_lines(data: bytes, where: str, limits: Limits = FILE_LIMITS) -> Node | None:
    """Read a document of the common kind; None when it is for `parse_any`."""
    return yaml_lines.read(decode_text(data, where, limits.size), limits.nodes)


def parse_any(data: bytes, where: str, limits: Limits = FILE_LIMITS) -> Node:
    """Read a document of any kind by the parser: forty times the work, and the same tree."""
    text = decode_text(data, where, limits.size)
    from ruamel.yaml import YAML  # 20 ms, and files of our own writing never need it
    from ruamel.yaml.error import MarkedYAMLError

    try:
        return _Builder(text, where, limits.nodes).build(YAML(typ="safe", pure=True).parse(text))
    except InvalidData:
        raise
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = str(error.problem or error.context)
        plain = next((v for k, v in _PLAIN_WORDS.items() if problem.startswith(k)), problem)
        line = mark.line + 1 if mark else 1
        raise invalid(where, min(line, _last_line(text)), f"not valid YAML: {plain}") from None
    except Exception as error:  # noqa: BLE001 - a parser fed hostile bytes may raise anything
        raise invalid(where, 1, f"not valid YAML: {type(error).__name__}: {error}") from None


class _Builder:
    """Turns the parser's events into nodes and stops at the first one that is not allowed."""

    def __init__(self, text: str, where: str, most: int) -> None:
        self.text = text
        self.most = most
        self.where = where
        self.count = 0

    def build(self, events: Iterator[Any]) -> Node:
        root: Node | None = None
        open_: list[tuple[Any, list[Node]]] = []
        for event in events:
            match type(event).__name__:
                case "ScalarEvent":
                    node = self._scalar(event)
                case "SequenceStartEvent" | "MappingStartEvent":
                    self._check(event)
                    if len(open_) == MAX_DEPTH:
                        self._fail(event, f"nested more than {MAX_DEPTH} deep")
                    open_.append((event, []))
                    continue
                case "SequenceEndEvent" | "MappingEndEvent":
                    node = self._collection(*open_.pop(), event)
                case "AliasEvent":
                    self._fail(event, "aliases (*name) are not allowed")
                case "DocumentStartEvent" if root is not None:
                    self._fail(event, "a second document; the file must hold only one")
                case _:
                    continue
            if open_:
                open_[-1][1].append(node)
            else:
                root = node
        if root is None or (root.kind == "scalar" and root.empty):
            return Node("mapping", 1, 0, 0, style="block")
        return root

    def _scalar(self, event: Any) -> Node:
        self._check(event)
        text = event.value
        if re.search(_SURROGATE, text):  # only escapes can make them; pairs are one character
            try:
                text = text.encode("utf-16", "surrogatepass").decode("utf-16")
            except UnicodeDecodeError:
                self._fail(event, "half a character (a lone surrogate escape)")
        style = event.style if event.style in ("'", '"', "|", ">") else ""
        mark, end = event.start_mark, event.end_mark.index
        return Node("scalar", mark.line + 1, mark.index, end, text, plain=not style, style=style)

    def _collection(self, event: Any, nodes: list[Node], close: Any) -> Node:
        flow = bool(event.flow_style)
        mark = event.start_mark
        kind: Literal["sequence", "mapping"] = "sequence"
        pairs: tuple[tuple[Node, Node], ...] = ()
        if type(event).__name__ == "MappingStartEvent":
            kind = "mapping"
            pairs = tuple(
                (key, self._placed(key, value))
                for key, value in zip(nodes[::2], nodes[1::2], strict=True)
            )
            self._check_keys(pairs)
        last = pairs[-1][1] if pairs else nodes[-1] if nodes else None
        end = close.end_mark.index if flow or last is None else last.end
        return Node(
            kind,
            mark.line + 1,
            mark.index,
            end,
            items=tuple(nodes) if kind == "sequence" else (),
            pairs=pairs,
            style="flow" if flow else "block",
        )

    def _placed(self, key: Node, value: Node) -> Node:
        """An omitted value put right behind its key: the parser puts it at the next token."""
        if value.plain and not value.text:
            colon = self.text.find(":", key.end)
            return value._replace(line=key.line, start=colon + 1, end=colon + 1)
        return value

    def _check_keys(self, pairs: tuple[tuple[Node, Node], ...]) -> None:
        seen: set[str] = set()
        for key, _ in pairs:
            if key.kind != "scalar":
                raise invalid(self.where, key.line, "a key must be text, not a list or a map")
            if key.plain and key.text == "<<":
                raise invalid(self.where, key.line, "merge keys (<<) are not allowed")
            if key.text in seen:
                raise invalid(self.where, key.line, f'the key "{key.text[:60]}" is there twice')
            seen.add(key.text)

    def _check(self, event: Any) -> None:
        self.count += 1
        if self.count > self.most:
            self._fail(event, f"more than {self.most} keys and values")
        if event.anchor is not None:
            self._fail(event, "anchors (&name) are not allowed")
        if event.tag is not None:
            self._fail(event, "tags (!name) are not allowed")

    def _fail(self, event: Any, message: str) -> NoReturn:
        raise invalid(self.where, event.start_mark.line + 1, message)


def _line_of(text: str, offset: int) -> int:
    return text.count("\n", 0, offset) + 1


def _last_line(text: str) -> int:
    return max(1, text.count("\n") + (not text.endswith("\n")))
