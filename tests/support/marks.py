"""The marks of a writer, in memory: what it notes around its lock or its move."""

from __future__ import annotations


class Marks:
    """The commits that were marked, and `clear` for each time that a mark was taken away."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def mark(self, commit: str) -> None:
        """Note a commit."""
        self.notes.append(commit)

    def clear(self) -> None:
        """Note that its mark goes."""
        self.notes.append("clear")
