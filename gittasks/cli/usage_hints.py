"""Hints for wrong options, arguments and values. Loaded on the way to an error."""

from __future__ import annotations

import re

import click

from gittasks.core.suggestions import OPTIONS_ELSEWHERE, field_meant, status_meant

_NOTES = {"--note", "--comment", "--message", "-m"}


def hint_for(error: click.ClickException) -> str | None:
    """The correction of a usage error; None when none can be told."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    if context is None:
        return None
    if isinstance(error, click.NoSuchOption):
        return _option(error.option_name, context)
    if isinstance(error, click.MissingParameter):
        return _missing(error.param, context)
    if isinstance(error, click.BadParameter) and error.param and "--status" in error.param.opts:
        wrong = re.search(r"'([^']*)' is not one of", error.format_message())
        status = status_meant(wrong[1]) if wrong else None
        return f"did you mean --status {status}?" if status else None
    if "unexpected extra argument" in error.format_message():
        if context.info_name in ("create", "note"):
            return f"quote a text of several words: {context.command_path} {_usage(context)}"
        if _takes_id(context):
            return "one task at a time; many at once: gittasks batch"
    return None


def _option(wrong: str, context: click.Context) -> str | None:
    """The hint for an option that a command does not have."""
    command = str(context.info_name)
    if command == "run":
        return "put -- before the command: gittasks run ID -- COMMAND"
    if wrong in _NOTES and command != "note":
        has_result = any("--result" in param.opts for param in context.command.params)
        or_result = "; the outcome is --result TEXT" if has_result else ""
        return f"a remark is a command of its own: gittasks note ID TEXT{or_result}"
    if command == "create" and wrong.lstrip("-") in ("parallel-with", "parent"):
        return "tasks wait for others with --blocked-by ID; there are no parents"
    if wrong in OPTIONS_ELSEWHERE:  # what other tools have is known better than what looks alike
        return OPTIONS_ELSEWHERE[wrong]
    names = _names(context.command)
    added = f"--add-{wrong.lstrip('-')}"  # what `create` sets, `update` adds to
    if added in names.values():
        return f"did you mean {added}?"
    field = field_meant(wrong.lstrip("-"), names)
    if field is None and "addBlockedBy" in names:
        field = field_meant("add" + wrong.lstrip("-"), names)
    if field is not None:
        name = names[field]
        if name.startswith("-"):
            value = " KEY=VALUE" if name == "--metadata" else ""
            return f"did you mean {name}{value}?"
        return f"give it without an option: {context.command_path} {_usage(context)}"
    return None


def _names(command: click.Command) -> dict[str, str]:
    """Options and arguments of a command by the names of the fields in JSON."""
    names: dict[str, str] = {}
    for param in command.params:
        if param.expose_value and isinstance(param, click.Argument):
            names[{"task_id": "id"}.get(param.name or "", param.name or "")] = "argument"
    for param in command.params:
        long = next((o for o in param.opts if o.startswith("--")), None)
        if long and param.expose_value and not getattr(param, "hidden", False):
            first, *rest = long.removeprefix("--").split("-")
            names.setdefault(first + "".join(map(str.capitalize, rest)), long)
    return names


def _missing(param: click.Parameter | None, context: click.Context) -> str | None:
    if param is None or not isinstance(param, click.Argument):
        return None
    if param.name in ("task_id", "task_ids"):
        return f"{context.command_path} {_usage(context)}; see ids with: gittasks list"
    if context.info_name == "note":
        return "gittasks note ID TEXT; a TEXT of - is read from stdin"
    return f"{context.command_path} {_usage(context)}"


def _usage(context: click.Context) -> str:
    metavars = [
        p.make_metavar(context) for p in context.command.params if isinstance(p, click.Argument)
    ]
    return " ".join(f'"{m}"' if m in ("SUBJECT", "TEXT") else m for m in metavars)


def _takes_id(context: click.Context) -> bool:
    return any(param.name == "task_id" for param in context.command.params)
