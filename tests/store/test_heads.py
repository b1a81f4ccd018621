"""What a list says at its heads, in histories of a few commits that are drawn beside the test."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from support.repositories import Repo

from gittasks.core.merge.dag import BEGINNING, order_along
from gittasks.core.model import Note, Unmerged
from gittasks.errors import FormatTooNew, InvalidData
from gittasks.store import ancestry, commits, evaluation
from gittasks.store.ancestry import Checkpoint, Region, read_checkpoints, region
from gittasks.store.commits import Signature, read_commit
from gittasks.store.evaluation import Memory, evaluate
from gittasks.store.list_tree import Evaluated, next_branch, read_branch
from gittasks.store.list_version import MERGE_SIGNER, Heads
from gittasks.store.merge_files import ListContents

START = 1_800_000_000


class Drawn:
    """Commits by the letter that each writes as a note, of which every one is made a minute on."""

    def __init__(self, repo: Repo) -> None:
        repo.remove("gittasks", "cache")
        self.repository = repo.workspace("plan").repository
        self.objects = self.repository.objects
        self.ids = {"o": repo.head()}

    def line(self, letters: str) -> None:
        """Commits on each other, on the first of the letters."""
        for before, letter in pairwise(letters):
            self.commit(letter, before)

    def commit(self, letter: str, *parents: str) -> str:
        """A commit that adds a note to the task a of its first parent."""
        branch = read_branch(self.objects, "plan", self.ids[parents[0]])
        task = branch.snapshot.tasks["a"]
        note = Note(f"2030-01-01T00:{len(self.ids):02}:00Z", "ada", letter)
        after = task._replace(notes=(*task.notes, note))
        tasks = {**branch.snapshot.tasks, "a": after}
        tree, _, new = next_branch(self.objects, branch, branch.snapshot._replace(tasks=tasks))
        self.objects.write(new)
        return self.tree(letter, tree, *parents)

    def tree(self, letter: str, tree: str, *parents: str, message: str = "x\n") -> str:
        """A commit of a tree."""
        who = Signature("Ada <ada@example.com>", START + 60 * len(self.ids))
        before = tuple(self.ids[parent] for parent in parents)
        commit = commits.new_commit(self.objects.form, tree, before, who, who, message)
        self.objects.write([commit])
        self.ids[letter] = commit.id
        return commit.id

    def heads(self, letters: str) -> Heads:
        """Local, fetched and published head; `-` stands for none."""
        return Heads(*(self.ids.get(letter) for letter in letters))

    def evaluated(self, letters: str, memory: Memory | None = None) -> Evaluated:
        heads = self.heads(letters)
        return evaluate(self.repository, "plan", heads, None, apart=True, memory=memory)

    def letters(self, ids: object) -> str:
        return "".join(letter for letter, i in self.ids.items() if i in ids)  # type: ignore[operator]

    def told(self, letters: str, memory: Memory | None = None) -> tuple[object, ...]:
        """The notes that are shown, what came and what is to go, what is lost and left out."""
        evaluated = self.evaluated(letters, memory)
        assert evaluated.branch.heads.at_same_commits(self.heads(letters))
        notes = "".join(n.text for n in evaluated.branch.snapshot.tasks["a"].notes)
        received, unsent = (
            self.letters([c.id for c in side]) for side in (evaluated.received, evaluated.unsent)
        )
        return notes, received, unsent, evaluated.behind, evaluated.branch.apart

    def checkpoints(self) -> dict[str, Checkpoint]:
        ref = self.repository.ref("plan")
        return read_checkpoints(self.repository.cache_path("merge", ref))

    def region(self, letters: str, points: dict[str, Checkpoint] | None = None) -> Region:
        return region(self.objects, [self.ids[i] for i in letters], points or {})


@pytest.fixture
def drawn(listed: Repo) -> Drawn:
    return Drawn(listed)


# --- heads one behind the other ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("heads", "told"),
    [
        # local, fetched, published: what is shown, received, unsent, lost by the remote
        ("d--", ("abcd", "", "", False, None)),
        ("-d-", ("abcd", "", "", False, None)),
        ("dd-", ("abcd", "", "", False, None)),
        ("bd-", ("abcd", "cd", "", False, None)),
        ("db-", ("abcd", "", "cd", False, None)),
        ("dbc", ("abcd", "", "cd", True, None)),
        ("dbd", ("abcd", "", "cd", True, None)),
        ("bac", ("abc", "c", "", True, None)),
        ("bbc", ("abc", "c", "", True, None)),
        ("bda", ("abcd", "cd", "", False, None)),
        ("-bc", ("abc", "", "", True, None)),
        ("d-c", ("abcd", "", "", False, None)),
        ("ddd", ("abcd", "", "", False, None)),
    ],
)
def test_the_newer_of_two_on_a_line_says_it_all(
    drawn: Drawn, heads: str, told: tuple[object, ...]
) -> None:
    """What the remote had and shows no more is still to come in, where it is not here."""
    drawn.line("oabcd")
    assert drawn.told(heads) == told
    assert drawn.told(heads) == told, "by the checkpoints that the first look has left"
    assert drawn.evaluated(heads).new == ()


def test_a_line_leaves_a_checkpoint_at_its_end(drawn: Drawn) -> None:
    """It says how long the history is, its order, and which other head it holds; once."""
    drawn.line("oabcd")
    length = 1 + len(drawn.ids)  # the list was made before its tasks
    drawn.evaluated("bd-")
    (point,) = drawn.checkpoints().values()
    assert (point.commit, point.length) == (drawn.ids["d"], length)
    assert point.holds == (drawn.ids["b"],)
    assert point.order == drawn.region("d").order_along(drawn.region("d").commits.values())
    drawn.line("de")
    drawn.evaluated("e--")
    points = drawn.checkpoints()
    assert [*points] == [drawn.ids["d"], drawn.ids["e"]]
    assert (points[drawn.ids["e"]].length, points[drawn.ids["e"]].holds) == (length + 1, ())


def test_no_checkpoint_is_left_where_a_file_cannot_be_read(drawn: Drawn, listed: Repo) -> None:
    """From there on somebody may repair it, and means what it did not say before."""
    broken = listed.hand_edit({"tasks/b.yaml": "subject: [\n"})
    drawn.ids["x"] = broken
    drawn.evaluated("x--")
    assert drawn.checkpoints() == {}


# --- heads that forked ---------------------------------------------------------------------------


def _fork(drawn: Drawn) -> None:
    r"""
    o--a--b--c
        \
         p--q
    """
    drawn.line("oabc")
    drawn.line("apq")


@pytest.mark.parametrize(
    ("heads", "told"),
    [
        ("cq-", ("abcpq", "pq", "bc", False, None)),
        ("qc-", ("abcpq", "bc", "pq", False, None)),
        # the remote went back: what it had counts, and the local head is brought together with that
        ("qbc", ("abcpq", "bc", "pq", True, None)),
        ("qac", ("abcpq", "bc", "pq", True, None)),
        # it has another commit there: rewritten, also where all that it had is here
        ("aqc", ("abc", "bc", "", False, Unmerged.REWRITTEN)),
        ("cqb", ("abc", "", "c", False, Unmerged.REWRITTEN)),
        ("-qc", ("abc", "", "", False, Unmerged.REWRITTEN)),
        # it has all that it had, and more
        ("cqp", ("abcpq", "pq", "bc", False, None)),
        ("cqa", ("abcpq", "pq", "bc", False, None)),
    ],
)
def test_what_a_remote_had_counts(drawn: Drawn, heads: str, told: tuple[object, ...]) -> None:
    _fork(drawn)
    assert drawn.told(heads) == told
    assert drawn.told(heads) == told, "by the checkpoints that the first look has left"
    assert drawn.told(heads, Memory()) == told


def test_a_remote_that_lost_what_is_here_is_behind(drawn: Drawn) -> None:
    """Nothing has to come from there, so what is here is merged as ever."""
    _fork(drawn)
    evaluated = drawn.evaluated("cq-")
    drawn.objects.write(evaluated.new)
    drawn.ids["M"] = evaluated.branch.commit
    drawn.line("Mr")
    assert drawn.told("rac") == ("abcpqr", "", "bcpqr", True, None)


def test_an_automatic_merge_that_is_gone_is_no_loss(drawn: Drawn) -> None:
    """The operations are what counts, and another merge has them all."""
    _fork(drawn)
    evaluated = drawn.evaluated("cq-")
    drawn.objects.write(evaluated.new)
    drawn.ids["M"] = evaluated.branch.commit
    tree = read_commit(drawn.objects, drawn.ids["M"]).tree
    drawn.tree("N", tree, "q", "c", message="Merge by hand\n")
    told = drawn.told("cNM")
    assert (told[0], told[3:]) == ("abcpq", (False, None))


def test_a_published_head_that_is_gone_is_none(drawn: Drawn) -> None:
    """A clone that was pruned since knows no better."""
    _fork(drawn)
    heads = drawn.heads("cq-")._replace(published="1" * 40)
    evaluated = evaluate(drawn.repository, "plan", heads, None)
    assert (evaluated.behind, evaluated.branch.apart) == (False, None)
    assert evaluated.branch.heads.published is None


# --- what cannot be brought together -------------------------------------------------------------


def test_what_was_fetched_of_a_newer_format_is_left_out(drawn: Drawn, listed: Repo) -> None:
    """What is here is shown, and why the rest is not; with nothing here it is an error."""
    drawn.line("oab")
    text = listed.git("show", "gittasks/plan:list.yaml").replace("format: 1", "format: 9")
    drawn.ids["x"] = listed.hand_edit({"list.yaml": text + "\n"})
    drawn.line("opq")
    assert drawn.told("bx-") == ("ab", "", "", False, Unmerged.NEWER)
    assert drawn.told("bxa") == ("ab", "", "", False, Unmerged.NEWER)
    for heads in ("-x-", "x--"):
        with pytest.raises(FormatTooNew):
            drawn.evaluated(heads)


def test_what_was_fetched_and_is_no_list_is_left_out(drawn: Drawn, listed: Repo) -> None:
    """A commit whose tree is none; with nothing else to read the error names who can mend it."""
    drawn.line("oab")
    tree = listed.git("hash-object", "-t", "tree", "-w", "--stdin", "--literally", stdin="no tree")
    drawn.tree("x", tree, "o")
    assert drawn.told("bx-") == ("ab", "", "", False, Unmerged.MALFORMED)
    for heads in ("-x-", "x--"):
        with pytest.raises(InvalidData) as caught:
            drawn.evaluated(heads)
        assert caught.value.commands == (("gittasks", "doctor"),)
        assert tree in caught.value.message
    drawn.line("bq")
    told = drawn.told("bqx")  # it was taken back since
    assert (told[0], told[3:]) == ("abq", (False, None))


def test_a_shallow_clone_keeps_to_what_is_here(drawn: Drawn, listed: Repo) -> None:
    """Where its history ends among what would be merged; a line needs no more of it."""
    _fork(drawn)
    with open(f"{listed.git_dir}/shallow", "w", encoding="ascii") as file:
        file.write(f"{drawn.ids['b']}\n{drawn.ids['p']}\n")
    drawn.repository = listed.workspace("plan").repository
    drawn.objects = drawn.repository.objects
    assert drawn.told("cq-") == ("abc", "", "", False, Unmerged.SHALLOW)
    assert drawn.told("bc-") == ("abc", "c", "", False, None)
    assert drawn.told("c--")[4] is None


# --- where a merge begins ------------------------------------------------------------------------


def test_a_merge_begins_where_the_history_forks(drawn: Drawn) -> None:
    """Up to there each commit says what it is: nothing before it is worked out."""
    _fork(drawn)
    area = drawn.region("cq")
    tips = [drawn.ids["c"], drawn.ids["q"]]
    run = evaluation.replay(drawn.objects, "plan", area, tips, None)
    assert run.area.base
    assert run.area.base.commit == drawn.ids["a"]
    assert run.area.base.length == len(area.commits) - 4
    line = [*area.commits.values()][: run.area.base.length]
    assert run.area.base.order == order_along((n.time for n in line), BEGINNING)
    assert drawn.letters(run.area.commits) == "bcpq"
    assert run.lengths[drawn.ids["c"]] == run.area.base.length + 2
    assert drawn.letters(run.history.points) == "abcpq"


def test_but_not_at_a_commit_with_a_file_that_cannot_be_read(drawn: Drawn, listed: Repo) -> None:
    drawn.line("oa")
    listed.git("update-ref", "refs/heads/gittasks/plan", drawn.ids["a"])
    drawn.ids["x"] = listed.hand_edit({"tasks/b.yaml": "subject: [\n"})
    drawn.line("xp")
    drawn.line("xq")
    area = drawn.region("pq")
    tips = [drawn.ids["p"], drawn.ids["q"]]
    run = evaluation.replay(drawn.objects, "plan", area, tips, None)
    assert run.area.base is None
    assert drawn.letters(run.area.commits) == "oaxpq"


def test_the_line_of_a_region_ends_where_there_is_a_choice(drawn: Drawn) -> None:
    """At a head, a fork, a merge, or the end; on from the base if there is one."""
    _fork(drawn)
    drawn.commit("M", "c", "q")
    area = drawn.region("M")

    def line(area: Region, *heads: str) -> str:
        return drawn.letters([node.id for node in area.line([drawn.ids[h] for h in heads])])

    assert line(area, "M") == "oa"
    assert line(area, "o", "M") == "o"
    point = Checkpoint(drawn.ids["a"], (START, 1), 3)
    later = drawn.region("c", {point.commit: point})
    assert later.base == point
    assert line(later, "c") == "bc"
    assert line(later, "a") == ""
    assert not area.is_line
    assert later.is_line
    assert later.behind(point, [drawn.ids["b"]]).commits.keys() == {drawn.ids["c"]}
    joined = drawn.region("M", {i: Checkpoint(i, (START, 1), 3) for i in (drawn.ids["a"],)})
    assert line(joined, "M") == ""


def test_a_region_ends_at_the_checkpoint_that_all_paths_meet(drawn: Drawn) -> None:
    """Of several the longest history cannot be behind the others: it is looked behind."""
    _fork(drawn)

    def points(**lengths: int) -> dict[str, Checkpoint]:
        rows = (Checkpoint(drawn.ids[i], (START, n), n) for i, n in lengths.items())
        return {row.commit: row for row in rows}

    def ends(heads: str, **lengths: int) -> tuple[str, str]:
        area = drawn.region(heads, points(**lengths))
        return drawn.letters([area.base.commit] if area.base else []), drawn.letters(area.commits)

    assert ends("cq", a=3) == ("a", "bcpq")
    assert ends("c", a=3, b=4) == ("b", "c")
    assert ends("cq", a=3, b=4) == ("a", "bcpq")
    assert ends("cq", a=3, b=4, p=4) == ("a", "bcpq")
    base, letters = ends("cq", b=4)  # the other path meets it nowhere
    assert (base, letters) == ("", "oabcpq")
    assert ends("c", c=5) == ("c", "")


# --- the replay that is kept ---------------------------------------------------------------------


def test_a_replay_goes_on_from_what_it_has_worked_out(drawn: Drawn) -> None:
    """What came since is looked at alone; from another beginning it is of no use."""
    _fork(drawn)
    memory = Memory()
    assert drawn.told("cq-", memory)[0] == "abcpq"
    first = memory._replays[0]
    drawn.line("qr")
    heads = (drawn.ids["c"], drawn.ids["r"])
    second = first.grown(drawn.objects, "plan", heads, None)
    assert second
    assert (second.news, drawn.letters(second.area.commits)) == (1, "bcpqr")
    assert second.parents_of(drawn.ids["r"]) == (drawn.ids["q"],)
    assert drawn.told("cr-") == ("abcpqr", "pqr", "bc", False, None)
    drawn.line("bs")
    third = second.grown(drawn.objects, "plan", (drawn.ids["s"], drawn.ids["r"]), None)
    assert third
    assert (third.news, drawn.letters(third.area.commits)) == (2, "bcpqrs")
    root = drawn.tree("z", read_commit(drawn.objects, drawn.ids["o"]).tree)
    assert second.grown(drawn.objects, "plan", (drawn.ids["c"], root), None) is None


def test_it_ends_growing(drawn: Drawn, monkeypatch: pytest.MonkeyPatch) -> None:
    _fork(drawn)
    drawn.line("qrst")
    monkeypatch.setattr(evaluation, "_NEWS", 2)

    def run() -> evaluation.Replay:
        memory = Memory()
        drawn.told("cq-", memory)
        return memory._replays[0]

    grown = run().grown(drawn.objects, "plan", (drawn.ids["c"], drawn.ids["s"]), None)
    assert grown
    assert grown.news == 2
    too_far = (drawn.ids["c"], drawn.ids["t"])
    assert run().grown(drawn.objects, "plan", too_far, None) is None
    assert grown.grown(drawn.objects, "plan", too_far, None) is None


def test_a_checkpoint_holds_the_heads_that_lack_some_of_it(drawn: Drawn) -> None:
    """Beside it they say nothing; the merge of two holds both, one of them neither."""
    _fork(drawn)
    evaluated = drawn.evaluated("cq-")
    points = drawn.checkpoints()
    merge = points[evaluated.branch.commit]
    assert drawn.letters(merge.holds) == "cq"
    assert points[drawn.ids["c"]].holds == points[drawn.ids["q"]].holds == ()
    assert merge.length == 1 + points[drawn.ids["c"]].length
    assert points[drawn.ids["q"]].length == points[drawn.ids["c"]].length
    assert merge.order == max(points[drawn.ids[i]].order for i in "cq")


# --- the merge that is made again ----------------------------------------------------------------


def test_a_merge_in_memory_is_made_again_without_the_history(
    drawn: Drawn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By what the list says; that it comes to the same id is the proof."""
    _fork(drawn)
    heads = drawn.heads("cq-")
    cached = evaluate(drawn.repository, "plan", heads, None)
    assert cached.branch.in_memory
    drawn.repository = Repo(drawn.repository.start).workspace("plan").repository

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("it looks at the history")

    monkeypatch.setattr(evaluation, "region", refuse)
    again = evaluate(drawn.repository, "plan", heads, cached.branch)
    assert again.branch is cached.branch
    assert [o.id for o in again.new] == [o.id for o in cached.new]
    assert again.conflicts == cached.conflicts
    drawn.repository.objects.close()
    for near, at in (
        (None, heads),
        (cached.branch, heads._replace(local=drawn.ids["b"])),
        (cached.branch._replace(apart=Unmerged.SHALLOW), heads),
    ):
        with pytest.raises(AssertionError, match="looks at the history"):
            evaluate(drawn.repository, "plan", at, near)


def test_the_automatic_commit_is_that_of_every_clone(drawn: Drawn) -> None:
    """Parents in the order of their ids, the time of the newest, no earlier than 1970."""
    _fork(drawn)
    contents = ListContents(drawn.objects, "plan")
    tree = read_commit(drawn.objects, drawn.ids["o"]).tree
    ids = sorted([drawn.ids["c"], drawn.ids["q"]])
    commit = contents.automatic_commit(tree, reversed(ids), (START, 7))
    drawn.objects.write([commit])
    info = read_commit(drawn.objects, commit.id)
    assert (info.parents, info.message) == (tuple(ids), "plan: automatic merge\n")
    assert info.author == info.committer == Signature(MERGE_SIGNER, START)
    early = contents.automatic_commit(tree, ids, (-5, 1))
    drawn.objects.write([early])
    assert read_commit(drawn.objects, early.id).author.time == 0


def test_checkpoints_are_read_as_they_were_written(drawn: Drawn, listed: Repo) -> None:
    """Also with open conflicts; of many the last ones stay."""
    path = drawn.repository.cache_path("merge", "x")
    shared = drawn.repository.shared
    rows = [Checkpoint(f"{n:040}", (START + n, n), n, (), (f"{n + 1:040}",)) for n in range(70)]
    ancestry.write_checkpoints(path, {}, rows, shared)
    read = read_checkpoints(path)
    assert [*read.values()] == rows[-64:]
    ancestry.write_checkpoints(path, read, [rows[10]._replace(holds=())], shared)
    assert [*read_checkpoints(path)][-1] == rows[10].commit
    again = rows[69]._replace(length=1)
    ancestry.write_checkpoints(path, {r.commit: r for r in rows[66:]}, [again, rows[66]], shared)
    assert [*read_checkpoints(path).values()] == [rows[67], rows[68], again, rows[66]]
    body = ancestry.CHECKPOINTS.read(path)
    assert body
    ancestry.CHECKPOINTS.write(path, json.dumps([[1, 2]]).encode(), shared)
    assert read_checkpoints(path) == {}
    assert read_checkpoints(f"{path}-none") == {}


def test_a_checkpoint_is_written_once(drawn: Drawn, monkeypatch: pytest.MonkeyPatch) -> None:
    """Again only where a head lies beside it that it was not known to hold."""
    written: list[list[str]] = []
    real = ancestry.write_checkpoints

    def write(path: str, old: object, new: list[Checkpoint], shared: object) -> None:
        written.append([drawn.letters([point.commit]) for point in new])
        real(path, old, new, shared)  # type: ignore[arg-type]

    monkeypatch.setattr(ancestry, "write_checkpoints", write)
    drawn.line("oabcd")
    for heads in ("d--", "d--", "db-", "db-", "d--", "dc-", "dc-"):
        drawn.evaluated(heads)
    assert written == [["d"], ["d"], ["d"]]
    assert drawn.letters(drawn.checkpoints()[drawn.ids["d"]].holds) == "c"


def test_the_past_of_a_line_is_read_at_its_head(drawn: Drawn, listed: Repo) -> None:
    """That of a fork is worked out; nothing is remembered of either."""
    _fork(drawn)

    def past(letters: str) -> str:
        heads = tuple(drawn.ids[letter] for letter in letters)
        version = evaluation.evaluate_past(drawn.repository, "plan", heads, None)
        return "".join(note.text for note in version.snapshot.tasks["a"].notes)

    assert [past("b"), past("q"), past("cq"), past("qc")] == ["ab", "apq", "abcpq", "abcpq"]
    assert drawn.checkpoints() == {}


def test_conflicts_of_a_base_are_those_of_its_past(drawn: Drawn) -> None:
    """A line on a merge with open conflicts is no line: they are told at its head as well."""
    drawn.line("oa")
    sides = {}
    for letter in "xy":
        branch = read_branch(drawn.objects, "plan", drawn.ids["a"])
        task = branch.snapshot.tasks["b"]._replace(description=letter)
        after = branch.snapshot._replace(tasks={**branch.snapshot.tasks, "b": task})
        tree, _, new = next_branch(drawn.objects, branch, after)
        drawn.objects.write(new)
        sides[letter] = drawn.tree(letter, tree, "a")
    evaluated = drawn.evaluated("xy-")
    assert len(evaluated.conflicts) == 1
    drawn.objects.write(evaluated.new)
    drawn.ids["M"] = evaluated.branch.commit
    drawn.line("Mn")
    for heads in ("M--", "n--"):
        assert len(drawn.evaluated(heads).conflicts) == 1
        at = (drawn.ids[heads[0]],)
        version = evaluation.evaluate_past(drawn.repository, "plan", at, None)
        assert version.contested == ("tasks/b.yaml",)


def test_a_checkpoint_of_a_merge_by_hand_is_as_long_as_its_longest_path(drawn: Drawn) -> None:
    _fork(drawn)
    evaluated = drawn.evaluated("cq-")
    drawn.objects.write(evaluated.new)
    tree = read_commit(drawn.objects, evaluated.branch.commit).tree
    drawn.tree("N", tree, "c", "q", message="Merge by hand\n")
    assert drawn.evaluated("N--").new == ()
    points = drawn.checkpoints()
    longest = max(points[drawn.ids[letter]].length for letter in "cq")
    assert points[drawn.ids["N"]].length == longest + 1
    assert points[evaluated.branch.commit].length == longest + 1
