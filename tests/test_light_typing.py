"""NamedTuple of `light_typing` is that of `typing`, but for the time that it takes."""

from __future__ import annotations

import copy
import inspect
import pickle
import subprocess
import sys
import typing

import pytest

from gittasks import light_typing


class Light(light_typing.NamedTuple):
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
    """Fields, defaults and the constructor, compiled when it is first called."""
    Light(1)
    for name in ("_fields", "_field_defaults", "__match_args__", "__doc__"):
        assert getattr(Light, name) == getattr(Usual, name)
    assert typing.get_type_hints(Light) == typing.get_type_hints(Usual)
    assert str(inspect.signature(Light.__new__)) == "(_cls, first, second='s', new=())"


@pytest.mark.parametrize("call", ["Light()", "Light(1, x=2)", "Light(1, 's', (), 4)"])
def test_wrong_calls_are_refused(call: str) -> None:
    """By the constructor that is compiled, also at the first call."""
    with pytest.raises(TypeError, match="argument"):
        eval(call)  # noqa: S307


def test_wrong_fields_are_refused() -> None:
    """No field appears that is not declared, and none is set."""
    with pytest.raises(ValueError, match="unexpected field"):
        Light(1)._replace(nothing=1)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="Expected 3 arguments"):
        Light._make([1])
    with pytest.raises(AttributeError):
        Light(1).first = 2  # type: ignore[misc]


def test_it_does_without_typing() -> None:
    """That is what it is for."""
    code = "import sys, gittasks.light_typing; sys.exit('typing' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
