"""Commands for agents: mcp, prime."""

from __future__ import annotations

import os
import sys

import click

from gittasks.cli import output
from gittasks.cli.options import command
from gittasks.cli.settings import Settings
from gittasks.errors import MissingExtra, NoList, NoRepository, Untrusted


@command("mcp")
@click.pass_obj
def mcp_command(settings: Settings) -> None:
    """Serve the task tools to an agent (Model Context Protocol on stdin and stdout).

    Agents start this themselves; docs/agents.md says how to tell them. Needs the extra: pip
    install 'gittasks[mcp]'.
    """
    import gc

    gc.enable()  # a server lives long, other commands too short for it
    if sys.modules.get("_hashlib", "") is None:
        del sys.modules["_hashlib"]  # what is left out to start faster: libraries may want it
    try:
        from gittasks.mcp_server.server import serve
    except ImportError as error:
        raise _missing(error) from error
    if sys.stdin.isatty():
        output.say("serving MCP to whoever writes to stdin; end it with Ctrl-C or Ctrl-D", err=True)
    os.environ.update(settings.environment())
    serve(settings.directory if settings.directory != "." else None, settings.list_id)


def _missing(error: ImportError) -> Exception:
    """The error for a library of the extra that is not there; a module of ours is a bug."""
    if (error.name or "").startswith("gittasks"):
        return error
    return MissingExtra(
        f"the MCP server needs the Python package mcp, version 2: {error}",
        hint="install it beside gittasks: pip install 'gittasks[mcp]', pipx inject gittasks "
        "'mcp>=2,<3', or uv tool install 'gittasks[mcp]'",
    )


@command("prime")
@click.pass_obj
def prime_command(settings: Settings) -> None:
    """Tell an agent how to use gittasks, and how the list stands."""
    from gittasks.core.graph import Graph
    from gittasks.core.progress import Progress
    from gittasks.render import prime

    info = progress = None
    try:
        workspace = settings.workspace()
        snapshot = workspace.snapshot()
    except Untrusted:
        raise
    except NoRepository:
        state = ["This is no git repository: task lists live in one."]
    except NoList as error:
        state = prime.no_list(error.message, error.details.get("lists", ()))
    else:
        graph, info = Graph.of(snapshot, workspace.now().text), snapshot.info
        progress = Progress.of(snapshot.tasks.values(), graph, workspace.now().epoch)
        tasks, me = snapshot.ordered(), workspace.actor.owner
        state = prime.state(info, tasks, graph, progress, settings.marks(), me)
    text = prime.manual(state)
    if settings.json:
        from gittasks.render import documents

        output.document(
            documents.envelope(
                "prime",
                list=documents.list_part(info) if info else None,
                text=text,
                progress=documents.progress_part(progress) if progress else None,
            )
        )
    else:
        output.say(text.rstrip("\n"))
