"""Products of matrices."""

from __future__ import annotations

from .builder import Tensor
from .extents import product
from .registry import Node, converts
from .sizes import reshape


@converts("FullyConnected", irrelevant=("num_hidden",))
def _fully_connected(node: Node) -> str:
    x, weight = node.names[:2]
    bias = [] if node.flag("no_bias") else [node.names[2]]
    flatten = node.flag("flatten", True)
    if flatten and node.x.rank != 2:
        x = node.emit("Flatten", [x], axis=1)
    if flatten or node.x.rank == 2:
        return node.emit("Gemm", [x, weight, *bias], transB=1)
    y = node.emit("MatMul", [x, node.emit("Transpose", [weight], perm=[1, 0])])
    return node.emit("Add", [y, *bias]) if bias else y


def _matrix(node: Node, index: int, key: str) -> str:
    """An operand, with its last two axes exchanged where the attribute says so."""
    tensor = node.inputs[index]
    if not node.flag(key):
        return tensor.name
    axes = list(range(tensor.rank))
    axes[-2:] = axes[:-3:-1]
    return node.emit("Transpose", [tensor.name], perm=axes)


@converts("batch_dot", irrelevant=("forward_stype",))
def _batch_dot(node: Node) -> str:
    return node.emit("MatMul", [_matrix(node, 0, "transpose_a"), _matrix(node, 1, "transpose_b")])


@converts("_linalg_gemm2", "_linalg_gemm")
def _gemm(node: Node) -> str:
    """alpha * A B, and + beta * C."""
    if node.integer("axis", -2) not in (-2, node.x.rank - 2):
        node.refuse("only matrices in the last two axes have a conversion")
    y = node.emit("MatMul", [_matrix(node, 0, "transpose_a"), _matrix(node, 1, "transpose_b")])
    y = _scaled(node, y, node.real("alpha", 1.0))
    if node.operator == "_linalg_gemm2":
        return y
    return node.emit("Add", [y, _scaled(node, node.names[2], node.real("beta", 1.0))])


def _scaled(node: Node, value: str, factor: float) -> str:
    return value if factor == 1 else node.emit("Mul", [value, node.scalar(factor)])


@converts("dot", irrelevant=("forward_stype",))
def _dot(node: Node) -> str:
    """The last axis of the left operand with the first axis of the right one."""
    left, right = node.inputs
    transposed = ((left, node.flag("transpose_a")), (right, node.flag("transpose_b")))
    if any(flag and tensor.rank > 2 for tensor, flag in transposed):
        node.refuse("transposing more than two axes has no conversion")
    a = _matrix(node, 0, "transpose_a") if left.rank == 2 else left.name
    b = _matrix(node, 1, "transpose_b") if right.rank == 2 else right.name
    if left.rank == right.rank == 1:
        return node.emit("Reshape", [node.emit("MatMul", [a, b]), node.vector(1)])
    if right.rank <= 2:
        return node.emit("MatMul", [a, b])
    columns = product(right.shape[1:], right.shape[0])
    flat = reshape(node, right, (right.shape[0], columns))
    y = node.emit("MatMul", [a, flat])
    shape = node.outputs[0].shape
    return reshape(
        node, Tensor(y, left.dtype, (*shape[: left.rank - 1], columns)), shape, [left, right]
    )
