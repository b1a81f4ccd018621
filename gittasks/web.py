"""The server of the live page, on the loopback address alone.

It listens on the loopback address, and answers only requests that name it so: a page elsewhere
whose name was made to point here (DNS rebinding) is refused, and so is what other sites ask for
behind a reader's back. There are two addresses, `/` and `/events`, and no files.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import SHUT_RDWR
from socketserver import TCPServer
from threading import Condition, Event, Lock, Thread, Timer
from typing import Any, NamedTuple, Protocol

LOOK_EVERY = 0.5
"""Seconds between two looks at what is shown, while somebody is watching."""
_STALE = 30
"""Seconds after which a page is made anew although nothing moved: it tells running times."""


class Source(Protocol):
    """The source of the page; called by one thread at a time."""

    def moved(self) -> bool:
        """True when the list changed since the last call, and at the first. Never raises."""

    def page(self) -> str:
        """The page as it is now. Never raises for what can be expected."""


class Shown(NamedTuple):
    """A page, with the number of the change that it was made after, and when (monotonic)."""

    text: str
    number: int
    at: float


class LivePage:
    """Keeps the page for all who ask, and the number of changes for those who wait for one."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._looking = Lock()
        self._changed = Condition()
        self._number = 0
        self._viewers = 0
        self._shown: Shown | None = None
        source.moved()  # what is there now is where everybody begins

    def text(self) -> str:
        """The page as it is now."""
        with self._looking:
            self._look()
            now = time.monotonic()
            shown = self._shown
            if shown is None or shown.number != self._number or now - shown.at > _STALE:
                shown = self._shown = Shown(self._source.page(), self._number, now)
            return shown.text

    def wait(self, number: int, seconds: float) -> int:
        """The number of changes; waits until it is another than `number`, or so many seconds."""
        with self._changed:
            self._changed.wait_for(lambda: self._number != number, seconds)
            return self._number

    @contextmanager
    def viewer(self, most: int) -> Iterator[bool]:
        """Count a viewer while the block lasts; False when there are `most` already."""
        with self._changed:
            admitted = self._viewers < most
            self._viewers += admitted
            self._changed.notify_all()
        try:
            yield admitted
        finally:
            with self._changed:
                self._viewers -= admitted

    def follow(self, stop: Event) -> None:
        """Look again and again until `stop`; sleeps while there are no viewers."""
        while not stop.is_set():
            with self._changed:
                self._changed.wait_for(lambda: self._viewers > 0 or stop.is_set())
            with self._looking:
                self._look()
            stop.wait(LOOK_EVERY)

    def wake(self) -> None:
        """Let `follow` see that it is to stop."""
        with self._changed:
            self._changed.notify_all()

    def _look(self) -> None:
        if self._source.moved():
            with self._changed:
                self._number += 1
                self._changed.notify_all()


LOOPBACK = "127.0.0.1"
_MOST_VIEWERS = 200
"""Viewers at the same time; each holds a connection and a thread."""
_SIGN_OF_LIFE = 20.0
"""Seconds after which a viewer hears from us, so that one who left is noticed."""
_PATIENCE = 30.0
"""Seconds that a connection may take to send its request, or to take our answer."""


class Server(ThreadingHTTPServer):
    """The server; OSError when the port cannot be had. Port 0 is any that is free."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, port: int, live: LivePage, policy: str) -> None:
        self.live = live
        self.policy = policy
        super().__init__((LOOPBACK, port), _Handler)
        self.hosts = frozenset(f"{name}:{self.server_port}" for name in (LOOPBACK, "localhost"))

    def server_bind(self) -> None:
        """As TCP servers do: HTTPServer would look our name up in the DNS."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = LOOPBACK, self.server_address[1]

    @property
    def address(self) -> str:
        """The address to open in a browser."""
        return f"http://{LOOPBACK}:{self.server_port}/"

    def run(self) -> None:
        """Serve until this thread is interrupted."""
        stop = Event()
        follower = Thread(target=self.live.follow, args=(stop,), daemon=True)
        follower.start()
        try:
            # The selector wakes at once for a request or a signal; there is nothing else to see to.
            self.serve_forever(poll_interval=3600)
        finally:
            stop.set()
            self.live.wake()
            self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002
        """A viewer who goes away is no error; anything else is told in a line."""
        error = sys.exception() if hasattr(sys, "exception") else sys.exc_info()[1]
        if not isinstance(error, (ConnectionError, TimeoutError)):
            sys.stderr.write(f"error: a request failed: {type(error).__name__}: {error}\n")


class _Handler(BaseHTTPRequestHandler):
    """One request; the connection ends with it."""

    server: Server
    protocol_version = "HTTP/1.1"
    default_request_version = "HTTP/1.0"  # what cannot be understood is answered with a status
    timeout = _PATIENCE

    def setup(self) -> None:
        """Begin with a connection: its request has to be here in time, all of it."""
        super().setup()
        # A byte now and then would begin each wait for the next one anew.
        self._patience = Timer(_PATIENCE, self._hang_up)
        self._patience.daemon = True
        self._patience.start()

    def _hang_up(self) -> None:
        with suppress(OSError):  # it is closed already
            self.connection.shutdown(SHUT_RDWR)

    def finish(self) -> None:
        """End with a connection, whatever became of it."""
        self._patience.cancel()
        super().finish()

    def do_GET(self) -> None:
        """The page, or its changes as server-sent events."""
        if refusal := self._refusal():
            self._say(*refusal)
            return
        place = self.path.partition("?")[0]
        if place == "/":
            body = self.server.live.text().encode()
            self._head(HTTPStatus.OK, "text/html; charset=utf-8", len(body))
            self._body(body)
        elif place == "/events":
            self._events()
        else:
            self._say(HTTPStatus.NOT_FOUND, "there is only one page here: /")

    def do_HEAD(self) -> None:
        """The same without a body."""
        self.do_GET()

    def parse_request(self) -> bool:
        """Read the head of a request; False when there is no more to do about it."""
        try:
            if not super().parse_request():
                return False
        finally:
            self._patience.cancel()
        if self.command in ("GET", "HEAD"):
            return True
        self._say(HTTPStatus.METHOD_NOT_ALLOWED, "this page is read-only", {"Allow": "GET, HEAD"})
        return False

    def _refusal(self) -> tuple[HTTPStatus, str] | None:
        """The reason to refuse this request, if there is one."""
        hosts = self.headers.get_all("Host", [])
        if [host.lower() for host in hosts] not in [[known] for known in self.server.hosts]:
            return HTTPStatus.MISDIRECTED_REQUEST, f"this is {self.server.address}"
        foreign = self.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin")
        if foreign and self.headers.get("Sec-Fetch-Mode") != "navigate":
            return HTTPStatus.FORBIDDEN, "not for other sites"
        return None

    def _events(self) -> None:
        with self.server.live.viewer(_MOST_VIEWERS) as admitted:
            if not admitted:
                self._say(HTTPStatus.SERVICE_UNAVAILABLE, "too many viewers", {"Retry-After": "30"})
                return
            self._head(HTTPStatus.OK, "text/event-stream")
            if self.command == "HEAD":
                return
            seen = -1
            while True:
                number = self.server.live.wait(seen, _SIGN_OF_LIFE)
                message = ": still here\n\n"
                if number != seen:
                    message = f"retry: 2000\nevent: moved\ndata: {number}\n\n"
                self.wfile.write(message.encode())
                seen = number

    # --- answers ---------------------------------------------------------------------------

    def _head(
        self,
        status: HTTPStatus,
        kind: str,
        length: int | None = None,
        more: Mapping[str, str] = {},
    ) -> None:
        self.send_response(status)
        headers = {
            "Content-Type": kind,
            "Content-Security-Policy": f"{self.server.policy}; frame-ancestors 'none'",
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
            "Referrer-Policy": "no-referrer",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cache-Control": "no-store",
            "Connection": "close",
            **more,
        }
        if length is not None:
            headers["Content-Length"] = str(length)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def _body(self, body: bytes) -> None:
        if self.command != "HEAD":
            self.wfile.write(body)

    def _say(self, status: HTTPStatus, text: str, more: Mapping[str, str] = {}) -> None:
        body = f"{text}\n".encode()
        self._head(status, "text/plain; charset=utf-8", len(body), more)
        self._body(body)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:  # noqa: ARG002
        """Answer a request that cannot be understood in a word."""
        status = HTTPStatus(code)
        self._say(status, status.phrase)

    def version_string(self) -> str:
        """Our name, and no versions."""
        return "gittasks"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Requests are not told."""


def port_is_taken(error: OSError) -> bool:
    """True when a port could not be had because somebody else has it."""
    import errno

    return error.errno == errno.EADDRINUSE
