"""A list is followed: what is done to it is told once, and an unchanged one is not read."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from support import clones, gits
from support.repositories import Repo

from gittasks.core.operations import AddNote, Create, Transition, Verb
from gittasks.errors import NoRemote
from gittasks.workspace.watch import ListUpdate, RefWatcher


@contextmanager
def following(repo: Repo, fetch_every: float | None = None) -> Iterator[RefWatcher]:
    """A follower of the list `plan` that has had its first look."""
    follower = RefWatcher(repo.workspace("plan"), fetch_every)
    assert follower.look()
    try:
        yield follower
    finally:
        follower.close()


def await_news(follower: RefWatcher) -> ListUpdate:
    """What is new, as soon as there is something."""
    for _ in range(600):
        if news := follower.look():
            return news
        time.sleep(0.05)
    raise AssertionError(f"no news; fetch: {follower.fetch_problem}")


def told(news: ListUpdate) -> list[tuple[str, str]]:
    """Who did what, as (owner, task)."""
    return [(e.owner or e.by, c.task) for e in news.entries for c in e.changes[:1]]


def test_an_unchanged_list_is_not_read(listed: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the first look nothing is opened until the branch moves; of a reftable its names."""
    real = os.open

    def opened(path: str, *args: int) -> int:
        assert path.endswith("reftable/tables.list")
        return real(path, *args)

    with following(listed) as follower:
        monkeypatch.setattr(os, "open", opened)
        monkeypatch.setattr("builtins.open", os.fdopen)
        for _ in range(100):
            assert follower.look() is None


def test_each_commit_is_told_once_and_in_order(listed: Repo) -> None:
    """What several did between two looks is told commit by commit, oldest first."""
    with following(listed) as follower:
        listed.ok("start", "a", "--owner", "kim")
        listed.ok("done", "a", "--owner", "kim")
        listed.ok("note", "b", "hm", "--owner", "lee")
        news = follower.look()
        assert news
        assert told(news) == [("kim", "a"), ("kim", "a"), ("lee", "b")]
        assert news.branch
        assert news.branch.snapshot.tasks["a"].status == "completed"
        assert follower.look() is None


def test_the_first_look_tells_no_history(listed: Repo) -> None:
    """What was before is no news."""
    follower = RefWatcher(listed.workspace("plan"))
    news = follower.look()
    assert news
    assert news.branch
    assert news.entries == ()


def test_a_list_that_is_deleted_and_made_anew(listed: Repo) -> None:
    """That it is gone is told once, then that it is back, with what is new in it."""
    head = listed.head()
    with following(listed) as follower:
        listed.git("branch", "-q", "-D", "gittasks/plan")
        news = follower.look()
        assert news
        assert news.branch is None
        assert news.problem
        assert news.problem.exit_code == 8
        assert follower.look() is None
        listed.git("branch", "gittasks/plan", head)
        back = follower.look()
        assert back
        assert back.branch
        assert (back.branch.commit, back.entries) == (head, ())
        listed.git("branch", "-q", "-D", "gittasks/plan")
        listed.ok("init", "plan")
        listed.ok("create", "Other", "--id", "other")
        anew = follower.look()
        assert anew
        assert told(anew) == [("Ada", "other")]


def test_a_branch_moved_back_is_news_without_entries(listed: Repo) -> None:
    """Nobody committed anything, but the list says something else."""
    listed.ok("start", "a")
    with following(listed) as follower:
        listed.git("update-ref", "refs/heads/gittasks/plan", listed.head() + "~1")
        news = follower.look()
        assert news
        assert news.entries == ()
        assert news.branch
        assert news.branch.snapshot.tasks["a"].status == "pending"


@gits.files_only
def test_a_ref_that_cannot_be_read_is_told_once(listed: Repo) -> None:
    """A damaged ref file is a problem, told once; when it is mended the list goes on."""
    path = os.path.join(listed.git_dir, "refs", "heads", "gittasks", "plan")
    head = listed.head()
    with following(listed) as follower:
        with open(path, "w", encoding="ascii") as file:
            file.write("")
        news = follower.look()
        assert news
        assert news.problem
        assert news.problem.exit_code == 4
        assert follower.look() is None
        with open(path, "w", encoding="ascii") as file:
            file.write(head + "\n")
        mended = follower.look()
        assert mended
        assert mended.branch


def test_packing_refs_and_objects_is_no_news(listed: Repo) -> None:
    """What git's housekeeping moves around changes no list, and the next change is told."""
    with following(listed) as follower:
        listed.git("gc", "-q", "--prune=now")
        assert follower.look() is None
        listed.ok("start", "a")
        news = follower.look()
        assert news
        assert told(news) == [("Ada", "a")]


def test_what_is_fetched_is_told(tmp_path: object) -> None:
    """With an interval the remote is asked again and again, and a plain fetch by others counts."""
    ann, bob = clones.share(str(tmp_path), "ann", "bob")
    with following(bob, 0.2) as follower:
        ann.edit(Transition(Verb.START, "a"))
        ann.sync()
        news = await_news(follower)
        assert told(news) == [("Ada", "a")]
        ann.edit(Transition(Verb.DONE, "a"))
        bob.edit(AddNote("b", "mine"))
        ann.sync()
        seen: list[tuple[str, str]] = []
        while len(seen) < 2:
            seen += told(await_news(follower))
        assert sorted(seen) == [("Ada", "a"), ("Ada", "b")]
        assert follower.fetch_problem is None


def test_a_remote_that_fails_stops_nothing(tmp_path: object) -> None:
    """The reason is there to be shown, and what happens here is told as before."""
    ann, _ = clones.share(str(tmp_path), "ann", "bob")
    ann.git("remote", "set-url", "origin", os.path.join(str(tmp_path), "nowhere.git"))
    with following(ann, 0.1) as follower:
        while follower.fetch_problem is None:
            assert follower.look() is None
            time.sleep(0.05)
        assert follower.fetch_problem.exit_code == 7
        ann.edit(Create("New", id="new"))
        assert told(await_news(follower)) == [("Ada", "new")]


def test_there_must_be_a_remote_to_fetch_from(listed: Repo) -> None:
    """Without one the error says what to do."""
    with pytest.raises(NoRemote, match="no remote") as caught:
        RefWatcher(listed.workspace("plan"), 1.0)
    assert caught.value.exit_code == 8
