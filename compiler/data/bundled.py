"""The small sets that come with scikit-learn."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from tercet.compiler.data.base import DataSource, f32, i64, require_split, source
from tercet.compiler.dims import Size
from tercet.compiler.types import TensorType
from tercet.dsl.records import dataclass


@dataclass(frozen=True)
class _Bundled(DataSource):
    """`split` is the share of rows to train on; `shuffle` draws them at random."""

    bundled: ClassVar[bool] = True

    split: float = 0.8
    shuffle: bool = True

    def __post_init__(self) -> None:
        require_split(self.split)


@source("digits")
@dataclass(frozen=True)
class Digits(_Bundled):
    """1,797 handwritten digits: `pixels` f32[N, 1, 8, 8] from 0 to 16, `digit` i64[N]."""

    def columns(self, rows: Size, folder: Path) -> dict[str, TensorType]:
        return {"pixels": f32(rows, 1, 8, 8), "digit": i64(rows)}

    def limits(self) -> dict[str, tuple[int, int]]:
        return {"digit": (0, 9)}


@dataclass(frozen=True)
class Table(_Bundled):
    """A table of measurements, `features` f32[N, …].

    `standardize` gives every feature mean 0 and standard deviation 1 over the training rows.
    """

    loader: ClassVar[str] = ""
    """The function of `sklearn.datasets`."""
    width: ClassVar[int] = 0
    label: ClassVar[str] = "label"
    classes: ClassVar[int] = 0
    """The label's values; 0 where it is no class."""

    standardize: bool = False

    def columns(self, rows: Size, folder: Path) -> dict[str, TensorType]:
        return {"features": f32(rows, self.width), self.label: i64(rows)}

    def limits(self) -> dict[str, tuple[int, int]]:
        return {self.label: (0, self.classes - 1)} if self.classes else {}


@source("iris")
@dataclass(frozen=True)
class Iris(Table):
    """150 flowers of three species: `features` f32[N, 4], `label` i64[N]."""

    loader: ClassVar[str] = "load_iris"
    width: ClassVar[int] = 4
    classes: ClassVar[int] = 3


@source("wine")
@dataclass(frozen=True)
class Wine(Table):
    """178 wines of three growers: `features` f32[N, 13], `label` i64[N]."""

    loader: ClassVar[str] = "load_wine"
    width: ClassVar[int] = 13
    classes: ClassVar[int] = 3


@source("breast_cancer")
@dataclass(frozen=True)
class BreastCancer(Table):
    """569 tumours, 0 malignant and 1 benign: `features` f32[N, 30], `label` i64[N]."""

    loader: ClassVar[str] = "load_breast_cancer"
    width: ClassVar[int] = 30
    classes: ClassVar[int] = 2


@source("diabetes")
@dataclass(frozen=True)
class Diabetes(Table):
    """442 patients: `features` f32[N, 10], already scaled, `progression` f32[N] after a year."""

    loader: ClassVar[str] = "load_diabetes"
    width: ClassVar[int] = 10
    label: ClassVar[str] = "progression"

    def columns(self, rows: Size, folder: Path) -> dict[str, TensorType]:
        return {"features": f32(rows, self.width), self.label: f32(rows)}
