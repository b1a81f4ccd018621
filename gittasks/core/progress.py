"""Progress of a list: counts, phases, loops, and their words.

All figures leave skipped and deleted tasks out of the total. The words are part of the product:
agents and scripts look for them, so each is made in one place here. Texts of tasks stand in them
as they were written; whoever prints them must escape them.
"""

from __future__ import annotations

from gittasks.core.graph import Graph, time_left
from gittasks.core.ids import and_more, listed
from gittasks.core.model import (
    COMPLETED,
    DELETED,
    IN_PROGRESS,
    PENDING,
    SKIPPED,
    Snapshot,
    Status,
    Task,
    by_phase,
    in_order,
)
from gittasks.core.times import duration_words, format_time, parse_time, seconds_between
from gittasks.light import TYPE_CHECKING, NamedTuple, lru_cache

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_NEAR_MAX_PERCENT = 80
"""From this share of a loop's maximum the user is warned that it may run out."""
_MOST_OTHERS = 5
"""Tasks of others that a line names."""
_NOUNS = (
    "analysis assessment audit benchmark check draft evaluation experiment iteration migration "
    "opinion proposal report review scan summary survey test translation validation vote"
)
"""Words for pieces of work that are counted by name where subjects end in the same one."""
_NO_PASS = ("no", "not", "without", "fail", "failed", "cannot", "didn't")
"""Words by which a result that names PASS says the opposite."""


class Phase(NamedTuple):
    """One phase: its tasks counted. `words` is its line; `parallel` counts like tasks by name."""

    label: str
    total: int
    completed: int
    in_progress: int
    skipped: int
    words: str
    parallel: str | None

    @property
    def lines(self) -> tuple[str, ...]:
        """The lines of a phase of several tasks that has begun; one task is told by itself."""
        if self.total < 2 or not self.completed + self.in_progress:
            return ()
        return (self.words, self.parallel) if self.parallel else (self.words,)


class Loop(NamedTuple):
    """One loop of `Iteration n/max` tasks. `running` is the iteration in progress, if any."""

    phase: str | None
    name: str
    max: int
    completed: int
    running: int | None
    lines: tuple[str, ...]


class RunningTask(NamedTuple):
    """A task in progress and for how many seconds, when that is known."""

    task: Task
    seconds: int | None


class Progress(NamedTuple):
    """The state of a list as a whole.

    `pending` counts all pending tasks, `blocked` those among them with an open blocker, so that
    `total = completed + in_progress + pending`. `percent` is text, cut (not rounded) to one
    decimal. `elapsed` is the seconds from the first start to the last finish once everything is
    done, else None. `tasks` are those that are not deleted, in order, and `now` is when this was.
    """

    total: int
    completed: int
    in_progress: int
    pending: int
    blocked: int
    skipped: int
    percent: str
    summary: str
    phases: tuple[Phase, ...]
    loops: tuple[Loop, ...]
    current: tuple[RunningTask, ...]
    elapsed: int | None
    tasks: Sequence[Task] = ()
    now: int | None = None
    unread: int = 0
    """Tasks whose files cannot be read: nobody knows how they stand."""

    @classmethod
    def of(cls, tasks: Iterable[Task], graph: Graph, now: int | None = None) -> Progress:
        """Progress of the tasks of a list at `now` (epoch seconds; None leaves durations out)."""
        everything = in_order(tasks)
        alive = [t for t in everything if t.status is not DELETED]
        counted = [t for t in alive if t.status is not SKIPPED]
        done = [t for t in counted if t.status is COMPLETED]
        running = [t for t in counted if t.status is IN_PROGRESS]
        pending = [t for t in counted if t.status is PENDING]
        return cls(
            total=len(counted),
            completed=len(done),
            in_progress=len(running),
            pending=len(pending),
            blocked=sum(graph.is_blocked(t.id) for t in pending),
            skipped=len(alive) - len(counted),
            percent=percent(len(done), len(counted)),
            summary=_summary(alive, counted, len(done), running, graph.unread),
            phases=_phases(alive),
            loops=_loops(everything),
            current=tuple(RunningTask(t, _running_for(t, now)) for t in running),
            elapsed=_elapsed(done) if len(done) == len(counted) else None,
            tasks=alive,
            now=now,
            unread=graph.unread,
        )

    @property
    def lines(self) -> tuple[str, ...]:
        """The lines of the loops, phases and parallel groups that have begun."""
        loops = (line for loop in self.loops for line in loop.lines)
        phases = (line for phase in self.phases for line in phase.lines)
        return (*loops, *phases)

    @property
    def finished(self) -> bool:
        """True when there were tasks and none is left, as far as all of them can be read."""
        return 0 < self.total == self.completed and not self.unread

    def finished_words(self, title: str | None = None) -> str | None:
        """`Multi-model review complete in 3 minutes`, or None while something is left."""
        return _finished_words(title, self.elapsed) if self.finished else None

    @property
    def eta_seconds(self) -> int | None:
        """A guess at the time that is left, None when there is no basis for one."""
        return time_left(self.tasks, None if self.now is None else format_time(self.now))

    @property
    def eta_words(self) -> str | None:
        """`about 12 minutes left (estimate)`, or None without an estimate."""
        seconds = self.eta_seconds
        return None if seconds is None else f"about {duration_words(seconds)} left (estimate)"


def percent(completed: int, total: int) -> str:
    """Share in per cent, cut to one decimal, `.0` dropped: 3 of 7 is `42.8`; 0 of 0 is `0`."""
    whole, tenth = divmod(completed * 1000 // total, 10) if total else (0, 0)
    return f"{whole}.{tenth}" if tenth else str(whole)


def plural(word: str) -> str:
    """The plural of an English noun; a word that ends in a single `s` is taken to be one."""
    lower = word.lower()
    if lower.endswith(("ss", "x", "ch", "sh")):
        return word + "es"
    if lower.endswith("sis"):
        return word[:-2] + "es"
    if lower.endswith("s"):
        return word
    if lower.endswith("y") and lower[-2:-1] not in ("", *"aeiou"):
        return word[:-1] + "ies"
    return word + "s"


def _finished_words(title: str | None, elapsed: int | None) -> str:
    words = f"{title or 'Workflow'} complete"
    return f"{words} in {duration_words(elapsed)}" if elapsed else words


# --- the summary ---------------------------------------------------------------------------


def summary(tasks: Iterable[Task], unread: int = 0) -> str:
    """The list in one line: `3/7 tasks complete (42.8%), currently implementing core logic`.

    Tasks that are `unread` are counted behind it, and a list with such ones is not finished.
    """
    alive = [t for t in tasks if t.status is not DELETED]
    counted = [t for t in alive if t.status is not SKIPPED]
    done = [t.status for t in counted].count(COMPLETED)
    running = [t for t in counted if t.status is IN_PROGRESS]
    return _summary(alive, counted, done, running, unread)


def _summary(
    alive: Sequence[Task],
    counted: Sequence[Task],
    done: int,
    running: Sequence[Task],
    unread: int,
) -> str:
    words = _standing(alive, counted, done, running)
    if unread:
        return f"{words if alive else _tasks(0)}, {unread} unread"
    return f"{words}. Workflow finished!" if 0 < done == len(counted) else words


def _standing(
    alive: Sequence[Task], counted: Sequence[Task], done: int, running: Sequence[Task]
) -> str:
    if not counted:
        return f"{_tasks(len(alive))}, all skipped" if alive else "no tasks yet"
    if not done and not running:
        first = next((label for t in in_order(counted) if (label := t.phase_label)), None)
        starting = f", {_sentence_label(first)} starting..." if first else ""
        return f"{_tasks(len(counted))}, 0 complete{starting}"
    words = f"{done}/{_tasks(len(counted))} complete ({percent(done, len(counted))}%)"
    if not running:
        return words
    first = _activity(min(running, key=lambda t: t.sort_key))
    return f"{words}, currently {first}{and_more(len(running) - 1)}"


def _tasks(count: int) -> str:
    return f"{count} task" if count == 1 else f"{count} tasks"


def _sentence_label(label: str) -> str:
    return f"Phase {label[6:]}" if label.startswith("PHASE ") else label


def _activity(task: Task) -> str:
    """The activity of a task, as it stands within a sentence."""
    if not task.active_form:
        return task.title
    # "Claude reviewing" begins with a name, "Implementing core" with the verb.
    verb = task.active_form.split(maxsplit=1)[:1]
    begins_with_verb = bool(verb) and verb[0].endswith("ing")
    return _small_first(task.active_form) if begins_with_verb else task.active_form


def _small_first(text: str) -> str:
    """`text` with a small first letter, unless it begins with an abbreviation (`UI`, `E2E`)."""
    word = text.split(maxsplit=1)[0] if text.strip() else ""
    if word.isupper() or word[1:2].isupper():
        return text
    return text[:1].lower() + text[1:]


# --- phases --------------------------------------------------------------------------------


def _phases(alive: Iterable[Task]) -> tuple[Phase, ...]:
    """The phases in order of first appearance."""
    return tuple(_phase(label, tasks) for label, tasks in by_phase(alive).items() if label)


def _phase(label: str, tasks: Sequence[Task]) -> Phase:
    states = [t.status for t in tasks]
    done, running, skipped = map(states.count, (COMPLETED, IN_PROGRESS, SKIPPED))
    counted = [t for t in tasks if t.status is not SKIPPED] if skipped else tasks
    words = f"{label}: {done}/{len(counted)} complete" if counted else f"{label}: skipped"
    if running > 1 or (running and _several_owners(counted)):
        words += f", {running} in progress"
    parallel = _parallel_words(counted, done, running)
    return Phase(label, len(counted), done, running, skipped, words, parallel)


def _parallel_words(tasks: Sequence[Task], done: int, running: int) -> str | None:
    """`1/3 reviews complete, 2 in progress` for tasks of one kind that can run side by side."""
    if len(tasks) < 2 or not done + running:
        return None
    noun = _common_noun(tasks)
    if noun is None or any(t.iteration for t in tasks):
        return None
    # "Implement parser" before "Test parser" share a last word, but are steps, not two parsers.
    if len({frozenset(t.blocked_by) for t in tasks}) > 1 and not _several_owners(tasks):
        return None
    words = f"{done}/{len(tasks)} {plural(noun)} complete"
    if done == len(tasks):
        return f"{words}!"
    return f"{words}, {running} in progress" if running else words


def _common_noun(tasks: Sequence[Task]) -> str | None:
    """The last word of all titles, when it is the same one and known to be a noun.

    The last word may be anything ("differs", "now"), and a made-up noun is worse than none.
    """
    nouns = _noun_forms()
    common = nouns.get(_last_word(tasks[0]))
    if common is None or any(nouns.get(_last_word(task)) != common for task in tasks[1:]):
        return None
    return common


def _last_word(task: Task) -> str:
    words = task.title.split()
    return words[-1].strip(".,;:!?()[]'\"").lower() if words else ""


@lru_cache(4096)
def _noun_forms() -> dict[str, str]:
    return {form: noun for noun in _NOUNS.split() for form in (noun, plural(noun))}


def _several_owners(tasks: Iterable[Task]) -> bool:
    return len({t.owner for t in tasks if t.owner}) > 1


# --- loops ---------------------------------------------------------------------------------


def _loops(tasks: Iterable[Task]) -> tuple[Loop, ...]:
    """Loops in order of first appearance: iterations of one phase, name and maximum."""
    groups: dict[tuple[str | None, str, int], dict[int, Task]] = {}
    for task in tasks:
        if (place := task.iteration) and (key := _loop_key(task)):
            slots = groups.setdefault(key, {})
            held = slots.get(place.n)
            if held is None or _WEIGHT[task.status] > _WEIGHT[held.status]:
                slots[place.n] = task
    return tuple(_loop(phase, top, slots) for (phase, _, top), slots in groups.items())


def _loop_key(task: Task) -> tuple[str | None, str, int] | None:
    place = task.iteration
    return (task.phase, place.name.casefold(), place.max) if place else None


# Of two tasks for one iteration the one that matters more stands for it.
_WEIGHT = {
    Status.DELETED: 0,
    Status.SKIPPED: 1,
    Status.PENDING: 2,
    Status.COMPLETED: 3,
    Status.IN_PROGRESS: 4,
}


def _loop(phase: str | None, top: int, slots: dict[int, Task]) -> Loop:
    place = next(iter(slots.values())).iteration
    name = place.name if place else ""
    done = [n for n, t in slots.items() if t.status is Status.COMPLETED]
    running = max((n for n, t in slots.items() if t.status is Status.IN_PROGRESS), default=None)
    if running is not None:
        lines = _running_lines(running, top, len(done))
    elif done:
        lines = (_resting_line(slots, top, done),)
    else:
        lines = ()
    return Loop(phase, name, top, len(done), running, lines)


def _running_lines(n: int, top: int, done: int) -> tuple[str, ...]:
    share = n * 100 // top
    place = f"Iteration {n}/{top}"
    if share >= _NEAR_MAX_PERCENT:
        share_line = f"{place} - approaching max, may escalate to user if not PASS"
    else:
        share_line = f"{place} ({share}% through max)"
    return f"{place} in progress, {done} complete", share_line


def _resting_line(slots: dict[int, Task], top: int, done: Sequence[int]) -> str:
    """The line of a loop that has begun and of which nothing runs."""
    last = max(done)
    dropped = [n for n, t in slots.items() if t.status in (Status.SKIPPED, Status.DELETED)]
    waiting = any(t.status is Status.PENDING for t in slots.values())
    all_closed = len(done) + len(dropped) == top
    if not waiting and (all_closed or any(n > last for n in dropped)):
        results = [t.result for t in slots.values() if t.status is Status.COMPLETED and t.result]
        if last == top and results and not _is_pass(slots[last].result):
            return f"Loop reached its maximum of {top} without PASS"
        return f"Loop completed in {len(done)}/{top} iterations"
    if result := slots[last].result:
        return f"Iteration {last}/{top} complete, {result}"
    return f"Iteration {last}/{top} complete, {top - len(done) - len(dropped)} remaining"


def _is_pass(result: str | None) -> bool:
    """True for `PASS`, `Passed (0 issues)` and the like."""
    words = (result or "").lower().replace(",", " ").replace(":", " ").replace(".", " ").split()
    return any(w.startswith("pass") for w in words) and not any(w in _NO_PASS for w in words)


# --- a change ------------------------------------------------------------------------------


def change_lines(before: Snapshot, after: Snapshot, moved: Iterable[str]) -> list[str]:
    """The lines of the loops, phases and parallel groups of the tasks that were moved.

    Last, where tasks were made after the work had begun, how the list has grown; or, when all is
    done now, how long it took.
    """
    tasks = after.ordered(deleted=True)
    touched = [after.tasks[i] for i in moved if i in after.tasks]
    loops = {key for t in touched if (key := _loop_key(t))}
    labels = {t.phase_label.casefold() for t in touched if t.phase_label and not t.iteration}
    in_loops = [t for t in tasks if _loop_key(t) in loops] if loops else []
    lines = [line for loop in _loops(in_loops) for line in loop.lines]
    alive = [t for t in tasks if t.status is not DELETED]
    in_phases = [t for t in alive if (t.phase_label or "").casefold() in labels] if labels else []
    for phase in _phases(in_phases):
        lines += phase.lines
    lines += _growth(before.tasks.values(), alive)
    counted = [t for t in alive if t.status is not SKIPPED]
    finished = counted and not after.unreadable and all(t.status is COMPLETED for t in counted)
    if finished and touched:
        lines.append(_finished_words(after.info.title, _elapsed(counted)))
    return lines


def _growth(before: Iterable[Task], alive: Sequence[Task]) -> list[str]:
    """`Additional work discovered: refactoring. Total now 5 tasks.`"""
    old = {t.id: t for t in before}
    new = [t for t in alive if t.id not in old]
    if not new or not any(t.status in (IN_PROGRESS, COMPLETED) for t in old.values()):
        return []
    total = sum(t.status is not SKIPPED for t in alive)
    work = _activity(new[0]).rstrip(".") + and_more(len(new) - 1)
    return [f"Additional work discovered: {work}. Total now {_tasks(total)}."]


# --- ready -----------------------------------------------------------------------------------


def ready_for_others(graph: Graph, owner: str) -> str | None:
    """`for others: be (backend-developer)`: what is ready, and not for `owner`; None for none."""
    others = [t for t in graph.ready_for_anyone() if t.owner not in (None, owner)]
    if not others:
        return None
    return f"for others: {listed([f'{t.id} ({t.owner})' for t in others], _MOST_OTHERS)}"


def nothing_ready(graph: Graph, owner: str) -> str:
    """`nothing is ready for Ann; for others: be (backend-developer)`, or that nothing is."""
    others = ready_for_others(graph, owner)
    return f"nothing is ready for {owner}; {others}" if others else "nothing is ready"


# --- time ----------------------------------------------------------------------------------


def _running_for(task: Task, now: int | None) -> int | None:
    """Seconds since the start, when both ends are known."""
    if now is None or task.started is None:
        return None
    try:
        return max(0, now - parse_time(task.started))
    except ValueError:
        return None


def _elapsed(done: Sequence[Task]) -> int | None:
    finished = [t.finished for t in done if t.finished]
    started = [t.started or t.finished for t in done]
    times = [t for t in started if t]
    # Stored times sort as they read.
    return seconds_between(min(times), max(finished)) if times and finished else None
