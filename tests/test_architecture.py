"""The layers of docs/architecture.md hold: imports point one way, libraries stay in their rooms."""

from __future__ import annotations

import ast
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import NamedTuple

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
    "light",
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
CLAUDE_IO = {"__init__", "links", "transfer", "hook", "settings"}
"""Modules of `claude` that touch the disk; all others of it are pure."""
IMPURE = {"os", "pathlib", "time", "random", "socket", "subprocess", "secrets", "uuid", "io"}
SYSTEM = "gittasks.store.platform"
"""The one module that calls what differs between systems."""
RAW_MODULES = {"fcntl", "msvcrt", "termios", "tty", "ctypes"}
RAW_CALLS = {
    "os": {
        *("fsync", "fdatasync", "replace", "rename", "link", "uname", "kill", "killpg"),
        *("getpgid", "getpgrp", "setsid", "pread", "pwrite"),
    },
    "select": {"poll", "epoll", "select"},
    "time": {"clock_gettime"},
    "shutil": {"which"},
}
INNER_IMPORTS = 60
"""Most imports of ours inside functions, outside of `LATE`."""
LATE = {"gittasks.workspace.workspace", "gittasks.cli.main", "gittasks.cli.click_commands"}
"""The façade and what runs a command line: they import what this one call needs."""
LONG_FUNCTIONS = 0
"""Most functions of over 40 lines, which is what fits a screen."""


class Module(NamedTuple):
    """A module of the package: its name and file, and what it imports, for types as well.

    `libraries` are the first parts of the names of all imports, `uses` the modules of ours.
    """

    name: str
    path: Path
    tree: ast.Module
    libraries: frozenset[str]
    uses: frozenset[str]

    @property
    def layer(self) -> str:
        """The folder that it is in, or the module itself where it stands beside the folders."""
        return self.path.relative_to(PACKAGE).parts[0].removesuffix(".py")

    @property
    def rank(self) -> int:
        """The place of its layer, counted from the outermost."""
        places = [n for n, names in enumerate(LAYERS) if self.layer in names.split(" | ")]
        assert places, f"{self.layer} has no place in LAYERS"
        return places[0]

    @property
    def is_pure(self) -> bool:
        """Whether it has to take time, files and chance as arguments."""
        if self.layer == "claude":
            return self.path.stem not in CLAUDE_IO
        return self.layer in ("core", "codec", "render")

    def functions(self) -> list[Function]:
        """All functions, methods and inner ones included."""
        return [n for n in ast.walk(self.tree) if isinstance(n, Function)]


Function = ast.FunctionDef | ast.AsyncFunctionDef
PATHS = {
    ".".join(
        p for p in path.relative_to(PACKAGE.parent).with_suffix("").parts if p != "__init__"
    ): path
    for path in sorted(PACKAGE.rglob("*.py"))
}


def _imported(node: ast.AST) -> set[str]:
    """The modules that a statement imports: of a package, those of its modules that it names."""
    if isinstance(node, ast.Import):
        return {alias.name for alias in node.names}
    if not isinstance(node, ast.ImportFrom):
        return set()
    assert node.level == 0, f"line {node.lineno}: imports are absolute"
    assert node.module is not None
    named = {f"{node.module}.{alias.name}" for alias in node.names}
    return {name if name in PATHS else node.module for name in named}


def _read(name: str, path: Path) -> Module:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imports = {name for node in ast.walk(tree) for name in _imported(node)}
    libraries = frozenset(name.split(".")[0] for name in imports)
    return Module(name, path, tree, libraries, frozenset(imports & PATHS.keys()))


@cache
def modules() -> dict[str, Module]:
    """All modules by their names, read when the first test asks: collecting tests stays cheap.

    The package itself holds the version, which any module may ask for, and the public names, which
    it loads when they are asked for.
    """
    return {name: _read(name, path) for name, path in PATHS.items() if name != "gittasks"}


def test_imports_point_one_way() -> None:
    """A module imports its own layer and those below it; neighbours never import each other."""
    wrong = [
        f"{module.name} imports {name}"
        for module in modules().values()
        for name in module.uses & modules().keys()
        if modules()[name].layer != module.layer and modules()[name].rank <= module.rank
    ]
    assert not wrong


def test_no_circle_of_imports() -> None:
    """Inside a layer too, imports go round in no circle, be they for types or inside functions."""
    try:
        TopologicalSorter({m.name: m.uses - {m.name} for m in modules().values()}).prepare()
    except CycleError as error:
        raise AssertionError(" -> ".join(error.args[1])) from None


def test_libraries_and_effects_stay_in_their_rooms() -> None:
    """dulwich is used in store, ruamel in codec, click in cli, and so on; the core is pure."""
    wrong = [
        f"{module.name} imports {library}"
        for module in modules().values()
        for library in module.libraries
        if module.layer not in ROOMS.get(library, {module.layer})
        or (module.is_pure and library in IMPURE)
    ]
    assert not wrong


def test_the_system_is_called_by_one_module() -> None:
    """What macOS, Windows and network disks do otherwise is in `store/platform` alone."""
    wrong = []
    for module in modules().values():
        if module.name == SYSTEM:
            continue
        wrong += [f"{module.name} imports {name}" for name in module.libraries & RAW_MODULES]
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                calls = [(node.value.id, node.attr)]
            elif isinstance(node, ast.ImportFrom):
                calls = [(node.module or "", alias.name) for alias in node.names]
            elif isinstance(node, ast.Constant) and str(node.value).startswith("/proc/"):
                wrong.append(f"{module.name}:{node.lineno}: {node.value!r}")
                continue
            else:
                continue
            wrong += [
                f"{module.name}:{node.lineno}: {library}.{name}"
                for library, name in calls
                if name in RAW_CALLS.get(library, ())
            ]
    assert not wrong


def test_the_workspace_is_called_through_its_facade() -> None:
    """Rooms above the workspace import `Workspace` and the values it exports, no feature of it."""
    above = [m for m in modules().values() if m.rank < modules()["gittasks.workspace"].rank]
    wrong = [
        f"{module.name} imports {name}"
        for module in above
        for name in module.uses
        if name.startswith("gittasks.workspace.")
    ]
    assert not wrong


def test_nothing_is_reached_through_the_workspace() -> None:
    """What the rooms above need of a list or its repository, a method of `Workspace` gives.

    git's hooks take its repository as a value, since they work on that of the code.
    """
    wrong = []
    for module in modules().values():
        if module.layer not in ("cli", "mcp_server", "claude", "web", "githooks"):
            continue
        for node in ast.walk(module.tree):
            if not isinstance(node, ast.Attribute) or "workspace" not in ast.unparse(node.value):
                continue
            through = isinstance(node.value, ast.Attribute) and node.value.attr == "repository"
            if node.attr == "store" or through:
                wrong.append(f"{module.name}:{node.lineno}: {ast.unparse(node)}")
    assert not wrong


def test_imports_stand_at_the_top() -> None:
    """Our own modules are imported inside functions in a limited number of places only."""
    inner = {
        node
        for module in modules().values()
        if module.name not in LATE
        for function in module.functions()
        for node in ast.walk(function)
        if any(name in PATHS for name in _imported(node))
    }
    assert len(inner) <= INNER_IMPORTS


def test_functions_fit_a_screen() -> None:
    """A function has at most 40 lines; a module of over 600 says in its docstring why."""
    long = [
        f"{module.name}.{function.name}"
        for module in modules().values()
        for function in module.functions()
        if (function.end_lineno or 0) - function.lineno >= 40
    ]
    assert len(long) <= LONG_FUNCTIONS, long
    unexplained = [
        module.name
        for module in modules().values()
        if len((text := module.path.read_text(encoding="utf-8")).splitlines()) > 600
        and " long " not in (ast.get_docstring(ast.parse(text)) or "")
    ]
    assert not unexplained


def test_docstrings_name_what_they_describe() -> None:
    """A docstring begins with a noun phrase or an imperative, never with a relative clause."""
    relative = (
        "What ",
        "Who ",
        "Whose ",
        "Whether ",
        "That ",
        "Those ",
        "Which ",
        "How ",
        "Where ",
    )
    documented = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Module
    wrong = [
        f"{module.name}: {text.splitlines()[0]}"
        for module in modules().values()
        for node in ast.walk(module.tree)
        if isinstance(node, documented) and (text := ast.get_docstring(node) or "")
        if text.startswith((*relative, "When ", "Why "))
    ]
    assert not wrong


def test_every_module_has_its_line_in_the_architecture() -> None:
    """docs/architecture.md names each module under the heading of its room."""
    text = (PACKAGE.parent / "docs" / "architecture.md").read_text(encoding="utf-8")
    rooms: dict[str, str] = {}
    for part in text.split("\n### ")[1:]:
        title, _, rest = part.partition("\n")
        rooms[title] = rest.split("\n## ")[0]
    missing = []
    for path in PATHS.values():
        folder = path.parent.relative_to(PACKAGE).as_posix()
        lines = rooms.get("beside the folders" if folder == "." else folder, "")
        if path.stem != "__init__" and f"| `{path.stem}` | " not in lines:
            missing.append(str(path.relative_to(PACKAGE)))
    assert not missing
