"""Pauses between attempts."""

from __future__ import annotations

from gittasks.store.disk import Backoff


def test_pauses_double_up_to_the_longest() -> None:
    """However many attempts there were before."""
    backoff = Backoff(first=0.01, most=0.05, least=1.0)
    assert [backoff.seconds(i) for i in (0, 1, 2, 3, 10_000)] == [0.01, 0.02, 0.04, 0.05, 0.05]


def test_those_who_were_beaten_together_come_back_apart() -> None:
    """Each pause is drawn, and none is longer than the doubled one or shorter than its share."""
    pauses = {Backoff(first=1, most=8, least=0.5).seconds(2) for _ in range(100)}
    assert len(pauses) > 50
    assert all(2 <= pause <= 4 for pause in pauses)
