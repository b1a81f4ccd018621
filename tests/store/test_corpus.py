"""Lists as they were written by other versions, in files: read and kept, or refused unread."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.repositories import Repo

from gittasks.core.model import Status

CORPUS = Path(__file__).parent / "corpus"


def _take(repo: Repo, name: str) -> dict[str, str]:
    """Let the list be what the files of a folder say; return these by their paths."""
    folder = CORPUS / name
    files = {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(folder.rglob("*.yaml"))
    }
    repo.hand_edit(files)
    return files


def test_what_a_later_version_adds_to_format_1_is_kept(listed: Repo) -> None:
    """Keys that are not known stay, in their lines, through every write and a merge."""
    files = _take(listed, "format-1")
    base = listed.head()
    listed.ok("start", "a")
    listed.ok("note", "b", "seen")
    here = listed.head()
    listed.git("update-ref", "refs/heads/gittasks/plan", base)
    listed.ok("update", "a", "--phase", "two")
    listed.git("update-ref", "refs/remotes/origin/gittasks/plan", here)
    listed.git("remote", "add", "origin", "nowhere")
    listed.ok("update", "b", "--priority", "1")
    assert listed.git("rev-list", "--min-parents=2", "--count", "gittasks/plan") == "1"
    for path, text in files.items():
        now = listed.git("show", f"gittasks/plan:{path}").splitlines()
        added = ("status:", "owner:", "session:", "started:")
        lines = [line for line in text.splitlines() if not line.startswith(added)]
        assert [line for line in now if line in lines] == lines, path
    task = listed.workspace().tasks["a"]
    assert (task.status, task.phase) == (Status.IN_PROGRESS, "two")
    assert set(task.extra) == {"estimate", "links"}


@pytest.mark.parametrize("name", ["format-2", "rules-2"])
def test_a_list_of_a_later_version_is_neither_read_nor_written(listed: Repo, name: str) -> None:
    """Exit code 4 with the way to go on; the branch, its objects and the record stay."""
    _take(listed, name)
    refs = listed.git("for-each-ref")
    for words in (["list"], ["start", "a"], ["create", "New"], ["undo"], ["archive", "plan"]):
        result = listed.run(*words)
        assert result.code == 4, words
        assert "update gittasks" in result.err, words
    assert listed.git("for-each-ref") == refs
