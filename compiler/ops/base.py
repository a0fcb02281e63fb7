"""What an operation is: one frozen dataclass, defined once.

The fields of the class are the operation's attributes; its signature in the language, its page in
the documentation and its completion follow from them.  Every backend registers a lowering for
the class; nothing else in the project knows an operation by a string.  (A subclass without fields
of its own inherits all of a dataclass; it is not decorated again, which saves start-up time.)

    @operation("leaky_relu")
    @dataclass(frozen=True)
    class LeakyRelu(Op):
        \"\"\"x where x >= 0, else `alpha * x` (ONNX LeakyRelu).\"\"\"

        operands = (Operand("x"),)
        layout = Layout.AGNOSTIC
        elements = Elements.COMPUTED
        alpha: float = 0.01

        def infer(self, x: TensorType) -> TensorType:
            return require_float(x)

        def reference(self, x: Array) -> Array:
            return np.where(x >= 0, x, self.alpha * x)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import field
from enum import Enum
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar

from tercet.compiler.dims import Size, product
from tercet.compiler.errors import OpError
from tercet.compiler.initializers import Fans, Initializer
from tercet.compiler.types import MOST_AXES, TensorType
from tercet.dsl.records import dataclass

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]


@dataclass(frozen=True)
class Operand:
    """A formal tensor input.  A variadic one (always the only one) takes a list of tensors."""

    name: str
    optional: bool = False
    variadic: bool = False
    selects: bool = False
    """Whether it only tells which elements of other operands, or of a table, are results."""
    hides: bool = False
    """Whether its zeros and falses leave out what stands beside them."""


class Layout(Enum):
    """In which layouts an operation may be computed, for targets that hold images channels-last."""

    SPATIAL = "wants its main input channels-last and gives channels-last"
    AGNOSTIC = "element by element: any layout, the same for all inputs and outputs"
    REMAPPING = "any layout, once its axes are renumbered: `kept_axes` tells those of the result"
    REORDERING = "gives the axes an order of its own: any layout into any other"
    CANONICAL = "means the order of the axes: channels-first only"


class Elements(Enum):
    """What the elements of the results are; what holds for operands' elements passes so far."""

    COMPUTED = "numbers computed from elements of the operands, or from none"
    RESHAPED = "the operand's own, all of them in the same order"
    REARRANGED = "the operands' own, all of them and no others, in other places or repeated"
    SELECTED = "some of the operands' own, and perhaps a constant"


class Nan(Enum):
    """What an operation makes of NaN."""

    PROPAGATES = "a result that depends on a NaN is NaN"
    COMPARED = "compared with NaN everything is unequal: the result is false, for `!=` true"
    TESTED = "the result tells"
    FIRST = "the first NaN is taken before any number"
    GREATEST = "it counts as greater than every number"
    CONVERTED = (
        "it stays NaN as a floating-point number and is true as bool; as an integer it is "
        "not defined"
    )


class InTraining(Enum):
    """How what a layer computes in training differs from inference."""

    SAME = "it does not"
    STATISTICS = "it normalises by those of the batch, and keeps an average of them"
    RANDOM = "it draws random numbers"


@dataclass(frozen=True)
class PerAxis:
    """Marks a field whose value the language takes as one number or one per axis.

    `kernel: Annotated[tuple[int, int], PerAxis(2)]` holds `(3, 3)` after `kernel = 3`.
    """

    count: int


@dataclass(frozen=True)
class MaybeInfinite:
    """Marks a number that becomes an element of a tensor: `inf` and `nan` are numbers there.

    Everywhere else, as in `eps` or a slope, a number is finite.
    """


@dataclass(frozen=True)
class Padding:
    """Marks the padding of `count` spatial axes, as `PerAxis` does for numbers.

    The language takes a number, one number per axis, one (begin, end) per axis, "valid" or "same";
    the field then holds one (begin, end) per axis, or "same", which depends on the input's size.
    """

    count: int


Role = Literal[
    "weight",
    "bias",
    "scale",
    "running_mean",
    "running_var",
    "embedding",
    "recurrent_weight",
    "recurrent_bias",
    "parameter",
    "buffer",
]


@dataclass(frozen=True)
class ParameterSpec:
    """A parameter that a layer needs: its name in the layer, type, initial value and role."""

    name: str
    type: TensorType
    init: Initializer
    role: Role
    fans: Fans = (1, 1)
    trainable: bool = True

    def __post_init__(self) -> None:
        reason = self.init.unfit(self.type.shape)
        if reason is not None:
            argument = "bias_init" if self.role in ("bias", "recurrent_bias") else "init"
            message = f"`{self.name}` is {self.type}, but {reason}"
            raise OpError("E0504", message, attribute=argument)


Input = TypeVar("Input")

Requirement = tuple[Size, Literal["<=", "=="], Size]
"""A relation of sizes that an operation needs and only the run can decide."""


@dataclass(frozen=True)
class SizeCondition:
    """A relation of sizes, and what is needed, in words: "two values per channel"."""

    requirement: Requirement
    meaning: str


@dataclass(frozen=True)
class IndexRange:
    """The integers that an operand may hold: from `low` to `high`, or `ignored`.

    `enforced` is false where others are legal too and mean nothing.  With a `column`, it is about
    that place of the last axis only.
    """

    operand: int
    low: Size
    high: Size
    ignored: int | None = None
    enforced: bool = True
    column: int | None = None


class Op:
    """Base of all operations.  Subclasses are frozen dataclasses registered by `operation`.

    What is true of an operation stands here, and nowhere else: everything that must know asks the
    class.  What can switch off a check has no default: `operation` refuses a class that does
    not declare it.  All of it is tried by the operation's records (`tests/ops/test_facts.py`).
    """

    name: ClassVar[str] = ""
    operands: ClassVar[tuple[Operand, ...]] = ()
    layout: ClassVar[Layout]
    elements: ClassVar[Elements]
    nan: ClassVar[Nan] = Nan.PROPAGATES
    of_nothing: ClassVar[float | None] = None
    """The result where operands that hide (or `ignore_index`) leave nothing to compute it from."""
    needs_divisor: ClassVar[bool] = False
    """Whether integers have no result where an operand is 0."""
    operator: ClassVar[str | None] = None
    """The infix or prefix operator that means this operation, if one does."""
    gives_tuple: ClassVar[bool] = False
    """Whether the result in the language is a tuple even where there is one output."""
    train_only: ClassVar[bool] = False
    """Whether the operation is legal in loss graphs only (random numbers, stop_gradient)."""
    is_random: ClassVar[bool] = False
    """Whether `reference` takes a NumPy generator as the keyword argument `random`."""
    work: ClassVar[int] = 1
    """Floating-point operations for an element, about; 0 where elements are only moved."""
    reduces: ClassVar[bool] = False
    """Whether these are elements of the first operand, of which the result has fewer."""
    partial: ClassVar[bool] = False
    """Whether a result may be NaN or infinite though no operand is, as `log` of 0."""

    def infer(self, *args: Any, **kwargs: Any) -> Any:
        """Types of the outputs (one, or a tuple) from the operands' types.

        Overridden with one `TensorType` parameter per operand (None for an absent optional one;
        a variadic operand arrives as `*args`).  Raises OpError.
        """
        raise NotImplementedError(type(self).__name__)

    def reference(self, *args: Any, **kwargs: Any) -> Any:
        """The operation's truth in NumPy, at the precision of its arguments.

        Overridden with one array per operand, then the layer's parameters by keyword;
        returns an array, or a tuple of arrays.
        """
        raise NotImplementedError(type(self).__name__)

    def constraints(self, *args: Any, **kwargs: Any) -> tuple[Requirement, ...]:
        """What must hold of symbolic sizes where `infer` could not decide (arguments as there)."""
        return ()

    def index_ranges(self, *args: Any) -> tuple[IndexRange, ...]:
        """What operands may hold whose elements count something (arguments as of `infer`).

        There is one for every operand that must be of integers.
        """
        return ()

    def moved(self, *args: Any) -> Elements:
        """What the results' elements are for operands of these types (arguments as of `infer`)."""
        return self.elements

    def giving(self, inputs: Sequence[Input]) -> Iterator[Input]:
        """Those of the inputs whose elements the results hold, where they hold operands' own."""
        every = self.operands * len(inputs) if self.operands[0].variadic else self.operands
        return (i for operand, i in zip(every, inputs, strict=False) if not operand.selects)

    def slices(self, *args: Any) -> tuple[Op | None, ...]:
        """The results as indices of the operand, where what they select is such.

        For each result an `Index` with numbers for bounds that takes all rows, None where there is
        no such; none at all where nothing can be said (arguments as of `infer`).
        """
        return ()

    def mixed_axes(self, x: TensorType) -> tuple[int, ...] | None:
        """The axes of an operand along which elements are taken together or apart, or move.

        None where that is not told: then it may be along all of them.
        """
        return () if self.layout is Layout.AGNOSTIC else None

    def kept_axes(self, rank: int) -> tuple[int, ...] | None:
        """Of an axis-remapping operation: the axes of an operand that the result still has.

        None where these attributes make axes or mean their order: then it is canonical.
        """
        return tuple(range(rank))

    def settled(self, *args: Any) -> Op:
        """The operation with what it takes from which sizes are known (arguments as of `infer`).

        A reference is run with numbers for all sizes, and must not take more from those.
        """
        return self

    def infer_types(self, inputs: Sequence[TensorType | None]) -> tuple[TensorType, ...]:
        """`infer`, always as a tuple.  Raises OpError E0303 for more axes than a tensor has."""
        result = self.infer(*inputs)
        types: tuple[TensorType, ...] = result if isinstance(result, tuple) else (result,)
        for type_ in types:
            if len(type_.shape) > MOST_AXES:
                message = f"a tensor has at most {MOST_AXES} axes, and this would have {type_.rank}"
                raise OpError("E0303", message)
        return types

    def flops(self, inputs: Sequence[TensorType | None], outputs: Sequence[TensorType]) -> Size:
        """Floating-point operations, a multiply-add being two; here `work` for each element."""
        counted = inputs[0] if self.reduces else outputs[0]
        assert counted is not None
        return self.work * product(counted.shape)


@dataclass(frozen=True)
class LayerOp(Op):
    """An operation with parameters or state.

    Every layer takes `init` and `bias_init`; None means the operation's own default.
    """

    in_training: ClassVar[InTraining]

    init: Initializer | None = field(default=None, kw_only=True)
    bias_init: Initializer | None = field(default=None, kw_only=True)

    def parameters(self, *args: Any, **kwargs: Any) -> tuple[ParameterSpec, ...]:
        """The parameters for inputs of these types (arguments as of `infer`).  Raises OpError."""
        raise NotImplementedError(type(self).__name__)

    def conditions_in_training(self, *args: Any) -> tuple[SizeCondition, ...]:
        """What must hold of sizes in training only (arguments as of `infer`)."""
        return ()


OPERATIONS: dict[str, type[Op]] = {}
"""Every operation by its name in the language; filled by `operation`."""

OPERATORS: dict[tuple[str, int], type[Op]] = {}
"""Operations by operator and number of operands."""

AnyOp = TypeVar("AnyOp", bound=Op)


def _declared(cls: type[Op]) -> tuple[str, ...]:
    """The facts without a default."""
    of_layers = ("in_training",) if issubclass(cls, LayerOp) else ()
    return ("layout", "elements", *of_layers)


def operation(name: str) -> Callable[[type[AnyOp]], type[AnyOp]]:
    """Registers an operation under its name in the language."""

    def register(cls: type[AnyOp]) -> type[AnyOp]:
        if name in OPERATIONS:
            raise ValueError(f"operation {name!r} is defined twice")
        if missing := [fact for fact in _declared(cls) if not hasattr(cls, fact)]:
            raise TypeError(f"{cls.__name__} does not declare {', '.join(missing)}")
        cls.name = name
        OPERATIONS[name] = cls
        if cls.operator is not None:
            OPERATORS[cls.operator, len(cls.operands)] = cls
        return cls

    return register


def require_float(x: TensorType, operand: int = 0) -> TensorType:
    """The type itself, if its elements are floating-point numbers."""
    if not x.dtype.is_float:
        raise OpError(
            "E0305",
            f"needs floating-point elements, not {x.dtype}",
            operand=operand,
            help="convert with `cast(x, f32)`",
        )
    return x
