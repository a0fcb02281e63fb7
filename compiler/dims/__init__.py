"""Sizes of tensors: plain integers, or symbolic integer expressions in a normal form.

A `Dim` is a polynomial with integer coefficients over atoms: symbols, floor divisions, remainders,
minima and maxima.  Every operator returns the normal form, and an `int` wherever nothing symbolic
is left, so `==` is a comparison of structures and concrete shapes never meet this module's code.
Equality and order that the form alone does not show are decided by bounds or answered with None:
never guessed.

SymPy does all of this and more, but its import alone takes longer than a whole `tercet check` may.
"""

from tercet.compiler.dims.atoms import FloorDiv, Max, Min, Mod, Symbol, symbol
from tercet.compiler.dims.bounds import Bounds, equal, less, less_equal, lower_bound, upper_bound
from tercet.compiler.dims.division import balanced, floor_div, modulo, without_common_factor
from tercet.compiler.dims.functions import (
    affine,
    broadcast,
    evaluate,
    is_polynomial,
    maximum,
    minimum,
    solve,
    substitute,
    symbols,
)
from tercet.compiler.dims.polynomial import Dim, DimError, Product, Size, Sum, product
from tercet.compiler.dims.relations import compare, holds, simplified

__all__ = [
    "Bounds",
    "Dim",
    "DimError",
    "FloorDiv",
    "Max",
    "Min",
    "Mod",
    "Product",
    "Size",
    "Sum",
    "Symbol",
    "affine",
    "balanced",
    "broadcast",
    "compare",
    "equal",
    "evaluate",
    "holds",
    "floor_div",
    "is_polynomial",
    "less",
    "less_equal",
    "lower_bound",
    "maximum",
    "minimum",
    "modulo",
    "product",
    "simplified",
    "solve",
    "substitute",
    "symbol",
    "symbols",
    "upper_bound",
    "without_common_factor",
]
