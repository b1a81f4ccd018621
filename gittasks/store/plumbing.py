"""Plumbing commands of git that answer much at once: one process each, however long a history is.

They only save time. What they leave out or do not answer is read one by one by whoever asked, which
fetches it, or says what is wrong with it. None of them runs a program that a repository names:
they look at objects alone, fetch nothing, and take no part in replacements and grafts.
"""

from __future__ import annotations

import os
from _thread import allocate_lock

from gittasks.errors import InvalidData
from gittasks.light import TYPE_CHECKING, NamedTuple, contextmanager, pattern, suppress
from gittasks.store import git

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import BinaryIO

_WINDOW = 4000
"""Bytes of questions that are asked before the answers are read: fewer than any pipe holds, so
that git and we never wait for each other."""


class Node(NamedTuple):
    """A commit in the graph: its tree, its parents, the times of author and committer."""

    id: str
    tree: str
    parents: tuple[str, ...]
    time: int
    committed: int


class TreeChange(NamedTuple):
    """A file that differs between two trees: mode and id on either side, None for no file."""

    path: str
    before: str | None
    after: str | None


class Plumbing:
    """The plumbing of one repository."""

    def __init__(self, common: str, env: Mapping[str, str]) -> None:
        self._common = common
        self._env = {**git.unbound(env), "GIT_GRAFT_FILE": os.devnull}

    def graph(self, heads: Iterable[str], ends: Iterable[str]) -> Iterator[Node]:
        """The commits that heads reach and `ends` do not, as a shallow clone has them.

        Those with times that a list does not take as they are, are left out.
        """
        new = tuple.__new__
        words = ["rev-list", "--ignore-missing", "--no-commit-header", "--format=%at %ct %H %T %P"]
        with self._answers([*words, *heads, *(f"^{end}" for end in ends), "--"]) as answers:
            rest = b""
            while block := answers.read(_BLOCK):
                lines, _, rest = (rest + block).rpartition(b"\n")
                text = lines.decode("ascii", "replace")
                for time, committed, commit, tree, parents in _USUAL_NODE.findall(text):
                    before = tuple(parents.split(" ")) if parents else ()
                    # As `Node(...)`, without a call for each of what may be a hundred thousand.
                    yield new(Node, (commit, tree, before, int(time), int(committed)))

    def touching(self, heads: Iterable[str], path: str) -> frozenset[str] | None:
        """The commits that heads reach and whose file at a path is not as in each of their parents.

        None where git cannot say it of all of them.
        """
        place = f":(top,literal){path}"
        # `GIT_LITERAL_PATHSPECS`, which editors set for their gits, would unmake the place.
        words = ["--no-literal-pathspecs", "rev-list", "--full-history", *heads, "--", place]
        process = self._start(words)
        try:
            assert process.stdout  # noqa: S101
            text = process.stdout.read()
        finally:
            _end(process)
        return None if process.returncode else frozenset(text.decode("ascii").split())

    def tree_changes(self, pairs: Iterable[tuple[str, str]]) -> Iterator[list[TreeChange] | None]:
        """For each pair of trees the files that differ; None where the names do not fit a list.

        It ends early where git cannot read a tree.
        """
        import tempfile  # only the first look at a history needs it

        headers = [f"{before} {after}\n".encode("ascii") for before, after in pairs]
        words = ["diff-tree", "--stdin", "-r", "-z", "--raw", "--no-renames", "--no-abbrev"]
        words += ["--no-ext-diff", "--ignore-submodules=none"]
        with tempfile.TemporaryFile() as questions:
            questions.writelines(headers)
            questions.seek(0)
            with self._answers(words, questions) as answers:
                yield from _by_pair(headers, answers)

    @contextmanager
    def _answers(self, words: Sequence[str], stdin: BinaryIO | None = None) -> Iterator[BinaryIO]:
        process = self._start(words, stdin)
        assert process.stdout  # noqa: S101
        try:
            yield process.stdout  # type: ignore[misc]
        finally:
            _end(process)

    def _start(
        self, words: Sequence[str], stdin: BinaryIO | None = None
    ) -> subprocess.Popen[bytes]:
        place = [*git.NO_HOOKS, "--no-replace-objects", f"--git-dir={self._common}"]
        return git.start_answering([*place, *words], cwd=self._common, env=self._env, stdin=stdin)

    def cat_file(self) -> CatFile:
        """One git that is asked for objects, as long as it answers."""
        return CatFile(self._start(["cat-file", "--batch-command", "--buffer"]))


_BLOCK = 1 << 18
"""Bytes of answers that are taken apart at once."""
_USUAL_NODE = pattern(r"(?m)^([0-9]{1,11}) ([0-9]{1,11}) ([0-9a-f]+) ([0-9a-f]+) ([0-9a-f ]*)$")
"""Times of up to eleven digits: the year 5138, and as ever all is well."""
_CHANGE = pattern(rb":([0-7]{6}) ([0-7]{6}) ([0-9a-f]{40,64}) ([0-9a-f]{40,64}) [A-Z]\0([^\0]+)\0")


def _by_pair(headers: Sequence[bytes], answers: BinaryIO) -> Iterator[list[TreeChange] | None]:
    """The answers of diff-tree: after the header of a pair, its changes up to the next header.

    A name may hold line ends, even what looks like a header; what does not add up is None.
    """
    text = answers.readline()
    if not headers or text != headers[0]:
        return
    for header in (*headers[1:], b""):
        text = b""
        while not header or not text.endswith(header):
            if not (line := answers.readline()):
                break
            text += line
        if header and not text.endswith(header):
            return  # git has ended: what it said of this pair may not be all
        yield _changes(text.removesuffix(header))


def _changes(text: bytes) -> list[TreeChange] | None:
    changes: dict[str, TreeChange] = {}
    length = 0
    for match in _CHANGE.finditer(text):
        length += len(match[0])
        mode, new_mode, before, after, name = match.groups()
        path = name.decode("utf-8", "surrogateescape")
        changes[path] = TreeChange(path, _file(mode, before), _file(new_mode, after))
        length -= path.count("/") > 1  # a folder where a task should be
    return list(changes.values()) if length == len(text) else None


def _file(mode: bytes, object_id: bytes) -> str | None:
    """Mode and id as the entries of a list have them."""
    return None if mode == b"000000" else f"{mode.decode()} {object_id.decode()}"


class CatFile:
    """One git that is asked for objects, as long as it answers; it fetches none.

    The size of an object comes first, so that one that is too long is not even unpacked.
    """

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._exchange = allocate_lock()
        """Held from a question to the end of its answers: threads may share a workspace."""

    def read(self, object_id: str, limit: int) -> tuple[str, bytes] | None:
        """Kind and content of an object, None when git lacks it; EOFError when git has ended."""
        ((_, size),) = self._sizes([object_id])
        if size is None:
            return None
        check_size(size, limit, object_id)
        ((_, content),) = self._contents([object_id])
        return content

    def read_many(
        self, object_ids: Iterable[str], limit: int | None
    ) -> Iterator[tuple[str, tuple[str, bytes]]]:
        """Kind and content of those objects that git has and that are not too long; EOFError."""
        for window in _windows(object_ids):
            fitting = window
            if limit is not None:
                sizes = self._sizes(window)
                fitting = [i for i, size in sizes if size is not None and size <= limit]
            yield from ((i, content) for i, content in self._contents(fitting) if content)

    def _sizes(self, object_ids: Sequence[str]) -> list[tuple[str, int | None]]:
        with self._exchange:
            self._ask("info", object_ids)
            return [(i, int(words[2]) if (words := self._header()) else None) for i in object_ids]

    def _contents(self, object_ids: Sequence[str]) -> list[tuple[str, tuple[str, bytes] | None]]:
        with self._exchange:
            self._ask("contents", object_ids)
            return [(object_id, self._content()) for object_id in object_ids]

    def _content(self) -> tuple[str, bytes] | None:
        if not (words := self._header()):
            return None
        assert self._process.stdout  # noqa: S101
        data = self._process.stdout.read((size := int(words[2])) + 1)
        if len(data) <= size:
            raise EOFError
        return words[1], data[:-1]

    def _ask(self, command: str, object_ids: Sequence[str]) -> None:
        assert self._process.stdin  # noqa: S101
        try:
            questions = [*(f"{command} {i}\n" for i in object_ids), "flush\n"]
            self._process.stdin.write("".join(questions).encode())
            self._process.stdin.flush()
        except OSError as error:
            raise EOFError from error

    def _header(self) -> list[str] | None:
        """Id, kind and size of an object; None for one that is missing."""
        assert self._process.stdout  # noqa: S101
        if not (line := self._process.stdout.readline()):
            raise EOFError
        words = line.decode("ascii", "replace").split()
        return words if len(words) == 3 else None

    def close(self) -> None:
        """End the git."""
        _end(self._process)


def _windows(object_ids: Iterable[str]) -> Iterator[list[str]]:
    window: list[str] = []
    for object_id in object_ids:
        window.append(object_id)
        if len(window) * (len(object_id) + len("contents  ")) > _WINDOW:
            yield window
            window = []
    if window:
        yield window


def check_size(size: int, limit: int, object_id: str) -> None:
    """Raise InvalidData when an object is longer than `limit` bytes."""
    if size > limit:
        raise InvalidData(f"larger than {limit} bytes", where=object_id)


def _end(process: subprocess.Popen[bytes]) -> None:
    for stream in (process.stdin, process.stdout):
        if stream:
            with suppress(OSError):
                stream.close()
    process.wait()
