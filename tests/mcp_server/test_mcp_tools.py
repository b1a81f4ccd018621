"""What the tools do and answer, asked by a real client in this process."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from mcp_types import CallToolResult
from support import agents
from support.agents import Agent, text_of
from support.clones import share
from support.repositories import Repo, git

from gittasks.mcp_server.server import answer


@pytest.fixture
def agent(listed: Repo) -> Iterator[Agent]:
    """An agent in a repository with the list `plan` and the pending tasks a, b and c."""
    with agents.in_memory(listed.path) as found:
        yield found


def test_create_answers_with_id_and_progress(agent: Agent, listed: Repo) -> None:
    """A new task has all fields of the call, and the reply names it and how far the list is."""
    result = agent.call(
        "TaskCreate",
        subject="PHASE 2: Write tests",
        description="All of them",
        activeForm="Writing tests",
        id="tests",
        status="pending",
        owner="bob",
        blockedBy=["a"],
        blocks=["c"],
        metadata={"estimate": 3},
    )
    assert text_of(result).splitlines()[0] == "created tests  PHASE 2: Write tests (blocked by a)"
    assert result.structured_content == {
        "task": {"id": "tests", "subject": "PHASE 2: Write tests"},
        "summary": "4 tasks, 0 complete, Phase 2 starting...",
    }
    task = listed.tasks()["tests"]
    assert task["description"] == "All of them"
    assert task["activeForm"] == "Writing tests"
    assert (task["owner"], task["blockedBy"], task["blocks"]) == ("bob", ["a"], ["c"])
    assert task["metadata"] == {"estimate": 3}


def test_update_says_what_changed_and_what_became_ready(agent: Agent) -> None:
    """Start and finish: id, status change, what it unblocked, n of m; as text and as data."""
    agent.ok("TaskUpdate", taskId="b", addBlockedBy=["a"])
    agent.ok("TaskUpdate", taskId="a", status="in_progress")
    result = agent.call("TaskUpdate", taskId="a", status="completed", result="PASS")
    assert text_of(result).splitlines() == [
        "a: in_progress → completed (PASS)",
        "now ready: b",
        "1/3 tasks complete (33.3%)",
    ]
    assert result.structured_content == {
        "success": True,
        "taskId": "a",
        "updatedFields": [],
        "statusChange": {"from": "in_progress", "to": "completed"},
        "unblocked": ["b"],
        "summary": "1/3 tasks complete (33.3%)",
    }


def test_an_update_again_changes_nothing(agent: Agent, listed: Repo) -> None:
    """The same transition twice succeeds, makes no commit, and says that nothing changed."""
    agent.ok("TaskUpdate", taskId="a", status="completed")
    head = listed.head()
    again = agent.ok("TaskUpdate", taskId="a", status="completed")
    assert again["updatedFields"] == []
    assert "statusChange" not in again
    assert listed.head() == head


def test_every_field_of_an_update(agent: Agent, listed: Repo) -> None:
    """All fields are set by one call, as one commit; clear empties, null removes a key."""
    before = listed.count()
    changed = agent.ok(
        "TaskUpdate",
        taskId="a",
        subject="A",
        description="d",
        activeForm="Aing",
        owner="bob",
        phase="2",
        order=9,
        result="r",
        note="n",
        metadata={"k": {"x": [1]}},
        addBlockedBy=["b"],
        addBlocks=["c"],
    )
    assert listed.count() == before + 1
    fields = {"subject", "description", "activeForm", "owner", "result", "phase", "order"}
    assert set(changed["updatedFields"]) == fields | {"blockedBy", "note", "metadata"}
    assert changed["alsoChanged"] == ["c"]
    cleared = agent.ok(
        "TaskUpdate",
        taskId="a",
        clear=["description", "owner"],
        metadata={"k": None},
        removeBlockedBy=["b"],
        removeBlocks=["c"],
    )
    assert set(cleared["updatedFields"]) == {"description", "owner", "blockedBy", "metadata"}
    task = listed.tasks()["a"]
    assert (task["blockedBy"], task["blocks"], task["metadata"]) == ([], [], {})
    assert task["notes"][0]["text"] == "n"


def test_what_says_nothing_changes_nothing(agent: Agent, listed: Repo) -> None:
    """A client that fills every unused field with nothing erases no field, and is told so."""
    fields = {"description": "d", "activeForm": "Aing", "owner": "bob", "phase": "2"}
    agent.ok("TaskCreate", {"subject": "A", "id": "full", **fields})
    empty = dict.fromkeys(["description", "activeForm", "owner", "phase", "result", "note"], "")
    update = {"taskId": "full", "status": "in_progress", "addBlockedBy": [], "metadata": {}}
    result = agent.call("TaskUpdate", {**update, **empty})
    task = listed.tasks()["full"]
    assert [task[name] for name in fields] == ["d", "Aing", "bob", "PHASE 2"]
    assert task["status"] == "in_progress"
    said = "taken as not given: addBlockedBy, description, activeForm, owner, phase, result, note"
    assert said in text_of(result)
    assert said in (result.structured_content or {})["hints"]


def test_a_field_given_and_cleared_is_refused(agent: Agent) -> None:
    """Both cannot be meant, by any tool that clears."""
    said = agent.refused("TaskUpdate", taskId="a", phase="2", clear=["phase"])
    assert "phase is both given and cleared" in said
    tasks = [{"subject": "A", "id": "x", "owner": "bob", "clear": ["owner"]}]
    assert "owner is both given and cleared" in agent.refused("TaskCreateMany", tasks=tasks)


def test_a_long_list_is_cut(agent: Agent) -> None:
    """100 tasks unless more are asked for, the open ones first; the rest is counted."""
    tasks = [{"subject": f"Task {n}", "status": "completed"} for n in range(90)]
    tasks += [{"subject": f"Later {n}"} for n in range(60)]
    agent.ok("TaskCreateMany", tasks=tasks)
    shown = agent.ok("TaskList")
    assert len(shown["tasks"]) == 100
    assert sum(t["status"] == "pending" for t in shown["tasks"]) == 63
    assert shown["more"] == {"completed": 53}
    few = agent.call("TaskList", limit=2)
    assert "not shown: 61 pending, 90 completed" in text_of(few)
    assert len(agent.ok("TaskList", limit=500)["tasks"]) == 153
    assert [t["subject"] for t in agent.ok("TaskList", search="later 59")["tasks"]] == ["Later 59"]


def test_undo_and_lint_need_no_shell(agent: Agent, listed: Repo) -> None:
    """TaskLog takes back the last change, and gives advice in words without commands."""
    agent.ok("TaskUpdate", taskId="a", status="completed")
    undone = agent.ok("TaskLog", operation="undo")
    assert (undone["changed"], listed.tasks()["a"]["status"]) == (["a"], "pending")
    found = agent.ok("TaskLog", operation="lint")["findings"]
    assert "no-active-form" in {finding["rule"] for finding in found}
    assert not any("gittasks " in finding["hint"] for finding in found)


def test_what_the_log_is_asked_of_one_task_is_about_that_task(agent: Agent, listed: Repo) -> None:
    """Advice is that about the task; undo, which goes by time, refuses one and leaves all."""
    about = agent.ok("TaskLog", operation="lint", taskId="c")["findings"]
    assert about
    assert all("c" in finding["tasks"] for finding in about)
    agent.ok("TaskUpdate", taskId="a", status="completed")
    said = agent.refused("TaskLog", operation="undo", taskId="b")
    assert "undo takes back your last change, of whatever task" in said
    assert listed.tasks()["a"]["status"] == "completed"


def test_a_list_that_is_not_here_is_named_beside_those_that_are(agent: Agent) -> None:
    """Nobody is told that there is no list at all when only the named one is missing."""
    said = text_of(agent.call("TaskList", list="nosuch"))
    assert said == (
        'no task list "nosuch" here; TaskCreate or TaskCreateMany makes it; there is also: plan'
    )


def test_a_call_chooses_its_list(agent: Agent, listed: Repo) -> None:
    """Every tool takes the id of another list, so that nobody is stuck with the wrong one."""
    listed.ok("init", "other")
    listed.ok("create", "Elsewhere", "--id", "e")
    assert [t["id"] for t in agent.ok("TaskList", list="other")["tasks"]] == ["e"]
    assert [t["id"] for t in agent.ok("TaskList", list="plan")["tasks"]] == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("status", "then"), [("skipped", "skipped"), ("deleted", "deleted"), ("pending", "pending")]
)
def test_other_statuses(agent: Agent, listed: Repo, status: str, then: str) -> None:
    """A running task can be closed undone, hidden, or given back; pending opens it again."""
    agent.ok("TaskUpdate", taskId="a", status="in_progress")
    agent.ok("TaskUpdate", taskId="a", status=status)
    assert listed.tasks()["a"]["status"] == then
    agent.ok("TaskUpdate", taskId="a", status="pending")
    assert listed.tasks()["a"]["status"] == "pending"


def test_loop_ends_early_and_the_next_begins(agent: Agent) -> None:
    """iterations makes a chain; endLoop skips what is left of it, startNext goes on."""
    made = agent.ok("TaskCreate", subject="Validate", iterations=4, id="it", blocks=["c"])
    assert made["created"] == ["it-1", "it-2", "it-3", "it-4"]
    agent.ok("TaskUpdate", taskId="a", status="skipped")
    agent.ok("TaskUpdate", taskId="b", status="skipped")
    first = agent.ok("TaskUpdate", taskId="it-1", status="completed", startNext=True)
    assert first["started"] == "it-2"
    ended = agent.ok("TaskUpdate", taskId="it-2", status="completed", endLoop=True, result="PASS")
    assert ended["alsoChanged"] == ["it-3", "it-4"]
    assert ended["unblocked"] == ["c"]
    last = agent.ok("TaskUpdate", taskId="c", status="completed", startNext=True)
    assert "started" not in last
    assert last["hints"] == ["nothing is ready"]


def test_create_many_is_one_commit_and_repeatable(agent: Agent, listed: Repo) -> None:
    """A workflow comes in as one commit, in order, whatever the order of its dependencies; again
    it changes nothing, with ids and without."""
    tasks = [
        {"subject": "PHASE 1: Ask", "id": "ask", "activeForm": "Asking"},
        {"subject": "PHASE 3: Build", "blockedBy": ["phase-2-plan", "a"]},
        {"subject": "PHASE 2: Plan", "id": "phase-2-plan", "blockedBy": ["ask"], "owner": "bob"},
    ]
    before = listed.count()
    made = agent.ok("TaskCreateMany", tasks=tasks, title="All of it")
    assert listed.count() == before + 1
    assert made["ids"] == ["ask", "p3-build", "phase-2-plan"]
    assert "kept" not in made
    assert listed.tasks()["p3-build"]["blockedBy"] == ["phase-2-plan", "a"]
    head = listed.head()
    again = agent.ok("TaskCreateMany", tasks=tasks, title="All of it")
    assert again["kept"] == again["ids"] == made["ids"]
    assert listed.head() == head


def test_create_many_is_all_or_nothing(agent: Agent, listed: Repo) -> None:
    """One task that cannot be made stops all of them; every fault is told with its task."""
    head = listed.head()
    said = agent.refused(
        "TaskCreateMany",
        tasks=[{"subject": "Good"}, {"subject": " "}, {"subject": "Bad", "blockedBy": ["nope"]}],
    )
    assert "task 2: " in said
    assert 'task 3: no task "nope"' in said
    assert "title: " in agent.refused("TaskCreateMany", tasks=["A"], title="two\nlines")
    cycle = [
        {"subject": "X", "id": "x", "blockedBy": ["y"]},
        {"subject": "Y", "id": "y", "blockedBy": ["x"]},
    ]
    assert "x → y → x" in agent.refused("TaskCreateMany", tasks=cycle)
    assert listed.head() == head


def test_no_task_goes_to_two_calls_of_one_server(
    listed: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of calls at once that name nobody one gets a task, and the others are told to give an owner;
    those that give one get a task each."""
    monkeypatch.setenv("GITTASKS_SESSION", "s1")

    def take(owner: str) -> CallToolResult:
        return answer(listed.path, None, "TaskClaim", {"owner": owner} if owner else {})

    with ThreadPoolExecutor(3) as threads:
        unnamed = list(threads.map(take, ["", "", ""]))
        named = list(threads.map(take, ["bob", "eve"]))
    refused = [text_of(result) for result in unnamed if result.is_error]
    assert len(refused) == 2
    assert all("for another agent give owner" in text for text in refused)
    granted = [r.structured_content for r in (*unnamed, *named) if not r.is_error]
    assert sorted(data["task"]["id"] for data in granted if data) == ["a", "b", "c"]


def test_list_shows_what_native_tools_show(agent: Agent) -> None:
    """Rows in order with what is still in the way; a blocker that is closed is not named."""
    agent.ok("TaskUpdate", taskId="b", addBlockedBy=["a", "c"], owner="bob")
    agent.ok("TaskUpdate", taskId="a", status="completed", result="PASS")
    result = agent.call("TaskList")
    assert result.structured_content == {
        "list": "plan",
        "tasks": [
            {
                "id": "a",
                "subject": "Task a",
                "status": "completed",
                "result": "PASS",
            },
            {
                "id": "b",
                "subject": "Task b",
                "status": "pending",
                "owner": "bob",
                "blockedBy": ["c"],
            },
            {"id": "c", "subject": "Task c", "status": "pending"},
        ],
        "summary": "1/3 tasks complete (33.3%)",
    }
    assert text_of(result).splitlines()[1] == "[ ] b  Task b (bob, blocked by c)"
    assert [t["id"] for t in agent.ok("TaskList", ready=True)["tasks"]] == ["c"]
    assert [t["id"] for t in agent.ok("TaskList", owner="bob")["tasks"]] == ["b"]
    assert [t["id"] for t in agent.ok("TaskList", status=["completed"])["tasks"]] == ["a"]
    agent.ok("TaskUpdate", taskId="c", status="deleted")
    assert [t["id"] for t in agent.ok("TaskList")["tasks"]] == ["a", "b"]
    assert [t["id"] for t in agent.ok("TaskList", status="deleted")["tasks"]] == ["c"]


def test_get_gives_back_all_that_was_given(agent: Agent) -> None:
    """Owner, metadata and edges can be read back, closed blockers too; nothing empty is sent."""
    agent.ok(
        "TaskUpdate", taskId="b", addBlockedBy=["a"], metadata={"k": [1]}, description="two\nlines"
    )
    agent.ok("TaskUpdate", taskId="a", status="completed")
    result = agent.call("TaskGet", taskId="b")
    assert result.structured_content is not None
    task = result.structured_content["task"]
    assert task["description"] == "two\nlines"
    assert (task["blockedBy"], task["metadata"]) == (["a"], {"k": [1]})
    assert task["ready"] is True
    assert not any(value in (None, [], {}) for value in task.values())
    assert "two" in text_of(result)


def test_log_tells_each_task_of_a_commit(agent: Agent) -> None:
    """One entry a commit, newest first; of a commit about several tasks, each of them."""
    agent.ok("TaskUpdate", taskId="a", status="in_progress")
    agent.ok("TaskUpdate", taskId="a", status="completed", startNext=True)
    agent.ok("TaskLog", operation="undo")
    entries = agent.ok("TaskLog", limit=4)["entries"]
    assert [e["did"] for e in entries] == [
        "a completed → in_progress; b in_progress → pending",
        "b pending → in_progress",
        "a in_progress → completed",
        "a pending → in_progress",
    ]
    assert entries[0]["by"] == "Ada"
    assert len(agent.ok("TaskLog", taskId="b")["entries"]) == 3
    root = text_of(agent.call("TaskLog", limit=100)).splitlines()[-1]
    assert root == "gittasks: task list", "its date is made up"


def test_what_makes_progress_hard_to_see_is_said_at_once(agent: Agent) -> None:
    """Too many tasks, one task for a loop: the reply to the call that makes them says so."""
    many = agent.ok("TaskCreateMany", tasks=[f"Step {n}" for n in range(20)])
    assert "23 tasks" in many["hints"][0]
    assert "sounds like a loop" in agent.ok("TaskCreate", subject="Validation loop")["hints"][0]
    assert "hints" not in agent.ok("TaskCreate", subject="Write tests")


# --- errors --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tool", "given", "said", "fix"),
    [
        ("TaskUpdate", {"taskId": "b", "status": "in_progress"}, "blocked by a", "ready: true"),
        ("TaskUpdate", {"taskId": "c", "status": "in_progress"}, "already has a", "parallel: true"),
        ("TaskUpdate", {"taskId": "a", "addBlockedBy": ["b"]}, "cycle", "removeBlockedBy"),
        ("TaskUpdate", {"taskId": "d", "status": "in_progress"}, "it is completed", "pending"),
        ("TaskUpdate", {"taskId": "e", "result": "x"}, "is deleted", 'status "pending"'),
        (
            "TaskUpdate",
            {"taskId": "a", "status": "completed", "endLoop": True},
            "no loop",
            "without",
        ),
        ("TaskUpdate", {"taskId": "a"}, "nothing to change", "in_progress"),
        ("TaskUpdate", {"taskId": "c", "endLoop": True}, "endLoop", "completed"),
        ("TaskUpdate", {"taskId": "c", "startNext": True}, "startNext", "completed"),
        ("TaskUpdate", {"taskId": "zzz", "status": "completed"}, 'no task "zzz"', "TaskList"),
        ("TaskGet", {"taskId": "zzz"}, 'no task "zzz"', "TaskList"),
        ("TaskGet", {"taskId": ""}, "taskId: '' should be non-empty", ""),
        ("TaskCreate", {"subject": "Other", "id": "a"}, "exists already", "another id"),
        ("TaskCreate", {"subject": "X", "blockedBy": ["zzz"]}, 'no task "zzz"', "TaskList"),
        ("TaskClaim", {"taskId": "a"}, "held by", "give owner"),
        ("TaskCreate", {"subject": "X", "iterations": 5000}, "5000 iterations", "endLoop: true"),
        (
            "TaskCreateMany",
            {"tasks": [{"subject": "X", "blockedBy": ["zzz"]}]},
            'task 1: no task "zzz"',
            "see all ids: TaskList",
        ),
        ("TaskClaim", {"lease": "soon"}, "30m", ""),
        ("TaskSync", {}, "no remote", "git remote add"),
        ("TaskStop", {}, "no tool", "TaskUpdate"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_errors_name_the_fix(
    agent: Agent, tool: str, given: dict[str, object], said: str, fix: str
) -> None:
    """What an agent can mend reaches it as an error that says what to call instead, and in the
    words of the tools, not of the command line."""
    agent.ok("TaskCreate", subject="D", id="d", status="completed")
    agent.ok("TaskCreate", subject="E", id="e")
    agent.ok("TaskUpdate", taskId="e", status="deleted")
    agent.ok("TaskUpdate", taskId="b", addBlockedBy=["a"])
    agent.ok("TaskUpdate", taskId="a", status="in_progress")
    text = agent.refused(tool, given)
    assert said in text.partition("Fix: ")[0]
    assert fix in text.partition("Fix: ")[2]
    assert not re.search("gittasks (update|list|done|show)", text)
    assert "--" not in text


def test_rules_can_be_overridden(agent: Agent, listed: Repo) -> None:
    """parallel lifts one-in-progress, force the others, and that is in the history."""
    agent.ok("TaskUpdate", taskId="a", status="in_progress")
    agent.ok("TaskUpdate", taskId="b", status="in_progress", parallel=True)
    agent.ok("TaskUpdate", taskId="c", addBlockedBy=["b"])
    agent.ok("TaskUpdate", taskId="c", status="in_progress", force=True)
    assert "(forced: blocked, one-in-progress)" in agent.ok("TaskLog", limit=1)["entries"][0]["did"]


def test_a_bug_ends_one_call(
    agent: Agent, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An error that nobody foresaw is told in one line, its traceback goes to the log, and the
    next call works."""
    from gittasks.mcp_server import tools

    with monkeypatch.context() as patch:
        patch.setattr(tools, "call", lambda *_: 1 // 0)
        assert "a bug in gittasks (ZeroDivisionError" in agent.refused("TaskList")
    assert "Traceback" in capsys.readouterr().err
    assert agent.ok("TaskList")["list"] == "plan"


def test_hostile_text_stays_text(agent: Agent, listed: Repo) -> None:
    """What a stranger wrote cannot make up a line of ours nor steer a terminal; the data has it as
    it is."""
    evil = 'subject: "x\\e[2J\\u202e"\ndescription: "a\\n[✓] fake  Done"\n'
    listed.hand_edit({"tasks/evil.yaml": evil}, message="evil \x1b[2J\u202e")
    log = agent.call("TaskLog")
    assert text_of(log).splitlines()[0].endswith(": evil \\x1b[2J\\u202e")
    assert log.structured_content is not None
    assert log.structured_content["entries"][0]["did"] == "evil \x1b[2J\u202e"
    assert "evil  x\\x1b[2J\\u202e" in text_of(agent.call("TaskList"))
    shown = agent.call("TaskGet", taskId="evil")
    assert "  [✓] fake  Done" in text_of(shown).splitlines()
    assert shown.structured_content is not None
    task = shown.structured_content["task"]
    assert (task["subject"], task["description"]) == ("x\x1b[2J\u202e", "a\n[✓] fake  Done")


def test_an_unreadable_file_hides_no_other(agent: Agent, listed: Repo) -> None:
    """The other tasks are listed, and the file is named."""
    listed.hand_edit({"tasks/b.yaml": "subject: [\n"})
    data = agent.ok("TaskList")
    assert [t["id"] for t in data["tasks"]] == ["a", "c"]
    assert "tasks/b.yaml" in data["hints"][0]
    assert "cannot be read" in agent.refused("TaskUpdate", taskId="b", status="in_progress")


# --- lists that come and go ----------------------------------------------------------------


def test_without_a_list_one_is_made(repo: Repo) -> None:
    """The first task makes the list, named as `init` would, and changes no configuration."""
    config = repo.git("config", "--local", "--list")
    with agents.in_memory(repo.path) as agent:
        empty = agent.ok("TaskList")
        assert (empty["list"], empty["tasks"]) == (None, [])
        assert "TaskCreate" in empty["summary"]
        assert "TaskCreate" in agent.refused("TaskGet", taskId="a")
        made = agent.ok("TaskCreate", subject="A", id="a")
        assert made["hints"] == [
            'made the task list "repo" on the branch gittasks/repo: there was none'
        ]
        assert "hints" not in agent.ok("TaskCreate", subject="B")
    assert repo.ok("list", "--quiet").out.split()[0] == "a"
    assert repo.git("config", "--local", "--list") == config


def test_the_list_of_the_environment_is_made(listed: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    """A list that CLAUDE_CODE_TASK_LIST_ID names is made beside the one that is in use, which
    stays in use for everybody else."""
    monkeypatch.setenv("CLAUDE_CODE_TASK_LIST_ID", "feature-auth")
    with agents.in_memory(listed.path) as agent:
        assert agent.ok("TaskList")["tasks"] == []
        said = agent.refused("TaskUpdate", taskId="a", status="in_progress")
        assert "TaskCreate or TaskCreateMany makes it; there is also: plan" in said
        agent.ok("TaskCreateMany", tasks=["One", "Two"])
        assert agent.ok("TaskList")["list"] == "feature-auth"
    monkeypatch.delenv("CLAUDE_CODE_TASK_LIST_ID")
    assert set(listed.tasks()) == {"a", "b", "c"}


def test_among_several_lists_none_is_guessed(listed: Repo) -> None:
    """With several lists and none chosen nothing is made; the choice is seen at the next call."""
    listed.ok("init", "other")
    listed.forget_choice()
    with agents.in_memory(listed.path) as agent:
        for tool, given in (("TaskList", {}), ("TaskCreate", {"subject": "X"})):
            said = agent.refused(tool, given)
            assert "other, plan" in said
            assert "gittasks use" in said
        listed.ok("use", "plan")
        assert agent.ok("TaskList")["list"] == "plan"


def test_a_list_may_be_named_for_the_server(listed: Repo) -> None:
    """`gittasks mcp --list` comes before all else, and is made if it is not there."""
    with agents.in_memory(listed.path, "other") as agent:
        agent.ok("TaskCreate", subject="X", id="x")
        assert agent.ok("TaskList")["list"] == "other"
    with agents.in_memory(listed.path, "no/list") as agent:
        assert "no/list" in agent.refused("TaskList")


def test_the_server_outlives_its_list(agent: Agent, listed: Repo) -> None:
    """A list that is deleted while the server runs is gone at the next call, which says so.

    No other is made in its place; brought back, it is served again.
    """
    agent.ok("TaskList")
    listed.git("update-ref", "-d", "refs/heads/gittasks/plan")
    assert "is gone" in agent.refused("TaskUpdate", taskId="a", status="in_progress")
    assert "is gone" in agent.refused("TaskCreate", subject="A")
    listed.ok("lists", "restore", "plan")
    assert agent.ok("TaskList")["summary"] == "3 tasks, 0 complete"


def test_the_server_outlives_its_repository(agent: Agent, listed: Repo) -> None:
    """A repository that is gone is an error; put back, it is served again."""
    away = f"{listed.path}-away"
    shutil.move(listed.path, away)
    assert "no such folder" in agent.refused("TaskList")
    shutil.move(away, listed.path)
    assert agent.ok("TaskList")["list"] == "plan"


def test_no_repository(tmp_path: object) -> None:
    """Outside of a repository the error says how to start the server in one."""
    with agents.in_memory(str(tmp_path)) as agent:
        assert "gittasks mcp -C" in agent.refused("TaskCreate", subject="X")


def test_the_project_of_claude_code(
    listed: Repo, tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a folder of its own the server serves CLAUDE_PROJECT_DIR, when that is there."""
    monkeypatch.chdir(str(tmp_path))
    monkeypatch.setenv("CLAUDE_PROJECT_DIR", listed.path)
    with agents.in_memory(None) as agent:
        assert agent.ok("TaskList")["list"] == "plan"
        monkeypatch.setenv("CLAUDE_PROJECT_DIR", os.path.join(str(tmp_path), "gone"))
        assert "not in a git repository" in agent.refused("TaskList")


# --- owners, claims, sharing -----------------------------------------------------------------


def test_owner_and_session_come_from_the_environment(
    listed: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As for the command line: the owner named, and a session that holds what it starts."""
    monkeypatch.setenv("GITTASKS_OWNER", "claude")
    monkeypatch.setenv("CLAUDE_CODE_SESSION_ID", "s1")
    with agents.in_memory(listed.path) as agent:
        agent.ok("TaskUpdate", taskId="a", status="in_progress")
        task = listed.tasks()["a"]
        assert (task["owner"], task["session"]) == ("claude", "s1")
        monkeypatch.setenv("CLAUDE_CODE_SESSION_ID", "s2")
        told = agent.refused("TaskUpdate", taskId="a", status="in_progress")
        assert 'TaskUpdate taskId "a" status "in_progress" resume: true' in told
        agent.ok("TaskUpdate", taskId="a", status="in_progress", resume=True)
        again = listed.tasks()["a"]
        assert (again["session"], again["started"]) == ("s2", task["started"])
        agent.ok("TaskUpdate", taskId="a", status="completed")


def test_agents_side_by_side(agent: Agent, listed: Repo) -> None:
    """Owners given in the calls are told apart: each has one task in progress."""
    agent.ok("TaskUpdate", taskId="a", status="in_progress", owner="one")
    agent.ok("TaskUpdate", taskId="b", status="in_progress", owner="two")
    assert "one already has a" in agent.refused(
        "TaskUpdate", taskId="c", status="in_progress", owner="one"
    )
    done = agent.ok("TaskUpdate", taskId="a", status="completed", owner="three")
    assert "a was in progress for one" in done["hints"][0]
    assert {i: t["owner"] for i, t in listed.tasks().items()} == {
        "a": "one",
        "b": "two",
        "c": None,
    }


def test_claims(agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next that is ready, with all that is to be done; then nothing; then given back."""
    monkeypatch.setenv("GITTASKS_SESSION", "s")
    agent.ok("TaskUpdate", taskId="a", description="Do it")
    claimed = agent.ok("TaskClaim", owner="one", lease="30m")
    assert claimed["task"]["description"] == "Do it"
    assert "claimed by one" in claimed["message"]
    agent.ok("TaskClaim", owner="two", taskId="b")
    agent.ok("TaskClaim", owner="three")
    nothing = agent.ok("TaskClaim", owner="four")
    assert nothing["task"] is None
    assert "nothing is ready" in nothing["message"]
    agent.ok("TaskUpdate", taskId="a", status="pending", clear=["owner"])
    assert agent.ok("TaskClaim", owner="four")["task"]["id"] == "a"


def test_who_claims_without_a_session_is_known_by_the_owner(agent: Agent) -> None:
    """Agents that share a server without a session: what one claimed the others cannot end, and it
    can, by giving its owner with the call."""
    agent.ok("TaskClaim", taskId="a", owner="one")
    assert "held by one" in agent.refused("TaskUpdate", taskId="a", status="completed")
    assert "held by one" in agent.refused("TaskUpdate", taskId="a", status="completed", owner="two")
    agent.ok("TaskUpdate", taskId="a", status="completed", owner="one")
    assert agent.ok("TaskLog", limit=1)["entries"][0]["by"] == "one"


def test_sync_tells_what_others_did(tmp_path: object) -> None:
    """What came in, how much went out, and how far the list is now; up to date says so."""
    ada, bob = share(str(tmp_path), "ada", "bob")
    with agents.in_memory(ada.path) as one, agents.in_memory(bob.path) as two:
        one.ok("TaskUpdate", taskId="a", status="completed", result="PASS")
        (sent,) = one.ok("TaskSync")["lists"]
        assert (sent["sent"], sent["received"]) == (1, [])
        two.ok("TaskUpdate", taskId="b", status="completed", owner="bob")
        result = two.call("TaskSync")
        assert result.structured_content is not None
        (both,) = result.structured_content["lists"]
        assert both["received"] == ["Ada: a pending → completed (PASS)"]
        assert (both["sent"], both["summary"]) == (1, "2/3 tasks complete (66.6%)")
        assert "up to date" in text_of(two.call("TaskSync", direction="pull"))
        one.ok("TaskSync", direction="pull")
        assert one.ok("TaskList")["summary"] == "2/3 tasks complete (66.6%)"
        git(ada.path, "remote", "set-url", "origin", f"{ada.path}-nowhere")
        assert "safe" in one.refused("TaskSync")
        assert "offline: true" in one.refused("TaskClaim")
        assert one.ok("TaskClaim", offline=True)["tentative"] is True


def test_data_says_what_the_text_says(agent: Agent) -> None:
    """Some clients show the model the text alone, others the data alone: both have the ids, the
    states and the progress."""
    agent.ok("TaskUpdate", taskId="b", addBlockedBy=["a"])
    for tool, given, words in (
        ("TaskUpdate", {"taskId": "a", "status": "completed"}, ["a", "completed", "b", "1/3"]),
        ("TaskCreate", {"subject": "New", "id": "new"}, ["new", "1/4"]),
        ("TaskList", {}, ["a", "b", "completed", "1/4"]),
    ):
        result = agent.call(tool, given)
        data = json.dumps(result.structured_content)
        text = text_of(result).replace("[✓]", "completed")
        assert all(word in data and word in text for word in words)
