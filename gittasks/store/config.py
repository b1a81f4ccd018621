"""git's configuration and identity as git itself computes them; their cache, and changes by git."""

from __future__ import annotations

import errno
import os
import time

from gittasks import light, store
from gittasks.errors import Busy, DiskFailure, InvalidData, NoRepository, Way
from gittasks.light import TYPE_CHECKING, MappingProxyType, pattern
from gittasks.store import disk
from gittasks.store.discovery import GitDir
from gittasks.store.disk import Backoff

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

FILE = disk.CacheFile("config", 5)
NONE: Mapping[str, Sequence[str]] = MappingProxyType({})
_URLS = (".url", ".pushurl", ".insteadof", ".pushinsteadof")
"""Ends of the keys of which every value counts, not only the last."""
_FRESH = 50_000_000
"""Nanoseconds before git was asked in which a changed file is not trusted to be told apart from
its next version: file systems count time in ticks of some milliseconds."""
_IDENTITY_ENV = tuple(
    f"GIT_{role}_{part}" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")
)
_IDENTITY_KEYS = pattern(r"(author|committer)\.(name|email)$")
"""Settings and variables that make who commits another than who wrote."""
_ENV = (
    "HOME",
    "XDG_CONFIG_HOME",
    "EMAIL",
    "GIT_CONFIG",
    "GIT_CONFIG_COUNT",
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_NOSYSTEM",
    "GIT_CONFIG_PARAMETERS",
    "GIT_CONFIG_SYSTEM",
    *_IDENTITY_ENV,
)


class Config:
    """The merged configuration of one worktree, and who commits there."""

    def __init__(
        self,
        values: Mapping[str, str],
        author: str | None,
        committer: str | None,
        several: Mapping[str, Sequence[str]] = NONE,
        files: Sequence[str] = (),
    ) -> None:
        self._values = values
        self._several = several
        self.author = author
        """`Name <email>`, or None when git has no identity to give."""
        self.committer = committer
        self.files = files
        """The files that it depends on, whether they are there or not."""

    def get(self, key: str) -> str | None:
        """Last value of `key` (`section.name` in lower case), None if unset."""
        return self._values.get(key)

    def every(self, key: str) -> tuple[str, ...]:
        """All values of a key of a URL, in order; as in git an empty one ends those before it."""
        values: list[str] = []
        for value in self._several.get(key) or filter(None, [self._values.get(key)]):
            values = [*values, value] if value else []
        return tuple(values)

    def keys_of(self, section: str) -> list[str]:
        """Keys that begin with `section`, such as `remote.`."""
        return [key for key in self._values if key.startswith(section)]

    def flag(self, key: str, default: bool = False) -> bool:
        """Value of a boolean key as git reads it; anything else is InvalidData."""
        value = self._values.get(key)
        if value is None:
            return default
        if value.lower() in ("true", "yes", "on", "1"):
            return True
        if value.lower() in ("false", "no", "off", "0", ""):
            return False
        raise InvalidData(f'git config {key} is "{value}"', hint="use true or false")


def load(found: GitDir, start: str, env: Mapping[str, str]) -> Config:
    """Return the configuration that git would use in folder `start` of repository `found`."""
    cached = _read_cache(found, env)
    if cached is None:
        began = time.time_ns()
        before = {path: _signature(path) for path in _standard_files(found, env)}
        cached = _ask_git(found, start, env)
        # What changed while git read it, or just before, is asked again by the next command.
        after = {path: _signature(path) for path, _ in cached["files"]}
        steady = all(after.get(path) == seen for path, seen in (*before.items(), *cached["files"]))
        changes = [signature[1] for signature in after.values() if signature]
        if steady and max(changes, default=0) < began - _FRESH:
            _write_cache(found, cached)
    return Config(
        cached["values"],
        cached["author"],
        cached["committer"],
        cached["several"],
        [path for path, _ in cached["files"]],
    )


def _environment(env: Mapping[str, str]) -> list[str]:
    names = [
        *_ENV,
        *sorted(k for k in env if k.startswith(("GIT_CONFIG_KEY_", "GIT_CONFIG_VALUE_"))),
    ]
    return [f"{name}={env[name]}" for name in names if name in env]


def _cache_path(found: GitDir) -> str:
    name = "config" if found.path == found.common else f"config-{os.path.basename(found.path)}"
    return os.path.join(found.common, "gittasks", "cache", name)


_decoded: dict[str, tuple[bytes, dict[str, Any]]] = {}
"""The cache files that this process has read, and what they say: it may read them often."""


def _read_cache(found: GitDir, env: Mapping[str, str]) -> dict[str, Any] | None:
    try:
        path = _cache_path(found)
        body = FILE.read(path)
        if body is None:
            return None
        decoded, cached = _decoded.get(path, (b"", {}))
        if decoded != body:
            cached = light.read_json(body)
            _decoded[path] = body, cached
        if cached["git_dir"] != found.path or cached["env"] != _environment(env):
            return None
        for path, signature in cached["files"]:
            if _signature(path) != signature:
                return None
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return cached


def _write_cache(found: GitDir, cached: Mapping[str, Any]) -> None:
    body = light.write_json(cached).encode("ascii")
    shared = disk.sharing(cached["values"].get("core.sharedrepository"))
    # In a read-only repository nothing is put, and the next command asks git again.
    FILE.write(_cache_path(found), body, shared)


def _signature(path: str) -> list[int] | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return [status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino]


def _ask_git(found: GitDir, start: str, env: Mapping[str, str]) -> dict[str, Any]:
    shape = ["-z", "--show-scope", "--show-origin"]
    listed = store.git.run(["config", "--list", *shape], cwd=start, env=env)
    if listed.returncode != 0:
        raise _refusal(listed.stderr, found, start, env)
    origins = set(_standard_files(found, env))
    values, several = _parsed(listed.stdout, start, env, origins)
    # `git config` passes over a repository whose format git refuses; `git rev-parse` says why.
    if not _names_format(listed.stdout):
        usable = store.git.run(["rev-parse", "--git-dir"], cwd=start, env=env)
        if usable.returncode != 0:
            raise _refusal(usable.stderr, found, start, env)
    if "GIT_CONFIG_NOSYSTEM" not in env:
        origins.update(_system_files(start, env))
    if any(key.startswith("includeif.onbranch:") for key in values):
        origins.add(os.path.join(found.path, "HEAD"))
        origins.add(os.path.join(found.path, "reftable", "tables.list"))
    # Before the identities are asked for: they come from the same files.
    files = [[path, _signature(path)] for path in sorted(origins)]
    author = committer = _identity("GIT_AUTHOR_IDENT", start, env)
    if any(name in env for name in _IDENTITY_ENV) or any(map(_IDENTITY_KEYS.match, values)):
        committer = _identity("GIT_COMMITTER_IDENT", start, env)
    return {
        "git_dir": found.path,
        "env": _environment(env),
        "files": files,
        "values": values,
        "several": several,
        "author": author,
        "committer": committer,
    }


def _names_format(listing: bytes) -> bool:
    """True where the repository's own file is listed, with its format: git does not refuse it."""
    fields = listing.split(b"\0")
    entries = zip(fields[::3], fields[2::3], strict=False)
    format_key = b"core.repositoryformatversion\n"
    return any(scope == b"local" and entry.startswith(format_key) for scope, entry in entries)


def _parsed(
    output: bytes, start: str, env: Mapping[str, str], origins: set[str]
) -> tuple[dict[str, str], dict[str, list[str]]]:
    """The values that git listed, and those of keys with several; `origins` gets their files."""
    values: dict[str, str] = {}
    several: dict[str, list[str]] = {}
    own = ""  # the repository's own file, which comes before those that it includes
    fields = iter(output.decode("utf-8", "surrogateescape").split("\0"))
    for scope, origin, entry in zip(*[fields] * 3, strict=False):
        own = own or (origin if scope == "local" else "")
        key, is_set, value = entry.partition("\n")
        source = start
        if origin.startswith("file:"):
            source = os.path.normpath(os.path.join(start, origin[5:]))
            origins.add(source)
        if key.startswith("extensions.") and (scope, origin) != ("local", own):
            continue  # git takes the format of a repository from its own file alone
        if key in values and key.endswith(_URLS):
            several.setdefault(key, [values[key]]).append(value)
        values[key] = value if is_set else "true"
        if key.startswith(("include.", "includeif.")) and key.endswith(".path"):
            target = _expanded(value, env)
            origins.add(os.path.normpath(os.path.join(os.path.dirname(source), target)))
    return values, several


def _refusal(
    stderr: bytes, found: GitDir, start: str, env: Mapping[str, str]
) -> NoRepository | DiskFailure:
    """The error for a repository that git does not read: it calls one that it may not, none."""
    for name in ("HEAD", "config", "objects", "refs"):
        path = os.path.join(found.common, name)
        try:
            if os.path.isdir(path):
                os.scandir(path).close()
            else:
                os.close(os.open(path, os.O_RDONLY))
        except PermissionError as error:
            return DiskFailure.of(error, hint="make it readable for this user, and run this again")
        except OSError:
            continue
    return NoRepository(
        f"git refuses this repository: {store.git.whole_message(stderr)}",
        hint=store.git.reftable_hint(stderr, start, env) or "see what git says with: git status",
    )


def _expanded(path: str, env: Mapping[str, str]) -> str:
    if path.startswith("~/"):
        return os.path.join(env.get("HOME", ""), path[2:])
    return os.path.expanduser(path)


def _system_files(start: str, env: Mapping[str, str]) -> Iterator[str]:
    """The configuration of the whole system: where it is, or where git says that it would be."""
    args = ["config", "--system", "--list", "-z", "--show-origin"]
    answer = store.git.run(args, cwd=start, env=env)
    for field in answer.stdout.decode("utf-8", "surrogateescape").split("\0")[::2]:
        if field.startswith("file:"):
            yield os.path.normpath(os.path.join(start, field[5:]))
    quoted = answer.stderr.decode("utf-8", "surrogateescape").split("'")
    if answer.returncode != 0 and len(quoted) > 2:  # unable to read config file 'PATH': …
        yield os.path.normpath(os.path.join(start, quoted[1]))


def _standard_files(found: GitDir, env: Mapping[str, str]) -> Iterator[str]:
    """Files that git reads when they exist, so that one which appears later is noticed."""
    yield env.get("GIT_CONFIG_SYSTEM", "/etc/gitconfig")
    home = env.get("HOME", "")
    yield env.get("GIT_CONFIG_GLOBAL") or os.path.join(home, ".gitconfig")
    yield os.path.join(env.get("XDG_CONFIG_HOME") or os.path.join(home, ".config"), "git", "config")
    yield os.path.join(found.common, "config")
    yield os.path.join(found.path, "config.worktree")


def _identity(variable: str, start: str, env: Mapping[str, str]) -> str | None:
    # The dates are none of its business, and a bad one would hide who it is.
    timeless = {k: v for k, v in env.items() if k not in ("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE")}
    answer = store.git.run(["var", variable], cwd=start, env=timeless)
    if answer.returncode != 0:
        return None
    text = answer.stdout.decode("utf-8", "surrogateescape").strip()
    return text[: text.rindex(">") + 1] if ">" in text else None


_LOCKED = pattern(r"could not lock config file (.+): ([^:]+)$")
_NOT_WRITTEN = 4
"""The exit code of `git config` where the file cannot be written (CONFIG_NO_WRITE)."""
_ATTEMPTS = 12
"""Tries to change git's configuration, some 1.5 seconds in all."""
_BACKOFF = Backoff(first=0.02, most=0.2, least=0.8)


def scopes(start: str, env: Mapping[str, str]) -> dict[str, str]:
    """The scope that gives each key its value: system, global, local, worktree, command."""
    answer = store.git.run(["config", "--list", "--show-scope", "-z"], cwd=start, env=env)
    fields = answer.stdout.decode("utf-8", "surrogateescape").split("\0")
    pairs = zip(fields[::2], fields[1::2], strict=False)
    return {entry.partition("\n")[0]: scope for scope, entry in pairs}


def unset(scope: str, key: str, *, cwd: str, env: Mapping[str, str]) -> None:
    """Remove all values of a key from a scope; one that has none is left as it is."""
    if store.git.run(["config", scope, "--get-all", key], cwd=cwd, env=env).returncode == 0:
        change([scope, "--unset-all", key], cwd=cwd, env=env)


def change(args: Sequence[str], *, cwd: str, env: Mapping[str, str]) -> None:
    """Run `git config`, again for a while when another one holds the file's lock."""
    lock = ""
    for attempt in range(_ATTEMPTS):
        answer = store.git.run(["config", *args], cwd=cwd, env=env)
        if answer.returncode == 0:
            return
        message = store.git.first_line(answer.stderr)
        locked = _LOCKED.search(message)
        if answer.returncode == _NOT_WRITTEN:  # git says the file, and not why
            raise DiskFailure(
                f"git config failed: {message}",
                hint="fix the cause, such as a full disk, and run this again",
            )
        if locked is None:
            raise NoRepository(f"git config failed: {message}")
        lock = os.path.join(cwd, f"{locked[1]}.lock")
        _raise_disk(locked[2], lock)
        _BACKOFF.wait(attempt)
    raise Busy(
        f"git config could not set {args[1]}: another program holds the configuration file"
        f"{disk.age_words(lock)}",
        where=lock,
        ways=[Way("do it in a moment", ("git", "config", *args), decision=True)],
        hint="if no git is running, that file is a leftover, and can be removed",
    )


def _raise_disk(reason: str, path: str) -> None:
    """Raise DiskFailure when git could not make a file for a reason that does not pass."""
    for number in (errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOSPC, errno.EDQUOT, errno.EIO):
        if os.strerror(number) == reason:
            raise DiskFailure.of(OSError(number, reason, path))
