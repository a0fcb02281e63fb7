"""MXNet Symbol -> ONNX.

MXNet 1.9.1 brings an exporter of its own, which is silently wrong in several places (a shared layer
called last, the order of outputs, `fix_gamma`, arithmetic on parameters, `exclude=True`) and stamps
an opset it does not write.  This one converts each node of the Symbol by what MXNet computes, takes
shapes and dtypes from MXNet's own inference, and refuses what it does not know.

It runs where MXNet is importable; Tercet itself starts it in a subprocess, as a package of its own
(`tercet.scripts`).  By hand it is

    python -m tercet.backends.mxnet.symbol_to_onnx SYMBOL PARAMS SPEC.json OUT.onnx
"""

from __future__ import annotations

from .errors import ConversionError
from .graph import GraphInput, convert

__all__ = ["convert", "GraphInput", "ConversionError"]
