"""`serve`: a live page for this machine, and for nobody else."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from threading import Thread
from typing import NamedTuple

import pytest
from support.browser import CHROMIUM, MISSING, Browser
from support.reports import busy, hostile
from support.repositories import GITTASKS, Repo
from test_json import check_document

from gittasks import web

Copy = Callable[[str, Callable[[Repo], None]], Repo]


class Answer(NamedTuple):
    """What a server answered."""

    status: int
    headers: dict[str, str]
    body: str


class Served:
    """A list that is being served."""

    def __init__(self, repo: Repo, *args: str) -> None:
        self.repo = repo
        self.process = subprocess.Popen(
            [GITTASKS, "serve", "--json", *args],
            cwd=repo.path,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            # Whoever runs the tests may ignore it.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        assert self.process.stdout
        self.document = json.loads(self.process.stdout.readline())
        self.port = int(self.document["port"])
        self.url = str(self.document["url"])

    def ask(self, path: str = "/", method: str = "GET", **headers: str) -> Answer:
        """One request; `headers` with underscores for hyphens, `Host` as it should be."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, headers={"Host": f"127.0.0.1:{self.port}", **sent})
        answer = connection.getresponse()
        body = answer.read().decode()
        connection.close()
        return Answer(answer.status, dict(answer.getheaders()), body)

    def raw(self, data: bytes) -> bytes:
        """What comes back for these bytes, up to the end."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as connection:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            found = b""
            while more := connection.recv(1 << 16):
                found += more
            return found

    def listen(self) -> Iterator[str]:
        """The changes that one viewer is told of."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request("GET", "/events")
        answer = connection.getresponse()
        assert answer.headers["Content-Type"] == "text/event-stream"
        try:
            while line := answer.readline().decode():
                if line.startswith("data: "):
                    yield line.removeprefix("data: ").strip()
        finally:
            connection.close()

    def interrupt(self) -> tuple[int, str]:
        """Ctrl-C; the exit code and what is on stderr."""
        self.process.send_signal(signal.SIGINT)
        _, errors = self.process.communicate(timeout=30)
        return self.process.returncode, errors.decode().strip()


@pytest.fixture
def serve() -> Iterator[Callable[..., Served]]:
    """Serve lists, on free ports unless told otherwise; ended after the test."""
    served: list[Served] = []

    def start(repo: Repo, *args: str) -> Served:
        served.append(Served(repo, *(args or ("--port", "0"))))
        return served[-1]

    yield start
    for one in served:
        if one.process.poll() is None:
            one.process.kill()
        one.process.communicate(timeout=60)


Serve = Callable[..., Served]


def test_the_page_is_the_report(copy_of: Copy, serve: Serve) -> None:
    """The same page, with its script, under a policy that says so in the header too."""
    served = serve(copy_of("busy", busy))
    check_document(served.document, "serve")
    page = served.ask()
    assert page.status == 200
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "connect-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert "1/4 tasks complete (25%)" in page.body
    served.repo.ok("done", "core", "--owner", "bob")
    assert "2/4 tasks complete (50%)" in served.ask().body
    assert served.ask("/?x=1").status == 200
    served.repo.fsck()


def test_only_for_those_who_name_this_machine(listed: Repo, serve: Serve) -> None:
    """A page whose name was made to lead here is refused, and what other sites fetch."""
    served = serve(listed)
    port = served.port
    for host in (
        "evil.example",
        f"evil.example:{port}",
        "127.0.0.1",
        "127.0.0.1:1",
        "",
        "[::1]",
        f"0.0.0.0:{port}",
    ):
        for path in ("/", "/events"):
            assert served.ask(path, Host=host).status == 421, host
    for host in (f"localhost:{port}", f"LOCALHOST:{port}", f"127.0.0.1:{port}"):
        assert served.ask(Host=host).status == 200, host
    two = f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nHost: evil.example\r\n\r\n"
    assert b" 421 " in served.raw(two.encode()).partition(b"\r\n")[0]
    assert b" 421 " in served.raw(b"GET / HTTP/1.0\r\n\r\n").partition(b"\r\n")[0]
    assert served.ask("/events", Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="cors").status == 403
    assert served.ask(Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="navigate").status == 200
    assert "Access-Control-Allow-Origin" not in served.ask(Origin="http://evil.example").headers


def test_it_listens_on_the_loopback_address_alone(listed: Repo, serve: Serve) -> None:
    """The socket is bound to 127.0.0.1 (as the kernel lists it)."""
    served = serve(listed)
    with open("/proc/net/tcp", encoding="ascii") as file:
        rows = [line.split() for line in file][1:]
    bound = {row[1] for row in rows if row[1].endswith(f":{served.port:04X}") and row[3] == "0A"}
    assert bound == {f"0100007F:{served.port:04X}"}


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "FOO"])
def test_nothing_but_reading(listed: Repo, serve: Serve, method: str) -> None:
    """Any other method is refused, with those that are not."""
    answer = serve(listed).ask("/", method)
    assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD")


def test_no_other_place(listed: Repo, serve: Serve) -> None:
    """There are no files: whatever path is asked for, there is nothing; HEAD has no body."""
    served = serve(listed)
    for path in (
        "/code.txt",
        "/../code.txt",
        "//etc/passwd",
        "/%2e%2e/",
        "/.git/config",
        "/events/",
    ):
        answer = served.ask(path)
        assert answer.status == 404, path
        assert path not in answer.body
    head = served.ask("/", "HEAD")
    assert (head.status, head.body) == (200, "")
    assert int(head.headers["Content-Length"]) > 1000
    assert served.ask("/events", "HEAD").body == ""


def test_rubbish_is_answered_and_the_server_goes_on(listed: Repo, serve: Serve) -> None:
    """What is no request gets 400 or nothing; the next one is served."""
    served = serve(listed)
    for data in (b"\0\0\0\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"", b"x" * 70000):
        served.raw(data)
    assert served.raw(b"GET / HTTP/x\r\n\r\n").startswith(b"HTTP/1.1 400 ")
    assert served.ask().status == 200
    assert served.interrupt() == (130, "")


class _Still:
    """A list of which nobody ever asks twice."""

    def moved(self) -> bool:
        return False

    def page(self) -> str:
        return "page"


def test_a_request_has_to_be_here_in_time_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who sends a byte now and then is not waited for from each to the next."""
    monkeypatch.setattr(web, "_PATIENCE", 0.2)
    page = web.LivePage(_Still())
    with web.Server(0, page, "") as server:
        Thread(target=server.handle_request, daemon=True).start()
        with socket.create_connection((web.LOOPBACK, server.server_port), 5) as connection:
            connection.settimeout(0.02)
            connection.sendall(b"GET / HTTP/1.1\r\n")
            for _ in range(500):
                try:
                    connection.sendall(b"X")
                    answer = connection.recv(1)
                except TimeoutError:
                    continue
                except ConnectionError:
                    answer = b""
                break
            assert answer == b""


def test_many_viewers_are_told_of_each_change(listed: Repo, serve: Serve) -> None:
    """Thirty viewers, one of whom leaves; each hears once of where it begins and of a change."""
    served = serve(listed)
    viewers = [served.listen() for _ in range(30)]
    first = {next(viewer) for viewer in viewers}
    assert len(first) == 1
    viewers.pop().close()  # type: ignore[attr-defined]
    listed.ok("start", "a")
    second = {next(viewer) for viewer in viewers}
    assert len(second) == 1
    assert first != second
    assert "currently Task a" in served.ask().body


def test_what_was_fetched_is_seen(listed: Repo, serve: Serve, tmp_path: object) -> None:
    """A teammate's push shows after a fetch, by hand or with --fetch."""
    remote = listed.clone(f"{tmp_path}/remote.git", "--bare")
    listed.git("remote", "add", "origin", remote.path)
    listed.ok("push")
    other = remote.clone(f"{tmp_path}/other")
    served = serve(listed, "--port", "0", "--fetch", "1s")
    viewer = served.listen()
    next(viewer)
    other.ok("start", "a", "-l", "plan", "--owner", "eve")
    other.ok("push", "-l", "plan")
    while "eve" not in served.ask().body:
        next(viewer)


def test_a_list_that_goes_and_comes_back(listed: Repo, serve: Serve) -> None:
    """The page says that there is no list, and shows it when it is there again."""
    served = serve(listed)
    head = listed.head()
    listed.git("update-ref", "-d", "refs/heads/gittasks/plan")
    gone = served.ask()
    assert "No report just now" in gone.body
    assert "the task list &quot;plan&quot; is gone" in gone.body
    listed.git("update-ref", "refs/heads/gittasks/plan", head)
    assert "0 complete" in served.ask().body


def test_another_list_in_use_changes_nothing(listed: Repo, serve: Serve) -> None:
    """What is served is the list that was in use when it began."""
    served = serve(listed)
    listed.ok("init", "other", "--title", "Another")
    assert "Another" not in served.ask().body


def test_ports(listed: Repo, serve: Serve) -> None:
    """A port that is taken is an error when it was asked for; else another one is found."""
    first = serve(listed, "-q")
    second = serve(listed, "-q")
    assert first.port != second.port
    taken = listed.run("serve", "--port", str(first.port))
    assert (taken.code, taken.out) == (2, "")
    assert f"cannot serve on port {first.port}: Address already in use" in taken.err
    assert "hint: choose another with --port" in taken.err
    assert listed.run("serve", "--port", "70000").code == 2
    assert first.interrupt() == (130, "")
    again = serve(listed, "--port", str(first.port))
    assert again.port == first.port


def test_ctrl_c_ends_it_with_viewers(listed: Repo, serve: Serve) -> None:
    """It ends at once and without a word, though viewers are connected."""
    served = serve(listed)
    viewers = [served.listen() for _ in range(5)]
    for viewer in viewers:
        next(viewer)
    assert served.interrupt() == (130, "")
    with pytest.raises(ConnectionRefusedError):
        served.ask()


def test_without_a_list_there_is_nothing_to_serve(repo: Repo) -> None:
    """Said at once, with exit code 8; a wrong time or a missing remote too."""
    assert repo.run("serve").code == 8
    repo.ok("init", "plan")
    assert repo.run("serve", "--fetch", "often").code == 2
    assert repo.run("serve", "--fetch", "1s").code == 8


@pytest.mark.skipif(CHROMIUM is None, reason=MISSING)
def test_a_real_browser_follows(copy_of: Copy, serve: Serve, tmp_path: object) -> None:
    """The page renews itself: folds stay open, the focus stays, and it is said aloud."""
    served = serve(copy_of("busy", busy))
    with Browser(f"{tmp_path}/profile") as browser:
        page = browser.open(served.url)
        page.until("document.getElementById('live').textContent.startsWith('Live')")
        page.value("document.getElementById('t-core').closest('details').open = true")
        page.value("document.querySelector('nav a[href=\"#people\"]').focus()")
        served.repo.ok("done", "core", "--owner", "bob")
        page.until("document.querySelector('.summary').textContent.startsWith('2/4')")
        assert page.value("document.getElementById('t-core').closest('details').open")
        assert not page.value("document.getElementById('t-ask').closest('details').open")
        assert page.value("document.activeElement.getAttribute('href')") == "#people"
        assert page.value("document.title").startswith("50%")
        page.until("document.getElementById('live').textContent.startsWith('Live: 2/4')")
        assert page.events("Log.entryAdded") == []
        served.interrupt()
        page.until("document.getElementById('live').textContent.startsWith('Not connected')")


@pytest.mark.skipif(CHROMIUM is None, reason=MISSING)
def test_a_real_browser_and_hostile_texts(copy_of: Copy, serve: Serve, tmp_path: object) -> None:
    """Renewed with hostile texts nothing of them runs."""
    served = serve(copy_of("hostile", hostile))
    with Browser(f"{tmp_path}/profile") as browser:
        page = browser.open(served.url)
        served.repo.run("note", "b", "<img src=x onerror=\"document.title='owned'\">")
        page.until("document.body.textContent.includes('onerror=\"document')")
        assert page.value("document.title") != "owned"
        assert page.value("document.images.length") == 0
        asked = {e["request"]["url"] for e in page.events("Network.requestWillBeSent")}
        assert asked <= {served.url, f"{served.url}events", f"{served.url}favicon.ico"}
