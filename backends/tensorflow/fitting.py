"""`train`: one `fit` per epoch; and the table of learning rates."""

from __future__ import annotations

from collections.abc import Sequence

from compiler.codegen.names import Names
from compiler.codegen.pieces import Piece, literal, unpacked
from compiler.training.optimizers import Adagrad, Optimizer


def rate_table(optimizer: Optimizer, schedule: Piece | None) -> str:
    """The learning-rate schedule that Keras looks the rates of all steps up in."""
    factor = "1.0" if schedule is None else "learning_rate_factor(step, steps)"
    if isinstance(optimizer, Adagrad) and optimizer.lr_decay:
        factor += f" / (1 + step * {literal(optimizer.lr_decay)})"
    return "\n".join(
        [
            "class Tabulated(keras.optimizers.schedules.LearningRateSchedule):",
            '    """The learning rate of every step, computed beforehand."""',
            "",
            "    def __init__(self, base, steps):",
            f"        factors = [{factor} for step in range(max(1, steps))]",
            "        self.rates = tf.constant(base * np.array(factors), tf.float32)",
            "",
            "    def __call__(self, step):",
            "        return tf.gather(self.rates, tf.minimum(step, len(self.rates) - 1))",
        ]
    )


_LOCALS = (
    *("Progress", "args", "array", "arrays", "batches", "contextlib", "count", "data", "epoch"),
    *("epoch_steps", "load_checkpoint", "model", "order", "progress", "step", "sys", "tf"),
)
"""Names that `train` uses itself."""


def train_names(arrays: Sequence[str]) -> list[str]:
    """What arrays of these names are called inside `train`."""
    local = Names(_LOCALS)
    return [local.of(name) for name in arrays]


def train_function(
    names: Sequence[str], structure: str, begin: Sequence[str], end: Sequence[str]
) -> str:
    """`train` on arrays of these names; `structure` is what `fit` wants of a batch.

    `begin` and `end` are further lines that it begins and ends with.
    """
    return "\n".join(
        [
            "def train(model, arrays, args):",
            '    """Train on the arrays until `args.epochs` are done; gives the step."""',
            *(f"    {line}" for line in begin),
            "    count = len(arrays[0])",
            "    epoch_steps = len(batches(count, args.batch_size, args.seed, 0))",
            "    step = load_checkpoint(args, model) if args.resume else 0",
            "    progress = Progress(args, args.epochs * epoch_steps)",
            "    for epoch in range(step // epoch_steps, args.epochs):",
            "        order = batches(count, args.batch_size, args.seed, epoch)",
            "        order = order[step % epoch_steps :]",
            f"        {unpacked(names)} = (array[order] for array in arrays)",
            f"        data = tf.data.Dataset.from_tensor_slices(({structure}))",
            "        with contextlib.redirect_stdout(sys.stderr):  # Keras' progress",
            "            model.fit(",
            "                data,",
            "                initial_epoch=epoch,",
            "                epochs=epoch + 1,",
            "                shuffle=False,",
            "                callbacks=[progress],",
            "            )",
            "        step = int(model.optimizer.iterations)",
            *(f"    {line}" for line in end),
            "    return step",
        ]
    )
