"""The dependency graph as a tree of text, as Mermaid and as DOT."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from support.graphs import at, chain, listed, task, webs

from gittasks.core.graph import picture
from gittasks.core.model import ListInfo, Snapshot, Status
from gittasks.core.times import parse_time
from gittasks.render.graph_text import ASCII_LINES, BOXES, PLAIN, dot, lines_for, mermaid, tree
from gittasks.render.text import ASCII, UNICODE

INFO = ListInfo(id="plan")
NOW = parse_time(at(30))


def drawn(snapshot: Snapshot, task_id: str | None = None, *, only_open: bool = False) -> list[str]:
    """The lines of the tree."""
    shown = picture(snapshot, NOW, only_open=only_open, task_id=task_id)
    return tree(shown, UNICODE, BOXES).split("\n")


REVIEW = listed(
    task("context", took=(0, 2)),
    task("claude", "context", status=Status.IN_PROGRESS, owner="ann", started=at(29)),
    task("grok", "context"),
    task("merge", "claude", "grok"),
    task("end", "merge"),
    task("alone"),
)


class TestTree:
    def test_every_task_stands_once_below_the_last_of_its_blockers(self) -> None:
        assert drawn(REVIEW) == [
            "* [✓] context  context (2 min)",
            "  ├─ [→] claude  claude (in_progress, ann)",
            "* └─ [ ] grok  grok",
            "*    ↓ [ ] merge  merge (also after claude)",
            "*    ↓ [ ] end  end",
            "  [ ] alone  alone",
            "",
            "* critical path: 3 tasks left",
        ]

    def test_only_open_tasks_and_the_surroundings_of_one(self) -> None:
        """The star keeps to the critical path of the whole list."""
        assert drawn(REVIEW, only_open=True)[0].startswith("  [→] claude")
        assert [line[2:] for line in drawn(REVIEW, "claude")[:4]] == [
            "[✓] context  context (2 min)",
            "↓ [→] claude  claude (in_progress, ann)",
            "↓ [ ] merge  merge",
            "↓ [ ] end  end",
        ]
        assert drawn(REVIEW, "alone") == ["[ ] alone  alone"]

    def test_a_critical_path_of_one_task_is_not_worth_a_mark(self) -> None:
        assert drawn(listed(task("a"), task("b"))) == ["[ ] a  a", "[ ] b  b"]
        assert drawn(listed()) == ["no tasks"]

    def test_the_end_of_the_critical_path(self) -> None:
        done = listed(task("a", took=(0, 1)), task("b", "a", took=(1, 2)))
        assert drawn(done)[-1] == "* critical path: 2 tasks, all closed"

    def test_cycles_and_blockers_that_are_not_there_are_told(self) -> None:
        lines = drawn(listed(task("a", "c"), task("b", "a"), task("c", "b"), task("d", "gone")))
        assert lines[0] == "* [ ] b  b (waits in a circle for a)"
        assert "  [ ] d  d (after gone: not in this list, or unreadable)" in lines
        assert lines[-1] == "cycle: b → a → c → b"

    def test_a_long_cycle_is_cut(self) -> None:
        ring = listed(*(task(f"t{n}", f"t{(n - 1) % 5000}") for n in range(5000)))
        assert drawn(ring)[-1].endswith(" → ... (5000 tasks)")
        assert len(drawn(ring)[-1]) < 120

    def test_lines_without_a_terminal_draw_no_boxes(self) -> None:
        assert lines_for(UNICODE, terminal=True) is BOXES
        assert lines_for(UNICODE, terminal=False) is PLAIN
        assert lines_for(ASCII, terminal=True) is ASCII_LINES
        assert tree(picture(REVIEW, NOW), ASCII, ASCII_LINES).isascii()

    def test_hostile_subjects_are_escaped(self) -> None:
        evil = task("a")._replace(subject="x\x1b[31m\u202e")
        assert drawn(listed(evil)) == ["[ ] a  x\\x1b[31m\\u202e"]

    def test_long_chains_stay_on_the_left_and_branches_in_bounds(self) -> None:
        """5,000 tasks in a chain; and a chain of which every task has a branch, either first."""
        lines = drawn(chain(5000))
        assert len(lines) == 5002
        assert max(map(len, lines)) < 80
        for branch_first in (True, False):
            tasks = [task("t0")]
            for n in range(1, 2000):
                pair = [task(f"t{n}", f"t{n - 1}"), task(f"b{n}", f"t{n - 1}")]
                tasks += reversed(pair) if branch_first else pair
            lines = drawn(listed(*tasks))
            assert len(lines) == 4001
            assert max(map(len, lines)) < 120

    @given(webs())
    def test_law_all_tasks_are_drawn_once_in_an_order_that_works(self, snapshot: Snapshot) -> None:
        shown = picture(snapshot, NOW)
        text = tree(shown, ASCII, ASCII_LINES)
        ids = re.findall(r"^(?:[* ] )?[ |`v-]*\[.\] (\S+)", text, re.MULTILINE)
        assert sorted(ids) == sorted(t.id for t in snapshot.ordered())
        assert all(ids.index(b) < ids.index(t) for t, bs in shown.net.waits.items() for b in bs)


HOSTILE = (
    'x"] --> y["z',
    "`**bold**`",
    "a\nb",
    "%%{init: {}}%%",
    "#quot; &lt; <script>alert(1)</script>",
    "end",
    "\\N \\l \\",
    "\u202ereversed",
    "Grüße 漢字 😀",
    "style t0 fill:#f00",
    'click t0 href "javascript:alert(1)"',
)


class TestMermaid:
    def test_statuses_arrows_and_the_critical_path(self) -> None:
        assert mermaid(picture(REVIEW, NOW), UNICODE).split("\n") == [
            "flowchart TD",
            '  t0["✓ context<br/>context"]:::completed',
            '  t1["→ claude<br/>claude"]:::in_progress',
            '  t2["grok<br/>grok"]:::pending',
            '  t3["merge<br/>merge"]:::pending',
            '  t4["end<br/>end"]:::pending',
            '  t5["alone<br/>alone"]:::pending',
            "  t0 --> t1",
            "  t0 ==> t2",
            "  t1 --> t3",
            "  t2 ==> t3",
            "  t3 ==> t4",
            "  classDef completed fill:#dafbe1,stroke:#2da44e,color:#24292f",
            "  classDef in_progress fill:#fff8c5,stroke:#bf8700,color:#24292f",
            "  classDef pending fill:#f6f8fa,stroke:#8c959f,color:#24292f",
            "  classDef critical stroke-width:3px",
            "  class t0,t2,t3,t4 critical",
        ]

    def test_cycles_and_problems(self) -> None:
        lines = mermaid(picture(listed(task("a", "a")), NOW), ASCII, ["x: {bad}\n"]).split("\n")
        assert "  t0 -.->|cycle| t0" in lines
        assert lines[1] == "  %% x: bad\\n"

    @pytest.mark.parametrize("subject", HOSTILE)
    def test_no_subject_gets_out_of_its_label(self, subject: str) -> None:
        """A label is letters, digits, some harmless signs, and codes that Mermaid decodes."""
        shown = picture(listed(task("a")._replace(subject=subject)), NOW)
        box = mermaid(shown, UNICODE).split("\n")[1]
        label = re.fullmatch(r'  t0\["(.*)<br/>a"\]:::pending', box)
        assert label
        assert re.fullmatch(r"(?:[\w .,:()/+\-…→✓]|#\d+;)*", label[1])
        assert not re.search(r"(?:style|classDef).*:\S*#.*;", label[1])  # Mermaid cuts into these


class TestDot:
    def test_statuses_arrows_and_the_critical_path(self) -> None:
        lines = dot(INFO, picture(REVIEW, NOW), UNICODE).split("\n")
        assert lines[0] == 'digraph "plan" {'
        assert '  "context" -> "claude"' in lines
        assert '  "context" -> "grok" [penwidth="3"]' in lines
        assert any(line.startswith('  "context" [label="✓ context\\ncontext", ') for line in lines)
        assert lines[-1] == "}"

    @pytest.mark.parametrize("subject", HOSTILE)
    def test_no_subject_gets_out_of_its_label(self, subject: str) -> None:
        """Within the quotes every quote and backslash is escaped, and no entity is left."""
        shown = picture(listed(task("a")._replace(subject=subject)), NOW)
        row = next(x for x in dot(INFO, shown, UNICODE).split("\n") if x.startswith('  "a" ['))
        label = re.match(r'  "a" \[label="((?:[^"\\]|\\.)*)", fillcolor=', row)
        assert label
        assert not re.search(r"\\[^n\"\\]", label[1].replace("\\\\", ""))
        assert not re.search(r"&(?!amp;)", label[1])
