"""Remotes for the tests of sharing, by each transport."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from support import transports
from support.transports import Remote


@pytest.fixture
def bare(tmp_path: object) -> str:
    """Path of an empty bare repository that takes pushes."""
    return transports.bare(os.path.join(str(tmp_path), "remote.git"))


@pytest.fixture(params=transports.TRANSPORTS)
def remote(
    request: pytest.FixtureRequest, bare: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Remote]:
    """An empty remote, once by each transport; git finds in its environment what it needs."""
    with transports.TRANSPORTS[request.param](bare) as remote:
        for name, value in remote.env.items():
            monkeypatch.setenv(name, value)
        yield remote
