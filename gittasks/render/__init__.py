"""Values of the core as text, JSON, terminal views and HTML.

The modules of this room are attributes of it (`render.plain.status`): each is loaded when it is
first used, so that a command pays for the form that it answers in alone.
"""

from __future__ import annotations

from gittasks import light
from gittasks.light import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    from gittasks.render import (
        documents,
        graph_text,
        history_text,
        html,
        plain,
        prime,
        report,
        terminal,
        text,
    )

    __all__ = [
        "documents",
        "graph_text",
        "history_text",
        "html",
        "plain",
        "prime",
        "report",
        "terminal",
        "text",
    ]


def __getattr__(name: str) -> Any:
    """Load a module of this room when it is first asked for."""
    if name.startswith("__"):
        raise AttributeError(name)
    try:
        module = light.module(f"gittasks.render.{name}")
    except ModuleNotFoundError as error:
        raise AttributeError(name) from error
    globals()[name] = module
    return module
