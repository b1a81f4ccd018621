"""Import and export: a native list and a list of ours, brought in line as one commit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from gittasks.claude import folder, records
from gittasks.claude.exporting import files
from gittasks.claude.importing import Step, admit, agreed, wanted
from gittasks.claude.links import Link, find
from gittasks.claude.native import Fault, NativeTask
from gittasks.core.operations import Context
from gittasks.errors import Refused

if TYPE_CHECKING:
    from gittasks.core.edit import Edit
    from gittasks.workspace import EditResult, Workspace

_ATTEMPTS = 5
"""Times that the list may change under an import before what it refuses is an error."""


class Imported(NamedTuple):
    """What an import did; `report` is None when there was nothing to change.

    `links` are all numbers that are known now, `faults` what was not carried over.
    """

    name: str
    report: EditResult | None
    links: Mapping[str, Link]
    faults: tuple[Fault, ...]

    @property
    def edit(self) -> Edit | None:
        """The changes, if any were made."""
        return self.report.edit if self.report and self.report.edit.made else None


class Exported(NamedTuple):
    """What an export wrote: numbers of files that were written and removed, and all links."""

    name: str
    written: tuple[str, ...]
    removed: tuple[str, ...]
    links: Mapping[str, Link]
    faults: tuple[Fault, ...]


def import_tasks(workspace: Workspace, name: str | None, *, dry_run: bool = False) -> Imported:
    """Take the tasks of a native list into the list at work.

    Raises NotFound when there is no such native list, and what an edit raises.
    """
    env = workspace.repository.env
    chosen = _source(workspace, name)
    path = folder.path_of(env, chosen)
    contents = folder.read(path)
    made = take_in(workspace, chosen, contents.tasks, dry_run=dry_run)
    return made._replace(faults=(*contents.faults, *made.faults))


def _source(workspace: Workspace, name: str | None) -> str:
    """The native list: as named; of the variable, the session, or the name of our list."""
    env = workspace.repository.env
    if name is not None:
        folder.path_of(env, name)
        return folder.named(env, [name])
    variables = ("CLAUDE_CODE_TASK_LIST_ID", "CLAUDE_CODE_SESSION_ID")
    names = [value for v in variables if (value := env.get(v))]
    return folder.named(env, [*names, workspace.list_id])


def take_in(
    workspace: Workspace,
    native_list: str,
    natives: Mapping[str, NativeTask],
    *,
    dry_run: bool = False,
) -> Imported:
    """Bring the list in line with these native tasks, as one commit, and record the numbers."""
    snapshot = workspace.snapshot()
    links = find(natives, snapshot, records.load(workspace, native_list), native_list)
    made = wanted(natives, snapshot, links, native_list)
    if dry_run:
        passed = admit(snapshot, made.steps, context(workspace))
        return Imported(native_list, None, made.links, (*made.faults, *passed.faults))
    report, refused = apply_steps(workspace, made.steps)
    records.save(workspace, native_list, agreed(natives, made.links, refused))
    return Imported(native_list, report, made.links, (*made.faults, *refused))


def apply_steps(
    workspace: Workspace, steps: Sequence[Step]
) -> tuple[EditResult | None, tuple[Fault, ...]]:
    """Apply what the list lets pass, as one commit; the rest is told."""
    for attempt in range(_ATTEMPTS):
        passed = admit(workspace.snapshot(), steps, context(workspace))
        if not passed.steps:
            return None, passed.faults
        try:
            report = workspace.edit([s.operation for s in passed.steps], parallel=True)
        except Refused:
            if attempt + 1 == _ATTEMPTS:
                raise
            continue  # the list changed meanwhile: what it refuses now is worked out anew
        return report, passed.faults
    raise AssertionError("unreachable")


def context(workspace: Workspace) -> Context:
    """What tells beforehand what the rules refuse; as many tasks in progress as there are."""
    return Context(workspace.now().text, workspace.actor, 0, parallel=True)


def export_tasks(workspace: Workspace, name: str | None, *, dry_run: bool = False) -> Exported:
    """Write the list at work into the folder of a native list. Raises Busy, Usage."""
    env = workspace.repository.env
    pinned = env.get("CLAUDE_CODE_TASK_LIST_ID") or workspace.list_id
    chosen = pinned if name is None else name
    path = folder.path_of(env, chosen)
    if dry_run:
        return _export(workspace, chosen, path, write=False)
    with folder.locked(path):
        return _export(workspace, chosen, path, write=True)


def _export(workspace: Workspace, chosen: str, path: str, *, write: bool) -> Exported:
    snapshot = workspace.snapshot()
    contents = folder.read(path)
    known = records.load(workspace, chosen)
    links = find(contents.tasks, snapshot, known, chosen)
    unusable = [int(fault.number) for fault in contents.faults]
    made = files(snapshot, contents.tasks, links, max([contents.last, *unusable, 0]))
    if write:
        folder.write(path, made.write, made.remove, made.last)
        records.save(workspace, chosen, made.links)
    written = tuple(t.number for t in made.write)
    faults = (*contents.faults, *made.faults)
    return Exported(chosen, written, made.remove, made.links, faults)
