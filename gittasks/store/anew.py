"""Commits that were never pushed, made anew for a forge that checks addresses and signatures."""

from __future__ import annotations

from gittasks.errors import InvalidData
from gittasks.store import git, signing, transaction
from gittasks.store.commits import MERGE_SIGNER, ROOT_SIGNER
from gittasks.store.list_store import ListStore
from gittasks.store.list_version import merge_subject
from gittasks.store.objects import NewObject

_NOBODY = (MERGE_SIGNER.encode(), ROOT_SIGNER.encode())


def make(store: ListStore, published: str | None) -> bool:
    """Make what was never pushed anew by `gittasks.identity` and `gittasks.sign`; True if so.

    `published` is what the remote was known to hold. Trees, messages, authors and dates stay: to
    the merge these are the same commits.
    """
    repository, objects = store.repository, store.repository.objects
    sign = signing.signer(repository)
    heads = store.heads()
    if heads.local is None or (objects.identity is None and sign is None):
        return False
    merge_message = f"{merge_subject(store.list_id)}\n".encode()
    identity = objects.identity.encode("utf-8", "surrogateescape") if objects.identity else None
    renamed: dict[bytes, bytes] = {}
    new: list[NewObject] = []
    for commit_id in _unpushed(store, heads.local, published):
        old = objects.read(commit_id, "commit")
        content = _rewritten(old, renamed, identity, merge_message)
        if content == old and (sign is None or signing.is_signed(old)):
            continue
        content = signing.unsigned(content)
        if sign is not None:
            content = signing.with_signature(objects.form, content, sign)
        new.append(objects.form.new("commit", content))
        renamed[commit_id.encode()] = new[-1].id.encode()
    if not new:
        return False
    return transaction.replace(store, heads.local, new)


def _unpushed(store: ListStore, local: str, published: str | None) -> list[str]:
    """The commits of the branch that no remote was seen to have, parents first."""
    repository = store.repository
    args = ["rev-list", "--topo-order", "--reverse", "--ignore-missing", local, "--not"]
    args += ["--remotes", *([published] if published else [])]
    place = [*git.NO_HOOKS, f"--git-dir={repository.common}"]
    answer = git.run([*place, *args], cwd=repository.common, env=git.unbound(repository.env))
    if answer.returncode != 0:
        raise InvalidData(f"git rev-list failed: {git.first_line(answer.stderr)}")
    return answer.stdout.decode("ascii").split()


def _rewritten(
    content: bytes, renamed: dict[bytes, bytes], identity: bytes | None, merge_message: bytes
) -> bytes:
    """The content of a commit on parents that were made anew, by the identity if by nobody."""
    head, _, message = content.partition(b"\n\n")
    lines = head.split(b"\n")
    parents = [renamed.get(line[7:], line[7:]) for line in lines if line.startswith(b"parent ")]
    if message == merge_message:
        parents.sort()
    after: list[bytes] = []
    for line in lines:
        key, _, value = line.partition(b" ")
        if key == b"parent":
            after.append(b"parent " + parents.pop(0))
        elif identity and key in (b"author", b"committer") and value.startswith(_NOBODY):
            after.append(b"%s %s%s" % (key, identity, value[value.index(b">") + 1 :]))
        else:
            after.append(line)
    return b"\n".join(after) + b"\n\n" + message
