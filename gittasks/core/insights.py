"""Insights: where a workflow lost its time, from its history alone, with the commits that show it.

Times are epoch seconds. `log` lists a commit after its parents, and those of two clones that were
apart one after the other; so a change that starts from a value which the commit before did not
leave was made at the same time as that one. All of it is read from the commits: what agents say of
their time nowhere else counts.

One long module: what the times show and what the commits show is one account of the same work.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from gittasks.core.actors import overlap
from gittasks.core.changes import Change, ChangeKind, strictly_equal
from gittasks.core.fields import SINGLE
from gittasks.core.graph import critical_path, time_left, web
from gittasks.core.history import LogEntry, TaskState, states
from gittasks.core.ids import listed
from gittasks.core.lint.rules import batches
from gittasks.core.messages import AFTER_LOSS
from gittasks.core.model import Snapshot, Status, Task
from gittasks.core.times import MINUTE, duration_words, format_time, parse_time
from gittasks.core.validation import escape_line
from gittasks.light import StrEnum

_TOP = 3
"""Losses that are told first."""
_SHARE = 20
"""A pause counts as one when it is at least this part of the whole time, and a minute."""
_NAMED = 3
"""Tasks, values or files that a sentence names."""


class LossKind(StrEnum):
    """A way in which a workflow loses time or work."""

    IDLE = "idle"
    LEFT = "left"
    HANDOVER = "handover"
    TAKE_OVER = "take-over"
    TWICE = "done twice"
    RACE = "finished in a race"
    LOST_CLAIM = "lost claim"
    AT_ONCE = "edited at once"
    BATCHED = "completed in one go"
    OUTSIDE = "outside its paths"
    SAME_FILE = "same file"


class Loss(NamedTuple):
    """A loss of time or work: a sentence, the seconds, the commits that show it."""

    kind: LossKind
    tasks: tuple[str, ...]
    words: str
    seconds: int
    commits: tuple[str, ...]


class TaskCourse(NamedTuple):
    """The seconds of one task in each state; `blockers` are the ids of what it waited for longest.

    `waiting`: it could have been begun and nobody had it; `left`: its session had ended.
    """

    task: str
    waiting: int
    blocked: int
    active: int
    left: int
    blockers: tuple[str, ...]
    commits: tuple[str, ...]


class LoopCourse(NamedTuple):
    """The rounds of a loop: how many of its maximum, the seconds, and the result of each."""

    name: str
    max: int
    rounds: int
    seconds: int
    results: tuple[str, ...]
    commits: tuple[str, ...]


class AgentCourse(NamedTuple):
    """The seconds of one agent at tasks that were finished, and at work that was lost."""

    name: str
    session: str | None
    completed: int
    useful: int
    lost: int
    commits: tuple[str, ...]


class Estimate(NamedTuple):
    """The estimated time left when half of the tasks were done, and the actual time."""

    at: int
    done: int
    estimated: int
    actual: int


class Insights(NamedTuple):
    """The course of one list, from `since` to `now`."""

    losses: tuple[Loss, ...]
    tasks: tuple[TaskCourse, ...]
    loops: tuple[LoopCourse, ...]
    agents: tuple[AgentCourse, ...]
    critical: tuple[str, ...]
    estimate: Estimate | None
    since: int | None
    now: int

    @property
    def top(self) -> tuple[Loss, ...]:
        """The losses that cost most time, at most three."""
        costly = sorted((x for x in self.losses if x.seconds), key=lambda x: -x.seconds)
        return tuple(costly[:_TOP])


def insights(
    snapshot: Snapshot,
    newest_first: Sequence[LogEntry],
    now: int,
    *,
    since: int | None = None,
    people: bool = False,
    still_open: Collection[tuple[str, str]] = (),
    files: Mapping[str, frozenset[str]] = {},
) -> Insights:
    """The insights of a list; its history as `log` gives it.

    `still_open` are the (task, field) of open conflicts, `files` the paths that each linked commit
    of the code changed. Without `people` whoever acted without a session, under the name of git,
    stands as "a person".
    """
    course = states(snapshot, newest_first, now)
    tasks = snapshot.ordered()
    over = all(task.status.closed for task in tasks)
    end = max((s.at for c in course.values() for s in c), default=now) if over else now
    names = _Names(newest_first, people)
    pieces = [p for task in tasks for p in _pieces(task, course, end, since)]
    entries = [e for e in reversed(newest_first) if since is None or _at(e) >= since]
    raw = _Walk(snapshot, names, still_open, end)
    raw.see(entries)
    by_times = (*_idle(pieces, names), *_left(pieces))
    by_files = _against_paths(tasks, pieces, files)
    return Insights(
        (*by_times, *raw.losses(), *_batched(snapshot, entries, names), *by_files),
        tuple(c for task in tasks if (c := _course(task, pieces))),
        tuple(_loops(tasks, course)),
        tuple(_agents(pieces, _closers(course, since), raw, names)),
        critical_path(web(tasks), format_time(now)).tasks,
        _estimate(tasks) if over and since is None else None,
        since,
        now,
    )


def _at(entry: LogEntry) -> int:
    return parse_time(entry.at)


# --- names ------------------------------------------------------------------------------------


Who = tuple[str | None, str | None]
"""An owner and a session."""


class _Names:
    """The names of those who act: agents as they are, people only when asked for.

    A person is whoever never gave a session and acts under the name that git has.
    """

    def __init__(self, entries: Iterable[LogEntry], people: bool) -> None:
        self._people: set[str] = set()
        if people:
            return
        agents = {e.owner for e in entries if e.session or (e.owner and e.owner != e.by)}
        self._people = {e.who for e in entries if e.who not in agents}

    def of(self, who: Who) -> str:
        """`claude (session s1)`, or "a person"."""
        owner, session = who
        if not owner:
            return "somebody"
        if owner in self._people:
            return "a person"
        name = escape_line(owner, 60)
        return f"{name} (session {escape_line(session, 40)})" if session else name

    def owner(self, owner: str | None) -> str:
        """The name without the session."""
        return self.of((owner, None))


# --- states of each task ------------------------------------------------------------------------


class _Piece(NamedTuple):
    """A task in one state for a time; `commits` began and ended it."""

    task: str
    state: str
    start: int
    end: int
    who: Who
    commits: tuple[str, ...]
    after: Status | None
    blockers: tuple[str, ...] = ()
    over: bool = True
    """Whether another state followed."""

    @property
    def seconds(self) -> int:
        return self.end - self.start


Interval = tuple[int, int]


def _pieces(
    task: Task, course: Mapping[str, Sequence[TaskState]], end: int, since: int | None
) -> Iterator[_Piece]:
    """The course of a task until `end`, from `since` on."""
    own = course.get(task.id, ())
    holes = {b: _open_times(course.get(b, ()), end) for b in task.blocked_by if b != task.id}
    for state, following in zip(own, [*own[1:], None], strict=True):
        stop = following.at if following else end
        commits = tuple(s.commit for s in (state, following) if s and s.commit)
        whole = _Piece(
            task.id,
            "",
            max(state.at, since or 0),
            max(stop, since or 0),
            (state.owner, state.session),
            commits,
            following.status if following else state.status,
            over=following is not None,
        )
        if state.status is Status.IN_PROGRESS and whole.seconds:
            yield whole._replace(state="left" if state.left else "active")
        elif state.status is Status.PENDING:
            yield from _waiting(whole, holes, task.not_before)


def _waiting(
    whole: _Piece, holes: Mapping[str, Sequence[Interval]], not_before: str | None
) -> Iterator[_Piece]:
    """Split a pending time into blocked and waiting; before `not_before` it is neither."""
    start, end = whole.start, whole.end
    if not_before:
        start = min(max(start, parse_time(not_before)), end)
    cuts = {b: [(max(s, start), min(e, end)) for s, e in times] for b, times in holes.items()}
    blocked = _union(i for times in cuts.values() for i in times if i[0] < i[1])
    for low, high in blocked:
        last = max((e for times in cuts.values() for s, e in times if s < e <= high), default=0)
        blockers = tuple(b for b, times in cuts.items() if any(s < e == last for s, e in times))
        yield whole._replace(state="blocked", start=low, end=high, blockers=blockers)
    for low, high in _without((start, end), blocked):
        yield whole._replace(state="waiting", start=low, end=high)


def _open_times(course: Sequence[TaskState], end: int) -> list[Interval]:
    """The times in which a task existed and was open."""
    stops = [*(s.at for s in course[1:]), end]
    return [
        (state.at, stop)
        for state, stop in zip(course, stops, strict=False)
        if state.status in (Status.PENDING, Status.IN_PROGRESS)
    ]


def _union(intervals: Iterable[Interval]) -> list[Interval]:
    """The times that any of the intervals covers, in order."""
    whole: list[Interval] = []
    for start, end in sorted(intervals):
        if whole and start <= whole[-1][1]:
            whole[-1] = whole[-1][0], max(end, whole[-1][1])
        else:
            whole.append((start, end))
    return whole


def _without(interval: Interval, holes: Sequence[Interval]) -> list[Interval]:
    """An interval less the holes, which are in order and do not touch."""
    start, end = interval
    rest = []
    for low, high in holes:
        if start < min(low, end):
            rest.append((start, min(low, end)))
        start = max(start, high)
    return [*rest, (start, end)] if start < end else rest


def _course(task: Task, pieces: Iterable[_Piece]) -> TaskCourse | None:
    """The sums of one task; None where it has no times."""
    own = [p for p in pieces if p.task == task.id]
    sums = {
        name: sum(p.seconds for p in own if p.state == name)
        for name in ("waiting", "blocked", "active", "left")
    }
    if not own:
        return None
    longest = max((p for p in own if p.blockers), key=lambda p: p.seconds, default=None)
    commits = tuple(dict.fromkeys(c for p in own for c in p.commits))
    return TaskCourse(
        task.id,
        sums["waiting"],
        sums["blocked"],
        sums["active"],
        sums["left"],
        longest.blockers if longest else (),
        commits,
    )


# --- losses that the times show -----------------------------------------------------------------


def _idle(pieces: Sequence[_Piece], names: _Names) -> Iterator[Loss]:
    """Times in which something was ready and nobody worked, from the first start on."""
    busy = _union((p.start, p.end) for p in pieces if p.state == "active")
    if not busy:
        return
    first, last = busy[0][0], max(p.end for p in pieces)
    ready = [p for p in pieces if p.state == "waiting"]
    for start, end in _union(
        part for p in ready for part in _without((max(p.start, first), p.end), busy)
    ):
        if end - start < max(MINUTE, (last - first) / _SHARE):
            continue
        waited = [p for p in ready if p.start < end and p.end > start]
        ids = tuple(dict.fromkeys(p.task for p in waited))
        begun = [p for p in pieces if p.state == "active" and p.start == end]
        until = f", until {names.of(begun[0].who)} began {begun[0].task}" if begun else ""
        be = "was" if len(ids) == 1 else "were"
        words = f"nobody worked for {duration_words(end - start)} while {_ids(ids)} {be} ready"
        ended = [p.commits[-1] for p in pieces if p.state == "active" and p.end == start]
        commits = tuple(dict.fromkeys([*ended, *(p.commits[0] for p in begun if p.commits)]))
        yield Loss(LossKind.IDLE, ids, words + until, end - start, commits or waited[0].commits)


def _left(pieces: Iterable[_Piece]) -> Iterator[Loss]:
    """Tasks left in progress after their session ended."""
    for piece in pieces:
        if piece.state == "left" and piece.seconds >= MINUTE:
            words = (
                f"{piece.task} was left for {duration_words(piece.seconds)} after its session ended"
            )
            yield Loss(LossKind.LEFT, (piece.task,), words, piece.seconds, piece.commits)


def _batched(snapshot: Snapshot, entries: Sequence[LogEntry], names: _Names) -> Iterator[Loss]:
    """Tasks completed in one go: their real ends are unknown."""
    for run in batches(entries, snapshot.tasks):
        ids = tuple(dict.fromkeys(c.task for c in run))
        words = f"{_ids(ids)} were completed in one go by {names.owner(run[0].owner)}"
        yield Loss(LossKind.BATCHED, ids, words, 0, tuple(dict.fromkeys(c.commit for c in run)))


def _against_paths(
    tasks: Iterable[Task], pieces: Sequence[_Piece], files: Mapping[str, frozenset[str]]
) -> Iterator[Loss]:
    """Files that a task changed and had not declared, or that two changed side by side."""
    changed: dict[str, dict[str, str]] = {}
    for task in tasks:
        for link in task.commits:
            for path in files.get(link.sha, ()):
                changed.setdefault(task.id, {})[path] = link.sha
        mine = changed.get(task.id, {})
        outside = sorted(p for p in mine if not any(overlap(d, p) for d in task.paths))
        if task.paths and outside:
            words = f"{task.id} changed {_ids(outside)}, outside its paths"
            yield Loss(
                LossKind.OUTSIDE, (task.id,), words, 0, tuple(sorted({mine[p] for p in outside}))
            )
    active = {i: [p for p in pieces if p.task == i and p.state == "active"] for i in changed}
    ids = list(changed)
    for place, first in enumerate(ids):
        for second in ids[place + 1 :]:
            shared = sorted(changed[first].keys() & changed[second].keys())
            if shared and _side_by_side(active[first], active[second]):
                words = (
                    f"{first} and {second} both changed {_ids(shared)} while both were in progress"
                )
                commits = {c[p] for c in (changed[first], changed[second]) for p in shared}
                yield Loss(LossKind.SAME_FILE, (first, second), words, 0, tuple(sorted(commits)))


def _side_by_side(ours: Iterable[_Piece], theirs: Sequence[_Piece]) -> bool:
    return any(a.start < b.end and b.start < a.end and a.who != b.who for a in ours for b in theirs)


def _ids(names: Sequence[str]) -> str:
    return listed([escape_line(name, 80) for name in names], _NAMED)


# --- losses that the commits show -----------------------------------------------------------------


class _Hand(NamedTuple):
    who: Who
    at: int
    commit: str


_EDITED = tuple(f.name for f in SINGLE if f.name not in ("result", "created", "createdBy", "left"))
"""Fields in which two concurrent values are a conflict."""


class _Edits(NamedTuple):
    """The current values of a field, and the commits that wrote them concurrently."""

    values: list[Any]
    writers: list[_Hand]
    at_once: list[_Hand]


class _Walk:
    """A walk through the commits, oldest first, that tracks the holders of each task."""

    def __init__(
        self,
        snapshot: Snapshot,
        names: _Names,
        still_open: Collection[tuple[str, str]],
        end: int,
    ) -> None:
        self._snapshot, self._names = snapshot, names
        self._still_open, self._end = still_open, end
        self._losses: list[Loss] = []
        self._hands: dict[str, list[_Hand]] = {}
        self._twice: dict[str, tuple[_Hand, _Hand]] = {}
        self._was_twice: set[str] = set()
        self._closed: dict[str, _Hand] = {}
        self._released: dict[str, _Hand] = {}
        self._overtaken: dict[str, list[_Hand]] = {}
        self._edits: dict[tuple[str, str], _Edits] = {}
        self.lost: dict[Who, int] = {}
        """Seconds of wasted work, by owner and session."""
        self.in_vain: set[tuple[Who, str, int]] = set()
        """Work that ended when another began the task too, whose work stands."""

    def losses(self) -> list[Loss]:
        """All losses, with tasks still worked on twice and conflicts."""
        for task_id in list(self._twice):
            self._end_twice(task_id, self._end, None)
        return [*self._losses, *self._edited_at_once()]

    def see(self, oldest_first: Iterable[LogEntry]) -> None:
        """Process the commits."""
        for entry in oldest_first:
            self._see(entry)

    def _see(self, entry: LogEntry) -> None:
        hand = _Hand((entry.who, entry.session), _at(entry), entry.commit)
        for task_id in entry.tasks:
            changes = {c.field: c for c in entry.changes_of(task_id)}
            if not task_id or task_id not in self._snapshot.tasks:
                continue
            self._see_status(task_id, changes, hand)
            self._see_notes(task_id, changes.get("notes"), hand)
            for name in _EDITED:
                if (change := changes.get(name)) and change.kind is ChangeKind.FIELD:
                    self._see_edit(change, hand)

    def _see_status(self, task_id: str, changes: Mapping[str, Change], hand: _Hand) -> None:
        status = changes.get("status")
        if status is None:
            running = self._hands.get(task_id)
            if running and ("owner" in changes or "session" in changes):
                self._passed_on(task_id, running, changes, hand)
            return
        if status.after == Status.IN_PROGRESS.value:
            self._begun(task_id, hand)
        elif status.after == Status.PENDING.value:
            self._closed.pop(task_id, None)
            if self._drop(task_id, hand):
                self._released[task_id] = hand
        else:
            self._ended(task_id, status, hand)

    def _begun(self, task_id: str, hand: _Hand) -> None:
        self._closed.pop(task_id, None)
        hands = self._hands.setdefault(task_id, [])
        if hands:  # begun by somebody who had not seen the first start
            self._twice.setdefault(task_id, (hands[0], hand))
        released = self._released.pop(task_id, None)
        if released and released.who != hand.who and not hands:
            words = (
                f"{task_id} was released by {self._names.of(released.who)} "
                f"and started again by {self._names.of(hand.who)}"
            )
            self._add(LossKind.HANDOVER, task_id, words, 0, released, hand)
        hands.append(hand)

    def _passed_on(
        self, task_id: str, hands: list[_Hand], changes: Mapping[str, Change], hand: _Hand
    ) -> None:
        """Record that a task in progress changed its holder."""
        before = hands[-1]
        if before.who == hand.who:
            return
        is_take_over = "owner" in changes
        kind = LossKind.TAKE_OVER if is_take_over else LossKind.HANDOVER
        verb = "was taken over from" if is_take_over else "passed from"
        words = f"{task_id} {verb} {self._names.of(before.who)} to {self._names.of(hand.who)}"
        if is_take_over:
            words = words.replace(" to ", " by ", 1)
        self._overtaken.setdefault(task_id, []).append(before)
        self._hands[task_id] = [hand]
        self._add(kind, task_id, words, 0, before, hand)

    def _ended(self, task_id: str, status: Change, hand: _Hand) -> None:
        closed = self._closed.get(task_id)
        if closed and task_id not in self._was_twice and status.before != status.after:
            words = (
                f"{task_id} was finished in a race by {self._names.of(closed.who)} "
                f"and by {self._names.of(hand.who)}"
            )
            self._add(LossKind.RACE, task_id, words, 0, closed, hand)
        self._end_twice(task_id, hand.at, hand)
        self._drop(task_id, hand)
        self._closed.setdefault(task_id, hand)

    def _drop(self, task_id: str, hand: _Hand) -> bool:
        """Remove the actor, else the first, from the holders of a task; True if it had any."""
        hands = self._hands.get(task_id, [])
        if not hands:
            return False
        hands.remove(next((h for h in hands if h.who == hand.who), hands[0]))
        return True

    def _end_twice(self, task_id: str, at: int, end: _Hand | None) -> None:
        if task_id not in self._twice:
            return
        first, second = self._twice.pop(task_id)
        self._was_twice.add(task_id)
        seconds = max(at - max(first.at, second.at), 0)
        stands = self._snapshot.tasks[task_id]
        loser = first if (stands.owner, stands.session) == second.who else second
        self.lost[loser.who] = self.lost.get(loser.who, 0) + seconds
        self.in_vain.add((loser.who, task_id, max(first.at, second.at)))
        words = (
            f"{task_id} was worked on twice, by {self._names.of(first.who)} and by "
            f"{self._names.of(second.who)}, for {duration_words(seconds)}"
        )
        self._add(LossKind.TWICE, task_id, words, seconds, first, second, *([end] if end else []))

    def _see_notes(self, task_id: str, change: Change | None, hand: _Hand) -> None:
        """Record a finish after a lost claim, which is kept as a note."""
        if change is None or change.kind is not ChangeKind.FIELD:
            return
        old = [note.get("text") for note in change.before or ()]
        new = [note.get("text") or "" for note in change.after or ()]
        if not any(AFTER_LOSS in text and text not in old for text in new):
            return
        began = next((h for h in self._overtaken.get(task_id, ()) if h.who == hand.who), None)
        seconds = max(hand.at - began.at, 0) if began else 0
        self.lost[hand.who] = self.lost.get(hand.who, 0) + seconds
        words = f"{self._names.of(hand.who)} finished {task_id} after the claim was lost"
        took = f": {duration_words(seconds)} of work" if seconds else ""
        self._add(
            LossKind.LOST_CLAIM, task_id, words + took, seconds, *([began] if began else []), hand
        )

    def _see_edit(self, change: Change, hand: _Hand) -> None:
        edits = self._edits.setdefault((change.task, change.field), _Edits([change.before], [], []))
        known = any(strictly_equal(change.before, value) for value in edits.values)
        if known:
            edits.values[:] = [change.after]
            edits.writers[:] = [hand]
        elif not any(strictly_equal(change.after, value) for value in edits.values):
            edits.values.append(change.after)
            edits.at_once.extend(h for h in (*edits.writers, hand) if h not in edits.at_once)

    def _edited_at_once(self) -> Iterator[Loss]:
        for (task_id, field), edits in self._edits.items():
            if not edits.at_once:
                continue
            who = list(dict.fromkeys(self._names.of(h.who) for h in edits.at_once))
            ended = "still open" if (task_id, field) in self._still_open else "settled since"
            words = (
                f"{field} of {task_id} was edited concurrently by {' and by '.join(who)}; {ended}"
            )
            commits = tuple(h.commit for h in edits.at_once)
            yield Loss(LossKind.AT_ONCE, (task_id,), words, 0, commits)

    def _add(self, kind: LossKind, task_id: str, words: str, seconds: int, *hands: _Hand) -> None:
        commits = tuple(dict.fromkeys(hand.commit for hand in hands))
        self._losses.append(Loss(kind, (task_id,), words, seconds, commits))


# --- loops, agents, the estimate ------------------------------------------------------------------


def _loops(
    tasks: Iterable[Task], course: Mapping[str, Sequence[TaskState]]
) -> Iterator[LoopCourse]:
    loops: dict[tuple[str | None, str], list[Task]] = {}
    for task in tasks:
        if place := task.iteration:
            loops.setdefault((task.phase_label, place.name), []).append(task)
    for (_, name), members in loops.items():
        done = [t for t in members if t.status is Status.COMPLETED]
        times = [(s, e) for t in done if (s := t.started) and (e := t.finished)]
        commits = [
            next((s.commit for s in course[t.id] if s.status is Status.COMPLETED), None)
            for t in done
        ]
        place = members[0].iteration
        assert place is not None  # noqa: S101  those without one are not here
        yield LoopCourse(
            name,
            place.max,
            len(done),
            sum(max(parse_time(e) - parse_time(s), 0) for s, e in times),
            tuple(t.result or "" for t in done),
            tuple(c for c in commits if c),
        )


def _closers(
    course: Mapping[str, Sequence[TaskState]], since: int | None
) -> dict[Who, dict[str, str]]:
    """The tasks that each completed, with the last commit that completed them."""
    closers: dict[Who, dict[str, str]] = {}
    for task_id, own in course.items():
        last = own[-1] if own else None
        if last and last.status is Status.COMPLETED and last.at >= (since or 0):
            tasks = closers.setdefault((last.owner or last.by, last.session), {})
            tasks[task_id] = last.commit or ""
    return closers


def _agents(
    pieces: Iterable[_Piece],
    closers: Mapping[Who, Mapping[str, str]],
    walk: _Walk,
    names: _Names,
) -> Iterator[AgentCourse]:
    """The agents by name; unfinished work is neither useful nor lost yet."""
    by_agent: dict[Who, list[_Piece]] = {who: [] for who in (*walk.lost, *closers)}
    for piece in pieces:
        if piece.state == "active":
            by_agent.setdefault(piece.who, []).append(piece)
    for who, work in sorted(by_agent.items(), key=lambda x: (str(x[0][0]), str(x[0]))):
        closed = closers.get(who, {})
        given_up = [
            p
            for p in work
            if p.after in (Status.PENDING, Status.DELETED, None)
            or (who, p.task, p.end) in walk.in_vain
        ]
        commits = [*(c for p in work for c in p.commits), *filter(None, closed.values())]
        yield AgentCourse(
            names.owner(who[0]),
            who[1],
            len(closed),
            sum(p.seconds for p in work if p.over and p not in given_up),
            sum(p.seconds for p in given_up) + walk.lost.get(who, 0),
            tuple(dict.fromkeys(commits)),
        )


def _estimate(tasks: Sequence[Task]) -> Estimate | None:
    """The estimate when half of the tasks were done, and the actual time, if any."""
    ends = sorted(t.finished for t in tasks if t.status is Status.COMPLETED and t.finished)
    if len(ends) < 2:
        return None
    then = ends[(len(ends) - 1) // 2]
    done = bisect_right(ends, then)  # others may have ended in the same second
    expected = time_left([_as_of(task, then) for task in tasks], then)
    if expected is None:
        return None
    at = parse_time(then)
    return Estimate(at, done, expected, parse_time(ends[-1]) - at)


def _as_of(task: Task, time: str) -> Task:
    """The task as of a time, by its own `started` and `finished`."""
    if task.finished and task.finished <= time:
        return task
    if task.started and task.started <= time:
        return task._replace(status=Status.IN_PROGRESS, finished=None)
    return task._replace(status=Status.PENDING, started=None, finished=None)
