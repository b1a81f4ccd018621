"""Commits: read in every form, written the same everywhere, walked newest first."""

from __future__ import annotations

import os
from collections.abc import Iterable

import pytest
from support.repositories import Repo

from gittasks.errors import InvalidData
from gittasks.store import ancestry, commits
from gittasks.store.ancestry import Checkpoint, is_passed, newest
from gittasks.store.commits import (
    CommitInfo,
    Graph,
    Signature,
    ancestors,
    is_ancestor,
    new_commit,
    read_commit,
)
from gittasks.store.objects import FORMATS, Malformed, NewObject, ObjectStore
from gittasks.store.plumbing import Node, Plumbing

SHA1 = FORMATS["sha1"]
TREE, ONE, TWO = "a" * 40, "1" * 40, "2" * 40
ADA, BOB = "Ada <ada@example.com> 5 +0130", "Bob <bob@example.com> 7 -0030"


def _store(*texts: bytes) -> tuple[ObjectStore, list[str]]:
    """Commits of these bytes, in memory."""
    store = ObjectStore("/nowhere", {})
    new = [SHA1.new("commit", text) for text in texts]
    store.stage(new)
    return store, [item.id for item in new]


def _text(*parents: str, author: str = ADA, headers: str = "", message: str = "x\n") -> bytes:
    lines = [f"tree {TREE}\n", *(f"parent {parent}\n" for parent in parents)]
    lines += [f"author {author}\n", f"committer {BOB}\n", headers, "\n", message]
    return "".join(lines).encode("utf-8", "surrogateescape")


@pytest.mark.parametrize(
    "headers",
    ["", "gpgsig -----BEGIN\n more\n -----END\n", "gpgsig-sha256 x\n", "encoding latin-1\n"],
)
@pytest.mark.parametrize("parents", [(), (ONE,), (ONE, TWO)])
def test_all_that_it_says_is_read(headers: str, parents: tuple[str, ...]) -> None:
    """In its usual form, and with rare headers."""
    store, (name,) = _store(_text(*parents, headers=headers, message="one\n\ntwo\n"))
    assert read_commit(store, name) == CommitInfo(
        name,
        TREE,
        parents,
        Signature("Ada <ada@example.com>", 5, 90),
        Signature("Bob <bob@example.com>", 7, -30),
        "one\n\ntwo\n",
    )


@pytest.mark.parametrize(
    ("author", "person", "time", "zone"),
    [
        ("A <a> 253402300799 +0000", "A <a>", 253_402_300_799, 0),
        ("A <a> 253402300800 +0000", "A <a>", 253_402_300_799, 0),
        ("A <a> 0 +1400", "A <a>", 0, 840),
        ("A <a> 1 -0001", "A <a>", 1, -1),
        (" <> 1 +0000", " <>", 1, 0),
        ("A <a> -5 +0000", "A <a>", 0, 0),
    ],
)
def test_times_are_those_of_the_years_1970_to_9999(
    author: str, person: str, time: int, zone: int
) -> None:
    store, (name,) = _store(_text(author=author))
    assert read_commit(store, name).author == Signature(person, time, zone)


@pytest.mark.parametrize(
    "text", [b"", b"tree x\n\nx", _text().replace(b"committer", b"comitter"), b"\xff"]
)
def test_what_is_no_commit_is_malformed(text: bytes) -> None:
    store, (name,) = _store(text)
    with pytest.raises(Malformed) as caught:
        read_commit(store, name)
    assert caught.value.message == f"the commit {name} is malformed"
    assert caught.value.where == name


@pytest.mark.parametrize("headers", ["", "encoding x\n"])
def test_where_a_shallow_clone_ends_there_are_no_parents(
    monkeypatch: pytest.MonkeyPatch, headers: str
) -> None:
    store, (name,) = _store(_text(ONE, headers=headers))
    monkeypatch.setattr(store, "is_boundary", lambda commit: commit == name)
    assert read_commit(store, name).parents == ()


def test_a_name_is_that_of_a_person_or_the_address() -> None:
    for person, name in (("Ada Lo <a@b>", "Ada Lo"), (" <a@b>", " <a@b>"), ("Ada", "Ada")):
        assert Signature(person, 0).name == name


@pytest.mark.parametrize("name", ["sha1", "sha256"])
def test_one_that_is_made_is_git_s(name: str) -> None:
    form = FORMATS[name]
    ids = [digit * form.id_length * 2 for digit in "abc"]
    who, other = (
        Signature("Ada <a@b>", 5, -90),
        Signature("B\N{LATIN SMALL LETTER E WITH ACUTE} <b>", 7),
    )
    new = new_commit(form, ids[0], (ids[1], ids[2]), who, other, "one\n\ntwo\n")
    assert new.data.decode() == (
        f"tree {ids[0]}\nparent {ids[1]}\nparent {ids[2]}\nauthor Ada <a@b> 5 -0130\n"
        f"committer {other.person} 7 +0000\n\none\n\ntwo\n"
    )
    assert new == form.new("commit", new.data)
    store = ObjectStore("/nowhere", {}, form=form)
    store.stage([new])
    assert read_commit(store, new.id)[1:] == (ids[0], (ids[1], ids[2]), who, other, "one\n\ntwo\n")


# --- graphs --------------------------------------------------------------------------------------


class Drawn(ObjectStore):
    """Commits by letter, each on some of those before it, at a minute of its own."""

    def __init__(self, **parents: str) -> None:
        super().__init__("/nowhere", {})
        for number, (letter, before) in enumerate(parents.items()):
            ids = tuple(_id(parent) for parent in before)
            self.nodes[_id(letter)] = Node(_id(letter), "", ids, number, number)
            self.stage([NewObject(_id(letter), "commit", b"")])


def _id(letter: str) -> str:
    return f"{ord(letter):040}"


def _letters(ids: Iterable[str]) -> str:
    return "".join(chr(int(i)) for i in ids)


#  a ── b ── c ── f ── g
#        └── d ── e ┘
FORKED = {"a": "", "b": "a", "c": "b", "d": "b", "e": "d", "f": "ce", "g": "f"}


def test_children_come_before_parents_and_the_newest_first() -> None:
    objects = Drawn(**FORKED)

    def order() -> str:
        return _letters(Graph(objects, [_id("g")]).newest_first(_id("g")))

    assert order() == "gfedcba"
    objects.nodes[_id("c")] = objects.nodes[_id("c")]._replace(committed=99)
    assert order() == "gfcedba"
    objects.nodes[_id("b")] = objects.nodes[_id("b")]._replace(committed=199)
    assert order() == "gfcedba", "a wrong clock never puts a parent before its child"
    assert _letters(Graph(objects, [_id("b")]).newest_first(_id("b"))) == "ba"


def test_ancestors_are_all_that_is_read() -> None:
    objects = Drawn(**FORKED)
    node = objects.nodes.get
    assert set(_letters(ancestors(_id("f"), node))) == {*"abcdef"}
    assert set(_letters(ancestors(_id("e"), node))) == {*"abde"}
    ends = ancestors(_id("f"), lambda i: None if i == _id("d") else node(i))
    assert set(_letters(ends)) == {*"abcef"}


def test_who_comes_from_whom() -> None:
    objects = Drawn(**FORKED)
    for older, newer, answer in (
        ("a", "g", True),
        ("g", "a", False),
        ("c", "e", False),
        ("e", "c", False),
        ("d", "g", True),
        ("c", "c", True),
    ):
        assert is_ancestor(objects, _id(older), _id(newer)) is answer, (older, newer)
    assert not is_ancestor(objects, "9" * 40, _id("g"))


def test_heads_that_a_checkpoint_holds_say_nothing_beside_it() -> None:
    objects = Drawn(**FORKED, h="c")

    def point(letter: str, *holds: str) -> dict[str, Checkpoint]:
        return {_id(letter): Checkpoint(_id(letter), (0, 0), 1, (), tuple(map(_id, holds)))}

    def tips(heads: str, points: dict[str, Checkpoint]) -> str:
        return _letters(newest(objects, [_id(head) for head in heads], points))

    assert tips("ge", point("f", "e")) == "g"
    assert tips("eg", point("f", "e")) == "g"
    assert tips("ge", point("f")) == "ge"
    assert tips("ge", point("f", "c")) == "ge"
    assert tips("ee", point("f", "e")) == "e"
    assert tips("he", point("f", "e")) == "he", "it is not on the way back"
    assert tips("gg", {}) == "g"
    assert tips("g", point("g", "g")) == "g"


def test_a_commit_is_passed_on_the_way_to_a_checkpoint() -> None:
    objects = Drawn(**FORKED)
    points = {_id("d"): Checkpoint(_id("d"), (0, 0), 1)}
    for letter, passed in (("g", True), ("e", True), ("d", True), ("c", True), ("b", True)):
        assert is_passed(objects, _id(letter), _id("g"), points) is passed
    assert is_passed(objects, _id("b"), _id("e"), points) is False
    assert is_passed(objects, _id("e"), _id("g"), {}) is False


def test_the_way_back_ends_at_the_nearest_checkpoints() -> None:
    objects = Drawn(**FORKED)
    graph = Graph(objects, [_id("g")])
    points = {_id("e"): Checkpoint(_id("e"), (0, 0), 1)}
    assert set(_letters(ancestry._way_back(graph, _id("g"), points))) == {*"abcefg"}
    points |= {_id("c"): Checkpoint(_id("c"), (0, 0), 1)}
    assert set(_letters(ancestry._way_back(graph, _id("g"), points))) == {*"cefg"}
    points |= {_id("g"): Checkpoint(_id("g"), (0, 0), 1)}
    assert set(_letters(ancestry._way_back(graph, _id("g"), points))) == {*"g"}


# --- how much is read ----------------------------------------------------------------------------


@pytest.fixture
def line(repo: Repo) -> list[str]:
    """Seventy packed commits on each other, the newest first."""
    stream = "".join(
        f"commit refs/heads/line\ncommitter A <a@b> {1_800_000_000 + number} +0000\n"
        f"data 2\nx\nM 100644 inline f\ndata {len(str(number))}\n{number}\n"
        for number in range(70)
    )
    repo.git("fast-import", "--quiet", stdin=stream)
    repo.git("repack", "-adq")
    return repo.git("rev-list", "line").split()


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[str], list[str]]]:
    """The graphs that git was asked for."""
    questions: list[tuple[list[str], list[str]]] = []
    real = Plumbing.graph

    def graph(plumbing: Plumbing, heads: list[str], ends: list[str]) -> Iterable[Node]:
        questions.append(([*heads], [*ends]))
        return real(plumbing, heads, ends)

    monkeypatch.setattr(Plumbing, "graph", graph)
    return questions


def test_the_first_commits_are_read_one_by_one_and_then_git_is_asked(
    repo: Repo, line: list[str], asked: list[tuple[list[str], list[str]]]
) -> None:
    graph = Graph(ObjectStore(repo.git_dir, os.environ), line[:1])
    for number, commit in enumerate(line):
        node = graph.node(commit)
        assert node.parents == tuple(line[number + 1 : number + 2])
        assert len(asked) == (number >= commits._ONE_BY_ONE)
    assert asked == [([line[0], line[64]], [])]


def test_where_all_is_wanted_it_is_asked_at_once(
    repo: Repo, line: list[str], asked: list[tuple[list[str], list[str]]]
) -> None:
    graph = Graph(ObjectStore(repo.git_dir, os.environ), line[:1], line[50:51], wanted=True)
    assert graph.node(line[0]).id == line[0]
    assert asked == [([line[0], line[0]], line[50:51])]
    assert graph.node(line[49]).id == line[49]
    assert len(asked) == 1
    graph.node(line[60])
    assert asked[1] == ([line[60]], [])
    assert len(asked) == 2
    graph.node(line[69])
    assert len(asked) == 2


def test_a_walk_has_each_commit_once(repo: Repo, line: list[str]) -> None:
    objects = ObjectStore(repo.git_dir, os.environ)
    graph = Graph(objects, line[:1])
    assert [commit.id for commit in graph.commits(graph.newest_first(line[0]))] == line
    assert [c.id for c in graph.commits(line)] == line
    assert [c.message for c in graph.commits(line[:1])] == ["x\n"]


def test_what_was_read_is_not_read_again(
    repo: Repo, line: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    objects = ObjectStore(repo.git_dir, os.environ)
    graph = Graph(objects, line[:1])
    info = read_commit(objects, line[0])
    graph.add([info])

    def refuse(*_: object) -> bytes:
        raise InvalidData("it is read again")

    monkeypatch.setattr(objects, "read", refuse)
    assert graph.node(line[0]) == Node(
        info.id, info.tree, info.parents, info.author.time, info.committer.time
    )
    assert list(graph.commits(line[:1])) == [info]
