"""What people and attackers put into files: read kindly, or refused with a place."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gittasks.codec.canonical import MAX_BYTES
from gittasks.codec.task_file import decode_list, decode_task
from gittasks.codec.yaml_nodes import parse
from gittasks.core.model import CodeCommit, Note, Status, Task
from gittasks.errors import FormatTooNew, InvalidData

PATH = "tasks/x.yaml"


def fault_of(data: bytes) -> InvalidData:
    """The error that a task file gives."""
    with pytest.raises(InvalidData) as caught:
        decode_task(data, "x", PATH)
    return caught.value


HOSTILE: dict[str, tuple[bytes, str]] = {
    "open lists": (b"[" * 100_000, "nested more than 8 deep"),
    "open maps": (b"{a: " * 60_000, "nested more than 8 deep"),
    "block lists": (b"- " * 100_000, "nested more than 8 deep"),
    "complex keys": (b"? " * 100_000, "nested more than 8 deep"),
    "alias bomb": (b"a: &a [x,x]\nb: &b [*a,*a]\nc: [*b,*b]\n", "anchors"),
    "alias": (b"subject: *a\n", "aliases"),
    "merge keys": (b"subject: s\n" + b"<<: {a: 1}\n" * 40, "merge keys"),
    "nested merge key": (b"metadata:\n  <<: {a: 1}\n", "merge keys"),
    "python tag": (b"subject: !!python/object/apply:os.system [id]\n", "tags"),
    "lone tag": (b"subject: ! x\n", "tags"),
    "tag on a map": (b"!t\nsubject: x\n", "tags"),
    "long number": (b"subject: s\norder: " + b"9" * 5000, "order"),
    "long claim": (b"subject: s\nclaim: " + b"9" * 5000, "claim"),
    "no such day": (b"subject: s\ncreated: 2020-13-45\n", "created"),
    "not UTF-8": (b"subject: a\xff\n", "not UTF-8"),
    "UTF-16": ("subject: a\n".encode("utf-16"), "not UTF-8"),
    "NUL": (b"subject: a\x00b\n", "control character U+0000"),
    "escape character": (b"subject: a\x1b[31m\n", "control character U+001B"),
    "NEL": ("subject: a\x85b\n".encode(), "control character U+0085"),
    "line separator": ("subject: a\u2028b\n".encode(), "control character U+2028"),
    "duplicate keys": (b"subject: a\nsubject: b\n", "is duplicated"),
    "nested duplicates": (b"subject: a\nmetadata: {k: 1, 'k': 2}\n", "is duplicated"),
    "two documents": (b"subject: a\n---\nsubject: b\n", "second document"),
    "many documents": (b"---\n" * 60_000, "second document"),
    "directive": (b"%YAML 1.1\n---\nsubject: a\n", "directives"),
    "late directive": (b"# c\n\n%TAG ! !x\n---\nsubject: a\n", "directives"),
    "conflict": (
        b"subject: a\n<<<<<<< HEAD\nb: 1\n=======\n>>>>>>> x\n",
        "merge was left unresolved",
    ),
    "conflict, one side": (b"subject: a\n=======\n", "merge was left unresolved"),
    "300 KiB": (b"subject: a\n#" + b"x" * 300 * 1024, "larger than 256 KiB"),
    "256 KiB of keys": (b"".join(b"k%d: 1\n" % n for n in range(99_999))[:MAX_BYTES], "more than"),
    "256 KiB of items": (b"- a\n" * (MAX_BYTES // 4), "more than"),
    "list as key": (b"[a]: b\n", "a key must be text"),
    "map as key": (b"? {a: b}\n: c\n", "a key must be text"),
    "long key": (b"subject: s\n" + b"k" * 300 + b": 1\n", "longer than 100 characters"),
    "very long key": (b"k" * 200_000 + b": 1\n", "not valid YAML"),
    "tab": (b"subject: a\n\tb: c\n", "not valid YAML"),
    "open quote": (b'subject: "' + b"\\\n" * 1000, "never closed"),
    "bad escape": (b'subject: "\\U00110000"\n', "not valid YAML"),
    "colons": (b": " * 100_000, "nested more than 8 deep"),
    "only a scalar": (b"hello\n", '"key: value" lines'),
    "only a list": (b"- a\n", '"key: value" lines'),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_refused_with_a_place(name: str) -> None:
    """Each trick gives InvalidData, which names the file, a line and the reason."""
    data, reason = HOSTILE[name]
    error = fault_of(data)
    assert reason in error.message
    assert error.where is not None
    assert error.where.startswith(f"{PATH}:")
    assert 1 <= int(error.where.rpartition(":")[2]) <= data.count(b"\n") + 1
    assert error.details["problems"][0]["message"] == error.message


@given(
    st.one_of(
        st.binary(max_size=80),
        st.text(st.sampled_from("ab:-?|>'\"[]{}#&*!%@\\ux0\n\t <=~é,. "), max_size=80).map(
            str.encode
        ),
        st.lists(
            st.sampled_from(
                [
                    "subject: s\n",
                    "notes:\n",
                    "  - text: a\n",
                    "- ",
                    "blockedBy: [a",
                    "]\n",
                    "|\n",
                    "  x\n",
                    "metadata:\n",
                    "  k: {",
                    "}\n",
                    "order: 1\n",
                    "? ",
                    ": ",
                    '"',
                    "'",
                    "id: x\n",
                ]
            ),
            max_size=12,
        ).map(lambda parts: "".join(parts).encode()),
    )
)
@example(b'"\\ud800": 1\nsubject: "\\udc00"\n')
def test_law_reading_raises_only_invalid_data(data: bytes) -> None:
    """Whatever the bytes: a task, or InvalidData."""
    try:
        task = decode_task(data, "x", PATH)
    except InvalidData:
        return
    assert task.subject.strip()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("status: dne", 'unknown status "dne"'),
        ("status: [a]", "status must be text, not a list"),
        ("created: yesterday", 'created: "yesterday" is not a time'),
        ("created: 2026-11-22", 'created: "2026-11-22" is not a time'),
        ("started: 2026-02-30T00:00:00Z", "is not a time"),
        ("started: 2026-02-10T00:00:00", "is not a time"),
        ("finished: 9999-12-31T23:59:59-01:00", "is not a time"),
        ("blockedBy: {a: b}", "blockedBy must be a list, not a map"),
        ("blockedBy: [A]", 'blockedBy: "A" is not a task id'),
        ("blockedBy: [[a]]", "an item of blockedBy must be text"),
        ("blockedBy: a, b", "is not a task id"),
        ("blockedBy: [con]", "device"),
        ("notes: [{by: me}]", "a note needs a text"),
        ("notes: [{text: a, when: b}]", 'a note has no key "when"'),
        ("notes: hello", "notes must be a list"),
        ("commits: [xyz]", "a commit needs a sha"),
        ("commits: [{subject: a}]", "a commit needs a sha"),
        ("order: first", 'order: "first" is not a number'),
        ("order: 1e3", "is not a number"),
        ("order: 1234567890", "is not a number"),
        ("claim: -1", "claim"),
        ("claim: 1.5", "is not a whole number"),
        ('owner: "a\\nb"', "owner must be one line"),
        ("metadata: [a]", "metadata must be a map"),
        ("id: y", "id says y but the file is x.yaml"),
    ],
)
def test_faults_name_the_line_and_the_key(line: str, message: str) -> None:
    """A wrong value is told with its line; nothing is guessed."""
    error = fault_of(f"# mine\nsubject: s\n{line}\n".encode())
    assert message in error.message
    assert error.where == f"{PATH}:3"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "subject is missing"),
        ("owner: a\n", "subject is missing"),
        ("subject:\n", "subject is empty"),
        ("subject: null\n", "subject is empty"),
        ("subject: '  '\n", "subject is empty"),
        ("subject: |\n  a\n  b\n", "subject must be one line"),
        (f"subject: {'x' * 501}\n", "subject is longer than 500 characters (501)"),
        ("subject: PHASE 1: Ask\n", 'text that contains ": " needs quotes'),
    ],
)
def test_every_task_has_a_subject(text: str, message: str) -> None:
    """The subject is one line of 1 to 500 characters."""
    assert message in fault_of(text.encode()).message


def test_all_faults_of_a_file_are_told_together() -> None:
    """The message is the first fault; the details list all, in the order of lines."""
    error = fault_of(
        b"subject: s\nstatus: dne\norder: x\nnotes:\n  - by: me\n  - text: ok\nclaim: z\n"
    )
    assert error.where == f"{PATH}:2"
    assert [problem["line"] for problem in error.details["problems"]] == [2, 3, 5, 7]
    assert all(problem["path"] == PATH for problem in error.details["problems"])
    assert error.hint is not None
    assert "4 faults" in error.hint


BY_HAND = b"""\xef\xbb\xbf# what a person writes
id: x
status: 'in_progress'
subject: >
  Write the
  codec
owner: ~
session: null
phase: 3
order: 07.50
blockedBy: [p1-a, 'p2-b', p1-a]
started: 2026-11-22t11:00:00.999+01:00
finished: 2026-11-22 23:59:60z
description: |
  one

  two

notes:
- looks good
- text: "fine"   # thanks
  by: ana
commits: [ABCDEF1]
metadata: {n: 1, s: '1', t: 2026-11-22, e: , l: [true, True]}
extra key:
"""


def test_files_written_by_hand_are_read_kindly() -> None:
    """Any layout, quotes and order of keys; times are put in UTC; short forms are accepted."""
    for data in (BY_HAND, BY_HAND.replace(b"\n", b"\r\n")):
        assert decode_task(data, "x", PATH) == Task(
            id="x",
            subject="Write the codec",
            status=Status.IN_PROGRESS,
            phase="3",
            order=7.5,
            blocked_by=("p1-a", "p2-b"),
            started="2026-11-22T10:00:00Z",
            finished="2026-11-22T23:59:59Z",
            description="one\n\ntwo",
            notes=(Note("", "", "looks good"), Note("", "ana", "fine")),
            commits=(CodeCommit("abcdef1"),),
            metadata={"n": 1, "s": "1", "t": "2026-11-22", "e": None, "l": [True, "True"]},
            extra={"extra key": None},
        )


def test_a_single_blocker_needs_no_list() -> None:
    """`blockedBy: p1-a` is what people write for one blocker."""
    assert decode_task(b"subject: s\nblockedBy: p1-a\n", "x", PATH).blocked_by == ("p1-a",)


def test_surrogate_pairs_of_json_are_one_character() -> None:
    """JSON writes an emoji as two escapes; half of one is no text, and refused."""
    task = decode_task(b'{"subject": "\\ud83c\\udf89"}\n', "x", PATH)
    assert task.subject == "\N{PARTY POPPER}"
    with pytest.raises(InvalidData, match="half a character"):
        decode_task(b'{"subject": "\\ud83c"}\n', "x", PATH)


def test_an_empty_document_is_an_empty_map() -> None:
    """Nothing, blanks and comments alone hold no keys."""
    for data in (b"", b"\n", b"# c\n", b"---\n", b"~\n", b"\xef\xbb\xbf"):
        root = parse(data, PATH)
        assert (root.kind, root.pairs) == ("mapping", ())


def test_nodes_know_their_place() -> None:
    """Lines count from 1; offsets cut the written value out of the text."""
    text = "# c\na: 'x'  # e\nb:\n  - one\n  - {k: v}\nc:\nd: |\n  t\n"
    root = parse(text.encode(), PATH)
    cut = {key.text: (value.line, text[value.start : value.end]) for key, value in root.pairs}
    assert cut == {
        "a": (2, "'x'"),
        "b": (4, "- one\n  - {k: v}"),
        "c": (6, ""),
        "d": (7, "|\n  t\n"),
    }
    assert [(key.line, value.style) for key, value in root.pairs] == [
        (2, "'"), (3, "block"), (6, ""), (7, "|"),
    ]  # fmt: skip


def test_eight_levels_are_allowed_and_nine_are_not() -> None:
    """The document itself is the first level."""
    assert parse(b"a: [[[[[[[1]]]]]]]\n", PATH)
    with pytest.raises(InvalidData, match="nested"):
        parse(b"a: [[[[[[[[1]]]]]]]]\n", PATH)


LIST = "list.yaml"


def test_list_file_by_hand() -> None:
    """A list file needs nothing: what is absent is the default, unknown keys are kept."""
    info = decode_list(b"# ours\ntitle: 'Release 2'\nsettings: {a: 1}\nx: y\n", "main", LIST)
    assert (info.id, info.title, info.format, info.rules) == ("main", "Release 2", 1, 1)
    assert (info.settings, info.extra) == ({"a": 1}, {"x": "y"})


@pytest.mark.parametrize(
    "text",
    ["format: 2\nrules: 1\nid: main\n", "rules: 7 # later\n", "format: 2\nid: [odd]\ntitle: {}\n"],
)
def test_newer_lists_are_not_guessed_at(text: str) -> None:
    """A later format or later merge rules stop us, with the way to go on."""
    with pytest.raises(FormatTooNew) as caught:
        decode_list(text.encode(), "main", LIST)
    assert "update gittasks" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("format: 1\nrules: 1\nid: other\n", "id says other but the list is main"),
        ("format: 0\n", "format"),
        ("format: 0\nrules: 1\nid: main\n", "format"),
        ("rules: one\n", "rules"),
        ("title: [a]\n", "title must be text"),
        ("settings: a\n", "settings must be a map"),
        ("- a\n", '"key: value" lines'),
    ],
)
def test_list_faults(text: str, message: str) -> None:
    """What is wrong in list.yaml is told with its line."""
    with pytest.raises(InvalidData, match=message) as caught:
        decode_list(text.encode(), "main", LIST)
    assert (caught.value.where or "").startswith("list.yaml:")
