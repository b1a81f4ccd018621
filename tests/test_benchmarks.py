"""The table of budgets: what its lines say of costs, and that each row is measured somewhere."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

import budgets
import growth
import measuring
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


_AROUND = "a\n<!-- make bench -->\n{}<!-- make bench -->\nz\n"
_HEAD = "| | ratio | by the clock | budget | | ms |\n|---|---|---|---|---|---|\n"


def test_rows_of_a_second_run_join_those_of_the_first(tmp_path: Path) -> None:
    """A row that is measured again is renewed, others stay, in order; what is no row goes."""
    document = tmp_path / "performance.md"
    document.write_text(_AROUND.format(f"{_HEAD}| gone: list | 1 |\n| start-up: -h | 1 |\n"))
    budgets.put_rows(document, ["| hooks: nothing to do | 2 |"])
    budgets.put_rows(document, ["| start-up: -h | 3 |", "| 20 tasks: list | 4 |"])
    rows = "| 20 tasks: list | 4 |\n| start-up: -h | 3 |\n| hooks: nothing to do | 2 |\n"
    assert document.read_text() == _AROUND.format(_HEAD + rows)


def test_the_table_of_the_manual_has_rows_of_today() -> None:
    """Every line there is the verdict on a row that is measured."""
    manual = Path(__file__).parents[1] / "docs" / "performance.md"
    _, _, *lines = measuring.between(manual, "<!-- make bench -->").splitlines()
    titles = {row.title for row in budgets.ROWS}
    assert {line.split(" | ")[0].removeprefix("| ") for line in lines} <= titles
    assert lines


def test_a_place_without_a_table_gets_one(tmp_path: Path) -> None:
    document = tmp_path / "performance.md"
    document.write_text(_AROUND.format(""))
    budgets.put_rows(document, ["| start-up: -h | 3 |"])
    assert document.read_text() == _AROUND.format(f"{_HEAD}| start-up: -h | 3 |\n")


@pytest.mark.parametrize("program", [budgets, growth])
def test_a_document_without_a_place_is_refused_before_anything_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: ModuleType
) -> None:
    document = tmp_path / "README.md"
    document.write_text("no table\n")
    monkeypatch.setattr(budgets, "ROWS", [budgets.Row("none", "none")])  # which has no group
    monkeypatch.setattr(growth, "TABLES", {"none": None})
    monkeypatch.setattr(sys, "argv", ["program", "--into", str(document)])
    with pytest.raises(SystemExit, match="has no place for a table"):
        program.main()
    assert document.read_text() == "no table\n"


@pytest.mark.parametrize(("words", "code"), [([], 0), (["--strict"], 1)])
def test_a_missed_budget_fails_a_strict_run_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: list[str], code: int
) -> None:
    """A group of which nothing could be measured says nothing between the rows of others."""
    slow = measuring.Series("slow", lambda _: [sys.executable, "-c", "print(2)"], ".", reports=True)
    groups = {"none": budgets.Group(lambda _: [], 1), "slow": budgets.Group(lambda _: [slow], 1)}
    monkeypatch.setattr(budgets, "ROWS", [budgets.Row(name, name, 1.0, ()) for name in groups])
    monkeypatch.setattr(budgets, "GROUPS", groups)
    monkeypatch.setattr(sys, "argv", ["budgets.py", *words])
    assert budgets.main() == code
    table, _, summary = capsys.readouterr().out.partition("\n\n")
    assert table.splitlines()[2:] == [
        "| slow: slow | 2.00 p | 2.00 | 1.00 | misses by 100 % | 2000.0 |"
    ]
    assert summary.startswith("1 budgets missed; ")


def test_a_command_that_fails_fails_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The other groups are measured, and the run says which one was not, and ends with 1."""
    rows = {"bad": ["sh", "-c", "echo broken >&2; exit 3"], "good": ["true"]}

    def group(name: str) -> budgets.Group:
        series = [measuring.Series(name, lambda _: rows[name], str(tmp_path))]
        return budgets.Group(lambda _: series, 1)

    monkeypatch.setattr(budgets, "ROWS", [budgets.Row(name, name, None, ()) for name in rows])
    monkeypatch.setattr(budgets, "GROUPS", {name: group(name) for name in rows})
    monkeypatch.setattr(sys, "argv", ["budgets.py"])
    assert budgets.main() == 1
    output, errors = capsys.readouterr()
    assert ("| good: good |" in output, "| bad: bad |" in output) == (True, False)
    assert "broken" in errors


def test_a_table_of_growth_takes_the_place_of_the_former(tmp_path: Path) -> None:
    """Tables that were not made again stay, in the order of the program."""
    document = tmp_path / "performance.md"
    tasks, lists = (
        "| tasks | list |\n|---|---|\n| 20 | {} |",
        "| lists | list |\n|---|---|\n| 1 | {} |",
    )
    document.write_text(f"a\n<!-- growth -->\n{lists.format(1)}\n<!-- growth -->\nz\n")
    growth.put_table(document, tasks.format(2))
    growth.put_table(document, lists.format(3))
    tables = f"{tasks.format(2)}\n\n{lists.format(3)}"
    assert document.read_text() == f"a\n<!-- growth -->\n{tables}\n<!-- growth -->\nz\n"
