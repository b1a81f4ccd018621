"""Lists for the tests of reports: one with everything in it, one of a hostile writer."""

from __future__ import annotations

import json
from collections.abc import Mapping

from support.repositories import Repo

BEGIN = 1893456000
"""2030-01-01T00:00:00Z."""
HOSTILE = (
    '</title></style></script><script>document.title="owned"</script>'
    '<img src=x onerror=alert(1)> " onmouseover="alert(1) \u202eevil\u202c '
    "| a | `b` *c* [d](https://example.com) @ada #1 :smile: $x$ &amp; ![p](http://x/y.png)"
)
OWNER = "</td><script>alert(1)</script> | @ada `#1` [x](http://x)"


def minute(number: int) -> Mapping[str, str]:
    """The environment of a command at a minute of 2030."""
    return {"GIT_AUTHOR_DATE": f"{BEGIN + 60 * number} +0000"}


def busy(repo: Repo) -> None:
    """A list with phases, owners, a loop, a pause of a day, a reopened and a skipped task."""
    repo.ok("init", "plan", "--title", "Sign-in", env=minute(0))
    tasks: list[dict[str, object]] = [
        {"id": "ask", "subject": "PHASE 1: Ask user", "activeForm": "Asking user"},
        {"id": "core", "subject": "PHASE 2: Implement core", "blockedBy": ["ask"]},
        {"id": "test", "subject": "PHASE 2: Write tests", "blockedBy": ["ask"]},
        {"id": "docs", "subject": "PHASE 2: Write docs", "blockedBy": ["ask"]},
        {"id": "ship", "subject": "PHASE 3: Ship it", "blockedBy": ["core", "test", "docs"]},
    ]
    lines = (json.dumps({"op": "create", **task}) for task in tasks)
    repo.ok("batch", stdin="\n".join(lines), env=minute(1))
    steps: list[tuple[int, tuple[str, ...]]] = [
        (2, ("start", "ask", "--owner", "ada")),
        (9, ("done", "ask", "--result", "5 requirements", "--owner", "ada")),
        (10, ("start", "core", "--owner", "bob")),
        (20, ("release", "core", "--owner", "bob")),
        (1500, ("start", "core", "--owner", "bob")),
        (1501, ("start", "test", "--owner", "eve")),
        (1510, ("note", "core", "First line\nsecond line", "--owner", "bob")),
        (1520, ("done", "test", "--owner", "eve")),
        (1521, ("reopen", "test", "--owner", "ada")),
        (1522, ("skip", "docs", "--result", "not needed", "--owner", "ada")),
    ]
    for at, args in steps:
        repo.ok(*args, env=minute(at))


def hostile(repo: Repo) -> None:
    """A list in which every text is an attempt to be more than text."""
    repo.ok("init", "plan", "--title", HOSTILE)
    fields = {"activeForm": HOSTILE, "description": f"{HOSTILE}\n{HOSTILE}", "owner": OWNER}
    lines: list[dict[str, object]] = [
        {"op": "create", "id": "a", "subject": HOSTILE, "phase": HOSTILE, **fields},
        {"op": "create", "id": "b", "subject": f"Iteration 1/2: {HOSTILE}", "blockedBy": ["a"]},
        {"op": "update", "id": "b", "metadata": {HOSTILE[:90]: HOSTILE}},
        {"op": "note", "id": "a", "text": HOSTILE},
    ]
    repo.ok("batch", stdin="\n".join(map(json.dumps, lines)))
    repo.ok("start", "a", "--owner", OWNER)
    repo.ok("done", "a", "--result", HOSTILE, "--owner", OWNER)
    steering = json.dumps("\x1b[31mred\x07").replace("\\u00", "\\x")
    repo.hand_edit(
        {"tasks/broken.yaml": f"subject: [{HOSTILE}\n", "tasks/c.yaml": f"subject: {steering}\n"}
    )


def long(repo: Repo) -> None:
    """A chain of 60 tasks, each done in its turn, one of them running."""
    repo.ok("init", "plan", env=minute(0))
    lines: list[dict[str, object]] = [
        {"op": "create", "id": f"t{n}", "subject": f"Part {n}", "blockedBy": [f"t{n - 1}"][: n > 0]}
        for n in range(60)
    ]
    repo.ok("batch", stdin="\n".join(map(json.dumps, lines)), env=minute(1))
    for first in range(0, 50, 10):
        for op, at in (("start", 2), ("done", 7)):
            steps = (json.dumps({"op": op, "id": f"t{first + n}"}) for n in range(10))
            text = "\n".join(steps)
            repo.ok("batch", "--parallel", "--force", stdin=text, env=minute(first + at))
