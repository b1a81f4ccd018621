"""The message before the commit: a trailer is offered where it helps, and what is there checked."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from support.commits import commit, ran, said, status
from support.repositories import Repo, plan


def _editor(folder: Path, *commands: str) -> dict[str, str]:
    """An editor that runs sed commands on the message."""
    script = folder / "editor"
    script.write_text(
        "#!/bin/sh\n" + "".join(f"sed -i '{c}' \"$1\"\n" for c in commands), encoding="utf-8"
    )
    script.chmod(0o755)
    return {"GIT_EDITOR": str(script)}


def _message(repo: Repo) -> str:
    return repo.git("log", "-1", "--format=%B").strip()


def test_the_task_in_progress_is_offered(hooked: Repo) -> None:
    """A commit by who has one task in progress gets its trailer, and is linked to it."""
    hooked.ok("start", "a")
    assert commit(hooked, "More") == ["plan: a linked [0/3 complete]"]
    assert _message(hooked) == "More\n\nTask: a"


def test_without_a_branch_prefix_it_is_offered_as_well(repo: Repo) -> None:
    """`gittasks.branchPrefix` may be set to nothing; a list is then a branch like any other."""
    repo.git("config", "gittasks.branchPrefix", "")
    plan(repo, "a", "b").ok("hooks", "install")
    repo.ok("start", "a")
    assert commit(repo, "More") == ["plan: a linked [0/2 complete]"]


def test_the_editor_shows_the_trailer(hooked: Repo, tmp_path: Path) -> None:
    """In an editor it can be taken out, or given a status."""
    hooked.ok("start", "a")
    done = _editor(tmp_path, "1s/^/Finish it/", "s/^Task: a$/Task: a completed/")
    code, output = ran(hooked.path, "commit", "-q", "--allow-empty", env=done)
    assert (code, said(output)) == (0, ["plan: a completed [1/3 complete]"])
    hooked.ok("start", "b")
    out = _editor(tmp_path, "1s/^/Other/", "/^Task: b$/d")
    assert ran(hooked.path, "commit", "-q", "--allow-empty", env=out) == (0, "")
    assert _message(hooked) == "Other"


@pytest.mark.parametrize("options", [(), ("-v",), ("--cleanup=scissors",)])
def test_an_unwritten_message_makes_no_commit(
    hooked: Repo, tmp_path: Path, options: tuple[str, ...]
) -> None:
    """Closing the editor with nothing but the offer in it ends the commit, as git does."""
    hooked.ok("start", "a")
    hooked.write("code.txt", "changed\n")
    hooked.git("add", "code.txt")
    head = hooked.git("rev-parse", "HEAD")
    code, _ = ran(hooked.path, "commit", *options, env=_editor(tmp_path))
    assert code != 0
    assert hooked.git("rev-parse", "HEAD") == head


def test_an_unwritten_message_is_known_by_any_comment_string(hooked: Repo, tmp_path: Path) -> None:
    """`core.commentString` is the name of `core.commentChar` from git 2.45 on."""
    hooked.ok("start", "a")
    hooked.git("config", "core.commentString", "//")
    message = tmp_path / "message"
    message.write_text("\n", encoding="utf-8")
    hooked.ok("hook", "prepare-commit-msg", str(message))
    text = message.read_text(encoding="utf-8")
    assert "Task: a" in text
    message.write_text(f"{text}\n// Please enter the message\n", encoding="utf-8")
    hooked.ok("hook", "commit-msg", str(message))
    assert message.read_bytes() == b""


def test_a_subject_that_looks_like_a_trailer_is_a_subject(hooked: Repo) -> None:
    """`-m "Task: a"` was written by somebody."""
    hooked.ok("start", "a")
    commit(hooked, "Task: a")
    assert _message(hooked).startswith("Task: a")


@pytest.mark.parametrize("why", ["none", "two", "another's", "session", "off", "there", "fixup"])
def test_nothing_is_offered_when_it_is_not_clear(hooked: Repo, why: str) -> None:
    """Not with no task in progress or two, another's, another session's, one named, or a fixup."""
    message, env = "More", {}
    if why == "two":
        hooked.ok("start", "b")
    if why not in ("none", "another's"):
        hooked.ok("start", "a", "--parallel", env={"GITTASKS_SESSION": "s1"})
    if why == "another's":
        hooked.ok("start", "a", "--owner", "bob")
    if why == "session":
        env = {"GITTASKS_SESSION": "s2"}
    if why == "off":
        hooked.git("config", "gittasks.offerTrailer", "false")
    if why == "there":
        message = "More\n\nTask: c"
    if why == "fixup":
        message = "fixup! Add code"
    commit(hooked, message, env=env)
    assert _message(hooked) == message


def test_never_for_merges_squashes_and_amends(hooked: Repo) -> None:
    """What git writes itself stays as git writes it."""
    hooked.git("checkout", "-q", "-b", "side")
    hooked.write("side.txt", "side\n")
    hooked.git("add", "side.txt")
    hooked.git("commit", "-qm", "Side")
    hooked.git("checkout", "-q", "main")
    hooked.ok("start", "a")
    hooked.git("merge", "-q", "--no-ff", "--no-edit", "side")
    assert _message(hooked) == "Merge branch 'side'"
    hooked.git("reset", "-q", "--hard", "HEAD~1")
    hooked.git("merge", "--squash", "side")
    hooked.git("commit", "-q", "--no-edit")
    assert "Task:" not in _message(hooked)
    hooked.git("commit", "-q", "--amend", "--no-edit")
    hooked.git("revert", "--no-edit", "HEAD")
    assert "Task:" not in _message(hooked)


def test_with_several_lists_the_offer_names_its_own(hooked: Repo) -> None:
    """So the trailer means the same when another list is in use."""
    plan(hooked, "z", list_id="other")
    hooked.ok("use", "plan")
    hooked.ok("start", "a")
    commit(hooked, "More")
    assert _message(hooked).endswith("Task: plan/a")


def test_strict_trailers_refuse(hooked: Repo) -> None:
    """gittasks.strictTrailers stops a commit that names no task there is, and no other."""
    hooked.git("config", "gittasks.strictTrailers", "true")
    code, output = ran(hooked.path, "commit", "--allow-empty", "-qm", "x\n\nTask: zz completed")
    assert code == 1
    assert 'no task "zz"' in output
    code, output = ran(hooked.path, "commit", "--allow-empty", "-qm", "x\n\nTask: a finished")
    assert code == 1
    hooked.ok("update", "b", "--add-blocked-by", "a")
    commit(hooked, "x\n\nTask: b completed")
    assert status(hooked, "b") == "pending"


def test_comments_of_the_template_are_no_trailers(hooked: Repo, tmp_path: Path) -> None:
    """What git strips from the message is not looked at."""
    hooked.git("config", "gittasks.strictTrailers", "true")
    env = _editor(tmp_path, "1s/^/Subject/", "$a # Task: zz completed")
    code, output = ran(hooked.path, "commit", "--allow-empty", "-q", env=env)
    assert (code, output) == (0, "")


def test_hook_takes_the_message_from_anywhere(hooked: Repo, tmp_path: Path) -> None:
    """`gittasks hook commit-msg FILE` by hand: exit code 5 for what strict trailers refuse."""
    path = tmp_path / "message"
    path.write_text("x\n\nTask: zz\n", encoding="utf-8")
    assert hooked.run("hook", "commit-msg", str(path)).code == 0
    hooked.git("config", "gittasks.strictTrailers", "true")
    refused = hooked.run("hook", "commit-msg", str(path))
    assert refused.code == 5
    assert os.path.exists(path)
    assert hooked.run("hook", "commit-msg", str(tmp_path / "none")).code == 0
    assert hooked.run("hook", "pre-commit").code == 0


@pytest.mark.parametrize("error", [ZeroDivisionError("x"), PermissionError(13, "no", "f")])
def test_a_bug_of_ours_stops_no_commit(
    listed: Repo,
    tmp_path: Path,
    error: Exception,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Whoever calls the hook, and however: exit code 0, and a line that says what it was."""
    from gittasks.cli.main import run
    from gittasks.githooks import dispatch

    def fails(*_args: object, **_kwargs: object) -> list[str]:
        raise error

    monkeypatch.setattr(dispatch, "run", fails)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert run(["hook", "commit-msg", "message"]) == 0
    assert capsys.readouterr().err.startswith("gittasks: ")
