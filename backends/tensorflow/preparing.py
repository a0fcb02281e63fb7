"""`prepare`, which compiles the model: its optimizer, and the loss and metrics that Keras has."""

from __future__ import annotations

from collections.abc import Sequence

from tercet.backends.tensorflow.optimizers import optimizer_call, own_class, spared
from tercet.backends.tensorflow.precision import LOSS_SCALE
from tercet.codegen.expr import Expr, Name
from tercet.codegen.script.pieces import rendered
from tercet.codegen.script.style import Style
from tercet.codegen.script.training import base_rate, clip_constant, optimizer_constants
from tercet.compiler.graph.training import Training
from tercet.compiler.types import DType
from tercet.dsl.records import dataclass

EXECUTION = "STEPS_PER_EXECUTION"


@dataclass(frozen=True)
class Stock:
    """What `compile` is given of Keras' own: a loss or none, metrics or none."""

    loss: Expr | None
    metrics: Sequence[Expr]


def prepare_function(compiling: Sequence[str], *, many: bool) -> str:
    """The text of `prepare`; `many`: whether `fit` executes several steps at once."""
    return "\n".join(
        [
            "def prepare(model, epoch_steps, args):",
            '    """Compile the model for epochs of so many updates."""',
            *(_AT_ONCE if many else ()),
            *(f"    {line}" for line in compiling),
        ]
    )


def compile_lines(
    training: Training,
    stock: Stock,
    style: Style,
    *,
    table: bool,
    many: bool,
    eager: bool = False,
) -> list[str]:
    """Lines that compile the model: of `prepare`, or of a lean script's `train`.

    `table`: whether the learning rate changes from step to step; `many`: whether `fit` executes
    several steps at once; `eager`: whether a step draws numbers of NumPy's.
    """
    made = rendered(_optimizer(training, table, style))
    before: list[str] = []
    if training.decay_exceptions:
        before, made = spared(made), "optimizer"
    if training.precision is DType.F16:
        made = f"{LOSS_SCALE}({made})"
    settings = [f"optimizer={made},"]
    if stock.loss is not None:
        settings.append(f"loss={rendered(stock.loss)},")
    if stock.metrics:
        settings.append(f"metrics=[{', '.join(map(rendered, stock.metrics))}],")
    if many:
        settings.append("steps_per_execution=1 if args.checkpoint_every else at_once,")
    if style.exact:
        settings.append("run_eagerly=True,  # NumPy draws" if eager else "jit_compile=False,")
    epoch_steps = style.pick(
        full="epoch_steps", lean="len(orders[0])" if style.exact else "len(data)"
    )
    return [
        *([f"steps = args.epochs * {epoch_steps}"] if table else []),
        *before,
        "model.compile(",
        *(f"    {line}" for line in settings),
        ")",
    ]


def _optimizer(training: Training, table: bool, style: Style) -> Expr:
    update = training.update
    rate = base_rate(style)
    return optimizer_call(
        update.optimizer,
        Name("Tabulated")(rate, Name("steps")) if table else rate,
        update.clip,
        "" if update.clip is None else clip_constant(update.clip)[0],
        optimizer_constants(training),
        own=own_class(training, table, exact=style.exact) is not None,
        exact=style.exact,
    )


_AT_ONCE = (
    f"    most = max(1, min({EXECUTION}, epoch_steps))",
    "    even = (n for n in range(most, most // 4, -1) if epoch_steps % n == 0)",
    "    at_once = next(even, most)  # a rest of another length is compiled anew",
)
