"""Plans and imports brought into the list at work."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from gittasks.core.apply import Edit, between, moves_between, stepwise
from gittasks.core.imports import Wanted, apply_import
from gittasks.core.operations import Context
from gittasks.core.plan import Plan
from gittasks.workspace import editing

if TYPE_CHECKING:
    from gittasks.store.list_version import ListVersion
    from gittasks.workspace.session import Session


def apply(
    session: Session,
    plan: Wanted,
    *,
    dry_run: bool = False,
    force: bool = False,
    parallel: bool = False,
) -> editing.EditResult:
    """Bring the list to what a plan or another tool says, at once; or only tell."""

    def change(branch: ListVersion, context: Context) -> tuple[Edit, tuple[str, ...]]:
        session.check_open(branch.snapshot.info)
        brought = apply_import(plan, branch.snapshot, context)
        edit = between(branch.snapshot, brought.snapshot, forced=brought.forced)
        if isinstance(plan, Plan):  # an import tells of the past, and moves nothing now
            edit = stepwise(edit, moves_between(edit.before, edit.after))
        return edit, brought.notes

    if dry_run:
        policy = editing.Policy(force=force, parallel=parallel)
        context = editing.new_context(session, session.now(), policy)
        result, notes = change(session.branch(), context)
        return editing.EditResult(result, None, notes)
    policy = editing.Policy(fences=True, force=force, parallel=parallel)
    return editing.write(session, change, policy, plan=os.path.basename(plan.where))
