"""The leaves of one site's templates: operands, the layer, its name, temporaries, literals."""

from __future__ import annotations

from collections.abc import Sequence

from tercet.codegen.expr import Expr, Input, Literal, Made, SiteName, Temporary
from tercet.codegen.leaves import Leaves
from tercet.codegen.merge import NotAlike


class Resolve:
    """The resolver of one site's templates."""

    def __init__(
        self,
        leaves: Leaves,
        inputs: Sequence[Expr | None],
        reference: Expr | None,
        site: Expr | None,
    ) -> None:
        self.leaves = leaves
        self.inputs = inputs
        self.reference = reference
        self.site = site
        self.temporaries: list[Expr] = []
        self.which: list[int] | None = None

    def __call__(self, templates: Sequence[Expr], keyword: str | None) -> Expr:
        match templates[0]:
            case Input(index):
                if any(t != templates[0] for t in templates):
                    raise NotAlike
                expr = self.inputs[index]
                assert expr is not None, "a lowering used an operand that is absent"
                return expr
            case Made():
                assert self.reference is not None
                return self.reference
            case SiteName():
                assert self.site is not None
                return self.site
            case Temporary(index):
                return self.temporaries[index]
        contents = [t.content for t in templates if isinstance(t, Literal)]
        if self.which is not None:
            contents = [contents[k] for k in self.which]
        return self.leaves.resolve(contents, keyword)


def distinct(exprs: list[Expr], resolve: Resolve) -> list[Expr]:
    """The templates without repetitions; the resolver learns which execution has which."""
    numbers: dict[int, int] = {}
    kept: list[Expr] = []
    which: list[int] = []
    for expr in exprs:
        if id(expr) not in numbers:
            numbers[id(expr)] = len(kept)
            kept.append(expr)
        which.append(numbers[id(expr)])
    resolve.which = which
    return kept
