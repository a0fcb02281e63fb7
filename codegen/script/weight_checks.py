"""Looking for weights that training has spoilt: a loss may be finite when its weights are not.

The last update of an epoch has no loss behind it, and normalisation hides an infinite variance.
"""

from __future__ import annotations

from tercet.codegen.script.pieces import Piece, literal
from tercet.codegen.script.style import Style
from tercet.compiler.graph.ir import Graph
from tercet.dsl.records import dataclass


@dataclass(frozen=True)
class WeightCheck:
    """How a full script of a model looks at its weights; a lean one looks at losses alone.

    `each` loops over `name` and weight, `finite` says that one is finite.
    """

    model: Graph
    style: Style
    each: str
    finite: str

    @property
    def pieces(self) -> tuple[Piece, ...]:
        """`check_weights`, in a full script."""
        lines = [
            "def check_weights(args, model, where):",
            '    """End training that has spoilt a weight, unless that is allowed."""',
            "    if args.allow_nonfinite:",
            "        return",
            f"    for {self.each}:",
            f"        if {self._spoilt}:",
            '            raise SystemExit(f"{where}: {name} is not finite")',
        ]
        return self.style.full_only(Piece("\n".join(lines)))

    def lines(self, where: str, owner: str = "") -> tuple[str, ...]:
        """Lines after an update; `where` is text of an f-string, `owner` has `args` and `model`."""
        return self.style.full_only(f'check_weights({owner}args, {owner}model, f"{where}")')

    @property
    def _spoilt(self) -> str:
        # What a `buffer` holds is no result of training: it may be infinite.
        parameters = self.model.parameters()
        given = [path for path, p in parameters if p.role == "buffer" and p.type.dtype.is_float]
        if given:
            return f"not (name in {literal(given)} or {self.finite})"
        return f"not {self.finite}"
