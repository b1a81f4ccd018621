"""A TCP proxy that spoils connections, for tests of sharing."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from dataclasses import dataclass
from typing import Any

from support.servers import HOST, Service, hang_up


@dataclass(frozen=True)
class Fault:
    """What a proxy does to a connection."""

    delay_up: float = 0
    """Seconds that each piece of data waits on its way to the server; 3600 is silence."""
    delay_down: float = 0
    """The same on the way to the client."""
    cut_after: int | None = None
    """Hang up on both once so many bytes went to the server; 0 is at once."""


class Proxy(Service):
    """A TCP proxy in front of a server, which passes all until it is told otherwise."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.lost = 0
        """How many replies to a push were kept from the client."""
        self._to_lose = 0
        self._faults: list[Fault] = []
        super().__init__()

    def fault(self, fault: Fault, connections: int = 1) -> None:
        """The next connections get this fault; those after them pass."""
        with self.lock:
            self._faults += [fault] * connections

    def heal(self) -> None:
        """All pass again."""
        with self.lock:
            self._faults.clear()
            self._to_lose = 0

    def lose_replies(self, pushes: int = 1) -> None:
        """The next pushes by http are done, and the client is hung up on instead of told."""
        with self.lock:
            self._to_lose = pushes

    def finish_request(self, request: Any, client_address: Any) -> None:
        with self.lock:
            fault = self._faults.pop(0) if self._faults else Fault()
        if fault.cut_after == 0:
            return
        with socket.create_connection((HOST, self.target)) as server:
            server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self.lock:
                if self.ended.is_set():
                    return
                self._sockets.add(server)
            wire = _Wire(self, fault, request, server)
            up = threading.Thread(target=wire.carry_up)
            up.start()
            wire.carry_down()
            up.join(60)
            with self.lock:
                self._sockets.discard(server)

    def _loses(self) -> bool:
        with self.lock:
            self._to_lose -= 1
            return self._to_lose >= 0


_PUSH = re.compile(rb"POST \S+/git-receive-pack HTTP[^\0]*?\r\n\r\n")
_PROBE = b"Content-Length: 4\r\n"
"""Before a large push git asks with an empty one whether it may."""


@dataclass
class _Wire:
    """One connection through a proxy."""

    proxy: Proxy
    fault: Fault
    client: socket.socket
    server: socket.socket
    losing: bool = False

    def carry_up(self) -> None:
        left, head = self.fault.cut_after, b""
        with contextlib.suppress(OSError):
            while data := self.client.recv(65536)[:left]:
                self.proxy.ended.wait(self.fault.delay_up)
                head = (head + data)[-65536 - 8192 :]
                if push := _PUSH.search(head):
                    self.losing = _PROBE not in push[0] and self.proxy._loses()
                    head = head[push.end() :]
                self.server.sendall(data)
                if left is not None and (left := left - len(data)) == 0:
                    hang_up(self.client, self.server)
            self.server.shutdown(socket.SHUT_WR)

    def carry_down(self) -> None:
        with contextlib.suppress(OSError):
            while data := self.server.recv(65536):
                self.proxy.ended.wait(self.fault.delay_down)
                if self.losing and not data.startswith(b"HTTP/1.1 100 "):
                    self.proxy.lost += 1
                    break
                self.client.sendall(data)
        hang_up(self.client, self.server)
