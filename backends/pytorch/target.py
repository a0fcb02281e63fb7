"""PyTorch's answers to the class printer, from the tables that the family files fill."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from tercet.backends.base import Lowerings, Unsupported, rejected
from tercet.backends.pytorch.helpers import HELPERS
from tercet.backends.pytorch.initial import filled, initializer
from tercet.backends.pytorch.initialize import own_initializers
from tercet.codegen.expr import Call, Expr, Helper, Input, Literal, Made, Name, Template
from tercet.codegen.pooled import PoolingTarget
from tercet.codegen.script.draws import draw_name
from tercet.codegen.script.names import SCRIPT_NAMES, words
from tercet.codegen.script.stored import stored
from tercet.codegen.target import Application, shortened
from tercet.codegen.tree import replace
from tercet.compiler.graph.applications import ordered_sites
from tercet.compiler.graph.ir import Apply, Graph, Layer, ReadParameter
from tercet.compiler.initializers import Values
from tercet.compiler.ops.base import LayerOp, Op
from tercet.compiler.stored import StoredArray
from tercet.compiler.types import DType, TensorType

torch = Name("torch")
nn = Name("nn")
F = Name("F")

Lowering = Callable[..., Expr | Template]
"""`(op, at: Application, *operands: Expr | None)`; one `Expr` per operand of the operation."""

Construction = Callable[..., Expr]
"""`(op, layer: Layer)`; the expression that makes the module."""

lower = Lowerings[Lowering]("pytorch")
construct = Lowerings[Construction]("pytorch")

DTYPES = {
    DType.F16: torch.float16,
    DType.BF16: torch.bfloat16,
    DType.F32: torch.float32,
    DType.F64: torch.float64,
    DType.I8: torch.int8,
    DType.I32: torch.int32,
    DType.I64: torch.int64,
    DType.U8: torch.uint8,
    DType.BOOL: torch.bool,
}


def in_own(at: Application) -> dict[str, Expr]:
    """The keyword `dtype` of sums and products, which PyTorch makes of small integers in int64."""
    dtype = at.result.dtype
    return {} if dtype.is_float or dtype is DType.I64 else {"dtype": DTYPES[dtype]}


class PyTorchTarget(PoolingTarget):
    """Prints `nn.Module` classes."""

    name: ClassVar[str] = "pytorch"
    reserved_names: ClassVar[frozenset[str]] = (
        SCRIPT_NAMES
        | HELPERS
        | words(
            """
            torch nn F DataLoader TensorDataset tqdm re
            in_order initialize parameter_groups part source_name
            """
        )
    )
    reserved_attributes: ClassVar[frozenset[str]] = frozenset(
        [
            "T_destination",
            "add_module",
            "apply",
            "bfloat16",
            "buffers",
            "call_super_init",
            "children",
            "compile",
            "cpu",
            "cuda",
            "double",
            "dump_patches",
            "eval",
            "extra_repr",
            "float",
            "forward",
            "get_buffer",
            "get_extra_state",
            "get_parameter",
            "get_submodule",
            "half",
            "ipu",
            "load_state_dict",
            "modules",
            "mtia",
            "named_buffers",
            "named_children",
            "named_modules",
            "named_parameters",
            "parameters",
            "register_backward_hook",
            "register_buffer",
            "register_forward_hook",
            "register_forward_pre_hook",
            "register_full_backward_hook",
            "register_full_backward_pre_hook",
            "register_load_state_dict_post_hook",
            "register_load_state_dict_pre_hook",
            "register_module",
            "register_parameter",
            "register_state_dict_post_hook",
            "register_state_dict_pre_hook",
            "requires_grad_",
            "set_extra_state",
            "set_submodule",
            "share_memory",
            "state_dict",
            "to",
            "to_empty",
            "train",
            "training",
            "type",
            "xpu",
            "zero_grad",
        ]
    )
    reserved_arguments: ClassVar[frozenset[str]] = frozenset({"self"})
    has_sequences: ClassVar[bool] = True
    reads_known_sizes: ClassVar[bool] = True

    def __init__(self, *, exact: bool = False, loss: Graph | None = None) -> None:
        super().__init__()
        self.exact = exact
        if exact and loss is not None:
            self.ordered_sites = ordered_sites(loss)

    def scalar(self, op: Op, expr: Expr) -> Expr:
        match expr:
            case Literal(bool(value)) if op.operator is not None:  # which the exporter cannot trace
                return Literal(int(value))
        return shortened(expr)

    def in_constructor(self, expr: Expr) -> Expr:
        return replace(expr, _without_device)

    def constant_tensor(self, attribute: str, expr: Expr) -> Expr:
        return Name("nn").Buffer(expr, persistent=False)

    def construct(self, layer: Layer, siblings: Sequence[LayerOp]) -> Expr:
        try:
            module = construct.find(layer.op, exact=self.exact)(layer.op, layer)
        except Unsupported as problem:
            raise rejected("pytorch", layer.op, layer.site.span, problem) from None
        own = {} if self.exact else own_initializers(layer)
        initial = {name: initializer(init) for name, init in own.items()}
        return Helper("initialized")(module, **initial) if initial else module

    def apply(self, at: Application) -> Expr | Template:
        item = at.item
        operands = list(at.inputs)
        if self.bare.flattened(at.graph, item):
            return Input(0)
        if item.inputs and all(at.constant(k) for k in range(len(item.inputs))):
            operands[0] = torch.tensor(operands[0], dtype=DTYPES[at.type(0).dtype])
        try:
            return lower.find(item.op, exact=self.exact)(item.op, at, *operands)
        except Unsupported as problem:
            raise rejected("pytorch", item.op, item.span, problem) from None

    def apply_key(self, graph: Graph, item: Apply) -> object:
        own = draw_name(graph, item) if self.exact and item.op.is_random else None
        return super().apply_key(graph, item), own

    def entry(self, graph: Graph, index: int, source: Expr) -> Expr | None:
        is_model = graph.block.kind == "model"
        return self.column(graph.inputs[index].value.type, source) if is_model else None

    def column(self, type: TensorType, source: Expr) -> Expr | None:
        # Files and arrays of NumPy hold it as f32.
        return source.to(torch.bfloat16) if type.dtype is DType.BF16 else None

    def result(self, graph: Graph, index: int, expr: Expr) -> Expr:
        value = graph.outputs[index].value
        if self.constant(value) is None:
            return expr
        return torch.tensor(expr, dtype=DTYPES[value.type.dtype])

    def declare(self, item: ReadParameter) -> Expr:
        shape, dtype = item.parameter.type.shape, DTYPES[item.parameter.type.dtype]
        settings = {} if dtype == torch.float32 else {"dtype": dtype}
        value: Expr = torch.empty(*shape or ((),), **settings)
        match item.parameter.start:
            case _ if self.exact:
                pass
            case Values(elements):
                value = torch.tensor(Literal(elements), **settings)
            case StoredArray() as init:
                value = stored(init)
                if item.parameter.type.dtype.numpy_name != init.dtype:  # of the twin in f64
                    value = value.to(dtype)
            case init:
                value = filled(init, value)
        if item.parameter.trainable:
            return nn.Parameter(value)
        # there is no list of buffers
        return nn.Parameter(value, requires_grad=False) if item.indices else nn.Buffer(value)

    def read_parameter(self, item: ReadParameter) -> Expr:
        if item.layer is None:
            return Made()
        return Made().__getattr__(item.parameter.name)

    def layer_list(self, items: Expr) -> Expr:
        return nn.ModuleList(items)

    def parameter_list(self, items: Expr) -> Expr:
        return nn.ParameterList(items)

    def placeholder(self) -> Expr:
        return nn.Identity()


def _without_device(expr: Expr) -> Expr | None:
    """A call without the device of an input: buffers move with their module."""
    if not isinstance(expr, Call) or all(name != "device" for name, _ in expr.keywords):
        return None
    kept = tuple((name, value) for name, value in expr.keywords if name != "device")
    return replace(Call(expr.callee, expr.positional, kept), _without_device)


def is_exact(at: Application) -> bool:
    """Whether the script trains to the same weights as those of other targets."""
    assert isinstance(at.target, PyTorchTarget)
    return at.target.exact
