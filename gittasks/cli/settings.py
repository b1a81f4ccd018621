"""Values of the common options, and the form of output that they lead to."""

from __future__ import annotations

import os
import sys

from gittasks import render
from gittasks.errors import Usage, Way
from gittasks.light import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from gittasks.render.text import StatusMarks
    from gittasks.workspace import Workspace


class Settings:
    """Values of the common options; filled while the command line is read."""

    __slots__ = ("acting", "color", "directory", "json", "list_id", "no_fetch", "no_pager", "quiet")

    def __init__(self, *, json: bool = False) -> None:
        self.directory = "."
        self.list_id: str | None = None
        self.acting: str | None = None
        self.json = json
        self.color = "auto"
        self.no_fetch = False
        self.quiet = False
        self.no_pager = False

    def set(self, values: Mapping[str, Any]) -> None:
        """Set the common options of these names."""
        for name, value in values.items():
            setattr(self, name, value)

    def workspace(self, owner: str | None = None, remote: str | None = None) -> Workspace:
        """Open the workspace that the options name; `owner` acts, else who `--as` names.

        Ids of tasks are typed by people, so they may be cut at a hyphen.
        """
        from gittasks.workspace import Workspace  # -h needs no list

        if owner and self.acting and owner != self.acting:
            raise Usage(
                f"--as {self.acting} and --owner {owner} say two things about who acts",
                hint="give one of them",
            )
        self.acting = owner or self.acting
        workspace = Workspace.open(
            self.directory,
            list_id=self.list_id,
            owner=self.acting,
            remote=remote,
            fetch=not self.no_fetch,
            announce=self._announce,
        )
        workspace.cut_ids = True
        return workspace

    def addressed(self, way: Way) -> Way:
        """A step whose command names the same folder, list and actor as this one did."""
        program, *words = way.command or ("",)
        folder = ("-C", self.directory) if self.directory != "." else ()
        if program == "git":
            return way._replace(command=(program, *folder, *words))
        if program != "gittasks":
            return way
        place = ("--list", self.list_id) if self.list_id and "--list" not in words else ()
        acting = ("--as", self.acting) if self.acting and "--owner" not in words else ()
        return way._replace(command=(*way.command, *folder, *place, *acting))

    def _announce(self, sentence: str) -> None:
        if not self.json and not self.quiet:
            print(sentence, file=sys.stderr, flush=True)  # noqa: T201  before the answer

    def environment(self) -> dict[str, str]:
        """The environment for who reads it itself: who acts is in it too."""
        acting = {"GITTASKS_OWNER": self.acting} if self.acting else {}
        return {**os.environ, **acting}

    def marks(self) -> StatusMarks:
        """Signs for the tasks that standard output can hold."""
        plain = render.text.marks(sys.stdout.encoding)
        return render.text.colored(plain) if self.in_color() else plain

    def on_terminal(self) -> bool:
        """True when a person reads standard output on a terminal that can move the cursor."""
        plain = self.json or self.quiet or os.environ.get("TERM") in (None, "", "dumb")
        return not plain and sys.stdout.isatty()

    @property
    def pager(self) -> bool:
        """True when long answers may go through a pager."""
        return not self.no_pager

    def in_color(self) -> bool:
        """True to colour: as asked, else on a terminal that can and wants it (no-color.org)."""
        if self.color != "auto":
            return self.color == "always"
        colors = not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        return colors and sys.stdout.isatty()


def stopped_hooks(workspace: Workspace) -> str | None:
    """The notice that git no longer calls the hooks that were installed here."""
    from gittasks.githooks import notice  # for status and prime alone

    return notice.warning(workspace.repository)
