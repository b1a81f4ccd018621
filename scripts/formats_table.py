"""Write the table of commands, formats and gits into docs/platforms.md, between its two markers.

    FORMATS=FILE python -m pytest -m deep tests/store/test_days.py
    python scripts/formats_table.py FILE [--document docs/platforms.md]

FILE has a line for each run: [version of git, format of the repository, {command: it worked}].
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

BEGIN, END = "<!-- commands: begin -->", "<!-- commands: end -->"
DOCUMENT = Path(__file__).parent.parent / "docs" / "platforms.md"
FORMATS = {
    "sha1-files": "SHA-1, files",
    "sha256-files": "SHA-256, files",
    "sha1-reftable": "SHA-1, reftable",
    "sha256-reftable": "SHA-256, reftable",
}


def main() -> None:
    """Read the runs and write the document."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("runs", type=Path)
    parser.add_argument("--document", type=Path, default=DOCUMENT)
    options = parser.parse_args()
    runs = [json.loads(line) for line in options.runs.read_text("utf-8").splitlines()]
    before, rest = options.document.read_text("utf-8").split(f"{BEGIN}\n")
    after = rest.split(END)[1]
    options.document.write_text("".join([before, BEGIN, "\n", table(runs), END, after]), "utf-8")


def table(runs: Sequence[Any]) -> str:
    """A row for each command, a column for each format, the gits in the cells."""
    versions = sorted(
        {_short(run[0]) for run in runs}, key=lambda text: [*map(int, text.split("."))]
    )
    gits: dict[tuple[str, str], list[str]] = {}
    failed: dict[tuple[str, str], list[str]] = {}
    for whole, form, worked in runs:
        version = _short(whole)
        for name, fine in worked.items():
            gits.setdefault((name, form), []).append(version)
            if not fine:
                failed.setdefault((name, form), []).append(version)
    lines = [
        f"| command | {' | '.join(FORMATS.values())} |",
        "|---|" + "---|" * len(FORMATS),
    ]
    for name in runs[0][2]:
        cells = []
        for form in FORMATS:
            wrong = failed.get((name, form), [])
            right = [v for v in versions if v in gits.get((name, form), []) and v not in wrong]
            cells.append(" ".join([*right, *(f"FAILED {version}" for version in wrong)]))
        lines.append(f"| `{name}` | {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def _short(version: str) -> str:
    return ".".join(version.split(".")[:2])


if __name__ == "__main__":
    main()
