"""`data = source(…) { column mapping }`: columns of a source onto inputs and targets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tercet.compiler import dims
from tercet.compiler.constraints import Constraint
from tercet.compiler.data import NOT_YET, SOURCES, DataSource, Synthetic
from tercet.compiler.dims import Dim, DimError, Size
from tercet.compiler.elaborate.errors import did_you_mean, error
from tercet.compiler.elaborate.liveness import needed
from tercet.compiler.elaborate.modules import ModuleScope
from tercet.compiler.elaborate.operands import as_tensor
from tercet.compiler.elaborate.recording import operation_error
from tercet.compiler.elaborate.scope import Drawing, Frame
from tercet.compiler.elaborate.session import Session
from tercet.compiler.elaborate.sites import names_in
from tercet.compiler.elaborate.train.rows import check_rows
from tercet.compiler.elaborate.train.settings import Overriding, setting_of
from tercet.compiler.errors import OpError
from tercet.compiler.graph.callees import all_graphs
from tercet.compiler.graph.columns import column_uses
from tercet.compiler.graph.ir import Apply, Bind, Graph, GraphInput, GraphOutput, Region, Value
from tercet.compiler.graph.training import Data
from tercet.compiler.graph.values import POISON
from tercet.compiler.ops.base import LayerOp
from tercet.compiler.signature import Given
from tercet.compiler.types import DType, TensorType, shape_text
from tercet.dsl import nodes
from tercet.dsl.diagnostics import DiagnosticError, Note
from tercet.dsl.source import Span


def read_data(
    session: Session,
    scope: ModuleScope,
    statement: nodes.Assign,
    loss: Graph,
    body: Frame,
    overriding: Overriding,
) -> Data | None:
    """The data of a `train`; None where something is wrong.  Raises DiagnosticError."""
    if statement.mapping is None:
        example = ", ".join(f"{given.value.name} = …" for given in loss.inputs)
        message = "`data` has no mapping of columns"
        help = f"write `data = {statement.value.span.text} {{ {example} }}`"
        raise error("E0605", message, statement.span, help)
    source = _source(body, statement.value, overriding)
    if source is None:
        return None
    reader = _Reader(session, scope, statement, loss, body, source)
    return reader.data(statement.mapping)


def _source(frame: Frame, expression: nodes.Expr, overriding: Overriding) -> DataSource | None:
    function = expression.function if isinstance(expression, nodes.Call) else expression
    if isinstance(function, nodes.Name) and function.id in NOT_YET:
        message = f"the source `{function.id}` is not supported yet"
        raise error("E0609", message, function.span, NOT_YET[function.id])
    found: DataSource | None = setting_of(frame, expression, SOURCES, "data", overriding)
    return found


class _Reader:
    """Evaluates the mapping of one `data` statement."""

    def __init__(
        self,
        session: Session,
        scope: ModuleScope,
        statement: nodes.Assign,
        loss: Graph,
        body: Frame,
        source: DataSource,
    ) -> None:
        self._statement = statement
        self._loss = loss
        self._wanted = {given.value.name: given for given in loss.inputs}
        self._body = body
        self._source = source
        self._rows = _rows(loss.inputs)
        self._frame = Frame(session, scope)
        self._frame.in_training = True
        self._frame.names.update(_numbers(body))
        self._frame.names.update(body.dims)
        path = scope.source.path
        self._folder = Path() if path is None else path.parent

    def data(self, mapping: nodes.Mapping) -> Data | None:
        columns = self._columns()
        self._frame.names.update({value.name: value for value in columns})
        outputs: dict[str, GraphOutput] = {}
        for entry in mapping.entries:
            try:
                if (output := self._entry(entry)) is not None:
                    outputs[entry.name] = output
            except DiagnosticError as problem:
                self._frame.fail(problem)
        self._require_all(mapping)
        if self._frame.failed or len(outputs) < len(self._wanted):
            return None
        sizes = self._sizes([(self._wanted[n], outputs[n]) for n in self._wanted])
        graph = self._graph(columns, [outputs[n] for n in self._wanted])
        self._check_numbers(graph, mapping)
        batch = self._open(self._body.constraints, sizes)
        step = self._open(list(_in_training(self._loss)), sizes)
        return Data(self._source, graph, self._span, batch, step)

    @property
    def _span(self) -> Span:
        return self._statement.span

    def _columns(self) -> list[Value]:
        try:
            types = self._source.columns(self._rows, self._folder)
        except OpError as problem:
            value = self._statement.value
            raise operation_error(problem, type(self._source), value.span) from None
        return [Value(name, type_) for name, type_ in types.items()]

    def _entry(self, entry: nodes.Keyword) -> GraphOutput | None:
        given = self._wanted.get(entry.name)
        if isinstance(self._source, Synthetic):
            return self._drawn_entry(entry, given, self._source)
        if given is None:
            known = list(self._wanted)
            help = did_you_mean(entry.name, known) or f"they are {', '.join(known)}"
            message = f"`{entry.name}` is neither an input nor a target"
            raise error("E0605", message, entry.name_span, help)
        value = self._value(entry.value)
        if value is POISON:
            return None
        tensor = as_tensor(self._frame, Given(value, entry.value), None, f"`{entry.name}`")
        self._require_like(entry, given, tensor.type)
        return GraphOutput(entry.name, tensor, entry.span)

    def _drawn_entry(
        self, entry: nodes.Keyword, given: GraphInput | None, source: Synthetic
    ) -> GraphOutput | None:
        """An entry of `synthetic`, which later ones may use; one of another name is a helper.

        What is drawn in it has the type it is for, and is one number per row in a helper.
        """
        frame = self._frame
        type_ = TensorType(DType.F32, (self._rows,)) if given is None else given.value.type
        dtype = type_.dtype if type_.dtype.is_float else DType.F32
        drawn = TensorType(dtype, (self._rows, *type_.shape[1:]))
        frame.drawing = Drawing(source.rows, drawn)
        value = self._value(entry.value)
        frame.names[entry.name] = value
        if value is POISON:
            return None
        tensor = as_tensor(frame, Given(value, entry.value), None, f"`{entry.name}`")
        frame.names[entry.name] = tensor
        target = nodes.TargetName(entry.name_span, entry.name)
        frame.items.append(Bind(target, entry.value, tensor, entry.span))
        if given is None:
            return None
        self._require_like(entry, given, tensor.type)
        return GraphOutput(entry.name, tensor, entry.span)

    def _value(self, expression: nodes.Expr) -> Any:
        """The value of an entry; a name that nothing knows should be a column."""
        if self._unknown_columns(expression):
            return POISON
        return self._frame.evaluate(expression)

    def _unknown_columns(self, expression: nodes.Expr) -> bool:
        """Reports names that are no columns, with the columns there are."""
        columns = self._source.columns(self._rows, self._folder)
        others = self._source.other_columns(self._folder)
        wrong = False
        for name in names_in(expression):
            if name.id in self._frame.names or self._frame.module.kind(name.id) is not None:
                continue
            if name.id in self._frame.module.table:
                continue
            wrong = True
            help = did_you_mean(name.id, columns)
            if help is None and columns:
                help = f"its columns are {', '.join(columns)}"
            if name.id in others:
                help = others[name.id]
            message = f"`{self._source.name}` has no column `{name.id}`"
            self._frame.fail(error("E0604", message, name.span, help))
        return wrong

    def _require_like(self, entry: nodes.Keyword, given: GraphInput, type_: TensorType) -> None:
        """Dtype and rank are those declared.  Raises DiagnosticError E0606."""
        wanted = given.value.type
        declared = Note(f"`{entry.name}` is {wanted}", given.span)
        if type_.dtype is not wanted.dtype:
            message = f"`{entry.name}` would be {type_}, and is declared {wanted.dtype}"
            help = f"convert with `cast(…, {wanted.dtype})`"
            raise error("E0606", message, entry.value.span, help, declared)
        if type_.rank != wanted.rank:
            message = f"`{entry.name}` would be {type_}, which has {type_.rank} dimensions"
            help = f"`reshape(…, {shape_text(wanted.shape)})` or change the input"
            if type_.shape[1:] == wanted.shape:
                whole = TensorType(wanted.dtype, type_.shape)
                help = f"the rows of a batch are its first axis: write `{entry.name}: {whole}`"
            raise error("E0606", message, entry.value.span, help, declared)

    def _sizes(self, pairs: Sequence[tuple[GraphInput, GraphOutput]]) -> dict[str, Size]:
        """The value that the data give each symbol.  Raises DiagnosticError E0606 for two."""
        known: dict[str, Size] = {}
        for given, output in pairs:
            for wanted, size in zip(given.value.type.shape, output.value.type.shape, strict=True):
                if not _agree(wanted, size, known):
                    raise error(
                        "E0606",
                        f"`{output.name}` would be {output.value.type}",
                        output.span,
                        None,
                        Note(f"it is declared {given.value.type}", given.span),
                    )
        return known

    def _open(
        self, constraints: Sequence[Constraint], sizes: Mapping[str, Size]
    ) -> tuple[Constraint, ...]:
        """What is left to ask of a batch.  Raises DiagnosticError E0606 for what cannot hold."""
        found: list[Constraint] = []
        for constraint in constraints:
            rest = _with_sizes(constraint, sizes)
            if rest is None or rest.decided is False:
                became = "it divides by zero" if rest is None else f"it would be {rest}"
                message = f"the data do not meet {constraint}: {became}"
                if constraint.message:
                    shown = (constraint if rest is None else rest).message
                    message = f"{''.join(map(str, shown))}: {message}"
                note = Note("asked for here", constraint.span)
                raise error("E0606", message, self._statement.value.span, None, note)
            if rest.decided is None:
                found.append(rest)
        return tuple(found)

    def _require_all(self, mapping: nodes.Mapping) -> None:
        given = {entry.name for entry in mapping.entries}
        for name, wanted in self._wanted.items():
            if name not in given:
                message = f"`{name}` gets no data"
                help = f"add `{name} = …` to the mapping"
                note = Note("declared here", wanted.span)
                self._frame.fail(error("E0605", message, mapping.span, help, note))

    def _check_numbers(self, graph: Graph, mapping: nodes.Mapping) -> None:
        """Raises DiagnosticError E0610 for a column that holds what is no number."""
        names = [name for entry in mapping.entries for name in names_in(entry.value)]
        for column, use in column_uses(graph).items():
            problem = self._source.problem(column, self._folder, gaps=use.gaps)
            if problem is not None:
                span = next(name.span for name in names if name.id == column)
                raise error(problem.code, problem.message, span, problem.help)

    def _graph(self, columns: Sequence[Value], outputs: Sequence[GraphOutput]) -> Graph:
        items = needed(self._frame.items, {output.value for output in outputs})
        body = Region(tuple(items))
        check_rows(body, self._rows)
        used = {output.value for output in outputs}
        for item in body.walk():
            used.update(v for v in getattr(item, "inputs", ()) if v is not None)
        span = self._span
        rows = {str(self._rows): self._rows}
        return Graph(
            name="data",
            block=nodes.Block(span, "block", "data", span, (), ()),
            arguments={},
            dims=dict(rows),
            inputs=tuple(
                GraphInput(value, (None,) * value.type.rank, span)
                for value in columns
                if value in used
            ),
            body=body,
            outputs=tuple(outputs),
        )


def _in_training(loss: Graph) -> Iterator[Constraint]:
    """What layers need of sizes in training only."""
    for graph in all_graphs(loss):
        for item in graph.body.walk():
            if isinstance(item, Apply) and isinstance(item.op, LayerOp):
                types = [None if v is None else v.type for v in item.inputs]
                for condition in item.op.conditions_in_training(*types):
                    told = f"`{item.op.name}` needs {condition.meaning} in training"
                    yield Constraint(*condition.requirement, item.span, (told,))


def _numbers(body: Frame) -> dict[str, Any]:
    """The numbers that the body of the `train` has given names to, and what is wrong there."""
    return {
        name: value
        for name, value in body.names.items()
        if isinstance(value, int | float) or value is POISON
    }


def _rows(wanted: Sequence[GraphInput]) -> Dim:
    """The symbol of the number of rows: the first dimension of the first input."""
    for given in wanted:
        first = given.value.type.shape[0] if given.value.type.rank else 1
        if isinstance(first, Dim) and isinstance(first.expression, dims.Symbol):
            return first
    return dims.symbol("N")


def _with_sizes(constraint: Constraint, sizes: Mapping[str, Size]) -> Constraint | None:
    """The constraint with sizes put in; None where they make it divide by zero."""
    try:
        return constraint.substituted(sizes)
    except (ZeroDivisionError, DimError):
        return None


def _agree(wanted: Size, size: Size, known: dict[str, Size]) -> bool:
    """Whether a declared size can be the actual one, given the symbols already known."""
    wanted = dims.substitute(wanted, known)
    if isinstance(wanted, int):
        return wanted == size
    if wanted == size:
        return True
    solution = dims.solve(wanted, size)
    if solution is None or any(name in known for name in solution):
        return False
    known.update(solution)
    return True
