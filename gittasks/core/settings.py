"""The table of settings (`git config gittasks.…`): names, values, defaults, meanings."""

from __future__ import annotations

from gittasks.core.ids import branch_fault, list_id_fault, near_matches
from gittasks.errors import NotFound, Usage
from gittasks.light import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

SECTION = "gittasks."
_TRUE, _FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0", "")


class Values(NamedTuple):
    """The values that a setting can have: in words, and the fault of one that it cannot."""

    words: str
    fault: Callable[[str], str | None]


class Setting(NamedTuple):
    """A setting. `default` is the value without one, "" for none; `variable` comes before it."""

    name: str
    values: Values
    default: str
    meaning: str
    variables: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Its name in git's configuration."""
        return SECTION + self.name


def _flag_fault(value: str) -> str | None:
    return None if value.lower() in (*_TRUE, *_FALSE) else "use true or false"


def _choice(*words: str) -> Values:
    listed = f"{', '.join(words[:-1])} or {words[-1]}"
    return Values(listed, lambda v: None if v.lower() in words else f"use {listed}")


def _prefix_fault(value: str) -> str | None:
    *folders, last = value.split("/")
    if any(list_id_fault(part) for part in folders) or (last and list_id_fault(last)):
        return "use letters, digits and hyphens, with a slash at the end"
    return None


def _identity_fault(value: str) -> str | None:
    name, _, mail = value.partition("<")
    fits = name.strip() and mail.endswith(">") and "\n" not in value
    return None if fits else 'use: "Name <name@example.com>"'


def _seconds_fault(value: str) -> str | None:
    try:
        return None if 0 <= float(value) < 1e6 else "use a number of seconds, or 0 for never"
    except ValueError:
        return "use a number of seconds, or 0 for never"


def _line_fault(value: str) -> str | None:
    fits = value.strip() and len(value) <= 200 and value.isprintable()
    return None if fits else "use one line of 1 to 200 printable characters"


def _rules_fault(value: str) -> str | None:
    from gittasks.core.lint.rules import NAMES  # they are many, and only this setting needs them

    unknown = [name for name in value.replace(",", " ").split() if name not in NAMES]
    return f"no lint rule is called {', '.join(unknown)}" if unknown else None


def _reminder_fault(value: str) -> str | None:
    fits = value.lower() == "hold" or _flag_fault(value) is None
    return None if fits else "use true, false or hold"


_FLAG = Values("true or false", _flag_fault)
SETTINGS: tuple[Setting, ...] = (
    Setting(
        "branchPrefix",
        Values("the beginning of a branch name, or nothing", _prefix_fault),
        "gittasks/",
        "stands before the id of a list in the name of its branch; the same for the whole team",
    ),
    Setting(
        "catchUp",
        _choice("known", "all", "off"),
        "known",
        "whose commits move tasks when no hook saw them: of authors that the list knows, all, none",
    ),
    Setting(
        "claudePull",
        Values("seconds", _seconds_fault),
        "5",
        "the time that the remote has at the start of a session of Claude Code; 0 asks it never",
    ),
    Setting(
        "claudeReminder",
        Values("true, false or hold", _reminder_fault),
        "true",
        "Claude Code is reminded of a task in progress that its session leaves behind; or held",
    ),
    Setting(
        "fetchOnRead",
        _FLAG,
        "true",
        "a read may fetch a list that was named and is not here, and what a partial clone lacks",
    ),
    Setting(
        "identity",
        Values("`Name <mail>`", _identity_fault),
        "",
        "the author of roots and automatic merges, for forges that check addresses",
    ),
    Setting(
        "lintIgnore",
        Values("names of lint rules", _rules_fault),
        "",
        "the rules that lint leaves out",
    ),
    Setting(
        "list",
        Values("the id of a list", list_id_fault),
        "",
        "the list that commands mean when nothing else names one",
        ("GITTASKS_LIST", "CLAUDE_CODE_TASK_LIST_ID"),
    ),
    Setting(
        "offerTrailer",
        _FLAG,
        "true",
        "a commit message begins with the trailer of the only task in progress of who commits",
    ),
    Setting(
        "owner",
        Values("a name", _line_fault),
        "",
        "who acts when no option says so; else git's user.name",
        ("GITTASKS_OWNER",),
    ),
    Setting(
        "parallel",
        _FLAG,
        "false",
        "an owner may have several tasks in progress",
    ),
    Setting(
        "pushAs",
        Values("the name of a branch", lambda v: branch_fault(v.replace("*", "x"))),
        "",
        "the branch that a list is pushed to instead of its own; a * stands for the id of the list",
    ),
    Setting(
        "pushWithCode",
        _FLAG,
        "true",
        "the hook pushes lists along with the code",
    ),
    Setting(
        "sign",
        _FLAG,
        "false",
        "commits of lists are signed as git would sign them",
    ),
    Setting(
        "strictTrailers",
        _FLAG,
        "false",
        "a commit whose trailer names no task, or a status that it cannot have, is refused",
    ),
)
"""In order of name."""


def setting(name: str) -> Setting:
    """The setting of that name, with or without the section, in any case; NotFound."""
    plain = name.lower().removeprefix(SECTION)
    for known in SETTINGS:
        if known.name.lower() == plain:
            return known
    names = [known.name for known in SETTINGS]
    near = near_matches(plain, names, 2)
    hint = f"did you mean {' or '.join(near)}?" if near else f"there is {', '.join(names)}"
    raise NotFound(f'there is no setting "{name}"', hint=hint)


def checked(known: Setting, value: str) -> str:
    """The value, if the setting can have it; Usage."""
    if fault := known.values.fault(value):
        raise Usage(f'{known.key} cannot be "{value}"', hint=fault)
    return value
