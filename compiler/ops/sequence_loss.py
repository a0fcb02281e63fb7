"""Losses of sequences whose labels are not aligned with their steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tercet.compiler.errors import OpError, require
from tercet.compiler.lazy import np
from tercet.compiler.ops.base import IndexRange, Operand, operation, require_float
from tercet.compiler.ops.checks import known, require_integer, require_rank, require_shape
from tercet.compiler.ops.loss_base import Loss, Reduction, reduce_loss
from tercet.compiler.ops.special import log_softmax
from tercet.compiler.types import TensorType
from tercet.dsl.records import dataclass

if TYPE_CHECKING:
    from tercet.compiler.ops.base import Array


@operation("ctc")
@dataclass(frozen=True)
class Ctc(Loss):
    """Connectionist temporal classification (Graves et al., 2006): minus the log of the probability
    that the steps, with repetitions and then blanks left out, read as the labels.

    logits `[N, T, C]` of the classes at each step, before any softmax; target `[N, S]`, classes
    other than `blank`, of which the first `target_lengths` `[N]` (0 to S) count: what stands behind
    them may be any class.  `lengths` `[N]` (1 to T) are the steps that count; all do without it.
    `mean` is that of the examples, whatever their lengths.

    Labels that cannot be read from the steps have probability 0, and an infinite loss: those that
    do not fit, equal neighbours needing a blank between them, and those with the blank among them.
    With `zero_infinity = true` such examples cost 0, and still count in the mean.  Their gradients
    are 0 in any case.
    ONNX: none, a loss belongs to training.

        loss = ctc(logits, label, label_length, lengths = steps, blank = 0)
    """

    operands = (
        Operand("logits"),
        Operand("target"),
        Operand("target_lengths"),
        Operand("lengths", optional=True),
    )
    work = 20

    blank: int = 0
    zero_infinity: bool = False
    reduction: Reduction = "mean"

    def infer(
        self,
        x: TensorType,
        target: TensorType,
        target_lengths: TensorType,
        lengths: TensorType | None = None,
    ) -> TensorType:
        require_float(x)
        require_rank(x, 3)
        batch = x.shape[:1]
        classes = known(x.shape[2], "the number of classes")
        message = "needs a class besides the blank, so two at least"
        if classes < 2:
            raise OpError("E0303", message, operand=0)
        message = f"`blank` must be one of the {classes} classes, 0 to {classes - 1}"
        require(0 <= self.blank < classes, "blank", f"{message}, not {self.blank}")
        require_integer(target, "labels", operand=1)
        require_rank(target, 2, operand=1)
        require_shape(target, (*batch, target.shape[1]), "the target", operand=1)
        require_integer(target_lengths, "lengths", operand=2)
        require_shape(target_lengths, batch, "the target's lengths", operand=2)
        if lengths is not None:
            require_integer(lengths, "lengths", operand=3)
            require_shape(lengths, batch, "lengths", operand=3)
        return self._reduced(x, batch, self.reduction)

    def index_ranges(
        self,
        x: TensorType,
        target: TensorType,
        target_lengths: TensorType,
        lengths: TensorType | None = None,
    ) -> tuple[IndexRange, ...]:
        ranges = IndexRange(1, 0, x.shape[2] - 1), IndexRange(2, 0, target.shape[1])
        return (*ranges, *([] if lengths is None else [IndexRange(3, 1, x.shape[1])]))

    def reference(
        self, x: Array, target: Array, target_lengths: Array, lengths: Array | None = None
    ) -> Array:
        steps = np.full(len(x), x.shape[1]) if lengths is None else lengths
        for given, least, most in ((target_lengths, 0, target.shape[1]), (steps, 1, x.shape[1])):
            if ((given < least) | (given > most)).any():
                raise ValueError(f"lengths must be from {least} to {most}")
        log_p = log_softmax(x, -1)
        losses = [
            self._of_one(log_p[row, : steps[row]], target[row, : target_lengths[row]])
            for row in range(len(x))
        ]
        return reduce_loss(np.asarray(losses, x.dtype), None, self.reduction)

    def _of_one(self, log_p: Array, labels: Array) -> Array:
        """Of one example: the logarithms of probabilities of all ways to be so far, step by step.

        The places are those of the labels with a blank before, between and behind them.
        """
        places = np.full(2 * len(labels) + 1, self.blank)
        places[1::2] = labels
        apart = (places != self.blank) & (places != np.roll(places, 2))
        apart[:2] = False
        ways = np.where(np.arange(len(places)) < 2, log_p[0, places], -np.inf)
        for step in log_p[1:]:
            one, two = (np.concatenate([np.full(k, -np.inf), ways])[: len(ways)] for k in (1, 2))
            ways = np.logaddexp(np.logaddexp(ways, one), np.where(apart, two, -np.inf))
            ways = ways + step[places]
        loss = -np.logaddexp.reduce(ways[-2:])
        if (labels == self.blank).any():
            loss = np.where(np.isnan(loss), loss, np.inf)
        return np.asarray(0.0 if self.zero_infinity and np.isposinf(loss) else loss)
