"""The names in a file: imports, constants, blocks, and beneath them the language's own."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import field
from functools import cache
from typing import Any

from tercet.compiler.elaborate.functions import FUNCTIONS
from tercet.compiler.graph.values import POISON, StaticFunction
from tercet.compiler.initializers import INITIALIZERS
from tercet.compiler.ops.base import OPERATIONS
from tercet.compiler.types import DType
from tercet.dsl import nodes
from tercet.dsl.records import dataclass
from tercet.dsl.source import Source, Span


@dataclass(frozen=True, slots=True)
class Found:
    """What a name means: `None` is a value of the language, so a lookup answers with this."""

    value: Any


@cache
def builtins() -> dict[str, Found]:
    """The language's own names: operations, static functions, dtypes, initializers, numbers."""
    table: dict[str, Any] = {dtype.value: dtype for dtype in DType}
    table.update(INITIALIZERS)
    table.update({name: cls for name, cls in OPERATIONS.items() if not name.startswith("_")})
    for name in FUNCTIONS:
        operation = OPERATIONS.get(name)
        table[name] = StaticFunction(name, FUNCTIONS[name][0], operation)
    table |= {"inf": math.inf, "nan": math.nan}
    return {name: Found(value) for name, value in table.items()}


@dataclass(eq=False)
class Constant:
    """A constant; it is evaluated when first asked for, in the file that declares it."""

    declaration: nodes.Const
    scope: ModuleScope
    value: Found | None = None
    running: bool = False


@dataclass(frozen=True, eq=False)
class Imported:
    """A name from another file; `scope` is None where there is no such file or name."""

    statement: nodes.Import
    name: nodes.ImportedName
    scope: ModuleScope | None


@dataclass(eq=False)
class ModuleScope:
    """A file: its declarations by name."""

    module: nodes.Module
    broken: frozenset[nodes.Declaration] = frozenset()
    """Declarations with a syntax error: what is lost of them would be reported again and again."""
    lost: frozenset[str] = frozenset()
    """Names that lost declarations mention: what they mean is not known."""
    is_whole: bool = True
    """Whether nothing of the text is lost."""
    table: dict[str, nodes.Block | Constant | Imported] = field(default_factory=dict)
    trains: list[nodes.Train] = field(default_factory=list)

    @property
    def source(self) -> Source:
        return self.module.source

    @property
    def blocks(self) -> Iterable[nodes.Block]:
        """The blocks and models declared in this file, in text order."""
        return [entry for entry in self.table.values() if isinstance(entry, nodes.Block)]

    def is_lost(self, name: str) -> bool:
        """Whether a lost declaration may have given this name a meaning, as `import *` any."""
        return name in self.lost or "*" in self.lost

    def names(self) -> list[str]:
        return [*self.table, *builtins()]

    def lookup(self, name: str) -> Found | Constant | None:
        """What a name means in this file, or None; a constant as it is declared."""
        entry = self.table.get(name)
        if entry is None:
            found = builtins().get(name)
            return Found(POISON) if found is None and self.is_lost(name) else found
        match entry:
            case nodes.Block():
                return Found(POISON if entry in self.broken else entry)
            case Constant() if entry.declaration in self.broken:
                return Found(POISON)
            case Constant():
                return entry
            case Imported(scope=None):
                return Found(POISON)
            case Imported(scope=ModuleScope() as scope, name=imported):
                return scope.lookup(imported.name) if imported.name in scope.table else None
        return None

    def kind(self, name: str) -> Any:
        """The block or operation that a name means, without evaluating constants."""
        entry = self.table.get(name)
        match entry:
            case None:
                found = builtins().get(name)
                return None if found is None else found.value
            case nodes.Block():
                return entry
            case Imported(scope=ModuleScope() as scope, name=imported):
                return scope.kind(imported.name) if imported.name in scope.table else None
        return None


def imported_names(scope: ModuleScope) -> Iterable[tuple[str, Span]]:
    """The local names of what a file imports, with their places."""
    for local, entry in scope.table.items():
        if isinstance(entry, Imported) and entry.scope is not None:
            yield local, entry.name.span
