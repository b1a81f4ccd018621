"""The command serve: the report as a live page on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gittasks import render
from gittasks.cli import output
from gittasks.cli.looking import look
from gittasks.cli.options import command
from gittasks.cli.output import Answer
from gittasks.cli.report import gather
from gittasks.cli.settings import Settings
from gittasks.core.clock import duration
from gittasks.errors import GittasksError, Usage
from gittasks.web.live import LivePage
from gittasks.web.server import Server, port_is_taken

if TYPE_CHECKING:
    from gittasks.workspace import Workspace

_PORT = 7373
"""Tried first, so that an address that was kept goes on working."""


@command("serve")
@click.option(
    "-p",
    "--port",
    type=click.IntRange(0, 65535),
    metavar="N",
    help=f"Serve on this port; 0 is any. Without it {_PORT}, or any when that is taken.",
)
@click.option("--fetch", metavar="TIME", help="Ask the remote every so often: 30s, 5m.")
@click.pass_obj
def serve_command(settings: Settings, port: int | None, fetch: str | None) -> int:
    """Show the report as a live page on this machine, until Ctrl-C.

    The page renews itself when the list moves. It is read-only, and served to this machine alone.
    """
    workspace = settings.workspace()
    workspace.branch()  # a list that is not there is told now
    every = duration(fetch, "--fetch") if fetch else None
    source = _List(settings, workspace, every)
    server = _server(source, port)
    output.answer(
        settings,
        Answer(
            lambda: render.documents.serve_document(
                workspace.snapshot().info, server.address, server.server_port
            ),
            lambda _: f"{workspace.list_id}: {server.address} (Ctrl-C ends it)",
            quiet=[server.address],
            workspace=workspace,
        ),
    )
    try:
        server.run()
    finally:
        source.close()
    return 0


class _List:
    """The list at work as the source of a page; the same list, whatever is `use`d meanwhile."""

    def __init__(self, settings: Settings, workspace: Workspace, every: float | None) -> None:
        settings.list_id = workspace.list_id
        self._settings = settings
        self._follower = workspace.follow(every)

    def moved(self) -> bool:
        try:
            return self._follower.look() is not None
        except GittasksError:
            return True

    def page(self) -> str:
        try:
            workspace = self._settings.workspace()
            return render.page.page(gather(workspace, look(workspace)), is_live=True)
        except GittasksError as error:
            reason = f"{error.message}\n{error.hint or ''}"
            return render.page.notice_page("No report just now", reason)

    def close(self) -> None:
        self._follower.close()


def _server(source: _List, port: int | None) -> Server:
    live = LivePage(source)
    try:
        return Server(_PORT if port is None else port, live, render.page.policy(is_live=True))
    except OSError as error:
        if port is None and port_is_taken(error):
            return Server(0, live, render.page.policy(is_live=True))
        raise Usage(
            f"cannot serve on port {port}: {error.strerror or error}",
            hint="choose another with --port, or leave it out",
        ) from error
