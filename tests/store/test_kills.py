"""Writing commands that are killed: what was asked holds or not, and nothing is in the way."""

from __future__ import annotations

import pytest
from support.kills import kill, survive_kills


@pytest.mark.parametrize("name", ["create", "batch", "claim", "trailers"])
def test_a_killed_command_leaves_nothing_in_the_way(
    name: str, tmp_path: object, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before a call that touches the repository, or right after it, in the half that writes."""
    assert survive_kills(
        str(tmp_path),
        name,
        lambda count: [[kill(n, after=n % 2 == 0)] for n in range(count, count // 3, -23)],
        capsys,
    )


def test_a_command_that_is_killed_twice_leaves_nothing_in_the_way(
    tmp_path: object, capsys: pytest.CaptureFixture[str]
) -> None:
    """The second time while it clears away what the first left."""
    assert survive_kills(
        str(tmp_path),
        "start",
        lambda count: [[kill(count - n), kill(count // 2 + n)] for n in (2, 5, 9)],
        capsys,
    )
