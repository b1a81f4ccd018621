"""Remotes: their URLs as git has them, the home of a list, and what is remembered of both."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from support.repositories import Repo

from gittasks.errors import Busy, NoRemote, NotFound, Refused, RemoteFailure, Way
from gittasks.store import git, home, platform, remotes
from gittasks.store.disk import Backoff
from gittasks.store.git import Completed
from gittasks.store.home import Home, Record, Urls
from gittasks.store.list_store import ListStore
from gittasks.store.list_version import Heads
from gittasks.store.remotes import Pushed, PushOutcome
from gittasks.store.repository import Repository

SECTION = "branch.gittasks/plan"
FIRST, SECOND = "a" * 40, "b" * 40


def _opened(repo: Repo, **env: str) -> Repository:
    return Repository(repo.path, {**os.environ, **env})


def _remotes(repo: Repo, **urls: str) -> Repo:
    for name, url in urls.items():
        repo.git("config", "--add", f"remote.{name}.url", url)
    return repo


def _urls(repo: Repo, name: str = "o") -> Urls:
    urls = home.urls_of(_opened(repo), name)
    assert urls
    return urls


def _tracked(repo: Repo, remote: str, commit: str = "HEAD") -> None:
    repo.git("update-ref", f"refs/remotes/{remote}/gittasks/plan", commit)


class TestUrls:
    """The URL that is fetched from, and those that are pushed to."""

    def test_one_url_is_both(self, repo: Repo) -> None:
        urls = _urls(_remotes(repo, o="https://h/x"))
        assert urls == Urls("https://h/x", ("https://h/x",))
        assert (urls.apart, urls.decided) == (False, True)
        assert home.urls_of(_opened(repo), "p") is None

    def test_the_first_is_fetched_from_and_all_are_pushed_to(self, repo: Repo) -> None:
        _remotes(_remotes(repo, o="https://h/x"), o="https://h/y")
        urls = _urls(repo)
        assert urls == Urls("https://h/x", ("https://h/x", "https://h/y"))
        assert (urls.apart, urls.decided) == (True, True)

    def test_a_url_of_pushes_stands_for_all(self, repo: Repo) -> None:
        _remotes(repo, o="https://h/x")
        for url in ("https://h/z", "https://h/x", "https://h/z"):
            repo.git("config", "--add", "remote.o.pushurl", url)
        urls = _urls(repo)
        assert urls == Urls("https://h/x", ("https://h/z", "https://h/x"))
        assert urls.in_order == ("https://h/x", "https://h/z")
        repo.git("config", "--replace-all", "remote.o.pushurl", "https://h/z")
        urls = _urls(repo)
        assert urls == Urls("https://h/x", ("https://h/z",))
        assert (urls.apart, urls.decided) == (True, False)

    def test_the_longest_prefix_is_replaced(self, repo: Repo) -> None:
        """That of a push where no URL of pushes is set, and only there."""
        for key, prefix in (
            ("url.https://a/.insteadOf", "x:"),
            ("url.https://b/.insteadOf", "x:y"),
            ("url.https://c/.pushInsteadOf", "x:y"),
            ("url.https://d/.insteadOf", ""),
        ):
            repo.git("config", "--add", key, prefix)
        _remotes(repo, o="x:y/z", p="x:z", q="other")
        assert _urls(repo) == ("https://b//z", ("https://c//z",))
        assert _urls(repo, "p") == ("https://a/z", ("https://a/z",))
        assert _urls(repo, "q") == ("other", ("other",))
        repo.git("config", "remote.o.pushurl", "x:y/w")
        assert _urls(repo) == ("https://b//z", ("https://b//w",))

    @pytest.mark.parametrize(
        ("fetched", "pushed"),
        [
            ("../hub", "file://{above}/hub"),
            ("../hub", "{above}/hub/"),
            ("../hub", "{above}/link"),
            ("{above}/hub", "{above}/hub.git"),
            ("ssh://Host/x/y", "ssh://host:22/x/y/"),
            ("ssh://git@host/~/x", "git@host:x"),
            ("git@host:/x", "ssh://git@host/x"),
        ],
    )
    def test_another_spelling_of_one_repository_is_the_same(
        self, repo: Repo, tmp_path: Path, fetched: str, pushed: str
    ) -> None:
        (tmp_path / "hub.git").mkdir()
        (tmp_path / "link").symlink_to("hub.git")
        url = fetched.format(above=tmp_path)
        _remotes(repo, o=url)
        repo.git("config", "remote.o.pushurl", pushed.format(above=tmp_path))
        assert _urls(repo) == (url, (url,))

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("https://h/x", "https://h/y"),
            ("https://h/x", "https://h/x/"),
            ("ssh://host/x", "ssh://host:23/x"),
            ("git@host:x", "git@host:/x"),
            ("git@host:x", "host:x"),
            ("/x/y", "/x/z"),
        ],
    )
    def test_others_are_not(self, repo: Repo, one: str, other: str) -> None:
        _remotes(repo, o=one)
        repo.git("config", "remote.o.pushurl", other)
        assert _urls(repo) == (one, (other,))

    @pytest.mark.parametrize(
        ("url", "address"),
        [
            ("https://user:secret@host/x/", "https://host/x"),
            ("ssh://git@host/x", "ssh://host/x"),
            ("git@host:x", "host:x"),
            ("https://host/x@y", "https://host/x@y"),
            ("/x/", "/x"),
            ("/", "/"),
        ],
    )
    def test_an_address_has_no_user_and_no_slash_at_its_end(self, url: str, address: str) -> None:
        assert home.address(url) == address

    def test_a_name_that_is_no_remote_is_told_with_those_that_are(self, repo: Repo) -> None:
        with pytest.raises(NotFound, match=r'^no remote "x" in this repository$') as caught:
            home.remote_of(_opened(repo), "x")
        assert caught.value.hint == "add it with: git remote add NAME URL"
        _remotes(repo, o="u", p="v")
        assert home.remote_of(_opened(repo), "p") == "p"
        with pytest.raises(NotFound) as caught:
            home.remote_of(_opened(repo), "x")
        assert caught.value.hint == "there is o, p"
        assert home.addresses(_opened(repo)) == {"o": "u", "p": "v"}
        assert home.label(_opened(repo), "o") == "o (u)"
        assert home.label(_opened(repo), "x") == "x"


class TestHome:
    """The remote that decides about a list, by what was decided, configured, recorded or seen."""

    @pytest.fixture
    def two(self, repo: Repo) -> Repo:
        """A repository with the remotes o and p."""
        return _remotes(repo, o="https://h/o", p="https://h/p")

    def _home(self, repo: Repo) -> Home:
        return home.of(_opened(repo), "plan")

    def _set(self, repo: Repo, key: str, value: str) -> None:
        repo.git("config", f"{SECTION}.{key}", value)

    def _record(self, repo: Repo, remote: str, address: str) -> Record:
        path = Path(repo.git_dir, "gittasks", "home", "gittasks", "plan")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f'{{"remote":"{remote}","url":"{address}"}}\n')
        return Record(remote, address)

    def test_where_nothing_is_written_down(self, repo: Repo) -> None:
        """Where it was fetched from, else origin, else the only one."""
        assert self._home(repo) == Home(None)
        assert not self._home(repo).is_shared
        assert self._home(_remotes(repo, o="u")) == Home("o")
        assert self._home(_remotes(repo, p="v")) == Home(None, "several", ("o", "p"))
        assert self._home(repo).is_shared
        assert self._home(_remotes(repo, origin="w")) == Home("origin")
        _tracked(repo, "p")
        assert self._home(repo) == Home("p")
        _tracked(repo, "o")
        assert self._home(repo) == Home("o", "several", ("o", "p"))

    def test_of_several_that_hold_it_the_fullest_is_shown(self, two: Repo) -> None:
        _tracked(two, "o")
        two.git("commit", "-q", "--allow-empty", "-m", "more")
        _tracked(two, "p")
        assert self._home(two) == Home("p", "several", ("o", "p"))
        two.git("checkout", "-q", "-b", "apart", "HEAD~1")
        two.git("commit", "-q", "--allow-empty", "-m", "apart")
        _tracked(two, "o")
        assert self._home(two) == Home("o", "several", ("o", "p"))

    def test_a_decision_comes_before_all(self, two: Repo) -> None:
        record = self._record(two, "o", "https://h/o")
        self._set(two, "remote", "o")
        self._set(two, "gittasksHome", "p")
        assert self._home(two) == Home("p", recorded=record)
        assert self._home(two).is_shared
        self._set(two, "gittasksHome", ".")
        assert self._home(two) == Home(None)

    def test_what_is_configured_and_recorded_has_to_agree(self, two: Repo) -> None:
        """By the address: a remote may be called otherwise by now."""
        self._set(two, "remote", "p")
        assert self._home(two) == Home("p")
        record = self._record(two, "p", "https://h/p")
        assert self._home(two) == Home("p", recorded=record)
        record = self._record(two, "was", "https://h/p")
        assert self._home(two) == Home("p", recorded=record)
        record = self._record(two, "was", "https://h/nowhere")
        assert self._home(two) == Home("p", recorded=record)
        record = self._record(two, "o", "https://h/nowhere")
        assert self._home(two) == Home("p", "differ", ("o", "p"), record)

    def test_what_is_recorded_is_known_by_its_address(self, two: Repo) -> None:
        for name, address, known in (
            ("o", "https://h/o", "o"),
            ("o", "https://h/p", "p"),
            ("p", "https://h/moved", "p"),
        ):
            record = self._record(two, name, address)
            assert self._home(two) == Home(known, None, ("o", "p"), record)
        self._set(two, "remote", ".")
        assert self._home(two) == Home("p", None, ("o", "p"), record)
        record = self._record(two, "q", "https://h/q")
        assert self._home(two) == Home(None, "gone", ("o", "p"), record)

    def test_a_name_that_is_no_remote_any_more_is_gone(self, two: Repo) -> None:
        self._set(two, "remote", "q")
        assert self._home(two) == Home(None, "gone", ("o", "p"), Record("q", ""))
        record = self._record(two, "q", "https://h/q")
        assert self._home(two) == Home(None, "gone", ("o", "p"), record)
        self._record(two, "o", "https://h/o")
        assert self._home(two) == Home("o", "gone", ("o", "p"), Record("q", ""))
        self._set(two, "gittasksHome", "r")
        assert self._home(two) == Home("o", "gone", ("o", "p"), Record("r", ""))

    def test_a_record_of_no_form_is_none(self, two: Repo) -> None:
        self._record(two, "o", "u")
        path = Path(two.git_dir, "gittasks", "home", "gittasks", "plan")
        for text in ("", "[]", '{"remote": "o"}', '"o"'):
            path.write_text(text)
            assert self._home(two) == Home(None, "several", ("o", "p")), text

    def _doubt(self, repo: Repo) -> NoRemote:
        with pytest.raises(NoRemote) as caught:
            home.decisive(_opened(repo), "plan")
        assert caught.value.details["list"] == "plan"
        return caught.value

    def test_who_decides_is_no_guess(self, two: Repo) -> None:
        """Each doubt names the candidates, and the commands of which one settles it."""
        error = self._doubt(two)
        assert error.message == (
            '"plan" has no home yet: it could be shared through o (https://h/o) or p (https://h/p)'
        )
        assert error.advice == "two repositories that decide would grant a task twice"
        assert error.ways == tuple(
            Way(
                f"share it through {name}",
                ("git", "config", f"{SECTION}.remote", name),
                decision=True,
            )
            for name in "op"
        )
        assert error.details["remotes"] == ["o", "p"]
        self._set(two, "remote", "p")
        assert home.decisive(_opened(two), "plan") == "p"

    def test_against_a_record_only_a_decision_counts(self, two: Repo) -> None:
        self._record(two, "o", "https://h/o")
        self._set(two, "remote", "p")
        error = self._doubt(two)
        assert error.message == (
            '"plan" was shared through o (https://h/o) so far, and git config '
            f"{SECTION}.remote now says p (https://h/p)"
        )
        assert [way.command[2:] for way in error.ways] == [
            (f"{SECTION}.remote", "o"),
            (f"{SECTION}.gittasksHome", "p"),
        ]

    def test_a_home_that_is_gone_is_named_and_may_be_added_again(self, two: Repo) -> None:
        self._record(two, "q", "https://h/q")
        error = self._doubt(two)
        assert error.message == 'the remote of "plan" is gone: q (https://h/q)'
        assert str(error.advice).endswith("; or add it again with: git remote add q URL")
        alone = Way(
            "let this repository decide alone",
            ("git", "config", f"{SECTION}.gittasksHome", "."),
            decision=True,
        )
        assert error.ways[-1] == alone
        assert [way.command[2] for way in error.ways[:-1]] == [f"{SECTION}.remote"] * 2
        self._set(two, "remote", "r")
        error = self._doubt(two)
        assert error.message == 'the remote of "plan" is gone: r'
        assert error.advice == "two repositories that decide would grant a task twice"

    def test_it_is_written_down_once(self, two: Repo) -> None:
        """For us and for git's own pull and push; this process knows of it at once."""
        repository = _opened(two)
        home.adopt(repository, "plan", "o")
        assert self._home(two) == Home(None, "several", ("o", "p")), "it was in doubt"
        _tracked(two, "o")
        home.adopt(repository, "plan", "p")
        assert self._home(two) == Home("o"), "it has another"
        home.adopt(repository, "plan", "o")
        assert self._home(two) == Home("o", recorded=Record("o", "https://h/o"))
        assert repository.config.get(f"{SECTION}.remote") == "o"
        assert two.git("config", "--get-regexp", rf"^{SECTION}\.").splitlines() == [
            f"{SECTION}.merge refs/heads/gittasks/plan",
            f"{SECTION}.rebase false",
            f"{SECTION}.remote o",
        ]

    def test_what_a_person_configured_stays(self, two: Repo) -> None:
        self._set(two, "remote", "p")
        home.adopt(_opened(two), "plan", "p")
        assert self._home(two) == Home("p", recorded=Record("p", "https://h/p"))
        assert two.git("config", "--get-regexp", rf"^{SECTION}\.") == f"{SECTION}.remote p"
        two.git("remote", "set-url", "p", "https://h/q")
        two.git("config", "--unset", f"{SECTION}.remote")
        home.adopt(_opened(two), "plan", "p")
        assert self._home(two).recorded == Record("p", "https://h/q")
        home.forget(_opened(two), "plan")
        assert self._home(two) == Home(None, "several", ("o", "p"))

    def test_a_home_that_was_pointed_elsewhere_is_said(self, two: Repo) -> None:
        """Not where only its spelling changed, nor where another remote has the old address."""
        assert home.moved(_opened(two), "plan", "o") is None
        self._record(two, "o", "ssh://host/x")
        word = 'o was ssh://host/x and is https://h/o now: from here on "plan" is shared and its '
        assert home.moved(_opened(two), "plan", "o") == word + "claims are granted there"
        assert home.moved(_opened(two), "plan", "p") is None
        two.git("remote", "set-url", "o", "ssh://HOST:22/x")
        assert home.moved(_opened(two), "plan", "o") is None
        two.git("remote", "set-url", "o", "https://h/o")
        two.git("remote", "set-url", "p", "host:/x")
        assert home.moved(_opened(two), "plan", "o") is None

    def test_heads_of_other_remotes_are_told(self, two: Repo) -> None:
        """Those of neither the home nor this clone, and not of another name of the home."""
        repository = _opened(two)
        assert home.elsewhere(repository, "plan") is None
        head = two.git("rev-parse", "HEAD")
        two.git("commit", "-q", "--allow-empty", "-m", "more")
        more = two.git("rev-parse", "HEAD")
        self._set(two, "remote", "o")
        _tracked(two, "o", head)
        _tracked(two, "p", more)
        assert home.elsewhere(_opened(two), "plan") == head
        assert home.heads_elsewhere(_opened(two), "plan") == {"p": more}
        _tracked(two, "p", head)
        assert home.heads_elsewhere(_opened(two), "plan") == {}
        _tracked(two, "p", more)
        two.git("update-ref", "refs/heads/gittasks/plan", more)
        assert home.heads_elsewhere(_opened(two), "plan") == {}
        two.git("update-ref", "-d", "refs/heads/gittasks/plan")
        two.git("remote", "set-url", "p", "https://h/o")
        assert home.heads_elsewhere(_opened(two), "plan") == {}

    def test_another_remote_s_head_counts_where_there_is_no_other(self, two: Repo) -> None:
        """A list that is here, or on its home, is not what some other remote has."""
        head = two.git("rev-parse", "HEAD")
        two.git("commit", "-q", "--allow-empty", "-m", "more")
        more = two.git("rev-parse", "HEAD")
        self._set(two, "remote", "o")
        _tracked(two, "p", more)
        assert ListStore(_opened(two), "plan").heads() == Heads(None, more)
        _tracked(two, "o", head)
        assert ListStore(_opened(two), "plan").heads() == Heads(None, head)
        two.git("update-ref", "refs/heads/gittasks/plan", more)
        assert ListStore(_opened(two), "plan").heads() == Heads(more, head)
        two.git("update-ref", "-d", "refs/remotes/o/gittasks/plan")
        assert ListStore(_opened(two), "plan").heads() == Heads(more, None)

    def test_a_remote_that_is_two_repositories_decides_nothing(self, two: Repo) -> None:
        """What makes them two is taken back, or the push goes where is fetched from."""
        two.git("config", "remote.o.pushurl", "https://me@h/fork")
        error = home.divided(_opened(two), "plan", "o", "WHY")
        assert error.message == "o is fetched from https://h/o and pushed to https://h/fork: WHY"
        command: tuple[str, ...] = ("git", "config", "--unset-all", "remote.o.pushurl")
        assert error.ways == (Way("push to where is fetched from", command, decision=True),)
        assert f"git config {SECTION}.remote NAME" in str(error.advice)
        assert error.details == {"list": "plan", "remotes": ["o"]}
        two.git("config", "url.https://fork/.pushInsteadOf", "https://h/p")
        error = home.divided(_opened(two), "plan", "p", "WHY")
        command = ("git", "remote", "set-url", "--push", "p", "https://h/p")
        assert error.ways[0].command == command


class TestMemory:
    """What a remote was last known to hold, by its URL."""

    def test_what_it_showed_is_of_its_url(self, repo: Repo) -> None:
        _remotes(repo, o="https://h/o", p="https://h/o")
        repository = _opened(repo)
        assert remotes.published(repository, "o", "plan") is None
        for commit in (FIRST, SECOND):
            remotes.record_published(repository, "o", "plan", commit)
            assert remotes.published(repository, "o", "plan") == commit
            assert remotes.held(repository, "p", "plan") == commit
        assert remotes.published(repository, "o", "other") is None
        repo.git("remote", "set-url", "o", "https://h/elsewhere")
        assert remotes.published(_opened(repo), "o", "plan") is None
        remotes.forget_published(_opened(repo), "p", "plan")
        assert remotes.published(_opened(repo), "p", "plan") is None

    def test_what_is_no_id_is_nothing(self, repo: Repo) -> None:
        repository = _opened(_remotes(repo, o="u"))
        remotes.record_published(repository, "o", "plan", "x")
        assert remotes.published(repository, "o", "plan") is None
        remotes.note_seen(repository, "o", "plan", "y")
        assert remotes.held(repository, "o", "plan") is None

    def test_where_a_tracking_ref_was_seen_counts_until_the_remote_itself_told(
        self, repo: Repo
    ) -> None:
        repository = _opened(_remotes(repo, o="https://h/o"))
        remotes.note_seen(repository, "o", "plan", FIRST)
        assert remotes.published(repository, "o", "plan") is None
        assert remotes.held(repository, "o", "plan") == FIRST
        repo.git("remote", "set-url", "o", "https://h/p")
        assert remotes.held(_opened(repo), "o", "plan") is None
        remotes.note_seen(_opened(repo), "o", "plan", FIRST)
        assert remotes.held(_opened(repo), "o", "plan") is None, "it has not moved since"
        remotes.note_seen(_opened(repo), "o", "plan", SECOND)
        assert remotes.held(_opened(repo), "o", "plan") == SECOND
        remotes.record_published(_opened(repo), "o", "plan", FIRST)
        remotes.note_seen(_opened(repo), "o", "plan", SECOND)
        assert remotes.published(_opened(repo), "o", "plan") == SECOND
        remotes.forget_published(_opened(repo), "o", "plan")
        assert remotes.held(_opened(repo), "o", "plan") is None

    def test_a_ref_of_an_earlier_url_says_nothing_of_this_one(self, repo: Repo) -> None:
        """What that URL showed is known; where another remote is there now, it is that one's."""
        remotes.record_published(_opened(_remotes(repo, o="https://h/o")), "o", "plan", FIRST)
        repo.git("remote", "set-url", "o", "https://h/p")
        repository = _opened(repo)
        remotes.note_seen(repository, "o", "plan", FIRST)
        assert remotes.held(repository, "o", "plan") is None
        remotes.forget_urls(repository, "plan")
        remotes.forget_published(repository, "o", "plan")
        remotes.note_seen(repository, "o", "plan", FIRST)
        assert remotes.held(repository, "o", "plan") == FIRST


class TestAnswers:
    """git's answer for one ref of a push."""

    @pytest.mark.parametrize("flag", [*" *=+-"])
    def test_what_was_taken(self, flag: str) -> None:
        assert remotes._outcome(flag, "a..b") == Pushed(PushOutcome.OK, created=flag == "*")

    @pytest.mark.parametrize("reason", remotes._LOST)
    def test_somebody_was_first(self, reason: str) -> None:
        summary = f"[remote rejected] ({reason})"
        assert remotes._outcome("!", summary) == Pushed(PushOutcome.LOST, reason)

    @pytest.mark.parametrize(
        ("summary", "answer"),
        [
            (
                "[remote rejected] (hook (x) declined)",
                Pushed(PushOutcome.REFUSED, "hook (x) declined"),
            ),
            ("[rejected]", Pushed(PushOutcome.REFUSED, "[rejected]")),
            (
                "[remote failure] (remote failed to report status)",
                Pushed(PushOutcome.UNKNOWN, "remote failed to report status"),
            ),
            (
                "[x] (failed to report status)",
                Pushed(PushOutcome.UNKNOWN, "failed to report status"),
            ),
        ],
    )
    def test_refused_or_unknown(self, summary: str, answer: Pushed) -> None:
        assert remotes._outcome("!", summary) == answer


class TestHaste:
    """A list that was named is asked for at once, and after a failure not again for an hour."""

    @pytest.fixture
    def asked(self, monkeypatch: pytest.MonkeyPatch) -> list[bool]:
        """The answers that are still to come."""
        answers: list[bool] = []

        def answer(*_: object) -> bool:
            if not (arrived := answers.pop(0)):
                raise OSError
            return arrived

        monkeypatch.setattr(remotes, "_fetched_in_haste", answer)
        return answers

    def test_it_is_asked_again_after_a_success_or_an_hour(
        self, repo: Repo, asked: list[bool]
    ) -> None:
        repository = _opened(repo)
        mark = Path(repo.git_dir, "gittasks", "missed", "gittasks", "plan")
        asked += [True, False, True]
        assert remotes.fetch_missing(repository, "o", "plan")
        assert not mark.exists()
        for _ in range(3):
            assert not remotes.fetch_missing(repository, "o", "plan")
            assert asked == [True]
        for ahead in (-3500, 3600):
            os.utime(mark, (time.time() + ahead, time.time() + ahead))
            if ahead < 0:
                assert not remotes.fetch_missing(repository, "o", "plan")
        assert remotes.fetch_missing(repository, "o", "plan")
        assert not mark.exists()
        asked += [False]
        assert not remotes.fetch_missing(repository, "o", "plan")
        remotes.forget_urls(repository, "plan")
        assert not mark.exists()


class TestTalks:
    """What git is asked to do with a remote, and what its answers mean."""

    @pytest.fixture
    def answers(self) -> list[Completed]:
        """The answers to come; after these each is that all is done."""
        return []

    @pytest.fixture
    def talks(self, monkeypatch: pytest.MonkeyPatch, answers: list[Completed]) -> list[list[str]]:
        """The command lines of git that talk to a remote."""
        lines: list[list[str]] = []

        def run(args: list[str], **_: object) -> Completed:
            lines.append([*args])
            return answers.pop(0) if answers else Completed(0, b"", b"")

        monkeypatch.setattr(git, "run_remote", run)
        return lines

    def test_a_fetch_brings_lists_and_what_is_seen_of_leases(
        self, repo: Repo, talks: list[list[str]]
    ) -> None:
        repository = _opened(_remotes(repo, o="u"))
        assert remotes.fetch(repository, "o", ["plan", "x"]) == frozenset()
        (words,) = talks
        assert words[-5:] == [
            "o",
            "+refs/heads/gittasks/plan:refs/remotes/o/gittasks/plan",
            "+refs/heads/gittasks/x:refs/remotes/o/gittasks/x",
            "+refs/gittasks/leases/plan/*:refs/gittasks/seen/o/plan/*",
            "+refs/gittasks/leases/x/*:refs/gittasks/seen/o/x/*",
        ]
        options = words[words.index("fetch") + 1 : -5]
        assert options[-1] == "--end-of-options"
        assert {"--no-tags", "--no-prune", "--refmap=", "--no-write-fetch-head"} <= {*options}
        assert {"--no-recurse-submodules", "--no-auto-maintenance", "--progress"} <= {*options}
        assert not [word for word in options if word.startswith("--depth")]
        Path(repo.git_dir, "shallow").write_text(repo.git("rev-parse", "HEAD") + "\n")
        remotes.fetch(_opened(repo), "o", ["plan"])
        assert "--depth=1000000000" in talks[1]
        remotes.fetch_again(repository, "o", "plan")
        assert talks[2][talks[2].index("fetch") + 1] == "--refetch"
        remotes.fetch_side_branches(repository, "o", ["claude/x"])
        assert talks[3][-1] == "+refs/heads/claude/x*:refs/remotes/o/claude/x*"
        remotes.fetch_side_branches(repository, "o", [])
        assert remotes.fetch(repository, "o", []) == frozenset()
        assert len(talks) == 4

    def test_lists_that_are_not_there_are_left_out(
        self, repo: Repo, talks: list[list[str]], answers: list[Completed]
    ) -> None:
        """git fetches nothing at all over one of them, so it is asked again without."""
        repository = _opened(_remotes(repo, o="u"))
        gone = b"fatal: couldn't find remote ref refs/heads/gittasks/%b\n"
        answers += [Completed(128, b"", gone % b"x"), Completed(0, b"", b"")]
        assert remotes.fetch(repository, "o", ["plan", "x"]) == {"x"}
        assert "+refs/heads/gittasks/plan:refs/remotes/o/gittasks/plan" in talks[1]
        assert "+refs/heads/gittasks/x:refs/remotes/o/gittasks/x" not in talks[1]
        answers += [Completed(128, b"", gone % b"x")]
        assert remotes.fetch(repository, "o", ["x"]) == {"x"}
        for words in (gone % b"other", b"fatal: no network\n"):
            answers += [Completed(128, b"", words)]
            with pytest.raises(RemoteFailure) as caught:
                remotes.fetch(repository, "o", ["plan"])
            assert caught.value.message.startswith("cannot fetch from o")
        assert "no network" in str(caught.value)

    def test_another_that_moves_the_same_ref_is_waited_for(
        self,
        repo: Repo,
        talks: list[list[str]],
        answers: list[Completed],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        waits: list[int] = []
        monkeypatch.setattr(Backoff, "wait", lambda _, attempt: waits.append(attempt))
        repository = _opened(_remotes(repo, o="u"))
        for words in (b"error: cannot lock ref 'x'", b"error: unable to update local ref"):
            raced = Completed(1, b"", words)
            answers += [raced, raced]
            assert remotes.fetch(repository, "o", ["plan"]) == frozenset()
            assert waits == [0, 1]
            waits.clear()
        answers += [raced] * 6
        with pytest.raises(RemoteFailure):
            remotes.fetch(repository, "o", ["plan"])
        assert waits == [0, 1, 2, 3, 4]
        lock = Path(repo.git_dir, "refs/remotes/o/gittasks/plan.lock")
        lock.parent.mkdir(parents=True)
        lock.touch()
        answers += [raced] * 6
        with pytest.raises(Busy) as caught:
            remotes.fetch(repository, "o", ["plan"])
        assert caught.value.where == str(lock)

    def test_a_name_that_is_in_the_way_of_a_tracking_ref_is_told(
        self, repo: Repo, talks: list[list[str]], answers: list[Completed]
    ) -> None:
        _remotes(repo, o="u").git("update-ref", "refs/remotes/o/gittasks", "HEAD")
        answers += [Completed(1, b"", b"error: cannot lock ref")]
        with pytest.raises(Refused) as caught:
            remotes.fetch(_opened(repo), "o", ["plan"])
        error = caught.value
        assert error.rule == "branch-name"
        assert error.message == (
            '"plan" cannot be fetched from o: a branch that was fetched before has a name that '
            "stands in the way of o/gittasks/plan"
        )
        (way,) = error.ways
        assert (way.command, way.decision) == (("git", "remote", "prune", "o"), True)
        assert way.purpose == "when o has that branch no more"
        assert len(talks) == 1

    def test_the_lists_of_a_remote_are_its_branches_of_that_prefix(
        self, repo: Repo, talks: list[list[str]], answers: list[Completed]
    ) -> None:
        rows = b"1\trefs/heads/gittasks/plan\n2\trefs/heads/gittasks/-\n"
        answers += [Completed(0, rows, b"")]
        repository = _opened(_remotes(repo, o="u"))
        assert remotes.lists(repository, "o") == {"plan"}
        assert talks[0][-4:] == ["--refs", "--end-of-options", "o", "refs/heads/gittasks/*"]
        answers += [Completed(128, b"", b"fatal: no network")]
        with pytest.raises(RemoteFailure) as caught:
            remotes.lists(repository, "o")
        assert caught.value.message.startswith("cannot reach o")
        repo.git("config", "gittasks.branchPrefix", "")
        answers += [Completed(0, b"1\trefs/heads/main\n2\trefs/heads/plan\n", b"")]
        assert remotes.lists(_opened(repo), "o") == frozenset()

    def test_the_branches_of_a_remote_are_those_where_pushes_go_first(
        self, repo: Repo, talks: list[list[str]], answers: list[Completed]
    ) -> None:
        _remotes(repo, o="https://h/x")
        row = Completed(0, b"1\trefs/heads/a\n2\trefs/heads/b\n", b"")
        answers += [row] * 3
        expected = {"refs/heads/a": "1", "refs/heads/b": "2"}
        assert remotes.branches(_opened(repo), "o") == expected
        assert talks[0][-3:] == ["--heads", "--end-of-options", "o"]
        assert remotes.branches(_opened(repo), "o", "https://h/y") == expected
        assert talks[1][-1] == "gittasks-one-url"
        assert "remote.gittasks-one-url.url=https://h/y" in talks[1]
        repo.git("config", "remote.o.pushurl", "https://h/z")
        remotes.branches(_opened(repo), "o")
        assert "remote.gittasks-one-url.url=https://h/z" in talks[2]
        for url, words in (
            (None, "cannot reach o"),
            ("https://me@h/y", "cannot reach https://h/y"),
        ):
            answers += [Completed(128, b"", b"fatal: no network")]
            with pytest.raises(RemoteFailure) as caught:
                remotes.branches(_opened(repo), "o", url)
            assert caught.value.message.startswith(words)

    def test_a_push_says_of_each_ref_what_became_of_it(
        self, repo: Repo, talks: list[list[str]], answers: list[Completed]
    ) -> None:
        repository = _opened(_remotes(repo, o="u"))
        rows = (
            b"To u\n*\t1:refs/heads/a\t[new branch]\n!\t2:refs/heads/b\t[rejected] (fetch first)\n"
        )
        answers += [Completed(1, rows + b"Done\n", b"error: failed to push some refs to 'u'\n")]
        pushed = remotes.push(
            repository,
            "o",
            {"refs/heads/a": "1", "refs/heads/b": "2", "refs/heads/c": "+3"},
            {"refs/heads/b": "9"},
        )
        assert pushed == {
            "refs/heads/a": Pushed(PushOutcome.OK, created=True),
            "refs/heads/b": Pushed(PushOutcome.LOST, "fetch first"),
            "refs/heads/c": Pushed(PushOutcome.UNKNOWN),
        }
        (words,) = talks
        assert words[-5:] == [
            "--end-of-options",
            "o",
            "1:refs/heads/a",
            "2:refs/heads/b",
            "+3:refs/heads/c",
        ]
        assert {"--porcelain", "--no-verify", "--no-follow-tags", "--progress"} <= {*words}
        assert {"--recurse-submodules=no", "--force-with-lease=refs/heads/b:9"} <= {*words}
        assert "remote.o.mirror=false" in words

    def test_reasons_of_the_remote_stand_behind_those_of_git(
        self, repo: Repo, talks: list[list[str]], answers: list[Completed]
    ) -> None:
        repository = _opened(_remotes(repo, o="u"))
        row = b"!\t1:refs/heads/a\t[remote rejected] (pre-receive hook declined)\n"
        answers += [Completed(1, row, b"remote: no commits on Sundays\n")]
        assert remotes.push(repository, "o", {"refs/heads/a": "1"}) == {
            "refs/heads/a": Pushed(
                PushOutcome.REFUSED, "pre-receive hook declined: no commits on Sundays"
            )
        }
        # All was taken, and the connection ended before git could say so.
        answers += [Completed(1, b" \t1:refs/heads/a\t1..2\n", b"fatal: hung up\n")]
        assert remotes.push(repository, "o", {"refs/heads/a": "1"}) == {
            "refs/heads/a": Pushed(PushOutcome.UNKNOWN, "hung up")
        }
        answers += [Completed(0, b" \t1:refs/heads/a\t1..2\n", b"noise\n")]
        assert remotes.push(repository, "o", {"refs/heads/a": "1"}) == {
            "refs/heads/a": Pushed(PushOutcome.OK)
        }

    def test_of_several_urls_the_one_that_is_fetched_from_decides(
        self, repo: Repo, talks: list[list[str]], answers: list[Completed]
    ) -> None:
        """What it refused goes nowhere else; what another did not take is a sentence."""
        _remotes(repo, o="https://h/x")
        for url in ("https://me@h/y", "https://h/x"):
            repo.git("config", "--add", "remote.o.pushurl", url)
        repo.git("config", "remote.o.receivepack", "/receive")
        taken = Completed(0, b" \t1:refs/heads/a\t1..2\n", b"")
        refused = Completed(1, b"!\t1:refs/heads/a\t[remote rejected] (no)\n", b"")
        answers += [taken, refused]
        (pushed,) = remotes.push(_opened(repo), "o", {"refs/heads/a": "1"}).values()
        assert pushed == Pushed(PushOutcome.OK, missed=("https://h/y did not take it: no",))
        first, second = talks
        for words, url in ((first, "https://h/x"), (second, "https://me@h/y")):
            assert f"remote.gittasks-one-url.url={url}" in words
            assert f"remote.gittasks-one-url.pushurl={url}" in words
            assert "remote.gittasks-one-url.receivepack=/receive" in words
            assert words[-2:] == ["gittasks-one-url", "1:refs/heads/a"]
        answers += [refused]
        (pushed,) = remotes.push(_opened(repo), "o", {"refs/heads/a": "1"}).values()
        assert pushed == Pushed(PushOutcome.REFUSED, "no")
        assert len(talks) == 3
        answers += [taken, Completed(1, b"", b"")]
        (pushed,) = remotes.push(_opened(repo), "o", {"refs/heads/a": "1"}).values()
        assert pushed.missed == ("https://h/y did not take it: no answer",)

    def test_where_a_tracking_ref_was_is_noted_before_a_fetch_moves_it(
        self, repo: Repo, talks: list[list[str]]
    ) -> None:
        _tracked(_remotes(repo, o="https://h/o"), "o")
        head = repo.git("rev-parse", "HEAD")
        remotes.fetch(_opened(repo), "o", ["plan"])
        assert remotes.held(_opened(repo), "o", "plan") == head
        repo.git("commit", "-q", "--allow-empty", "-m", "x")
        _tracked(repo, "o")
        remotes.fetch(_opened(repo), "o", ["plan"])
        assert remotes.held(_opened(repo), "o", "plan") == head, "that is known already"
        assert len(talks) == 2


class TestDoubt:
    """An error that names the candidates, and the commands of which one settles it."""

    @pytest.fixture
    def two(self, repo: Repo) -> Repo:
        return _remotes(repo, o="https://h/o", p="https://h/p")

    def _error(self, repo: Repo) -> NoRemote:
        with pytest.raises(NoRemote) as caught:
            home.decisive(_opened(repo), "plan")
        return caught.value

    def test_of_several(self, two: Repo) -> None:
        error = self._error(two)
        assert error.message == (
            '"plan" has no home yet: it could be shared through o (https://h/o) or p (https://h/p)'
        )
        assert [way.command for way in error.ways] == [
            ("git", "config", f"{SECTION}.remote", "o"),
            ("git", "config", f"{SECTION}.remote", "p"),
        ]
        assert [way.purpose for way in error.ways] == ["share it through o", "share it through p"]
        assert all(way.decision for way in error.ways)
        assert "two repositories that decide would grant a task twice" in str(error.hint)
        assert error.details["list"] == "plan"
        assert error.details["remotes"] == ["o", "p"]

    def test_of_what_is_recorded_and_configured(self, two: Repo) -> None:
        two.git("config", f"{SECTION}.remote", "o")
        home.adopt(_opened(two), "plan", "o")
        two.git("config", f"{SECTION}.remote", "p")
        error = self._error(two)
        assert error.message == (
            f'"plan" was shared through o (https://h/o) so far, and git config {SECTION}.remote '
            "now says p (https://h/p)"
        )
        assert [way.command for way in error.ways] == [
            ("git", "config", f"{SECTION}.remote", "o"),
            ("git", "config", f"{SECTION}.gittasksHome", "p"),
        ]

    def test_of_a_home_that_is_gone(self, two: Repo) -> None:
        two.git("config", f"{SECTION}.remote", "o")
        home.adopt(_opened(two), "plan", "o")
        two.git("remote", "remove", "o")
        two.git("config", f"{SECTION}.remote", "o")
        error = self._error(two)
        assert error.message == 'the remote of "plan" is gone: o (https://h/o)'
        assert [way.command for way in error.ways][-1] == (
            "git",
            "config",
            f"{SECTION}.gittasksHome",
            ".",
        )
        assert "or add it again with: git remote add o URL" in str(error.hint)
        home.forget(_opened(two), "plan")
        error = self._error(two)
        assert error.message == 'the remote of "plan" is gone: o'
        assert "add it again" not in str(error.hint)

    def test_a_label_is_name_and_address(self, two: Repo) -> None:
        two.git("config", "remote.o.url", "https://me:secret@h/o/")
        assert home.label(_opened(two), "o") == "o (https://h/o)"
        assert home.label(_opened(two), "none") == "none"


class TestBackground:
    """A fetch that goes on while this process does other things."""

    class Fetching:
        """A git that ends when it is told to."""

        pid = 0

        def __init__(self, told: BinaryIO) -> None:
            self.told, self.code, self.asked = told, None, list[str]()

        def poll(self) -> int | None:
            return self.code

        def wait(self) -> int:
            return self.code or 0

    @pytest.fixture
    def started(self, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
        started: list[Any] = []

        def start(args: list[str], *, told: BinaryIO, **_: object) -> Any:
            started.append(self.Fetching(told))
            started[-1].args = args
            return started[-1]

        monkeypatch.setattr(git, "start_remote", start)
        monkeypatch.setattr(platform, "terminate", lambda process: process.asked.append("end"))
        return started

    def test_it_says_what_is_absent_when_it_has_ended(self, repo: Repo, started: list[Any]) -> None:
        repository = _opened(_remotes(repo, o="u"))
        for code, words, absent in (
            (0, b"", frozenset()),
            (1, b"fatal: couldn't find remote ref refs/heads/gittasks/plan\n", {"plan"}),
        ):
            fetch = remotes.BackgroundFetch(repository, "o", "plan")
            git_ = started[-1]
            assert "+refs/heads/gittasks/plan:refs/remotes/o/gittasks/plan" in git_.args
            assert fetch.ended() is None
            git_.told.write(words)
            git_.told.flush()
            git_.code = code
            assert fetch.ended() == absent
            assert git_.told.closed
        fetch = remotes.BackgroundFetch(repository, "o", "plan")
        started[-1].told.write(b"fatal: no network\n")
        started[-1].told.flush()
        started[-1].code = 128
        with pytest.raises(RemoteFailure, match="cannot fetch from o"):
            fetch.ended()

    def test_one_that_falls_silent_is_given_up(
        self, repo: Repo, started: list[Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        now = [0.0]
        monkeypatch.setattr(time, "monotonic", lambda: now[0])
        fetch = remotes.BackgroundFetch(_opened(_remotes(repo, o="u")), "o", "plan")
        for moment, word in ((119.0, b"10%"), (230.0, b""), (239.0, b"")):
            now[0] = moment
            started[0].told.write(word)
            started[0].told.flush()
            assert fetch.ended() is None
        now[0] = 239.5
        with pytest.raises(RemoteFailure, match="no progress for 120 seconds"):
            fetch.ended()
        assert started[0].asked == ["end"]
        assert started[0].told.closed

    def test_a_read_waits_some_seconds_for_it(
        self, repo: Repo, started: list[Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        now = [0.0]

        def sleep(seconds: float) -> None:
            now[0] += seconds
            if now[0] > 1 and arrives:
                started[-1].code = 0

        monkeypatch.setattr(time, "monotonic", lambda: now[0])
        monkeypatch.setattr(time, "sleep", sleep)
        repository = _opened(_remotes(repo, o="u"))
        for arrives in (True, False):
            now[0] = 0.0
            assert remotes._fetched_in_haste(repository, "o", "plan") is arrives
            assert (now[0] > 5) is not arrives
            assert started[-1].asked == ([] if arrives else ["end"])


class TestSurroundings:
    """The git that talks to a remote: the user's, without hooks, with patience."""

    def test_what_it_is_given(self, repo: Repo) -> None:
        (Path(repo.path) / "deep").mkdir()
        repository = Repository(
            f"{repo.path}/deep", {**os.environ, "GIT_DIR": repo.git_dir, "A": "b"}
        )
        options, cwd, env = remotes._surroundings(repository, ["x.y=z"])
        assert options[:3] == [f"--git-dir={repo.git_dir}", "-c", f"core.hooksPath={os.devnull}"]
        assert {"hook.pre-push.enabled=false", "hook.reference-transaction.enabled=false"} <= {
            *options
        }
        assert {"color.ui=false", "x.y=z"} <= {*options}
        assert {"http.lowSpeedLimit=1", "http.lowSpeedTime=120"} <= {*options}
        assert (env["GIT_NO_REPLACE_OBJECTS"], env["GIT_GRAFT_FILE"], env["A"]) == ("1", "", "b")
        assert "GIT_DIR" not in env
        assert cwd == f"{repo.path}/deep"
        repo.git("config", "http.lowSpeedLimit", "7")
        options, cwd, _ = remotes._surroundings(_opened(repo), [])
        assert not [word for word in options if word.startswith("http.")]
        assert cwd == repo.path
        bare = repo.clone(f"{repo.path}.git", "--bare")
        assert remotes._surroundings(_opened(bare), [])[1] == bare.path

    @pytest.mark.parametrize(
        "words", ["mismatched algorithms: client sha1", "unknown hash algorithm", "object format"]
    )
    def test_another_hash_is_told_for_what_it_is(
        self, repo: Repo, monkeypatch: pytest.MonkeyPatch, words: str
    ) -> None:
        stderr = f"fatal: {words}\n".encode()
        monkeypatch.setattr(git, "run_remote", lambda *_, **__: Completed(128, b"", stderr))
        repository = _opened(_remotes(repo, o="u"))
        hash_ = "one of the two repositories names its objects by SHA-1, the other by SHA-256"
        with pytest.raises(RemoteFailure) as caught:
            remotes.fetch(repository, "o", ["plan"])
        assert caught.value.message == f"cannot fetch from o: {hash_}"
        assert str(caught.value.hint).startswith("such repositories share nothing, in git either")
        assert repository.contacted
        (pushed,) = remotes.push(repository, "o", {"refs/heads/a": "1"}).values()
        assert pushed == Pushed(PushOutcome.REFUSED, hash_)

    def test_a_failure_is_told_in_git_s_words_if_it_has_any(self) -> None:
        error = remotes._failure("cannot reach o", b"fatal: no network\n")
        assert error.message == "cannot reach o: no network"
        assert str(error.hint).startswith("your work is safe in the local branch; run this again")
        assert error.exit_code == 7
        assert str(remotes._failure("x", b"")).startswith("x: git failed without a message")

    def test_what_a_remote_took_is_noted_here(self, listed: Repo) -> None:
        """Its head, its tracking ref, and that it is the home from now on."""
        listed.git("remote", "add", "o", "https://h/o")
        head, repository = listed.head(), _opened(listed)
        assert home.of(repository, "plan").recorded is None
        remotes.note_tracking(repository, "o", "plan", head)
        assert listed.git("rev-parse", "refs/remotes/o/gittasks/plan") == head
        assert remotes.published(repository, "o", "plan") == head
        assert home.of(_opened(listed), "plan").recorded == Record("o", "https://h/o")
        remotes.note_tracking(_opened(listed), "o", "plan", head)
        later = listed.hand_edit({"x": "x\n"})
        lock = Path(listed.ref_lock("refs/remotes/o/gittasks/plan"))
        assert not lock.exists()
        remotes.note_branch(_opened(listed), "plan", "refs/remotes/o/claude/x", later)
        assert listed.git("rev-parse", "refs/remotes/o/claude/x") == later
        assert listed.git("rev-parse", "refs/remotes/o/gittasks/plan") == head
