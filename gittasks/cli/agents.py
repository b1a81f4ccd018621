"""Commands for agents: mcp, prime."""

from __future__ import annotations

import os
import sys

import click

from gittasks import render
from gittasks.cli import output
from gittasks.cli.options import command
from gittasks.cli.output import Answer
from gittasks.cli.settings import Settings, stopped_hooks
from gittasks.core.view import ListView
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
def prime_command(settings: Settings) -> Answer:
    """Tell an agent how to use gittasks, and how the list stands."""
    view = None
    try:
        workspace = settings.workspace()
        view = ListView(workspace.snapshot(), workspace.now().epoch)
    except Untrusted:
        raise
    except NoRepository:
        state = ["This is no git repository: task lists live in one."]
    except NoList as error:
        state = render.prime.no_list(error.message, error.hint or "")
    else:
        state = render.prime.state(view, settings.marks(), workspace.actor)
        if workspace.actor.session is None:
            state.append(render.prime.no_session(f"s-{os.urandom(4).hex()}"))
        if stopped := stopped_hooks(workspace):
            state.append(stopped)
    text = render.prime.manual(state)
    return Answer(lambda: render.documents.prime_document(view, text), lambda _: text.rstrip("\n"))
