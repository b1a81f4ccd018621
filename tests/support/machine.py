"""Clones of one hub in which anything may happen, and what must hold in the end."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    rule,
    run_state_machine_as_test,
)

from gittasks.core.changes import strictly_equal
from gittasks.core.merge.resolution import EXISTS
from gittasks.core.model import Snapshot, Task
from gittasks.core.operations import (
    AddNote,
    Claim,
    Create,
    Operation,
    Retitle,
    Transition,
    Update,
    Verb,
)
from gittasks.errors import InvalidData, NotFound, Refused
from gittasks.sync import SyncOptions
from support import clones
from support.clones import BROKEN, automatic, told
from support.record import Place, Record, changes, kept, last_readable, said, stands
from support.repositories import Repo, git

HOME = 1
"""The clone that has the list checked out in a worktree."""
WHO = st.sampled_from(range(3))
TASKS = ("a", "b", "c", "n")
"""The last is not there until somebody makes it, maybe several at once."""
TASK = st.sampled_from(TASKS)
FIELDS = ("subject", "description", "result", "phase")
MORE = ("metadata", "note", "title", "blocker", "create", "console", "keep", "claim")
DEEDS = st.lists(st.sampled_from((*FIELDS, *FIELDS, *Verb, *MORE)), min_size=1, max_size=3)
RULES = ("cycle", "closed", "in-progress", "deleted", "claimed", "lost-lease")
"""Of the rules that refuse a command, those that may be broken here, and cannot be overridden."""
MERGES = ("ours", "theirs", "markers", "-X ours", "-X theirs", "-s ours", "--no-ff")
"""How a person resolves conflicts, file by file, or lets git do."""
ASIDE = (
    "fetch -q",
    "push -q origin gittasks/plan",
    "gc -q --prune=now",
    "pack-refs --all",
    "cache",
    "cache/merge",
    "cache/lists",
)
SHARING = {
    "sync": SyncOptions(True, True),
    "pull": SyncOptions(True, False),
    "push": SyncOptions(False, True),
}


def none_of(faults: list[str]) -> None:
    assert not faults, "\n".join(faults)


def _there(task: str) -> Place:
    return task, EXISTS


def _operation(task: Task, known: set[str], deed: str, value: str) -> Operation:
    free = [i for i in ("a", "b", "c") if i in known - {task.id, *task.blocked_by}]
    match deed:
        case "title":
            return Retitle(value)
        case "claim":
            return Claim(task.id)
        case "metadata":
            return Update(task.id, metadata={"k": value})
        case "blocker" if free and not task.blocked_by:
            return Update(task.id, add_blocked_by=(free[0],))
        case "blocker" if task.blocked_by:
            return Update(task.id, remove_blocked_by=task.blocked_by[:1])
        case "note" | "blocker":
            return AddNote(task.id, value)
    return Update(task.id, **{deed: value})  # type: ignore[arg-type]


def template(folder: str) -> None:
    """Make what each run starts from: three clones in `folder/work`, and a copy of it all."""
    work = os.path.join(folder, "work")
    os.mkdir(work)
    repos = clones.share(work, "ada", "bob", "cy")
    home = repos[HOME]
    home.git("branch", "-q", "--track", "gittasks/plan", "origin/gittasks/plan")
    home.git("worktree", "add", "-q", os.path.join(work, "tree"), "gittasks/plan")
    for repo in (*repos, Repo(os.path.join(work, "hub.git"))):
        repo.git("config", "core.fsync", "none")  # no machine is going to lose its power
    shutil.copytree(work, os.path.join(folder, "template"), symlinks=True)


class Clones(RuleBasedStateMachine):
    """Ada, Bob with a worktree, and Cy, who at first has no local branch; their clocks differ."""

    rounds = 4
    """In which all have one head, when each syncs once a round; the last changes nothing."""

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
        try:
            report = workspace.edit([operation], force=True, parallel=True)
        except Refused as refused:
            assert refused.rule in RULES, refused  # noqa: PT017
            if refused.details.get("noted"):
                head = self.clones[who].head()
                self._acknowledge(who, head, self.record.diff(self.clones[who], head, {}))
            return
        except (NotFound, InvalidData):  # the remote was asked, and had that news
            assert getattr(operation, "id", None) not in self._snapshot(who).tasks
            return
        if report.commit:
            self._acknowledge(who, report.commit, changes(report.edit.before, report.edit.after))

    def _acknowledge(self, who: int, commit: str, writes: Mapping[Place, Any]) -> None:
        """Whoever is told of a success sees it."""
        self.record.add(commit, writes)
        snapshot = self._snapshot(who)
        shown, hidden = said(snapshot), snapshot.unreadable
        for (task, register), value in writes.items():
            assert task in hidden or strictly_equal(shown.get((task, register)), value), (
                task,
                register,
            )

    @rule(who=WHO, task=TASK, deeds=DEEDS)
    def work(self, who: int, task: str, deeds: list[str]) -> None:
        """Some commands, one after the other, about one task."""
        for deed in deeds:
            value, snapshot = self._next(who), self._snapshot(who)
            known = snapshot.tasks
            if deed == "keep":
                self._keep(who)
            elif deed == "create":
                if "n" not in snapshot.unreadable.union(known):
                    self._write(who, Create("Task n", id="n", description=value))
            elif deed in list(Verb):
                if task in known:
                    self._write(who, Transition(Verb(deed), task))
            elif task in known and known[task].status != "deleted":
                if deed == "console":
                    self._console(who, task, value)
                else:
                    self._write(who, _operation(known[task], set(known), deed, value))

    def _console(self, who: int, task: str, value: str) -> None:
        """The console script, a process of its own."""
        self._tidy(who)
        answer = self.clones[who].run("update", task, "--result", value, "--force", "--json")
        if answer.code:  # of a claimed task the remote was asked, and had that news
            now = self._snapshot(who).tasks.get(task)
            assert answer.code == 5 if now else answer.code in (3, 4), answer
            assert now is None or now.status == "deleted", answer
            return
        writes = {(task, ("result",)): value, _there(task): True}
        self._acknowledge(who, answer.json()["commit"], writes)

    def _keep(self, who: int) -> None:
        """What stands is right, says somebody: no conflict is left that can be kept so.

        That is a write like any other, of what `conflicts` told; also in a file that cannot be
        read, which the commit does not touch.
        """
        self._tidy(who)
        workspace = self.clones[who].workspace("plan")
        standing = stands(workspace.store.evaluate().conflicts)
        if workspace.keep_conflicts():
            head = self.clones[who].head()
            places = kept(workspace.store.commit(head).message)
            self._acknowledge(who, head, {p: standing.get(p, True) for p in places})
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
        good = last_readable(repo, commit, task)
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

    def _compete(self, task: str, theirs: list[str], ours: list[str]) -> None:
        """Both work on a task, and only then do we fetch."""
        self.work(0, task, theirs)
        self._share(0, SHARING["sync"])
        self.work(HOME, task, ours)
        self._next(HOME)
        self._tidy(HOME)
        self.tree.git("fetch", "-q")

    @rule(task=TASK, theirs=DEEDS, ours=DEEDS, how=st.sampled_from(MERGES), driver=st.booleans())
    def merge(self, task: str, theirs: list[str], ours: list[str], how: str, driver: bool) -> None:
        """`git merge` in the worktree, whose conflicts are resolved in haste."""
        self._compete(task, theirs, ours)
        with clones.driver(driver):
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

    @rule(task=TASK, theirs=DEEDS, ours=DEEDS, driver=st.booleans())
    def rebase(self, task: str, theirs: list[str], ours: list[str], driver: bool) -> None:
        """Unpublished work made anew on what was fetched; given up when git asks for help."""
        self._compete(task, theirs, ours)
        head, fetched = self.clones[HOME].head(), self.tree.git("rev-parse", "@{upstream}")
        old = self.tree.git("rev-list", f"{fetched}..{head}").split()
        with self.record.loosened(self.tree, old):
            standing = self.record.standing(self.tree, head, fetched)
            for place, values in self.record.torn(self.tree, old, fetched).items():
                standing[place] = values  # the driver takes either
        with clones.driver(driver):
            if not clones.tries(self.tree, "rebase", "-q", fetched):
                self.tree.git("rebase", "--abort")
                return
        self.record.replay(self.tree, old, self.tree.git("rev-list", f"{fetched}..HEAD").split())
        none_of(self.record.faults(standing, self._snapshot(HOME)))

    @rule(who=WHO, what=st.sampled_from(ASIDE))
    def aside(self, who: int, what: str) -> None:
        """Git itself, whose push may be refused; nothing depends on caches, or on packs."""
        if what.startswith("cache"):
            self.clones[who].remove("gittasks", *what.split("/"))
        elif what.startswith("push"):
            clones.tries(self.clones[who], *what.split())
        else:
            self.clones[who].git(*what.split())

    # --- sharing ----------------------------------------------------------------------------

    def _share(self, who: int, wish: SyncOptions) -> str:
        """Sync one; the commit that it shows then."""
        repo = self.clones[who]
        self._tidy(who)
        done = repo.workspace("plan").exchange(wish)[0]
        assert done.error is None, done.error
        shown = repo.workspace("plan").branch().commit
        if wish.push and repo.git("for-each-ref", "refs/heads/gittasks"):
            there = git(self._home(who), "rev-parse", "gittasks/plan")
            assert there == shown, "sent is known to be there"
        return shown

    def _home(self, who: int) -> str:
        """The repository that decides for one."""
        return self.hub

    @rule(who=WHO, how=st.sampled_from(tuple(SHARING)))
    def share(self, who: int, how: str) -> None:
        self._share(who, SHARING[how])

    @rule(who=WHO, after=st.integers(20, 300))
    def killed(self, who: int, after: int) -> None:
        """SIGKILL in the middle of a sync: everything goes on without any repair."""
        self._next(who)
        self._tidy(who)
        code = clones.kill(self.clones[who], after / 1000, "sync")
        assert code in ((-9, 0, 4) if self._snapshot(who).unreadable else (-9, 0)), code
        self.may_lag = self.may_lag or who == HOME

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
            for _ in range(self.rounds):
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
        none_of([f"{commit} was acknowledged" for commit in self.record.due - history])
        none_of(self.record.faults(standing, self._snapshot(0)))
        expected = told(first)
        for repo in self.clones:
            clones.assert_caches_change_nothing(repo)
            assert told(repo) == expected
            repo.fsck()
        Repo(self.hub).fsck()
        assert 2 * automatic(first) <= len(history)


class Peers(Clones):
    """No hub for all: Ada works on a fork of the team's repository, which Bob has cloned; Cy's is a
    clone of Ada's working repository. Each may also meet another directly."""

    rounds = 6

    def _home(self, who: int) -> str:
        return (self.hub, self.hub, self.clones[0].path)[who]

    @rule(who=WHO, other=WHO, how=st.sampled_from(tuple(SHARING)))
    def meet(self, who: int, other: int, how: str) -> None:
        """Two working clones; git lets nobody push to the branch that Bob has checked out."""
        if who == other or (other == HOME and how != "pull"):
            return
        self._tidy(who)
        name = os.path.basename(self.clones[other].path)
        done = self.clones[who].workspace("plan").exchange(SHARING[how], name)[0]
        assert done.error is None or self._has_no_list(other), done.error

    def _has_no_list(self, who: int) -> bool:
        return not self.clones[who].git("for-each-ref", "refs/heads/gittasks")


def peers(folder: str) -> None:
    """Make the template of `Peers`, of that of `Clones`."""
    template(folder)
    work = os.path.join(folder, "work")
    ada, bob, cy = (Repo(os.path.join(work, name)) for name in ("ada", "bob", "cy"))
    git(work, "clone", "-q", "--bare", "hub.git", "fork.git")
    ada.git("remote", "rename", "origin", "upstream")
    ada.git("remote", "add", "origin", os.path.join(work, "fork.git"))
    ada.git("config", "branch.gittasks/plan.remote", "upstream")
    cy.git("remote", "set-url", "origin", ada.path)
    cy.git("config", "branch.gittasks/plan.remote", "origin")
    cy.git("remote", "add", "team", os.path.join(work, "hub.git"))
    for repo, others in ((ada, (bob, cy)), (bob, (ada, cy)), (cy, (ada, bob))):
        for other in others:
            repo.git("remote", "add", os.path.basename(other.path), other.path)
    shutil.rmtree(os.path.join(folder, "template"))
    shutil.copytree(work, os.path.join(folder, "template"), symlinks=True)


def run(folder: str, how: settings, machine: type[Clones] = Clones) -> None:
    """Let hypothesis drive a machine in an empty folder."""
    (peers if machine is Peers else template)(folder)

    class Here(machine):  # type: ignore[misc,valid-type]  # the base is given
        def __init__(self) -> None:
            super().__init__(folder)

    run_state_machine_as_test(Here, settings=how)
