"""`light` gives what the standard library does, but for the time that this takes to import."""

from __future__ import annotations

import contextlib
import copy
import enum
import functools
import inspect
import json
import pickle
import subprocess
import sys
import typing
from collections.abc import Iterator
from typing import Any

import pytest

from gittasks import light

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


class Light(light.NamedTuple):
    """A value."""

    first: int
    second: str = "s"
    new: tuple[int, ...] = ()

    @property
    def both(self) -> str:
        return f"{self.first}{self.second}"


class Usual(typing.NamedTuple):
    """A value."""

    first: int
    second: str = "s"
    new: tuple[int, ...] = ()

    @property
    def both(self) -> str:
        return f"{self.first}{self.second}"


@pytest.mark.parametrize("made", [(1,), (1, "b"), (1, "b", (2,))])
def test_values_are_the_same(made: tuple[typing.Any, ...]) -> None:
    """They are tuples: equal, ordered, taken apart and copied as those of typing."""
    light, usual = Light(*made), Usual(*made)
    assert tuple(light) == tuple(usual)
    assert hash(light) == hash(usual)
    assert (light.first, light.second, light.new, light.both) == (*usual, usual.both)
    assert light._asdict() == usual._asdict()
    assert tuple(light._replace(second="x")) == tuple(usual._replace(second="x"))
    assert Light._make(tuple(usual)) == light
    assert repr(light) == repr(usual).replace("Usual", "Light")
    assert pickle.loads(pickle.dumps(light)) == copy.deepcopy(light) == light  # noqa: S301
    assert type(light._replace(first=2)) is type(copy.copy(light)) is Light
    match light:
        case Light(first, second):
            assert (first, second) == light[:2]


def test_classes_are_the_same() -> None:
    """Fields, defaults and the constructor, compiled when a class has many values."""
    assert {tuple(Light(1)) for _ in range(100)} == {tuple(Light(second="s", first=1))}
    for name in ("_fields", "_field_defaults", "__match_args__", "__doc__"):
        assert getattr(Light, name) == getattr(Usual, name)
    assert typing.get_type_hints(Light) == typing.get_type_hints(Usual)
    assert str(inspect.signature(Light.__new__)) == "(_cls, first, second='s', new=())"


@pytest.mark.parametrize(
    "call", ["New()", "New(1, x=2)", "New(second=2)", "New(1, 's', (), 4)", "New(1, 's', second=2)"]
)
def test_wrong_calls_are_refused(call: str) -> None:
    """In the words of the constructor that is compiled, at the first call as at later ones."""

    class New(light.NamedTuple):
        first: int
        second: str = "s"
        new: tuple[int, ...] = ()

    for _ in range(2):
        with pytest.raises(TypeError, match="argument"):
            eval(call, {"New": New})  # noqa: S307


def test_wrong_fields_are_refused() -> None:
    """No field appears that is not declared, and none is set."""
    with pytest.raises(ValueError, match="unexpected field"):
        Light(1)._replace(nothing=1)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="Expected 3 arguments"):
        Light._make([1])
    with pytest.raises(AttributeError):
        Light(1).first = 2  # type: ignore[misc]


class LightWord(light.StrEnum):
    """Words."""

    DONE = "done"
    """The end."""
    IN_WORK = "in work"

    @property
    def short(self) -> str:
        return self[:2]


class UsualWord(enum.StrEnum):
    """Words."""

    DONE = "done"
    IN_WORK = "in work"

    @property
    def short(self) -> str:
        return self[:2]


def test_enumerations_are_the_same() -> None:
    """Members are the words, of their class, one of each however they are come by."""
    assert [*LightWord] == [*UsualWord] == ["done", "in work"]
    assert (len(LightWord), LightWord.__doc__) == (2, "Words.")
    for ours, theirs in zip(LightWord, UsualWord, strict=True):
        assert (ours.name, ours.value, ours.short) == (theirs.name, theirs.value, theirs.short)
        assert (f"{ours:>9}", str(ours)) == (f"{theirs:>9}", str(theirs))
        assert hash(ours) == hash(ours.value)
        assert repr(ours) == repr(theirs).replace("Usual", "Light")
        assert light.write_json([ours]) == json.dumps([theirs])
        copies = copy.deepcopy(ours), copy.copy(ours), pickle.loads(pickle.dumps(ours))  # noqa: S301
        assert {id(word) for word in (*copies, LightWord(ours), LightWord(ours.value))} == {
            id(ours)
        }
        assert isinstance(ours, LightWord)
    assert LightWord.DONE in LightWord
    for words in (LightWord, UsualWord):
        with pytest.raises(ValueError, match=r"'gone' is not a valid \w+Word"):
            words("gone")


class Holder:
    """What has a value of each kind of cached property."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    @light.cached_property
    def ours(self) -> list[str]:
        """A list."""
        self.calls.append("ours")
        return []

    @functools.cached_property
    def theirs(self) -> list[str]:
        """A list."""
        self.calls.append("theirs")
        return []


def test_properties_are_cached_the_same() -> None:
    """They are worked out once, can be set and forgotten, and are described."""
    holder = Holder()
    assert holder.ours is holder.ours
    assert holder.theirs is holder.theirs
    del holder.ours, holder.theirs
    assert (holder.ours, holder.theirs) == ([], [])
    assert holder.calls == ["ours", "theirs"] * 2
    holder.ours = holder.theirs = ["x"]
    assert holder.ours is holder.theirs
    assert Holder.ours.__doc__ == Holder.theirs.__doc__ == "A list."


def test_contexts_are_the_same() -> None:
    """Errors of the kinds that are named end a block, others come through; a generator works."""
    for suppress in (light.suppress, contextlib.suppress):
        reached = []
        with suppress(KeyError, ValueError):
            reached.append(1)
            raise KeyError
        with pytest.raises(IndexError), suppress(KeyError):
            raise IndexError
        with suppress(OSError):
            reached.append(2)
        assert reached == [1, 2]

    @light.contextmanager
    def block(word: str) -> Iterator[str]:
        yield word

    with block("x") as word:
        assert word == "x"


def test_answers_are_remembered() -> None:
    """A function is called again only for what it was not asked lately."""
    asked = []

    @light.lru_cache(2)
    def double(number: int) -> int:
        asked.append(number)
        return 2 * number

    assert [double(n) for n in (1, 1, 2, 3, 1)] == [2, 2, 4, 6, 2]
    assert asked == [1, 2, 3, 1]


def test_it_does_without_the_library() -> None:
    """That is what it is for."""
    code = """
import sys
from gittasks import light
class Word(light.StrEnum):
    DONE = "done"
class Value(light.NamedTuple):
    word: Word
with light.suppress(ValueError):
    Value(Word("gone"))
heavy = {"typing", "enum", "functools", "contextlib", "collections", "operator", "types"}
assert not heavy & set(sys.modules)
"""
    subprocess.run([sys.executable, "-S", "-c", code], check=True)


@pytest.mark.parametrize("value", _VALUES, ids=repr)
def test_it_writes_and_reads_what_json_does(value: Any) -> None:
    """The same text for a value, and the same value for a text, with space around it as well."""
    text = light.write_json(value)
    assert text == json.dumps(value, separators=(",", ":"))
    assert light.read_json(f" {text}\n".encode()) == light.read_json(text) == json.loads(text)


_NONE = ["", "{", "[1,]", "nope", "1 2", '{"a" 1}', "[1]x", "'a'", '"\n"', "[1]\x0b", "\u00a01"]
_DEEP = ["[" * 200_000, '{"a":' * 200_000]


@pytest.mark.parametrize("text", [*_NONE, *_DEEP], ids=lambda text: repr(text[:8]))
def test_what_is_no_json_is_a_value_error(text: str) -> None:
    """As with `json`, but for what is nested without end, which there is a RecursionError."""
    with pytest.raises(ValueError):  # noqa: PT011  its words are those of either reader
        light.read_json(text)


@pytest.mark.parametrize(("value", "error"), [(float("nan"), ValueError), ({1, 2}, TypeError)])
def test_what_json_cannot_hold_is_refused(value: Any, error: type[Exception]) -> None:
    """No number that other readers refuse, no set."""
    with pytest.raises(error):
        light.write_json(value)


def test_json_and_re_stay_out() -> None:
    """Neither is imported, before a pattern is used."""
    code = """
import sys
from gittasks import light
pattern = light.pattern("(?i)a(b)")
light.read_json(light.write_json([1]))
assert not {"json", "re"} & set(sys.modules)
assert pattern.fullmatch("AB")[1] == "B" and pattern.search("c") is None
assert "re" in sys.modules
"""
    subprocess.run([sys.executable, "-S", "-c", code], check=True)


_DEFERRED = """
import sys
from gittasks import light
light.defer("inspect")
import dataclasses, inspect
stand_in = inspect
@dataclasses.dataclass
class Point:
    "With a docstring, so that its signature is not asked for."
    x: int
"""


def _run(code: str) -> None:
    subprocess.run([sys.executable, "-c", _DEFERRED + code], check=True, timeout=60)


def test_a_module_is_imported_when_something_is_asked_of_it() -> None:
    """It takes its place then, and what was imported before has all that it has."""
    _run("""
if sys.version_info < (3, 12):  # newer ones ask `inspect` for the annotations of each dataclass
    assert "ast" not in sys.modules
assert str(stand_in.signature(Point)) == "(x: int) -> None"
assert "ast" in sys.modules
real = sys.modules["inspect"]
assert real is not stand_in and real.__spec__.name == "inspect"
import inspect
from inspect import Parameter
assert inspect is real and Parameter is stand_in.Parameter is real.Parameter
assert stand_in.Signature is vars(stand_in)["Signature"] is real.Signature
import pickle
signature = stand_in.signature(Point)
assert pickle.loads(pickle.dumps(signature)) == signature
""")


def test_a_deferred_module_gives_its_names_alone() -> None:
    """A name that the module has not is an error as ever; one that is loaded is left alone."""
    _run("""
try:
    from inspect import nothing
except ImportError as error:
    assert "nothing" in str(error)
else:
    raise SystemExit("imported")
try:
    stand_in.nothing
except AttributeError as error:
    assert str(error) == "module 'inspect' has no attribute 'nothing'"
real = sys.modules["inspect"]
light.defer("inspect")
assert sys.modules["inspect"] is real is not stand_in
""")


def test_threads_that_ask_at_once_load_a_module_once() -> None:
    """The others wait until it is whole."""
    _run("""
import threading
ready, answers = threading.Barrier(8), []
def ask():
    ready.wait()
    answers.append(stand_in.signature)
threads = [threading.Thread(target=ask) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
assert answers == [sys.modules["inspect"].signature] * 8, answers
""")
