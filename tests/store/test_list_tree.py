"""Trees of a list: which entries hold a task, what is said of the others, how one is written."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import pytest
from support.repositories import Repo

from gittasks.codec.canonical import encode_task
from gittasks.core.model import ListInfo, Problem, Snapshot, Task
from gittasks.errors import InvalidData
from gittasks.store import list_tree
from gittasks.store.commits import Signature, new_commit, read_commit
from gittasks.store.list_tree import (
    ParsedFiles,
    SetAside,
    next_branch,
    read_branch,
    read_tree,
    root_objects,
    serialize_tree,
    tree_objects,
)
from gittasks.store.list_version import (
    FOLDER,
    REGULAR,
    ROOT_SIGNER,
    ListVersion,
    TreeEntry,
    pieces_path,
)
from gittasks.store.objects import Malformed, ObjectStore, Unavailable
from gittasks.store.recognition import holds_list

LINK, MODULE, PROGRAM = 0o120000, 0o160000, 0o100755
ONE = encode_task(Task(id="one", subject="One"))
INFO = b"format: 1\nrules: 1\nid: plan\n"


class Trees:
    """Objects of a repository without a list, most of them in memory."""

    def __init__(self, repo: Repo) -> None:
        self.objects = ObjectStore(repo.git_dir, os.environ)

    def stage(self, kind: str, data: bytes) -> str:
        new = self.objects.form.new(kind, data)
        self.objects.stage([new])
        return new.id

    def blob(self, data: bytes) -> str:
        return self.stage("blob", data)

    def tree(self, *entries: tuple[str, int, str]) -> str:
        return self.stage("tree", serialize_tree(entries))

    def commit(self, tree: str) -> str:
        who = Signature("Ada <ada@example.com>", 1_800_000_000)
        new = new_commit(self.objects.form, tree, (), who, who, "x\n")
        self.objects.stage([new])
        return new.id

    def read(self, *root: tuple[str, int, str], known: ListVersion | None = None) -> ListVersion:
        """The list whose root tree has these entries beside a `list.yaml`."""
        info = () if any(e[0] == "list.yaml" for e in root) else (self.info(),)
        return read_branch(self.objects, "plan", self.commit(self.tree(*info, *root)), known)

    def info(self) -> tuple[str, int, str]:
        return "list.yaml", REGULAR, self.blob(INFO)

    def folder(self, *entries: tuple[str, int, str]) -> tuple[str, int, str]:
        return "tasks", FOLDER, self.tree(*entries)


@pytest.fixture
def trees(repo: Repo) -> Trees:
    return Trees(repo)


def _told(version: ListVersion) -> list[tuple[str, int | None, str]]:
    return [(p.path, p.line, p.message) for p in version.snapshot.problems]


@pytest.mark.parametrize("mode", [LINK, MODULE, REGULAR, PROGRAM])
def test_something_else_in_the_place_of_the_folder_is_said_and_carried_along(
    trees: Trees, mode: int
) -> None:
    """A file, a link, a submodule: none is followed."""
    entry = TreeEntry("tasks", mode, trees.blob(b"elsewhere"))
    version = trees.read(entry)
    assert _told(version) == [("tasks", None, "not a folder, so no task is read")]
    assert version.snapshot.tasks == {}
    assert entry in version.root
    assert version.whole


def test_without_the_folder_there_are_no_tasks(trees: Trees) -> None:
    version = trees.read()
    assert (_told(version), dict(version.files), version.rest) == ([], {}, ())
    assert version.snapshot.info == ListInfo(id="plan")


@pytest.mark.parametrize(
    ("name", "mode", "message"),
    [
        ("one.yaml", LINK, "not a regular file, so it is not read"),
        ("one.yaml", FOLDER, "not a regular file, so it is not read"),
        ("one.yaml", PROGRAM, "not a regular file, so it is not read"),
        ("one.yml", REGULAR, "not a task file: its name does not end in .yaml"),
        ("One.yaml", REGULAR, "its name is not a task id: "),
        ("con.yaml", REGULAR, "its name is not a task id: "),
    ],
)
def test_what_holds_no_task_is_said_and_hides_none(
    trees: Trees, name: str, mode: int, message: str
) -> None:
    good = ("two.yaml", REGULAR, trees.blob(encode_task(Task(id="two", subject="Two"))))
    odd = TreeEntry(name, mode, trees.blob(ONE))
    version = trees.read(trees.folder(odd, good))
    ((path, line, words),) = _told(version)
    assert (path, line, words.startswith(message)) == (f"tasks/{name}", None, True)
    assert [*version.snapshot.tasks] == [*version.files] == ["two"]
    assert version.rest == (odd,)
    assert version.whole


def test_an_entry_that_is_there_twice_is_not_believed(trees: Trees) -> None:
    one, other = trees.blob(ONE), trees.blob(ONE + b"result: x\n")
    twice = [("one.yaml", REGULAR, one), ("one.yaml", REGULAR, other), ("one.yaml", REGULAR, one)]
    version = trees.read(trees.folder(*twice))
    assert _told(version) == [("tasks/one.yaml", None, "listed twice in its folder (git fsck)")]
    assert (len(version.rest), version.snapshot.tasks) == (3, {})
    version = trees.read(("x", REGULAR, one), ("x", REGULAR, other))
    assert _told(version) == [("x", None, "listed twice in its folder (git fsck)")]


@pytest.mark.parametrize("mode", [REGULAR, LINK, PROGRAM])
def test_a_list_without_its_file_is_doubted(trees: Trees, mode: int) -> None:
    """Its tasks are read; a link in its place is none."""
    one = ("one.yaml", REGULAR, trees.blob(ONE))
    name = "list.yaml" if mode != REGULAR else "other.yaml"
    tree = trees.tree((name, mode, trees.blob(INFO)), trees.folder(one))
    version = read_branch(trees.objects, "plan", trees.commit(tree))
    assert _told(version) == [("list.yaml", None, "missing, so this may be no task list")]
    assert [*version.snapshot.tasks] == ["one"]
    assert version.whole


def test_a_fault_of_a_file_has_its_line(trees: Trees) -> None:
    bad = ("one.yaml", REGULAR, trees.blob(b"subject: One\nstatus: unheard of\n"))
    version = trees.read(trees.folder(bad), ("list.yaml", REGULAR, trees.blob(INFO + b"id: [\n")))
    (first, second) = _told(version)
    assert first[:1] == ("list.yaml",)
    assert second[:2] == ("tasks/one.yaml", 2)
    assert version.rest == (TreeEntry(*bad),)
    assert version.whole, "every look finds the same"


def test_what_cannot_be_had_now_is_not_whole(trees: Trees) -> None:
    """The next look may find it, of the list's own file as of a task's."""
    version = trees.read(trees.folder(("one.yaml", REGULAR, "1" * 40)))
    assert (version.whole, len(version.snapshot.problems)) == (False, 1)
    version = trees.read(("list.yaml", REGULAR, "1" * 40))
    assert (version.whole, len(version.snapshot.problems)) == (False, 1)


def test_what_is_known_is_not_parsed_again(trees: Trees, monkeypatch: pytest.MonkeyPatch) -> None:
    """A task by its blob, the list by that of its file, if that was read without a fault."""
    one = ("one.yaml", REGULAR, trees.blob(ONE))
    first = trees.read(trees.folder(one))
    parsed: list[str] = []
    real = ParsedFiles.parse

    def parse(files: ParsedFiles, data: bytes, blob: str, task_id: str, where: str) -> object:
        parsed.append(task_id)
        return real(files, data, blob, task_id, where)

    monkeypatch.setattr(ParsedFiles, "parse", parse)
    two = ("two.yaml", REGULAR, trees.blob(encode_task(Task(id="two", subject="Two"))))
    version = trees.read(trees.folder(one, two), known=first)
    assert parsed == ["two"]
    assert version.snapshot.tasks["one"] is first.snapshot.tasks["one"]
    assert version.snapshot.info is first.snapshot.info
    other = ("one.yaml", REGULAR, trees.blob(ONE + b"result: x\n"))
    assert trees.read(trees.folder(other), known=first).snapshot.tasks["one"].result == "x"
    titled = ("list.yaml", REGULAR, trees.blob(INFO + b"title: T\n"))
    assert trees.read(titled, known=first).snapshot.info.title == "T"
    broken = trees.read(("list.yaml", REGULAR, trees.blob(INFO + b"title: [\n")))
    again = trees.read(("list.yaml", REGULAR, trees.blob(INFO + b"title: [\n")), known=broken)
    assert _told(again) == _told(broken) != []


# --- writing -------------------------------------------------------------------------------------


def _entries(trees: Trees, objects: Iterable[object], tree_id: str) -> dict[str, str]:
    trees.objects.stage(objects)  # type: ignore[arg-type]
    return {e.name: e.id for e in read_tree(trees.objects, tree_id)}


def test_only_what_changed_is_written(trees: Trees) -> None:
    one = ("one.yaml", REGULAR, trees.blob(ONE))
    odd = ("odd.txt", REGULAR, trees.blob(b"x"))
    old = trees.read(trees.folder(one, odd), ("other", REGULAR, trees.blob(b"y")))
    same = old.snapshot._replace(tasks={"one": Task(id="one", subject="One")})
    tree, branch, new = next_branch(trees.objects, old, same)
    assert [item.kind for item in new] == ["tree", "tree"]
    assert branch.files["one"] is old.files["one"]
    assert branch.snapshot.tasks["one"] is old.snapshot.tasks["one"]
    assert tree == new[-1].id == read_commit(trees.objects, old.commit).tree
    two = Task(id="two", subject="Two")
    after = old.snapshot._replace(
        tasks={"two": two, **old.snapshot.tasks}, info=old.snapshot.info._replace(title="T")
    )
    tree, branch, new = next_branch(trees.objects, old, after)
    assert [item.kind for item in new] == ["blob", "blob", "tree", "tree"]
    assert [*branch.snapshot.tasks] == [*branch.files] == ["one", "two"]
    assert (branch.commit, branch.snapshot.info.title) == (old.commit, "T")
    root = _entries(trees, new, tree)
    assert root.keys() == {"list.yaml", "other", "tasks"}
    assert _entries(trees, new, root["tasks"]).keys() == {"odd.txt", "one.yaml", "two.yaml"}
    assert trees.objects.read(root["list.yaml"], "blob").endswith(b"title: T\n")
    assert {e.name for e in branch.root} == {"list.yaml", "other"}
    again = read_branch(trees.objects, "plan", trees.commit(tree))
    assert again._replace(commit=old.commit) == branch


def test_a_task_does_not_take_the_place_of_what_cannot_be_read(trees: Trees) -> None:
    bad = ("one.yaml", REGULAR, trees.blob(b"subject: [\n"))
    old = trees.read(trees.folder(bad))
    new = Task(id="one", subject="One")
    with pytest.raises(InvalidData) as caught:
        next_branch(trees.objects, old, old.snapshot._replace(tasks={"one": new}))
    assert "tasks/one.yaml" in f"{caught.value.message} {caught.value.where}"
    unsaid = old._replace(snapshot=old.snapshot._replace(problems=()))
    with pytest.raises(InvalidData, match="damaged"):
        next_branch(trees.objects, unsaid, unsaid.snapshot._replace(tasks={"one": new}))


def test_a_task_that_is_not_read_back_as_it_was_given_is_not_stored(
    trees: Trees, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = trees.read()
    monkeypatch.setattr(list_tree, "read_canonical", lambda *_: None)
    new = {"one": Task(id="one", subject="One")}
    with pytest.raises(InvalidData) as caught:
        next_branch(trees.objects, old, old.snapshot._replace(tasks=new))
    assert caught.value.message == "the task one cannot be stored as it was given"
    assert caught.value.where == "one"


def test_a_file_of_a_person_keeps_its_layout(trees: Trees) -> None:
    """Comments stay; a file that is canonical again is said to be."""
    by_hand = ("one.yaml", REGULAR, trees.blob(b"# mine\n" + ONE))
    old = trees.read(trees.folder(by_hand))
    task = old.snapshot.tasks["one"]._replace(result="PASS")
    _, branch, new = next_branch(trees.objects, old, old.snapshot._replace(tasks={"one": task}))
    assert new[0].data.startswith(b"# mine\n")
    assert b"result: PASS\n" in new[0].data
    assert branch.files["one"] == (new[0].id, False)
    assert branch.snapshot.tasks["one"].result == "PASS"
    plain = trees.read(trees.folder(("one.yaml", REGULAR, trees.blob(ONE))))
    changed = plain.snapshot._replace(tasks={"one": task})
    _, branch, new = next_branch(trees.objects, plain, changed)
    assert branch.files["one"] == (new[0].id, True)
    assert new[0].data == encode_task(task)


def test_a_partial_clone_brings_the_files_of_a_list_in_one_go(
    trees: Trees, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that are not known; where none of them comes, that is an error."""
    one = ("one.yaml", REGULAR, trees.blob(ONE))
    lacking = ("two.yaml", REGULAR, "2" * 40)
    asked: list[list[str]] = []
    failure = Unavailable("no network")

    def need(ids: Iterable[str]) -> Unavailable | None:
        asked.append([*ids])
        return failure

    monkeypatch.setattr(ObjectStore, "whole", False)
    monkeypatch.setattr(trees.objects, "need", need)
    first = trees.read(trees.folder(one, lacking))
    assert asked == [[one[2], lacking[2], trees.info()[2]]]
    assert ([*first.snapshot.tasks], first.whole) == (["one"], False)
    with pytest.raises(Unavailable) as caught:
        trees.read(trees.folder(lacking))
    assert caught.value is failure
    asked.clear()
    trees.read(trees.folder(one, lacking), known=first)
    assert asked == [[lacking[2], trees.info()[2]]]
    assert trees.read().snapshot.tasks == {}


def test_the_last_task_takes_the_folder_with_it(trees: Trees) -> None:
    """git has no empty folders; what else is in there keeps it."""
    one = ("one.yaml", REGULAR, trees.blob(ONE))
    nothing = Snapshot(info=ListInfo(id="plan"), tasks={})
    for others, names in (((), {"list.yaml"}), ((("x", REGULAR, one[2]),), {"list.yaml", "tasks"})):
        old = trees.read(trees.folder(one, *others))
        tree, branch, new = next_branch(trees.objects, old, nothing)
        assert _entries(trees, new, tree).keys() == names
        assert dict(branch.files) == {}


def test_the_objects_of_a_tree_follow_from_what_it_says(trees: Trees) -> None:
    """Those that are there are left out; what a person wrote cannot be made."""
    one = ("one.yaml", REGULAR, trees.blob(ONE))
    version = trees.read(trees.folder(one))
    form, info = trees.objects.form, trees.info()[2]
    made = tree_objects(form, version, {info})
    assert made
    assert made[0].id == one[2]
    assert made[-1].id == read_commit(trees.objects, version.commit).tree
    assert [o.kind for o in made] == ["blob", "tree", "tree"]
    both = tree_objects(form, version, {info, one[2]})
    assert both
    assert [o.kind for o in both] == ["tree", "tree"]
    by_hand = ("one.yaml", REGULAR, trees.blob(b"# mine\n" + ONE))
    version = trees.read(trees.folder(by_hand))
    assert tree_objects(form, version, {info}) is None
    assert tree_objects(form, version, {info, by_hand[2]})
    made = tree_objects(form, trees.read(trees.folder(one)), {one[2]})
    assert made
    assert (made[0].kind, made[0].id) == ("blob", info)


def test_the_order_of_a_tree_is_git_s(repo: Repo) -> None:
    """A folder sorts as if its name ended in a slash."""
    blob, tree = repo.blob("x"), repo.git("write-tree")
    names = [("a", FOLDER, tree), ("a.b", REGULAR, blob), ("a0", REGULAR, blob), ("b", LINK, blob)]
    lines = "".join(
        f"{mode:06o} {'tree' if mode == FOLDER else 'blob'} {i}\t{name}\n"
        for name, mode, i in names
    )
    expected = repo.git("mktree", stdin=lines)
    form = ObjectStore(repo.git_dir, os.environ).form
    assert form.id_of("tree", serialize_tree(reversed(names))) == expected


def test_a_root_is_the_same_everywhere(trees: Trees) -> None:
    """By its list alone: bytes, author, date."""
    *_, tree, commit = root_objects(trees.objects, "plan")
    assert (
        commit.data
        == (
            f"tree {tree.id}\n"
            f"author {ROOT_SIGNER} 1767225600 +0000\ncommitter {ROOT_SIGNER} 1767225600 +0000\n\n"
            "plan: task list\n"
        ).encode()
    )
    blobs = root_objects(trees.objects, "plan")
    trees.objects.stage(blobs)
    files = {e.name: e for e in read_tree(trees.objects, tree.id)}
    assert {e.mode for e in files.values()} == {REGULAR}
    texts = {name: trees.objects.read(e.id, "blob").decode() for name, e in files.items()}
    assert texts[".gitattributes"] == "tasks/*.yaml -text merge=gittasks\n"
    assert texts["list.yaml"] == INFO.decode()
    readme = texts["README.md"].splitlines()
    assert len(readme) == 3
    assert "a task list, `plan`, kept by gittasks" in readme[0]
    assert (
        "`git fetch`, then `gittasks list --list plan`; or with git alone, `git log`" in readme[2]
    )
    trees.objects.identity = "Me <me@example.com>"
    assert (
        b"author Me <me@example.com> 1767225600 +0000\n"
        in root_objects(trees.objects, "plan")[-1].data
    )


def test_a_branch_is_a_list_by_its_file(trees: Trees) -> None:
    """Of any kind; a commit that cannot be read is none."""
    assert holds_list(trees.objects, trees.commit(trees.tree(trees.info())))
    assert holds_list(trees.objects, trees.commit(trees.tree(("list.yaml", LINK, "1" * 40))))
    assert not holds_list(trees.objects, trees.commit(trees.tree(("List.yaml", REGULAR, "1" * 40))))
    assert not holds_list(trees.objects, "1" * 40)


@pytest.mark.parametrize("damage", ["cut", "longer", "mode"])
def test_a_damaged_tree_is_called_so(trees: Trees, damage: str) -> None:
    data = serialize_tree([("a", REGULAR, "1" * 40), ("b", FOLDER, "2" * 40)])
    broken = {"cut": data[:-1], "longer": data + b"x", "mode": data.replace(b"40000", b"90000")}
    tree = trees.stage("tree", broken[damage])
    with pytest.raises(Malformed) as caught:
        read_tree(trees.objects, tree)
    assert (caught.value.message, caught.value.where) == (f"the tree {tree} is malformed", tree)


# --- the budget ----------------------------------------------------------------------------------


@pytest.fixture
def budget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(list_tree, "BUDGET", 1000)
    monkeypatch.setattr(list_tree, "KEEP_AFTER", 400)
    monkeypatch.setattr(list_tree, "SLOW", 10)


def _text(length: int, *, slow: bool = False) -> bytes:
    """A file of so many bytes, which the parser alone can read if it is slow."""
    begin = b"subject: {a: b}\n" if slow else b"# x\nsubject: One\n"
    return begin + b"#" * (length - len(begin) - 1) + b"\n"


@pytest.mark.usefixtures("budget")
def test_files_are_read_up_to_the_budget(trees: Trees) -> None:
    """To its last byte, and what is over it is set aside until the next command."""
    files = ParsedFiles(trees.objects, "plan")
    assert files.parse(_text(600), "b1", "one", "x")[0].subject == "One"
    assert files.parse(_text(400), "b2", "one", "x")[0].subject == "One"
    with pytest.raises(SetAside) as caught:
        files.parse(_text(30), "b3", "one", "tasks/one.yaml")
    assert caught.value.where == "tasks/one.yaml"
    later = ParsedFiles(trees.objects, "plan")
    assert later.parse(_text(1000), "b3", "one", "x")[0].subject == "One"


@pytest.mark.usefixtures("budget")
def test_what_only_the_parser_reads_costs_more(trees: Trees) -> None:
    """Its faults are kept as well as its tasks; they are not parsed again."""
    files = ParsedFiles(trees.objects, "plan")
    slow = _text(80, slow=True)
    with pytest.raises(InvalidData) as first:
        files.parse(slow, "b1", "one", "tasks/one.yaml")
    assert not isinstance(first.value, SetAside)
    with pytest.raises(SetAside):
        files.parse(slow, "b2", "one", "tasks/one.yaml")
    again = ParsedFiles(trees.objects, "plan")
    for _ in range(3):
        with pytest.raises(InvalidData) as caught:
            again.parse(slow, "b1", "one", "tasks/one.yaml")
        assert not isinstance(caught.value, SetAside)
        assert caught.value.details == first.value.details
    assert again._spent == 3 * 80


@pytest.mark.usefixtures("budget")
def test_what_was_parsed_is_kept_once_it_took_a_while(trees: Trees) -> None:
    path = Path(pieces_path(trees.objects.common, "plan"))
    files = ParsedFiles(trees.objects, "plan")
    files.parse(_text(399), "b1", "one", "x")
    assert not path.exists()
    files.parse(ONE, "b2", "one", "x")
    assert len(path.read_bytes().splitlines()) == 2
    files.parse(_text(100), "b3", "one", "x")
    assert len(path.read_bytes().splitlines()) == 2
    files.flush()
    assert len(path.read_bytes().splitlines()) == 3
    files.flush()
    assert len(path.read_bytes().splitlines()) == 3
    later = ParsedFiles(trees.objects, "plan")
    assert later.parse(ONE, "b2", "one", "x")[1] is True
    assert later._known[("b2", "one")].canonical is True
    assert later._known[("b1", "one")].canonical is False
    torn = path.read_bytes().splitlines()
    path.write_bytes(b"\n".join([torn[0][:-1], b"x", torn[1].replace(b"One", b"Two"), torn[2]]))
    assert [*ParsedFiles(trees.objects, "plan")._known] == [("b3", "one")]


def test_a_file_of_parsed_files_that_is_too_long_is_begun_anew(
    trees: Trees, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = Path(pieces_path(trees.objects.common, "plan"))
    files = ParsedFiles(trees.objects, "plan")
    files.parse(ONE, "b1", "one", "x")
    files.flush()
    size = path.stat().st_size - 1
    monkeypatch.setattr(list_tree, "_LONGEST", size)
    assert ParsedFiles(trees.objects, "plan")._known
    monkeypatch.setattr(list_tree, "_LONGEST", size - 1)
    assert ParsedFiles(trees.objects, "plan")._known == {}
    assert not path.exists()


def test_a_problem_is_that_of_the_file(trees: Trees) -> None:
    plain = InvalidData("words", where="tasks/a.yaml:7")
    assert list_tree._problems("tasks/a.yaml", plain) == [Problem("tasks/a.yaml", 7, "words")]
    without = InvalidData("words", where="tasks/a.yaml")
    assert list_tree._problems("p", without) == [Problem("p", None, "words")]
    assert list_tree._problems("p", InvalidData("words")) == [Problem("p", None, "words")]
