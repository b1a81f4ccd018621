"""The documents with transcripts do what they say, and show what the specification promises."""

from __future__ import annotations

import importlib
import os
import pathlib
import re
import sys

import pytest
from support import transcripts

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
EXAMPLES = os.path.join("docs", "examples")
DOCUMENTS = [
    "README.md",
    os.path.join("docs", "faq.md"),
    os.path.join("docs", "hooks.md"),
    os.path.join("docs", "people.md"),
    os.path.join("docs", "settings.md"),
    os.path.join("docs", "teams.md"),
    *sorted(
        os.path.join(EXAMPLES, name)
        for name in os.listdir(os.path.join(ROOT, EXAMPLES))
        if name.endswith(".md")
    ),
]

EIGHT_PHASES = (
    "10 tasks, 0 complete, Phase 1 starting...",
    "1/10 tasks complete (10%)",
    "2/10 tasks complete (20%)",
    "3/10 tasks complete (30%)",
    "4/10 tasks complete (40%)",
    "5/10 tasks complete (50%)",
    "10/10 tasks complete (100%). Workflow finished!",
)
ITERATION_LOOP = (
    "Iteration 1/10 complete, 5 issues fixed",
    "Iteration 2/10 complete, 3 issues fixed",
    "Iteration 3/10 in progress, 2 complete",
    "Iteration 3/10 complete, 1 issue fixed",
    "Loop completed in 4/10 iterations",
    "Iteration 5/10 (50% through max)",
    "Iteration 8/10 - approaching max, may escalate to user if not PASS",
)
PARALLEL_REVIEWS = (
    "1/5 reviews complete",
    "2/5 reviews complete",
    "PHASE 2: 3/5 complete, 2 in progress",
    "3/5 reviews complete",
    "4/5 reviews complete",
    "5/5 reviews complete!",
    "Multi-model review complete in 3 minutes",
)
USER_SEES = [
    *(("1-eight-phases.md", quote) for quote in EIGHT_PHASES),
    *(("2-iteration-loop.md", quote) for quote in ITERATION_LOOP),
    *(("3-parallel-reviews.md", quote) for quote in PARALLEL_REVIEWS),
    ("4-plan-in-one-call.md", EIGHT_PHASES[0]),
]
"""What the specification lets the user see, by document, in the order in which it is seen."""

FINAL_LISTS = {
    "1-eight-phases.md": """
        [✓] PHASE 1: Ask user for requirements
        [✓] PHASE 2: Generate architecture plan
        [✓] PHASE 3: Implement core logic
        [✓] PHASE 3: Add error handling
        [✓] PHASE 3: Write tests
        [✓] PHASE 4: Run test suite
        [✓] PHASE 5: Code review
        [✓] PHASE 6: Fix review issues
        [✓] PHASE 7: User acceptance
        [✓] PHASE 8: Generate report""",
    "2-iteration-loop.md": """
        [✓] PHASE 1: Gather design reference
        [✓] Iteration 1/10: Designer validation (5 issues fixed)
        [✓] Iteration 2/10: Designer validation (3 issues fixed)
        [✓] Iteration 3/10: Designer validation (1 issue fixed)
        [✓] Iteration 4/10: Designer validation (PASS)
        [-] Iteration 5/10: Designer validation (not needed, loop exited)
        [-] Iteration 6/10: Designer validation (not needed, loop exited)
        [-] Iteration 7/10: Designer validation (not needed, loop exited)
        [-] Iteration 8/10: Designer validation (not needed, loop exited)
        [-] Iteration 9/10: Designer validation (not needed, loop exited)
        [-] Iteration 10/10: Designer validation (not needed, loop exited)
        [✓] PHASE 3: User validation gate""",
    "3-parallel-reviews.md": """
        [✓] PHASE 1: Prepare review context
        [✓] PHASE 2: Claude review
        [✓] PHASE 2: Grok review
        [✓] PHASE 2: Gemini review
        [✓] PHASE 2: GPT-5 review
        [✓] PHASE 2: DeepSeek review
        [✓] PHASE 3: Consolidate reviews
        [✓] PHASE 4: Present results""",
}


def _steps(name: str) -> tuple[transcripts.Step, ...]:
    return transcripts.performed(os.path.join(ROOT, name)).steps


def _views(name: str) -> list[str]:
    """What each `gittasks list` and `gittasks status` of a document printed, in order."""
    return [
        step.printed
        for step in _steps(name)
        if step.shown and step.words[:2] in (["gittasks", "list"], ["gittasks", "status"])
    ]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_document_is_true(name: str) -> None:
    """Every command of a document prints what the document shows and ends as it says."""
    steps = _steps(name)
    assert any(step.shown for step in steps)
    told = transcripts.faults(name, steps)
    assert not told, told


@pytest.mark.parametrize(("document", "quote"), USER_SEES)
def test_user_sees(document: str, quote: str) -> None:
    """Each line that the specification lets the user see is in the output of list or status."""
    views = _views(os.path.join(EXAMPLES, document))
    assert any(quote in line for view in views for line in view.splitlines()), quote


@pytest.mark.parametrize("document", sorted(FINAL_LISTS))
def test_user_sees_in_order(document: str) -> None:
    """The lines come in the order of the specification, each not before the one ahead of it."""
    views = _views(os.path.join(EXAMPLES, document))
    first = [
        next(i for i, view in enumerate(views) if quote in view)
        for name, quote in USER_SEES
        if name == document
    ]
    assert first == sorted(first)


@pytest.mark.parametrize("document", sorted(FINAL_LISTS))
def test_final_list(document: str) -> None:
    """The list at the end has the marks, subjects and order of the specification's final state."""
    wanted = [line.strip() for line in FINAL_LISTS[document].split("\n") if line.strip()]
    views = _views(os.path.join(EXAMPLES, document))
    shown = []
    for view in views:
        rows = [line.split(maxsplit=2) for line in view.splitlines() if line.startswith("[")]
        shown.append([f"{row[0]} {row[2]}" for row in rows if len(row) == 3])
    assert any(
        len(rows) == len(wanted)
        and all(row.startswith(want) for row, want in zip(rows, wanted, strict=True))
        for rows in shown
    )


class TestRunner:
    """The runner itself notices what differs."""

    @pytest.mark.parametrize(
        ("expected", "printed", "same"),
        [
            (["a"], ["a"], True),
            (["a"], ["b"], False),
            (["a"], ["a", "b"], False),
            ([], ["a"], False),
            (["..."], [], True),
            (["...", "c"], ["a", "b", "c"], True),
            (["a", "..."], ["b"], False),
            (["x [..] z"], ["x y z"], True),
            (["x [..] z"], ["x y"], False),
            (["a.c"], ["abc"], False),
        ],
    )
    def test_matching(self, expected: list[str], printed: list[str], same: bool) -> None:
        assert transcripts.matches(expected, printed) is same

    def test_wrong_output_and_wrong_exit_code_are_told(self, tmp_path: object) -> None:
        document = "```console\n$ echo one\ntwo\n$ (exit 3)\n$ (exit 4)  # exit 4\n```\n"
        told = transcripts.faults("x.md", transcripts.perform(document, str(tmp_path)))
        assert "x.md:2: $ echo one" in told
        assert "-two" in told
        assert "+one" in told
        assert "exit code 3, and the document says 0" in told
        assert "exit 4" not in told

    def test_shell_keeps_variables_and_folders(self, tmp_path: object) -> None:
        document = (
            "```text file=a.txt\nhello\n```\n<!-- setup\nX=1\n-->\n"
            "```console\n$ mkdir d && cd d\n$ cat ../a.txt - <<'E'\n> $X\n> E\nhello\n$X\n"
            "$ echo $X\n1\n```\n"
        )
        steps = transcripts.perform(document, str(tmp_path))
        assert transcripts.faults("x.md", steps) == ""

    def test_update_writes_what_was_printed(self, tmp_path: object) -> None:
        document = "```console\n$ echo one\nold\n$ echo two\n[..]o\n$ echo three\n```\nEnd\n"
        steps = transcripts.perform(document, str(tmp_path))
        made = "```console\n$ echo one\none\n$ echo two\n[..]o\n$ echo three\nthree\n```\nEnd\n"
        assert transcripts.updated(document, steps) == made


def _anchors(path: pathlib.Path) -> set[str]:
    """The anchors that a forge gives to the headings of a document."""
    text = re.sub(r"(?ms)^(`{3,}).*?^\1", "", path.read_text(encoding="utf-8"))
    titles = [re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", t) for t in re.findall(r"(?m)^#+ (.*)$", text)]
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_links_lead_somewhere() -> None:
    """A link in a document names a file that is there, and a heading that it has."""
    root = pathlib.Path(ROOT)
    pages = [*root.glob("*.md"), *root.glob("docs/**/*.md"), *root.glob(".github/**/*.md")]
    broken = []
    for page in pages:
        text = re.sub(r"(?ms)^(`{3,}).*?^\1", "", page.read_text(encoding="utf-8"))
        for target in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`\n]*`", "", text)):
            if "://" in target or target.startswith("mailto:"):
                continue
            name, _, anchor = target.partition("#")
            path = page.parent / name if name else page
            if not path.exists() or (anchor and anchor not in _anchors(path)):
                broken.append(f"{page.relative_to(root)}: {target}")
    assert pages
    assert not broken


def test_prose_fits_120_columns() -> None:
    """Prose is broken at 120 characters; code, tables and what cannot be broken may be longer."""
    root = pathlib.Path(ROOT)
    pages = [*root.glob("*.md"), *root.glob("docs/**/*.md")]
    long = []
    for page in pages:
        if page.name == "CHANGELOG.md":
            continue
        code = r"(?ms)^( *`{3,}).*?^\1|^<!--.*?-->"
        text = re.sub(code, "", page.read_text(encoding="utf-8"))
        for line in text.splitlines():
            words = re.sub(r"`[^`]*`|!?\[[^]]*\]\([^)]*\)", "x", line).split()
            if len(line) > 120 and len(words) > 1 and words[0][0] not in "|<":
                long.append(f"{page.relative_to(root)}: {line}")
    assert not long


def test_renamed_modules_and_names_are_there() -> None:
    """What docs/renamed.md says that a module or a name is called now, the package has."""
    package = pathlib.Path(ROOT, "gittasks")
    code = "\n".join(path.read_text(encoding="utf-8") for path in package.rglob("*.py"))
    defined = set(re.findall(r"^\s*(?:def|class) (\w+)|^(\w+)\b ?[:=]", code, re.MULTILINE))
    names = {name for pair in defined for name in pair}
    lines = pathlib.Path(ROOT, "docs", "renamed.md").read_text(encoding="utf-8").splitlines()
    rows = [line.strip("|").split("|") for line in lines if line.startswith("| `")]
    assert rows
    for row in rows:
        for now in re.findall(r"`([^`]+)`", row[-1]):
            if len(row) == 3:
                assert now in names, row
            else:
                assert (package / now).is_dir() or (package / f"{now}.py").is_file(), row


def test_the_picture_of_status_is_what_status_shows(tmp_path: pathlib.Path) -> None:
    """docs/pictures/status.svg shows what the program of today prints for the same list."""
    sys.path.insert(0, os.path.join(ROOT, "scripts"))
    try:
        pictures = importlib.import_module("pictures")
    finally:
        sys.path.pop(0)
    env = pictures.make_list(str(tmp_path))
    drawn = pictures.status_picture(str(tmp_path), env)
    kept = pathlib.Path(ROOT, "docs", "pictures", "status.svg").read_text(encoding="utf-8")
    words = [re.findall(r"<text[^>]*>([^<]*)</text>", picture) for picture in (kept, drawn)]
    assert words[0] == words[1], "run scripts/pictures.py"
    assert "@font-face" not in kept, "a font that would be fetched"
