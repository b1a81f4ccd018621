"""Files that people edited keep what they wrote, to the byte."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st
from support.task_strategies import tasks

from gittasks.codec import patch
from gittasks.codec.canonical import encode_task, task_fields
from gittasks.codec.patch import rewrite_task
from gittasks.codec.task_file import decode_task
from gittasks.core.model import CodeCommit, Note, Status, Task
from gittasks.errors import InvalidData

HAND = """\
# The parser. Ask Ana before you touch it.
subject:   'PHASE 3: Write'   # short

status: pending # todo
owner: ana

# why it waits
blockedBy:   # two of them
- p1-a   # the plan
# the tests
- p2-b
colour: green  # ours
description: |  # free text
    Line one.

      code

# remarks
notes:
    -   text: first   # mine
        by: ana
    # from the call
    -   by: bob
        text: >
          second
          remark

metadata:
    # for the bill
    cost: 1.50   # dollars
    model: "opus"
created: 2026-11-22T10:00:00Z
# the end
"""


def changed(text: str, **changes: Any) -> str:
    """The file `text` after a change of its task."""
    old = decode_task(text.encode(), "x", "x.yaml")
    new = old._replace(**changes)
    data = rewrite_task(text.encode(), old, new)
    assert decode_task(data, "x", "x.yaml") == new
    return data.decode()


def edited(text: str, *edits: tuple[str, str]) -> str:
    """`text` with each piece replaced by another, which must be there once."""
    for before, after in edits:
        assert text.count(before) == 1, before
        text = text.replace(before, after)
    return text


FIRST, SECOND = Note("", "ana", "first"), Note("", "bob", "second remark")
NEW = Note("2026-11-22T11:00:00Z", "eve", "one\ntwo")
NEW_LINES = """\
    - at: 2026-11-22T11:00:00Z
      by: eve
      text: |
        one
        two
"""

TABLE: dict[str, tuple[dict[str, Any], list[tuple[str, str]]]] = {
    "a scalar keeps its remark": (
        {"status": Status.COMPLETED},
        [("status: pending #", "status: completed #")],
    ),
    "a scalar keeps its column": (
        {"subject": "Write: it"},
        [("'PHASE 3: Write'   #", '"Write: it"   #')],
    ),
    "new keys stand in canonical order": (
        {
            "status": Status.IN_PROGRESS,
            "session": "s-1",
            "claim": 1,
            "started": "2026-11-22T11:00:00Z",
        },
        [
            ("status: pending", "status: in_progress"),
            ("owner: ana\n", "owner: ana\nsession: s-1\nclaim: 1\nstarted: 2026-11-22T11:00:00Z\n"),
        ],
    ),
    "a key goes with its own line": ({"owner": None}, [("owner: ana\n", "")]),
    "a key goes and another comes": (
        {"owner": None, "session": "s"},
        [("owner: ana\n", ""), ("# todo\n", "# todo\nsession: s\n")],
    ),
    "the last key of the order": (
        {"created_by": "eve"},
        [("created: 2026-11-22T10:00:00Z\n", "created: 2026-11-22T10:00:00Z\ncreatedBy: eve\n")],
    ),
    "a key behind a block": (
        {"phase": "3"},
        [("      code\n", '      code\nphase: "3"\n')],
    ),
    "an item more": (
        {"blocked_by": ("p1-a", "p2-b", "no")},
        [("- p2-b\n", '- p2-b\n- "no"\n')],
    ),
    "an item less": ({"blocked_by": ("p2-b",)}, [("- p1-a   # the plan\n", "")]),
    "the comment above a dropped item stays": ({"blocked_by": ("p1-a",)}, [("- p2-b\n", "")]),
    "items in another order": (
        {"blocked_by": ("p2-b", "p1-a")},
        [
            (
                "- p1-a   # the plan\n# the tests\n- p2-b\n",
                "# the tests\n- p2-b\n- p1-a   # the plan\n",
            )
        ],
    ),
    "all items replaced": (
        {"blocked_by": ("z",)},
        [("- p1-a   # the plan\n# the tests\n- p2-b\n", "# the tests\n- z\n")],
    ),
    "no items left": (
        {"blocked_by": ()},
        [("blockedBy:   # two of them\n- p1-a   # the plan\n# the tests\n- p2-b\n", "")],
    ),
    "a note more": (
        {"notes": (FIRST, SECOND, NEW)},
        [
            (
                "          remark\n",
                f"          remark\n{NEW_LINES}",
            )
        ],
    ),
    "a note between": (
        {"notes": (FIRST, Note("", "", "x"), SECOND)},
        [("        by: ana\n", "        by: ana\n    - text: x\n")],
    ),
    "a note less": (
        {"notes": (SECOND,)},
        [("    -   text: first   # mine\n        by: ana\n", "")],
    ),
    "a block for a block": (
        {"description": "New.\nText."},
        [("    Line one.\n\n      code\n", "  New.\n  Text.\n")],
    ),
    "a line for a block": (
        {"description": "New."},
        [
            (
                "description: |  # free text\n    Line one.\n\n      code\n",
                "description: New.  # free text\n",
            )
        ],
    ),
    "a new map entry": (
        {"metadata": {"cost": "1.50", "model": "opus", "a": {"b": [1]}}},
        [('    model: "opus"\n', '    model: "opus"\n    a:\n      b:\n        - 1\n')],
    ),
    "a changed map entry": (
        {"metadata": {"cost": 2.5, "model": "opus"}},
        [("cost: 1.50   #", "cost: 2.5   #")],
    ),
    "a map entry becomes a list": (
        {"metadata": {"cost": [1], "model": "opus"}},
        [("    cost: 1.50   # dollars\n", "    cost:   # dollars\n      - 1\n")],
    ),
    "a map entry less": (
        {"metadata": {"model": "opus"}},
        [("    cost: 1.50   # dollars\n", "")],
    ),
    "no map left": (
        {"metadata": {}},
        [('metadata:\n    # for the bill\n    cost: 1.50   # dollars\n    model: "opus"\n', "")],
    ),
    "an unknown key": ({"extra": {"colour": "red"}}, [("green  #", "red  #")]),
    "an unknown key more": (
        {"extra": {"colour": "green", "size": 1}},
        [("created: 2026-11-22T10:00:00Z\n", "created: 2026-11-22T10:00:00Z\nsize: 1\n")],
    ),
    "nothing": ({}, []),
}


@pytest.mark.parametrize("name", TABLE)
def test_a_change_touches_only_its_own_lines(name: str) -> None:
    """Comments, layout, order and unknown keys stay to the byte."""
    changes, edits = TABLE[name]
    assert changed(HAND, **changes) == edited(HAND, *edits)


SMALL: dict[str, tuple[str, dict[str, Any], str]] = {
    "flow list": (
        "subject: s\nblockedBy: [a, b]  # both\nowner: me\n",
        {"blocked_by": ("a",)},
        "subject: s\nblockedBy:  # both\n  - a\nowner: me\n",
    ),
    "flow map": (
        "subject: s\nmetadata: {a: 1}\n# end\n",
        {"metadata": {"a": 2}},
        "subject: s\nmetadata:\n  a: 2\n# end\n",
    ),
    "omitted value": (
        "subject: s\nowner:  # who?\n",
        {"owner": "me"},
        "subject: s\nowner: me  # who?\n",
    ),
    "null value": (
        "subject: s\nowner: ~ # who?\n",
        {"owner": "me"},
        "subject: s\nowner: me # who?\n",
    ),
    "empty list": (
        "subject: s # x\nnotes: []\nowner: me\n",
        {"notes": (Note("", "", "a"),)},
        "subject: s # x\nnotes:\n  - text: a\nowner: me\n",
    ),
    "single blocker": (
        "subject: s\nblockedBy: a # one\n",
        {"blocked_by": ("a", "b")},
        "subject: s\nblockedBy: # one\n  - a\n  - b\n",
    ),
    "no newline at the end": (
        "# c\nsubject: s",
        {"status": Status.COMPLETED},
        "# c\nsubject: s\nstatus: completed\n",
    ),
    "several lines of a plain text": (
        "description: one\n  two  # c\nsubject: s\n",
        {"description": "three"},
        "description: three  # c\nsubject: s\n",
    ),
    "a line becomes a block": (
        "subject: s\ndescription: one # c\nowner: me\n",
        {"description": "a\nb"},
        "subject: s\ndescription: | # c\n  a\n  b\nowner: me\n",
    ),
    "first key comes": (
        "# c\nowner: me\nsubject: s\n",
        {"subject": "t", "active_form": "Ting"},
        "# c\nowner: me\nsubject: t\nactiveForm: Ting\n",
    ),
    "short commits": (
        "subject: s\ncommits:\n  - abcdef1 # fix\n",
        {"commits": (CodeCommit("abcdef1"), CodeCommit("1234567", "b"))},
        'subject: s\ncommits:\n  - abcdef1 # fix\n  - sha: "1234567"\n    subject: b\n',
    ),
    "document marks": (
        "---\n# c\nsubject: s\n...\n",
        {"owner": "me"},
        "---\n# c\nsubject: s\nowner: me\n...\n",
    ),
    "quoted key": (
        "subject: s # c\n'owner': a\n",
        {"owner": "b"},
        "subject: s # c\n'owner': b\n",
    ),
    "text like a key": (
        "subject: s # c\nresult: 'result: x'\n",
        {"result": "result: y"},
        'subject: s # c\nresult: "result: y"\n',
    ),
    "quoted map key": (
        "subject: s # c\nmetadata:\n  'a: b': 1 # d\n",
        {"metadata": {"a: b": 2}},
        "subject: s # c\nmetadata:\n  'a: b': 2 # d\n",
    ),
    "inner id": ("id: x # c\nsubject: s\n", {"owner": "me"}, "id: x # c\nsubject: s\nowner: me\n"),
    "remarks inside a list that goes": (
        "description: |\n  a\nsubject: s # c\n\nblockedBy:\n  - a\n  # more?\n# end\n",
        {"blocked_by": ()},
        "description: |\n  a\nsubject: s # c\n\n# end\n",
    ),
    "a list goes below a block": (
        "subject: s # c\ndescription: |\n  a\nblockedBy:\n  - a\n  # more?\n# end\n",
        {"blocked_by": ()},
        "subject: s # c\ndescription: |\n  a\n# end\n",
    ),
    "carriage returns": (
        "# c\r\nsubject: s\r\n",
        {"owner": "me"},
        "subject: s\nstatus: pending\nowner: me\n",
    ),
    "one line of JSON": (
        '{"subject": "s"}\n',
        {"owner": "me"},
        "subject: s\nstatus: pending\nowner: me\n",
    ),
}


@pytest.mark.parametrize("name", SMALL)
def test_layouts_that_people_use(name: str) -> None:
    """Before, change, expected bytes; what cannot be patched is written anew."""
    before, changes, after = SMALL[name]
    assert changed(before, **changes) == after


def test_our_own_files_stay_canonical() -> None:
    """A file that nobody edited is written as a new file would be."""
    old = Task(id="x", subject="s", owner="me")
    new = old._replace(owner=None, result="PASS")
    assert rewrite_task(encode_task(old), old, new) == encode_task(new)


@pytest.mark.parametrize("patched", [b"subject: other # c\n", b"subject: [\n", b"", None], ids=str)
def test_a_patch_that_does_not_read_back_as_the_task_is_not_believed(
    monkeypatch: pytest.MonkeyPatch, patched: bytes | None
) -> None:
    """The file is written anew then: the task as it is to be comes before its layout."""
    old, new = Task(id="x", subject="s"), Task(id="x", subject="t")
    by_hand = b"subject: s # c\n"
    assert rewrite_task(by_hand, old, new) == b"subject: t # c\n"
    monkeypatch.setattr(patch, "_patched", lambda *_: patched)
    assert rewrite_task(by_hand, old, new) == encode_task(new)


def test_true_and_one_are_different_values() -> None:
    """Python takes them for equal; a file must not."""
    text = "subject: s # c\nmetadata:\n  a: 1\n"
    assert changed(text, metadata={"a": True}) == text.replace("a: 1", "a: true")


def _dressed(data: bytes, draw: st.DataObject) -> bytes:
    """A canonical file with remarks and blank lines put wherever they mean nothing."""
    out = []
    in_block = False
    for line in data.decode().splitlines():
        in_block = in_block and (not line or line.startswith("  "))
        if not in_block and draw.draw(st.booleans()):
            out.append(draw.draw(st.sampled_from(["# remark", "", "    # far"])))
        in_block = in_block or line.endswith("|")
        end = (
            line if in_block or not line else line + draw.draw(st.sampled_from(["", "  # r", " "]))
        )
        out.append(end)
    return "".join(f"{line}\n" for line in out).encode()


@given(tasks, tasks, st.data())
def test_law_a_patched_file_reads_as_the_new_task(
    old: Task, other: Task, data: st.DataObject
) -> None:
    """Whatever the file looked like, the result is the new task, with its types."""
    dressed = _dressed(encode_task(old), data)
    try:
        assert decode_task(dressed, "x", "x") == old
    except (InvalidData, AssertionError):
        event("remarks changed the meaning")
        dressed = b"# remark\n" + encode_task(old)
    names = data.draw(st.lists(st.sampled_from(sorted(set(old._fields) - {"id"})), max_size=4))
    new = old._replace(**{name: getattr(other, name) for name in names})
    result = rewrite_task(dressed, old, new)
    assert task_fields(decode_task(result, "x", "x")) == task_fields(new)
    kept = result != encode_task(new)
    event(f"patched: {kept}")
    if dressed.startswith(b"# remark") and len(old.metadata) < 2 and not old.extra:
        assert result.startswith(b"# remark") or not kept
