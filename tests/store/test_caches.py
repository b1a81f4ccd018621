"""Caches make commands quick and never change an answer: absent, damaged, foreign or old."""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import gits, repositories
from support.repositories import Repo
from support.strategies import members, plain_fields, set_fields

from gittasks.core.model import RULES, Task
from gittasks.core.operations import AddNote, Create, Operation, Transition, Update, Verb
from gittasks.store import ancestry, config, disk, list_version
from gittasks.store.list_version import Columns
from gittasks.store.objects import ObjectStore
from gittasks.workspace import log


def answers(repo: Repo, **env: str) -> list[object]:
    """Everything that a read tells, through the public interface."""
    workspace = repo.workspace("plan", **env)
    branch = workspace.branch()
    return [
        branch.commit,
        branch.snapshot,
        workspace.log(),
        workspace.log("a"),
        workspace.actor,
        workspace.repository.config.author,
        workspace.repository.config.get("gittasks.list"),
    ]


def cache_files(repo: Repo) -> list[Path]:
    top = Path(repo.git_dir, "gittasks", "cache")
    return sorted(path for path in top.rglob("*") if path.is_file())


@pytest.fixture
def busy(listed: Repo) -> Repo:
    """A list with some history of every kind."""
    workspace = listed.workspace()
    workspace.edit([Transition(Verb.START, "a")])
    workspace.edit([AddNote("a", "half\nway \u2028 there")])
    text = listed.git("show", "gittasks/plan:tasks/b.yaml").replace("Task b", "By hand")
    listed.hand_edit({"tasks/b.yaml": text + "\nx-key: kept\n", "README.md": "x\n"})
    listed.hand_edit({"tasks/broken.yaml": "subject: [\n"})
    listed.workspace().edit([Transition(Verb.DONE, "a", "PASS")])
    os.utime(Path(listed.git_dir, "config"), (1, 1))
    return listed


def wait_until_config_is_cached(repo: Repo) -> None:
    """A configuration that changed a moment ago is asked again instead of remembered."""
    for _ in range(200):
        repository = repo.workspace().repository
        if repository.config and config._read_cache(repository.found, repository.env):
            return
        time.sleep(0.01)
    raise AssertionError("the configuration is never remembered")


def test_a_configuration_is_remembered_when_its_files_are_older_than_a_moment(
    listed: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that changed in the same moment once more would look the same; clocks are coarse."""
    repository = listed.workspace().repository
    files = config._standard_files(repository.found, repository.env)
    changed = max(state[1] for path in files if (state := config._signature(path)))
    for later in (0, config._FRESH, config._FRESH + 1):
        listed.remove("gittasks", "cache")
        monkeypatch.setattr("time.time_ns", functools.partial(int, changed + later))
        assert listed.workspace().repository.config
        cached = config._read_cache(repository.found, repository.env)
        assert (cached is not None) is (later > config._FRESH), later


def test_a_warm_read_runs_no_git_and_reads_no_object(
    busy: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The caches are used at all: without this, the other tests here would prove nothing."""
    wait_until_config_is_cached(busy)
    expected = answers(busy)

    def never(*args: object, **options: object) -> object:
        raise AssertionError(args)

    monkeypatch.setattr("gittasks.store.git.run", never)
    monkeypatch.setattr("gittasks.store.objects.ObjectStore.read", never)
    assert answers(busy) == expected


def test_answers_are_the_same_without_any_cache(busy: Repo) -> None:
    expected = answers(busy)
    assert answers(busy) == expected
    busy.remove("gittasks", "cache")
    assert answers(busy) == expected


def _damages(data: bytes) -> Iterator[bytes]:
    for at in range(0, len(data), 50):
        yield data[:at]
        yield data[:at] + bytes([data[at] ^ 0x01]) + data[at + 1 :]
        yield data[:at] + b"\0" * (len(data) - at)
    yield data + data
    yield data + b"\n"
    yield data[: data.find(b"\n") + 1] + data
    yield b"\n" * 5
    yield b"00000000 \n"
    yield b"{}"
    yield b"[]"
    yield b"\xff" * 100
    head, deep = data.partition(b"\n")[0].rpartition(b" ")[0], b"[" * 200_000
    yield head + b" %d\n" % zlib.crc32(deep) + deep


def _of_refs(repo: Repo) -> int:
    """The caches of refs: one for a reftable."""
    return not gits.has_ref_files(repo.git_dir)


def test_a_damaged_cache_never_changes_an_answer(busy: Repo) -> None:
    """Truncated at every 50th byte, flipped, zeroed, doubled, foreign, nested: each cache file."""
    wait_until_config_is_cached(busy)
    expected = answers(busy)
    files = cache_files(busy)
    assert len(files) >= 4 + _of_refs(busy), files
    whole = {path: path.read_bytes() for path in files}
    for path in files:
        for data in _damages(whole[path]):
            for other in files:
                other.write_bytes(whole[other])
            path.write_bytes(data)
            assert answers(busy) == expected, (path, data[:200])


def test_a_write_over_damaged_caches_succeeds_and_is_told(busy: Repo) -> None:
    """The commit is made before its line is added, so a bad file must not spoil the answer."""
    busy.workspace().log()
    history = next(path for path in cache_files(busy) if "history" in path.parts)
    whole = history.read_bytes()
    for done, data in enumerate(
        (b"", b"x", b"\n", b"no-spaces-here\n", whole[:-20], whole[:70], whole + whole), 1
    ):
        history.write_bytes(data)
        busy.workspace().edit([AddNote("c", f"note {done}")])
        entries = busy.workspace().log("c")
        assert len([e for e in entries if e.changes[0].field == "notes"]) == done
        busy.remove("gittasks", "cache", "history")
        assert busy.workspace().log("c") == entries
        history.parent.mkdir(parents=True, exist_ok=True)


def test_a_history_line_longer_than_a_block_is_followed(busy: Repo) -> None:
    """A batch of many tasks is one long line; the next is added behind it."""
    many = [AddNote("a", f"note {i} " + "x" * 100) for i in range(900)]
    workspace = busy.workspace()
    workspace.log()
    workspace.edit(many)
    workspace.edit([AddNote("a", "last")])
    lines = log.read_cache(workspace.store.history_path)
    assert lines[-1].commit == busy.head()
    assert len(lines[-2].content) > 65536


def test_a_history_file_in_an_impossible_place_is_left_alone(busy: Repo) -> None:
    """A folder, or a file where a folder should be."""
    expected = answers(busy)
    top = Path(busy.git_dir, "gittasks", "cache")
    for name in ("history", "lists"):
        busy.remove("gittasks", "cache", name)
        (top / name / "gittasks" / "plan").mkdir(parents=True)
        assert answers(busy) == expected
        busy.remove("gittasks", "cache", name)
        (top / name).write_text("a file")
        assert answers(busy) == expected
        (top / name).unlink()


def test_the_cache_of_another_list_is_no_answer(busy: Repo) -> None:
    busy.workspace().init("other", "Other")
    busy.workspace("other").snapshot()
    expected = answers(busy)
    for kind in ("lists", "history"):
        top = Path(busy.git_dir, "gittasks", "cache", kind, "gittasks")
        if (top / "other").exists():
            shutil.copy(top / "other", top / "plan")
    assert answers(busy) == expected


def test_a_copied_repository_has_its_own_configuration(busy: Repo, tmp_path: Path) -> None:
    """`cp -a` copies the cache as well, with the paths of the original in it."""
    wait_until_config_is_cached(busy)
    copy = Repo(str(tmp_path / "copy"))
    shutil.copytree(busy.path, copy.path, symlinks=True)
    copy.git("config", "gittasks.owner", "copied")
    assert copy.workspace().actor.owner == "copied"
    assert busy.workspace().actor.owner == "Ada"


def test_log_is_the_same_with_and_without_cache_whatever_git_did(busy: Repo) -> None:
    """After hand edits, merges by plain git, resets and rewritten commits."""

    def step(what: str) -> None:
        warm = answers(busy)
        history = Path(busy.git_dir, "gittasks", "cache", "history")
        kept = history / "gittasks" / "plan"
        aside = kept.read_bytes()
        busy.remove("gittasks", "cache")
        assert answers(busy) == warm, what
        kept.write_bytes(aside)
        assert answers(busy) == warm, what

    step("start")
    base = busy.head()
    busy.hand_edit({"tasks/hand.yaml": "subject: By hand\n"})
    step("hand edit")
    left = busy.head()
    busy.git("update-ref", "refs/heads/gittasks/plan", base)
    step("reset")
    busy.workspace().edit([AddNote("c", "right")])
    right = busy.head()
    step("another line")
    tree = busy.git("merge-tree", "--write-tree", left, right)
    merge = busy.git("commit-tree", "-p", right, "-p", left, "-m", "Merge by git", tree)
    busy.git("update-ref", "refs/heads/gittasks/plan", merge)
    step("merge")
    busy.workspace().edit([AddNote("c", "after")])
    step("on top of the merge")
    amended = busy.git("commit-tree", "-p", merge, "-m", "Amended", f"{busy.head()}^{{tree}}")
    busy.git("update-ref", "refs/heads/gittasks/plan", amended)
    step("amended")
    stranger = busy.git("commit-tree", "-m", "New root", f"{busy.head()}^{{tree}}")
    busy.git("update-ref", "refs/heads/gittasks/plan", stranger)
    step("another root")


def test_log_after_unshallowing_tells_the_whole_history(listed: Repo, tmp_path: Path) -> None:
    """What was remembered of a shallow clone is not taken for the history of a whole one."""
    listed.ok("note", "a", "x")
    clone = Repo(str(tmp_path / "clone"))
    repositories.git(
        str(tmp_path), "clone", "-q", "--depth=1", "--no-single-branch",
        f"file://{listed.path}", clone.path,
    )  # fmt: skip
    assert len(clone.workspace("plan").log()) == 1
    clone.git("fetch", "-q", "--unshallow")
    assert clone.workspace("plan").log() == listed.workspace("plan").log()


Change = Callable[[Repo, Path], dict[str, str]]


def _global(repo: Repo, _home: Path) -> dict[str, str]:
    repo.git("config", "--global", "gittasks.owner", "seen")
    return {}


def _local(repo: Repo, _home: Path) -> dict[str, str]:
    repo.git("config", "gittasks.owner", "seen")
    return {}


def _home_gitconfig(_repo: Repo, home: Path) -> dict[str, str]:
    (home / ".gitconfig").write_text("[gittasks]\n\towner = seen\n")
    return {}


def _xdg(_repo: Repo, home: Path) -> dict[str, str]:
    (home / ".config" / "git").mkdir(parents=True)
    (home / ".config" / "git" / "config").write_text("[gittasks]\n\towner = seen\n")
    return {}


def _count(_repo: Repo, _home: Path) -> dict[str, str]:
    return {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "gittasks.owner",
        "GIT_CONFIG_VALUE_0": "seen",
    }


def _parameters(_repo: Repo, _home: Path) -> dict[str, str]:
    return {"GIT_CONFIG_PARAMETERS": "'gittasks.owner'='seen'"}


def _include(repo: Repo, home: Path) -> dict[str, str]:
    (home / "included").write_text("[gittasks]\n\towner = seen\n")
    return {}


def _include_in_a_folder(repo: Repo, home: Path) -> dict[str, str]:
    (home / "by-folder").write_text("[gittasks]\n\towner = seen\n")
    return {}


def _branch(repo: Repo, _home: Path) -> dict[str, str]:
    repo.git("checkout", "-q", "-b", "topic")
    return {}


def _worktree(repo: Repo, _home: Path) -> dict[str, str]:
    repo.git("config", "--worktree", "gittasks.owner", "seen")
    return {}


@pytest.mark.parametrize(
    "change",
    [
        _global,
        _local,
        _home_gitconfig,
        _xdg,
        _count,
        _parameters,
        _include,
        _include_in_a_folder,
        _branch,
        _worktree,
    ],
)
def test_a_change_of_configuration_is_seen_by_the_next_command(
    listed: Repo, change: Change, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever git reads it from, and with the answer before it remembered."""
    home = Path(os.environ["HOME"])
    pattern = f"includeIf.gitdir:{os.path.dirname(listed.path)}/.path"
    listed.git("config", "extensions.worktreeConfig", "true")
    listed.git("config", "--global", "include.path", "included")
    listed.git("config", "--global", pattern, "by-folder")
    listed.git("config", "includeIf.onbranch:topic.path", "by-branch")
    Path(listed.git_dir, "by-branch").write_text("[gittasks]\n\towner = seen\n")
    if change in (_home_gitconfig, _xdg):
        shutil.copy(home / "gitconfig", home / ".gitconfig")
        monkeypatch.delenv("GIT_CONFIG_GLOBAL")
    wait_until_config_is_cached(listed)
    assert listed.workspace().actor.owner == "Ada"
    env = change(listed, home)
    assert listed.workspace(**env).actor.owner == "seen"
    assert listed.workspace(**env).actor.owner == "seen"


def test_a_change_of_the_same_length_in_the_same_moment_is_seen(listed: Repo) -> None:
    """Times of files tick in milliseconds; a value remembered too early would stay for ever."""
    path = Path(os.environ["GIT_CONFIG_GLOBAL"])
    text = path.read_text()
    for turn in range(60):
        name = f"A{turn:02d}"
        with open(path, "r+", encoding="utf-8") as file:
            file.write(text.replace("Ada", name))
        assert listed.workspace().actor.owner == name


def test_a_change_while_git_is_asked_is_seen(listed: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer of before the change is used once and not remembered."""
    wait_until_config_is_cached(listed)
    listed.remove("gittasks", "cache")
    real = config._ask_git

    def slow(*args: object) -> object:
        answer = real(*args)  # type: ignore[arg-type]
        listed.git("config", "gittasks.owner", "late")
        return answer

    monkeypatch.setattr(config, "_ask_git", slow)
    assert listed.workspace().actor.owner == "Ada"
    monkeypatch.setattr(config, "_ask_git", real)
    assert listed.workspace().actor.owner == "late"


def test_a_bad_date_does_not_hide_who_it_is(listed: Repo) -> None:
    """A command with a date that git cannot read leaves no "no identity" behind."""
    env = {"GIT_COMMITTER_DATE": "no date"}
    os.utime(Path(listed.git_dir, "config"), (1, 1))
    for _ in range(3):
        assert listed.workspace(**env).repository.config.author == "Ada <ada@example.com>"
    assert listed.workspace().repository.config.committer == "Ada <ada@example.com>"


def test_a_file_included_from_the_environment_is_watched(listed: Repo, tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("[gittasks]\n\towner = first\n")
    env = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "include.path"}
    env["GIT_CONFIG_VALUE_0"] = str(target)
    os.utime(target, (1, 1))
    time.sleep(0.1)
    assert listed.workspace(**env).actor.owner == "first"
    assert listed.workspace(**env).actor.owner == "first"
    target.write_text("[gittasks]\n\towner = second\n")
    assert listed.workspace(**env).actor.owner == "second"


def test_the_file_of_the_system_is_watched_where_git_has_it(
    listed: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when it is not there yet: git says where it would be."""
    monkeypatch.delenv("GIT_CONFIG_NOSYSTEM")
    place = tmp_path / "etc" / "gitconfig"
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", str(place))
    assert list(config._system_files(listed.path, os.environ)) == [str(place)]
    place.parent.mkdir()
    place.write_text("[gittasks]\n\towner = everybody\n")
    assert list(config._system_files(listed.path, os.environ)) == [str(place)]


def test_a_torn_history_file_is_made_anew_by_the_next_reader(busy: Repo) -> None:
    """Else it would be read in full by every command for ever."""
    workspace = busy.workspace()
    workspace.log()
    path = Path(workspace.store.history_path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    busy.workspace().edit([AddNote("c", "x")])
    entries = busy.workspace().log()
    assert log.read_cache(str(path))[-1].commit == busy.head() == entries[0].commit
    assert path.read_bytes().startswith(whole[:-200])


def test_an_upgrade_keeps_the_caches(busy: Repo) -> None:
    """What another version of the program wrote is read, and left as it is."""
    wait_until_config_is_cached(busy)
    for path in cache_files(busy):
        path.unlink()
    version = "import sys, gittasks; gittasks.__version__ = '0.0.9'; "
    main = "from gittasks.__main__ import main; sys.exit(main())"
    for command in (["--version"], ["log"], ["list"]):
        ran = subprocess.run(
            [sys.executable, "-c", version + main, *command],
            cwd=busy.path,
            check=False,
            capture_output=True,
            text=True,
        )
        assert command != ["--version"] or ran.stdout == "gittasks 0.0.9\n"
    # The configuration's cache is left out: it is not kept while its files are fresh.
    old = {p: (p.read_bytes(), p.stat().st_ino) for p in cache_files(busy) if p.name != "config"}
    assert len(old) == 2 + _of_refs(busy), old.keys()
    expected = busy.run("log"), busy.run("list")
    assert {p: (p.read_bytes(), p.stat().st_ino) for p in old} == old
    for path in old:
        path.unlink()
    assert (busy.run("log"), busy.run("list")) == expected


def test_caches_of_another_form_are_not_read(busy: Repo) -> None:
    """Their first line names the number of their form."""
    busy.workspace().log()
    for path in cache_files(busy):
        first, _, rest = path.read_bytes().partition(b"\n")
        kind, number, *checksum = first.split()
        path.write_bytes(b" ".join([kind, b"%d" % (int(number) + 1), *checksum]) + b"\n" + rest)
    workspace = busy.workspace()
    assert list_version.read_cache(workspace.store._cache) is None
    assert log.read_cache(workspace.store.history_path) == []
    assert not log.append_to_cache(workspace.store.history_path, busy.head(), [])


class Colour(NamedTuple):
    """What a later version may add to a task."""

    colour: str | None = None


def test_a_cache_of_other_fields_is_not_read(busy: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else one from before a field was added is read as if all tasks had its default."""
    busy.workspace().log()
    path = busy.workspace().store._cache
    assert list_version.read_cache(path) is not None
    for module, name in ((list_version, "CACHE"), (ancestry, "CHECKPOINTS")):
        file: disk.CacheFile = getattr(module, name)
        monkeypatch.setattr(module, name, file._replace(fields=disk.fields_of(Task, Colour)))
        assert getattr(module, name).fields != disk.fields_of(Task)
    assert list_version.read_cache(path) is None


def test_who_changes_the_rules_raises_the_number_of_the_checkpoints() -> None:
    """Else what was settled by the old rules is read as if it were by the new ones."""
    assert (ancestry.CHECKPOINTS.number, RULES) == (5, 1)


def test_a_pipe_in_the_place_of_a_cache_does_not_hang(busy: Repo) -> None:
    expected = answers(busy)
    for path in cache_files(busy):
        path.unlink()
        os.mkfifo(path)
    assert answers(busy) == expected
    busy.ok("note", "c", "x")


def test_what_cannot_be_had_just_now_is_not_remembered(busy: Repo) -> None:
    """A missing object that comes back is seen; nothing of the gap stays in a cache."""
    expected = answers(busy)
    busy.remove("gittasks", "cache")
    blob = busy.git("rev-parse", "gittasks/plan:tasks/b.yaml")
    kept = Path(busy.git_dir, "objects", blob[:2], blob[2:])
    kept.rename(f"{kept}.away")
    busy.remove("gittasks", "journal")
    assert [p.path for p in busy.workspace().snapshot().problems] == [
        "tasks/b.yaml",
        "tasks/broken.yaml",
    ]
    busy.workspace().log()
    Path(f"{kept}.away").rename(kept)
    assert answers(busy) == expected


def test_list_ids_that_look_like_temporary_names_do_not_collide(
    busy: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cache of the list `plan.1234` is not where process 1234 prepares that of `plan`."""
    other = f"plan.{os.getpid()}"
    busy.workspace().init(other, "Other")
    busy.workspace(other).snapshot()
    before = Path(busy.workspace(other).store._cache).read_bytes()
    busy.workspace("plan").edit([AddNote("c", "x")])
    assert Path(busy.workspace(other).store._cache).read_bytes() == before


_VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.sampled_from([0, -1, 1, 10**15, 0.0, -0.0, 1.0, 1.5, 1e300]),
        st.sampled_from(["", "x", "1", "true", "a\nb", "\u2028", " é "]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2), st.dictionaries(st.sampled_from("ab"), inner, max_size=2)
    ),
    max_leaves=4,
)
_IDS = st.sampled_from(["a", "b", "c", "a-b", "new"])
_OPERATIONS = st.one_of(
    st.builds(
        Create,
        subject=st.sampled_from(["New", "New 2"]),
        id=_IDS,
        order=st.sampled_from([None, 1, 1.5, -0.0]),
        metadata=st.dictionaries(st.sampled_from("zya"), _VALUES, max_size=3),
        fields=plain_fields,
    ),
    st.builds(
        Update,
        id=_IDS,
        subject=st.sampled_from([None, "One", "Two"]),
        order=st.sampled_from([None, 0, -0.0, 2.5, 1000000]),
        metadata=st.dictionaries(st.sampled_from("zya"), _VALUES, max_size=3),
        unset=st.sampled_from([(), ("z",)]),
        fields=set_fields,
        added=members,
        removed=members,
    ),
    st.builds(AddNote, id=_IDS, text=st.sampled_from(["n", "two\nlines\n", " trailing "])),
    st.builds(Transition, verb=st.sampled_from(list(Verb)), id=_IDS),
)


def _told(repo: Repo) -> tuple[str, ...]:
    """All that is known of the tasks, with the order of keys and the kind of numbers."""
    snapshot = repo.workspace("plan").snapshot()
    return tuple(
        repr(task._replace(metadata=dict(task.metadata), extra=dict(task.extra)))
        for task in snapshot.tasks.values()
    )


@settings(
    max_examples=24,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(st.one_of(_OPERATIONS, st.sampled_from(["a", "b"])), max_size=6))
def test_warm_and_cold_tell_the_same(busy: Repo, steps: list[Operation | str]) -> None:
    """After any operations and hand edits: the cache holds what the files say."""
    for step in steps:
        if isinstance(step, str):
            text = busy.git("show", f"gittasks/plan:tasks/{step}.yaml")
            busy.hand_edit({f"tasks/{step}.yaml": f"# by hand\n{text}\n"})
            continue
        with contextlib.suppress(repositories.GittasksError):
            busy.workspace("plan").edit([step], force=True, parallel=True)
    warm = _told(busy)
    busy.remove("gittasks", "cache", "lists")
    assert _told(busy) == warm


def test_two_writers_of_one_cache_leave_a_whole_one(busy: Repo) -> None:
    """Cache files are put in place by renaming; leftovers of a killed writer are no obstacle."""
    expected = answers(busy)
    path = next(path for path in cache_files(busy) if "lists" in path.parts)
    Path(f"{path}~{os.getpid()}-{threading.get_ident()}").write_text("left over")
    path.unlink()
    assert answers(busy) == expected
    assert answers(busy) == expected


def test_one_process_decodes_a_cache_once(busy: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    """One write reads the list often, and a server lives for many: what it wrote it knows."""
    decoded: list[int] = []
    unpack = list_version.unpack

    def counted(columns: Columns) -> list[Task]:
        tasks = unpack(columns)
        decoded.append(len(tasks))
        return tasks

    monkeypatch.setattr(list_version, "unpack", counted)
    for _ in range(2):
        list_version._opened.clear()
        first = busy.workspace().branch()
        assert busy.workspace().branch() is first
        assert decoded == [len(first.snapshot.tasks)]
        busy.workspace().edit([AddNote("b", "changed")])
        assert "changed" in str(busy.workspace().branch().snapshot.tasks["b"].notes)
        busy.workspace().branch()
        assert len(decoded) == 1
        busy.run("note", "b", "by another process")
        assert "another" in str(busy.workspace().branch().snapshot.tasks["b"].notes)
        assert len(decoded) == 2
        busy.workspace().edit([AddNote("b", "and again")])
        written = busy.workspace().branch()
        list_version._opened.clear()
        assert busy.workspace().branch() == written
        del decoded[:]


def test_a_list_yaml_that_stayed_is_not_read_again(
    busy: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a clone it is packed, and to read it takes a git."""
    busy.workspace().branch()
    info = busy.git("rev-parse", "gittasks/plan:list.yaml")
    reads: list[str] = []
    read = ObjectStore.read

    def noted(objects: ObjectStore, object_id: str, kind: str) -> bytes:
        reads.append(object_id)
        return read(objects, object_id, kind)

    monkeypatch.setattr(ObjectStore, "read", noted)
    busy.hand_edit({"tasks/new.yaml": "subject: New\n"})
    assert "new" in busy.workspace().branch().snapshot.tasks
    assert info not in reads
    busy.hand_edit({"list.yaml": busy.git("show", "gittasks/plan:list.yaml") + "\ntitle: Other\n"})
    assert busy.workspace().branch().snapshot.info.title == "Other"


def test_a_fault_of_list_yaml_is_told_until_it_is_mended(busy: Repo) -> None:
    whole = busy.git("show", "gittasks/plan:list.yaml") + "\n"
    for text in ("id: [\n", whole):
        busy.hand_edit({"list.yaml": text})
        for name in ("one", "two"):
            busy.hand_edit({f"tasks/{name}.yaml": f"subject: {len(text)}\n"})
            problems = busy.workspace().branch().snapshot.problems
            assert any(p.path == "list.yaml" for p in problems) is (text != whole)
