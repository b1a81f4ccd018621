"""All rules by name, and running them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import NamedTuple

from gittasks.core.lint import course, shape
from gittasks.core.lint.case import Case, Check, Found

SEVERITIES = ("error", "warning", "info")
"""Worst first: nobody can go on; somebody is misled; it could be better."""


class Rule(NamedTuple):
    """A rule: its name in options and configuration, how bad a finding is, what looks for it."""

    name: str
    severity: str
    check: Check


class Finding(NamedTuple):
    """What a rule found, as `lint` tells it."""

    rule: str
    severity: str
    tasks: tuple[str, ...]
    message: str
    hint: str


def _trouble(kind: str) -> Callable[[Case], Iterator[Found]]:
    return lambda case: shape.trouble(kind, case)


RULES = (
    Rule("cycle", "error", _trouble("cycle")),
    Rule("running-while-blocked", "warning", _trouble("running-while-blocked")),
    Rule("two-in-progress", "warning", _trouble("two-in-progress")),
    Rule("stuck", "warning", course.stuck),
    Rule("phase-order", "warning", shape.phase_order),
    Rule("unfinished-loop", "warning", shape.unfinished_loop),
    Rule("dangling-dependency", "warning", shape.dangling_dependency),
    Rule("too-many-tasks", "warning", shape.too_many_tasks),
    Rule("loop-as-task", "warning", shape.loop_as_task),
    Rule("missing-iterations", "warning", shape.missing_iterations),
    Rule("late-phase", "warning", course.late_phase),
    Rule("late-tasks", "warning", course.late_tasks),
    Rule("after-the-fact", "warning", course.after_the_fact),
    Rule("batched-completions", "warning", course.batched_completions),
    Rule("generic-list-id", "warning", shape.generic_list_id),
    Rule("silent-work", "info", course.silent_work),
    Rule("one-task-phase", "info", course.one_task_phase),
    Rule("parallel-as-task", "info", shape.parallel_as_task),
    Rule("numbered-tasks", "info", shape.numbered_tasks),
    Rule("redundant-dependency", "info", shape.redundant_dependency),
    Rule("no-active-form", "info", shape.no_active_form),
)
"""In the order in which findings are told."""

NAMES = tuple(rule.name for rule in RULES)


def findings(case: Case, only: Collection[str] = (), ignore: Collection[str] = ()) -> list[Finding]:
    """What the rules find, the worst first; `only` those named, if any, and none of `ignore`."""
    return [
        Finding(rule.name, rule.severity, *found)
        for severity in SEVERITIES
        for rule in RULES
        if rule.severity == severity and (not only or rule.name in only) and rule.name not in ignore
        for found in rule.check(case)
    ]
