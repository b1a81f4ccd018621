"""A list in the past: at a moment, or at one of its commits."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from gittasks.core.changes import diff, logged
from gittasks.core.times import format_time, parse_ahead, parse_time, parse_when
from gittasks.core.view import Moment
from gittasks.errors import Ambiguous, NotFound, Usage, Way
from gittasks.light import pattern
from gittasks.store import ancestry, git
from gittasks.store.evaluation import evaluate_past
from gittasks.store.recognition import holds_list
from gittasks.workspace import log

if TYPE_CHECKING:
    from gittasks.core.changes import Change
    from gittasks.core.history import LogEntry
    from gittasks.core.view import ListView
    from gittasks.store.list_store import ListStore
    from gittasks.store.list_version import ListVersion
    from gittasks.workspace.session import Session

_HEX = pattern(r"(?i)[0-9a-f]{4,64}")
_EXAMPLES = "2026-11-22T10:00:00Z, 2026-11-22, yesterday, 2h, or a commit that log shows"


class Past(NamedTuple):
    """A list as it was at a moment: what was said up to then, merged."""

    branch: ListVersion
    moment: Moment

    @property
    def epoch(self) -> int:
        """The moment in seconds since 1970."""
        return parse_time(self.moment.at)


class Changed(NamedTuple):
    """Differences from a moment before. `entries` tell by whom, newest first."""

    since: Moment
    changes: tuple[Change, ...]
    entries: tuple[LogEntry, ...]

    @property
    def tasks(self) -> frozenset[str]:
        """Ids of the tasks that are new or different."""
        return frozenset(c.task for c in self.changes)

    def entries_of(self, task_id: str) -> list[LogEntry]:
        """The entries about one task."""
        return [e for e in self.entries if task_id in e.tasks]


def changed(session: Session, before: Past, view: ListView) -> Changed:
    """The differences of the list as it is, or was at another moment."""
    changes = logged(diff(before.branch.snapshot, view.snapshot))
    later = before.moment.later
    new = later - view.past.later if view.past else later
    return Changed(before.moment, changes, tuple(log.log(session.store, only=new)))


def look_back(session: Session, text: str) -> Past:
    """The list at the moment or the commit that `text` names. Usage, NotFound, Ambiguous."""
    session.branch()  # NoList, with what there is instead
    store = session.store
    now = store.load_readable()
    objects = session.repository.objects
    epoch = _moment(text, session.now().epoch)
    if epoch is None:
        commit = commit_named(store, text)
        at = store.commit(commit).author.time
        cut = ancestry.cut_at_commit(objects, now.commit, commit)
    else:
        commit, at = None, epoch
        cut = ancestry.cut_at_time(objects, now.commit, epoch)
    branch = evaluate_past(session.repository, store.list_id, cut.heads, now)
    return Past(branch, Moment(format_time(at), commit, cut.later))


def _moment(text: str, now: int) -> int | None:
    try:
        epoch = parse_when(text, now, _from_local)
    except (ValueError, OverflowError) as error:
        raise Usage(f'"{text}" is no time: {error}', hint=f"give one like {_EXAMPLES}") from None
    return None if epoch is None else max(epoch, 0)


def time_ahead(session: Session, text: str) -> str:
    """The stored form of a time to come as a person writes it: a date, `tomorrow`, `2h`. Usage."""
    example = "2026-11-22T10:00:00Z, 2026-11-22, tomorrow or 2h"
    try:
        epoch = parse_ahead(text, session.now().epoch, _from_local)
        if epoch is not None:
            return format_time(epoch)
    except (ValueError, OverflowError):
        pass
    raise Usage(f'"{text}" is no time to come', hint=f"give one like {example}")


def _from_local(written: int) -> int:
    """Epoch seconds of a time that was read as UTC and is meant in the zone of this machine."""
    return int(time.mktime((*time.gmtime(written)[:8], -1)))


def commit_named(store: ListStore, text: str) -> str:
    """The commit of the list that `text` names: a full or shortened id, or as git names one."""
    if _HEX.fullmatch(text):
        known = sorted(i for i in log.commits(store) if i.startswith(text.lower()))
        if len(known) == 1:
            return known[0]
        if known:
            shown = ", ".join(i[:12] for i in known[:5])
            raise Ambiguous(
                f'"{text}" matches {len(known)} commits: {shown}',
                hint="give more of it",
                details={"candidates": known},
            )
    repository = store.repository
    args = ["rev-parse", "--verify", "--quiet", "--end-of-options", f"{text}^{{commit}}"]
    answer = git.run(args, cwd=repository.start, env=repository.env)
    commit_id = answer.stdout.decode("ascii", "replace").strip()
    if answer.returncode == 0 and _is_of_list(store, commit_id):
        return commit_id
    if answer.returncode == 0:
        raise NotFound(
            f'"{text}" is not a commit of the list "{store.list_id}"',
            ways=[Way("see its commits", ("gittasks", "log"))],
        )
    if _HEX.fullmatch(text):
        raise NotFound(
            f'no commit "{text}" in the list "{store.list_id}"',
            ways=[Way("see its commits", ("gittasks", "log"))],
        )
    raise Usage(f'"{text}" is neither a time nor a commit', hint=f"give one like {_EXAMPLES}")


def _is_of_list(store: ListStore, commit_id: str) -> bool:
    """Is a commit one of the list, be it of a history that was rewritten?"""
    if commit_id in log.commits(store):
        return True
    if not holds_list(store.repository.objects, commit_id):
        return False
    problems = store.load_at(commit_id).snapshot.problems
    return all(p.path != "list.yaml" for p in problems)  # one is that it names another list
