"""Escaping: nothing that steers a terminal or hides from a reader gets through."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gittasks.render.text import ASCII, UNICODE, clean, clean_block, indent, marks

# Tiny pool: each kind of hostile character beside ordinary ones.
POOL = st.text(
    st.sampled_from(
        list("ab →é😀\n\r\t\x00\x1b\x7f\x85\x9b\xad\u034f\u061c\u200b\u200d\u200e\u2028\u202e")
        + list("\u2060\u2066\u3164\u180b\ufe00\ufeff\ufff9\U000e0041\U000e0100\ufe0f\ud800\udcff")
    )
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("Prüfung → 完了 😀", "Prüfung → 完了 😀"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("a\nb\tc\rd", "a\\nb\\tc\\rd"),
        ("\x00\x7f\x9b", "\\x00\\x7f\\x9b"),
        ("abc\u202edcb", "abc\\u202edcb"),
        ("zero\u200bwidth\ufeff", "zero\\u200bwidth\\ufeff"),
        ("line\u2028sep\u2029", "line\\u2028sep\\u2029"),
        ("\ud800", "\\ud800"),
        ("tag\U000e0041", "tag\\U000e0041"),
    ],
)
def test_clean_shows_what_it_escapes(text: str, shown: str) -> None:
    assert clean(text) == shown


# Format characters that change what others look like or are not seen at all. The rest of
# Unicode's category Cf, such as the Arabic number sign, is drawn and may stay.
HIDDEN = {0xAD, 0x61C, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070)} | {
    *(0x34F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFEFF, 0xFFA0),  # drawn as nothing
    *range(0x180B, 0x1810),
    *range(0xFE00, 0xFE0E),  # the two after them choose how an emoji looks, and stay
    *range(0xFFF9, 0xFFFC),
    *range(0xE0000, 0xE1000),  # tags and selectors, which carry whole messages
}


def hostile(char: str) -> bool:
    return unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"} or ord(char) in HIDDEN


@given(st.one_of(POOL, st.text()))
def test_clean_leaves_one_visible_line(text: str) -> None:
    """Whatever comes in, one line that UTF-8 can hold comes out; again, and nothing changes."""
    shown = clean(text)
    assert not any(map(hostile, shown))
    assert len(shown.splitlines()) <= 1
    shown.encode()
    assert clean(shown) == shown


def test_every_bidi_control_and_hidden_character_is_escaped() -> None:
    """All of Unicode, checked once: controls, separators, surrogates, bidi and hidden formats."""
    for code in range(0x110000):
        char = chr(code)
        if hostile(char):
            assert clean(char).startswith("\\"), hex(code)
            assert clean(char).isascii(), hex(code)


@given(POOL)
def test_clean_block_keeps_only_newlines_and_tabs(text: str) -> None:
    shown = clean_block(text)
    assert not any(hostile(char) for char in shown if char not in "\n\t")
    assert shown.count("\t") == text.count("\t")
    assert clean_block(shown) == shown


def test_clean_block_takes_line_ends_of_windows() -> None:
    assert clean_block("a\r\nb\rc") == "a\nb\\rc"


@given(POOL)
def test_indent_moves_every_line(text: str) -> None:
    """No line of a block begins at the margin, where our own lines stand."""
    assert all(line.startswith("  ") or not line for line in indent(text).split("\n"))


@pytest.mark.parametrize(
    ("encoding", "expected"),
    [
        ("utf-8", UNICODE),
        ("UTF-16", UNICODE),
        ("ascii", ASCII),
        ("latin-1", ASCII),
        ("cp1252", ASCII),
        ("no-such-encoding", ASCII),
        (None, ASCII),
    ],
)
def test_marks_fit_the_encoding(encoding: str | None, expected: object) -> None:
    assert marks(encoding) == expected


@pytest.mark.parametrize("found", [UNICODE, ASCII])
def test_marks_tell_the_statuses_apart(found: tuple[str, ...]) -> None:
    """One character each and no two alike."""
    assert len(set(found[:5])) == 5
    assert all(len(mark) == 1 for mark in found[:5])


def test_fallback_marks_are_ascii() -> None:
    assert "".join(ASCII).isascii()
