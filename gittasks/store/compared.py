"""Snapshots of a commit and its parents, cut down to the files in which they differ.

The log of a thousand commits reads a thousand files, not a thousand lists. What two sides of a
history share is parsed once, however they alternate.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from gittasks.core.merge.dag import Tree
from gittasks.core.model import ListInfo, Problem, Snapshot, Task
from gittasks.store.commits import CommitInfo, read_commit
from gittasks.store.list_tree import LIST, TASKS, read_info, read_tasks
from gittasks.store.list_version import TaskFile, TreeEntry
from gittasks.store.merge_files import ListContents
from gittasks.store.objects import ObjectStore
from gittasks.store.parsed_files import ParsedFiles

_TREES = 64
"""How many trees are kept: the parents of what comes next are mostly among the last ones."""


class Comparison(NamedTuple):
    """A commit beside its parents: in each only the tasks that are not the same in all of them.

    `whole`: no object was lacking.
    """

    befores: Sequence[Snapshot]
    after: Snapshot
    whole: bool


class Comparisons:
    """Compares commits of one list with their parents, best in the order of the history."""

    def __init__(self, objects: ObjectStore, list_id: str) -> None:
        self._objects = objects
        self._list_id = list_id
        self._contents = ListContents(objects, list_id)
        self._trees: dict[str, Tree] = {}
        self._parsed: dict[tuple[str, str], tuple[Task, TaskFile]] = {}
        self._whole = True

    def bring(self, commits: Sequence[CommitInfo]) -> None:
        """Let a partial clone fetch the files of commits and of their parents in a few goes."""
        if self._objects.whole or not commits:
            return
        trees = {commit.id: commit.tree for commit in commits}
        for parent in {parent for commit in commits for parent in commit.parents} - trees.keys():
            trees[parent] = self._tree_id(parent)
        self._contents.bring([*dict.fromkeys(trees.values())])

    def of(self, commit: CommitInfo) -> Comparison:
        """A commit beside its parents; a root beside an empty list."""
        self._whole = True
        tree = self._tree(commit.tree)
        parents = [self._tree(self._tree_id(p)) for p in commit.parents]
        paths = {path for p in parents or [{}] for path, _ in p.items() ^ tree.items()}
        files = ParsedFiles(self._objects, self._list_id)
        befores = [self._snapshot(parent, paths, files) for parent in parents]
        befores = befores or [Snapshot(info=ListInfo(id=self._list_id))]
        after = self._snapshot(tree, paths, files)
        return Comparison(befores, after, self._whole)

    def _tree_id(self, commit_id: str) -> str:
        return read_commit(self._objects, commit_id).tree

    def _tree(self, tree_id: str) -> Tree:
        tree = self._trees.pop(tree_id, None) or self._contents.tree(tree_id)
        self._trees[tree_id] = tree
        while len(self._trees) > _TREES:
            del self._trees[next(iter(self._trees))]
        return tree

    def _snapshot(self, tree: Tree, paths: Collection[str], files: ParsedFiles) -> Snapshot:
        """The list as a tree says it, as far as it goes by these paths."""
        problems: list[Problem] = []
        info = ListInfo(id=self._list_id)
        entries = [_entry(path, tree[path]) for path in sorted(paths) if path in tree]
        if LIST in paths:
            root = [entry for entry in entries if entry.name == LIST]
            info, whole = read_info(self._objects, self._list_id, root, problems)
            self._whole = self._whole and whole
        tasks = [
            entry._replace(name=entry.name.removeprefix(TASKS))
            for entry in entries
            if entry.name.startswith(TASKS)
        ]
        folder = read_tasks(self._objects, files, tasks, self._known)
        for task_id, file in folder.files.items():
            self._parsed[task_id, file.blob] = folder.tasks[task_id], file
        self._whole = self._whole and folder.whole
        return Snapshot(info=info, tasks=folder.tasks, problems=(*problems, *folder.problems))

    def _known(self, task_id: str, blob: str) -> tuple[Task, TaskFile] | None:
        return self._parsed.get((task_id, blob))


def _entry(path: str, blob: str) -> TreeEntry:
    mode, _, object_id = blob.partition(" ")
    return TreeEntry(path, int(mode, 8), object_id)
