"""`claude import` and `claude export`: Claude Code's task files and a list, both ways."""

from __future__ import annotations

import json
import os
import subprocess

import pytest
from support.repositories import GITTASKS, Repo
from support.sessions import by_subject, get, put, put_raw, tasks_folder

from gittasks.claude import transfer
from gittasks.claude.task_files import NativeTask
from gittasks.errors import Busy


def _bytes(name: str = "plan") -> dict[str, bytes]:
    found = {}
    for file in sorted(os.listdir(tasks_folder(name))):
        with open(os.path.join(tasks_folder(name), file), "rb") as content:
            found[file] = content.read()
    return found


# --- import ----------------------------------------------------------------------------------


def test_a_native_list_comes_in_whole_as_one_commit(empty: Repo) -> None:
    """Subjects, texts, states, owners, free data and edges of either side, in order of numbers."""
    put(1, "PHASE 1: Ask", status="completed", blocks=["2"])
    put(2, "PHASE 2: Build", status="in_progress", owner="bob", metadata={"k": [1, "x"]})
    put(10, "PHASE 3: Test", blockedBy=["2"], description="")
    before = empty.count()
    answer = empty.ok("claude", "import", "--json").json()
    assert empty.count() == before + 1
    tasks = by_subject(empty)
    assert list(tasks) == ["PHASE 1: Ask", "PHASE 2: Build", "PHASE 3: Test"]
    ask, build, test = tasks.values()
    assert (ask["status"], build["status"], test["status"]) == (
        "completed",
        "in_progress",
        "pending",
    )
    assert (build["owner"], build["activeForm"], build["description"]) == (
        "bob",
        "Doing PHASE 2: Build",
        "About PHASE 2: Build",
    )
    assert build["metadata"] == {"k": [1, "x"], "claude": "plan#2"}
    assert (build["blockedBy"], test["blockedBy"]) == ([ask["id"]], [build["id"]])
    assert answer["numbers"] == {"1": ask["id"], "2": build["id"], "10": test["id"]}
    assert (answer["created"], answer["updated"]) == ([ask["id"], build["id"], test["id"]], [])
    assert answer["notCarriedOver"] == []


def test_an_import_done_twice_changes_nothing(empty: Repo) -> None:
    """The second import makes no commit, with the memory of this machine and without it."""
    put(1, "Ask", status="completed")
    put(2, "Build", blockedBy=["1"], metadata={"k": "v"})
    empty.ok("claude", "import")
    before = empty.head()
    assert empty.ok("claude", "import", "--json").json()["changed"] is False
    empty.remove("gittasks")
    assert empty.ok("claude", "import").out == "plan: nothing new in 2 tasks\n"
    assert empty.head() == before


def test_files_that_vanish_delete_nothing(empty: Repo) -> None:
    """Claude Code removes the files of a finished list: the tasks stay as they are."""
    for number in (1, 2):
        put(number, f"Task {number}", status="completed")
    empty.ok("claude", "import")
    before = empty.head()
    os.unlink(os.path.join(tasks_folder(), "1.json"))
    empty.ok("claude", "import")
    os.unlink(os.path.join(tasks_folder(), "2.json"))
    empty.ok("claude", "import")
    assert empty.head() == before
    assert [t["status"] for t in empty.tasks().values()] == ["completed", "completed"]


def test_only_what_was_changed_natively_is_taken_in(empty: Repo) -> None:
    """What others did in the list since the last import stays; native changes come in."""
    put(1, "Ask", status="in_progress")
    put(2, "Build")
    empty.ok("claude", "import")
    ids = empty.ok("claude", "import", "--json").json()["numbers"]
    empty.ok("done", ids["1"], "--result", "PASS")
    empty.ok("update", ids["2"], "--subject", "Build it well", "--metadata", "k=v")
    put(1, "Ask", status="in_progress", metadata={"more": 1})
    put(2, "Build", description="More about it", owner="eve", blockedBy=["1"])
    empty.ok("claude", "import")
    first, second = empty.tasks().values()
    assert (first["status"], first["result"]) == ("completed", "PASS")
    assert first["metadata"]["more"] == 1
    assert (second["subject"], second["description"]) == ("Build it well", "More about it")
    assert (second["owner"], second["blockedBy"]) == ("eve", [ids["1"]])
    assert second["metadata"]["k"] == "v"


def test_progress_is_taken_back_only_if_that_happened_natively(empty: Repo) -> None:
    """A stale file opens nothing again; a task that was reopened natively is reopened."""
    put(1, "Ask")
    empty.ok("claude", "import")
    (task_id,) = empty.tasks()
    empty.ok("done", task_id)
    empty.remove("gittasks")
    empty.ok("claude", "import")
    assert empty.tasks()[task_id]["status"] == "completed"
    put(1, "Ask", status="completed")
    empty.ok("claude", "import")
    put(1, "Ask", status="pending")
    empty.ok("claude", "import")
    assert empty.tasks()[task_id]["status"] == "pending"


def test_numbers_that_begin_anew_mean_other_tasks(empty: Repo) -> None:
    """When the folder was removed, #1 is another task, and the old one stays as it was."""
    put(1, "Ask", status="completed")
    empty.ok("claude", "import")
    put(1, "Bake a cake")
    empty.ok("claude", "import")
    assert {s: t["status"] for s, t in by_subject(empty).items()} == {
        "Ask": "completed",
        "Bake a cake": "pending",
    }


def test_a_task_of_the_plan_is_found_by_its_subject(empty: Repo) -> None:
    """An agent that makes the planned tasks natively makes no second ones."""
    empty.ok("create", "PHASE 1: Ask", "--id", "ask")
    put(1, "PHASE 1: Ask", status="in_progress")
    empty.ok("claude", "import")
    assert {i: t["status"] for i, t in empty.tasks().items()} == {"ask": "in_progress"}


def test_what_the_rules_refuse_is_told_and_hinders_nothing_else(listed: Repo) -> None:
    """A task behind an open blocker, and one that another session holds, stay as they are."""
    listed.ok("update", "b", "--add-blocked-by", "a")
    listed.ok("claim", "c", env={"GITTASKS_SESSION": "other"})
    put(1, "Task b", status="completed")
    put(2, "Task c", status="completed")
    put(3, "New", status="completed", blockedBy=["1"])
    put(4, "Round", blockedBy=["5"])
    put(5, "About", blockedBy=["4"])
    done = listed.ok("claude", "import")
    assert "not carried over: #1: b (Task b) is blocked by a" in done.err
    assert "not carried over: #2: c (Task c) is in progress, held by Ada, session other" in done.err
    assert "make a cycle" in done.err
    tasks = by_subject(listed)
    assert (tasks["Task b"]["status"], tasks["Task c"]["status"]) == ("pending", "in_progress")
    assert tasks["New"]["status"] == "completed"
    listed.ok("done", "a")
    again = listed.ok("claude", "import")
    assert "#1" not in again.err
    assert listed.tasks()["b"]["status"] == "completed"


def test_a_refusal_does_not_make_a_number_mean_another_task(listed: Repo) -> None:
    """What a number meant is remembered though a part of its change was refused."""
    listed.ok("update", "a", "--add-blocked-by", "b")
    put(1, "Task b", status="completed", blockedBy=["2"])
    put(2, "Task a")
    assert "#1: that would make a cycle" in listed.ok("claude", "import").err
    before = listed.head()
    assert "#1: that would make a cycle" in listed.ok("claude", "import").err
    assert listed.head() == before
    assert len(listed.tasks()) == 3


def test_completions_count_in_whatever_order_the_numbers_are(listed: Repo) -> None:
    """A task is completed after its blocker, also where the blocker has the higher number."""
    listed.ok("update", "a", "--add-blocked-by", "b")
    put(1, "Task a", status="completed")
    put(2, "Task b", status="completed")
    done = listed.ok("claude", "import")
    assert done.err == ""
    assert [t["status"] for t in listed.tasks().values()] == ["completed", "completed", "pending"]


def test_hostile_files_are_told_and_the_others_come_in(empty: Repo) -> None:
    """Files that are no tasks, of any kind, hide no other and reach nothing outside."""
    put(1, "Good")
    put_raw("2.json", "{not json")
    os.makedirs(os.path.join(tasks_folder(), "3.json"))
    os.symlink("/etc/passwd", os.path.join(tasks_folder(), "4.json"))
    os.mkfifo(os.path.join(tasks_folder(), "5.json"))
    put_raw("../../evil.json", "{}")
    put_raw("0.json", "{}")
    put_raw("x.json", "{}")
    put(6, "\x1b]0;title\x07\u202eevil\nsecond line", blockedBy=["99"], owner="\x00")
    done = empty.ok("claude", "import")
    for told in ("#2: the file cannot", "#3: the file", "#4: the file", "#5: the file"):
        assert f"not carried over: {told}" in done.err
    assert "not carried over: #6: changed to fit" in done.err
    assert "#6: waits for #99, which is not there" in done.err
    assert "\x1b" not in done.out + done.err
    assert len(empty.tasks()) == 2
    empty.fsck()


@pytest.mark.parametrize("name", ["../other", "a/b", "", ".", "..", "x" * 200])
def test_a_name_is_one_folder(empty: Repo, name: str) -> None:
    """The name of a native list never leads out of the folder of all of them."""
    for verb in ("import", "export"):
        done = empty.run("claude", verb, "--", name)
        assert done.code == 2, done
    assert not os.path.exists(os.path.join(os.environ["HOME"], ".claude"))


def test_which_native_list(empty: Repo) -> None:
    """As named; else the variable's, else the session's, else the one called as the list."""
    put(1, "Of the plan")
    put(1, "Of the session", "5e55")
    put(1, "Of the variable", "pinned")
    where = {"CLAUDE_CODE_SESSION_ID": "5e55", "CLAUDE_CODE_TASK_LIST_ID": "pinned"}
    named = empty.ok("claude", "import", "plan", "--list", "plan", env=where)
    assert "Of the plan" in named.out
    assert "Of the variable" in empty.ok("claude", "import", "-l", "plan", env=where).out
    del where["CLAUDE_CODE_TASK_LIST_ID"]
    assert "Of the session" in empty.ok("claude", "import", env=where).out
    gone = empty.run("claude", "import", "gone")
    assert gone.code == 3
    assert "name one of: " in gone.err
    assert "pinned" in gone.err


def test_claude_config_dir_moves_the_folder(
    empty: Repo, tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CLAUDE_CONFIG_DIR is honoured for reading and writing."""
    root = os.path.join(str(tmp_path), "config")
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", root)
    empty.ok("create", "Ask", "--id", "ask")
    empty.ok("claude", "export", "mine")
    assert os.listdir(os.path.join(root, "tasks", "mine")).count("1.json") == 1
    assert not os.path.exists(os.path.join(os.environ["HOME"], ".claude"))
    assert empty.ok("claude", "import", "mine").out == "mine: nothing new in 1 tasks\n"


def test_imports_at_once_make_each_task_once(empty: Repo) -> None:
    """Two sessions that take in the same files make the same tasks."""
    for number in range(1, 6):
        put(number, f"Task {number}", blockedBy=[str(number - 1)] if number > 1 else [])
    runs = [
        subprocess.Popen(
            [GITTASKS, "claude", "import"],
            cwd=empty.path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for _ in range(4)
    ]
    for run in runs:
        out, err = run.communicate(timeout=60)
        assert run.returncode == 0, (out, err)
    assert len(by_subject(empty)) == 5


def test_numbers_of_two_machines_do_not_mix(empty: Repo, tmp_path: object) -> None:
    """Each machine counts for itself: #1 here and #1 there are two tasks of the shared list."""
    put(1, "Ask here")
    empty.ok("claude", "import")
    other = empty.clone(os.path.join(str(tmp_path), "other"))
    os.environ["HOME"] = os.path.join(str(tmp_path), "other-home")
    put(1, "Ask there", status="completed")
    other.ok("claude", "import", "plan")
    assert {s: t["status"] for s, t in by_subject(other).items()} == {
        "Ask here": "pending",
        "Ask there": "completed",
    }


def test_a_dry_run_writes_nothing(empty: Repo) -> None:
    """Neither a commit nor a memory nor a file."""
    put(1, "Ask")
    before = empty.head(), _bytes()
    empty.ok("claude", "import", "--dry-run")
    empty.ok("create", "Mine")
    empty.ok("undo")
    empty.ok("claude", "export", "--dry-run")
    assert _bytes() == before[1]
    assert not os.path.exists(os.path.join(empty.git_dir, "gittasks", "claude"))


# --- export ----------------------------------------------------------------------------------


def test_a_list_goes_out_whole(listed: Repo) -> None:
    """Every task but deleted ones, with what Claude Code needs to show it."""
    listed.ok("update", "b", "--add-blocked-by", "a", "--active-form", "Doing b", "-d", "Text")
    listed.ok("start", "a", "--owner", "eve")
    listed.ok("skip", "c")
    listed.ok("create", "Gone", "--id", "gone")
    listed.ok("delete", "gone")
    before = listed.head()
    assert listed.ok("claude", "export").out == "plan: 3 of 3 tasks written\n"
    assert listed.head() == before
    assert [get(n)["status"] for n in (1, 2, 3)] == ["in_progress", "pending", "completed"]
    assert get(2) == {
        "id": "2",
        "subject": "Task b",
        "description": "Text",
        "activeForm": "Doing b",
        "status": "pending",
        "blocks": [],
        "blockedBy": ["1"],
        "metadata": {"gittasks": "plan/b"},
    }
    assert (get(1)["blocks"], get(1)["owner"], get(1)["activeForm"]) == (["2"], "eve", "Task a")
    assert sorted(os.listdir(tasks_folder())) == [".lock", "1.json", "2.json", "3.json"]


def test_an_export_done_twice_changes_nothing_and_comes_back_as_nothing(listed: Repo) -> None:
    """The second export writes no file, and an import after it makes no commit."""
    listed.ok("done", "a", "--result", "PASS")
    listed.ok("claude", "export")
    before = _bytes(), listed.head()
    answer = listed.ok("claude", "export", "--json").json()
    assert (answer["changed"], answer["written"], answer["removed"]) == (False, [], [])
    assert listed.ok("claude", "import", "--json").json()["changed"] is False
    listed.remove("gittasks")
    assert listed.ok("claude", "import", "--json").json()["changed"] is False
    assert (_bytes(), listed.head()) == before


def test_numbers_are_never_given_twice(listed: Repo) -> None:
    """New tasks get numbers behind all files, readable or not, and behind the high-water mark."""
    put(3, "Theirs")
    put_raw("5.json", "broken")
    put_raw(".highwatermark", "7")
    listed.ok("claude", "export")
    assert [get(n)["subject"] for n in (3, 8, 9, 10)] == ["Theirs", "Task a", "Task b", "Task c"]
    with open(os.path.join(tasks_folder(), "5.json"), encoding="utf-8") as file:
        assert file.read() == "broken"


def test_native_changes_are_not_written_over(listed: Repo) -> None:
    """What Claude Code changed since stays there, is told, and comes in by an import."""
    listed.ok("claude", "export")
    free = {"gittasks": "plan/a", "n": 1}
    put(1, "Task a", status="completed", description="", later={"x": 1}, metadata=free)
    listed.ok("update", "a", "-d", "From the list", "--metadata", "k=v")
    listed.ok("start", "a")
    told = listed.ok("claude", "export")
    assert "not carried over: #1: its status was changed here since" in told.err
    written = get(1)
    assert (written["status"], written["later"]) == ("completed", {"x": 1})
    assert written["description"] == "From the list"
    assert written["metadata"] == {"gittasks": "plan/a", "n": 1, "k": "v"}
    listed.ok("claude", "import")
    task = listed.tasks()["a"]
    assert (task["status"], task["metadata"]) == ("completed", {"k": "v", "n": 1})
    assert listed.ok("claude", "export").err == ""
    listed.ok("update", "a", "--unset", "k", "--metadata", "n=2")
    listed.ok("claude", "export")
    assert get(1)["metadata"] == {"gittasks": "plan/a", "n": "2"}


def test_a_deleted_task_goes_natively_too(listed: Repo) -> None:
    """Its file is removed, its number kept from being given again; a changed file stays."""
    listed.ok("update", "b", "--add-blocked-by", "a")
    listed.ok("claude", "export")
    listed.ok("delete", "a")
    listed.ok("delete", "c")
    put(3, "Task c", status="in_progress", metadata={"gittasks": "plan/c"})
    done = listed.ok("claude", "export")
    assert "plan: 1 of 1 tasks written, 1 removed" in done.out
    assert "#3: is deleted in the list, but was changed here since" in done.err
    assert sorted(os.listdir(tasks_folder())) == [".highwatermark", ".lock", "2.json", "3.json"]
    assert get(2)["blockedBy"] == []
    with open(os.path.join(tasks_folder(), ".highwatermark"), encoding="ascii") as file:
        assert file.read() == "3"
    listed.ok("create", "New")
    listed.ok("claude", "export")
    assert get(4)["subject"] == "New"


def test_export_waits_for_the_lock_and_gives_it_back(
    listed: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is written while Claude Code holds its lock; one that nobody touches is cleared."""
    path = tasks_folder()
    lock = os.path.join(path, ".lock.lock")
    os.makedirs(lock)
    monkeypatch.setattr(transfer, "_PATIENCE", 0.1)
    with pytest.raises(Busy), transfer.locked(path):
        pass
    assert os.path.isdir(lock)
    os.utime(lock, (1, 1))
    listed.ok("claude", "export")
    assert not os.path.exists(lock)
    assert get(1)["subject"] == "Task a"


def test_a_file_is_put_in_place_whole(listed: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    """When writing fails, the old file is there, and nothing beside it."""
    listed.ok("claude", "export")
    before = _bytes()

    def fail(*_args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="No space left"):
        transfer.write_folder(tasks_folder(), [NativeTask("1", "Other")], [], 1)
    assert _bytes() == before


def test_answers_name_no_path(listed: Repo) -> None:
    """JSON documents say which native list, never where it is."""
    document = listed.ok("claude", "export", "--json").out
    assert json.loads(document)["name"] == "plan"
    assert os.environ["HOME"] not in document
