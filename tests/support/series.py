"""Long series of commands on one list, each with a fault, and the history judged after each.

What is in the history is told by git alone. Nothing is repaired between two commands, and what
was in the history once is looked for in it to the end.
"""

from __future__ import annotations

import contextlib
import errno
import io
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from random import Random
from typing import Any, NamedTuple, Self

import pytest

from gittasks.cli.main import run
from support.faults import KILL, Calls, Fault, Run, injected
from support.repositories import Repo

_ERRORS = (errno.EIO, errno.ENOSPC, errno.EACCES, errno.EMFILE, errno.EROFS, errno.ENOENT)
_NO_FAULT = Fault(0, 0)
_ANSWERED = (0, 1)
"""The exit codes of a command that was done: 1 says that nothing is ready."""
_REF = "refs/heads/gittasks/plan"


class Files:
    """The files of the list in a commit, as git has them."""

    def __init__(self, info: str, tasks: Mapping[str, str]) -> None:
        self.info = info
        self.tasks = tasks

    def field(self, task: str, name: str) -> str:
        """A field of a task, as it is written; empty where it is not."""
        match = re.search(rf"(?m)^{name}: (.*)$", self.tasks.get(task, ""))
        return match[1].strip('"') if match else ""

    def status(self, task: str) -> str:
        """The status of a task; empty where there is no such task."""
        return self.field(task, "status")

    @cached_property
    def by_status(self) -> dict[str, list[str]]:
        """The tasks of each status; those that wait for another are none that may be started."""
        tasks: dict[str, list[str]] = {}
        for task, text in self.tasks.items():
            if "blockedBy:" not in text:
                tasks.setdefault(self.status(task), []).append(task)
        return tasks


class History:
    """The commits of a branch, read with one git that stays."""

    def __init__(self, repo: Repo) -> None:
        self._repo = repo
        self._git = subprocess.Popen(
            ["git", "cat-file", "--batch"],
            cwd=repo.path,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._blobs: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._git.communicate()

    def read(self, name: str) -> bytes:
        """The content of an object; AssertionError where git has none."""
        assert self._git.stdin
        assert self._git.stdout
        self._git.stdin.write(f"{name}\n".encode())
        self._git.stdin.flush()
        line = self._git.stdout.readline().split()
        assert line[-1] != b"missing", name
        return self._git.stdout.read(int(line[-1]) + 1)[:-1]

    def head(self) -> str:
        """The commit of the branch; empty where there is none."""
        with contextlib.suppress(FileNotFoundError):
            return self._repo.read(f".git/{_REF}").strip()
        return self._repo.git("for-each-ref", "--format=%(objectname)", _REF)

    def parents(self, commit: str) -> list[str]:
        head = self.read(commit).partition(b"\n\n")[0].decode()
        return re.findall(r"(?m)^parent (.*)$", head)

    def holds(self, commit: str, head: str) -> bool:
        """Is a commit of a while ago in the history of a head?"""
        todo, seen = [head], set[str]()
        while todo and len(seen) < 100:
            name = todo.pop(0)
            if name == commit:
                return True
            seen.add(name)
            todo += [parent for parent in self.parents(name) if parent not in seen]
        return False

    def files(self, commit: str) -> Files:
        """The files of the list in a commit."""
        entries = dict(self._entries(f"{commit}^{{tree}}"))
        tasks = self._entries(entries["tasks"]) if "tasks" in entries else ()
        texts = {name.removesuffix(".yaml"): self._text(blob) for name, blob in tasks}
        return Files(self._text(entries["list.yaml"]), texts)

    def _entries(self, tree: str) -> Iterator[tuple[str, str]]:
        data, length = self.read(tree), len(self._repo_id) // 2
        while data:
            head, _, data = data.partition(b"\0")
            yield head.split(b" ", 1)[1].decode(), data[:length].hex()
            data = data[length:]

    @cached_property
    def _repo_id(self) -> str:
        """An id, for its length."""
        return self._repo.git("rev-parse", "HEAD")

    def _text(self, blob: str) -> str:
        if blob not in self._blobs:
            self._blobs[blob] = self.read(blob).decode()
        return self._blobs[blob]


class Request(NamedTuple):
    """A command, and the proof from the files of the list that it was done, all or in parts.

    One that only reads has none: its answer is compared with that of a run without a fault.
    """

    args: Sequence[str]
    holds: Callable[[Files], bool | Sequence[bool]] | None
    stdin: str = ""
    prepare: Callable[[], object] | None = None
    silent: bool = False

    @property
    def kind(self) -> str:
        """The command without what it is about."""
        return " ".join(w for n, w in enumerate(self.args) if not n or w.startswith("-"))


class Answer(NamedTuple):
    """How a command ended, what it wrote, and the calls it made; it may have been killed."""

    code: int
    out: str
    err: str
    calls: Calls
    killed: bool = False


def in_process(repo: Repo, request: Request, fault: Fault) -> Answer:
    """Run a command here."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, injected(repo.path, fault) as calls:
        patch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(request.stdin.encode())))
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = run(request.args)
    return Answer(code, out.getvalue(), err.getvalue(), calls)


def as_process(repo: Repo, request: Request, fault: Fault) -> Answer:
    """Run a command in a process of its own, which a fault may kill."""
    with tempfile.TemporaryFile("w+") as told:
        if not (child := os.fork()):
            code = 99
            try:
                answer = in_process(repo, request, fault)
                json.dump([answer.out, answer.err, vars(answer.calls)], told)
                told.flush()
                code = answer.code
            finally:
                os._exit(code)
        _, status = os.waitpid(child, 0)
        calls = Calls()
        if os.WIFSIGNALED(status):
            calls.struck = "kill"
            return Answer(-os.WTERMSIG(status), "", "", calls, killed=True)
        assert os.WEXITSTATUS(status) != 99, "the test itself failed"
        told.seek(0)
        out, err, counted = json.load(told)
        vars(calls).update(counted)
        return Answer(os.WEXITSTATUS(status), out, err, calls)


Perform = Callable[[Repo, Request, Fault], Answer]


# --- what may be asked of a list ----------------------------------------------------------------

_BATCH = """\
{{"op": "create", "id": "b{n}", "subject": "New"}}
{{"op": "note", "id": "{any}", "text": "seen {n}"}}
{{"op": "start", "id": "{task}"}}
"""
_PLAN = """\
tasks:
- id: p{n}
  subject: First
- id: q{n}
  subject: Second
  blockedBy: [p{n}]
"""
_BEADS = (
    '{{"id":"bd-{n}","title":"One","status":"open","priority":1,"issue_type":"task"}}\n'
    '{{"id":"be-{n}","title":"Two","status":"closed","priority":1,"issue_type":"task"}}\n'
)


def _becomes(status: str, *tasks: str) -> Callable[[Files], list[bool]]:
    return lambda files: [files.status(task) == status for task in tasks]


def _contains(*texts: tuple[str, str]) -> Callable[[Files], list[bool]]:
    return lambda files: [text in files.tasks.get(task, "") for task, text in texts]


def _exist(*tasks: str) -> Callable[[Files], list[bool]]:
    return lambda files: [task in files.tasks for task in tasks]


_TRANSITIONS = [
    ("start", "pending", "in_progress"),
    ("done", "in_progress", "completed"),
    ("skip", "pending", "skipped"),
    ("release", "in_progress", "pending"),
    ("reopen", "skipped", "pending"),
    ("reopen", "completed", "pending"),
    ("delete", "skipped", "deleted"),
    ("restore", "deleted", "skipped"),
]
_READS = [
    ["list", "--json"],
    ["list", "--all", "--json"],
    ["ready", "--json"],
    ["status", "--json"],
    ["log", "--json", "-n", "3"],
]


class Requests:
    """Commands drawn at random that a list in some state allows."""

    def __init__(self, repo: Repo, chance: Random) -> None:
        self._repo = repo
        self._chance = chance
        self._number = 0
        self._phase: tuple[str, str, str, str] | None = None

    def draw(self, files: Files, *, recorded: bool) -> Request:
        """The next one; the branch is not taken away unless its head could be recorded."""
        self._number += 1
        if "archived:" in files.info:
            return Request(["unarchive", "plan"], lambda f: "archived:" not in f.info)
        ways = [self._note, self._update, self._create, self._read, self._several, self._move]
        ways += [self._transition] * 5 + [
            self._done_and_next,
            self._batch,
            self._apply,
            self._import,
        ]
        if self._chance.random() < 0.1:
            ways = [self._archive, self._trailers, self._other_list]
            ways += [self._lost] if recorded else []
        request = self._undo(files) or self._chance.choice(ways)(files)
        return request or self._note(files)

    def _one(self, files: Files, *statuses: str) -> str:
        tasks = [t for s in statuses for t in files.by_status.get(s, ())]
        return self._chance.choice(sorted(tasks)) if tasks else ""

    def _any(self, files: Files) -> str:
        return self._one(files, "pending", "in_progress", "completed")

    def _note(self, files: Files) -> Request:
        task, text = self._any(files), f"said {self._number} times"
        return Request(["note", task, text], _contains((task, text)))

    def _update(self, files: Files) -> Request:
        task, phase = self._any(files), f"ph{self._number}"
        self._phase = (task, files.field(task, "phase"), phase, "undo")
        return Request(["update", task, "--phase", phase], _contains((task, f"phase: {phase}")))

    def _undo(self, files: Files) -> Request | None:
        """What takes back the change before, or makes it again, now and then."""
        task, before, after, verb = self._phase or ("", "", "", "")
        phase, self._phase = files.field(task, "phase"), None
        if not task or phase != after or self._chance.random() < 0.5:
            return None
        if verb == "undo":
            self._phase = (task, after, before, "redo")
        return Request([verb], lambda f: f.field(task, "phase") == before)

    def _create(self, files: Files) -> Request:
        task = f"n{self._number}"
        if len(files.tasks) > 40:
            return self._note(files)
        return Request(["create", f"New {task}", "--id", task], _exist(task))

    def _read(self, files: Files) -> Request:
        show = ["show", self._any(files), "--json"]
        return Request(self._chance.choice([*_READS, show]), None)

    def _transition(self, files: Files) -> Request | None:
        verb, before, after = self._chance.choice(_TRANSITIONS)
        task = self._one(files, before)
        return Request([verb, task], _becomes(after, task)) if task else None

    def _several(self, files: Files) -> Request | None:
        tasks = files.by_status.get("pending", [])[:2]
        phase = f"ph{self._number}"
        if len(tasks) < 2:
            return None
        if self._chance.random() < 0.5:
            return Request(["done", *tasks], _becomes("completed", *tasks))
        pairs = ((task, f"phase: {phase}") for task in tasks)
        return Request(["update", *tasks, "--phase", phase], _contains(*pairs))

    def _done_and_next(self, files: Files) -> Request | None:
        task = self._one(files, "in_progress")
        pending = [other for other in files.tasks if files.status(other) == "pending"]
        if not task or not files.by_status.get("pending"):
            return None

        def holds(f: Files) -> list[bool]:
            started = any(f.status(other) == "in_progress" for other in pending)
            return [f.status(task) == "completed", started]

        return Request(["done", task, "--next"], holds)

    def _move(self, files: Files) -> Request | None:
        first, second = (self._one(files, "pending") for _ in range(2))

        def order(shown: Files, task: str) -> float:
            return float(shown.field(task, "order") or 0)

        if not first or order(files, first) >= order(files, second):
            return None
        holds = lambda f: order(f, first) > order(f, second)  # noqa: E731
        return Request(["update", first, "--after", second], holds)

    def _batch(self, files: Files) -> Request | None:
        n, task = self._number, self._one(files, "pending")
        if not task or len(files.tasks) > 40:
            return None
        other = self._any(files)

        def holds(f: Files) -> list[bool]:
            started = f.status(task) == "in_progress"
            return [f"b{n}" in f.tasks, f"seen {n}" in f.tasks[other], started]

        return Request(["batch"], holds, _BATCH.format(n=n, any=other, task=task))

    def _apply(self, files: Files) -> Request | None:
        n = self._number
        if len(files.tasks) > 40:
            return None
        return Request(["apply", "-"], _exist(f"p{n}", f"q{n}"), _PLAN.format(n=n))

    def _import(self, files: Files) -> Request | None:
        n = self._number
        if len(files.tasks) > 40:
            return None
        return Request(["import", "-"], _exist(f"bd-{n}", f"be-{n}"), _BEADS.format(n=n))

    def _archive(self, files: Files) -> Request:
        return Request(["archive", "plan"], lambda f: "archived:" in f.info)

    def _trailers(self, files: Files) -> Request | None:
        tasks = files.by_status.get("pending", [])[:1]
        if not tasks:
            return None
        message = f"Do it\n\nTask: {tasks[0]} done"

        def commit() -> None:
            self._repo.git("commit", "-q", "--no-verify", "--allow-empty", "-m", message)

        hook = ["hook", "post-commit"]
        return Request(hook, _becomes("completed", *tasks), prepare=commit, silent=True)

    def _other_list(self, files: Files) -> Request | None:
        name = f"other{self._number}"
        ref = f"refs/heads/gittasks/{name}"

        def exists(_: Files) -> bool:
            return bool(self._repo.git("for-each-ref", ref))

        return Request(["init", name], exists) if self._chance.random() < 0.2 else None

    def _lost(self, files: Files) -> Request | None:
        """The branch goes by another program, and is brought back."""
        if os.path.exists(self._repo.ref_lock()):  # of a killed writer; git does not pass it
            return None
        return Request(
            ["lists", "restore", "plan"],
            lambda _: bool(self._repo.git("for-each-ref", _REF)),
            prepare=lambda: self._repo.git("update-ref", "-d", _REF),
        )


# --- the series ---------------------------------------------------------------------------------


class Series:
    """Commands on one list, and what was in its history so far."""

    def __init__(
        self, repo: Repo, history: History, perform: Perform, chance: Random, tally: Counter[str]
    ) -> None:
        self._repo = repo
        self._history = history
        self._perform = perform
        self._chance = chance
        self._tally = tally
        self._requests = Requests(repo, chance)
        self._lengths: dict[str, int] = {}
        self._recorded = True
        self._heads = [history.head()]
        self._files = history.files(self._heads[0])

    def step(self) -> None:
        """A command with a fault; in some cases the same again without one, which must succeed."""
        request = self._requests.draw(self._files, recorded=self._recorded)
        if request.prepare:
            request.prepare()
        fault = self._fault(self._lengths.get(request.kind, 150))
        answer = self._perform(self._repo, request, fault)
        self._tally["operations"] += 1
        self._tally["struck"] += bool(answer.calls.struck)
        self._tally["killed"] += answer.killed
        if not answer.calls.struck:
            self._lengths[request.kind] = answer.calls.count
        if self._perform is not as_process:  # whose locks the next writer knows as a dead one's
            self._clear_locks(answer)
        done = self._judge(request, fault, answer)
        if not done and (request.prepare or self._chance.random() < 0.2):
            again = self._perform(self._repo, request, _NO_FAULT)
            self._tally["again"] += 1
            assert again.code in _ANSWERED, f"again: {request}\n{again}\n{fault}\n{answer}"
            assert self._judge(request, _NO_FAULT, again), f"again: {request}\n{again}"

    def _fault(self, calls: int) -> Fault:
        number, number_of_error = self._chance.randint(1, calls), self._chance.choice(_ERRORS)
        if self._perform is as_process and self._chance.random() < 0.7:
            return Fault(number, KILL, lost=self._chance.random() < 0.5)
        if self._chance.random() < 0.1:
            return Fault(number, errno.ENOSPC, lasting=True)
        return Fault(number, number_of_error, lost=self._chance.random() < 0.4)

    def _judge(self, request: Request, fault: Fault, answer: Answer) -> bool:
        """Compare what was said with what is; tell if what was asked is done."""
        story = f"{' '.join(request.args)}: {answer}\n{answer.calls.struck}\n{answer.calls.place}"
        if request.holds is None:
            if answered := answer.code in _ANSWERED:
                plain = self._perform(self._repo, request, _NO_FAULT)
                assert plain.code == answer.code, f"{story}\n{plain}"
                assert timeless(answer.out) == timeless(plain.out), story
                self._tally["answers"] += 1
            return answered
        head = self._history.head()
        if head:
            self._follow(head, story, recorded=not fault.lasting and not answer.killed)
        holds = request.holds(self._files)
        parts = frozenset([holds] if isinstance(holds, bool) else holds)
        if answer.killed:
            assert len(parts) == 1, story
        else:
            texts = [self._files.tasks[task] for task in request.args if task in self._files.tasks]
            said = "\n".join([answer.err, f"{' '.join(request.args)}: {holds}", *texts, ""])
            Run(fault, answer.code, said, parts, answer.calls, request.silent).judge()
        done = False not in parts
        self._tally["done"] += done
        return done

    def _follow(self, head: str, story: str, *, recorded: bool) -> None:
        """Go on to a head, which must have what was in the history before."""
        if head != self._heads[-1]:
            self._recorded = recorded
            assert self._history.holds(self._heads[-1], head), f"{self._heads[-1]} went: {story}"
            self._heads.append(head)
            self._files = self._history.files(head)

    def _clear_locks(self, answer: Answer) -> None:
        """Remove a lock that stayed since its removal was what failed; no other one may be."""
        for name in (f"{_REF}.lock", "packed-refs.lock", "config.lock"):
            path = os.path.join(self._repo.git_dir, name)
            if os.path.exists(path):
                stays = answer.calls.struck in ("unlink", "rename", "replace", "open")
                assert stays, f"{name}: {answer}\n{answer.calls.struck}\n{answer.calls.place}"
                self._tally["locks that could not be removed"] += 1
                os.unlink(path)

    def finish(self) -> None:
        """All that was in the history is in it; the list reads the same without caches."""
        last = Request(["create", "Last", "--id", "last"], _exist("last"))
        if "archived:" in self._files.info:
            last = self._requests.draw(self._files, recorded=False)
        assert self._judge(last, _NO_FAULT, self._perform(self._repo, last, _NO_FAULT))
        assert not os.path.exists(self._repo.ref_lock())
        commits = set(self._repo.git("rev-list", _REF).split())
        assert commits.issuperset(self._heads), set(self._heads) - commits
        warm = self._shown()
        self._repo.remove("gittasks", "cache")
        assert self._shown() == warm
        assert {t["id"]: t["status"] for t in warm["tasks"]} == {
            task: self._files.status(task) for task in self._files.tasks
        }
        self._repo.fsck()

    def _shown(self) -> Any:
        request = Request(["list", "--all", "--json"], None)
        answer = in_process(self._repo, request, _NO_FAULT)
        assert answer.code == 0, answer
        return json.loads(timeless(answer.out))


_TIMES = re.compile(r'"(elapsedSeconds|etaSeconds|seconds)": ?[^,}\n]+')


def timeless(text: str) -> str:
    """An answer without what the clock says."""
    return _TIMES.sub(r'"\1": 0', text)


def run_series(
    folder: str, operations: int, perform: Perform, seed: int, length: int = 250
) -> Counter[str]:
    """So many commands with faults, each list changed by at most `length` of them; the tally."""
    tally: Counter[str] = Counter()
    chance = Random(seed)
    while tally["operations"] < operations:
        place = os.path.join(folder, str(tally["operations"]))
        repo = Repo.listed(place, "a", "b", "c", "d", "e", "f")
        with contextlib.chdir(place), History(repo) as history, pytest.MonkeyPatch.context() as p:
            p.setenv("GITTASKS_LIST", "plan")
            p.setattr("gittasks.store.refs._LOCK_PATIENCE", 0.2)
            repo.git("config", "gittasks.parallel", "true")
            series = Series(repo, history, perform, chance, tally)
            for _ in range(min(length, operations - tally["operations"])):
                series.step()
            series.finish()
        shutil.rmtree(place)
    return tally
