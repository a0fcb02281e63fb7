"""Training and evaluation as an explicit Gluon loop."""

from __future__ import annotations

from tercet.backends.base import Place
from tercet.backends.mxnet.optimizers import printed_optimizer, spared
from tercet.backends.mxnet.precision import check_precision, mixed_precision_piece
from tercet.backends.mxnet.target import MXNetTarget
from tercet.codegen.expr import Name
from tercet.codegen.functions import FunctionCode, helpers_of, print_function
from tercet.codegen.render import render
from tercet.codegen.script.data import data_code
from tercet.codegen.script.files import LOG, checkpoint_piece
from tercet.codegen.script.metrics import printed_metrics
from tercet.codegen.script.pieces import Piece, literal, unpacked
from tercet.codegen.script.schedules import FUNCTION, schedule_piece
from tercet.codegen.script.size_checks import batch_checks
from tercet.codegen.script.training import (
    BATCHES,
    MATCHED_IMPORT,
    clip_constant,
    optimizer_constants,
    training_lines,
)
from tercet.codegen.specialised import layers_of
from tercet.codegen.writer import lines
from tercet.compiler.graph.ir import Apply, Graph
from tercet.compiler.graph.labels import data_checks
from tercet.compiler.graph.reach import unreached
from tercet.compiler.graph.training import Training
from tercet.compiler.ops.base import InTraining
from tercet.compiler.training.clipping import ClipValue, GlobalNorm
from tercet.compiler.types import DType

_IMPORTS = (
    "import sys",
    "import numpy as np",
    "from mxnet import autograd, gluon, nd",
    "from tqdm import tqdm",
    MATCHED_IMPORT,
)
_TAKEN = (
    *("args", "arrays", "epoch", "mixed", "order", "rows", "step", "steps", "total", "trainer"),
)


class TrainingPrinter:
    """Prints `train`, `evaluate` and what they need."""

    def __init__(self, model: Graph, training: Training, place: Place) -> None:
        check_precision(model, training)
        self._training = training
        self._model = model
        self.data = data_code(
            training.data, place.model_folder, place.script_folder, data_checks(training)
        )
        self._schedule = schedule_piece(training.update.schedule)
        self._metrics = printed_metrics(training.metrics)
        self._optimizer = printed_optimizer(training.update, optimizer_constants(training))
        self._loss = self._function(training.update.loss, "mixed" if training.is_mixed else "model")
        evaluation = training.evaluation
        self._evaluation = self._function(evaluation, "model") if evaluation else None
        self._random = _draws(model, training.update.loss)

    def helpers(self) -> set[str]:
        """Helpers that loss and metrics call."""
        return helpers_of(self._loss, self._evaluation)

    def pieces(self) -> list[Piece]:
        """Everything from `load_data` to the checkpoints, in the order of the script."""
        schedule = (
            [] if self._schedule is None else [Piece(self._schedule.text, self._schedule.imports)]
        )
        evaluation = self._evaluate()
        return [
            Piece(self.data.piece.text, self.data.piece.imports),
            BATCHES,
            *schedule,
            self._optimizer.piece,
            self._metrics.piece,
            *([mixed_precision_piece(self._model)] if self._training.is_mixed else []),
            Piece(self._train(), _IMPORTS),
            *([Piece(_RESEED)] if self._random else []),
            *([Piece(evaluation)] if evaluation else []),
            LOG,
            Piece(_CHECKPOINT),
            checkpoint_piece(self._model.name, "mxnet", self._training),
        ]

    def main_lines(self) -> list[str]:
        """What `main` does between the weights given and those saved."""
        checks = batch_checks(self._training, self._model.name)
        return training_lines(self.data.call, self._evaluation is not None, checks)

    def _function(self, graph: Graph, model_name: str) -> FunctionCode:
        (name,) = self._training.models
        target = MXNetTarget(self._model, eager=True)
        return print_function(graph, target, {name: Name(model_name)}, _TAKEN)

    def _moved(self, rows: str) -> str:
        """Rows on the device: `nd.array` takes six times as long, but knows int8."""
        if any(i.value.type.dtype is DType.I8 for i in self._training.update.loss.inputs):
            return f"nd.array({rows}, ctx=args.device, dtype={rows}.dtype)"
        return f"nd.from_numpy(np.ascontiguousarray({rows})).as_in_context(args.device)"

    def _train(self) -> str:
        code, mixed = self._loss, self._training.is_mixed
        loss = render(code.results["loss"])
        notes = [f"    # {note}" for note in self._optimizer.notes]
        body = [
            f"{unpacked(code.inputs)} = (",
            f"    {self._moved('array[rows]')}",
            "    for array in arrays",
            ")",
            *(["reseed(args.seed, step)"] if self._random else []),
            *self._rate(),
            "with autograd.record():",
            *lines(code.statements, 1),
            *([f"    loss = {loss}"] if loss != "loss" else []),
            "loss.backward()",
            *self._clip(),
            f"trainer.step(1{', ignore_stale_grad=True' * bool(unreached(self._model))})",
            "step += 1",
            "total += float(loss.asscalar())",
            "if args.checkpoint_every and step % args.checkpoint_every == 0:",
            "    save_checkpoint(args, model, trainer, step)",
        ]
        return "\n".join(
            [
                "def train(model, arrays, args):",
                '    """Train on the arrays until `args.epochs` are done."""',
                *(["    mixed = mixed_precision(model, args.device)"] if mixed else []),
                *spared(self._training, self._model),
                *notes,
                f"    trainer = gluon.Trainer(model.collect_params(), {self._optimizer.arguments})",
                "    step = load_checkpoint(args, model, trainer) if args.resume else 0",
                "    epoch_steps = len(batches(len(arrays[0]), args.batch_size, args.seed, 0))",
                *(["    steps = args.epochs * epoch_steps"] if self._schedule else []),
                "    for epoch in range(step // epoch_steps, args.epochs):",
                "        order = batches(len(arrays[0]), args.batch_size, args.seed, epoch)",
                "        order = order[step % epoch_steps :]",
                "        total = 0.0",
                '        title = f"epoch {epoch + 1}/{args.epochs}"',
                "        for rows in tqdm(order, desc=title, disable=None):",
                *(f"            {line}" for line in body),
                "        mean = total / len(order)",
                '        print(f"epoch {epoch + 1}: loss {mean:.4f}", file=sys.stderr)',
                "        if args.log_dir:",
                '            record = {"epoch": epoch + 1, "step": step, "loss": mean}',
                "            rate = trainer.learning_rate",
                '            log(args.log_dir, {**record, "learning_rate": rate})',
                "        if args.checkpoint:",
                "            save_checkpoint(args, model, trainer, step)",
                "    return step",
            ]
        )

    def _rate(self) -> list[str]:
        if self._schedule is None:
            return []
        return [f"trainer.set_learning_rate(args.lr * {FUNCTION}(step, steps))"]

    def _clip(self) -> list[str]:
        clip = self._training.update.clip
        match clip:
            case None:
                return []
            case GlobalNorm():
                name, _ = clip_constant(clip)
                clipped = [f"gluon.utils.clip_global_norm(gradients, {name}, check_isfinite=False)"]
            case ClipValue():
                if self._optimizer.clips:
                    return []
                name, _ = clip_constant(clip)
                clipped = [
                    "for gradient in gradients:",
                    f"    nd.clip(gradient, -{name}, {name}, out=gradient)",
                ]
            case _:
                raise TypeError(type(clip).__name__)
        return [
            "gradients = [",
            "    parameter.grad()",
            "    for parameter in model.collect_params().values()",
            '    if parameter.grad_req != "null"',
            "]",
            *clipped,
        ]

    def _evaluate(self) -> str:
        code, training = self._evaluation, self._training
        if code is None:
            return ""
        loss = code.results.get("loss")
        made = [f"{literal(name)}: {expr}," for name, expr in self._metrics.objects.items()]
        updates = []
        for metric in training.metrics:
            operands = (render(code.results[o].asnumpy()) for o in metric.operands)
            updates.append(f"metrics[{literal(metric.name)}].update({', '.join(operands)})")
        result = "{name: float(metric.result()) for name, metric in metrics.items()}"
        if loss is not None:
            mean = '"loss": total / len(arrays[0])'
            result = f"{{{mean}, **{result}}}" if made else f"{{{mean}}}"
        first = code.inputs[0]
        counted = [f"total += len({first}) * float({render(loss.asscalar())})"] if loss else []
        return "\n".join(
            [
                "def evaluate(model, arrays, args):",
                '    """The metrics over all rows of the arrays."""',
                *(
                    ["    metrics = {", *(f"        {line}" for line in made), "    }"]
                    if made
                    else []
                ),
                *(["    total = 0.0"] if counted else []),
                "    for start in range(0, len(arrays[0]), args.batch_size):",
                f"        {unpacked(code.inputs)} = (",
                f"            {self._moved('part')}",
                "            for part in (a[start : start + args.batch_size] for a in arrays)",
                "        )",
                *lines(code.statements, 2),
                *(f"        {line}" for line in (*updates, *counted)),
                f"    return {result}",
            ]
        )


def _draws(model: Graph, loss: Graph) -> bool:
    """Whether a step of training draws random numbers."""
    drawn = any(isinstance(i, Apply) and i.op.is_random for i in loss.body.walk())
    return drawn or any(layer.op.in_training is InTraining.RANDOM for layer in layers_of(model))


_RESEED = '''\
def reseed(seed, step):
    """Random numbers follow from the step, since MXNet's generator cannot be saved."""
    state = np.random.SeedSequence((seed, step)).generate_state(1)
    mx.random.seed(int(state[0]) >> 1)'''

_CHECKPOINT = '''\
def save_checkpoint(args, model, trainer, step):
    """Write weights, optimizer state and step to `args.checkpoint`."""
    tensors = {f"weights/{name}": p.data() for name, p in weights(model).items()}
    for name, index in trained(model, trainer).items():
        for slot, array in enumerate(slots(trainer, index)):
            tensors[f"optimizer/{name}/{slot}"] = array
    run = {**identity(args.seed, args.batch_size), "step": str(step)}
    write(args.checkpoint, {n: array.asnumpy() for n, array in tensors.items()}, run)


def load_checkpoint(args, model, trainer):
    """Put everything back as `save_checkpoint` found it; gives the step."""
    tensors, step = read_checkpoint(args.resume, identity(args.seed, args.batch_size))
    kept = {n[8:]: t for n, t in tensors.items() if n.startswith("weights/")}
    load(model, kept, args.resume)
    for name, index in trained(model, trainer).items():
        for slot, array in enumerate(slots(trainer, index)):
            array[:] = tensors[f"optimizer/{name}/{slot}"]
        trainer.optimizer._index_update_count[index] = step
    trainer.optimizer.num_update = step
    return step


def trained(model, trainer):
    """The optimizer's numbers of the parameters that it changes."""
    numbers = {p.name: index for index, p in enumerate(trainer._params)}
    return {
        name: numbers[parameter.name]
        for name, parameter in weights(model).items()
        if parameter.grad_req != "null"
    }


def slots(trainer, index):
    """The arrays that the optimizer keeps for a parameter, made if need be."""
    updater = trainer._updaters[0]
    if index not in updater.states:
        weight = trainer._params[index].data()
        state = trainer.optimizer.create_state_multi_precision(index, weight)
        updater.states[index] = state
        updater.states_synced[index] = True
    state = updater.states[index]
    return state if isinstance(state, tuple) else [] if state is None else [state]'''
