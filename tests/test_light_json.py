"""JSON of `light_json` is that of `json`, but for the time that it takes to import."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from gittasks import light_json

_VALUES: list[Any] = [
    None,
    True,
    0,
    -1.5,
    10**30,
    'é "\\ \n \U0001f600 \ud800',
    [],
    {},
    {"a": [1, (2, "x"), {"b": {}}], "": None},
]


@pytest.mark.parametrize("value", _VALUES, ids=repr)
def test_it_writes_and_reads_what_json_does(value: Any) -> None:
    """The same text for a value, and the same value for a text, with space around it as well."""
    text = light_json.dumps(value)
    assert text == json.dumps(value, separators=(",", ":"))
    assert light_json.loads(f" {text}\n".encode()) == light_json.loads(text) == json.loads(text)


@pytest.mark.parametrize(
    "text", ["", "{", "[1,]", "nope", "1 2", '{"a" 1}', "[1]x", "'a'", '"\n"', "[1]\x0b", "\u00a01"]
)
def test_what_is_no_json_is_a_value_error(text: str) -> None:
    """As with `json`."""
    with pytest.raises(ValueError):  # noqa: PT011  its words are those of either reader
        light_json.loads(text)


@pytest.mark.parametrize(("value", "error"), [(float("nan"), ValueError), ({1, 2}, TypeError)])
def test_what_json_cannot_hold_is_refused(value: Any, error: type[Exception]) -> None:
    """No number that other readers refuse, no set."""
    with pytest.raises(error):
        light_json.dumps(value)


def test_json_and_re_stay_out() -> None:
    """Neither is imported by the two light modules, before a pattern is used."""
    code = """
import sys
from gittasks import light_json, light_patterns
pattern = light_patterns.pattern("(?i)a(b)")
light_json.loads(light_json.dumps([1]))
assert not {"json", "re"} & set(sys.modules)
assert pattern.fullmatch("AB")[1] == "B" and pattern.search("c") is None
assert "re" in sys.modules
"""
    subprocess.run([sys.executable, "-S", "-c", code], check=True)
