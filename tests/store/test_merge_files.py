"""Files of a list as the merge sees them, and commits beside their parents."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

import pytest
from support.repositories import Repo

from gittasks.codec.canonical import encode_task
from gittasks.core.merge.dag import Commit, File
from gittasks.core.merge.registers import STATE, State, registers
from gittasks.core.model import ListInfo, Note, Status, Task
from gittasks.errors import FormatTooNew
from gittasks.store import merge_files
from gittasks.store.commits import Graph, Signature, new_commit, read_commit
from gittasks.store.list_tree import read_tasks, read_tree, serialize_tree
from gittasks.store.list_version import FOLDER, REGULAR
from gittasks.store.merge_files import Comparisons, ListContents, task_of
from gittasks.store.objects import Malformed, ObjectStore, Unavailable
from gittasks.store.plumbing import Node, TreeChange

INFO = b"format: 1\nrules: 1\nid: plan\n"
LINK, PROGRAM, SHARED = 0o120000, 0o100755, 0o100664


class Written:
    """Objects of a repository, as they are wanted."""

    def __init__(self, repo: Repo) -> None:
        self.objects = ObjectStore(repo.git_dir, os.environ)

    def blob(self, data: bytes) -> str:
        new = self.objects.form.new("blob", data)
        self.objects.write([new])
        return new.id

    def task(self, name: str, **fields: object) -> tuple[str, int, str]:
        task = Task(id=name, subject=name)._replace(**fields)  # type: ignore[arg-type]
        return f"{name}.yaml", REGULAR, self.blob(encode_task(task))

    def tree(self, *tasks: tuple[str, int, str], info: bytes = INFO) -> str:
        folder = self.objects.form.new("tree", serialize_tree(tasks))
        entries = [("list.yaml", REGULAR, self.blob(info))]
        if tasks:
            entries.append(("tasks", FOLDER, folder.id))
        root = self.objects.form.new("tree", serialize_tree(entries))
        self.objects.write([folder, root])
        return root.id

    def commit(self, tree: str, *parents: str, time: int = 1_800_000_000) -> str:
        who = Signature("Ada <ada@example.com>", time)
        new = new_commit(self.objects.form, tree, parents, who, who, "x\n")
        self.objects.write([new])
        return new.id

    def contents(self) -> ListContents:
        return ListContents(self.objects, "plan")


@pytest.fixture
def written(repo: Repo) -> Written:
    return Written(repo)


def _name(mode: int, blob: str) -> str:
    return f"{mode:o} {blob}"


@pytest.mark.parametrize(
    ("path", "task_id"),
    [
        ("tasks/a.yaml", "a"),
        ("tasks/a-b1.yaml", "a-b1"),
        ("tasks/A.yaml", None),
        ("tasks/a.yml", None),
        ("tasks/a", None),
        ("tasks/x/a.yaml", None),
        ("tasks/.yaml", None),
        ("a.yaml", None),
        ("list.yaml", None),
    ],
)
def test_a_task_is_known_by_its_path(path: str, task_id: str | None) -> None:
    assert task_of(path) == task_id


def test_a_tree_is_its_files_by_path(written: Written) -> None:
    """Of folders that of the tasks alone is taken apart; the same one by one or many at once."""
    one, other = written.task("one"), ("x.txt", PROGRAM, written.blob(b"x"))
    trees = [written.tree(one, other), written.tree(), written.tree(one)]
    info = _name(REGULAR, written.blob(INFO))
    expected = [
        {
            "list.yaml": info,
            "tasks/one.yaml": _name(*one[1:]),
            "tasks/x.txt": _name(*other[1:]),
        },
        {"list.yaml": info},
        {"list.yaml": info, "tasks/one.yaml": _name(*one[1:])},
    ]
    assert [written.contents().tree(tree) for tree in trees] == expected
    assert written.contents().trees(trees) == expected
    inner = read_tree(written.objects, trees[0])[-1].id
    nested = serialize_tree([("tasks", LINK, one[2]), ("sub", FOLDER, inner)])
    new = written.objects.form.new("tree", nested)
    written.objects.write([new])
    assert written.contents().tree(new.id) == {"sub": _name(FOLDER, inner)}


def test_a_tree_that_is_none_is_malformed(written: Written) -> None:
    data = serialize_tree([("list.yaml", REGULAR, "1" * 40)])
    for broken in (data[:-1], data + b"x", b"x"):
        new = written.objects.form.new("tree", broken)
        written.objects.stage([new])
        with pytest.raises(Malformed) as caught:
            written.contents().tree(new.id)
        assert caught.value.message == f"the tree {new.id} is malformed"
        assert caught.value.where == new.id


def test_the_objects_of_a_tree_are_those_that_it_takes(written: Written) -> None:
    """Blobs that the merge made, the folder of tasks, the root last."""
    contents = written.contents()
    tree = written.tree(written.task("one"))
    files = contents.tree(tree)
    assert [o.kind for o in contents.tree_objects(files)] == ["tree", "tree"]
    assert contents.tree_objects(files)[-1].id == tree
    made = contents.encode("tasks/two.yaml", registers(Task(id="two", subject="Two")), [])
    new = contents.tree_objects({**files, "tasks/two.yaml": made.blob})
    assert [o.kind for o in new] == ["blob", "tree", "tree"]
    assert new[0].data == encode_task(Task(id="two", subject="Two"))
    written.objects.stage(new)
    assert contents.tree(new[-1].id) == {**files, "tasks/two.yaml": made.blob}
    (alone,) = contents.tree_objects({"list.yaml": files["list.yaml"]})
    assert alone.id == written.tree()


def test_a_file_says_its_registers(written: Written) -> None:
    """What is as it is by default is not said; a file that is no task's says nothing."""
    contents = written.contents()
    one = written.task("one", result="PASS")
    said = contents.read("tasks/one.yaml", _name(*one[1:])).registers
    assert said == {("subject",): "one", ("result",): "PASS"}
    started = written.task("one", status=Status.IN_PROGRESS)
    said = contents.read("tasks/one.yaml", _name(*started[1:])).registers
    assert said
    assert said[STATE] == State(Status.IN_PROGRESS)
    assert contents.read("README.md", _name(*one[1:])).registers == {}
    assert contents.read("tasks/x.txt", _name(LINK, one[2])).registers == {}
    title = contents.read("list.yaml", _name(REGULAR, written.blob(INFO + b"title: T\n")))
    assert title.registers
    assert ("title",) in title.registers


@pytest.mark.parametrize("path", ["tasks/one.yaml", "list.yaml"])
def test_a_file_that_cannot_be_read_has_none(written: Written, path: str) -> None:
    """Broken, or no plain file; what is lacking or of a newer format stops the merge."""
    contents = written.contents()
    good = written.blob(INFO if path == "list.yaml" else encode_task(Task(id="one", subject="x")))
    for mode, blob in ((REGULAR, written.blob(b"subject: [\n")), (LINK, good), (PROGRAM, good)):
        file = contents.read(path, _name(mode, blob))
        assert file == File(_name(mode, blob), None)
    with pytest.raises(Unavailable):
        contents.read(path, _name(REGULAR, "1" * 40))
    if path == "list.yaml":
        with pytest.raises(FormatTooNew):
            contents.read(path, _name(REGULAR, written.blob(INFO.replace(b"1", b"9", 1))))


def test_a_file_is_written_in_the_layout_of_a_person(written: Written) -> None:
    """Of the last one that has any; comments stay, and where there are none it is canonical."""
    contents = written.contents()
    plain = encode_task(Task(id="one", subject="One"))
    names = [
        _name(REGULAR, written.blob(data))
        for data in (plain, b"# first\n" + plain, b"# second\n" + plain)
    ]
    files = [contents.read("tasks/one.yaml", name) for name in names]
    wanted = registers(Task(id="one", subject="One", result="PASS"))

    def text(*layouts: File) -> bytes:
        blob = contents.encode("tasks/one.yaml", wanted, layouts).blob.partition(" ")[2]
        return written.objects.read(blob, "blob")

    assert text() == text(files[0]) == encode_task(Task(id="one", subject="One", result="PASS"))
    assert text(files[1]).startswith(b"# first\n")
    assert text(files[1], files[2]).startswith(b"# second\n")
    assert text(files[2], files[0]).startswith(b"# second\n")
    assert b"result: PASS\n" in text(files[2])
    info = contents.encode("list.yaml", {("title",): "T"}, [])
    assert b"title: T\n" in written.objects.read(info.blob.partition(" ")[2], "blob")


def test_a_merge_that_would_not_fit_a_file_is_the_last_of_its_versions(written: Written) -> None:
    """Two halves, each of which fits."""
    contents = written.contents()
    half = "x" * 200_000
    first, second = (
        contents.read("tasks/one.yaml", _name(*written.task("one", **fields)[1:]))
        for fields in ({"description": half}, {"result": half})
    )
    both = registers(Task(id="one", subject="one", description=half, result=half))
    assert contents.encode("tasks/one.yaml", both, [first, second]) == second
    assert contents.encode("tasks/one.yaml", both, [second, first]) == first


def test_a_layout_that_cannot_be_read_is_not_written_over(written: Written) -> None:
    contents = written.contents()
    broken = contents.read("tasks/one.yaml", _name(REGULAR, written.blob(b"subject: [\n")))
    assert broken.registers is None
    wanted = registers(Task(id="one", subject="One"))
    assert contents.encode("tasks/one.yaml", wanted, [broken]) == broken


def test_a_partial_clone_brings_the_files_of_trees_in_two_goes(
    written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The trees, then the files that the merge will read; a whole one has nothing to bring."""
    one, odd = written.task("one"), ("x.txt", REGULAR, written.blob(b"x"))
    link = ("two.yaml", LINK, written.blob(b"one.yaml"))
    trees = [written.tree(one, odd, link), written.tree(one)]
    asked: list[list[str]] = []
    monkeypatch.setattr(written.objects, "need", lambda ids: asked.append([*ids]))
    written.contents().bring(trees)
    assert asked == []
    monkeypatch.setattr(ObjectStore, "whole", False)
    written.contents().bring(trees)
    assert asked == [trees, [written.blob(INFO), one[2]]]
    asked.clear()
    commit = written.commit(trees[0], written.commit(trees[1]))
    Comparisons(written.objects, "plan").bring([read_commit(written.objects, commit)])
    assert asked[0] == trees
    asked.clear()
    Comparisons(written.objects, "plan").bring([])
    assert asked == []


def test_members_stand_as_they_stood_in_the_files(written: Written) -> None:
    """One file after the other; new ones by name; notes by their time."""
    contents = written.contents()
    first, second = (
        contents.read("tasks/one.yaml", _name(*written.task("one", tags=tags)[1:]))
        for tags in (("c", "a"), ("d", "a", "b"))
    )
    notes = tuple(Note(f"2030-01-01T00:0{n}:00Z", "ada", "x") for n in (2, 1, 3))
    task = Task(id="one", subject="one", tags=("z", "y", "a", "b", "c", "d"), notes=notes)
    ordered = merge_files._ordered(task, [first, second])
    assert ordered.tags == ("c", "a", "d", "b", "y", "z")
    assert list(ordered.notes) == sorted(notes)
    unread = File(first.blob, None)
    assert merge_files._ordered(task, [unread, second]).tags == ("d", "a", "b", "c", "y", "z")


def test_a_recipe_has_its_parents_in_order() -> None:
    contents = ListContents.__new__(ListContents)
    for parents, is_recipe in ((("a", "b"), True), (("b", "a"), False), (("a",), True)):
        commit = Commit("x", parents, 0, {}, True)
        assert contents.is_recipe(commit, (0, 0)) is is_recipe


# --- commits beside their parents ----------------------------------------------------------------


def _told(comparisons: Iterable[object]) -> list[object]:
    return [
        ([dict(b.tasks) for b in c.befores], dict(c.after.tasks), c.whole)  # type: ignore[attr-defined]
        for c in comparisons
    ]


def _line(written: Written, count: int) -> list[str]:
    """Commits on each other, each of which changes one of two tasks."""
    ids: list[str] = []
    for number in range(count):
        tasks = [
            written.task(name, result=f"{(number + odd) // 2}") for odd, name in enumerate("ab")
        ]
        ids.append(written.commit(written.tree(*tasks), *ids[-1:]))
    return ids


@pytest.mark.parametrize("count", [3, 17, 20])
def test_a_commit_beside_its_parents_is_what_differs(written: Written, count: int) -> None:
    """One by one or many at once; a root beside an empty list."""
    ids = _line(written, count)
    comparisons = Comparisons(written.objects, "plan")
    graph = Graph(written.objects, ids[-1:])
    pairs = list(comparisons.each(graph, ids))
    assert [commit.id for commit, _ in pairs] == ids
    told = _told(c for _, c in pairs)

    def task(name: str, result: int) -> Task:
        return Task(id=name, subject=name, result=f"{result}")

    assert told[0] == ([{}], {"a": task("a", 0), "b": task("b", 0)}, True)
    for number in range(1, count):
        name = "a" if number % 2 == 0 else "b"
        now = task(name, (number + (name == "b")) // 2)
        before = task(name, (number - 1 + (name == "b")) // 2)
        assert told[number] == ([{name: before}], {name: now}, True)
    one_by_one = Comparisons(written.objects, "plan")
    assert _told(one_by_one.of(read_commit(written.objects, i)) for i in ids) == told


def test_a_merge_is_set_beside_each_of_its_parents(written: Written) -> None:
    a, b = written.task("a"), written.task("b")
    root = written.commit(written.tree())
    left, right = (written.commit(written.tree(task), root) for task in (a, b))
    merge = written.commit(written.tree(a, b), left, right)
    comparison = Comparisons(written.objects, "plan").of(read_commit(written.objects, merge))
    assert [sorted(before.tasks) for before in comparison.befores] == [["a"], ["b"]]
    assert sorted(comparison.after.tasks) == ["a", "b"]
    assert comparison.whole


def test_what_is_lacking_is_no_whole_comparison(written: Written) -> None:
    lost = written.task("a")
    commit = written.commit(written.tree(lost, written.task("b")))
    os.unlink(written.objects.loose_path(lost[2]))
    info = read_commit(written.objects, commit)
    comparisons = Comparisons(written.objects, "plan")
    comparison = comparisons.of(info)
    assert (sorted(comparison.after.tasks), comparison.whole) == (["b"], False)
    assert [p.path for p in comparison.after.problems] == ["tasks/a.yaml"]
    fine = written.commit(written.tree(written.task("b")))
    assert comparisons.of(read_commit(written.objects, fine)).whole


def test_the_list_itself_is_compared_by_its_file(written: Written) -> None:
    before = written.commit(written.tree())
    after = written.commit(written.tree(info=INFO + b"title: T\n"), before)
    comparison = Comparisons(written.objects, "plan").of(read_commit(written.objects, after))
    assert [b.info for b in comparison.befores] == [ListInfo(id="plan")]
    assert comparison.after.info.title == "T"


def test_what_was_parsed_is_not_parsed_again(
    written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = _line(written, 20)
    parsed: list[str] = []

    def noted(objects: object, files: object, entries: Sequence[object], known: object) -> object:
        parsed.extend(entry.name for entry in entries)  # type: ignore[attr-defined]
        return read_tasks(objects, files, entries, known)  # type: ignore[arg-type]

    monkeypatch.setattr(merge_files, "read_tasks", noted)
    comparisons = Comparisons(written.objects, "plan")
    graph = Graph(written.objects, ids[-1:])
    first = _told(c for _, c in comparisons.each(graph, ids))
    assert len(parsed) == 21
    assert _told(c for _, c in comparisons.each(graph, ids)) == first
    assert len(parsed) == 21
    monkeypatch.setattr(merge_files, "_MOST_PARSED", 5)
    assert _told(c for _, c in comparisons.each(graph, ids)) == first


def test_a_name_without_its_end_is_no_task_though_that_was_parsed(written: Written) -> None:
    """Nor is what is no plain file; by the blob alone it is the task that was read before."""
    comparisons = Comparisons(written.objects, "plan")
    name, mode, blob = written.task("a")
    for odd in (("a", mode, blob), (name, PROGRAM, blob), (name, LINK, blob)):
        before = written.commit(written.tree((name, mode, blob)))
        after = written.commit(written.tree(odd), before)
        comparison = comparisons.of(read_commit(written.objects, after))
        assert [*comparison.befores[0].tasks] == ["a"]
        assert comparison.after.tasks == {}
        assert [p.path for p in comparison.after.problems] == [f"tasks/{odd[0]}"]


@pytest.mark.parametrize(
    ("mode", "read"), [(REGULAR, REGULAR), (SHARED, REGULAR), (PROGRAM, PROGRAM), (LINK, LINK)]
)
def test_a_mode_is_read_as_git_does(mode: int, read: int) -> None:
    entry = merge_files._entry("tasks/a.yaml", _name(mode, "1" * 40))
    assert entry == ("tasks/a.yaml", read, "1" * 40)


def test_answers_of_git_are_taken_by_parents() -> None:
    """One for each of them, or for none; of a git that has ended there is no more."""

    def change(path: str, before: str | None, after: str | None) -> TreeChange:
        return TreeChange(path, before, after)

    merge = Node("m", "t", ("p", "q"), 0, 0)
    answers = [[change("a", "1", "2"), change("b", None, "3")], [change("a", None, "2")]]
    assert merge_files._files(merge, iter(answers)) == (
        {"a": "2", "b": "3"},
        [{"a": "1"}, {"b": "3"}],
    )
    gone = [[change("a", "1", None)], []]
    assert merge_files._files(merge, iter(gone)) == ({}, [{"a": "1"}, {}])
    assert merge_files._files(merge, iter(answers[:1])) is None
    assert merge_files._files(merge, iter([answers[0], None])) is None
    root = Node("r", "t", (), 0, 0)
    assert merge_files._files(root, iter([[change("a", None, "2")]])) == ({"a": "2"}, [])
    assert merge_files._files(root, iter([])) is None
