"""Cases: functions of elements, arithmetic, comparison, dtypes, activations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.backends.mxnet_symbol_cases import (
    Case,
    Input,
    function,
    integers,
    layer,
    positive,
    real,
    weights,
)

TABLE = ("N", 4)
X = (real(*TABLE),)
POSITIVE = (positive(*TABLE),)
UNIT = (Input(TABLE, "float32", -0.9, 0.9),)
DTYPES = ("float64", "int32", "int64", "uint8")


def _unary() -> list[Case]:
    names = {
        "abs negative square sign sin cos tan tanh sigmoid softsign relu exp expm1 erf arctan sinh "
        "cosh arcsinh cbrt floor ceil round rint trunc fix degrees radians": X,
        "sqrt rsqrt log log1p log2 log10 reciprocal rcbrt": POSITIVE,
        "arcsin arccos arctanh": UNIT,
        "arccosh": (Input(TABLE, "float32", 1.25, 3.0),),
    }
    cases = [
        Case(name, _call(name), inputs) for group, inputs in names.items() for name in group.split()
    ]
    halves = (integers(-9, 9, "N", 30, dtype="float32"),)
    for name in ("round", "rint", "fix"):
        body = _halved(name)
        cases.append(Case(f"{name}_halves", function(body), halves))
    cases.append(Case("gammaln", _call("gammaln"), POSITIVE, error="unknown operator gammaln"))
    return cases


def _call(name: str, **options: Any) -> Any:
    return function(lambda F, *inputs: getattr(F, name)(*inputs, **options))


def _halved(name: str) -> Callable[..., Any]:
    return lambda F, x: getattr(F, name)(x / 2)


def _arithmetic() -> list[Case]:
    broadcast = (real("N", "T", 4), positive(1, "T", 1))
    same = (real("N", "T"), positive("N", "T"))
    cases = [
        Case(f"broadcast_{name}", _call(f"broadcast_{name}"), broadcast)
        for name in ("add", "sub", "mul", "div", "mod", "maximum", "minimum", "hypot")
    ]
    cases += [
        Case("broadcast_power", _call("broadcast_power"), (positive("N", 4), real(1, 4))),
        Case("elementwise", function(lambda F, a, b: (a + b) * (a - b) / (b * b + 1)), same),
        Case("elementwise_extremes", function(lambda F, a, b: F.maximum(a, b) % b), same),
        Case("elementwise_minimum", function(lambda F, a, b: F.minimum(a, b)), same),
        Case("elementwise_power", function(lambda F, a, b: b**a), same),
        Case("elementwise_hypot", _internal("_hypot"), same),
        Case("add_n", function(lambda F, a, b: F.add_n(a, b, a)), same),
        Case("mod_negative", function(lambda F, a, b: F.broadcast_mod(a, -b)), same),
        Case("scalars", function(lambda F, a: (2 - a) / 3 + 1 / (a * a + 2) - a * 4), X),
        Case("scalar_powers", function(lambda F, a: a**2.5 + 2.5**a), POSITIVE),
        Case("scalar_remainders", function(lambda F, a: a % 1.5 + 7.0 % a), POSITIVE),
        Case("scalar_extremes", function(lambda F, a: F.maximum(a, 0.3) + F.minimum(a, 0.1)), X),
        Case("scalar_hypot", function(lambda F, a: F._internal._hypot_scalar(a, scalar=2)), X),
        Case(
            "one_minus_parameter",
            function(lambda F, x, w: F.broadcast_add(x, 1 - w), w=weights(1, 4)),
            X,
        ),
        Case(
            "two_over_parameter",
            function(lambda F, x, w: F.broadcast_sub(2 / w, x), w=weights(1, 4)),
            X,
        ),
    ]
    return cases


def _comparison() -> list[Case]:
    small = {"low": 0, "high": 3, "dtype": "float32"}
    pair = (Input(("N", 4), **small), Input((1, 4), **small))  # type: ignore[arg-type]
    cases = []
    for name in ("equal", "not_equal", "greater", "greater_equal", "lesser", "lesser_equal"):
        cases += [
            Case(name, _call(f"broadcast_{name}"), pair),
            Case(f"{name}_scalar", _internal(f"_{name}_scalar", scalar=1), pair[:1]),
            Case(f"{name}_same_shape", _internal(f"_{name}"), pair[:1] * 2),
        ]
    for name in ("logical_and", "logical_or", "logical_xor"):
        cases += [
            Case(name, _call(f"broadcast_{name}"), pair),
            Case(f"{name}_scalar", _internal(f"_{name}_scalar", scalar=2), pair[:1]),
            Case(f"{name}_same_shape", _internal(f"_{name}"), pair[:1] * 2),
        ]
    cases += [
        Case("logical_not", _call("logical_not"), pair[:1]),
        Case("where", _call("where"), (pair[0], real("N", 4), real("N", 4))),
        Case("where_rows", _call("where"), (_flags("N"), real("N", "T"), real("N", "T"))),
        Case("where_mask", function(_masked), (_flags(1, "T"), real("N", "T"))),
        Case("where_int_condition", _call("where"), (_flags("N", 4, dtype="int32"), *X, *X)),
        Case("chained_comparisons", function(lambda F, a: ((a > 0) * (a < 1)) * a), X),
    ]
    return cases


def _flags(*shape: int | str, dtype: str = "float32") -> Input:
    return integers(0, 2, *shape, dtype=dtype)


def _masked(F: Any, mask: Any, x: Any) -> Any:
    return F.where(F.broadcast_like(mask, x), x, F.zeros_like(x) - 1e9)


def _internal(name: str, **options: Any) -> Any:
    return function(lambda F, *inputs: getattr(F._internal, name)(*inputs, **options))


def _activations() -> list[Case]:
    image = (real("N", 4, "T"),)

    def leaky(kind: str, **options: Any) -> Any:
        return _call("LeakyReLU", act_type=kind, **options)

    cases = [
        Case(f"activation_{kind}", _call("Activation", act_type=kind), image)
        for kind in ("relu", "sigmoid", "tanh", "softrelu", "softsign")
    ]
    cases += [
        Case("leaky", leaky("leaky", slope=0.01), image),
        Case("leaky_default", leaky("leaky"), image),
        Case("elu", leaky("elu", slope=1.3), image),
        Case("selu", leaky("selu"), image),
        Case("gelu", leaky("gelu"), image),
        Case("prelu", layer("PReLU", in_channels=4), image),
        Case("prelu_table", layer("PReLU", in_channels=4), (real("N", 4),)),
        Case("prelu_images", layer("PReLU", in_channels=4), (real("N", 4, "H", "W"),)),
        Case("prelu_one_slope", layer("PReLU"), image),
        Case("swish", layer("Swish"), image),
        Case("softplus_large", function(lambda F, x: F.Activation(x * 50, "softrelu")), image),
        Case("hard_sigmoid", _call("hard_sigmoid", alpha=1 / 6, beta=0.4), image),
        Case("clip", _call("clip", a_min=-0.5, a_max=0.7), image),
        Case("smooth_l1", _call("smooth_l1", scalar=1.5), image),
        Case("div_sqrt_dim", function(lambda F, x: F.contrib.div_sqrt_dim(x)), image),
        Case("softmax", _call("softmax"), image),
        Case("softmax_axis", _call("softmax", axis=1), image),
        Case("softmax_temperature", _call("softmax", temperature=2.0), image),
        Case("softmin", _call("softmin", axis=1), image),
        Case("log_softmax", _call("log_softmax", axis=1, temperature=0.5), image),
        Case("softmax_activation", _call("SoftmaxActivation"), (real("N", 4),)),
        Case("softmax_channels", _call("SoftmaxActivation", mode="channel"), image),
        Case(
            "softmax_length",
            function(lambda F, x, n: F.softmax(x, n, use_length=True)),
            (real("N", 4), integers(1, 4, "N", dtype="int32")),
            error="use_length=True has no conversion",
        ),
        Case("dropout", layer("Dropout", 0.5), image),
        Case("stop_gradient", function(lambda F, x: F.stop_gradient(x) * 2), image),
        Case("identity", _call("identity"), image),
    ]
    return cases


def _dtypes() -> list[Case]:
    cases = []
    for dtype in DTYPES:
        x = (integers(0, 9, "N", 4, dtype=dtype),)
        pair = (*x, integers(1, 9, 1, 4, dtype=dtype))
        bodies: dict[str, tuple[Callable[..., Any], tuple[Input, ...]]] = {
            "scalars": (lambda F, a: (a * 2.5 + 1) / 2 - 3, x),
            "arithmetic": (lambda F, a, b: F.broadcast_div(F.broadcast_mul(a, b), b + 1), pair),
            "remainder": (lambda F, a, b: F.broadcast_mod(a, b), pair),
            "extremes": (
                lambda F, a, b: F.broadcast_maximum(a, b) + F.broadcast_minimum(a, b),
                pair,
            ),
            "powers": (lambda F, a: a**2, x),
            "comparison": (lambda F, a, b: F.broadcast_lesser(a, b) + (a == 2.5) + (a > 3), pair),
            "logic": (lambda F, a, b: F.broadcast_logical_xor(a, b) + F.logical_not(a), pair),
            "unary": (lambda F, a: F.abs(a) + F.square(a) + F.sign(a) + F.relu(a), x),
            "functions": (lambda F, a: F.exp(a) + F.sqrt(a) + F.round(a), x),
            "clip": (lambda F, a: F.clip(a, 1, 5), x),
            "where": (lambda F, a: F.where(a > 2, a, a * 2), x),
            "cast": (lambda F, a: F.cast(a, "float32") * 0.5, x),
            "sum": (lambda F, a: F.sum(a, axis=1), x),
            "mean": (lambda F, a: F.mean(a, axis=1), x),
            "extreme_of_axis": (lambda F, a: F.max(a, axis=1) + F.min(a, axis=1), x),
            "cumsum": (lambda F, a: F.cumsum(a, axis=1), x),
            "argmax": (lambda F, a: F.argmax(a, axis=1) + 1, x),
            "sort": (lambda F, a: F.sort(a, axis=1), x),
            "one_hot": (lambda F, a: F.one_hot(a, 7) * 2.5, x),
            "concat": (lambda F, a: F.concat(a, F.tile(a, (1, 2)), F.zeros_like(a), dim=1), x),
        }
        cases += [
            Case(f"{dtype}_{name}", function(body), inputs)
            for name, (body, inputs) in bodies.items()
        ]
    cases += [
        Case("int64_product", function(lambda F, a: F.prod(a, axis=1)), _whole("int64")),
        Case("int32_negative", function(lambda F, a: -a - 7), _whole("int32")),
        Case("int32_trunc_division", function(lambda F, a: (a - 5) / 2), _whole("int32")),
        Case("int32_mod_negative", function(lambda F, a: (a - 5) % 3), _whole("int32")),
        Case("cast_truncates", function(lambda F, x: F.cast(x, "int32")), X),
        Case("cast_uint8", function(lambda F, x: F.cast(x, "uint8")), POSITIVE),
        Case("cast_bool", function(lambda F, x: F.cast(F.cast(x > 0, "bool"), "int64")), X),
        Case("cast_f64", function(lambda F, x: F.cast(x, "float64") / 3), X, 1e-12),
        Case("amp_cast", function(lambda F, x: F.amp_cast(x, "float16") / 3), X, 2e-3),
        Case("i64_in_and_out", function(lambda F, i: (i, i + 1)), _whole("int64")),
        Case(
            "f64_functions",
            function(lambda F, x: F.tanh(x) + F.sqrt(F.square(x)) + F.softmax(x) + F.log(x)),
            (positive(*TABLE, dtype="float64"),),
            1e-6,
        ),
        Case(
            "f64_gelu",
            _call("LeakyReLU", act_type="gelu"),
            (real(*TABLE, dtype="float64"),),
            1e-6,
            runtime="reference",
        ),
    ]
    half = (real(*TABLE, dtype="float16"),)
    for name, body in {
        "scalars": lambda F, x: (x * 3 + 1) / 2 - 0.5,
        "functions": lambda F, x: F.exp(x) + F.sigmoid(x) * F.relu(x),
        "softmax": lambda F, x: F.softmax(x, axis=-1),
        "reshape": lambda F, x: F.reshape(x, (0, 2, -1)),
        "sum": lambda F, x: F.sum(x, axis=1),
    }.items():
        cases.append(Case(f"float16_{name}", function(body), half, 2e-3))
    return cases


def _whole(dtype: str) -> tuple[Input, ...]:
    return (integers(0, 9, "N", 4, dtype=dtype),)


CASES = (*_unary(), *_arithmetic(), *_comparison(), *_activations(), *_dtypes())
