"""Damage and hostile content: told where it is, never spread, never in the way of the rest."""

from __future__ import annotations

import os
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from support import gits, repositories
from support.repositories import Repo

from gittasks.core.model import Snapshot
from gittasks.core.operations import Transition, Verb
from gittasks.store import disk, objects

CONFLICT = "<<<<<<< HEAD\nsubject: Mine\n=======\nsubject: Theirs\n>>>>>>> other\n"


def loose(repo: Repo, object_id: str) -> Path:
    return Path(repo.git_dir, "objects", object_id[:2], object_id[2:])


def entry(repo: Repo, path: str) -> str:
    return repo.git("rev-parse", f"gittasks/plan:{path}")


def damage(path: Path, how: Callable[[bytes], bytes]) -> None:
    data = path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(how(data))


def read(repo: Repo) -> Snapshot | repositories.GittasksError:
    """The list, or the error that says why it cannot be read."""
    try:
        return repo.workspace().snapshot()
    except repositories.GittasksError as error:
        return error


def flip(at: int) -> Callable[[bytes], bytes]:
    return lambda data: data[:at] + bytes([data[at] ^ 0x40]) + data[at + 1 :]


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "half": lambda data: data[: len(data) // 2],
    "zeros": lambda data: b"\0" * len(data),
    "flipped": flip(20),
    "first": flip(0),
    "foreign": lambda _: zlib.compress(b"blob 3\0abcdef"),
    "kind": lambda _: zlib.compress(b"tree 0\0"),
}


@pytest.mark.parametrize("how", sorted(DAMAGES))
def test_a_damaged_task_file_is_told_and_the_others_are_read(listed: Repo, how: str) -> None:
    """Exit 4, the object named; other tasks are shown and can be worked on."""
    blob = entry(listed, "tasks/a.yaml")
    damage(loose(listed, blob), DAMAGES[how])
    listed.remove("gittasks", "cache")
    result = listed.run("list", "--json")
    assert result.code == 4, result
    assert [t["id"] for t in result.json()["tasks"]] == ["b", "c"]
    problem = result.json()["problems"]
    assert [p["path"] for p in problem] == ["tasks/a.yaml"]
    assert blob in problem[0]["message"]
    assert listed.run("start", "a").code == 4
    listed.run("start", "b")
    assert listed.git("cat-file", "-p", "gittasks/plan:tasks/b.yaml").count("in_progress") == 1
    assert entry(listed, "tasks/a.yaml") == blob, "the entry is carried along untouched"


@pytest.mark.parametrize("how", sorted(DAMAGES))
@pytest.mark.parametrize("what", ["^{tree}", ":tasks", "", ":list.yaml"])
def test_damage_above_the_tasks_is_exit_4_and_blocks_writes(
    listed: Repo, what: str, how: str
) -> None:
    """A commit, a tree or list.yaml that cannot be read: no empty list, and nothing is written."""
    before = listed.head()
    broken = listed.git("rev-parse", f"gittasks/plan{what}")
    damage(loose(listed, broken), DAMAGES[how])
    listed.remove("gittasks", "cache")
    found = read(listed)
    if isinstance(found, repositories.GittasksError):
        assert found.exit_code == 4
        assert broken in found.message
        assert found.hint
    else:
        assert what == ":list.yaml"
        assert [p.path for p in found.problems] == ["list.yaml"]
        assert broken in found.problems[0].message
    with pytest.raises(repositories.GittasksError) as caught:
        listed.workspace().edit([Transition(Verb.START, "a")])
    assert caught.value.exit_code == 4
    ref = "refs/heads/gittasks/plan"
    assert listed.git("for-each-ref", "--format=%(objectname)", ref) == before


def test_a_packed_copy_serves_for_a_damaged_loose_one(listed: Repo) -> None:
    """git finds it in the pack, and so do we."""
    blob = entry(listed, "tasks/a.yaml")
    data = loose(listed, blob).read_bytes()
    listed.git("repack", "-adq")
    loose(listed, blob).parent.mkdir(exist_ok=True)
    loose(listed, blob).write_bytes(data[:10])
    listed.remove("gittasks", "cache")
    assert set(listed.tasks()) == {"a", "b", "c"}


@pytest.mark.parametrize("suffix", [".pack", ".idx"])
def test_a_damaged_pack_is_told(listed: Repo, suffix: str) -> None:
    """Whatever is broken in it: exit 4 with a hint, or the right answer; never a crash."""
    expected = listed.tasks()
    for letter in "abc":
        listed.ok("note", letter, "a remark that makes deltas worth while " * 5)
    expected = listed.tasks()
    listed.git("gc", "-q")
    listed.remove("gittasks", "journal")
    folder = Path(listed.git_dir, "objects", "pack")
    pack = next(path for path in folder.iterdir() if path.suffix == suffix)
    whole = pack.read_bytes()
    pack.chmod(0o644)
    outcomes = set()
    for at in range(0, len(whole), max(1, len(whole) // 60)):
        for data in (flip(at)(whole), whole[:at]):
            pack.write_bytes(data)
            listed.remove("gittasks", "cache")
            found = read(listed)
            if isinstance(found, repositories.GittasksError):
                assert found.exit_code == 4, found
                outcomes.add("error")
                continue
            shown = {i: t.subject for i, t in found.tasks.items()}
            assert not {i for i in shown if shown[i] != expected[i]["subject"]}
            if found.problems:
                outcomes.add("problems")
            else:
                assert set(shown) == set(expected)
                outcomes.add("whole")
    pack.write_bytes(whole)
    assert "error" in outcomes
    assert "whole" in outcomes
    listed.remove("gittasks", "cache")
    assert listed.tasks() == expected


def test_a_missing_blob_is_named(listed: Repo) -> None:
    blob = entry(listed, "tasks/a.yaml")
    loose(listed, blob).unlink()
    listed.remove("gittasks", "cache")
    listed.remove("gittasks", "journal")
    result = listed.run("list")
    assert result.code == 4
    assert blob in result.out + result.err
    assert "Task b" in result.out


def test_a_partial_clone_asks_its_remote_and_names_what_it_cannot_get(
    listed: Repo, tmp_path: Path
) -> None:
    """Blobs come through git on demand; without the remote the message names the object."""
    listed.git("config", "uploadpack.allowFilter", "true")
    listed.git("config", "uploadpack.allowAnySHA1InWant", "true")
    for name in ("reachable", "cut-off"):
        clone = Repo(str(tmp_path / name))
        repositories.git(
            str(tmp_path),
            "clone", "-q", "--no-checkout", "--filter=blob:none", f"file://{listed.path}", name,
        )  # fmt: skip
        if name == "reachable":
            assert set(clone.tasks()) == {"a", "b", "c"}
            clone.ok("start", "a")
        else:
            clone.git("remote", "set-url", "origin", str(tmp_path / "gone"))
            result = clone.run("list")
            assert result.code == 4
            assert entry(listed, "tasks/a.yaml") in result.out + result.err


@gits.files_only
def test_a_malformed_commit_and_tree_are_told(listed: Repo) -> None:
    good_tree = listed.git("rev-parse", "gittasks/plan^{tree}")

    def literal(kind: str, data: bytes) -> str:
        return listed.git("hash-object", "-t", kind, "--literally", "-w", "--stdin", stdin=data)

    commits = [
        literal("commit", b""),
        literal("commit", b"nonsense\n"),
        literal("commit", f"tree {good_tree}\n\nno author".encode()),
        literal("commit", f"tree {good_tree}\nauthor x\ncommitter y\n\nm".encode()),
        literal("commit", f"tree {good_tree[:20]}\nauthor A <a> 1 +0000\n\nm".encode()),
    ]
    trees = [b"100644 a", b"100644 a\0short", b"999999999999 a\0" + b"x" * 20, b"\0" * 30]
    for data in trees:
        tree = literal("tree", data)
        text = f"tree {tree}\nauthor A <a@b> 1 +0000\ncommitter A <a@b> 1 +0000\n\nm\n"
        commits.append(literal("commit", text.encode()))
    ref = Path(listed.git_dir, "refs/heads/gittasks/plan")
    for commit in commits:
        ref.write_text(commit + "\n")
        for words in (["list"], ["start", "a"], ["log"]):
            result = listed.run(*words, "--list", "plan")
            assert result.code == 4, (commit, result)
        assert ref.read_text() == commit + "\n"


def test_a_hostile_tree_is_reported_and_carried_along(listed: Repo) -> None:
    """Only regular files with valid names under tasks/ are tasks; the rest stays as it is."""
    blob = entry(listed, "tasks/a.yaml")
    link = listed.blob("/etc/passwd")
    commit = listed.git("rev-parse", "main")
    names = {
        "link.yaml": ("120000", link),
        "module.yaml": ("160000", commit),
        "run.yaml": ("100755", blob),
        "A.yaml": ("100644", blob),
        "con.yaml": ("100644", blob),
        "b": ("100644", blob),
        "-x.yaml": ("100644", blob),
        "a.yaml.yaml": ("100644", blob),
        "a.YAML": ("100644", blob),
        "ünï.yaml": ("100644", blob),
        "new\nline.yaml": ("100644", blob),
        "esc\x1b[31m.yaml": ("100644", blob),
    }
    head, code = listed.head(), "gittasks/plan"
    tasks = listed.git("ls-tree", "-z", f"{code}:tasks").rstrip("\0").split("\0")
    inner = listed.git("mktree", stdin=f"100644 blob {blob}\tinside.yaml\n")
    kinds = {"120000": "blob", "160000": "commit", "100755": "blob", "100644": "blob"}
    lines = tasks + [f"{mode} {kinds[mode]} {sha}\t{name}" for name, (mode, sha) in names.items()]
    lines += [f"040000 tree {inner}\tsub", f"040000 tree {inner}\tsub.yaml"]
    lines += [f"040000 tree {inner}\t.git"]
    tree = listed.git("mktree", "-z", "--missing", stdin="\0".join(lines) + "\0")
    top = listed.git("ls-tree", code).split("\n")
    top = [f"040000 tree {tree}\ttasks" if line.endswith("\ttasks") else line for line in top]
    root = listed.git("mktree", stdin="\n".join(top) + "\n")
    new = listed.git("commit-tree", "-p", head, "-m", "hostile", root)
    listed.git("update-ref", f"refs/heads/{code}", new)

    def others() -> set[str]:
        found = listed.git("ls-tree", "-z", f"{code}:tasks").rstrip("\0").split("\0")
        return {line for line in found if line.split("\t")[1] not in ("a.yaml", "d.yaml")}

    before = others()
    for cached in (True, False):
        if not cached:
            listed.remove("gittasks", "cache")
        result = listed.run("list", "--json")
        assert result.code == 4
        assert [t["id"] for t in result.json()["tasks"]] == ["a", "b", "c"]
        assert {p["path"] for p in result.json()["problems"]} == {
            *(f"tasks/{name}" for name in names),
            "tasks/sub",
            "tasks/sub.yaml",
            "tasks/.git",
        }
        assert result.out.isascii()
    plain = listed.run("list")
    assert "\x1b" not in plain.out + plain.err
    listed.run("start", "a")
    listed.run("create", "D", "--id", "d")
    assert "in_progress" in listed.git("show", f"{code}:tasks/a.yaml")
    assert others() == before
    assert listed.run("create", "Run", "--id", "run").code == 4, "a file that is not ours is there"
    assert listed.run("create", "Sub", "--id", "sub").code == 4, "so is a folder"
    assert others() == before


def test_an_executable_task_file_reads_the_same_with_and_without_cache(listed: Repo) -> None:
    """`chmod +x` keeps the blob, so only the mode tells."""
    blob = entry(listed, "tasks/a.yaml")
    listed.tasks()
    listed.hand_edit({}, raw_entries=[f"100755 {blob}\ttasks/a.yaml"])
    warm = listed.run("list", "--json").out
    listed.remove("gittasks", "cache")
    assert listed.run("list", "--json").out == warm
    assert '"tasks/a.yaml"' in warm


@pytest.mark.parametrize("mode", ["100644", "120000", "160000"])
def test_tasks_that_is_no_folder_is_told_and_not_written_over(listed: Repo, mode: str) -> None:
    """A second entry of that name would make a tree that git calls corrupt."""
    names = ("a", "b", "c")
    target = listed.git("rev-parse", "main") if mode == "160000" else listed.blob("x")
    listed.hand_edit(
        {f"tasks/{n}.yaml": None for n in names}, raw_entries=[f"{mode} {target}\ttasks"]
    )
    before = listed.head()
    assert listed.run("list").code == 4
    assert listed.run("create", "x", "--id", "x").code == 4
    assert listed.head() == before
    listed.fsck()


@pytest.mark.parametrize(
    "text",
    [
        CONFLICT,
        "",
        "subject: [unclosed\n",
        "subject: a\nsubject: b\n",
        "- a list\n",
        "subject: !!python/object:os.system x\n",
        "\xff\xfe",
        "subject: x\nstatus: nonsense\n",
        "subject: &a x\nresult: *a\n",
        "x" * 300_000,
    ],
)
def test_an_unreadable_task_file_is_never_overwritten(listed: Repo, text: str) -> None:
    """Told with its path; create, apply, update and batch on its id are refused with exit 4."""
    data = text.encode("latin-1")
    listed.hand_edit({"tasks/a.yaml": data})
    blob, before = entry(listed, "tasks/a.yaml"), listed.head()
    result = listed.run("list")
    assert result.code == 4
    assert "tasks/a.yaml" in result.out + result.err
    assert "Task b" in result.out
    plan = "tasks:\n- id: a\n  subject: Task a\n"
    assert listed.run("create", "Task a", "--id", "a").code == 4
    assert listed.run("apply", "-", stdin=plan).code == 4
    assert listed.run("update", "a", "--subject", "x").code == 4
    assert listed.run("batch", stdin='{"op": "create", "id": "a", "subject": "A"}').code == 4
    assert listed.head() == before
    listed.run("start", "b")
    assert listed.git("rev-parse", "gittasks/plan~1") == before
    assert entry(listed, "tasks/a.yaml") == blob
    mended = listed.git("show", f"{before}~1:tasks/a.yaml") + "\n"
    listed.hand_edit({"tasks/a.yaml": mended})
    assert set(listed.tasks()) == {"a", "b", "c"}


def test_an_unreadable_list_file_is_not_written_over(listed: Repo) -> None:
    listed.hand_edit({"list.yaml": CONFLICT})
    before = listed.head()
    shown = listed.run("list")
    assert shown.code == 4
    assert "Task a" in shown.out
    assert listed.run("start", "a").code == 4
    assert listed.head() == before


def test_a_date_after_the_year_9999_is_no_obstacle(listed: Repo) -> None:
    """git takes such a commit; log and undo show the last moment that can be said."""
    tree, head = listed.git("rev-parse", "gittasks/plan^{tree}"), listed.head()
    who = "A <a@b> 999999999999 +0000"
    text = f"tree {tree}\nparent {head}\nauthor {who}\ncommitter {who}\n\nfar\n"
    new = listed.git("hash-object", "-t", "commit", "-w", "--stdin", stdin=text)
    listed.git("update-ref", "refs/heads/gittasks/plan", new)
    listed.fsck()
    assert listed.ok("log", "--json").json()["entries"][0]["at"] == "9999-12-31T23:59:59Z"
    listed.ok("log")
    listed.ok("start", "a")
    listed.ok("show", "a")


def _tree(repo: Repo, entries: list[tuple[str, str, str]]) -> str:
    data = b"".join(f"{m} {n}".encode() + b"\0" + bytes.fromhex(i) for m, n, i in entries)
    return repo.git("hash-object", "-t", "tree", "--literally", "-w", "--stdin", stdin=data)


def test_a_name_that_a_tree_lists_twice_is_told_and_none_of_the_two_believed(listed: Repo) -> None:
    """Below tasks: that task is unreadable. Above: the list is not written."""
    a, b = entry(listed, "tasks/a.yaml"), entry(listed, "tasks/b.yaml")
    info, attributes = entry(listed, "list.yaml"), entry(listed, ".gitattributes")
    twice = [("100644", "a.yaml", a), ("100644", "a.yaml", b), ("100644", "b.yaml", b)]
    folder = _tree(listed, twice)
    empty = _tree(listed, [])
    top = [("100644", ".gitattributes", attributes), ("100644", "list.yaml", info)]
    for entries, path in (
        ([*top, ("40000", "tasks", folder)], "tasks/a.yaml"),
        ([*top, ("40000", "tasks", empty), ("40000", "tasks", folder)], "tasks"),
    ):
        tree = _tree(listed, entries)
        new = listed.git("commit-tree", "-m", "twice", tree)
        listed.git("update-ref", "refs/heads/gittasks/plan", new)
        result = listed.run("list", "--json")
        assert result.code == 4
        assert [p["path"] for p in result.json()["problems"]] == [path]
        assert "twice" in result.json()["problems"][0]["message"]
        assert listed.run("note", "a", "x").code == (3 if path == "tasks" else 4)
        assert listed.head() == new


_MEASURED = """
import re, sys
from gittasks.cli.main import run
code = run(["list", "--list", "plan"])
# Not getrusage: its peak counts the memory of the process that started this one.
peak = re.search(r"VmHWM:\\s+([0-9]+) kB", open("/proc/self/status").read())
print(int(peak[1]) // 1024, code, file=sys.stderr)
"""


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="no /proc to read it from")
@pytest.mark.parametrize("where", ["loose", "packed", "delta"])
def test_an_enormous_object_is_told_and_never_unpacked(
    listed: Repo, tmp_path: Path, where: str
) -> None:
    """64 MB of zeros in a few kB: the task is reported, and the memory stays small."""
    size = 64 * 1024 * 1024
    huge = tmp_path / "huge"
    with huge.open("wb") as file:
        file.truncate(size)
    blob = listed.git("hash-object", "-w", str(huge))
    if where == "delta":
        with huge.open("ab") as file:
            file.write(b"end")
        listed.git("hash-object", "-w", str(huge))
    listed.hand_edit({}, raw_entries=[f"100644 {blob}\ttasks/a.yaml"])
    if where != "loose":
        listed.git("-c", "core.bigFileThreshold=1g", "repack", "-adq")
    done = subprocess.run(
        [sys.executable, "-c", _MEASURED],
        cwd=listed.path,
        capture_output=True,
        text=True,
        check=False,
    )
    peak, code = done.stderr.split()[-2:]
    assert code == "4"
    assert "tasks/a.yaml" in done.stdout + done.stderr
    assert "larger than" in done.stdout + done.stderr
    assert int(peak) < 80, done.stderr


def test_an_object_that_lies_about_its_size_is_damaged(listed: Repo) -> None:
    """The header says little, the stream goes on for ever."""
    blob = entry(listed, "tasks/a.yaml")
    lie = zlib.compress(b"blob 10\0" + b"\0" * (64 * 1024 * 1024), 9)
    damage(loose(listed, blob), lambda _: lie)
    assert objects.read_loose(str(loose(listed, blob)), 1000) == objects._DAMAGED
    long = zlib.compress(b"blob 100000\0" + b"\0" * 100_000, 9)
    damage(loose(listed, blob), lambda _: long)
    found = objects.read_loose(str(loose(listed, blob)), 100_000)
    assert found == ("blob", b"\0" * 100_000)


def test_undo_reads_no_more_of_the_history_than_it_needs(
    listed: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Commits are read one after the other while there is one parent; shallow once."""
    for turn in range(5):
        listed.ok("note", "a", f"n{turn}")
    store = listed.workspace("plan").store
    reads: list[str] = []
    real = objects.ObjectStore.read

    def counted(self: objects.ObjectStore, object_id: str, kind: str) -> bytes:
        reads.append(object_id)
        return real(self, object_id, kind)

    store.load()
    monkeypatch.setattr(objects.ObjectStore, "read", counted)
    assert next(store.walk()).id == listed.head()
    assert reads == [listed.head()]


def test_a_newer_format_is_refused(listed: Repo) -> None:
    text = listed.git("show", "gittasks/plan:list.yaml").replace("format: 1", "format: 2") + "\n"
    listed.hand_edit({"list.yaml": text})
    for words in (["list"], ["start", "a"]):
        result = listed.run(*words)
        assert result.code == 4
        assert "format" in result.err


def synced(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Paths below the git dir that one edit syncs, in order."""
    seen: list[str] = []
    real = os.fsync

    def record(handle: int) -> None:
        seen.append(os.path.relpath(os.readlink(f"/proc/self/fd/{handle}"), repo.git_dir))
        real(handle)

    monkeypatch.setattr(os, "fsync", record)
    repo.workspace().edit([Transition(Verb.START, "a")])
    monkeypatch.setattr(os, "fsync", real)
    return seen


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="needs /proc")
def test_objects_and_folders_are_synced_before_the_ref(
    listed: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every new object, then its folder and the ref's lock at once, at last the ref's folder."""
    before = set(listed.git("rev-list", "--objects", "--no-object-names", "--all").split())
    seen = synced(listed, monkeypatch)
    after = set(listed.git("rev-list", "--objects", "--no-object-names", "--all").split())
    files = gits.has_ref_files(listed.git_dir)  # a table itself is synced by git
    objects = [path for path in seen[:4] if "tmp_obj_" in path]
    assert len(objects) == len(after - before) == 4
    ref = seen.index("refs/heads/gittasks" if files else "reftable")
    lock = {"refs/heads/gittasks/plan.lock"} if files else set[str]()
    folders = {f"objects/{i[:2]}" for i in after - before}
    assert {"objects", *folders, *lock} == set(seen[4:ref])
    assert len(seen) == ref + 1


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="needs /proc")
@gits.files_only
def test_a_file_is_synced_before_its_rename_and_its_folder_after(
    listed: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A power cut between any two of these calls leaves no name without what belongs to it."""
    calls: list[tuple[str, str]] = []
    sync, replace = os.fsync, os.replace

    def syncing(handle: int) -> None:
        path = os.readlink(f"/proc/self/fd/{handle}")
        calls.append(("sync", os.path.relpath(path, listed.git_dir)))
        sync(handle)

    def replacing(source: str, target: str) -> None:
        calls.append(("rename", os.path.relpath(target, listed.git_dir)))
        replace(source, target)

    monkeypatch.setattr(os, "fsync", syncing)
    monkeypatch.setattr(os, "replace", replacing)
    listed.workspace().edit([Transition(Verb.START, "a")])
    ref = "refs/heads/gittasks/plan"
    move = calls.index(("rename", ref))
    objects = [path for kind, path in calls if kind == "rename" and path.startswith("objects/")]
    assert len(objects) == 4
    for path in objects:
        at, folder = calls.index(("rename", path)), os.path.dirname(path)
        assert any(kind == "sync" and name.startswith(f"{folder}/") for kind, name in calls[:at])
        assert ("sync", folder) in calls[at:move]
    assert {("sync", "objects"), ("sync", f"{ref}.lock")} <= set(calls[:move])
    assert ("sync", os.path.dirname(ref)) in calls[move:]


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="needs /proc")
@pytest.mark.parametrize(
    ("key", "value", "objects_are", "refs_are"),
    [
        ("core.fsync", "none", False, False),
        ("core.fsync", "-loose-object", False, True),
        ("core.fsync", "all", True, True),
        ("core.fsync", "committed", True, True),
        ("core.fsync", "committed,-loose-object", False, True),
        ("core.fsync", "none,loose-object", True, False),
        ("core.fsync", "-reference", True, False),
        ("core.fsync", "none,reference", False, True),
        ("core.fsyncObjectFiles", "false", False, True),
        ("core.fsyncObjectFiles", "true", True, True),
    ],
)
def test_core_fsync_is_honoured(
    listed: Repo,
    monkeypatch: pytest.MonkeyPatch,
    key: str,
    value: str,
    objects_are: bool,
    refs_are: bool,
) -> None:
    """What the user switches off in git is not waited for here either, objects and refs alike."""
    listed.git("config", key, value)
    seen = synced(listed, monkeypatch)
    assert any(path.startswith("objects") for path in seen) is objects_are
    if gits.has_ref_files(listed.git_dir):
        assert any(path.startswith("refs") for path in seen) is refs_are


def test_an_empty_object_file_from_a_power_cut_is_written_anew(listed: Repo) -> None:
    """Without that, git and we would take it for present for ever."""
    listed.ok("start", "a")
    started = listed.head()
    blob = entry(listed, "tasks/a.yaml")
    listed.git("update-ref", "refs/heads/gittasks/plan", f"{started}~1")
    listed.git("reflog", "expire", "--expire=now", "--all")
    damage(loose(listed, blob), DAMAGES["empty"])
    when = listed.git("log", "-1", "--format=%at", started)
    listed.ok("start", "a", env={"GIT_AUTHOR_DATE": f"{when} +0000"})
    assert entry(listed, "tasks/a.yaml") == blob
    listed.fsck()


def test_an_object_that_gc_takes_away_during_a_write_is_written_again(
    listed: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`git gc` packs an object that was there and removes its file before it is synced."""
    pending = entry(listed, "tasks/a.yaml")
    listed.ok("start", "a")
    real = disk.sync_all
    turns: list[int] = []

    def vanishing(paths: list[str]) -> None:
        turns.append(len(paths))
        if len(turns) == 1:
            listed.git("gc", "-q")
        real(paths)

    monkeypatch.setattr(objects, "sync_all", vanishing)
    listed.workspace().edit([Transition(Verb.RELEASE, "a")])
    # Files, of which one vanished; those of the write once more, whose folders are synced with
    # the ref; after the move files and folders of what gc has packed.
    assert len(turns) == 4
    assert entry(listed, "tasks/a.yaml") == pending
    listed.fsck()


def test_a_commit_with_a_long_message_does_not_end_the_history(listed: Repo) -> None:
    """Git takes any message; what is read of a commit is bounded far above what people write."""
    listed.hand_edit({"tasks/a.yaml": "subject: By hand\n"}, message="x" * 120_000)
    long = "by script\n\n" + "a long line\n" * 200_000
    tree, head = listed.git("rev-parse", "gittasks/plan^{tree}"), listed.head()
    made = listed.git("commit-tree", "-p", head, tree, stdin=long)
    listed.git("update-ref", "refs/heads/gittasks/plan", made)
    assert "By hand" in listed.ok("show", "a").out
    assert "by script" in listed.ok("log").out
    listed.ok("done", "a")
    listed.ok("undo")
