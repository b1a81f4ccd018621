"""A distributed task list that lives in a git repository; docs/library.md is the manual."""

from __future__ import annotations

TYPE_CHECKING = False  # typing takes longer to import than many commands run

if TYPE_CHECKING:
    from typing import Any

    from gittasks.core.apply import Edit
    from gittasks.core.changes import Change
    from gittasks.core.graph import Graph
    from gittasks.core.history import LogEntry
    from gittasks.core.model import Snapshot, Status, Task
    from gittasks.core.operations import AddNote, Claim, Create, Transition, Update, Verb
    from gittasks.core.progress import Progress
    from gittasks.errors import (
        Ambiguous,
        Busy,
        FormatTooNew,
        GittasksError,
        HistoryRewritten,
        InvalidData,
        NoList,
        NoRemote,
        NoRepository,
        NotFound,
        Refused,
        RemoteFailure,
        Usage,
    )
    from gittasks.sync import SyncOptions, SyncResult
    from gittasks.workspace import EditResult, OpenConflict, Undone, Workspace

__version__ = "0.1.0"
_HOMES = {
    "workspace": "EditResult OpenConflict Undone Workspace",
    "core.apply": "Edit",
    "core.graph": "Graph",
    "core.changes": "Change",
    "core.history": "LogEntry",
    "core.model": "Snapshot Status Task",
    "core.operations": "AddNote Claim Create Transition Update Verb",
    "core.progress": "Progress",
    "errors": "Ambiguous Busy FormatTooNew GittasksError HistoryRewritten InvalidData NoList "
    "NoRemote NoRepository NotFound Refused RemoteFailure Usage",
    "sync": "SyncOptions SyncResult",
}
"""The public names by the module that has them."""

__all__ = [
    "AddNote",
    "Ambiguous",
    "Busy",
    "Change",
    "Claim",
    "Create",
    "Edit",
    "EditResult",
    "FormatTooNew",
    "GittasksError",
    "Graph",
    "HistoryRewritten",
    "InvalidData",
    "LogEntry",
    "NoList",
    "NoRemote",
    "NoRepository",
    "NotFound",
    "OpenConflict",
    "Progress",
    "Refused",
    "RemoteFailure",
    "Snapshot",
    "Status",
    "SyncOptions",
    "SyncResult",
    "Task",
    "Transition",
    "Undone",
    "Update",
    "Usage",
    "Verb",
    "Workspace",
]


def __getattr__(name: str) -> Any:
    """A public name, loaded when it is first asked for (PEP 562): the command line needs none."""
    if name in __all__:
        from importlib import import_module

        home = next(module for module, names in _HOMES.items() if name in names.split())
        return getattr(import_module(f"gittasks.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """The public names."""
    return [*__all__, "__version__"]
