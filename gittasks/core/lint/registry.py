"""The registry of lint rules, and the run of them.

All rules by name, and running them. `list_rules` look at the list as it stands and at what is
worth a word when tasks are made, `history_rules` at how the work went.
"""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum
from functools import partial
from typing import NamedTuple

from gittasks.core.invariants import TroubleKind
from gittasks.core.lint import history_rules, list_rules
from gittasks.core.lint.context import Check, LintContext


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
    """A finding of a rule, as `lint` prints it."""

    rule: str
    severity: Severity
    tasks: tuple[str, ...]
    message: str
    hint: str


def _trouble(kind: TroubleKind, severity: Severity) -> Rule:
    return Rule(kind, severity, partial(list_rules.trouble, kind))


RULES = (
    _trouble(TroubleKind.CYCLE, Severity.ERROR),
    _trouble(TroubleKind.RUNNING_WHILE_BLOCKED, Severity.WARNING),
    _trouble(TroubleKind.TWO_IN_PROGRESS, Severity.WARNING),
    Rule("stuck", Severity.WARNING, history_rules.stuck),
    Rule("phase-order", Severity.WARNING, list_rules.phase_order),
    Rule("unfinished-loop", Severity.WARNING, list_rules.unfinished_loop),
    Rule("dangling-dependency", Severity.WARNING, list_rules.dangling_dependency),
    Rule("too-many-tasks", Severity.WARNING, list_rules.too_many_tasks),
    Rule("loop-as-task", Severity.WARNING, list_rules.loop_as_task),
    Rule("missing-iterations", Severity.WARNING, list_rules.missing_iterations),
    Rule("late-phase", Severity.WARNING, history_rules.late_phase),
    Rule("late-tasks", Severity.WARNING, history_rules.late_tasks),
    Rule("after-the-fact", Severity.WARNING, history_rules.after_the_fact),
    Rule("batched-completions", Severity.WARNING, history_rules.batched_completions),
    Rule("generic-list-id", Severity.WARNING, list_rules.generic_list_id),
    Rule("silent-work", Severity.INFO, history_rules.silent_work),
    Rule("one-task-phase", Severity.INFO, history_rules.one_task_phase),
    Rule("parallel-as-task", Severity.INFO, list_rules.parallel_as_task),
    Rule("task-count", Severity.INFO, list_rules.task_count),
    Rule("numbered-tasks", Severity.INFO, list_rules.numbered_tasks),
    Rule("redundant-dependency", Severity.INFO, list_rules.redundant_dependency),
    Rule("no-active-form", Severity.INFO, list_rules.no_active_form),
)
"""In the order in which findings are told."""

NAMES = tuple(rule.name for rule in RULES)


def findings(
    case: LintContext, only: Collection[str] = (), ignore: Collection[str] = ()
) -> list[Finding]:
    """The findings of the rules, worst first: of `only`, if given, and none of `ignore`."""
    return [
        Finding(rule.name, rule.severity, *evidence)
        for severity in Severity
        for rule in RULES
        if rule.severity is severity and (not only or rule.name in only) and rule.name not in ignore
        for evidence in rule.check(case)
    ]
