"""Exit codes, and what the errors say that a user meets first."""

from __future__ import annotations

import os

import pytest
from support import gits
from support.repositories import Repo, git, plan


def _fails(
    repo: Repo, code: int, *args: str, says: tuple[str, ...], cwd: str | None = None
) -> None:
    """The command ends with this code, prints nothing, and its error has all these texts."""
    done = repo.run(*args, cwd=cwd)
    assert (done.code, done.out) == (code, ""), done
    assert done.err.startswith("error: ")
    for text in says:
        assert text in done.err, done.err


def test_no_repository(repo: Repo, tmp_path: object) -> None:
    """Outside any repository: 8, and how to make one."""
    outside = os.path.join(str(tmp_path), "outside")
    os.mkdir(outside)
    says = ("not in a git repository", "hint: ", "git init")
    for args in (("list",), ("init", "x"), ("create", "x")):
        _fails(repo, 8, *args, says=says, cwd=outside)


def test_no_list(repo: Repo) -> None:
    """A repository without a list: 8, and the command that makes one."""
    for args in (("list",), ("create", "x"), ("ready",), ("undo",), ("log",)):
        _fails(repo, 8, *args, says=("no task list yet", "gittasks init"))
    _fails(repo, 8, "-l", "x", "list", says=('no task list "x"', "gittasks init x"))


def test_several_lists(repo: Repo) -> None:
    """Several lists and none chosen: 8, and all their names."""
    plan(repo, list_id="one")
    plan(repo, list_id="two")
    repo.forget_choice()
    _fails(repo, 8, "list", says=("one, two", "gittasks use"))


TABLE = [
    (2, ("create",), ("missing argument", "SUBJECT")),
    (2, ("create", ""), ("the subject is empty",)),
    (2, ("create", "  \t "), ("the subject is empty",)),
    (2, ("create", "x\ny"), ("one line",)),
    (2, ("create", "x", "--id", "No!"), ('"No!" is not a task id', "a-z 0-9 -")),
    (2, ("create", "x", "--id", "con"), ("device",)),
    (2, ("create", "x", "--metadata", "novalue"), ("KEY=VALUE",)),
    (2, ("create", "x", "--iterations", "0"), ("iterations", "1 to")),
    (2, ("update", "fix-bug"), ("nothing to change",)),
    (2, ("update", "fix-bug", "--order", "x"), ("number",)),
    (2, ("update", "fix-bug", "--order", "nan"), ("number",)),
    (2, ("update", "fix-bug", "--order", "inf"), ("number",)),
    (2, ("note", "fix-bug", " "), ("the note is empty",)),
    (2, ("list", "--status", "nope"), ("nope", "in_progress")),
    (2, ("log", "-n", "0"), ("0",)),
    (2, ("-C", "/no/such/folder", "list"), ("/no/such/folder",)),
    (2, ("-l", "../x", "list"), ("not a list id",)),
    (3, ("start", "fx-bug"), ('no task "fx-bug"', "did you mean fix-bug")),
    (3, ("show", "zzz"), ('no task "zzz"', "gittasks list --all")),
    (3, ("log", "zzz"), ('no task "zzz"',)),
    (3, ("start", "fix"), ('"fix" matches 2 tasks: fix-bag, fix-bug', "later hyphen")),
    (3, ("create", "x", "--blocked-by", "zzz"), ('no task "zzz"',)),
    (3, ("apply", "missing.md"), ("missing.md",)),
    (4, ("apply", "code.txt"), ("code.txt",)),
    (5, ("start", "fix-bag"), ("fix-bag", "is blocked by fix-bug", "gittasks ready")),
    (5, ("done", "fix-bag"), ("is blocked by fix-bug",)),
    (5, ("start", "closed"), ("it is completed", "gittasks reopen closed")),
    (5, ("start", "gone"), ("it is deleted", "gittasks restore gone")),
    (5, ("start", "fix-bug"), ("Ada already has running", "gittasks done running", "--parallel")),
    (5, ("done", "running", "--end-loop"), ("in no loop",)),
    (5, ("reopen", "running"), ("in progress", "gittasks release running")),
    (5, ("start", "bobs"), ("held by bob",)),
    (5, ("done", "held"), ("held by bob, session s-1",)),
    (5, ("create", "Other", "--id", "fix-bug"), ("exists already", "gittasks show fix-bug")),
    (5, ("update", "fix-bug", "--add-blocked-by", "fix-bug"), ("cycle", "fix-bug → fix-bug")),
    (
        5,
        ("update", "fix-bug", "--add-blocked-by", "third"),
        ("fix-bug → third → fix-bag → fix-bug",),
    ),
    (5, ("init", "PLAN"), ("upper and lower case", "gittasks use plan")),
]


@pytest.fixture(scope="module")
def table_repo(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Folder for the repository that the table needs; nothing in it is changed by a refusal."""
    return os.path.join(str(tmp_path_factory.mktemp("table")), "repo")


@pytest.fixture
def prepared(table_repo: str) -> Repo:
    """The repository of the table, made once."""
    if os.path.isdir(table_repo):
        return Repo(table_repo)
    made = plan(Repo.create(table_repo), "fix-bug", "fix-bag", "third", "closed", "gone", "running")
    made.ok("create", "Bob's", "--id", "bobs")
    made.ok("create", "Held", "--id", "held")
    made.ok("update", "fix-bag", "--add-blocked-by", "fix-bug")
    made.ok("update", "third", "--add-blocked-by", "fix-bag")
    made.ok("done", "closed")
    made.ok("delete", "gone")
    made.ok("start", "running")
    made.ok("start", "bobs", "--owner", "bob")
    held = {"GITTASKS_SESSION": "s-1"}
    made.ok("claim", "held", "--owner", "bob", "--parallel", env=held)
    return made


@pytest.mark.parametrize(("code", "args", "says"), TABLE, ids=[" ".join(t[1])[:50] for t in TABLE])
def test_table(prepared: Repo, code: int, args: tuple[str, ...], says: tuple[str, ...]) -> None:
    """Each mistake has its code, says what is wrong and where to go, and changes nothing."""
    before = prepared.head()
    _fails(prepared, code, *args, says=says)
    assert prepared.head() == before


def test_nothing_ready_is_an_honest_no(listed: Repo) -> None:
    """`ready` with nothing to start ends with 1 and says why on stdout."""
    listed.ok("done", "a")
    listed.ok("start", "b")
    listed.ok("update", "c", "--add-blocked-by", "b")
    done = listed.run("ready")
    assert (done.code, done.err) == (1, "")
    assert done.out == "nothing is ready: 1 in progress, 1 blocked\n"


def test_already_so_is_success(listed: Repo) -> None:
    """The same transition again is 0 and makes no commit."""
    for args in (("start", "a"), ("done", "a"), ("reopen", "a"), ("skip", "a"), ("delete", "a")):
        listed.ok(*args)
        head = listed.head()
        assert "unchanged" in listed.ok(*args).out
        assert listed.head() == head


def test_no_identity(tmp_path: object) -> None:
    """Where git knows no name, tasks work under the login, with a hint on stderr."""
    empty = os.path.join(str(tmp_path), "no-config")
    with open(empty, "w", encoding="utf-8"):
        pass
    env = {"GIT_CONFIG_GLOBAL": empty, "LOGNAME": "lovelace"}
    path = os.path.join(str(tmp_path), "r")
    git(str(tmp_path), "init", "-q", path, env=env)
    repo = Repo(path)
    repo.ok("init", "plan", env=env)
    done = repo.ok("create", "Task", "--id", "a", env=env)
    assert "created a" in done.out
    assert "lovelace" in done.err
    assert "git config --global user.name" in done.err
    assert repo.ok("start", "a", "-q", env=env).err == ""
    quiet = repo.ok("done", "a", "--json", env=env)
    assert quiet.json()["task"]["owner"] == "lovelace"
    assert repo.git("log", "-1", "--format=%an", "gittasks/plan") == "lovelace"
    repo.ok("note", "a", "x", env={**env, "LOGNAME": "ada<b>\n", "GITTASKS_OWNER": "Ada"})
    assert repo.git("log", "-1", "--format=%an <%ae>", "gittasks/plan") == "adab <adab@localhost>"


def test_unborn_head(tmp_path: object) -> None:
    """A repository without any commit can have a list; the code branch stays unborn."""
    path = os.path.join(str(tmp_path), "fresh")
    git(str(tmp_path), "init", "-q", path)
    repo = Repo(path)
    plan(repo, "a")
    repo.ok("start", "a")
    repo.ok("status")
    assert (
        repo.git("for-each-ref", "--format=%(refname)", "refs/heads") == "refs/heads/gittasks/plan"
    )
    assert repo.git("status", "--porcelain") == ""


def test_force_and_parallel_lift_rules(listed: Repo) -> None:
    """--parallel lifts one-in-progress, --force the others that can be; the log says forced."""
    listed.ok("start", "a")
    listed.ok("start", "b", "--parallel")
    listed.ok("update", "c", "--add-blocked-by", "a")
    listed.ok("start", "c", "--force", "--owner", "eve")
    assert "(forced: blocked)" in listed.ok("log", "-n", "1").out


def test_full_disk_is_an_error(listed: Repo) -> None:
    """When standard output cannot be written the command fails, with the system's words."""
    import subprocess

    from support.repositories import GITTASKS

    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [GITTASKS, "list"], cwd=listed.path, stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert done.returncode == 4
    words = "error: the answer could not be written: No space left on device"
    assert done.stderr.decode().startswith(words)


@pytest.mark.parametrize("closing", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize("command", ["list", "create Q --id q", "batch", "-h", "start nope"])
def test_closed_streams_are_no_bug(listed: Repo, command: str, closing: str) -> None:
    """A command whose standard streams are closed does its work and says nothing wrong."""
    import subprocess

    from support.repositories import GITTASKS

    line = f"exec '{GITTASKS}' {command} {closing}"
    done = subprocess.run(["sh", "-c", line], cwd=listed.path, capture_output=True, check=False)
    assert done.returncode == {"batch": 4, "start nope": 3}.get(command, 0)
    assert b"Traceback" not in done.stderr
    assert b"bug in gittasks" not in done.stderr


def test_a_bug_is_one_line_or_one_document(
    listed: Repo, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What we did not foresee ends with 70, in JSON as in words, and the traceback in a file."""
    import json

    from gittasks.cli.main import run
    from gittasks.workspace import Workspace

    def broken(_self: object) -> object:
        raise ZeroDivisionError("odd")

    monkeypatch.setattr(Workspace, "branch", broken)
    assert run(["-C", listed.path, "list"]) == 70
    assert capsys.readouterr().err.count("\n") == 1
    assert run(["-C", listed.path, "list", "--json"]) == 70
    error = json.loads(capsys.readouterr().err)["error"]
    assert (error["kind"], error["exitCode"]) == ("bug", 70)


@gits.files_only
def test_a_bad_list_hides_no_other(listed: Repo) -> None:
    """`lists` shows what it can, names what it cannot, and ends with 4."""
    listed.ok("init", "zz")
    ref = listed.git("rev-parse", "gittasks/zz^{tree}")
    with open(listed.git_dir + "/refs/heads/gittasks/zz", "w", encoding="ascii") as file:
        file.write(ref + "\n")
    done = listed.run("lists")
    assert done.code == 4
    assert "plan" in done.out
    assert "zz" in done.out


def test_whatever_shows_only_a_part_says_so(listed: Repo) -> None:
    """Exit 4, and the file with its fault; no answer calls such a list finished."""
    listed.hand_edit({"tasks/a.yaml": "subject: {}\n"})
    listed.ok("done", "b")
    shown = listed.run("done", "c")
    assert "2/2 tasks complete (100%), 1 unread" in shown.out
    assert "complete in" not in shown.out
    assert "1 unread" in listed.ok("prime").out
    words = "list|status|ready|log|log --timeline|lint|graph|insights|export|template|report -o -"
    for command in (*words.split("|"), "lists", "export --json", "ready --json"):
        answer = listed.run(*command.split())
        assert answer.code == 4, command
        assert "tasks/a.yaml:1" in answer.out + answer.err, command


def test_an_unreadable_task_is_never_mistaken_for_another(listed: Repo) -> None:
    """Its exact id does not resolve to a task that it is the beginning of, nor can it be made."""
    listed.ok("create", "One", "--id", "one")
    listed.ok("create", "Two", "--id", "one-b")
    listed.hand_edit({"tasks/one.yaml": "subject: [\n"})
    for command in (["done", "one"], ["show", "one"], ["create", "x", "--id", "one"]):
        done = listed.run(*command)
        assert (done.code, "tasks/one.yaml" in done.err) == (4, True), command
    left = {t["id"]: t for t in listed.run("list", "--json").json()["tasks"]}
    assert left["one-b"]["status"] == "pending"
