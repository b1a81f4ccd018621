"""`--json`: one document a command, with exactly the keys that docs/json.md promises."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import Any

import pytest
from support import schemas
from support.repositories import Repo, plan

_DOC = os.path.join(os.path.dirname(__file__), "..", "..", "docs", "json.md")
_FOREIGN = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "foreign"))
_ROW = re.compile(r"\| `(\w+)` \| (.*) \|$")
_PART = re.compile(r"\[\w+\]\(#(\w+)-part\)")


def _schema() -> dict[str, dict[str, str | None]]:
    """Keys of each kind and part in docs/json.md, with the part that the value is made of."""
    found: dict[str, dict[str, str | None]] = {}
    keys: dict[str, str | None] = {}
    with open(_DOC, encoding="utf-8") as file:
        for line in file:
            if line.startswith("### "):
                keys = found.setdefault(line[4:].strip().removesuffix(" part").strip(), {})
                if line.rstrip().endswith(" part"):
                    found[line[4:].strip().lower().replace(" ", "-")] = keys
            elif line.startswith("## "):
                keys = {}
            elif row := _ROW.match(line.rstrip()):
                part = _PART.search(row[2])
                keys[row[1]] = f"{part[1]}-part" if part else None
    return found


SCHEMA = _schema()
_ERROR_EXTRAS = frozenset(
    {"rule", "tasks", "candidates", "cycle", "openBlockers", "owner", "session", "since"}
    | {"lists", "line", "operation", "status", "task", "field", "where", "problems"}
)


def check(document: Any, name: str, *, extra: frozenset[str] = frozenset()) -> None:
    """Assert that a document, and all that it is made of, has the keys of the schema."""
    wanted = SCHEMA[name]
    assert isinstance(document, dict), f"{name}: {document!r}"
    assert document.keys() - extra == wanted.keys() - extra, name
    for key, part in wanted.items():
        if part is None or key not in document or document[key] is None:
            continue
        values = document[key] if isinstance(document[key], list) else [document[key]]
        inner = frozenset({"extra", "rawPhase"}) if name == "export" else frozenset[str]()
        for value in values:
            check(value, part, extra=inner)


def check_document(document: Any, kind: str, *, history: bool = False) -> None:
    """Assert that a whole document is of this kind."""
    assert document["schemaVersion"] == 1
    assert document["kind"] == kind
    content = {k: v for k, v in document.items() if k not in ("schemaVersion", "kind")}
    assert history == ("history" in content)
    check(content, kind, extra=frozenset() if history else frozenset({"history", "at"}))
    schemas.check(document)


def _build(repo: Repo) -> None:
    plan(repo, "a", "b")
    repo.ok("create", "PHASE 1: One", "--id", "p1", "--metadata", "k=v", "--blocks", "a")
    repo.ok("create", "PHASE 2: Loop", "--id", "it", "--iterations", "2")
    repo.ok("start", "p1", "--owner", "bob")
    repo.ok("note", "p1", "Hello")
    repo.ok("start", "it-1")


@pytest.fixture
def rich(copy_of: Callable[[str, Callable[[Repo], None]], Repo]) -> Repo:
    """A list that has something under every key."""
    return copy_of("rich", _build)


KINDS = [
    (("init", "plan"), "init"),
    (("init", "new"), "init"),
    (("use", "plan"), "use"),
    (("lists",), "lists"),
    (("list",), "taskList"),
    (("list", "--status", "pending", "--owner", "nobody"), "taskList"),
    (("list", "--since", "1970-01-02"), "taskList"),
    (("list", "--at", "now"), "taskList"),
    (("status",), "progress"),
    (("status", "--at", "now"), "progress"),
    (("status", "--all"), "lists"),
    (("log", "--since", "1d"), "log"),
    (("ready",), "ready"),
    (("log",), "log"),
    (("log", "p1", "-n", "1"), "log"),
    (("export",), "export"),
    (("graph",), "graph"),
    (("lint", "--rule", "cycle"), "lint"),
    (("graph", "p1", "--open"), "graph"),
    (("export", "--output", "../list.csv"), "exported"),
    (("import", os.path.join(_FOREIGN, "beads.jsonl")), "import"),
    (("create", "New"), "task"),
    (("create", "Loop", "--iterations", "2"), "task"),
    (("update", "b", "--subject", "B"), "task"),
    (("note", "b", "text"), "task"),
    (("delete", "b"), "task"),
    (("restore", "b"), "task"),
    (("start", "b", "--owner", "eve"), "task"),
    (("done", "b"), "task"),
    (("done", "it-1", "--end-loop", "--next"), "task"),
    (("skip", "b"), "task"),
    (("reopen", "b"), "task"),
    (("release", "p1"), "task"),
    (("undo",), "undo"),
    (("prime",), "prime"),
    (("claude", "install", "--dry-run"), "claudeSettings"),
    (("claude", "install", "--print"), "claudePrint"),
    (("claude", "uninstall"), "claudeSettings"),
    (("claude", "export"), "claudeExport"),
]


@pytest.mark.parametrize(("args", "kind"), KINDS, ids=[" ".join(a) for a, _ in KINDS])
def test_keys_are_those_of_the_document(rich: Repo, args: tuple[str, ...], kind: str) -> None:
    """Every command answers with its kind and exactly the keys of docs/json.md."""
    done = rich.ok(*args, "--json")
    assert done.out.isascii()
    assert done.out.count("\n") == 1
    assert rich.path not in done.out
    check_document(done.json(), kind)


def test_claude_code(rich: Repo) -> None:
    """What was exported can be imported; nothing is set up, which is an honest no."""
    rich.ok("claude", "export")
    check_document(rich.ok("claude", "import", "--json").json(), "claudeImport")
    status = rich.run("claude", "status", "--json")
    assert status.code == 1
    check_document(status.json(), "claudeStatus")


def test_show_adds_the_history(rich: Repo) -> None:
    """`show` is the one answer of kind task with `history`."""
    check_document(rich.ok("show", "p1", "--json").json(), "task", history=True)


def test_apply_and_batch(rich: Repo) -> None:
    """Plans and batches have kinds of their own."""
    made = rich.ok("apply", "-", "--json", stdin="- [ ] `x` Task x\n").json()
    check_document(made, "apply")
    assert (made["created"], made["updated"], made["changed"]) == (["x"], [], True)
    made = rich.ok("batch", "--json", stdin='{"op": "start", "id": "x", "owner": "z"}\n').json()
    check_document(made, "batch")
    (result,) = made["results"]
    assert result == {"line": 1, "op": "start", "id": "x", "status": "in_progress", "changed": True}


def test_problems_are_part_of_the_answer(rich: Repo) -> None:
    """An unreadable file is listed with the tasks that can be read, and the exit code is 4."""
    rich.hand_edit({"tasks/bad.yaml": "subject: [\n"})
    for args, kind in ((("list",), "taskList"), (("status",), "progress")):
        done = rich.run(*args, "--json")
        assert done.code == 4
        check_document(done.json(), kind)
        assert [p["path"] for p in done.json()["problems"]] == ["tasks/bad.yaml"]
    assert len(rich.run("list", "--json").json()["tasks"]) == 5


ERRORS = [
    (("nope",), "usage", 2),
    (("start",), "usage", 2),
    (("create", ""), "usage", 2),
    (("start", "zzz"), "not-found", 3),
    (("start", "it"), "ambiguous", 3),
    (("start", "a"), "refused", 5),
    (("list", "--list", "none"), "no-list", 8),
    (("-C", "/", "list"), "no-repository", 8),
]


@pytest.mark.parametrize(("args", "kind", "code"), ERRORS, ids=[" ".join(e[0]) for e in ERRORS])
@pytest.mark.parametrize("before", [False, True], ids=["after", "before"])
def test_errors_are_one_document_on_stderr(
    rich: Repo, args: tuple[str, ...], kind: str, code: int, before: bool
) -> None:
    """With --json, before or after the command, an error is one object on stderr."""
    done = rich.run("--json", *args) if before else rich.run(*args, "--json")
    assert (done.code, done.out) == (code, "")
    assert done.err.count("\n") == 1
    document = done.json()
    assert (document["schemaVersion"], document["kind"]) == (1, "error")
    check(document["error"], "error-part", extra=_ERROR_EXTRAS)
    assert document["error"]["kind"] == kind
    assert document["error"]["exitCode"] == code
    assert document["error"]["message"]


def test_refusal_names_rule_and_tasks(rich: Repo) -> None:
    """A refusal says in keys which rule and which tasks are in the way."""
    error = rich.run("start", "a", "--json").json()["error"]
    assert error["rule"] == "blocked"
    assert error["openBlockers"] == error["tasks"] == ["p1"]
    error = rich.run("start", "b", "--json").json()["error"]
    assert (error["rule"], error["tasks"], error["owner"]) == ("one-in-progress", ["it-1"], "Ada")
    error = rich.run("update", "p1", "--add-blocked-by", "a", "--json").json()["error"]
    assert error["cycle"] == ["p1", "a", "p1"]
    error = rich.run("start", "it", "--json").json()["error"]
    assert error["candidates"] == ["it-1", "it-2"]


def test_nothing_changed_says_so(rich: Repo) -> None:
    """A transition that was made before succeeds, with changed false and no commit."""
    answer = rich.ok("start", "it-1", "--json").json()
    assert (answer["changed"], answer["commit"], answer["unblocked"]) == (False, None, [])
    answer = rich.ok("done", "p1", "--json").json()
    assert (answer["changed"], answer["commit"]) == (True, rich.head())
    assert answer["unblocked"] == ["a"]
    assert answer["task"]["status"] == "completed"
