"""Published image sets, read from a folder in the publisher's own format."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from tercet.compiler.data.base import FileSource, f32, i64, source
from tercet.compiler.dims import Size
from tercet.compiler.types import TensorType
from tercet.dsl.records import dataclass


@source("mnist")
@dataclass(frozen=True)
class Mnist(FileSource):
    """Handwritten digits (LeCun et al.): `pixels` f32[N, 1, 28, 28] from 0 to 255, `digit` i64[N].

    A folder with `train-images-idx3-ubyte`, `train-labels-idx1-ubyte` and the two of `t10k-…`,
    as they are or with `.gz`.  The `t10k` files are the test part.
    """

    published_test: ClassVar[bool] = True

    label: ClassVar[str] = "digit"

    def columns(self, rows: Size, folder: Path) -> dict[str, TensorType]:
        return {"pixels": f32(rows, 1, 28, 28), self.label: i64(rows)}


@source("fashion_mnist")
@dataclass(frozen=True)
class FashionMnist(Mnist):
    """Articles of clothing (Xiao et al., 2017), in files as of `mnist`: `pixels`, `label`."""

    label: ClassVar[str] = "label"


@source("cifar10")
@dataclass(frozen=True)
class Cifar10(FileSource):
    """Photographs (Krizhevsky, 2009): `pixels` f32[N, 3, 32, 32] from 0 to 255, `label` i64[N].

    A folder with the *binary version*: `data_batch_1.bin` … `data_batch_5.bin` and, as test part,
    `test_batch.bin`.  (The Python version is pickled: reading it could run anything.)
    """

    published_test: ClassVar[bool] = True

    labels: ClassVar[tuple[str, ...]] = ("label",)
    """The columns of the bytes before each image, in order."""

    def columns(self, rows: Size, folder: Path) -> dict[str, TensorType]:
        return {"pixels": f32(rows, 3, 32, 32), **dict.fromkeys(self.labels, i64(rows))}


@source("cifar100")
@dataclass(frozen=True)
class Cifar100(Cifar10):
    """`cifar10`'s sister with 100 classes in 20 groups: also `coarse_label` i64[N].

    A folder with the binary version: `train.bin` and `test.bin`.
    """

    labels: ClassVar[tuple[str, ...]] = ("coarse_label", "label")
