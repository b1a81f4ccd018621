"""Pauses between attempts after a lost race."""

from __future__ import annotations

import time
from typing import NamedTuple


class Backoff(NamedTuple):
    """Pauses in seconds: the longest one doubles from `first` with each attempt, up to `most`.

    Each is drawn between `least` (a share of that) and the whole of it, so that those who were
    beaten together do not come back together.
    """

    first: float
    most: float
    least: float = 0.0

    def seconds(self, attempt: int) -> float:
        """The pause after an attempt; they are counted from 0."""
        import random  # third of a millisecond, and only for those that were beaten

        longest = min(self.first * 2 ** min(attempt, 32), self.most)
        return random.uniform(longest * self.least, longest)  # noqa: S311  jitter, not a secret

    def wait(self, attempt: int) -> None:
        """Sleep for that long."""
        time.sleep(self.seconds(attempt))
