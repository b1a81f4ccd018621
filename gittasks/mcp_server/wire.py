"""Lines of standard input as messages of the protocol, and the answers to those that are none.

A client waits for an answer to whatever it sent. The codes are those of JSON-RPC.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from typing import Any, BinaryIO

import anyio.to_thread
import mcp_types as types

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
            return _error(content, types.INVALID_REQUEST, "the id must be a text or a whole number")
    return None


def _refusal(line: str, error: ValueError) -> types.JSONRPCError | None:
    try:
        content = json.loads(line)
    except (ValueError, RecursionError) as fault:
        return _error(None, types.PARSE_ERROR, f"this line is no JSON: {fault}")
    if not isinstance(content, dict):
        return _error(None, types.INVALID_REQUEST, "a message is one object; batches are not taken")
    if content.get("jsonrpc") != "2.0" or not isinstance(content.get("method"), str):
        return _error(content, types.INVALID_REQUEST, 'a request has jsonrpc "2.0" and a method')
    if "id" not in content:
        return None  # a notification is never answered
    if not isinstance(content.get("params", {}), dict):
        return _error(content, types.INVALID_PARAMS, "params must be an object")
    reason = str(error).splitlines()[1:2]  # half an emoji, or deeper than any tool needs
    return _error(content, types.PARSE_ERROR, "; ".join(reason) or str(error))


def _error(content: Any, code: int, message: str) -> types.JSONRPCError:
    request = content.get("id") if isinstance(content, dict) else None
    known = isinstance(request, (int, str)) and not isinstance(request, bool)
    if isinstance(request, str):
        known = not any(0xD800 <= ord(c) < 0xE000 for c in request)
    text = message.strip().encode("ascii", "backslashreplace").decode()[:_LONGEST]
    data = types.ErrorData(code=code, message=text)
    return types.JSONRPCError(jsonrpc="2.0", id=request if known else None, error=data)


class Lines:
    """Standard input, line by line; `refuse` is given the answers to lines that are no message."""

    def __init__(self, file: BinaryIO, refuse: Callable[[types.JSONRPCError], Any]) -> None:
        self._file = file
        self._refuse = refuse

    async def __aiter__(self) -> AsyncIterator[str]:
        """Yield the lines that are messages of the protocol."""
        while line := await anyio.to_thread.run_sync(self._file.readline, abandon_on_cancel=True):
            text = line.decode("utf-8", "replace")
            if not text.strip():
                continue
            if answer := refusal(text):
                await self._refuse(answer)
            else:
                yield text
