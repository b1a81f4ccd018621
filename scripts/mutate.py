"""Mutation testing: does a test fail when a line of the project is wrong?

Two steps, for any modules and tests. The first runs tests once, in a copy of the project, and keeps
which of them reach which stretch of code, and how much processor time each takes, so that a busy
machine decides nothing; with other tests it adds to what the file holds. A verdict is worth what
was recorded: take tests/core for core, tests/codec for codec, and those of the rooms above.

    python scripts/mutate.py --record FILE [--tests PATH...]

The second draws small mistakes by chance and plants them all in a copy, each behind a switch. Each
is then switched on alone, in a fork of one process that has collected the tests, for those that
reach it, in turn the quickest and that which comes to the rarest part of the function, until one
fails. A test that fails without the mistake as well counts for nothing. Prints the score of each
room and every survivor, to be read: many change nothing that could be seen.

    python scripts/mutate.py --reach FILE --draw 'codec/*.py=20' 'sync/*.py=20' core/rules.py=all
        [--seed N] [--seconds N] [--jobs N] [--verdicts FILE]
    python scripts/mutate.py --reach FILE --again sync/exchange.py#511 …

Code outside of functions is left as it is: tables of words and names, defaults, decorators; so are
patterns, and the texts in f-strings.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import copy
import itertools
import json
import os
import random
import resource
import select
import shutil
import signal
import site
import subprocess
import sys
import tempfile
import time
import traceback
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parent.parent
TESTS = tuple(f"tests/{name}" for name in ("store", "workspace", "sync", "githooks"))
_SWITCH = '''
"""Which mistake is on, by a variable; and in a recording, which test comes to which stretch."""
import builtins, os, zlib

_on = os.environ.get
_handle = None
_noted = set()


def mutant_on(number):
    return _on("MUTANT") == number


def mutant_at(stretch):
    test = _on("PYTEST_CURRENT_TEST")
    if test and (stretch, test) not in _noted:
        _noted.add((stretch, test))
        name = test.rpartition(" ")[0].encode("utf-8", "surrogateescape")
        row = stretch.to_bytes(4, "big") + zlib.crc32(name).to_bytes(4, "big")
        try:
            os.write(_handle, row)
        except OSError:  # a test has closed it
            pass


builtins.mutant_on, builtins.mutant_at = mutant_on, mutant_at
if "MUTANT_HITS" in os.environ:
    opened = os.open(os.environ["MUTANT_HITS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    import fcntl
    _handle = fcntl.fcntl(opened, fcntl.F_DUPFD_CLOEXEC, 900)  # out of the way of what tests count
    os.close(opened)
'''


class Mistake(NamedTuple):
    """One wrong node: its number in its module, where, what was there and what is."""

    number: str
    stretch: str
    module: str
    line: int
    before: str
    after: str


class Reach(NamedTuple):
    """What a recording found: processor time of each test, and the tests that reach a stretch."""

    seconds: dict[str, float]
    tests: dict[str, list[str]]

    @classmethod
    def read(cls, path: Path) -> Reach:
        """The recording in a file; an empty one where there is none."""
        return cls(**json.loads(path.read_text("utf-8"))) if path.exists() else cls({}, {})

    def updated(self, new: Reach) -> Reach:
        """This recording with the files of tests in a new one taken from that."""
        files = {test.partition("::")[0] for test in new.seconds}

        def old(tests: Iterable[str]) -> list[str]:
            return [test for test in tests if test.partition("::")[0] not in files]

        seconds = {test: self.seconds[test] for test in old(self.seconds)} | new.seconds
        stretches = {**self.tests, **new.tests}
        tests = {s: old(self.tests.get(s, ())) + new.tests.get(s, []) for s in stretches}
        return Reach(seconds, tests)

    def chosen(self, stretch: str, seconds: float) -> list[str]:
        """The tests that reach a stretch, within so many seconds.

        In turns the quickest, and the one that comes to the rarest part of the same function: what
        a wrong condition does shows where its branch is taken.
        """
        function = stretch.rpartition(":")[0]
        rarest: dict[str, int] = {}
        for other, tests in self.tests.items():
            if other.rpartition(":")[0] == function:
                for test in tests:
                    rarest[test] = min(rarest.get(test, len(tests)), len(tests))
        quickest = sorted(self.tests.get(stretch, ()), key=self.seconds.__getitem__)
        rare = sorted(quickest, key=rarest.__getitem__)
        turns = dict.fromkeys(test for pair in zip(rare, quickest, strict=True) for test in pair)
        sums = itertools.accumulate(self.seconds[test] for test in turns)
        return [test for test, total in zip(turns, sums, strict=True) if total <= seconds]


# --- mistakes -----------------------------------------------------------------------------------

_COMPARE: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
_OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
    ast.BitXor: ast.BitOr,
    ast.Sub: ast.Add,
    ast.Add: ast.Sub,
    ast.LShift: ast.RShift,
}
_CALLS = {"min": "max", "max": "min", "any": "all", "all": "any"}
_DROPPED_CALLS = frozenset({"sorted", "reversed"})
Place = tuple[Any, str, int | None, ast.AST]
"""A node, and where its parent has it."""


def places(node: ast.AST) -> Iterator[Place]:
    """All nodes that are run, in a fixed order: no annotations, docstrings or imports."""
    for field, value in ast.iter_fields(node):
        if field in ("annotation", "returns") or isinstance(node, ast.Import | ast.ImportFrom):
            continue
        for index, child in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if isinstance(child, ast.AST) and not _is_docstring(child):
                yield node, field, index, child
                yield from places(child)


def _is_docstring(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def expressions(node: ast.AST) -> Iterator[ast.AST]:
    """Wrong expressions in place of this one."""
    match node:
        case ast.Compare(left, [op], right):
            for other in _COMPARE[type(op)]:
                yield ast.Compare(left, [other()], right)
        case ast.BoolOp(op, values):
            yield ast.BoolOp(ast.Or() if isinstance(op, ast.And) else ast.And(), values)
            for left_out in range(len(values)):
                rest = values[:left_out] + values[left_out + 1 :]
                yield rest[0] if len(rest) == 1 else ast.BoolOp(op, rest)
        case ast.UnaryOp(ast.Not() | ast.USub(), operand):
            yield operand
        case ast.BinOp(left, op, right) if type(op) in _OPERATORS:
            yield ast.BinOp(left, _OPERATORS[type(op)](), right)
            yield left
            yield right
        case ast.IfExp(_, body, orelse):
            yield body
            yield orelse
        case ast.Call(ast.Name(name), args, keywords) if name in _CALLS:
            yield ast.Call(ast.Name(_CALLS[name]), args, keywords)
        case ast.Call(ast.Name(name), [argument, *_]) if name in _DROPPED_CALLS:
            yield ast.Call(ast.Name("list"), [argument], [])
        case ast.Constant(bool() as value):
            yield ast.Constant(not value)
        case ast.Constant(int() as value):
            yield ast.Constant(value + 1)
        case ast.Constant(str() as value):
            yield ast.Constant(value + "?")
        case ast.Dict(keys, values) if keys.count(None) and len(keys) > 1:
            yield ast.Dict(keys[::-1], values[::-1])
            for left_out in range(len(keys)):
                yield ast.Dict(
                    keys[:left_out] + keys[left_out + 1 :],
                    values[:left_out] + values[left_out + 1 :],
                )
        case ast.Call(ast.Attribute(value, "union" | "reversed"), _):
            yield value


def statements(node: ast.AST) -> Iterator[ast.AST]:
    """Wrong statements, or comprehensions, in place of this one."""
    match node:
        case ast.Return(value) if value is not None and not _is_none(value):
            yield ast.Return(ast.Constant(None))
        case ast.Assign() | ast.AugAssign() | ast.Expr() | ast.Continue():
            yield ast.Pass()
        case ast.If(test, body, orelse):
            yield ast.If(ast.UnaryOp(ast.Not(), test), body, orelse)
            yield ast.If(ast.Constant(True), body, orelse)
            yield ast.If(ast.Constant(False), body, orelse)
        case ast.comprehension(target, source, [_, *_], is_async):
            yield ast.comprehension(target, source, [], is_async)


def _is_none(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def shortened(node: ast.AST) -> str:
    """The code of a node in one line, its beginning where that is long."""
    text = " ".join(ast.unparse(ast.fix_missing_locations(node)).split())
    return text if len(text) <= 110 else text[:107] + "..."


# --- planting -----------------------------------------------------------------------------------


def _bodies(node: ast.AST) -> Iterator[list[ast.stmt]]:
    """The blocks directly in a statement."""
    for _, value in ast.iter_fields(node):
        if isinstance(value, list) and value and isinstance(value[0], ast.stmt):
            yield value
        elif isinstance(value, list) and value and isinstance(value[0], _CASES):
            for case in value:
                yield case.body


_CASES = (ast.ExceptHandler, ast.match_case)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


class Stretches:
    """The stretches of a module: lines of a function that are run one after the other."""

    def __init__(self, module: str, tree: ast.Module) -> None:
        self.of: dict[int, str] = {}
        self._starts: list[tuple[list[ast.stmt], int, str]] = []
        self._module = module
        self._within(tree, "")

    def _within(self, outer: ast.AST, prefix: str) -> None:
        for node in ast.iter_child_nodes(outer):
            if isinstance(node, ast.ClassDef):
                self._within(node, f"{prefix}{node.name}.")
            elif isinstance(node, _FUNCTIONS):
                self._divide(node.body, f"{self._module}:{prefix}{node.name}", itertools.count())
            elif isinstance(node, ast.stmt):
                self._within(node, prefix)

    def _divide(self, body: list[ast.stmt], name: str, numbers: Iterator[int]) -> None:
        divided = True
        stretch = ""
        for index, statement in enumerate(body):
            if divided:
                stretch = f"{name}:{next(numbers)}"
                self._starts.append((body, index, stretch))
            self.of |= {id(node): stretch for node in ast.walk(statement)}
            inner = list(_bodies(statement))
            for block in inner:
                self._divide(block, name, numbers)
            divided = bool(inner)

    def mark(self, known: dict[str, int]) -> None:
        """Note in the code itself, at the begin of each, that it was reached."""
        for body, index, stretch in reversed(self._starts):
            number = known.setdefault(stretch, len(known))
            call = ast.Call(ast.Name("mutant_at", ast.Load()), [ast.Constant(number)], [])
            body.insert(index, ast.Expr(call))


def _inside(tree: ast.Module) -> Iterator[ast.AST]:
    """The nodes that run in functions: no defaults, decorators, patterns or texts in f-strings."""
    outer = [n for n in ast.walk(tree) if isinstance(n, _FUNCTIONS)]
    nested = {id(n) for f in outer for n in ast.walk(f) if n is not f}
    for function in outer:
        if id(function) not in nested:
            body = ast.Module(function.body, [])
            left = {id(n) for n in ast.walk(body) if _is_fixed(n) for n in ast.walk(n)}
            yield from (node for _, _, _, node in places(body) if id(node) not in left)


def _is_fixed(node: ast.AST) -> bool:
    return isinstance(node, ast.pattern | ast.JoinedStr | ast.arguments)


def candidates(tree: ast.Module) -> Iterator[tuple[ast.AST, ast.AST]]:
    """Each node that may be wrong, and what it becomes."""
    for node in _inside(tree):
        for wrong in (*expressions(node), *statements(node)):
            if ast.dump(wrong) != ast.dump(node):
                yield node, copy.deepcopy(wrong)


class Planter(ast.NodeTransformer):
    """Puts wrong nodes beside the right ones, behind their switches."""

    def __init__(self, wrong: dict[int, list[tuple[str, ast.AST]]]) -> None:
        self._wrong = wrong

    def visit(self, node: ast.AST) -> Any:
        """The node with what is beside it."""
        chosen = self._wrong.get(id(node), [])
        right: Any = self.generic_visit(node)
        for number, wrong in chosen:
            switch = ast.Call(ast.Name("mutant_on", ast.Load()), [ast.Constant(number)], [])
            if isinstance(right, ast.comprehension):
                whole = right.ifs[0] if len(right.ifs) == 1 else ast.BoolOp(ast.And(), right.ifs)
                right.ifs = [ast.BoolOp(ast.Or(), [switch, whole])]
            elif isinstance(right, ast.stmt):
                right = ast.If(switch, [wrong], [right])
            else:
                right = ast.IfExp(switch, wrong, right)
        return right


Draw = Callable[[str, int], Iterable[int]]
"""The mistakes to plant of those in the modules of a pattern, by their numbers."""


def plant(project: Path, patterns: Sequence[str], draw: Draw) -> list[Mistake]:
    """Draw mistakes and plant them in a copy."""
    mistakes = []
    planted_before: set[Path] = set()
    for pattern in patterns:
        files = sorted({*(project / "gittasks").glob(pattern)} - planted_before)
        planted_before.update(files)
        trees = {file: ast.parse(file.read_text("utf-8")) for file in files}
        every = [
            (file, number, *pair)
            for file, tree in trees.items()
            for number, pair in enumerate(candidates(tree))
        ]
        drawn = [every[index] for index in sorted(draw(pattern, len(every)))]
        print(f"{pattern}: {len(drawn)} of {len(every)} mistakes", flush=True)  # noqa: T201
        for file, tree in trees.items():
            module = str(file.relative_to(project / "gittasks"))
            stretches = Stretches(module, tree)
            wrong: dict[int, list[tuple[str, ast.AST]]] = {}
            for _, index, node, instead in (row for row in drawn if row[0] is file):
                number = f"{module}#{index}"
                wrong.setdefault(id(node), []).append((number, instead))
                words = (shortened(copy.deepcopy(node)), shortened(copy.deepcopy(instead)))
                line, stretch = getattr(node, "lineno", 0), stretches.of[id(node)]
                mistakes.append(Mistake(number, stretch, module, line, *words))
            planted = Planter(wrong).visit(tree)
            file.write_text(ast.unparse(ast.fix_missing_locations(planted)), "utf-8")
    return mistakes


def mark(project: Path) -> dict[str, int]:
    """Mark the stretches of all modules in a copy; the number of each."""
    known: dict[str, int] = {}
    for file in sorted((project / "gittasks").rglob("*.py")):
        tree = ast.parse(file.read_text("utf-8"))
        Stretches(str(file.relative_to(project / "gittasks")), tree).mark(known)
        file.write_text(ast.unparse(ast.fix_missing_locations(tree)), "utf-8")
    return known


def copied(target: Path) -> Path:
    """A copy of the project with an environment of its own, in which that copy is installed."""
    left_out = shutil.ignore_patterns("__pycache__", ".git", ".venv", "site", "build", "dist")
    shutil.copytree(ROOT, target, ignore=left_out, symlinks=True)
    venv = target / ".venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    (packages,) = venv.glob("lib/python*/site-packages")
    (packages / "mutant_switch.py").write_text(_SWITCH, "utf-8")
    lines = [str(target), *site.getsitepackages(), "import mutant_switch"]
    (packages / "project.pth").write_text("\n".join(lines) + "\n", "utf-8")
    for other in (ROOT / ".venv").glob("*-git"):  # those that know reftables
        (venv / other.name).symlink_to(other)
    script = venv / "bin" / "gittasks"
    start = "import sys\nfrom gittasks.__main__ import main\nsys.exit(main())\n"
    script.write_text(f"#!{venv / 'bin' / 'python'}\n{start}", "utf-8")
    script.chmod(0o755)
    return target


# --- running, in the copy's own Python ----------------------------------------------------------

_QUIET = ["-q", "--no-header", "--tb=short", "-p", "no:cacheprovider", "-n", "0"]
_QUIET += ["-o", "tmp_path_retention_policy=none", "-m", "not deep"]


def _processor_seconds() -> float:
    """What this process and its children, ended or not, have had of the processors."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    ticks = 0
    children: list[str] = []
    for path in Path("/proc/self/task").glob("*/children"):
        with contextlib.suppress(OSError):  # the thread has ended meanwhile
            children += path.read_text("ascii").split()
    for child in children:
        with contextlib.suppress(OSError):  # it has ended meanwhile
            after_name = Path(f"/proc/{child}/stat").read_bytes().rpartition(b")")[2]
            ticks += sum(map(int, after_name.split()[11:15]))  # and of what it waited for
    running = ticks / os.sysconf("SC_CLK_TCK")
    return time.process_time() + ended.ru_utime + ended.ru_stime + running


class Durations:
    """A plugin of pytest: what each test took of the processors, and those that failed."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.failed: set[str] = set()
        self._began = 0.0

    def pytest_runtest_logstart(self) -> None:
        """Look at the time before the set-up."""
        self._began = _processor_seconds()

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """Count set-up, call and tear-down."""
        self.seconds[nodeid] = max(0.0, _processor_seconds() - self._began)

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Note one that failed."""
        if report.failed:
            self.failed.add(report.nodeid)


def record(folder: Path, tests: Sequence[str]) -> Reach:
    """Run tests once, and see what each reaches."""
    import pytest

    durations = Durations()
    pytest.main([*_QUIET, *tests], plugins=[durations])
    known = {n: s for s, n in json.loads((folder / "stretches").read_text("utf-8")).items()}
    names = {zlib.crc32(t.encode("utf-8", "surrogateescape")): t for t in durations.seconds}
    rows: dict[str, set[str]] = {}
    data = (folder / "hits").read_bytes()
    for start in range(0, len(data) - 7, 8):
        number, test = (int.from_bytes(data[at : at + 4], "big") for at in (start, start + 4))
        if test in names:
            rows.setdefault(known[number], set()).add(names[test])
    # One that counts what is written fails while that is recorded; a trial tells which are of use.
    print(f"{len(names)} tests, failed: {sorted(durations.failed)}", flush=True)  # noqa: T201
    seconds = {test: round(durations.seconds[test], 4) for test in names.values()}
    return Reach(seconds, {stretch: sorted(tests) for stretch, tests in rows.items()})


class Verdict(NamedTuple):
    """What became of a mistake: the test that noticed it, or how many did not."""

    number: str
    test: str | None
    run: int
    reaching: int


class Trial:
    """A plugin of pytest: instead of all tests, those that each mistake needs, in forks."""

    def __init__(self, mistakes: list[Mistake], reach: Reach, options: Any) -> None:
        self._mistakes, self._reach = mistakes, reach
        self._verdicts = options.verdicts or options.inside / "verdicts"
        self._seconds, self._jobs = options.seconds, options.jobs
        self._useless: set[str] = set()
        self._items: dict[str, Any] = {}

    def pytest_runtestloop(self, session: Any) -> bool:
        """Warm up, then share the mistakes among workers."""
        self._items = {item.nodeid: item for item in session.items}
        first = {test for mistake in self._mistakes for test in self._tests(mistake)[:5]}
        os.environ["MUTANT"] = ""
        _run(session, [item for item in session.items if item.nodeid in first], stop=False)
        numbers, write = os.pipe()
        for index in range(len(self._mistakes)):
            os.write(write, index.to_bytes(4, "big"))
        os.close(write)
        workers = [_started(lambda: self._work(session, numbers)) for _ in range(self._jobs)]
        for worker in workers:
            os.waitpid(worker, 0)
        return True

    def _tests(self, mistake: Mistake) -> list[str]:
        chosen = self._reach.chosen(mistake.stretch, self._seconds)
        return [test for test in chosen if test in self._items and test not in self._useless]

    def _work(self, session: Any, numbers: int) -> None:
        from support import repositories, templates

        repositories.launcher.cache_clear()  # each worker has its own, and ends what that started
        repositories.by_name.cache_clear()
        templates.scratch()
        while index := os.read(numbers, 4):
            mistake = self._mistakes[int.from_bytes(index, "big")]
            verdict = self._try(session, mistake)
            with self._verdicts.open("a", encoding="utf-8") as file:
                file.write(json.dumps(verdict) + "\n")

    def _try(self, session: Any, mistake: Mistake) -> Verdict:
        """Run the tests on a mistake; one that fails has to succeed without it."""
        tests = self._tests(mistake)
        reaching = len(self._reach.tests.get(mistake.stretch, ()))
        run = 0
        while run < len(tests):
            failed = self._forked(session, mistake.number, tests[run:])
            if failed is None:
                break
            run += failed + 1
            test = tests[run - 1]
            if any(self._forked(session, "", [test]) is None for _ in range(2)):
                return Verdict(mistake.number, test, run, reaching)
            print(f"fails without a mistake: {test}", flush=True)  # noqa: T201
            self._useless.add(test)
        return Verdict(mistake.number, None, len(tests), reaching)

    def _forked(self, session: Any, number: str, tests: list[str]) -> int | None:
        """Index of the first test that fails with this mistake on, or does not end."""
        told, tell = os.pipe()

        def act() -> None:
            os.setpgid(0, 0)
            os.environ["MUTANT"] = number
            _run(session, [self._items[test] for test in tests], stop=True, tell=tell)

        child = _started(act)
        os.close(tell)
        index, words = 0, b""
        while True:
            limit = 60 + 30 * self._reach.seconds[tests[min(index, len(tests) - 1)]]
            if not select.select([told], [], [], limit)[0]:
                break
            data = os.read(told, 4096)
            words += data
            index = words.count(b".")
            if not data or b"!" in words:
                break
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(told)
        _end_commands()
        return None if index >= len(tests) else index


def _started(act: Callable[[], None]) -> int:
    """A fork of this process that does something and ends."""
    child = os.fork()
    if not child:
        try:
            act()
        except BaseException:  # noqa: BLE001  it must not go on as its parent
            traceback.print_exc()
        finally:
            os._exit(0)
    return child


def _run(session: Any, items: list[Any], *, stop: bool, tell: int | None = None) -> None:
    """Run tests in this process; tell a point of each that succeeded, `!` of one that did not."""
    for item, following in itertools.zip_longest(items, items[1:]):
        failed = session.testsfailed
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        if session.testsfailed > failed:
            session.shouldfail = False
            if stop:
                session._setupstate.teardown_exact(None)  # noqa: SLF001
                if tell is not None:
                    os.write(tell, b"!")
                return
        if tell is not None:
            os.write(tell, b".")


def _end_commands() -> None:
    """End the commands that the launchers of this process still run."""
    rows = [
        line.split()
        for line in subprocess.run(
            ["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True
        ).stdout.splitlines()
    ]
    launchers = {pid for pid, parent in rows if parent == str(os.getpid())}
    for pid, parent in rows:
        if parent in launchers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)


def attempt(folder: Path, reach: Reach, options: Any) -> None:
    """Try every mistake, in the copy's own Python."""
    import pytest

    rows = json.loads((folder / "mistakes").read_text("utf-8"))
    mistakes = list(itertools.starmap(Mistake, rows))
    trial = Trial(mistakes, reach, options)
    tests = {t for m in mistakes for t in reach.chosen(m.stretch, options.seconds)}
    files = sorted({test.partition("::")[0] for test in tests})
    pytest.main([*_QUIET, *files], plugins=[trial])


def report(mistakes: list[Mistake], verdicts: dict[str, Verdict]) -> None:
    """Print the survivors and the score."""
    for mistake in mistakes:
        verdict = verdicts.get(mistake.number)
        if verdict is None or verdict.test is None:
            run = f"{verdict.run} of {verdict.reaching} tests" if verdict else "not run"
            print(f"{mistake.number} line {mistake.line} [{run}]")  # noqa: T201
            print(f"    {mistake.before}\n  → {mistake.after}")  # noqa: T201
    for room in sorted({mistake.module.partition("/")[0] for mistake in mistakes}):
        own = [verdicts.get(m.number) for m in mistakes if m.module.partition("/")[0] == room]
        noticed = sum(v is not None and v.test is not None for v in own)
        unreached = sum(v is not None and not v.reaching for v in own)
        print(f"{room}: {noticed} of {len(own)} noticed, {unreached} not reached")  # noqa: T201


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--record",
        type=lambda path: Path(path).resolve(),
        help="run tests, and keep what each reaches here",
    )
    parser.add_argument("--tests", nargs="+", default=list(TESTS), help="those that are recorded")
    parser.add_argument("--reach", type=lambda path: Path(path).resolve(), help="such a recording")
    parser.add_argument(
        "--draw", nargs="+", metavar="GLOB=N", default=(), help="modules, and how many of them"
    )
    parser.add_argument("--seed", type=int, default=0, help="another one draws others")
    parser.add_argument(
        "--seconds", type=float, default=60, help="of processor time for each, at most"
    )
    parser.add_argument("--jobs", type=int, default=2, help="mistakes tried at once")
    parser.add_argument(
        "--again", nargs="+", metavar="MODULE#N", help="these alone, as an earlier run names them"
    )
    parser.add_argument(
        "--verdicts", type=lambda path: Path(path).resolve(), help="write them here as they come"
    )
    parser.add_argument("--inside", type=lambda path: Path(path).resolve(), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if not options.record and not (options.reach and (options.draw or options.again)):
        parser.error("give --record, or --reach with --draw or --again")
    return options


def _drawn(options: argparse.Namespace) -> tuple[list[str], Draw]:
    """The patterns of modules, and what is drawn of each."""
    counts = {name: count for name, _, count in (d.partition("=") for d in options.draw)}
    if options.again:
        numbers: dict[str, list[int]] = {}
        for module, _, number in (again.partition("#") for again in options.again):
            numbers.setdefault(module, []).append(int(number))
        return sorted(numbers), lambda module, _total: numbers[module]

    def draw(pattern: str, total: int) -> Iterable[int]:
        chance = random.Random(f"{options.seed} {pattern}")  # noqa: S311
        count = total if counts[pattern] in ("", "all") else int(counts[pattern])
        return chance.sample(range(total), min(count, total))

    return list(counts), draw


def _inside_copy(options: argparse.Namespace) -> None:
    folder = options.inside
    os.chdir(folder / "project")
    if options.record:
        new = record(folder, options.tests)
        options.record.write_text(json.dumps(Reach.read(options.record).updated(new)._asdict()))
    else:
        attempt(folder, Reach.read(options.reach), options)


def main() -> None:
    """Record, or plant mistakes and run the tests on them."""
    options = _arguments()
    if options.inside:
        _inside_copy(options)
        return
    with tempfile.TemporaryDirectory(prefix="gm-") as name:
        folder = Path(name).resolve()
        project = copied(folder / "project")
        (folder / "t").mkdir()  # short: paths of sockets have a limit
        env = {**os.environ, "TMPDIR": str(folder / "t")}
        mistakes: list[Mistake] = []
        if options.record:
            env["MUTANT_HITS"] = str(folder / "hits")
            (folder / "stretches").write_text(json.dumps(mark(project)), "utf-8")
        else:
            mistakes = plant(project, *_drawn(options))
            mixed = random.Random(options.seed).sample(mistakes, len(mistakes))  # noqa: S311
            (folder / "mistakes").write_text(json.dumps(mixed), "utf-8")
        command = [project / ".venv" / "bin" / "python", __file__, *sys.argv[1:]]
        subprocess.run([*command, "--inside", folder], env=env, check=False)
        if mistakes:
            file = options.verdicts or folder / "verdicts"
            lines = file.read_text("utf-8").splitlines()
            verdicts = [Verdict(*json.loads(line)) for line in lines]
            report(mistakes, {verdict.number: verdict for verdict in verdicts})


if __name__ == "__main__":
    main()
