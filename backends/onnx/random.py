"""Random numbers and stopped gradients: legal in training only, while an ONNX file infers."""

from __future__ import annotations

from tercet.backends.onnx.builder import lower
from tercet.compiler.ops.random import RandomBernoulli, RandomNormal, RandomUniform, StopGradient

lower.unsupported(
    "it exists in training only, and the file is for inference",
    RandomBernoulli,
    RandomNormal,
    RandomUniform,
    StopGradient,
)
