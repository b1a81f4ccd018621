"""Objects that a partial clone lacks, fetched in one go from the remote that promised them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from time import monotonic

from gittasks.store import git
from gittasks.store.discovery import GitDir

_REFUSED = re.compile(r"not our ref ([0-9a-f]{40,64})")
_ATTEMPTS = 3
"""Fetches of one batch: a remote names one object that it has not, and gives none of the others."""
_RESPITE = 60.0
"""Seconds after a failure in which the remote is not asked again by this process."""
_OPTIONS = (
    *("--no-tags", "--no-write-fetch-head", "--recurse-submodules=no", "--no-auto-maintenance"),
    *("--filter=blob:none", "--stdin", "--end-of-options"),
)
"""As git itself fetches what was promised; nothing but the objects comes, no ref moves."""


class Promisor:
    """The remotes of a partial clone that have what it lacks."""

    def __init__(
        self,
        place: GitDir,
        env: Mapping[str, str],
        remotes: Sequence[str],
        prohibition: Callable[[], str | None],
    ) -> None:
        self._place = place
        self._env = env
        self._remotes = remotes
        self._prohibition = prohibition
        self._absent: set[str] = set()
        self._failure: tuple[float, str] | None = None

    def fetch(self, object_ids: Sequence[str]) -> str | None:
        """Fetch objects; the reason when some of them did not come, else None."""
        if reason := self._prohibition():
            return reason
        if self._failure and monotonic() < self._failure[0] + _RESPITE:
            return self._failure[1]
        self._failure = None
        reason = None
        for remote in self._remotes:
            reason, final = self._fetch_from(remote, object_ids)
            if reason is None:
                return None
            if final:
                self._failure = (monotonic(), reason)
        return reason

    def _fetch_from(self, remote: str, object_ids: Sequence[str]) -> tuple[str | None, bool]:
        """The reason when some did not come, and whether the remote gives nothing at all."""
        absent = f"{remote} has not all of its objects either"
        for _ in range(_ATTEMPTS):
            missing = [object_id for object_id in object_ids if object_id not in self._absent]
            if not missing:
                return absent, False
            answer = self._ask(remote, missing)
            if answer is None:
                return (None if len(missing) == len(object_ids) else absent), False
            refused = set(_REFUSED.findall(answer)).intersection(missing)
            if not refused:
                return f"it cannot be fetched from {remote}: {answer}", True
            self._absent |= refused
        return absent, False

    def _ask(self, remote: str, object_ids: Sequence[str]) -> str | None:
        """Fetch from one remote; git's words when that failed."""
        import tempfile  # only what a partial clone lacks needs it

        options = [f"--git-dir={self._place.path}", *git.NO_HOOKS, "-c", "color.ui=false"]
        options += ["-c", "fetch.negotiationAlgorithm=noop"]
        with tempfile.TemporaryFile() as ids:
            ids.write("".join(f"{object_id}\n" for object_id in object_ids).encode("ascii"))
            ids.seek(0)
            answer = git.run_remote(
                [*options, "fetch", *_OPTIONS, remote],
                # git takes a path that is a URL from the top of the work tree.
                cwd=self._place.work_tree or self._place.path,
                env=git.searching(self._env),
                stdin=ids,
            )
        if answer.returncode == 0:
            return None
        return git.remote_message(answer.stderr) or "git failed without a message"
