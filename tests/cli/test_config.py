"""Settings: one table, which the code, the command and docs/settings.md have in common."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from support.repositories import Repo

from gittasks.core.settings import SETTINGS, checked, setting
from gittasks.errors import DiskFailure, NotFound, Usage
from gittasks.store import config, git

_ROOT = Path(__file__).parent.parent.parent
_READ = re.compile(
    r'(?:get|flag|setting)\(\s*"gittasks\.(\w+)"|^\w+ = "gittasks\.(\w+)"', re.MULTILINE
)


def test_the_table_has_what_the_code_reads_and_nothing_else() -> None:
    """A setting that is read anywhere can be seen, set and looked up."""
    text = "\n".join(p.read_text(encoding="utf-8") for p in (_ROOT / "gittasks").rglob("*.py"))
    read = {(one or other).lower() for one, other in _READ.findall(text)}
    assert read == {known.name.lower() for known in SETTINGS}
    assert [known.name for known in SETTINGS] == sorted(k.name for k in SETTINGS)


def test_the_document_has_the_table() -> None:
    """Names, values, defaults and meanings, in order."""
    document = (_ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    defaults = {s: f"`{s.default}`" if s.default else "–" for s in SETTINGS}
    rows = [f"| `{s.name}` | {s.values.words} | {defaults[s]} | {s.meaning} |" for s in SETTINGS]
    assert "\n".join(rows) in document
    for known in SETTINGS:
        for variable in known.variables:
            assert f"`{variable}`" in document


@pytest.mark.parametrize("known", SETTINGS, ids=lambda s: s.name)
def test_a_default_is_a_value_and_nonsense_is_not(known: object) -> None:
    """What is refused says what can be given."""
    (one,) = [s for s in SETTINGS if s == known]
    assert not one.default or checked(one, one.default) == one.default
    with pytest.raises(Usage, match=one.key) as refused:
        checked(one, "no\x1b..~/<")
    assert refused.value.hint


@pytest.mark.parametrize("name", ["claude/tasks-*", "claude/*", "*", "lists"])
def test_a_branch_to_push_lists_to_may_have_a_place_for_the_id(name: str) -> None:
    """A star stands for the id of the list; what no branch can be called is refused."""
    assert checked(setting("pushAs"), name) == name
    with pytest.raises(Usage, match="pushAs"):
        checked(setting("pushAs"), f"/{name}")


def test_names_are_found_in_any_case_with_or_without_the_section() -> None:
    """As git takes them."""
    assert setting("gittasks.CATCHUP") == setting("catchUp") == setting("catchup")
    with pytest.raises(NotFound) as missing:
        setting("parralel")
    assert missing.value.hint == "did you mean parallel?"


def test_the_value_that_counts_and_where_it_comes_from(listed: Repo) -> None:
    """A variable before this clone, this clone before the account, that before the default."""

    def shown(name: str, **env: str) -> tuple[str, str | None]:
        (row,) = listed.ok("config", name, "--json", env=env).json()["settings"]
        return row["value"], row["source"]

    assert shown("owner") == ("", None)
    listed.ok("config", "owner", "account", "--scope", "global")
    assert shown("owner") == ("account", "global")
    listed.ok("config", "gittasks.owner", "clone")
    assert shown("owner") == ("clone", "local")
    assert listed.git("config", "--local", "gittasks.owner") == "clone"
    assert shown("owner", GITTASKS_OWNER="me") == ("me", "GITTASKS_OWNER")
    told = listed.ok("config", "owner", "other", env={"GITTASKS_OWNER": "me"}).err
    assert "GITTASKS_OWNER comes before it" in told
    assert "still set by global" in listed.ok("config", "owner", "--unset").err
    listed.ok("config", "owner", "--unset", "--scope", "global")
    listed.ok("config", "owner", "--unset")
    assert shown("owner") == ("", None)


def test_a_value_that_cannot_be_used_is_refused_and_shown(listed: Repo) -> None:
    """Set by us it is a usage error; set by git it is seen, with what helps, and can be mended."""
    assert listed.run("config", "parallel", "maybe").code == 2
    assert listed.run("config", "--unset").code == 2
    assert listed.run("config", "parallel", "true", "--unset").code == 2
    assert listed.run("config", "parallel", "--scope", "local").code == 2
    listed.git("config", "gittasks.branchPrefix", "a b/")
    listed.git("config", "gittasks.catchUp", "some")
    result = listed.run("config", "--json")
    assert result.code == 4
    faults = {r["name"]: r["fault"] for r in result.json()["settings"] if r["fault"]}
    assert faults.keys() == {"branchPrefix", "catchUp"}
    listed.ok("config", "branchPrefix", "--unset")
    listed.ok("config", "catchUp", "all")
    assert listed.ok("config").out.splitlines()[1] == "catchUp         all (local)"


def test_another_prefix_leaves_lists_behind_and_says_so(listed: Repo) -> None:
    """Their branches keep their names."""
    told = listed.ok("config", "branchPrefix", "tasks/").err
    assert "plan: their branches begin with 'gittasks/' still" in told


def test_settings_that_cannot_be_written_are_an_error_of_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """git ends with 4 then; it is no matter of the repository."""
    words = b"error: failed to write new configuration file .git/config.lock\n"
    monkeypatch.setattr(git, "run", lambda *_, **__: git.Completed(4, b"", words))
    with pytest.raises(DiskFailure, match="failed to write new configuration file"):
        config.change(["--local", "a.b", "c"], cwd=str(tmp_path), env={})
