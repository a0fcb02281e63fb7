"""The targets that print classes and functions, by the name of their scripts."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tercet.backends.mxnet.target import MXNetTarget
from tercet.backends.pytorch.target import PyTorchTarget
from tercet.backends.tensorflow.target import TensorFlowTarget
from tercet.codegen.target import ClassTarget
from tercet.compiler.graph.ir import Graph

CLASSES: dict[str, Callable[[Sequence[Graph]], ClassTarget]] = {
    "pytorch": lambda _: PyTorchTarget(),
    "tensorflow": TensorFlowTarget,
    "mxnet": lambda models: MXNetTarget(models[0]),
}
"""As models are printed."""
LOSSES: dict[str, Callable[[Sequence[Graph]], ClassTarget]] = {
    **CLASSES,
    "mxnet": lambda models: MXNetTarget(models[0], eager=True),
}
"""As losses are printed."""
