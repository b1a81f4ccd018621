"""Settings at work: the value of each and where it comes from; set and unset."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from gittasks.core.settings import SETTINGS, Setting, checked, setting
from gittasks.errors import GittasksError
from gittasks.store import config as store_config

if TYPE_CHECKING:
    from gittasks.workspace.session import Session


class SettingValue(NamedTuple):
    """A setting with the value that counts.

    `source` is the variable that gives it, else the scope of git's configuration (`local`,
    `global`, …), else None for the default. `fault` says why the value cannot be used.
    """

    setting: Setting
    value: str
    source: str | None
    fault: str | None = None


def values(session: Session, name: str | None = None) -> list[SettingValue]:
    """All settings, or one; NotFound."""
    chosen = SETTINGS if name is None else (setting(name),)
    repository = session.repository
    scopes = store_config.scopes(repository.start, repository.env)
    return [_value(session, known, scopes.get(known.key.lower())) for known in chosen]


def _value(session: Session, known: Setting, scope: str | None) -> SettingValue:
    for variable in known.variables:
        if value := session.repository.env.get(variable):
            return SettingValue(known, value, variable, known.values.fault(value))
    value = session.repository.config.get(known.key.lower())
    if value is None:
        return SettingValue(known, known.default, None)
    return SettingValue(known, value, scope or "local", known.values.fault(value))


def _warn_of_lists(session: Session, prefix: str) -> None:
    """Say that the branches of lists keep their names when the prefix changes."""
    repository = session.repository
    with suppress(GittasksError):  # the prefix that is to go may be a bad one
        former = repository.ref("").removeprefix("refs/heads/")
        lists = repository.local_lists() if former != prefix else {}
        if lists:
            session.notices.append(
                f"{', '.join(sorted(lists))}: their branches begin with {former!r} still, and are "
                "not found until they are renamed, here and on remotes (git branch -m)"
            )


def change(session: Session, name: str, value: str | None, scope: str) -> SettingValue:
    """Set a setting in a scope of git's configuration, or unset it there with None.

    Raises NotFound, Usage for a value that it cannot have.
    """
    known, repository = setting(name), session.repository
    if known.name == "branchPrefix":
        _warn_of_lists(session, value or known.default)
    if value is not None:
        repository.set_config(f"--{scope}", known.key, checked(known, value))
    else:
        repository.unset_config(f"--{scope}", known.key)
    (now,) = values(session, known.name)
    if value is not None and now.value != value:
        session.notices.append(f"{now.source} comes before it: {known.key} is {now.value}")
    if value is None and now.source:
        session.notices.append(f"it is still set by {now.source}: {known.key} is {now.value}")
    return now
