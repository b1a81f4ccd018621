"""The specification's worked examples: each line a user is to see stands in list or status."""

from __future__ import annotations

import re

from gittasks.core.model import ListInfo, Snapshot, Status, Task
from gittasks.core.times import format_time
from gittasks.core.view import ListView
from gittasks.render import plain
from gittasks.render.text import UNICODE

START = 1795341600


class Workflow:
    """A list that is worked on at given seconds, and what a user sees of it."""

    def __init__(self, title: str | None = None) -> None:
        self.info = ListInfo(id="demo", title=title)
        self.tasks: dict[str, Task] = {}
        self.now = START

    def create(
        self, name: str, subject: str, *blockers: str, active: str, owner: str | None = None
    ) -> None:
        self.tasks[name] = Task(
            id=name,
            subject=subject,
            active_form=active,
            owner=owner,
            blocked_by=blockers,
            order=len(self.tasks),
        )

    def start(self, name: str) -> None:
        self._set(name, status=Status.IN_PROGRESS, started=format_time(self.now))

    def done(self, name: str, after: int = 0, result: str | None = None) -> None:
        self.now += after
        self._set(name, status=Status.COMPLETED, finished=format_time(self.now), result=result)

    def skip(self, name: str) -> None:
        self._set(name, status=Status.SKIPPED, result="not needed, loop exited")

    def _set(self, name: str, **fields: object) -> None:
        self.tasks[name] = self.tasks[name]._replace(**fields)  # type: ignore[arg-type]

    @property
    def list(self) -> str:
        """What `list` prints, without the ids."""
        view = self._view()
        text = plain.task_list(view, view.tasks, UNICODE)
        return re.sub(r"(?m)^(\[.\]) \S+ +", r"\1 ", text)

    @property
    def status(self) -> str:
        """What `status` prints."""
        return plain.status(self._view(), UNICODE)

    def _view(self) -> ListView:
        return ListView(Snapshot(self.info, self.tasks), self.now)

    def sees(self, line: str) -> bool:
        """Whether the line stands in what `status` prints."""
        return line in self.status


def test_example_1_phases() -> None:
    flow = Workflow()
    steps = [
        ("p1", "PHASE 1: Ask user for requirements", "Asking user"),
        ("p2", "PHASE 2: Generate architecture plan", "Generating plan"),
        ("p3a", "PHASE 3: Implement core logic", "Implementing core"),
        ("p3b", "PHASE 3: Add error handling", "Adding error handling"),
        ("p3c", "PHASE 3: Write tests", "Writing tests"),
        ("p4", "PHASE 4: Run test suite", "Running tests"),
        ("p5", "PHASE 5: Code review", "Reviewing"),
        ("p6", "PHASE 6: Fix review issues", "Fixing issues"),
        ("p7", "PHASE 7: User acceptance", "User validating"),
        ("p8", "PHASE 8: Generate report", "Generating report"),
    ]
    before: tuple[str, ...] = ()
    for name, subject, active in steps:
        flow.create(name, subject, *before, active=active)
        before = (name,)
    assert flow.sees("10 tasks, 0 complete, Phase 1 starting...")
    for count, (name, subject, _) in enumerate(steps, 1):
        flow.start(name)
        assert f"[→] {subject} (in_progress)" in flow.list
        flow.done(name, after=30)
        shown = f"{count}/10 tasks complete ({count * 10}%)"
        assert flow.sees(shown)
        assert shown in flow.list
        assert f"[✓] {subject}\n" in flow.list
    assert flow.sees("10/10 tasks complete (100%). Workflow finished!")
    assert "10/10 tasks complete (100%). Workflow finished!" in flow.list
    assert flow.sees("PHASE 3: 3/3 complete")


def test_example_2_iteration_loop() -> None:
    flow = Workflow()
    flow.create("p1", "PHASE 1: Gather design reference", active="Gathering design")
    for n in range(1, 11):
        blockers = ("p1",) if n == 1 else ()
        active = f"Designer validating (iter {n})"
        flow.create(f"i{n}", f"Iteration {n}/10: Designer validation", *blockers, active=active)
    flow.create("p3", "PHASE 3: User validation gate", active="User validating")
    flow.start("p1")
    flow.done("p1", after=20)
    for n, result in enumerate(("5 issues fixed", "3 issues fixed", "1 issue fixed"), 1):
        flow.start(f"i{n}")
        assert flow.sees(f"Iteration {n}/10 in progress, {n - 1} complete")
        assert flow.sees(f"Iteration {n}/10 ({n * 10}% through max)")
        flow.done(f"i{n}", after=200, result=result)
        assert flow.sees(f"Iteration {n}/10 complete, {result}")
    flow.start("i4")
    flow.done("i4", after=60, result="PASS")
    for n in range(5, 11):
        flow.skip(f"i{n}")
    assert flow.sees("Loop completed in 4/10 iterations")
    flow.start("p3")
    flow.done("p3", after=30)
    assert flow.list.split("\n")[:7] == [
        "[✓] PHASE 1: Gather design reference",
        "[✓] Iteration 1/10: Designer validation (5 issues fixed)",
        "[✓] Iteration 2/10: Designer validation (3 issues fixed)",
        "[✓] Iteration 3/10: Designer validation (1 issue fixed)",
        "[✓] Iteration 4/10: Designer validation (PASS)",
        "[-] Iteration 5/10: Designer validation (not needed, loop exited)",
        "[-] Iteration 6/10: Designer validation (not needed, loop exited)",
    ]
    assert flow.sees("6/6 tasks complete (100%). Workflow finished!")


def test_example_3_parallel_reviews() -> None:
    flow = Workflow("Multi-model review")
    models = ("Claude", "Grok", "Gemini", "GPT-5", "DeepSeek")
    flow.create("p1", "PHASE 1: Prepare review context", active="Preparing context")
    for model in models:
        subject, active = f"PHASE 2: {model} review", f"{model} reviewing"
        owner = f"{model.lower().removesuffix('-5')}-agent"
        flow.create(model.lower(), subject, "p1", active=active, owner=owner)
    ids = [model.lower() for model in models]
    flow.create("p3", "PHASE 3: Consolidate reviews", *ids, active="Consolidating")
    flow.create("p4", "PHASE 4: Present results", "p3", active="Presenting")

    flow.start("p1")
    flow.done("p1", after=30)
    for name in ids:
        flow.start(name)
    shown = flow.list
    assert "[✓] PHASE 1: Prepare review context\n" in shown
    assert "[→] PHASE 2: Claude review (in_progress, claude-agent)\n" in shown
    assert "[→] PHASE 2: GPT-5 review (in_progress, gpt-agent)\n" in shown
    assert "[ ] PHASE 3: Consolidate reviews (blocked by " in shown
    assert "[ ] PHASE 4: Present results (blocked by p3)\n" in shown
    assert flow.sees("1/8 tasks complete (12.5%), currently Claude reviewing and 4 more")
    assert flow.sees("PHASE 2: 0/5 complete, 5 in progress")
    for count, name in enumerate(("claude", "gemini", "gpt-5", "grok"), 1):
        flow.done(name, after=30)
        assert flow.sees(f"{count}/5 reviews complete")
        assert flow.sees(f"{count}/5 reviews complete, {5 - count} in progress")
    flow.done("deepseek", after=30)
    assert flow.sees("5/5 reviews complete!")
    assert "ready:\n  [ ] p3  PHASE 3: Consolidate reviews" in flow.status
    flow.start("p3")
    flow.done("p3", after=30)
    flow.start("p4")
    flow.done("p4", after=10)
    assert flow.sees("Multi-model review complete in 3 minutes")
    assert flow.sees("8/8 tasks complete (100%). Workflow finished!")
