"""What a run has to obey because it could not be decided when compiling."""

from __future__ import annotations

from collections.abc import Mapping

from tercet.compiler import dims
from tercet.compiler.dims import Dim, DimError, Size
from tercet.dsl.records import dataclass
from tercet.dsl.source import Span


@dataclass(frozen=True, eq=False, slots=True)
class Constraint:
    """`left relation right` that could not be decided: verification and scripts obey it.

    `message` is that of an `assert`, in parts: text, and sizes to be told when they are known.
    """

    left: Size
    relation: str
    right: Size
    span: Span
    message: tuple[str | Dim, ...] = ()

    def __str__(self) -> str:
        return f"{self.left} {self.relation} {self.right}"

    @property
    def symbols(self) -> tuple[str, ...]:
        """The symbols on both sides, by name."""
        return tuple(sorted(dims.symbols(self.left) | dims.symbols(self.right)))

    def substituted(self, sizes: Mapping[str, Size]) -> Constraint:
        """With sizes put in for some symbols.  Raises ZeroDivisionError, DimError."""
        left, right = (dims.substitute(side, sizes) for side in (self.left, self.right))
        parts = [p if isinstance(p, str) else dims.substitute(p, sizes) for p in self.message]
        message = tuple(str(part) if isinstance(part, int) else part for part in parts)
        return Constraint(left, self.relation, right, self.span, message)

    def holds(self, sizes: Mapping[str, int]) -> bool:
        """Whether these sizes meet it."""
        return dims.holds(self.left, self.relation, self.right, sizes)

    def told(self, sizes: Mapping[str, int]) -> str:
        """What to say of sizes that do not meet it; `sizes` may lack some."""
        numbers = ", ".join(f"{name} is {sizes[name]}" for name in self.symbols if name in sizes)
        said = "".join(p if isinstance(p, str) else _told(p, sizes) for p in self.message)
        return f"{said}{': ' if said else ''}{self} must hold, and {numbers}"

    @property
    def decided(self) -> bool | None:
        """Whether it holds for all sizes, for none (False), or is open."""
        return dims.compare(self.left, self.relation, self.right)


def _told(size: Dim, sizes: Mapping[str, int]) -> str:
    """The number of a size, or how it is written where it has none."""
    try:
        return str(dims.substitute(size, sizes))
    except (ZeroDivisionError, DimError):
        return str(size)
