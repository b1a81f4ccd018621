"""Variables of a plan: `${name}` in its texts, filled in when it is applied.

They count where the plan declares some or values are given; any other plan may have `${HOME}` in
a description. `$${name}` is the text `${name}`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from gittasks.core.ids import near_matches
from gittasks.core.plan import Fault, Plan, PlannedTask, invalid_plan
from gittasks.errors import Usage

NO_VALUES: Mapping[str, str] = MappingProxyType({})
NAME = r"[A-Za-z_][A-Za-z0-9_-]{0,62}"
_USE = re.compile(rf"(\$+)\{{({NAME})\}}")
"""A variable; of its dollar signs two stand for one, so that an even number makes it text."""
_TEXTS = ("subject", "id", "active_form", "description", "owner", "phase", "result")


def is_name(text: str) -> bool:
    """True for what can be the name of a variable."""
    return re.fullmatch(NAME, text) is not None


def bound(plan: Plan, values: Mapping[str, str]) -> Plan:
    """The plan with its variables filled in; Usage for values that it lacks or does not know.

    Raises InvalidData, with the line, for a variable that it uses and does not declare.
    """
    declared = plan.variables
    if not declared and not values:
        return plan
    used = {name: task.line for task in reversed(plan.tasks) for name in _used(task)}
    used |= dict.fromkeys(_names(plan.title or ""), plan.title_line)
    _check_known(values, {*declared, *used})
    strange = [_undeclared(n, declared, line) for n, line in used.items() if n not in declared]
    if declared and strange:
        raise invalid_plan(plan.where, strange)
    filled = {**{n: v for n, v in declared.items() if v is not None}, **values}
    if missing := [name for name in {**declared, **used} if name not in filled]:
        names = ", ".join(missing)
        raise Usage(
            f"the plan {plan.where} needs a value for {names}",
            hint="give " + " ".join(f"-D {name}=VALUE" for name in missing),
            details={"variables": missing},
        )

    def fill(text: str) -> str:
        return _USE.sub(lambda m: _value(m[1], m[2], filled), text)

    return plan._replace(
        title=None if plan.title is None else fill(plan.title),
        tasks=tuple(_filled(task, fill) for task in plan.tasks),
    )


def _value(dollars: str, name: str, values: Mapping[str, str]) -> str:
    escaped = "$" * (len(dollars) // 2)
    return f"{escaped}{values[name]}" if len(dollars) % 2 else f"{escaped}{{{name}}}"


def _check_known(values: Mapping[str, str], known: set[str]) -> None:
    for name in values:
        if name not in known:
            near = near_matches(name, sorted(known), 1)
            available = f"it has {', '.join(sorted(known))}" if known else "it has none"
            hint = f"did you mean {near[0]}?" if near else available
            raise Usage(f"the plan has no variable {name}", hint=hint)


def _undeclared(name: str, declared: Mapping[str, object], line: int) -> Fault:
    near = near_matches(name, tuple(declared), 1)
    guess = f"did you mean ${{{near[0]}}}? " if near else ""
    hint = f"{guess}add it to variables, or write $${{{name}}} for the text"
    return Fault(line, f"the variable ${{{name}}} is not declared", hint)


def _names(text: str) -> list[str]:
    return [name for dollars, name in _USE.findall(text) if len(dollars) % 2]


def _used(task: PlannedTask) -> Iterator[str]:
    texts = [text for name in _TEXTS if (text := getattr(task, name))]
    for value in [*texts, *(task.blocked_by or ()), task.metadata, task.fields]:
        for text in _strings(value):
            yield from _names(text)


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _strings(part)
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from _strings(part)


def _filled(task: PlannedTask, fill: Callable[[str], str]) -> PlannedTask:
    names = (*_TEXTS, "blocked_by", "metadata", "fields")
    return task._replace(**{name: _in(getattr(task, name), fill) for name in names})


def _in(value: Any, fill: Callable[[str], str]) -> Any:
    """A value with all texts in it filled in."""
    if isinstance(value, str):
        return fill(value)
    if isinstance(value, Mapping):
        return {key: _in(part, fill) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_in(part, fill) for part in value)
    return value


def abstracted(text: str, values: Mapping[str, str]) -> str:
    """The text with variables for the values that are in it: `bound` gives the text again.

    Longer values go first; what looks like a variable already stays text.
    """
    order = sorted(values, key=lambda name: -len(values[name]))
    parts = [rf"\{{{NAME}\}}", *(re.escape(values[name]) for name in order)]
    pattern = re.compile(r"(\$*)(?:" + "|".join(f"({part})" for part in parts) + ")")

    def variable(match: re.Match[str]) -> str:
        number, dollars = match.lastindex or 0, match[1] * 2
        return f"{dollars}{match[2]}" if number == 2 else f"{dollars}${{{order[number - 3]}}}"

    return pattern.sub(variable, text) if order else text
