"""Commands that only look: list, show, status, ready, `gittasks` alone; their filters."""

from __future__ import annotations

from gittasks import render
from gittasks.cli.options import (
    Choice,
    IntRange,
    argument,
    command,
    option,
    owner_option,
    status_choice,
)
from gittasks.cli.output import Answer, Settings, stopped_hooks
from gittasks.core.actors import disjoint_first, is_mine, overlaps, standing, to_end
from gittasks.core.ids import find
from gittasks.core.model import ListState, Status, Task
from gittasks.core.times import duration
from gittasks.core.view import SORTS, Filter, ListView
from gittasks.errors import BranchGone, InvalidData, NoList, NoRepository, NotFound, Usage, Way
from gittasks.light import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import Any

    from gittasks.cli.terminal import Screen
    from gittasks.core.history import LogEntry
    from gittasks.core.model import Actor, Problem, Snapshot
    from gittasks.render.terminal import Glyphs
    from gittasks.render.text import StatusMarks
    from gittasks.store.list_version import ListVersion
    from gittasks.workspace import Changed, Workspace

_SORTED_BY = Choice([sign + name for name in SORTS for sign in ("", "-")])
filter_options = (
    option("--mine", is_flag=True, help="Only my tasks."),
    option("--phase", metavar="NAME", help='Only of this phase: "PHASE 2" or 2.'),
    option("--tag", "tags", multiple=True, metavar="WORD", help="Only with this tag."),
    option(
        "--priority",
        "priorities",
        multiple=True,
        type=IntRange(0, 4),
        metavar="N",
        help="Only of this priority.",
    ),
    option("--where", multiple=True, metavar="K=V", help="Only with this metadata."),
    option("--search", metavar="TEXT", help="Only with TEXT in id, subject, notes …"),
    option(
        "--sort",
        type=_SORTED_BY,
        metavar="FIELD",
        help=f"By {', '.join(SORTS)}; -FIELD is the other way round.",
    ),
    option("--limit", type=IntRange(1), metavar="N", help="Only the first N."),
)
"""The conditions that `list`, `ready` and `export` share."""


def filter_of(conditions: Mapping[str, Any], **more: Any) -> Filter:
    """The filter that these options say."""
    return Filter(**{**conditions, "where": _pairs(conditions["where"])}, **more)


def _pairs(texts: tuple[str, ...]) -> dict[str, str]:
    pairs = {}
    for text in texts:
        key, sign, value = text.partition("=")
        if not sign or not key.strip():
            raise Usage(f'"{text}" is not KEY=VALUE', hint="write it as: --where area=parser")
        pairs[key.strip()] = value
    return pairs


at_option = option(
    "--at",
    metavar="TIME|COMMIT",
    help="As of a time (2026-11-22, yesterday, 2h) or a commit.",
)
since_option = option(
    "--since",
    metavar="TIME|COMMIT",
    help="Only what changed since a time (2026-11-22, yesterday, 2h) or a commit.",
)


def read_list(workspace: Workspace, at: str | None = None) -> ListView:
    """The list now, or at the moment that `at` names."""
    if at is None:
        return of_branch(workspace, workspace.branch())
    past = workspace.look_back(at)
    branch = past.branch
    return ListView(
        branch.snapshot,
        past.epoch,
        conflicts=branch.conflicts,
        apart=branch.apart,
        past=past.moment,
        commit=branch.commit,
        in_memory=branch.in_memory,
    )


def of_branch(workspace: Workspace, branch: ListVersion) -> ListView:
    """A list that was just read."""
    return ListView(
        branch.snapshot,
        workspace.now().epoch,
        conflicts=branch.conflicts,
        apart=branch.apart,
        stale=workspace.stale_claims(branch.snapshot),
        commit=branch.commit,
        in_memory=branch.in_memory,
    )


def exit_code(snapshot: Snapshot) -> int:
    """Exit code of a command that showed what could be read: 4 when something could not."""
    return InvalidData.exit_code if snapshot.problems else 0


def unread(snapshot: Snapshot) -> Sequence[str]:
    """The reasons for that, beside an answer that does not hold them."""
    return render.plain.problem_lines(snapshot.problems) if snapshot.problems else ()


def drawing(
    view: ListView,
    draw: Callable[[ListView, Glyphs, int], object],
    below: Callable[[], Sequence[str]] = tuple,
) -> Callable[[Screen], str]:
    """The drawing of a list for the terminal, below the moment if it is not this one."""

    def drawn(screen: Screen) -> str:
        lines = render.plain.title_lines(view)
        picture = screen.printed(draw(view, screen.signs, screen.width))
        more = [screen.fitted(line) for line in below()]
        return "\n".join([*lines, picture, *(["", *more] if more else [])])

    return drawn


def status_answer(view: ListView, settings: Settings, workspace: Workspace | None = None) -> Answer:
    """The answer of `status`: the progress of a list."""
    below = elsewhere(view, view.tasks, workspace.actor, settings) if workspace else list
    stopped = stopped_hooks(workspace) if workspace else None
    return Answer(
        lambda: render.documents.progress_document(view),
        lambda marks: "\n".join([*status_lines(view, marks, settings), *below()]),
        drawing=drawing(view, lambda *how: render.terminal.status(*how), below),
        workspace=workspace,
        exit_code=exit_code(view.snapshot),
        notices=[stopped] if stopped else (),
    )


def elsewhere(
    view: ListView, tasks: Sequence[Task], actor: Actor, settings: Settings
) -> Callable[[], list[str]]:
    """The lines about tasks in progress that are not of this session: how to go on with them."""

    def lines() -> list[str]:
        running = [t for t in tasks if t.status is Status.IN_PROGRESS]
        if view.past is not None or not running:
            return []
        ways = render.plain.ways_on(running, view.tasks, actor, view.now)
        return render.plain.way_lines(map(settings.addressed, ways))

    return lines


def status_lines(view: ListView, marks: StatusMarks, settings: Settings) -> list[str]:
    """The same as lines of text."""
    plain = render.plain
    return [*plain.title_lines(view), plain.status(view, marks), *_remark_lines(view, settings)]


def _remark_lines(view: ListView, settings: Settings) -> list[str]:
    plain = render.plain
    return plain.way_lines(map(settings.addressed, plain.remarks(view)))


def lists_answer(workspace: Workspace, *, places: bool = False, every: bool = False) -> Answer:
    """One line a list that is open, or `every` list; with `places` also where it is.

    Exit code 4 when one cannot be read.
    """
    rows: list[ListView] = []
    unreadable: list[Problem] = []
    now, ended = workspace.now().epoch, 0
    for summary in workspace.lists():
        if not every and summary.snapshot.info.state is not ListState.OPEN:
            ended += 1
            continue
        where = (*(("here",) if summary.local else ()), *summary.remotes)
        row = ListView(
            summary.snapshot, now, chosen=summary.current, places=where, changed=summary.changed
        )
        unreadable += [p._replace(path=f"{row.info.id}: {p.path}") for p in row.problems]
        rows.append(row)
    more = [f"{ended} more archived or dropped: gittasks lists --all"] if ended else []

    def text(table: str) -> str:
        return "\n".join([table, *more, *render.plain.problem_lines(unreadable)])

    def drawn(screen: Screen) -> str:
        if not places:
            return screen.fitted(text(render.plain.lists_table(rows)))
        return text(screen.printed(render.terminal.overview(rows, screen.signs, screen.width)))

    return Answer(
        lambda: render.documents.lists_document(rows),
        lambda _: text(render.plain.lists_table(rows, places=places)),
        drawing=drawn,
        notices=workspace.notices,
        exit_code=InvalidData.exit_code if unreadable else 0,
    )


STATUSES = status_choice(Status)
_HISTORY = 20
"""Entries of a task's history that `show` gives."""


@command(
    "list",
    option("--status", "statuses", multiple=True, type=STATUSES, help="Only in this state."),
    option("--owner", metavar="NAME", help="Only tasks of NAME."),
    *filter_options,
    option("--ready", is_flag=True, help="Only tasks that can be started."),
    option("--blocked", is_flag=True, help="Only tasks that wait for others."),
    option("--all", "deleted", is_flag=True, help="Include deleted tasks."),
    at_option,
    since_option,
    hot=True,
)
def list_command(
    settings: Settings,
    /,
    statuses: tuple[str, ...],
    owner: str | None,
    ready: bool,
    blocked: bool,
    deleted: bool,
    at: str | None,
    since: str | None,
    **conditions: Any,
) -> Answer:
    """Show the tasks in order, and how far the list is."""
    workspace = settings.workspace()
    view, me = read_list(workspace, at), workspace.actor.owner
    changed = None if since is None else _changed(workspace, since, view)
    chosen = filter_of(
        conditions,
        statuses=statuses,
        owner=owner,
        ready=ready,
        blocked=blocked,
        deleted=deleted or changed is not None,
        among=None if changed is None else changed.tasks,
    )
    tasks = chosen.of(view.snapshot, view.graph, owner or me)
    below = elsewhere(view, tasks, workspace.actor, settings)
    return Answer(
        lambda: {
            **render.documents.task_list_document(view, tasks, me),
            **render.documents.since_part(*(changed[:2] if changed else (None, ()))),
        },
        lambda marks: "\n".join([*_list_lines(view, tasks, changed, marks, settings), *below()]),
        quiet=[task.id for task in tasks],
        drawing=None if changed else drawing(view, _drawn_list(tasks), below),
        workspace=workspace,
        exit_code=exit_code(view.snapshot),
    )


def _changed(workspace: Workspace, since: str, view: ListView) -> Changed:
    """The difference between a moment before and the one that is looked at."""
    before = workspace.look_back(since)
    if view.past and before.epoch > view.now:
        raise Usage(
            f"--since {since} is after --at {view.past.at}",
            hint="give an earlier time, or leave --at out",
        )
    return workspace.changed(before, view)


def _list_lines(
    view: ListView,
    tasks: Sequence[Task],
    changed: Changed | None,
    marks: StatusMarks,
    settings: Settings,
) -> list[str]:
    plain = render.plain
    if changed is None:
        shown = plain.task_list(view, tasks, marks)
        return [*plain.title_lines(view), shown, *_remark_lines(view, settings)]
    lines = render.history_text.since_lines(view, *changed, tasks, marks)
    return [*plain.title_lines(view), *lines]


def _drawn_list(tasks: Sequence[Task]) -> Callable[[ListView, Glyphs, int], object]:
    return lambda view, *how: render.terminal.task_list(view, tasks, *how)


@command(
    "status",
    option("--all", "everything", is_flag=True, help="All lists here, one line each."),
    at_option,
    hot=True,
)
def status_command(settings: Settings, everything: bool, at: str | None) -> Answer:
    """Show how far the list is: phases, loops, what runs, what is ready, what waits."""
    if everything:
        if at is not None:
            raise Usage("--at is about one list, so it does not go with --all")
        return lists_answer(settings.workspace(), places=True)
    workspace = settings.workspace()
    if at is None:
        workspace.notices += workspace.elsewhere_notices()
    return status_answer(read_list(workspace, at), settings, workspace)


@command(
    "ready",
    option(
        "--watch",
        is_flag=False,
        flag_value="",
        metavar="[TIME]",
        help="Wait until a task is ready, at most TIME.",
    ),
    *filter_options,
    option("--all", "anyone", is_flag=True, help="Include tasks of other owners."),
    option("--disjoint", is_flag=True, help="First tasks whose paths nobody else is working on."),
    owner_option,
    hot=True,
)
def ready_command(
    settings: Settings,
    /,
    owner: str | None,
    watch: str | None,
    anyone: bool,
    disjoint: bool,
    **conditions: Any,
) -> Answer:
    """Show what can be started now; exit code 1 when there is nothing."""
    workspace = settings.workspace(owner)
    if watch is not None:
        workspace.wait_until_ready(duration(watch, "--watch") if watch else None)
    view, actor = ListView(workspace.snapshot(), workspace.now().epoch), workspace.actor
    me, limit = actor.owner, conditions.pop("limit")
    tasks = filter_of(conditions, ready=True, anyone=anyone).of(view.snapshot, view.graph, me)
    if disjoint:
        tasks = disjoint_first(tasks, view.tasks, actor)
    tasks = tasks[:limit]
    shared = [overlap for task in tasks for overlap in overlaps(task, view.tasks, actor)]
    return Answer(
        lambda: render.documents.ready_document(view, tasks, me, shared),
        lambda marks: render.plain.ready_list(view, tasks, marks, me, shared),
        quiet=[task.id for task in tasks],
        workspace=workspace,
        exit_code=exit_code(view.snapshot) or (0 if tasks else 1),
        notices=unread(view.snapshot),
    )


@command(
    "show",
    argument("task_id", metavar="ID"),
    option("--no-history", is_flag=True, help="Leave the history out."),
    at_option,
    hot=True,
)
def show_command(settings: Settings, task_id: str, no_history: bool, at: str | None) -> Answer:
    """Show everything about one task, its history included."""
    workspace = settings.workspace()
    view = read_list(workspace, at)
    task = view.snapshot.tasks[_find_then(workspace, view, task_id)]
    later = view.past.later if view.past else ()
    history = [] if no_history else workspace.log(task.id, without=later)

    def text(marks: StatusMarks) -> str:
        return "\n".join(_task_lines(view, task, history, marks))

    return Answer(
        lambda: render.documents.show_document(view, task, history, workspace.actor.owner),
        text,
        drawing=lambda screen: screen.fitted(text(settings.marks())),
        paged=True,
    )


def _task_lines(
    view: ListView, task: Task, history: Sequence[LogEntry], marks: StatusMarks
) -> list[str]:
    lines = render.history_text.entry_lines(history[:_HISTORY], marks, with_task=False)
    if len(history) > _HISTORY:
        lines.append(f"... {len(history) - _HISTORY} more: gittasks log {task.id}")
    details = render.plain.task_details(view, task, marks, lines)
    return [*render.plain.title_lines(view), details]


def _find_then(workspace: Workspace, view: ListView, text: str) -> str:
    """The id that `text` names in the list as it was; one that came later is told apart."""
    try:
        return find(view.snapshot, text, cut=True)
    except NotFound:
        if view.past is None:
            raise
        task_id = find(workspace.snapshot(), text, cut=True)
        raise NotFound(
            f'the task "{task_id}" was not there yet at {view.past.at}',
            ways=[Way("see when it came", ("gittasks", "log", task_id, "--reverse", "-n", "1"))],
        ) from None


_FIRST_STEPS = (
    ("gittasks init feature-auth", "a list (default name: the code branch)"),
    ('gittasks create "PHASE 1: Design"', "a task"),
    ("gittasks ready", "what can be started"),
    ("gittasks start ID", "begin; gittasks done ID completes it"),
    ("gittasks sync", "share it with the team"),
    ("gittasks help", "all commands; help COMMAND explains one"),
)
_SHOWN = 2
"""Commands that are offered below the status."""


@command("overview", hot=True)
def overview_command(settings: Settings) -> Answer:
    """The status of the list and the next two commands; without a list the first steps."""
    try:
        workspace = settings.workspace()
    except NoRepository:
        if settings.json:
            raise
        return _first_steps("git init", "a repository for your work")
    try:
        view = read_list(workspace)
    except NoList as error:
        known = workspace.known_lists()
        if settings.json or isinstance(error, BranchGone) or (settings.list_id and known):
            raise
        if known:
            return lists_answer(workspace)._replace(
                notices=[*filter(None, [error.hint]), *workspace.notices]
            )
        if workspace.remotes():
            return _first_steps("gittasks pull", "the lists that your team has")
        return _first_steps("gittasks --version", "check that it is installed")
    return _with_next(status_answer(view, settings, workspace), view, workspace.actor)


def _first_steps(command: str, purpose: str) -> Answer:
    steps = ((command, purpose), *_FIRST_STEPS)
    width = max(len(words) for words, _ in steps)
    lines = [f"  {words:<{width}}  {text}" for words, text in steps]
    text = "\n".join(["A task list that lives in your git repository. Start here:", *lines])
    return Answer(dict, lambda _: text)


def _with_next(answer: Answer, view: ListView, actor: Actor) -> Answer:
    """The status with the commands that go on from there."""
    below = [f"next: {words}" for words in [*_next_commands(view, actor)][:_SHOWN]]
    drawing = answer.drawing

    def text(marks: StatusMarks) -> str:
        return "\n".join([answer.text(marks) or "", "", *below])

    def drawn(screen: Screen) -> str:
        return "\n".join([drawing(screen) if drawing else "", "", *below])

    return answer._replace(text=text, drawing=drawn)


def _next_commands(view: ListView, actor: Actor) -> Iterator[str]:
    """Commands that the list accepts now, the most useful first."""
    if not view.progress.total:
        yield 'gittasks create "PHASE 1: ..."'
        yield "gittasks help apply"
        return
    mine = [run.task for run in view.progress.current if is_mine(run.task, actor)]
    for task in mine:
        allowed = not to_end(task, actor, standing(task, actor)).refused
        if allowed and not view.graph.open_blockers(task.id):
            yield f"gittasks done {task.id}"
        yield f"gittasks show {task.id}"
    ready = view.graph.ready(actor.owner)
    if ready and not mine:
        yield f"gittasks start {ready[0].id}"
        yield f"gittasks show {ready[0].id}"
    if view.progress.finished:
        yield "gittasks log"
        yield "gittasks report"
    yield "gittasks graph"
    yield "gittasks list"
