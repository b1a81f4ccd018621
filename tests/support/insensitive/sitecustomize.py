"""A Python for commands under test for which the disk ignores case below the folder CASE_ROOT.

It stands first on PYTHONPATH. git itself sees the disk as it is: what it finds under a name is
stored under that name.
"""

from __future__ import annotations

import builtins
import os
from collections.abc import Callable
from typing import Any

_ROOT = os.environ["CASE_ROOT"]
_listdir, _lexists = os.listdir, os.path.lexists


def _stored(path: Any) -> Any:
    """The path as the disk has it, as far as there is something of that name in any case."""
    if not isinstance(path, str) or not os.path.abspath(path).startswith(_ROOT):
        return path
    stored = _ROOT
    for name in os.path.abspath(path).removeprefix(_ROOT).split(os.sep):
        try:
            names = _listdir(stored)
        except OSError:
            names = []
        if name and name not in names:
            name = next((n for n in names if n.casefold() == name.casefold()), name)
        stored = os.path.join(stored, name)
    return stored


def _ignoring(real: Callable[..., Any]) -> Callable[..., Any]:
    def call(path: Any, *args: Any, **options: Any) -> Any:
        return real(_stored(path), *args, **options)

    return call


builtins.open = _ignoring(builtins.open)
for _name in ("open", "stat", "lstat", "unlink", "remove", "mkdir", "rmdir", "scandir", "utime"):
    setattr(os, _name, _ignoring(getattr(os, _name)))
_replace = os.replace


def _replace_stored(source: Any, target: Any) -> None:
    _replace(_stored(source), _stored(target))


os.replace = _replace_stored  # type: ignore[assignment]
