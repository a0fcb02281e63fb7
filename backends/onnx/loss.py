"""Losses: they belong to training, while an ONNX file infers."""

from __future__ import annotations

from tercet.backends.onnx.builder import lower
from tercet.compiler.ops.loss import (
    BinaryCrossEntropy,
    BinaryCrossEntropyWithLogits,
    CosineSimilarity,
    CrossEntropy,
    Hinge,
    Huber,
    KlDiv,
    Mae,
    Mse,
    Nll,
    SmoothL1,
)

lower.unsupported(
    "a loss belongs to training, and the file is for inference",
    BinaryCrossEntropy,
    BinaryCrossEntropyWithLogits,
    CosineSimilarity,
    CrossEntropy,
    Hinge,
    Huber,
    KlDiv,
    Mae,
    Mse,
    Nll,
    SmoothL1,
)
