"""What is legal but hardly meant."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from tercet.compiler.elaborate.errors import warning
from tercet.compiler.elaborate.modules import ModuleScope, imported_names
from tercet.compiler.elaborate.sites import names_read
from tercet.compiler.graph.ir import Apply
from tercet.compiler.ops.linear import Dense
from tercet.compiler.ops.norm import BatchNorm
from tercet.compiler.ops.pooling import AdaptiveAvgPool2d, GlobalPool, Pool
from tercet.dsl import nodes
from tercet.dsl.diagnostics import Diagnostic, Note

if TYPE_CHECKING:
    from tercet.compiler.elaborate.scope import Frame
    from tercet.compiler.elaborate.sites import BodyText
    from tercet.compiler.graph.ir import Layer, Value
    from tercet.dsl.source import Span

_POOLS = (Pool, GlobalPool, AdaptiveAvgPool2d)


def bias_before_norm(
    frame: Frame, layer: Layer, inputs: Sequence[Value | None], span: Span
) -> None:
    """Warns of a bias whose only effect `batch_norm` takes away again."""
    if not isinstance(layer.op, BatchNorm) or inputs[0] is None:
        return
    producer = frame.producers.get(inputs[0])
    if not isinstance(producer, Apply) or producer.layer is None:
        return
    before = producer.layer
    if any(p.name == "bias" for p in before.parameters) and before.op.name.startswith(
        ("conv", "dense")
    ):
        message = f"the bias of `{before.site.name}` has no effect before `batch_norm`"
        frame.warn(
            warning(
                "W0901",
                message,
                before.site.span,
                f"write `{before.op.name}(…, bias = false)`",
                Note("normalised here", span),
            )
        )


def dense_of_one(frame: Frame, layer: Layer, inputs: Sequence[Value | None], span: Span) -> None:
    """Warns of `dense` on an axis of one element beside others, as pooling leaves it."""
    image = inputs[0]
    if not isinstance(layer.op, Dense) or image is None or image.type.shape[-1] != 1:
        return
    producer = frame.producers.get(image)
    if not isinstance(producer, Apply) or not isinstance(producer.op, _POOLS):
        return
    if image.type.shape[1] != 1:
        message = f"`{layer.site.name}` works along the last axis, which has one element"
        help = f"it is given {image.type}: put `flatten` before it, or `permute` the features last"
        frame.warn(warning("W0913", message, span, help))


def unused_in(block: nodes.Block, text: BodyText) -> Iterable[Diagnostic]:
    """Warns of inputs, parameters and bindings of a block that its text never reads."""
    inputs = {i.name for i in text.inputs}
    for name, span in text.assigned.items():
        if name in text.read or name.startswith("_"):
            continue
        if name in inputs:
            yield warning("W0905", f"the input `{name}` is never used", span)
        else:
            help = "remove it, or begin its name with `_`"
            yield warning("W0902", f"`{name}` is never used", span, help)
    in_defaults = names_read(tuple(p.default for p in block.parameters))
    for parameter in block.parameters:
        name = parameter.name
        if name not in in_defaults and name not in text.read and not name.startswith("_"):
            yield warning("W0903", f"the parameter `{name}` is never used", parameter.span)


def nameless_sizes(text: BodyText) -> Iterable[Diagnostic]:
    """Warns of Keras's `None` for a size that is not known: here it is a name like any other."""
    for given in text.inputs:
        for size in given.type.dimensions:
            if isinstance(size, nodes.Name) and size.id == "None":
                message = "`None` is a name here: wherever it stands, it is the same size"
                help = "give every size that may differ a name of its own: `N`, `T`"
                yield warning("W0910", message, size.span, help)
                return


def hidden_functions(scope: ModuleScope, text: BodyText) -> Iterable[Diagnostic]:
    """Warns of variables called like a function that the same body calls."""
    for name, span in text.assigned.items():
        if name in text.hiding and scope.kind(name) is not None:
            message = f"the variable `{name}` hides the function of that name from here on"
            yield warning("W0907", message, span, "give the variable another name")


def unused_imports(scope: ModuleScope, used: set[str]) -> Iterable[Diagnostic]:
    """Warns of imported names that the file does not use."""
    for local, span in imported_names(scope):
        if local not in used:
            yield warning("W0904", f"`{local}` is imported and not used", span, "remove it")
