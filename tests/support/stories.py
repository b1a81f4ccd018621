"""A list and how it came about, told in operations: what the rules about history look at."""

from __future__ import annotations

from gittasks.core.apply import apply
from gittasks.core.changes import diff, logged
from gittasks.core.history import LogEntry
from gittasks.core.lint import LintContext
from gittasks.core.lint.rules import Finding, findings
from gittasks.core.model import Actor, ListInfo, Snapshot, Task
from gittasks.core.operations import AddNote, Context, Create, Operation, Transition, Verb
from gittasks.core.times import format_time, parse_time

START = parse_time("2026-11-22T10:00:00Z")


def create(name: str, subject: str | None = None, **fields: object) -> Create:
    """The operation that makes a task; its subject is its id, unless given."""
    made = Create(subject=subject or name, id=name, active_form="Working")
    return made._replace(**fields)  # type: ignore[arg-type]


def start(name: str) -> Operation:
    """The operation that starts a task."""
    return Transition(Verb.START, name)


def done(name: str) -> Operation:
    """The operation that completes a task."""
    return Transition(Verb.DONE, name)


def note(name: str) -> Operation:
    """The operation that adds a note."""
    return AddNote(name, "Half of it")


class Story:
    """Operations of a list one after the other, each commit at a second of its own."""

    def __init__(self, list_id: str = "feature-auth") -> None:
        self.snapshot = Snapshot(info=ListInfo(id=list_id))
        self.history: list[LogEntry] = []
        self._commits = 0

    def at(
        self,
        second: int,
        *operations: Operation,
        by: str = "ann",
        session: str | None = None,
        parallel: bool = False,
        force: bool = False,
    ) -> Story:
        """One commit, so many seconds after the beginning."""
        now = format_time(START + second)
        context = Context(now, Actor(by, session), self._commits, parallel, force)
        edit = apply(self.snapshot, operations, context)
        return self._took(edit.after, now, by, session)

    def by_hand(self, second: int, *tasks: Task) -> Story:
        """A commit that writes tasks with no rule asked."""
        return self._took(self.snapshot.with_tasks(*tasks), format_time(START + second), "ann")

    def becomes(self, second: int, snapshot: Snapshot) -> Story:
        """A commit after which the list is this one."""
        return self._took(snapshot, format_time(START + second), "ann")

    def _took(self, after: Snapshot, now: str, by: str, session: str | None = None) -> Story:
        self._commits += 1
        commit = f"{self._commits:040x}"
        changes = diff(self.snapshot, after)
        self.history.append(LogEntry(commit, now, by, by, session, "", logged(changes)))
        self.snapshot = after
        return self

    def found(self, second: int, *only: str, parallel: bool = False) -> list[Finding]:
        """What the rules say so many seconds after the beginning."""
        now = format_time(START + second)
        return findings(LintContext(self.snapshot, self.history, now, parallel=parallel), only)

    def rules(self, second: int) -> list[str]:
        """Names of the rules that find something."""
        return [f.rule for f in self.found(second)]

    def told(self, second: int, rule: str) -> list[tuple[str, ...]]:
        """The tasks that each finding of a rule is about."""
        return [f.tasks for f in self.found(second, rule)]
