"""The configuration that lets plain `git merge` and `git pull` merge task files with gittasks.

`.gitattributes` on the list's branch names the driver; what runs for it is configured here, in the
repository alone. Without it git merges line by line, and the next sync heals what that dropped.
"""

from __future__ import annotations

from gittasks.errors import Refused
from gittasks.store.repository import Repository

_SECTION = "merge.gittasks"
# Without gittasks, or when it fails, git would keep our side and say nothing: so it falls back.
DRIVER = "gittasks merge-driver %O %A %B %P || git merge-file -L ours -L base -L theirs %A %O %B"
_OURS = "gittasks merge-driver"
_NAME = "task lists, field by field"


def is_installed(repository: Repository) -> bool:
    """Whether git will ask gittasks to merge task files here."""
    return repository.config.get(f"{_SECTION}.driver") == DRIVER


def is_other(repository: Repository) -> bool:
    """Whether a driver of that name is configured that is none of ours, of no version."""
    driver = repository.config.get(f"{_SECTION}.driver")
    return driver is not None and not driver.startswith(_OURS)


def install(repository: Repository) -> bool:
    """Set the driver in the repository's own configuration; False when it was there.

    Raises Refused when another driver of that name is configured.
    """
    if is_installed(repository):
        return False
    if is_other(repository):
        raise Refused(
            "merge-driver",
            f"git config {_SECTION}.driver is set already, to: "
            f"{repository.config.get(f'{_SECTION}.driver')}",
            hint="it was left as it is; unset it first if gittasks is to merge task files",
        )
    repository.set_config("--local", f"{_SECTION}.name", _NAME)
    repository.set_config("--local", f"{_SECTION}.driver", DRIVER)
    return True


def uninstall(repository: Repository) -> bool:
    """Take the driver out again; False when it was not there, or is not ours."""
    if repository.config.get(f"{_SECTION}.driver") is None or is_other(repository):
        return False
    repository.remove_config_section(_SECTION)
    return True
