"""Numbers for the symbolic sizes of a model, within everything that the model demands of them.

Whatever needs a model at some size asks here: verification for its probes, a backend for the
example that an exporter traces, or for the call that creates variables.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tercet.compiler import dims
from tercet.compiler.dims import Dim
from tercet.compiler.graph.callees import all_graphs
from tercet.compiler.graph.ir import Apply, Call, Graph, ReadParameter
from tercet.compiler.sizing.search import Demand, Search, candidates
from tercet.dsl.diagnostics import Diagnostic, DiagnosticError, Note

Sizes = dict[str, int]

_BATCH, _LENGTH, _IMAGE = (2, 3), (5, 7), (16, 19)
_CORE_STEPS = 5_000


def two_settings(model: Graph) -> tuple[Sizes, Sizes]:
    """Two settings of all symbols in the shapes of the model's inputs.

    No two sizes of a setting are equal, and none is the same in both, unless the model leaves no
    choice: what takes one size for another, or freezes one, is right for one setting at most.
    Raises DiagnosticError E0315 where none are found.
    """
    wishes = _usual(model)
    needed = demands(model)
    first = _chosen(model, needed, {name: wish[0] for name, wish in wishes.items()})
    second = _chosen(model, needed, {name: wish[1] for name, wish in wishes.items()}, first)
    return first, second


def example_sizes(model: Graph) -> Sizes:
    """The first of the two settings.  Raises DiagnosticError E0315."""
    return _chosen(model, demands(model), {n: wish[0] for n, wish in _usual(model).items()})


def smallest_sizes(model: Graph) -> Sizes:
    """Small sizes, not different from each other.  Raises DiagnosticError E0315."""
    return _chosen(model, demands(model), dict.fromkeys(symbols_of(model), 1), distinct=False)


def require_some(model: Graph) -> None:
    """That some sizes meet all that the model demands.  Raises DiagnosticError E0315.

    Cheap where they do: few constraints are recorded, and what they leave out is only looked at.
    """
    recorded = [Demand(c.left, c.relation, c.right) for c in model.constraints]
    if not recorded:
        return
    wishes = {name: wish[0] for name, wish in _usual(model).items()}
    found = _chosen(model, recorded, wishes, distinct=False)
    needed = demands(model)
    if not all(demand.holds(found) for demand in needed):
        _chosen(model, needed, wishes, distinct=False)


def alternatives(model: Graph, base: Mapping[str, int], count: int = 2) -> dict[str, list[int]]:
    """For every symbol other sizes that the model takes while the rest stay as in `base`.

    They are spread out, and fewer than `count` where the model does not take so many.
    """
    needed = demands(model)
    found: dict[str, list[int]] = {}
    for name, size in base.items():
        own = [demand for demand in needed if name in demand.symbols]
        good = [
            n
            for n in candidates(name, own, size + 2)
            if n != size and all(demand.holds({**base, name: n}) for demand in own)
        ]
        far = sorted(good[1:], key=lambda n: abs(n - 3 * size))
        found[name] = [*good[:1], *far][:count]
    return found


def symbols_of(model: Graph) -> tuple[str, ...]:
    """The symbols in the shapes of the model's inputs, as they appear."""
    return tuple(_usual(model))


def _usual(model: Graph) -> dict[str, tuple[int, int]]:
    """What each symbol would best be in two settings, by where it stands first."""
    found: dict[str, tuple[int, int]] = {}
    for given in model.inputs:
        shape = given.value.type.shape
        for axis, size in enumerate(shape):
            wish = _BATCH if axis == 0 else _IMAGE if len(shape) >= 4 and axis >= 2 else _LENGTH
            for name in sorted(dims.symbols(size)):
                found.setdefault(name, wish)
    return found


# ----------------------------------------------------------------------------------------- demands


def demands(model: Graph) -> tuple[Demand, ...]:
    """The constraints of the model and its blocks, and that no tensor is empty."""
    recorded: dict[Demand, None] = {}
    implied: set[Demand] = set()
    for part in all_graphs(model):
        for c in part.constraints:
            recorded[Demand(c.left, c.relation, c.right)] = None
        for size in _sizes_of(part):
            if not dims.less_equal(1, size):
                implied.add(Demand(1, "<=", size))
    return (*recorded, *sorted(implied - recorded.keys(), key=str))


def _sizes_of(graph: Graph) -> set[Dim]:
    """The symbolic sizes of all values of the graph's own body."""
    shapes = [given.value.type.shape for given in graph.inputs]
    for item in graph.body.walk():
        match item:
            case Apply(outputs=outputs) | Call(outputs=outputs):
                shapes += [value.type.shape for value in outputs]
            case ReadParameter(output=value):
                shapes.append(value.type.shape)
    return {size for shape in shapes for size in shape if isinstance(size, Dim)}


# ------------------------------------------------------------------------------------------ choice


def _chosen(
    model: Graph,
    needed: Sequence[Demand],
    wishes: Mapping[str, int],
    other_than: Mapping[str, int] | None = None,
    distinct: bool = True,
) -> Sizes:
    found = Search(needed, wishes, other_than or {}, distinct).run()
    if found is None:
        raise _impossible(model, needed, wishes)
    return found


def _impossible(
    model: Graph, needed: Sequence[Demand], wishes: Mapping[str, int]
) -> DiagnosticError:
    """The error that names what cannot be met together."""
    core = list(needed)
    for demand in reversed(needed):  # what is only implied goes first
        others = [other for other in core if other is not demand]
        if Search(others, wishes, {}, distinct=False, most_steps=_CORE_STEPS).run() is None:
            core = others
    places = {
        Demand(c.left, c.relation, c.right): c.span
        for part in all_graphs(model)
        for c in part.constraints
    }
    names = " and ".join(sorted({name for demand in core for name in demand.symbols}))
    first, *others = sorted(core, key=lambda demand: demand not in places)
    return DiagnosticError(
        Diagnostic(
            "E0315",
            f"no size of {names} was found for which `{first}`"
            + "".join(f" and `{other}`" for other in others),
            places.get(first, model.block.name_span),
            help="loosen what is demanded here, or write the sizes of the inputs as numbers",
            notes=tuple(
                Note(f"`{other}` is demanded here", places[other])
                for other in others
                if other in places
            ),
        )
    )
