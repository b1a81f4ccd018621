"""Write the figures of a run of `make deep` into docs/reliability.md, between its two markers.

    python scripts/reliability_table.py FIGURES [--file docs/reliability.md]

FIGURES has a line for each run: [fault, how it was injected, how often, result, test]. Runs of one
fault that say the same are one row. A row that this run has not is left as it was.
"""

from __future__ import annotations

import argparse
import datetime
import json
import re
from pathlib import Path

BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
HEAD = [
    "| fault | how it is injected | count | result | run on | test |",
    "|---|---|---|---|---|---|",
]
DOCUMENT = Path(__file__).parent.parent / "docs" / "reliability.md"


def main() -> None:
    """Read both files and write the document."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("figures", type=Path)
    parser.add_argument("--file", type=Path, default=DOCUMENT)
    options = parser.parse_args()
    runs = [json.loads(line) for line in options.figures.read_text("utf-8").splitlines()]
    text = options.file.read_text("utf-8")
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    options.file.write_text(with_figures(text, runs, today), "utf-8")


def with_figures(text: str, runs: list[tuple[str, str, int, str, str]], date: str) -> str:
    """The document with the rows of some runs, the others left as they were."""
    before, rest = text.split(f"{BEGIN}\n")
    old, after = rest.split(END)
    counts: dict[tuple[str, str, str, str], int] = {}
    for fault, how, count, result, test in runs:
        key = (fault, how, result, test)
        counts[key] = counts.get(key, 0) + count
    new = {fault for fault, *_ in counts}
    rows = [row for row in rows_of(old) if row[0] not in new]
    rows += [
        [fault, how, f"{n:,}", result, date, f"`{test}`"]
        for (fault, how, result, test), n in counts.items()
    ]
    lines = [*HEAD, *(f"| {' | '.join(row)} |" for row in sorted(rows))]
    return "".join([before, BEGIN, "\n", "\n".join(lines), "\n", END, after])


def rows_of(table: str) -> list[list[str]]:
    """The cells of each row."""
    lines = [line for line in table.splitlines() if line not in HEAD]
    return [re.split(r" \| ", line.strip("| ")) for line in lines]


if __name__ == "__main__":
    main()
