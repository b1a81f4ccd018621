"""The table of budgets: what its lines say of costs, and that each row is measured somewhere."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

import budgets
from measuring import Cost


@pytest.mark.parametrize(
    ("row", "line", "missed"),
    [
        (budgets.Row("g", "x", 3.0), "| g: x | 2.00 p | 1.00 | 3.00 | within | 10.0 |", False),
        (budgets.Row("g", "x"), "| g: x | 2.00 p | 1.00 |  |  | 10.0 |", False),
        (
            budgets.Row("g", "x", 1.0, minus=("y",)),
            "| g: x | 1.50 p | 0.50 | 1.00 | misses by 50 % | 10.0 |",
            True,
        ),
        (
            budgets.Row("g", "x", 1.5, ("y",), plus=((2.0, "python -c pass"),), unit="× y"),
            "| g: x | 4.00 × y | 2.00 | 5.50 | within | 10.0 |",
            False,
        ),
        (
            budgets.Row("g", "x", 0.005, (), unit="s", by_clock=True),
            "| g: x | 0.01 s | 0.01 | 0.01 | misses by 100 % | 10.0 |",
            True,
        ),
    ],
)
def test_a_line_says_the_ratio_and_the_verdict(row: budgets.Row, line: str, missed: bool) -> None:
    """Processor time decides, or the clock; a base, what is taken off and what is granted count."""
    costs = {
        "python -c pass": Cost(0.010, 0.010),
        "x": Cost(0.020, 0.010),
        "y": Cost(0.005, 0.005),
    }
    assert budgets.verdict(row, costs) == (line, missed)


def test_a_row_without_figures_has_no_line() -> None:
    """What is not installed is not measured, and keeps no budget."""
    assert budgets.verdict(budgets.Row("g", "absent"), {"python -c pass": Cost(1, 1)}) is None


def test_every_row_has_a_group_and_every_group_rows() -> None:
    """No row is passed over, no group measured for nothing."""
    assert {row.group for row in budgets.ROWS} == set(budgets.GROUPS)
    names = [(row.group, row.name) for row in budgets.ROWS]
    assert len(set(names)) == len(names)


def test_the_table_of_a_document_is_replaced(tmp_path: Path) -> None:
    """What stands around the two marks stays."""
    document = tmp_path / "performance.md"
    document.write_text("a\n<!-- make bench -->\nold\n<!-- make bench -->\nz\n")
    for table in ("new", "newer"):
        budgets.replace_table(document, table)
    assert document.read_text() == "a\n<!-- make bench -->\nnewer\n<!-- make bench -->\nz\n"
