"""The canonical form: every task survives it, and the two readers agree on it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import event, example, given
from hypothesis import strategies as st
from support.task_strategies import NASTY, lines, metadata, names, shallow, tasks

from gittasks.codec.canonical import (
    MAX_BYTES,
    encode_list,
    encode_task,
    plain_value,
    read_canonical,
    read_canonical_list,
    scalar,
    task_fields,
    to_order,
)
from gittasks.codec.task_file import check_task, decode_task, task_of
from gittasks.codec.yaml_nodes import parse
from gittasks.core.model import CodeCommit, ListInfo, Note, Status, Task
from gittasks.core.times import is_time
from gittasks.errors import InvalidData

GOLDEN = Path(__file__).parent / "golden"
FRESH = Task(
    id="p1-ask-x2k4",
    subject="PHASE 1: Ask user",
    active_form="Asking user",
    order=1,
    created="2026-11-22T10:00:00Z",
    created_by="claude",
)
FULL = Task(
    id="p3-core-9f2k",
    subject="PHASE 3: Implement core logic",
    active_form="Implementing core",
    description="Write the parser.\n\n- no tags\n- no anchors\n\n    indented: code  # kept",
    status=Status.COMPLETED,
    owner="claude-agent",
    session="s-1",
    claim=2,
    started="2026-11-22T10:00:00Z",
    finished="2026-11-22T10:30:00Z",
    result="5 issues fixed",
    phase="3",
    order=3.5,
    blocked_by=("p1-ask-x2k4", "1e3"),
    commits=(CodeCommit("abcdef1", "codec: read files"), CodeCommit("1234567")),
    notes=(
        Note("2026-11-22T10:10:00Z", "ana", "Looks fine."),
        Note("2026-11-22T10:20:00Z", "no", "Two things:\n\n- names\n- docs"),
    ),
    metadata={
        "model": "opus",
        "tokens": 1200,
        "cost": 0.25,
        "ok": True,
        "code": "0123",
        "files": ["a.py", ["b: c", []], {"path": "x", "lines": {"from": 1, "to": None}}],
    },
    created="2026-11-22T09:00:00Z",
    created_by="claude",
    extra={"reviewer": "bob", "on": "yes"},
)


def through_yaml(data: bytes, task_id: str = "x") -> Task:
    """What the general reader makes of a file, whatever the fast one would say."""
    return task_of(parse(data, "x.yaml"), task_id, "x.yaml")


@given(tasks)
def test_law_round_trip_fast(task: Task) -> None:
    """The fast reader gives back every valid task from its file."""
    back = read_canonical(encode_task(task), task.id)
    assert back == task
    assert back is not None
    assert task_fields(back) == task_fields(task)


@given(tasks)
def test_law_round_trip_through_yaml(task: Task) -> None:
    """A YAML parser gives back every valid task from its file, types of values included."""
    back = through_yaml(encode_task(task))
    assert back == task
    assert task_fields(back) == task_fields(task)


@given(tasks)
def test_law_equal_tasks_equal_bytes(task: Task) -> None:
    """The order of keys in a map has no influence on the bytes."""
    turned = task._replace(metadata=dict(reversed(list(task.metadata.items()))))
    assert encode_task(turned) == encode_task(task)


@given(tasks, st.data())
def test_law_mutated_files_never_mislead_the_fast_reader(task: Task, data: st.DataObject) -> None:
    """After any small damage the fast reader gives up, or agrees with the general one."""
    old = encode_task(task)
    cut = data.draw(st.integers(0, 3))
    put = data.draw(
        st.sampled_from((b"", b" ", b"\n", b"#", b'"', b"- ", b"|", b"\\", b"1", b"a", b"\xff"))
    )
    left = 3  # to be parsed, which is slow
    for at in range(data.draw(st.integers(0, 4)), len(old), 5):
        new = old[:at] + put + old[at + cut :]
        fast = read_canonical(new, task.id) if new != old and left else None
        if fast is not None:
            left -= 1
            assert fast == through_yaml(new)
            assert encode_task(fast) == new
    event(f"damage makes another canonical file: {left < 3}")


@given(st.binary(max_size=60) | st.text('a:-| \n"\\u0{}[]#1', max_size=40).map(str.encode))
def test_the_fast_reader_never_raises(data: bytes) -> None:
    """Whatever the bytes, the answer is a task or None."""
    assert read_canonical(data, "x") is None or through_yaml(data)
    assert read_canonical_list(data) is None or parse(data, "x")


@given(lines)
@example("a\u00a0")
def test_scalar_is_read_back_by_yaml(text: str) -> None:
    """Any text is one line that every reader takes for the same text."""
    node = parse(f"k: {scalar(text)}\n".encode(), "x").get("k")
    assert node is not None
    assert node.text == text
    assert "\n" not in scalar(text)


def _typed_readers() -> list[Any]:
    """ruamel's readers that give types to plain words, by YAML 1.2 and by YAML 1.1."""
    from ruamel.yaml import YAML

    old = YAML(typ="safe", pure=True)
    old.version = (1, 1)
    return [YAML(typ="safe", pure=True), old]


@pytest.mark.parametrize("text", NASTY)
def test_other_readers_see_text(text: str) -> None:
    """Readers that type plain words, of YAML 1.1 and 1.2, take our texts for these texts."""
    for reader in _typed_readers():
        assert reader.load(f"k: {scalar(text)}\n") == {"k": text}
        assert reader.load(f"k:\n  - {scalar(text)}\n") == {"k": [text]}


@given(lines)
def test_law_no_plain_word_is_typed_elsewhere(text: str) -> None:
    """No text that we leave plain is anything but text to a typing reader."""
    for reader in _typed_readers():
        assert reader.load(f"k: {scalar(text)}\n") == {"k": text}


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("Asking user", "Asking user"),
        ("PHASE 1: Ask", '"PHASE 1: Ask"'),
        ("5 issues fixed", "5 issues fixed"),
        ("12:30:00", '"12:30:00"'),
        ("é ok", "é ok"),
        ("🎉", "🎉"),
        ('say "a"', 'say "a"'),
        ('"a"', '"\\"a\\""'),
        ("a\nb\tc", '"a\\nb\\tc"'),
        ("\u202eabc\u200b", '"\\u202eabc\\u200b"'),
        ("\U000e0041", '"\\U000e0041"'),
        ("a\x85", '"a\\u0085"'),
        ("half \ud800", '"half \ufffd"'),
        ("", '""'),
    ],
)
def test_scalar_form(text: str, written: str) -> None:
    """Plain where safe, else double quotes with few escapes; hidden characters always escaped."""
    assert scalar(text) == written


@given(metadata)
def test_law_json_values_survive(value: dict[str, Any]) -> None:
    """Metadata comes back with the same values and the same types."""
    task = FRESH._replace(metadata=value)
    back = read_canonical(encode_task(task), task.id)
    assert back is not None
    assert repr(_sorted(dict(back.metadata))) == repr(_sorted(value))


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True), ("null", None), ("7", 7), ("-7", -7), ("0.5", 0.5), ("1e+22", 1e22),
        ("True", "True"), ("~", "~"), ("007", "007"), ("1.50", "1.50"), ("1e3", "1e3"),
        ("-0", "-0"), ("1e999", "1e999"), ("1" * 101, "1" * 101), ("0x1F", "0x1F"), ("nan", "nan"),
    ],
)  # fmt: skip
def test_plain_values(text: str, value: object) -> None:
    """Only the canonical form of a JSON literal is more than text."""
    assert plain_value(text) == value
    assert type(plain_value(text)) is type(value)


def test_fresh_task_is_six_lines() -> None:
    """What is at its default is not written, apart from the status."""
    assert encode_task(FRESH).count(b"\n") == 6


@pytest.mark.parametrize(("name", "task"), [("fresh", FRESH), ("full", FULL)])
def test_golden_files_are_written_and_read(name: str, task: Task) -> None:
    """The bytes of released formats never change: these files are read and written for ever."""
    data = (GOLDEN / f"{name}.yaml").read_bytes()
    assert encode_task(task) == data
    assert decode_task(data, task.id, "x") == task
    assert through_yaml(data, task.id) == task


@pytest.mark.parametrize(
    ("text", "block"),
    [
        ("short", False), ("x" * 81, True), ("a\nb", True), ("a\n\nb", True), ("a\n  b", True),
        ("a\tb\nc", True), (" a\nb", False), ("\na", False), ("a\n \nb", False), ("a\n\tb", False),
        ("a\rb\nc", False), ("a\u200b\nb", False), ("a\n---\nb", True), ("a  \nb", True),
    ],
)  # fmt: skip
def test_long_texts_are_blocks(text: str, block: bool) -> None:
    """Text of several lines or above 80 characters is a block unless a block would change it."""
    data = encode_task(FRESH._replace(description=text, notes=(Note("", "", text),)))
    assert (b"\ndescription: |\n" in data) is block
    assert (b"\n  - text: |\n" in data) is block
    assert through_yaml(data).description == text


def test_newlines_at_the_end_of_long_texts_mean_nothing() -> None:
    """An editor's last newline is no change of the description."""
    assert encode_task(FRESH._replace(description="a\n\n")) == encode_task(
        FRESH._replace(description="a")
    )


@pytest.mark.parametrize(
    "change",
    [
        {"description": "x" * 300_000},
        {"metadata": {"k" * 101: 1}},
        {"metadata": {"a": [[[[[[["deep"]]]]]]]}},
        {"metadata": {"a": 10**500}},
    ],
)
def test_what_could_not_be_read_is_not_written(change: dict[str, Any]) -> None:
    """A file beyond the limits is refused when it is written, not when it is read."""
    with pytest.raises(InvalidData):
        encode_task(FRESH._replace(**change))


@pytest.mark.parametrize(
    "change",
    [
        {"subject": " "}, {"subject": "a\nb"}, {"subject": "x" * 501}, {"owner": "a\nb"},
        {"created": "yesterday"}, {"order": 1e12}, {"order": float("nan")}, {"claim": -1},
        {"blocked_by": ("A",)}, {"blocked_by": ("a", "a")}, {"notes": (Note("", "", ""),)},
        {"commits": (CodeCommit("xyz"),)}, {"metadata": {"a": float("nan")}}, {"extra": {"id": 1}},
    ],
)  # fmt: skip
def test_check_task_refuses_what_does_not_read_back(change: dict[str, Any]) -> None:
    """Edges can ask whether a task would come back the same."""
    assert check_task(FRESH) == encode_task(FRESH)
    with pytest.raises(InvalidData):
        check_task(FRESH._replace(**change))


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("2026-11-22T10:00:00Z", True), ("2024-02-29T00:00:00Z", True),
        ("2023-02-29T00:00:00Z", False), ("1900-02-29T00:00:00Z", False),
        ("2026-04-31T00:00:00Z", False), ("0000-01-01T00:00:00Z", False),
        ("2026-13-01T00:00:00Z", False), ("2026-01-00T00:00:00Z", False),
        ("2026-01-01T24:00:00Z", False), ("2026-01-01T00:60:00Z", False),
        ("2026-01-01T00:00:60Z", False), ("2026-01-01", False), ("٢026-01-01T00:00:00Z", False),
    ],
)  # fmt: skip
def test_times_are_days_that_exist(text: str, good: bool) -> None:
    """Our own form of a time, and no other, of a moment that is in the calendar."""
    assert is_time(text) is good


@pytest.mark.parametrize("order", [0, -1, 0.5])
def test_any_order_survives(order: float) -> None:
    """Zero is a place as well, and not none; through both readers."""
    task = FRESH._replace(order=order)
    data = encode_task(task)
    assert f"order: {order}\n".encode() in data
    assert decode_task(data, task.id, task.id) == read_canonical(data, task.id) == task


def test_order_is_a_short_number() -> None:
    """A whole number and its decimal form are the same place."""
    assert to_order("2.50") == 2.5
    assert to_order("3.0") == 3
    assert isinstance(to_order("3.0"), int)
    with pytest.raises(ValueError, match="1e3"):
        to_order("1e3")


@given(st.builds(
    lambda **fields: ListInfo(**fields),
    id=st.sampled_from(["main", "no", "1.0"]),
    title=names,
    settings=metadata,
    extra=st.dictionaries(lines.map(lambda key: "x" + key), shallow, max_size=2),
))  # fmt: skip
def test_law_list_round_trip(info: ListInfo) -> None:
    """list.yaml gives back every list."""
    assert read_canonical_list(encode_list(info)) == info


def test_reading_our_own_files_needs_no_yaml_library() -> None:
    """Start-up is the product: a canonical file is read without ruamel.yaml."""
    code = (
        "import sys; from gittasks.codec.task_file import decode_task;"
        "from gittasks.codec import patch;"
        f"decode_task({encode_task(FULL)!r}, 'x', 'x');"
        "sys.exit(any(m.startswith('ruamel') or m == 'datetime' for m in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    "data",
    [b"{" * MAX_BYTES, b"subject: a\nstatus: pending", b"a: b\n" * MAX_BYTES],
    ids=["one line without an end", "no end of the last line", "too long"],
)
def test_what_cannot_be_canonical_is_not_searched(
    data: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A search for keys takes time by the square of what has no end of a line."""

    class Never:
        def findall(self, text: str) -> list[str]:
            raise AssertionError(f"{len(text)} characters were searched")

    monkeypatch.setattr("gittasks.codec.canonical._LINES_OF_KEY", Never())
    assert read_canonical(data, "a") is None
