"""Disks with the rules of other systems, served through FUSE."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

__all__ = ["mounted"]

_PROGRAM = str(Path(__file__).parent / "fuse_disk.py")
_PATIENCE = 20.0
"""Seconds that a disk may take to be there."""
_REQUIRED = "TESTS_DISKS"
"""The variable by which CI says that the packages are there, so that nothing is skipped."""


@contextlib.contextmanager
def mounted(folder: Path, *rules: str) -> Iterator[Path]:
    """Mount a disk with these rules below `folder`, see `fuse_disk`; skips where that cannot be."""
    if not os.path.exists("/dev/fuse"):
        pytest.skip("NO /dev/fuse: the disks of other systems are NOT TESTED here")
    root, mountpoint = folder / "disk-files", folder / "disk"
    root.mkdir()
    mountpoint.mkdir()
    process = subprocess.Popen(
        [sys.executable, _PROGRAM, str(root), str(mountpoint), *rules],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        _wait_for(process, mountpoint)
        yield mountpoint
    finally:
        subprocess.run(["umount", "--lazy", str(mountpoint)], capture_output=True, check=False)
        process.terminate()
        process.communicate(timeout=_PATIENCE)


def _wait_for(process: subprocess.Popen[bytes], mountpoint: Path) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not os.path.ismount(mountpoint):
        if process.poll() is not None:
            assert process.stderr
            words = process.stderr.read().decode("utf-8", "replace").strip().splitlines()
            refused = any("Operation not permitted" in word for word in words)
            if os.environ.get(_REQUIRED) and not refused:
                pytest.fail(f"the disk was not mounted: {words[-3:]}")
            pytest.skip(f"the disks of other systems are NOT TESTED here: {words[-1:]}")
        assert time.monotonic() < deadline
        time.sleep(0.05)
