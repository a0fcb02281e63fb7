"""An explicit training loop, but for what an update is: where it begins, counts, looks and saves.

`Loop` gives the lines that are alike in every target whose scripts have such a loop; the target
puts its own between them.  They may read `step`, `epoch`, `total` and, with a schedule, `steps`.
"""

from __future__ import annotations

from tercet.codegen.script.style import Style
from tercet.codegen.script.weight_checks import WeightCheck
from tercet.dsl.records import dataclass

FINITE_IMPORT = "import math"
LOOP_IMPORTS = ("import sys", "from tqdm import tqdm", FINITE_IMPORT)
LOOP_NAMES = (
    *("args", "epoch", "epoch_steps", "loader", "mean", "order", "rate", "record", "step", "steps"),
    *("title", "total"),
    "check_weights",
)
"""Names that the lines use; a loss must not take them."""


def step_check(steps: str = "args.epochs * epoch_steps") -> tuple[str, ...]:
    """Lines of `train` after a checkpoint is loaded; `steps` is how many it may have done."""
    return (
        f"if step > {steps}:",
        '    raise SystemExit(f"{args.resume}: step {step} is beyond {args.epochs} epochs")',
    )


REST = "order[step % epoch_steps :]"
"""What is left of an epoch that a full script may have begun in the run it resumes."""

NOT_FINITE = "the loss is not finite"
_WHERE = "{title}, step {step}"


def not_finite_lines(style: Style, value: str, allowed: str, where: str) -> list[str]:
    """Lines that end the script where `value` is not finite; `where` is the text of an f-string.

    `allowed` is the expression of the flag by which a user lets training go on.
    """
    unless = style.pick(full=f"math.isfinite({value}) or {allowed}", lean=f"math.isfinite({value})")
    test = f"not ({unless})" if " or " in unless else f"not {unless}"
    return [f"if {test}:", f'    raise SystemExit(f"{where}: {NOT_FINITE}")']


@dataclass(frozen=True)
class Loop:
    """The loop over epochs and batches of a script of this style.

    `rows` is the number of training rows; `batches` what an epoch of a full script runs over,
    given the row numbers `order`, and `loader` what every epoch of a lean one does; `state` what
    `save_checkpoint` and `load_checkpoint` take, `rate` the learning rate used last; `fresh` are
    lines without which a resumed run would differ: at the start of an epoch and after a checkpoint.
    """

    style: Style
    check: WeightCheck
    rows: str
    batches: str
    loader: str
    state: str
    rate: str
    scheduled: bool
    fresh: tuple[str, ...] = ()

    @property
    def docstring(self) -> str:
        """That of `train`."""
        what = self.style.pick(full="; gives the step", lean="")
        return f'    """Train on the arrays until `args.epochs` are done{what}."""'

    @property
    def before(self) -> list[str]:
        """From the optimizer to the first epoch."""
        scheduled = ["steps = args.epochs * epoch_steps"] if self.scheduled else []
        counted = f"epoch_steps = len(batches({self.rows}, args.batch_size, args.seed, 0))"
        if self.style.lean and self.style.ordered:
            return [
                *([counted] if self.scheduled else []),
                *scheduled,
                "step = 0",
                "for epoch in range(args.epochs):",
            ]
        return self.style.pick(
            full=[
                f"step = load_checkpoint(args, {self.state}) if args.resume else 0",
                counted,
                *scheduled,
                *(step_check("steps") if self.scheduled else step_check()),
                "for epoch in range(step // epoch_steps, args.epochs):",
            ],
            lean=[
                f"loader = {self.loader}",
                "step, steps = 0, args.epochs * len(loader)" if self.scheduled else "step = 0",
                "for epoch in range(args.epochs):",
            ],
        )

    @property
    def epoch(self) -> list[str]:
        """What an epoch begins with."""
        drawn = f"batches({self.rows}, args.batch_size, args.seed, epoch)"
        lines = [f"order = {drawn}", f"loader = {self.batches}"]
        if self.batches == "order":
            lines = [f"loader = {drawn}"]
        return [
            *self.style.ordered_only(*lines, *self.fresh),
            "total = 0.0",
            'title = f"epoch {epoch + 1}/{args.epochs}"',
        ]

    def after_step(self, loss: str) -> list[str]:
        """What follows an update; `loss` is its loss as a number of Python."""
        return [
            "step += 1",
            f"total += {loss}",
            *not_finite_lines(self.style, "total", "args.allow_nonfinite", _WHERE),
            *self.style.full_only(
                "if args.checkpoint_every and step % args.checkpoint_every == 0:",
                *(f"    {line}" for line in self.check.lines(_WHERE)),
                f"    save_checkpoint(args, {self.state}, step)",
                *(f"    {line}" for line in self.fresh),
            ),
        ]

    @property
    def after_epoch(self) -> list[str]:
        """What an epoch ends with."""
        return self.style.pick(
            full=[
                "mean = total / len(loader)",
                'print(f"epoch {epoch + 1}: loss {mean:.4f}", file=sys.stderr)',
                "if args.log_dir:",
                f"    rate = {self.rate}",
                '    record = {"epoch": epoch + 1, "step": step, "loss": mean}',
                '    log(args.log_dir, {**record, "learning_rate": rate})',
                *self.check.lines(_WHERE),
                "if args.checkpoint:",
                f"    save_checkpoint(args, {self.state}, step)",
            ],
            lean=['print(f"{title}: loss {total / len(loader):.4f}", file=sys.stderr)'],
        )

    @property
    def end(self) -> list[str]:
        """What `train` ends with."""
        return [*self.style.full_only("return step")]
