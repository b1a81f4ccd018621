"""Workspace: one repository and the list at work in it; every command is a few calls on this."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from gittasks.core.graph import Graph
from gittasks.core.ids import check_list_id, slug
from gittasks.core.model import Actor, Snapshot
from gittasks.errors import GittasksError, NoList, Refused
from gittasks.store.layout import Branch
from gittasks.store.list_store import ListStore
from gittasks.store.repository import Repository
from gittasks.workspace import choice

if TYPE_CHECKING:
    from gittasks.core.edit import Edit
    from gittasks.core.operations import Context, Operation
    from gittasks.core.plan import Plan
    from gittasks.sync import Synced, Wish
    from gittasks.workspace.audit import LogEntry, Undone
    from gittasks.workspace.claiming import StaleClaim
    from gittasks.workspace.doctor import Finding
    from gittasks.workspace.overview import ListSummary
    from gittasks.workspace.sharing import OpenConflict


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
        from gittasks.core.operations import Claim

        remote = None if offline else self.store.remote
        try:
            if remote and any(isinstance(op, Claim) for op in operations):
                return self._edit(operations, remote, force=force, parallel=parallel)
            try:
                fence = remote is not None
                return self._edit(operations, None, fence=fence, force=force, parallel=parallel)
            except _Fenced:
                from gittasks.workspace.claiming import with_claims

                operations = with_claims(operations)
                return self._edit(operations, remote, force=force, parallel=parallel)
        except Refused as refusal:
            from gittasks.workspace.claiming import keep_result

            raise keep_result(self, operations, refusal) from None

    def _edit(
        self,
        operations: Sequence[Operation],
        remote: str | None,
        *,
        fence: bool = False,
        force: bool,
        parallel: bool,
    ) -> Report:
        from gittasks.core.edit import apply  # what only writes need is loaded when one is made

        def apply_to(snapshot: Snapshot, context: Context) -> tuple[Edit, tuple[str, ...]]:
            try:
                return apply(snapshot, operations, context), ()
            except GittasksError as error:
                if len(operations) == 1:
                    error.details.pop("operation", None)
                raise

        return self._write(apply_to, remote=remote, fence=fence, force=force, parallel=parallel)

    def apply_plan(
        self, plan: Plan, *, dry_run: bool = False, force: bool = False, parallel: bool = False
    ) -> Report:
        """Bring the list to what a plan says, as one commit; `dry_run` only tells."""
        from gittasks.core.edit import between
        from gittasks.core.plan import reconcile

        def apply_to(snapshot: Snapshot, context: Context) -> tuple[Edit, tuple[str, ...]]:
            made = reconcile(plan, snapshot, context)
            return between(snapshot, made.snapshot, forced=made.forced), made.notes

        if dry_run:
            snapshot = self.snapshot()
            context = self._context(self.now(), force=force, parallel=parallel)
            edit, notes = apply_to(snapshot, context)
            return Report(edit, None, notes)
        return self._write(
            apply_to, force=force, parallel=parallel, plan=os.path.basename(plan.where)
        )

    def _context(self, moment: choice.Moment, *, force: bool, parallel: bool) -> Context:
        from gittasks.core.operations import Context

        parallel = parallel or self.repository.config.flag("gittasks.parallel")
        entropy = int.from_bytes(os.urandom(8))
        return Context(moment.text, self.actor, entropy, parallel, force)

    def _write(
        self,
        apply_to: Callable[[Snapshot, Context], tuple[Edit, tuple[str, ...]]],
        *,
        remote: str | None = None,
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
            edit, notes = apply_to(branch.snapshot, context)
            done[:] = [(edit, notes)]
            if not edit.made:
                return None
            if fence and any(t.claim for i in edit.changed if (t := edit.before.tasks.get(i))):
                from gittasks.workspace.claiming import is_fenced

                if is_fenced(branch, edit):
                    raise _Fenced
            message = commit_message(
                self.list_id, edit, self.actor, operation_id, undo_of=undo_of, plan=plan
            )
            return transaction.Proposal(edit.after, message)

        if remote:
            from gittasks.sync.publish import publish

            written = publish(self.store, remote, propose, people)
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
        before = self.store.load_at(target.parents[0])
        after = self.store.load_at(target.id, before)

        def apply_to(snapshot: Snapshot, _context: Context) -> tuple[Edit, tuple[str, ...]]:
            made = take_back(before.snapshot, after.snapshot, snapshot)
            return between(snapshot, made), ()

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

    def log(self, task_id: str | None = None, *, limit: int | None = None) -> list[LogEntry]:
        """Who did what when, newest first; of one task, or of the whole list."""
        from gittasks.workspace import audit

        return audit.log(self.store, task_id, limit)

    def init(self, list_id: str | None, title: str | None) -> tuple[str, bool]:
        """Create or adopt a list and use it; returns its id and whether it was created."""
        from gittasks.store import transaction

        chosen = check_list_id(list_id) if list_id else self._default_list_id()
        clash = [i for i in choice.known_lists(self.repository) if i.lower() == chosen.lower()]
        if clash and chosen not in clash:
            raise Refused(
                "case",
                f'the list "{clash[0]}" differs from "{chosen}" only in upper and lower case',
                hint=f"use it with: gittasks use {clash[0]}, or choose another name",
            )
        created = transaction.create(ListStore(self.repository, chosen))
        self.list_option = chosen
        for known in ("chosen", "store"):  # what was worked out for another list
            self.__dict__.pop(known, None)
        if title is not None:
            from gittasks.core.operations import Retitle

            self.edit([Retitle(title)])
        from gittasks.workspace import merge_driver

        plain = created and self.repository.remotes()
        if plain and not merge_driver.is_installed(self.repository):
            self.notices.append("plain git can merge this list too, after: gittasks hooks install")
        self.use(chosen)
        return chosen, created

    def _default_list_id(self) -> str:
        """What to call a list when nobody said: the variable, the code branch, the folder."""
        if named := choice.named_list(self.repository, self.list_option):
            return named.id
        branch = self.repository.current_branch()
        if branch and branch not in ("main", "master", "trunk", "develop"):
            return slug(branch.replace("/", " "))
        folder = self.repository.found.work_tree or self.repository.common
        return slug(os.path.basename(folder).removesuffix(".git"))

    def use(self, list_id: str) -> None:
        """Make `list_id` the list of this worktree (or repository) through git config."""
        lists = choice.known_lists(self.repository)
        if list_id not in lists:
            chosen = choice.ChosenList(check_list_id(list_id), "--list")
            raise choice.no_such_list(self.repository, chosen)
        if self.repository.config.get("gittasks.list") == list_id:
            self._warn_of_override(list_id)
            return
        scope = "--local"
        if self.repository.found.path != self.repository.common:  # a linked worktree
            if self.repository.config.flag("extensions.worktreeconfig"):
                scope = "--worktree"
            else:
                self.notices.append(
                    "all worktrees of this repository use it now; for one of its own set "
                    "GITTASKS_LIST, or first: git config extensions.worktreeConfig true"
                )
        from gittasks.workspace.settings import set_config

        set_config(self.repository, scope, "gittasks.list", list_id)
        self._warn_of_override(list_id)

    def _warn_of_override(self, list_id: str) -> None:
        """Say so when the environment names another list than the one that is now configured."""
        for variable in choice.LIST_VARIABLES:
            value = self.repository.env.get(variable)
            if value and value != list_id:
                self.notices.append(f'{variable} is set to "{value}", which comes before this')
                return

    def lists(self) -> list[ListSummary]:
        """All lists here, local and fetched, in order of id."""
        from gittasks.workspace import overview

        return overview.lists(self)
