"""Dataclasses whose methods are written when the class is first used.

Nearly everything here is a frozen dataclass, some three hundred of them, and writing the methods
of one takes half a millisecond: together half of the time that `tercet check` takes.  A run uses
a fraction of them: few models have more than a dozen of the operations, one optimizer and one
source of data.  So `dataclass` of this module, which replaces the standard one without any other
change, only notes its options; the standard one does its work when the class is first called,
asked for its fields, matched against, or used as the base of a class that is.
"""

from __future__ import annotations

import dataclasses
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
            return dataclasses.dataclass(cls, **options)
        for name in _TRIGGERS:
            if name not in cls.__dict__:
                setattr(cls, name, _Unwritten(name, cls, options))
        return cls


_TRIGGERS = ("__init__", "__dataclass_fields__", "__dataclass_params__", "__match_args__")


class _Unwritten:
    """Stands in a class for what the standard decorator has still to write there."""

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
        dataclasses.dataclass(cls, **self._options)
        return getattr(owner if instance is None else instance, self._name)
