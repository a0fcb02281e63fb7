"""What is known while a random program is written: its lines so far and what they may use.

Sizes are the texts that the program has for them.  A program is valid by construction: every
tensor that is made reaches an output, and a name that is given a new value passes on the old one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from hypothesis import strategies as st

from tercet.dsl.tokens import KEYWORDS, RESERVED

Draw = Callable[[st.SearchStrategy[Any]], Any]
DType = Literal["float", "int", "bool"]
Shape = tuple[str, ...]
T = TypeVar("T")

FUNCTIONS = (
    *("tanh", "relu", "sigmoid", "silu", "softplus", "gelu", "elu", "hard_swish", "relu6"),
    *("leaky_relu", "celu", "selu", "mish", "log_sigmoid", "hard_sigmoid", "hard_tanh"),
    *("softsign", "erf", "sin", "cos", "abs"),
    *("leaky_relu(alpha = 0.3)", 'gelu(approximate = "tanh")', "elu(alpha = 0.5)"),
)
"""Of one tensor, its own shape back: what a parameter of a block may be, too."""
_NAME = re.compile(r"[A-Za-z_]\w*")


@dataclass(frozen=True)
class Tensor:
    """A name of the program that holds a tensor."""

    name: str
    shape: Shape
    dtype: DType = "float"

    @property
    def rank(self) -> int:
        return len(self.shape)


@dataclass(frozen=True)
class Layer:
    """A bound layer: it takes tensors whose size along `axis` is `size`, and keeps their shape.

    A rank of None is any from 2 on; an axis of None looks at no size.
    """

    name: str
    axis: int | None
    size: str
    rank: int | None = None

    def takes(self, shape: Shape) -> bool:
        fits = self.axis is None or shape[self.axis] == self.size
        return fits and (len(shape) == self.rank if self.rank else len(shape) >= 2)


@dataclass(frozen=True)
class Parameter:
    """A parameter of a block; `like` is what a layer that is given for it must take."""

    name: str
    kind: Literal[
        "function",
        "count",
        "flag",
        "number",
        "layer",
        "layers",
        "norm",
        "widths",
        "optional",
        "block",
    ]
    like: Layer | None = None


@dataclass(frozen=True)
class Block:
    """A block that was written; sizes of inputs are names, those in `known` must be numbers.

    `optional`: it has an input `more`, like its first, that may be left out.
    """

    name: str
    inputs: tuple[Shape, ...]
    known: frozenset[str]
    parameters: tuple[Parameter, ...]
    outputs: tuple[Shape, ...]
    optional: bool = False


@dataclass
class Writer:
    """The statements of one block or model, as far as they are written."""

    draw: Draw
    known: frozenset[str]
    """Names of sizes that are numbers whenever the block is compiled."""
    blocks: Sequence[Block] = ()
    lines: list[str] = field(default_factory=list)
    tensors: list[Tensor] = field(default_factory=list)
    layers: list[Layer] = field(default_factory=list)
    functions: list[str] = field(default_factory=lambda: list(FUNCTIONS))
    flags: list[str] = field(default_factory=list)
    counts: list[str] = field(default_factory=list)
    sizes: list[str] = field(default_factory=lambda: ["2", "3", "4", "4"])
    """What a new size may be."""
    tables: dict[str, str] = field(default_factory=dict)
    """Bound embeddings that were applied, and their sizes."""
    numbers: list[str] = field(default_factory=list)
    unused: dict[str, Tensor] = field(default_factory=dict)
    depth: int = 0
    float: str = "f32"
    drops: bool = False
    """Whether there is dropout; without it frameworks end at the same weights."""
    _count: int = 0
    _words: list[str] = field(default_factory=lambda: sorted(KEYWORDS - RESERVED))

    # --------------------------------------------------------------------------------- drawing

    def one_of(self, choices: Sequence[T]) -> T:
        drawn: T = self.draw(st.sampled_from(choices))
        return drawn

    def number(self, low: int, high: int) -> int:
        drawn: int = self.draw(st.integers(low, high))
        return drawn

    def chance(self, of: int) -> bool:
        """True once in `of` times; shrinks to False."""
        return self.number(0, of - 1) == of - 1

    def tensor(self, wanted: Callable[[Tensor], bool] = lambda _: True) -> Tensor | None:
        """Some tensor of floating-point numbers, the newest one if it comes to that."""
        fitting = [t for t in reversed(self.tensors) if t.dtype == "float" and wanted(t)]
        return self.use(self.one_of(fitting)) if fitting else None

    def use(self, tensor: Tensor) -> Tensor:
        self.unused.pop(tensor.name, None)
        return tensor

    # --------------------------------------------------------------------------------- writing

    def line(self, text: str) -> None:
        self.lines.append("    " * (self.depth + 1) + text)

    def fresh(self, prefix: str) -> str:
        self._count += 1
        return f"{prefix}{self._count}"

    def _word(self) -> str | None:
        """Now and then a keyword, each once: as a name it is one like any other."""
        return self._words.pop() if self._words and self.chance(12) else None

    def bind(self, text: str, shape: Shape, dtype: DType = "float") -> Tensor:
        """A new tensor, which is an expression's value."""
        made = Tensor(self._word() or self.fresh("t"), shape, dtype)
        self.line(f"{made.name} = {text}")
        return self.add(made)

    def add(self, made: Tensor) -> Tensor:
        self.tensors.append(made)
        self.unused[made.name] = made
        return made

    def named(self, text: str) -> str:
        """The text of a name that holds what an expression does, which may be said twice."""
        if _NAME.fullmatch(text):
            return text
        name = self.fresh("v")
        self.line(f"{name} = {text}")
        return name

    @contextmanager
    def body(self, end: str = "}") -> Iterator[None]:
        """The statements after a brace, whose new tensors are at last added to an older one.

        What they use counts as not used: the branch may not be taken.
        """
        before, unused, layers = list(self.tensors), dict(self.unused), list(self.layers)
        self.depth += 1
        yield
        new = [t for t in self.unused.values() if t not in before]
        if new:
            carrier = next(t for t in reversed(before) if t.dtype == "float")
            terms = " + ".join(f"mean({as_float(t, self.float)})" for t in new)
            self.line(f"{carrier.name} = {carrier.name} + 0.1 * ({terms})")
        self.depth -= 1
        self.line(end)
        self.tensors, self.layers = before, layers
        self.unused = unused | {n: t for n, t in self.unused.items() if t in before}

    def noise(self, *layers: str) -> tuple[str, ...]:
        """Layers that draw while training."""
        return layers if self.drops else ()

    def standard(self, *calls: str) -> tuple[str, ...]:
        """Calls of blocks of the standard library, which computes in f32."""
        return calls if self.float == "f32" else ()

    # ----------------------------------------------------------------------------------- sizes

    def is_known(self, *sizes: str) -> bool:
        """Whether sizes are numbers when the program is compiled."""
        return all(set(_NAME.findall(size)) <= self.known for size in sizes)


def times(*sizes: str | int) -> str:
    """The text of a product of sizes."""
    number, names = 1, []
    for size in map(str, sizes):
        if size.isdigit():
            number *= int(size)
        else:
            names.append(size)
    if number != 1 or not names:
        names.insert(0, str(number))
    return names[0] if len(names) == 1 else f"({' * '.join(names)})"


def renamed(text: str, names: dict[str, str]) -> str:
    """A size of a block as its caller has it."""
    found = _NAME.sub(lambda match: names.get(match[0], match[0]), text)
    return times(*re.findall(r"\w+", found)) if re.fullmatch(r"[\w\s*()]+", found) else found


def shape_text(shape: Shape) -> str:
    return f"[{', '.join(shape)}]"


def as_float(tensor: Tensor, float: str) -> str:
    return tensor.name if tensor.dtype == "float" else f"cast({tensor.name}, {float})"
