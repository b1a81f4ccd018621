"""Ids of lists and tasks: validity, making, look-up, and cutting at a hyphen."""

from __future__ import annotations

from gittasks.core.model import FETCHED_AGAIN, PROMISED, READ_ON, Problem, Snapshot, Task
from gittasks.errors import Ambiguous, InvalidData, NotFound, Usage, Way
from gittasks.light import TYPE_CHECKING, pattern

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"
_IN_LIST_ID = frozenset(f"{_ALPHABET}{_ALPHABET.upper()}._-")
_IN_TASK_ID = frozenset(f"{_ALPHABET}-")
_WINDOWS_DEVICES = frozenset(
    ["con", "prn", "aux", "nul", "conin", "conout", "clock"]
    + [f"{port}{n}" for port in ("com", "lpt") for n in range(10)]
)
_PHASE = pattern(r"^\s*phase\s+(?=[0-9])")
_ITERATION = pattern(r"^\s*iteration\s+([0-9]+)/[0-9]+")
_WORD = pattern(r"[a-z0-9]+")
_SEPARATOR = pattern(r"[-_.]")
_SHOWN = 10
"""How many ids that a text fits are named."""
_BASE32 = "abcdefghijkmnpqrstuvwxyz23456789"
"""Suffix alphabet without l, o, 0, 1, which are misread."""
SUFFIX_LENGTH = 4


def list_id_fault(text: str) -> str | None:
    """The reason why `text` is no list id (a part of a ref name), or None if it is one."""
    if not (1 <= len(text) <= 100 and _IN_LIST_ID.issuperset(text)) or text[0] in "._-":
        return "use 1 to 100 of A-Z a-z 0-9 . _ -, beginning with a letter or digit"
    if ".." in text or text.endswith((".", ".lock")):
        return 'git allows no "..", no final "." and no ".lock" at the end of a branch name'
    return None


def branch_fault(text: str) -> str | None:
    """The reason why `text` is no branch to push a list to; None when it is one. Git takes more."""
    for part in text.split("/"):
        fits = part and _IN_LIST_ID.issuperset(part) and part[0] not in "._-"
        if not fits or ".." in part or part.endswith((".", ".lock")):
            return "use letters, digits, hyphens and slashes; a * stands for the id of the list"
    return None


def composed(text: str) -> str:
    """The spelling (NFC) by which names are compared: macOS hands out others of the same name."""
    if text.isascii():
        return text
    import unicodedata  # most names need none of it

    return unicodedata.normalize("NFC", text)


def path_fault(text: str) -> str | None:
    """The reason why `text` is no glob from the root of the code tree; None when it is one."""
    if "\\" in text:
        return "folders are separated by /"
    if text.startswith("/") or text[1:2] == ":":
        return "it begins at the root of the code tree"
    if not all(part not in ("", ".", "..") for part in text.removesuffix("/").split("/")):
        return 'no part of it is empty, "." or ".."'
    return None


def task_id_fault(text: str) -> str | None:
    """The reason why `text` is no task id, or None if it is one."""
    if not (1 <= len(text) <= 63 and _IN_TASK_ID.issuperset(text)) or text[0] == "-":
        return "use 1 to 63 of a-z 0-9 -, beginning with a letter or digit"
    if text in _WINDOWS_DEVICES:
        return "this is the name of a device on Windows"
    return None


def check_list_id(text: str) -> str:
    """Return `text` if it is a list id, else raise Usage."""
    if fault := list_id_fault(text):
        raise Usage(f'"{text}" is not a list id: {fault}')
    return text


def check_task_id(text: str) -> str:
    """Return `text` if it is a task id, else raise Usage."""
    if fault := task_id_fault(text):
        raise Usage(f'"{text}" is not a task id: {fault}')
    return text


def slug(text: str, limit: int = 40) -> str:
    """Lower-case ASCII words of `text` joined by hyphens, cut at a word, at most `limit` long.

    `PHASE 3: Write tests` gives `p3-write-tests`. Text without any ASCII letter gives `task`.
    """
    import unicodedata  # to make an id

    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    plain = _PHASE.sub("p", plain)
    plain = _ITERATION.sub(r"iter \1", plain)
    words = _WORD.findall(plain)
    if not words:
        return "task"
    stem: str = words[0][:limit]
    for word in words[1:]:
        if len(stem) + 1 + len(word) > limit:
            break
        stem += "-" + word
    return stem


def make_task_id(subject: str, entropy: int, taken: Collection[str]) -> str:
    """Slug of the subject, `-`, and four base32 characters taken from `entropy`.

    Equal arguments give the same id, so a change that is applied again after a lost race keeps
    the ids that it made.
    """
    stem = slug(subject)
    while True:
        rest, suffix = entropy, ""
        for _ in range(SUFFIX_LENGTH):
            rest, digit = divmod(rest, len(_BASE32))
            suffix += _BASE32[digit]
        if (task_id := f"{stem}-{suffix}") not in taken:
            return task_id
        entropy += 1


def resolve(text: str, ids: Iterable[str], *, cut: bool = False) -> str:
    """The one task id that `text` is; with `cut` also the one that it begins, up to a hyphen.

    What is stored or sent by a program is exact: a guess there would stay, and nobody would see it.
    """
    known = sorted(ids)
    name = text.strip().lower() if cut else text.strip()
    if name in known:
        return name
    stem = name.rstrip("-") + "-"
    matches = [i for i in known if i.startswith(stem)] if cut and len(stem) > 1 else []
    if len(matches) == 1:
        return matches[0]
    if matches:
        raise Ambiguous(
            f'"{text}" matches {len(matches)} tasks: {listed(matches, _SHOWN)}',
            hint="give the whole id, or cut it at a later hyphen",
            details={"candidates": matches},
        )
    near = near_matches(name.lower(), known)
    raise NotFound(
        f'no task "{text}"',
        hint=f"did you mean {', '.join(near)}?" if near else None,
        ways=[] if near else [Way("see all ids", ("gittasks", "list", "--all"))],
        details={"candidates": near},
    )


_LONG = 24
"""Characters from which an id is shown cut."""


def shortened(ids: Collection[str]) -> dict[str, str]:
    """Of each long id the part up to the first hyphen at which it is unique among all."""
    counts: dict[str, int] = {}
    for task_id in ids:
        parts = task_id.split("-")
        for length in range(1, len(parts) + 1):
            stem = "-".join(parts[:length])
            counts[stem] = counts.get(stem, 0) + 1
    names = {}
    for task_id in ids:
        parts = task_id.split("-")
        stems = ("-".join(parts[:length]) for length in range(1, len(parts) + 1))
        if len(task_id) >= _LONG:
            names[task_id] = next((stem for stem in stems if counts[stem] == 1), task_id)
    return names


def near_matches(text: str, known: Collection[str], limit: int = 3) -> list[str]:
    """Up to `limit` of `known` that look like `text`, best first."""
    if not text:
        return []
    from difflib import get_close_matches  # only ever needed on the way to an error

    inside = [k for k in known if len(text) > 2 and text in k]
    close = get_close_matches(text, list(known), n=limit, cutoff=0.6)
    # Ids are typed by their beginnings, so `drow` is meant for `draw-it-up`.
    heads = {k[: len(text)]: k for k in sorted(known, reverse=True)}
    begins = [heads[h] for h in get_close_matches(text, list(heads), n=limit, cutoff=0.7)]
    return list(dict.fromkeys(close + inside + begins))[:limit]


def is_slip(text: str, name: str) -> bool:
    """True when one name may well be meant by the other: it differs in case, in separators, or by
    one slip in one word. `feature-a` and `feature-b`, `issue-12` and `issue-13` are two names."""
    words, others = _SEPARATOR.split(text.casefold()), _SEPARATOR.split(name.casefold())
    if "".join(words) == "".join(others):
        return text != name
    if len(words) != len(others):
        return False
    pairs = [pair for pair in zip(words, others, strict=True) if pair[0] != pair[1]]
    word, other = pairs[0]
    return len(pairs) == 1 and min(len(word), len(other)) > 2 and _one_slip(word, other)


def _one_slip(word: str, other: str) -> bool:
    """True when a letter left out or added, or two exchanged, make one word of the other."""
    if not (word.isalpha() and other.isalpha()):
        return False
    shorter, longer = sorted((word, other), key=len)
    if len(longer) == len(shorter) + 1:
        return any(longer[:i] + longer[i + 1 :] == shorter for i in range(len(longer)))
    swaps = (word[:i] + word[i + 1] + word[i] + word[i + 2 :] for i in range(len(word) - 1))
    return other in swaps


def listed(names: Sequence[str], most: int) -> str:
    """Names in a row, cut after so many: `a, b and 3 more`."""
    return ", ".join(names[:most]) + and_more(len(names) - most)


def and_more(count: int) -> str:
    """` and 3 more`: those that are not shown; nothing for none."""
    return f" and {count} more" if count > 0 else ""


def free(stem: str, taken: Collection[str], counts: dict[str, int]) -> str:
    """The stem with the lowest number that is not taken; `counts` has the last for each stem."""
    count = counts.get(stem, 1)
    name = stem if count == 1 else f"{stem}-{count}"
    while name in taken or task_id_fault(name):
        count += 1
        name = f"{stem}-{count}"
    counts[stem] = count
    return name


def find(snapshot: Snapshot, text: str, *, cut: bool = False) -> str:
    """The id in a list that `text` is; with `cut`, as on a command line, that it begins."""
    return look_up(text, snapshot.tasks, snapshot.problems, cut=cut)


def look_up(
    text: str,
    tasks: Mapping[str, Task],
    problems: Collection[Problem] = (),
    also: Collection[str] = (),
    *,
    cut: bool = False,
) -> str:
    """The id that `text` names among the tasks and the ids `also`; see `resolve`.

    Raises NotFound, Ambiguous, or InvalidData when it names a task whose file cannot be read: to
    take another one instead whose id begins alike would change the wrong task.
    """
    name = text.strip()
    if name in tasks:
        return name
    broken = {p.task: p for p in problems if p.task and p.task not in tasks}
    task_id = resolve(text, {*tasks, *also, *broken}, cut=cut)
    if task_id in broken and task_id not in also:
        raise unreadable(broken[task_id])
    return task_id


def repair_of(problem: Problem) -> str:
    """Hint for a file that cannot be read."""
    if problem.set_aside:
        return READ_ON
    if problem.message.startswith(PROMISED):
        return "run this again when the remote can be reached"
    if problem.is_lost:
        return FETCHED_AGAIN
    return "repair the file by hand: git worktree add gives you the list's branch as files"


def unreadable(problem: Problem) -> InvalidData:
    """The error for a write to a task, or a list, whose file cannot be read."""
    task, path = problem.task, problem.path
    words = f"the file of task {task}" if task else f"{path}, without which nothing is written,"
    return InvalidData(
        f"{words} cannot be read: {problem.message}",
        where=f"{problem.path}:{problem.line}" if problem.line else problem.path,
        hint=repair_of(problem),
        ways=[Way("see what is damaged", ("gittasks", "doctor"))] if problem.is_lost else [],
    )
