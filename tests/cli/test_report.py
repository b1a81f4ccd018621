"""`report`: where it goes, and what is in it."""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Callable
from html.parser import HTMLParser

import pytest
from markdown_it import MarkdownIt
from support.reports import HOSTILE, OWNER, busy, hostile, minute
from support.repositories import Repo

from gittasks.render.report import escaped
from gittasks.render.text import clean

SECTIONS = (
    *("now", "matters", "open", "tasks", "timeline"),
    *("burn-up", "dependencies", "losses", "people"),
)
Copy = Callable[[str, Callable[[Repo], None]], Repo]


@pytest.fixture
def busy_repo(copy_of: Copy) -> Repo:
    """A list with everything in it."""
    return copy_of("busy", busy)


class Outline(HTMLParser):
    """Tags, ids, links and headings of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += ((tag, name, value or "") for name, value in attrs)

    def handle_data(self, data: str) -> None:
        self.text += data

    def values(self, name: str) -> list[str]:
        return [value for _, attribute, value in self.attributes if attribute == name]


def check_places(page: Outline) -> None:
    """Each id is there once, and each link leads to one."""
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    assert {link.removeprefix("#") for link in page.values("href")} <= set(ids)


def test_the_page_is_one_file_that_fetches_nothing(busy_repo: Repo) -> None:
    """A strict policy, no script, nothing that leads to another place, each link to a place."""
    page = busy_repo.ok("report", env=minute(1530)).out
    found = Outline(page)
    assert not {"script", "link", "img", "iframe", "form", "object"} & set(found.tags)
    policy = next(v for v in found.values("content") if "default-src" in v)
    assert re.fullmatch(
        r"default-src 'none'; style-src 'sha256-[^']+'; base-uri 'none'; form-action 'none'", policy
    )
    assert "style" not in {name for _, name, _ in found.attributes}
    check_places(found)
    assert "http://" not in page
    assert "https://" not in page


def test_the_page_tells_everything(busy_repo: Repo) -> None:
    """Progress, phases, who did what when, what waits for what, results and notes."""
    page = busy_repo.ok("report", env=minute(1530)).out
    for words in (
        "1/4 tasks complete (25%), currently Implement core",
        "PHASE 2: 0/2 complete, 1 in progress",
        "bob: 2030-01-01 00:10:00 to 2030-01-01 00:20:00, 10 min, released",
        "bob: 2030-01-02 01:00:00 to now, 30 min, running",
        "; reopened 2030-01-02 01:21:00",
        "1 of 4 tasks complete; the list began with 5, and had 5 at most.",
        "5 requirements",
        "First line\nsecond line",
        "1 idle time cut short",
        "As of <time",
    ):
        assert words in page, words


def test_a_file_is_written_and_renewed(busy_repo: Repo) -> None:
    """--output names the file in the answer; writing a report over a report needs no word."""
    done = busy_repo.ok("report", "--output", "out.html")
    assert done.out == "report written to out.html\n"
    first = busy_repo.read("out.html")
    assert first.startswith("<!DOCTYPE html>")
    os.chmod(busy_repo.file("out.html"), 0o640)
    busy_repo.ok("done", "core", "--owner", "bob")
    answer = busy_repo.ok("report", "-o", "out.html", "--json").json()
    assert (answer["kind"], answer["file"], answer["format"]) == ("report", "out.html", "html")
    assert answer["bytes"] == os.path.getsize(busy_repo.file("out.html"))
    assert busy_repo.read("out.html") != first
    assert stat.S_IMODE(os.stat(busy_repo.file("out.html")).st_mode) == 0o640
    assert sorted(os.listdir(busy_repo.path)) == [".git", "code.txt", "out.html"]


def test_a_file_that_is_no_report_is_kept(busy_repo: Repo) -> None:
    """Somebody's file is not overwritten, unless --force says so; an empty one may be."""
    done = busy_repo.run("report", "-o", "code.txt")
    assert (done.code, done.out) == (2, "")
    assert "code.txt is there, and is no report" in done.err
    assert busy_repo.read("code.txt") == "code\n"
    busy_repo.ok("report", "-o", "code.txt", "--force")
    assert busy_repo.read("code.txt").startswith("<!DOCTYPE html>")
    busy_repo.write("empty", "")
    busy_repo.ok("report", "-o", "empty", "--format", "markdown")
    busy_repo.ok("report", "-o", "empty", "--format", "markdown")


def test_places_that_cannot_be_written(busy_repo: Repo) -> None:
    """A missing folder, and a folder: an error that names it, and nothing left behind."""
    for place in ("no/out.html", "."):
        done = busy_repo.run("report", "-o", place)
        assert done.code == 4, done
        assert done.err.startswith("error: ")
    assert sorted(os.listdir(busy_repo.path)) == [".git", "code.txt"]
    done = busy_repo.run("report", "-o", "-", "--json")
    assert (done.code, done.out) == (2, "")


def test_the_file_that_was_named_is_the_one_that_is_told(busy_repo: Repo) -> None:
    """Not the draft that is written beside it."""
    done = busy_repo.run("report", "-o", "none/such.html")
    assert done.code == 4
    assert "none/such.html" in done.err
    assert ".tmp" not in done.err


def test_without_a_name_nothing_lands_in_the_work_tree(busy_repo: Repo) -> None:
    """With --json the page goes to the git directory, which the answer names."""
    answer = busy_repo.ok("report", "--json").json()
    assert answer["file"] == ".git/gittasks/report/plan.html"
    assert busy_repo.read(answer["file"]).startswith("<!DOCTYPE html>")
    assert busy_repo.git("status", "--porcelain") == ""


def test_a_symbolic_link_stays_one(busy_repo: Repo) -> None:
    """The report goes to where the link leads."""
    os.symlink("real.html", busy_repo.file("link.html"))
    busy_repo.ok("report", "-o", "link.html")
    assert os.path.islink(busy_repo.file("link.html"))
    assert busy_repo.read("real.html").startswith("<!DOCTYPE html>")


def test_hostile_texts_stay_texts(copy_of: Copy) -> None:
    """Nothing that stands on the branch makes a tag, an attribute or a link on the page."""
    repo = copy_of("hostile", hostile)
    done = repo.run("report")
    assert done.code == 4  # a file cannot be read; all others are told
    found = Outline(done.out)
    assert not {"script", "img"} & set(found.tags)
    assert not [n for _, n, _ in found.attributes if n.startswith("on") or n == "style"]
    assert all(link.startswith("#") for link in found.values("href"))
    assert "\u202e" not in done.out
    assert "\x1b" not in done.out
    assert "Unreadable" in done.out


def test_an_empty_list_has_a_report(empty: Repo) -> None:
    """A page and Markdown that say that there is nothing yet."""
    page = empty.ok("report").out
    assert "There are no tasks yet." in page
    found = Outline(page)
    check_places(found)
    assert [i for i in found.values("id") if i in SECTIONS] == ["now", "tasks"]
    assert "no tasks yet" in empty.ok("report", "--format", "markdown").out


def test_a_list_that_has_not_begun(listed: Repo) -> None:
    """There are tasks and no work yet: all links lead somewhere."""
    found = Outline(listed.ok("report").out)
    check_places(found)
    assert [i for i in found.values("id") if i in SECTIONS] == ["now", "open", "tasks", "burn-up"]


def test_a_page_of_many_tasks_is_short(empty: Repo) -> None:
    """Open tasks beyond a few are under a fold, and so is each phase; dependencies are a list."""
    tasks = (
        {"op": "create", "id": f"t{n}", "subject": f"PHASE {n // 40}: Part {n}"}
        | ({"blockedBy": [f"t{n - 40}"]} if n >= 40 else {})
        for n in range(120)
    )
    empty.ok("batch", stdin="\n".join(map(json.dumps, tasks)))
    page = empty.ok("report").out
    assert "100 more open tasks" in page
    assert page.count('<details class="phase waiting">') == 3
    assert 'class="graph"' not in page
    assert page.count(" waits for ") >= 80


def test_markdown(busy_repo: Repo) -> None:
    """Summary, bar, phases and tasks in tables, on standard output."""
    out = busy_repo.ok("report", "--format", "markdown", env=minute(1530)).out
    lines = out.splitlines()
    assert lines[:4] == [
        "<!-- gittasks report: plan -->",
        "### Tasks: Sign-in",
        "",
        "**1/4 tasks complete (25%), currently Implement core**",
    ]
    assert "| PHASE 1: 1/1 complete | 7 min |" in lines
    assert "| ✓ | PHASE 1: Ask user | completed | ada | 7 min | 5 requirements |" in lines
    assert "| → | PHASE 2: Implement core | in progress | bob | 30 min so far |  |" in lines
    assert "| ○ | PHASE 3: Ship it | blocked |  |  |  |" in lines


def test_markdown_of_hostile_texts(copy_of: Copy) -> None:
    """Each text stays in its cell; no mention, reference, sign or address comes about."""
    repo = copy_of("hostile", hostile)
    out = repo.run("report", "--format", "markdown").out
    body = out.replace("&#8203;", "\0")
    for wrong in ("<script", "<img", "@ada", " #1 ", ":smile", "http:/", "\u202e", "\x1b"):
        assert wrong not in body, wrong
    bare = re.compile(r"(?<!\\)[`*\[\]]")
    rows = [line for line in body.splitlines() if "smile" in line]
    assert rows
    for row in rows:
        assert not bare.search(row.replace("**", "")), row
    cells = [len(re.findall(r"(?<!\\)\|", r)) for r in rows if r.startswith("| ✓")]
    assert cells == [7]
    assert HOSTILE[:10] not in out


def test_markdown_shows_texts_as_they_were_written(copy_of: Copy) -> None:
    """Read by a renderer (markdown-it, tables on, HTML let through) the texts come back whole."""
    repo = copy_of("hostile", hostile)
    out = repo.run("report", "--format", "markdown").out
    page = MarkdownIt("commonmark").enable("table").render(out)
    found = Outline(page)
    known = {"h3", "h4", "p", "strong", "code", "ul", "li", "sub", "details", "summary"}
    assert set(found.tags) <= known | {"table", "thead", "tbody", "tr", "th", "td"}
    assert found.attributes == []
    shown = found.text.replace("\u200b", "").replace("\n", " ")
    written = clean(HOSTILE)
    assert shown.count(written) >= 3
    assert shown.count(OWNER) >= 2


@pytest.mark.parametrize(
    "text",
    [
        "# a",
        "1. b",
        "- c",
        "> d",
        "| e |",
        "```",
        "a\\|b",
        "\\",
        "<!-- x",
        "***",
        "_a_ ~~b~~",
        "&lt;",
    ],
)
def test_each_mark_of_markdown_is_text(text: str) -> None:
    """In a cell of a table a text is what it was, whatever it begins with."""
    page = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    made = page.render(f"| a | b |\n| --- | --- |\n| {escaped(text)} | z |\n")
    found = Outline(made)
    assert found.tags.count("td") == 2
    assert found.text.replace("\u200b", "").split() == ["a", "b", *text.split(), "z"]


def test_markdown_fits_a_comment(empty: Repo) -> None:
    """A list that is too long for a comment is cut, open tasks stay, and it is said."""
    import json

    lines = [
        json.dumps({"op": "create", "id": f"t{i}", "subject": f"Task {i} " + "x" * 150})
        for i in range(600)
    ]
    lines += [json.dumps({"op": "skip", "id": f"t{i}"}) for i in range(300)]
    empty.ok("batch", stdin="\n".join(lines))
    out = empty.ok("report", "--format", "markdown").out
    assert len(out) <= 60_000
    assert "Task 300 " in out
    assert "left out; all: `gittasks list`" in out
    assert out.rstrip().endswith("</sub>")


def test_the_report_as_it_was(busy_repo: Repo) -> None:
    """--at tells what was known then: the figures, what ran, and nothing that came later."""
    out = busy_repo.ok("report", "--format", "markdown", "--at", "2030-01-01T00:15:00Z").out
    assert "**1/5 tasks complete (20%), currently Implement core**" in out
    assert "| → | PHASE 2: Implement core | in progress | bob | 5 min so far |  |" in out
    assert "eve" not in out
    assert "As of 2030-01-01 00:15:00 UTC" in out
    page = busy_repo.ok("report", "--at", "2030-01-01T00:15:00Z").out
    assert "bob: 2030-01-01 00:10:00 to now, 5 min, running" in page
    assert "second line" not in page
    assert busy_repo.run("report", "--at", "nonsense").code == 2


def test_conflicts_are_on_the_page(busy_repo: Repo, tmp_path: object) -> None:
    """What was changed in two places at once, with the command that takes the other value."""
    remote = os.path.join(str(tmp_path), "remote.git")
    busy_repo.git("clone", "-q", "--bare", ".", remote)
    busy_repo.git("remote", "add", "origin", remote)
    busy_repo.ok("push")
    other = Repo(os.path.join(str(tmp_path), "other"))
    busy_repo.git("clone", "-q", remote, other.path)
    other.ok("update", "ship", "--subject", "Theirs", "-l", "plan", env=minute(1540))
    other.ok("push", "-l", "plan")
    busy_repo.ok("update", "ship", "--subject", "Ours", env=minute(1541))
    busy_repo.ok("pull")
    for form in ("html", "markdown"):
        out = busy_repo.ok("report", "--format", form).out
        assert "Conflict" in out
        assert "; discarded " in out
    assert "instead: gittasks update ship --subject" in busy_repo.ok("report").out
