"""Looking for numbers that are not finite, in arrays that may hold such: before training."""

from __future__ import annotations

from collections.abc import Mapping

from tercet.codegen.script.pieces import Piece, literal

CHECK_FINITE = Piece(
    '''\
def check_finite(where, name, array):
    """Refuse NaN and infinite numbers."""
    wrong = ~np.isfinite(array)
    if wrong.any():
        row, *column = np.argwhere(wrong)[0].tolist()
        found = f"row {row} holds {array[wrong][0]}" + (f" at {column}" if column else "")
        raise SystemExit(f"{where}: {name} must be finite; {found}")''',
    ("import numpy as np",),
)


def finite_lines(where: str, arrays: Mapping[str, str]) -> list[str]:
    """Lines that look at arrays, given by the names that messages call them."""
    return [f"check_finite({where}, {literal(name)}, {array})" for name, array in arrays.items()]
