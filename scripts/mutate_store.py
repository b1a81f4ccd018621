"""Mutation testing of store, session and rules: does a test fail when a line of them is wrong?

Draws small mistakes by chance, those of `mutate_merge.py`, and plants all of them at once in a copy
of the project, each behind a switch. One run of the tests tells which of them reach which mistake;
then each mistake is switched on alone, in a fork of that run, for the tests that reach it, the
quickest first, until one fails. Prints the score and every survivor.

    python scripts/mutate_store.py [--sample N] [--seed N] [--tests PATH...] [--only MODULE]
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
import shutil
import signal
import site
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mutate_merge import ROOT, expressions, places, shortened, statements

MODULES = ("store/*.py", "workspace/session.py", "core/rules.py")
TESTS = tuple(f"tests/{name}" for name in ("store", "workspace", "sync", "core", "githooks", "cli"))
MOST = 40
"""Tests that are run for a mistake at most, the quickest that reach it."""
_SECONDS = 180
"""A mistake with which the tests take longer runs for ever, and is noticed."""
_SWITCH = '''
"""Which mistake is on, by a variable; `record` notes which test reaches which."""
import os

_noted = set()


def on(number):
    state = os.environ.get("MUTANT", "")
    if state != "record":
        return state == number
    test = os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" ")[0]
    if test and (number, test) not in _noted:
        _noted.add((number, test))
        handle = os.open(os.environ["MUTANT_HITS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(handle, f"{number} {test}\\n".encode())
        os.close(handle)
    return False
'''


class Mistake(NamedTuple):
    """One wrong node: its number, where, what was there and what is."""

    number: str
    module: str
    line: int
    before: str
    after: str


# --- planting -----------------------------------------------------------------------------------


def _inside(tree: ast.Module) -> Iterator[ast.AST]:
    """The nodes that run in functions: no defaults, decorators, patterns or texts in f-strings."""
    outer = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)]
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
            switch = ast.Call(ast.Name("_on", ast.Load()), [ast.Constant(number)], [])
            if isinstance(right, ast.comprehension):
                whole = right.ifs[0] if len(right.ifs) == 1 else ast.BoolOp(ast.And(), right.ifs)
                right.ifs = [ast.BoolOp(ast.Or(), [switch, whole])]
            elif isinstance(right, ast.stmt):
                right = ast.If(switch, [wrong], [right])
            else:
                right = ast.IfExp(switch, wrong, right)
        return right


def plant(
    project: Path, names: Sequence[str], draw: Callable[[int], Iterable[int]]
) -> tuple[list[Mistake], int]:
    """Draw mistakes and plant them in a copy; them, and how many there are to draw from."""
    files = sorted(f for name in names for f in (project / "gittasks").glob(name))
    trees = {file: ast.parse(file.read_text("utf-8")) for file in files}
    every = [(file, *pair) for file, tree in trees.items() for pair in candidates(tree)]
    drawn = sorted(draw(len(every)))
    mistakes = []
    for file, tree in trees.items():
        wrong: dict[int, list[tuple[str, ast.AST]]] = {}
        for number in drawn:
            where, node, instead = every[number]
            if where is file:
                wrong.setdefault(id(node), []).append((str(number), instead))
                name = str(file.relative_to(project / "gittasks"))
                words = (shortened(copy.deepcopy(node)), shortened(copy.deepcopy(instead)))
                mistakes.append(Mistake(str(number), name, getattr(node, "lineno", 0), *words))
        planted = Planter(wrong).visit(tree)
        after = 1 + isinstance(planted.body[0], ast.Expr)  # docstring, then __future__
        planted.body[after:after] = ast.parse("from gittasks.mutant_switch import on as _on").body
        file.write_text(ast.unparse(ast.fix_missing_locations(planted)), "utf-8")
    (project / "gittasks" / "mutant_switch.py").write_text(_SWITCH, "utf-8")
    return mistakes, len(every)


def copied(target: Path) -> Path:
    """A copy of the project with an environment of its own, in which that copy is installed."""
    left_out = shutil.ignore_patterns("__pycache__", ".git", ".venv", "site", "build", "dist")
    shutil.copytree(ROOT, target, ignore=left_out, symlinks=True)
    venv = target / ".venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    (packages,) = venv.glob("lib/python*/site-packages")
    lines = [str(target), *site.getsitepackages()]
    (packages / "project.pth").write_text("\n".join(lines) + "\n", "utf-8")
    script = venv / "bin" / "gittasks"
    start = "import sys\nfrom gittasks.__main__ import main\nsys.exit(main())\n"
    script.write_text(f"#!{venv / 'bin' / 'python'}\n{start}", "utf-8")
    script.chmod(0o755)
    return target


# --- running, in the copy's own Python ------------------------------------------------------------


class Durations:
    """A plugin of pytest: how long each test took, and those that failed."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.failed: set[str] = set()

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Add up set-up, call and tear-down."""
        self.seconds[report.nodeid] = self.seconds.get(report.nodeid, 0) + report.duration
        if report.failed:
            self.failed.add(report.nodeid)


_QUIET = ["-q", "--no-header", "--tb=no", "-p", "no:cacheprovider", "-n", "0", "--no-summary"]


def run(mistakes: list[Mistake], tests: list[str], folder: Path) -> None:
    """Run all tests once, then for each mistake those that reach it, and print what survives."""
    import pytest

    hits_file = folder / "hits"
    os.environ |= {"MUTANT": "record", "MUTANT_HITS": str(hits_file)}
    durations, began = Durations(), time.monotonic()
    pytest.main([*_QUIET, "-m", "not deep", *tests], plugins=[durations])
    hits: dict[str, set[str]] = {}
    for line in hits_file.read_text("utf-8").splitlines():
        number, _, test = line.partition(" ")
        if test in durations.seconds and test not in durations.failed:
            hits.setdefault(number, set()).add(test)
    took = time.monotonic() - began
    print(f"{len(durations.seconds)} tests in {took:.0f} s, {len(durations.failed)} failed")  # noqa: T201
    killed = unreached = 0
    for count, mistake in enumerate(mistakes, 1):
        reaching = sorted(hits.get(mistake.number, ()), key=lambda t: durations.seconds[t])
        noticed = bool(reaching) and _fails(mistake.number, reaching[:MOST])
        killed += noticed
        unreached += not reaching
        if not noticed:
            where = f"{mistake.module}:{mistake.line}"
            words = f"{mistake.before}  →  {mistake.after} [{len(reaching)} tests]"
            print(f"{mistake.number} {where} {words}", flush=True)  # noqa: T201
        if count % 10 == 0:
            print(f"-- {count}: {killed} noticed, {unreached} unreached", flush=True)  # noqa: T201
    print(f"{killed} of {len(mistakes)} noticed, {unreached} not reached by any test")  # noqa: T201


def _fails(number: str, tests: list[str]) -> bool:
    """Does a test fail with this mistake on? A fork has all that the first run has imported."""
    import pytest

    child = os.fork()
    if not child:
        os.environ["MUTANT"] = number
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.dup2(1, 2)
        code = 1
        try:
            code = int(pytest.main([*_QUIET, "-x", *tests]))
        finally:
            os._exit(code != 0)
    deadline = time.monotonic() + _SECONDS
    while time.monotonic() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            _end_descendants()
            return status != 0
        time.sleep(0.05)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    _end_descendants()
    return True


def _end_descendants() -> None:
    """End the commands that the launchers of this process still run."""
    rows = [
        line.split()
        for line in subprocess.run(
            ["ps", "-A", "-o", "pid=,ppid=,comm="], capture_output=True, text=True, check=True
        ).stdout.splitlines()
    ]
    launchers = {pid for pid, parent, *_ in rows if parent == str(os.getpid())}
    for pid, parent, *_ in rows:
        if parent in launchers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)


def main() -> None:
    """Plant the mistakes and run the tests on them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--sample", type=int, default=120, help="how many, drawn by chance; 0: all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", help="one module, such as store/refs.py")
    parser.add_argument("--tests", nargs="+", default=list(TESTS))
    parser.add_argument(
        "--again", help="numbers of mistakes of an earlier run, with commas between"
    )
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        rows = json.loads((options.inside / "mistakes").read_text("utf-8"))
        run(list(itertools.starmap(Mistake, rows)), options.tests, options.inside)
        return
    with tempfile.TemporaryDirectory(prefix="gittasks-mutants-") as name:
        project = copied(Path(name).resolve() / "project")
        names = [options.only] if options.only else MODULES
        again = [int(number) for number in (options.again or "").split(",") if number]

        def draw(total: int) -> Iterable[int]:
            chance = random.Random(options.seed)  # noqa: S311
            return again or chance.sample(range(total), min(options.sample or total, total))

        mistakes, total = plant(project, names, draw)
        (project.parent / "mistakes").write_text(json.dumps(mistakes), "utf-8")
        print(f"{len(mistakes)} of {total} mistakes, seed {options.seed}", flush=True)  # noqa: T201
        command = [project / ".venv" / "bin" / "python", __file__, "--inside", project.parent]
        subprocess.run([*command, "--tests", *options.tests], cwd=project, check=False)


if __name__ == "__main__":
    main()
