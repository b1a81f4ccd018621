"""Words that people and agents try for a field or a status, and what these are called here.

A guess is only ever told, never acted on: what somebody meant is theirs to say.
"""

from __future__ import annotations

from collections.abc import Collection

from gittasks.core.model import Status

_FIELDS = {
    "subject": "name title task content summary text",
    "id": "taskid task ref key",
    "description": "desc details detail body content",
    "activeForm": "active activeform doing present",
    "owner": "assignee assigned assignedto assign agent user by",
    "status": "state",
    "blockedBy": "dependson depends dependencies deps dep dependency after needs requires waitsfor",
    "addBlockedBy": "blockedby dependson depends dependencies deps dep after needs requires",
    "addBlocks": "blocks before",
    "result": "outcome reason message summary resolution",
    "order": "position index place rank",
    "phase": "stage milestone group",
    "metadata": "meta tags tag labels label priority due data fields",
    "text": "note notes comment message body content",
    "iterations": "loop repeat times count max",
    "unset": "unsetmetadata removemetadata",
    "endLoop": "stop exitloop",
}
_STATUSES = {
    Status.PENDING: "pending open todo to-do new ready waiting backlog unstarted blocked",
    Status.IN_PROGRESS: "in_progress inprogress doing active started running working wip current",
    Status.COMPLETED: "completed complete done finished closed resolved success passed",
    Status.SKIPPED: "skipped skip cancelled canceled wontfix abandoned dropped",
    Status.DELETED: "deleted removed",
}
_VERBS = {
    "create": "add new make insert taskcreate",
    "update": "edit set change modify patch assign block taskupdate",
    "start": "begin inprogress work resume",
    "done": "complete finish close end resolve completed",
    "skip": "cancel abandon drop wontfix",
    "reopen": "open undone uncomplete reset",
    "release": "unclaim unassign pause stop giveback",
    "note": "comment annotate log addnote",
    "delete": "remove rm del archive",
    "restore": "undelete unarchive recover",
}


def plain(name: str) -> str:
    """A name without what tells spellings apart: `blocked_by`, `--blocked-by`, `blockedBy`."""
    return name.replace("_", "").replace("-", "").lower()


def field_meant(word: str, known: Collection[str]) -> str | None:
    """The field among `known` (names as in JSON) that `word` is meant for, or None."""
    wanted = plain(word)
    for name in known:
        if plain(name) == wanted:
            return name
    for name in known:
        if wanted in _FIELDS.get(name, "").split():
            return name
    from gittasks.core.ids import near_matches

    near = near_matches(wanted, [plain(name) for name in known], 1)
    return next((name for name in known if near and plain(name) == near[0]), None)


def status_meant(word: str) -> Status | None:
    """The status that `word` is meant for, or None."""
    wanted = plain(word.strip())
    for status, words in _STATUSES.items():
        if wanted in map(plain, words.split()):
            return status
    from gittasks.core.ids import near_matches

    near = near_matches(word.strip().lower(), [s.value for s in Status], 1)
    return Status(near[0]) if near else None


def verb_meant(word: str, known: Collection[str]) -> str | None:
    """The operation among `known` that `word` is meant for, or None."""
    wanted = plain(word)
    for name, words in _VERBS.items():
        if name in known and wanted in words.split():
            return name
    from gittasks.core.ids import near_matches

    near = near_matches(wanted, known, 1)
    return near[0] if near else None
