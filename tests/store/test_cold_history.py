"""The first look at a history: asked of git in one go, and the same as commit by commit."""

from __future__ import annotations

import os
import re
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support import gits
from support.histories import grow
from support.repositories import Repo

from gittasks.codec.canonical import encode_task
from gittasks.core.history import LogEntry
from gittasks.core.model import Note, Task, Value
from gittasks.core.operations import AddNote, Update
from gittasks.errors import GittasksError, InvalidData
from gittasks.store import commits, git, merge_files
from gittasks.store.commits import CommitInfo, Graph
from gittasks.store.list_store import ListStore
from gittasks.store.list_version import merge_subject
from gittasks.store.objects import ObjectStore
from gittasks.store.plumbing import Plumbing
from gittasks.workspace import log

MANY = 10_000
"""More than the commits of any history here: then nothing is asked of git in one go."""


def fresh(repo: Repo) -> ListStore:
    """The list of a repository of which nothing was read or remembered."""
    repo.remove("gittasks", "cache")
    return repo.workspace("plan").store


def one_by_one(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> list[LogEntry]:
    """The log as it is when each commit is read and compared by itself, and none remembered."""
    with monkeypatch.context() as patch:
        patch.setattr(merge_files, "_FEW", MANY)
        patch.setattr(commits, "_ONE_BY_ONE", MANY)
        patch.setattr(Graph, "_is_near", lambda *_: True)
        store = fresh(repo)
        entries = log.entries_of(store, [*store.walk(store.load_readable().commit)])
    return [e for e in entries if e.changes or e.subject != merge_subject("plan")]


@pytest.mark.parametrize("seed", range(3))
def test_entries_are_those_of_commit_by_commit(
    repo: Repo, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Forks, joins, strange files and names included, from whatever commit one begins."""
    repo.ok("init", "plan")
    grow(repo, 80, seed=seed, forks=True)
    expected = one_by_one(repo, monkeypatch)
    assert len(expected) > 50
    store = fresh(repo)
    assert log.log(store) == expected
    assert log.log(repo.workspace("plan").store) == expected, "as it is remembered"
    newest = log.log(fresh(repo), limit=7)
    assert newest == expected[:7]
    for task in ("t1", "t4"):
        about = [e for e in (e._replace(changes=e.changes_of(task)) for e in expected) if e.changes]
        assert log.log(repo.workspace("plan").store, task) == about
        assert log.log(repo.workspace("plan").store, task, 3) == about[:3]
        with monkeypatch.context() as patch:
            patch.setattr(log, "_LONG", 10)
            assert log.log(fresh(repo), task) == about, "as a long history is read for one task"
            patch.setattr(Plumbing, "touching", lambda *_: None)
            assert log.log(fresh(repo), task) == about, "git lacks some of it"


@pytest.mark.parametrize("form", gits.FORMATS)
def test_every_format_of_repositories_shows_its_history(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ids of 64 digits, refs in a reftable, and a clone that is shallow."""
    for name, value in gits.of_format(form).items():
        monkeypatch.setenv(name, value)
    repo = Repo.listed(str(tmp_path / "repo"), "a")
    grow(repo, 90, seed=9, forks=True)
    expected = one_by_one(repo, monkeypatch)
    assert log.log(fresh(repo)) == expected
    shallow = Repo(str(tmp_path / "shallow"))
    repo.git("clone", "-q", "--depth=30", "--no-single-branch", f"file://{repo.path}", shallow.path)
    entries = log.log(fresh(shallow))
    assert entries == one_by_one(shallow, monkeypatch)
    assert 20 < len(entries) < len(expected)


def started(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The git commands that are started from now on to answer questions, as they come."""
    words: list[str] = []
    real = git.start_answering

    def count(args: list[str], **options: object) -> object:
        words.append(next(w for w in args if w in ("rev-list", "diff-tree", "cat-file")))
        return real(args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(git, "start_answering", count)
    return words


def commits_read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The ids of the commits that are read from now on, as they come."""
    ids: list[str] = []
    real = commits.read_commit

    def count(objects: ObjectStore, commit_id: str) -> CommitInfo:
        ids.append(commit_id)
        return real(objects, commit_id)

    monkeypatch.setattr(commits, "read_commit", count)
    return ids


def test_a_first_look_asks_git_in_as_many_processes_as_another(
    repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long the history: its graph, the changes of its trees, its objects; each once."""
    repo.ok("init", "plan")
    reads, words = commits_read(monkeypatch), started(monkeypatch)
    costs = []
    for number in (150, 300):
        grow(repo, number, seed=number)
        words.clear()
        fresh(repo).load()
        look = sorted(words)
        reads.clear()
        words.clear()
        store = fresh(repo)
        log.log(store)
        assert len(reads) <= len(set(reads)) + 4, "a commit is read once"
        costs.append((look, sorted(words)))
    assert costs[0] == costs[1]
    look, whole = costs[0]
    assert look == ["cat-file", "rev-list"]
    assert whole == ["cat-file", "diff-tree", "rev-list"]


def test_the_newest_entries_of_an_unread_history_are_read_alone(
    repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`log -n 5` reads five commits, whether there are a hundred or three hundred."""
    repo.ok("init", "plan")
    reads, words = commits_read(monkeypatch), started(monkeypatch)
    for number in (100, 200):
        grow(repo, number, seed=number)
        repo.workspace("plan").store.load()
        reads.clear()
        words.clear()
        assert len(log.log(repo.workspace("plan").store, limit=5)) == 5
        assert words == ["cat-file"]
        assert len(set(reads)) <= 20


def test_of_a_long_history_the_commits_about_a_task_are_read_alone(
    repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`show` of one of twenty tasks reads a twentieth of the history, and a merge of heads too."""
    monkeypatch.setattr(log, "_LONG", 100)
    repo.ok("init", "plan")
    grow(repo, 200, seed=4, tasks=20)
    about = [e.commit for e in log.log(fresh(repo)) if e.changes_of("t2")]
    store = fresh(repo)
    head = store.load().commit
    reads, words = commits_read(monkeypatch), started(monkeypatch)
    assert [e.commit for e in log.log(store, "t2")] == about
    assert len(set(reads) - {head}) <= len(about) + 4
    assert words.count("rev-list") <= 2
    assert not os.path.exists(store.history_path), "what is read for one task is not remembered"
    old = repo.git("rev-parse", "gittasks/plan~3")
    repo.git("update-ref", "refs/remotes/origin/gittasks/plan", repo.head())
    repo.git("remote", "add", "origin", "nowhere")
    repo.git("update-ref", "refs/heads/gittasks/plan", old)
    repo.workspace("plan").edit([AddNote("t2", "Beside what was fetched")])
    entries = log.log(fresh(repo), "t2")
    assert {*about, repo.head()} == {entry.commit for entry in entries}


def test_a_history_that_git_cannot_walk_is_not_cut_short(repo: Repo) -> None:
    """Where a tree is missing, git says nothing about a path, rather than a part."""
    repo.ok("init", "plan")
    grow(repo, 20, seed=4)
    plumbing = repo.workspace("plan").store.repository.objects.plumbing
    assert plumbing.touching([repo.head()], "tasks/t1.yaml")
    assert plumbing.touching([repo.head()], "tasks/none.yaml") == frozenset()
    assert plumbing.touching(["0" * 39 + "1"], "tasks/t1.yaml") is None


def test_variables_for_the_paths_of_other_gits_hide_no_commit(repo: Repo) -> None:
    """Editors set them for what they start; the commits of a path are the same with each."""
    repo.ok("init", "plan")
    grow(repo, 5, seed=4)
    env = dict(os.environ)
    touching = Plumbing(repo.git_dir, env).touching([repo.head()], "tasks/t1.yaml")
    assert touching
    for name in ("LITERAL", "GLOB", "NOGLOB", "ICASE"):
        plumbing = Plumbing(repo.git_dir, env | {f"GIT_{name}_PATHSPECS": "1"})
        assert plumbing.touching([repo.head()], "tasks/t1.yaml") == touching, name


def test_a_git_that_fails_only_costs_time(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it left out is read commit by commit: the answer is the same."""
    repo.ok("init", "plan")
    grow(repo, 80, seed=3, forks=True)
    expected = log.log(fresh(repo))
    graph, changes = Plumbing.graph, Plumbing.tree_changes
    monkeypatch.setattr(Plumbing, "graph", lambda *a: list(graph(*a))[:40])
    monkeypatch.setattr(Plumbing, "tree_changes", lambda *a: iter(list(changes(*a))[:30]))
    assert log.log(fresh(repo)) == expected
    monkeypatch.setattr(Plumbing, "graph", lambda *_: iter(()))
    monkeypatch.setattr(Plumbing, "tree_changes", lambda *_: iter(()))
    assert log.log(fresh(repo)) == expected


def test_git_reads_objects_without_replacements_and_grafts(
    repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A history is what its commits say, whatever a repository would have git show instead."""
    repo.ok("init", "plan")
    grow(repo, 80, seed=5)
    expected = log.log(fresh(repo))
    old, head = repo.git("rev-parse", "gittasks/plan~70"), repo.head()
    other = repo.git("commit-tree", "-m", "Replaced", f"{head}^{{tree}}")
    repo.git("replace", repo.git("rev-parse", "gittasks/plan~20"), other)
    Path(repo.git_dir, "info", "grafts").write_text(f"{old}\n")
    assert log.log(fresh(repo)) == expected
    assert one_by_one(repo, monkeypatch) == expected


def test_threads_may_share_the_git_that_is_asked_for_objects(repo: Repo) -> None:
    """No answer goes to another thread's question."""
    repo.ok("init", "plan")
    grow(repo, 80, seed=8)
    ids = repo.git("rev-list", "--objects", "--no-object-names", "gittasks/plan").split()
    objects = fresh(repo).repository.objects
    cat = objects.plumbing.cat_file()

    def read(first: int) -> list[str]:
        chosen = ids[first::4]
        read = [cat.read(i, 1 << 20) if first % 2 else None for i in chosen]
        pairs = [*zip(chosen, read, strict=True)] if first % 2 else cat.read_many(chosen, 1 << 20)
        return [i for i, content in pairs if content and objects.form.id_of(*content) == i]

    with ThreadPoolExecutor(4) as pool:
        assert [*pool.map(read, range(4))] == [ids[first::4] for first in range(4)]
    cat.close()


# --- commits -------------------------------------------------------------------------------------


class OneCommit:
    """As much of a store of objects as it takes to read one commit."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def read(self, _id: str, _kind: str) -> bytes:
        """The commit."""
        return self._data

    def is_boundary(self, _id: str) -> bool:
        """No clone here is shallow."""
        return False


def outcome(data: bytes) -> CommitInfo | str:
    """A commit as it is read, or the error."""
    try:
        return commits.read_commit(OneCommit(data), "0" * 40)  # type: ignore[arg-type]
    except InvalidData as error:
        return str(error)


USUAL = (
    b"tree %(t)b\nparent %(t)b\nauthor Ada <a@b> 1767300000 -0330\n"
    b"committer Bob B <> 1767300001 +0000\n\nplan: x\n\nGittasks-Op: 1\n"
) % {b"t": b"4b825dc642cb6eb9a060e54bf8d69288fbee4904"}
PIECES = [
    b"<",
    b">",
    b"> ",
    b"\n",
    b"\n\n",
    b" ",
    b"-",
    b"+0",
    b"9" * 12,
    b"gpgsig x\n y\n",
    b"\xff",
]


@given(
    st.lists(
        st.tuples(st.integers(0, len(USUAL)), st.integers(0, 3), st.sampled_from(PIECES)),
        max_size=3,
    )
)
@example([])
@example([(5, 0, b"9" * 12)])
def test_the_usual_form_of_commits_is_read_as_dulwich_reads_it(
    changes: list[tuple[int, int, bytes]],
) -> None:
    """A quick reader takes what it knows for sure; all else is left to dulwich."""
    data = USUAL
    for at, length, piece in changes:
        data = data[:at] + piece + data[at + length :]
    quick = outcome(data)
    usual, commits._USUAL = commits._USUAL, re.compile(b"(?!)")
    try:
        assert outcome(data) == quick
    finally:
        commits._USUAL = usual


# --- the file that remembers -------------------------------------------------------------------


def remembered(repo: Repo) -> tuple[Path, list[LogEntry]]:
    """The history file of a list with a longer history, and the entries that it holds."""
    repo.ok("init", "plan")
    grow(repo, 120, seed=11)
    store = fresh(repo)
    return Path(store.history_path), log.log(store)


def test_damage_of_what_is_remembered_is_noticed_or_not_looked_at(
    repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever a byte is wrong, lines are doubled or lost: the entries are right, however few."""
    path, expected = remembered(repo)
    monkeypatch.setattr(log, "_BLOCK", 1 << 10)
    data = path.read_bytes()
    lines = data.splitlines(keepends=True)
    step = len(data) // 12
    damaged = [
        data[:at] + bytes([data[at] ^ 4]) + data[at + 1 :] for at in range(3, len(data), step)
    ]
    damaged += [data[:-1], data[:-40], b"", data + lines[-1], data + b"0" * 30]
    damaged += [b"".join([*lines[:60], lines[59], *lines[60:]]), b"".join(lines[:50] + lines[51:])]
    for content in damaged:
        for task, limit in ((None, 5), ("t1", None), (None, None)):
            path.write_bytes(content)
            entries = log.log(repo.workspace("plan").store, task, limit)
            about = [e._replace(changes=e.changes_of(task)) if task else e for e in expected]
            assert entries == [e for e in about if e.changes or not task][:limit]
        assert path.read_bytes().startswith(data), "made anew"


def test_the_newest_entries_are_read_without_the_others(
    repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a file of any length its end is read, some blocks that hold what is asked for."""
    path, expected = remembered(repo)
    monkeypatch.setattr(log, "_BLOCK", 1 << 11)
    size = path.stat().st_size
    hole = size // 2
    with open(path, "r+b") as file:  # what is not read cannot matter
        file.seek(100)
        file.write(b"\0" * (hole - 100))
    store = repo.workspace("plan").store
    assert log.log(store, limit=5) == expected[:5]
    decoded = []
    real = log._LongValues.entry

    def count(values: log._LongValues, line: log.CacheLine, task: str | None = None) -> LogEntry:
        decoded.append(line.commit)
        return real(values, line, task)

    monkeypatch.setattr(log._LongValues, "entry", count)
    assert log.log(store, limit=5) == expected[:5]
    assert len(decoded) == 5
    assert os.path.getsize(path) == size
    assert log.log(store) == expected


def test_entries_of_others_are_added_to_what_is_remembered(repo: Repo) -> None:
    """A few commits that another program made are read, and nothing that was read before."""
    path, expected = remembered(repo)
    before = path.read_bytes()
    repo.hand_edit({"tasks/t1.yaml": "subject: By hand\n"})
    entries = log.log(repo.workspace("plan").store, limit=3)
    assert [e.commit for e in entries] == [repo.head(), *(e.commit for e in expected[:2])]
    assert path.read_bytes().startswith(before)
    assert log.log(repo.workspace("plan").store)[1:] == expected


def noted(repo: Repo, numbers: range) -> None:
    """Add a note to t0 in each of so many commits."""
    stream = b""
    for number in numbers:
        who = f"Ada <ada@example.com> {1_767_300_000 + number} +0000"
        start = f"from {repo.head()}\n" if number == numbers.start else ""
        task = Task(id="t0", subject="Task t0", notes=tuple(NOTES[: number + 1]))
        file = encode_task(task)
        stream += (
            f"commit refs/heads/gittasks/plan\nauthor {who}\ncommitter {who}\ndata 2\nx\n{start}"
            f"M 100644 inline tasks/t0.yaml\ndata {len(file)}\n{file.decode()}\n"
        ).encode()
    repo.git("fast-import", "--quiet", "--force", stdin=stream)


LONG = "word " * 99 + "end"
NOTES = [Note("2026-01-02T03:04:05Z", "ann", f"Note {n} {'word ' * 10}") for n in range(120)]


def test_what_is_remembered_grows_by_what_each_commit_changed(repo: Repo) -> None:
    """Of a note the note, however many stand before it: half of the notes are half of the file."""
    repo.ok("init", "plan")
    sizes = []
    for numbers in (range(50), range(50, 100)):
        noted(repo, numbers)
        workspace = repo.workspace("plan")
        entries = log.log(workspace.store)
        sizes.append(os.path.getsize(workspace.store.history_path))
        newest = entries[: numbers.stop]  # the list was made before
        for number, entry in zip(reversed(range(numbers.stop)), newest, strict=True):
            if number:
                (change,) = entry.changes
                assert (len(change.before), len(change.after)) == (number, number + 1)
    assert sizes[1] - sizes[0] < 1.1 * sizes[0]
    workspace.edit([AddNote("t0", "One more")])
    assert os.path.getsize(workspace.store.history_path) - sizes[1] < 500


def test_long_values_are_read_where_what_is_remembered_does_not_lead_to_them(repo: Repo) -> None:
    """A list at an earlier moment, or whose task is gone, shows them all the same."""
    repo.ok("init", "plan")
    noted(repo, range(20))
    store = repo.workspace("plan").store
    expected = log.log(store)
    newest = {entry.commit for entry in expected[:3]}
    assert log.log(store, without=newest) == expected[3:]
    repo.hand_edit({"tasks/t0.yaml": None})
    gone, *others = log.log(repo.workspace("plan").store)
    assert gone.changes[0].kind == "removed"
    assert others == expected


def test_an_edit_may_have_its_keys_in_another_order_than_the_file(repo: Repo) -> None:
    """What a write remembers of a long map leads on to what was there before it."""
    repo.ok("init", "plan")
    repo.ok("create", "Task", "--id", "t0")
    log.log(repo.workspace("plan").store)
    edits: list[dict[str, Value]] = [
        {"z": LONG, "b": {"y": LONG, "a": 1}},
        {"m": 1, "c": [{"q": 1, "d": 2}]},
        {"a": 2},
    ]
    for metadata in edits:
        repo.workspace("plan").edit([Update("t0", metadata=metadata)])
    entries = log.log(repo.workspace("plan").store)
    keys = [sorted(entry.changes[0].after) for entry in entries[:3]]
    assert keys == [["a", "b", "c", "m", "z"], ["b", "c", "m", "z"], ["b", "z"]]
    repo.remove("gittasks", "cache")
    assert entries == log.log(repo.workspace("plan").store)


def test_values_that_a_checksum_cannot_tell_apart_are_told_apart(repo: Repo) -> None:
    """As are any two, by chance or on purpose: these have one length and one CRC-32."""
    repo.ok("init", "plan")
    repo.ok("create", "Task", "--id", "t0")
    texts = [f"{word} {LONG}" for word in ("plumless", "buckeroo", "and then")]
    assert zlib.crc32(texts[0].encode()) == zlib.crc32(texts[1].encode())
    for text in texts:
        repo.workspace("plan").edit([Update("t0", description=text)])
    entries = log.log(repo.workspace("plan").store)
    assert [e.changes[0].after for e in entries[:3]] == texts[::-1]
    assert [e.changes[0].before for e in entries[:2]] == texts[1::-1]


def test_what_another_version_remembered_is_read_anew(repo: Repo) -> None:
    """The number of the form says so: nothing of it is believed, or added to it."""
    path, expected = remembered(repo)
    path.write_bytes(path.read_bytes().replace(b"history 7", b"history 6", 1))
    assert log.log(repo.workspace("plan").store) == expected
    assert path.read_bytes().startswith(b"gittasks-history 7\n")


def test_a_history_that_cannot_be_had_is_an_error(repo: Repo) -> None:
    """Where git ends early for a missing commit, the reader says which one it is."""
    repo.ok("init", "plan")
    grow(repo, 80, seed=7)
    lost = repo.git("rev-parse", "gittasks/plan~75")
    for pack in Path(repo.git_dir, "objects", "pack").glob("*.pack"):
        data = pack.read_bytes()
        for file in pack.parent.glob(f"{pack.stem}.*"):
            file.unlink()
        repo.git("unpack-objects", "-q", stdin=data)
    Path(repo.git_dir, "objects", lost[:2], lost[2:]).unlink()
    with pytest.raises(GittasksError, match=lost[:12]):
        log.log(fresh(repo))
