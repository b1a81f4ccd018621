"""Markdown files that begin with a block of keys between two lines of `---`."""

from __future__ import annotations

import re
from typing import NamedTuple


class MarkdownFile(NamedTuple):
    """A file taken apart: the lines between the marks, and what follows them."""

    head: str
    body: str


def split(text: str) -> MarkdownFile | None:
    """Take a file apart; None when it does not begin with front matter."""
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").split("\n")
    if lines[0].rstrip() != "---":
        return None
    end = next((n for n, line in enumerate(lines) if n and line.rstrip() == "---"), None)
    if end is None:
        return None
    return MarkdownFile("\n".join(lines[1:end]), "\n".join(lines[end + 1 :]))


def sections_of(body: str) -> list[tuple[str, str]]:
    """The text before the first `## ` heading (under ""), then each heading with its text.

    A heading inside a code block is text.
    """
    found: list[tuple[str, list[str]]] = [("", [])]
    fence = ""
    for line in body.split("\n"):
        mark = re.match(r" {0,3}(`{3,}|~{3,})", line)
        if mark and not fence:
            fence = mark[1]
        elif fence and mark and mark[1].startswith(fence) and line.strip() == mark[1]:
            fence = ""
        elif not fence and line.startswith("## "):
            found.append((line[3:].strip(), []))
            continue
        found[-1][1].append(line)
    return [(heading, "\n".join(lines).strip("\n").rstrip()) for heading, lines in found]
