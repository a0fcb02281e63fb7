"""Training and evaluation as an explicit PyTorch loop."""

from __future__ import annotations

from tercet.backends.base import Place
from tercet.backends.pytorch.checkpoint import checkpoint_text
from tercet.backends.pytorch.optimizers import GROUPS, groups_piece, optimizer_call
from tercet.backends.pytorch.precision import check_precision, indented, lstm_check
from tercet.backends.pytorch.target import PyTorchTarget
from tercet.codegen.expr import Binary, Expr, Helper, Name
from tercet.codegen.functions import FunctionCode, helpers_of, print_function
from tercet.codegen.interface import Interface
from tercet.codegen.render import render
from tercet.codegen.script.data import data_code
from tercet.codegen.script.draws import EVALUATION, draws_itself, has_random_layers
from tercet.codegen.script.files import LOG, checkpoint_piece
from tercet.codegen.script.loop import LOOP_IMPORTS, LOOP_NAMES, REST, Loop
from tercet.codegen.script.metrics import printed_metrics, result_lines
from tercet.codegen.script.pieces import Piece, literal, rendered, unpacked
from tercet.codegen.script.schedules import FUNCTION, schedule_piece
from tercet.codegen.script.size_checks import batch_checks
from tercet.codegen.script.style import Style
from tercet.codegen.script.training import (
    BATCHES,
    base_rate,
    clip_constant,
    optimizer_constants,
    training_lines,
)
from tercet.codegen.script.weight_checks import WeightCheck
from tercet.codegen.specialised import layers_of
from tercet.codegen.tree import find_parts
from tercet.codegen.writer import Evaluate, lines
from tercet.compiler.graph.ir import Graph
from tercet.compiler.graph.training import Training
from tercet.compiler.ops.norm import BatchNorm
from tercet.compiler.training.clipping import ClipValue, GlobalNorm
from tercet.compiler.types import DType

_IMPORTS = (
    *LOOP_IMPORTS,
    "import numpy as np",
    "from torch.utils.data import DataLoader, TensorDataset",
)

_TAKEN = (
    *LOOP_NAMES,
    *(
        "arrays",
        "batch",
        "dataset",
        "device_type",
        "gradients",
        "group",
        "metrics",
        "norm",
        "optimizer",
        "scaler",
        "t",
    ),
)
"""Names of `train` and `evaluate` that a loss must not take."""
_EACH_WEIGHT = (
    "name, tensor in weights(model).items()",
    "tensor.isfinite().all()",
)


class TrainingPrinter:
    """Prints `train`, `evaluate` and what they need."""

    def __init__(
        self,
        interface: Interface,
        training: Training,
        target: PyTorchTarget,
        place: Place,
        style: Style,
    ) -> None:
        model = interface.model
        check_precision((model, training.update.loss), training)
        self._training = training
        self._target = target
        self._model = model
        self._style = style
        self.data = data_code(
            training.data, place.model_folder, place.script_folder, interface.data_checks, style
        )
        self._schedule = schedule_piece(training.update.schedule)
        self._metrics = printed_metrics(training.metrics)

    def pieces(self, renamed: bool) -> list[Piece]:
        """Everything from `load_data` to the checkpoints, in the order of the script.

        `renamed`: whether the script has `source_name`.
        """
        schedule = (
            [] if self._schedule is None else [Piece(self._schedule.text, self._schedule.imports)]
        )
        evaluation = self._evaluate()
        return [
            Piece(self.data.piece.text, self.data.piece.imports),
            *self._style.ordered_only(BATCHES),
            *schedule,
            self._metrics.piece,
            *([groups_piece(renamed)] if self._training.decay_exceptions else []),
            *self._style.ordered_only(Piece(_IN_ORDER)),
            Piece(self._train(), _IMPORTS),
            *self._loop.check.pieces,
            *([Piece(evaluation)] if evaluation else []),
            *self._style.full_only(
                LOG,
                Piece(checkpoint_text(self._scaled)),
                checkpoint_piece(self._model.name, "pytorch", self._training),
            ),
        ]

    def helpers(self) -> set[str]:
        """Helpers that losses and metrics call, or that are the optimizer."""
        training = self._training
        graphs = [training.update.loss, training.evaluation]
        codes = [self._function(graph) for graph in graphs if graph is not None]
        called = Evaluate(self._optimizer)
        return helpers_of(*codes) | {h.identifier for h in find_parts((called,), Helper)}

    def main_lines(self) -> list[str]:
        """What `main` does between the weights given and those saved."""
        checks = self._style.full_only(*batch_checks(self._training, self._model.name))
        evaluated = self._training.evaluation is not None
        return training_lines(self._training, self.data, evaluated, checks, self._style)

    @property
    def draws(self) -> bool:
        """Whether loss or evaluation draw random numbers."""
        training = self._training
        return draws_itself(training.update.loss) or draws_itself(training.evaluation)

    @property
    def _begun(self) -> list[str]:
        """The line that begins a step of an exact script that draws random numbers."""
        drawn = draws_itself(self._training.update.loss) or has_random_layers(self._model)
        return ["draws.begin(args.seed, step)"] if self._style.exact and drawn else []

    @property
    def _optimizer(self) -> Expr:
        training = self._training
        rate, constants = base_rate(self._style), optimizer_constants(training)
        return optimizer_call(
            training.update.optimizer,
            self._parameters,
            rate,
            constants,
            exact=self._style.exact,
        )

    @property
    def _parameters(self) -> Expr:
        """What the optimizer is given."""
        model = Name("model")
        return Name(GROUPS)(model) if self._training.decay_exceptions else model.parameters()

    def _function(self, graph: Graph) -> FunctionCode:
        (name,) = self._training.models
        return print_function(graph, self._target, {name: Name("model")}, _TAKEN)

    def _train(self) -> str:
        training, loop = self._training, self._loop
        code = self._function(training.update.loss)
        loss = render(code.results["loss"])
        forward = [
            *(lines(code.statements) if code.statements else ()),
            *([f"loss = {loss}"] if loss != "loss" else []),
        ]
        if training.is_mixed:
            forward = ["with torch.autocast(device_type, PRECISION):", *indented(forward)]
        body = [
            *self._begun,
            *self._rate(),
            "optimizer.zero_grad()",
            *forward,
            *self._update(),
            *loop.after_step("loss.item()"),
        ]
        return "\n".join(
            [
                "def train(model, arrays, args):",
                loop.docstring,
                "    dataset = TensorDataset(*map(torch.from_numpy, arrays))",
                f"    optimizer = {rendered(self._optimizer)}",
                *self._mixed_lines(),
                *(f"    # {note}" for note in self._comments),
                *(f"    {line}" for line in loop.before),
                "        model.train()",
                *(f"        {line}" for line in loop.epoch),
                "        for batch in tqdm(loader, desc=title, disable=None):",
                f"            {unpacked(code.inputs)} = (t.to(args.device) for t in batch)",
                *(f"            {line}" for line in body),
                *(f"        {line}" for line in loop.after_epoch),
                *(f"    {line}" for line in loop.end),
            ]
        )

    @property
    def _comments(self) -> list[str]:
        """What training does otherwise than the language says."""
        if self._style.exact or not any(
            isinstance(layer.op, BatchNorm) for layer in layers_of(self._model)
        ):
            return []
        return ["PyTorch's BatchNorm averages unbiased variances; the source means biased ones."]

    @property
    def notes(self) -> tuple[str, ...]:
        """The same for who compiles."""
        return tuple(f"{self._model.name}: {comment}" for comment in self._comments)

    @property
    def _loop(self) -> Loop:
        return Loop(
            self._style,
            WeightCheck(self._model, self._style, *_EACH_WEIGHT),
            rows="len(dataset)",
            batches=f"in_order(dataset, {self._style.pick(full=REST, lean='order')})",
            loader="DataLoader(dataset, args.batch_size, shuffle=True, drop_last=True)",
            state="model, optimizer, scaler" if self._scaled else "model, optimizer",
            rate='optimizer.param_groups[0]["lr"]',
            scheduled=self._schedule is not None,
        )

    @property
    def _scaled(self) -> bool:
        """Whether the loss is scaled, so that its gradients do not vanish in f16."""
        return self._training.precision is DType.F16

    def _mixed_lines(self) -> list[str]:
        """What mixed precision needs before the steps."""
        if not self._training.is_mixed:
            return []
        found = ["    device_type = torch.device(args.device).type"]
        if self._scaled:
            found += lstm_check(self._model)
            found.append("    scaler = torch.amp.GradScaler(device_type)")
        return found

    def _update(self) -> list[str]:
        """From the loss to the step of the optimizer."""
        clip = self._clip()
        if not self._scaled:
            return ["loss.backward()", *clip, "optimizer.step()"]
        return [
            "scaler.scale(loss).backward()",
            *(["scaler.unscale_(optimizer)"] if clip else []),
            *clip,
            "scaler.step(optimizer)",
            "scaler.update()",
        ]

    def _rate(self) -> list[str]:
        if self._schedule is None:
            return []
        return [
            "for group in optimizer.param_groups:",
            f'    group["lr"] = {render(base_rate(self._style))} * {FUNCTION}(step, steps)',
        ]

    def _clip(self) -> list[str]:
        clip = self._training.update.clip
        match clip:
            case None:
                return []
            case GlobalNorm(limit) if limit < 1 or self._style.exact:
                name, _ = clip_constant(clip)
                return _exact_clip(name)
            case GlobalNorm():
                function = "clip_grad_norm_"
            case ClipValue():
                function = "clip_grad_value_"
            case _:
                raise TypeError(type(clip).__name__)
        name, _ = clip_constant(clip)
        return [f"nn.utils.{function}(model.parameters(), {name})"]

    def _evaluate(self) -> str:
        training = self._training
        if training.evaluation is None:
            return ""
        code = self._function(training.evaluation)
        loss = code.results.get("loss")
        made = [f"{literal(name)}: {expr}" for name, expr in self._metrics.objects.items()]
        updates = []
        for metric in training.metrics:
            operands = [render(code.results[o].cpu().numpy()) for o in metric.operands]
            updates.append(f"metrics[{literal(metric.name)}].update({', '.join(operands)})")
        counted = [] if loss is None else [f"total += {render(_weighted(code, loss))}"]
        batches = "batch in DataLoader(dataset, args.batch_size)"
        begun = []
        if self._style.exact and draws_itself(training.evaluation):
            batches = "number, batch in enumerate(DataLoader(dataset, args.batch_size))"
            begun = [f"draws.begin(args.seed, number, {EVALUATION})"]
        mean = "float(total) / len(dataset)" if loss is not None else ""
        returned = result_lines(mean, self._metrics)
        return "\n".join(
            [
                "@torch.no_grad()",
                "def evaluate(model, arrays, args):",
                '    """Loss and metrics over all rows of the arrays."""',
                "    model.eval()",
                "    dataset = TensorDataset(*map(torch.from_numpy, arrays))",
                *([f"    metrics = {{{', '.join(made)}}}"] if made else []),
                *(["    total = 0.0"] if loss is not None else []),
                f"    for {batches}:",
                *(f"        {line}" for line in begun),
                f"        {unpacked(code.inputs)} = (t.to(args.device) for t in batch)",
                *lines(code.statements, 2),
                *(f"        {line}" for line in (*updates, *counted)),
                *(f"    {line}" for line in returned),
            ]
        )


def _exact_clip(limit: str) -> list[str]:
    """Clipping to a limit so small that what PyTorch adds to the norm, 1e-6, would matter."""
    return [
        "gradients = [p.grad for p in model.parameters() if p.grad is not None]",
        "norm = nn.utils.get_total_norm(gradients) - 1e-6  # PyTorch adds it again",
        f"nn.utils.clip_grads_with_norm_(model.parameters(), {limit}, norm)",
    ]


def _weighted(code: FunctionCode, loss: Expr) -> Expr:
    """The loss times the rows of its batch."""
    return Binary("*", Name("len")(Name(code.inputs[0])), loss)


_IN_ORDER = '''\
def in_order(dataset, order):
    """A loader of batches drawn already; it leaves the random state alone."""
    return DataLoader(dataset, batch_size=None, sampler=order, generator=torch.Generator())'''
