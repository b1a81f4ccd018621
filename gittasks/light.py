"""Parts of the standard library that a start needs, without the modules that they are in.

Most of a short command is importing. `enum`, `functools`, `contextlib` and `collections` take half
as long as Python itself to start, for the few lines that are here instead; to type checkers, and
to who calls them, they are those of the library, and the tests compare.

Type checkers see the NamedTuple of `typing`. At run time it is the same here, but annotations are
not evaluated, and a constructor is compiled for the classes alone that have many values: most
commands make a few of each.

JSON is read and written by the parts of `json` that are in C: `json` imports `re`, compiles
patterns for its decoder in Python, and takes longer to import than to read the caches and to write
the document of a command.

Regular expressions are compiled when they are first used, as is `re` itself imported: compiling
the patterns of the modules that a command imports took longer than its work.

What a library imports and hardly ever uses is imported when it is used (`defer`).
"""

from __future__ import annotations

import sys
from _thread import allocate_lock

TYPE_CHECKING = False

if TYPE_CHECKING:
    import re
    from collections import deque as deque
    from collections.abc import Callable as Callable
    from collections.abc import Iterable
    from collections.abc import Mapping as Mapping
    from contextlib import contextmanager as contextmanager
    from contextlib import suppress as suppress
    from enum import StrEnum as StrEnum
    from functools import cached_property as cached_property
    from functools import lru_cache as lru_cache
    from functools import partial as partial
    from functools import reduce as reduce
    from operator import attrgetter as attrgetter
    from operator import itemgetter as itemgetter
    from operator import or_ as or_
    from types import MappingProxyType as MappingProxyType
    from typing import Any as Any
    from typing import AnyStr
    from typing import NamedTuple as NamedTuple
    from typing import Protocol as Protocol
    from typing import assert_never as assert_never
else:
    from _collections_abc import Callable as Callable  # `os` has imported it
    from _collections_abc import Mapping as Mapping

    try:
        from _collections import _tuplegetter
        from _collections import deque as deque
        from _functools import _lru_cache_wrapper
        from _functools import partial as partial
        from _functools import reduce as reduce
        from _operator import attrgetter as attrgetter
        from _operator import itemgetter as itemgetter
        from _operator import or_ as or_
    except ImportError:  # another Python than that of python.org
        from collections import _tuplegetter
        from collections import deque as deque
        from functools import lru_cache
        from functools import partial as partial
        from functools import reduce as reduce
        from operator import attrgetter as attrgetter
        from operator import itemgetter as itemgetter
        from operator import or_ as or_
    else:

        def lru_cache(most):
            """Decorator: the last `most` answers of a function are remembered."""
            return lambda function: _lru_cache_wrapper(function, most, False, None)

    Any = Protocol = object
    MappingProxyType = type(type.__dict__)

    def assert_never(value):
        """Fail: type checkers have shown that nothing comes here."""
        raise AssertionError(f"{value!r} was not foreseen")

    def contextmanager(function):
        """Decorator: a context of a generator; `contextlib` is imported when one is entered."""
        make = None

        def entered(*values, **named):
            nonlocal make
            if make is None:
                from contextlib import contextmanager

                make = contextmanager(function)
            return make(*values, **named)

        return entered

    class suppress:  # noqa: N801  as the library calls it
        """A context in which exceptions of some kinds end it, and nothing else."""

        def __init__(self, *kinds):
            self._kinds = kinds

        def __enter__(self):
            pass

        def __exit__(self, kind, error, trace):
            return kind is not None and issubclass(kind, self._kinds)

    class cached_property:  # noqa: N801  as the library calls it
        """A property that is worked out once for each object, which then holds it."""

        def __init__(self, function):
            self._function = function
            self.__doc__ = function.__doc__

        def __set_name__(self, owner, name):
            self._name = name

        def __get__(self, holder, owner=None):
            if holder is None:
                return self
            value = holder.__dict__[self._name] = self._function(holder)
            return value

    class _Words(type):
        """Makes the words that a class of an enumeration names its members."""

        def __new__(cls, name, bases, namespace):
            kind = super().__new__(cls, name, bases, namespace)
            kind._by_word = {}
            for key, word in namespace.items():
                if type(word) is str and not key.startswith("__"):
                    member = kind._by_word[word] = str.__new__(kind, word)
                    member.name, member.value = key, word
                    setattr(kind, key, member)
            return kind

        def __call__(cls, word):
            try:
                return cls._by_word[word]
            except KeyError:
                raise ValueError(f"{word!r} is not a valid {cls.__qualname__}") from None

        def __contains__(cls, word):
            return word in cls._by_word

        def __iter__(cls):
            return iter(cls._by_word.values())

        def __len__(cls):
            return len(cls._by_word)

    class StrEnum(str, metaclass=_Words):
        """Base of enumerations, whose members are words."""

        def __repr__(self):
            return f"<{type(self).__name__}.{self.name}: {self.value!r}>"

        def __reduce__(self):
            return type(self), (self.value,)  # a copy is the member itself

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
_encode_by_key: Callable[[Any, int], Iterable[str]]
quoted: Callable[[str], str]
"""A text as JSON."""
try:
    import _json
except ImportError:  # another Python than that of python.org
    import json

    quoted = json.encoder.encode_basestring_ascii
    _scan = json.JSONDecoder().scan_once  # type: ignore[attr-defined]
    _form: Any = {"separators": (",", ":"), "allow_nan": False}
    _encode = json.JSONEncoder(**_form).iterencode  # type: ignore[assignment]
    _encode_by_key = json.JSONEncoder(**_form, sort_keys=True).iterencode  # type: ignore[assignment]
else:
    _scan = _json.make_scanner(_Reading)  # type: ignore[arg-type]
    quoted = _json.encode_basestring_ascii
    _encode = _json.make_encoder(None, _refuse, quoted, None, ":", ",", False, False, False)
    _encode_by_key = _json.make_encoder(None, _refuse, quoted, None, ":", ",", True, False, False)


def module(name: str) -> Any:
    """The module of that name, imported; `importlib` would import `warnings` first."""
    __import__(name)
    return sys.modules[name]


def defer(name: str) -> None:
    """Put the import of a module off until something is asked of it; until then `import` does.

    A stand-in is imported in its place, unless it is loaded already. Whoever asks that for a name
    has the module loaded, which takes its place in `sys.modules`, and gets what the module has.
    """
    if name in sys.modules:
        return
    stand_in, once = type(sys)(name), allocate_lock()

    def ask(attribute: str) -> Any:
        with once:
            if sys.modules.get(name) is stand_in:
                del sys.modules[name]
        loaded = module(name)  # another thread may have it half loaded: then this waits
        vars(stand_in).update(vars(loaded))  # what was asked once is not asked again
        return getattr(loaded, attribute)

    vars(stand_in)["__getattr__"] = ask  # PEP 562: called for the names that a module has not
    sys.modules[name] = stand_in


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


def write_json(value: Any, *, by_key: bool = False) -> str:
    """One line of ASCII without a space; ValueError for a number that JSON has not.

    `by_key`: the same for all maps that are equal, in whatever order they have their keys.
    """
    return "".join((_encode_by_key if by_key else _encode)(value, 0))


def sha1(data: bytes) -> str:
    """The SHA-1 of some bytes in hexadecimal digits; `hashlib` takes 0.1 p to import."""
    try:
        from _sha1 import sha1  # type: ignore[import-not-found]
    except ImportError:  # some builds leave it out
        from hashlib import sha1
    digest: str = sha1(data, usedforsecurity=False).hexdigest()
    return digest


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
