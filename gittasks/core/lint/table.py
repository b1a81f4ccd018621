"""All rules by name, and running them."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum
from functools import partial
from typing import NamedTuple

from gittasks.core.lint import course, shape
from gittasks.core.lint.case import Case, Check
from gittasks.core.trouble import TroubleKind


class Severity(StrEnum):
    """Worst first: nobody can go on; somebody is misled; it could be better."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Rule(NamedTuple):
    """A rule: its name in options and configuration, how bad a finding is, what looks for it."""

    name: str
    severity: Severity
    check: Check


class Finding(NamedTuple):
    """What a rule found, as `lint` tells it."""

    rule: str
    severity: Severity
    tasks: tuple[str, ...]
    message: str
    hint: str


def _trouble(kind: TroubleKind, severity: Severity) -> Rule:
    return Rule(kind, severity, partial(shape.trouble, kind))


RULES = (
    _trouble(TroubleKind.CYCLE, Severity.ERROR),
    _trouble(TroubleKind.RUNNING_WHILE_BLOCKED, Severity.WARNING),
    _trouble(TroubleKind.TWO_IN_PROGRESS, Severity.WARNING),
    Rule("stuck", Severity.WARNING, course.stuck),
    Rule("phase-order", Severity.WARNING, shape.phase_order),
    Rule("unfinished-loop", Severity.WARNING, shape.unfinished_loop),
    Rule("dangling-dependency", Severity.WARNING, shape.dangling_dependency),
    Rule("too-many-tasks", Severity.WARNING, shape.too_many_tasks),
    Rule("loop-as-task", Severity.WARNING, shape.loop_as_task),
    Rule("missing-iterations", Severity.WARNING, shape.missing_iterations),
    Rule("late-phase", Severity.WARNING, course.late_phase),
    Rule("late-tasks", Severity.WARNING, course.late_tasks),
    Rule("after-the-fact", Severity.WARNING, course.after_the_fact),
    Rule("batched-completions", Severity.WARNING, course.batched_completions),
    Rule("generic-list-id", Severity.WARNING, shape.generic_list_id),
    Rule("silent-work", Severity.INFO, course.silent_work),
    Rule("one-task-phase", Severity.INFO, course.one_task_phase),
    Rule("parallel-as-task", Severity.INFO, shape.parallel_as_task),
    Rule("numbered-tasks", Severity.INFO, shape.numbered_tasks),
    Rule("redundant-dependency", Severity.INFO, shape.redundant_dependency),
    Rule("no-active-form", Severity.INFO, shape.no_active_form),
)
"""In the order in which findings are told."""

NAMES = tuple(rule.name for rule in RULES)


def findings(case: Case, only: Collection[str] = (), ignore: Collection[str] = ()) -> list[Finding]:
    """What the rules find, the worst first; `only` those named, if any, and none of `ignore`."""
    return [
        Finding(rule.name, rule.severity, *found)
        for severity in Severity
        for rule in RULES
        if rule.severity is severity and (not only or rule.name in only) and rule.name not in ignore
        for found in rule.check(case)
    ]
