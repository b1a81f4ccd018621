"""Regular expressions that are compiled when they are first used, as is `re` itself imported.

Compiling the patterns of the modules that a command imports took longer than its work, and it uses
few of them.
"""

from __future__ import annotations

from gittasks.light_typing import TYPE_CHECKING

if TYPE_CHECKING:
    import re
    from typing import Any, AnyStr


def pattern(text: AnyStr) -> re.Pattern[AnyStr]:
    """A regular expression; flags stand in the text, as in `(?i)yes`."""
    # It has the methods of a compiled one.
    return _Pattern(text)  # type: ignore[return-value]


class _Pattern:
    def __init__(self, text: str | bytes) -> None:
        self._text = text

    def __getattr__(self, name: str) -> Any:
        """A method of the compiled pattern, which takes the place of this call."""
        import re

        method = getattr(re.compile(self._text), name)
        setattr(self, name, method)
        return method
