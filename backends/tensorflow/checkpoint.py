"""Checkpoints and the record of training in Keras' words (docs/checkpoints.md)."""

from __future__ import annotations

from tercet.codegen.script.loop import not_finite_lines
from tercet.codegen.script.pieces import Piece
from tercet.codegen.script.style import Style
from tercet.codegen.script.weight_checks import WeightCheck

PROGRESS_IMPORTS = ("import keras", "import math")


def progress(factor: str, style: Style, check: WeightCheck) -> str:
    """The callback that looks at losses, logs and saves.

    `factor` is what the learning rate is multiplied by.  It may read `step` and `self.steps`, and
    is empty where the rate does not change.
    """
    epoch = style.pick(full="self.epoch", lean="epoch")
    where = f"epoch {{{epoch}}}, step {{step}}"
    stop = not_finite_lines(style, 'logs["loss"]', "self.args.allow_nonfinite", where)
    looking = [
        *style.full_only(
            "def on_epoch_begin(self, epoch, logs=None):",
            "    self.epoch = epoch + 1",
            "",
        ),
        "def on_train_batch_end(self, batch, logs=None):",
        "    step = int(self.model.optimizer.iterations)",
        *style.pick(full=[], lean=['    epoch = (step - 1) // self.params["steps"] + 1']),
        *(f"    {line}" for line in stop),
    ]
    begin, end = _saving(factor, check)
    head = style.pick(
        full='"""Stops at a number that is not finite, writes metrics.jsonl and checkpoints."""',
        lean="# Stops `fit` at a loss that is not finite.",
    )
    body = [head, *style.full_only(""), *style.full_only(*begin), *looking, *style.full_only(*end)]
    lines = ["class Progress(keras.callbacks.Callback):"]
    return "\n".join([*lines, *(f"    {line}" if line else "" for line in body)])


def _saving(factor: str, check: WeightCheck) -> tuple[list[str], list[str]]:
    """Lines before and after those that look at losses: `__init__`, and what is written."""
    rate = f"self.args.lr * {factor}" if factor else "self.args.lr"
    begin = [
        f"def __init__(self, args{', steps' if factor else ''}):",
        "    super().__init__()",
        "    self.args = args",
        *(["    self.steps = steps"] if factor else []),
        "",
    ]
    end = [
        "    every = self.args.checkpoint and self.args.checkpoint_every",
        "    if every and step % every == 0:",
        *(f"        {line}" for line in check.lines("epoch {self.epoch}, step {step}", "self.")),
        "        save_checkpoint(self.args, self.model)",
        "",
        "def on_epoch_end(self, epoch, logs=None):",
        "    step = int(self.model.optimizer.iterations)",
        "    if self.args.log_dir:",
        f"        rate = {rate}",
        '        record = {"epoch": epoch + 1, "step": step, "loss": float(logs["loss"])}',
        '        log(self.args.log_dir, {**record, "learning_rate": rate})',
        *(f"    {line}" for line in check.lines("epoch {epoch + 1}, step {step}", "self.")),
        "    if self.args.checkpoint:",
        "        save_checkpoint(self.args, self.model)",
    ]
    return begin, end


CHECKPOINT = Piece(
    '''\
def save_checkpoint(args, model):
    """Write weights, optimizer state, random state and step to `args.checkpoint`."""
    arrays = {f"weights/{name}": array for name, array in tensors(model).items()}
    for name, variable in state(model):
        arrays[name] = np.ascontiguousarray(variable.numpy())
    run = identity(args.seed, args.batch_size)
    step = int(model.optimizer.iterations)
    write(args.checkpoint, arrays, {**run, "step": str(step)})


def load_checkpoint(args, model):
    """Put everything back as `save_checkpoint` found it; gives the step."""
    arrays, step = read_checkpoint(args.resume, identity(args.seed, args.batch_size))
    own = {
        name.removeprefix("weights/"): array
        for name, array in arrays.items()
        if name.startswith("weights/")
    }
    load(model, own, args.resume)
    for name, variable in state(model):
        found, shape = arrays.get(name, np.empty(0)), tuple(variable.shape)
        if (found.shape, str(found.dtype)) != (shape or (1,), variable.dtype):
            raise SystemExit(f"{args.resume}: missing {name}")
        variable.assign(found.reshape(shape))
    if int(model.optimizer.iterations) != step:
        raise SystemExit(f"{args.resume}: the optimizer is not at step {step}")
    return step


def state(model):
    """Yield (name in a checkpoint, variable) of optimizer and random generators."""
    model.optimizer.build(model.trainable_variables)
    owners = {v.path.replace("/", "_") + "_": name for name, v, *_ in weights(model)}
    for variable in model.optimizer.variables:
        if variable.name == "learning_rate":  # `--lr` says it
            continue
        owner = max(filter(variable.name.startswith, owners), key=len, default=None)
        if owner is None:  # Keras numbers those without a name, as Nadam's
            yield f"optimizer/{variable.name.rstrip('_0123456789')}", variable
        else:
            slot = variable.name.removeprefix(owner)
            yield f"optimizer/{owners[owner]}/{slot}", variable
    generators = [v for v in model.variables if v.name == "seed_generator_state"]
    for number, variable in enumerate(generators):
        yield f"random/{number}", variable''',
    ("import numpy as np",),
)
