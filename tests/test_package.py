"""The package as users install it: the wheel in an environment of its own, and the sdist."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from email.parser import Parser
from pathlib import Path
from typing import NamedTuple

import pytest
from support import repositories

ROOT = Path(__file__).parent.parent
_NOT_SHIPPED = (".gitignore", ".pre-commit-config.yaml", ".github/")
"""What only a checkout needs."""

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("hatchling") is None,
    reason="hatchling is not installed, so the PACKAGE IS NOT TESTED (make test installs it)",
)


class Installed(NamedTuple):
    """An environment with the wheel in it, and an environment for processes that has it first."""

    wheel: Path
    prefix: Path
    env: dict[str, str]

    def run(self, *command: str, cwd: Path) -> str:
        """Run a command, which must succeed; what it printed."""
        done = subprocess.run(
            command, cwd=cwd, env=self.env, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


def _build(target: str, folder: Path) -> Path:
    command = [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=120)
    (built,) = folder.iterdir()
    return built


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The wheel, installed as an installer does it; its dependencies are those of this Python."""
    folder = tmp_path_factory.mktemp("package")
    wheel, prefix = _build("wheel", folder / "dist"), folder / "env"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", prefix], check=True)
    python = str(prefix / "bin" / "python")
    if uv := shutil.which("uv"):
        installer = [uv, "pip", "install", "-q", "--offline", "--python", python]
    elif importlib.util.find_spec("pip"):
        installer = [sys.executable, "-m", "pip", "--python", python, "install", "-q", "--no-index"]
    else:
        pytest.skip("neither uv nor pip is here, so the WHEEL IS NOT TESTED")
    subprocess.run([*installer, "--no-deps", str(wheel)], check=True, timeout=120)
    (site,) = prefix.glob("lib/python*/site-packages")
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    env = repositories.sealed(os.environ, str(folder / "home"))
    env["PATH"] = f"{prefix / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return Installed(wheel, prefix, env)


def test_the_wheel_works_where_nothing_else_is(installed: Installed, tmp_path: Path) -> None:
    """Both names, hooks that git runs, data files of reports and of the manual for agents."""
    place = "import gittasks, gittasks.cli; print(gittasks.cli.__file__)"
    python = str(installed.prefix / "bin" / "python")
    assert installed.run(python, "-c", place, cwd=tmp_path).startswith(str(installed.prefix))
    installed.run("git", "init", "-q", cwd=tmp_path)
    installed.run("git", "gittasks", "init", "plan", cwd=tmp_path)
    installed.run("gittasks", "create", "Write it", "--id", "a", cwd=tmp_path)
    assert "post-commit" in installed.run("gittasks", "hooks", "install", cwd=tmp_path)
    commit = ("git", "commit", "-q", "--allow-empty", "-m", "Write\n\nTask: a completed")
    installed.run(*commit, cwd=tmp_path)
    assert "[✓] a" in installed.run("gittasks", "list", cwd=tmp_path)
    assert "gittasks start ID" in installed.run("gittasks", "prime", cwd=tmp_path)
    installed.run("gittasks", "report", "-o", "page.html", cwd=tmp_path)
    assert "prefers-color-scheme" in (tmp_path / "page.html").read_text(encoding="utf-8")
    for shell in ("bash", "zsh", "fish"):
        assert "gittasks" in installed.run("gittasks", "completion", shell, cwd=tmp_path)


def test_the_wheel_has_manual_pages_and_types(installed: Installed) -> None:
    """`git help gittasks` finds the page beside the program; type checkers find the marker."""
    for name in ("gittasks.1", "git-gittasks.1"):
        page = installed.prefix / "share" / "man" / "man1" / name
        assert page.read_bytes() == (ROOT / "man" / name).read_bytes()
    with zipfile.ZipFile(installed.wheel) as wheel:
        names = wheel.namelist()
    assert "gittasks/py.typed" in names
    assert {name.split("/")[0].split("-")[0] for name in names} == {"gittasks"}
    hooks = {Path(name).name for name in names if "/githooks/shipped/" in name}
    assert hooks == {path.name for path in (ROOT / "hooks").iterdir()}


def test_the_page_of_the_package_has_no_dead_links(installed: Installed) -> None:
    """The description is the README with links that lead somewhere without the repository."""
    with zipfile.ZipFile(installed.wheel) as wheel:
        (name,) = (n for n in wheel.namelist() if n.endswith(".dist-info/METADATA"))
        message = Parser().parsestr(wheel.read(name).decode())
    page = message.get_payload()
    assert isinstance(page, str)
    assert page.startswith("# gittasks\n")
    assert re.findall(r"\]\((?!https://)[^)]*\)", page) == []
    assert "<!--" not in page
    least = message["Requires-Python"].removeprefix(">=3.")
    named = [c for c in message.get_all("Classifier", []) if "Python :: 3." in c]
    assert [int(c.rpartition(".")[2]) for c in named] == list(range(int(least), 15))


def test_links_are_absolute_once_the_repository_has_an_address() -> None:
    """One line of pyproject.toml gives links, pictures and the package's addresses their host."""
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec
    assert spec.loader
    hook = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(hook)
    text = "<!-- x\ny -->\n![p](a.png) [d](docs/d.md#e) [o](https://o.example)"
    assert hook.with_links(text, "") == " d [o](https://o.example)"
    assert hook.with_links(text, "https://f.example/o/g") == (
        "![p](https://f.example/o/g/raw/main/a.png) "
        "[d](https://f.example/o/g/blob/main/docs/d.md#e) [o](https://o.example)"
    )
    assert hook.addresses("") == {}
    assert all(a.startswith("https://f/o") for a in hook.addresses("https://f/o").values())


def test_the_sdist_has_what_the_repository_has(tmp_path: Path) -> None:
    """Whoever packages gittasks can build it and run its tests from the sdist."""
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if listing.returncode:
        pytest.skip("not a checkout")
    with tarfile.open(_build("sdist", tmp_path / "dist")) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    tracked = [name for name in listing.stdout.split("\0") if name]
    assert [n for n in tracked if n not in names and not n.startswith(_NOT_SHIPPED)] == []
