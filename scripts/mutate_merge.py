"""Mutation testing of the merge: does a test fail when a line of it is wrong?

Makes small mistakes in the modules of gittasks/core/merge, one at a time, in a copy of the
project, and runs the fast tests of the merge on each. Prints the score and every survivor.

    python scripts/mutate_merge.py [--sample N] [--seed N] [--jobs N] [--module dag|resolution]
"""

from __future__ import annotations

import argparse
import ast
import multiprocessing
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import hypothesis.stateful  # noqa: F401  # loaded once, for all forks
import pytest

ROOT = Path(__file__).parent.parent
MODULES = ("dag", "resolution")
TESTS = (
    "tests/core/test_picks.py",
    "tests/core/test_settle.py",
    "tests/core/test_merge_conflicts.py",
    "tests/core/test_merge_others.py",
    "tests/core/test_merge_broken.py",
    "tests/core/test_merge_laws.py",
    "tests/core/test_elide.py",
    "tests/core/test_merge_exhaustive.py",
)
PATIENCE = 10
"""A mutant that takes so many times as long as the original runs for ever."""
_CONFTEST = """
from hypothesis import HealthCheck, Phase, settings

settings.register_profile(
    "mutants", deadline=None, derandomize=True, max_examples=60, database=None,
    suppress_health_check=tuple(HealthCheck), phases=(Phase.explicit, Phase.generate),
)
settings.load_profile("mutants")
"""
EQUIVALENT = ROOT / "scripts" / "mutate_merge_equivalent.txt"
"""Mutants that no test can tell from the original, one a line, as they are printed here; the
reasons are between them, after `#`."""

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


class Mutant(NamedTuple):
    """One mistake: in which module, what was there, what is there now, and the whole source."""

    module: str
    line: int
    before: str
    after: str
    source: str

    @property
    def name(self) -> str:
        """What it is known by; without the line, which moves."""
        return f"{self.module}: {self.before}  →  {self.after}"


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


def mutants(module: str, source: str) -> Iterator[Mutant]:
    """All mistakes that are made in a module."""
    tree = ast.parse(source)
    seen = {ast.unparse(tree)}
    for parent, field, index, node in list(places(tree)):
        for wrong in (*expressions(node), *statements(node)):
            _put(parent, field, index, wrong)
            text = ast.unparse(ast.fix_missing_locations(tree))
            _put(parent, field, index, node)
            if text not in seen:
                seen.add(text)
                line = getattr(node, "lineno", 0) or getattr(parent, "lineno", 0)
                yield Mutant(module, line, shortened(node), shortened(wrong), text)


def _put(parent: Any, field: str, index: int | None, node: ast.AST) -> None:
    if index is None:
        setattr(parent, field, node)
    else:
        getattr(parent, field)[index] = node


def shortened(node: ast.AST) -> str:
    """The code of a node in one line, its beginning where that is long."""
    text = " ".join(ast.unparse(ast.fix_missing_locations(node)).split())
    return text if len(text) <= 110 else text[:107] + "..."


def _copied(target: Path) -> Path:
    """A copy of what the tests need, so that the work tree is left alone."""
    for folder in ("gittasks", "tests/core", "tests/support"):
        shutil.copytree(
            ROOT / folder, target / folder, ignore=shutil.ignore_patterns("__pycache__")
        )
    shutil.copy(ROOT / "pyproject.toml", target / "pyproject.toml")
    (target / "tests" / "conftest.py").write_text(_CONFTEST, encoding="utf-8")
    return target


def fails(project: Path, seconds: float | None = None) -> bool:
    """True when the tests see a mistake; one that takes more than `seconds` is seen.

    They run in a fork, which has the libraries already, but nothing of the project.
    """
    child = os.fork()
    if not child:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.dup2(1, 2)
        code = 1
        try:
            os.chdir(project)
            sys.path.insert(0, str(project))
            sys.pycache_prefix = str(project / "pycache")
            words = ["-x", "-q", "-p", "no:cacheprovider", "--no-header", "--tb=no", "-n", "0"]
            words += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]
            code = int(pytest.main([*words, "-m", "not deep", *TESTS]))
        finally:
            os._exit(code != 0)
    deadline = time.monotonic() + (seconds or 3600)
    while time.monotonic() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return status != 0
        time.sleep(0.05)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return True


class _Worker:
    """A process with a copy of the project of its own, which tries one mistake at a time."""

    project: Path
    seconds: float
    tried = 0

    @classmethod
    def begin(cls, folder: str, number: Any) -> None:
        """Make the copy, and see how long its tests take without a mistake."""
        with number.get_lock():
            number.value += 1
            cls.project = _copied(Path(folder) / str(number.value))
        began = time.monotonic()
        cls.seconds = 0.0 if fails(cls.project) else PATIENCE * (time.monotonic() - began)

    @classmethod
    def survives(cls, mutant: Mutant) -> bool:
        """Try one; the times of the file all differ, for its byte code is known by them."""
        if not cls.seconds:
            raise RuntimeError("the tests fail without any mistake")
        file = cls.project / "gittasks" / "core" / "merge" / f"{mutant.module}.py"
        original = file.read_text(encoding="utf-8")
        cls.tried += 1
        try:
            file.write_text(mutant.source, encoding="utf-8")
            os.utime(file, (cls.tried, cls.tried))
            return not fails(cls.project, cls.seconds)
        finally:
            file.write_text(original, encoding="utf-8")


def survivors(chosen: list[Mutant], jobs: int) -> Iterator[Mutant]:
    """The mutants that no test sees, as soon as that is known."""
    context = multiprocessing.get_context("fork")
    with tempfile.TemporaryDirectory() as folder:
        begin = (folder, context.Value("i", 0))
        with context.Pool(jobs, _Worker.begin, begin) as pool:
            verdicts = zip(chosen, pool.imap(_Worker.survives, chosen), strict=True)
            for number, (mutant, alive) in enumerate(verdicts, 1):
                print(f"{number} of {len(chosen)}", end="\r", file=sys.stderr)  # noqa: T201
                if alive:
                    yield mutant


def main() -> None:
    """Print the score and the survivors; exit code 1 when there is one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sample", type=int, default=0, help="only so many, drawn by chance")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--module", choices=MODULES)
    options = parser.parse_args()
    known = {
        line
        for line in EQUIVALENT.read_text(encoding="utf-8").splitlines()
        if line and not line.startswith("#")
    }
    every = [
        mutant
        for module in ([options.module] if options.module else MODULES)
        for mutant in mutants(
            module, (ROOT / "gittasks/core/merge" / f"{module}.py").read_text("utf-8")
        )
    ]
    chosen = [mutant for mutant in every if mutant.name not in known]
    equivalent = len(every) - len(chosen)
    if options.sample and options.sample < len(chosen):
        chance = random.Random(options.seed)  # noqa: S311
        chosen = sorted(chance.sample(chosen, options.sample))
    began = time.monotonic()
    alive = 0
    for mutant in survivors(chosen, options.jobs):
        alive += 1
        print(f"{mutant.line:4} {mutant.name}", flush=True)  # noqa: T201
    killed = len(chosen) - alive
    print(  # noqa: T201
        f"{killed} of {len(chosen)} killed ({100 * killed / max(1, len(chosen)):.1f}%), "
        f"{equivalent} equivalent ones left out of {len(every)}, "
        f"{time.monotonic() - began:.0f} s"
    )
    sys.exit(1 if alive else 0)


if __name__ == "__main__":
    main()
