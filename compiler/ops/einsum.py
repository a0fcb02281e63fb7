"""Sums of products, told by letters for the axes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tercet.compiler import dims
from tercet.compiler.dims import Size
from tercet.compiler.errors import OpError, require
from tercet.compiler.lazy import np
from tercet.compiler.ops.base import (
    Elements,
    Layout,
    Op,
    Operand,
    Requirement,
    operation,
    require_float,
)
from tercet.compiler.ops.checks import require_dtype
from tercet.compiler.ops.sizes import equality
from tercet.compiler.types import TensorType
from tercet.dsl.records import dataclass

if TYPE_CHECKING:
    from tercet.compiler.ops.base import Array

_EQUATION = re.compile(r"[A-Za-z]*(,[A-Za-z]*)*(->[A-Za-z]*)?")


@operation("einsum")
@dataclass(frozen=True)
class Einsum(Op):
    """Products of elements, summed over every letter that the result does not have.

    `equation` names the axes of each tensor, floating-point numbers of one dtype, and after `->`
    those of the result (else, by the alphabet, the letters that stand once); no letter stands
    twice in one tensor, and `...` is not there.  ONNX: Einsum.

        scores = einsum([q, k], "nqhd,nkhd->nhqk")
    """

    operands = (Operand("tensors", variadic=True),)
    layout = Layout.CANONICAL
    elements = Elements.COMPUTED
    equation: str

    def __post_init__(self) -> None:
        equation = self.equation.replace(" ", "")
        object.__setattr__(self, "equation", equation)
        message = f'`equation` must be letters, as in "ij,jk->ik", not "{equation}"'
        require(_EQUATION.fullmatch(equation) is not None, "equation", message)
        for term in (*self.terms, self.result):
            twice = [letter for letter, count in Counter(term).items() if count > 1]
            message = f'"{term}" has {twice[0] if twice else ""} twice'
            require(not twice, "equation", message)
        unknown = set(self.result) - set("".join(self.terms))
        message = f"the result has {min(unknown, default='')}, which no tensor has"
        require(not unknown, "equation", message)

    @property
    def terms(self) -> tuple[str, ...]:
        """The letters of each tensor."""
        return tuple(self.equation.partition("->")[0].split(","))

    @property
    def result(self) -> str:
        """The letters of the result."""
        given, arrow, result = self.equation.partition("->")
        if arrow:
            return result
        return "".join(c for c, n in sorted(Counter(given.replace(",", "")).items()) if n == 1)

    @property
    def explicit(self) -> str:
        """The equation with its result."""
        return f"{','.join(self.terms)}->{self.result}"

    def sizes(self, tensors: Sequence[TensorType]) -> dict[str, Size]:
        """The size of each letter, as the first tensor has it."""
        found: dict[str, Size] = {}
        for term, tensor in zip(self.terms, tensors, strict=True):
            for letter, size in zip(term, tensor.shape, strict=True):
                found.setdefault(letter, size)
        return found

    def infer(self, *tensors: TensorType) -> TensorType:
        if len(tensors) != len(self.terms):
            message = f'"{self.equation}" is of {len(self.terms)} tensors, not {len(tensors)}'
            raise OpError("E0504", message, attribute="equation")
        for operand, (term, tensor) in enumerate(zip(self.terms, tensors, strict=True)):
            require_dtype(require_float(tensor, operand), tensors[0].dtype, "it", operand=operand)
            if len(term) != tensor.rank:
                message = f'"{term}" has {len(term)} letters, and {tensor} has {tensor.rank} axes'
                raise OpError("E0303", message, operand=operand, attribute="equation")
        self.constraints(*tensors)
        sizes = self.sizes(tensors)
        return tensors[0].with_shape(*(sizes[letter] for letter in self.result))

    def constraints(self, *tensors: TensorType) -> tuple[Requirement, ...]:
        sizes = self.sizes(tensors)
        found: list[Requirement] = []
        for operand, (term, tensor) in enumerate(zip(self.terms, tensors, strict=True)):
            for letter, size in zip(term, tensor.shape, strict=True):
                message = f"{letter} is {sizes[letter]} in one tensor and {size} in another"
                problem = OpError("E0301", message, operand=operand, attribute="equation")
                found += equality(sizes[letter], size, problem)
        return tuple(dict.fromkeys(found))

    def flops(self, inputs: Sequence[TensorType | None], outputs: Sequence[TensorType]) -> Size:
        given = [tensor for tensor in inputs if tensor is not None]
        return len(given) * dims.product(self.sizes(given).values())

    def reference(self, *tensors: Array) -> Array:
        return np.asarray(np.einsum(self.explicit, *tensors))
