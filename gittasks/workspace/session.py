"""Session: repository, current list, actor, time, notices; the defaults of a command."""

from __future__ import annotations

import os
import time

from gittasks import store
from gittasks.core.actors import MOST_LETTERS, is_owner
from gittasks.core.ids import check_list_id, list_id_fault, listed, near_matches
from gittasks.core.model import Actor, ListInfo, ListState, Snapshot
from gittasks.core.times import format_time
from gittasks.errors import BranchGone, GittasksError, NoList, NoRemote, Notice, Usage, Way
from gittasks.light import TYPE_CHECKING, NamedTuple, cached_property
from gittasks.store import disk
from gittasks.store.list_store import ListStore
from gittasks.store.list_version import ListVersion
from gittasks.store.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Self

    from gittasks.store.transaction import Signatures

LIST_VARIABLES = ("GITTASKS_LIST", "CLAUDE_CODE_TASK_LIST_ID")
SESSION_VARIABLES = ("GITTASKS_SESSION", "CLAUDE_CODE_SESSION_ID")


class ChosenList(NamedTuple):
    """A list id and what named it (an option, a variable, git config, the branch, or nothing)."""

    id: str
    by: str


def named_list(repository: Repository, option: str | None) -> ChosenList | None:
    """The list that the option or the environment names, existing or not."""
    if option:
        return ChosenList(repository.stored_id(check_list_id(option)), "--list")
    for variable in LIST_VARIABLES:
        if value := repository.env.get(variable):
            return ChosenList(_configured(repository, value, variable), variable)
    return None


def _configured(repository: Repository, value: str, name: str) -> str:
    if fault := list_id_fault(value):
        raise Usage(f'{name} is "{value}", which is not a list id: {fault}')
    return repository.stored_id(value)


class Choice(NamedTuple):
    """The list that `init` or `use` chose in a worktree, and the code branch it was on then."""

    list_id: str
    branch: str | None


def _choice_path(repository: Repository) -> str:
    """A file in the git directory of this worktree alone."""
    return os.path.join(repository.found.path, "gittasks-list")


def read_choice(repository: Repository) -> Choice | None:
    """The choice of this worktree; None where there is none that can be read."""
    try:
        list_id, branch, *_ = disk.read(_choice_path(repository)).decode().split("\n")
    except (OSError, ValueError):
        return None
    return None if list_id_fault(list_id) else Choice(list_id, branch or None)


def write_choice(repository: Repository, list_id: str) -> None:
    """Choose a list for this worktree, until it is on a branch with a list of its own name."""
    text = f"{list_id}\n{repository.current_branch() or ''}\n"
    disk.replace_file(_choice_path(repository), text.encode(), shared=repository.shared)


def forget_choice(repository: Repository, list_id: str) -> None:
    """Take back the choice of a list that is no more, in this worktree."""
    if (choice := read_choice(repository)) and choice.list_id == list_id:
        disk.remove(_choice_path(repository))


def list_of_branch(branch: str | None) -> str | None:
    """The id of a list that is named as a code branch: `feat/login` is `feat-login`."""
    name = (branch or "").replace("/", "-")
    return name if name and list_id_fault(name) is None else None


def choose_list(repository: Repository, option: str | None) -> ChosenList:
    """The list to work on; NoList names what there is to choose from."""
    if chosen := named_list(repository, option):
        return chosen
    branch, choice = repository.current_branch(), read_choice(repository)
    if choice and choice.branch == branch:
        return ChosenList(choice.list_id, "gittasks use")
    own = list_of_branch(branch)
    if own and repository.has_list(own):
        return ChosenList(own, "the current branch")
    if choice:
        return ChosenList(choice.list_id, "gittasks use")
    if value := repository.config.get("gittasks.list"):
        name = "git config gittasks.list"
        return ChosenList(_configured(repository, value, name), name)
    lists = repository.known_lists()
    if len(lists) == 1:
        return ChosenList(lists[0], ONLY)
    if not lists:
        beside, ways = _beside(repository)
        raise NoList(
            f"this repository has no task list yet{beside}",
            hint=None if ways else _EXAMPLE,
            ways=ways or _fetching(repository),
        )
    opened = [list_id for list_id in lists if _is_open(repository, list_id)]
    if len(opened) == 1:
        return ChosenList(opened[0], "the only open list")
    if not opened:
        raise no_open_list(lists)
    raise NoList(
        f"several task lists are here: {', '.join(opened)}",
        hint="choose one with: gittasks use LIST, or for one command with --list LIST",
        ways=[
            Way(f"work on {name}", ("gittasks", "use", name), decision=True)
            for name in opened[:_CHOICES]
        ],
        details={"lists": opened},
    )


ONLY = "the only list"
"""The word for a list that was chosen since there is no other, open or not."""


def _is_open(repository: Repository, list_id: str) -> bool:
    """True unless the list is known to be archived or dropped."""
    try:
        return ListStore(repository, list_id).load().snapshot.info.state is ListState.OPEN
    except GittasksError:
        return True


def no_open_list(lists: Sequence[str]) -> NoList:
    """The error where every list is archived or dropped, and none was named."""
    ended = Way("look at one", ("gittasks", "status", "--list", lists[0]))
    again = Way("open it again", ("gittasks", "unarchive", lists[0]))
    return NoList(
        f"no task list is open here; archived or dropped: {', '.join(lists)}",
        hint=_EXAMPLE,
        ways=[ended, again],
        details={"lists": list(lists)},
    )


def ended_notice(info: ListInfo) -> Notice | None:
    """The word about a list that is not open; None for one that is."""
    if info.state is ListState.OPEN:
        return None
    since = (info.dropped or info.archived or "")[:10]
    words = f'"{info.id}" has been {info.state} since {since}; open it again'
    return Way(words, ("gittasks", "unarchive", info.id))


_CHOICES = 3
"""Lists among which a choice is offered one by one."""
_EXAMPLE = 'make one with: gittasks init NAME, where NAME is such as "feature-auth"'


def _fetching(repository: Repository) -> list[Way]:
    """The step that comes before a list is made: it may be on a remote."""
    return [Way("fetch the lists of others", ("gittasks", "pull"))] if repository.remotes() else []


def _beside(repository: Repository, list_id: str | None = None) -> tuple[str, list[Way]]:
    """Words about lists that are here under branches of other names, and the ways to them."""
    from gittasks.store import side_branches  # dulwich, and only on the way to an error

    sides = [s for s in side_branches.everywhere(repository) if list_id in (None, s.list_id)]
    if not sides:
        return "", []
    own = repository.prefix.removeprefix("refs/heads/")
    names = listed([f"{side.name} ({side.list_id})" for side in sides], 3)
    purpose = "take up what the branches of the remote hold"
    pull = Way(purpose, ("gittasks", "pull"))
    fetched = any(side.ref.startswith("refs/remotes/") for side in sides)
    prefixes = dict.fromkeys(side.prefix for side in sides if side.prefix is not None)
    ways = [pull] if fetched else []
    ways += [
        Way(f"take {prefix} for the prefix", ("git", "config", _PREFIX, prefix), decision=True)
        for prefix in prefixes
    ]
    return f', but branches that do not begin with "{own}": {names}', ways


_PREFIX = "gittasks.branchPrefix"


def no_such_list(repository: Repository, chosen: ChosenList) -> NoList:
    """The error for a list that was named but does not exist."""
    lists = repository.known_lists()
    near = near_matches(chosen.id, lists) or lists
    by = f" (named by {chosen.by})" if chosen.by not in ("--list", ONLY) else ""
    others = f"there is {', '.join(near[:10])}; " if near else ""
    # A name that differs in upper and lower case alone is never made.
    twins = [i for i in lists if i.casefold() == chosen.id.casefold()]
    command = ("gittasks", "use", twins[0]) if twins else ("gittasks", "init", chosen.id)
    make = Way(f"{others}{'use' if twins else 'make'} it", command)
    beside, ways = _beside(repository, chosen.id)
    # All of them: the one that was named may be nowhere, and then there is none to fetch.
    fetch = [way._replace(command=(*way.command, "--all")) for way in _fetching(repository)]
    return NoList(
        f'no task list "{chosen.id}" here{by}{beside}',
        ways=ways or [*fetch, make],
        details={"lists": lists},
    )


def lost_words(list_id: str, count: int) -> str:
    """The word about operations that were acknowledged here and are not in the branch."""
    changes = "1 change" if count == 1 else f"{count} changes"
    return (
        f"{changes} made here {'is' if count == 1 else 'are'} missing from the branch of "
        f'"{list_id}", which another program moved or deleted'
    )


def lost_ways(list_id: str) -> tuple[Way, Way]:
    """The steps for such operations: back, or away for good."""
    return (
        Way("bring back", ("gittasks", "lists", "restore", list_id)),
        Way("or forget", ("gittasks", "lists", "forget", list_id), decision=True),
    )


def lost_notices(list_id: str, count: int) -> list[Notice]:
    """The notice of such operations wherever a list is read or exchanged."""
    restore, forget = lost_ways(list_id)
    words = f"{lost_words(list_id, count)}; {restore.purpose}"
    return [restore._replace(purpose=words), forget]


def no_remote(repository: Repository, list_id: str | None = None) -> NoRemote:
    """The error when there is nobody to share with, or several and none was named.

    A list that has no home although remotes are here was given to this repository alone.
    """
    names = repository.remotes()
    if names:
        alone = f'"{list_id}" is shared with no remote: git config says that it is decided here'
        several = f"several remotes are here: {', '.join(names)}"
        return NoRemote(
            alone if list_id else several,
            hint="name one",
            ways=[
                Way(f"with {name}", ("gittasks", "sync", name), decision=True)
                for name in names[:_CHOICES]
            ],
            details={"remotes": names},
        )
    return NoRemote(
        "this repository has no remote to share task lists with",
        hint="everything is safe here; add a remote with: git remote add origin URL",
    )


def choose_actor(repository: Repository, option: str | None) -> Actor:
    """The actor, by `--owner`, GITTASKS_OWNER, git config gittasks.owner, user.name, the login."""
    name = option or repository.env.get("GITTASKS_OWNER")
    config = repository.config
    owner = name or config.get("gittasks.owner") or config.get("user.name")
    owner = owner or login(repository.env)
    session = next((v for n in SESSION_VARIABLES if (v := repository.env.get(n))), None)
    return Actor(
        _one_line(owner, "owner"),
        _one_line(session, "session") if session else None,
        named=name is not None,
    )


def _one_line(text: str, what: str) -> str:
    cleaned = " ".join(text.split())
    if not is_owner(cleaned):
        raise Usage(
            f"the {what} must be one line of 1 to {MOST_LETTERS} printable characters: {text!a}"
        )
    return cleaned


def login(env: Mapping[str, str]) -> str:
    """Name of the account, when git knows no name."""
    for variable in ("LOGNAME", "USER", "USERNAME"):
        if value := env.get(variable):
            return value
    try:
        import pwd

        return pwd.getpwuid(os.getuid()).pw_name
    except (ImportError, KeyError):
        return "unknown"


class Moment(NamedTuple):
    """One instant: seconds since 1970, minutes east of UTC here."""

    epoch: int
    zone: int

    @property
    def text(self) -> str:
        """RFC 3339 in UTC, as the model keeps times."""
        return format_time(self.epoch)


_LAST_MOMENT = 253_402_300_799
"""The end of the year 9999: RFC 3339 has no later time."""


def current_moment(repository: Repository) -> Moment:
    """Now; or GIT_AUTHOR_DATE when it is set, as git takes it for its own commits."""
    if not repository.env.get("GIT_AUTHOR_DATE"):
        now = int(time.time())
        return Moment(now, time.localtime(now).tm_gmtoff // 60)
    args = ["-c", "user.name=x", "-c", "user.email=x", "var", "GIT_AUTHOR_IDENT"]
    answer = store.git.run(args, cwd=repository.start, env=repository.env)
    words = answer.stdout.decode("utf-8", "replace").split()
    if answer.returncode != 0 or len(words) < 2 or int(words[-2]) > _LAST_MOMENT:
        raise Usage(
            f"GIT_AUTHOR_DATE is {repository.env['GIT_AUTHOR_DATE']!a}, which is not a date",
            hint="unset it, or give a date such as 2026-11-22T10:00:00Z",
        )
    zone = int(words[-1])
    hours, minutes = divmod(abs(zone), 100)
    return Moment(int(words[-2]), (hours * 60 + minutes) * (-1 if zone < 0 else 1))


class Author(NamedTuple):
    """The author of a commit of the code, for whom a session acts: `Name <mail>`, and when."""

    person: str
    epoch: int
    zone: int

    @property
    def actor(self) -> Actor:
        """The author as who acts: an owner by name, in no session."""
        name = self.person.partition("<")[0] or self.person.strip("<> ")
        shown = "".join(c if c.isprintable() else " " for c in name)
        return Actor(_one_line(shown.strip()[:200] or "unknown", "owner"), None)


def signatures(
    repository: Repository, moment: Moment, author: Author | None = None
) -> tuple[Signatures, str | None]:
    """Author and committer at `moment`, and a hint when git knows no identity.

    For the author of a commit of the code both are that one.
    """
    from gittasks.store import commits, transaction

    if author is not None:
        return transaction.Signatures(commits.Signature(*author), commits.Signature(*author)), None
    config, hint = repository.config, None
    person = config.author
    if person is None:
        # As git does: what would end the name or the header early is left out.
        name = "".join(c for c in login(repository.env) if c.isprintable() and c not in "<>")
        name = name or "unknown"
        person = f"{name} <{name.replace(' ', '.')}@localhost>"
        hint = (
            f"git knows no name for you, so this is recorded as {person}; "
            'set it with: git config --global user.name "Your Name", and user.email'
        )
    people = transaction.Signatures(
        commits.Signature(person, moment.epoch, moment.zone),
        commits.Signature(config.committer or person, moment.epoch, moment.zone),
    )
    return people, hint


class Session:
    """One repository, the list at work, the actor. Opening it reads no list and never writes."""

    def __init__(
        self,
        repository: Repository,
        list_option: str | None = None,
        owner_option: str | None = None,
        notices: list[Notice] | None = None,
        remote_option: str | None = None,
    ) -> None:
        self.repository = repository
        self.list_option = list_option
        """The list that was named for this session, if one was."""
        self.notices: list[Notice] = [] if notices is None else notices
        """Hints that came up on the way, for whoever talks to the user."""
        self.commits: list[str] = []
        """Commits that this session has made: what fails after one does not undo it."""
        self.cut_ids = False
        """Ids given to this session were typed, and may be cut at a hyphen."""
        self._asked = False
        self._owner_option = owner_option
        self.on_behalf: frozenset[str] = frozenset()
        """Tasks of other owners that the actor, in its session, is known to have begun itself."""
        self._remote_option = remote_option
        self._store: ListStore | None = None
        self.author: Author | None = None
        """The author of a commit of the code, when it is for that one that this session acts."""
        self.operation_id: str | None = None
        """The id of the operation, when it has one of its own."""

    def acting_for(self, author: Author, operation_id: str) -> Self:
        """A session on the same list in which the author of a commit acts, at its author date.

        The operation has an id of its own, so that other clones write the same one.
        """
        session = self.select(self.chosen.id)
        session.author, session.operation_id = author, operation_id
        return session

    def new_operation_id(self) -> str:
        """The id of the next operation: chance, unless this one has its own."""
        return self.operation_id or os.urandom(10).hex()

    def signatures(self, moment: Moment) -> tuple[Signatures, str | None]:
        """Author and committer of a write, and a hint when git knows no identity."""
        return signatures(self.repository, moment, self.author)

    def select(self, list_id: str) -> Self:
        """A session of the same repository and actor with another list at work."""
        session = type(self)(
            self.repository, list_id, self._owner_option, self.notices, self._remote_option
        )
        session.cut_ids = self.cut_ids
        session.commits = self.commits
        return session

    @cached_property
    def chosen(self) -> ChosenList:
        """The list at work; NoList when none was named and several or none exist."""
        return choose_list(self.repository, self.list_option)

    @cached_property
    def actor(self) -> Actor:
        """The owner and session that act in this process."""
        if self.author is not None:
            return self.author.actor
        return choose_actor(self.repository, self._owner_option)

    @property
    def store(self) -> ListStore:
        """The branch of the list at work."""
        if self._store is None:
            self._store = ListStore(self.repository, self.chosen.id, self._remote_option)
        return self._store

    @property
    def used_store(self) -> ListStore | None:
        """The branch of the list at work; None when nothing has been asked of it so far."""
        return self._store

    @property
    def list_id(self) -> str:
        """Id of the list at work."""
        return self.chosen.id

    def branch(self) -> ListVersion:
        """The list as it is now, with the commit it was read from."""
        try:
            branch = self.store.load()
        except BranchGone:
            raise
        except NoList:
            if self.fetch_missing():
                return self.store.load()
            raise no_such_list(self.repository, self.chosen) from None
        if branch.lost:
            self.notify(lost_notices(self.list_id, branch.lost))
        self.check_open(branch.snapshot.info)
        return branch

    def notify(self, notices: Iterable[Notice]) -> None:
        """Say these once."""
        self.notices += [notice for notice in notices if notice not in self.notices]

    def note_lagging(self, folders: Iterable[str]) -> None:
        """Say of worktrees that have the list's branch checked out that they lag behind it."""
        self.notices += [
            f"{folder} has this branch checked out and could not be brought along; "
            f"before you commit there, see: git -C {folder} status"
            for folder in folders
        ]

    def check_open(self, info: ListInfo) -> None:
        """Say that the list at work is not open; NoList where nobody named it."""
        if notice := ended_notice(info):
            if self.chosen.by == ONLY:
                raise no_open_list([info.id])
            if notice not in self.notices:
                self.notices.append(notice)

    def fetch_missing(self) -> bool:
        """Fetch the list at work, alone, if it was named and is not here; True when it is now.

        Not with `--no-fetch`, nor where `gittasks.fetchOnRead` is false.
        """
        store, repository = self.store, self.repository
        if self._asked or not repository.fetches or store.head() or store.remote is None:
            return False
        if repository.prohibition():
            return False
        self._asked = True
        if not self._fetch(store.remote, store.list_id):
            return False
        self._store = None
        self.notices.append(f'fetched the list "{store.list_id}" from {store.remote}')
        return True

    def _fetch(self, _remote: str, _list_id: str) -> bool:
        """Fetch one list; a session by itself asks no remote, the façade knows how."""
        return False

    def snapshot(self) -> Snapshot:
        """The list as it is now."""
        return self.branch().snapshot

    def now(self) -> Moment:
        """This instant, or the one that GIT_AUTHOR_DATE names, or that of the author."""
        if self.author is not None:
            return Moment(self.author.epoch, self.author.zone)
        return current_moment(self.repository)
