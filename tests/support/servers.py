"""Servers for tests of sharing: sshd and smart http, and what they have in common.

Each listens on 127.0.0.1, on a port of the kernel's choice, in a thread of the tests. It ends with
its `with` block, and so do its connections and the processes that it started. On the server side
git sees the environment of the moment the server was made.
"""

from __future__ import annotations

import base64
import contextlib
import http.server
import io
import os
import re
import shlex
import shutil
import signal
import socket
import socketserver
import subprocess
import sys
import threading
import urllib.parse
from collections.abc import Mapping, Sequence
from typing import Any, cast

import pytest

from support.repositories import git

HOST = "127.0.0.1"
USER, PASSWORD = "ada", "s3cret"


class Service(socketserver.ThreadingTCPServer):
    """A listener on loopback with one thread a connection; subclasses say what a thread does."""

    allow_reuse_address = True
    daemon_threads = False  # joined by server_close()
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__((HOST, 0), socketserver.BaseRequestHandler)
        self.port: int = self.socket.getsockname()[1]
        self.ended = threading.Event()
        self.lock = threading.Lock()
        self.connections = 0
        """How many were accepted so far."""
        self._sockets: set[socket.socket] = set()
        self._children: set[subprocess.Popen[bytes]] = set()
        self._thread = threading.Thread(target=self.serve_forever, args=(0.02,))
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End the listener, the connections and the child processes; nothing if that is done."""
        if self.ended.is_set():
            return
        self.ended.set()
        self.shutdown()
        self._thread.join(60)
        with self.lock:
            for connection in self._sockets:
                hang_up(connection)
            for child in self._children:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(child.pid, signal.SIGTERM)
        self.server_close()

    def run(self, args: Sequence[str], data: bytes | None = None, **options: Any) -> bytes:
        """Run a process that does not outlive the service; its output, where that is a pipe.

        What it says on stderr is what pytest shows of a test that failed.
        """
        with self.lock:
            if self.ended.is_set():
                raise ConnectionAbortedError
            child = subprocess.Popen(args, start_new_session=True, **options)
            self._children.add(child)
        try:
            return child.communicate(data)[0] or b""
        finally:
            with self.lock:
                self._children.discard(child)

    def process_request(self, request: Any, client_address: Any) -> None:
        request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self.lock:
            self.connections += 1
            self._sockets.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self.lock:
            self._sockets.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no fault of the server; the rest is shown."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


def hang_up(*connections: socket.socket) -> None:
    """End both directions of connections; whoever made them closes them."""
    for connection in connections:
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)


def _program(name: str, packages: str, folders: str = "") -> str:
    """Absolute path of a program; without it the test is skipped, and says what to install."""
    found = shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", ""), folders]))
    if found is None:
        pytest.skip(f"{name} is not installed ({packages}), so this transport is NOT tested")
    return os.path.abspath(found)


def _write(folder: str, name: str, text: str) -> str:
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


class Sshd(Service):
    """The system's sshd as the current user, one process a connection; ~/.ssh is not used.

    When it ends, its commands lose their connection but get no signal: let no hook sleep for long.
    """

    def __init__(self, folder: str) -> None:
        sshd = _program("sshd", "Debian: openssh-server", "/usr/sbin:/usr/local/sbin")
        ssh, keygen = (_program(n, "Debian: openssh-client") for n in ("ssh", "ssh-keygen"))
        host, user = os.path.join(folder, "host"), os.path.join(folder, "user")
        for key in (host, user):
            subprocess.run([keygen, "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
        with open(f"{host}.pub", encoding="utf-8") as file:
            known = _write(folder, "known_hosts", f"{HOST} {file.read()}")
        sealed = {k: v for k, v in os.environ.items() if k in _SSHD_ENV}
        config = {
            "HostKey": host,
            "AuthorizedKeysFile": user + ".pub",
            "AcceptEnv": "GIT_PROTOCOL",
            "SetEnv": " ".join(f'"{name}={value}"' for name, value in sealed.items()),
            "PidFile": "none",
            "LogLevel": "VERBOSE",
            "PermitRootLogin": "prohibit-password",
            **dict.fromkeys(_SSHD_OFF, "no"),
        }
        lines = "".join(f"{name} {value}\n" for name, value in config.items())
        self._command = [sshd, "-f", _write(folder, "sshd_config", lines)]
        self._check()
        self._command += ["-i", "-e"]
        options = ["IdentitiesOnly=yes", "IdentityAgent=none", "BatchMode=yes", "LogLevel=ERROR"]
        options += [f"UserKnownHostsFile={known}", "GlobalKnownHostsFile=/dev/null"]
        options += ["StrictHostKeyChecking=yes", f"HostKeyAlias={HOST}"]  # behind a proxy, too
        options += [
            "KexAlgorithms=curve25519-sha256"
        ]  # the usual one takes 0.1 s of processor time
        client = [ssh, "-F", "/dev/null", "-i", user, *(f"-o{option}" for option in options)]
        self.env = {"GIT_SSH_COMMAND": shlex.join(client), "GIT_SSH_VARIANT": "ssh"}
        super().__init__()

    def _check(self) -> None:
        """Let sshd read its configuration; as root it also wants a folder that its unit makes."""
        for _ in range(2):
            command = [*self._command, "-t"]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            missing = re.search(r"privilege separation directory: (\S+)", done.stderr)
            if missing is None:
                break
            os.makedirs(missing[1], 0o755, exist_ok=True)
        assert done.returncode == 0, done.stderr

    def finish_request(self, request: Any, client_address: Any) -> None:
        self.run(self._command, stdin=request, stdout=request)


_SSHD_ENV = ["PATH", "HOME", "XDG_CONFIG_HOME"]
_SSHD_ENV += ["GIT_CONFIG_NOSYSTEM", "GIT_CONFIG_GLOBAL", "GIT_EXEC_PATH"]
_SSHD_OFF = ["StrictModes", "UsePAM", "PasswordAuthentication", "KbdInteractiveAuthentication"]
_SSHD_OFF += ["PermitUserRC", "UseDNS"]


class SmartHttp(Service):
    """`git http-backend` of one folder, as a web server runs it."""

    def __init__(self, root: str, *, auth: bool = False, keep_alive: bool = True) -> None:
        backend = os.path.join(git(root, "--exec-path"), "git-http-backend")
        self.backend = _program(backend, "Debian: git; Alpine: git-daemon")
        self.keep_alive = keep_alive
        self.token = f"Basic {base64.b64encode(f'{USER}:{PASSWORD}'.encode()).decode()}"
        self.auth = auth
        self.seen: list[str] = []
        """The requests: method, path, how the body came (`chunked`, `gzip`), code of the answer."""
        self.environ = {**os.environ, "GIT_PROJECT_ROOT": root, "GIT_HTTP_EXPORT_ALL": "1"}
        super().__init__()

    def finish_request(self, request: Any, client_address: Any) -> None:
        _Exchange(request, client_address, self)


class _Lines(io.BufferedReader):
    def readline(self, size: int | None = -1, /) -> bytes:
        line = super().readline(size)
        if not line.endswith(b"\n"):
            raise ConnectionAbortedError  # half a request must not pass for a whole one
        return line


class _Exchange(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # with it the class answers `Expect: 100-continue`
    rbufsize = 0
    server: SmartHttp

    def setup(self) -> None:
        super().setup()
        self.rfile = _Lines(cast(io.RawIOBase, self.rfile))

    def _answer(self) -> None:
        body = self._body()
        if self.server.auth and self.headers["Authorization"] != self.server.token:
            self._send(401, {"WWW-Authenticate": 'Basic realm="gittasks"'}, b"")
            return
        path, _, query = self.path.partition("?")
        env = {
            **self.server.environ,
            "REQUEST_METHOD": self.command,
            "PATH_INFO": urllib.parse.unquote(path),
            "QUERY_STRING": query,
            "CONTENT_TYPE": self.headers["Content-Type"] or "",
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers["Content-Encoding"] or "",
            "GIT_PROTOCOL": self.headers["Git-Protocol"] or "",
            "REMOTE_ADDR": HOST,
        }
        pipe = subprocess.PIPE
        out = self.server.run([self.server.backend], body, stdin=pipe, stdout=pipe, env=env)
        head, _, content = out.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().splitlines())
        code = int(headers.pop("Status", "200").split()[0]) if headers else 500
        self._send(code, headers, content)

    do_GET = do_POST = _answer  # noqa: N815

    def _body(self) -> bytes:
        if "chunked" not in (self.headers["Transfer-Encoding"] or ""):
            return self._exactly(int(self.headers["Content-Length"] or 0))
        chunks = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            chunks.append(self._exactly(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def _exactly(self, size: int) -> bytes:
        data = self.rfile.read(size)
        if len(data) < size:
            raise ConnectionAbortedError
        return data

    def _send(self, code: int, headers: Mapping[str, str], content: bytes) -> None:
        how = [self.headers[name] for name in ("Expect", "Transfer-Encoding", "Content-Encoding")]
        words = [self.command, self.path, *how, str(code)]
        self.server.seen.append(" ".join(word for word in words if word))
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        if not self.server.keep_alive:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """`seen` is the log."""
