"""The table of faults in docs/reliability.md: written by the deep runs, whole, and not by hand."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path
from typing import get_args

from support import figures

ROOT = Path(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DOCUMENT = ROOT / "docs" / "reliability.md"
SCRIPT = ROOT / "scripts" / "reliability_table.py"


def _rows(text: str) -> list[list[str]]:
    table = text.split("<!-- figures: begin -->\n")[1].split("<!-- figures: end -->")[0]
    return [line.strip("| ").split(" | ") for line in table.splitlines()[2:]]


def test_each_fault_was_injected_and_is_in_the_table() -> None:
    """How, how often, with what result and when; no row is of a fault that no run injects."""
    rows = _rows(DOCUMENT.read_text("utf-8"))
    assert {row[0] for row in rows} == set(get_args(figures.Fault))
    for _, how, count, result, date, test in rows:
        path, _, name = test.strip("`").partition("::")
        assert f"def {name}(" in (ROOT / path).read_text("utf-8")
        assert how
        assert result
        assert int(count.replace(",", "")) > 0
        assert date >= "2026-11-01"


def test_each_fault_of_the_table_has_a_run() -> None:
    """Each row is the name of a figure that some test records."""
    texts = {
        node.value
        for path in ROOT.glob("tests/*/test_*.py")
        if "record(" in (code := path.read_text("utf-8"))
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert set(get_args(figures.Fault)) <= texts


def test_the_script_replaces_the_rows_of_a_run_alone(tmp_path: Path) -> None:
    """Counts of one fault are summed; a fault that was not injected keeps its row."""
    document, runs = tmp_path / "reliability.md", tmp_path / "figures"
    document.write_text(DOCUMENT.read_text("utf-8"), "utf-8")
    runs.write_text('["a kill", "so", 3, "well", "t"]\n["a kill", "so", 1000, "well", "t"]\n')
    subprocess.run([sys.executable, SCRIPT, runs, "--file", document], check=True)
    before, after = (_rows(path.read_text("utf-8")) for path in (DOCUMENT, document))
    assert [row for row in after if row[0] != "a kill"] == [r for r in before if r[0] != "a kill"]
    (row,) = [row for row in after if row[0] == "a kill"]
    assert [*row[1:4], row[5]] == ["so", "1,003", "well", "`t`"]
