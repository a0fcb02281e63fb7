"""Evaluation: by Keras' own `evaluate`, or by a loop with metrics in NumPy."""

from __future__ import annotations

from collections.abc import Sequence

from tercet.codegen.functions import FunctionCode
from tercet.codegen.render import render
from tercet.codegen.script.draws import EVALUATION
from tercet.codegen.script.metrics import PrintedMetrics
from tercet.codegen.script.pieces import literal
from tercet.codegen.writer import lines
from tercet.compiler.graph.training import LOSS, NamedMetric

_HEAD = [
    "def evaluate(model, arrays, args):",
    '    """Loss and metrics over all rows of the arrays."""',
]


def stock_evaluate(arrays: str) -> str:
    """`evaluate` by Keras; `arrays` is their structure, as an expression."""
    return "\n".join(
        [
            *_HEAD,
            f"    data = tf.data.Dataset.from_tensor_slices({arrays}).batch(args.batch_size)",
            "    result = model.evaluate(data, verbose=0, return_dict=True)",
            '    return {"loss": result.pop("loss"), **result}',
        ]
    )


def own_evaluate(
    code: FunctionCode,
    metrics: Sequence[NamedMetric],
    printed: PrintedMetrics,
    *,
    drawn: bool = False,
) -> str:
    """`evaluate` by a loop over the batches; `code` gives the loss and the metrics' operands.

    `drawn`: whether it draws numbers of NumPy's, which no traced function could.
    """
    loss = code.results.get(LOSS)
    made = [f"{literal(name)}: {expr}" for name, expr in printed.objects.items()]
    operands = [_tuple([render(code.results[o]) for o in metric.operands]) for metric in metrics]
    returned = [] if loss is None else [render(loss)]
    counted = [] if loss is None else ["rows += len(batch[0])", "total += len(batch[0]) * loss"]
    values = "loss, *operands" if loss is not None else "operands"
    final = printed.results
    if loss is not None:
        final = f'{{"loss": float(total / rows), **{final}}}'
    return "\n".join(
        [
            *_HEAD,
            f"    metrics = {{{', '.join(made)}}}",
            "",
            *([] if drawn else ["    @tf.function(reduce_retracing=True)"]),
            f"    def measure({', '.join(code.inputs)}):",
            *(f"        {line}" for line in statements(code)),
            f"        return {_tuple([*returned, *operands])}",
            "",
            *(["    rows, total = 0, 0.0"] if loss is not None else []),
            "    data = tf.data.Dataset.from_tensor_slices(arrays)",
            *(_DRAWN if drawn else ["    for batch in data.batch(args.batch_size):"]),
            f"        {values} = measure(*batch)",
            *(f"        {line}" for line in counted),
            "        for metric, values in zip(metrics.values(), operands, strict=True):",
            "            metric.update(*(value.numpy() for value in values))",
            f"    return {final}",
        ]
    )


_DRAWN = [
    "    for number, batch in enumerate(data.batch(args.batch_size)):",
    f"        draws.begin(args.seed, number, {EVALUATION})",
]


def statements(code: FunctionCode) -> list[str]:
    """The lines before the results of a function; none where there are no statements."""
    return list(lines(code.statements)) if code.statements else []


def _tuple(parts: Sequence[str]) -> str:
    return f"({parts[0]},)" if len(parts) == 1 else f"({', '.join(parts)})"
