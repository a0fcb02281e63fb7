"""Losses: they belong to training, while an ONNX file infers."""

from __future__ import annotations

from tercet.backends.onnx.builder import lower
from tercet.compiler.ops.loss import (
    BinaryCrossEntropy,
    BinaryCrossEntropyWithLogits,
    CosineSimilarity,
    CrossEntropy,
    Focal,
    Hinge,
    Huber,
    KlDiv,
    Mae,
    Mse,
    Nll,
    SmoothL1,
    SoftmaxFocal,
)
from tercet.compiler.ops.sequence_loss import Ctc

lower.unsupported(
    "a loss belongs to training, and the file is for inference",
    BinaryCrossEntropy,
    BinaryCrossEntropyWithLogits,
    CosineSimilarity,
    CrossEntropy,
    Ctc,
    Focal,
    Hinge,
    Huber,
    KlDiv,
    Mae,
    Mse,
    Nll,
    SmoothL1,
    SoftmaxFocal,
)
