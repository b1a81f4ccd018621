"""The layers of docs/architecture.md hold: imports point one way, libraries stay in their rooms."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "gittasks"
LAYERS = [
    "__main__",
    "cli",
    "mcp_server",
    "githooks | claude | web",
    "workspace",
    "sync",
    "store",
    "codec | render",
    "core",
    "errors",
]
"""From the outermost in; a module may import layers to its right, and its own."""
ROOMS = {
    "dulwich": {"store"},
    "ruamel": {"codec"},
    "click": {"cli"},
    "rich": {"render", "cli"},
    "subprocess": {"store", "cli"},
    "mcp": {"mcp_server"},
    "mcp_types": {"mcp_server"},
    "jsonschema": {"mcp_server"},
    "anyio": {"mcp_server"},
    "http": {"web"},
    "socketserver": {"web"},
    "socket": {"web"},
}
CLAUDE_IO = {"__init__", "folder", "records", "transfer", "hook", "install"}
"""Modules of `claude` that touch the disk; all others of it are pure."""
IMPURE = {"os", "pathlib", "time", "random", "socket", "subprocess", "secrets", "uuid", "io"}


def _layer_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def _rank(layer: str) -> int:
    for rank, names in enumerate(LAYERS):
        if layer in names.split(" | "):
            return rank
    raise AssertionError(f"{layer} has no place in LAYERS")


def _imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            assert node.module is not None
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def _is_module(name: str) -> bool:
    return (PACKAGE / name).is_dir() or (PACKAGE / f"{name}.py").is_file()


def _is_pure(path: Path) -> bool:
    if _layer_of(path) == "claude":
        return path.stem not in CLAUDE_IO
    return _layer_of(path) in ("core", "codec", "render")


MODULES = sorted(p for p in PACKAGE.rglob("*.py") if p != PACKAGE / "__init__.py")


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_point_one_way(path: Path) -> None:
    """A module imports its own layer and those below it; neighbours never import each other."""
    own = _layer_of(path)
    for name in _imports(path):
        parts = name.split(".")
        if parts[0] == "gittasks" and len(parts) > 1 and _is_module(parts[1]):
            other = parts[1]
            assert other == own or _rank(other) > _rank(own), f"{path} imports {name}"


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_libraries_stay_in_their_rooms(path: Path) -> None:
    """Each library is used in its own room: dulwich in store, ruamel in codec, click in cli."""
    for name in _imports(path):
        library = name.split(".")[0]
        if library in ROOMS:
            assert _layer_of(path) in ROOMS[library], f"{path} imports {library}"


@pytest.mark.parametrize(
    "path",
    [p for p in MODULES if _is_pure(p)],
    ids=lambda p: str(p.relative_to(PACKAGE)),
)
def test_the_core_is_pure(path: Path) -> None:
    """core, codec, render and most of claude take time, files and chance as arguments."""
    assert not {name.split(".")[0] for name in _imports(path)} & IMPURE


def test_every_module_has_a_place() -> None:
    """A new folder or module must be put into LAYERS."""
    for path in MODULES:
        _rank(_layer_of(path))


def test_modules_stay_short() -> None:
    """No module grows past 400 lines: by then it has two jobs."""
    long = {str(p): n for p in MODULES if (n := len(p.read_text().splitlines())) > 400}
    assert not long
