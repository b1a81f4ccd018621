"""Statements of docs/merging.md and docs/claims.md, each with the tests that prove it.

`statements.txt` holds them: words of the document, and below, indented, the file of the test and
its name; a `-` where there is nothing that a test could prove.
"""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
_ABOUT_TESTS = ("How it was tested", "Words")
"""Sections that say nothing about behaviour that others do not say."""


def _statements() -> dict[str, dict[str, list[str]]]:
    """By document and statement: the lines that name tests."""
    documents: dict[str, dict[str, list[str]]] = {}
    for line in (TESTS / "statements.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("# "):
            statements = documents.setdefault(line.removeprefix("# "), {})
        elif line.startswith(" "):
            statements[next(reversed(statements))].append(line.strip())
        elif line:
            assert line not in statements, line
            statements[line] = []
    return documents


STATEMENTS = _statements()


def _blocks(name: str) -> list[str]:
    """The paragraphs, items and rows of a document, each as one line; no code, no heads."""
    text = (TESTS.parent / name).read_text(encoding="utf-8")
    blocks: list[str] = []
    for section in re.split(
        r"^## ",
        re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE),
        flags=re.MULTILINE,
    ):
        title, _, body = section.partition("\n")
        if title in _ABOUT_TESTS:
            continue
        for paragraph in body.split("\n\n"):
            items = re.split(r"\n(?=- |\d+\. |\|)", paragraph.strip("\n"))
            if items[0].startswith("|"):
                items = items[2:]
            blocks += [" ".join(item.split()) for item in items if item.strip()]
    return blocks


@cache
def _names(file: Path) -> set[str]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("name", STATEMENTS)
def test_each_paragraph_row_and_item_has_statements_that_are_proven(name: str) -> None:
    """A sentence that changes, or one more paragraph, asks for its test."""
    blocks, statements = _blocks(name), STATEMENTS[name]
    assert [s for s in statements if sum(s in block for block in blocks) != 1] == []
    assert [block for block in blocks if not any(s in block for s in statements)] == []


@pytest.mark.parametrize("name", STATEMENTS)
def test_the_tests_that_statements_name_are_there(name: str) -> None:
    """By file and function."""
    named = [line for lines in STATEMENTS[name].values() for line in lines]
    assert all(STATEMENTS[name].values())
    for line in named:
        if line != "-":
            file, test = line.split()
            assert test in _names(TESTS / file), line
