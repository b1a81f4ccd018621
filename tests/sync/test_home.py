"""One answer to "which remote decides on this list", whatever asks and however remotes are set up.

Two repositories that each grant a task grant it twice, so what cannot be told is refused.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from support import agents, transports
from support.clones import on_hub, share
from support.repositories import Repo

from gittasks.core.operations import Claim, Transition, Update, Verb
from gittasks.errors import GittasksError
from gittasks.githooks import dispatch
from gittasks.store import home
from gittasks.workspace import claims

REFUSED = "refused"
DIVIDED = "divided"
"""The remote is fetched from one repository and pushed to another: pulled from, no more."""
LOCAL = None
"""This repository itself decides."""
SetUp = Callable[[Repo, str], None]


def _fork(repo: Repo, hub: str) -> str:
    """A bare copy of the hub, as a forge makes it."""
    path = os.path.join(os.path.dirname(hub), "fork.git")
    repo.git("clone", "-q", "--bare", hub, path)
    return path


def _none(repo: Repo, hub: str) -> None:
    repo.git("branch", "-q", "gittasks/plan", "origin/gittasks/plan")
    repo.git("config", "branch.gittasks/plan.gittasksHome", ".")
    repo.git("remote", "remove", "origin")


def _one(repo: Repo, hub: str) -> None:
    pass


def _one_of_another_name(repo: Repo, hub: str) -> None:
    repo.git("remote", "rename", "origin", "team")


def _two_and_one_has_it(repo: Repo, hub: str) -> None:
    repo.git("remote", "rename", "origin", "team")
    empty = transports.bare(os.path.join(os.path.dirname(hub), "empty.git"))
    repo.git("remote", "add", "mine", empty)


def _upstream_has_it_and_origin_not(repo: Repo, hub: str) -> None:
    repo.git("remote", "rename", "origin", "upstream")
    empty = transports.bare(os.path.join(os.path.dirname(hub), "empty.git"))
    repo.git("remote", "add", "origin", empty)


def _fork_and_upstream_have_it(repo: Repo, hub: str) -> None:
    fork = _fork(repo, hub)
    repo.git("remote", "rename", "origin", "upstream")
    repo.git("remote", "add", "origin", fork)
    repo.git("fetch", "-q", "origin")


def _fork_and_upstream_and_a_choice(repo: Repo, hub: str) -> None:
    _fork_and_upstream_have_it(repo, hub)
    repo.git("config", "branch.gittasks/plan.remote", "upstream")


def _push_default(repo: Repo, hub: str) -> None:
    """`remote.pushDefault` and `branch.*.pushRemote` say where code goes, not who decides."""
    repo.git("remote", "add", "fork", _fork(repo, hub))
    repo.git("config", "remote.pushDefault", "fork")
    repo.git("config", "branch.gittasks/plan.pushRemote", "fork")


def _push_url_of_the_same(repo: Repo, hub: str) -> None:
    repo.git("config", "remote.origin.pushurl", f"file://{hub}")


def _push_url_of_a_fork(repo: Repo, hub: str) -> None:
    repo.git("config", "remote.origin.pushurl", _fork(repo, hub))
    ahead = Repo(os.path.join(os.path.dirname(hub), "ada"))
    ahead.ok("note", "a", "the hub goes on")
    ahead.ok("sync", "-q")


def _push_url_of_a_fork_that_is_level(repo: Repo, hub: str) -> None:
    """Nothing tells the two apart until the push went to the wrong one."""
    repo.git("config", "remote.origin.pushurl", _fork(repo, hub))


def _two_push_urls(repo: Repo, hub: str) -> None:
    repo.git("config", "remote.origin.pushurl", hub)
    repo.git("config", "--add", "remote.origin.pushurl", _fork(repo, hub))


def _renamed(repo: Repo, hub: str) -> None:
    repo.ok("sync", "-q")
    repo.ok("note", "a", "adopted")
    repo.git("remote", "add", "other", _fork(repo, hub))
    repo.git("remote", "rename", "origin", "team")


def _moved(repo: Repo, hub: str) -> None:
    """The forge moved: the same remote at another URL, where the list is not."""
    repo.ok("note", "a", "adopted")
    repo.ok("sync", "-q")
    moved = os.path.join(os.path.dirname(hub), "moved.git")
    repo.git("clone", "-q", "--bare", "--single-branch", "--branch=main", hub, moved)
    repo.git("remote", "set-url", "origin", moved)


def _re_pointed_to_a_fork(repo: Repo, hub: str) -> None:
    """`origin` was the team's; now it is a fork, and the team's is `upstream`."""
    repo.ok("note", "a", "adopted")
    repo.git("remote", "set-url", "origin", _fork(repo, hub))
    repo.git("remote", "add", "upstream", hub)


def _removed(repo: Repo, hub: str) -> None:
    repo.ok("note", "a", "adopted")
    repo.git("remote", "add", "fork", _fork(repo, hub))
    repo.git("remote", "remove", "origin")


def _mirror(repo: Repo, hub: str) -> None:
    repo.git("config", "remote.origin.mirror", "true")


def _instead_of(repo: Repo, hub: str) -> None:
    repo.git("config", f"url.{os.path.dirname(hub)}/.insteadOf", "short:")
    repo.git("remote", "set-url", "origin", f"short:{os.path.basename(hub)}")


def _branch_remote(repo: Repo, hub: str) -> None:
    repo.git("remote", "rename", "origin", "team")
    repo.git("remote", "add", "origin", _fork(repo, hub))
    repo.git("config", "branch.gittasks/plan.remote", "team")


def _branch_remote_against_the_record(repo: Repo, hub: str) -> None:
    repo.ok("note", "a", "adopted")
    repo.git("remote", "add", "fork", _fork(repo, hub))
    repo.git("config", "branch.gittasks/plan.remote", "fork")


def _branch_remote_that_is_none(repo: Repo, hub: str) -> None:
    repo.git("config", "branch.gittasks/plan.remote", "nowhere")


def _push_instead_of_the_same(repo: Repo, hub: str) -> None:
    folder = os.path.dirname(hub)
    repo.git("config", f"url.file://{folder}/.pushInsteadOf", f"{folder}/")


def _two_urls(repo: Repo, hub: str) -> None:
    """It is fetched from the first, and pushed to both."""
    repo.git("remote", "set-url", "--add", "origin", _fork(repo, hub))


def _name_with_a_slash(repo: Repo, hub: str) -> None:
    repo.git("remote", "rename", "origin", "team/hub")


def _names_that_differ_by_case(repo: Repo, hub: str) -> None:
    repo.git("remote", "rename", "origin", "Team")
    repo.git("config", "remote.team.url", _fork(repo, hub))


def _push_default_that_is_none(repo: Repo, hub: str) -> None:
    repo.git("config", "remote.pushDefault", "nowhere")


def _relative_path(repo: Repo, hub: str) -> None:
    repo.git("remote", "set-url", "origin", os.path.relpath(hub, repo.path))


def _branch_remote_is_here(repo: Repo, hub: str) -> None:
    """As `git branch --track` leaves it, of a branch that was made from one here."""
    repo.git("config", "branch.gittasks/plan.remote", ".")


def _included(repo: Repo, hub: str) -> None:
    """Settings of a file that is included for this folder alone name the remote."""
    repo.git("remote", "rename", "origin", "team")
    repo.git("remote", "add", "origin", _fork(repo, hub))
    file = os.path.join(os.path.dirname(hub), "included")
    repo.git("config", "-f", file, "branch.gittasks/plan.remote", "team")
    repo.git("config", f"includeIf.gitdir:{repo.git_dir}.path", file)


def _without_a_head(repo: Repo, hub: str) -> None:
    repo.git("remote", "set-head", "origin", "--delete")
    repo.git("-C", hub, "symbolic-ref", "HEAD", "refs/heads/none")


def _renamed_by_hand(repo: Repo, hub: str) -> None:
    """`branch.*.remote` and the refs that were fetched still have the old name."""
    repo.ok("note", "a", "adopted")
    repo.git("config", "--rename-section", "remote.origin", "remote.team")
    repo.git("config", "remote.team.fetch", "+refs/heads/*:refs/remotes/team/*")
    repo.git("remote", "add", "other", _fork(repo, hub))


TABLE: list[tuple[SetUp, str | None]] = [
    (_none, LOCAL),
    (_one, "origin"),
    (_one_of_another_name, "team"),
    (_two_and_one_has_it, "team"),
    (_upstream_has_it_and_origin_not, "upstream"),
    (_fork_and_upstream_have_it, REFUSED),
    (_fork_and_upstream_and_a_choice, "upstream"),
    (_push_default, "origin"),
    (_push_url_of_the_same, "origin"),
    (_push_url_of_a_fork, DIVIDED),
    (_push_url_of_a_fork_that_is_level, DIVIDED),
    (_two_push_urls, "origin"),
    (_renamed, "team"),
    (_moved, "origin"),
    (_re_pointed_to_a_fork, REFUSED),
    (_removed, REFUSED),
    (_mirror, "origin"),
    (_instead_of, "origin"),
    (_branch_remote, "team"),
    (_branch_remote_against_the_record, REFUSED),
    (_branch_remote_that_is_none, REFUSED),
    (_push_instead_of_the_same, "origin"),
    (_two_urls, "origin"),
    (_name_with_a_slash, "team/hub"),
    (_names_that_differ_by_case, "Team"),
    (_push_default_that_is_none, "origin"),
    (_relative_path, "origin"),
    (_branch_remote_is_here, "origin"),
    (_included, "team"),
    (_without_a_head, "origin"),
    (_renamed_by_hand, REFUSED),
]


def _asked(ask: Callable[[], str | None]) -> str | None:
    try:
        return ask()
    except GittasksError as error:
        settled = error.kind == "no-remote" and "git config branch.gittasks/plan." in str(
            error.hint
        )
        if error.exit_code == 8 and settled:
            return REFUSED
        raise


def _answers(repo: Repo, *, shared: bool = True) -> dict[str, str | None]:
    """What each way in says of the home of `plan`."""

    def claim() -> str | None:
        workspace = repo.workspace("plan", GITTASKS_SESSION="one", GITTASKS_OWNER="ann")
        made = claims.claim(workspace, Claim("a"))
        return workspace.store.remote if made.report.commit else "not granted"

    def exchange(*args: str) -> Callable[[], str | None]:
        def ask() -> str | None:
            answer = repo.run(*args, "--list=plan", "--json")
            document: Any = answer.json()
            if answer.code:
                raise _error(document)
            return str(document["lists"][0]["remote"])

        return ask

    def finish() -> str | None:
        workspace = repo.workspace("plan", GITTASKS_SESSION="one", GITTASKS_OWNER="ann")
        report = workspace.edit([Transition(Verb.DONE, "a")])
        return workspace.store.remote if report.commit else "not done"

    def lease() -> str | None:
        """The remotes whose repository holds the ref of a lease."""
        workspace = repo.workspace("plan", GITTASKS_SESSION="two", GITTASKS_OWNER="bea")
        claims.claim(workspace, Claim("c"), 60)
        holders = [n for n in repo.git("remote").split() if _shows_lease(repo, n)]
        return "+".join(holders) or LOCAL

    def claim_by_tool() -> str | None:
        told = _by_tool(repo, "TaskClaim", taskId="b", parallel=True)["message"]
        granted = re.search(r"granted by (\S+) \(", told)
        return granted[1] if granted else LOCAL

    def sync_by_tool() -> str | None:
        return str(_by_tool(repo, "TaskSync")["lists"][0]["remote"])

    def hook() -> str | None:
        """The remotes that a `git push` of code takes the list along to."""
        repo.ok("note", "a", "news", "--list=plan")
        workspace = repo.workspace("plan")
        said = {n: dispatch.push_along(workspace, n, "") for n in repo.git("remote").split()}
        taken = [n for n, lines in said.items() if lines and "not pushed" not in lines[0]]
        return "+".join(taken) or REFUSED

    asked: dict[str, Callable[[], str | None]] = {
        "claim": claim,
        "finish": finish,
        "lease": lease,
        "claim by tool": claim_by_tool,
    }
    exchanges = {
        "pull": exchange("pull"),
        "push": exchange("push"),
        "sync": exchange("sync"),
        "sync by tool": sync_by_tool,
        "hook": hook,
    }
    return {name: _asked(ask) for name, ask in (asked | exchanges if shared else asked).items()}


def _shows_lease(repo: Repo, remote: str) -> bool:
    """True when the repository that a remote is fetched from holds a lease of the list."""
    return bool(repo.git("ls-remote", remote, "refs/gittasks/leases/plan/*"))


def _by_tool(repo: Repo, tool: str, **given: object) -> dict[str, Any]:
    with agents.in_memory(repo.path, "plan") as agent:
        result = agent.call(tool, given)
    if result.is_error:
        text = agents.text_of(result)
        refusal = _Told(text, hint=text)
        raise refusal
    assert isinstance(result.structured_content, dict)
    return result.structured_content


class _Told(GittasksError):
    kind = "no-remote"
    exit_code = 8


def _error(document: Any) -> GittasksError:
    error = document["error"]
    assert error["kind"] == "no-remote", error
    return _Told(error["message"], hint=error["hint"])


@pytest.mark.parametrize(("set_up", "expected"), TABLE, ids=[s.__name__[1:] for s, _ in TABLE])
def test_every_command_asks_the_same_remote(
    set_up: SetUp, expected: str | None, tmp_path: object
) -> None:
    """Claims, their ends, leases, exchanges, tools and hooks all name one, or are all refused."""
    ada, bob = share(str(tmp_path), "ada", "bob")
    hub = ada.git("remote", "get-url", "origin")
    set_up(bob, hub)
    found = _answers(bob, shared=expected is not LOCAL)
    if expected is LOCAL:
        assert set(found.values()) == {LOCAL}
    elif expected is REFUSED:
        # What is not claimed is finished here, as any write.
        assert {v for k, v in found.items() if k != "finish"} == {REFUSED}
    elif expected is DIVIDED:
        assert found["pull"] == "origin"
        assert {v for k, v in found.items() if k not in ("finish", "pull")} == {REFUSED}
        fork = home.urls_of(bob.workspace("plan").repository, "origin")
        assert fork
        told = bob.git("-C", fork.push[0], "grep", "-h", "^status", "gittasks/plan", "--", "tasks")
        assert "in_progress" not in told
    else:
        assert set(found.values()) == {expected}
        there = home.urls_of(bob.workspace("plan").repository, expected)
        assert there
        row = bob.git("ls-remote", there.fetch, "refs/heads/gittasks/plan")
        assert row.partition("\t")[0] == bob.head()


@pytest.mark.parametrize(("set_up", "expected"), TABLE, ids=[s.__name__[1:] for s, _ in TABLE])
def test_reads_are_never_refused_and_show_what_was_fetched_from_it(
    set_up: SetUp, expected: str | None, tmp_path: object
) -> None:
    """`status`, the list and what is ready are as the same remote had them when last fetched."""
    ada, bob = share(str(tmp_path), "ada", "bob")
    set_up(bob, ada.git("remote", "get-url", "origin"))
    ada.edit(Update("a", subject="News"))
    assert not ada.sync().error
    bob.git("fetch", "-q", "--all")
    shows_it = expected not in (LOCAL, REFUSED) and set_up is not _moved
    told = bob.run("status", "--list=plan", "--no-fetch")
    assert told.code == 0, told.err
    listed, ready = bob.workspace("plan").tasks, bob.workspace("plan").ready()
    assert [*listed] == ["a", "b", "c"] == [task.id for task in ready]
    assert {listed["a"].subject, ready[0].subject} == {"News"} or not shows_it


@pytest.mark.parametrize(
    "set_up",
    [s for s, expected in TABLE if expected is REFUSED],
    ids=[s.__name__[1:] for s, expected in TABLE if expected is REFUSED],
)
def test_each_line_that_is_offered_settles_it(set_up: SetUp, tmp_path: object) -> None:
    """After any of the commands that the refusal names, the same call goes through."""
    ada, bob = share(str(tmp_path), "ada", "bob")
    set_up(bob, ada.git("remote", "get-url", "origin"))
    offered = bob.run("claim", "a", "--json").json()["error"]["decisions"]
    assert offered
    for words in offered:
        bob.git(*words[1:])
        repository = bob.workspace("plan").repository
        wanted = None if words[-1] == "." else words[-1]
        assert home.of(repository, "plan")[:2] == (wanted, None)
        bob.git("config", "--unset", words[2])


def test_pushes_that_git_rewrites_to_a_fork_grant_nothing(tmp_path: object) -> None:
    """`pushInsteadOf` leaves an explicit push URL alone, and that is what is offered."""
    ada, bob = share(str(tmp_path), "ada", "bob")
    hub = ada.git("remote", "get-url", "origin")
    bob.git("config", f"url.{_fork(bob, hub)}.pushInsteadOf", hub)
    ada.ok("note", "a", "the hub goes on")
    ada.ok("sync", "-q")
    refused = bob.run("claim", "a", "--list=plan", "--json")
    assert refused.code == 8
    (words,) = refused.json()["error"]["decisions"]
    bob.git(*words[1:])
    assert "granted by origin" in bob.ok("claim", "a", "--list=plan").out


def test_a_finish_is_fenced_by_the_home_alone(tmp_path: object) -> None:
    """Where two remotes differ about who holds a task, what is claimed cannot be finished."""
    ada, bob = share(str(tmp_path), "ada", "bob")
    me = {"GITTASKS_OWNER": "bob", "GITTASKS_SESSION": "s"}
    bob.ok("claim", "a", env=me)
    bob.git("remote", "add", "fork", _fork(bob, ada.git("remote", "get-url", "origin")))
    bob.git("config", "branch.gittasks/plan.remote", "fork")
    refused = bob.run("done", "a", "--json", env=me)
    assert (refused.code, refused.json()["error"]["kind"]) == (8, "no-remote")
    bob.ok("done", "a", "--remote=origin", env=me)
    assert on_hub(bob) == bob.head()


def test_a_list_of_two_remotes_goes_to_one_claimer(tmp_path: object) -> None:
    """Two clones whose remotes are named alike and differ never both get a task."""
    ada, bob = share(str(tmp_path), "ada", "bob")
    hub = ada.git("remote", "get-url", "origin")
    for repo, name in ((ada, "a"), (bob, "b")):
        fork = transports.bare(os.path.join(str(tmp_path), f"fork-{name}.git"))
        repo.git("remote", "rename", "origin", "upstream")
        repo.git("remote", "add", "origin", fork)
    codes = [
        repo.run("claim", "a", env={"GITTASKS_SESSION": str(n), "GITTASKS_OWNER": str(n)}).code
        for n, repo in enumerate((ada, bob))
    ]
    assert sorted(codes) == [0, 5]
    assert ada.git("ls-remote", hub, "refs/heads/gittasks/plan")


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("https://ada:secret@host/x.git", "https://host/x.git"),
        ("https://token@host/x", "https://host/x"),
        ("ssh://git@host:22/x", "ssh://host:22/x"),
        ("git@host:team/x.git", "host:team/x.git"),
        ("/srv/git/x.git/", "/srv/git/x.git"),
        ("../a@b/x", "../a@b/x"),
        ("file:///a@b/x", "file:///a@b/x"),
    ],
)
def test_records_name_no_user_and_no_password(url: str, address: str) -> None:
    """What is kept and shown of a URL holds no login."""
    assert home.address(url) == address


def test_an_adopted_list_is_pulled_by_git_itself(tmp_path: object) -> None:
    """The first write in a clone tells git where the list's branch comes from, and to merge it."""
    _, bob = share(str(tmp_path), "ada", "bob")
    bob.ok("note", "a", "adopted")
    section = bob.git("config", "--get-regexp", r"^branch\.gittasks/plan\.").splitlines()
    assert sorted(section) == [
        "branch.gittasks/plan.merge refs/heads/gittasks/plan",
        "branch.gittasks/plan.rebase false",
        "branch.gittasks/plan.remote origin",
    ]


def test_another_remote_with_changes_that_are_not_here_is_named(tmp_path: object) -> None:
    """`status` and `doctor` say so with the command that merges them, and then no more."""
    ada, bob = share(str(tmp_path), "ada", "bob")
    fork = _fork(bob, ada.git("remote", "get-url", "origin"))
    bob.ok("note", "a", "adopted")
    bob.ok("sync", "-q")
    ada.git("remote", "add", "fork", fork)
    ada.ok("note", "a", "on the fork alone")
    ada.git("push", "-q", "fork", "gittasks/plan")
    bob.git("remote", "add", "fork", fork)
    assert "fork" not in bob.ok("status").err
    bob.git("fetch", "-q", "fork")
    hint = "fork holds changes that are not here; to merge: gittasks pull fork"
    assert hint in bob.ok("status").err
    told = [f for f in bob.run("doctor", "--json").json()["findings"] if f["check"] == "elsewhere"]
    assert [f["message"] for f in told] == ["fork holds changes that are not here"]
    bob.ok("pull", "fork")
    assert "fork" not in bob.ok("status").err


def test_a_remote_at_the_same_address_is_no_other(tmp_path: object) -> None:
    """Two names of one repository leave no doubt about who decides."""
    ada, bob = share(str(tmp_path), "ada", "bob")
    bob.ok("note", "a", "adopted")
    bob.git("remote", "add", "team", ada.git("remote", "get-url", "origin"))
    bob.git("config", "branch.gittasks/plan.remote", "team")
    assert bob.ok("claim", "a", "--json").json()["remote"] == "team"


def test_a_claim_names_the_repository_that_granted_it(tmp_path: object) -> None:
    """By the remote's name and its address."""
    ada, _ = share(str(tmp_path), "ada", "bob")
    hub = ada.git("remote", "get-url", "origin")
    assert f"granted by origin ({hub})" in ada.ok("claim", "a").out


def test_a_list_that_was_removed_and_is_not_here_stops_no_sync_of_all(tmp_path: object) -> None:
    """What only a tracking ref is left of is said, and the others go on."""
    ada, bob = share(str(tmp_path), "ada", "bob")
    bob.ok("sync", "-q")
    ada.git("push", "-q", "origin", ":gittasks/plan")
    bob.ok("init", "other")
    done = bob.ok("sync", "--all", "--json").json()
    told = {x["id"]: (x["removed"], x["error"], x["created"]) for x in done["lists"]}
    assert told == {"other": (False, None, True), "plan": (True, None, False)}
    assert "plan: removed from origin, and not here" in bob.ok("sync", "--all").out
    assert bob.run("sync", "-l", "plan").code == 7


@pytest.mark.parametrize(("hours", "span"), [(2, "2 hours"), (143, "6 days")])
def test_dates_that_lie_ahead_are_said(hours: int, span: str, tmp_path: object) -> None:
    """A clock that is wrong is named by whose commits it made, by `sync` and `doctor`."""
    ada, bob = share(str(tmp_path), "ada", "bob")
    date = {"GIT_AUTHOR_DATE": f"{int(time.time()) + hours * 3600 + 600} +0000"}
    ada.git("config", "user.name", "Bea")
    ada.ok("note", "a", "later", env=date)
    ada.ok("sync", "-q")
    words = f"the dates of Bea lie {span} ahead of the clock here"
    answer = bob.ok("sync")
    assert f"! {words}" in answer.out
    told = [f for f in bob.run("doctor", "--json").json()["findings"] if f["check"] == "clock"]
    assert words in [f["message"] for f in told]
    assert "dates" not in bob.ok("sync").out


def test_a_remote_that_was_removed_may_be_added_again(tmp_path: object) -> None:
    """With no other remote here, the refusal has a way beside deciding alone."""
    ada, bob = share(str(tmp_path), "ada", "bob")
    hub = ada.git("remote", "get-url", "origin")
    bob.ok("claim", "a")
    bob.git("remote", "remove", "origin")
    refused = bob.run("done", "a")
    assert refused.code == 8
    assert "git remote add origin URL" in refused.err
    bob.git("remote", "add", "origin", hub)
    bob.ok("done", "a")
    ada.ok("sync")
    assert ada.ok("show", "a", "--json").json()["task"]["status"] == "completed"


def test_a_configured_name_that_is_no_remote_is_what_is_gone(tmp_path: object) -> None:
    """The home that is recorded is here still, and is not said to be gone."""
    _, bob = share(str(tmp_path), "ada", "bob")
    bob.ok("claim", "a")
    bob.git("config", "branch.gittasks/plan.remote", "elsewhere")
    refused = bob.run("done", "a", "--json")
    assert refused.code == 8
    assert refused.json()["error"]["message"] == 'the remote of "plan" is gone: elsewhere'
    bob.git("config", "branch.gittasks/plan.remote", "origin")
    bob.ok("done", "a")


@pytest.mark.parametrize("args", [["sync"], ["push"], ["claim", "b"]])
def test_a_home_that_is_another_repository_now_is_said_once(
    args: list[str], tmp_path: object
) -> None:
    """`git remote set-url` moves the home; the old repository may be alive and grant as well."""
    ada, bob = share(str(tmp_path), "ada", "bob")
    hub = ada.git("remote", "get-url", "origin")
    bob.ok("note", "a", "adopted")
    bob.ok("sync", "-q")
    fork = _fork(bob, hub)
    bob.git("remote", "set-url", "origin", fork)
    bob.ok("note", "a", "to be sent")
    told = bob.run(*args)
    assert told.code == 0, told.err
    assert f"origin was {hub} and is {fork} now" in told.err
    assert " now: from here on" not in bob.run("sync").err


def test_a_list_that_was_given_to_this_repository_alone(tmp_path: object) -> None:
    """It is shared with no remote until one is named; that is said, and the way on works."""
    (ada,) = share(str(tmp_path), "ada")
    ada.git("config", "branch.gittasks/plan.gittasksHome", ".")
    error = ada.run("sync", "--json").json()["error"]
    assert error["exitCode"] == 8
    assert error["message"].startswith('"plan" is shared with no remote')
    assert error["decisions"] == [["gittasks", "sync", "origin"]]
    ada.ok(*error["decisions"][0][1:])


def _beside(repo: Repo, hub: str) -> str:
    """An empty repository beside the hub that has the code, and no list."""
    path = transports.bare(os.path.join(os.path.dirname(hub), "beside.git"))
    repo.git("push", "-q", path, "main")
    return path


@pytest.mark.parametrize("args", [["sync"], ["push"], ["sync", "new"], ["push", "new"]], ids=str)
def test_a_list_that_was_only_fetched_goes_to_a_remote_that_lacks_it(
    args: list[str], tmp_path: object
) -> None:
    """That of another remote, and that of an earlier URL, as of a repository made from another."""
    ada, bob = share(str(tmp_path), "ada", "bob")
    other = _beside(bob, ada.git("remote", "get-url", "origin"))
    if "new" in args:
        bob.git("remote", "add", "new", other)
    else:
        bob.git("remote", "set-url", "origin", other)
    bob.ok("list")
    assert "plan: now on" in bob.ok(*args).out
    assert bob.git("ls-remote", other, "refs/heads/gittasks/plan").startswith(on_hub(ada))


@pytest.mark.parametrize("first", [[], ["list"], ["pull"]], ids=str)
def test_a_list_that_was_removed_there_comes_back_by_the_offered_command_alone(
    first: list[str], tmp_path: object
) -> None:
    """Whatever has been done in a clone that only fetched it, and though a claim would push it."""
    ada, bob = share(str(tmp_path), "ada", "bob")
    head = on_hub(ada)
    if first:
        bob.ok(*first)
    ada.git("push", "-q", "origin", ":gittasks/plan")
    for args in (["sync"], ["claim", "a"], ["push"]):
        refused = bob.run(*args)
        assert (refused.code, on_hub(ada)) == (7, "")
        assert '"plan" was removed from origin, which had it before' in refused.err
    again, _ = bob.run("sync", "--json").json()["error"]["decisions"]
    assert again[:2] == ["gittasks", "push"]
    bob.ok(*again[1:])
    assert on_hub(ada) == head
