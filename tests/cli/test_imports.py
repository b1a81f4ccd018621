"""What a command loads: start-up time is the product, and imports are most of it."""

from __future__ import annotations

import ast
import subprocess
import sys
import time

import pytest
from support.repositories import Repo

_REPLACED = ("enum", "functools", "contextlib", "collections", "operator", "types")
"""Modules of which `gittasks.light` has what a start needs."""
_UNUSED = ("gittasks.store.git", "gittasks.store.platform", "re", *_REPLACED)
_PROBE = """
import sys
from gittasks import __main__
code = __main__._run()
loaded = [name for name, module in sys.modules.items() if getattr(module, "__spec__", None)]
sys.stderr.write("\\n" + repr([code, sorted(loaded)]))
"""


def _loaded(repo: Repo, *args: str, expected: int = 0) -> set[str]:
    """Modules that are loaded when the command has ended, with all packages around them.

    Not those of which only the stand-in was imported (`light.defer`).
    """
    done = subprocess.run(
        [sys.executable, "-c", _PROBE, *args],
        cwd=repo.path,
        capture_output=True,
        check=True,
    )
    code, modules = ast.literal_eval(done.stderr.decode().rpartition("\n")[2])
    assert code == expected, done
    return set(modules)


def _warm(repo: Repo, *args: str) -> None:
    """Run a command so that the next one finds all caches filled.

    A configuration that changed in the last 50 ms is not remembered, and this one is brand new.
    """
    time.sleep(0.1)
    repo.ok(*args)


def _of(modules: set[str], *names: str) -> list[str]:
    return sorted(m for m in modules for n in names if m == n or m.startswith(f"{n}."))


@pytest.mark.parametrize("args", [("-h",), ("help", "list")], ids=" ".join)
def test_help_loads_the_command_line_alone(repo: Repo, args: tuple[str, ...]) -> None:
    """Help loads no library, and nothing of the store, of rendering or of the workspace.

    `gittasks.render` itself holds nothing: its modules are loaded when they are used.
    """
    modules = _loaded(repo, *args) - {"gittasks.render"}
    heavy = ("click", "re", "typing", "dulwich", "ruamel", "rich", "subprocess", "gittasks.store")
    assert _of(modules, *_REPLACED) == []
    assert _of(modules, *heavy, "gittasks.codec", "gittasks.render", "gittasks.workspace") == []
    if args == ("-h",):
        assert _of(modules, "gittasks.core") == []


@pytest.mark.parametrize(
    "args",
    [
        ("list",),
        ("status",),
        ("ready",),
        ("show", "a"),
        ("log",),
        ("list", "--json"),
        ("prime",),
        (),
        ("graph",),
        ("lint", "--rule", "cycle"),
    ],
    ids=" ".join,
)
def test_warm_reads_load_no_library(listed: Repo, args: tuple[str, ...]) -> None:
    """Reading an unchanged list needs neither dulwich nor YAML nor rich, and runs no git.

    The hot ones do without click and what it brings, too.
    """
    _warm(listed, *args)
    modules = _loaded(listed, *args)
    assert _of(modules, "dulwich", "ruamel", "rich", "subprocess", "difflib") == []
    if args[:1] not in (("graph",), ("lint",)):
        assert _of(modules, "click", "typing", "inspect", "gettext", "datetime") == []
    if args[:1] in (("list",), ("status",), ("ready",), ("prime",), ("show",), ()):
        assert _of(modules, "json", "threading", *_UNUSED) == []
    if args[:1] in (("list",), ("status",), ("ready",), ("prime",), ()):
        assert _of(modules, "gittasks.core.history") == []


def test_text_in_other_letters_loads_no_more(listed: Repo) -> None:
    """Whether a letter may be printed is known without regular expressions."""
    listed.ok("update", "a", "--subject", "Größe \u2192 \u200e\u03b1")
    _warm(listed, "list")
    assert _of(_loaded(listed, "list"), *_UNUSED) == []


def test_the_tab_key_loads_no_more_than_a_read(
    listed: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An id is completed without click and git."""
    _warm(listed, "list")
    monkeypatch.setenv("_GITTASKS_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", "gittasks show ")
    monkeypatch.setenv("COMP_CWORD", "2")
    modules = _loaded(listed)
    assert _of(modules, "click", "typing", "json", "subprocess", "dulwich", *_UNUSED) == []


@pytest.mark.parametrize(
    "args",
    [
        ("create", "New"),
        ("start", "a"),
        ("done", "a"),
        ("note", "a", "x"),
        ("update", "a", "--owner", "x"),
    ],
    ids=" ".join,
)
def test_writes_run_no_git_and_parse_no_yaml(listed: Repo, args: tuple[str, ...]) -> None:
    """A change of a known list loads neither YAML nor rich nor click, and runs no git process."""
    _warm(listed, "list")
    modules = _loaded(listed, *args)
    assert _of(modules, "ruamel", "rich", "subprocess", "difflib", "click") == []
    # Newer ones ask `inspect` for the annotations of each dataclass.
    if sys.version_info < (3, 12):
        assert _of(modules, "ast", "dis", "tokenize", "weakref") == []


def test_a_refused_write_loads_no_sharing(listed: Repo) -> None:
    """What a rule forbids is told without remotes, leases and the merge."""
    listed.ok("create", "Later", "--id", "later", "--blocked-by", "a")
    _warm(listed, "list")
    modules = _loaded(listed, "start", "later", expected=5)
    sharing = ("gittasks.sync", "gittasks.store.leases", "gittasks.core.merge.resolution")
    features = ("gittasks.workspace.claims", "gittasks.workspace.sharing")
    assert _of(modules, *sharing, *features) == []
