"""Inputs that a trained model must not use as they are.

Gluon's static graphs (`hybridize(static_alloc=True)`) compute wrong gradients where a sum of two
tensors of one shape has an input of the model as a term: the gradient of the sum is written over in
place.  An `identity` between the input and the sum keeps it.
"""

from __future__ import annotations

from tercet.compiler.graph.ir import Apply, Call, Graph
from tercet.compiler.ops.arithmetic import Add


def summed_inputs(model: Graph) -> frozenset[int]:
    """The inputs of a model that are themselves, here or in a block, a term of a sum."""
    return _summed(model, {})


def _summed(graph: Graph, known: dict[int, frozenset[int]]) -> frozenset[int]:
    if id(graph) in known:
        return known[id(graph)]
    places = {entry.value: k for k, entry in enumerate(graph.inputs)}
    found: set[int] = set()
    for item in graph.body.walk():
        match item:
            case Apply(op=Add(), inputs=terms):
                found.update(places[t] for t in terms if t in places)
            case Call(graph=called, inputs=given):
                inner = _summed(called, known)
                found.update(places[v] for k, v in enumerate(given) if v in places and k in inner)
    known[id(graph)] = frozenset(found)
    return known[id(graph)]
