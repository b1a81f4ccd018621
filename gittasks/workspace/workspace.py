"""Workspace: the façade of this room, with every use case as a method.

The command line, hooks, agents' servers and programs call these, and import nothing else of this
room but the values that it exports. Each method imports its feature when it is called: a command
loads what it needs, and start-up time is the product. It is long because every use case has its
method here, and short in each.
"""

from __future__ import annotations

import os

from gittasks.errors import Notice, Way
from gittasks.light import TYPE_CHECKING
from gittasks.store.repository import Repository
from gittasks.workspace.session import ONLY, Author, Session

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from typing import Any, Self

    from gittasks.core.history import LogEntry
    from gittasks.core.imports import Wanted
    from gittasks.core.insights import Insights
    from gittasks.core.lint.rules import Finding as Advice
    from gittasks.core.merge.resolution import OpenConflict
    from gittasks.core.model import CodeCommit, ListState, Snapshot, Task
    from gittasks.core.operations import Claim, Operation
    from gittasks.core.progress import Progress
    from gittasks.core.rules import Symptom
    from gittasks.core.trailers import TaskTrailer
    from gittasks.core.view import ListView, StaleClaim
    from gittasks.store.leases import Lease
    from gittasks.store.list_version import Heads
    from gittasks.sync import SyncOptions, SyncResult
    from gittasks.workspace.claims import Claimed
    from gittasks.workspace.commit_links import Linked, Unapplied
    from gittasks.workspace.editing import EditResult
    from gittasks.workspace.life import Marked, Purged, Traces
    from gittasks.workspace.lists import ListMade, ListSummary
    from gittasks.workspace.news import Exchanged
    from gittasks.workspace.past import Changed, Past
    from gittasks.workspace.settings import SettingValue
    from gittasks.workspace.undo import Undone
    from gittasks.workspace.watch import RefWatcher


class Workspace(Session):
    """The lists of one repository. Opening it reads no list and never writes."""

    @classmethod
    def open(
        cls,
        start: str = ".",
        *,
        list_id: str | None = None,
        owner: str | None = None,
        remote: str | None = None,
        env: Mapping[str, str] | None = None,
        fetch: bool = True,
        announce: Callable[[str], None] | None = None,
    ) -> Self:
        """Open the repository around the folder `start`; NoRepository.

        `list_id` names the list at work, `owner` who acts, `remote` who decides on claims;
        without them they are chosen as the command line chooses them. `env` stands for the
        environment of the process. Without `fetch` no list that is missing is fetched, and nothing
        that a partial clone lacks; `announce` is told of work that may take long.
        """
        repository = Repository(start, dict(os.environ if env is None else env))
        repository.fetches, repository.announce = fetch, announce
        return cls(repository, list_id, owner, remote_option=remote)

    def on(self, list_id: str) -> Self:
        """This workspace with another list at work."""
        return type(self)(self.repository, list_id, self._owner_option, self.notices)

    # --- where it works ---------------------------------------------------------------------

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables by which this workspace was opened."""
        return self.repository.env

    @property
    def work_tree(self) -> str | None:
        """The folder of this worktree; None in a bare repository."""
        return self.repository.found.work_tree

    @property
    def common_dir(self) -> str:
        """The git directory that all worktrees share."""
        return self.repository.common

    def setting(self, name: str) -> str | None:
        """The value of a key in git's configuration, as git itself computes it."""
        return self.repository.config.get(name)

    def flag(self, name: str, *, default: bool = False) -> bool:
        """The value of a key in git's configuration that is yes or no."""
        return self.repository.config.flag(name, default=default)

    def remotes(self) -> list[str]:
        """Names of the repository's remotes."""
        return self.repository.remotes()

    def own_path(self, *parts: str) -> str:
        """A path of ours under the git directory that all worktrees share."""
        return os.path.join(self.repository.common, "gittasks", *parts)

    def keep(self, path: str, data: bytes) -> bool:
        """Write a file of ours that may be lost; False when it cannot be written."""
        from gittasks.store import disk

        return disk.put(path, data, self.repository.shared)

    # --- lists ------------------------------------------------------------------------------

    @property
    def branch_name(self) -> str:
        """The branch of the list at work, as git names it."""
        return self.store.ref.removeprefix("refs/heads/")

    @property
    def home_remote(self) -> str | None:
        """The remote of the list at work, if it has one."""
        return self.store.remote

    def heads(self) -> Heads:
        """The commits at which the list at work stands, here and on its remote."""
        return self.store.heads()

    def local_lists(self) -> list[str]:
        """Ids of the lists that have a branch here, in order."""
        return list(self.repository.local_lists())

    def known_lists(self) -> list[str]:
        """Ids of all lists here, local and fetched, in order."""
        return self.repository.known_lists()

    def _fetch(self, remote: str, list_id: str) -> bool:
        from gittasks.store import remotes

        return remotes.fetch_missing(self.repository, remote, list_id)

    @property
    def has_several_lists(self) -> bool:
        """True when a list is at work that could have been another one."""
        used = self.used_store is not None and self.chosen.by != ONLY
        return used and len(self.known_lists()) > 1

    def for_list(self, list_id: str | None) -> Self:
        """The workspace of a list of this repository; without an id, this one."""
        return self if list_id is None else self.select(list_id)

    def lists(self) -> list[ListSummary]:
        """All lists here, local and fetched, in order of id."""
        from gittasks.workspace import lists

        return lists.known(self)

    def mark_list(self, list_id: str, state: ListState, *, offline: bool = False) -> Marked:
        """Archive or drop a list, or open it again: on its home remote first, if that has it.

        `offline` leaves it to the next sync. Nothing is deleted, and work in it goes on.
        """
        from gittasks.workspace import life

        return life.mark(self, list_id, state, offline=offline)

    def purge_list(self, list_id: str, *, unshared: bool = False) -> Purged:
        """Delete a dropped list, here and on its home remote, if that has nothing newer.

        What only this clone has goes with `unshared` alone; else that is Refused.
        """
        from gittasks.workspace import life

        return life.purge(self, list_id, unshared=unshared)

    def settings(self, name: str | None = None) -> list[SettingValue]:
        """All settings with the values that count, or one; NotFound."""
        from gittasks.workspace import settings

        return settings.values(self, name)

    def change_setting(self, name: str, value: str | None, scope: str = "local") -> SettingValue:
        """Set a setting in a scope of git's configuration; None unsets it there.

        Raises NotFound, and Usage for a value that it cannot have.
        """
        from gittasks.workspace import settings

        return settings.change(self, name, value, scope)

    def traces(self, *, lists: bool = False) -> Traces:
        """All that is ours in this clone; the lists themselves only if they are asked for."""
        from gittasks.workspace import life

        return life.traces(self, lists=lists)

    def check_traces(self, going: Traces, *, unshared: bool = False) -> None:
        """Raise Refused where work that is nowhere else would go, unless `unshared`."""
        from gittasks.workspace import life

        life.check_traces(self, going, unshared=unshared)

    def remove_traces(self, going: Traces) -> None:
        """Remove them, whatever `check_traces` says.

        Hooks and the merge driver are not among them (`gittasks hooks uninstall`).
        """
        from gittasks.workspace import life

        life.remove_traces(self, going)

    def restore_list(self, list_id: str) -> int:
        """Bring back what was made here and is gone from a list's branch; how many operations."""
        from gittasks.workspace import damage

        return damage.restore(self, list_id)

    def forget_list(self, list_id: str) -> int:
        """Let go of what was made here and is gone from a list's branch; how many operations."""
        from gittasks.workspace import damage

        return damage.forget(self, list_id)

    def init(self, list_id: str | None, title: str | None) -> ListMade:
        """Create or adopt a list and use it from now on, here and in later commands."""
        from gittasks.workspace import lists

        return lists.init(self, list_id, title)

    def create_list(self, list_id: str, title: str | None = None) -> Self:
        """Create or adopt a list, and return the workspace in which it is at work.

        Unlike `init` this chooses it for nobody else.
        """
        from gittasks.workspace import lists

        return self.select(lists.make(self, list_id, title).id)

    def make_list_if_none(self) -> bool:
        """Make the list at work if it is not there yet; whether it was made.

        It has the name that was given for it, else that of the code branch or the folder. NoList
        when several lists are here and none was named: to make one more would be a guess.
        """
        from gittasks.workspace import lists

        return lists.make_if_none(self)

    def make_list_if_named(self) -> bool:
        """Make the list that a variable names if it is nowhere yet; True when it was made.

        NoList when one of nearly that name is here.
        """
        from gittasks.workspace import lists

        return lists.make_if_named(self)

    def use(self, list_id: str) -> str:
        """Make `list_id` the list of this worktree; returns the id as it is stored."""
        from gittasks.workspace import lists

        return lists.use(self, list_id)

    # --- reading ----------------------------------------------------------------------------

    @property
    def tasks(self) -> Mapping[str, Task]:
        """The tasks of the list as it is now, by id."""
        return self.snapshot().tasks

    def ready(self) -> list[Task]:
        """Tasks that this actor can start now, in order."""
        from gittasks.core.graph import Graph

        return Graph.of(self.snapshot()).ready(self.actor.owner)

    def progress(self) -> Progress:
        """The progress of the list: counts, phases, loops, and a summary in words."""
        return self.view().progress

    def view(self) -> ListView:
        """The list as it is now, with what there is to show of it."""
        from gittasks.core.view import ListView

        return ListView(self.snapshot(), self.now().epoch)

    # --- writing ----------------------------------------------------------------------------

    def edit(
        self,
        operations: Sequence[Operation],
        *,
        force: bool = False,
        parallel: bool = False,
        offline: bool = False,
    ) -> EditResult:
        """Apply operations, all or nothing; nothing to change makes no commit.

        Each transition is a commit of its own, what else they do is one; all become visible at
        once.

        `force` overrides the rules `blocked`, `held` and `one-in-progress` and is recorded;
        `parallel` (or `git config gittasks.parallel`) lifts the last of them. A claim, and the end
        of one, are decided by the list's remote unless `offline`.
        """
        from gittasks.workspace import editing

        return editing.edit(self, operations, force=force, parallel=parallel, offline=offline)

    def apply_plan(
        self, plan: Wanted, *, dry_run: bool = False, force: bool = False, parallel: bool = False
    ) -> EditResult:
        """Bring the list to what a plan or another tool says, at once; or only tell."""
        from gittasks.workspace import plans

        return plans.apply(self, plan, dry_run=dry_run, force=force, parallel=parallel)

    def undo(self, commit: str | None = None, *, dry_run: bool = False) -> Undone:
        """Take back the last operation of this actor, or the one of a commit, with a new commit.

        Right after an undo nothing is done. Raises NotFound when there is none, Refused when
        others have built on it or it is another owner's.
        """
        from gittasks.workspace import undo

        return undo.undo(self, commit, dry_run=dry_run)

    def redo(self, *, dry_run: bool = False) -> Undone:
        """Take back the last undo of this actor; raises as `undo` does."""
        from gittasks.workspace import undo

        return undo.redo(self, dry_run=dry_run)

    def create(self, subject: str, **fields: Any) -> Task:
        """Make a task and return it; of a loop, its first iteration.

        `fields` are those of `Create`: `id`, `blocked_by`, `description`, `phase` and so on. A
        task of that id and subject that is there already is returned as it is.
        """
        from gittasks.core.operations import Create

        return self._task_after(Create.of(_values({"subject": subject, **fields})))

    def update(self, task_id: str, **fields: Any) -> Task:
        """Change fields of a task, those of `Update`, and return it; "" clears one."""
        from gittasks.core.operations import Update

        return self._task_after(Update.of(_values({"id": task_id, **fields})))

    def note(self, task_id: str, text: str) -> Task:
        """Append a note to a task and return it."""
        from gittasks.core.operations import AddNote

        return self._task_after(AddNote(task_id, text))

    def start(self, task_id: str, *, force: bool = False, parallel: bool = False) -> EditResult:
        """Begin a task. Refused when it is blocked, held, or another is in progress."""
        return self._move("start", task_id, force=force, parallel=parallel)

    def done(
        self, task_id: str, *, result: str | None = None, end_loop: bool = False
    ) -> EditResult:
        """Complete a task, with an outcome; `end_loop` skips what is left of its loop."""
        return self._move("done", task_id, result=result, end_loop=end_loop)

    def skip(self, task_id: str, *, result: str | None = None) -> EditResult:
        """Close a task that is not needed."""
        return self._move("skip", task_id, result=result)

    def reopen(self, task_id: str) -> EditResult:
        """Make a closed task pending again."""
        return self._move("reopen", task_id)

    def release(self, task_id: str) -> EditResult:
        """Give back a task in progress."""
        return self._move("release", task_id)

    def delete(self, task_id: str) -> EditResult:
        """Delete a task; it can be restored."""
        return self._move("delete", task_id)

    def restore(self, task_id: str) -> EditResult:
        """Restore a deleted task."""
        return self._move("restore", task_id)

    def _move(
        self,
        verb: str,
        task_id: str,
        *,
        result: str | None = None,
        end_loop: bool = False,
        force: bool = False,
        parallel: bool = False,
    ) -> EditResult:
        from gittasks.core.operations import Transition, Verb

        move = Transition(Verb(verb), task_id, result=result, end_loop=end_loop)
        return self.edit([move], force=force, parallel=parallel)

    def _task_after(self, operation: Operation) -> Task:
        task = self.edit([operation]).task
        assert task is not None  # noqa: S101  an operation on one task leaves it there
        return task

    # --- claims -----------------------------------------------------------------------------

    def claim(
        self,
        wanted: Claim,
        lease_seconds: int | None = None,
        *,
        force: bool = False,
        parallel: bool = False,
        offline: bool = False,
        first: bool = False,
    ) -> Claimed:
        """Claim a task, or the next that is ready. Raises Refused, RemoteFailure."""
        from gittasks.workspace import claims

        return claims.claim(
            self,
            wanted,
            lease_seconds,
            force=force,
            parallel=parallel,
            offline=offline,
            first=first,
        )

    def wait_until_ready(self, seconds: float | None) -> bool:
        """Wait until something may be ready for this actor; False when the time is over."""
        from gittasks.workspace import claims

        return claims.wait(self, seconds)

    def claim_words(self, task: Task, claimed: Claimed) -> str:
        """The holder of a task that was claimed, and the repository that granted it, in words."""
        from gittasks.workspace import claims

        return claims.describe_claims(self, task, claimed)

    def heartbeat(self, task_id: str | None = None) -> tuple[Lease, tuple[str, ...]]:
        """Renew my lease; returns it and the tasks that were lost since. NotFound without one."""
        from gittasks.workspace import claims

        return claims.heartbeat(self, task_id)

    def stale_claims(self, snapshot: Snapshot) -> list[StaleClaim]:
        """Tasks whose holders have not been heard of for a whole lease, if there are leases."""
        folder = os.path.join(self.repository.common, "gittasks", "leases")
        if not os.path.isdir(folder) and not self.repository.refs.below("refs/gittasks/leases/"):
            return []
        from gittasks.workspace import claims

        return claims.stale_claims(self, snapshot)

    def claim_notices(self) -> list[Notice]:
        """The outcome of claims that were made without asking the remote, if there are any."""
        store = self.used_store
        if store is None or not os.path.exists(store.tentative_path):
            return []
        from gittasks.workspace import claims

        return claims.notices(self)

    def forget_lost_claim(self, task_id: str) -> bool:
        """Tell no more of a claim that was made without asking the remote, and lost."""
        if not os.path.exists(self.store.tentative_path):
            return False
        from gittasks.workspace import claims

        return claims.forget_lost(self, task_id)

    # --- history ----------------------------------------------------------------------------

    def log(self, task_id: str | None = None, **which: Any) -> list[LogEntry]:
        """The history, newest first; of one task, or of the whole list.

        `which`: at most `limit`; of the commits `only`; of all `without` some.
        """
        from gittasks.workspace.log import log

        return log(self.store, task_id, **which)

    def look_back(self, text: str) -> Past:
        """The list at the moment or the commit that `text` names. Usage, NotFound, Ambiguous."""
        from gittasks.workspace import past

        return past.look_back(self, text)

    def time_ahead(self, text: str) -> str:
        """The stored form of a time to come, as in `2026-12-01`, `tomorrow` or `2h`. Usage."""
        from gittasks.workspace import past

        return past.time_ahead(self, text)

    def changed(self, before: Past, view: ListView) -> Changed:
        """The difference between the list then and in `view`, as it is or was at another moment."""
        from gittasks.workspace import past

        return past.changed(self, before, view)

    def follow(self, fetch_every: float | None = None) -> RefWatcher:
        """The list as it changes; its remote is asked as well every `fetch_every` seconds."""
        from gittasks.workspace.watch import RefWatcher

        return RefWatcher(self, fetch_every)

    def elsewhere_notices(self) -> list[Notice]:
        """A sentence for each remote beside the home that has changes which are not here."""
        from gittasks.store import home

        if not home.heads_elsewhere(self.repository, self.list_id):
            return []
        from gittasks.workspace import news

        names = news.unseen_elsewhere(self.store)
        words = "holds changes that are not here; to merge"
        return [Way(f"{name} {words}", ("gittasks", "pull", name)) for name in names]

    # --- sharing ----------------------------------------------------------------------------

    def sync(self, remote: str | None = None) -> SyncResult:
        """Bring the list at work and its remote in line. NoRemote, RemoteFailure."""
        from gittasks.sync import SyncOptions

        (synced,) = self.exchange(SyncOptions(fetch=True, push=True), remote)
        if synced.error:
            raise synced.error
        return synced

    def exchange(
        self, wish: SyncOptions, remote: str | None = None, *, all_lists: bool = False
    ) -> list[SyncResult]:
        """Exchange the list at work, or all lists, with a remote: fetch, push or both.

        What is wrong with one list is in its value and stops no other.
        """
        from gittasks.workspace import sharing

        return sharing.exchange(self, wish, remote, all_lists=all_lists)

    def exchanged(self, synced: SyncResult, most: int | None = None) -> Exchanged:
        """The history, the conflicts and the troubles behind one list that was exchanged.

        Of what came in and what went out the last `most` are read, or all.
        """
        from gittasks.workspace import news

        return news.exchanged(self, synced, most)

    def conflicts(self) -> list[OpenConflict]:
        """Concurrent writes that differ and were not written over since, by task."""
        from gittasks.workspace import conflicts

        return conflicts.conflicts(self)

    def keep_conflicts(self, task_id: str | None = None) -> int:
        """Settle conflicts in favour of what stands, of one task or of all; how many."""
        from gittasks.workspace import conflicts

        return conflicts.accept_value(self, task_id)

    # --- commits of the code ------------------------------------------------------------------

    def link(
        self, commit: CodeCommit, mentions: Sequence[TaskTrailer], *, copied: bool = False
    ) -> list[Linked]:
        """Link a commit to the tasks that it names and move them, in each list at once."""
        from gittasks.workspace import commit_links

        return commit_links.link(self, commit, mentions, copied=copied)

    def link_late(
        self,
        commit: CodeCommit,
        mention: TaskTrailer,
        author: Author,
        operation_id: str,
        *,
        moves: bool,
    ) -> Linked:
        """Link a commit that no hook saw to a task, and with `moves` move it, for its author."""
        from gittasks.workspace import commit_links

        return commit_links.link_late(self, commit, mention, author, operation_id, moves=moves)

    def relink(self, renamed: Mapping[str, CodeCommit]) -> list[Linked]:
        """Let links to commits that were rewritten point to what they are now, in all lists."""
        from gittasks.workspace import commit_links

        return commit_links.relink(self, renamed)

    def unapplied(self) -> list[Unapplied]:
        """Trailers of code commits that could not be applied, oldest first."""
        from gittasks.workspace import commit_links

        return commit_links.read(self.repository)

    def note_unapplied(self, rows: Sequence[Unapplied]) -> bool:
        """Remember more of what could not be done; False without a place for it."""
        from gittasks.workspace import commit_links

        return commit_links.add(self.repository, rows)

    def forget_unapplied(self, rows: Collection[Unapplied]) -> None:
        """Remember no more that these could not be done."""
        from gittasks.workspace import commit_links

        commit_links.forget(self.repository, rows)

    # --- upkeep -------------------------------------------------------------------------------

    def lint(
        self, snapshot: Snapshot, only: Collection[str] = (), ignore: Collection[str] = ()
    ) -> list[Advice]:
        """Advice by the rules of good lists; Usage when one is named that there is not."""
        from gittasks.workspace import lint as lint_

        return lint_.lint(self, snapshot, only, ignore)

    def insights(self, since: str | None = None, *, people: bool = False) -> Insights:
        """Losses of time in the work on the list; Usage, NotFound, Ambiguous for `since`.

        Whoever is no agent stands as "a person", unless `people`.
        """
        from gittasks.workspace import insights

        return insights.insights(self, since, people=people)

    def doctor(self, *, fix: bool = False) -> list[Symptom]:
        """Troubles of the lists here; `fix` mends what it can."""
        from gittasks.workspace import doctor

        return doctor.examine(self, fix=fix)


def _values(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Values for an operation, which holds tuples where a caller may give any sequence."""
    return {k: tuple(v) if isinstance(v, (list, set)) else v for k, v in fields.items()}
