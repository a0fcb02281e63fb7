"""Random numbers of exact scripts: one stream for all frameworks, by seed, step and place.

docs/training.md defines it.
"""

from __future__ import annotations

from collections import Counter

from tercet.codegen.expr import Binary, Expr, Name, lift
from tercet.codegen.script.pieces import Piece
from tercet.codegen.specialised import layers_of
from tercet.compiler.graph.ir import Apply, Graph
from tercet.compiler.ops import random
from tercet.compiler.ops.base import InTraining

DRAWS = Piece(
    '''\
class Draws:
    """Random numbers by the step of training and by the name of what draws them."""

    def begin(self, seed, step, update=0):
        """Start a step, or the evaluation of a batch."""
        self.key, self.times = (seed, step, update), Counter()

    def of(self, name):
        """The generator for the next application of what is called so."""
        key = (*self.key, zlib.crc32(name.encode()), self.times[name])
        self.times[name] += 1
        return np.random.default_rng(key)


draws = Draws()''',
    ("import zlib", "import numpy as np", "from collections import Counter"),
)
EVALUATION = 1
"""The number of the update that evaluation draws as: the one after the last."""


def has_random_layers(model: Graph) -> bool:
    """Whether layers of the model draw random numbers in training."""
    return any(layer.op.in_training is InTraining.RANDOM for layer in layers_of(model))


def draws_itself(graph: Graph | None) -> bool:
    """Whether operations of a loss or an evaluation draw random numbers."""
    return graph is not None and bool(_drawing(graph))


def draw_name(graph: Graph, item: Apply) -> str:
    """What an operation of a `train` draws as: the train's name, then a place as layers have one.

    `Training.random_normal`, `Training.random_normal_1`: numbered in the order of the text.
    """
    places = dict.fromkeys((found.span, found.op.name) for found in _drawing(graph))
    counted: Counter[str] = Counter()
    for span, name in places:
        number = counted[name]
        counted[name] += 1
        if span == item.span:
            return f"{graph.block.name}.{name}" + (f"_{number}" if number else "")
    raise KeyError(item.op.name)


def drawn(op: random.RandomOp, name: str) -> Expr:
    """The array of NumPy that an operation of this name draws, as its reference does."""
    generator = Name("draws").of(name)
    match op:
        case random.RandomNormal(mean=mean, std=std):
            return generator.normal(mean, std, op.shape)
        case random.RandomUniform(low=low, high=high):
            return generator.uniform(low, high, op.shape)
        case random.RandomBernoulli(p=p):
            return Binary("<", generator.random(op.shape), lift(p))
    raise TypeError(type(op).__name__)


def _drawing(graph: Graph) -> list[Apply]:
    return [item for item in graph.body.walk() if isinstance(item, Apply) and item.op.is_random]
