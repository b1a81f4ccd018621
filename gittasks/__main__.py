"""`python -m gittasks`, and the console scripts."""

from __future__ import annotations

import gc
import os
import sys
from importlib.util import find_spec


def main() -> None:
    """Run the command line and leave at once.

    A command lives for some milliseconds: collecting garbage and tearing the interpreter down
    would cost more than the work itself.
    """
    gc.disable()
    if "_sha1" in sys.builtin_module_names or find_spec("_sha1"):
        # hashlib would load OpenSSL, 2 ms, to name a few kilobytes; Python's own SHA-1 does as well.
        sys.modules.setdefault("_hashlib", None)  # type: ignore[arg-type]
    from gittasks.cli.main import run

    code = run(sys.argv[1:])
    os._exit(code)


if __name__ == "__main__":
    main()
