"""The installed server as a process: the wire, other processes beside it, how it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from support import agents
from support.agents import Agent
from support.clones import share
from support.repositories import GITTASKS, Repo, git

from gittasks.mcp_server.schemas import INSTRUCTIONS, TOOLS

OLD_CLIENT = os.path.join(os.path.dirname(os.path.dirname(sys.executable)), "old-client")
"""Where the Makefile puts an older version of the MCP package."""


class Wire:
    """The server with its three pipes, and JSON written to it by hand."""

    def __init__(self, repo: Repo, *args: str, **env: str) -> None:
        self.process = subprocess.Popen(
            [GITTASKS, "mcp", *args],
            cwd=repo.path,
            env={**os.environ, **env},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.calls = 0

    def send(self, method: str, params: dict[str, Any], *, answered: bool = True) -> None:
        self.calls += answered
        message = {"jsonrpc": "2.0", "method": method, "params": params}
        self.send_line(json.dumps({**message, **({"id": self.calls} if answered else {})}))

    def send_line(self, line: str) -> None:
        assert self.process.stdin
        self.process.stdin.write(f"{line}\n".encode())
        self.process.stdin.flush()

    def receive(self) -> dict[str, Any]:
        assert self.process.stdout
        message: dict[str, Any] = json.loads(self.process.stdout.readline())
        return message

    def greet(self) -> dict[str, Any]:
        """The handshake of the protocol that is spoken everywhere."""
        hello = {"name": "test", "version": "1"}
        params = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": hello}
        self.send("initialize", params)
        answer = self.receive()
        self.send("notifications/initialized", {}, answered=False)
        return answer

    def call(self, tool: str, **given: object) -> None:
        self.send("tools/call", {"name": tool, "arguments": given})

    def end(self) -> tuple[bytes, bytes]:
        """Close standard input; what is left of the outputs."""
        return self.process.communicate(timeout=60)


_PING = '{"jsonrpc":"2.0","id":7,"method":"ping","params":{}}'
_NO_MESSAGES = {
    "no JSON": ("this is not JSON", None, -32700),
    "cut off": ('{"jsonrpc":"2.0","id":7,"method":"tools/li', None, -32700),
    "half an emoji": (
        '{"jsonrpc":"2.0","id":7,"method":"ping","params":{"a":"\\ud83d"}}',
        7,
        -32700,
    ),
    "half an emoji as id": ('{"jsonrpc":"2.0","id":"\\ud83d","method":"ping"}', None, -32700),
    "params of a list": ('{"jsonrpc":"2.0","id":"x","method":"ping","params":[]}', "x", -32602),
    "params of a text": ('{"jsonrpc":"2.0","id":7,"method":"ping","params":"a"}', 7, -32602),
    "too deep": (_PING.replace("{}", '{"a":' + "[" * 200 + "]" * 200 + "}"), 7, -32700),
    "far too deep": ("[" * 100_000, None, -32700),
    "a huge id": (_PING.replace("7", "9" * 5000), None, -32700),
    "a broken id": ('{"jsonrpc":"2.0","id":1.5,"method":"ping"}', None, -32600),
    "no id": ('{"jsonrpc":"2.0","id":null,"method":"ping"}', None, -32600),
    "a batch": ('[{"jsonrpc":"2.0","id":7,"method":"ping"}]', None, -32600),
    "no method": ('{"jsonrpc":"2.0","id":7}', 7, -32600),
    "another version": ('{"id":7,"method":"ping"}', 7, -32600),
    "a number": ("7", None, -32600),
    "no such method": ('{"jsonrpc":"2.0","id":7,"method":"nothing","params":{}}', 7, -32601),
    "wrong params": (
        '{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":5}}',
        7,
        -32602,
    ),
}


def test_every_request_is_answered(listed: Repo) -> None:
    """Also what cannot be parsed, by the codes of JSON-RPC; calls after it go on."""
    wire = Wire(listed)
    wire.greet()
    wrong = {}
    for name, (line, request, code) in _NO_MESSAGES.items():
        wire.send_line(line)
        answer = wire.receive()
        if (answer["id"], answer.get("error", {}).get("code")) != (request, code):
            wrong[name] = answer
    assert not wrong
    huge = {"taskId": "a", "metadata": {"n": 10**400}}
    text = json.dumps({"name": "TaskUpdate", "arguments": huge})
    for params in (text, text.replace("1" + "0" * 400, "1e400")):
        wire.send_line(f'{{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{params}}}')
        assert wire.receive()["id"] == 9
    wire.call("TaskGet", taskId="a")
    assert not wire.receive()["result"].get("isError")
    _, errors = wire.end()
    assert b"Traceback" not in errors


def test_what_was_asked_before_the_end_is_answered(listed: Repo, stuck: Path) -> None:
    """Input that ends drops no call: what it has written would be told nobody."""
    wire = Wire(listed)
    wire.greet()
    wire.call("TaskSync")
    _wait_for(stuck / "called")
    calls = [{"name": "TaskCreate", "arguments": {"subject": f"Task {n}"}} for n in range(3)]
    for call in calls:
        wire.send("tools/call", call)
    wire.send_line("no message")
    wire.send("notifications/cancelled", {"requestId": 99}, answered=False)
    last = {"jsonrpc": "2.0", "id": "last", "method": "tools/list"}
    assert wire.process.stdin
    wire.process.stdin.write(json.dumps(last).encode())  # without an end of line
    wire.process.stdin.close()
    wire.process.stdin = None
    (stuck / "go").touch()
    output, errors = wire.end()
    answers = [json.loads(line)["id"] for line in output.splitlines()]
    assert len(answers) == 6
    assert {*answers} == {2, 3, 4, 5, None, "last"}
    assert errors == b""
    assert wire.process.returncode == 0


def test_a_call_that_was_given_up_is_not_waited_for(listed: Repo, stuck: Path) -> None:
    """It has no answer; the client may write its number as a text."""
    wire = Wire(listed)
    wire.greet()
    wire.call("TaskSync")
    call = str(wire.calls)
    _wait_for(stuck / "called")
    wire.send("notifications/cancelled", {"requestId": call}, answered=False)
    wire.send("ping", {})
    assert wire.receive()["id"] == wire.calls
    (stuck / "go").touch()
    output, _ = wire.end()
    assert output == b""
    assert wire.process.returncode == 0


def test_a_client_that_goes_away_is_no_bug(listed: Repo) -> None:
    """Nobody is left to read the answer; what the call wrote stays."""
    wire = Wire(listed)
    wire.greet()
    assert wire.process.stdout
    wire.process.stdout.close()
    wire.process.stdout = None
    wire.call("TaskCreate", subject="Told nobody")
    _, errors = wire.end()
    assert b"bug" not in errors
    assert wire.process.returncode == 0
    assert "Told nobody" in listed.ok("list").out


def test_a_notification_is_never_answered(listed: Repo) -> None:
    """However broken its params are."""
    wire = Wire(listed)
    wire.greet()
    for method in ("notifications/x", "notifications/cancelled"):
        for params in ([1], "a", 7, None, {}, {"requestId": [1]}):
            notice = {"jsonrpc": "2.0", "method": method, "params": params}
            wire.send_line(json.dumps(notice))
    wire.send("ping", {})
    assert wire.receive()["id"] == wire.calls
    wire.end()


def test_every_line_is_protocol(listed: Repo) -> None:
    """Whatever happens in the server (errors, hints, git and hooks that print), each line of
    standard output is a message of the protocol, and it ends when its input ends."""
    listed.git("remote", "add", "origin", f"{listed.path}-nowhere")
    wire = Wire(listed)
    assert wire.greet()["result"]["serverInfo"]["name"] == "gittasks"
    wire.send_line("this is not JSON")
    wire.send("tools/list", {})
    wire.call("TaskUpdate", taskId="a", status="in_progress")
    wire.call("TaskUpdate", taskId="zzz", status="in_progress")
    wire.call("TaskSync")
    wire.call("TaskFoo")
    wire.send("no/such/method", {})
    answers: dict[int, dict[str, Any]] = {}
    while len(answers) < 6:
        message = wire.receive()
        if message.get("id") is not None:
            answers[message["id"]] = message
    assert len(answers[2]["result"]["tools"]) == len(TOOLS)
    errors = [i for i, m in answers.items() if m.get("result", {}).get("isError")]
    assert sorted(errors) == [4, 5, 6]
    assert "error" in answers[7]
    out, _ = wire.end()
    for line in out.splitlines():
        assert json.loads(line)["jsonrpc"] == "2.0"
    assert wire.process.returncode == 0


def test_stray_output_misses_the_wire(listed: Repo) -> None:
    """What code in the server prints goes to standard error."""
    script = (
        "import os; from gittasks.mcp_server import server, tools\n"
        "real = tools.call\n"
        "def call(*args):\n"
        "    print('stray'); os.system('echo noise'); os.write(1, b'raw\\n')\n"
        "    return real(*args)\n"
        "tools.call = call; server.serve(None, None)\n"
    )
    wire = Wire.__new__(Wire)
    wire.calls = 0
    wire.process = subprocess.Popen(
        [sys.executable, "-u", "-c", script],
        cwd=listed.path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    wire.greet()
    wire.call("TaskList")
    assert wire.receive()["result"]["structuredContent"]["list"] == "plan"
    out, err = wire.end()
    assert out == b""
    assert all(word in err for word in (b"stray", b"noise", b"raw"))


def test_two_servers_and_the_command_line(listed: Repo) -> None:
    """Two servers with several calls at once each, and the command line beside them, write one
    list: nothing that was acknowledged is lost, and each change is one commit."""
    before = listed.count()

    def by_agent(agent: Agent, name: str) -> list[str]:
        return [
            agent.ok("TaskCreate", subject=f"{name} {n}", id=f"{name}-{n}")["task"]["id"]
            for n in range(6)
        ]

    def by_command(name: str) -> list[str]:
        made = [listed.ok("create", f"{name} {n}", "--id", f"{name}-{n}", "-q") for n in range(6)]
        return [one.out.strip() for one in made]

    with (
        agents.over_stdio(listed) as one,
        agents.over_stdio(listed) as two,
        ThreadPoolExecutor(6) as pool,
    ):
        work = [pool.submit(by_agent, one, "one"), pool.submit(by_agent, one, "uno")]
        work += [pool.submit(by_agent, two, "two"), pool.submit(by_agent, two, "due")]
        work += [pool.submit(by_command, "cli"), pool.submit(by_command, "sh")]
        made = {i for done in work for i in done.result(60)}
        assert {t["id"] for t in one.ok("TaskList")["tasks"]} == {"a", "b", "c"} | made
    assert len(made) == 36
    assert listed.count() == before + 36
    listed.fsck()


def test_several_make_the_list_at_once(repo: Repo) -> None:
    """The first calls of two servers in a repository without a list make one list together."""
    with (
        agents.over_stdio(repo) as one,
        agents.over_stdio(repo) as two,
        ThreadPoolExecutor(4) as pool,
    ):
        calls = [
            pool.submit(agent.ok, "TaskCreate", subject=name, id=name)
            for agent, name in ((one, "a"), (two, "b"), (one, "c"), (two, "d"))
        ]
        hints = [call.result(60).get("hints", []) for call in calls]
    assert set(repo.tasks()) == {"a", "b", "c", "d"}
    assert sum(bool(hint) for hint in hints) == 1
    assert repo.count("repo") == 5


def test_no_two_agents_get_one_task(tmp_path: Path) -> None:
    """Agents in two clones that claim at once, again and again, get each task once; who comes too
    late is told that nothing is ready."""
    names = [f"t{n}" for n in range(6)]
    clones = share(str(tmp_path), "ada", "bob", tasks=names)

    def work(clone: Repo) -> list[str]:
        got = []
        env = {"GITTASKS_OWNER": "agent", "GITTASKS_SESSION": os.path.basename(clone.path)}
        with agents.over_stdio(clone, env=env) as agent:
            while task := agent.ok("TaskClaim")["task"]:
                got.append(task["id"])
                agent.ok("TaskUpdate", taskId=task["id"], status="completed")
        return got

    with ThreadPoolExecutor(2) as pool:
        one, two = pool.map(work, clones)
    assert sorted(one + two) == names
    clones[0].git("fetch", "-q")
    assert {t["status"] for t in clones[0].tasks("plan").values()} == {"completed"}


def test_a_server_killed_in_the_middle(listed: Repo) -> None:
    """A server that is killed while it writes loses nothing that it acknowledged, and the next one
    goes on."""
    acknowledged = []
    for _ in range(3):
        wire = Wire(listed)
        wire.greet()
        for n in range(20):
            wire.call("TaskCreate", subject=f"Task {n}")
        answers = [wire.receive()["result"]["structuredContent"] for _ in range(4)]
        acknowledged += [answer["task"]["id"] for answer in answers]
        wire.process.kill()
        wire.process.communicate(timeout=60)
    with agents.over_stdio(listed) as agent:
        agent.ok("TaskCreate", subject="Last", id="last")
        there = {task["id"] for task in agent.ok("TaskList")["tasks"]}
    assert there >= {*acknowledged, "last"}
    listed.fsck()


@pytest.fixture
def stuck(listed: Repo, tmp_path: Path) -> Path:
    """The list has a remote behind an ssh that writes down which git called it, and then waits
    until the file `go` is there."""
    program = tmp_path / "ssh.sh"
    program.write_text(
        f"#!/bin/sh\necho $PPID >>{tmp_path}/called\n"
        f"while [ ! -e {tmp_path}/go ]; do sleep 0.05; done\nexit 1\n"
    )
    program.chmod(0o755)
    listed.git("remote", "add", "origin", "ssh://nowhere/x.git")
    listed.git("config", "core.sshCommand", str(program))
    listed.git("config", "ssh.variant", "simple")
    return tmp_path


def _wait_for(path: Path) -> None:
    for _ in range(1200):
        if path.exists() and path.read_text().strip():
            return
        time.sleep(0.05)
    raise AssertionError(f"{path} never came")


def test_a_call_that_waits_blocks_no_other(listed: Repo, stuck: Path) -> None:
    """While a sync waits for the remote, other calls are answered; then it is answered too."""
    with agents.over_stdio(listed) as agent, ThreadPoolExecutor(1) as pool:
        sync = pool.submit(agent.refused, "TaskSync")
        _wait_for(stuck / "called")
        agent.ok("TaskUpdate", taskId="a", status="completed")
        assert agent.ok("TaskList")["summary"] == "1/3 tasks complete (33.3%)"
        assert not sync.done()
        (stuck / "go").touch()
        assert "safe" in sync.result(60)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_ends_the_server_and_its_git(
    listed: Repo, stuck: Path, number: signal.Signals
) -> None:
    """A server that is told to end does so at once, and the git that it waits for with it."""
    wire = Wire(listed)
    wire.greet()
    wire.call("TaskSync")
    _wait_for(stuck / "called")
    its_git = (stuck / "called").read_text().split()[0]
    assert _runs(its_git)
    wire.process.send_signal(number)
    wire.process.communicate(timeout=60)
    assert wire.process.returncode == 128 + number
    for _ in range(200):
        if not _runs(its_git):
            (stuck / "go").touch()
            return
        time.sleep(0.05)
    raise AssertionError("the server ended, and its git runs on")


def _runs(number: str) -> bool:
    """Whether a process runs; a zombie does not."""
    shown = subprocess.run(["ps", "-o", "stat=", "-p", number], capture_output=True, text=True)
    return shown.stdout.strip()[:1] not in ("", "Z")


def test_folder_and_list_may_be_given(listed: Repo, tmp_path: Path) -> None:
    """`gittasks mcp -C DIR --list ID` serves that list from anywhere."""
    elsewhere = Repo(str(tmp_path))
    with agents.over_stdio(elsewhere, "-C", listed.path, "--list", "plan") as agent:
        assert agent.ok("TaskList")["list"] == "plan"


def test_a_repository_that_moves(listed: Repo) -> None:
    """A server that was started in the repository follows it to another place."""
    with agents.over_stdio(listed) as agent:
        agent.ok("TaskUpdate", taskId="a", status="in_progress")
        os.rename(listed.path, f"{listed.path}-moved")
        agent.ok("TaskUpdate", taskId="a", status="completed")
    assert Repo(f"{listed.path}-moved").tasks()["a"]["status"] == "completed"


def test_without_the_extra(listed: Repo, tmp_path: Path) -> None:
    """Without the package the command says how to install it, with exit code 8; the rest works."""
    (tmp_path / "mcp_types.py").write_text("raise ImportError('no mcp_types', name='mcp_types')\n")
    env = {"PYTHONPATH": str(tmp_path)}
    result = listed.run("mcp", env=env)
    assert (result.code, result.out) == (8, "")
    assert "no mcp_types" in result.err
    assert "pip install 'gittasks[mcp]'" in result.err
    error = json.loads(listed.run("mcp", "--json", env=env).err)["error"]
    assert (error["kind"], error["exitCode"]) == ("missing-extra", 8)
    assert listed.run("list", env=env).code == 0


@pytest.mark.parametrize("mode", ["auto", "legacy", "2026-07-28"])
def test_old_and_new_protocol(listed: Repo, mode: str) -> None:
    """The handshake of earlier protocols and the newest one without it are served alike."""
    with agents.over_stdio(listed, mode=mode) as agent:
        assert agent.ok("TaskUpdate", taskId="a", status="completed")["taskId"] == "a"


_OLD = """
import asyncio, json, sys
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

async def main():
    server = StdioServerParameters(command=sys.argv[1], args=["mcp"], env=json.loads(sys.argv[2]))
    async with stdio_client(server) as streams, ClientSession(*streams) as session:
        hello = await session.initialize()
        tools = await session.list_tools()
        made = await session.call_tool("TaskCreate", {"subject": "New", "id": "new"})
        moved = await session.call_tool("TaskUpdate", {"taskId": "new", "status": "in_progress"})
        wrong = await session.call_tool("TaskUpdate", {"taskId": "new", "blockedBy": []})
        print(json.dumps({
            "instructions": hello.instructions,
            "tools": [t.name for t in tools.tools],
            "schemas": all(t.outputSchema for t in tools.tools),
            "made": made.structuredContent,
            "moved": moved.content[0].text,
            "wrong": [wrong.isError, wrong.content[0].text],
        }))

asyncio.run(main())
"""


def test_a_client_of_the_version_before(listed: Repo) -> None:
    """The client of mcp 1.x, which many agents still have, gets the same."""
    python = os.path.join(OLD_CLIENT, "bin", "python")
    probe = [python, "-c", "import mcp"]
    if not os.path.exists(python) or subprocess.run(probe, capture_output=True).returncode:
        pytest.skip("no client of mcp 1.x in .venv/old-client: make test could not install it")
    done = subprocess.run(
        [python, "-c", _OLD, GITTASKS, json.dumps(dict(os.environ))],
        cwd=listed.path,
        capture_output=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr.decode()
    told = json.loads(done.stdout)
    assert told["instructions"] == INSTRUCTIONS
    assert told["tools"] == [tool.name for tool in TOOLS]
    assert told["schemas"] is True
    assert told["made"]["task"]["id"] == "new"
    assert told["moved"].startswith("new: pending → in_progress")
    assert told["wrong"][0] is True
    assert "addBlockedBy" in told["wrong"][1]


def test_the_command_line_loads_nothing_of_it(listed: Repo) -> None:
    """A command that is not `mcp` imports neither the package nor our server."""
    probe = (
        "import sys; from gittasks.cli.main import run; run(['list']); run(['create', 'X'])\n"
        "print([m for m in sys.modules if m.split('.')[0] in ('mcp', 'mcp_types', 'pydantic',"
        " 'anyio', 'jsonschema') or m.startswith('gittasks.mcp')], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", probe], cwd=listed.path, capture_output=True, check=True
    )
    assert done.stderr.decode().splitlines()[-1] == "[]"
    assert git(listed.path, "status", "--porcelain") == ""
