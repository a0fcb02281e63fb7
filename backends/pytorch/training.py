"""Training and evaluation as an explicit PyTorch loop."""

from __future__ import annotations

from tercet.backends.base import Place
from tercet.backends.pytorch.checkpoint import checkpoint_text
from tercet.backends.pytorch.optimizers import GROUPS, groups_piece, optimizer_call
from tercet.backends.pytorch.precision import check_precision, indented, lstm_check
from tercet.backends.pytorch.target import PyTorchTarget
from tercet.codegen.expr import Binary, Expr, Helper, Name
from tercet.codegen.functions import FunctionCode, helpers_of, print_function
from tercet.codegen.render import render
from tercet.codegen.script.data import data_code
from tercet.codegen.script.files import LOG, checkpoint_piece
from tercet.codegen.script.metrics import printed_metrics
from tercet.codegen.script.pieces import Piece, literal, rendered, unpacked
from tercet.codegen.script.schedules import FUNCTION, schedule_piece
from tercet.codegen.script.size_checks import batch_checks
from tercet.codegen.script.training import (
    BATCHES,
    clip_constant,
    optimizer_constants,
    training_lines,
)
from tercet.codegen.tree import find_parts
from tercet.codegen.writer import Evaluate, lines
from tercet.compiler.graph.ir import Graph
from tercet.compiler.graph.labels import data_checks
from tercet.compiler.graph.training import Training
from tercet.compiler.training.clipping import ClipValue, GlobalNorm
from tercet.compiler.types import DType

_IMPORTS = (
    "import sys",
    "import numpy as np",
    "from torch.utils.data import DataLoader, TensorDataset",
    "from tqdm import tqdm",
)

_TAKEN = (
    *("args", "arrays", "batch", "dataset", "device_type", "epoch", "epoch_steps", "loader"),
    *("metrics", "optimizer", "order", "scaler", "step", "steps", "t", "total"),
)
"""Names of `train` and `evaluate` that a loss must not take."""


class TrainingPrinter:
    """Prints `train`, `evaluate` and what they need."""

    def __init__(
        self, model: Graph, training: Training, target: PyTorchTarget, place: Place
    ) -> None:
        check_precision((model, training.update.loss), training)
        self._training = training
        self._target = target
        self._model = model
        self.data = data_code(
            training.data, place.model_folder, place.script_folder, data_checks(training)
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
            BATCHES,
            *schedule,
            self._metrics.piece,
            *([groups_piece(renamed)] if self._training.decay_exceptions else []),
            Piece(_IN_ORDER),
            Piece(self._train(), _IMPORTS),
            *([Piece(evaluation)] if evaluation else []),
            LOG,
            Piece(checkpoint_text(self._scaled)),
            checkpoint_piece(self._model.name, "pytorch", self._training),
        ]

    def helpers(self) -> set[str]:
        """Helpers that losses and metrics call, or that are the optimizer."""
        training = self._training
        graphs = [training.update.loss, training.evaluation]
        codes = [self._function(graph) for graph in graphs if graph is not None]
        called = Evaluate(optimizer_call(training.update.optimizer, self._parameters, {}))
        return helpers_of(*codes) | {h.identifier for h in find_parts((called,), Helper)}

    def main_lines(self) -> list[str]:
        """What `main` does between the weights given and those saved."""
        checks = batch_checks(self._training, self._model.name)
        return training_lines(self.data.call, self._training.evaluation is not None, checks)

    @property
    def _parameters(self) -> Expr:
        """What the optimizer is given."""
        model = Name("model")
        return Name(GROUPS)(model) if self._training.decay_exceptions else model.parameters()

    def _function(self, graph: Graph) -> FunctionCode:
        (name,) = self._training.models
        return print_function(graph, self._target, {name: Name("model")}, _TAKEN)

    def _train(self) -> str:
        training = self._training
        code = self._function(training.update.loss)
        loss = render(code.results["loss"])
        optimizer = rendered(
            optimizer_call(
                training.update.optimizer, self._parameters, optimizer_constants(training)
            )
        )
        forward = [
            *(lines(code.statements) if code.statements else ()),
            *([f"loss = {loss}"] if loss != "loss" else []),
        ]
        if training.is_mixed:
            forward = ["with torch.autocast(device_type, PRECISION):", *indented(forward)]
        state = "model, optimizer, scaler" if self._scaled else "model, optimizer"
        body = [
            *self._rate(),
            "optimizer.zero_grad()",
            *forward,
            *self._update(),
            "step += 1",
            "total += loss.detach()",
            "if args.checkpoint_every and step % args.checkpoint_every == 0:",
            f"    save_checkpoint(args, {state}, step)",
        ]
        return "\n".join(
            [
                "def train(model, arrays, args):",
                '    """Train on the arrays until `args.epochs` are done; gives the step."""',
                "    dataset = TensorDataset(*map(torch.from_numpy, arrays))",
                f"    optimizer = {optimizer}",
                *self._mixed_lines(),
                f"    step = load_checkpoint(args, {state}) if args.resume else 0",
                "    epoch_steps = len(batches(len(dataset), args.batch_size, args.seed, 0))",
                *(["    steps = args.epochs * epoch_steps"] if self._schedule else []),
                "    for epoch in range(step // epoch_steps, args.epochs):",
                "        model.train()",
                "        order = batches(len(dataset), args.batch_size, args.seed, epoch)",
                "        loader = in_order(dataset, order[step % epoch_steps :])",
                "        total = 0.0",
                '        title = f"epoch {epoch + 1}/{args.epochs}"',
                "        for batch in tqdm(loader, desc=title, disable=None):",
                f"            {unpacked(code.inputs)} = (t.to(args.device) for t in batch)",
                *(f"            {line}" for line in body),
                "        mean = float(total) / len(loader)",
                '        print(f"epoch {epoch + 1}: loss {mean:.4f}", file=sys.stderr)',
                "        if args.log_dir:",
                '            rate = optimizer.param_groups[0]["lr"]',
                '            record = {"epoch": epoch + 1, "step": step, "loss": mean}',
                '            log(args.log_dir, {**record, "learning_rate": rate})',
                "        if args.checkpoint:",
                f"            save_checkpoint(args, {state}, step)",
                "    return step",
            ]
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
            f'    group["lr"] = args.lr * {FUNCTION}(step, steps)',
        ]

    def _clip(self) -> list[str]:
        clip = self._training.update.clip
        match clip:
            case None:
                return []
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
        result = "{name: float(metric.result()) for name, metric in metrics.items()}"
        if loss is not None:
            result = (
                f'{{"loss": float(total) / len(dataset), **{result}}}'
                if made
                else '{"loss": float(total) / len(dataset)}'
            )
        return "\n".join(
            [
                "@torch.no_grad()",
                "def evaluate(model, arrays, args):",
                '    """Loss and metrics over all rows of the arrays."""',
                "    model.eval()",
                "    dataset = TensorDataset(*map(torch.from_numpy, arrays))",
                *([f"    metrics = {{{', '.join(made)}}}"] if made else []),
                *(["    total = 0.0"] if loss is not None else []),
                "    for batch in DataLoader(dataset, args.batch_size):",
                f"        {unpacked(code.inputs)} = (t.to(args.device) for t in batch)",
                *lines(code.statements, 2),
                *(f"        {line}" for line in (*updates, *counted)),
                f"    return {result}",
            ]
        )


def _weighted(code: FunctionCode, loss: Expr) -> Expr:
    """The loss times the rows of its batch."""
    return Binary("*", Name("len")(Name(code.inputs[0])), loss)


_IN_ORDER = '''\
def in_order(dataset, order):
    """A loader of batches drawn already; it leaves the random state alone."""
    return DataLoader(dataset, batch_size=None, sampler=order, generator=torch.Generator())'''
