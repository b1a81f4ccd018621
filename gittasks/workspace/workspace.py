"""Workspace: one repository and the list at work in it; every command is a few calls on this."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from gittasks.core.graph import Graph
from gittasks.core.model import Actor, Snapshot
from gittasks.errors import GittasksError, NoList, Refused
from gittasks.store.layout import Branch
from gittasks.store.list_store import ListStore
from gittasks.store.repository import Repository
from gittasks.workspace import choice

if TYPE_CHECKING:
    from gittasks.core.arrivals import Wanted
    from gittasks.core.edit import Edit
    from gittasks.core.history import LogEntry
    from gittasks.core.operations import Context, Operation
    from gittasks.core.view import StaleClaim
    from gittasks.sync import Synced, Wish
    from gittasks.workspace.audit import Undone
    from gittasks.workspace.doctor import Finding
    from gittasks.workspace.lists import ListSummary
    from gittasks.workspace.sharing import OpenConflict


ApplyTo = Callable[["Branch", "Context"], "tuple[Edit, tuple[str, ...]]"]
"""Computes an edit of the list as it is at that moment, with sentences about it."""


class _Fenced(Exception):
    """The remote has to agree to what was about to be written."""


class Report(NamedTuple):
    """What an edit did. `commit` is None when there was nothing to change."""

    edit: Edit
    commit: str | None
    notes: tuple[str, ...] = ()
    """Sentences about what a plan names and the list keeps as it is."""

    @property
    def graph(self) -> Graph:
        """Dependencies after the edit."""
        return Graph.of(self.edit.after)


class Workspace:
    """The lists of one repository. Opening it reads no list and never writes."""

    def __init__(
        self,
        start: str = ".",
        *,
        list_id: str | None = None,
        owner: str | None = None,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.repository = Repository(start, dict(os.environ if env is None else env))
        self.notices: list[str] = []
        """Hints that came up on the way, for whoever talks to the user."""
        self.list_option = list_id
        """The list that was named for this workspace, if one was."""
        self._owner_option = owner

    @cached_property
    def chosen(self) -> choice.ChosenList:
        """The list at work; NoList when none was named and several or none exist."""
        return choice.choose_list(self.repository, self.list_option)

    @cached_property
    def actor(self) -> Actor:
        """Who acts in this process."""
        return choice.choose_actor(self.repository, self._owner_option)

    @cached_property
    def store(self) -> ListStore:
        """The branch of the list at work."""
        return ListStore(self.repository, self.chosen.id)

    @property
    def list_id(self) -> str:
        """Id of the list at work."""
        return self.chosen.id

    def branch(self) -> Branch:
        """The list as it is now, with the commit it was read from."""
        try:
            return self.store.load()
        except NoList:
            raise choice.no_such_list(self.repository, self.chosen) from None

    def snapshot(self) -> Snapshot:
        """The list as it is now."""
        return self.branch().snapshot

    def now(self) -> choice.Moment:
        """This instant, or the one that GIT_AUTHOR_DATE names."""
        return choice.current_moment(self.repository)

    def edit(
        self,
        operations: Sequence[Operation],
        *,
        force: bool = False,
        parallel: bool = False,
        offline: bool = False,
    ) -> Report:
        """Apply operations as one commit, all or nothing; nothing to change makes no commit.

        `force` overrides the rules `blocked`, `held` and `one-in-progress` and is recorded;
        `parallel` (or `git config gittasks.parallel`) lifts the last of them. A claim, and the end
        of one, are decided by the list's remote unless `offline`.
        """
        remote = None if offline else self.store.remote
        try:
            made = self._edit(operations, remote, force=force, parallel=parallel)
        except Refused as refusal:
            from gittasks.workspace.claiming import keep_result

            raise keep_result(self, operations, refusal) from None
        if not made.edit.made:
            self._check_lost(operations, made)
        return made

    def _edit(
        self,
        operations: Sequence[Operation],
        remote: str | None,
        *,
        force: bool,
        parallel: bool,
    ) -> Report:
        from gittasks.core.edit import apply  # what only writes need is loaded when one is made
        from gittasks.core.operations import Claim

        claims = any(isinstance(op, Claim) for op in operations)

        def apply_to(branch: Branch, context: Context) -> tuple[Edit, tuple[str, ...]]:
            wanted = operations
            if claims and remote:
                from gittasks.workspace.claiming import granted

                known = granted(self, branch)
                wanted = [
                    op._replace(granted=known) if isinstance(op, Claim) else op for op in wanted
                ]
            try:
                return apply(branch.snapshot, wanted, context), ()
            except GittasksError as error:
                if len(operations) == 1:
                    error.details.pop("operation", None)
                raise

        if claims and remote:
            return self._write(apply_to, publish_to=remote, force=force, parallel=parallel)
        return self._fenced_write(apply_to, remote, force=force, parallel=parallel)

    def _fenced_write(
        self,
        apply_to: ApplyTo,
        remote: str | None,
        *,
        force: bool,
        parallel: bool,
        plan: str | None = None,
    ) -> Report:
        """Write here; or where the remote decides, when that has to agree to what is written."""
        try:
            return self._write(
                apply_to, fence=remote is not None, force=force, parallel=parallel, plan=plan
            )
        except _Fenced:
            return self._write(
                apply_to, publish_to=remote, force=force, parallel=parallel, plan=plan
            )

    def _check_lost(self, operations: Sequence[Operation], made: Report) -> None:
        """Tell who finishes a task that another finished under a later claim."""
        from gittasks.core.operations import Transition, Verb

        for op, task_id in zip(operations, made.edit.focus, strict=True):
            task = made.edit.after.tasks.get(task_id)
            if isinstance(op, Transition) and op.verb is Verb.DONE and task and task.claim:
                from gittasks.core.rules import lost_lease
                from gittasks.workspace.claiming import lost

                if lost(self, task):
                    raise lost_lease(task)

    def apply_plan(
        self, plan: Wanted, *, dry_run: bool = False, force: bool = False, parallel: bool = False
    ) -> Report:
        """Bring the list to what a plan or another tool says, as one commit; or only tell."""
        from gittasks.core.arrivals import bring
        from gittasks.core.edit import between

        def apply_to(branch: Branch, context: Context) -> tuple[Edit, tuple[str, ...]]:
            made = bring(plan, branch.snapshot, context)
            return between(branch.snapshot, made.snapshot, forced=made.forced), made.notes

        if dry_run:
            context = self._context(self.now(), force=force, parallel=parallel)
            edit, notes = apply_to(self.branch(), context)
            return Report(edit, None, notes)
        name = os.path.basename(plan.where)
        remote = self.store.remote
        return self._fenced_write(apply_to, remote, force=force, parallel=parallel, plan=name)

    def _context(self, moment: choice.Moment, *, force: bool, parallel: bool) -> Context:
        from gittasks.core.operations import Context

        parallel = parallel or self.repository.config.flag("gittasks.parallel")
        entropy = int.from_bytes(os.urandom(8))
        return Context(moment.text, self.actor, entropy, parallel, force)

    def _write(
        self,
        apply_to: ApplyTo,
        *,
        publish_to: str | None = None,
        fence: bool = False,
        force: bool = False,
        parallel: bool = False,
        plan: str | None = None,
        undo_of: str | None = None,
    ) -> Report:
        from gittasks.core.messages import commit_message
        from gittasks.store import transaction

        moment = self.now()
        context = self._context(moment, force=force, parallel=parallel)
        people, hint = choice.signatures(self.repository, moment)
        operation_id = os.urandom(10).hex()
        done: list[tuple[Edit, tuple[str, ...]]] = []

        def propose(branch: Branch) -> transaction.Proposal | None:
            edit, notes = apply_to(branch, context)
            done[:] = [(edit, notes)]
            if not edit.made:
                return None
            if any(t.claim for i in edit.changed if (t := edit.before.tasks.get(i))):
                from gittasks.workspace import claiming

                if fence and claiming.is_fenced(branch, edit):
                    raise _Fenced
                if not force and undo_of is None:
                    claiming.check_not_lost(self, edit)
            message = commit_message(
                self.list_id, edit, self.actor, operation_id, undo_of=undo_of, plan=plan
            )
            return transaction.Proposal(edit.after, message)

        if publish_to:
            from gittasks.sync.publish import publish

            written = publish(self.store, publish_to, propose, people)
        else:
            if self.store.head() is None:
                raise choice.no_such_list(self.repository, self.chosen)
            written = transaction.update(self.store, propose, people)
        edit, notes = done[0]
        if written.commit is None:
            return Report(edit, None, notes)
        from gittasks.workspace import audit

        audit.remember(self.store, written.commit, edit.before, edit.after)
        if hint:
            self.notices.append(hint)
        for folder in written.lagging:
            self.notices.append(
                f"{folder} has this branch checked out and could not be brought along; "
                f"before you commit there, see: git -C {folder} status"
            )
        return Report(edit, written.commit.id, notes)

    def undo(self) -> Undone:
        """Take back the last operation of this actor with a new commit.

        Raises NotFound when there is none, Refused when others have built on it.
        """
        from gittasks.core.edit import between
        from gittasks.core.undo import take_back
        from gittasks.workspace import audit

        target = audit.last_operation(self)
        if self.store.load().contested:
            from gittasks.workspace import sharing

            sharing.check_uncontested(self.store, target.id)
        before = self.store.load_at(target.parents[0])
        after = self.store.load_at(target.id, before)

        def apply_to(branch: Branch, _context: Context) -> tuple[Edit, tuple[str, ...]]:
            made = take_back(before.snapshot, after.snapshot, branch.snapshot)
            return between(branch.snapshot, made), ()

        report = self._write(apply_to, undo_of=target.id)
        return audit.Undone(target.id, target.message.partition("\n")[0], report)

    def sync(
        self, wish: Wish, remote: str | None = None, *, all_lists: bool = False
    ) -> list[Synced]:
        """Exchange the list at work, or all lists, with a remote; see `gittasks.sync`."""
        from gittasks.workspace import sharing

        return sharing.sync(self, wish, remote, all_lists=all_lists)

    def conflicts(self) -> list[OpenConflict]:
        """What was written concurrently and differently, and not again since, by task."""
        from gittasks.workspace import sharing

        return sharing.conflicts(self)

    def claim_notices(self) -> list[str]:
        """What became of claims that were made without asking the remote, if there are any."""
        store = self.__dict__.get("store")
        if store is None or not os.path.exists(store.tentative_path):
            return []
        from gittasks.workspace import claiming

        return claiming.notices(self)

    def keep_conflicts(self, task_id: str | None = None) -> int:
        """Settle conflicts in favour of what stands, of one task or of all; how many."""
        from gittasks.workspace import sharing

        return sharing.keep(self, task_id)

    def stale_claims(self, snapshot: Snapshot) -> list[StaleClaim]:
        """Tasks whose holders have not been heard of for a whole lease, if there are leases."""
        folder = os.path.join(self.repository.common, "gittasks", "leases")
        local = os.path.join(self.repository.common, "refs", "gittasks", "leases")
        if not os.path.isdir(folder) and not os.path.isdir(local):
            return []
        from gittasks.workspace import claiming

        return claiming.stale_claims(self, snapshot)

    def forget_lost_claim(self, task_id: str) -> bool:
        """Tell no more of a claim that was made without asking the remote, and lost."""
        if not os.path.exists(self.store.tentative_path):
            return False
        from gittasks.workspace import claiming

        return claiming.forget_lost(self, task_id)

    def doctor(self, *, fix: bool = False) -> list[Finding]:
        """What is wrong with the lists here, or could be better; `fix` mends what it can."""
        from gittasks.workspace import doctor

        return doctor.examine(self, fix=fix)

    def log(self, task_id: str | None = None, **which: Any) -> list[LogEntry]:
        """Who did what when, newest first; of one task, or of the whole list.

        `which`: at most `limit`; of the commits `only`; of all `without` some.
        """
        from gittasks.workspace import audit

        return audit.log(self.store, task_id, **which)

    def init(self, list_id: str | None, title: str | None) -> tuple[str, bool]:
        """Create or adopt a list and use it; returns its id and whether it was created."""
        from gittasks.workspace import lists

        return lists.init(self, list_id, title)

    def make_list_if_none(self) -> bool:
        """Make the list at work if it is not there yet; whether it was made.

        It has the name that was given for it, else that of the code branch or the folder. NoList
        when several lists are here and none was named: to make one more would be a guess.
        """
        from gittasks.workspace import lists

        return lists.make_if_none(self)

    def turn_to(self, list_id: str) -> None:
        """Work on another list from now on."""
        self.list_option = list_id
        for known in ("chosen", "store"):  # what was worked out for another list
            self.__dict__.pop(known, None)

    def use(self, list_id: str) -> None:
        """Make `list_id` the list of this worktree (or repository) through git config."""
        from gittasks.workspace import lists

        lists.use(self, list_id)

    def lists(self) -> list[ListSummary]:
        """All lists here, local and fetched, in order of id."""
        from gittasks.workspace import lists

        return lists.known(self)
