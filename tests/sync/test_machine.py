"""Anything may happen in clones of one hub; in the end all agree, and nothing is lost."""

from __future__ import annotations

from pathlib import Path

import machine
from hypothesis import Phase, settings

_FEW = settings(
    max_examples=12,
    stateful_step_count=12,
    phases=[Phase.generate],  # to shrink what fails takes minutes: `make deep` does
    report_multiple_bugs=False,
)


def test_whatever_happens_all_clones_agree_and_nothing_is_lost(tmp_path: Path) -> None:
    """One head everywhere, every sole write shown, no value of nobody; `make deep` tries more."""
    machine.run(str(tmp_path), _FEW)
