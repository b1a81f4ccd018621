"""`python -m gittasks`, and the console scripts."""

from __future__ import annotations

import gc
import os
import sys
from contextlib import suppress


def main() -> None:
    """Run the command line and leave at once.

    A command lives for some milliseconds: collecting garbage and tearing the interpreter down
    would cost more than the work itself.
    """
    gc.disable()
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
    from gittasks.cli.main import run

    return run([_text(word) for word in sys.argv[1:]])


def _text(word: str) -> str:
    """An argument as UTF-8 where the locale knows only ASCII; names of files stay as they are."""
    if word.isascii() or sys.getfilesystemencoding() == "utf-8" or os.path.lexists(word):
        return word
    return os.fsencode(word).decode("utf-8", "surrogateescape")


if __name__ == "__main__":
    main()
