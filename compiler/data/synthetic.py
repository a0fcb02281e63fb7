"""Data from a formula: `synthetic(rows = 100) { x = uniform(-1, 1), y = 3 * x + normal(0.1) }`.

There are no columns: the mapping is the source.  An initializer in an entry (`uniform(…)`,
`normal(…)`) draws an array of the shape of the input or target that the entry is for, and
entries may use those before them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from compiler.data.base import DataSource, require_split, source
from compiler.dims import Size
from compiler.initializers import Initializer
from compiler.ops.base import Op, Operand
from compiler.settings import require
from compiler.types import TensorType


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
    name: ClassVar[str] = "draw"
    train_only: ClassVar[bool] = True

    initializer: Initializer
    type: TensorType

    def infer(self) -> TensorType:
        return self.type
