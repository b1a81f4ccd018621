"""Files that are shown as they are: the page's style and script, the manual of `prime`."""

from __future__ import annotations


def read(name: str) -> str:
    """Text of the file `name` beside this module.

    Opened here, since importlib.resources costs more start-up time than the whole of `prime`.
    """
    with open(__file__.removesuffix("__init__.py") + name, encoding="utf-8") as file:
        return file.read()
