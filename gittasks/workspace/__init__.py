"""One repository's lists: `Workspace`, and the values that its methods return.

The values are loaded when they are first asked for: a warm read needs none of them.
"""

from __future__ import annotations

from gittasks import light
from gittasks.light import TYPE_CHECKING
from gittasks.workspace.session import SESSION_VARIABLES, Author
from gittasks.workspace.workspace import Workspace

if TYPE_CHECKING:
    from typing import Any

    from gittasks.core.merge.resolution import OpenConflict, Side
    from gittasks.core.rules import Symptom
    from gittasks.workspace.claims import Claimed
    from gittasks.workspace.commit_links import Linked, NotDone, Unapplied
    from gittasks.workspace.editing import EditResult
    from gittasks.workspace.life import Marked, Purged
    from gittasks.workspace.lists import ListMade, ListSummary
    from gittasks.workspace.news import Exchanged
    from gittasks.workspace.past import Changed, Past
    from gittasks.workspace.settings import SettingValue
    from gittasks.workspace.undo import Undone
    from gittasks.workspace.watch import ListUpdate, RefWatcher

_HOMES = {
    "Changed": "past",
    "Claimed": "claims",
    "Exchanged": "news",
    "Symptom": "doctor",
    "Purged": "life",
    "RefWatcher": "watch",
    "Linked": "commit_links",
    "ListMade": "lists",
    "ListSummary": "lists",
    "ListUpdate": "watch",
    "Marked": "life",
    "NotDone": "commit_links",
    "OpenConflict": "conflicts",
    "Past": "past",
    "EditResult": "editing",
    "SettingValue": "settings",
    "Side": "conflicts",
    "Traces": "life",
    "Unapplied": "commit_links",
    "Undone": "undo",
}
"""The module of each exported value."""

__all__ = [
    "SESSION_VARIABLES",
    "Author",
    "Changed",
    "Claimed",
    "EditResult",
    "Exchanged",
    "Linked",
    "ListMade",
    "ListSummary",
    "ListUpdate",
    "Marked",
    "NotDone",
    "OpenConflict",
    "Past",
    "Purged",
    "RefWatcher",
    "SettingValue",
    "Side",
    "Symptom",
    "Traces",
    "Unapplied",
    "Undone",
    "Workspace",
]


def __getattr__(name: str) -> Any:
    """A value of the room, from its module (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(light.module(f"gittasks.workspace.{_HOMES[name]}"), name)
