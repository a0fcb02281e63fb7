"""Data from a formula: `synthetic(rows = 100) { x = uniform(-1, 1), y = 3 * x + normal(0.1) }`.

There are no columns: the mapping is the source.  An initializer in an entry (`uniform(…)`,
`normal(…)`) draws an array of the shape of the input or target that the entry is for, and
entries may use those before them.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from tercet.compiler.data.base import DataSource, require_split, source
from tercet.compiler.dims import Dim, Size
from tercet.compiler.errors import OpError
from tercet.compiler.initializers import Constant, Initializer, Normal, Ones, Uniform, Zeros
from tercet.compiler.ops.base import Elements, Layout, Op, Operand
from tercet.compiler.settings import require
from tercet.compiler.types import TensorType
from tercet.dsl.records import dataclass

DRAWN = (Uniform, Normal, Constant, Zeros, Ones)
"""The initializers that can stand in a mapping."""


@source("synthetic")
@dataclass(frozen=True)
class Synthetic(DataSource):
    """`rows` rows, drawn anew in every run from the run's seed."""

    rows: int = 1000
    split: float = 0.8

    shuffle: ClassVar[bool] = False
    """The rows are random already."""

    def __post_init__(self) -> None:
        require(self.rows > 0, "rows", f"must be at least 1, not {self.rows}")
        require_split(self.split)

    def columns(self, rows: Size, folder: Path) -> dict[str, TensorType]:
        return {}


@dataclass(frozen=True)
class Draw(Op):
    """An array of random numbers, in the mapping of `synthetic` only; not a word of the language.

    `type` is that of the whole column, its first size being the symbol of the rows.
    """

    operands: ClassVar[tuple[Operand, ...]] = ()
    layout: ClassVar[Layout] = Layout.CANONICAL
    elements: ClassVar[Elements] = Elements.COMPUTED
    name: ClassVar[str] = "draw"
    train_only: ClassVar[bool] = True

    initializer: Initializer
    rows: int
    type: TensorType

    def __post_init__(self) -> None:
        if not isinstance(self.initializer, DRAWN):
            raise OpError("E0504", "data are drawn by `uniform`, `normal` or `constant`")
        if any(isinstance(size, Dim) for size in self.type.shape[1:]):
            raise OpError(
                "E0314",
                f"an array to draw has numbers as sizes, but for the rows, not {self.type}",
            )

    @property
    def sizes(self) -> tuple[Size, ...]:
        """The shape with the number of rows in its place."""
        return (self.rows, *self.type.shape[1:])

    def infer(self) -> TensorType:
        return self.type
