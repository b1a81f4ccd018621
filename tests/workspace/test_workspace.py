"""The façade as a program uses it."""

from __future__ import annotations

import pytest
from support.repositories import Repo

from gittasks import Create, NoRemote, NotFound, Refused, Status, Transition, Verb
from gittasks.store.repository import Repository


def test_a_selected_list_leaves_the_workspace_as_it_was(listed: Repo) -> None:
    """`select` and `create_list` give another workspace, chosen for nobody else."""
    plan = listed.workspace("plan")
    before = set(plan.tasks)
    other = plan.create_list("other", title="More")
    other.create("Elsewhere", id="far")
    assert set(plan.tasks) == before
    assert (plan.list_id, other.list_id, other.snapshot().info.title) == (
        "plan",
        "other",
        "More",
    )
    assert set(plan.select("other").tasks) == {"far"}
    assert plan.repository.config.get("gittasks.list") != "other"


def test_a_list_that_another_makes_meanwhile_is_taken(
    repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look that finds none and the one before it is made."""
    looked, look = list[bool](), Repository.known_lists

    def made_after_the_look(repository: Repository) -> list[str]:
        lists = look(repository)
        if not looked:
            looked.append(True)
            repo.workspace().init("plan", None)
        return lists

    work = repo.workspace()
    monkeypatch.setattr(Repository, "known_lists", made_after_the_look)
    assert not work.make_list_if_none()
    assert work.list_id == "plan"


def test_several_operations_are_one_commit_or_none(listed: Repo) -> None:
    """`edit` applies all operations or none, and its result names the last task."""
    work = listed.workspace("plan")
    commits = len(work.log())
    with pytest.raises(NotFound):
        work.edit([Create("One", id="one"), Transition(Verb.START, "nowhere")])
    assert len(work.log()) == commits
    result = work.edit([Create("One", id="one"), Create("Two", id="two", blocked_by=("one",))])
    assert len(work.log()) == commits + 1
    assert result.task == work.tasks["two"]
    assert result.changed == ("one", "two")


def test_a_task_goes_through_its_states(listed: Repo) -> None:
    """Each transition answers with the task as it is then."""
    work = listed.workspace("plan").create_list("states")
    work.create("First", id="first")
    work.create("Second", id="second", blocked_by=["first"])
    with pytest.raises(Refused, match="first"):
        work.start("second")
    work.start("first")
    assert work.release("first").task == work.tasks["first"]
    work.start("first")
    assert work.done("first", result="PASS").unblocked == ("second",)
    assert work.update("second", description="All of it").description == "All of it"
    assert [note.text for note in work.note("second", "Nearly").notes] == ["Nearly"]
    states = []
    for move in (work.skip, work.reopen, work.delete, work.restore):
        task = move("second").task
        states.append(task.status if task else None)
    assert states == [Status.SKIPPED, Status.PENDING, Status.DELETED, Status.PENDING]
    assert [task.id for task in work.ready()] == ["second"]


def test_sharing_without_a_remote_is_an_error(listed: Repo) -> None:
    """`sync` raises what is wrong."""
    with pytest.raises(NoRemote):
        listed.workspace("plan").sync()
