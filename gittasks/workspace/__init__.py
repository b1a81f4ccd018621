"""One repository's lists: `Workspace`, and the values that its methods return.

The values are loaded when they are first asked for: a warm read needs none of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gittasks.workspace.choice import SESSION_VARIABLES
from gittasks.workspace.workspace import Workspace

if TYPE_CHECKING:
    from gittasks.core.conflicts import OpenConflict, Side
    from gittasks.workspace.claiming import Claimed
    from gittasks.workspace.doctor import Finding
    from gittasks.workspace.editing import EditResult
    from gittasks.workspace.following import Follower, News
    from gittasks.workspace.linking import Linked, NotDone
    from gittasks.workspace.lists import ListMade, ListSummary
    from gittasks.workspace.past import Changed, Past
    from gittasks.workspace.sharing import Exchanged
    from gittasks.workspace.unapplied import Unapplied
    from gittasks.workspace.undo import Undone

_HOMES = {
    "Changed": "past",
    "Claimed": "claiming",
    "Exchanged": "sharing",
    "Finding": "doctor",
    "Follower": "following",
    "Linked": "linking",
    "ListMade": "lists",
    "ListSummary": "lists",
    "News": "following",
    "NotDone": "linking",
    "OpenConflict": "sharing",
    "Past": "past",
    "EditResult": "editing",
    "Side": "sharing",
    "Unapplied": "unapplied",
    "Undone": "undo",
}
"""The module of each exported value."""

__all__ = [
    "SESSION_VARIABLES",
    "Changed",
    "Claimed",
    "EditResult",
    "Exchanged",
    "Finding",
    "Follower",
    "Linked",
    "ListMade",
    "ListSummary",
    "News",
    "NotDone",
    "OpenConflict",
    "Past",
    "Side",
    "Unapplied",
    "Undone",
    "Workspace",
]


def __getattr__(name: str) -> Any:
    """A value of the room, from its module (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"gittasks.workspace.{_HOMES[name]}"), name)
