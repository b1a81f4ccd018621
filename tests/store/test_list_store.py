"""One list of a repository: its heads, what is kept of it, and what is said without it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from support.repositories import Repo

from gittasks.errors import BranchGone, NoList, NotFound
from gittasks.store import list_version, remotes
from gittasks.store.list_store import ListStore
from gittasks.store.list_version import Heads
from gittasks.store.repository import Repository

REF = "refs/heads/gittasks/plan"
TRACKED = "refs/remotes/o/gittasks/plan"


def _store(repo: Repo, remote: str | None = None) -> ListStore:
    return ListStore(Repository(repo.path, os.environ), "plan", remote)


@pytest.fixture
def ahead(listed: Repo) -> Repo:
    """A remote `o` that has one commit more than there is here."""
    listed.fetched({"x": "x\n"}, "o")
    return listed


def _tip(repo: Repo) -> str:
    return repo.git("rev-parse", TRACKED)


def test_its_heads_are_here_and_as_fetched(ahead: Repo) -> None:
    local, tracked = ahead.head(), _tip(ahead)
    assert _store(ahead).heads() == Heads(local, tracked)
    assert _store(ahead).head() == local
    assert _store(ahead, "o").remote == "o"
    ahead.git("update-ref", "-d", REF)
    assert _store(ahead).heads() == Heads(None, tracked)
    assert _store(ahead).head() == tracked
    ahead.git("update-ref", "-d", TRACKED)
    assert _store(ahead).heads() == Heads(None, None)
    assert _store(ahead).head() is None


def test_one_that_was_never_here_can_be_made(repo: Repo) -> None:
    for read in (ListStore.load, ListStore.evaluate, ListStore.readable_commit):
        with pytest.raises(NoList) as caught:
            read(_store(repo))
        error = caught.value
        assert error.message == 'there is no task list "plan" in this repository'
        (way,) = error.ways
        assert (way.purpose, way.command) == ("make it", ("gittasks", "init", "plan"))
    assert _store(repo).cached() is None
    _store(repo).check_not_gone()


def test_one_that_is_gone_with_what_was_made_can_be_brought_back(listed: Repo) -> None:
    listed.ok("start", "a")
    listed.git("update-ref", "-d", REF)
    with pytest.raises(BranchGone) as caught:
        _store(listed).load()
    error = caught.value
    words = 'the branch of the task list "plan" is gone with what was made here'
    assert error.message == words
    assert [(way.purpose, way.command, way.decision) for way in error.ways] == [
        ("bring it back", ("gittasks", "lists", "restore", "plan"), False),
        ("let it go", ("gittasks", "lists", "forget", "plan"), True),
    ]


def test_a_remote_that_is_given_decides_if_there_is_one(ahead: Repo) -> None:
    assert _store(ahead, "o").decisive == "o"
    assert _store(ahead).decisive == "o"
    with pytest.raises(NotFound, match='no remote "p"'):
        assert _store(ahead, "p").decisive


def test_it_is_worked_out_once_for_the_same_heads(
    ahead: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    nears: list[Any] = []
    real = ListStore.merged

    def merged(store: ListStore, heads: Heads, near: Any, *, apart: bool = False) -> Any:
        nears.append(near)
        return real(store, heads, near, apart=apart)

    monkeypatch.setattr(ListStore, "merged", merged)
    ahead.remove("gittasks", "cache")
    list_version._opened.clear()
    assert _store(ahead).cached() is None
    first = _store(ahead).load()
    assert nears == [None]
    assert _store(ahead).load() == first == _store(ahead).cached()
    assert _store(ahead).readable_commit() == first.commit == _tip(ahead)
    assert len(nears) == 1
    ahead.git("update-ref", REF, _tip(ahead))
    assert _store(ahead).cached() is None
    again = _store(ahead).load()
    assert (again.commit, again.heads[:2]) == (_tip(ahead), (_tip(ahead), _tip(ahead)))
    assert nears[1] == first, "what was worked out before saves some reading"
    store = _store(ahead)
    store.forget_cached()
    assert store.cached() is None


def test_what_is_not_whole_is_not_kept(listed: Repo) -> None:
    store = _store(listed)
    branch = store.load()
    store.forget_cached()
    pieces = Path(list_version.pieces_path(listed.git_dir, "plan"))
    pieces.parent.mkdir(parents=True, exist_ok=True)
    pieces.touch()
    store.remember(branch._replace(whole=False))
    assert (store.cached(), pieces.exists()) == (None, True)
    store.remember(branch)
    cached = store.cached()
    assert cached
    assert (cached.commit, pieces.exists()) == (branch.commit, False)


def test_a_merge_in_memory_is_read_where_it_can_be(ahead: Repo) -> None:
    """Its objects are those of the process that made it."""
    ahead.hand_edit({"mine": "x\n"})
    shown = _store(ahead).load()
    assert shown.in_memory
    other = _store(ahead)
    assert other.readable_commit() == shown.commit
    assert other.repository.objects.read(shown.commit, "commit")
    assert _store(ahead).load_readable().commit == shown.commit


def test_a_trace_differs_once_one_of_its_heads_may_have_moved(ahead: Repo) -> None:
    seen = {_store(ahead).trace()}
    assert _store(ahead).trace() in seen
    ahead.git("update-ref", TRACKED, ahead.head())
    seen.add(_store(ahead).trace())
    ahead.hand_edit({"y": "y\n"})
    seen.add(_store(ahead).trace())
    assert len(seen) == 3


def test_news_are_what_the_remote_has_since(ahead: Repo) -> None:
    local, tracked = ahead.head(), _tip(ahead)
    assert [c.id for c in _store(ahead).news(local)] == [tracked]
    assert _store(ahead).news(tracked) == ()
    whole = [c.id for c in _store(ahead).news(None)]
    assert whole == ahead.git("rev-list", "--reverse", tracked).split()
    assert [c.id for c in _store(ahead).walk()] == whole[::-1]
    assert [c.id for c in _store(ahead).walk(local)] == whole[-2::-1]
    assert _store(ahead).commit(tracked).parents == (local,)
    assert _store(ahead).graph(tracked).node(tracked).parents == (local,)


def test_where_the_remote_was_seen_is_noted_by_a_look(ahead: Repo) -> None:
    """Not where what it shows is another remote's, or was not taken in."""
    repository = Repository(ahead.path, os.environ)
    assert remotes.held(repository, "o", "plan") is None
    _store(ahead).evaluate()
    assert remotes.held(repository, "o", "plan") == _tip(ahead)
    tip = _tip(ahead)
    ahead.git("update-ref", TRACKED, ahead.head())
    evaluated = _store(ahead).evaluate()
    assert evaluated.behind
    assert evaluated.branch.commit == tip
    assert remotes.held(repository, "o", "plan") == tip


def test_operations_that_are_gone_are_counted(listed: Repo) -> None:
    before = listed.head()
    listed.ok("start", "a")
    assert _store(listed).load().lost == 0
    listed.git("update-ref", REF, before)
    assert _store(listed).load().lost == 1


def test_each_end_of_a_shallow_clone_has_a_history_of_its_own(listed: Repo) -> None:
    whole = _store(listed).history_path
    assert whole.endswith("/cache/history/gittasks/plan")
    paths = {whole}
    for end in (listed.head(), listed.git("rev-parse", "gittasks/plan~1")):
        Path(listed.git_dir, "shallow").write_text(f"{end}\n")
        paths.add(_store(listed).history_path)
    assert len(paths) == 3
    assert _store(listed).tentative_path == f"{listed.git_dir}/gittasks/tentative/plan"


def test_an_earlier_version_is_read_at_its_commit(listed: Repo) -> None:
    before = listed.head()
    listed.ok("start", "a")
    store = _store(listed)
    now = store.load()
    then = store.load_at(before, now)
    assert then.commit == before
    assert then.snapshot.tasks["a"].status == "pending"
    assert then.snapshot.tasks["b"] is now.snapshot.tasks["b"]
