"""Constraints as a body records them: each once, none that another one implies."""

from __future__ import annotations

from tercet.compiler.constraints import Constraint
from tercet.compiler.dims import Dim, Size
from tercet.compiler.elaborate.scope import Frame
from tercet.dsl.source import Span


def constrain(
    frame: Frame,
    left: Size,
    relation: str,
    right: Size,
    span: Span,
    message: tuple[str | Dim, ...] = (),
) -> None:
    """Records what the run has to obey, once; a bound that another one implies is left out."""
    if (left, relation, right) in frame.demanded:
        return
    frame.demanded.add((left, relation, right))
    frame.session.work(len(frame.constraints), span)  # compared with all of them
    new = Constraint(left, relation, right, span, message)
    if any(_implies(old, new) for old in frame.constraints):
        return
    frame.constraints[:] = [old for old in frame.constraints if not _implies(new, old)]
    frame.constraints.append(new)


def _implies(one: Constraint, other: Constraint) -> bool:
    """Whether what fits one bound fits the other, which has no message of its own."""
    match one.right, other.right:
        case int(), int() if one.left == other.left and not other.message:
            if one.relation == other.relation == "<=":
                return one.right <= other.right
            return one.relation == other.relation == ">=" and one.right >= other.right
    return False
