"""A session's defaults: the list that is meant, who acts, the moment, whose commit it is."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.clones import share
from support.repositories import Repo

from gittasks.core.model import Actor, ListInfo, ListState
from gittasks.errors import NoList, NoRemote, Usage, Way
from gittasks.store.commits import Signature
from gittasks.store.repository import Repository
from gittasks.workspace import session
from gittasks.workspace.session import Author, ChosenList, Moment, Session
from gittasks.workspace.workspace import Workspace

DATE = {"GIT_AUTHOR_DATE": "1893456000 +0000"}


def _opened(repo: Repo, **env: str) -> Repository:
    return Repository(repo.path, {**os.environ, **env})


def _chosen(repo: Repo, option: str | None = None, **env: str) -> ChosenList:
    return session.choose_list(_opened(repo, **env), option)


def _no_list(repo: Repo, option: str | None = None, **env: str) -> NoList:
    with pytest.raises(NoList) as caught:
        _chosen(repo, option, **env)
    return caught.value


@pytest.fixture
def lists(repo: Repo) -> Repo:
    """The lists one, two, three and four; nothing is chosen."""
    for name in ("one", "two", "three", "four"):
        repo.workspace().create_list(name)
    return repo


class TestList:
    """The list that is meant, by what named it."""

    def test_what_named_it(self, lists: Repo) -> None:
        both = {"GITTASKS_LIST": "one", "CLAUDE_CODE_TASK_LIST_ID": "two"}
        assert _chosen(lists, "three", **both) == ("three", "--list")
        assert _chosen(lists, **both) == ("one", "GITTASKS_LIST")
        assert _chosen(lists, CLAUDE_CODE_TASK_LIST_ID="two") == (
            "two",
            "CLAUDE_CODE_TASK_LIST_ID",
        )
        lists.git("config", "gittasks.list", "two")
        assert _chosen(lists) == ("two", "git config gittasks.list")
        lists.git("checkout", "-q", "-b", "one")
        assert _chosen(lists) == ("one", "the current branch")
        session.write_choice(_opened(lists), "four")
        assert _chosen(lists) == ("four", "gittasks use")
        lists.git("checkout", "-q", "-b", "elsewhere")
        assert _chosen(lists) == ("four", "gittasks use")
        session.forget_choice(_opened(lists), "one")
        assert _chosen(lists) == ("four", "gittasks use")
        session.forget_choice(_opened(lists), "four")
        assert _chosen(lists) == ("two", "git config gittasks.list")

    def test_a_name_that_is_no_id_is_refused_with_what_gave_it(self, lists: Repo) -> None:
        with pytest.raises(Usage, match=r'^GITTASKS_LIST is "../x", which is not a list id: '):
            _chosen(lists, GITTASKS_LIST="../x")
        lists.git("config", "gittasks.list", "a b")
        with pytest.raises(Usage, match=r'^git config gittasks\.list is "a b", which is not'):
            _chosen(lists)

    def test_a_choice_that_cannot_be_read_is_none(self, lists: Repo) -> None:
        path = Path(lists.git_dir, "gittasks-list")
        for text in ("", "../x\nmain\n", "one"):
            path.write_text(text)
            assert session.read_choice(_opened(lists)) is None, text
        path.write_text("one\n\n")
        assert session.read_choice(_opened(lists)) == ("one", None)
        path.write_text("one\nmain\nof a later version\n")
        assert session.read_choice(_opened(lists)) == ("one", "main")

    def test_a_detached_head_has_no_list_of_its_name(self, lists: Repo) -> None:
        lists.git("checkout", "-q", "--detach")
        assert session.list_of_branch(None) is None
        assert _no_list(lists).message.startswith("several")
        session.write_choice(_opened(lists), "two")
        assert session.read_choice(_opened(lists)) == ("two", None)
        assert _chosen(lists) == ("two", "gittasks use")

    def test_a_list_is_named_as_a_branch_without_its_slashes(self) -> None:
        assert session.list_of_branch("feat/login/form") == "feat-login-form"
        assert session.list_of_branch("no list?") is None
        assert session.list_of_branch("") is None

    def test_of_several_three_are_offered(self, lists: Repo) -> None:
        error = _no_list(lists)
        assert error.message == "several task lists are here: four, one, three, two"
        assert (
            error.advice
            == "choose one with: gittasks use LIST, or for one command with --list LIST"
        )
        assert error.ways == tuple(
            Way(f"work on {name}", ("gittasks", "use", name), decision=True)
            for name in ("four", "one", "three")
        )
        assert error.details == {"lists": ["four", "one", "three", "two"]}

    def test_the_only_one_and_the_only_open_one(self, lists: Repo) -> None:
        work = lists.workspace()
        for name in ("one", "two"):
            work.mark_list(name, ListState.ARCHIVED)
        assert _no_list(lists).details == {"lists": ["four", "three"]}
        work.mark_list("four", ListState.DROPPED)
        assert _chosen(lists) == ("three", "the only open list")
        for name in ("one", "two", "four"):
            lists.git("branch", "-qD", f"gittasks/{name}")
        assert _chosen(lists) == ("three", session.ONLY)

    def test_a_list_that_cannot_be_read_counts_as_open(self, lists: Repo) -> None:
        for name in ("two", "three", "four"):
            lists.git("branch", "-qD", f"gittasks/{name}")
        lists.workspace().create_list("bad")
        lists.hand_edit({"list.yaml": "format: 99\n"}, list_id="bad")
        assert _no_list(lists).details == {"lists": ["bad", "one"]}

    def test_where_none_is_open_one_is_looked_at_or_opened(self, lists: Repo) -> None:
        for name in ("one", "two", "three", "four"):
            lists.workspace().mark_list(name, ListState.ARCHIVED)
        error = _no_list(lists)
        names = "four, one, three, two"
        assert error.message == f"no task list is open here; archived or dropped: {names}"
        assert error.commands == (
            ("gittasks", "status", "--list", "four"),
            ("gittasks", "unarchive", "four"),
        )
        assert [way.purpose for way in error.ways] == ["look at one", "open it again"]
        assert "gittasks init NAME" in str(error.advice)
        assert error.details == {"lists": names.split(", ")}

    def test_where_there_is_none_one_is_made_or_fetched(self, repo: Repo) -> None:
        error = _no_list(repo)
        assert (error.message, error.ways) == ("this repository has no task list yet", ())
        assert "gittasks init NAME" in str(error.advice)
        repo.git("remote", "add", "origin", repo.path)
        assert _no_list(repo).ways == (Way("fetch the lists of others", ("gittasks", "pull")),)

    def test_words_about_a_list_that_is_not_open(self) -> None:
        plan = ListInfo(id="plan", title="")
        assert session.ended_notice(plan) is None
        since = "2030-02-03T04:05:06Z"
        for info in (plan._replace(archived=since), plan._replace(dropped=since)):
            words = f'"plan" has been {info.state} since 2030-02-03; open it again'
            assert session.ended_notice(info) == Way(words, ("gittasks", "unarchive", "plan"))


class TestNoSuchList:
    """The error for a list that is named and not here leads to what was meant."""

    def _error(self, repo: Repo, list_id: str, by: str = "--list") -> NoList:
        return session.no_such_list(_opened(repo), ChosenList(list_id, by))

    def test_near_names_come_first_and_else_all(self, lists: Repo) -> None:
        error = self._error(lists, "thre")
        assert error.message == 'no task list "thre" here'
        assert error.ways == (Way("there is three; make it", ("gittasks", "init", "thre")),)
        assert error.details == {"lists": ["four", "one", "three", "two"]}
        error = self._error(lists, "zzz", "GITTASKS_LIST")
        assert error.message == 'no task list "zzz" here (named by GITTASKS_LIST)'
        assert error.ways[0].purpose == "there is four, one, three, two; make it"
        assert self._error(lists, "zzz", session.ONLY).message == 'no task list "zzz" here'

    def test_a_name_that_differs_in_case_alone_is_used(self, lists: Repo) -> None:
        (way,) = self._error(lists, "TWO").ways
        assert way.command == ("gittasks", "use", "two")
        assert way.purpose.endswith("use it")

    def test_a_repository_without_lists_names_none(self, repo: Repo) -> None:
        repo.git("remote", "add", "origin", repo.path)
        fetch, make = self._error(repo, "plan").ways
        assert fetch.command == ("gittasks", "pull", "--all")
        assert make == Way("make it", ("gittasks", "init", "plan"))


class TestOtherPrefixes:
    """A list under another prefix is named where the one that is meant is not here."""

    @pytest.fixture
    def moved(self, listed: Repo) -> Repo:
        """The list plan as `tasks/plan` alone."""
        listed.git("branch", "-qm", "gittasks/plan", "tasks/plan")
        listed.remove("gittasks")
        listed.remove("gittasks-list")
        return listed

    def test_the_prefix_is_a_decision(self, moved: Repo) -> None:
        error = _no_list(moved)
        assert error.message == (
            "this repository has no task list yet, but branches that do not begin with "
            '"gittasks/": tasks/plan (plan)'
        )
        command = ("git", "config", "gittasks.branchPrefix", "tasks/")
        assert error.ways == (Way("take tasks/ for the prefix", command, decision=True),)
        assert error.advice is None

    def test_only_the_list_that_is_meant(self, moved: Repo) -> None:
        named = ChosenList("plan", "--list")
        error = session.no_such_list(_opened(moved), named)
        assert error.message.endswith('"gittasks/": tasks/plan (plan)')
        assert [way.purpose for way in error.ways] == ["take tasks/ for the prefix"]
        error = session.no_such_list(_opened(moved), ChosenList("other", "--list"))
        assert error.message == 'no task list "other" here'
        assert [way.purpose for way in error.ways] == ["make it"]

    def test_a_branch_that_is_not_named_as_its_list_has_no_prefix(self, moved: Repo) -> None:
        moved.git("branch", "-qm", "tasks/plan", "claude/work")
        error = _no_list(moved)
        assert error.message.endswith('"gittasks/": claude/work (plan)')
        assert error.ways == ()

    def test_what_a_remote_has_under_one_is_pulled(self, moved: Repo) -> None:
        moved.git("update-ref", "refs/remotes/origin/tasks/plan", "tasks/plan")
        moved.git("update-ref", "-d", "refs/heads/tasks/plan")
        moved.git("remote", "add", "origin", moved.path)
        pull, take = _no_list(moved).ways
        assert pull == Way("take up what the branches of the remote hold", ("gittasks", "pull"))
        assert take.command[-1] == "tasks/"


class TestActor:
    """The owner and session that act."""

    def _actor(self, repo: Repo, option: str | None = None, **env: str) -> Actor:
        return session.choose_actor(_opened(repo, **env), option)

    def test_the_owner_is_named_by_an_option_or_a_variable(self, repo: Repo) -> None:
        assert self._actor(repo, "bo", GITTASKS_OWNER="cy") == Actor("bo", None, named=True)
        assert self._actor(repo, GITTASKS_OWNER="cy") == Actor("cy", None, named=True)
        assert self._actor(repo) == Actor("Ada", None, named=False)
        repo.git("config", "gittasks.owner", "dee")
        assert self._actor(repo) == Actor("dee", None, named=False)

    def test_the_session_is_ours_before_that_of_an_agent(self, repo: Repo) -> None:
        env = {"GITTASKS_SESSION": " s  1 ", "CLAUDE_CODE_SESSION_ID": "s2"}
        assert self._actor(repo, **env).session == "s 1"
        assert self._actor(repo, **{**env, "GITTASKS_SESSION": ""}).session == "s2"

    def test_names_are_of_one_printable_line(self, repo: Repo) -> None:
        assert self._actor(repo, " a\n b ").owner == "a b"
        assert self._actor(repo, "x" * 200).owner == "x" * 200
        for name, what in (("x" * 201, "owner"), ("a\x07", "owner"), (" ", "owner")):
            with pytest.raises(Usage, match=f"^the {what} must be one line of 1 to 200 printable"):
                self._actor(repo, name)
        with pytest.raises(Usage, match=r"^the session must be one line.*'a\\x07'"):
            self._actor(repo, GITTASKS_SESSION="a\x07")

    def test_the_login_stands_in_for_a_name(
        self, repo: Repo, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        env = {"LOGNAME": "a", "USER": "b", "USERNAME": "c"}
        for name in ("a", "b", "c"):
            assert session.login(env) == name
            del env[next(iter(env))]
        pwd = pytest.importorskip("pwd")
        assert session.login({"LOGNAME": ""}) == pwd.getpwuid(os.getuid()).pw_name
        monkeypatch.setattr(os, "getuid", lambda: 2**30 + 17)
        assert session.login({}) == "unknown"
        Path(os.environ["GIT_CONFIG_GLOBAL"]).write_text("")
        assert self._actor(repo, LOGNAME="lovelace") == Actor("lovelace", None, named=False)


class TestMoment:
    """The moment of a write, by the clock or as git is told."""

    @pytest.mark.parametrize(
        ("zone", "minutes"),
        [("+0000", 0), ("+0530", 330), ("-0330", -210), ("-1200", -720), ("+0045", 45)],
    )
    def test_git_s_own_variable_is_taken_as_git_takes_it(
        self, repo: Repo, zone: str, minutes: int
    ) -> None:
        moment = session.current_moment(_opened(repo, GIT_AUTHOR_DATE=f"1893456000 {zone}"))
        assert moment == Moment(1893456000, minutes)
        assert moment.text == "2030-01-01T00:00:00Z"

    @pytest.mark.parametrize("date", ["nonsense", "@253402300800 +0000"])
    def test_what_is_no_date_is_refused(self, repo: Repo, date: str) -> None:
        with pytest.raises(Usage) as caught:
            session.current_moment(_opened(repo, GIT_AUTHOR_DATE=date))
        assert caught.value.message == f"GIT_AUTHOR_DATE is {date!r}, which is not a date"
        assert caught.value.hint == "unset it, or give a date such as 2026-11-22T10:00:00Z"

    def test_the_last_second_of_the_last_year_is_one(self, repo: Repo) -> None:
        date = "@253402300799 +0000"
        moment = session.current_moment(_opened(repo, GIT_AUTHOR_DATE=date))
        assert moment.text == "9999-12-31T23:59:59Z"

    @pytest.fixture
    def _in_nepal(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        with monkeypatch.context() as patch:
            patch.setenv("TZ", "<+0545>-5:45")
            time.tzset()
            yield
        time.tzset()

    @pytest.mark.usefixtures("_in_nepal")
    def test_else_it_is_now_where_we_are(self, repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("time.time", lambda: 1893456000.9)
        for env in ({}, {"GIT_AUTHOR_DATE": ""}):
            assert session.current_moment(_opened(repo, **env)) == Moment(1893456000, 345)


class TestPeople:
    """Author and committer of a write."""

    def test_git_s_own_and_the_committer_that_differs(self, repo: Repo) -> None:
        moment = Moment(7, 60)
        people, hint = session.signatures(_opened(repo, GIT_COMMITTER_NAME="Bo"), moment)
        assert people.author == Signature("Ada <ada@example.com>", 7, 60)
        assert people.committer == Signature("Bo <ada@example.com>", 7, 60)
        assert hint is None

    def test_without_a_name_it_is_the_login_and_that_is_said(self, repo: Repo) -> None:
        Path(os.environ["GIT_CONFIG_GLOBAL"]).write_text("[user]\n\tuseConfigOnly = true\n")
        people, hint = session.signatures(_opened(repo, LOGNAME="a <b>\tc"), Moment(7, 60))
        person = "a bc <a.bc@localhost>"
        assert people.author == people.committer == Signature(person, 7, 60)
        assert str(hint).startswith(f"git knows no name for you, so this is recorded as {person}; ")
        people, _ = session.signatures(_opened(repo, LOGNAME="<>"), Moment(7, 60))
        assert people.author.person == "unknown <unknown@localhost>"

    def test_for_the_author_of_a_commit_both_are_that_one(self, repo: Repo) -> None:
        author = Author("Bo <bo@example.com>", 9, -60)
        people, hint = session.signatures(_opened(repo), Moment(7, 60), author)
        assert people.author == people.committer == Signature(*author)
        assert hint is None

    @pytest.mark.parametrize(
        ("person", "owner"),
        [
            ("Bo Dee <bo@example.com>", "Bo Dee"),
            ("<bo@example.com>", "bo@example.com"),
            ("B\x07o <bo@example.com>", "B o"),
            ("x" * 300 + " <x@example.com>", "x" * 200),
            ("<>", "unknown"),
            ("", "unknown"),
        ],
    )
    def test_an_author_acts_by_name_in_no_session(self, person: str, owner: str) -> None:
        assert Author(person, 0, 0).actor == Actor(owner, None, named=False)


class TestSession:
    """One session, and those that come from it."""

    def test_a_selected_list_is_worked_on_by_the_same(self, lists: Repo) -> None:
        """Who acts, the remote that decides, notices and commits are those of the first."""
        repository = _opened(lists)
        first = Workspace(repository, "one", "bo", ["said"], remote_option="origin")
        assert not first.select("two").cut_ids
        first.cut_ids = True
        second = first.select("two")
        assert (second.list_id, second.actor) == ("two", first.actor)
        assert second.repository is repository
        assert second.notices is first.notices
        assert second.commits is first.commits
        assert second.cut_ids
        assert second.store.remote == first.store.remote == "origin"

    def test_the_author_of_a_commit_acts_at_its_date(self, lists: Repo) -> None:
        author = Author("Bo <bo@example.com>", 9, -60)
        first = lists.workspace("one", **DATE)
        second = first.acting_for(author, "its-own-id")
        assert second.list_id == "one"
        assert (second.actor, second.now()) == (author.actor, Moment(9, -60))
        assert [second.new_operation_id() for _ in "ab"] == ["its-own-id"] * 2
        assert second.signatures(Moment(7, 0))[0].author == Signature(*author)
        assert (first.actor.owner, first.now()) == ("Ada", Moment(1893456000, 0))
        assert first.signatures(Moment(7, 0))[0].author == Signature("Ada <ada@example.com>", 7, 0)
        ids = {first.new_operation_id() for _ in range(3)}
        assert len(ids) == 3
        assert {len(name) for name in ids} == {20}

    def test_opening_one_reads_nothing(self, lists: Repo) -> None:
        work = lists.workspace("one")
        assert work.used_store is None
        store = work.store
        assert store.list_id == "one"
        assert work.store is store
        assert work.used_store is store

    def test_notices_are_said_once(self, lists: Repo) -> None:
        work = lists.workspace("one")
        work.notify(["a", "b"])
        work.notify(["b", "c"])
        work.note_lagging(["/there"])
        assert work.notices[:3] == ["a", "b", "c"]
        (lagging,) = work.notices[3:]
        assert str(lagging).startswith("/there has this branch checked out and could not be ")
        assert str(lagging).endswith("; before you commit there, see: git -C /there status")

    def test_a_list_that_is_not_open_is_said_once_and_refused_where_nobody_named_it(
        self, listed: Repo
    ) -> None:
        listed.workspace("plan").mark_list("plan", ListState.ARCHIVED)
        work = listed.workspace("plan")
        for _ in range(2):
            work.snapshot()
        assert work.notices == [session.ended_notice(work.snapshot().info)]
        listed.forget_choice()
        with pytest.raises(NoList, match="no task list is open here"):
            listed.workspace().snapshot()

    def test_what_another_program_took_back_is_said_with_both_ways(self, listed: Repo) -> None:
        before = listed.head()
        listed.workspace("plan").note("a", "x")
        listed.git("update-ref", "refs/heads/gittasks/plan", before)
        work = listed.workspace("plan")
        for _ in range(2):
            work.branch()
        words = session.lost_words("plan", 1)
        assert work.notices == [
            Way(f"{words}; bring back", ("gittasks", "lists", "restore", "plan")),
            Way("or forget", ("gittasks", "lists", "forget", "plan"), decision=True),
        ]
        moved = 'missing from the branch of "plan", which another program moved or deleted'
        assert words == f"1 change made here is {moved}"
        assert session.lost_words("plan", 2) == f"2 changes made here are {moved}"


class TestRemotes:
    """The list that is fetched as it is named, and nobody to share with."""

    @pytest.fixture
    def bob(self, tmp_path: object) -> Repo:
        """A clone of a hub with the list plan, which it has not fetched."""
        bob = share(str(tmp_path), "ada", "bob")[1]
        bob.git("update-ref", "-d", "refs/remotes/origin/gittasks/plan")
        return bob

    def test_a_list_that_is_missing_is_fetched_once(self, bob: Repo) -> None:
        work = bob.workspace("plan")
        assert set(work.snapshot().tasks) == {"a", "b", "c"}
        assert work.notices == ['fetched the list "plan" from origin']
        assert not work.fetch_missing()
        other = bob.workspace("nowhere")
        for _ in range(2):
            with pytest.raises(NoList, match=r'no task list "nowhere" here$'):
                other.snapshot()
        assert other.notices == []

    def test_it_is_asked_for_once(self, bob: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
        asked: list[tuple[str, str]] = []

        def fetch(_self: Session, remote: str, list_id: str) -> bool:
            asked.append((remote, list_id))
            return False

        monkeypatch.setattr(Workspace, "_fetch", fetch)
        work = bob.workspace("plan")
        assert [work.fetch_missing() for _ in range(2)] == [False, False]
        assert asked == [("origin", "plan")]
        assert not Session(work.repository, "plan").fetch_missing()
        offline = bob.workspace("plan")
        offline.repository.fetches = False
        assert not offline.fetch_missing()
        bob.git("config", "gittasks.fetchOnRead", "false")
        assert not bob.workspace("plan").fetch_missing()
        assert asked == [("origin", "plan")]

    def test_nobody_to_share_with(self, repo: Repo) -> None:
        error = session.no_remote(_opened(repo))
        assert error.message == "this repository has no remote to share task lists with"
        assert "git remote add origin URL" in str(error.hint)
        assert session.no_remote(_opened(repo), "plan").message == error.message

    def test_of_several_remotes_three_are_offered(self, repo: Repo) -> None:
        for name in "abcd":
            repo.git("remote", "add", name, repo.path)
        error = session.no_remote(_opened(repo))
        assert isinstance(error, NoRemote)
        assert error.message == "several remotes are here: a, b, c, d"
        assert error.advice == "name one"
        assert error.ways == tuple(
            Way(f"with {name}", ("gittasks", "sync", name), decision=True) for name in "abc"
        )
        assert error.details == {"remotes": [*"abcd"]}
        alone = session.no_remote(_opened(repo), "plan").message
        assert alone.startswith('"plan" is shared with no remote: git config says')
