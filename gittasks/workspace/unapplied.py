"""What commits of the code said of tasks and could not be done, until it is seen to.

Kept beside the caches under the common git directory: it is about the commits of this clone.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Sequence
from typing import NamedTuple

from gittasks.core.mentions import Mention, parse
from gittasks.core.model import Status
from gittasks.errors import Usage
from gittasks.store import disk
from gittasks.store.repository import Repository

_MOST = 500
"""Entries that are read: a file that went on growing would be of no help to anybody."""


class Unapplied(NamedTuple):
    """A commit of the code, the list and the trailer that it names a task with, and why not."""

    sha: str
    subject: str
    list_id: str
    trailer: str
    why: str

    @property
    def request(self) -> tuple[str, str, str, str]:
        """What was asked for and where; why it could not be done does not count."""
        return self.sha, self.subject, self.list_id, self.trailer

    @property
    def mention(self) -> Mention | None:
        """What the trailer asks for, None when that cannot be told."""
        try:
            return parse(self.trailer)
        except Usage:
            return None

    def is_over(self, status: Status) -> bool:
        """Whether a task in this state has what was asked for, in whatever way that came."""
        wanted = self.mention.status if self.mention else None
        return status is wanted if wanted else status is not Status.PENDING


def _path(repository: Repository) -> str:
    return os.path.join(repository.common, "gittasks", "unapplied")


def read(repository: Repository) -> list[Unapplied]:
    """All entries, oldest first, each once; what cannot be read is passed over."""
    try:
        lines = disk.read(_path(repository)).decode("utf-8", "replace").splitlines()
    except OSError:
        return []
    found: dict[tuple[str, ...], Unapplied] = {}
    for line in lines[-_MOST:]:
        try:
            row = Unapplied(*json.loads(line))
        except (ValueError, TypeError):
            continue
        if all(isinstance(part, str) for part in row):
            found[row.request] = row
    return list(found.values())


def add(repository: Repository, rows: Sequence[Unapplied]) -> None:
    """Remember more of them; without a place for it they are only told."""
    if not rows:
        return
    data = "".join(json.dumps(row) + "\n" for row in rows).encode()
    path = _path(repository)
    try:
        disk.make_folders(os.path.dirname(path), repository.shared)
        # Appended in one write, so that two hooks at once both stand there.
        handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
        try:
            os.write(handle, data)
        finally:
            os.close(handle)
    except OSError:
        return


def forget(repository: Repository, rows: Collection[Unapplied]) -> None:
    """Drop these."""
    gone = {row.request for row in rows}
    before = read(repository)
    left = [row for row in before if row.request not in gone]
    if len(left) == len(before):
        return
    if left:
        data = "".join(json.dumps(row) + "\n" for row in left)
        disk.put(_path(repository), data.encode(), repository.shared)
    else:
        disk.remove(_path(repository))
