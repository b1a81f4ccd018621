"""YAML read line by line: the tree of the parser, or none."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import event, example, given, settings
from hypothesis import strategies as st
from support.task_strategies import tasks

from gittasks.codec import yaml_nodes
from gittasks.codec.canonical import MAX_DEPTH, encode_task
from gittasks.codec.yaml_nodes import Node
from gittasks.core.model import Task
from gittasks.errors import InvalidData

_COMMON = """\
x | x y | 'z' | "q" | "\\u00e9\\u0000x" | [a, b] | [a, 'b', "c"] # c | -1 | x # c | a:b | a#b |
[] | 'it''s' | ~ | 3 | "a\\nb" | é à | 2026-11-22T10:00:00Z | http://x/y?z#w | [a b , c ] | [ a ] |
"" | '' | "a" # c"""
_RARE = """\
{} | {a: b} | - | - x | ?x | :x | %a | a: b | x: | |2 | --- a | "a | 'a | = | << | \\x | #x |
[a,] | [-a] | [a: b] | [a:b] | [[a]] | [?a] | !x y | &x y | *x | "\\ud83d" | "\\ue9" | "\\q" |
[é] | @a | `a | 'a'b | "a"#b | [a]b | , | ] | } | ... | | | > | [ | """
_BELOW = (
    "x\n@  more", "x\n\n@ more", "x  \n@  y  \n\n\n@  z # c", "x\n@  # c\n", "x\n@ - y",
    "|\n@  t1\n\n@  t2", "|\n@    t1\n@     t2\n", "|-\n@  # yes\n@ # no?", "|\n@  x\n@   \n@  y",
    ">\n@   t1\n@   t2\n\n@   t3\n\n", ">-\n@ a\n@ b\n@# no", ">+ # c\n@  a\n\n\n@  b\n",
    "|+\n\n@  t1\n@  t\n\n", ">\n\n@  a\n@  b", "|\n@  a\n@    b\n\n\n", ">\n@  a\n@   b",
    '"a\n@  b"', "'a\n@  b'", "[a,\n@ b]", "|1\n@  a",
)  # fmt: skip
_KEYS = ["a", "b", "status", "'q'", '"r"', "g.h/i", "K_", "a b", "é", "'<<'", "x y"]


def _values(indent: int, odd: bool) -> st.SearchStrategy[str]:
    """Few of the rare ones: a single one is what no text is read line by line with."""
    common = _COMMON.replace("\n", " ").split(" | ")
    rare = _RARE.replace("\n", " ").split(" | ")
    below = [text.replace("@", " " * indent) for text in _BELOW]
    return st.sampled_from((*common * 24, *below * 2, *rare) if odd else common)


@st.composite
def documents(draw: st.DrawFn, indent: int = 0, depth: int = 0, *, odd: bool = True) -> str:
    """Maps and lists as people write them; `odd`: with what is rare, and slips, in some."""
    lines: list[str] = []
    pad = " " * indent
    for key in draw(st.lists(st.sampled_from(_KEYS), min_size=1, max_size=4, unique=not odd)):
        lines += draw(st.sampled_from([[], [], [], [""], ["# c"], [f"{pad}# c"], ["   "]]))
        kind = draw(st.sampled_from("vvvlm" if depth < 3 else "v"))
        if kind == "v":
            lines.append(f"{pad}{key}: {draw(_values(indent, odd))}")
            continue
        lines.append(f"{pad}{key}:" + draw(st.sampled_from(["", "", " ", " # c"])))
        if kind == "m":
            lines.append(
                draw(documents(indent + draw(st.sampled_from([2, 2, 4, 1])), depth + 1, odd=odd))
            )
            continue
        column = indent + draw(st.sampled_from([0, 2, 2, 1] if odd else [0, 2]))
        for _ in range(draw(st.integers(1, 3))):
            lines.append(" " * column + "- " + draw(_items(column, odd)))
    return "\n".join(lines)


@st.composite
def _items(draw: st.DrawFn, column: int, odd: bool) -> str:
    if draw(st.booleans()):
        return draw(_values(column, odd))
    if draw(st.integers(0, 4)) == 4:
        return f"- {draw(_items(column + 2, odd))}"
    inner = " " * (column + 2)
    lines = [f"k: {draw(_values(column + 2, odd))}", f"{inner}l: {draw(_values(column + 2, odd))}"]
    if draw(st.booleans()):
        lines += [f"{inner}m:", f"{inner}- {draw(_values(column + 2, odd))}"]
    return "\n".join(lines)


def _slow(text: str) -> Node | None:
    """The tree of the parser; None for what it refuses."""
    try:
        return yaml_nodes.parse_any(text.encode(), "x")
    except InvalidData:
        return None


def _agree(text: str) -> bool:
    """Is a text read line by line? Then the parser must say the same."""
    try:
        tree = yaml_nodes.parse_lines(text.encode(), "x")
    except InvalidData:
        return False  # of a kind that neither of the two is given
    if tree is not None:
        assert tree == _slow(text)
    return tree is not None


def _count(*texts: str) -> None:
    read = [_agree(text) for text in texts]
    event(f"read line by line: {any(read)}")


@given(documents(), st.booleans(), st.booleans())
@example("a:\n- b\n - c", False, False)
@example("a: |\n  b\n c: d", True, False)
@example("a: |\n  b", True, False)
@example("a:\n  - b\n  c: d", True, False)
@example("a: b\n  # c\n  d", True, False)
def test_a_text_means_the_same_line_by_line(text: str, ended: bool, marked: bool) -> None:
    """Values, lines, places and styles: all that the patch of a file goes by."""
    _count(("---\n" if marked else "") + text + ("\n" if ended else ""))


@given(documents(odd=False), st.data())
def test_a_slip_of_the_hand_means_the_same_line_by_line(text: str, data: st.DataObject) -> None:
    """One character is another, or is missing."""
    at = data.draw(st.integers(0, len(text) - 1))
    slips = ("", "\n", " ", ":", "#", "-", "  ", "'", '"', "]", "|", "\t")
    _count(*(f"{text[:at]}{slip}{text[at + 1 :]}\n" for slip in slips))


@given(st.text(st.sampled_from("ab: -\n#'\"[]|>,{}?&*!%\\~."), max_size=30))
def test_any_text_means_the_same_line_by_line(text: str) -> None:
    """Whatever the characters that mean something are in, a whole file or one value of it."""
    _count(text, f"a: {text}\nb: c\n", f"a: x{text}\n")


@settings(max_examples=30)
@given(tasks)
def test_files_of_ours_mean_the_same_line_by_line(task: Task) -> None:
    """Also those that this program wrote and somebody edited."""
    _count("# by hand\n" + encode_task(task).decode())


@pytest.mark.parametrize("name", ["fresh.yaml", "full.yaml"])
def test_golden_files_are_read_line_by_line(name: str) -> None:
    """The whole form that we write is of the common kind."""
    text = (Path(__file__).parent / "golden" / name).read_text(encoding="utf-8")
    assert _agree(f"---\n{text}")


@pytest.mark.parametrize("value", [*_COMMON.replace("\n", " ").split(" | "), *_BELOW[:2]])
def test_common_values_are_not_left_to_the_parser(value: str) -> None:
    """In a map, in a list, and in the map of a list."""
    assert _agree(f"a: {value}\nb:\n- {value}\n- k: {value}\n  l: 1\n".replace("@", "  "))


@pytest.mark.parametrize("block", _BELOW[5:7] + _BELOW[9:15])
def test_common_blocks_are_not_left_to_the_parser(block: str) -> None:
    """Text in blocks, kept and folded, with each way to end."""
    assert _agree(f"a: {block}\nb: c\n".replace("@", ""))


def test_limits_are_those_of_the_parser() -> None:
    """Depth and number of values: one more is for the parser to refuse."""
    nested = "".join(f"{'  ' * depth}a:\n" for depth in range(MAX_DEPTH - 1))
    deepest = f"{'  ' * (MAX_DEPTH - 1)}a: b\n"
    assert _agree(nested + deepest)
    assert yaml_nodes.read_lines(nested + deepest.replace("b", "[b]"), 100) is None
    assert (
        yaml_nodes.read_lines(f"{nested}{'  ' * (MAX_DEPTH - 1)}a:\n{'  ' * MAX_DEPTH}b: c\n", 99)
        is None
    )
    assert yaml_nodes.read_lines("a: [b, c]\n", 5)
    assert yaml_nodes.read_lines("a: [b, c]\n", 4) is None
