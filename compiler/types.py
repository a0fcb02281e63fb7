"""Types of tensors: an element type and a shape of integers and symbolic sizes."""

from __future__ import annotations

from enum import StrEnum

from tercet.compiler.dims import Size
from tercet.dsl.records import dataclass


class DType(StrEnum):
    """Element types, by their names in the language."""

    F16 = "f16"
    BF16 = "bf16"
    F32 = "f32"
    F64 = "f64"
    I8 = "i8"
    I32 = "i32"
    I64 = "i64"
    U8 = "u8"
    BOOL = "bool"

    @property
    def is_float(self) -> bool:
        return self in (DType.F16, DType.BF16, DType.F32, DType.F64)

    @property
    def is_integer(self) -> bool:
        return self in (DType.I8, DType.I32, DType.I64, DType.U8)

    @property
    def numpy_name(self) -> str:
        """The name of NumPy's type; bf16, which NumPy lacks, is held as float32."""
        return _NUMPY_NAMES[self]

    @property
    def range(self) -> tuple[int, int] | None:
        """The least and the greatest integer that an element holds; None for floats."""
        return _RANGES.get(self)

    def holds(self, value: int) -> bool:
        """Whether an integer is in the range of the type's elements; a float's takes any."""
        least, greatest = self.range or (value, value)
        return least <= value <= greatest

    @property
    def size(self) -> int:
        """Bytes of one element."""
        return _BYTES[self]


_NUMPY_NAMES = {
    DType.F16: "float16",
    DType.BF16: "float32",
    DType.F32: "float32",
    DType.F64: "float64",
    DType.I8: "int8",
    DType.I32: "int32",
    DType.I64: "int64",
    DType.U8: "uint8",
    DType.BOOL: "bool",
}
_BYTES = {
    DType.F16: 2,
    DType.BF16: 2,
    DType.F32: 4,
    DType.F64: 8,
    DType.I8: 1,
    DType.I32: 4,
    DType.I64: 8,
    DType.U8: 1,
    DType.BOOL: 1,
}
_RANGES = {
    DType.I8: (-(2**7), 2**7 - 1),
    DType.I32: (-(2**31), 2**31 - 1),
    DType.I64: (-(2**63), 2**63 - 1),
    DType.U8: (0, 2**8 - 1),
    DType.BOOL: (0, 1),
}

Shape = tuple[Size, ...]

MOST_AXES = 32
"""As many as an array of NumPy has, which the reference computes with."""


@dataclass(frozen=True, slots=True)
class TensorType:
    """`f32[N, 3, 8, 8]`."""

    dtype: DType
    shape: Shape

    @property
    def rank(self) -> int:
        return len(self.shape)

    def with_shape(self, *shape: Size) -> TensorType:
        return TensorType(self.dtype, shape)

    def with_dtype(self, dtype: DType) -> TensorType:
        return TensorType(dtype, self.shape)

    def __str__(self) -> str:
        return f"{self.dtype}{shape_text(self.shape)}"


def shape_text(shape: tuple[object, ...]) -> str:
    """Sizes, or other numbers of axes, as the language writes them: `[N, 3, 2 * H]`."""
    return f"[{', '.join(map(str, shape))}]"
