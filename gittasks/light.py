"""Parts of `typing`, `json`, `re` and `importlib` that a start needs, without their imports.

Type checkers see the NamedTuple of `typing`. At run time it is the same here, but annotations are
not evaluated, and a constructor is compiled for the classes alone that have many values: most
commands make a few of each.

JSON is read and written by the parts of `json` that are in C: `json` imports `re`, compiles
patterns for its decoder in Python, and takes longer to import than to read the caches and to write
the document of a command.

Regular expressions are compiled when they are first used, as is `re` itself imported: compiling
the patterns of the modules that a command imports took longer than its work.
"""

from __future__ import annotations

import sys
from collections import _tuplegetter  # type: ignore[attr-defined]

TYPE_CHECKING = False

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Iterable
    from typing import Any as Any
    from typing import AnyStr
    from typing import NamedTuple as NamedTuple
    from typing import Protocol as Protocol
    from typing import assert_never as assert_never
else:
    Any = Protocol = object

    def assert_never(value):
        """Fail: type checkers have shown that nothing comes here."""
        raise AssertionError(f"{value!r} was not foreseen")

    _made = {}
    """How many values each class of tuples had made by `_Tuple.__new__`."""
    _FEW = 50
    """As many take as long as it takes to compile a constructor."""

    class _Tuple(tuple):
        """The methods that all named tuples share."""

        __slots__ = ()
        _fields = ()
        _field_defaults = {}  # noqa: RUF012  never changed

        def __new__(cls, *values, **named):
            """A value of a class that has few; for many, and for errors, it is compiled."""
            rest = cls._fields[len(values) :]
            given = cls._field_defaults | named
            fits = named.keys() <= {*rest} <= given.keys()
            _made[cls] = count = _made.get(cls, 0) + 1
            if count > _FEW or not fits or len(values) + len(rest) > len(cls._fields):
                cls.__new__ = _constructor(cls)
                return cls(*values, **named)
            return tuple.__new__(cls, (*values, *[given[name] for name in rest]))

        @classmethod
        def _make(cls, values):
            value = tuple.__new__(cls, values)
            if len(value) != len(cls._fields):
                raise TypeError(f"Expected {len(cls._fields)} arguments, got {len(value)}")
            return value

        def _replace(self, **changes):
            value = self._make(map(changes.pop, self._fields, self))
            if changes:
                raise ValueError(f"Got unexpected field names: {list(changes)!r}")
            return value

        def _asdict(self):
            return dict(zip(self._fields, self, strict=True))

        def __repr__(self):
            pairs = zip(self._fields, self, strict=True)
            return f"{type(self).__name__}({', '.join(f'{n}={v!r}' for n, v in pairs)})"

        def __getnewargs__(self):
            return tuple(self)

    def _constructor(cls):
        """The function that makes a value of a class, with its fields as parameters."""
        fields = ", ".join(cls._fields)
        names = {"__builtins__": {}, "_new": tuple.__new__, "__name__": cls.__module__}
        function = eval(f"lambda _cls, {fields}: _new(_cls, ({fields},))", names)  # noqa: S307
        function.__name__, function.__qualname__ = "__new__", f"{cls.__qualname__}.__new__"
        function.__defaults__ = tuple(cls._field_defaults.values())
        return staticmethod(function)

    class _Meta(type):
        """Makes a class of annotated fields a class of tuples."""

        def __new__(cls, name, bases, namespace):
            if not bases:
                return super().__new__(cls, name, bases, namespace)
            fields = tuple(namespace["__annotations__"])
            defaults = {field: namespace.pop(field) for field in fields if field in namespace}
            getters = {field: _tuplegetter(i, None) for i, field in enumerate(fields)}
            about = {
                "__slots__": (),
                "_fields": fields,
                "_field_defaults": defaults,
                "__match_args__": fields,
            }
            return type(name, (_Tuple,), {**namespace, **getters, **about})

    class NamedTuple(metaclass=_Meta):
        """Base of classes of tuples with named fields."""


class _Reading:
    """The settings of a `json.JSONDecoder`, for its scanner."""

    strict = True
    object_hook = object_pairs_hook = None
    parse_float = parse_constant = float
    parse_int = int


def _refuse(value: object) -> Any:
    raise TypeError(f"{type(value).__name__} is no value of JSON")


_scan: Callable[[str, int], tuple[Any, int]]
_encode: Callable[[Any, int], Iterable[str]]
try:
    import _json
except ImportError:  # another Python than that of python.org
    import json

    _scan = json.JSONDecoder().scan_once  # type: ignore[attr-defined]
    _encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False).iterencode  # type: ignore[assignment]
else:
    _scan = _json.make_scanner(_Reading)  # type: ignore[arg-type]
    _encode = _json.make_encoder(
        None, _refuse, _json.encode_basestring_ascii, None, ":", ",", False, False, False
    )


def module(name: str) -> Any:
    """The module of that name, imported; `importlib` would import `warnings` first."""
    __import__(name)
    return sys.modules[name]


def read_json(data: str | bytes) -> Any:
    """The value of a JSON text; ValueError when it is none, or is nested without end."""
    text = (data if isinstance(data, str) else data.decode()).strip(" \t\n\r")
    try:
        value, end = _scan(text, 0)
    except (StopIteration, RecursionError):
        end = -1
    if end != len(text):
        raise ValueError("not JSON")
    return value


def write_json(value: Any) -> str:
    """One line of ASCII without a space; ValueError for a number that JSON has not."""
    return "".join(_encode(value, 0))


def pattern(text: AnyStr) -> re.Pattern[AnyStr]:
    """A regular expression; flags stand in the text, as in `(?i)yes`."""
    # It has the methods of a compiled one.
    return _Pattern(text)  # type: ignore[return-value]


class _Pattern:
    def __init__(self, text: str | bytes) -> None:
        self._text = text

    def __getattr__(self, name: str) -> Any:
        """A method of the compiled pattern, which takes the place of this call."""
        import re

        method = getattr(re.compile(self._text), name)
        setattr(self, name, method)
        return method
