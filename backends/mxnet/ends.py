"""Inputs that a trained model must not use as they are.

Gluon's static graphs (`hybridize(static_alloc=True)`) compute wrong gradients where a sum of two
tensors of one shape has an input of the model as a term: the gradient of the sum is written over in
place.  An `identity` between the input and the sum keeps it.  Where an output is an input itself,
the graph has no gradients at all.
"""

from __future__ import annotations

from tercet.compiler.graph.ir import Apply, Call, Graph, Value
from tercet.compiler.ops.arithmetic import Add


def awkward_inputs(model: Graph) -> frozenset[int]:
    """The inputs that are themselves an output or, here or in a block, a term of a sum."""
    ends = _Ends()
    places = ends.places(model)
    returned = {places[o.value] for o in model.outputs if o.value in places}
    return ends.summed(model) | returned


class _Ends:
    """What becomes of the inputs of graphs, each looked at once."""

    def __init__(self) -> None:
        self._places: dict[Graph, dict[Value, int]] = {}
        self._summed: dict[Graph, frozenset[int]] = {}

    def places(self, graph: Graph) -> dict[Value, int]:
        """The values that are an input, also where a block gave it back, with its number."""
        if graph not in self._places:
            found = {entry.value: k for k, entry in enumerate(graph.inputs)}
            for call in graph.calls:
                inner = self.places(call.graph)
                for value, output in zip(call.outputs, call.graph.outputs, strict=True):
                    given = inner.get(output.value)
                    if given is not None and call.inputs[given] in found:
                        found[value] = found[call.inputs[given]]
            self._places[graph] = found
        return self._places[graph]

    def summed(self, graph: Graph) -> frozenset[int]:
        if graph not in self._summed:
            places = self.places(graph)
            found: set[int] = set()
            for item in graph.body.walk():
                match item:
                    case Apply(op=Add(), inputs=terms):
                        found.update(places[t] for t in terms if t in places)
                    case Call(graph=called, inputs=given):
                        inner = self.summed(called)
                        pairs = ((k, v) for k, v in enumerate(given) if v in places)
                        found.update(places[v] for k, v in pairs if k in inner)
            self._summed[graph] = frozenset(found)
        return self._summed[graph]
