"""The protocol: tools listed and called over standard input and output, a message a line.

Each call opens the repository anew and runs on a thread of its own, so what was moved, pulled or
made in the meantime is seen, and a call that waits for a remote holds up no other. Standard
output belongs to the protocol while it is served; whatever else is printed goes to standard error.
A client waits for an answer to whatever it sent: a line that is no message is refused with a code
of JSON-RPC.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, BinaryIO

import anyio
import anyio.to_thread
import mcp_types as types
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from mcp.shared.message import SessionMessage

from gittasks import __version__
from gittasks.errors import DiskFailure, GittasksError, NoRepository
from gittasks.mcp_server import arguments, replies, tools
from gittasks.mcp_server.schemas import BY_NAME, INSTRUCTIONS, TOOLS, Tool
from gittasks.store import git
from gittasks.workspace import SESSION_VARIABLES, Workspace

_ANSWERS = 100
"""Answers to lines that are no messages that may wait for their turn."""
_LAST_ANSWERS = 300
"""Seconds in which calls may still be answered when the input has ended; a remote that is silent
is given up before."""
_CANCELLED = "notifications/cancelled"
_ALWAYS_LOAD = "anthropic/alwaysLoad"
"""Claude Code shows tools with this mark without a search for them."""


def serve(folder: str | None, list_id: str | None) -> None:
    """Serve until standard input ends, or nobody reads the answers.

    `folder` is where the repository is: else that of CLAUDE_PROJECT_DIR, else the working folder.
    """
    if not any(os.environ.get(name) for name in SESSION_VARIABLES):
        # Who calls this server is one session, told apart from others of the same name.
        os.environ[SESSION_VARIABLES[0]] = f"mcp-{os.urandom(6).hex()}"
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), _end)
    try:
        anyio.run(_serve, make_server(folder, list_id))
    except* (BrokenPipeError, anyio.BrokenResourceError):
        pass  # the client went away; what its calls wrote stays


def _end(number: int, _frame: object) -> None:
    """End at once, and what waits for remotes on other threads with it; no write is lost by it."""
    git.terminate_all()
    os._exit(128 + number)


async def _serve(server: Server[Any]) -> None:
    refused, errors = anyio.create_memory_object_stream[types.JSONRPCError](_ANSWERS)
    answers, answered = anyio.create_memory_object_stream[SessionMessage]()
    lines: Any = Lines(_claimed_input(), refused.send)
    async with (
        stdio_server(stdin=lines) as (incoming, outgoing),
        outgoing,
        anyio.create_task_group() as group,
    ):

        async def send_errors() -> None:
            async for error in errors:
                await outgoing.send(SessionMessage(error))

        async def send_answers() -> None:
            async for answer in answered:
                await outgoing.send(answer)
                lines.note_answer(answer.message)

        group.start_soon(send_errors)
        group.start_soon(send_answers)
        async with refused, answers:  # once they are closed, what waits there is sent yet
            await server.run(incoming, answers, server.create_initialization_options())


def _claimed_input() -> BinaryIO:
    """Standard input for the protocol alone: what is started from now on reads nothing of it."""
    wire = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return os.fdopen(wire, "rb", closefd=False)


def make_server(folder: str | None, list_id: str | None) -> Server[Any]:
    """The server, not yet connected to anything."""

    async def list_tools(_context: Any, _params: Any) -> types.ListToolsResult:
        return types.ListToolsResult(tools=[_described(tool) for tool in TOOLS])

    async def call_tool(_context: Any, params: types.CallToolRequestParams) -> types.CallToolResult:
        return await anyio.to_thread.run_sync(
            answer, folder, list_id, params.name, params.arguments or {}
        )

    return Server(
        "gittasks",
        version=__version__,
        title="gittasks",
        instructions=INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )


def _described(tool: Tool) -> types.Tool:
    return types.Tool(
        name=tool.name,
        title=tool.title,
        description=tool.description,
        input_schema=dict(tool.input),
        output_schema=dict(tool.output),
        annotations=types.ToolAnnotations(
            read_only_hint=tool.reads,
            destructive_hint=False,  # what is deleted is hidden, and kept in the history
            idempotent_hint=tool.reads or tool.repeatable,
            open_world_hint=tool.remote,
        ),
        _meta={_ALWAYS_LOAD: True} if tool.core else None,
    )


def answer(
    folder: str | None, list_id: str | None, tool: str, given: Mapping[str, Any]
) -> types.CallToolResult:
    """Answer one call. An error is an answer too: the agent reads it and knows the fix."""
    if tool not in BY_NAME:
        return _error(f'there is no tool "{tool}"\nFix: use one of {", ".join(BY_NAME)}')
    owner = None
    try:
        call = arguments.read(tool, given)
        owner = tools.actor_of(tool, call.values)
        chosen = call.values.pop("list", list_id)
        workspace = Workspace.open(_folder(folder), list_id=chosen, owner=owner)
        if call.remark:
            workspace.notices.append(call.remark)
        reply = tools.call(tool, workspace, call.values)
    except GittasksError as error:
        return _error(replies.error_text(error, owner), replies.calls_of(error.ways, owner))
    except OSError as error:
        return _error(replies.error_text(DiskFailure.of(error)))
    except Exception as error:  # noqa: BLE001  a bug of ours ends one call, not the server
        traceback.print_exc(file=sys.stderr)
        return _error(f"a bug in gittasks ({type(error).__name__}: {error}); see the server's log")
    return types.CallToolResult(
        content=[types.TextContent(type="text", text=reply.text)],
        structured_content=dict(reply.data),
        _meta=_meta(replies.calls_of(reply.ways, owner)),
    )


def _error(text: str, offers: Mapping[str, Any] = {}) -> types.CallToolResult:
    """An error as an agent reads it; the calls that it offers go along as data for programs."""
    return types.CallToolResult(
        content=[types.TextContent(type="text", text=text)], is_error=True, _meta=_meta(offers)
    )


def _meta(offers: Mapping[str, Any]) -> dict[str, Any] | None:
    return {f"gittasks/{name}": value for name, value in offers.items() if value} or None


def _folder(given: str | None) -> str:
    """Folder of the repository, now: it may have been moved since the last call."""
    project = os.environ.get("CLAUDE_PROJECT_DIR")
    if given is None and project and os.path.isdir(project):
        return project
    try:
        return os.path.abspath(given or ".")
    except FileNotFoundError:
        raise NoRepository("the folder in which this server was started is gone") from None


_LONGEST = 300
"""Characters of what a parser says that are passed on."""


def refusal(line: str) -> types.JSONRPCError | None:
    """The answer to a line that the server would pass over; None for a message of the protocol."""
    try:
        message = types.jsonrpc_message_adapter.validate_json(line, by_name=False)
    except ValueError as error:
        return _refusal(line, error)
    if isinstance(message, types.JSONRPCNotification):
        content = json.loads(line)
        if "id" in content:  # its id is one that the protocol does not have
            return _line_error(
                content, types.INVALID_REQUEST, "the id must be a text or a whole number"
            )
    return None


def _refusal(line: str, error: ValueError) -> types.JSONRPCError | None:
    try:
        content = json.loads(line)
    except (ValueError, RecursionError) as fault:
        return _line_error(None, types.PARSE_ERROR, f"this line is not JSON: {fault}")
    if not isinstance(content, dict):
        return _line_error(
            None, types.INVALID_REQUEST, "a message is one object; batches are not taken"
        )
    if content.get("jsonrpc") != "2.0" or not isinstance(content.get("method"), str):
        return _line_error(
            content, types.INVALID_REQUEST, 'a request has jsonrpc "2.0" and a method'
        )
    if "id" not in content:
        return None  # a notification is never answered
    if not isinstance(content.get("params", {}), dict):
        return _line_error(content, types.INVALID_PARAMS, "params must be an object")
    reason = str(error).splitlines()[1:2]  # half an emoji, or deeper than any tool needs
    return _line_error(content, types.PARSE_ERROR, "; ".join(reason) or str(error))


def _line_error(content: Any, code: int, message: str) -> types.JSONRPCError:
    request = content.get("id") if isinstance(content, dict) else None
    known = isinstance(request, (int, str)) and not isinstance(request, bool)
    if isinstance(request, str):
        known = not any(0xD800 <= ord(c) < 0xE000 for c in request)
    text = message.strip().encode("ascii", "backslashreplace").decode()[:_LONGEST]
    data = types.ErrorData(code=code, message=text)
    return types.JSONRPCError(jsonrpc="2.0", id=request if known else None, error=data)


class Lines:
    """Standard input, line by line; `refuse` is given the answers to lines that are no message.

    Its end is passed on when every request has its answer: the server drops what it is still at
    when its input ends, and what a call has written would be told nobody.
    """

    def __init__(self, file: BinaryIO, refuse: Callable[[types.JSONRPCError], Any]) -> None:
        self._file = file
        self._refuse = refuse
        self._unanswered: list[str] = []
        self._answered = anyio.Event()

    async def __aiter__(self) -> AsyncIterator[str]:
        """Yield the lines that are messages of the protocol."""
        while line := await anyio.to_thread.run_sync(self._file.readline, abandon_on_cancel=True):
            text = line.decode("utf-8", "replace")
            if not text.strip():
                continue
            if answer := refusal(text):
                await self._refuse(answer)
            else:
                self._note(json.loads(text))
                yield text
        with anyio.move_on_after(_LAST_ANSWERS):
            while self._unanswered:
                self._answered = anyio.Event()
                await self._answered.wait()

    def _note(self, message: Mapping[str, Any]) -> None:
        params = message.get("params")
        if "method" in message and "id" in message:
            self._unanswered.append(str(message["id"]))
        elif message.get("method") == _CANCELLED and isinstance(params, dict):
            self._forget(params.get("requestId"))  # a call that is given up has no answer

    def note_answer(self, message: types.JSONRPCMessage) -> None:
        """Take down what goes to the client."""
        if isinstance(message, (types.JSONRPCResponse, types.JSONRPCError)):
            self._forget(message.id)

    def _forget(self, request: object) -> None:
        if str(request) in self._unanswered:  # to give up "7" is to give up 7
            self._unanswered.remove(str(request))
        self._answered.set()
