"""What an agent has to know to use gittasks from a shell, in under a thousand tokens.

Written as facts, not orders: some agents take orders in their context for an attack.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gittasks.core.graph import Graph
from gittasks.core.model import ListInfo, Status, Task
from gittasks.core.progress import Progress
from gittasks.render import plain
from gittasks.render.text import Marks, clean

_RUNNING, _READY, _LISTS = 3, 2, 3
"""Tasks in progress, tasks to begin and lists that are named: the manual is no list."""
_WIDTH = 72
"""Bytes of a line about one task: that bounds the tokens in any script, which characters do not."""
_HEAD = 96
"""Bytes of a line about the list."""

_INIT = "gittasks init NAME makes one"

_MANUAL = """\
## Commands
Look:   gittasks list | status | ready | show ID | log
Begin:  gittasks start ID      refused while blocked; an owner has one task in progress
Finish: gittasks done ID --result "PASS"      says what became ready; --next begins it
Close undone: skip ID --result WHY.  Give back: release ID.  Again: reopen ID.  Mistake: undo
Change: gittasks update ID --add-blocked-by ID --owner NAME --description -      (- is stdin)
Remark: gittasks note ID TEXT
Create: gittasks create "PHASE 2: Write tests" --id p2-tests --active-form "Writing tests" \
--blocked-by p1

A workflow is laid out whole before it begins, each task finished the moment it is done, found \
work added with create. A plan makes all tasks in one commit and may be applied again:
gittasks apply - <<'END'
tasks:
  - {id: p1-ask, subject: "PHASE 1: Ask user", activeForm: Asking user}
  - {id: p2-plan, subject: "PHASE 2: Plan", activeForm: Planning, blockedBy: [p1-ask]}
END
A loop: create "PHASE 3: Validate" --iterations 10 --id iter; done iter-4 --result PASS --end-loop
Many operations as one commit: JSON lines to gittasks batch.

## Several agents
GITTASKS_OWNER=NAME says who acts; a session (GITTASKS_SESSION) holds what it starts.
gittasks claim [ID] [--lease 30m]: a task for one agent alone, on all machines; --wait 10m waits.
gittasks sync: exchange the list with the git remote. Plain git pull shows what others did.

## Facts
--json on every command. An id may be cut to a unique beginning. Everything may be repeated; \
nothing prompts. The list: --list, GITTASKS_LIST, CLAUDE_CODE_TASK_LIST_ID, or gittasks use LIST.
A code commit with the trailer "Task: ID completed" finishes the task, after: gittasks hooks install
Exit codes: 0 done or already so, 1 nothing ready, 2 usage, 3 not found, 4 bad data, 5 refused by \
a rule, 6 busy, 7 remote failed (work is safe), 8 no list. The error says what to do next.
"""


def manual(state: Sequence[str]) -> str:
    """The manual below the lines that say how things stand here."""
    return "\n".join(["# gittasks: the task list of this git repository", *state, "", _MANUAL])


def no_list(reason: str, lists: Iterable[str] = ()) -> list[str]:
    """How things stand when there is no list to speak of."""
    known = list(lists)
    names = ", ".join(known[:_LISTS]) + (" ..." if len(known) > _LISTS else "")
    way = _cut(f"gittasks use NAME chooses one of: {names}", _HEAD) if names else _INIT
    return [_cut(clean(reason), _HEAD), way]


def state(
    info: ListInfo, tasks: Sequence[Task], graph: Graph, progress: Progress, marks: Marks, me: str
) -> list[str]:
    """How a list stands: its summary, what is in progress, what `me` can begin."""
    title = f" ({clean(info.title)})" if info.title else ""
    head = f'List "{clean(info.id)}"{title}'
    lines = [_cut(head, _HEAD), _cut(clean(progress.summary), _HEAD)]
    running = [t for t in tasks if t.status is Status.IN_PROGRESS]
    sections = (("In progress", running, _RUNNING), ("Ready", graph.ready(me), _READY))
    for name, found, most in sections:
        if found:
            lines.append(f"{name}:")
            lines += [_cut(f"  {plain.task_line(t, graph, marks)}", _WIDTH) for t in found[:most]]
        if len(found) > most:
            lines.append(f"  and {len(found) - most} more")
    return lines


def _cut(line: str, width: int) -> str:
    data = line.encode()
    return line if len(data) <= width else f"{data[: width - 3].decode(errors='ignore')}..."
