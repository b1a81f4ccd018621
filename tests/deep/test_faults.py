"""Errors of the system at every call of every writing command: see `support.faults`."""

from __future__ import annotations

import errno

import pytest
from support.faults import CASES, Fault, keep_the_law

_ERRORS = (errno.EIO, errno.ENOSPC, errno.EACCES, errno.EMFILE, errno.EROFS, errno.ENOENT)


@pytest.mark.deep
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("number", _ERRORS, ids=errno.errorcode.get)
def test_every_call_may_fail(
    name: str, number: int, tmp_path: object, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each call once before it is done, and once after, as a network disk loses answers."""

    def all_calls(count: int) -> list[Fault]:
        return [Fault(n, number, lost) for n in range(1, count + 1) for lost in (False, True)]

    assert keep_the_law(str(tmp_path), name, all_calls, capsys) > 30
