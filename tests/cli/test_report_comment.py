"""The job of a forge: one comment of a merge request is kept up to date, in a shallow checkout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from ruamel.yaml import YAML
from support.repositories import GITTASKS, Repo, git
from support.templates import copied

FORGES = Path(__file__).parents[2] / "forges"
MARK = "<!-- gittasks report: plan -->"
ME = {"user": {"type": "Bot"}, "author": {"id": 7}}
SOMEBODY = {"user": {"type": "User"}, "author": {"id": 8}}


class Api:
    """A stand-in for the comments of one merge request, as GitHub and GitLab serve them."""

    def __init__(self) -> None:
        self.comments: list[dict[str, Any]] = []
        self.calls: list[str] = []
        self.forbidden = False
        self.server = HTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def answer(self, method: str, path: str, data: Any) -> tuple[int, Any]:
        """The status and the body of an answer."""
        place, _, query = path.partition("?")
        self.calls.append(f"{method} {place}")
        if place == "/user":
            return 200, {"id": 7}
        if method != "GET" and self.forbidden:
            return 403, {"message": "Resource not accessible by integration"}
        if method == "POST":
            self.comments.append({"id": 1000 + len(self.comments), **data, **ME})
            return 201, self.comments[-1]
        if method in ("PATCH", "PUT"):
            comment = next(c for c in self.comments if str(c["id"]) == place.rpartition("/")[2])
            comment.update(data)
            return 200, comment
        size, page = (int(part.partition("=")[2]) for part in query.split("&"))
        return 200, self.comments[size * (page - 1) : size * page]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        api = self

        class Handler(BaseHTTPRequestHandler):
            def _run(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                data = json.loads(self.rfile.read(length)) if length else None
                assert "secret" in (self.headers["Authorization"] or self.headers["PRIVATE-TOKEN"])
                status, body = api.answer(self.command, self.path, data)
                self.send_response(status)
                self.end_headers()
                self.wfile.write(json.dumps(body).encode())

            do_GET = do_POST = do_PATCH = do_PUT = _run  # noqa: N815

            def log_message(self, *_: object) -> None:
                pass

        return Handler


@pytest.fixture
def api() -> Iterator[Api]:
    """The stand-in, on the loopback address."""
    served = Api()
    thread = threading.Thread(target=served.server.serve_forever, daemon=True)
    thread.start()
    yield served
    served.server.shutdown()
    thread.join()
    served.server.server_close()


class Job(NamedTuple):
    """A job of a forge in a checkout: what it runs, and the variables that it has."""

    script: str
    env: dict[str, str]
    folder: str

    def run(self, **more: str) -> str:
        """Run it, which must succeed; what it said."""
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", self.script],
            cwd=self.folder,
            env={**os.environ, **self.env, **more},
            capture_output=True,
            text=True,
            check=False,
            timeout=150,
        )
        assert done.returncode == 0, done
        return done.stdout


def _yaml(name: str) -> Any:
    return YAML(typ="safe").load((FORGES / name).read_text(encoding="utf-8"))


def _github(api: Api, folder: str) -> Job:
    script = _yaml("github/action.yml")["runs"]["steps"][1]["run"]
    return Job(
        script.replace("python3", sys.executable),
        {
            "GITHUB_ACTIONS": "true",
            "GITHUB_ACTION_PATH": str(FORGES / "github"),
            "GITHUB_API_URL": api.url,
            "GITHUB_REPOSITORY": "team/project",
            "GITHUB_REF": "refs/pull/12/merge",
            "GITHUB_HEAD_REF": "feat/login",
            "RUNNER_TEMP": "/nowhere",
        },
        folder,
    )


def _gitlab(api: Api, folder: str) -> Job:
    script = "\n".join(_yaml("gitlab.yml")["progress-of-the-task-list"]["script"])
    begin, _, end = script.partition('"$(')
    path = f'"{FORGES}/report_comment.py"{end.partition("report_comment.py")[2][1:]}'
    return Job(
        f"{begin}{path}".replace("python3", sys.executable),
        {
            "GITHUB_ACTIONS": "",
            "GITLAB_CI": "true",
            "CI_API_V4_URL": api.url,
            "CI_PROJECT_ID": "5",
            "CI_MERGE_REQUEST_IID": "12",
            "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME": "feat/login",
        },
        folder,
    )


def _build(folder: str) -> None:
    """A clone with a list, its bare hub, and a checkout of one commit of one branch."""
    team = Repo.listed(os.path.join(folder, "team"), "a", "b")
    hub = team.clone(os.path.join(folder, "hub.git"), "--bare")
    team.git("remote", "add", "origin", hub.path)
    team.ok("sync", "--first")
    checkout, url = os.path.join(folder, "checkout"), f"file://{hub.path}"
    git(folder, "clone", "-q", "--depth=1", "--single-branch", url, checkout)
    git(checkout, "checkout", "-q", "--detach")


@pytest.fixture(params=[_github])
def job(request: pytest.FixtureRequest, api: Api, tmp_path: Path) -> Job:
    """A job on a merge request, in a shallow checkout."""
    copied("report-comment", _build, str(tmp_path))
    made: Job = request.param(api, str(tmp_path / "checkout"))
    made.env.update(
        PATH=os.pathsep.join((os.path.dirname(GITTASKS), os.environ["PATH"])),
        GITTASKS_TOKEN="secret",
        GITTASKS_REPORTED="",
        NO_PROXY="127.0.0.1",
        no_proxy="127.0.0.1",
    )
    return made


BOTH = pytest.mark.parametrize("job", [_github, _gitlab], indirect=True)


@BOTH
def test_one_comment_is_kept_up_to_date(job: Job, api: Api, tmp_path: Path) -> None:
    """Made once, changed when the list has moved, left alone when it has not."""
    assert job.run() == "the comment is made\n"
    assert "2 tasks, 0 complete" in api.comments[0]["body"]
    assert api.comments[0]["body"].startswith(MARK)
    assert job.run() == "the comment is up to date\n"
    team = Repo(str(tmp_path / "team"))
    team.ok("done", "a")
    team.ok("push")
    assert job.run() == "the comment is brought up to date\n"
    assert len(api.comments) == 1
    assert "1/2 tasks complete (50%)" in api.comments[0]["body"]


def test_a_checkout_that_is_used_again_looks_anew(job: Job, api: Api, tmp_path: Path) -> None:
    """A runner may keep the clone of the last job; a list that it has is fetched all the same."""
    job.run(GITTASKS_REPORTED="plan")
    team = Repo(str(tmp_path / "team"))
    team.ok("done", "a")
    team.ok("push")
    assert job.run(GITTASKS_REPORTED="plan") == "the comment is brought up to date\n"
    assert "1/2 tasks complete (50%)" in api.comments[0]["body"]


@BOTH
def test_comments_of_others_stay(job: Job, api: Api) -> None:
    """Whoever writes the mark gets no report in the comment; ours is found behind a hundred."""
    api.comments = [{"id": n, "body": f"{MARK} {n}", **SOMEBODY} for n in range(120)]
    api.comments.append({"id": 500, "body": f"{MARK}\nold", **ME})
    before = [dict(comment) for comment in api.comments[:120]]
    assert job.run() == "the comment is brought up to date\n"
    assert api.comments[:120] == before
    assert len(api.comments) == 121


def test_the_list_of_the_source_branch_comes_first(job: Job, api: Api, tmp_path: Path) -> None:
    """A list that is named as the branch is fetched by itself; one that is given is that one."""
    team = Repo(str(tmp_path / "team"))
    team.ok("init", "feat-login")
    team.ok("create", "Of the branch", "--id", "own")
    team.ok("push")
    job.run()
    assert "Of the branch" in api.comments[0]["body"]
    job.run(GITTASKS_REPORTED="plan")
    assert "Task a" in api.comments[1]["body"]
    assert "nothing to do" in job.run(GITTASKS_REPORTED="nowhere")


def test_a_token_that_may_not_write_fails_no_job(job: Job, api: Api) -> None:
    api.forbidden = True
    assert "nothing to do: the token may not do that" in job.run()
    assert "nothing to do: GITTASKS_TOKEN" in job.run(GITTASKS_TOKEN="")
    assert api.comments == []


def test_no_merge_request_is_nothing_to_do(job: Job, api: Api) -> None:
    said = job.run(GITHUB_REF="refs/heads/main", CI_MERGE_REQUEST_IID="")
    assert "nothing to do: this" in said
    assert api.calls == []


def test_a_repository_without_lists_is_nothing_to_do(job: Job, api: Api, tmp_path: Path) -> None:
    hub = Repo(str(tmp_path / "hub.git"))
    hub.git("update-ref", "-d", "refs/heads/gittasks/plan")
    assert "nothing to do" in job.run()
    assert api.comments == []


def test_the_wheel_has_the_script() -> None:
    """The snippet of GitLab runs it from where pip has put it."""
    text = (FORGES.parent / "pyproject.toml").read_text(encoding="utf-8")
    assert '"forges/report_comment.py" = "share/gittasks/report_comment.py"' in text
