"""Real remotes on loopback: one bare repository behind each of git's transports, and its faults.

A transport is a context manager that takes the path of a bare repository and gives a `Remote`:

    with transports.over_ssh(transports.bare(path)) as remote:
        repo.git("push", remote.url, "main", env=remote.env)
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shlex
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Literal

import pytest

from support.proxy import Fault, Proxy
from support.repositories import git
from support.servers import HOST, PASSWORD, USER, Service, SmartHttp, Sshd

__all__ = [
    "PASSWORD",
    "TRANSPORTS",
    "USER",
    "Auth",
    "Fault",
    "Proxy",
    "Remote",
    "SmartHttp",
    "bare",
    "behind_proxy",
    "die_after_update",
    "hook",
    "make_read_only",
    "over_file",
    "over_http",
    "over_path",
    "over_ssh",
    "reject_pushes",
    "reject_rewinds",
]

Auth = Literal["", "url", "helper", "none"]
"""Nothing is asked, or Basic is and the client has it in the URL, from a helper, or not at all."""


@dataclass(frozen=True)
class Remote:
    """A bare repository that other processes reach by a URL."""

    url: str
    path: str
    """The bare repository on this disk, whatever the transport."""
    env: Mapping[str, str] = field(default_factory=dict)
    """What a client needs in its environment."""
    service: Service | None = None
    """The server in front; its `stop()` makes the port refuse connections, for good."""

    def git(self, *args: str) -> str:
        """Run git in the bare repository itself."""
        return git(self.path, *args)

    def tip(self, branch: str = "main") -> str:
        """Commit of a branch on the remote; empty when it is not there."""
        return self.git("for-each-ref", "--format=%(objectname)", f"refs/heads/{branch}")

    @contextlib.contextmanager
    def away(self) -> Iterator[None]:
        """No repository is found at the URL until the block ends; a server itself still answers."""
        os.rename(self.path, f"{self.path}.away")
        try:
            yield
        finally:
            os.rename(f"{self.path}.away", self.path)


# The bare repository, and how it refuses


def bare(path: str) -> str:
    """Make an empty bare repository that takes pushes by every transport; its path."""
    git(os.path.dirname(path), "init", "-q", "--bare", path)
    git(path, "config", "http.receivepack", "true")
    return path


def hook(path: str, name: str, *lines: str) -> None:
    """Install a shell hook in the bare repository."""
    file_name = os.path.join(path, "hooks", name)
    with open(file_name, "w", encoding="utf-8") as file:
        file.write("\n".join(["#!/bin/sh", *lines, ""]))
    os.chmod(file_name, 0o700)


def reject_pushes(path: str, message: str) -> None:
    """Each push is declined by a pre-receive hook with a message."""
    hook(path, "pre-receive", f"echo {shlex.quote(message)} >&2", "exit 1")


def reject_rewinds(path: str) -> None:
    """A push that is no fast-forward is declined, forced or not."""
    git(path, "config", "receive.denyNonFastForwards", "true")


def make_read_only(path: str) -> None:
    """Take the right to push: http answers 403; the rest meets permissions or, as root, a hook."""
    git(path, "config", "http.receivepack", "false")
    hook(path, "update", "echo read only >&2", "exit 1")
    if os.geteuid():
        for folder, _, _ in os.walk(path, topdown=False):
            os.chmod(folder, 0o500)


def die_after_update(path: str, times: int = 1) -> None:
    """The server's git is killed when a push has moved its refs, before it says so; `times` pushes.

    This is the lost reply of every transport; `Proxy.lose_replies` is the one of the network.
    """
    left = shlex.quote(os.path.join(path, "deaths-left"))
    with open(os.path.join(path, "deaths-left"), "w", encoding="utf-8") as file:
        file.write("x" * times)
    lines = ['[ "$1" = committed ] || exit 0', f"n=$(cat {left})", '[ -n "$n" ] || exit 0']
    lines += [f'printf %s "${{n#x}}" >{left}', "kill -9 $PPID"]
    hook(path, "reference-transaction", *lines)


# Transports


@contextlib.contextmanager
def over_path(path: str) -> Iterator[Remote]:
    """The plain path of the bare repository."""
    yield Remote(path, path)


@contextlib.contextmanager
def over_file(path: str) -> Iterator[Remote]:
    """A file:// URL, for which git packs and unpacks as on a network."""
    yield Remote(f"file://{path}", path)


@contextlib.contextmanager
def over_ssh(path: str) -> Iterator[Remote]:
    """Ssh to a real sshd, with keys of its own."""
    try:
        name = pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        pytest.skip(f"user {os.geteuid()} has no name, so sharing over ssh is NOT tested")
    with tempfile.TemporaryDirectory() as folder, Sshd(folder) as sshd:
        yield Remote(f"ssh://{name}@{HOST}:{sshd.port}{path}", path, sshd.env, sshd)


@contextlib.contextmanager
def over_http(path: str, auth: Auth = "", *, keep_alive: bool = True) -> Iterator[Remote]:
    """Smart http, with or without Basic authentication."""
    root, name = os.path.split(path)
    env = {"no_proxy": HOST, "NO_PROXY": HOST}
    with (
        SmartHttp(root, auth=bool(auth), keep_alive=keep_alive) as server,
        tempfile.TemporaryDirectory() as folder,
    ):
        if auth == "helper":
            says = f"echo username={USER} && echo password={PASSWORD}"
            helper = f'!f() {{ test "$1" = get && {says}; }}; f'
            config = os.path.join(folder, "gitconfig")
            git(folder, "config", "-f", config, "include.path", os.environ["GIT_CONFIG_GLOBAL"])
            git(folder, "config", "-f", config, "credential.helper", helper)
            env["GIT_CONFIG_GLOBAL"] = config
        login = f"{USER}:{PASSWORD}@" if auth == "url" else ""
        yield Remote(f"http://{login}{HOST}:{server.port}/{name}", path, env, server)


TRANSPORTS: dict[str, Callable[[str], AbstractContextManager[Remote]]] = {
    "path": over_path,
    "file": over_file,
    "ssh": over_ssh,
    "http": over_http,
    "http-auth": partial(over_http, auth="helper"),
}
"""By the name that a test's parameter has."""


@contextlib.contextmanager
def behind_proxy(remote: Remote) -> Iterator[tuple[Remote, Proxy]]:
    """The same remote by way of a proxy; only what has a server can be behind one."""
    assert remote.service is not None, remote
    port = remote.service.port
    with Proxy(port) as proxy:
        url = remote.url.replace(f":{port}/", f":{proxy.port}/")
        yield replace(remote, url=url, service=proxy), proxy
