"""The home remote of a list, and the URLs of remotes as git computes them.

A name says nothing lasting: `git remote rename` and `git remote set-url` change what it stands
for. What is remembered of a repository elsewhere is remembered by its URL.

    git config branch.<branch>.gittasksHome     somebody decided so, knowing of the others
    git config branch.<branch>.remote           git's own word for it, written when we adopt
    our record                                  name and URL, under the common git dir
    the remote on which the list was found      its tracking ref
    origin, else the only remote there is

Reads take the best answer. Who claims, finishes a claim, pushes or pulls needs one that cannot
have been another: two repositories that each grant a task grant it twice.
"""

from __future__ import annotations

import os

from gittasks import light, store
from gittasks.errors import GittasksError, InvalidData, NoRemote, NotFound, Way
from gittasks.light import NamedTuple, pattern, suppress
from gittasks.store import disk
from gittasks.store.repository import Repository

_LOGIN = pattern(r"(?i)^([a-z][a-z0-9+.-]*://)[^/@]*@|^[^/@:]+@(?=[^/]*:)")
"""User and password: after the scheme, or before the host of `user@host:path`."""


def remote_of(repository: Repository, name: str) -> str:
    """The remote of that name; NotFound names those that there are."""
    names = repository.remotes()
    if name in names:
        return name
    hint = f"there is {', '.join(names)}" if names else "add it with: git remote add NAME URL"
    raise NotFound(f'no remote "{name}" in this repository', hint=hint)


class Urls(NamedTuple):
    """The URL that git fetches from, and all that it pushes to."""

    fetch: str
    push: tuple[str, ...]

    @property
    def apart(self) -> bool:
        """True when a push goes anywhere but to the URL that is fetched from."""
        return self.push != (self.fetch,)

    @property
    def decided(self) -> bool:
        """True when a push goes to the URL that is fetched from, whatever else it goes to."""
        return self.fetch in self.push

    @property
    def in_order(self) -> tuple[str, ...]:
        """The URLs that are pushed to, the one that is fetched from before all others."""
        return tuple(sorted(self.push, key=lambda url: url != self.fetch))


def urls_of(repository: Repository, remote: str) -> Urls | None:
    """The URLs of a remote (git-config: `remote.*.url`, `pushurl`, `url.*.insteadOf`)."""
    config = repository.config
    urls = config.every(f"remote.{remote}.url")
    if not urls:
        return None
    fetch = tuple(_rewritten(repository, url, "insteadof") or url for url in urls)
    if configured := config.every(f"remote.{remote}.pushurl"):
        push = tuple(_rewritten(repository, url, "insteadof") or url for url in configured)
    else:
        pairs = zip(urls, fetch, strict=True)
        push = tuple(_rewritten(repository, url, "pushinsteadof") or plain for url, plain in pairs)
    if push != fetch[:1]:  # another spelling of what is fetched from goes nowhere else
        top = repository.found.work_tree or repository.common
        place = _place(fetch[0], top)
        push = tuple(fetch[0] if _place(url, top) == place else url for url in push)
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
    shown = _LOGIN.sub(lambda m: m.group(1) or "", url) if "@" in url else url
    return shown.rstrip("/") or url


def addresses(repository: Repository) -> dict[str, str]:
    """The address that each remote is fetched from, by its name."""
    pairs = ((name, urls_of(repository, name)) for name in repository.remotes())
    return {name: address(urls.fetch) for name, urls in pairs if urls}


_MOST_OF_A_LINE = 8192
"""Bytes of a line of a reflog that are read."""


def cloned_from(repository: Repository) -> str | None:
    """The address that git cloned from (the reflog of HEAD), where no remote has it any more."""
    try:
        with disk.open_file(os.path.join(repository.common, "logs", "HEAD")) as log:
            first = log.readline(_MOST_OF_A_LINE).decode("utf-8", "surrogateescape")
    except OSError:  # of a bare one, or in a reftable
        return None
    known = set(addresses(repository).values())
    for name in repository.remotes():
        known |= {address(url) for url in repository.config.every(f"remote.{name}.url")}
    url = address(first.partition("\tclone: from ")[2].removesuffix("\n"))
    top = repository.found.work_tree or repository.common
    is_known = _place(url, top) in {_place(other, top) for other in known}
    return None if is_known else url or None


_HERE = "."
"""git's name for the repository itself where a remote is expected."""


class Home(NamedTuple):
    """The remote of a list, None where this repository itself decides.

    `doubt` says why that is no certain answer: `several` remotes could be meant, configuration
    and record `differ`, or the remote is `gone`. `candidates` are those to choose from.
    """

    remote: str | None
    doubt: str | None = None
    candidates: tuple[str, ...] = ()
    recorded: Record | None = None

    @property
    def is_shared(self) -> bool:
        """True when others are known to have the list, or who has it is in doubt."""
        return self.recorded is not None or self.doubt is not None


class Record(NamedTuple):
    """The home as it was recorded when the list was adopted or first pushed."""

    remote: str
    address: str


def of(repository: Repository, list_id: str) -> Home:
    """The home remote of a list, as well as it can be told."""
    names = tuple(repository.remotes())
    decided = repository.config.get(f"{_section(repository, list_id)}.gittaskshome")
    if decided == _HERE:
        return Home(None)
    record = _read(repository, list_id)
    if decided in names:
        return Home(decided, recorded=record)
    configured = repository.config.get(f"{_section(repository, list_id)}.remote")
    known = _named(repository, record) if record else None
    if configured in names:
        if known is None or _same(repository, known, configured):
            return Home(configured, recorded=record)
        return Home(configured, "differ", (known, configured), record)
    if decided or configured not in (None, _HERE):
        name = decided or configured or ""
        at_name = record and record.remote == name
        return Home(known, "gone", names, record if at_name else Record(name, ""))
    if record:
        return Home(known, None if known else "gone", names, record)
    return _found(repository, list_id, names)


def _found(repository: Repository, list_id: str, names: tuple[str, ...]) -> Home:
    """Nothing is written down: where the list was fetched from, else as git itself chooses."""
    holders = tuple(name for name in names if _holds(repository, name, list_id))
    if len(holders) > 1:
        return Home(_fullest(repository, list_id, holders), "several", holders)
    if holders:
        return Home(holders[0])
    if "origin" in names:
        return Home("origin")
    if len(names) > 1:
        return Home(None, "several", names)
    return Home(names[0] if names else None)


def decisive(repository: Repository, list_id: str) -> str | None:
    """The remote that decides, None when this repository does; NoRemote where that is a guess."""
    home = of(repository, list_id)
    if home.doubt:
        raise _doubtful(repository, list_id, home)
    return home.remote


def elsewhere(repository: Repository, list_id: str) -> str | None:
    """Commit of a list that is neither here nor on its home, as some remote was seen to hold it.

    Raises InvalidData when that ref is damaged.
    """
    for remote, lists in repository.tracked_lists().items():
        if list_id in lists:
            ref = repository.tracking_ref(remote, list_id)
            return lists[list_id] or repository.refs.read(ref)
    return None


def heads_elsewhere(repository: Repository, list_id: str) -> dict[str, str]:
    """Heads of a list, by remote, that are neither its home's nor that of this clone.

    As they were last fetched. Raises InvalidData when a ref is damaged.
    """
    names = repository.remotes()
    decided = of(repository, list_id).remote if len(names) > 1 else None
    if decided is None:
        return {}
    others = (name for name in names if not _same(repository, name, decided))
    known = repository.refs.read(repository.ref(list_id))
    shown = repository.refs.read(repository.tracking_ref(decided, list_id))
    heads = {n: repository.refs.read(repository.tracking_ref(n, list_id)) for n in others}
    return {name: head for name, head in heads.items() if head and head not in (known, shown)}


def adopt(repository: Repository, list_id: str, remote: str) -> None:
    """Write down the home of a list that was found on `remote`, or first pushed there.

    Nothing where it has another home, or where that is in doubt. What cannot be written now is
    written by the next exchange.
    """
    home, known = of(repository, list_id), addresses(repository)
    if home.doubt or home.remote != remote or remote not in known:
        return
    if home.recorded != (remote, known[remote]):
        with suppress(OSError):
            text = light.write_json({"remote": remote, "url": known[remote]})
            disk.put(_path(repository, list_id), text.encode() + b"\n", repository.shared)
    section = _section(repository, list_id)
    if home.recorded is None and repository.config.get(f"{section}.remote") is None:
        _configure(repository, section, repository.ref(list_id), remote)


def moved(repository: Repository, list_id: str, remote: str) -> str | None:
    """The word about a home that was pointed at another repository (`git remote set-url`).

    None where it is where it was, or another remote has the old address: that is a doubt.
    """
    record, known = _read(repository, list_id), addresses(repository)
    now = known.get(remote)
    if record is None or now is None or record.remote != remote:
        return None
    top = repository.found.work_tree or repository.common
    if _place(record.address, top) in {_place(other, top) for other in known.values()}:
        return None
    return (
        f'{remote} was {record.address} and is {now} now: from here on "{list_id}" is shared and '
        "its claims are granted there"
    )


def _place(address: str, top: str) -> str:
    """An address by which two spellings of one repository are the same; others stay as they are.

    A folder by its path from the top, by `file://` or through a link; a host by `ssh://` or as
    `user@host:path` (git-clone, "GIT URLS").
    """
    path = address.removeprefix("file://")
    if path == address and ("://" in address or ":" in address.partition("/")[0]):
        return _ssh_place(address)
    folder = os.path.join(top, path).rstrip("/") or "/"
    present = (folder + end for end in ("/.git", "", ".git") if os.path.isdir(folder + end))
    return os.path.realpath(next(present, folder))


_SSH = pattern(r"(?i)ssh://(?P<where>[^/:]+)(:22)?(?P<path>/.*)")
_SCP = pattern(r"(?P<where>[^/:]+):(?P<path>(?!//).+)")


def _ssh_place(address: str) -> str:
    if (match := _SSH.fullmatch(address)) is None and "://" in address:
        return address
    match = match or _SCP.fullmatch(address)
    if match is None:
        return address
    path = match["path"].rstrip("/")
    path = path if path.startswith("/") else f"/~/{path}"
    return f"ssh://{match['where'].lower()}{path}"


def _configure(repository: Repository, section: str, ref: str, remote: str) -> None:
    """Let git's own pull and push in a worktree of the list go the same way; `remote` last."""
    keys = {"merge": ref, "rebase": "false", "remote": remote}
    with suppress(GittasksError, OSError):
        for key, value in keys.items():
            repository.set_config("--local", f"{section}.{key}", value)


def forget(repository: Repository, list_id: str) -> None:
    """Remove the record of a list that is let go."""
    disk.remove(_path(repository, list_id))


# --- what is written down ---------------------------------------------------------------------


def _section(repository: Repository, list_id: str) -> str:
    return f"branch.{repository.ref(list_id).removeprefix('refs/heads/')}"


def _path(repository: Repository, list_id: str) -> str:
    branch = repository.ref(list_id).removeprefix("refs/heads/")
    return os.path.join(repository.common, "gittasks", "home", branch)


def _read(repository: Repository, list_id: str) -> Record | None:
    try:
        record = light.read_json(disk.read(_path(repository, list_id)))
        return Record(str(record["remote"]), str(record["url"]))
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _named(repository: Repository, record: Record) -> str | None:
    """The remote that a record means: the one with its URL, whatever it is called by now.

    Where none has it, the one of its name, which somebody pointed elsewhere.
    """
    known = addresses(repository)
    if known.get(record.remote) == record.address:
        return record.remote
    same = [name for name, address in known.items() if address == record.address]
    return same[0] if same else record.remote if record.remote in known else None


def _same(repository: Repository, one: str, other: str) -> bool:
    """True when two remotes are one repository, as far as their URLs tell."""
    known = addresses(repository)
    return one == other or known.get(one) == known.get(other)


def _holds(repository: Repository, remote: str, list_id: str) -> bool:
    try:
        return repository.refs.read(repository.tracking_ref(remote, list_id)) is not None
    except InvalidData:
        return True


def _fullest(repository: Repository, list_id: str, holders: tuple[str, ...]) -> str:
    """The remote whose head holds the heads of the others; where none does, the first."""
    heads = {}
    for name in holders:
        with suppress(InvalidData):
            heads[name] = repository.refs.read(repository.tracking_ref(name, list_id))
    if len(set(heads.values())) < 2:
        return holders[0]
    from gittasks.store.commits import is_ancestor

    for name, head in heads.items():
        others = {other for other in heads.values() if other and other != head}
        with suppress(InvalidData):
            if head and all(is_ancestor(repository.objects, o, head) for o in others):
                return name
    return holders[0]


# --- what is said -----------------------------------------------------------------------------


def label(repository: Repository, remote: str) -> str:
    """A remote by its name and its address, as replies name it."""
    known = addresses(repository).get(remote)
    return f"{remote} ({known})" if known else remote


def divided(repository: Repository, list_id: str, remote: str, differ: str) -> NoRemote:
    """The error where a remote is fetched from one repository and pushed to another."""
    urls = urls_of(repository, remote)
    fetched = address(urls.fetch) if urls else remote
    pushed = " and ".join(address(url) for url in urls.push) if urls else remote
    return NoRemote(
        f"{remote} is fetched from {fetched} and pushed to {pushed}: {differ}",
        hint="two repositories that decide would grant a task twice, so the list needs a remote "
        "that is one; a remote of its own serves as well: git remote add NAME URL and git config "
        f"{_section(repository, list_id)}.remote NAME",
        ways=[Way("push to where is fetched from", _joining(repository, remote), decision=True)],
        details={"list": list_id, "remotes": [remote]},
    )


def _joining(repository: Repository, remote: str) -> tuple[str, ...]:
    """The command after which pushes go to where is fetched from."""
    key = f"remote.{remote}.pushurl"
    for scope in ("--local", "--worktree"):
        args = ["config", scope, "--get-all", key]
        if store.git.run(args, cwd=repository.start, env=repository.env).returncode == 0:
            options = () if scope == "--local" else (scope,)
            return ("git", "config", *options, "--unset-all", key)
    # One of another file or of a variable stays, and goes second; a `pushInsteadOf` gives way.
    url = repository.config.every(f"remote.{remote}.url")[0]
    return ("git", "remote", "set-url", "--push", remote, address(url))


def _doubtful(repository: Repository, list_id: str, home: Home) -> NoRemote:
    """The error that names the candidates, and the commands of which one settles it."""
    section, record = _section(repository, list_id), home.recorded
    known, key = addresses(repository), f"{section}.remote"
    labels = [f"{n} ({known[n]})" if n in known else n for n in home.candidates]
    recorded = {"differ": home.candidates[:1], "gone": (home.remote,)}.get(home.doubt or "", ())
    others = {n for n in home.candidates for r in recorded if r and not _same(repository, r, n)}
    choices = [
        Way(
            f"share it through {name}",
            # Against the record only a decision that knows of it counts.
            ("git", "config", f"{section}.gittasksHome" if name in others else key, name),
            decision=True,
        )
        for name in home.candidates
    ]
    hint = "two repositories that decide would grant a task twice"
    if home.doubt == "differ":
        message = (
            f'"{list_id}" was shared through {labels[0]} so far, and git config {key} now says '
            f"{labels[1]}"
        )
    elif home.doubt == "gone":
        name, address = record or ("", "")
        where = f"{name} ({address})" if address else name
        message = f'the remote of "{list_id}" is gone: {where}'
        command = ("git", "config", f"{section}.gittasksHome", _HERE)
        choices.append(Way("let this repository decide alone", command, decision=True))
        if address:  # which lacks the user, so that it is no URL to give to git
            hint += f"; or add it again with: git remote add {name} URL"
    else:
        message = f'"{list_id}" has no home yet: it could be shared through {" or ".join(labels)}'
    return NoRemote(
        message,
        hint=hint,
        ways=choices,
        details={"list": list_id, "remotes": list(home.candidates)},
    )
