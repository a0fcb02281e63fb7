"""Terms with masks: bools, infinities and NaN in `where`, and queries that see no key.

They are terms like those of `terms.py`: an expression that keeps the shape of its operand.
"""

from __future__ import annotations

from tests.random_programs.terms import term
from tests.random_programs.writer import Shape, Tensor, Writer, shape_text

_ANY = (2, 3, 4, 5)


def mask_for(writer: Writer, shape: Shape) -> str:
    """Bools that broadcast with a tensor of this shape."""
    rows, last = shape[-2] if len(shape) > 2 else "1", shape[-1]
    kinds = [
        f"(arange({last}) > 0)",
        f"(arange({last}) % 2 == 0)",
        f"(tril(full([{rows}, {last}], 1.0)) > 0)",
        f"(tril(full([{rows}, {last}], 1.0), diagonal = -1) > 0)",
    ]
    masks = _bools(writer, shape)
    if masks and writer.number(0, 2):
        return _widened(writer.use(writer.one_of(masks)), shape)
    mask = writer.one_of(kinds)
    return writer.one_of([mask, f"(not {mask})"])


def _bools(writer: Writer, shape: Shape) -> list[Tensor]:
    """Tensors of bools whose axes are the first ones of the shape, or the first and the last."""
    n, *_, last = shape
    wanted = (shape[:1], shape[:2], shape, (n, last))
    return [t for t in writer.tensors if t.dtype == "bool" and t.shape in wanted]


def _widened(mask: Tensor, shape: Shape) -> str:
    ones = ("1",) * (len(shape) - mask.rank)
    if not ones:
        return mask.name
    n, *_ = shape
    wide = (*mask.shape, *ones)
    if mask.shape == (n, shape[-1]) != shape[:2]:
        wide = (n, *ones, shape[-1])
    return f"({mask.name} |> reshape({shape_text(wide)}))"


@term(*_ANY)
def _masked(writer: Writer, x: str, shape: Shape) -> str:
    mask = mask_for(writer, shape)
    return writer.one_of([f"where({mask}, {x}, 0)", f"where(not {mask}, 0.5, {x})"])


@term(*_ANY, weight=2)
def _softmax_of_what_is_seen(writer: Writer, x: str, shape: Shape) -> str:
    """A softmax in which infinity hides elements; the first is always seen."""
    seen = f"({mask_for(writer, shape)} or arange({shape[-1]}) < 1)"
    hidden = writer.one_of(["-inf", "-inf", "-100.0"])
    kind = writer.one_of(["softmax({}, axis = -1)", "exp(log_softmax({}, axis = -1))"])
    return kind.format(f"where({seen}, {x}, {hidden})")


@term(*_ANY)
def _sum_of_what_is_seen(writer: Writer, x: str, shape: Shape) -> str:
    x = writer.named(x)
    seen = f"({mask_for(writer, shape)} or arange({shape[-1]}) < 1)"
    kind = writer.one_of(["logsumexp", "max"])
    return f"({x} - {kind}(where({seen}, {x}, -inf), axis = -1, keepdims = true))"


@term(*_ANY)
def _infinite_in_between(writer: Writer, x: str, shape: Shape) -> str:
    """Elements that are infinite or NaN for a while."""
    mask = mask_for(writer, shape)
    kinds = [
        f"tanh(where({mask}, {x}, inf))",
        f"sigmoid(where({mask}, {x}, -inf))",
        f"exp(where({mask}, 0.1 * tanh({x}), -inf))",
        f"maximum(where({mask}, {x}, -inf), -1)",
        f"clip(where({mask}, {x}, inf), min = -1, max = 2)",
        f"relu(where({mask}, {x}, -inf))",
    ]
    if writer.chance(3):
        name = writer.fresh("v")
        what, looked = writer.one_of([("inf", "is_inf"), ("-inf", "is_inf"), ("nan", "is_nan")])
        writer.line(f"{name} = where({mask}, {x}, {what})")
        return f"where({looked}({name}), 0.5, {name})"
    return writer.one_of(kinds)


@term(4)
def _greatest_of_padded(writer: Writer, x: str, shape: Shape) -> str:
    padded = f"{x} |> pad([[0, 0], [0, 0], [1, 1], [1, 1]], value = -inf)"
    return f"({padded} |> max_pool2d(3, stride = 1))"


@term(3, 4, weight=3)
def _masked_attention(writer: Writer, x: str, shape: Shape) -> str:
    """Attention with a mask, by which some queries see no key: they give 0."""
    x = writer.named(x)
    rows = shape[-2]
    keys = (*shape[:-1], rows)
    kinds = [
        mask_for(writer, keys),
        mask_for(writer, keys),
        f"(arange({rows}) > 1000)",
        f"(tril(full([{rows}, {rows}], 1.0), diagonal = -1) > 0)",
    ]
    mask = writer.one_of(kinds)
    if writer.chance(3):  # numbers that are added to the scores
        mask = f"cast(where({mask}, 0.25, -inf), {writer.float})"
    options = writer.one_of(["", "", ", causal = true", ", causal = true, scale = 0.5"])
    return f"scaled_dot_product_attention({x}, tanh({x}), {x}, mask = {mask}{options})"
