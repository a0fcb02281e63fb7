"""Sums of products in ONNX."""

from __future__ import annotations

from tercet.backends.onnx.builder import Context, lower
from tercet.compiler.ops.einsum import Einsum


@lower(Einsum)
def _einsum(op: Einsum, c: Context) -> str:
    return c.node("Einsum", *c.names(), equation=op.explicit)
