"""Commands one after the other, each with a fault, and the history judged after each."""

from __future__ import annotations

from support import gits
from support.series import as_process, in_process, run_series


@gits.files_only
def test_what_commands_with_faults_say_is_in_the_history(tmp_path: object) -> None:
    """An error of the system at some call of each command, none repaired before the next."""
    tally = run_series(str(tmp_path), 120, in_process, seed=4)
    assert tally["struck"] > 90
    assert tally["done"] > 50


@gits.files_only
def test_what_killed_commands_did_is_in_the_history_or_not(tmp_path: object) -> None:
    """Processes that end at some call leave all of what was asked or nothing."""
    tally = run_series(str(tmp_path), 40, as_process, seed=4)
    assert tally["killed"] > 15
