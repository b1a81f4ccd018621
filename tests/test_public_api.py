"""What `from gittasks import …` gives."""

from __future__ import annotations

import pytest

import gittasks


def test_every_public_name_is_there() -> None:
    """All names of `__all__` load, and no other does."""
    assert [getattr(gittasks, name).__name__ for name in gittasks.__all__] == gittasks.__all__
    with pytest.raises(AttributeError, match="nothing"):
        gittasks.nothing  # noqa: B018
