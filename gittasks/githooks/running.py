"""Run one git hook: what it is asked, what it says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gittasks.errors import NotFound, Usage
from gittasks.githooks.code import hook_env
from gittasks.workspace import Workspace

NAMES = (
    "prepare-commit-msg",
    "commit-msg",
    "post-commit",
    "post-rewrite",
    "post-merge",
    "post-checkout",
    "pre-push",
)
"""The hooks that gittasks has, in the order in which git comes to them."""
READING = frozenset({"post-rewrite", "pre-push"})
"""Those that git tells something on standard input."""


def run(
    name: str,
    args: Sequence[str],
    stdin: str,
    *,
    start: str,
    env: Mapping[str, str],
    list_id: str | None = None,
) -> list[str]:
    """Do what a hook does and return what it has to say, a line each.

    Arguments that are missing are taken from the variables of the pre-commit framework. Raises
    Refused for a commit that is not to be made, and any other error for what went wrong.
    """
    if name not in NAMES:
        raise NotFound(f'gittasks has no hook "{name}"', hint=f"it has {', '.join(NAMES)}")
    workspace = Workspace.open(start, list_id=list_id, env=hook_env(env))
    if not workspace.known_lists():
        return []

    def argument(at: int, variable: str = "") -> str:
        return args[at] if len(args) > at else env.get(variable, "")

    if name in ("prepare-commit-msg", "commit-msg"):
        if not args:
            raise Usage(f"{name} takes the file of the message")
        from gittasks.githooks import messages

        if name == "commit-msg":
            return messages.check(workspace, args[0])
        messages.prepare(workspace, args[0], argument(1, "PRE_COMMIT_COMMIT_MSG_SOURCE"))
        return []
    if name == "pre-push":
        from gittasks.githooks import pushing

        return pushing.push_along(workspace, argument(0, "PRE_COMMIT_REMOTE_NAME"), stdin)
    if name in ("post-commit", "post-rewrite"):
        from gittasks.githooks import commits

        if name == "post-commit":
            return commits.post_commit(workspace)
        kind = argument(0, "PRE_COMMIT_REWRITE_COMMAND")
        told = commits.post_rewrite(workspace, kind, stdin)
        if kind == "amend":
            return told
        from gittasks.githooks import news

        return told + news.tell(workspace)
    from gittasks.githooks import news

    if name == "post-merge" and argument(0, "PRE_COMMIT_IS_SQUASH_MERGE") != "1":
        from gittasks.githooks import commits

        return commits.post_merge(workspace) + news.tell(workspace)
    return news.tell(workspace)
