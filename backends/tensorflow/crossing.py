"""What crosses from one block to another: calls, and the layouts of inputs and outputs there."""

from __future__ import annotations

from collections.abc import Sequence

from tercet.backends.tensorflow.axes import to_first, to_last
from tercet.backends.tensorflow.facts import Facts
from tercet.backends.tensorflow.layout import Held, Layouts
from tercet.codegen.expr import Expr, Input, Made, Name
from tercet.codegen.target import ClassTarget
from tercet.codegen.writer import Assign, Statement
from tercet.compiler.graph.ir import Call, Graph, Value
from tercet.compiler.types import DType, TensorType, shape_text

tf = Name("tf")


class Crossing(ClassTarget):
    """The part of the target that prints calls of blocks, and what the layouts around them want."""

    def __init__(
        self, models: Sequence[Graph], functions: Sequence[Graph], mixed: bool, lean: bool
    ) -> None:
        super().__init__()
        self.model = models[0]
        self.layouts = Layouts(models, functions)
        self.facts = Facts((*models, *functions), lean=lean)
        self._prediction: Expr | None = None
        self._training: Expr = Name("training")
        self._mixed = mixed

    def call(self, graph: Graph, item: Call, handed: Sequence[str]) -> Expr:
        if item.graph is self.model and self._prediction is not None:
            return self._prediction
        told = {"training": self._training} if self.facts.is_trained(item.graph) else {}
        inputs = tuple(Input(i) for i in range(len(item.inputs)))
        if item.graph is self.model and len(inputs) > 1:
            return self._made(item, Made()(inputs, **told))
        layers = {name: Input(len(inputs) + k) for k, name in enumerate(handed)}
        # Keras takes nothing but tensors by position.
        return self._made(item, Made()(*inputs, **layers, **told))

    def _made(self, item: Call, expr: Expr) -> Expr:
        """What a block gives, in the layout in which it is held here."""
        if len(item.outputs) > 1:
            return expr
        given, value = self.layouts.signature(item.graph).outputs[0], item.outputs[0]
        return turned(expr, given, self.layouts.held(value), value.type.rank)

    def entry(self, graph: Graph, index: int, source: Expr) -> Expr | None:
        value = graph.inputs[index].value
        outside = self.layouts.signature(graph).inputs[index]
        inside = self.layouts.inside(graph, index)
        column = self.column(value.type, source) if graph.block is self.model.block else None
        turn = turned(column or source, outside, inside, value.type.rank)
        return column if inside is outside else turn

    def column(self, type: TensorType, source: Expr) -> Expr | None:
        # Files and arrays of NumPy hold it as f32.
        return tf.cast(source, tf.bfloat16) if type.dtype is DType.BF16 else None

    def use(self, graph: Graph, item: Call, index: int, value: Value, expr: Expr) -> Expr:
        wanted = self.layouts.signature(item.graph).inputs[index]
        return self._turned(expr, value, wanted, value.type.rank)

    def result(self, graph: Graph, index: int, expr: Expr) -> Expr:
        value = graph.outputs[index].value
        wanted = self.layouts.signature(graph).outputs[index]
        given = self._turned(expr, value, wanted, value.type.rank)
        if self._mixed and graph.block is self.model.block and value.type.dtype is DType.F32:
            return tf.cast(given, tf.float32)
        return given

    # ---------------------------------------------------------------------------------- sizes

    def read_sizes(
        self, graph: Graph, index: int, source: Expr, names: Sequence[str | None]
    ) -> list[Statement]:
        if self.layouts.signature(graph).inputs[index] is Held.LAST:
            names = [names[k] for k in to_last(len(names))]
        known = [(axis, name) for axis, name in enumerate(names) if name is not None]
        shape = tf.shape(source)
        if len(known) == 1:
            ((axis, only),) = known
            return [Assign((Name(only),), shape[axis])]
        targets = tuple(Name(n or "_") for n in names)
        return [Assign(targets, tf.unstack(shape))]

    def comment(self, graph: Graph, value: Value) -> str:
        return _shown(value, self.layouts.held(value))

    def output_comment(self, graph: Graph, index: int) -> str:
        outside = self.layouts.signature(graph).outputs[index]
        return _shown(graph.outputs[index].value, outside)

    def _turned(self, expr: Expr, value: Value, wanted: Held, rank: int) -> Expr:
        """A value in another layout; `rank` is that of what it is broadcast to."""
        held, own = self.layouts.held(value), value.type.rank
        if held is wanted or Held.BARE in (held, wanted) or own == 0:
            return expr
        if wanted is Held.FIRST or own == rank:
            return turned(expr, held, wanted, own)
        if own == rank - 1:
            return tf.transpose(expr, (*range(1, own), 0))
        return expr[..., tf.newaxis]


def turned(expr: Expr, held: Held, wanted: Held, rank: int) -> Expr:
    """A tensor in another layout of as many axes."""
    if held is wanted or Held.BARE in (held, wanted):
        return expr
    return tf.transpose(expr, to_last(rank) if wanted is Held.LAST else to_first(rank))


def _shown(value: Value, held: Held) -> str:
    """The shape of a value as it is held."""
    shape = value.type.shape
    match held:
        case Held.LAST:
            shape = tuple(shape[k] for k in to_last(len(shape)))
        case Held.BARE:
            shape = shape[:2]
    return shape_text(shape)
