"""What git and a remote say, in the words of an error: all that matters, once, and in short."""

from __future__ import annotations

import os

import pytest

from gittasks.errors import Refused
from gittasks.store import git

PUSH = """\
Enumerating objects: 5, done.
Counting objects: 100% (5/5)\rCounting objects: 100% (5/5), done.
remote: Resolving deltas: 100% (1/1), done.        
remote: Commits must be signed.        
remote: 
remote: Ask ada@example.com
remote: error: hook declined
To ../hub.git
 ! [remote rejected] main -> main (pre-receive hook declined)
error: failed to push some refs to '../hub.git'
"""  # noqa: W291  as git pads what a remote says


def _message(text: str) -> str:
    return git.remote_message(text.encode())


def test_what_a_hook_printed_is_the_reason() -> None:
    """Without progress, and without what git says of the push as a whole."""
    assert _message(PUSH) == "Commits must be signed.; Ask ada@example.com"


def test_errors_come_before_it_and_lose_their_prefix() -> None:
    text = "remote: printed\nfatal: one\nerror: two: three\nssh: four\nwarning: five\nfatal: one\n"
    assert _message(text) == "one; two: three; four; printed"


@pytest.mark.parametrize(
    "line",
    [
        "Host key verification failed.",
        "ada@host: Permission denied",
        "connect to host x port 22: Connection refused",
        "connect: Connection timed out.",
        "connect: Network is unreachable",
    ],
)
def test_how_ssh_says_why_is_known(line: str) -> None:
    """It comes first: git then only says that it could not read."""
    text = f"{line}\r\nfatal: Could not read from remote repository.\n\nPlease make sure\n"
    assert _message(text) == f"{line}; Could not read from remote repository."
    assert _message(f"ssh: {line}\n") == line


def test_a_lock_there_is_named_without_advice() -> None:
    text = (
        "remote: error: cannot lock ref 'refs/heads/x': Unable to create 'x.lock': File exists.\n"
        "remote: Another git process seems to be running in this repository, e.g.\n"
        "remote: an editor opened by 'git commit'.\n"
    )
    assert _message(text).endswith("Unable to create 'x.lock': File exists.")


def test_only_the_last_of_a_line_that_is_written_over_counts() -> None:
    assert _message("remote: 10%\rremote: 99%\rfatal: gone\n") == "gone"


def test_much_is_cut() -> None:
    """Eight lines, each of three hundred characters."""
    lines = [f"remote: {number} {'x' * 400}" for number in range(10)]
    words = _message("\n".join(lines)).split("; ")
    assert words[:8] == [f"{number} {'x' * 298}…" for number in range(8)]
    assert words[8:] == ["and 2 lines more"]
    assert _message("\n".join(f"remote: {n}" for n in range(8))) == "; ".join("01234567")
    assert _message(f"remote: {'x' * 300}") == "x" * 300
    assert _message("") == ""


def test_a_remote_that_talks_without_end_is_kept_from_both_ends() -> None:
    whole = b"a" * 32768 + b"b" * 32768
    assert git._shortened(whole) == whole
    short = git._shortened(whole + b"c" * 16384)
    assert short == b"a" * 32768 + b"\n" + b"c" * 16384


def test_a_whole_message_is_what_git_said_without_prefix_and_empty_lines() -> None:
    text = b"fatal: one\n\n\ttwo  \n   \nfatal: three\n\n"
    assert git.whole_message(text) == "one\n    two\nfatal: three"
    assert git.whole_message(b"error: one") == "one"
    assert git.whole_message(b" \n") == "git failed without a message"


def test_a_first_line_is_one_line_without_prefix() -> None:
    assert git.first_line(b"\nfatal: one\ntwo\n") == "one"
    assert git.first_line(b"error: one \xff\n") == "one \N{REPLACEMENT CHARACTER}"
    assert git.first_line(b"warning: one") == "warning: one"
    assert git.first_line(b"\n") == "git failed without a message"


def test_a_git_that_knows_no_reftable_is_named_with_the_way_out(tmp_path: object) -> None:
    folder = str(tmp_path)
    hint = str(git.reftable_hint(b"fatal: unknown extension RefStorage", folder, os.environ))
    assert hint.startswith("its refs are in a reftable, which needs git 2.45 or newer; this is git")
    assert hint.endswith("can be run: git refs migrate --ref-format=files")
    assert "\n" not in hint
    assert git.reftable_hint(b"fatal: another fault", folder, os.environ) is None


def test_nothing_is_written_in_a_push_that_is_not_accepted_yet() -> None:
    git.check_no_push({"GIT_QUARANTINE_PATH": ""})
    with pytest.raises(Refused) as caught:
        git.check_no_push({"GIT_QUARANTINE_PATH": "/x"})
    assert (caught.value.rule, caught.value.exit_code) == ("quarantine", 5)
    assert caught.value.message.startswith("a push is being received here, and nothing is written")
    assert str(caught.value.hint).endswith("write in post-receive")


def test_a_child_is_bound_to_no_repository_and_keeps_its_settings_where_it_searches() -> None:
    env = {"GIT_DIR": "x", "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "a.b", "HOME": "h"}
    assert git.unbound(env) == {"GIT_CONFIG_KEY_0": "a.b", "HOME": "h"}
    assert git.searching(env) == {k: v for k, v in env.items() if k != "GIT_DIR"}
