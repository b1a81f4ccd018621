"""docs/schema, docs/json.md and the source name the same kinds of documents with the same keys."""

from __future__ import annotations

import ast
import copy
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support import schemas
from support.repositories import Repo

_ROOT = Path(__file__).parent.parent
_NOT_BUILT_BY_US = {"codec/importers/json_exports.py"}
"""Modules that name the keys of a document because they read it."""


def _printed() -> dict[str, str]:
    """Kind of each document that the source builds, with the module that does."""
    found = {}
    for path in sorted((_ROOT / "gittasks").rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        name = str(path.relative_to(_ROOT / "gittasks"))
        if name not in _NOT_BUILT_BY_US | {"render/documents.py"}:
            assert '"schemaVersion"' not in text, f"{name}: documents.envelope makes documents"
        if "envelope(" not in text:
            continue
        for node in ast.walk(ast.parse(text)):
            called = node.func if isinstance(node, ast.Call) else None
            if isinstance(called, ast.Attribute | ast.Name) and isinstance(node, ast.Call):
                word = called.attr if isinstance(called, ast.Attribute) else called.id
                if word == "envelope":
                    assert name == "render/documents.py", (
                        f"{name}: that is where documents are made"
                    )
                    kind = node.args[0]
                    assert isinstance(kind, ast.Constant), f"{name}: the kind must be a literal"
                    found[str(kind.value)] = name
    return found


def _documented() -> dict[str, list[str]]:
    """Keys of each kind, and of each part, as docs/json.md has them."""
    found: dict[str, list[str]] = {}
    keys: list[str] = []
    for line in (_ROOT / "docs" / "json.md").read_text(encoding="utf-8").splitlines():
        if line.startswith("### "):
            keys = found.setdefault(line.removeprefix("### ").strip(), [])
        elif line.startswith("## "):
            keys = []
        elif row := re.match(r"\| `(\w+)` \| ", line):
            keys.append(row[1])
    return found


PRINTED = _printed()
DOCUMENTED = _documented()


@pytest.mark.parametrize("kind", sorted(PRINTED))
def test_every_kind_has_a_schema_and_a_section(kind: str) -> None:
    """A new kind needs docs/schema/KIND.json and a table in docs/json.md with the same keys."""
    assert kind in schemas.names(), f"{PRINTED[kind]} prints it; write docs/schema/{kind}.json"
    assert kind in DOCUMENTED, f"{PRINTED[kind]} prints it; describe it in docs/json.md"
    told = schemas.schema(kind)
    assert list(told["properties"]) == ["schemaVersion", "kind", *DOCUMENTED[kind]]
    assert told["properties"]["kind"] == {"const": kind}
    missing = set(told["properties"]) - set(told["required"])
    assert missing == ({"history", "at"} if kind == "task" else set())


def test_no_schema_without_a_kind() -> None:
    """What nothing prints any more has no schema."""
    assert set(schemas.names()) == {*PRINTED, schemas.PARTS}


def test_parts_have_the_keys_of_the_document() -> None:
    """Every part that docs/json.md describes is in parts.json with the same keys, all required."""
    parts = schemas.schema(schemas.PARTS)["$defs"]
    titles = [title for title in DOCUMENTED if title.endswith(" part")]
    assert titles
    for title in titles:
        name = title.removesuffix(" part")
        part = parts[name[0].lower() + name[1:]]
        assert list(part["properties"]) == part["required"] == DOCUMENTED[title], title


@pytest.mark.parametrize("name", schemas.names())
def test_schemas_are_schemas(name: str) -> None:
    """Each is valid JSON Schema 2020-12, and every reference leads somewhere."""
    schema = schemas.schema(name)
    schemas.check_schema(name)
    parts = schemas.schema(schemas.PARTS)["$defs"]
    for place, part in re.findall(r'"\$ref": "([^"#]*)#/\$defs/(\w+)"', json.dumps(schema)):
        assert place == ("" if name == schemas.PARTS else "parts.json")
        assert part in parts


def test_the_published_schemas_let_new_keys_pass() -> None:
    """Keys may be added within a version, so what we publish must not forbid them."""
    for name in schemas.names():
        assert '"additionalProperties": false' not in json.dumps(schemas.schema(name))


def test_a_document_that_is_not_as_it_should_is_found(listed: Repo) -> None:
    """The check fails for a key that is missing, that nobody knows, or of another type."""
    document = listed.ok("list", "--json").json()
    schemas.check(document)
    changes: tuple[Callable[[Any], object], ...] = (
        lambda d: d.pop("stale"),
        lambda d: d.update(more=1),
        lambda d: d["tasks"][0].pop("ready"),
        lambda d: d["tasks"][0].update(status="done"),
        lambda d: d["tasks"][0].update(created="yesterday"),
        lambda d: d["progress"].update(total=-1),
        lambda d: d.update(schemaVersion=2),
    )
    for change in changes:
        broken: Any = copy.deepcopy(document)
        change(broken)
        with pytest.raises(AssertionError, match=r"docs/schema/taskList\.json"):
            schemas.check(broken)


def test_documents_of_a_day(listed: Repo) -> None:
    """Every command that has come so far prints a document that has a schema."""
    foreign = os.path.join(os.path.dirname(__file__), "foreign", "backlog")
    seen = set()
    for args in (
        ("init", "plan"),
        ("use", "plan"),
        ("archive",),
        ("unarchive", "plan"),
        ("lists",),
        ("start", "a"),
        ("show", "a"),
        ("claim", "b", "--parallel"),
        ("run", "c", "--parallel", "--", "true"),
        ("list",),
        ("list", "--since", "1h"),
        ("status",),
        ("status", "--all"),
        ("watch", "--once"),
        ("ready",),
        ("log",),
        ("log", "--timeline"),
        ("report", "-o", "../report.html"),
        ("undo",),
        ("redo", "--dry-run"),
        ("export",),
        ("export", "-o", "../out.md"),
        ("import", foreign),
        ("conflicts",),
        ("hooks", "status"),
        ("hooks", "catch-up"),
        ("doctor",),
        ("claude", "install", "--print"),
        ("claude", "install", "--dry-run"),
        ("claude", "status"),
        ("claude", "export", "plan"),
        ("claude", "import", "plan"),
        ("start", "nothing"),
    ):
        document = listed.run("--json", *args).json()
        schemas.check(document)
        seen.add(document["kind"])
    assert seen <= set(schemas.names())
    assert len(seen) == 28
