#!/usr/bin/env python3
"""Keep one comment of a merge request up to date with the report of its task list.

Run by a job of GitHub Actions or GitLab CI in a checkout, however shallow. The list is the one
that is given, else the one that is named as the source branch, else the only one there is.

    report_comment.py [LIST]

The token is GITTASKS_TOKEN. Exit code 0 also where there is nothing to do: no merge request, no
list, or a token that may not write, as that of a fork.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote

MARK = re.compile(r"<!-- gittasks report: [A-Za-z0-9._-]+ -->$")
"""First line of a report, which readers do not see: by it the comment of a list is known."""
_AS_OF = "<sub>As of "
"""Beginning of the line that is another each time."""
_PAGE = 100
_PAGES = 50
_PATIENCE = 30
"""Seconds for one answer of the forge."""
_NO_LIST = 8
"""Exit code of gittasks where there is no list, or none that can be chosen."""
_TEXT = dict[str, Any]


class Nothing(Exception):
    """There is nothing to do, and the reason why."""


class Forge(NamedTuple):
    """The comments of one merge request: where they are, and how a forge calls things."""

    comments: str
    """URL of the comments; they are read and made there."""
    one: str
    """URL of a comment, before its id."""
    change: str
    """Method by which a comment is changed."""
    headers: Mapping[str, str]
    branch: str
    me: str | None
    """URL that tells who the token belongs to; None where a bot's comment is known as such."""

    def is_mine(self, comment: _TEXT, identity: object) -> bool:
        """Is a comment by the job, and not by somebody who wrote the mark?"""
        if self.me is None:
            return bool(comment.get("user", {}).get("type") == "Bot")
        return bool(comment.get("author", {}).get("id") == identity)


def forge(env: Mapping[str, str]) -> Forge:
    """The merge request that a job is about; Nothing when it is about none."""
    token = env.get("GITTASKS_TOKEN")
    if env.get("GITHUB_ACTIONS"):
        number = re.match(r"refs/pull/(\d+)/", env.get("GITHUB_REF", ""))
        if number is None:
            raise Nothing("this run is about no pull request")
        headers = {"Accept": "application/vnd.github+json", "Authorization": f"Bearer {token}"}
        base = f"{env['GITHUB_API_URL']}/repos/{env['GITHUB_REPOSITORY']}/issues"
        comments = f"{base}/{number[1]}/comments"
        branch = env.get("GITHUB_HEAD_REF", "")
        return _checked(Forge(comments, f"{base}/comments", "PATCH", headers, branch, None), token)
    if env.get("GITLAB_CI"):
        iid = env.get("CI_MERGE_REQUEST_IID")
        if not iid:
            raise Nothing("this job is about no merge request")
        api = env["CI_API_V4_URL"]
        project = quote(env["CI_PROJECT_ID"], safe="")
        notes = f"{api}/projects/{project}/merge_requests/{iid}/notes"
        branch = env.get("CI_MERGE_REQUEST_SOURCE_BRANCH_NAME", "")
        headers = {"PRIVATE-TOKEN": token or ""}
        return _checked(Forge(notes, notes, "PUT", headers, branch, f"{api}/user"), token)
    raise Nothing("this is neither GitHub Actions nor GitLab CI")


def _checked(found: Forge, token: str | None) -> Forge:
    if not token:
        raise Nothing("GITTASKS_TOKEN is not set, so no comment can be written")
    return found


def report(list_id: str | None, branch: str) -> str:
    """The report as Markdown; Nothing when there is no list to tell of."""
    named = list_id or re.sub(r"[^A-Za-z0-9._-]", "-", branch)
    if named:
        _gittasks("pull", "--list", named)  # a runner may keep the clone of an earlier job
        code, out, err = _gittasks("report", "--format", "markdown", "--list", named)
        if code != _NO_LIST:
            return _checked_report(code, out, err)
    if list_id:
        raise Nothing(err.splitlines()[0] if err else f"no list {list_id}")
    _gittasks("pull")  # a checkout of one branch has no list yet
    code, out, err = _gittasks("report", "--format", "markdown")
    if code == _NO_LIST:
        raise Nothing(err.splitlines()[0] if err else "there is no list")
    return _checked_report(code, out, err)


def _checked_report(code: int, out: str, err: str) -> str:
    if code != 0 or not MARK.match(out.partition("\n")[0]):
        sys.exit(f"gittasks report failed ({code}): {err.strip()}")
    return out


def _gittasks(*args: str) -> tuple[int, str, str]:
    done = subprocess.run(["gittasks", *args], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def publish(place: Forge, text: str) -> str:
    """Make the comment, or change the one that is there; a word about what was done."""
    mark = text.partition("\n")[0]
    identity = _call(place, "GET", place.me)["id"] if place.me else None
    for comment in _comments(place):
        body = str(comment.get("body", ""))
        if body.startswith(mark) and place.is_mine(comment, identity):
            if _said(body) == _said(text):
                return "the comment is up to date"
            _call(place, place.change, f"{place.one}/{comment['id']}", {"body": text})
            return "the comment is brought up to date"
    _call(place, "POST", place.comments, {"body": text})
    return "the comment is made"


def _said(body: str) -> list[str]:
    """The lines of a comment without their ends, which forges change, and without the moment."""
    lines = (line.rstrip() for line in body.strip().splitlines())
    return [line for line in lines if not line.startswith(_AS_OF)]


def _comments(place: Forge) -> Iterator[_TEXT]:
    for page in range(1, _PAGES + 1):
        comments = _call(place, "GET", f"{place.comments}?per_page={_PAGE}&page={page}")
        yield from comments
        if len(comments) < _PAGE:
            return


def _call(place: Forge, method: str, url: str, data: object = None) -> Any:
    """Call the forge; Nothing where the token may not do that."""
    content = json.dumps(data).encode() if data is not None else None
    headers = {"Content-Type": "application/json", "User-Agent": "gittasks", **place.headers}
    request = urllib.request.Request(url, content, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=_PATIENCE) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        reason = f"{method} {url}: {error.code} {error.reason}"
        if error.code in (401, 403):
            raise Nothing(f"the token may not do that (that of a fork may not): {reason}") from None
        sys.exit(reason)
    except (OSError, ValueError) as error:
        sys.exit(f"{method} {url}: {error}")


def main(args: list[str]) -> int:
    """Run the job."""
    list_id = args[0] if args and args[0] else None
    try:
        place = forge(os.environ)
        print(publish(place, report(list_id, place.branch)))
    except Nothing as reason:
        print(f"nothing to do: {reason}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
