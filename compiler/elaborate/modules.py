"""Files and the names in them: imports, constants, blocks, and beneath the language's own."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compiler.elaborate.errors import POISON, Stop, did_you_mean, error
from compiler.elaborate.functions import FUNCTIONS
from compiler.elaborate.values import StaticFunction
from compiler.initializers import INITIALIZERS
from compiler.ops.base import OPERATIONS
from compiler.types import DType
from dsl import nodes
from dsl.diagnostics import DiagnosticError, Note
from dsl.parser import ParseResult, parse, read_source
from dsl.records import dataclass
from dsl.source import Source, Span

if TYPE_CHECKING:
    from compiler.elaborate.scope import Session


@dataclass(frozen=True, slots=True)
class Found:
    """What a name means: `None` is a value of the language, so a lookup answers with this."""

    value: Any


@cache
def builtins() -> dict[str, Found]:
    """The language's own names: operations, static functions, dtypes, initializers."""
    table: dict[str, Any] = {dtype.value: dtype for dtype in DType}
    table.update(INITIALIZERS)
    table.update({name: cls for name, cls in OPERATIONS.items() if not name.startswith("_")})
    for name in FUNCTIONS:
        operation = OPERATIONS.get(name)
        table[name] = StaticFunction(name, FUNCTIONS[name][0], operation)
    return {name: Found(value) for name, value in table.items()}


@dataclass(eq=False)
class _Constant:
    declaration: nodes.Const
    scope: ModuleScope
    value: Found | None = None
    running: bool = False


@dataclass(frozen=True, eq=False)
class _Import:
    statement: nodes.Import
    name: nodes.ImportedName
    scope: ModuleScope | None


@dataclass(eq=False)
class ModuleScope:
    """A file: its declarations by name."""

    module: nodes.Module
    broken: frozenset[nodes.Declaration] = frozenset()
    """Declarations with a syntax error: what is lost of them would be reported again and again."""
    table: dict[str, nodes.Block | _Constant | _Import] = field(default_factory=dict)
    trains: list[nodes.Train] = field(default_factory=list)
    used: set[str] = field(default_factory=set)

    @property
    def source(self) -> Source:
        return self.module.source

    @property
    def blocks(self) -> Iterable[nodes.Block]:
        """The blocks and models declared in this file, in text order."""
        return [entry for entry in self.table.values() if isinstance(entry, nodes.Block)]

    def names(self) -> list[str]:
        return [*self.table, *builtins()]

    def lookup(self, name: str, span: Span, session: Session) -> Found | None:
        """What a name means in this file, or None.  Raises DiagnosticError E0217."""
        entry = self.table.get(name)
        if entry is None:
            return builtins().get(name)
        match entry:
            case nodes.Block():
                return Found(POISON if entry in self.broken else entry)
            case _Constant() if entry.declaration in self.broken:
                return Found(POISON)
            case _Constant():
                return _evaluated(entry, span, session)
            case _Import(scope=None):
                return Found(POISON)
            case _Import(scope=ModuleScope() as scope, name=imported):
                return scope.exported(imported.name, span, session)
        return None

    def exported(self, name: str, span: Span, session: Session) -> Found | None:
        """What another file imports under this name."""
        return self.lookup(name, span, session) if name in self.table else None

    def kind(self, name: str) -> Any:
        """The block or operation that a name means, without evaluating constants."""
        entry = self.table.get(name)
        match entry:
            case None:
                found = builtins().get(name)
                return None if found is None else found.value
            case nodes.Block():
                return entry
            case _Import(scope=ModuleScope() as scope, name=imported):
                return scope.kind(imported.name) if imported.name in scope.table else None
        return None


def _evaluated(constant: _Constant, span: Span, session: Session) -> Found:
    from compiler.elaborate.scope import Frame

    if constant.value is None:
        if constant.running:
            message = f"`{constant.declaration.name}` depends on itself"
            at = Note("its declaration", constant.declaration.name_span)
            raise error("E0217", message, span, None, at)
        constant.running = True
        value = Frame(session, constant.scope).evaluate(constant.declaration.value)
        constant.value = Found(value)
        constant.running = False
    return constant.value


# ---------------------------------------------------------------------------------------- loading


class Loader:
    """Reads files and what they import; every file once."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._loaded: dict[str, ModuleScope] = {}
        self._loading: list[str] = []

    def load(self, source: Source) -> ModuleScope:
        """The scope of a text; what is wrong with it goes to the session's sink."""
        result = parse(source)
        for diagnostic in result.diagnostics:
            self._session.sink.add(diagnostic)
        scope = ModuleScope(result.module, broken=_broken(result))
        for declaration in result.module.declarations:
            try:
                self._declare(scope, declaration)
            except DiagnosticError as problem:
                for diagnostic in problem.diagnostics:
                    self._session.sink.add(diagnostic)
        return scope

    def start(self, source: Source) -> ModuleScope:
        """Loads the file the run is about."""
        key = _key(source)
        self._loading.append(key)
        scope = self.load(source)
        self._loading.pop()
        return scope

    def _declare(self, scope: ModuleScope, declaration: nodes.Declaration) -> None:
        match declaration:
            case nodes.Import():
                self._import(scope, declaration)
            case nodes.Const():
                _add(scope, declaration.name, declaration.name_span, _Constant(declaration, scope))
            case nodes.Block():
                self._session.module_of[declaration] = scope
                _add(scope, declaration.name, declaration.name_span, declaration)
            case nodes.Train():
                scope.trains.append(declaration)

    def _import(self, scope: ModuleScope, statement: nodes.Import) -> None:
        try:
            imported = self._module(scope, statement)
        except DiagnosticError:
            for name in statement.names:
                scope.table.setdefault(name.local, _Import(statement, name, None))
            raise
        for name in statement.names:
            known = name.name in imported.table
            entry = _Import(statement, name, imported if known else None)
            try:
                _add(scope, name.local, name.span, entry)
                if not known:
                    raise _not_exported(imported, statement, name)
            except DiagnosticError as problem:
                for diagnostic in problem.diagnostics:
                    self._session.sink.add(diagnostic)

    def _module(self, scope: ModuleScope, statement: nodes.Import) -> ModuleScope:
        source = _imported_source(scope, statement)
        key = _key(source)
        if key in self._loading:
            circle = " -> ".join([*self._loading[self._loading.index(key) :], key])
            raise error("E0205", f"imports go in a circle: {circle}", statement.span)
        if key not in self._loaded:
            self._loading.append(key)
            self._loaded[key] = self.load(source)
            self._loading.pop()
        return self._loaded[key]


def _broken(result: ParseResult) -> frozenset[nodes.Declaration]:
    """The declarations that syntax errors fall into.  Raises Stop where one is outside of all."""
    found: set[nodes.Declaration] = set()
    for diagnostic in result.diagnostics:
        at = diagnostic.span.start
        inside = [d for d in result.module.declarations if d.span.start <= at < d.span.end]
        if not inside:
            raise Stop
        found.update(inside)
    return frozenset(found)


def _key(source: Source) -> str:
    return source.name if source.path is None else os.path.normpath(source.path)


def _imported_source(scope: ModuleScope, statement: nodes.Import) -> Source:
    """The text a statement imports.  Raises DiagnosticError E0203 or E0134."""
    if statement.is_path:
        return _file(scope.source, statement)
    from dsl import library

    found = library.std_source(statement.module)
    if found is not None:
        return found
    known = library.std_modules()
    help = did_you_mean(statement.module, known) or (
        f"the standard library has {', '.join(known)}; a file is imported by its path in quotes"
    )
    message = f"there is no module `{statement.module}`"
    raise error("E0203", message, statement.module_span, help)


def _file(importing: Source, statement: nodes.Import) -> Source:
    base = Path() if importing.path is None else importing.path.parent
    path = Path(os.path.normpath(base / statement.module))
    try:
        return read_source(path)
    except DiagnosticError as problem:
        if problem.diagnostics[0].code != "E0134":
            raise
        reason = problem.diagnostics[0].message
        raise error(
            "E0203", reason, statement.module_span, "the path is relative to this file"
        ) from None


def _add(
    scope: ModuleScope, name: str, span: Span, entry: nodes.Block | _Constant | _Import
) -> None:
    if name in scope.table:
        first = _place(scope.table[name])
        message = f"`{name}` is declared twice in this file"
        help = "rename one of them; an imported name is renamed by `as`"
        raise error("E0202", message, span, help, Note("the first declaration", first))
    scope.table[name] = entry


def _place(entry: nodes.Block | _Constant | _Import) -> Span:
    match entry:
        case nodes.Block():
            return entry.name_span
        case _Constant():
            return entry.declaration.name_span
        case _Import():
            return entry.name.span


def _not_exported(
    imported: ModuleScope, statement: nodes.Import, name: nodes.ImportedName
) -> DiagnosticError:
    if any(train.name == name.name for train in imported.trains):
        message = f"`{name.name}` is a `train`, which cannot be imported"
        return error("E0219", message, name.span, "import its model and write a `train` here")
    message = f"`{statement.module}` has no `{name.name}`"
    help = did_you_mean(name.name, imported.table)
    if help is None and imported.table:
        help = f"it has {', '.join(list(imported.table)[:12])}"
    return error("E0204", message, name.span, help)


def imported_names(scope: ModuleScope) -> Iterable[tuple[str, Span]]:
    """The local names of what a file imports, with their places."""
    for local, entry in scope.table.items():
        if isinstance(entry, _Import) and entry.scope is not None:
            yield local, entry.name.span
