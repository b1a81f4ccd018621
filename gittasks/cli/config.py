"""The command config: settings with their values and where these come from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gittasks import render
from gittasks.cli.options import Choice, argument, command, option
from gittasks.cli.output import Answer
from gittasks.errors import InvalidData, Usage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gittasks.cli.settings import Settings
    from gittasks.workspace import SettingValue

_SCOPES = ("local", "worktree", "global", "system")


@command(
    "config",
    argument("setting_name", required=False, metavar="[NAME]"),
    argument("value", required=False, metavar="[VALUE]"),
    option("--unset", is_flag=True, help="Remove the setting, so that its default applies."),
    option(
        "--scope",
        type=Choice(_SCOPES),
        help="Where it is set or unset: this clone (local), this worktree, my account, "
        "the machine.",
    ),
)
def config_command(
    settings: Settings, setting_name: str | None, value: str | None, unset: bool, scope: str | None
) -> Answer:
    """Show all settings or one, with where its value comes from; set one to VALUE.

    They are git's own (git config gittasks.NAME), so git's ways to set them work too. Exit code 4
    when a value that is shown cannot be used.
    """
    workspace, name = settings.workspace(), setting_name
    if (unset or scope) and name is None:
        raise Usage("name the setting", hint="such as: gittasks config NAME --unset")
    if unset and value is not None:
        raise Usage("--unset takes no value")
    if scope and value is None and not unset:
        raise Usage("--scope goes with a value, or with --unset")
    changes = name is not None and (unset or value is not None)
    if name is not None and changes:
        rows = [workspace.change_setting(name, value, scope or "local")]
    else:
        rows = workspace.settings(name)
    return Answer(
        lambda: render.documents.config_document(
            (r.setting.name, r.value, r.setting.default, r.source, r.fault) for r in rows
        ),
        lambda _: "\n".join(map(render.text.clean, _lines(rows, whole=name is not None))),
        quiet=[row.value for row in rows] if name else [row.setting.name for row in rows],
        workspace=workspace,
        exit_code=InvalidData.exit_code if any(row.fault for row in rows) else 0,
    )


def _lines(rows: Sequence[SettingValue], *, whole: bool) -> list[str]:
    """`parallel  true (local)`; of one that was named its meaning and its values too."""
    width = max(len(row.setting.name) for row in rows)
    lines = []
    for row in rows:
        fault = f"; cannot be used: {row.fault}" if row.fault else ""
        name, source = f"{row.setting.name:<{width}}", row.source or "default"
        lines.append(f"{name}  {row.value or '-'} ({source}{fault})")
        if whole:
            lines += [f"  {row.setting.meaning}", f"  values: {row.setting.values.words}"]
    return lines
