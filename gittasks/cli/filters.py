"""Options that choose tasks: one set for list, ready and export."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from gittasks.cli.options import F
from gittasks.core.query import SORTS, Filter
from gittasks.errors import Usage

_SORTED_BY = click.Choice([sign + name for name in SORTS for sign in ("", "-")])
_OPTIONS = (
    click.option("--mine", is_flag=True, help="Only those whose owner I am."),
    click.option("--phase", metavar="NAME", help='Only of this phase: "PHASE 2" or 2.'),
    click.option("--tag", "tags", multiple=True, metavar="WORD", help="Only with this tag."),
    click.option(
        "--priority",
        "priorities",
        multiple=True,
        type=click.IntRange(0, 4),
        metavar="N",
        help="Only of this priority.",
    ),
    click.option("--where", multiple=True, metavar="K=V", help="Only with this metadata."),
    click.option("--search", metavar="TEXT", help="Only with TEXT in id, subject, notes …"),
    click.option(
        "--sort",
        type=_SORTED_BY,
        metavar="FIELD",
        help=f"By {', '.join(SORTS)}; -FIELD is the other way round.",
    ),
    click.option("--limit", type=click.IntRange(1), metavar="N", help="Only the first N."),
)


def filter_options(function: F) -> F:
    """Decorator: the conditions that `list`, `ready` and `export` share."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def filter_of(conditions: Mapping[str, Any], **more: Any) -> Filter:
    """The filter that these options say."""
    return Filter(**{**conditions, "where": _pairs(conditions["where"])}, **more)


def _pairs(texts: tuple[str, ...]) -> dict[str, str]:
    pairs = {}
    for text in texts:
        key, sign, value = text.partition("=")
        if not sign or not key.strip():
            raise Usage(f'"{text}" is not KEY=VALUE', hint="write it as: --where area=parser")
        pairs[key.strip()] = value
    return pairs
