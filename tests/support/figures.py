"""Figures of long runs, for the table of docs/reliability.md: `scripts/reliability_table.py`."""

from __future__ import annotations

import json
import os
from typing import Literal

Fault = Literal[
    "an error of the system",
    "a git that fails",
    "a kill",
    "two kills",
    "an error after a kill",
    "a series with a fault in each command",
    "a series of processes with kills",
    "a kill at a system call of a start",
    "a kill at a random moment, beside gc",
    "16 writers at once",
    "16 writers beside gc and pack-refs",
    "16 writers beside repack and pack-refs",
    "objects that git removes beside a write",
    "8 writers beside all that removes objects",
    "8 processes in 4 clones that sync at once",
    "20 processes in 20 clones that sync at once",
    "8 MCP servers beside hooks and commands",
    "wrong clocks",
]
"""The rows of the table."""


def record(fault: Fault, how: str, count: int, result: str) -> None:
    """Show what a run found, and add it with its test to the file FIGURES, if there is one."""
    print(f"\n{fault}, {how}: {count}, {result}")  # noqa: T201
    if path := os.environ.get("FIGURES"):
        test = os.environ["PYTEST_CURRENT_TEST"].partition(" ")[0].partition("[")[0]
        with open(path, "a", encoding="utf-8") as file:
            file.write(json.dumps([fault, how, count, result, test]) + "\n")
