"""Losses of random programs.  A new one joins by `@loss`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

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
def _soft_classes(writer: Writer, y: Tensor, t: str) -> tuple[str, list[tuple[str, Shape]]]:
    """Probabilities of classes, whose sum need not be 1."""
    if not y.shape[-1].isdigit() or int(y.shape[-1]) < 2:
        return f"mean(square(tanh({y.name})))", []
    settings = writer.one_of(["", ", label_smoothing = 0.2", ', reduction = "sum"'])
    text = f"cross_entropy(tanh({y.name}), sigmoid({t}), axis = -1{settings})"
    return text, [(writer.float, y.shape)]


@loss
def _focused(writer: Writer, y: Tensor, t: str) -> tuple[str, list[tuple[str, Shape]]]:
    settings = writer.one_of(["", ", alpha = none", ", gamma = 1.5", ', reduction = "sum"'])
    text = f"focal(tanh({y.name}), cast({t}, {writer.float}){settings})"
    return text, [("bool", y.shape)]


@loss
def _focused_classes(writer: Writer, y: Tensor, t: str) -> tuple[str, list[tuple[str, Shape]]]:
    if not y.shape[-1].isdigit() or int(y.shape[-1]) < 4:
        return f"sum(tanh({y.name}) ** 2)", []
    settings = writer.one_of(["", ", gamma = 0", ", ignore_index = 2", ', reduction = "sum"'])
    return f"softmax_focal(tanh({y.name}), {t}, axis = -1{settings})", [("i64", y.shape[:-1])]


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


@loss
def _rows_that_count(writer: Writer, y: Tensor, t: str) -> tuple[str, list[tuple[str, Shape]]]:
    """Classes of which some, or all, are left out, or weigh more."""
    if not y.shape[-1].isdigit() or int(y.shape[-1]) < 4:
        return f"mean({y.name} * stop_gradient(tanh({y.name})))", []
    kind = writer.one_of(["cross_entropy({}", "nll(log_softmax({}, axis = -1)"])
    settings = writer.one_of([", ignore_index = 1", ', reduction = "sum"', ", ignore_index = 3"])
    return f"{kind.format(f'tanh({y.name})')}, {t}, axis = -1{settings})", [("i64", y.shape[:-1])]


@loss
def _weighed(writer: Writer, y: Tensor, t: str) -> tuple[str, list[tuple[str, Shape]]]:
    kind = writer.one_of(["mse", "mae", "huber", "smooth_l1"])
    text = f"{kind}(tanh({y.name}), {t}, weight = square({t}) + 0.1)"
    return text, [(writer.float, y.shape)]


@loss
def _probabilities(writer: Writer, y: Tensor, t: str) -> tuple[str, list[tuple[str, Shape]]]:
    kind = writer.one_of(
        ["kl_div(log_sigmoid({y}), {t})", "binary_cross_entropy(sigmoid({y}), {t})"]
    )
    inside = kind.format(y=f"tanh({y.name})", t=f"cast({t}, {writer.float})")
    return inside, [("bool", y.shape)]


@loss
def _directions(writer: Writer, y: Tensor, t: str) -> tuple[str, list[tuple[str, Shape]]]:
    kind = writer.one_of(["cosine_similarity(1 + tanh({y}), {t})", "hinge(tanh({y}), sign({t}))"])
    return kind.format(y=y.name, t=t), [(writer.float, y.shape)]


@loss
def _random(writer: Writer, y: Tensor, t: str) -> tuple[str, list[tuple[str, Shape]]]:
    if writer.float != "f32":
        return f"0.5 * mean(abs(tanh({y.name})))", []
    kind = writer.one_of(["random_normal", "random_uniform", "random_bernoulli"])
    return f"mean(tanh({y.name}) * {kind}({y.name}.shape))", []


def settings_of(writer: Writer, outputs: Sequence[Tensor], targets: Sequence[Any]) -> list[str]:
    """Lines of a `train` besides its loss: how it goes down, and what is measured."""
    kinds = ["sgd(lr = 0.05)", "sgd(lr = 0.05)", "sgd(lr = 0.05, momentum = 0.9, nesterov = true)"]
    kinds += ["sgd(lr = 0.05, momentum = 0.5, weight_decay = 0.01)"]
    lines = [f"optimizer = {writer.one_of(kinds)}"]
    clip = writer.one_of(["none", "none", "global_norm(0.05)", "value(0.01)"])
    lines += [f"clip = {clip}"] * (clip != "none")
    schedule = writer.one_of(["", "", "cosine(warmup = 2)", "step(size = 1, gamma = 0.5)"])
    lines += [f"schedule = {schedule}"] * bool(schedule)
    found = [metric for target in targets for metric in _metrics_of(writer, target, outputs)]
    metrics = [f"m{k} = {metric}" for k, metric in enumerate(found)]
    lines += [f"metrics = {{ {', '.join(metrics)} }}"] * bool(metrics)
    return [f"    {line}" for line in lines]


def _metrics_of(writer: Writer, target: Any, outputs: Sequence[Tensor]) -> Iterator[str]:
    """What is measured of an output by its target, if that means anything."""
    y = _of(target, outputs)
    if target.dtype == writer.float:
        yield f"{writer.one_of(['mae', 'mse', 'rmse'])}({y.name}, {target.name})"
    elif target.dtype == "bool" and target.shape == y.shape:
        yield f"auc({y.name}, {target.name})"
    elif target.shape == y.shape[:-1] and y.shape[-1].isdigit() and int(y.shape[-1]) >= 4:
        kind = writer.one_of(["confusion", "iou", "cohen_kappa", "class_recall", "accuracy"])
        yield f"{kind}({y.name}, {target.name}, axis = -1)"


def _of(target: Any, outputs: Sequence[Tensor]) -> Tensor:
    """The output that a target, which has its number, belongs to."""
    number = int(target.name.removeprefix("target").rstrip("_"))
    return outputs[number]
