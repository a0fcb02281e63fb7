"""Symbolic sizes: the normal form, and everything decided from it, against plain integers."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tercet.compiler import dims
from tercet.compiler.dims import Dim, Size

H, W, N, T = map(dims.symbol, "HWNT")
NAMES = "HWN"


@dataclass(frozen=True)
class Both:
    """The same expression twice: built by the operators of `Dim`, and as a function of numbers."""

    size: Size
    number: Callable[[dict[str, int]], int]


def _binary(left: Both, operator: str, right: Both) -> Both:
    def apply(a: Size, b: Size, least: Callable[..., Size], most: Callable[..., Size]) -> Size:
        match operator:
            case "+":
                return a + b
            case "-":
                return a - b
            case "*":
                return a * b
            case "//":
                return a // b
            case "%":
                return a % b
            case "min":
                return least(a, b)
        return most(a, b)

    try:
        size = apply(left.size, right.size, dims.minimum, dims.maximum)
    except (ZeroDivisionError, dims.DimError):
        assume(False)

    def number(values: dict[str, int]) -> int:
        result = apply(left.number(values), right.number(values), min, max)
        assert isinstance(result, int)
        return result

    return Both(size, number)


def _symbol(name: str) -> Both:
    return Both(dims.symbol(name), lambda values: values[name])


def _integer(value: int) -> Both:
    return Both(value, lambda _: value)


leaves = st.sampled_from(NAMES).map(_symbol) | st.integers(-4, 6).map(_integer)
operators = st.sampled_from(["+", "-", "*", "//", "%", "min", "max"])
expressions = st.recursive(
    leaves, lambda inner: st.builds(_binary, inner, operators, inner), max_leaves=8
)
environments = st.fixed_dictionaries({name: st.integers(1, 40) for name in NAMES})


def _number(both: Both, values: dict[str, int]) -> int:
    """The number; examples that divide by zero are skipped."""
    try:
        return both.number(values)
    except ZeroDivisionError:
        assume(False)
        raise


@given(expressions, environments)
def test_the_normal_form_keeps_the_value(both: Both, values: dict[str, int]) -> None:
    number = _number(both, values)
    assert dims.evaluate(both.size, values) == number


@given(expressions, environments)
def test_the_text_is_an_expression_with_the_same_value(both: Both, values: dict[str, int]) -> None:
    number = _number(both, values)
    assert eval(str(both.size), {"min": min, "max": max}, values) == number


@given(expressions, environments)
def test_bounds_hold(both: Both, values: dict[str, int]) -> None:
    number = _number(both, values)
    lower, upper = dims.lower_bound(both.size), dims.upper_bound(both.size)
    assert lower is None or lower <= number
    assert upper is None or number <= upper


@given(expressions, environments)
def test_declared_bounds_hold(both: Both, values: dict[str, int]) -> None:
    number = _number(both, values)
    declared = {name: (max(1, value - 3), value + 2) for name, value in values.items()}
    lower, upper = dims.lower_bound(both.size, declared), dims.upper_bound(both.size, declared)
    assert lower is None or lower <= number
    assert upper is None or number <= upper


@given(expressions, expressions, environments)
def test_decided_comparisons_are_true_of_numbers(
    left: Both, right: Both, values: dict[str, int]
) -> None:
    a, b = _number(left, values), _number(right, values)
    assert dims.equal(left.size, right.size) in (None, a == b)
    assert dims.less(left.size, right.size) in (None, a < b)
    assert dims.less_equal(left.size, right.size) in (None, a <= b)


@given(expressions, st.dictionaries(st.sampled_from(NAMES), st.integers(1, 9)), environments)
def test_substitution_commutes_with_evaluation(
    both: Both, some: dict[str, int], values: dict[str, int]
) -> None:
    number = _number(both, {**values, **some})
    try:
        substituted = dims.substitute(both.size, some)
    except ZeroDivisionError:
        assume(False)
    assert dims.symbols(substituted).isdisjoint(some)
    assert dims.evaluate(substituted, values) == number


@given(expressions)
def test_constants_are_plain_integers_and_copies_are_equal(both: Both) -> None:
    size = both.size
    assert isinstance(size, int) != bool(dims.symbols(size))
    copy = pickle.loads(pickle.dumps(size))
    assert copy == size
    assert hash(copy) == hash(size)
    assert size - size == 0


@given(st.integers(-9, 9).filter(bool), st.integers(-9, 9), st.integers(-50, 50))
def test_solve_inverts_affine_sizes(factor: int, offset: int, value: int) -> None:
    solution = dims.solve(factor * H + offset, value)
    candidates = [h for h in range(1, 200) if factor * h + offset == value]
    assert solution == ({"H": candidates[0]} if candidates else None)


@pytest.mark.parametrize(
    "size, text",
    [
        ((H + 2 * 1 - 3) // 1 + 1, "H"),
        ((H + 2 * 1 - 3) // 2 + 1, "(H + 1) // 2"),
        (((H + 1) // 2 + 1) // 2, "(H + 3) // 4"),
        ((4 * H + 3) // 4, "H"),
        ((2 * H + 1) // 4, "H // 2"),
        ((N * H) // H, "N"),
        ((N * H + N * W) // (H + W), "N"),
        ((N * H + H - 1) // H, "N"),
        ((2 * N * H) // (4 * N * W), "H // (2 * W)"),
        ((12 * H) % 4, "0"),
        ((4 * H + W) % 4, "W % 4"),
        ((H % 8 + W) % 4, "(H + W) % 4"),
        ((N * H + W) % H, "W % H"),
        ((H % 4) // 4, "0"),
        (H % -4, "-((3 * H) % 4)"),
        (3 - H, "3 - H"),
        (-H - 3, "-H - 3"),
        (-(H // 2), "-(H // 2)"),
        (3 * (H // 2), "3 * (H // 2)"),
        (H * H - W, "H * H - W"),
        (dims.minimum(H, 128, 200), "min(H, 128)"),
        (dims.maximum(H, 1), "H"),
        (dims.minimum(H, H // 2), "H // 2"),
        (dims.product([N, 3, H, W]), "3 * H * N * W"),
        ((H + 1) ** 2, "H * H + 2 * H + 1"),
    ],
)
def test_simplification(size: Size, text: str) -> None:
    assert str(size) == text


def test_equality_beyond_structure() -> None:
    assert 2 * (H // 2) + H % 2 != H
    assert dims.equal(2 * (H // 2) + H % 2, H) is True
    assert dims.equal(2 * H, 3) is False
    assert dims.equal(H, H + 1) is False
    assert dims.equal(H, W) is None
    assert dims.equal(H * W, 0) is False
    assert dims.equal(H, 10, {"H": (1, 9)}) is False


def test_order() -> None:
    assert dims.less(H // 2, H) is True
    assert dims.less_equal(H, H * W) is True
    assert dims.less(H, 1) is False
    assert dims.less_equal(T, 128) is None
    assert dims.less_equal(T, 128, {"T": (1, 128)}) is True
    assert dims.less_equal(dims.minimum(H, W), W) is True
    assert dims.less_equal(W, dims.maximum(H, W)) is True


def test_solve_with_a_symbolic_value() -> None:
    assert dims.solve(16 * H, 16 * N) == {"H": N}
    assert dims.solve(16 * H, 16 * N + 3) is None
    assert dims.solve(H * W, 6) is None
    assert dims.solve(H // 2, 6) is None
    assert dims.solve(H, 0) is None


def test_broadcast() -> None:
    assert dims.broadcast(H, 1) == H
    assert dims.broadcast(1, H) == H
    assert dims.broadcast((2 * H) // 2, H) == H
    assert dims.broadcast(H, 3) is None
    assert dims.broadcast(H, W) is None


def test_what_is_not_decided_refuses_to_be_a_truth_value() -> None:
    with pytest.raises(TypeError, match="less"):
        _ = H < 3
    with pytest.raises(TypeError, match="less"):
        _ = H <= 3
    with pytest.raises(TypeError, match="equal"):
        bool(H)
    with pytest.raises(AttributeError):
        H.terms = ()


@pytest.mark.parametrize(
    "build",
    [
        lambda: H**100,
        lambda: 2**H,
        lambda: H ** (-1),
        lambda: H * 2**1000,
        lambda: H + 2**1000,
        lambda: dims.product(dims.symbol(f"A{i}") + 1 for i in range(20)),
    ],
)
def test_limits_are_errors(build: Callable[[], Size]) -> None:
    with pytest.raises(dims.DimError):
        build()


def test_nesting_is_limited() -> None:
    def nest() -> Size:
        size: Size = H
        for _ in range(100):
            size = 3 * size // 2 % (W + 2) * 5 // 3
        return size

    with pytest.raises(dims.DimError, match="nests"):
        nest()


def test_division_by_zero() -> None:
    for divide in (dims.floor_div, dims.modulo):
        with pytest.raises(ZeroDivisionError):
            divide(H, 0)


def test_a_printer_reads_the_structure() -> None:
    def render(size: Size) -> str:
        if isinstance(size, int):
            return str(size)
        match size.expression:
            case dims.Symbol(name):
                return f"shape[{name!r}]"
            case dims.Sum() as total:
                return " ".join(
                    f"{'-' if s < 0 else '+'} {render(term)}" for s, term in total.signed
                )
            case dims.Product(factors):
                return "*".join(map(render, factors))
            case dims.FloorDiv(left, right):
                return f"floor({render(left)}, {render(right)})"
            case other:
                raise AssertionError(other)

    assert render((H - 1) // 2 + 3 * W - 2) == ("+ 3*shape['W'] + floor(+ shape['H'] + 1, 2) - 3")


def test_dim_is_not_built_from_other_numbers() -> None:
    for wrong in (lambda: H + 0.5, lambda: "a" * H, lambda: H / 2):  # type: ignore[operator]
        with pytest.raises(TypeError):
            wrong()
    assert isinstance(H, Dim)


@given(expressions, st.sampled_from(["<=", "=="]), expressions, environments)
def test_simplified_relations_mean_the_same(
    left: Both, relation: str, right: Both, values: dict[str, int]
) -> None:
    holds = dims.holds(left.size, relation, right.size, values)
    assert dims.holds(*dims.simplified(left.size, relation, right.size), values) == holds


N = dims.symbol("N")


@pytest.mark.parametrize(
    "left, relation, right, simple",
    [
        (1, "<=", (N - 7) // 2 + 1, "N >= 7"),
        (1, "<=", ((N + 6 - 7) // 2 + 1 - 3) // 2 + 1, "N >= 5"),
        (2 * N + 1, "<=", 128, "N <= 63"),
        ((N - 1) // 4, "<=", 10, "N <= 44"),
        (N, "==", 4 * (N // 4), "N % 4 == 0"),
        (6 * ((N + 2) // 6), "==", N + 2, "(N + 2) % 6 == 0"),
        (N, "<=", dims.symbol("M"), "N <= M"),
        (N * N, "<=", 100, "N * N <= 100"),
        (N // 2, "==", 4, "N // 2 == 4"),
        (N % 4, "<=", 2, "N % 4 <= 2"),
    ],
)
def test_relations_are_simplified(
    left: dims.Size, relation: str, right: dims.Size, simple: str
) -> None:
    a, symbol, b = dims.simplified(left, relation, right)
    assert f"{a} {symbol} {b}" == simple
    for number in range(1, 150):
        values = {"N": number, "M": 40}
        assert dims.holds(a, symbol, b, values) == dims.holds(left, relation, right, values)
