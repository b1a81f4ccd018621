"""The URLs of a remote, as git computes them, and the name under which records keep one.

A name says nothing lasting: `git remote rename` and `git remote set-url` change what it stands
for. What is remembered of a repository elsewhere is remembered by its URL.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from gittasks.store.repository import Repository

_LOGIN = re.compile(r"^([a-z][a-z0-9+.-]*://)[^/@]*@|^[^/@:]+@(?=[^/]*:)", re.IGNORECASE)
"""User and password: after the scheme, or before the host of `user@host:path`."""


class Urls(NamedTuple):
    """Where git fetches from, and all that it pushes to."""

    fetch: str
    push: tuple[str, ...]

    @property
    def apart(self) -> bool:
        """Whether a push goes anywhere but to where is fetched from."""
        return self.push != (self.fetch,)


def of(repository: Repository, remote: str) -> Urls | None:
    """The URLs of a remote (git-config: `remote.*.url`, `pushurl`, `url.*.insteadOf`)."""
    config = repository.config
    urls = config.every(f"remote.{remote}.url")
    if not urls:
        return None
    fetch = tuple(_rewritten(repository, url, "insteadof") or url for url in urls)
    if given := config.every(f"remote.{remote}.pushurl"):
        push = tuple(_rewritten(repository, url, "insteadof") or url for url in given)
    else:
        pairs = zip(urls, fetch, strict=True)
        push = tuple(_rewritten(repository, url, "pushinsteadof") or made for url, made in pairs)
    return Urls(fetch[0], tuple(dict.fromkeys(push)))


def _rewritten(repository: Repository, url: str, setting: str) -> str | None:
    """`url` with the longest prefix replaced that some `url.<base>.<setting>` names."""
    prefixes = [
        (prefix, key.removeprefix("url.").removesuffix(f".{setting}"))
        for key in repository.config.keys_of("url.")
        if key.endswith(f".{setting}")
        for prefix in repository.config.every(key)
        if prefix and url.startswith(prefix)
    ]
    if not prefixes:
        return None
    prefix, base = max(prefixes, key=lambda pair: len(pair[0]))
    return base + url.removeprefix(prefix)


def address(url: str) -> str:
    """A URL without user and password: what records and output name it by."""
    return _LOGIN.sub(lambda m: m.group(1) or "", url).rstrip("/") or url


def addresses(repository: Repository) -> dict[str, str]:
    """What each remote is fetched from, by its name."""
    found = ((name, of(repository, name)) for name in repository.remotes())
    return {name: address(urls.fetch) for name, urls in found if urls}
