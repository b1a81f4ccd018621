"""Objects: written once and read from wherever they are, within limits, ahead and by number."""

from __future__ import annotations

import errno
import hashlib
import os
import time
import zlib
from pathlib import Path

import pytest
from support.repositories import Repo

from gittasks.core.model import FETCHED_AGAIN, LACKS, PROMISED, TORN
from gittasks.errors import InvalidData, Refused
from gittasks.store import discovery, git, objects, platform
from gittasks.store.disk import Backoff, Sharing, short_hash
from gittasks.store.git import Completed
from gittasks.store.objects import FORMATS, Malformed, ObjectStore, Promisor, Unavailable

SHA1 = FORMATS["sha1"]


def _store(repo: Repo, **options: object) -> ObjectStore:
    form = FORMATS[repo.git("rev-parse", "--show-object-format")]
    return ObjectStore(repo.git_dir, os.environ, form=form, **options)  # type: ignore[arg-type]


def _packed(repo: Repo, *contents: str) -> list[str]:
    """Blobs that are in a pack alone."""
    ids = [repo.blob(content) for content in contents]
    repo.git("pack-objects", "-q", ".git/objects/pack/pack", stdin="\n".join(ids) + "\n")
    repo.git("prune-packed", "-q")
    return ids


def _promisor(repo: Repo, *remotes: str, reason: str | None = None) -> Promisor:
    place = discovery.discover(repo.path, os.environ)
    return Promisor(place, os.environ, remotes, lambda: reason)


class TestReading:
    """An object is what its id says, of the kind that is asked for, and no longer than may be."""

    @pytest.mark.parametrize("name", ["sha1", "sha256"])
    def test_the_id_is_git_s(self, tmp_path: Path, name: str) -> None:
        repo = Repo.create(str(tmp_path / "x"), f"--object-format={name}")
        for content in ("", "text\n"):
            assert FORMATS[name].id_of("blob", content.encode()) == repo.blob(content)
        assert FORMATS[name].id_length * 2 == len(repo.blob(""))

    def test_from_a_file_a_pack_and_memory(self, repo: Repo) -> None:
        (packed,) = _packed(repo, "packed")
        loose = repo.blob("loose")
        store = _store(repo)
        staged = store.form.new("blob", b"staged")
        store.stage([staged])
        for object_id, content in ((packed, b"packed"), (loose, b"loose"), (staged.id, b"staged")):
            assert store.read(object_id, "blob") == content
            assert store.has(object_id)
        assert [store.is_near(i) for i in (packed, loose, staged.id)] == [False, True, True]
        assert [store.is_staged(i) for i in (packed, loose, staged.id)] == [False, False, True]
        assert store.missing([staged]) == [staged]
        store.close()
        assert store.read(packed, "blob") == b"packed"

    def test_one_that_is_not_here_is_said_to_be_lacking(self, repo: Repo) -> None:
        name = "1" * len(repo.git("rev-parse", "HEAD"))
        store = _store(repo)
        assert not store.has(name)
        with pytest.raises(Unavailable) as caught:
            store.read(name, "blob")
        error = caught.value
        assert (error.message, error.where) == (f"{LACKS}blob {name}", name)
        assert error.advice == FETCHED_AGAIN
        assert error.commands == (("gittasks", "doctor"),)

    @pytest.mark.parametrize("damage", [b"", b"x", b"cut", b"other"])
    def test_a_damaged_one_is_called_so(self, repo: Repo, damage: bytes) -> None:
        """Torn, or with another's content."""
        store = _store(repo)
        blob = store.form.new("blob", b"some content")
        store.write([blob])
        path = Path(store.loose_path(blob.id))
        path.chmod(0o600)
        whole = path.read_bytes()
        data = {
            b"cut": whole[:-3],
            b"other": zlib.compress(b"blob 12\0some kontent"),
        }.get(damage, damage)
        path.write_bytes(data)
        with pytest.raises(Unavailable) as caught:
            store.read(blob.id, "blob")
        assert caught.value.message == f"{TORN}blob {blob.id} is damaged"

    def test_another_kind_is_malformed(self, repo: Repo) -> None:
        head = repo.git("rev-parse", "HEAD")
        with pytest.raises(Malformed) as caught:
            _store(repo).read(head, "blob")
        assert (caught.value.message, caught.value.where) == (
            f"{head} is a commit, not a blob",
            head,
        )

    @pytest.mark.parametrize("loose", [True, False])
    def test_a_longer_one_is_not_unpacked(
        self, repo: Repo, monkeypatch: pytest.MonkeyPatch, loose: bool
    ) -> None:
        monkeypatch.setitem(objects.LIMITS, "blob", 100)
        make = repo.blob if loose else lambda content: _packed(repo, content)[0]
        fits, longer = make("x" * 100), make("x" * 101)
        store = _store(repo)
        assert store.read(fits, "blob") == b"x" * 100
        with pytest.raises(InvalidData) as caught:
            store.read(longer, "blob")
        assert not isinstance(caught.value, Unavailable)
        assert longer in str(caught.value.where)
        store.close()
        packs = store._opened_packs()
        if loose:
            assert packs.read(fits, 99) is None
        else:
            with pytest.raises(InvalidData, match="larger than 99 bytes"):
                packs.read(fits, 99)


class TestPacks:
    """Packs are read by us where git was asked and is gone, with every form of entry."""

    @pytest.mark.parametrize("options", [[], ["--delta-base-offset"]])
    def test_deltas_of_both_kinds(self, repo: Repo, options: list[str]) -> None:
        base = "".join(f"line {number}\n" for number in range(300))
        contents = [base, base + "more\n", base.replace("line 7\n", "seven\n"), "x" * 20, ""]
        ids = [repo.blob(content) for content in contents]
        arguments = ["-q", "--window=10", *options, ".git/objects/pack/pack"]
        repo.git("pack-objects", *arguments, stdin="\n".join(ids) + "\n")
        repo.git("prune-packed", "-q")
        store = _store(repo)
        packs = store._opened_packs()
        for object_id, content in zip(ids, contents, strict=True):
            assert packs.has(object_id)
            assert packs.read(object_id, 10**6) == ("blob", content.encode())
        with pytest.raises(InvalidData):
            packs.read(ids[1], len(contents[1]) - 1)
        packs.close()
        assert not packs.has(ids[0])

    def test_those_of_alternates_and_their_files(self, repo: Repo, tmp_path: Path) -> None:
        other = Repo.create(str(tmp_path / "other"))
        (packed,), loose = _packed(other, "packed"), other.blob("loose")
        path = Path(repo.git_dir, "objects", "info", "alternates")
        path.parent.mkdir(exist_ok=True)
        path.write_text(os.path.join(other.git_dir, "objects") + "\n")
        store = _store(repo)
        packs = store._opened_packs()
        for object_id, content in ((packed, b"packed"), (loose, b"loose")):
            assert packs.has(object_id)
            assert packs.read(object_id, 100) == ("blob", content)

    def test_numbers_as_git_packs_them(self) -> None:
        """gitformat-pack: sizes with the lowest bits first, distances with the highest."""
        assert objects._entry_header(bytes([0x35])) == (3, 5, 1)
        assert objects._entry_header(bytes([0xB5, 0x83, 0x01])) == (3, 5 | 3 << 4 | 1 << 11, 3)
        assert objects._varint(bytes([0, 0xE5, 0x8E, 0x26]), 1) == (624485, 4)
        assert objects._base_distance(bytes([9, 0x7F]), 1) == (127, 2)
        assert objects._base_distance(bytes([0x80, 0x00]), 0) == (128, 2)
        assert objects._base_distance(bytes([0x81, 0x80, 0x05]), 0) == ((256 + 1 << 7) + 5, 3)


class TestAhead:
    """Objects that are read ahead are had once without asking, within a bound of memory."""

    @pytest.fixture
    def blobs(self, repo: Repo, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        """Ten packed blobs of thirty bytes, of which three and a half may be kept."""
        monkeypatch.setattr(objects, "_MOST_AHEAD", 105)
        return _packed(repo, *(f"{number:030}" for number in range(10)))

    def test_until_the_bound_is_passed(self, repo: Repo, blobs: list[str]) -> None:
        store = _store(repo)
        store.read_ahead(blobs, "blob")
        assert list(store._ahead) == blobs[:4]
        assert store.read(blobs[0], "blob") == b"0" * 30
        assert list(store._ahead) == blobs[1:4]
        store.read_ahead(blobs[1:3], "blob")
        assert list(store._ahead) == blobs[1:4], "they are there"
        store.read_ahead(blobs[4:6], "blob")
        assert list(store._ahead) == blobs[4:6], "the others were too many"
        store._ahead.clear()
        store.read_ahead(blobs[:1], "blob")
        store.read_ahead(blobs[1:3], "blob")
        assert list(store._ahead) == blobs[:3]

    def test_a_few_loose_ones_are_left_to_their_files(self, repo: Repo) -> None:
        ids = [repo.blob(f"{number}") for number in range(17)]
        store = _store(repo)
        store.read_ahead(ids[:16], "blob")
        assert not store._ahead
        store.read_ahead(ids, "blob")
        assert list(store._ahead) == ids
        assert [store.read(i, "blob") for i in ids] == [b"%d" % n for n in range(17)]

    def test_what_cannot_be_read_is_left_to_the_next_read(self, repo: Repo) -> None:
        ids = _packed(repo, "one", "two")
        lacking = "1" * len(ids[0])
        store = _store(repo)
        store.read_ahead([ids[0], lacking, ids[1]], "blob")
        assert store.read(ids[1], "blob") == b"two"
        with pytest.raises(Unavailable):
            store.read(lacking, "blob")


class TestWriting:
    """Objects are whole in their place, young, synced if that is wanted, and never twice."""

    def test_those_that_are_there_are_made_young(self, repo: Repo) -> None:
        store = _store(repo)
        blob = store.form.new("blob", b"x")
        store.write([blob])
        path = Path(store.loose_path(blob.id))
        inode = path.stat().st_ino
        os.utime(path, (1, 1))
        store.write([blob])
        assert path.stat().st_ino == inode
        assert path.stat().st_mtime > time.time() - 600
        path.chmod(0o600)
        path.write_bytes(b"")  # as a power cut leaves it
        store.write([blob])
        assert store.read(blob.id, "blob") == b"x"
        assert sorted(os.listdir(path.parent)) == [path.name]

    @pytest.mark.parametrize("size", [0, 4000, 5000, 100_000])
    def test_git_reads_them(self, repo: Repo, size: int) -> None:
        store = _store(repo)
        blob = store.form.new("blob", os.urandom(size // 2).hex().encode())
        store.write([blob])
        assert repo.git("cat-file", "-p", blob.id) == blob.data.decode()
        assert store.read(blob.id, "blob") == blob.data

    def test_permissions_are_those_of_the_repository(self, repo: Repo) -> None:
        store = _store(repo, shared=Sharing(0o660))
        blob = store.form.new("blob", b"shared")
        store.write([blob])
        path = Path(store.loose_path(blob.id))
        assert path.stat().st_mode & 0o777 == 0o444
        assert path.parent.stat().st_mode & 0o070 == 0o070

    @pytest.mark.parametrize("call", ["write", "close"])
    def test_a_draft_that_cannot_be_written_is_closed_and_goes(
        self, repo: Repo, monkeypatch: pytest.MonkeyPatch, call: str
    ) -> None:
        """Its error names the object, and no handle of it is left."""
        store, real, handles = _store(repo), getattr(os, call), list[int]()

        def fail(handle: int, *args: bytes) -> int:
            handles.append(handle)
            if call == "close":
                real(handle, *args)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        blob = store.form.new("blob", b"content")
        with monkeypatch.context() as patch:
            patch.setattr(os, call, fail)
            with pytest.raises(OSError, match="No space") as error:
                store.write([blob])
        assert error.value.filename == store.loose_path(blob.id)
        for handle in handles:
            with pytest.raises(OSError, match="Bad file descriptor"):
                os.fstat(handle)
        assert os.listdir(os.path.dirname(store.loose_path(blob.id))) == []

    def test_what_the_system_takes_in_parts_is_written_whole(
        self, repo: Repo, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real, parts = os.write, list[int]()

        def write(handle: int, data: bytes) -> int:
            parts.append(real(handle, data[:100]))
            return parts[-1]

        store = _store(repo)
        blob = store.form.new("blob", os.urandom(500).hex().encode())
        with monkeypatch.context() as patch:
            patch.setattr(os, "write", write)
            store.write([blob])
        assert len(parts) > 3
        assert repo.git("cat-file", "-p", blob.id) == blob.data.decode()

    @pytest.mark.parametrize("durable", [True, False])
    def test_files_are_synced_before_their_folders(
        self, repo: Repo, monkeypatch: pytest.MonkeyPatch, durable: bool
    ) -> None:
        synced: list[list[str]] = []
        monkeypatch.setattr(
            objects, "sync_all", lambda paths: synced.append(sorted(paths)) if paths else None
        )
        store = _store(repo, durable=durable)
        old, new = (store.form.new("blob", text) for text in (b"old", b"new"))
        store.write([old])
        synced.clear()
        store.write([old, new])
        if not durable:
            assert synced == []
            return
        files, folders = synced
        folder = os.path.join(repo.git_dir, "objects")
        assert len(files) == 2
        assert store.loose_path(old.id) in files
        assert all("tmp_obj_" in path or path == store.loose_path(old.id) for path in files)
        own = {os.path.dirname(store.loose_path(item.id)) for item in (old, new)}
        assert folders == sorted([folder, *own])

    def test_a_write_that_fails_leaves_no_draft(
        self, repo: Repo, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*_: str) -> None:
            raise OSError(errno.EIO, "x")

        store = _store(repo)
        blobs = [store.form.new("blob", text) for text in (b"1", b"2")]
        with monkeypatch.context() as patch:
            patch.setattr(platform, "replace", refuse)
            with pytest.raises(OSError, match="x"):
                store.write(blobs)
        for blob in blobs:
            folder = os.path.dirname(store.loose_path(blob.id))
            assert not [name for name in os.listdir(folder) if name.startswith("tmp_obj")]

    def test_what_git_packed_meanwhile_is_not_written_again(
        self, repo: Repo, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A folder that goes away is made again, in the end beside where no prune looks."""
        waits: list[int] = []
        monkeypatch.setattr(Backoff, "wait", lambda _, attempt: waits.append(attempt))
        store = _store(repo)
        real, tries = store._write_once, list[tuple[list[str], bool]]()
        blobs = [store.form.new("blob", text) for text in (b"1", b"2")]

        def once(batch: list[objects.NewObject], *, aside: bool) -> list[str]:
            tries.append(([item.id for item in batch], aside))
            if len(tries) == 2:
                _packed(repo, "1")
            if len(tries) < 5:
                raise FileNotFoundError
            return real(batch, aside=aside)

        monkeypatch.setattr(store, "_write_once", once)
        store.write(blobs)
        both, one = [blob.id for blob in blobs], [blobs[1].id]
        assert tries == [(both, False), (both, False), (one, False), (one, True), (one, True)]
        assert waits == [0, 1, 2, 3]
        assert store.read(blobs[0].id, "blob") == b"1"

    def test_but_not_for_ever(self, repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
        waits: list[int] = []
        monkeypatch.setattr(Backoff, "wait", lambda _, attempt: waits.append(attempt))
        store = _store(repo)

        def once(*_: object, **__: object) -> None:
            raise FileExistsError

        monkeypatch.setattr(store, "_write_once", once)
        with pytest.raises(FileExistsError):
            store.write([store.form.new("blob", b"1")])
        assert waits == [*range(19)]

    def test_nothing_is_written_in_a_push_that_is_received(self, repo: Repo) -> None:
        store = ObjectStore(repo.git_dir, {**os.environ, "GIT_QUARANTINE_PATH": "x"})
        with pytest.raises(Refused):
            store.write([store.form.new("blob", b"1")])


class TestPromisor:
    """The remotes of a partial clone are asked as long as they give something."""

    @pytest.fixture
    def asked(self, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[str]]]:
        """The questions to remotes; of `answers` below each takes one."""
        questions: list[tuple[str, list[str]]] = []

        def ask(_self: Promisor, remote: str, ids: list[str]) -> str | None:
            questions.append((remote, list(ids)))
            return self.answers.pop(0)

        self.answers: list[str | None] = []
        monkeypatch.setattr(Promisor, "_ask", ask)
        return questions

    def test_the_first_that_has_all_is_the_last_that_is_asked(
        self, repo: Repo, asked: list[tuple[str, list[str]]]
    ) -> None:
        self.answers += ["no network", None]
        promisor = _promisor(repo, "o", "p", "q")
        assert promisor.fetch(["a", "b"]) is None
        assert asked == [("o", ["a", "b"]), ("p", ["a", "b"])]

    def test_one_that_gives_nothing_is_not_asked_again_for_a_while(
        self,
        repo: Repo,
        asked: list[tuple[str, list[str]]],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        now = [100.0]
        monkeypatch.setattr(objects, "monotonic", lambda: now[0])
        self.answers += ["no network", None]
        promisor = _promisor(repo, "o")
        reason = "it cannot be fetched from o: no network"
        for moment in (100.0, 159.0):
            now[0] = moment
            assert promisor.fetch(["a"]) == reason
        assert len(asked) == 1
        now[0] = 160.0
        assert promisor.fetch(["a"]) is None

    def test_objects_that_it_has_not_are_left_out(
        self, repo: Repo, asked: list[tuple[str, list[str]]]
    ) -> None:
        first, second = "1" * 40, "2" * 40
        self.answers += [f"fatal: not our ref {first}", None]
        promisor = _promisor(repo, "o")
        absent = "o has not all of its objects either"
        assert promisor.fetch([first, second]) == absent
        assert asked == [("o", [first, second]), ("o", [second])]
        assert promisor.fetch([first]) == absent
        assert len(asked) == 2
        self.answers += [f"not our ref {number * 40}" for number in "345"]
        assert promisor.fetch([number * 40 for number in "34567"]) == absent
        assert len(asked) == 5

    def test_where_it_may_not_be_asked_it_is_said_why(
        self, repo: Repo, asked: list[tuple[str, list[str]]]
    ) -> None:
        promisor = _promisor(repo, "o", reason="WHY")
        store = _store(repo, promisor=promisor)
        assert not store.whole
        ids = ["1" * 40, "2" * 40]
        error = store.need([*ids, repo.git("rev-parse", "HEAD")])
        assert error
        words = f"{PROMISED}{ids[0]} and 1 more objects of the list; WHY"
        assert error.message == words
        assert error.hint == "run this again when the remote can be reached"
        assert str(store.need(ids[:1])).endswith(f"{ids[0]}; WHY")
        assert store.need([repo.git("rev-parse", "HEAD")]) is None
        assert _store(repo).need(ids) is None
        with pytest.raises(Unavailable) as caught:
            store.read(ids[0], "blob")
        assert caught.value.message == f"{PROMISED}the blob {ids[0]}; WHY"
        assert asked == []

    def test_git_is_told_the_ids_and_nothing_else_comes(
        self, repo: Repo, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        calls: list[tuple[list[str], bytes]] = []

        def run(args: list[str], *, stdin: object, **_: object) -> Completed:
            calls.append((args, stdin.read()))  # type: ignore[attr-defined]
            return Completed(len(calls) - 1, b"", b"fatal: no way")

        monkeypatch.setattr(git, "run_remote", run)
        promisor = _promisor(repo, "o")
        assert promisor.fetch(["a", "b"]) is None
        args, ids = calls[0]
        assert ids == b"a\nb\n"
        assert args[-1] == "o"
        assert {"fetch", "--filter=blob:none", "--no-write-fetch-head", "--stdin"} <= {*args}
        assert promisor.fetch(["a"]) == "it cannot be fetched from o: no way"


class TestPutBack:
    """What git removed of the last writes is written again, as many as were."""

    REF = "refs/heads/gittasks/plan"

    def _written(self, store: ObjectStore, *texts: bytes) -> list[objects.NewObject]:
        """Blobs and a commit of them, written to a branch."""
        new = [store.form.new("blob", text) for text in texts]
        tree = store.form.new(
            "tree",
            b"".join(
                b"100644 %d\0%s" % (number, bytes.fromhex(blob.id))
                for number, blob in enumerate(new)
            ),
        )
        who = b"Ada <ada@example.com> 1800000000 +0000"
        head = b"tree %s\nauthor %s\ncommitter %s\n\nx\n" % (tree.id.encode(), who, who)
        new += [tree, store.form.new("commit", head)]
        assert store.write_commit(self.REF, None, new) == []
        return new

    def test_as_many_as_are_gone(self, repo: Repo) -> None:
        store = _store(repo)
        new = self._written(store, b"one", b"two")
        head = new[-1].id
        assert store.put_back(self.REF, head) == 0
        for lost in (new[:1], new[:3], new):
            for item in lost:
                os.unlink(store.loose_path(item.id))
            assert store.put_back(self.REF, head) == len(lost)
            assert all(store.read(item.id, item.kind) == item.data for item in new)
        assert store.put_back("refs/heads/gittasks/other", head) == 0

    def test_what_was_packed_is_not_gone(self, repo: Repo) -> None:
        store = _store(repo)
        new = self._written(store, b"one", b"two")
        assert not store._opened_packs().has("1" * len(new[0].id))
        _packed(repo, "one")
        os.unlink(store.loose_path(new[1].id))
        assert store.put_back(self.REF, new[-1].id, whole=True) == 1

    def test_folders_are_left_to_who_names_the_objects(self, repo: Repo) -> None:
        """The move of the ref syncs them with itself; unless it is durable, nobody does."""
        store = _store(repo)
        blob = store.form.new("blob", b"x")
        folders = store.write_commit(self.REF, None, [blob], named=False)
        assert sorted(folders) == sorted(
            [os.path.join(repo.git_dir, "objects"), os.path.dirname(store.loose_path(blob.id))]
        )
        assert _store(repo, durable=False).write_commit(self.REF, None, [blob], named=False) == []
        assert store.write_commit(self.REF, None, [], named=False) == []


class TestSources:
    """Where an object is looked for, and in which order."""

    def test_a_pack_that_came_since_the_last_look_is_opened(
        self, repo: Repo, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Also where git is not asked, or is gone."""
        store = _store(repo)
        assert not store._opened_packs().has("1" * len(repo.blob("first")))
        (packed,) = _packed(repo, "came later")
        monkeypatch.setattr(store, "_read_by_git", lambda *_: None)
        assert store.read(packed, "blob") == b"came later"

    def test_one_that_was_written_beside_a_prune_comes_from_the_journal(self, repo: Repo) -> None:
        """It is put back in its place; not where a damaged file is, which is the user's to see."""
        store = _store(repo)
        blob = store.form.new("blob", b"kept")
        store.write_commit("refs/heads/gittasks/plan", None, [blob])
        path = Path(store.loose_path(blob.id))
        path.unlink()
        assert store.read(blob.id, "blob") == b"kept"
        assert path.exists()
        path.chmod(0o600)
        path.write_bytes(b"x")
        with pytest.raises(Unavailable, match="is damaged"):
            store.read(blob.id, "blob")
        assert path.read_bytes() == b"x"

    @pytest.mark.parametrize("kind", ["blob", "tree"])
    def test_one_that_is_too_long_is_not_taken_from_the_journal(
        self, repo: Repo, monkeypatch: pytest.MonkeyPatch, kind: str
    ) -> None:
        store = _store(repo)
        new = store.form.new(kind, b"x" * 10)
        store.write_commit("refs/heads/gittasks/plan", None, [new])
        os.unlink(store.loose_path(new.id))
        monkeypatch.setitem(objects.LIMITS, kind, 9)
        with pytest.raises(Unavailable):
            store.read(new.id, kind)
        monkeypatch.setitem(objects.LIMITS, kind, 10)
        assert store.read(new.id, kind) == new.data

    def test_a_git_that_ends_is_started_anew(self, repo: Repo) -> None:
        (packed,) = _packed(repo, "packed")
        store = _store(repo)

        class Ended:
            closed = 0

            def read(self, *_: object) -> None:
                raise EOFError

            def read_many(self, *_: object) -> None:
                raise EOFError

            def close(self) -> None:
                self.closed += 1

        ended: object = Ended()
        store._cat = ended  # type: ignore[assignment]
        assert store._read_by_git(packed, 100) is None
        assert store._cat is None
        assert store._read_by_git(packed, 100) == ("blob", b"packed")
        store.close()
        store._cat = ended  # type: ignore[assignment]
        store.read_ahead([packed], "blob")
        assert (store._cat, store._ahead) == (None, {})
        assert isinstance(ended, Ended)
        assert ended.closed == 2

    def test_what_was_promised_is_fetched_and_then_read(
        self, repo: Repo, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """git itself is not asked where the remote does not give it: it would try the same."""
        promisor = _promisor(repo, "o")
        fetched: list[list[str]] = []
        asked: list[str] = []
        object_id = FORMATS[repo.git("rev-parse", "--show-object-format")].id_of("blob", b"later")

        def fetch(ids: list[str]) -> str | None:
            fetched.append(ids)
            if arrives:
                _packed(repo, "later")
            return None if arrives else "WHY"

        store = _store(repo, promisor=promisor)
        monkeypatch.setattr(promisor, "fetch", fetch)
        monkeypatch.setattr(store, "_read_by_git", lambda i, _: asked.append(i))
        arrives = False
        with pytest.raises(Unavailable, match=f"{object_id}; WHY"):
            store.read(object_id, "blob")
        assert asked == []
        arrives = True
        assert store.read(object_id, "blob") == b"later"
        assert asked == []
        assert fetched == [[object_id]] * 3

    def test_of_many_that_are_lacking_all_are_fetched_in_one_go(
        self, repo: Repo, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        promisor = _promisor(repo, "o")
        fetched: list[list[str]] = []
        monkeypatch.setattr(promisor, "fetch", lambda ids: fetched.append([*ids]))
        store = _store(repo, promisor=promisor)
        length = len(repo.blob("x"))
        lacking = [digit * length for digit in "123"]
        assert store.need([*lacking, lacking[0], repo.blob("x")]) is None
        assert fetched == [lacking]
        assert not store.has(lacking[0])
        (packed,) = _packed(repo, "packed meanwhile")
        assert store.need([packed]) is None
        assert len(fetched) == 1

    def test_what_was_fetched_is_there(self, repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
        """It comes in a pack that was not there when it was looked for."""
        promisor = _promisor(repo, "o")
        store = _store(repo, promisor=promisor)
        later = store.form.id_of("blob", b"later")

        def fetch(_: list[str]) -> None:
            assert _packed(repo, "later") == [later]

        monkeypatch.setattr(promisor, "fetch", fetch)
        assert store.need([later]) is None
        assert store.has(later)


class TestSizes:
    """Every step on the way to an object has its limit, not the object alone."""

    def test_of_each_object_and_of_the_largest_step_to_it(
        self, repo: Repo, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        base = "".join(f"line {number}\n" for number in range(3000))
        ids = _packed(repo, base, base[:20_000])
        store = _store(repo)
        packs = store._opened_packs()
        assert packs.read(ids[1], 20_000) == ("blob", base[:20_000].encode())
        sizes = set(packs._known_sizes.values())
        assert sizes == {(len(base), len(base)), (20_000, len(base))}
        monkeypatch.setattr(objects, "_STEP", len(base) - 1)
        again = _store(repo)
        with pytest.raises(InvalidData):
            again._opened_packs().read(ids[1], 20_000)
        assert again._opened_packs().read(ids[1], len(base)) is not None
        monkeypatch.setattr(objects, "_STEP", len(base))
        last = _store(repo)
        assert last._opened_packs().read(ids[1], 20_000) is not None

    def test_of_small_ones_too(self, repo: Repo) -> None:
        """A size of one byte stands before another."""
        base = "".join(f"{number:03} " for number in range(30))
        ids = _packed(repo, base, base[:110])
        store = _store(repo)
        assert store._opened_packs().read(ids[1], 110) == ("blob", base[:110].encode())
        assert set(store._opened_packs()._known_sizes.values()) == {(120, 120), (110, 120)}

    def test_a_chain_without_an_end_is_none(
        self, repo: Repo, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A damaged pack may lead anywhere: then another source is asked."""
        base = "".join(f"line {number}\n" for number in range(3000))
        ids = _packed(repo, base, base[:20_000])
        for most, present in ((1, False), (2, True)):
            monkeypatch.setattr(objects, "_LONGEST_CHAIN", most)
            store = _store(repo)
            assert (store._opened_packs().read(ids[1], 10**6) is not None) is present

    @pytest.mark.parametrize("size", [0, 1, 63, 64, 65, 5000])
    def test_a_loose_one_is_read_to_its_end(self, repo: Repo, size: int) -> None:
        store = _store(repo)
        path = Path(store.loose_path(store.form.id_of("blob", b"x" * size)))
        store.write([store.form.new("blob", b"x" * size)])
        assert objects.read_loose(str(path), size) == ("blob", b"x" * size)
        if size:
            with pytest.raises(InvalidData):
                objects.read_loose(str(path), size - 1)
        assert objects.read_loose(f"{path}x", size) is None
        for header in (b"blob %d\0" % (size + 1), b"blob %d\0" % max(size - 1, 0), b"blob x\0"):
            path.chmod(0o600)
            path.write_bytes(zlib.compress(header + b"x" * size))
            damaged = objects.read_loose(str(path), size + 10) == objects._DAMAGED
            assert damaged or (size == 0 and header == b"blob 0\0")


def test_a_draft_of_a_killed_writer_is_swept_after_a_day(tmp_path: Path) -> None:
    old, new = tmp_path / "tmp_obj_1", tmp_path / "tmp_obj_2"
    for path, age in ((old, 86_500), (new, 86_300)):
        path.touch()
        os.utime(path, (time.time() - age,) * 2)
    objects._sweep(str(tmp_path))
    assert os.listdir(tmp_path) == ["tmp_obj_2"]


def test_the_name_of_a_text_is_the_beginning_of_its_hash() -> None:
    for text in ("", "https://h/x", "\N{LATIN SMALL LETTER E WITH ACUTE}"):
        digest = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
        assert short_hash(text) == digest[:20]
