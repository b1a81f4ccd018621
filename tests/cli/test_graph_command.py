"""`graph` from the command line, and its DOT read by the real Graphviz."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest
from support.repositories import Repo, plan


@pytest.fixture
def drawn(repo: Repo) -> Repo:
    """a before b and c, both before d; e alone."""
    plan(repo, "a", "b", "c", "d", "e")
    for task, blocker in (("b", "a"), ("c", "a"), ("d", "b"), ("d", "c")):
        repo.ok("update", task, "--add-blocked-by", blocker)
    return repo


def test_text(drawn: Repo) -> None:
    """Off a terminal the tree needs no box drawing."""
    assert drawn.ok("graph").out.split("\n") == [
        "* [ ] a  Task a",
        "* |- [ ] b  Task b",
        "  `- [ ] c  Task c",
        "*    ↓ [ ] d  Task d (also after b)",
        "  [ ] e  Task e",
        "",
        "* critical path: 3 tasks left",
        "",
    ]
    assert drawn.ok("graph", "e").out == "[ ] e  Task e\n"


def test_surroundings_and_open_tasks(drawn: Repo) -> None:
    """ID shows what is before and after it; --open leaves out what is closed; -q gives ids."""
    assert drawn.ok("graph", "b", "-q").out.split() == ["a", "b", "d"]
    drawn.ok("skip", "a")
    assert drawn.ok("graph", "--open", "-q").out.split() == ["b", "c", "d", "e"]
    assert drawn.run("graph", "nope").code == 3


def test_json(drawn: Repo) -> None:
    """Nodes come before those that wait for them, with their layer; edges go the way of work."""
    made = drawn.ok("graph", "--json").json()
    assert [(n["id"], n["layer"], n["critical"]) for n in made["nodes"]] == [
        ("a", 0, True),
        ("b", 1, True),
        ("c", 1, False),
        ("d", 2, True),
        ("e", 0, False),
    ]
    assert {"from": "a", "to": "b", "critical": True, "cycle": False} in made["edges"]
    assert made["criticalPath"] == {
        "tasks": ["a", "b", "d"],
        "left": ["a", "b", "d"],
        "seconds": None,
    }


def test_a_cycle_that_a_merge_left_and_a_file_that_cannot_be_read(drawn: Repo) -> None:
    """Both are told, everything else is still drawn, and the exit code says that it is not all."""
    drawn.hand_edit(
        {
            "tasks/a.yaml": "subject: Task a\nblockedBy:\n- d\n",
            "tasks/e.yaml": "subject: Task e\nblockedBy:\n- bad\n",
            "tasks/bad.yaml": "subject: [\n",
        }
    )
    done = drawn.run("graph")
    assert done.code == 4
    assert "[ ] e  Task e (after bad: not in this list, or unreadable)" in done.out
    assert "unreadable: tasks/bad.yaml" in done.out
    assert sum(line.startswith("cycle: ") for line in done.out.split("\n")) == 2
    made = drawn.run("graph", "--json").json()
    assert sorted(map(set, made["cycles"]), key=sorted) == [{"a", "b", "d"}, {"a", "c", "d"}]
    assert [n["missing"] for n in made["nodes"] if n["id"] == "e"] == [["bad"]]
    assert "%% tasks/bad.yaml" in drawn.run("graph", "--format", "mermaid").out


def test_mermaid_says_when_it_will_not_draw_all(repo: Repo) -> None:
    """Mermaid stops at 500 arrows unless configured; the hint goes to standard error."""
    plan(repo)
    wide = [{"op": "create", "id": f"a{n}", "subject": "A"} for n in range(502)]
    wide[1:] = [{**op, "blockedBy": ["a0"]} for op in wide[1:]]  # type: ignore[dict-item]
    repo.ok("batch", stdin="\n".join(map(json.dumps, wide)))
    done = repo.ok("graph", "--format", "mermaid")
    assert "maxEdges" in done.err
    assert repo.ok("graph", "--format", "mermaid", "-q").err == ""


@pytest.mark.skipif(shutil.which("dot") is None, reason="needs Graphviz: apt install graphviz")
def test_graphviz_reads_it_and_shows_subjects_as_they_are(drawn: Repo) -> None:
    """The real Graphviz takes it without a warning, and no escape is taken for one of its own."""
    odd = 'Say "hi" \\N \\l &lt; <b> {x|y} ] -> Grüße'
    drawn.ok("update", "a", "--subject", odd)
    source = drawn.ok("graph", "--format", "dot").out
    done = subprocess.run(["dot", "-Tjson"], input=source.encode(), capture_output=True, check=True)
    assert done.stderr == b""
    read = json.loads(done.stdout)
    assert {o["name"] for o in read["objects"]} == set("abcde")
    assert len(read["edges"]) == 4
    (label,) = [o for o in read["objects"] if o["name"] == "a"]
    shown = [d["text"] for d in label["_ldraw_"] if d["op"] == "T"]
    assert shown == [odd, "a"]
