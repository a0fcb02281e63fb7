"""Reading files: the one a run is about, and what it imports."""

from __future__ import annotations

import os
from pathlib import Path

from tercet.compiler.elaborate.errors import did_you_mean, error
from tercet.compiler.elaborate.modules import Constant, Imported, ModuleScope
from tercet.compiler.elaborate.session import Session
from tercet.dsl import library, nodes
from tercet.dsl.diagnostics import DiagnosticError, Note
from tercet.dsl.parser import parse, read_source
from tercet.dsl.source import Source, Span


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
        scope = ModuleScope(result.module, result.broken, result.lost, not result.diagnostics)
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
                _add(scope, declaration.name, declaration.name_span, Constant(declaration, scope))
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
                scope.table.setdefault(name.local, Imported(statement, name, None))
            raise
        for name in statement.names:
            known = name.name in imported.table or imported.is_lost(name.name)
            entry = Imported(statement, name, imported if known else None)
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


def _key(source: Source) -> str:
    return source.name if source.path is None else os.path.normpath(source.path)


def _imported_source(scope: ModuleScope, statement: nodes.Import) -> Source:
    """The text a statement imports.  Raises DiagnosticError E0203 or E0134."""
    if statement.is_path:
        return _file(scope.source, statement)
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
    if not statement.module.endswith(".model"):  # and no line of it is shown
        message = f"`{statement.module}` is not a .model file"
        raise error("E0203", message, statement.module_span, "models are in files named so")
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
    scope: ModuleScope, name: str, span: Span, entry: nodes.Block | Constant | Imported
) -> None:
    if name in scope.table:
        first = _place(scope.table[name])
        message = f"`{name}` is declared twice in this file"
        help = "rename one of them; an imported name is renamed by `as`"
        raise error("E0202", message, span, help, Note("the first declaration", first))
    scope.table[name] = entry


def _place(entry: nodes.Block | Constant | Imported) -> Span:
    match entry:
        case nodes.Block():
            return entry.name_span
        case Constant():
            return entry.declaration.name_span
        case Imported():
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
