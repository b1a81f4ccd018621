"""The package's page and links: the README as it stands in the repository has relative ones.

`repository` in pyproject.toml is the address of the repository on a forge. With it, links and
pictures of the page become absolute and the package names its addresses; without it, links become
plain text and pictures are left out.
"""

from __future__ import annotations

import os
import re
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

_COMMENT = re.compile(r"<!--.*?-->\n*", re.DOTALL)
_LINK = re.compile(r"(!?)\[([^\]]*)\]\((?!https?://)([^)\s]+)\)")


class PageHook(MetadataHookInterface):
    """The fields of the metadata that depend on where the repository is."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Fill in the readme and the addresses."""
        repository = str(self.config.get("repository", "")).rstrip("/")
        with open(os.path.join(self.root, "README.md"), encoding="utf-8") as file:
            page = with_links(file.read(), repository)
        metadata["readme"] = {"content-type": "text/markdown", "text": page}
        metadata["urls"] = addresses(repository)


def with_links(text: str, repository: str) -> str:
    """The text with links that lead somewhere from any page."""

    def replaced(link: re.Match[str]) -> str:
        picture, words, target = link.groups()
        if not repository:
            return "" if picture else words
        place = f"{repository}/{'raw' if picture else 'blob'}/main/{target}"
        return f"{picture}[{words}]({place})"

    return _LINK.sub(replaced, _COMMENT.sub("", text))


def addresses(repository: str) -> dict[str, str]:
    """The addresses that the package's page shows beside the text."""
    if not repository:
        return {}
    return {
        "Repository": repository,
        "Documentation": f"{repository}/tree/main/docs",
        "Changelog": f"{repository}/blob/main/CHANGELOG.md",
        "Issues": f"{repository}/issues",
        "Security": f"{repository}/security",
    }
