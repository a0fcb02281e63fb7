"""MXNet's answers to the class printer, from the tables that the family files fill.

Gluon code is printed over legacy operators, since `np` and `npx` ones cannot be exported.  Within a
`hybrid_forward` sizes are unknown: what the source computes from them is expressed by operators
that look at a tensor's shape (`symbolic_shape`).  Losses run eagerly, on NDArrays with sizes.

A bool tensor of the language is held as 0.0 and 1.0 in float32, as MXNet's comparisons give it; it
becomes bool where a model is left and float32 where one is entered, or a loss meets it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import ClassVar

from tercet.backends.base import Lowerings, Unsupported, refused, rejected
from tercet.backends.mxnet.ends import awkward_inputs
from tercet.backends.mxnet.initial import initializer
from tercet.backends.mxnet.names import RESERVED_ATTRIBUTES, RESERVED_NAMES
from tercet.backends.mxnet.symbolic_shape import positions
from tercet.codegen.expr import (
    Call,
    Comprehension,
    Expr,
    Helper,
    Input,
    Literal,
    Made,
    Name,
    SiteName,
    Starred,
    Template,
    lift,
)
from tercet.codegen.expr import Sequence as SequenceExpr
from tercet.codegen.pooled import PoolingTarget
from tercet.codegen.script.draws import draw_name
from tercet.codegen.specialised import layers_of
from tercet.codegen.target import Application, shortened
from tercet.codegen.tree import children, replace
from tercet.codegen.writer import Assign, Statement
from tercet.compiler.dims import Dim
from tercet.compiler.graph.applications import ordered_sites, shared_sites
from tercet.compiler.graph.ir import Apply, Graph, Layer, ReadParameter, Site
from tercet.compiler.ops.base import LayerOp, Op
from tercet.compiler.ops.conv import AnyConvolution
from tercet.compiler.ops.elementwise import Cast
from tercet.compiler.types import DType

F = Name("F")
nn = Name("nn")

Lowering = Callable[..., Expr | Template]
"""`(op, at: Application, *operands: Expr | None)`; one `Expr` per operand of the operation."""

Construction = Callable[..., Expr]
"""`(op, layer: Layer)`; the expression that makes the block."""

lower = Lowerings[Lowering]("mxnet")
construct = Lowerings[Construction]("mxnet")
construct_shared = Lowerings[Construction]("mxnet")
"""Layers that are trained and applied more than once, where MXNet needs another block then."""

DTYPES = {
    DType.F32: "float32",
    DType.F64: "float64",
    DType.I8: "int8",
    DType.I32: "int32",
    DType.I64: "int64",
    DType.U8: "uint8",
    DType.BOOL: "float32",
}
"""What holds elements of a type inside a model."""

_SMALL = (DType.BOOL, DType.I8, DType.U8)
"""Types that cannot count the places of an axis."""


def held_as(dtype: DType) -> str:
    """MXNet's name of the type that holds such elements.  Raises Unsupported."""
    if dtype not in DTYPES:
        raise Unsupported(f"MXNet computes in {dtype} on no CPU", "use f32")
    return DTYPES[dtype]


class MXNetTarget(PoolingTarget):
    """Prints `HybridBlock` classes; with `eager`, code over NDArrays."""

    name: ClassVar[str] = "mxnet"
    reserved_names: ClassVar[frozenset[str]] = RESERVED_NAMES
    reserved_attributes: ClassVar[frozenset[str]] = RESERVED_ATTRIBUTES
    reserved_arguments: ClassVar[frozenset[str]] = frozenset({"self", "prefix", "params"})
    has_sequences: ClassVar[bool] = True
    tells_output_shapes: ClassVar[bool] = False

    def __init__(
        self,
        model: Graph,
        *,
        eager: bool = False,
        loss: Graph | None = None,
        exact: bool = False,
    ) -> None:
        super().__init__()
        self.exact = exact
        self.model = model
        if exact and loss is not None:
            self.ordered_sites = ordered_sites(loss)
        trained = loss is not None
        self._awkward = awkward_inputs(model) if trained else frozenset[int]()
        self._shared = shared_sites(loss) if loss is not None else set[Site]()
        self.eager = eager
        self.reads_sizes = eager
        self.convolves = any(isinstance(v.op, AnyConvolution) for v in layers_of(model))

    def in_constructor(self, expr: Expr) -> Expr:
        return replace(expr, _eagerly)

    def constant_tensor(self, attribute: str, expr: Expr) -> Expr:
        return Name("self").params.get_constant(attribute, expr)

    def construct(self, layer: Layer, siblings: Sequence[LayerOp]) -> Expr:
        try:
            for parameter in layer.parameters:
                held_as(parameter.type.dtype)
            table = construct_shared if self.construct_key(layer) else construct
            return table.find(layer.op, exact=self.exact)(layer.op, layer)
        except Unsupported as problem:
            raise rejected("mxnet", layer.op, layer.site.span, problem) from None

    def construct_key(self, layer: Layer) -> bool:
        """Whether another block is needed, since the layer is applied more than once."""
        return layer.site in self._shared and type(layer.op) in construct_shared

    def apply(self, at: Application) -> Expr | Template:
        item = at.item
        try:
            _require_known(at)
            if self.bare.flattened(at.graph, item):
                return Input(0)
            foreign = self._foreign_bools(at.graph, item)
            operands = (_numbers(x) if k in foreign else x for k, x in enumerate(at.inputs))
            return self._finished(lower.find(item.op, exact=self.exact)(item.op, at, *operands))
        except Unsupported as problem:
            raise rejected("mxnet", item.op, item.span, problem) from None

    def apply_key(self, graph: Graph, item: Apply) -> object:
        own = draw_name(graph, item) if self.exact and item.op.is_random else None
        return super().apply_key(graph, item), self._foreign_bools(graph, item), own

    def _foreign_bools(self, graph: Graph, item: Apply) -> frozenset[int]:
        """The operands that are bools of the data or of a model, where a loss meets them."""
        if not self.eager or isinstance(item.op, Cast):
            return frozenset()
        given = {id(entry.value) for entry in graph.inputs}
        given |= {id(value) for call in graph.calls for value in call.outputs}
        return frozenset(
            index
            for index, value in enumerate(item.inputs)
            if value is not None and value.type.dtype is DType.BOOL and id(value) in given
        )

    def scalar(self, op: Op, expr: Expr) -> Expr:
        match expr:
            case Literal(bool(value)):  # what is bool in the language is a number here
                return Literal(float(value))
        return shortened(expr) if op.operator is not None else expr

    def _finished(self, lowered: Expr | Template) -> Expr | Template:
        if not isinstance(lowered, Template):
            return self._checked(lowered)
        temporaries = tuple((name, self._checked(e)) for name, e in lowered.temporaries)
        return Template(self._checked(lowered.result), temporaries)

    def _checked(self, expr: Expr) -> Expr:
        if self.eager:
            return replace(expr, lambda e: Name("nd") if e == F else None)
        if any(isinstance(e, Literal) and isinstance(e.content, Dim) for e in parts(expr)):
            raise Unsupported("it needs a size that is known only when the model runs")
        return expr

    def declare(self, item: ReadParameter) -> Expr:
        parameter = item.parameter
        try:
            settings: dict[str, object] = {"shape": parameter.type.shape or (1,)}
            dtype = held_as(parameter.type.dtype)
            if dtype != "float32":
                settings["dtype"] = dtype
            start = initializer(parameter.start)
            settings["init"] = lift("zeros") if self.exact else start
        except Unsupported as problem:
            raise refused("mxnet", f"`{parameter.name}`", item.span, problem) from None
        if not parameter.trainable:
            settings["grad_req"] = "null"
        if item.indices:
            return Name("dict")(**settings)
        return Name("self").params.get(SiteName(), **settings)

    def read_parameter(self, item: ReadParameter) -> Expr:
        if item.layer is None:
            return Helper("value")(F, Made()) if item.indices else Made()
        name = GLUON_NAMES.get((type(item.layer.op).__name__, item.parameter.name))
        attribute = Made().__getattr__(name or item.parameter.name)
        return attribute.data() if self.eager else Helper("value")(F, attribute)

    def bound(self, instance: Expr, handed: Mapping[str, Expr]) -> Expr:
        return Helper("with_layers")(instance, *handed.values())

    def layer_list(self, items: Expr) -> Expr:
        if isinstance(items, Comprehension):
            return Helper("block_list")(Starred(items))
        assert isinstance(items, SequenceExpr)
        return Helper("block_list")(*items.items)

    def parameter_list(self, items: Expr) -> Expr:
        return Helper("ParameterList")(items)

    def placeholder(self) -> Expr:
        return nn.HybridSequential()

    def read_sizes(
        self, graph: Graph, index: int, source: Expr, names: Sequence[str | None]
    ) -> list[Statement]:
        if self.eager:
            return super().read_sizes(graph, index, source, names)
        dtype = graph.inputs[index].value.type.dtype
        if dtype in _SMALL and (self._is_model(graph) or dtype is not DType.BOOL):
            source = F.cast(source, dtype="float32")
        return [
            Assign((Name(name),), positions(source, axis), f"0, 1, ...: as many as {name}")
            for axis, name in enumerate(names)
            if name is not None
        ]

    def _is_model(self, graph: Graph) -> bool:
        """Whether a graph is the model, perhaps at other values of its parameters."""
        return graph.block is self.model.block

    def entry(self, graph: Graph, index: int, source: Expr) -> Expr | None:
        if self.eager or not self._is_model(graph):
            return None
        if graph.inputs[index].value.type.dtype is DType.BOOL:
            return F.cast(source, dtype="float32")
        return F.identity(source) if index in self._awkward else None

    def result(self, graph: Graph, index: int, expr: Expr) -> Expr:
        constant = self.constant(graph.outputs[index].value)
        if constant is not None and not isinstance(constant.value, Dim):
            expr = F.full((1,), constant.value, dtype=held_as(constant.dtype))
        if self._is_model(graph) and graph.outputs[index].value.type.dtype is DType.BOOL:
            return F.cast(expr, dtype="bool")
        return expr


def _eagerly(expr: Expr) -> Expr | None:
    match expr:
        case Name("F"):
            return Name("nd")
        case Call(Helper("listed"), (_, values, dtype)):
            own = {} if dtype == Literal("float32") else {"dtype": dtype}
            return Name("nd").array(values, **own)
    return None


def _numbers(x: Expr | None) -> Expr | None:
    """A bool NDArray, which few operators take, as what holds bools here."""
    return None if x is None else F.cast(x, dtype=DTYPES[DType.BOOL])


GLUON_NAMES = {
    ("BatchNorm", "weight"): "gamma",
    ("BatchNorm", "bias"): "beta",
    ("LayerNorm", "weight"): "gamma",
    ("LayerNorm", "bias"): "beta",
    ("InstanceNorm", "weight"): "gamma",
    ("InstanceNorm", "bias"): "beta",
    ("PRelu", "weight"): "alpha",
}
"""Gluon's names of parameters that the language calls otherwise."""


def is_number(at: Application, index: int) -> bool:
    """Whether an operand is printed as a Python number."""
    constant = at.constant(index)
    if constant is None:
        return False
    assert isinstance(at.target, MXNetTarget)
    return at.target.eager or not isinstance(constant.value, Dim)


def is_eager(at: Application) -> bool:
    """Whether the code runs on NDArrays, whose sizes are numbers."""
    assert isinstance(at.target, MXNetTarget)
    return at.target.eager


def is_exact(at: Application) -> bool:
    """Whether the script trains to the same weights as those of other targets."""
    assert isinstance(at.target, MXNetTarget)
    return at.target.exact


def convolves(at: Application) -> bool:
    """Whether the script has convolutions, which oneDNN computes in a layout of its own."""
    assert isinstance(at.target, MXNetTarget)
    return at.target.convolves


def _require_known(at: Application) -> None:
    for value in (*at.item.inputs, *at.item.outputs):
        if value is not None:
            held_as(value.type.dtype)


def parts(expr: Expr) -> Iterator[Expr]:
    """An expression and all its parts."""
    yield expr
    for child in children(expr):
        yield from parts(child)
