"""`train`: `fit` over many epochs; and the table of learning rates."""

from __future__ import annotations

from collections.abc import Sequence

from tercet.codegen.names import Names
from tercet.codegen.script.loop import step_check
from tercet.codegen.script.pieces import Piece, literal, unpacked
from tercet.compiler.training.optimizers import Adagrad, Optimizer


def rate_table(optimizer: Optimizer, schedule: Piece | None, dtype: str) -> str:
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
            f"        self.rates = tf.constant(base * np.array(factors), {dtype})",
            "",
            "    def __call__(self, step):",
            "        return tf.gather(self.rates, tf.minimum(step, len(self.rates) - 1))",
        ]
    )


_EPOCHS = 50
"""How many a `fit` takes: to begin one takes as long as some steps of a small model, and the order
of all its rows is held in memory."""
_LOCALS = (
    *("Progress", "alone", "args", "array", "arrays", "batch", "batches", "contextlib", "count"),
    *("data", "done", "epoch", "epoch_steps", "first", "last", "load_checkpoint", "model", "np"),
    *("orders", "progress", "rows", "step", "sys", "tf"),
)
"""Names that `train` uses itself."""


def train_names(arrays: Sequence[str]) -> list[str]:
    """What arrays of these names are called inside `train`."""
    local = Names(_LOCALS)
    return [local.of(name) for name in arrays]


def train_function(
    names: Sequence[str], structure: str, progress: str, begin: Sequence[str], end: Sequence[str]
) -> str:
    """`train` on arrays of these names; `structure` is what `fit` wants of a batch.

    `progress` makes the callback; `begin` and `end` are further lines that it begins and ends with.
    """
    return "\n".join(
        [
            "def train(model, arrays, args):",
            '    """Train on the arrays until `args.epochs` are done; gives the step."""',
            *(f"    {line}" for line in begin),
            "    count = len(arrays[0])",
            "    epoch_steps = len(batches(count, args.batch_size, args.seed, 0))",
            "    step = load_checkpoint(args, model) if args.resume else 0",
            *(f"    {line}" for line in step_check()),
            f"    progress = {progress}",
            "    with tf.device('CPU'):",
            "        arrays = [tf.constant(array) for array in arrays]",
            "",
            "    def batch(rows):",
            f"        {unpacked(names)} = (tf.gather(array, rows) for array in arrays)",
            f"        return {structure}",
            "",
            "    while step < args.epochs * epoch_steps:",
            "        first, done = divmod(step, epoch_steps)",
            "        # Steps that are executed at once must not reach into the next epoch.",
            "        alone = done or epoch_steps % model.steps_per_execution",
            f"        last = first + 1 if alone else min(first + {_EPOCHS}, args.epochs)",
            "        orders = [",
            "            batches(count, args.batch_size, args.seed, epoch)",
            "            for epoch in range(first, last)",
            "        ]",
            "        data = tf.data.Dataset.from_tensor_slices(np.concatenate(orders)[done:])",
            "        with contextlib.redirect_stdout(sys.stderr):  # Keras' progress",
            "            model.fit(",
            "                data.map(batch).prefetch(tf.data.AUTOTUNE),",
            "                initial_epoch=first,",
            "                epochs=last,",
            "                steps_per_epoch=epoch_steps - done,",
            "                shuffle=False,",
            "                verbose=1 if sys.stderr.isatty() else 2,",
            "                callbacks=[progress],",
            "            )",
            "        step = last * epoch_steps",
            *(f"    {line}" for line in end),
            "    return step",
        ]
    )


def shuffled_data(structure: str) -> list[str]:
    """Lines that make `data` of arrays, `structure` being what Keras wants of them."""
    return [
        f"data = tf.data.Dataset.from_tensor_slices({structure})",
        "data = data.shuffle(len(data), args.seed)",
        "data = data.batch(args.batch_size, drop_remainder=True)",
    ]


def ordered_data(names: Sequence[str], structure: str) -> list[str]:
    """The same of arrays of these names, in batches of the order that all frameworks have."""
    return [
        "orders = [",
        "    batches(len(arrays[0]), args.batch_size, args.seed, epoch)",
        "    for epoch in range(args.epochs or 1)",
        "]",
        "",
        "def batch(rows):",
        f"    {unpacked(names)} = (tf.gather(array, rows) for array in arrays)",
        f"    return {structure}",
        "",
        "data = tf.data.Dataset.from_tensor_slices(np.concatenate(orders)).map(batch)",
    ]


def lean_train_function(
    data: Sequence[str],
    compiling: Sequence[str],
    begin: Sequence[str],
    end: Sequence[str],
    *,
    ordered: bool = False,
) -> str:
    """`train` in a lean script, which compiles the model too.

    The lines `data` make the data, all epochs at once where `ordered`; `begin` and `end` are as for
    `train_function`.
    """
    fitted = ["data", "epochs=args.epochs", "shuffle=False"]
    fitted[2:] = ["steps_per_epoch=len(orders[0])", "shuffle=False"] if ordered else fitted[2:]
    return "\n".join(
        [
            "def train(model, arrays, args):",
            '    """Train on the arrays until `args.epochs` are done."""',
            *(f"    {line}" for line in begin),
            *(f"    {line}" if line else "" for line in data),
            *(f"    {line}" for line in compiling),
            f"    model.fit({', '.join(fitted)}, callbacks=[Progress()])",
            *(f"    {line}" for line in end),
        ]
    )
