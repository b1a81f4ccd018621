"""Other systems, simulated: environments in which commands find what macOS or Windows offers."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["insensitive", "macos", "tool", "windows"]

_HERE = Path(__file__).parent


def windows(log: Path) -> dict[str, str]:
    """An environment without what only Unix has, with the rules that Windows has for files."""
    return {"PYTHONPATH": str(_HERE / "windows"), "WINDOWS_LOG": str(log)}


def macos(log: Path, *, refuses: str = "") -> dict[str, str]:
    """An environment with the syncs of macOS, noted in `log`, and without /proc."""
    return {"PYTHONPATH": str(_HERE / "macos"), "MACOS_LOG": str(log), "MACOS_REFUSES": refuses}


def insensitive(root: str) -> dict[str, str]:
    """An environment for which the disk ignores case below a folder."""
    return {"PYTHONPATH": str(_HERE / "insensitive"), "CASE_ROOT": os.path.realpath(root)}


def tool(folder: Path, name: str, script: str) -> str:
    """A PATH on which a program of the system is this shell script."""
    folder.mkdir(exist_ok=True)
    file = folder / name
    file.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    file.chmod(0o755)
    return f"{folder}{os.pathsep}{os.environ['PATH']}"
