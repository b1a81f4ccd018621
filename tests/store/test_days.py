"""Every command in each format of repositories, on each git; docs/platforms.md has the table."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from support import gits
from support.day import COMMANDS, Day
from support.repositories import git, on_path

from gittasks.cli.command_line import COMMANDS as GROUPS

_OWN = [("own", form) for form in gits.FORMATS if "reftable" not in form]
_NEW = [(which, form) for which in ("new", "newest") for form in gits.FORMATS]


@pytest.mark.parametrize(("which", "form"), _OWN + _NEW)
@pytest.mark.deep
def test_every_command_works(
    which: str, form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With safe.bareRepository=explicit as well, which git 3 has by default."""
    monkeypatch.setenv("PATH", on_path())
    chosen = {"own": dict, "new": gits.new_git, "newest": gits.newest_git}[which]()
    for name, value in {**gits.of_format(form), **chosen}.items():
        monkeypatch.setenv(name, value)
    git(str(tmp_path), "config", "--global", "safe.bareRepository", "explicit")
    day = Day(str(tmp_path))
    day.run()
    if path := os.environ.get("FORMATS"):
        version = git(str(tmp_path), "--version").split()[2]
        with open(path, "a", encoding="utf-8") as file:
            row = [version, form, {name: name not in day.wrong for name in COMMANDS}]
            file.write(json.dumps(row) + "\n")
    assert day.wrong == {}


def test_a_day_has_every_command() -> None:
    """None is left out of it."""
    names = {name for group in GROUPS.values() for name in group}
    assert {command.split()[0] for command in COMMANDS} == names


def test_the_table_has_every_command() -> None:
    """As the last run wrote it: each in each format, with two gits at least, and none failed."""
    text = Path(__file__).parents[2].joinpath("docs", "platforms.md").read_text("utf-8")
    table = text.split("<!-- commands: begin -->\n")[1].split("<!-- commands: end -->")[0]
    rows = [line.strip("| ").split(" | ") for line in table.splitlines()[2:]]
    assert [name.strip("`") for name, *_ in rows] == list(COMMANDS)
    for name, *cells in rows:
        assert len(cells) == len(gits.FORMATS), name
        for cell in cells:
            assert "FAILED" not in cell, name
            assert len(cell.split()) >= 2, name
