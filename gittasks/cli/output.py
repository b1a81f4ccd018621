"""The common options, and the answers of commands, printed by them: JSON, text, a terminal view."""

from __future__ import annotations

import os
import sys

from gittasks import render
from gittasks.errors import GittasksError, Notice, Usage, Way
from gittasks.light import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Any, Self

    from gittasks.cli.terminal import Screen
    from gittasks.core.operations import Operation
    from gittasks.render.text import StatusMarks
    from gittasks.workspace import EditResult, Workspace


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
    from gittasks.githooks import record  # for status and prime alone

    def look() -> tuple[str, ...]:
        from gittasks.githooks import install  # it imports all that hooks need

        return install.status(workspace.repository).stopped

    return record.warning(workspace.repository, look)


class LostOutput(Exception):
    """An answer that cannot be written (a full disk), so nobody knows what was done."""


class Answer(NamedTuple):
    """The answer of a command, in each form that it can be asked for; only one of them is made.

    `quiet` are the lines of --quiet, as a rule ids; None when the text says no more than those.
    Without a `drawing` a terminal gets the text; `paged`: through a pager, as git would.
    `hints` and `beside` go to standard error where a person reads the text; `failures` do so
    with --quiet. The `notices`, and those of the `workspace`, follow. A `file` is printed as it
    is, in whatever form. `done` says what was done where no commit of the workspace tells.
    """

    json: Callable[[], Mapping[str, Any]]
    text: Callable[[StatusMarks], str | None]
    quiet: Iterable[str] | None = None
    drawing: Callable[[Screen], str] | None = None
    paged: bool = False
    hints: Callable[[], Iterable[str]] = tuple
    beside: Sequence[str] = ()
    failures: Sequence[str] = ()
    workspace: Workspace | None = None
    exit_code: int = 0
    file: str | None = None
    notices: Sequence[Notice] = ()
    done: str = ""

    @classmethod
    def of_file(
        cls, content: str, workspace: Workspace, exit_code: int, notices: Sequence[Notice] = ()
    ) -> Self:
        """The answer of a command that was asked for a file on standard output."""
        return cls(
            dict, str, workspace=workspace, exit_code=exit_code, file=content, notices=notices
        )


def answer(settings: Settings, value: Answer) -> int:
    """Print an answer in the form that the options ask for; returns its exit code.

    An answer that cannot be put together takes nothing back of what the command did.
    """
    try:
        _print(settings, value)
    except BrokenPipeError:
        raise
    except (GittasksError, OSError) as error:
        commits = value.workspace.commits if value.workspace else []
        done = value.done or "".join(f"it is commit {commit}" for commit in commits[-1:])
        if not done:
            raise
        say(f"done, but there is no answer to show: {error}; {done}", err=True)
    return value.exit_code


def _print(settings: Settings, value: Answer) -> None:
    hints: list[Notice] = []
    if value.file is not None:
        say(value.file)
    elif settings.json:
        document(value.json())
    elif settings.quiet and value.quiet is not None:
        _say_lines(value.quiet)
        _say_lines(value.failures, err=True)
    else:
        if value.drawing and settings.on_terminal():
            from gittasks.cli.terminal import Screen  # it imports rich

            screen = Screen.of(in_color=settings.in_color())
            drawn = value.drawing(screen)
            if not (value.paged and settings.pager and screen.page(drawn)):
                say(drawn)
        elif (text := value.text(settings.marks())) is not None:
            say(text)
        _say_lines(value.beside, err=True)
        hints += value.hints()
    notices = [*value.notices, *hints]  # with what was noticed while the answer was made
    if value.workspace and not settings.quiet:
        if not settings.json and value.workspace.has_several_lists:
            say(f"list: {value.workspace.list_id}", err=True)
        notices[:0] = value.workspace.notices
        notices += value.workspace.claim_notices()
    if not settings.quiet:
        _say_lines((f"hint: {_in_words(notice, settings)}" for notice in notices), err=True)


def _in_words(notice: Notice, settings: Settings) -> str:
    if isinstance(notice, str):
        return notice
    return render.text.clean(str(settings.addressed(notice)))


def document(content: Mapping[str, Any]) -> None:
    """Print one JSON document to standard output."""
    say(render.documents.dumps(content))


def _say_lines(lines: Iterable[str], *, err: bool = False) -> None:
    for line in lines:
        say(line, err=err)


def say(text: str, *, err: bool = False) -> None:
    """Print text to standard output or error; what it cannot hold is shown as escapes.

    Not click.echo: that writes UTF-8 where Python was told that the terminal holds only ASCII.
    """
    stream = sys.stderr if err else sys.stdout
    try:
        try:
            stream.write(f"{text}\n")
        except UnicodeEncodeError as error:
            shown = text.replace("\u200e", "")  # a mark of ours, not a sign: those are escaped
            held = shown.encode(error.encoding, "backslashreplace").decode(error.encoding)
            stream.write(f"{held}\n")
        stream.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise LostOutput(error.strerror or str(error)) from error


def edit(
    settings: Settings,
    operations: Sequence[Operation],
    *,
    owner: str | None = None,
    force: bool = False,
    parallel: bool = False,
    offline: bool = False,
    remote: str | None = None,
    starts_next: bool = False,
) -> Answer:
    """Apply operations to the list at work; the answer tells what became of their tasks.

    `starts_next`: the last of them begins the next task that is ready.
    """
    workspace = settings.workspace(owner, remote)
    report = workspace.edit(operations, force=force, parallel=parallel, offline=offline)
    return edited(workspace, report, starts_next=starts_next)


def make_named_list(workspace: Workspace) -> None:
    """Make the list that a variable names if it is nowhere yet, and say so."""
    if workspace.make_list_if_named():
        chosen, branch = workspace.chosen, workspace.branch_name
        workspace.notices.append(
            f'made the task list "{chosen.id}" (branch {branch}), which {chosen.by} names'
        )


def edited(workspace: Workspace, report: EditResult, *, starts_next: bool = False) -> Answer:
    """The answer of an edit: the task that it was about, all that changed, what is ready now."""
    focus = [task_id for task_id in dict.fromkeys(report.edit.focus) if task_id]
    me, now = workspace.actor.owner, workspace.now().epoch
    started = (report.edit.focus[-1] or None) if starts_next else None
    return changed(
        workspace,
        report,
        lambda: render.documents.edit_document(report.edit, report.commit, me, now, started),
        focus,
    )


def changed(
    workspace: Workspace,
    report: EditResult,
    json: Callable[[], Mapping[str, Any]],
    focus: Sequence[str] = (),
    *,
    above: Iterable[str] = (),
    below: Iterable[str] = (),
    hints: Callable[[], Iterable[str]] = tuple,
) -> Answer:
    """The answer of a command that changed a list, as `json` or as text between these lines."""
    return Answer(
        json,
        lambda marks: "\n".join([*above, render.plain.edited(report.edit, marks, focus), *below]),
        quiet=changed_ids(report, focus),
        hints=hints,
        workspace=workspace,
    )


def changed_ids(report: EditResult, focus: Sequence[str] = ()) -> list[str]:
    """Ids of the tasks that an answer is about, for --quiet."""
    shown = dict.fromkeys([*focus, *report.edit.changed])
    return [task_id for task_id in shown if task_id in report.edit.after.tasks]
