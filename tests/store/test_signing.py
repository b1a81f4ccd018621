"""Signatures of commits: what makes one, where it stands in a commit, and what stops the write."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support.repositories import Repo

from gittasks.errors import InvalidData, Way
from gittasks.store import signing
from gittasks.store.objects import FORMATS
from gittasks.store.repository import Repository

COMMIT = b"tree 1\nauthor Ada <a> 0 +0000\ncommitter Ada <a> 0 +0000\n\nA subject\n\nA body\n"
SIGNATURE = b"-----BEGIN SIGNATURE-----\r\n\r\nline\r\n-----END SIGNATURE-----\n"
TOLD = """#!/bin/sh
printf '%s\\n' "$PWD" "$LC_ALL" "$@" > "{log}"
cat >> "{log}"
printf -- '{answer}'
{end}
"""


def _program(repo: Repo, answer: str = "-----BEGIN X\\n", end: str = "") -> Path:
    """The log of a program that signs with the given answer; it is set for all three forms."""
    log, script = Path(repo.file("log")), Path(repo.file("signs"))
    script.write_text(TOLD.format(log=log, answer=answer, end=end))
    script.chmod(0o755)
    for key in ("gpg.openpgp.program", "gpg.x509.program", "gpg.ssh.program"):
        repo.git("config", key, str(script))
    repo.git("config", "gittasks.sign", "true")
    return log


def _opened(repo: Repo) -> Repository:
    return Repository(repo.path, os.environ)


def _signed(repo: Repo) -> bytes:
    sign = signing.signer(_opened(repo))
    assert sign
    return sign(COMMIT)


def _refused(repo: Repo) -> InvalidData:
    with pytest.raises(InvalidData) as caught:
        _signed(repo)
    return caught.value


def test_nothing_is_signed_unless_it_is_asked_for(repo: Repo) -> None:
    repo.git("config", "commit.gpgsign", "true")
    assert signing.signer(_opened(repo)) is None
    objects = [FORMATS["sha1"].new("commit", COMMIT)]
    assert signing.signed(_opened(repo), objects) == objects
    _program(repo)
    assert signing.signed(_opened(repo), []) == []


@pytest.mark.parametrize("form", ["openpgp", "X509", None])
def test_gpg_is_told_the_key_or_who_commits(repo: Repo, form: str | None) -> None:
    """It runs where the command does, in git's own words, and gets the commit."""
    log = _program(repo)
    if form:
        repo.git("config", "gpg.format", form)
    for key, told in ((None, "Ada <ada@example.com>"), ("ABC", "ABC")):
        if key:
            repo.git("config", "user.signingKey", key)
        assert _signed(repo) == b"-----BEGIN X\n"
        words = [repo.path, "C", "--status-fd=2", "-bsau", told]
        assert log.read_bytes() == "\n".join([*words, COMMIT.decode()]).encode()


def test_the_old_name_of_the_program_is_that_of_openpgp_alone(repo: Repo) -> None:
    log = _program(repo)
    repo.git("config", "gpg.program", repo.file("signs"))
    for form in ("openpgp", "x509"):
        repo.git("config", "--unset", f"gpg.{form}.program")
        repo.git("config", "gpg.format", form)
        repo.git("config", f"gpg.{form}.program", "/nowhere/of-its-own")
        assert "/nowhere/of-its-own" in _refused(repo).message
        repo.git("config", "--unset", f"gpg.{form}.program")
        if form == "openpgp":
            assert _signed(repo)
            assert log.exists()
        else:
            with pytest.MonkeyPatch.context() as patch:
                patch.setitem(signing._PROGRAMS, "x509", "/nowhere/gpgsm")
                assert "/nowhere/gpgsm" in _refused(repo).message


def test_ssh_is_told_the_file_of_the_key(repo: Repo) -> None:
    """As the command names it: from its folder, or below the home folder."""
    log = _program(repo)
    repo.git("config", "gpg.format", "ssh")
    home = os.path.expanduser("~")
    for key, path in (("keys/k.pub", repo.file("keys/k.pub")), ("~/k", os.path.join(home, "k"))):
        repo.git("config", "user.signingKey", key)
        _signed(repo)
        told = log.read_text().splitlines()[2:9]
        assert told == ["-Y", "sign", "-n", "git", "-f", path, "tree 1"]


@pytest.mark.parametrize("key", [None, "key::ssh-ed25519 AAA", "ssh-ed25519 AAA"])
def test_a_key_that_is_no_file_is_refused(repo: Repo, key: str | None) -> None:
    _program(repo)
    repo.git("config", "gpg.format", "ssh")
    if key:
        repo.git("config", "user.signingKey", key)
    error = _refused(repo)
    assert error.message == "gittasks.sign is set, and user.signingKey names no file of an ssh key"
    assert error.hint == "git config user.signingKey ~/.ssh/id_ed25519.pub"


def test_a_form_that_nobody_knows_is_refused(repo: Repo) -> None:
    _program(repo)
    repo.git("config", "gpg.format", "pgp")
    error = _refused(repo)
    assert (error.message, error.hint) == (
        'git config gpg.format is "pgp"',
        "use openpgp, x509 or ssh",
    )


@pytest.mark.parametrize(
    ("answer", "end", "why"),
    [
        ("", "", "it made no signature"),
        ("x-----BEGIN", "", "it made no signature"),
        ("-----BEGIN X", "exit 2", "it made no signature"),
        ("", "printf '[GNUPG:] X\\nno key\\nmore' >&2; exit 1", "no key"),
    ],
)
def test_a_program_that_makes_none_stops_the_write(
    repo: Repo, answer: str, end: str, why: str
) -> None:
    _program(repo, answer, end)
    error = _refused(repo)
    assert error.message == f"the commit could not be signed by {repo.file('signs')}: {why}"
    assert "nothing was changed" in str(error.advice)
    command = ("git", "config", "gittasks.sign", "false")
    assert error.ways == (Way("sign no more", command, decision=True),)


def test_a_program_that_waits_for_somebody_is_given_up(
    repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    _program(repo, end="exec sleep 60")
    monkeypatch.setattr(signing, "_PATIENCE", 0.05)
    assert "timed out" in _refused(repo).message


@pytest.mark.parametrize(("name", "header"), [("sha1", "gpgsig"), ("sha256", "gpgsig-sha256")])
def test_a_signature_stands_in_the_header(name: str, header: str) -> None:
    """Over all of the commit without it; taken out again the commit is as it was."""
    given = []

    def sign(content: bytes) -> bytes:
        given.append(content)
        return SIGNATURE

    signed = signing.with_signature(FORMATS[name], COMMIT, sign)
    assert given == [COMMIT]
    head, message = COMMIT.split(b"\n\n", 1)
    lines = f"{header} -----BEGIN SIGNATURE-----\n \n line\n -----END SIGNATURE-----"
    assert signed == head + b"\n" + lines.encode() + b"\n\n" + message
    assert signing.is_signed(signed)
    assert signing.unsigned(signed) == COMMIT
    again = signed.replace(b"\n\nA subject", b"\nencoding x\n more\n\nA subject", 1)
    rest = COMMIT.replace(b"\n\nA subject", b"\nencoding x\n more\n\nA subject", 1)
    assert signing.unsigned(again) == rest


def test_what_a_message_says_is_no_signature() -> None:
    quoted = COMMIT + b"\ngpgsig x\n y\n"
    assert not signing.is_signed(quoted)
    assert signing.unsigned(quoted) == quoted


def test_the_last_object_of_a_write_is_signed(repo: Repo) -> None:
    _program(repo)
    form = FORMATS["sha1"]
    blob, commit = form.new("blob", b"x"), form.new("commit", COMMIT)
    first, last = signing.signed(_opened(repo), [blob, commit])
    assert first == blob
    assert last == form.new("commit", last.data)
    assert last.data.startswith(COMMIT.split(b"\n\n")[0] + b"\ngpgsig -----BEGIN X\n\nA subject")
