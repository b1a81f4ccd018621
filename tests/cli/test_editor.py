"""`create --edit` and `update --edit`: git's editor, a form with comments, nothing lost."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from support.repositories import GITTASKS, Repo, Result

from gittasks.codec.form import EDITABLE, creation, draft, form, is_empty, read_form, update
from gittasks.core.model import Task
from gittasks.core.operations import Create, Update
from gittasks.errors import InvalidData

_FULL = Task(
    "a",
    "PHASE 1: Ask",
    active_form="Asking",
    description="two\nlines # here",
    priority=0,
    tags=("x", "y"),
    not_before="2026-12-01T09:00:00Z",
    paths=("src/**",),
    blocked_by=("b",),
    owner="ada",
    result="PASS",
    phase="2",
    metadata={"k": "v", "n": 3},
)


def test_a_form_says_the_fields_of_a_task_and_reads_back() -> None:
    """Every field that may be given is in it; what is unchanged is no change."""
    text = form(_FULL, "Change it.")
    assert text.startswith("# Change it.\n")
    back = read_form(text, "a")
    assert all(getattr(back, f.attr) == getattr(_FULL, f.attr) for f in EDITABLE)
    assert update(_FULL, back) is None
    assert not is_empty(text)
    assert is_empty(form(Task("a", ""), "Begin."))


def test_a_change_in_a_form_changes_that_and_nothing_else() -> None:
    """Members come and go one by one, as others may change the same list meanwhile."""
    after = _FULL._replace(tags=("y", "z"), description=None, metadata={"n": 4, "m": "x"})
    assert update(_FULL, after) == Update(
        "a",
        metadata={"n": 4, "m": "x"},
        unset=("k",),
        clear=("description",),
        added={"tags": ("z",)},
        removed={"tags": ("x",)},
    )


def test_options_are_where_the_form_of_a_new_task_begins() -> None:
    """What the form cannot hold stays as it was asked for."""
    wish = Create("S", id="n", after="b", owner="ada", fields={"priority": "1", "tags": ("t",)})
    task = read_form(form(draft(wish), "New."), "new")
    assert creation(wish, task) == wish._replace(fields={"priority": 1, "tags": ("t",)})


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("subject: a\nphase 2\n", "without"),
        ("subject: a\ncolour: red\n", "colour cannot be changed here"),
        ("subject: a\nstatus: completed\n", "status cannot be changed here"),
        ("phase: 2\n", "subject is missing"),
    ],
)
def test_a_form_that_cannot_be_used_says_why(text: str, fault: str) -> None:
    """Nothing in it is passed over."""
    with pytest.raises(InvalidData, match=fault):
        read_form(text, "a")


def _editor(folder: Path, shown: Path) -> dict[str, str]:
    """An editor that puts the file `new` in place, if it is there, and shows what it was given."""
    script = folder / "editor"
    script.write_text(
        f'#!/bin/sh\ncp "$1" "{shown}"\n[ ! -f "{folder}/new" ] || cp "{folder}/new" "$1"\n'
        'exit "${EDITOR_CODE:-0}"\n',
        encoding="utf-8",
    )
    script.chmod(0o755)
    return {"GIT_EDITOR": f'"{script}"'}


def test_a_day_with_the_editor(listed: Repo, tmp_path: Path) -> None:
    """Empty ends it; a bad form is kept with all that was typed, and the next try goes on there."""
    shown, new = tmp_path / "shown", tmp_path / "new"
    env = _editor(tmp_path, shown)

    def edit(*args: str, text: str | None = None, **more: str) -> Result:
        if text is None:
            new.unlink(missing_ok=True)
        else:
            new.write_text(text, encoding="utf-8")
        return listed.run(*args, "--edit", env={**env, **more})

    before = listed.head()
    assert edit("create").code == 1
    assert shown.read_text(encoding="utf-8").endswith("subject: \n")
    assert edit("update", "a").code == 0
    assert edit("update", "a", EDITOR_CODE="3").code == 5
    assert edit("update", "a", "b").code == edit("update", "a", "--subject", "x").code == 2
    assert listed.head() == before
    broken = "subject: Task a, changed\nphase 2\n"
    refused = edit("update", "a", "--json", text=broken)
    assert refused.code == 4
    assert refused.json()["error"]["decisions"] == [["gittasks", "update", "a", "--edit"]]
    listed.ok("update", "a", "--add-tag", "meanwhile")
    mended = edit("update", "a", text="subject: Task a, changed\nphase: X\n")
    assert shown.read_text(encoding="utf-8") == broken
    assert mended.code == 0
    task = listed.tasks()["a"]
    assert (task["subject"], task["phase"], task["tags"]) == ("Task a, changed", "X", ["meanwhile"])
    assert edit("create", "--id", "new", text="subject: New one\nblockedBy: [nobody]\n").code == 3
    assert edit("create", "--id", "new", text="subject: New one\nblockedBy: [a]\n").code == 0
    assert listed.tasks()["new"]["blockedBy"] == ["a"]
    assert not os.listdir(os.path.join(listed.git_dir, "gittasks", "edit"))


def test_the_editor_is_the_one_that_git_would_use(listed: Repo, tmp_path: Path) -> None:
    """`core.editor` counts when no variable does, with arguments as in a shell."""
    editor = _editor(tmp_path, tmp_path / "shown")["GIT_EDITOR"]
    listed.git("config", "core.editor", editor)
    (tmp_path / "new").write_text("subject: From core.editor\n", encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if name != "GIT_EDITOR"}
    subprocess.run([GITTASKS, "create", "--edit"], cwd=listed.path, env=environment, check=True)
    assert "From core.editor" in listed.ok("list").out


def test_options_without_a_subject_begin_a_form(listed: Repo, tmp_path: Path) -> None:
    """The subject may come from the editor alone, whatever the options say."""
    env = _editor(tmp_path, tmp_path / "shown")
    (tmp_path / "new").write_text("subject: Typed\npriority: 1\n", encoding="utf-8")
    made = listed.run("create", "--edit", "--priority", "1", "--json", env={**os.environ, **env})
    assert made.code == 0, made.err
    task = made.json()["task"]
    assert (task["subject"], task["priority"]) == ("Typed", 1)
