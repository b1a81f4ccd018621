"""Remotes: their URLs as git has them, the home of a list, and what is remembered of both."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from support.repositories import Repo

from gittasks.errors import NoRemote, NotFound, Way
from gittasks.store import home, remotes
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
            remotes.remote_of(_opened(repo), "x")
        assert caught.value.hint == "add it with: git remote add NAME URL"
        _remotes(repo, o="u", p="v")
        assert remotes.remote_of(_opened(repo), "p") == "p"
        with pytest.raises(NotFound) as caught:
            remotes.remote_of(_opened(repo), "x")
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
