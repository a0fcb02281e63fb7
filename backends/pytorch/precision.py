"""Mixed precision in PyTorch: `torch.autocast`, and scaled losses for float16."""

from __future__ import annotations

from collections.abc import Iterable

from tercet.backends.base import Unsupported, rejected
from tercet.backends.pytorch.target import DTYPES
from tercet.codegen.render import render
from tercet.codegen.script.pieces import literal
from tercet.codegen.specialised import layers_of
from tercet.compiler.graph.callees import all_graphs
from tercet.compiler.graph.ir import Apply, Graph
from tercet.compiler.graph.training import Training
from tercet.compiler.ops.loss import BinaryCrossEntropy
from tercet.compiler.ops.recurrent import Lstm
from tercet.compiler.types import DType


def torch_name(precision: DType) -> str:
    """PyTorch's name of a precision."""
    return render(DTYPES[precision])


def indented(lines: Iterable[str]) -> list[str]:
    """The lines one level deeper."""
    return [f"    {line}" if line else "" for line in lines]


def check_precision(graphs: Iterable[Graph], training: Training) -> None:
    """`torch.autocast` refuses cross entropies of probabilities.  Raises DiagnosticError."""
    if not training.is_mixed:
        return
    for graph in all_graphs(*graphs):
        for item in graph.body.walk():
            if isinstance(item, Apply) and isinstance(item.op, BinaryCrossEntropy):
                problem = Unsupported(
                    f"`precision = {training.precision}` cannot tell probabilities near 1 from 1",
                    "leave out the `sigmoid` and use `binary_cross_entropy_with_logits`",
                )
                raise rejected("pytorch", item.op, item.span, problem)


def lstm_check(model: Graph) -> list[str]:
    """Lines that refuse what `train` cannot do in float16 on a CPU."""
    if not any(isinstance(layer.op, Lstm) for layer in layers_of(model)):
        return []
    message = "PyTorch has no LSTM in float16 on CPUs; train on --device cuda"
    return ['    if device_type == "cpu":', f"        raise SystemExit({literal(message)})"]
