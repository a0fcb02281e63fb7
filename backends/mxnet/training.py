"""Training and evaluation as an explicit Gluon loop."""

from __future__ import annotations

from collections.abc import Sequence

from tercet.backends.base import Place, layer_precision
from tercet.backends.mxnet.optimizers import printed_optimizer, spared
from tercet.backends.mxnet.precision import check_precision, mixed_precision_piece
from tercet.backends.mxnet.target import MXNetTarget
from tercet.codegen.expr import Name
from tercet.codegen.functions import FunctionCode, helpers_of, print_function
from tercet.codegen.interface import Interface
from tercet.codegen.render import render
from tercet.codegen.script.data import data_code
from tercet.codegen.script.draws import EVALUATION, draws_itself, has_random_layers
from tercet.codegen.script.files import LOG, checkpoint_piece
from tercet.codegen.script.loop import LOOP_IMPORTS, LOOP_NAMES, REST, Loop
from tercet.codegen.script.metrics import printed_metrics, result_lines
from tercet.codegen.script.pieces import Piece, literal, unpacked
from tercet.codegen.script.schedules import FUNCTION, schedule_piece
from tercet.codegen.script.size_checks import batch_checks
from tercet.codegen.script.style import Style
from tercet.codegen.script.training import (
    BATCHES,
    MATCHED_IMPORT,
    base_rate,
    clip_constant,
    optimizer_constants,
    training_lines,
)
from tercet.codegen.script.weight_checks import WeightCheck
from tercet.codegen.writer import lines
from tercet.compiler.graph.ir import Graph
from tercet.compiler.graph.reach import unreached
from tercet.compiler.graph.training import Training
from tercet.compiler.training.clipping import ClipValue, GlobalNorm
from tercet.compiler.types import DType

_IMPORTS = (
    *LOOP_IMPORTS,
    "import numpy as np",
    "from mxnet import autograd, gluon, nd",
    MATCHED_IMPORT,
)
_TAKEN = (
    *LOOP_NAMES,
    *("before", "changed", "factor", "gradient", "gradients", "norm", "parameter"),
    *("array", "arrays", "batch", "dataset", "mixed", "rows", "trainer"),
)
_EACH_WEIGHT = (
    "name, parameter in weights(model).items()",
    "np.isfinite(parameter.data().asnumpy()).all()",
)


class TrainingPrinter:
    """Prints `train`, `evaluate` and what they need."""

    def __init__(
        self, interface: Interface, training: Training, place: Place, style: Style
    ) -> None:
        model = interface.model
        check_precision(model, training)
        self._training = training
        self._model = model
        self._style = style
        self.data = data_code(
            training.data, place.model_folder, place.script_folder, interface.data_checks, style
        )
        self._schedule = schedule_piece(training.update.schedule)
        self._metrics = printed_metrics(training.metrics)
        self._optimizer = printed_optimizer(
            training.update,
            base_rate(style),
            optimizer_constants(training),
            exact=style.exact,
        )
        self._loss = self._function(training.update.loss, "mixed" if training.is_mixed else "model")
        evaluation = training.evaluation
        self._evaluation = self._function(evaluation, "model") if evaluation else None
        self._drawn = draws_itself(training.update.loss) or has_random_layers(model)
        self._reseeds = self._drawn and not style.exact

    @property
    def draws(self) -> bool:
        """Whether loss or evaluation draw random numbers."""
        training = self._training
        return draws_itself(training.update.loss) or draws_itself(training.evaluation)

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
            *self._style.ordered_only(BATCHES),
            *schedule,
            self._optimizer.piece,
            self._metrics.piece,
            *([mixed_precision_piece(self._model)] if self._training.is_mixed else []),
            Piece(self._train(), _IMPORTS),
            *self._loop.check.pieces,
            *self._style.full_only(*([Piece(_RESEED)] if self._reseeds else [])),
            *([Piece(evaluation)] if evaluation else []),
            *self._style.full_only(
                LOG,
                Piece(_CHECKPOINT),
                checkpoint_piece(self._model.name, "mxnet", self._training),
            ),
        ]

    def main_lines(self) -> list[str]:
        """What `main` does between the weights given and those saved."""
        checks = self._style.full_only(*batch_checks(self._training, self._model.name))
        return training_lines(
            self._training, self.data, self._evaluation is not None, checks, self._style
        )

    def _function(self, graph: Graph, model_name: str) -> FunctionCode:
        (name,) = self._training.models
        target = MXNetTarget(self._model, eager=True, exact=self._style.exact)
        return print_function(graph, target, {name: Name(model_name)}, _TAKEN)

    def _moved(self, rows: str) -> str:
        """Rows on the device: `nd.array` takes six times as long, but knows int8."""
        if any(i.value.type.dtype is DType.I8 for i in self._training.update.loss.inputs):
            return f"nd.array({rows}, ctx=args.device, dtype={rows}.dtype)"
        return f"nd.from_numpy(np.ascontiguousarray({rows})).as_in_context(args.device)"

    def _train(self) -> str:
        code, loop, clipped = self._loss, self._loop, self._clip()
        loss = render(code.results["loss"])
        mixed = ["    mixed = mixed_precision(model, args.device)"]
        body = [
            *self._batch,
            *self._style.exact_only(*(["draws.begin(args.seed, step)"] if self._drawn else [])),
            *self._rate(),
            "with autograd.record():",
            *lines(code.statements, 1),
            *([f"    loss = {loss}"] if loss != "loss" else []),
            "loss.backward()",
            *clipped,
            f"trainer.step(1{', ignore_stale_grad=True' * bool(unreached(self._model))})",
            *loop.after_step("float(loss.asscalar())"),
        ]
        return "\n".join(
            [
                "def train(model, arrays, args):",
                loop.docstring,
                *(mixed if self._training.is_mixed else []),
                *spared(self._training, self._model),
                *(f"    {note}" for note in self._optimizer.notes),
                f"    trainer = gluon.Trainer(model.collect_params(), {self._optimizer.arguments})",
                *self._changed(clipped),
                *([] if self._style.ordered else [f"    {_DATASET}"]),
                *(f"    {line}" for line in loop.before),
                *(f"        {line}" for line in loop.epoch),
                f"        for {self._item} in tqdm(loader, desc=title, disable=None):",
                *(f"            {line}" for line in body),
                *(f"        {line}" for line in loop.after_epoch),
                *(f"    {line}" for line in loop.end),
            ]
        )

    @property
    def _loop(self) -> Loop:
        shuffled = 'args.batch_size, shuffle=True, last_batch="discard"'
        return Loop(
            self._style,
            WeightCheck(self._model, self._style, *_EACH_WEIGHT),
            rows="len(arrays[0])",
            batches=self._style.pick(full=REST, lean="order"),
            loader=f"gluon.data.DataLoader(dataset, {shuffled})",
            state="model, trainer",
            rate="trainer.learning_rate",
            scheduled=self._schedule is not None,
            fresh=("reseed(args.seed, step)",) if self._reseeds else (),
        )

    @property
    def _item(self) -> str:
        """What the loader gives for each batch."""
        return "rows" if self._style.ordered else "batch"

    @property
    def _batch(self) -> list[str]:
        """Lines that put a batch on the device."""
        names = self._loss.inputs
        if not self._style.ordered:
            return [_of_loader(names)]
        return [
            f"{unpacked(names)} = (",
            f"    {self._moved('array[rows]')}",
            "    for array in arrays",
            ")",
        ]

    def _rate(self) -> list[str]:
        """Lines that set what changes from step to step."""
        lines = list(self._optimizer.each_step)
        if self._schedule is None:
            return lines
        rate = render(base_rate(self._style))
        if not any("factor" in line for line in lines):
            return [f"trainer.set_learning_rate({rate} * {FUNCTION}(step, steps))", *lines]
        return [
            f"factor = {FUNCTION}(step, steps)",
            f"before = {FUNCTION}(max(0, step - 1), steps)",
            f"trainer.set_learning_rate({rate} * factor)",
            *lines,
        ]

    def _clip(self) -> list[str]:
        clip = self._training.update.clip
        match clip:
            case None:
                return []
            case GlobalNorm():
                clipped = self._norm_clip(clip_constant(clip)[0])
            case ClipValue():
                if self._optimizer.clips:
                    return []
                name, _ = clip_constant(clip)
                clipped = [
                    "for gradient in gradients:",
                    *self._value_clip(name),
                ]
            case _:
                raise TypeError(type(clip).__name__)
        return ["gradients = [parameter.grad() for parameter in changed]", *clipped]

    def _changed(self, clipped: list[str]) -> list[str]:
        """The parameters whose gradients are clipped, collected once: it takes a while."""
        named = 'if parameter.grad_req != "null"'
        every = "for parameter in model.collect_params().values()"
        return [f"    changed = [parameter {every} {named}]"] if clipped else []

    def _norm_clip(self, limit: str) -> list[str]:
        """Lines that clip all `gradients` together: Gluon's function knows float32 alone."""
        whole = self._style.exact or layer_precision(self._model, "mxnet") is not None
        if not whole:
            return [f"gluon.utils.clip_global_norm(gradients, {limit}, check_isfinite=False)"]
        return [
            "norm = nd.sqrt(nd.add_n(*(nd.sum(gradient**2) for gradient in gradients)))",
            "for gradient in gradients:",
            f"    gradient *= {limit} / nd.maximum(norm, {limit})",
        ]

    def _value_clip(self, limit: str) -> list[str]:
        """The line that clips a gradient by value; MXNet's operation has its bounds in float32."""
        if self._style.exact:
            return [f"    gradient[:] = nd.minimum(nd.maximum(gradient, -{limit}), {limit})"]
        return [f"    nd.clip(gradient, -{limit}, {limit}, out=gradient)"]

    def _evaluated_batches(self, names: Sequence[str]) -> list[str]:
        """The head of the loop over the rows to evaluate on, and lines that begin it."""
        found = self._unseeded_batches(names)
        if self._style.exact and draws_itself(self._training.evaluation):
            number = "start // args.batch_size"
            if self._style.lean:
                number = "number"
                loader = found[1].removeprefix("for batch in ").removesuffix(":")
                found[1] = f"for number, batch in enumerate({loader}):"
            found.append(f"    draws.begin(args.seed, {number}, {EVALUATION})")
        return found

    def _unseeded_batches(self, names: Sequence[str]) -> list[str]:
        return self._style.pick(
            full=[
                "for start in range(0, len(arrays[0]), args.batch_size):",
                f"    {unpacked(names)} = (",
                f"        {self._moved('part')}",
                "        for part in (a[start : start + args.batch_size] for a in arrays)",
                "    )",
            ],
            lean=[
                _DATASET,
                "for batch in gluon.data.DataLoader(dataset, args.batch_size):",
                f"    {_of_loader(names)}",
            ],
        )

    def _evaluate(self) -> str:
        code, training = self._evaluation, self._training
        if code is None:
            return ""
        loss = code.results.get("loss")
        made = [f"{literal(name)}: {expr}" for name, expr in self._metrics.objects.items()]
        updates = []
        for metric in training.metrics:
            operands = (render(code.results[o].asnumpy()) for o in metric.operands)
            updates.append(f"metrics[{literal(metric.name)}].update({', '.join(operands)})")
        returned = result_lines("total / len(arrays[0])" if loss is not None else "", self._metrics)
        first = code.inputs[0]
        counted = [f"total += len({first}) * float({render(loss.asscalar())})"] if loss else []
        return "\n".join(
            [
                "def evaluate(model, arrays, args):",
                '    """The metrics over all rows of the arrays."""',
                *([f"    metrics = {{{', '.join(made)}}}"] if made else []),
                *(["    total = 0.0"] if counted else []),
                *(f"    {line}" for line in self._evaluated_batches(code.inputs)),
                *lines(code.statements, 2),
                *(f"        {line}" for line in (*updates, *counted)),
                *(f"    {line}" for line in returned),
            ]
        )


_DATASET = "dataset = gluon.data.ArrayDataset(*arrays)"


def _of_loader(names: Sequence[str]) -> str:
    """The line that puts a batch of Gluon's loader, which makes no tuple of one array, in place."""
    if len(names) == 1:
        return f"{names[0]} = batch.as_in_context(args.device)"
    return f"{', '.join(names)} = (array.as_in_context(args.device) for array in batch)"


_RESEED = '''\
def reseed(seed, step):
    """Begin random numbers anew where a run may resume: MXNet cannot save them."""
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
            found = tensors.get(f"optimizer/{name}/{slot}", np.empty(0))
            if (found.shape or (1,), found.dtype) != (array.shape, array.dtype):
                raise SystemExit(f"{args.resume}: no {slot} of the optimizer for {name}")
            array[:] = found
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
