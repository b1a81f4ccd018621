"""The configuration that lets plain `git merge` and `git pull` merge task files with gittasks.

`.gitattributes` on the list's branch names the driver; what runs for it is configured here, in the
repository alone. Without it git merges line by line, and the next sync heals what that dropped.
"""

from __future__ import annotations

from gittasks.store.repository import Repository
from gittasks.workspace.settings import remove_section, set_config

_SECTION = "merge.gittasks"
# Without gittasks, or when it fails, git would keep our side and say nothing: so it falls back.
DRIVER = "gittasks merge-driver %O %A %B %P || git merge-file -L ours -L base -L theirs %A %O %B"
_NAME = "task lists, field by field"


def is_installed(repository: Repository) -> bool:
    """Whether git will ask gittasks to merge task files here."""
    return repository.config.get(f"{_SECTION}.driver") == DRIVER


def install(repository: Repository) -> bool:
    """Set the driver in the repository's own configuration; False when it was there."""
    if is_installed(repository):
        return False
    set_config(repository, "--local", f"{_SECTION}.name", _NAME)
    set_config(repository, "--local", f"{_SECTION}.driver", DRIVER)
    return True


def uninstall(repository: Repository) -> bool:
    """Take the driver out again; False when it was not there."""
    if repository.config.get(f"{_SECTION}.driver") is None:
        return False
    remove_section(repository, _SECTION)
    return True
