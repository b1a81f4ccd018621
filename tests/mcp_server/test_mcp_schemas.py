"""The tools as an agent sees them before it calls any."""

from __future__ import annotations

import json
import os
import re

import jsonschema
import pytest
from support import agents

from gittasks.mcp_server.schemas import BY_NAME, INSTRUCTIONS, TOOLS, Tool

NATIVE = {
    "TaskCreate": {"subject", "description", "activeForm", "metadata"},
    "TaskUpdate": {
        *("taskId", "status", "subject", "description", "activeForm", "owner"),
        *("addBlocks", "addBlockedBy", "metadata"),
    },
    "TaskGet": {"taskId"},
    "TaskList": set(),
}
"""The tools that Claude Code has itself, and their fields."""
SPECIFIED = {"subject", "description", "activeForm", "status", "blockedBy", "owner"}
"""What the specification gives TaskCreate."""
DOCUMENT = os.path.join(os.path.dirname(__file__), "..", "..", "docs", "agents.md")
MOST_BYTES = 2048
"""Agents cut longer descriptions and instructions off."""


@pytest.mark.parametrize("name", sorted(NATIVE))
def test_native_fields_are_there(name: str) -> None:
    """Whoever calls a tool as it is called in Claude Code finds every field."""
    assert BY_NAME[name].input["properties"].keys() >= NATIVE[name]


def test_specified_fields_are_there() -> None:
    """TaskCreate takes what the specification shows, so does TaskCreateMany for each task."""
    assert BY_NAME["TaskCreate"].input["properties"].keys() >= SPECIFIED
    each = BY_NAME["TaskCreateMany"].input["properties"]["tasks"]["items"]
    assert each["properties"].keys() >= SPECIFIED


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_schemas_are_schemas(tool: Tool) -> None:
    """Both schemas are valid JSON Schema, describe objects, and take no unknown fields."""
    for schema in (tool.input, tool.output):
        jsonschema.Draft202012Validator.check_schema(schema)
        assert schema["type"] == "object"
        assert schema["additionalProperties"] is False


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_descriptions_are_short(tool: Tool) -> None:
    """No description is longer than what agents read of it."""
    assert len(tool.description.encode()) < MOST_BYTES


def test_instructions_are_short() -> None:
    """The instructions of the server are not longer than what agents read of them."""
    assert len(INSTRUCTIONS.encode()) < MOST_BYTES


def test_tools_cost_few_tokens() -> None:
    """Names, descriptions and input schemas, which every conversation pays for, stay below 2,300
    tokens, counted as a token for every three bytes (a tokenizer counts about four)."""
    shown = [{"name": t.name, "description": t.description, "input": t.input} for t in TOOLS]
    assert len(json.dumps(shown, ensure_ascii=False).encode()) / 3 < 2300


def test_what_is_told_of_the_tools() -> None:
    """The marks that clients act on: which tools only read, which to show at once, which reach out
    to a remote. Nothing destroys: what is deleted is hidden and kept."""
    with agents.in_memory(".") as agent:
        told = {tool.name: tool for tool in agent.portal.call(agent.client.list_tools).tools}
    assert list(told) == [tool.name for tool in TOOLS]
    notes = {name: tool.annotations for name, tool in told.items()}
    reading = {name for name, note in notes.items() if note and note.read_only_hint}
    assert reading == {"TaskList", "TaskGet"}
    assert not any(note is None or note.destructive_hint for note in notes.values())
    remote = {name for name, note in notes.items() if note and note.open_world_hint}
    assert remote == {"TaskClaim", "TaskSync"}
    at_once = {n for n, t in told.items() if (t.meta or {}).get("anthropic/alwaysLoad") is True}
    assert at_once == {*NATIVE, "TaskCreateMany"}


def test_the_document_names_every_tool() -> None:
    """docs/agents.md has each tool, and a configuration that is the command as it is."""
    with open(DOCUMENT, encoding="utf-8") as file:
        document = file.read()
    assert all(f"| `{tool.name}` |" in document for tool in TOOLS)
    block = re.search(r"```json\n(.*?)```", document, re.DOTALL)
    assert block
    server = json.loads(block[1])["mcpServers"]["gittasks"]
    assert [server["command"], *server["args"]] == ["gittasks", "mcp"]


def test_instructions_arrive() -> None:
    """A client of today and one of the time before get the instructions."""
    for mode in ("auto", "legacy"):
        with agents.in_memory(".", mode=mode) as agent:
            assert agent.client.instructions == INSTRUCTIONS
