"""Training by `compile` and `fit`, evaluation by `evaluate` or a loop of its own."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from tercet.backends.base import Place
from tercet.backends.tensorflow.checkpoint import CHECKPOINT, PROGRESS_IMPORTS, progress
from tercet.backends.tensorflow.cost import steps_per_execution
from tercet.backends.tensorflow.evaluation import own_evaluate, statements, stock_evaluate
from tercet.backends.tensorflow.fitting import (
    lean_train_function,
    ordered_data,
    rate_table,
    shuffled_data,
    train_function,
    train_names,
)
from tercet.backends.tensorflow.optimizers import check_optimizer, own_class
from tercet.backends.tensorflow.precision import policy, pooling_check, precision_pieces
from tercet.backends.tensorflow.preparing import (
    EXECUTION,
    Stock,
    compile_lines,
    prepare_function,
)
from tercet.backends.tensorflow.stock import Applied, stock_loss, stock_metrics
from tercet.backends.tensorflow.target import DTYPES, TensorFlowTarget
from tercet.codegen.expr import Expr, Name
from tercet.codegen.functions import FunctionCode, helpers_of, print_function
from tercet.codegen.interface import Interface
from tercet.codegen.render import render
from tercet.codegen.script.data import data_code
from tercet.codegen.script.draws import draws_itself, has_random_layers
from tercet.codegen.script.files import LOG, checkpoint_piece
from tercet.codegen.script.metrics import PrintedMetrics, printed_metrics
from tercet.codegen.script.pieces import Piece
from tercet.codegen.script.schedules import schedule_piece
from tercet.codegen.script.size_checks import batch_checks
from tercet.codegen.script.style import Style
from tercet.codegen.script.training import BATCHES, MATCHED_IMPORT, training_lines
from tercet.codegen.script.weight_checks import WeightCheck
from tercet.codegen.tree import find_parts
from tercet.compiler.graph.ir import Graph
from tercet.compiler.graph.training import LOSS, Training
from tercet.compiler.training.optimizers import Adagrad
from tercet.compiler.types import DType

_IMPORTS = (
    "import contextlib",
    "import sys",
    MATCHED_IMPORT,
    "import numpy as np",
)
_EACH_WEIGHT = (
    "name, variable, *_ in weights(model)",
    "np.isfinite(variable.numpy()).all()",
)


class TrainingPrinter:
    """Prints `prepare`, `train`, `evaluate` and what they need."""

    def __init__(
        self,
        interface: Interface,
        training: Training,
        target: TensorFlowTarget,
        place: Place,
        style: Style,
    ) -> None:
        model = interface.model
        check_optimizer(model, training)
        self._model = model
        self._training = training
        self._target = target
        self._style = style
        self.data = data_code(
            training.data, place.model_folder, place.script_folder, interface.data_checks, style
        )
        self._schedule = schedule_piece(training.update.schedule)
        self._applied = Applied(training.update.loss, model, len(model.inputs))
        self._count = len(model.inputs)
        many = steps_per_execution(model, training.batch)
        self._eager = style.exact and (self.draws or has_random_layers(model))
        self._execution = 1 if style.lean or self._eager else many

    @staticmethod
    def graphs(training: Training) -> tuple[Graph, ...]:
        """The functions of a training, which the target must know from the start."""
        evaluation = () if training.evaluation is None else (training.evaluation,)
        return (*(update.loss for update in training.updates), *evaluation)

    # ---------------------------------------------------------------------------- decisions

    @property
    def _scaled(self) -> bool:
        """Whether the loss is scaled, so that its gradients do not vanish in f16."""
        return self._training.precision is DType.F16

    @property
    def draws(self) -> bool:
        """Whether the loss or the evaluation draws random numbers."""
        return any(map(draws_itself, self.graphs(self._training)))

    @cached_property
    def _stock_loss(self) -> Expr | None:
        return stock_loss(self._applied)

    @cached_property
    def _stock_metrics(self) -> list[Expr] | None:
        """Keras' metrics, if its own `evaluate` can do all there is to evaluate."""
        evaluation = self._training.evaluation
        if evaluation is None or LOSS not in {o.name for o in evaluation.outputs}:
            return None
        if not self._applied.is_plain:
            return None
        return stock_metrics(self._training, Applied(evaluation, self._model, self._count))

    @cached_property
    def _numpy_metrics(self) -> PrintedMetrics:
        return printed_metrics(self._training.metrics)

    @property
    def _evaluates_itself(self) -> bool:
        return self._training.evaluation is not None and self._stock_metrics is None

    @property
    def _has_table(self) -> bool:
        """Whether the learning rate changes from step to step."""
        optimizer = self._training.update.optimizer
        return self._schedule is not None or bool(
            isinstance(optimizer, Adagrad) and optimizer.lr_decay
        )

    @property
    def _rate_dtype(self) -> str:
        """That of the parameters, in Keras all of one precision."""
        own = {p.type.dtype for _, p in self._model.parameters() if p.type.dtype.is_float}
        return render(DTYPES[own.pop() if own else DType.F32])

    # ------------------------------------------------------------------------------ functions

    @cached_property
    def _loss_code(self) -> FunctionCode | None:
        """The loss written out; None where a stock one does."""
        if self._stock_loss is not None:
            return None
        if self._applied.is_plain:
            target = self._target.speaking(prediction=Name("y_pred"))
            return self._function(self._training.update.loss, target, _COMPUTE_LOSS)
        target = self._target.speaking(training=True)
        return self._function(self._training.update.loss, target, ("data", "scaled", "tape"))

    @cached_property
    def _evaluation_code(self) -> FunctionCode | None:
        evaluation = self._training.evaluation
        if evaluation is None or not self._evaluates_itself:
            return None
        target = self._target.speaking(training=False, owner="model")
        return self._function(evaluation, target, ("model",))

    def _function(
        self, graph: Graph, target: TensorFlowTarget, taken: Sequence[str]
    ) -> FunctionCode:
        (name,) = self._training.models
        return print_function(graph, target, {name: target.owner}, taken)

    @property
    def helpers(self) -> set[str]:
        """The helpers that the functions name."""
        return helpers_of(self._loss_code, self._evaluation_code)

    # --------------------------------------------------------------------------------- pieces

    def pieces(self) -> list[Piece]:
        """Everything from `load_data` to the checkpoints, in the order of the script."""
        schedule = self._schedule
        found = [
            Piece(self.data.piece.text, self.data.piece.imports),
            *self._style.ordered_only(BATCHES),
        ]
        if schedule is not None:
            found.append(Piece(schedule.text, schedule.imports))
        if self._has_table:
            optimizer = self._training.update.optimizer
            table = rate_table(optimizer, schedule, self._rate_dtype)
            found.append(Piece(table, ("import numpy as np",)))
        if self._evaluates_itself:
            found.append(self._numpy_metrics.piece)
        own = own_class(self._training, self._has_table, exact=self._style.exact)
        found += [own] if own is not None else []
        check = WeightCheck(self._model, self._style, *_EACH_WEIGHT)
        constants = ((EXECUTION, str(self._execution)),) if self._execution > 1 else ()
        prepare = prepare_function(self._compiling, many=self._execution > 1)
        found += [
            *self._style.full_only(Piece(prepare)),
            Piece(progress(self._last_factor(), self._style, check), PROGRESS_IMPORTS),
            Piece(self._train(), _IMPORTS, constants),
            *check.pieces,
        ]
        if self._training.evaluation is not None:
            found.append(Piece(self._evaluate()))
        identity = checkpoint_piece(self._model.name, "tensorflow", self._training)
        return [
            *found,
            *precision_pieces(self._training.precision),
            *self._style.full_only(LOG, CHECKPOINT, identity),
        ]

    def _switches(self) -> tuple[list[str], list[str]]:
        """Lines that begin and that end `train`: into the precision of training, and out of it."""
        if not self._training.is_mixed:
            return ["model.seed = args.seed"] if self._eager else [], []
        check = pooling_check(self._model) if self._scaled else []
        ends = f"use_precision(model, {policy(DType.F32)})"
        return [*check, "use_precision(model, PRECISION)"], [ends]

    def main_lines(self) -> list[str]:
        """What `main` does between the weights given and those saved."""
        before = self._style.full_only(
            *batch_checks(self._training, self._model.name),
            "epoch_steps = len(train_part[0]) // args.batch_size",
            "prepare(model, epoch_steps, args)",
        )
        evaluated = self._training.evaluation is not None
        return training_lines(self._training, self.data, evaluated, before, self._style)

    # ---------------------------------------------------------------------- methods of the model

    def methods(self) -> list[str]:
        """What the model's class needs besides, to be trained by `fit`."""
        code = self._loss_code
        plain = code is None or self._applied.is_plain
        stock = [_method("train_step(self, data)", [_BEGIN, "return super().train_step(data)"])]
        found = stock if plain and self._eager else []
        if code is None:
            return found
        return [*found, self._compute_loss(code) if plain else self._train_step(code)]

    def _compute_loss(self, code: FunctionCode) -> str:
        used, count = _used(code), self._count
        body = [
            *_unpacked(code.inputs[:count], "x", used),
            *_unpacked(code.inputs[count:], "y", used),
            *statements(code),
            f"return {render(code.results[LOSS])}",
        ]
        return _method(f"compute_loss(self, {', '.join(_DEFAULTS)})", body)

    def _train_step(self, code: FunctionCode) -> str:
        loss = render(code.results[LOSS])
        differentiated = "scaled" if self._scaled else "loss"
        body = [
            *([_BEGIN] if self._eager else []),
            f"{self._structure(code.inputs)} = data",
            "with tf.GradientTape() as tape:",
            *(f"    {line}" for line in statements(code)),
            *([] if loss == "loss" else [f"    loss = {loss}"]),
            *(["    scaled = self.optimizer.scale_loss(loss)"] if self._scaled else []),
            "variables = self.trainable_variables",
            f"self.optimizer.apply(tape.gradient({differentiated}, variables), variables)",
            "self.mean_loss.update_state(loss)",
            'return {"loss": self.mean_loss.result()}',
        ]
        return _method("train_step(self, data)", body)

    @property
    def attributes(self) -> tuple[str, ...]:
        """Lines of the model's constructor that training needs."""
        found = ["self.noise = keras.random.SeedGenerator()"] if self.draws else []
        if self._style.exact:
            found = ["name_layers(self)"] if has_random_layers(self._model) else []
        if self._loss_code is not None and not self._applied.is_plain:
            found.append('self.mean_loss = keras.metrics.Mean(name="loss")')
        return tuple(found)

    # ------------------------------------------------------------------------------- functions

    def _last_factor(self) -> str:
        """The factor of the learning rate in the step before `step`."""
        return "" if self._schedule is None else "learning_rate_factor(step - 1, self.steps)"

    @property
    def _compiling(self) -> list[str]:
        stock = Stock(self._stock_loss, self._stock_metrics or [])
        many = self._execution > 1
        table, eager = self._has_table, self._eager
        return compile_lines(
            self._training, stock, self._style, table=table, many=many, eager=eager
        )

    def _train(self) -> str:
        names = train_names(self.data.names)
        made = "Progress(args, args.epochs * epoch_steps)" if self._schedule else "Progress(args)"
        return self._style.pick(
            full=train_function(names, self._structure(names), made, *self._switches()),
            lean=lean_train_function(
                self._lean_data(names),
                self._compiling,
                *self._switches(),
                ordered=self._style.exact,
            ),
        )

    def _lean_data(self, names: Sequence[str]) -> list[str]:
        """Lines of a lean script that make `data`, shuffled anew in every epoch."""
        if self._style.exact:
            return ordered_data(names, self._structure(names))
        return shuffled_data(self._element_of_arrays())

    def _structure(self, parts: Sequence[str]) -> str:
        """What `fit` wants of a batch: inputs, and targets if there are any.

        For a `train_step` of our own it has no meaning but may not have more than three parts.
        """
        if self._applied.is_plain:
            x, y = parts[: self._count], parts[self._count :]
            return f"{_packed(x)}, {_packed(y)}" if y else f"{_packed(x)},"
        return ", ".join(parts) if 1 < len(parts) < 4 else f"{_packed(parts)},"

    def _evaluate(self) -> str:
        if not self._evaluates_itself:
            return stock_evaluate(self._element_of_arrays())
        code = self._evaluation_code
        assert code is not None
        drawn = self._style.exact and draws_itself(self._training.evaluation)
        return own_evaluate(code, self._training.metrics, self._numpy_metrics, drawn=drawn)

    def _element_of_arrays(self) -> str:
        """The arrays to evaluate on, in the structure that Keras wants."""
        parts = [f"arrays[{k}]" for k in range(len(self.data.names))]
        nested = self._count > 1 or len(parts) > self._count + 1
        return f"({self._structure(parts)})" if nested else "arrays"


_BEGIN = "draws.begin(self.seed, int(self.optimizer.iterations))"
_COMPUTE_LOSS = ("x", "y", "y_pred", "sample_weight", "training")
_DEFAULTS = ("x=None", "y=None", "y_pred=None", "sample_weight=None", "training=True")


def _method(head: str, body: Sequence[str]) -> str:
    return "\n".join([f"    def {head}:", *(f"        {line}" for line in body)])


def _packed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"({', '.join(names)})"


def _unpacked(names: Sequence[str], source: str, used: set[str]) -> list[str]:
    """The assignment of the parts of an argument, if any is read."""
    if not set(names) & used:
        return []
    return [f"{', '.join(names)} = {source}"]


def _used(code: FunctionCode) -> set[str]:
    return {name.identifier for name in find_parts(code.expressions, Name)}
