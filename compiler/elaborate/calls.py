"""Calls and pipes: making layers, applying them, functions over tensors and over static values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tercet.compiler.data.synthetic import Draw
from tercet.compiler.elaborate import blocks, functions
from tercet.compiler.elaborate.advice import slips
from tercet.compiler.elaborate.errors import error
from tercet.compiler.elaborate.expressions import branch, made, placed
from tercet.compiler.elaborate.operands import operands_of
from tercet.compiler.elaborate.operations import apply_function, apply_layer, infix
from tercet.compiler.elaborate.recording import operation_error, record
from tercet.compiler.elaborate.scope import Frame, evaluates
from tercet.compiler.elaborate.static import StaticError
from tercet.compiler.errors import OpError
from tercet.compiler.graph.ir import Argument, Create, Instance, Layer, Value
from tercet.compiler.graph.values import (
    POISON,
    BoundFunction,
    BoundKind,
    StaticFunction,
    describe,
    frozen,
    holds_layer,
    holds_poison,
    holds_tensor,
    is_function,
    is_kind,
    kind_name,
)
from tercet.compiler.initializers import Identity, Initializer
from tercet.compiler.ops.base import LayerOp, Op
from tercet.compiler.ops.convolving import FUNCTIONAL
from tercet.compiler.ops.linear import Dense
from tercet.compiler.signature import Bound, Given, bind
from tercet.compiler.stored import Stored, StoredArray
from tercet.dsl import nodes
from tercet.dsl.diagnostics import DiagnosticError, Note
from tercet.dsl.source import Span

Keywords = Sequence[tuple[nodes.Keyword, Given]]


@evaluates(nodes.Call)
def _call(frame: Frame, node: nodes.Call) -> Any:
    return _Call(frame, node, None).run()


@evaluates(nodes.Pipe)
def _pipe(frame: Frame, node: nodes.Pipe) -> Any:
    given = Given(frame.evaluate(node.first), node.first)
    for stage in node.stages:
        try:
            value = _stage(frame, stage, given)
        except DiagnosticError as problem:
            value = frame.fail(problem)
        given = Given(value, stage)
    return given.value


def _stage(frame: Frame, stage: nodes.Expr, given: Given) -> Any:
    match stage:
        case nodes.Call():
            return _Call(frame, stage, given).run()
        case nodes.Conditional():
            return branch(frame, stage, lambda taken: _stage(frame, taken, given))
    callee = frame.evaluate(stage)
    return _Call(frame, stage, given).dispatch(callee, [], [])


class _Call:
    """One call or pipe stage: `node`, with the value piped into it if one is."""

    def __init__(self, frame: Frame, node: nodes.Expr, piped: Given | None) -> None:
        self.frame = frame
        self.node = node
        self.piped = piped

    @property
    def span(self) -> Span:
        return self.node.span

    def run(self) -> Any:
        assert isinstance(self.node, nodes.Call)
        evaluate = self.frame.evaluate
        weighted = self._weighted(self.node.function)
        if weighted is not None:
            return weighted
        callee = evaluate(self.node.function)
        positional = [Given(evaluate(a), a) for a in self.node.arguments]
        keywords = [(k, Given(evaluate(k.value), k.value)) for k in self.node.keywords]
        return self.dispatch(callee, positional, keywords)

    def dispatch(self, callee: Any, positional: list[Given], keywords: Keywords) -> Any:
        if callee is POISON or _any_poison(positional, keywords):
            return POISON
        if is_kind(callee):
            return self._kind(callee, positional, keywords)
        if is_function(callee):
            return self._function(callee, positional, keywords)
        match callee:
            case Layer() | Instance():
                return self._apply_bound(callee, positional, keywords)
            case StaticFunction():
                return self._static(callee, positional, keywords)
            case BoundFunction():
                return self._apply_function(callee, positional, keywords)
            case BoundKind():
                return self._of_bound(callee, positional, keywords)
            case type() if issubclass(callee, Initializer):
                return self._initializer(callee, positional, keywords)
        raise slips.not_callable(self.frame, self.node, callee)

    # --------------------------------------------------------------------------- kinds of layers

    def _of_bound(self, bound: BoundKind, positional: list[Given], keywords: Keywords) -> Any:
        """A layer of a kind that has some of its arguments.  Raises DiagnosticError."""
        given = [(k, Given(v, nodes.Constant(bound.span, None))) for k, v in bound.given]
        known = {keyword.name for keyword, _ in given if keyword is not None}
        for keyword, _ in keywords:
            if keyword.name in known:
                message = f"`{keyword.name}` is given twice"
                note = Note("given here", bound.span)
                raise error("E0503", message, keyword.name_span, None, note)
        first = [g for keyword, g in given if keyword is None]
        last = [(keyword, g) for keyword, g in given if keyword is not None]
        return self._kind(bound.kind, positional, [*last, *keywords], first)

    def _bind_kind(self, kind: Any, static: list[Given], keywords: Keywords) -> Any:
        """A kind with arguments for the layers that will be made of it.  Raises DiagnosticError."""
        for keyword, _ in keywords:
            if keyword.name == "name":
                message = "a kind that layers are made of takes no name"
                raise error("E0501", message, keyword.name_span, "each place names its own layer")
        given: list[tuple[nodes.Keyword | None, Given]] = [(None, g) for g in static]
        given += keywords
        for _, one in given:
            if holds_layer(one.value):
                message = f"{describe(one.value)} cannot be an argument of a kind"
                raise error("E0504", message, one.span, "give it to the block itself")
        try:
            if isinstance(kind, nodes.Block):
                blocks.bind_arguments(kind, static, keywords, self.span)
            else:
                self._build(kind, bind(kind, static, keywords, self.span, describe))
        except DiagnosticError as problem:
            if any(d.code != "E0502" for d in problem.diagnostics):
                raise  # what is missing yet is given where a layer is made
        names = tuple([None if keyword is None else keyword.name for keyword, _ in given])
        values = tuple([frozen(one.value) for _, one in given])
        written = tuple([(keyword, one.value) for keyword, one in given])
        return BoundKind(kind, names, values, written, self.span)

    def _kind(
        self, kind: Any, positional: list[Given], keywords: Keywords, bound: Sequence[Given] = ()
    ) -> Any:
        for given in (*positional, *(g for _, g in keywords)):
            if isinstance(given.value, BoundFunction) and given.value.tensors:
                message = "a convolution with a given weight stays in the block that has the weight"
                help = "give the weight, and write the convolution where it is applied"
                raise error("E0504", message, given.span, help)
        if kind is Dense and _gives_weight(keywords):
            message = "`dense` has no argument `weight`: its weight is its own"
            help = "`x @ transpose(w)` multiplies by a weight w [units, in] that is a tensor"
            raise error("E0501", message, self.span, help)
        if not isinstance(kind, nodes.Block) and kind in FUNCTIONAL and _gives_weight(keywords):
            tensors = [g for g in positional if holds_tensor(g.value)]
            static = [g for g in positional if not holds_tensor(g.value)]
            return self._with_weight(kind, static, tensors, keywords)
        inputs, static = self._separated(kind, positional)
        static = [*bound, *static]
        names = _input_names(self.frame, kind)
        given_inputs = [pair for pair in keywords if _is_input(pair, names)]
        settings = [p for p in keywords if p[0].name != "name" and not _is_input(p, names)]
        applied = bool(inputs or given_inputs)
        if applied and self.piped is None and not static and not settings:
            slips.require_configured(kind, self.node)
        if not applied and self._is_value():
            return self._bind_kind(kind, static, [p for p in keywords if not _is_input(p, names)])
        made = self._make(kind, static, settings)
        if not applied:
            return made
        if any(holds_poison(given.value) for given in inputs):
            return POISON
        return self._apply(made, inputs, given_inputs)

    def _is_value(self) -> bool:
        """Whether the call makes no layer, but a kind for others to make layers of."""
        text = self.frame.text
        return text is None or self.node in text.kinds

    def _separated(self, kind: Any, positional: list[Given]) -> tuple[list[Given], list[Given]]:
        """The tensors among the arguments, and the configuration.  Raises DiagnosticError E0506."""
        tensors = [g for g in positional if holds_tensor(g.value)]
        static = [g for g in positional if not holds_tensor(g.value)]
        if tensors and (static or self.piped is not None):
            raise slips.tensor_in_configuration(kind, self.piped, tensors, static)
        return ([self.piped] if self.piped is not None else tensors), static

    def _weighted(self, inner: nodes.Expr) -> Any:
        """`conv2d(weight = w)(x)`: one application of a function; None for anything else."""
        assert isinstance(self.node, nodes.Call)
        if not isinstance(inner, nodes.Call) or not isinstance(inner.function, nodes.Name):
            return None
        if all(keyword.name != "weight" for keyword in inner.keywords):
            return None
        kind = self.frame.evaluate(inner.function)
        if not (is_kind(kind) and kind in FUNCTIONAL):
            return None
        evaluate = self.frame.evaluate
        static = [Given(evaluate(a), a) for a in inner.arguments]
        positional = [Given(evaluate(a), a) for a in self.node.arguments]
        written = (*inner.keywords, *self.node.keywords)
        keywords = [(k, Given(evaluate(k.value), k.value)) for k in written]
        if _any_poison([*static, *positional], keywords):
            return POISON
        return self._with_weight(kind, static, positional, keywords)

    def _with_weight(
        self, kind: Any, static: list[Given], inputs: list[Given], keywords: Keywords
    ) -> Any:
        """A convolution with a given weight.  Raises DiagnosticError E0501."""
        for keyword, _ in keywords:
            if keyword.name in ("channels", "kernel"):
                message = f"`{keyword.name}` follows from the weight that is given"
                raise error("E0501", message, keyword.name_span)
        if static:
            message = "channels and kernel follow from the weight that is given"
            raise error("E0501", message, static[0].span, "leave them out")
        if self.piped is None and not inputs:
            return self._bind_weight(FUNCTIONAL[kind], keywords)
        return self._function(FUNCTIONAL[kind], inputs, keywords)

    def _bind_weight(self, cls: type[Op], keywords: Keywords) -> BoundFunction:
        """The convolution for a tensor yet to come.  Raises DiagnosticError."""
        bound = bind(cls, [], keywords, self.span, describe, applied=False)
        tensors = [(k, g.value, g.expression) for k, g in keywords if isinstance(g.value, Value)]
        op = self._build(cls, bound)
        return BoundFunction(op, _without_source(bound.arguments), self.span, tuple(tensors))

    def _make(self, kind: Any, static: list[Given], settings: Keywords) -> Layer | Instance:
        frame = self.frame
        if frame.in_training and not isinstance(kind, nodes.Block):
            message = f"the layer `{kind_name(kind)}` cannot stand in a `train`"
            raise error("E0612", message, self.span, "move it into the model")
        site = frame.site(self.node)
        made: Layer | Instance
        if isinstance(kind, nodes.Block):
            arguments = blocks.bind_arguments(kind, static, settings, self.span)
            made = Instance(site, frame.indices, kind, arguments)
        else:
            bound = bind(kind, static, settings, self.span, describe)
            made = Layer(site, frame.indices, self._build(kind, bound), (), bound.arguments)
        frame.items.append(Create(made))
        frame.made.append((made, self.span))
        return made

    def _build(self, cls: type[Any], bound: Bound) -> Any:
        try:
            return cls(**bound.fields)
        except OpError as problem:
            raise operation_error(problem, cls, self.span, (), bound.arguments) from None

    # ------------------------------------------------------------------------------- application

    def _apply_bound(self, layer: Layer | Instance, given: list[Given], keywords: Keywords) -> Any:
        if isinstance(self.node, nodes.Call) and not any(map(_may_be_input, given)):
            hidden = slips.hidden(self.frame, self.node, layer)
            if hidden is not None:
                raise hidden
        if self.piped is not None and isinstance(self.node, nodes.Call):
            name = self.node.function.span.text
            shown = ", ".join(g.span.text for g in [self.piped, *given])
            raise error(
                "E0111",
                f"`{name}(…)` is applied already; nothing can be piped into its result",
                self.span,
                f"write `{name}({shown})`",
            )
        inputs = [self.piped] if self.piped is not None else given
        if any(holds_poison(g.value) for g in inputs):
            return POISON
        return self._apply(layer, inputs, keywords)

    def _apply(self, made: Layer | Instance, inputs: list[Given], keywords: Keywords) -> Any:
        if isinstance(made, Instance):
            return blocks.apply_instance(self.frame, made, inputs, keywords, self.span)
        ordered = self._operands(made.op, made.site.name, inputs, keywords)
        values = operands_of(self.frame, made.op.name, made.op.operands, ordered)
        return apply_layer(self.frame, made, values, self.span, ordered)

    def _operands(
        self, op: Op, name: str, inputs: list[Given], keywords: Keywords
    ) -> list[Given | None]:
        """What is given for each operand.  Raises DiagnosticError E0501, E0503, E0510."""
        formal = op.operands
        names = [operand.name for operand in formal]
        givens: dict[str, Given] = {}
        if len(inputs) > len(formal):
            takes = f"{len(formal)} input{'s' * (len(formal) != 1)}"
            message = f"`{name}` takes {takes}, not {len(inputs)}"
            raise error("E0510", message, self.span, f"its inputs are {', '.join(names)}")
        present = zip(names, inputs, strict=False)
        givens.update((n, given) for n, given in present if given.value is not None)
        for keyword, given in keywords:
            if keyword.name not in names:
                message = f"`{name}` has no input `{keyword.name}`"
                help = f"its inputs are {', '.join(names)}"
                raise error("E0501", message, keyword.name_span, help)
            if keyword.name in givens:
                raise error("E0503", f"`{keyword.name}` is given twice", keyword.name_span)
            if given.value is not None:
                givens[keyword.name] = given
        for operand in formal:
            if not operand.optional and operand.name not in givens:
                message = f"`{name}` needs the input `{operand.name}`"
                raise error("E0510", message, self.span)
        return [givens.get(name) for name in names]

    # --------------------------------------------------------------------------------- functions

    def _function(self, cls: type[Op], positional: list[Given], keywords: Keywords) -> Any:
        if self.piped is not None:
            positional = [self.piped, *positional]
            if holds_poison(self.piped.value):
                return POISON
        for keyword, _ in keywords:
            if keyword.name == "name":
                message = f"`{cls.name}` is a function: it has no parameters and takes no name"
                raise error("E0501", message, keyword.name_span)
        if cls.train_only and not self.frame.in_training:
            message = f"`{cls.name}` is allowed in `train` only"
            raise error("E0512", message, self.span)
        applied = bool(positional) or not keywords or _names_operand(cls, keywords)
        bound = bind(cls, positional, keywords, self.span, describe, applied=applied)
        if not applied:
            op = self._build(cls, bound)
            return BoundFunction(op, _without_source(bound.arguments), self.span)
        inputs = operands_of(self.frame, cls.name, cls.operands, bound.operands)
        op = self._build(cls, bound)
        return apply_function(self.frame, op, inputs, self.span, bound.operands, bound.arguments)

    def _apply_function(
        self, function: BoundFunction, positional: list[Given], keywords: Keywords
    ) -> Any:
        op = function.op
        if self.piped is not None:
            positional = [self.piped, *positional]
        if any(holds_poison(given.value) for given in positional):
            return POISON
        bound = [(keyword, Given(value, text)) for keyword, value, text in function.tensors]
        ordered = self._operands(op, op.name, positional, [*bound, *keywords])
        inputs = operands_of(self.frame, op.name, op.operands, ordered)
        return apply_function(self.frame, op, inputs, self.span, ordered, function.arguments)

    def _static(self, function: StaticFunction, given: list[Given], keywords: Keywords) -> Any:
        if self.piped is not None:
            given = [self.piped, *given]
        values = [g.value for g in given]
        if any(holds_poison(v) for v in values):
            return POISON
        is_list = len(values) == 1 and isinstance(values[0], tuple)
        if function.name == "sum" and is_list and holds_tensor(values[0]):
            return self._sum_of_tensors(values[0], given[0].expression)
        if any(isinstance(v, Value) for v in values) or (keywords and function.operation):
            if function.operation is None:
                help = "`x.shape[0]` is its first size" if function.name == "len" else None
                message = f"`{function.name}` works on static values, not on tensors"
                raise error("E0402", message, self.span, help)
            self.piped = None
            return self._function(function.operation, given, keywords)
        if keywords:
            message = f"`{function.name}` takes no argument by name"
            raise error("E0501", message, keywords[0][0].name_span)
        try:
            result = functions.call(function.name, values)
        except StaticError as problem:
            raise placed(problem, self.span) from None
        return made(self.frame, result, self.span)

    def _sum_of_tensors(self, tensors: tuple[Any, ...], expression: nodes.Expr) -> Any:
        """`sum([a, b, c])`: additions one after the other, as in Python."""
        total = tensors[0]
        for tensor in tensors[1:]:
            total = infix(self.frame, "+", self.span, (expression, expression), (total, tensor))
        return total

    def _initializer(
        self, cls: type[Initializer], positional: list[Given], keywords: Keywords
    ) -> Any:
        if self.piped is not None:
            help = "it is what weights start as, behind `init =` or a `param`"
            if cls is Identity:
                help = "a tensor is passed on unchanged by its name"
            raise error("E0507", f"{describe(cls)} takes no tensor", self.span, help)
        bound = bind(cls, positional, keywords, self.span, describe)
        made = self._build(cls, bound)
        if isinstance(made, Stored):
            return self._found(made, bound)
        drawing = self.frame.drawing
        if drawing is None:
            return made
        try:
            draw = Draw(made, drawing.rows, drawing.type)
        except OpError as problem:
            raise operation_error(problem, cls, self.span) from None
        (drawn,) = record(self.frame, draw, (), (drawing.type,), self.span, None, bound.arguments)
        return drawn

    def _found(self, stored: Stored, bound: Bound) -> StoredArray:
        """What a file holds, whose path counts from the text that names it."""
        path = self.frame.module.source.path
        try:
            return stored.found(Path() if path is None else path.parent)
        except OpError as problem:
            raise operation_error(problem, Stored, self.span, (), bound.arguments) from None


def _may_be_input(given: Given) -> bool:
    return holds_tensor(given.value) or holds_poison(given.value)


def _any_poison(positional: list[Given], keywords: Keywords) -> bool:
    for given in positional:
        if holds_poison(given.value):
            return True
    return any(holds_poison(given.value) for _, given in keywords)


def _input_names(frame: Frame, kind: Any) -> tuple[str, ...]:
    if isinstance(kind, nodes.Block):
        return tuple(i.name for i in kind.body if isinstance(i, nodes.Input))
    assert issubclass(kind, LayerOp)
    return tuple(operand.name for operand in kind.operands)


def _gives_weight(keywords: Keywords) -> bool:
    return any(keyword.name == "weight" and holds_tensor(g.value) for keyword, g in keywords)


def _names_operand(cls: type[Op], keywords: Keywords) -> bool:
    """Whether an operand is given by name; what has none makes its result of attributes alone."""
    names = {operand.name for operand in cls.operands}
    return not names or any(keyword.name in names for keyword, _ in keywords)


def _without_source(arguments: tuple[Argument, ...]) -> tuple[Argument, ...]:
    """Arguments by their values: where a function is applied, names may mean something else."""
    return tuple(replace(a, expression=nodes.Constant(a.expression.span, None)) for a in arguments)


def _is_input(pair: tuple[nodes.Keyword, Given], names: tuple[str, ...]) -> bool:
    keyword, given = pair
    return keyword.name in names and (holds_tensor(given.value) or given.value is None)
