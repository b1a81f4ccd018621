"""Lint at work: the rules of the core run on a list and its history."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from gittasks.core.ids import near_matches
from gittasks.core.lint import LintContext
from gittasks.core.lint.rules import NAMES, Finding, findings
from gittasks.errors import Usage
from gittasks.workspace import log

if TYPE_CHECKING:
    from gittasks.core.model import Snapshot
    from gittasks.workspace.session import Session


CONFIG_KEY = "gittasks.lintignore"


def lint(
    session: Session, snapshot: Snapshot, only: Collection[str], ignore: Collection[str]
) -> list[Finding]:
    """Findings of the rules; Usage when one is named that there is not.

    Rules that `git config gittasks.lintIgnore` names are left out, unless `only` asks for them.
    """
    for name in (*only, *ignore):
        if name not in NAMES:
            raise _unknown(name)
    case = LintContext(
        snapshot,
        log.log(session.store)[::-1],
        session.now().text,
        parallel=session.repository.config.flag("gittasks.parallel"),
    )
    usual = () if only else _ignored(session)
    return findings(case, only, {*ignore, *usual})


def _ignored(session: Session) -> list[str]:
    """Rules that the configuration leaves out; a name that is none is told, not refused."""
    names = (session.repository.config.get(CONFIG_KEY) or "").replace(",", " ").split()
    for name in names:
        if name not in NAMES:
            session.notices.append(f'git config gittasks.lintIgnore: no rule is called "{name}"')
    return names


def _unknown(name: str) -> Usage:
    near = near_matches(name, NAMES, 2)
    hint = f"did you mean {' or '.join(near)}?" if near else f"the rules are: {', '.join(NAMES)}"
    return Usage(f'there is no lint rule "{name}"', hint=hint)
