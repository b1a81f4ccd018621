"""The hook scripts that are shipped: the files of hooks/, in the wheel beside this module."""

from __future__ import annotations

import os

MARK = "# Managed by: gittasks hooks install|uninstall."
"""A line that every script of ours has, of whatever version."""


def script(name: str) -> bytes:
    """The script for a hook."""
    here = os.path.dirname(os.path.abspath(__file__))
    shipped = os.path.join(here, "shipped", name)
    in_source_tree = os.path.join(os.path.dirname(os.path.dirname(here)), "hooks", name)
    with open(shipped if os.path.exists(shipped) else in_source_tree, "rb") as file:
        return file.read()


def is_ours(path: str) -> bool:
    """Whether the file at `path` is a script of ours."""
    try:
        with open(path, "rb") as file:
            return MARK.encode() in file.read(4096)
    except OSError:
        return False
