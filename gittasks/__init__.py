"""A distributed task list that lives in a git repository."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gittasks.core.model import Snapshot, Status, Task
    from gittasks.errors import GittasksError
    from gittasks.workspace import Workspace

__version__ = "0.1.0"
__all__ = ["GittasksError", "Snapshot", "Status", "Task", "Workspace"]


def __getattr__(name: str) -> Any:
    """The public names, loaded when first asked for (PEP 562): the command line needs none."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from gittasks import errors, workspace
    from gittasks.core import model

    homes = (model, errors, workspace)
    return next(getattr(home, name) for home in homes if hasattr(home, name))
