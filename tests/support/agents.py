"""An agent: the client of the MCP package with a server of ours, called from plain tests."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import anyio.from_thread
from mcp import Client, StdioServerParameters
from mcp.server.lowlevel import Server
from mcp_types import CallToolResult, TextContent

from gittasks.mcp_server.server import make_server
from support.repositories import Repo, by_name


class Agent:
    """A connected client. The client itself checks data against the schemas of the tools."""

    def __init__(self, client: Client, portal: anyio.from_thread.BlockingPortal) -> None:
        self.client = client
        self.portal = portal

    def call(self, tool: str, given: Mapping[str, Any] = {}, **more: Any) -> CallToolResult:
        """Call a tool, whatever comes of it."""
        result = self.portal.call(self.client.call_tool, tool, {**given, **more})
        assert isinstance(result, CallToolResult)
        return result

    def ok(self, tool: str, given: Mapping[str, Any] = {}, **more: Any) -> dict[str, Any]:
        """Call a tool, which must succeed; the data of its answer."""
        result = self.call(tool, given, **more)
        assert not result.is_error, text_of(result)
        assert isinstance(result.structured_content, dict)
        return result.structured_content

    def refused(self, tool: str, given: Mapping[str, Any] = {}, **more: Any) -> str:
        """Call a tool, which must refuse; what it says."""
        result = self.call(tool, given, **more)
        assert result.is_error, result
        return text_of(result)


def text_of(result: CallToolResult) -> str:
    """The text of an answer."""
    (content,) = result.content
    assert isinstance(content, TextContent)
    return content.text


@contextmanager
def _connected(server: Server[Any] | StdioServerParameters, mode: str) -> Iterator[Agent]:
    with (
        anyio.from_thread.start_blocking_portal() as portal,
        portal.wrap_async_context_manager(Client(server, mode=mode)) as client,
    ):
        yield Agent(client, portal)


@contextmanager
def in_memory(
    folder: str | None, list_id: str | None = None, *, mode: str = "auto"
) -> Iterator[Agent]:
    """An agent whose server runs in this process, with its environment."""
    with _connected(make_server(folder, list_id), mode) as agent:
        yield agent


def parameters(repo: Repo, *args: str, env: Mapping[str, str] = {}) -> StdioServerParameters:
    """How an agent starts the server in a repository."""
    everything = {**os.environ, **env}
    return StdioServerParameters(
        command=by_name(agents=True), args=["mcp", *args], env=everything, cwd=repo.path
    )


@contextmanager
def over_stdio(
    repo: Repo, *args: str, env: Mapping[str, str] = {}, mode: str = "auto"
) -> Iterator[Agent]:
    """An agent whose server is a process of its own."""
    with _connected(parameters(repo, *args, env=env), mode) as agent:
        yield agent
