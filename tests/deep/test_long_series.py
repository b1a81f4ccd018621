"""Many thousand commands on lists, each with a fault: see `support.series`."""

from __future__ import annotations

import os
from random import SystemRandom

import pytest
from support import figures
from support.series import as_process, in_process, run_series

pytestmark = [pytest.mark.deep, pytest.mark.timeout(4 * 3600)]

OPERATIONS = int(os.environ.get("GITTASKS_OPERATIONS", "100000"))
PROCESSES = int(os.environ.get("GITTASKS_PROCESSES", "5000"))
SEED = int(os.environ.get("GITTASKS_SEED") or SystemRandom().randrange(2**32))

_TRUE = "each said what is in the history, all that was there stays, `fsck --strict` clean"


def test_no_fault_in_process_loses_or_hides_anything(tmp_path: object) -> None:
    """An error of the system at a call drawn by chance, or a disk that is full from there on."""
    print(f"seed {SEED}")  # noqa: T201  also of a run that fails
    tally = run_series(str(tmp_path), OPERATIONS, in_process, SEED)
    print(dict(tally))  # noqa: T201
    assert tally["struck"] * 5 > OPERATIONS * 4
    assert tally["done"] > OPERATIONS // 2
    errors = "EIO, ENOSPC, EACCES, EMFILE, EROFS, ENOENT"
    how = f"250 on a list; {errors} at a call, or a full disk from it on"
    figures.record("a series with a fault in each command", how, OPERATIONS, _TRUE)


def test_no_fault_of_a_process_loses_or_hides_anything(tmp_path: object) -> None:
    """A process for each command: seven in ten are to be killed at a call, the others fail."""
    print(f"seed {SEED}")  # noqa: T201  also of a run that fails
    tally = run_series(str(tmp_path), PROCESSES, as_process, SEED)
    print(dict(tally))  # noqa: T201
    assert tally["killed"] * 2 > PROCESSES
    how = "a process for each command; more than half are killed at a call, the others fail at one"
    figures.record("a series of processes with kills", how, PROCESSES, _TRUE)
