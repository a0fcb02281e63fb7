"""Losses of random programs.  A new one joins by `@loss`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from tests.random_programs.writer import Shape, Tensor, Writer

Target = tuple[str, str, Shape]
Make = Callable[[Writer, Tensor, str], tuple[str, list[tuple[str, Shape]]]]
LOSSES: Final[list[Make]] = []
"""Each gives the loss of an output, and dtypes and shapes of targets called after the name."""


def loss(make: Make) -> Make:
    LOSSES.append(make)
    return make


def loss_of(writer: Writer, outputs: Sequence[Tensor]) -> list[Target]:
    """Writes the line of the loss, and what it needs; gives the targets."""
    terms: list[str] = []
    targets: list[Target] = []
    for number, output in enumerate(outputs):
        name = f"target{number}"
        text, needed = writer.one_of(LOSSES)(writer, output, name)
        terms.append(text)
        targets += [(f"{name}{'_' * k}", dtype, shape) for k, (dtype, shape) in enumerate(needed)]
    writer.line(f"loss = {' + '.join(terms)}")
    return targets


@loss
def _squares(writer: Writer, y: Tensor, t: str) -> tuple[str, list[tuple[str, Shape]]]:
    return f"mean(tanh({y.name}) ** 2)", []


@loss
def _distance(writer: Writer, y: Tensor, t: str) -> tuple[str, list[tuple[str, Shape]]]:
    kind = writer.one_of(["mse", "huber", "smooth_l1", "mae"])
    return f"{kind}(tanh({y.name}), {t})", [(writer.float, y.shape)]


@loss
def _where_seen(writer: Writer, y: Tensor, t: str) -> tuple[str, list[tuple[str, Shape]]]:
    kind = writer.one_of(
        ["{t}", "not {t}", "{t} and {y} > 0", "{t} == ({y} > 0)", "{t} or {y} < 0"]
    ).format(t=t, y=y.name)
    return f"mean(where({kind}, tanh({y.name}), 0))", [("bool", y.shape)]


@loss
def _classes(writer: Writer, y: Tensor, t: str) -> tuple[str, list[tuple[str, Shape]]]:
    if not y.shape[-1].isdigit() or int(y.shape[-1]) < 4:
        return f"mean(sigmoid({y.name}))", []
    smooth = writer.one_of(["", ", label_smoothing = 0.1"])
    text = f"cross_entropy(tanh({y.name}), {t}, axis = -1{smooth})"
    return text, [("i64", y.shape[:-1])]


@loss
def _binary(writer: Writer, y: Tensor, t: str) -> tuple[str, list[tuple[str, Shape]]]:
    text = f"binary_cross_entropy_with_logits(tanh({y.name}), cast({t}, {writer.float}))"
    return text, [("bool", y.shape)]


@loss
def _any_and_all(writer: Writer, y: Tensor, t: str) -> tuple[str, list[tuple[str, Shape]]]:
    kind = writer.one_of(["any", "all"])
    mask = f"{kind}({t}, axis = {len(y.shape) - 1}, keepdims = true)"
    return f"mean(where({mask}, tanh({y.name}), 0.5))", [("bool", y.shape)]


@loss
def _by_number(writer: Writer, y: Tensor, t: str) -> tuple[str, list[tuple[str, Shape]]]:
    kind = writer.one_of(["{t} == 1", "{t} > 1", "{t} % 2 == 0 and not ({t} == 2)"]).format(t=t)
    text = f"mean(where({kind}, tanh({y.name}), cast({t}, {writer.float})))"
    return text, [("i64", y.shape)]
