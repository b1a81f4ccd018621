"""The JSON Schemas of docs/schema, for tests: every document that a test reads is checked."""

from __future__ import annotations

import json
import os
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry, Resource

FOLDER = os.path.join(os.path.dirname(__file__), "..", "..", "docs", "schema")
PARTS = "parts"


def names() -> list[str]:
    """Names of the schemas: kinds of documents, and `parts`."""
    return sorted(name.removesuffix(".json") for name in os.listdir(FOLDER))


@cache
def schema(name: str) -> Any:
    """A schema as it is published."""
    with open(os.path.join(FOLDER, f"{name}.json"), encoding="utf-8") as file:
        return json.load(file)


def check_schema(name: str) -> None:
    """Assert that a schema is one."""
    Draft202012Validator.check_schema(schema(name))


@cache
def validator(kind: str) -> Any:
    """A validator that is stricter than the published schema: keys that it does not name fail."""
    parts = Resource.from_contents(_closed(schema(PARTS)))
    registry = Registry().with_resource(f"{PARTS}.json", parts)
    return Draft202012Validator(_closed(schema(kind)), registry=registry)


def _closed(part: Any) -> Any:
    if isinstance(part, list):
        return [_closed(item) for item in part]
    if not isinstance(part, dict):
        return part
    made = {key: _closed(value) for key, value in part.items()}
    return {"additionalProperties": False, **made} if "properties" in part else made


def check(document: Any) -> None:
    """Assert that a document is as its schema says; one of a kind without a schema passes."""
    kind = document.get("kind") if isinstance(document, dict) else None
    if isinstance(kind, str) and "schemaVersion" in document and kind in names():
        faults = [
            f"{e.json_path}: {e.message[:300]}" for e in validator(kind).iter_errors(document)
        ]
        assert not faults, f"{kind} is not as docs/schema/{kind}.json says: {faults[:5]}"
