"""What the class printer asks of a target: templates for layers, operations and sizes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from tercet.codegen.expr import Binary, Expr, Input, Literal, Made, Name, Template
from tercet.codegen.writer import Assign, Statement
from tercet.compiler.graph.applications import applied_sites
from tercet.compiler.graph.ir import (
    Apply,
    Call,
    Graph,
    Instance,
    Layer,
    ReadParameter,
    Site,
    Value,
)
from tercet.compiler.ops.base import LayerOp, Op
from tercet.compiler.ops.elementwise import Constant
from tercet.compiler.types import DType, TensorType, shape_text
from tercet.dsl.records import dataclass


@dataclass(frozen=True)
class Application:
    """One operation to be lowered: the item, its graph, and all operations seen at its site.

    `siblings` serve decisions that must be the same for all executions of the site.
    """

    graph: Graph
    item: Apply
    siblings: tuple[Op, ...]
    target: ClassTarget

    @property
    def inputs(self) -> tuple[Expr | None, ...]:
        """Placeholders for the operands, None for absent ones.

        The lowering of an operation that has none may use `Input(k)` for the graph's inputs.
        """
        return tuple(None if v is None else Input(k) for k, v in enumerate(self.item.inputs))

    def type(self, index: int) -> TensorType:
        """The type of an operand that is present."""
        value = self.item.inputs[index]
        assert value is not None
        return value.type

    @property
    def result(self) -> TensorType:
        """The type of the first output."""
        return self.item.outputs[0].type

    def constant(self, index: int) -> Constant | None:
        """The scalar constant that an operand is, if it is one."""
        return self.target.constant(self.item.inputs[index])


def infix(op: Op, left: Expr, right: Expr) -> Expr:
    """An operation that Python writes as the language does: `a + b`."""
    assert op.operator is not None
    return Binary(op.operator, left, right)


def chosen_truth(at: Application, condition: Expr, a: Expr, b: Expr) -> Expr:
    """`where` of truths, as ONNX Runtime has none: `condition & a | ~condition & b`."""
    first, second = at.constant(1), at.constant(2)
    if first is not None and second is not None and first.value == second.value:
        return condition | ~condition if first.value else condition & ~condition
    if first is not None and second is not None:
        return condition if first.value else ~condition
    if first is not None:
        return condition | b if first.value else ~condition & b
    if second is not None:
        return ~condition | a if second.value else condition & a
    return condition & a | ~condition & b


def shortened(scalar: Expr) -> Expr:
    """`x * 2` for floating-point tensors too, as people write: an int takes their dtype."""
    match scalar:
        case Literal(float(value)) if value.is_integer() and abs(value) < 1e6:
            return Literal(int(value))
    return scalar


class ClassTarget:
    """Base of the targets that print classes.  One object prints one program."""

    name: ClassVar[str]
    """What messages call the target."""
    reserved_names: ClassVar[frozenset[str]] = frozenset()
    """Module-level names that generated functions must not hide."""
    reserved_attributes: ClassVar[frozenset[str]] = frozenset()
    """Attributes of the framework's base class that a layer must not replace."""
    reserved_arguments: ClassVar[frozenset[str]] = frozenset()
    replaceable_names: ClassVar[frozenset[str]] = frozenset()
    """Reserved names that constructors may hide, since the target spells them otherwise there."""
    reads_sizes: bool = True
    """Whether the forward function can compute with the sizes of its inputs as numbers."""
    reads_known_sizes: ClassVar[bool] = False
    """Whether it also reads those that its class knows, as in `N, T, D = x.shape`."""
    has_sequences: ClassVar[bool] = False
    """Whether lists of layers can be called, to apply one after the other."""
    tells_output_shapes: ClassVar[bool] = True
    """Whether scripts tell the shapes of the model's outputs."""
    declares_when_built: ClassVar[bool] = False
    """Whether raw parameters are made when a class is first applied, not by its constructor."""

    def __init__(self) -> None:
        self._constants: dict[int, Constant] = {}
        self.ordered_sites: frozenset[Site] = frozenset()

    def in_order(self, item: Apply | Call) -> bool:
        """Whether an application must be printed where the source has it, not where it is used."""
        if not self.ordered_sites:
            return False
        if isinstance(item, Apply):
            return item.layer is not None and item.layer.site in self.ordered_sites
        return not self.ordered_sites.isdisjoint(applied_sites(item.graph))

    def remember(self, value: Value, constant: Constant) -> None:
        """Notes that a value is a constant scalar (the class printer does, as it walks)."""
        self._constants[id(value)] = constant

    def constant(self, value: Value | None) -> Constant | None:
        """The constant that a value is, if it is one: some targets have scalar forms."""
        return self._constants.get(id(value))

    def scalar(self, op: Op, expr: Expr) -> Expr:
        """A scalar constant, of the dtype of the tensor it meets, as an operand of `op`."""
        return expr

    def in_constructor(self, expr: Expr) -> Expr:
        """An expression over no input, as it stands in the constructor of a class."""
        return expr

    def read_constant(self, attribute: Expr, dtype: DType) -> Expr:
        """What is read where the forward function computes with such a tensor."""
        return attribute

    def constant_tensor(self, attribute: str, expr: Expr) -> Expr:
        """What a class keeps under an attribute that is computed once and no weight."""
        raise NotImplementedError

    def construct(self, layer: Layer, siblings: Sequence[LayerOp]) -> Expr:
        """The expression that makes a layer.

        `siblings` are the operations of all layers made at the same site, for decisions that
        must be the same for all of them.  Raises Unsupported.
        """
        raise NotImplementedError

    def construct_key(self, layer: Layer) -> object:
        """What, besides the operation and its types, a template of `construct` depends on."""
        return None

    def instance(
        self, cls: Expr, positional: tuple[Expr, ...], keywords: tuple[tuple[str, Expr], ...]
    ) -> Expr:
        """The expression that makes an instance of a generated class."""
        return cls(*positional, **dict(keywords))

    def apply(self, at: Application) -> Expr | Template:
        """The expression of one operation over `at.inputs` (and `Made()` for a layer's).

        Raises Unsupported.
        """
        raise NotImplementedError

    def apply_key(self, graph: Graph, item: Apply) -> object:
        """What, besides operation and input types, a template of `apply` depends on."""
        return None

    def call(self, graph: Graph, item: Call, handed: Sequence[str]) -> Expr:
        """The expression that applies a block's instance.

        `handed` are its class's names for the layers it gets; they are operands behind the inputs.
        """
        return Made()(*(Input(i) for i in range(len(item.inputs) + len(handed))))

    def bound(self, instance: Expr, handed: Mapping[str, Expr]) -> Expr:
        """An instance that goes to another class together with the layers it gets at each call."""
        return Name("partial")(instance, **handed)

    def built_ahead(self, made: Layer | Instance) -> Expr | None:
        """What makes the weights of `Made()` when its owner is built, where that must be said."""
        return None

    def declare(self, item: ReadParameter) -> Expr:
        """The expression that makes a raw parameter or buffer."""
        raise NotImplementedError

    def read_parameter(self, item: ReadParameter) -> Expr:
        """A parameter as a value; `Made()` is the layer, or the attribute of a raw one."""
        raise NotImplementedError

    def site_name(self, name: str) -> str:
        """What a script calls the layer of a site (`SiteName`), where it has to say a name."""
        return name

    def layer_list(self, items: Expr) -> Expr:
        """A list of layers from a list of expressions or a comprehension."""
        raise NotImplementedError

    def parameter_list(self, items: Expr) -> Expr:
        """A list of raw parameters from a list of expressions (None for absent ones) or a
        comprehension."""
        raise NotImplementedError

    def placeholder(self) -> Expr:
        """What stands in a list of layers where an iteration makes none."""
        raise NotImplementedError

    def read_sizes(
        self, graph: Graph, index: int, source: Expr, names: Sequence[str | None]
    ) -> list[Statement]:
        """Statements that bind the sizes of the graph's input `source`; None is not needed."""
        targets = tuple(Name(n or "_") for n in names)
        if sum(n is not None for n in names) == 1:
            axis = next(i for i, n in enumerate(names) if n is not None)
            return [Assign((targets[axis],), source.shape[axis])]
        return [Assign(targets, source.shape)]

    def entry(self, graph: Graph, index: int, source: Expr) -> Expr | None:
        """What becomes of an input before anything else, e.g. a change of layout."""
        return None

    def column(self, type: TensorType, source: Expr) -> Expr | None:
        """What becomes of a column of the data before a loss or metric computes with it."""
        return None

    def use(self, graph: Graph, item: Call, index: int, value: Value, expr: Expr) -> Expr:
        """An input of a block's call, adapted where the block wants another layout."""
        return expr

    def result(self, graph: Graph, index: int, expr: Expr) -> Expr:
        """An output of the graph, adapted where its users want another layout."""
        return expr

    def comment(self, graph: Graph, value: Value) -> str:
        """The shape of a value as the target holds it."""
        return shape_text(value.type.shape)

    def output_comment(self, graph: Graph, index: int) -> str:
        """The shape of an output of the graph as `result` gives it."""
        return self.comment(graph, graph.outputs[index].value)
