"""The budget for the files of a whole list: what is over it is set aside, and read by the next."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from support.repositories import Repo

from gittasks.codec import yaml_nodes
from gittasks.core.model import READ_ON, SET_ASIDE, Snapshot
from gittasks.core.operations import AddNote
from gittasks.errors import InvalidData
from gittasks.store import list_tree
from gittasks.store.list_version import pieces_path

_COUNT = 6


def _by_hand(name: str) -> str:
    """A file that only the YAML parser reads: a map in braces."""
    return f"subject: {name}\nmetadata: {{a: 1, b: [x, {{}}]}}\n"


def _names(count: int = _COUNT) -> list[str]:
    return [f"h{number}" for number in range(count)]


@pytest.fixture
def by_hand(empty: Repo) -> Repo:
    """A list of task files that cost as much as they can."""
    empty.hand_edit({f"tasks/{name}.yaml": _by_hand(name) for name in _names()})
    return empty


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that the YAML parser was given."""
    files: list[str] = []
    parse = yaml_nodes.parse_any

    def counted(data: bytes, where: str, *limits: yaml_nodes.Limits) -> object:
        files.append(where)
        return parse(data, where, *limits)

    monkeypatch.setattr(yaml_nodes, "parse_any", counted)
    return files


def _allow(monkeypatch: pytest.MonkeyPatch, files: int) -> None:
    """Let so many of the files be read at once, and each be kept when it was read."""
    size = len(_by_hand("h0"))
    monkeypatch.setattr(list_tree, "BUDGET", files * (list_tree.SLOW + 1) * size + size)
    monkeypatch.setattr(list_tree, "KEEP_AFTER", size)


def _read(repo: Repo) -> Snapshot:
    return repo.workspace("plan").snapshot()


def _refusals(command: Callable[[], object]) -> int:
    """How often a command has to be run again, as its hint says."""
    for count in range(9):
        try:
            command()
        except InvalidData as error:
            refusal = error
        else:
            return count
        assert SET_ASIDE in refusal.message
        assert refusal.hint == READ_ON
    pytest.fail("it never came to its end")


def test_what_is_over_the_budget_is_read_by_the_next_commands(
    by_hand: Repo, monkeypatch: pytest.MonkeyPatch, parsed: list[str]
) -> None:
    """Each goes on from where the last one stopped, and no file is parsed twice."""
    whole = _read(by_hand)
    by_hand.remove("gittasks", "cache")
    parsed.clear()
    _allow(monkeypatch, 2)
    for turn in (1, 2):
        part = _read(by_hand)
        assert set(part.tasks) == set(_names(2 * turn))
        assert [p.message for p in part.problems] == [SET_ASIDE] * (_COUNT - 2 * turn)
        assert all(part.tasks[name] == whole.tasks[name] for name in part.tasks)
    assert _read(by_hand) == whole
    assert parsed == [f"tasks/{name}.yaml" for name in _names()]
    assert not Path(pieces_path(by_hand.git_dir, "plan")).exists()


def test_a_killed_reader_does_not_begin_at_zero(
    by_hand: Repo, monkeypatch: pytest.MonkeyPatch, parsed: list[str]
) -> None:
    """What it had read is there, but for the file that it was at, and a torn line is none."""
    _allow(monkeypatch, _COUNT)
    decode = yaml_nodes.parse_any

    def killed(data: bytes, where: str) -> object:
        if where == "tasks/h3.yaml":
            raise KeyboardInterrupt
        return decode(data, where)

    with monkeypatch.context() as patch:
        patch.setattr(yaml_nodes, "parse_any", killed)
        with pytest.raises(KeyboardInterrupt):
            _read(by_hand)
    pieces = Path(pieces_path(by_hand.git_dir, "plan"))
    pieces.write_bytes(pieces.read_bytes()[:-5])
    parsed.clear()
    assert set(_read(by_hand).tasks) == set(_names())
    assert parsed == [f"tasks/{name}.yaml" for name in _names()[2:]]


def test_faults_are_kept_as_well(
    empty: Repo, monkeypatch: pytest.MonkeyPatch, parsed: list[str]
) -> None:
    """Files that cannot be read cost the same: they do not keep the others from being read."""
    fault = "subject: {}\n" + "# no text here\n" * 2
    names = _names()
    empty.hand_edit({f"tasks/{name}.yaml": fault for name in names[:-1]})
    empty.hand_edit({f"tasks/{names[-1]}.yaml": _by_hand(names[-1])})
    _allow(monkeypatch, 2)
    for _ in range(_COUNT):
        last = _read(empty)
    assert list(last.tasks) == [names[-1]]
    assert {p.message for p in last.problems} == {"subject must be text, not a map"}
    assert {p.line for p in last.problems} == {1}
    assert parsed == [f"tasks/{name}.yaml" for name in names]


def test_a_list_of_many_small_files_by_hand_needs_no_parser(empty: Repo, parsed: list[str]) -> None:
    """What people usually write is read line by line, whatever the number of files."""
    text = "# by hand\nsubject:   Task\nstatus: pending\ntags: [a, b]\nnotes:\n- text: 'seen'\n"
    empty.hand_edit({f"tasks/{name}.yaml": text for name in _names(50)})
    assert len(_read(empty).tasks) == 50
    assert parsed == []


def test_a_task_that_was_set_aside_is_neither_missing_nor_written_over(
    by_hand: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A write to it says to run it again, and that is true; others are written."""
    _allow(monkeypatch, 3)
    by_hand.workspace("plan").edit([AddNote("h0", "seen")])
    assert _refusals(lambda: by_hand.workspace("plan").edit([AddNote("h5", "seen")])) in (1, 2)
    notes = {i: len(task.notes) for i, task in _read(by_hand).tasks.items()}
    assert notes == {name: int(name in ("h0", "h5")) for name in _names()}


def test_a_merge_reads_all_or_says_that_it_goes_on(
    by_hand: Repo, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A merge of a part would be another one: none is made before all files were read."""
    other = by_hand.clone(str(tmp_path / "other"))
    other.ok("list", "-l", "plan")
    for repo, word in ((by_hand, "ours"), (other, "theirs")):
        texts = {f"tasks/{n}.yaml": _by_hand(n) + f"result: {word} {n}\n" for n in _names()}
        if repo is other:
            other.git("branch", "gittasks/plan", "origin/gittasks/plan")
        repo.hand_edit(texts)
    other.git("fetch", "-q")
    with monkeypatch.context() as patch:
        patch.setattr(list_tree, "BUDGET", 1 << 30)
        whole = _read(other)
    other.remove("gittasks", "cache")
    _allow(monkeypatch, 8)
    assert _refusals(lambda: _read(other)) in (1, 2, 3)
    assert _read(other) == whole
