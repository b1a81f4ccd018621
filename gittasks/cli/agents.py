"""Commands for agents: mcp, prime, and the group `gittasks claude` with the hook of Claude Code.

What people run of that group is in `claude_commands`, which a hook does not load.
"""

from __future__ import annotations

import os
import sys

from gittasks import render
from gittasks.cli import output
from gittasks.cli.options import Group, argument, command, option
from gittasks.cli.output import Answer, Settings, stopped_hooks
from gittasks.core.view import ListView
from gittasks.errors import MissingExtra, NoList, NoRepository, Untrusted


@command("mcp")
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


@command("prime", hot=True)
def prime_command(settings: Settings) -> Answer:
    """Print the manual for agents: how to use gittasks, and the state of the list."""
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


_EVENT_LIMIT = 4 * 1024 * 1024
"""Most bytes of an event that are read."""
_FOR_PEOPLE = ("install", "uninstall", "status", "import", "export")


claude_command = Group(
    "claude",
    "Let Claude Code work on the list: settings, hooks, its own task files.",
    {**dict.fromkeys(_FOR_PEOPLE, "claude_commands"), "hook": "agents"},
)
"""What people run is in a module of its own, which a hook does not load."""


@command(
    "hook",
    argument("event", required=False, metavar="[EVENT]"),
    option("--hold", is_flag=True, help="At Stop: hold it back while its tasks are in progress."),
    usage_code=1,
    short_help="Answer an event (on stdin).",
    hot=True,
)
def hook_command(settings: Settings, event: str | None, hold: bool) -> int:
    """Answer an event of Claude Code, read as JSON on standard input.

    Exit code 0, or 1 with a line on standard error; never 2, which would block Claude Code.
    """
    from gittasks.claude import hook

    directory = None if settings.directory == "." else settings.directory
    answer = hook.answer(
        _read_event,
        event or "",
        settings.environment(),
        directory=directory,
        list_id=settings.list_id,
        hold=hold,
    )
    if answer.out:
        output.say(answer.out)
    for line in answer.messages:
        output.say(f"gittasks: {line}", err=True)
    return answer.code


def _read_event() -> bytes:
    return b"" if sys.stdin.isatty() else sys.stdin.buffer.read(_EVENT_LIMIT)
