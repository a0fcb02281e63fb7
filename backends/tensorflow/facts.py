"""What must be known of a whole model before any of its lines can be printed.

A layer is made in one place and applied in another: decisions that both share (who pads?) are taken
here, for all layers of a site at once, so that they agree and the site prints as one line.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Literal

from tercet.codegen.expr import Expr, Made, Name
from tercet.codegen.specialised import layers_of
from tercet.compiler.graph.callees import all_graphs
from tercet.compiler.graph.ir import Apply, Create, Graph, Layer, ReadParameter, Site, Value
from tercet.compiler.ops.activation import PRelu
from tercet.compiler.ops.base import InTraining, LayerOp
from tercet.compiler.ops.conv import AnyConvolution, Conv2d, Convolution
from tercet.compiler.ops.linear import Dense, Embedding
from tercet.compiler.ops.norm import ChannelNorm, RMSNorm, TrailingNorm
from tercet.compiler.ops.recurrent import Recurrent

_tf = Name("tf")


class Facts:
    """Facts about some graphs and all that they call."""

    def __init__(self, roots: Iterable[Graph], *, lean: bool = False) -> None:
        roots = tuple(roots)
        self._lean = lean
        self.graphs = all_graphs(*roots)
        self.layers = layers_of(*roots)
        """Every layer of every specialisation."""
        self._ops: dict[Site, dict[LayerOp, None]] = defaultdict(dict)
        self._with_lengths: set[Site] = set()
        for graph in self.graphs:
            for item in graph.body.walk():
                self._note(item)
        self._trained = self._find_trained()

    def _note(self, item: object) -> None:
        match item:
            case Create(made=Layer(site=site, op=op)):
                self._ops[site][op] = None
            case Apply(op=Recurrent(), layer=Layer(site=site), inputs=inputs):
                if inputs[-1] is not None:
                    self._with_lengths.add(site)

    def ops(self, site: Site) -> tuple[LayerOp, ...]:
        """The operations of all layers made at a site, in every specialisation and iteration."""
        return tuple(self._ops[site])

    def has_lengths(self, site: Site) -> bool:
        """Whether recurrent layers of a site are ever given `lengths`."""
        return site in self._with_lengths

    @cached_property
    def has_symmetric_convolutions(self) -> bool:
        """Whether 2-D convolutions are of a class of the script whose "same" means the source's.

        At stride 1 Keras' own means it too, and is faster than numbers; a site where some layers
        have that stride and others have not gets a class that does both.  A lean script has none.
        """
        sites = [
            [op for op in ops if isinstance(op, Conv2d) and op.groups == 1]
            for ops in self._ops.values()
        ]
        mixed = any(
            len({max(op.stride) == 1 for op in ops}) > 1
            and all(op.padding == same_padding(op) for op in ops)
            for ops in sites
        )
        return mixed and not self._lean and all(_takes_numbers(op) for ops in sites for op in ops)

    @property
    def renamed_parameters(self) -> dict[str, str]:
        """Names of raw parameters that Keras' variables have too: the script's, the source's."""
        return {
            self.variable_name(item.parameter.name): item.parameter.name
            for graph in self.graphs
            for item in graph.body.walk()
            if isinstance(item, ReadParameter)
            and item.layer is None
            and not item.indices
            and self.variable_name(item.parameter.name) != item.parameter.name
        }

    @cached_property
    def parameters(self) -> set[Value]:
        """The values that are Keras' variables, which not every function takes for tensors."""
        return {
            item.output
            for graph in self.graphs
            for item in graph.body.walk()
            if isinstance(item, ReadParameter)
        }

    @cached_property
    def source_names(self) -> dict[str, str]:
        """What Keras calls the variables of the layers, where the source calls them otherwise."""
        return dict(entry for layer in self.layers for entry in _source_names(layer))

    def variable_name(self, parameter: str) -> str:
        """The name of the variable of a raw parameter: not one that is read as a layer's."""
        return f"{parameter}_" if parameter in self.source_names else parameter

    # -------------------------------------------------------------------------------- training

    def is_trained(self, graph: Graph) -> bool:
        """Whether a block behaves differently in training, itself or in what it calls."""
        return id(graph.block) in self._trained

    def _find_trained(self) -> set[int]:
        found = {
            id(graph.block)
            for graph in self.graphs
            for item in graph.body.walk()
            if isinstance(item, Apply) and _is_trained(item)
        }
        size = -1
        while size != len(found):
            size = len(found)
            for graph in self.graphs:
                if any(id(call.graph.block) in found for call in graph.calls):
                    found.add(id(graph.block))
        return found

    # ------------------------------------------------------------------------------- variables

    def variable(self, layer: Layer, parameter: str) -> Expr:
        """A layer's parameter as a tensor in the language's layout; `Made()` is the layer."""
        own = Made()
        match layer.op, parameter:
            case Embedding(), _:
                return own.embeddings
            case Dense(), "weight":
                return _tf.transpose(own.kernel)
            case AnyConvolution(rank=rank), "weight":
                order = (rank + 1, rank, *range(rank))
                return _tf.transpose(own.kernel, order)
            case RMSNorm(), _:
                return own.scale
            case ((ChannelNorm() | TrailingNorm()), _):
                return getattr(own, NORM_VARIABLES[parameter])  # type: ignore[no-any-return]
        return getattr(own, parameter)  # type: ignore[no-any-return]


NORM_VARIABLES = {
    "weight": "gamma",
    "bias": "beta",
    "running_mean": "moving_mean",
    "running_var": "moving_variance",
}
"""Keras' names of what normalisations hold."""


def _source_names(layer: Layer) -> Iterator[tuple[str, str]]:
    match layer.op:
        case Dense() | AnyConvolution():
            yield "kernel", "weight"
        case Recurrent():
            yield "kernel", "weight"
            yield "recurrent_kernel", "recurrent_weight"
        case Embedding():
            yield "embeddings", "weight"
        case RMSNorm():
            yield "scale", "weight"
        case ChannelNorm() | TrailingNorm():
            for parameter in layer.parameters:
                yield NORM_VARIABLES[parameter.name], parameter.name
        case PRelu():
            yield "alpha", "weight"


def built_shape(layer: Layer) -> tuple[int | None, ...] | None:
    """The input's shape as far as the layer's variables follow from it, channels-last.

    None where a layer has no variables.
    """
    shape = layer.input.shape
    unknown: tuple[None, ...] = (None,) * len(shape)
    match layer.op:
        case _ if not layer.parameters:
            return None
        case Embedding():
            return unknown
        case AnyConvolution() | ChannelNorm() | PRelu():
            known = shape[1:2]
        case TrailingNorm() as op:
            known = shape[-op.count(layer.input) :]
        case _:
            known = shape[-1:]
    sizes = tuple(n for n in known if isinstance(n, int))
    return (*unknown[len(sizes) :], *sizes) if len(shape) > 1 else (None, *sizes)


def same_padding(op: AnyConvolution) -> tuple[tuple[int, int], ...]:
    """What "same" pads at stride 1."""
    totals = [extent - 1 for extent in op.extents]
    return tuple((total // 2, total - total // 2) for total in totals)


def _takes_numbers(op: Conv2d) -> bool:
    """Whether a class pads as numbers say where Keras takes the stride, and has no other "same"."""
    return max(op.stride) == 1 or (max(op.dilation) == 1 and op.padding != "same")


def convolution_kind(layer: Layer) -> Literal["plain", "depthwise", "grouped"]:
    """Which of the script's convolutions a layer needs: Keras' own, or one for groups."""
    op = layer.op
    if not isinstance(op, Convolution) or op.groups == 1:
        return "plain"
    if op.rank != 2 or layer.parameter("weight").type.shape[1] != 1:
        return "grouped"
    strided = max(op.stride) > 1 and max(op.dilation) > 1
    return "grouped" if strided or op.stride[0] != op.stride[1] else "depthwise"


def _is_trained(item: Apply) -> bool:
    """Whether an operation takes a different way in training."""
    if item.layer is None:
        return False
    return item.layer.op.in_training is not InTraining.SAME or uses_xla(item.layer)


def uses_xla(layer: Layer) -> bool:
    """Whether Keras' convolution can be trained only, not exported."""
    grouped = convolution_kind(layer) == "grouped"
    return grouped and isinstance(layer.op, Convolution) and layer.op.rank < 3
