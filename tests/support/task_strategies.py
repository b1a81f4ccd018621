"""Tasks for the laws of the codec: tiny pools, and texts that YAML likes to misread."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from gittasks.core.fields import BY_NAME, FIELDS, Field, Kind
from gittasks.core.model import CodeCommit, Note, Status, Task

NASTY = (
    "no", "y", "On", "null", "~", "true", "1e3", "1.50", "0x1F", "0o17", "12:30:00", "190:20:30",
    "2026-11-22", "2026-11-22T10:00:00Z", "1_000", "-1", "+1", ".5", ".inf", "-.inf", ".NaN", "=",
    "<<", "a: b", "a:", ":a", "a #b", "#a", "# a", " a", "a ", "- a", "-", "---", "...", "? a", "?",
    "[a", "]", "{a", "}", ",", "&a", "*a", "!a", "|", ">", "%a", "@a", "`a", "'a'", '"a"', 'a "b"',
    "a\\nb", "\\", "a\tb", "\ta", "é", "日本語", "🎉 done", "👩‍👧",
    "a\u2028b", "\u202eabc", "a\u200bb",
    "\ufeffa", "a\x85b", "\x00", "\x7f", "\u00a0a\u00a0", "\U000e0041", "PHASE 1: Ask user",
    "5 issues",
    "3/7 tasks", "v1.2.3", "a:b", "http://x/y?z#w", "=======", "<<<<<<< HEAD", "%YAML 1.1",
)  # fmt: skip
LONG = (
    "a\nb", "a\n\nb", "\na", " a\nb", "a\n b", "a\nb ", "a\n  \nb", "a\n ", "\ta\nb", "a\n\tb",
    "a\r\nb", "# a\n- b\n", "a\n---\nb", "x" * 81, ("word " * 40).strip(), "a: b\nc: d",
    "a\n\n\nb\n\n",
    "a\n=======\nb", "\u2028\nb", "é\n日本語",
)  # fmt: skip
_LINE_BREAKS = "\n\r\x0b\x0c\x85\u2028\u2029"
_some_text = st.text(st.sampled_from("ab01 :#-.'\"\\\té\u2028\u202e🎉[{&!|>%\x00"), max_size=8)
words = st.one_of(st.sampled_from(NASTY), _some_text, st.text(max_size=5)).filter(
    lambda text: not any("\ud800" <= char <= "\udfff" for char in text)
)
lines = words.filter(lambda text: not any(char in text for char in _LINE_BREAKS))
texts = st.one_of(st.sampled_from(LONG), words, st.lists(words, max_size=4).map("\n".join))
long_texts = texts.map(lambda text: text.rstrip("\n"))
names = st.none() | lines.filter(bool)
ids = st.sampled_from(["p1-a", "p2-b", "1e3", "no", "2026-11-22", "123", "x"])
times = st.sampled_from(["2026-11-22T10:00:00Z", "2024-02-29T23:59:59Z", "0001-01-01T00:00:00Z"])
keys = st.one_of(st.sampled_from(["a", "b", "no", "1", "", "a b", "a:b", "<<", "é"]), words)
leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.floats(allow_nan=False, allow_infinity=False),
    texts,
)
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=6,
)


def _depth(value: object) -> int:
    if isinstance(value, dict):
        return 1 + max(map(_depth, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(_depth, value), default=0)
    return 0


shallow = values.filter(lambda value: _depth(value) <= 6)
metadata = st.dictionaries(keys, shallow, max_size=3)
notes = st.builds(
    Note, st.just("") | times, st.just("") | lines, long_texts.filter(lambda text: bool(text))
)
commits = st.builds(CodeCommit, st.sampled_from(["abcdef1", "1234567", "12e4567"]), names)
orders = st.none() | st.integers(-99, 999_999_999) | st.sampled_from([0.5, -2.25, 0.000001])


def values_of(field: Field) -> st.SearchStrategy[Any]:
    """Any value of a field that its file can hold."""
    kinds: dict[Kind, st.SearchStrategy[Any]] = {
        Kind.LINE: names,
        Kind.TEXT: st.none() | long_texts.filter(bool),
        Kind.TIME: st.none() | times,
        Kind.STATUS: st.sampled_from([*Status]),
        Kind.COUNT: st.integers(0, min(field.most, 4)),
        Kind.NUMBER: orders,
        Kind.WORDS: st.lists(
            lines.filter(lambda text: text == text.strip() != "" and "," not in text),
            max_size=3,
            unique=True,
        ).map(tuple),
        Kind.PATHS: st.lists(
            st.sampled_from(["src/*.py", "**", "no", "1e3/", "-", "é/[a-b]*"]),
            max_size=3,
            unique=True,
        ).map(tuple),
        Kind.IDS: st.lists(ids, max_size=3, unique=True).map(tuple),
        Kind.COMMITS: st.lists(commits, max_size=2).map(tuple),
        Kind.NOTES: st.lists(notes, max_size=3).map(tuple),
        Kind.MAP: metadata,
    }
    return lines.filter(str.strip) if field.name == "subject" else kinds[field.kind]


tasks = st.builds(
    lambda **fields: Task(**fields),
    id=st.just("x"),
    extra=st.dictionaries(
        keys.filter(lambda key: key != "id" and key not in BY_NAME), shallow, max_size=2
    ),
    **{field.attr: values_of(field) for field in FIELDS},
)
