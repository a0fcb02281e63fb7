"""Sums of products in MXNet, which has no einsum: pair by pair, as products of matrices.

Of two tensors, the axes are put in the order: those that both have and the result needs, those of
the one, those summed (for the other: summed, then its own); each group but the first becomes one
axis of a matrix.
"""

from __future__ import annotations

from tercet.backends.mxnet.symbolic_shape import reshape_codes, witness
from tercet.backends.mxnet.target import F, is_eager, lower
from tercet.codegen.axes import one_or_all
from tercet.codegen.expr import Expr
from tercet.codegen.target import Application
from tercet.compiler import dims
from tercet.compiler.dims import Dim, Size
from tercet.compiler.ops.einsum import Einsum
from tercet.compiler.types import Shape


@lower(Einsum)
def _einsum(op: Einsum, at: Application, *tensors: Expr) -> Expr:
    types = [at.type(k) for k in range(len(tensors))]
    made = _Products(at, op.sizes(types))
    terms = list(zip(op.terms, tensors, strict=True))
    letters, x = terms.pop(0)
    while terms:
        needed = set(op.result).union(*(term for term, _ in terms[1:]))
        letters, x = made.product((letters, x), terms.pop(0), needed)
    letters, x = made.summed(letters, x, set(op.result))
    return made.ordered(letters, x, op.result)


class _Products:
    """Products of two tensors at a time, each with the letters of its axes."""

    def __init__(self, at: Application, sizes: dict[str, Size]) -> None:
        self._at = at
        self._sizes = sizes

    def _shape(self, letters: str) -> Shape:
        return tuple(self._sizes[letter] for letter in letters)

    def summed(self, letters: str, x: Expr, needed: set[str]) -> tuple[str, Expr]:
        """Without the letters that are not needed."""
        gone = tuple(k for k, letter in enumerate(letters) if letter not in needed)
        kept = "".join(letter for letter in letters if letter in needed)
        if not gone:
            return letters, x
        return kept, F.sum(x, axis=one_or_all(gone)) if kept else F.sum(x)

    def ordered(self, letters: str, x: Expr, wanted: str) -> Expr:
        order = tuple(letters.index(letter) for letter in wanted)
        return x if order == tuple(range(len(order))) else F.transpose(x, axes=order)

    def product(
        self, left: tuple[str, Expr], right: tuple[str, Expr], needed: set[str]
    ) -> tuple[str, Expr]:
        a, x = self.summed(*left, needed | set(right[0]))
        b, y = self.summed(*right, needed | set(a))
        both = "".join(letter for letter in a if letter in b and letter in needed)
        inner = "".join(letter for letter in a if letter in b and letter not in needed)
        rows = "".join(letter for letter in a if letter not in b)
        columns = "".join(letter for letter in b if letter not in a)
        if not a or not b:
            return rows + columns, F.broadcast_mul(x, y)
        x = self._matrices(self.ordered(a, x, both + rows + inner), both, rows, inner)
        y = self._matrices(self.ordered(b, y, both + inner + columns), both, inner, columns)
        found = both + rows + columns
        z = F.linalg_gemm2(x, y)
        shape = (*self._shape(both), *(dims.product(self._shape(g)) for g in (rows, columns)))
        return found, self._reshaped(z, shape, self._shape(found) or (1,))

    def _matrices(self, x: Expr, both: str, first: str, second: str) -> Expr:
        source = self._shape(both + first + second)
        groups = (dims.product(self._shape(group)) for group in (first, second))
        return self._reshaped(x, source, (*self._shape(both), *groups))

    def _reshaped(self, x: Expr, source: Shape, wanted: Shape) -> Expr:
        """The elements of x in another shape.  Raises Unsupported."""
        if source == wanted:
            return x
        if is_eager(self._at):
            return F.reshape(x, shape=wanted)
        codes = reshape_codes(source, wanted)
        if codes is not None:
            return F.reshape(x, shape=codes)
        ones = F.ones(tuple(1 if isinstance(n, Dim) else n for n in wanted))
        for axis, size in enumerate(wanted):
            if isinstance(size, Dim):
                like = witness(self._at, size)
                ones = F.broadcast_like(ones, like, lhs_axes=(axis,), rhs_axes=(0,))
        return F.reshape_like(x, ones)
