"""Other systems, simulated: a list is made, worked on and shared on Windows and on macOS."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from support import agents, clones, gits, systems
from support.commits import commit, ran, said
from support.repositories import GITTASKS, Repo, git

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the simulations stand on Linux")


@pytest.fixture
def windows(tmp_path: Path) -> dict[str, str]:
    return {**systems.windows(tmp_path / "log"), "GITTASKS_SESSION": "s1"}


@pytest.fixture(params=["windows", "macos"])
def system(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    """Each simulated system in turn."""
    make = {"windows": systems.windows, "macos": systems.macos}[request.param]
    return {**make(tmp_path / "log"), "GITTASKS_SESSION": "s1"}


@pytest.fixture
def ada(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repo:
    """A clone of a hub that has the list `plan`; its hooks find the program on PATH."""
    monkeypatch.setenv("PATH", os.path.dirname(GITTASKS), prepend=os.pathsep)
    return clones.share(str(tmp_path), "ada")[0]


def _kinds(log: Path, part: str) -> list[str]:
    """The kinds of sync of the files whose path has this part."""
    rows = (line.split(" ", 1) for line in log.read_text(encoding="utf-8").splitlines())
    return [kind for kind, path in rows if part in path]


def test_a_list_lives_its_life(repo: Repo, system: dict[str, str]) -> None:
    """From `init` to the last `done`, and git finds nothing wrong."""
    for line in (
        "init plan",
        "create A --id a",
        "create B --id b --blocked-by a",
        "start a",
        "note a hello",
        "done a --result PASS",
        "update b --phase two",
        "undo",
        "done b",
        "claude install",
        "claude status",
        "claude uninstall",
    ):
        repo.ok(*line.split(), env=system)
    assert repo.ok("status", env=system).out.startswith("plan\n2/2 tasks complete (100%)")
    event = {"hook_event_name": "SessionStart", "session_id": "s1", "cwd": repo.path}
    assert "plan" in repo.ok("claude", "hook", stdin=json.dumps(event), env=system).out
    repo.fsck()


def test_lists_are_shared_and_claimed(ada: Repo, system: dict[str, str]) -> None:
    ada.ok("create", "D", "--id", "d", env=system)
    ada.ok("sync", env=system)
    ada.ok("claim", "d", "--lease", "10m", env=system)
    ada.ok("heartbeat", env=system)
    ada.ok("done", "d", env=system)
    ada.ok("sync", env=system)
    assert clones.on_hub(ada) == ada.head()


def test_watch_and_mcp_work(listed: Repo, system: dict[str, str]) -> None:
    watch = listed.start("watch", "--until-done", env=system)
    with agents.over_stdio(listed, env=system) as agent:
        for task in ("a", "b", "c"):
            agent.ok("TaskUpdate", {"taskId": task, "status": "completed"})
    out, err = watch.communicate(timeout=60)
    assert (watch.returncode, err) == (0, b"")
    # A last line says how long it took, when that was a second or more.
    assert any(line.startswith("3/3 tasks complete (100%)") for line in out.decode().splitlines())


def test_a_program_is_run(listed: Repo, system: dict[str, str]) -> None:
    program = [sys.executable, "-c", "print('done')"]
    assert "done" in listed.ok("run", "a", "--", *program, env=system).out
    assert listed.tasks()["a"]["status"] == "completed"


# --- Windows ---------------------------------------------------------------------------------


@gits.files_only
def test_refusals_of_windows_are_met(listed: Repo, windows: dict[str, str], tmp_path: Path) -> None:
    """Files that a scanner holds, or that are read-only, are replaced; nobody is signalled."""
    listed.ok("start", "a", env=windows)
    os.chmod(listed.file(".git/refs/heads/gittasks/plan"), 0o444)
    listed.ok("done", "a", env=windows)
    notes = set((tmp_path / "log").read_text(encoding="utf-8").splitlines())
    assert notes == {"scanned", "read-only"}


def test_hooks_work_on_windows_and_push_nothing_where_nothing_tells_a_dry_run(
    ada: Repo, windows: dict[str, str]
) -> None:
    ada.ok("hooks", "install", env=windows)
    ada.git("push", "-q", "origin", "HEAD:main", env=windows)
    before = clones.on_hub(ada)
    commit(ada, "x\n\nTask: a completed", env=windows)
    assert ada.tasks()["a"]["status"] == "completed"
    code, output = ran(ada.path, "push", "-q", "origin", "HEAD:main", env=windows)
    (line,) = said(output)
    assert code == 0
    assert line.startswith("plan: not pushed to origin: this system does not tell")
    assert line.endswith("later: gittasks push origin")
    assert clones.on_hub(ada) == before
    ada.ok("hooks", "uninstall", env=windows)


def test_a_running_gc_is_looked_up_and_never_signalled_on_windows(
    listed: Repo, windows: dict[str, str], tmp_path: Path
) -> None:
    """A signal to the process that `gc.pid` names would end it there."""
    listed.git("config", "gc.pruneExpire", "now")
    listed.write(".git/gc.pid", f"{os.getpid()} {socket.gethostname()}")
    windows["COMPUTERNAME"] = "ELSEWHERE"
    listed.ok("note", "a", "hello", env=windows)
    assert "killed" not in (tmp_path / "log").read_text(encoding="utf-8")


# --- disks that ignore case ------------------------------------------------------------------


@pytest.fixture(params=["sha1-files", "sha256-reftable"])
def insensitive(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """A format of which git makes all repositories; a reftable tells names apart on any disk."""
    for name, value in gits.of_format(request.param).items():
        monkeypatch.setenv(name, value)
    return str(request.param)


def _branches(repo: Repo) -> list[str]:
    return repo.git("for-each-ref", "--format=%(refname:lstrip=3)", "refs/heads/gittasks").split()


@pytest.mark.usefixtures("insensitive")
def test_a_list_is_known_by_its_stored_spelling(tmp_path: Path) -> None:
    """However it is named, one list is read, written, chosen and sent: the one that is there."""
    ada = clones.share(str(tmp_path), "ada")[0]
    env = systems.insensitive(ada.path)
    assert os.path.exists(ada.file(".git/HEAD"))
    ada.ok("create", "D", "--id", "d", "--list", "PLAN", env=env)
    ada.ok("start", "d", env={**env, "GITTASKS_LIST": "Plan"})
    ada.git("config", "gittasks.list", "pLAN")
    ada.ok("done", "d", env=env)
    assert ada.ok("list", "--json", env=env).json()["list"]["id"] == "plan"
    ada.ok("sync", "--list", "Plan", env=env)
    assert clones.on_hub(ada) == ada.head()
    heads = ada.git("ls-remote", "origin", "refs/heads/*").splitlines()
    assert [line.split("/")[-1] for line in heads] == ["plan", "main"]
    assert ada.ok("use", "Plan", env=env).out == 'using "plan"\n'
    assert ada.ok("status", "--json", env=env).json()["list"]["id"] == "plan"
    refused = ada.run("init", "PLAN", "--json", env=env).json()["error"]
    assert refused["commands"] == [["gittasks", "use", "plan"]]
    assert _branches(ada) == ["plan"]


@pytest.mark.usefixtures("insensitive")
def test_what_is_kept_of_a_list_is_that_of_its_stored_spelling(tmp_path: Path) -> None:
    """No list of that name is gone, none is brought back beside it, and nothing is forgotten."""
    ada = clones.share(str(tmp_path), "ada")[0]
    env = systems.insensitive(ada.path)
    before = ada.head()
    ada.ok("start", "a", env=env)
    ada.git("update-ref", "refs/heads/gittasks/plan", before)
    ada.ok("lists", "restore", "PLAN", env=env)
    assert ada.tasks()["a"]["status"] == "in_progress"
    assert _branches(ada) == ["plan"]


@pytest.mark.usefixtures("insensitive")
def test_a_fetched_list_is_known_by_its_stored_spelling(tmp_path: Path) -> None:
    bob = clones.share(str(tmp_path), "ada", "bob")[1]
    bob.git("fetch", "-q")
    bob.git("update-ref", "-d", "refs/remotes/origin/gittasks/plan")
    bob.git("fetch", "-q")
    bob.ok("start", "a", "--list", "Plan", env=systems.insensitive(bob.path))
    assert bob.tasks()["a"]["status"] == "in_progress"
    assert _branches(bob) == ["plan"]


def test_where_case_counts_the_other_spelling_is_offered(listed: Repo) -> None:
    """No list is made whose name differs in case alone, so that is not offered either."""
    for words in (["list", "--list", "PLAN"], ["use", "PLAN"]):
        error = listed.run(*words, "--json").json()["error"]
        assert error["message"] == 'no task list "PLAN" here'
        assert error["commands"][0][:3] == ["gittasks", "use", "plan"]


def test_a_branch_that_holds_another_list_is_not_written(listed: Repo) -> None:
    """`git branch -m`, or two spellings of one file: nothing is added under the wrong name."""
    listed.git("branch", "-m", "gittasks/plan", "gittasks/Plan")
    before = listed.head("Plan")
    refused = listed.run("start", "a", "--list", "Plan")
    assert refused.code == 4
    assert "the branch gittasks/Plan holds another list: id says plan" in refused.err
    assert listed.head("Plan") == before
    assert "[ ] a" in listed.run("list", "--list", "Plan").out


def test_lists_that_differ_in_case_are_named_by_doctor(listed: Repo) -> None:
    listed.git("branch", "gittasks/Plan", "gittasks/plan")
    found = listed.run("doctor").out
    assert "the lists Plan and plan differ only in upper and lower case" in found


# --- macOS -----------------------------------------------------------------------------------


@gits.files_only
def test_the_ref_is_synced_past_the_cache_of_the_disk_on_macos(
    listed: Repo, tmp_path: Path
) -> None:
    """The ref by F_FULLFSYNC, objects before it by F_BARRIERFSYNC."""
    log = tmp_path / "log"
    listed.ok("start", "a", env=systems.macos(log))
    assert set(_kinds(log, "/objects/")) == {"barrier"}
    refs = _kinds(log, "/refs/heads/gittasks")
    assert refs == ["full"] * len(refs) != []
    assert not _kinds(log, "plain")


@gits.files_only
@pytest.mark.parametrize("kind", ["full", "barrier"])
def test_a_disk_without_these_syncs_gets_the_plain_one(
    listed: Repo, tmp_path: Path, kind: str
) -> None:
    log = tmp_path / "log"
    listed.ok("start", "a", env=systems.macos(log, refuses=kind))
    part = "/refs/heads/gittasks" if kind == "full" else "/objects/"
    assert set(_kinds(log, part)) == {"plain"}


def test_a_dry_run_is_told_by_ps_where_there_is_no_proc(ada: Repo, tmp_path: Path) -> None:
    """`git push --dry-run` sends nothing; a push sends the lists; without `ps` nothing is sent."""
    ada.ok("hooks", "install")
    commit(ada, "x\n\nTask: a completed")
    before, env = clones.on_hub(ada), systems.macos(tmp_path / "log")
    push = ("push", "-q", "origin", "HEAD:main")
    for option in ("--dry-run", "--dry", "-n", "-vn"):
        assert said(ran(ada.path, *push, option, env=env)[1]) == []
    blind = {**env, "PATH": systems.tool(tmp_path / "bin", "ps", "exit 1")}
    assert "does not tell if it is a dry run" in ran(ada.path, *push, env=blind)[1]
    assert clones.on_hub(ada) == before
    ada.git("commit", "-qm", "more", "--allow-empty", env=env)
    assert said(ran(ada.path, *push, env=env)[1]) == ["plan: 1 change now on origin"]


def test_a_lease_begins_anew_after_a_reboot_of_macos(ada: Repo, tmp_path: Path) -> None:
    """Its run is named by sysctl; what was seen in another one counts no more."""
    env = systems.macos(tmp_path / "log")
    script = "import gittasks.store.platform as p; print(p.steady_clock()[0])"
    names = []
    for boot in ("11-AA", "22-BB", ""):
        env["PATH"] = systems.tool(tmp_path / "bin", "sysctl", f"echo {boot}")
        done = subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, **env},
            capture_output=True,
            check=True,
        )
        names.append(done.stdout.decode().strip())
    assert names == ["11-AA", "22-BB", ""]


def test_what_was_seen_before_a_reboot_makes_no_lease_stale(ada: Repo, tmp_path: Path) -> None:
    """Only in one run of the machine does a silence of two leases let somebody take over."""
    ada.ok("claim", "a", "--lease", "10m", env={"GITTASKS_SESSION": "s1"})
    bob = Repo(str(tmp_path / "bob"))
    git(str(tmp_path), "clone", "-q", ada.git("remote", "get-url", "origin"), bob.path)
    env = {**systems.macos(tmp_path / "log"), "GITTASKS_OWNER": "bob"}

    def boot(name: str) -> dict[str, str]:
        return {**env, "PATH": systems.tool(tmp_path / f"boot-{name}", "sysctl", f"echo {name}")}

    bob.ok("pull", env=boot("A"))
    (seen,) = (path for path in Path(bob.git_dir, "gittasks", "leases").iterdir() if path.is_dir())
    (file,) = seen.iterdir()
    rows = json.loads(file.read_text(encoding="utf-8"))
    assert rows[0][2] == "A"
    rows[0][3] -= 3 * 600  # first seen half an hour before
    file.write_text(json.dumps(rows), encoding="utf-8")
    assert bob.run("claim", "a", "--take-over", env=boot("B")).code == 5
    file.write_text(json.dumps(rows), encoding="utf-8")
    assert bob.ok("claim", "a", "--take-over", env=boot("A")).code == 0


def test_two_spellings_of_a_path_are_one(listed: Repo) -> None:
    """macOS hands out names in the decomposed form; git and other systems in the composed."""
    composed, decomposed = "src/\u00c4/x.py", "src/A\u0308/x.py"
    listed.ok("update", "a", "--add-path", decomposed, "--add-tag", "A\u0308rger")
    listed.ok("update", "a", "--add-path", composed, "--add-tag", "\u00c4rger")
    task = listed.tasks()["a"]
    assert (task["paths"], task["tags"]) == ([composed], ["\u00c4rger"])
    for words in (("--tag", "A\u0308rger"), ("--tag", "\u00c4rger")):
        assert [t["id"] for t in listed.ok("list", *words, "--json").json()["tasks"]] == ["a"]
    listed.ok("note", "a", "u\u0308ber")
    assert listed.ok("list", "--search", "\u00fcber", "-q").out == "a\n"
    listed.hand_edit({"tasks/b.yaml": f"subject: B\npaths:\n  - {decomposed}\n"})
    listed.ok("start", "a", env={"GITTASKS_OWNER": "ann"})
    assert "may touch what" in listed.ok("start", "b", env={"GITTASKS_OWNER": "bob"}).err
    listed.ok("update", "b", "--add-path", composed)
    assert len(listed.tasks()["b"]["paths"]) == 1
    listed.ok("update", "b", "--remove-path", composed)
    assert listed.tasks()["b"]["paths"] == []


# --- locales and names -----------------------------------------------------------------------


def test_arguments_are_utf8_where_the_locale_is_ascii(listed: Repo) -> None:
    """Texts are taken whole, names of files are found, and what is printed can be."""
    env = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    listed.write("pläne.md", "- [ ] Ärger\n")
    listed.ok("apply", "pläne.md", env=env)
    listed.ok("note", "a", "groß → größer", env=env)
    listed.ok("done", "a", "--result", "Prüfung", env=env)
    shown = 'printf "%s %s" "$1" "${PYTHONIOENCODING-none}"'
    run = listed.ok("run", "b", "--", "sh", "-c", shown, "sh", "groß", env=env)
    assert run.out.startswith("groß none")
    listed.ok("note", "c", "x", env={**env, "GITTASKS_OWNER": "Jörg"})
    listed.remove("gittasks", "cache")
    listed.ok("--as", "Jörg", "note", "c", "y", env=env)
    assert {note["by"] for note in listed.tasks()["c"]["notes"]} == {"Jörg"}
    done = listed.ok("show", "a", env=env)
    tasks = listed.tasks()
    assert tasks["a"]["result"] == "Prüfung"
    assert tasks["a"]["notes"][0]["text"] == "groß → größer"
    assert "Ärger" in {task["subject"] for task in tasks.values()}
    assert done.out.isascii()


def test_a_folder_whose_name_is_no_utf8(tmp_path: Path) -> None:
    """Lists, hooks and Claude Code's settings work in it, and are taken out again."""
    repo = Repo.listed(os.path.join(str(tmp_path), os.fsdecode(b"r\xff")), "a")
    for line in (
        "claude install",
        "claude install --scope project",
        "claude status --json",
        "claude uninstall",
        "claude uninstall --scope project",
        "hooks install",
        "report",
        "done a",
        "hooks uninstall",
        "doctor --fix",
    ):
        repo.ok(*line.split())
    assert repo.git("status", "--porcelain") == ""
