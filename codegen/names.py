"""Names in generated code: the source's own, and never one that means something else."""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Iterable

from tercet.compiler.naming import snake_case

_AMBIGUOUS = {"l", "I", "O"}
"""Names that no one can tell from digits; style checkers refuse them."""

_PYTHON = frozenset({*keyword.kwlist, *keyword.softkwlist, *dir(builtins), *_AMBIGUOUS} - {"_"})


class Names:
    """One scope of Python names.

    `reserved` are names that the scope must not use though it does not define them (imports,
    framework attributes).  A collision gets an underscore, then numbers: `class` -> `class_`.

    Leading underscores mean something to Python (`__x` inside a class is another name) and to
    frameworks (attributes of their base classes, scopes): variables keep one, `classes` none, and
    with `attributes` it goes to the end, so that `_weight` does not become a layer's `weight`.
    """

    def __init__(
        self, reserved: Iterable[str] = (), *, attributes: bool = False, classes: bool = False
    ) -> None:
        self._taken = set(reserved) | (set(keyword.kwlist) if attributes else _PYTHON)
        self._attributes = attributes
        self._classes = classes
        self._given: dict[tuple[str, str], str] = {}
        self._order: list[str] = []
        self._numbers: dict[str, int] = {}

    def of(self, source: str, role: str = "") -> str:
        """The name for a name of the source: the same at every call, another one in each role."""
        if (source, role) not in self._given:
            self._given[source, role] = self.fresh(source)
        return self._given[source, role]

    def mark(self) -> tuple[int, int]:
        """The names so far, for `rewind`."""
        return len(self._order), len(self._given)

    def rewind(self, mark: tuple[int, int]) -> None:
        """Frees the names given since the mark."""
        freed = self._order[mark[0] :]
        self._taken.difference_update(freed)
        for name in freed:
            self._numbers.pop(name.rpartition("_")[0], None)
        del self._order[mark[0] :]
        while len(self._given) > mark[1]:
            self._given.popitem()

    def fresh(self, preferred: str) -> str:
        """A name that nothing has yet, as near to the one preferred as possible."""
        base = self._public(re.sub(r"\W", "_", preferred)) or "value"
        if base[0].isdigit():
            base = f"value_{base}" if self._attributes or self._classes else f"_{base}"
        name = base
        if name in self._taken:
            name = f"{base}_" if not base.endswith("_") and base in _PYTHON else base
        if name in self._taken:
            name = self._numbered(base.rstrip("_"))
        self._taken.add(name)
        self._order.append(name)
        return name

    def _numbered(self, base: str) -> str:
        """The name with the first number that is free; those below the last one given are not."""
        number = self._numbers.get(base, 1)
        while (name := f"{base}_{number}") in self._taken:
            number += 1
        self._numbers[base] = number
        return name

    def _public(self, name: str) -> str:
        bare = name.lstrip("_")
        if bare == name or (self._classes and bare):
            return bare
        if self._attributes and bare:
            return f"{bare.rstrip('_')}_"
        return "" if self._attributes or self._classes else f"_{bare}"

    def __contains__(self, name: str) -> bool:
        return name in self._taken


_SIZES = {"C": "in_channels", "D": "in_features", "H": "height", "W": "width", "T": "length"}


def size_argument(dimension: str) -> str:
    """The constructor argument that carries an input size: `C` -> `in_channels`."""
    return _SIZES.get(dimension, snake_case(dimension))
