"""Dataclasses whose methods are written when the class is first used, and quickly.

Nearly everything here is a frozen dataclass, some three hundred of them, and the standard decorator
compiles each of the six methods of one by itself: together more than half of the time that
`tercet check` takes.  A run uses a fraction of them: few models have more than a dozen of the
operations, one optimizer and one source of data.  So `dataclass` of this module, which replaces the
standard one without any other change, only notes its options.  When the class is first called,
asked for its fields, matched against, or used as the base of a class that is, the standard
decorator finds its fields; `__init__` is compiled, and the other methods are functions that read
the fields by name.

A class made here can be the base of another one made here, not of a frozen one of the standard
decorator.
"""

from __future__ import annotations

import dataclasses
from operator import attrgetter
from reprlib import recursive_repr
from typing import TYPE_CHECKING, Any

__all__ = ["dataclass"]

if TYPE_CHECKING:
    from dataclasses import dataclass
else:

    def dataclass(cls=None, /, **options):
        """As `dataclasses.dataclass`; at once where a new class or no `__init__` is to be made."""
        if cls is None:
            return lambda cls: dataclass(cls, **options)
        if options.get("slots") or "__init__" in cls.__dict__:
            return _written(cls, **options)
        for name in _TRIGGERS:
            if name not in cls.__dict__:
                setattr(cls, name, _Unwritten(name, cls, options))
        return cls


_TRIGGERS = ("__init__", "__dataclass_fields__", "__dataclass_params__", "__match_args__")


class _Unwritten:
    """Stands in a class for what has still to be written there."""

    __slots__ = ("_cls", "_name", "_options")

    def __init__(self, name: str, cls: type[Any], options: dict[str, Any]) -> None:
        self._name = name
        self._cls = cls
        self._options = options

    def __get__(self, instance: object, owner: type[Any]) -> Any:
        cls = self._cls
        for name in _TRIGGERS:
            if isinstance(cls.__dict__.get(name), _Unwritten):
                delattr(cls, name)
        _written(cls, **self._options)
        return getattr(owner if instance is None else instance, self._name)


def _written(
    cls: type[Any],
    *,
    frozen: bool = False,
    eq: bool = True,
    repr: bool = True,
    slots: bool = False,
) -> type[Any]:
    """The class with its methods, but those that it has itself."""
    own, documentation = set(cls.__dict__), cls.__doc__
    cls.__doc__ = documentation or "none"  # else the standard decorator inspects a signature
    cls = dataclasses.dataclass(cls, init=False, repr=False, eq=False, slots=slots)
    cls.__doc__ = documentation
    fields = dataclasses.fields(cls)
    methods: dict[str, Any] = {}
    if "__init__" not in own:
        methods["__init__"] = _init(cls, fields, frozen=frozen)
    if frozen:
        methods |= {"__setattr__": _refuse_to_set, "__delattr__": _refuse_to_delete}
    if eq:
        methods |= _comparing([f.name for f in fields if f.compare], hashable=frozen)
    if repr:
        methods["__repr__"] = _repr([f.name for f in fields if f.repr])
    for name, method in methods.items():
        if name not in own:
            setattr(cls, name, method)
    return cls


def _init(cls: type[Any], fields: tuple[dataclasses.Field[Any], ...], *, frozen: bool) -> Any:
    """Stores its arguments, or what stands for those that are not given."""
    missing = dataclasses.MISSING
    scope: dict[str, Any] = {"_missing": missing, "_set": object.__setattr__}
    parameters: dict[bool, list[str]] = {False: [], True: []}
    lines = []
    for field in fields:
        name = value = field.name
        made = field.default_factory is not missing
        scope[f"_of_{name}"] = field.default_factory if made else field.default
        if field.init:
            default = "_missing" if made else f"_of_{name}"
            optional = made or field.default is not missing
            parameters[field.kw_only is True].append(f"{name}={default}" if optional else name)
            if made:
                value = f"_of_{name}() if {name} is _missing else {name}"
        elif made:
            value = f"_of_{name}()"
        else:
            continue
        lines.append(f"_set(self, {name!r}, {value})" if frozen else f"self.{name} = {value}")
    if hasattr(cls, "__post_init__"):
        lines.append("self.__post_init__()")
    keywords = ["*", *parameters[True]] if parameters[True] else []
    head = ", ".join(["self", *parameters[False], *keywords])
    exec(f"def __init__({head}):\n " + "\n ".join(lines or ["pass"]), scope)
    init = scope["__init__"]
    init.__qualname__ = f"{cls.__qualname__}.__init__"
    init.__module__ = cls.__module__
    return init


def _comparing(names: list[str], *, hashable: bool) -> dict[str, Any]:
    """Equality and hash of instances of one class, by what they hold under these names."""
    values = _values(names)

    def __eq__(self: Any, other: Any) -> Any:
        if other.__class__ is self.__class__:
            return values(self) == values(other)
        return NotImplemented

    def __hash__(self: Any) -> int:
        return hash(values(self))

    return {"__eq__": __eq__, "__hash__": __hash__ if hashable else None}


def _values(names: list[str]) -> Any:
    """What reads these attributes as a tuple."""
    if not names:
        return lambda record: ()
    read = attrgetter(*names)
    return read if len(names) > 1 else lambda record: (read(record),)


def _repr(names: list[str]) -> Any:
    @recursive_repr()
    def __repr__(self: Any) -> str:
        shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in names)
        return f"{self.__class__.__qualname__}({shown})"

    return __repr__


def _refuse_to_set(self: object, name: str, value: object) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_to_delete(self: object, name: str) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")
