"""One repository's lists: what the command line, hooks and agents' servers call."""

from gittasks.workspace.workspace import Report, Workspace

__all__ = ["Report", "Workspace"]
