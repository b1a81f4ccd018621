"""Names of `typing` that are needed when a module runs, without what `typing` takes to import.

Type checkers see those of `typing`. At run time a NamedTuple is the same here, but annotations
are not evaluated, and the constructor is compiled when the first value of a class is made: of the
classes that a command imports it uses a few.
"""

from __future__ import annotations

from collections import _tuplegetter  # type: ignore[attr-defined]

TYPE_CHECKING = False

if TYPE_CHECKING:
    from typing import NamedTuple as NamedTuple
    from typing import Protocol as Protocol
else:
    Protocol = object

    class _Tuple(tuple):
        """The methods that all named tuples share."""

        __slots__ = ()
        _fields = ()
        _field_defaults = {}  # noqa: RUF012  never changed

        def __new__(cls, *values, **named):
            cls.__new__ = _constructor(cls)
            return cls(*values, **named)

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
