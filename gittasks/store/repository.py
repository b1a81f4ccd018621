"""A git repository as the task lists see it: its refs, objects, configuration and worktrees."""

from __future__ import annotations

import os

from gittasks.core.ids import list_id_fault
from gittasks.errors import FormatTooNew, InvalidData, NoRepository
from gittasks.light import TYPE_CHECKING, cached_property
from gittasks.store import config, discovery, disk
from gittasks.store.refs import FileRefs, Refs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gittasks.store.config import Config
    from gittasks.store.objects import ObjectStore

DEFAULT_PREFIX = "gittasks/"
_WITH_LOOSE_OBJECTS = frozenset({"loose-object", "objects", "committed", "added", "all"})
_WITH_REFS = frozenset({"reference", "committed", "added", "all"})
"""Components of `core.fsync` that loose objects belong to, and refs."""


class Repository:
    """One repository, seen from one folder, which git would work in. Opening it reads little."""

    def __init__(self, start: str, env: Mapping[str, str]) -> None:
        self.start = os.path.realpath(start)  # where git is, too, once it is run there
        self.env = env
        self.found = discovery.discover(self.start, env)
        discovery.check_trust(self.found, self.start, env)
        self.common = self.found.common
        self._config: config.Config | None = None
        self.fetches = True
        """A read may fetch: a list that was named, objects that a partial clone lacks."""
        self.contacted = False
        """This command talks to a remote anyway: what it brings together may come from there."""
        self.announce: Callable[[str], None] | None = None
        """Called with a sentence that cannot wait until the command is over."""

    @property
    def config(self) -> config.Config:
        """git's configuration; FormatTooNew for a repository format that we cannot write."""
        if self._config is None:
            self._config = self._load_config()
        return self._config

    def set_config(self, scope: str, key: str, value: str) -> None:
        """Set a key in the configuration of a scope, such as `--local`; Busy, NoRepository."""
        self._change_config([scope, key, value])

    def unset_config(self, scope: str, key: str) -> None:
        """Remove a key from the configuration of a scope, if it is there; Busy, NoRepository."""
        config.unset(scope, key, cwd=self.start, env=self.env)
        self._config = None

    def remove_config_section(self, section: str) -> None:
        """Remove a section from the repository's own configuration; Busy, NoRepository."""
        self._change_config(["--local", "--remove-section", section])

    def _change_config(self, args: list[str]) -> None:
        config.change(args, cwd=self.start, env=self.env)
        self._config = None  # it is read anew

    def _load_config(self) -> Config:
        loaded = config.load(self.found, self.start, self.env)
        if (name := loaded.get("extensions.objectformat") or "sha1") not in ("sha1", "sha256"):
            raise FormatTooNew(
                f"this repository names its objects by {name}, which is unknown here"
            )
        storage = loaded.get("extensions.refstorage") or "files"
        if storage not in ("files", "reftable"):
            raise FormatTooNew(
                f"this repository keeps its refs in {storage}, which is unknown here",
                hint="the refs of lists can be files or a reftable in the git directory",
            )
        self._check_places(storage)
        return loaded

    def _check_places(self, storage: str) -> None:
        """Raise FormatTooNew or NoRepository where variables send git to other places than us."""
        backend = self.env.get("GIT_REFERENCE_BACKEND", storage)
        if backend != storage:
            raise FormatTooNew(
                f'GIT_REFERENCE_BACKEND is "{backend}", and this repository keeps its refs in '
                f"{'a reftable' if storage == 'reftable' else storage}",
                hint="unset GIT_REFERENCE_BACKEND: refs in another place are unknown here",
            )
        # In a push that is being received it names a place for what may yet be thrown away.
        folder = self.env.get("GIT_OBJECT_DIRECTORY")
        if folder and not self.env.get("GIT_QUARANTINE_PATH"):
            place = os.path.realpath(os.path.join(self.start, folder))
            if place != os.path.realpath(os.path.join(self.common, "objects")):
                raise NoRepository(
                    f"GIT_OBJECT_DIRECTORY is set to {folder}, where git has the objects of "
                    "another place than this repository",
                    hint="unset GIT_OBJECT_DIRECTORY",
                )

    @cached_property
    def refs(self) -> Refs:
        """The refs, in the format that the repository has them in."""
        if self.config.get("extensions.refstorage") == "reftable":
            from gittasks.store.reftable import TableRefs  # files need none of it

            cache = os.path.join(self.common, "gittasks", "cache", "refs")
            return TableRefs(self.found, self.start, self.env, self.shared, self.prefix, cache)
        durable = self._is_synced(_WITH_REFS, default=True)
        return FileRefs(self.common, self.env, self.shared, logs=self._logs(), durable=durable)

    def _logs(self) -> bool:
        """Does a branch that is made get a reflog (`core.logAllRefUpdates`; on unless bare)?"""
        setting = self.config.get("core.logallrefupdates")
        if setting is None:
            return not self.config.flag("core.bare")
        return setting.lower() not in ("false", "no", "off", "0")

    @cached_property
    def objects(self) -> ObjectStore:
        """The repository's objects; durable unless the user's `core.fsync` says otherwise."""
        from gittasks.store import objects

        form = objects.FORMATS[self.config.get("extensions.objectformat") or "sha1"]
        remotes = self._promisors()
        return objects.ObjectStore(
            self.common,
            self.env,
            form=form,
            identity=self._identity(),
            durable=self._is_synced(
                _WITH_LOOSE_OBJECTS,
                default=self.config.flag("core.fsyncobjectfiles", default=True),
            ),
            shared=self.shared,
            promisor=objects.Promisor(self.found, self.env, remotes, self.prohibition)
            if remotes
            else None,
        )

    def _promisors(self) -> list[str]:
        """The remotes that promised the objects of a partial clone; none in a whole one."""
        config, last = self.config, self.config.get("extensions.partialclone")
        keys = [key for key in config.keys_of("remote.") if key.endswith(".promisor")]
        names = [key[len("remote.") : -len(".promisor")] for key in keys if config.flag(key)]
        if last:  # git asks it after the others
            names = [*(name for name in names if name != last), last]
        return names

    def prohibition(self) -> str | None:
        """The words for what keeps reads from fetching; None when they may."""
        if self.contacted:
            return None
        if not self.fetches:
            return "--no-fetch keeps it from being fetched"
        if not self.config.flag("gittasks.fetchonread", default=True):
            return "git config gittasks.fetchOnRead is false, so it is not fetched"
        return None

    def _identity(self) -> str | None:
        """The author of commits that nobody makes (`gittasks.identity`), None for the usual."""
        identity = self.config.get("gittasks.identity")
        name, _, mail = (identity or "").partition("<")
        if identity is None or (name.strip() and mail.endswith(">") and "\n" not in identity):
            return identity
        raise InvalidData(
            f'git config gittasks.identity is "{identity}"', hint='use: "Name <name@example.com>"'
        )

    @cached_property
    def shared(self) -> disk.Sharing:
        """Permissions that `core.sharedRepository` wants for what is made below the git dir."""
        return disk.sharing(self.config.get("core.sharedrepository"))

    def _is_synced(self, components: frozenset[str], *, default: bool) -> bool:
        """Tell if what belongs to these components is synced (`core.fsync`; git-config)."""
        chosen = self.config.get("core.fsync")
        if not chosen:
            return default
        durable = True
        for word in chosen.split(","):
            component = word.strip()
            if component == "none":
                durable = False
            elif component.lstrip("-") in components:
                durable = not component.startswith("-")
        return durable

    @cached_property
    def prefix(self) -> str:
        """Start of the refs of lists, before the id: `refs/heads/gittasks/` unless configured."""
        chosen = self.config.get("gittasks.branchprefix")
        prefix = DEFAULT_PREFIX if chosen is None else chosen
        parts = prefix.split("/")
        if any(list_id_fault(p) for p in parts[:-1]) or (parts[-1] and list_id_fault(parts[-1])):
            raise InvalidData(
                f'git config gittasks.branchPrefix is "{prefix}", which no branch can begin with',
                hint="use letters, digits and hyphens, with a slash at the end",
            )
        return f"refs/heads/{prefix}"

    def ref(self, list_id: str) -> str:
        """Full name of a list's ref."""
        return self.prefix + list_id

    def stored_id(self, list_id: str) -> str:
        """The id of a list as it is stored, here or as fetched, where the disk ignores case."""
        tracked = (self.tracking_ref(remote, list_id) for remote in self.remotes())
        for ref in (self.ref(list_id), *tracked):
            if name := self.refs.stored_name(ref):
                return name[-len(list_id) :]  # only case differs, and a prefix may end in no slash
        return list_id

    def tracking_ref(self, remote: str, list_id: str) -> str:
        """Full name of the ref that says where a remote has a list."""
        return f"refs/remotes/{remote}/{self.prefix.removeprefix('refs/heads/')}{list_id}"

    def remotes(self) -> list[str]:
        """Names of the remotes that have a URL, in the order of the configuration."""
        keys = self.config.keys_of("remote.")
        return [k.removeprefix("remote.").removesuffix(".url") for k in keys if k.endswith(".url")]

    def local_lists(self) -> dict[str, str]:
        """Lists with a local branch: id to commit, "" where the ref is damaged."""
        return self._lists(self.prefix)

    def known_lists(self) -> list[str]:
        """Ids of all lists here: local branches and fetched ones, in order."""
        fetched = self.tracked_lists().values()
        return sorted(set(self.local_lists()).union(*fetched))

    def has_list(self, list_id: str) -> bool:
        """True when a list is here or was fetched; a damaged ref is there, too."""
        if self.prefix == "refs/heads/":  # a branch of that name may be no list
            return list_id in self.known_lists()
        names = [self.ref(list_id), *(self.tracking_ref(r, list_id) for r in self.remotes())]
        try:
            return any(self.refs.read(name) for name in names)
        except InvalidData:
            return True

    def tracked_lists(self) -> dict[str, dict[str, str]]:
        """Lists that were fetched: remote to (id to commit, "" where the ref is damaged)."""
        remotes = self.refs.below("refs/remotes/")
        keys = self.config.keys_of("remote.")
        configured = {key.removeprefix("remote.").rpartition(".")[0] for key in keys}
        remotes |= configured - {""}  # `remote.pushDefault` is of none
        return {r: self._lists(self.tracking_ref(r, "")) for r in sorted(remotes)}

    def _lists(self, prefix: str) -> dict[str, str]:
        lists = {}
        for name, commit in self.refs.listed(prefix):
            list_id = name[len(prefix) :]
            if list_id_fault(list_id) is None and self._is_list(name, commit):
                lists[list_id] = commit
        return lists

    def _is_list(self, name: str, commit: str) -> bool:
        """With an empty prefix any branch could be meant: a list is one that holds list.yaml.

        A damaged ref cannot tell; it is one when it was read as one before.
        """
        if self.prefix != "refs/heads/":
            return True
        if not commit:
            return os.path.exists(self.cache_path("lists", name))
        from gittasks.store.recognition import holds_list

        return holds_list(self.objects, commit)

    def cache_path(self, kind: str, ref: str) -> str:
        """Path of a cache file about a list."""
        branch = ref.removeprefix("refs/heads/")
        return os.path.join(self.common, "gittasks", "cache", kind, branch)

    def current_branch(self) -> str | None:
        """Short name of the branch that this worktree is on, None when HEAD is detached."""
        head = self.refs.head(self.found.path)
        return head.removeprefix("refs/heads/") if head else None
