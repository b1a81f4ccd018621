"""The lists of a repository: which there are, making one, choosing one."""

from __future__ import annotations

import os
from collections.abc import Iterable

from gittasks.core.ids import check_list_id, is_slip, slug
from gittasks.core.model import ListInfo, Problem, Snapshot
from gittasks.core.times import format_time
from gittasks.core.validation import single_line
from gittasks.errors import GittasksError, NoList, Refused, Way
from gittasks.light import TYPE_CHECKING, NamedTuple
from gittasks.store import acknowledged, side_branches, transaction
from gittasks.store.list_store import ListStore
from gittasks.store.repository import DEFAULT_PREFIX, Repository
from gittasks.workspace import session as session_

if TYPE_CHECKING:
    from gittasks.workspace.session import Session


class ListSummary(NamedTuple):
    """One list of a repository: where it is, and what it says."""

    id: str
    snapshot: Snapshot
    local: bool
    remotes: tuple[str, ...]
    current: bool
    changed: str | None = None
    """When it was last written, in RFC 3339; None where that cannot be read."""


def known(session: Session) -> list[ListSummary]:
    """All lists of a repository, local and fetched, in order of id."""
    repository = session.repository
    local = repository.local_lists()
    tracked = repository.tracked_lists()
    try:
        current: str | None = session.chosen.id
    except NoList:
        current = None
    summaries = []
    for list_id in repository.known_lists():
        remotes = tuple(r for r, ids in tracked.items() if list_id in ids)
        snapshot, changed = _readable_part(ListStore(repository, list_id))
        summaries.append(
            ListSummary(list_id, snapshot, list_id in local, remotes, list_id == current, changed)
        )
    for list_id, count in acknowledged.gone(repository).items():
        session.notify(session_.lost_notices(list_id, count))
    return summaries


def _readable_part(store: ListStore) -> tuple[Snapshot, str | None]:
    """The list and when it was last written; an empty one, with the reason as its problem, where
    it cannot be read: one bad list hides no other."""
    try:
        version = store.load()
        heads = [head for head in (version.heads.local, version.heads.tracked) if head]
        # A root is of no time.
        written = [c.author.time for c in map(store.commit, heads) if c.parents]
        return version.snapshot, format_time(max(written)) if written else None
    except GittasksError as error:
        problem = Problem(store.ref.removeprefix("refs/heads/"), None, error.message)
        return Snapshot(info=ListInfo(id=store.list_id), problems=(problem,)), None


class ListMade(NamedTuple):
    """A list that is there now; `created` unless it was there before.

    `adopted` is the remote whose list it is when it was fetched and had no branch here yet.
    """

    id: str
    created: bool
    adopted: str | None = None


def init(session: Session, list_id: str | None, title: str | None) -> ListMade:
    """Create or adopt a list and use it from now on."""
    from gittasks.store import merge_driver

    result = make(session, list_id, title)
    plain = result.created and session.repository.remotes()
    if plain and not merge_driver.is_installed(session.repository):
        words = "plain git can merge this list too, after this"
        session.notices.append(Way(words, ("gittasks", "hooks", "install")))
    after = transaction.Aftermath()
    with after.step(f"it is not chosen yet; choose it with: gittasks use {result.id}"):
        use(session, result.id)
    _tell(session, after.unfinished)
    return result


def _tell(session: Session, unfinished: Iterable[str]) -> None:
    session.notices += [f"done, but {sentence}" for sentence in unfinished]


def make(session: Session, list_id: str | None, title: str | None) -> ListMade:
    """Create or adopt a list without choosing it for anybody.

    Without an id it is called as the variable, the code branch or the folder says.
    """
    chosen = check_list_id(list_id) if list_id else _default_list_id(session)
    if title is not None:
        single_line(title, "title")  # before the list is there, of which a refusal says nothing
    session.select(chosen).fetch_missing()
    _check_name(session.repository, chosen)
    store = ListStore(session.repository, chosen)
    holders = [r for r, ids in session.repository.tracked_lists().items() if chosen in ids]
    beside = None if store.head() else side_branches.adoptable(session.repository, chosen)
    created, unfinished = transaction.create(store, beside.commit if beside else None)
    if created and beside:
        session.notices.append(f"it goes on from the branch {beside.name}")
    if created:
        session.commits.append(f"on {store.ref.removeprefix('refs/heads/')}")
    _tell(session, unfinished)
    if title is not None and created:
        after = transaction.Aftermath()
        with after.step("its title is not set; the same command again sets it"):
            _retitle(session.select(chosen), title)
        _tell(session, after.unfinished)
    elif title is not None:
        _retitle(session.select(chosen), title)
    adopted = None
    if created and holders:
        adopted = store.remote if store.remote in holders else holders[0]
    return ListMade(chosen, created and adopted is None, adopted)


def _retitle(session: Session, title: str) -> None:
    from gittasks.workspace import editing  # it writes, and most of this module reads

    editing.retitle(session, title)


def _check_name(repository: Repository, list_id: str) -> None:
    """Refuse an id that differs from a list's in case only, or whose branch holds code."""
    clash = [i for i in repository.known_lists() if i.lower() == list_id.lower()]
    if clash and list_id not in clash:
        raise Refused(
            "case",
            f'the list "{clash[0]}" differs from "{list_id}" only in upper and lower case',
            hint="or choose another name",
            ways=[Way("use it", ("gittasks", "use", clash[0]))],
        )
    if repository.refs.read(repository.ref(list_id)) and not repository.has_list(list_id):
        command = ("git", "config", "gittasks.branchPrefix", DEFAULT_PREFIX)
        raise Refused(
            "branch-name",
            f'the branch "{list_id}" is here and holds no task list',
            hint="or choose another name",
            ways=[Way("give lists a prefix", command, decision=True)],
        )


def make_if_none(session: Session) -> bool:
    """See `Workspace.make_list_if_none`."""
    try:
        if session.store.head() is not None or session.fetch_missing():
            return False
    except NoList as error:
        if not session.repository.known_lists():
            return make(session, None, None).created
        if error.details.get("lists"):
            raise
        return make_if_none(session)  # there was none, and another has made one since
    session.store.check_not_gone()
    _check_no_slip(session)
    return make(session, session.list_id, None).created


def make_if_named(session: Session) -> bool:
    """See `Workspace.make_list_if_named`."""
    chosen = session_.named_list(session.repository, session.list_option)
    if chosen is None or chosen.by == "--list" or session.store.head() is not None:
        return False
    if session.fetch_missing():
        return False
    session.store.check_not_gone()
    _check_no_slip(session)
    return make(session, chosen.id, None).created


def _check_no_slip(session: Session) -> None:
    """Refuse to make a list whose name is a slip of the pen away from one that is there."""
    chosen, repository = session.chosen, session.repository
    near = next((i for i in repository.known_lists() if is_slip(chosen.id, i)), None)
    if near is None:
        return
    raise NoList(
        f'no task list "{chosen.id}" here (named by {chosen.by}), but there is "{near}"',
        ways=[
            Way("see that one", ("gittasks", "list", "--list", near)),
            Way("make this one", ("gittasks", "init", chosen.id)),
        ],
        details={"lists": [near]},
    )


def _default_list_id(session: Session) -> str:
    """The name of a list when none was given: the variable, the code branch, the folder."""
    if chosen := session_.named_list(session.repository, session.list_option):
        return chosen.id
    branch = session.repository.current_branch()
    if branch and branch not in ("main", "master", "trunk", "develop"):
        return session_.list_of_branch(branch) or slug(branch.replace("/", " "))
    folder = session.repository.found.work_tree or session.repository.common
    return slug(os.path.basename(folder).removesuffix(".git"))


def use(session: Session, list_id: str) -> str:
    """Make `list_id` the list of this worktree; returns the id as it is stored."""
    list_id = session.repository.stored_id(check_list_id(list_id))
    known = session.repository.known_lists()
    if list_id not in known and not session.select(list_id).fetch_missing():
        chosen = session_.ChosenList(list_id, "--list")
        raise session_.no_such_list(session.repository, chosen)
    session_.write_choice(session.repository, list_id)
    _warn_of_override(session, list_id)
    return list_id


def _warn_of_override(session: Session, list_id: str) -> None:
    """Say so when the environment names another list than the one that was chosen."""
    for variable in session_.LIST_VARIABLES:
        value = session.repository.env.get(variable)
        if value and value != list_id:
            session.notices.append(f'{variable} is set to "{value}", which comes before this')
            return
