"""Clones of one hub in which anything may happen, and what must hold in the end."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import clones
import pytest
from clones import BROKEN, automatic, told
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    rule,
    run_state_machine_as_test,
)
from record import Place, Record, changes, said
from support import Repo, git

from gittasks.core.changes import same
from gittasks.core.model import Snapshot
from gittasks.core.operations import AddNote, Create, Operation, Retitle, Transition, Update, Verb
from gittasks.core.picks import EXISTS
from gittasks.errors import Refused
from gittasks.sync import Wish
from gittasks.workspace.merge_driver import DRIVER

HOME = 1
"""The clone that has the list checked out in a worktree."""
WHO = st.sampled_from(range(3))
TASKS = ("a", "b", "c", "n")
"""The last is not there until somebody makes it, maybe several at once."""
TASK = st.sampled_from(TASKS)
FIELDS = ("subject", "description", "result", "phase", "metadata", "note", "title", "blocker")
MERGES = ("ours", "theirs", "markers", "-X ours", "-X theirs", "-s ours", "--no-ff")
"""How a person resolves conflicts, file by file, or lets git do."""
SHARING = {"sync": Wish(True, True), "pull": Wish(True, False), "push": Wish(False, True)}
_WITH_DRIVER = {
    "GIT_CONFIG_COUNT": "1",
    "GIT_CONFIG_KEY_0": "merge.gittasks.driver",
    "GIT_CONFIG_VALUE_0": DRIVER,
}


def _there(task: str) -> Place:
    return task, EXISTS


@contextmanager
def _driver(on: bool) -> Iterator[None]:
    """Git with the merge driver, or without."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in _WITH_DRIVER.items() if on else ():
            patch.setenv(name, value)
        yield


def _last_readable(repo: Repo, commit: str, task: str) -> str:
    """The commit itself if a task can be read there, else the one that it was broken on; or ""."""
    store = repo.workspace("plan").store
    while task not in store.load_at(commit).snapshot.tasks:
        blob = _blob(repo, commit, task)
        parents = store.commit(commit).parents
        if not blob or not parents:
            return ""
        commit = next((p for p in parents if _blob(repo, p, task) == blob), parents[0])
    return commit


def _blob(repo: Repo, commit: str, task: str) -> str:
    return repo.git("ls-tree", commit, f"tasks/{task}.yaml")


def template(folder: str) -> None:
    """Make what each run starts from: three clones in `folder/work`, and a copy of it all."""
    work = os.path.join(folder, "work")
    os.mkdir(work)
    repos = clones.share(work, "ada", "bob", "cy")
    home = repos[HOME]
    home.git("branch", "-q", "gittasks/plan", "origin/gittasks/plan")
    home.git("worktree", "add", "-q", os.path.join(work, "tree"), "gittasks/plan")
    for repo in (*repos, Repo(os.path.join(work, "hub.git"))):
        repo.git("config", "core.fsync", "none")  # no machine is going to lose its power
    shutil.copytree(work, os.path.join(folder, "template"), symlinks=True)


class Clones(RuleBasedStateMachine):
    """Ada, Bob with a worktree, and Cy, who at first has no local branch; their clocks differ."""

    def __init__(self, folder: str) -> None:
        super().__init__()
        work = os.path.join(folder, "work")
        shutil.rmtree(work)
        shutil.copytree(os.path.join(folder, "template"), work, symlinks=True)
        self.clones = [Repo(os.path.join(work, name)) for name in ("ada", "bob", "cy")]
        self.tree = Repo(os.path.join(work, "tree"))
        self.hub = os.path.join(work, "hub.git")
        self.record = Record()
        self.skews = [0, 0, 0]
        self.count = 0
        self.may_lag = False
        """Somebody was killed who may have been about to bring the worktree along."""
        root, first = self.clones[0].git("rev-list", "--reverse", "gittasks/plan").split()
        store = self.clones[0].workspace("plan").store
        empty, made = (store.load_at(commit).snapshot for commit in (root, first))
        self.record.add(root, {})
        self.record.add(first, changes(empty, made))

    @initialize(skews=st.tuples(*[st.sampled_from((0, -500, 500))] * 3))
    def clocks(self, skews: tuple[int, ...]) -> None:
        self.skews = list(skews)

    def _next(self, who: int) -> str:
        """A value that was never there; it is a minute later, as this clone's clock has it."""
        self.count += 1
        at = 1893456000 + 60 * (1000 + self.count + self.skews[who])
        os.environ["GIT_AUTHOR_DATE"] = f"{at} +0000"
        return f"v{self.count}"

    def _snapshot(self, who: int) -> Snapshot:
        return self.clones[who].workspace("plan").snapshot()

    # --- commands ---------------------------------------------------------------------------

    def _write(self, who: int, operation: Operation) -> None:
        """A command in this process; what it reports is what it may be held to."""
        self._tidy(who)
        workspace = self.clones[who].workspace("plan", GITTASKS_OWNER=f"owner{who}")
        report = workspace.edit([operation], force=True, parallel=True)
        if report.commit:
            self._acknowledge(who, report.commit, changes(report.edit.before, report.edit.after))

    def _acknowledge(self, who: int, commit: str, writes: Mapping[Place, Any]) -> None:
        """Whoever is told of a success sees it."""
        self.record.add(commit, writes)
        snapshot = self._snapshot(who)
        shown, hidden = said(snapshot), snapshot.unreadable
        for (task, register), value in writes.items():
            assert task in hidden or same(shown.get((task, register)), value), (task, register)

    @rule(who=WHO, task=TASK, field=st.sampled_from(FIELDS), other=TASK)
    def update(self, who: int, task: str, field: str, other: str) -> None:
        value, known = self._next(who), self._snapshot(who).tasks
        if task not in known or known[task].status == "deleted":
            return
        operation: Operation
        match field:
            case "note":
                operation = AddNote(task, value)
            case "title":
                operation = Retitle(value)
            case "metadata":
                operation = Update(task, metadata={"k": value})
            case "blocker" if other in known[task].blocked_by:
                operation = Update(task, remove_blocked_by=(other,))
            case "blocker":
                operation = Update(task, add_blocked_by=(other,))
            case _:
                operation = Update(task, **{field: value})  # type: ignore[arg-type]
        try:
            self._write(who, operation)
        except Refused as refused:
            if field != "blocker" or refused.rule == "checked-out":
                raise

    @rule(who=WHO, task=TASK, verb=st.sampled_from(Verb))
    def move(self, who: int, task: str, verb: Verb) -> None:
        self._next(who)
        if task in self._snapshot(who).tasks:
            try:
                self._write(who, Transition(verb, task))
            except Refused as refused:
                if refused.rule == "checked-out":
                    raise

    @rule(who=WHO)
    def create(self, who: int) -> None:
        value = self._next(who)
        self._write(who, Create("Task n", id="n", description=value))

    @rule(who=WHO, task=TASK)
    def command(self, who: int, task: str) -> None:
        """The console script, a process of its own."""
        value, known = self._next(who), self._snapshot(who).tasks
        if task in known and known[task].status != "deleted":
            self._tidy(who)
            answer = self.clones[who].ok("update", task, "--result", value, "--json").json()
            self._acknowledge(
                who, answer["commit"], {(task, ("result",)): value, _there(task): True}
            )

    @rule(who=WHO)
    def keep(self, who: int) -> None:
        """What stands is right, says somebody: no conflict is left that can be kept so."""
        self._next(who)
        self._tidy(who)
        if self.clones[who].workspace("plan").keep_conflicts():
            self.record.due.add(self.clones[who].head())
        assert self.clones[who].workspace("plan").keep_conflicts() == 0

    # --- plain git --------------------------------------------------------------------------

    def _tidy(self, who: int) -> None:
        """A worktree that a writer who was killed left behind is settled by a person."""
        if who == HOME and self.tree.git("status", "--porcelain"):
            assert self.may_lag, self.tree.git("status")
            self.tree.git("reset", "-q", "--hard")
        self.may_lag = self.may_lag and who != HOME

    def _by_hand(self, who: int, changed: Mapping[str, str | None]) -> str:
        """A commit made with git alone, in the worktree where there is one."""
        repo = self.clones[who]
        if not repo.git("for-each-ref", "refs/heads/gittasks/plan"):
            repo.git("branch", "-q", "gittasks/plan", "origin/gittasks/plan")
        message = f"Edit by hand {self.count}"
        if who != HOME:
            return repo.hand_edit(changed, message=message)
        for path, text in changed.items():
            if text is None:
                os.unlink(self.tree.file(path))
            else:
                self.tree.write(path, text)
        self.tree.git("add", "-A")
        self.tree.git("commit", "-qm", message)
        return repo.head()

    @rule(who=WHO, task=TASK, how=st.sampled_from(("phase", "comment", "break", "remove")))
    def hand(self, who: int, task: str, how: str) -> None:
        """An editor: a line, a comment, a slip, a removal; a file that is broken is mended."""
        value, path, repo = self._next(who), f"tasks/{task}.yaml", self.clones[who]
        self._tidy(who)
        head = "gittasks/plan" if who == HOME else "origin/gittasks/plan"
        head = "gittasks/plan" if repo.git("for-each-ref", "refs/heads/gittasks") else head
        commit = repo.git("rev-parse", head)
        if not repo.git("ls-tree", commit, path):
            return
        if how == "remove" and task != "n":
            made = self._by_hand(who, {path: None})
            self.record.add(made, {_there(task): None})
            return
        good = _last_readable(repo, commit, task)
        if how == "break" and good == commit:
            made = self._by_hand(who, {path: BROKEN + f"# {value}\n"})
            self.record.add(made, {_there(task): True})
            return
        text = repo.git("show", f"{good}:{path}") + "\n" if good else "subject: Again\n"
        writes: dict[Place, Any] = {_there(task): True}
        if how == "comment":
            text += f"# {value}\n"
        else:
            lines = [line for line in text.splitlines() if not line.startswith("phase:")]
            text = "\n".join([*lines, f"phase: {value}", ""])
            writes[task, ("phase",)] = value
        if not good:
            writes[task, ("subject",)] = "Again"
        made = self._by_hand(who, {path: text})
        self.record.add(made, writes)
        if good != commit:
            snapshot = repo.workspace("plan").store.load_at(made).snapshot
            self.record.picks[made] = {p: v for p, v in said(snapshot).items() if p[0] == task}

    @rule(how=st.sampled_from(MERGES), driver=st.booleans(), fetch=st.booleans())
    def merge(self, how: str, driver: bool, fetch: bool) -> None:
        """`git merge` in the worktree, whose conflicts are resolved in haste."""
        self._next(HOME)
        self._tidy(HOME)
        if fetch:
            self.tree.git("fetch", "-q")
        with _driver(driver):
            options = how.split() if how.startswith("-") else []
            if clones.merge(self.tree, *options, check=False) == 0:
                return
            for path in self.tree.git("diff", "--name-only", "--diff-filter=U").splitlines():
                if how == "theirs" and clones.tries(self.tree, "checkout", "-q", "--theirs", path):
                    continue
                if how != "markers":
                    clones.tries(self.tree, "checkout", "-q", "--ours", path)
            self.tree.git("add", "-A")
            self.tree.git("commit", "-qm", f"Merge in haste {self.count}")

    @rule(driver=st.booleans())
    def rebase(self, driver: bool) -> None:
        """Unpublished work made anew on what was fetched; given up when git asks for help."""
        self._next(HOME)
        self._tidy(HOME)
        ours, theirs = (self.tree.git("rev-parse", r) for r in ("HEAD", "origin/gittasks/plan"))
        old = self.tree.git("rev-list", f"{theirs}..{ours}").split()
        standing = self.record.standing(self.tree, ours, theirs)
        with _driver(driver):
            if not clones.tries(self.tree, "rebase", "-q", theirs):
                self.tree.git("rebase", "--abort")
                return
        self.record.replay(self.tree, old, self.tree.git("rev-list", f"{theirs}..HEAD").split())
        assert not self.record.faults(standing, self._snapshot(HOME))

    @rule(who=WHO, how=st.sampled_from(("fetch", "push")))
    def plain(self, who: int, how: str) -> None:
        """What git itself sends and gets; a push may be refused."""
        refs = ["gittasks/plan"] if how == "push" else []
        clones.tries(self.clones[who], how, "-q", "origin", *refs)

    @rule(who=WHO, what=st.sampled_from(("gc", "pack-refs", "cache", "cache/merge", "cache/lists")))
    def upkeep(self, who: int, what: str) -> None:
        """Nothing depends on caches, nor on where git keeps what."""
        if what.startswith("cache"):
            self.clones[who].remove("gittasks", what)
        else:
            options = {"gc": ["-q", "--prune=now"], "pack-refs": ["--all"]}[what]
            self.clones[who].git(what, *options)

    # --- sharing ----------------------------------------------------------------------------

    def _share(self, who: int, wish: Wish) -> str:
        """Sync one; the commit that it shows then."""
        repo = self.clones[who]
        self._tidy(who)
        done = repo.workspace("plan").sync(wish)[0]
        assert done.error is None, done.error
        shown = repo.workspace("plan").branch().commit
        if wish.push:
            assert git(self.hub, "rev-parse", "gittasks/plan") == shown, "sent is known to be there"
        return shown

    @rule(who=WHO, how=st.sampled_from(tuple(SHARING)))
    def share(self, who: int, how: str) -> None:
        self._next(who)
        self._share(who, SHARING[how])

    @rule(who=WHO, after=st.integers(50, 400))
    def killed(self, who: int, after: int) -> None:
        """SIGKILL in the middle of a sync: everything goes on without any repair."""
        self._next(who)
        self._tidy(who)
        clones.kill(self.clones[who], after / 1000, "sync")
        self.may_lag = self.may_lag or who == HOME
        self._snapshot(who)

    # --- the end ----------------------------------------------------------------------------

    def teardown(self) -> None:
        try:
            if sys.exc_info()[0] is None:
                self._settle()
                self._check()
        finally:
            os.environ.pop("GIT_AUTHOR_DATE", None)

    def _settle(self) -> None:
        """Everybody syncs until nothing changes, which is soon; what is broken is mended then."""
        for _ in range(len(TASKS) + 1):
            before: list[str] = []
            for _ in range(4):
                heads = [self._share(who, SHARING["sync"]) for who in range(3)]
                if heads == before:
                    break
                before = heads
            assert heads == before == heads[:1] * 3, heads
            broken = sorted(self._snapshot(0).unreadable)
            if not broken:
                return
            self.hand(0, broken[0], "phase")
        raise AssertionError(broken)

    def _check(self) -> None:
        first = self.clones[0]
        standing = self.record.standing(first, first.workspace("plan").branch().commit)
        history = set(first.git("rev-list", "gittasks/plan").split())
        assert not self.record.due - history, "what was acknowledged is in the history"
        assert not self.record.faults(standing, self._snapshot(0))
        expected = told(first)
        for repo in self.clones:
            clones.assert_caches_change_nothing(repo)
            assert told(repo) == expected
            repo.fsck()
        Repo(self.hub).fsck()
        assert 2 * automatic(first) <= len(history)


def run(folder: str, how: settings) -> None:
    """Let hypothesis drive the machine in an empty folder."""
    template(folder)

    class Here(Clones):
        def __init__(self) -> None:
            super().__init__(folder)

    run_state_machine_as_test(Here, settings=how)
