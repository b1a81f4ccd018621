"""Anything may happen in clones of one hub; in the end all agree, and nothing is lost."""

from __future__ import annotations

import os
from pathlib import Path

import machine
import pytest
from hypothesis import settings
from support import GITTASKS


def test_whatever_happens_all_clones_agree_and_nothing_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One head everywhere, every sole write shown, no value of nobody; `make deep` tries more."""
    monkeypatch.setenv("PATH", os.pathsep.join((os.path.dirname(GITTASKS), os.environ["PATH"])))
    machine.run(str(tmp_path), settings(max_examples=12, stateful_step_count=12))
