"""Which parameters and inputs the outputs of a model depend on, and which ones a loss trains."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from tercet.compiler.graph.ir import (
    Apply,
    Call,
    Create,
    Graph,
    GraphOutput,
    Instance,
    Layer,
    ReadParameter,
    Value,
)
from tercet.compiler.ops.random import StopGradient

Reached = tuple[Layer | Instance | None, str]
"""A parameter by its path from the layer or block that holds it, which a caller of the graph made
and handed to it; None stands for the graph itself."""


def unreached(model: Graph) -> list[str]:
    """The paths of parameters that no output of the model depends on, in order of creation."""
    reached, _ = _Reach().of(model, _all_outputs(model))
    return [path for path, _ in model.parameters() if (None, path) not in reached]


def reached_inputs(model: Graph) -> list[str]:
    """The names of inputs that some output of the model depends on."""
    _, reached = _Reach().of(model, _all_outputs(model))
    return [given.value.name for k, given in enumerate(model.inputs) if k in reached]


def trained(loss: Graph, model: Graph, instance: Instance) -> list[str]:
    """The paths of the model's trained parameters that the loss sends a gradient to.

    `instance` is the model's in the graph of the loss.  Integers and truth values carry no
    gradient, and `stop_gradient` ends it.
    """
    reached, _ = _Reach(gradients=True).of(loss, _all_outputs(loss))
    return [
        path
        for path, parameter in model.parameters()
        if parameter.trainable and (None, f"{instance.path}.{path}") in reached
    ]


def carries_gradient(graph: Graph, value: Value) -> bool:
    """Whether a gradient of the value goes on to a parameter that the graph reads or calls."""
    end = GraphOutput("", value, graph.outputs[0].span)
    reached, _ = _Reach(gradients=True).of(replace(graph, outputs=(end,)), frozenset({0}))
    return bool(reached)


def untrained(loss: Graph, model: Graph) -> list[str]:
    """The paths of trained parameters of the model, which the loss applies, without a gradient."""
    instances = [call.instance for call in loss.calls if call.graph is model]
    reached = {path for instance in instances[:1] for path in trained(loss, model, instance)}
    own = [path for path, parameter in model.parameters() if parameter.trainable]
    return [path for path in own if instances and path not in reached]


def _all_outputs(model: Graph) -> frozenset[int]:
    return frozenset(range(len(model.outputs)))


class _Reach:
    """Remembers what is found of a graph, which many calls may share."""

    def __init__(self, *, gradients: bool = False) -> None:
        self._gradients = gradients
        self._found: dict[tuple[int, frozenset[int]], tuple[set[Reached], set[int]]] = {}

    def of(self, graph: Graph, wanted: frozenset[int]) -> tuple[set[Reached], set[int]]:
        """The parameters and inputs that the wanted outputs depend on."""
        key = id(graph), wanted
        if key not in self._found:
            self._found[key] = self._walk(graph, wanted)
        return self._found[key]

    def _walk(self, graph: Graph, wanted: frozenset[int]) -> tuple[set[Reached], set[int]]:
        live = {graph.outputs[k].value for k in wanted}
        found: set[Reached] = set()
        items = list(graph.body.walk())
        for item in reversed(items):
            match item:
                case Apply(op=StopGradient()) if self._gradients:
                    pass
                case Apply(outputs=outputs, inputs=inputs, layer=layer) if self._flows(
                    outputs, live
                ):
                    live.update(v for v in inputs if v is not None)
                    found.update((layer, p.name) for p in (layer.parameters if layer else ()))
                case Call(outputs=outputs) if _any(outputs, live):
                    self._enter(item, live, found)
                case ReadParameter(output=output, parameter=parameter) if output in live:
                    found.add((item.layer, parameter.name if item.layer else parameter.path))
        own = {item.made for item in items if isinstance(item, Create)}
        placed = {
            (None, f"{made.path}.{rest}") if made in own else (made, rest) for made, rest in found
        }
        return placed, {k for k, given in enumerate(graph.inputs) if given.value in live}

    def _flows(self, outputs: Iterable[Value], live: set[Value]) -> bool:
        carrying = (v for v in outputs if not self._gradients or v.type.dtype.is_float)
        return _any(carrying, live)

    def _enter(self, call: Call, live: set[Value], found: set[Reached]) -> None:
        wanted = frozenset(k for k, value in enumerate(call.outputs) if value in live)
        inner, inputs = self.of(call.graph, wanted)
        found.update((made or call.instance, path) for made, path in inner)
        live.update(call.inputs[k] for k in inputs)


def _any(values: Iterable[Value], live: set[Value]) -> bool:
    return any(value in live for value in values)
