"""Running statistics that fit what a network computes.

Drawn at random, the statistics of a deep stack of batch normalisations let its signals grow or die,
and rounding with them: then nothing can be told from the outputs.  Here each layer gets those of
the data that reaches it, one after the other, as training would give them (the data-dependent
initialisation of Mishkin and Matas, 2016, "All you need is a good init", for statistics alone).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from tercet.compiler.graph.ir import Graph
from tercet.compiler.initializers import generator
from tercet.compiler.lazy import np
from tercet.compiler.ops.norm import BatchNorm
from tercet.compiler.reference.interpreter import Step, run

if TYPE_CHECKING:
    from tercet.compiler.ops.base import Array


_FEWEST = 32
"""Values of a channel from which statistics are taken: fewer say little, and dividing by the
deviation of few values that lie close together leaves hardly more than their rounding."""


def calibrated(
    graph: Graph, weights: Mapping[str, Array], inputs: Mapping[str, Array], seed: int
) -> dict[str, Array]:
    """The weights with running statistics of the activations that these inputs cause.

    `weights` are by full path, `inputs` by name, as for `reference.run`; only `running_mean` and
    `running_var` change, and keep their dtypes and shapes.  Means are then moved by a tenth of a
    deviation (normally distributed) and variances, of 1e-3 at least, by a factor from 0.8 to 1.25,
    by random numbers of `seed`, so that a layer that took the batch's own statistics would be
    noticed.  A layer applied more than once gets those of its first application.  Where a layer
    sees fewer than 32 values of a channel, all weights stay as they are.  Raises InputError.
    """
    fitted = _Fitted(dict(weights), seed)
    if any(p.role == "running_var" for _, p in graph.parameters()):
        run(graph, inputs, fitted.weights, observe=fitted.observe)
    return fitted.weights if fitted.fewest >= _FEWEST else dict(weights)


class _Fitted:
    """An observer that fits every batch normalisation as it runs."""

    def __init__(self, weights: dict[str, Array], seed: int) -> None:
        self.weights = weights
        self._seed = seed
        self._done: set[str] = set()
        self.fewest = _FEWEST

    def observe(self, step: Step, results: tuple[Array, ...]) -> tuple[Array, ...] | None:
        op, path = step.item.op, step.layer_path
        if not isinstance(op, BatchNorm) or path is None:
            return None
        if path in self._done:
            return None
        self._done.add(path)
        self.fewest = min(self.fewest, results[0].size // results[0].shape[1])
        return (self._fit(op, path, results[0]),)

    def _fit(self, op: BatchNorm, path: str, y: Array) -> Array:
        """Replaces the statistics of a layer, and gives what it computes with the new ones."""
        shape = (1, -1, *(1,) * (y.ndim - 2))
        axes = (0, *range(2, y.ndim))
        weight, bias, mean, var = (
            self.weights[f"{path}.{name}"].astype(np.float64)
            for name in ("weight", "bias", "running_mean", "running_var")
        )
        deviation = np.sqrt(var + op.eps)
        x = (y - bias.reshape(shape)) / weight.reshape(shape) * deviation.reshape(shape)
        x = x + mean.reshape(shape)
        random = generator(self._seed, path)
        var = np.maximum(x.var(axis=axes), 1e-3) * random.uniform(0.8, 1.25, var.shape)
        mean = x.mean(axis=axes) + random.normal(0, 0.1, mean.shape) * np.sqrt(var)
        for name, values in (("running_mean", mean), ("running_var", var)):
            old = self.weights[f"{path}.{name}"]
            self.weights[f"{path}.{name}"] = values.astype(old.dtype)
        scale = weight / np.sqrt(var + op.eps)
        fitted: Array = (x - mean.reshape(shape)) * scale.reshape(shape) + bias.reshape(shape)
        return fitted
