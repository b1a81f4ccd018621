"""`python -m gittasks`, and the console scripts."""

from __future__ import annotations

import gc
import os
import sys

from gittasks import light
from gittasks.light import suppress

_OURS = "gittasks"
"""The option of an interpreter that was started by `_in_utf8`."""


def main() -> None:
    """Run the command line and leave at once.

    A command lives for some milliseconds: collecting garbage and tearing the interpreter down
    would cost more than the work itself.
    """
    gc.disable()
    _in_utf8()
    try:
        code = _run()
    except KeyboardInterrupt:
        code = 130
    os._exit(code)


def _run() -> int:
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:  # closed by the caller; nobody reads or writes there
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115
    # hashlib would load OpenSSL, 2 ms, to name a few kilobytes: Python's own SHA-1, which some
    # builds leave out, does as well.
    with suppress(ImportError):
        import _sha1  # type: ignore[import-not-found]  # noqa: F401

        sys.modules.setdefault("_hashlib", None)  # type: ignore[arg-type]
    # dulwich has dataclasses, which import `inspect`, with all that takes Python's code apart, for
    # classes without a docstring, and `copy`: a tenth of a write, for nothing that it uses.
    for name in ("inspect", "copy"):
        light.defer(name)
    from gittasks.cli.main import run

    return run(sys.argv[1:])


def _in_utf8() -> None:
    """Start anew in Python's UTF-8 mode where the locale has another encoding for names.

    Arguments, variables and what other programs are given are UTF-8 then, as git has them; output
    keeps the encoding of the locale.
    """
    if sys.getfilesystemencoding() == "utf-8":
        if _OURS in sys._xoptions and "PYTHONIOENCODING" in os.environ:  # noqa: SLF001
            del os.environ["PYTHONIOENCODING"]  # it was for this process alone
        return
    options, env = ["-X", "utf8"], dict(os.environ)
    if "PYTHONIOENCODING" not in env and sys.stdout is not None:
        options += ["-X", _OURS]
        env["PYTHONIOENCODING"] = f"{sys.stdout.encoding}:{sys.stdout.errors}"
    with suppress(OSError):
        os.execve(sys.executable, [sys.executable, *options, *sys.orig_argv[1:]], env)  # noqa: S606


if __name__ == "__main__":
    main()
