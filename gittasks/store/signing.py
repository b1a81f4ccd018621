"""Signatures of commits (`gittasks.sign`), made as git makes them: by gpg, gpgsm or ssh-keygen."""

from __future__ import annotations

import os

from gittasks.errors import InvalidData, Way
from gittasks.light import TYPE_CHECKING, Callable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gittasks.store.list_tree import Evaluated
    from gittasks.store.objects import NewObject, ObjectFormat
    from gittasks.store.repository import Repository

Sign = Callable[[bytes], bytes]
"""Makes the signature of the content of a commit."""

_PROGRAMS = {"openpgp": "gpg", "x509": "gpgsm", "ssh": "ssh-keygen"}
"""The programs by `gpg.format` (git-config)."""
_PATIENCE = 60
"""Seconds that a program may take: nobody is here to type a passphrase."""


def signer(repository: Repository) -> Sign | None:
    """The way to sign commits here; None unless `gittasks.sign` asks for it."""
    config = repository.config
    if not config.flag("gittasks.sign"):
        return None
    form = (config.get("gpg.format") or "openpgp").lower()
    if form not in _PROGRAMS:
        raise InvalidData(f'git config gpg.format is "{form}"', hint="use openpgp, x509 or ssh")
    program = config.get(f"gpg.{form}.program")
    if program is None and form == "openpgp":
        program = config.get("gpg.program")
    program = os.path.expanduser(program or _PROGRAMS[form])
    key = config.get("user.signingkey")
    if form == "ssh":
        if not key or key.startswith(("key::", "ssh-")):
            raise InvalidData(
                "gittasks.sign is set, and user.signingKey names no file of an ssh key",
                hint="git config user.signingKey ~/.ssh/id_ed25519.pub",
            )
        path = os.path.join(repository.start, os.path.expanduser(key))
        argv = [program, "-Y", "sign", "-n", "git", "-f", path]
    else:
        argv = [program, "--status-fd=2", "-bsau", key or config.committer or ""]
    return lambda content: _signature(argv, content, repository)


def _signature(argv: list[str], content: bytes, repository: Repository) -> bytes:
    import subprocess  # 4 ms, and only who signs needs it

    try:
        done = subprocess.run(
            argv,
            cwd=repository.start,
            env={**repository.env, "LC_ALL": "C"},
            input=content,
            capture_output=True,
            timeout=_PATIENCE,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _unsigned(argv[0], str(error)) from error
    if done.returncode != 0 or not done.stdout.startswith(b"-----BEGIN "):
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
        reasons = [line for line in lines if not line.startswith("[GNUPG:]")]
        raise _unsigned(argv[0], reasons[0] if reasons else "it made no signature")
    return done.stdout


def _unsigned(program: str, why: str) -> InvalidData:
    return InvalidData(
        f"the commit could not be signed by {program}: {why}",
        hint="nothing was changed; user.signingKey and gpg.format say what signs",
        ways=[Way("sign no more", ("git", "config", "gittasks.sign", "false"), decision=True)],
    )


def signed(repository: Repository, objects: Sequence[NewObject]) -> list[NewObject]:
    """The objects of a commit, the last of them, signed when that is asked for."""
    sign = signer(repository) if objects else None
    if sign is None:
        return list(objects)
    form, commit = repository.objects.form, objects[-1]
    return [*objects[:-1], form.new("commit", with_signature(form, commit.data, sign))]


def signed_merge(repository: Repository, merge: Evaluated) -> Evaluated:
    """An evaluation whose automatic commit is about to be written: signed when asked for."""
    if not merge.new:
        return merge
    new = tuple(signed(repository, merge.new))
    return merge._replace(new=new, branch=merge.branch._replace(commit=new[-1].id))


def with_signature(form: ObjectFormat, content: bytes, sign: Sign) -> bytes:
    """The content of a commit with its signature in the header that git looks for."""
    header = b"gpgsig" if form.name == "sha1" else b"gpgsig-" + form.name.encode()
    head, _, message = content.partition(b"\n\n")
    lines = sign(content).rstrip(b"\n").replace(b"\r", b"").split(b"\n")
    return b"%s\n%s %s\n\n%s" % (head, header, b"\n ".join(lines), message)


def is_signed(content: bytes) -> bool:
    """True for a commit that has a signature."""
    return b"\ngpgsig" in content.partition(b"\n\n")[0]


def unsigned(content: bytes) -> bytes:
    """The content of a commit without its signature."""
    head, _, message = content.partition(b"\n\n")
    lines, inside = [], False
    for line in head.split(b"\n"):
        inside = line.startswith(b"gpgsig") or (inside and line.startswith(b" "))
        lines += [] if inside else [line]
    return b"\n".join(lines) + b"\n\n" + message
