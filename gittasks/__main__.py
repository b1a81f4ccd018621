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
    # hashlib would load OpenSSL, 2 ms, to name a few kilobytes: Python's own SHA-1, which some
    # builds leave out, does as well.
    with suppress(ImportError):
        import _sha1  # type: ignore[import-not-found]  # noqa: F401

        sys.modules.setdefault("_hashlib", None)  # type: ignore[arg-type]
    from gittasks.cli.main import run

    code = run(sys.argv[1:])
    os._exit(code)


if __name__ == "__main__":
    main()
