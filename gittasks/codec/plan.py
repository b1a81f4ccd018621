"""Reading a plan in whichever of its two forms it was written."""

from __future__ import annotations

import re

from gittasks.core.plan import Plan

_MARKDOWN = (".md", ".markdown", ".mdown")
_YAML = (".yaml", ".yml", ".json")
_YAML_LINE = re.compile(rb"[{\[%]|(?:- +)?[\"']?[A-Za-z]+[\"']?[ \t]*:(?:[ \t\r]|$)")
_TASKS_KEY = re.compile(rb"^[\"']?tasks[\"']?[ \t]*:", re.MULTILINE)


def read_plan(data: bytes, name: str) -> Plan:
    """Read a plan; the extension of `name` says the form, and without one the content does.

    `name` may be `-` for the standard input. Every task of the result has an id. Raises
    InvalidData, with file and line, for what is no plan.
    """
    where = "<stdin>" if name == "-" else name
    if _is_markdown(data, name.lower()):
        from gittasks.codec.plan_markdown import read_markdown

        return read_markdown(data, where)
    from gittasks.codec.plan_yaml import read_yaml

    return read_yaml(data, where)


def _is_markdown(data: bytes, name: str) -> bool:
    if name.endswith(_MARKDOWN) or name.endswith(_YAML):
        return name.endswith(_MARKDOWN)
    lines = data.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    first = next((line.strip() for line in lines if line.strip()), b"")
    return bool(first) and not _YAML_LINE.match(first) and not _TASKS_KEY.search(data)
