"""TensorFlow's answers to the class printer, from the tables that the family files fill."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from copy import copy
from dataclasses import replace
from typing import ClassVar, TypeVar

from tercet.backends.base import Lowerings, Unsupported, rejected
from tercet.backends.tensorflow.axes import last_axis, to_last
from tercet.backends.tensorflow.crossing import Crossing, turned
from tercet.backends.tensorflow.facts import Facts, built_shape
from tercet.backends.tensorflow.helpers import HELPER_NAMES
from tercet.backends.tensorflow.initial import initializer
from tercet.backends.tensorflow.kinds import KINDS
from tercet.backends.tensorflow.layout import Held, Places
from tercet.backends.tensorflow.reserved import ATTRIBUTES, NAMES
from tercet.codegen.expr import (
    Attribute,
    Binary,
    Expr,
    Input,
    Made,
    Name,
    SiteName,
    Starred,
    Template,
    default,
    lift,
)
from tercet.codegen.expr import Call as CallExpr
from tercet.codegen.expr import Sequence as SequenceExpr
from tercet.codegen.layer_arguments import LayerArguments
from tercet.codegen.script.draws import draw_name
from tercet.codegen.target import Application, shortened
from tercet.codegen.tree import replace as replace_parts
from tercet.compiler.dims import Dim
from tercet.compiler.graph.applications import ordered_sites
from tercet.compiler.graph.ir import Apply, Graph, Instance, Layer, ReadParameter
from tercet.compiler.ops.base import LayerOp, Op
from tercet.compiler.types import DType
from tercet.dsl.records import dataclass

tf = Name("tf")
layers = Name("layers")
keras = Name("keras")


T = TypeVar("T")

TRAINING = {"training": Name("training")}
"""What layers that behave differently in training are told."""


@dataclass(frozen=True)
class Placed(Application):
    """An operation with its layout: its operands come, and its result goes, as `places` says."""

    places: Places
    facts: Facts
    float32: Expr = tf.float32
    """The type in which what the model holds as f32 is computed here."""

    def dtype(self, dtype: DType) -> Expr:
        """TensorFlow's type for a dtype of the source."""
        return self.float32 if dtype is DType.F32 else DTYPES[dtype]

    @property
    def last(self) -> bool:
        """Whether the first operand is channels-last."""
        return bool(self.places.inputs) and self.places.inputs[0] is Held.LAST

    @property
    def gives_last(self) -> bool:
        """Whether the result is channels-last."""
        return self.places.output is Held.LAST

    @property
    def bare(self) -> bool:
        """Whether the first operand lacks its spatial axes, which have size 1."""
        return bool(self.places.inputs) and self.places.inputs[0] is Held.BARE

    @property
    def drops_axes(self) -> bool:
        """Whether the result goes on without its spatial axes, which have size 1."""
        return self.places.output is Held.BARE

    def axis(self, axis: int) -> int:
        """The number of an axis of the first operand as it lies here."""
        return last_axis(axis, self.type(0).rank) if self.last else axis

    def per_axis(self, values: Sequence[T]) -> tuple[T, ...]:
        """One value per axis of the first operand, in the order of the axes as they lie here."""
        return tuple(values[k] for k in to_last(len(values))) if self.last else tuple(values)


Lowering = Callable[..., Expr | Template]
"""`(op, at: Placed, *operands: Expr | None)`; one `Expr` per operand of the operation."""

Construction = Callable[..., Expr]
"""`(op, layer: Layer, facts: Facts)`; the expression that makes the layer, without its name."""

lower = Lowerings[Lowering]("tensorflow")
construct = Lowerings[Construction]("tensorflow")

DTYPES = {
    DType.F16: tf.float16,
    DType.BF16: tf.bfloat16,
    DType.F32: tf.float32,
    DType.F64: tf.float64,
    DType.I8: tf.int8,
    DType.I32: tf.int32,
    DType.I64: tf.int64,
    DType.U8: tf.uint8,
    DType.BOOL: tf.bool,
}


class TensorFlowTarget(Crossing):
    """Prints `layers.Layer` classes for blocks and a `keras.Model` for the model.

    `functions` are the loss and evaluation graphs that the script prints besides.  `mixed`: layers
    may compute in another precision than f32, by their policy; the model gives f32 all the same.
    """

    name: ClassVar[str] = "tensorflow"
    reserved_names: ClassVar[frozenset[str]] = NAMES | HELPER_NAMES | KINDS.names
    reserved_attributes: ClassVar[frozenset[str]] = ATTRIBUTES
    reserved_arguments: ClassVar[frozenset[str]] = frozenset({"self", "name", "training", "inputs"})
    replaceable_names: ClassVar[frozenset[str]] = frozenset({"layers"})
    declares_when_built: ClassVar[bool] = True

    def __init__(
        self,
        models: Sequence[Graph],
        functions: Iterable[Graph] = (),
        *,
        mixed: bool = False,
        exact: bool = False,
        lean: bool = False,
    ) -> None:
        super().__init__(models, tuple(functions), mixed, lean)
        self.built_ahead_sites = LayerArguments(*models).applied_elsewhere()
        self.owner: Expr = Name("self")
        self.exact = exact
        if exact:
            self.ordered_sites = frozenset(site for f in functions for site in ordered_sites(f))
        self._float32 = Name("self").compute_dtype if mixed else tf.float32

    def speaking(
        self,
        *,
        prediction: Expr | None = None,
        training: bool | None = None,
        owner: str = "self",
    ) -> TensorFlowTarget:
        """The same target for a function of training, in which the model is called `owner`.

        There the model's outputs are `prediction`, or it is applied, in training or not.
        """
        other = copy(self)
        other._prediction = prediction
        other.owner = Name(owner)
        other._float32 = tf.float32
        if training is not None:
            other._training = lift(training)
        return other

    # --------------------------------------------------------------------------------- layers

    def in_constructor(self, expr: Expr) -> Expr:
        mixed = Name("self").compute_dtype  # which changes while the model trains
        return replace_parts(expr, lambda e: tf.float32 if e == mixed else None)

    def read_constant(self, attribute: Expr, dtype: DType) -> Expr:
        mixed = self._float32 != tf.float32 and dtype is DType.F32
        return tf.cast(attribute, self._float32) if mixed else attribute

    def constant_tensor(self, attribute: str, expr: Expr) -> Expr:
        match expr:
            case CallExpr(Attribute(_, "constant"), (values, Attribute(Name("tf"), dtype))):
                if dtype != "bfloat16":
                    kind = getattr(Name("np"), "bool_" if dtype == "bool" else dtype)
                    return Name("np").array(values, kind)
        return expr.numpy()  # tf2onnx would take a tensor for one more input

    def construct(self, layer: Layer, siblings: Sequence[LayerOp]) -> Expr:
        try:
            made = construct.find(layer.op, exact=self.exact)(layer.op, layer, self.facts)
        except Unsupported as problem:
            raise rejected("tensorflow", layer.op, layer.site.span, problem) from None
        return named(made)

    def instance(
        self, cls: Expr, positional: tuple[Expr, ...], keywords: tuple[tuple[str, Expr], ...]
    ) -> Expr:
        return cls(*positional, **dict(keywords), name=SiteName())

    def built_ahead(self, made: Layer | Instance) -> Expr | None:
        if made.site not in self.built_ahead_sites:
            return None
        if isinstance(made, Instance):
            return Made().build(None)
        shape = built_shape(made)
        return None if shape is None else Made().build(shape)

    def declare(self, item: ReadParameter) -> Expr:
        parameter = item.parameter
        renamed = self.facts.variable_name(parameter.name)
        return Name("self").add_weight(
            name=SiteName() if item.indices or renamed == parameter.name else renamed,
            shape=parameter.type.shape,
            initializer=initializer(parameter, as_kernel=False),
            trainable=default(parameter.trainable, True),
            dtype=default(parameter.type.dtype.numpy_name, "float32"),
        )

    def read_parameter(self, item: ReadParameter) -> Expr:
        if item.layer is None:
            return Made()
        return self.facts.variable(item.layer, item.parameter.name)

    def site_name(self, name: str) -> str:
        return scope(name)

    def layer_list(self, items: Expr) -> Expr:
        match items:
            case SequenceExpr((first, Starred(others))):
                return Binary("+", SequenceExpr((first,), is_list=True), others)
        return items

    def parameter_list(self, items: Expr) -> Expr:
        return items

    def placeholder(self) -> Expr:
        return lift(None)

    # ----------------------------------------------------------------------------- operations

    def scalar(self, op: Op, expr: Expr) -> Expr:
        return shortened(expr) if op.operator is not None else expr

    def apply(self, at: Application) -> Expr | Template:
        item = at.item
        places = self.layouts.places(at.graph, item)
        placed = Placed(at.graph, item, at.siblings, self, places, self.facts, self._float32)
        operands = [self._operand(placed, k, held) for k, held in enumerate(places.inputs)]
        try:
            return self._held(
                placed, lower.find(item.op, exact=self.exact)(item.op, placed, *operands)
            )
        except Unsupported as problem:
            raise rejected("tensorflow", item.op, item.span, problem) from None

    def _held(self, at: Placed, lowered: Expr | Template) -> Expr | Template:
        """The result in the layout that it is held in, which may be another than it comes in."""
        value = at.item.outputs[0]
        held, rank = self.layouts.held(value), value.type.rank
        if len(at.item.outputs) > 1 or held is at.places.output:
            return lowered
        if isinstance(lowered, Template):
            result = turned(lowered.result, at.places.output, held, rank)
            return replace(lowered, result=result)
        return turned(lowered, at.places.output, held, rank)

    def apply_key(self, graph: Graph, item: Apply) -> object:
        values = (*item.inputs, *item.outputs)
        held = tuple(None if v is None else self.layouts.held(v) for v in values)
        own = draw_name(graph, item) if self.exact and item.op.is_random else None
        return held, self.layouts.places(graph, item), own

    def _operand(self, at: Placed, index: int, wanted: Held) -> Expr | None:
        value = at.item.inputs[index]
        if value is None:
            return None
        constant = self.constant(value)
        if constant is not None and isinstance(constant.value, Dim):
            return tf.cast(Input(index), at.dtype(constant.dtype))
        rank = at.result.rank if wanted is Held.LAST else value.type.rank
        return self._turned(Input(index), value, wanted, max(rank, value.type.rank))


def scope(name: str) -> str:
    """The name of a layer as one of TensorFlow's scopes, which do not begin with an underscore."""
    return f".{name}" if name.startswith("_") else name


def named(made: Expr) -> Expr:
    """A layer's constructor call with the layer's path as its name."""
    assert isinstance(made, CallExpr)
    return replace(made, keywords=(*made.keywords, ("name", SiteName())))
