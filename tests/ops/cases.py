"""The records of element-wise, shape, indexing, reducing and random operations.

Sizes are distinct numbers, so that a swapped axis cannot go unnoticed.
"""

from __future__ import annotations

from tercet.compiler.ops import elementwise as el
from tercet.compiler.ops import indexing, joining, linear, random, scattering, shape
from tercet.compiler.ops import reduce as red
from tercet.compiler.ops.base import Op
from tercet.compiler.ops.joining import Roll
from tercet.compiler.ops.slicing import Index, Integer, NewAxis, Slice
from tercet.compiler.types import DType
from tests.ops.frame import Input, OpCase
from tests.ops.frame import make_case as case
from tests.ops.resize_cases import RESIZING, SAMPLING

_X = (2, 3, 5)
_ALL = (2, 3, 5)


def _arithmetic() -> list[OpCase]:
    floats: dict[str, tuple[Op, Input]] = {
        "add": (el.Add(), Input((3, 1))),
        "subtract": (el.Subtract(), Input((3, 1))),
        "multiply": (el.Multiply(), Input((3, 1))),
        "divide": (el.Divide(), Input((3, 1), "positive")),
        "floor_divide": (el.FloorDivide(), Input((3, 1), "positive")),
        "modulo": (el.Modulo(), Input((3, 1), "positive")),
        "minimum": (el.Minimum(), Input((3, 1))),
        "maximum": (el.Maximum(), Input((3, 1))),
    }
    found = [case(n, op, _X, y, symbolic=_ALL) for n, (op, y) in floats.items()]
    found += [
        case(f"{name}_integer", op, Input(_X, "integer"), Input((5,), "count"), symbolic=(2, 5))
        for name, (op, _) in floats.items()
        if name != "divide"
    ]
    return [
        *found,
        case("power", el.Power(), Input(_X, "positive"), (3, 1), symbolic=_ALL),
        case("power_integer", el.Power(), Input(_X, "integer"), Input((5,), "count")),
        case("modulo_negative", el.Modulo(), Input(_X, "integer"), Input((5,), "signed_count")),
        case(
            "floor_divide_negative",
            el.FloorDivide(),
            Input(_X, "integer"),
            Input((5,), "signed_count"),
        ),
    ]


def _unary() -> list[OpCase]:
    anywhere: dict[str, Op] = {
        "negate": el.Negate(),
        "abs": el.Abs(),
        "sign": el.Sign(),
        "square": el.Square(),
        "exp": el.Exp(),
        "expm1": el.Expm1(),
        "sin": el.Sin(),
        "cos": el.Cos(),
        "erf": el.Erf(),
        "atan": el.Atan(),
        "sinh": el.Sinh(),
        "cosh": el.Cosh(),
        "asinh": el.Asinh(),
        "floor": el.Floor(),
        "ceil": el.Ceil(),
        "clip": el.Clip(-0.5, 0.7),
        "clip_below": el.Clip(min=0.0),
        "clip_above": el.Clip(max=0.25),
        "cast_integer": el.Cast(DType.I64),
    }
    positive: dict[str, Op] = {
        "log": el.Log(),
        "log1p": el.Log1p(),
        "sqrt": el.Sqrt(),
        "rsqrt": el.Rsqrt(),
        "reciprocal": el.Reciprocal(),
        "tan": el.Tan(),
    }
    bounded: dict[str, Op] = {"asin": el.Asin(), "acos": el.Acos(), "atanh": el.Atanh()}
    return [
        *(case(name, op, _X, symbolic=_ALL) for name, op in anywhere.items()),
        *(case(name, op, Input(_X, "cosine"), symbolic=_ALL) for name, op in bounded.items()),
        case("acosh", el.Acosh(), Input(_X, "above_one"), symbolic=_ALL),
        *(case(name, op, Input(_X, "positive"), symbolic=_ALL) for name, op in positive.items()),
        case("round", el.Round(), Input((4, 9), "halves"), symbolic=(4, 9)),
        case("sign_zero", el.Sign(), Input((4, 9), "integer")),
        case("is_nan", el.IsNan(), Input((4, 9), "special"), symbolic=(4, 9)),
        case("is_inf", el.IsInf(), Input((4, 9), "special"), symbolic=(4, 9)),
        case("clip_integer", el.Clip(-3, 4), Input(_X, "integer")),
        case("cast_bool", el.Cast(DType.BOOL), Input((4, 9), "halves"), symbolic=(4, 9)),
        case("cast_float", el.Cast(DType.F64), Input(_X, "mask"), symbolic=_ALL),
    ]


def _comparisons() -> list[OpCase]:
    ops = {
        "equal": el.Equal(),
        "not_equal": el.NotEqual(),
        "less": el.Less(),
        "less_equal": el.LessEqual(),
        "greater": el.Greater(),
        "greater_equal": el.GreaterEqual(),
    }
    left, right = Input((4, 30), "integer"), Input((30,), "integer")
    return [case(name, op, left, right, symbolic=(4, 30)) for name, op in ops.items()]


ELEMENTWISE = [
    *_arithmetic(),
    *_unary(),
    *_comparisons(),
    case("outer_integer", linear.Outer(), Input((3,), "integer"), Input((5,), "integer")),
    case("add_scalar", el.Add(), (), _X, symbolic=_ALL),
    case(
        "logical_and", el.LogicalAnd(), Input(_X, "mask"), Input((2, 1, 5), "mask"), symbolic=_ALL
    ),
    case("logical_or", el.LogicalOr(), Input(_X, "mask"), Input((2, 1, 5), "mask"), symbolic=_ALL),
    case("logical_not", el.LogicalNot(), Input(_X, "mask"), symbolic=_ALL),
    case("where", el.Where(), Input((3, 1), "mask"), _X, (5,), symbolic=_ALL),
    case(
        "where_of_truths", el.Where(), *(Input(shape, "mask") for shape in ((3, 1), (3, 5), (5,)))
    ),
    case("constant", el.Constant(1.5, DType.F64)),
    case("constant_integer", el.Constant(-3, DType.I64)),
]

SHAPE = [
    case("reshape", shape.Reshape((5, 6)), _X),
    case("reshape_free", shape.Reshape((-1, 15)), _X, symbolic=(2,)),
    case("flatten", shape.Flatten(), (2, 3, 5, 7), symbolic=(2, 3, 7)),
    case("flatten_middle", shape.Flatten(1, 2), (2, 3, 5, 7), symbolic=(2, 3, 5, 7)),
    case("transpose", shape.Transpose(), (3, 5), symbolic=(3, 5)),
    case("transpose_order", shape.Transpose((2, 0, 1)), _X, symbolic=_ALL),
    case("permute", shape.Permute((0, -1, 1)), _X, symbolic=_ALL),
    case("squeeze", shape.Squeeze(), (2, 1, 3, 1), symbolic=(2, 3)),
    case("squeeze_axis", shape.Squeeze(-1), (2, 1, 3, 1), symbolic=(2, 3)),
    case("unsqueeze", shape.Unsqueeze(1), _X, symbolic=_ALL),
    case("unsqueeze_several", shape.Unsqueeze((0, -1)), _X, symbolic=_ALL),
    case("expand", shape.Expand((7, -1, 3, 1)), (2, 1, 5), symbolic=(2, 5)),
    case("broadcast_to", shape.BroadcastTo((4, 2, 3)), (2, 1)),
    case("concat", joining.Concat(1), (2, 3, 5), (2, 4, 5), (2, 6, 5), symbolic=(2, 3, 4, 5, 6)),
    case("concat_last", joining.Concat(-1), (2, 3), (2, 5), symbolic=(2, 3)),
    case("stack", joining.Stack(), (3, 5), (3, 5), symbolic=(3, 5)),
    case("stack_last", joining.Stack(-1), (3, 5), (3, 5), symbolic=(3, 5)),
    case("split", joining.Split(3, axis=-1), (2, 5, 6), symbolic=(2, 5)),
    case("split_sizes", joining.Split((1, 4, 2), axis=1), (2, 7), symbolic=(2,)),
    case("chunk", joining.Chunk(3, axis=1), (2, 7), symbolic=(2,)),
    case("unbind", joining.Unbind(), (3, 5), symbolic=(5,)),
    case("unbind_axis", joining.Unbind(-2), (2, 3, 5), symbolic=(2, 5)),
    case("unbind_of_one", joining.Unbind(1), (2, 1, 5), symbolic=(2, 5)),
    case("split_of_one", joining.Split(1, axis=1), (2, 3, 5), symbolic=(2, 5)),
    case("unbind_vector", joining.Unbind(), (3,)),
    case("pixel_shuffle", shape.PixelShuffle(2), (2, 12, 5, 7), symbolic=(2, 5, 7)),
    case("pixel_shuffle_three", shape.PixelShuffle(3), (2, 9, 1, 4), symbolic=(2, 4)),
    case("pixel_unshuffle", shape.PixelUnshuffle(2), (2, 3, 8, 10), symbolic=(2,)),
    case("pixel_unshuffle_three", shape.PixelUnshuffle(3), (2, 1, 6, 9), symbolic=(2,)),
    case("pad", joining.Pad(((0, 0), (2, 1), (0, 3)), value=1.5), _X, symbolic=_ALL),
    *(
        case(
            f"pad_{mode}_of_four_axes",
            joining.Pad(((0, 0), (1, 2), (2, 1), (1, 1), (0, 3)), mode),
            (2, 3, 4, 5, 6),
            symbolic=(2, 5),
        )
        for mode in ("edge", "reflect")
    ),
    case("pad_edge", joining.Pad(((1, 0), (0, 2), (4, 0)), mode="edge"), _X, symbolic=_ALL),
    case("pad_reflect", joining.Pad(((0, 0), (2, 1), (3, 4)), mode="reflect"), _X, symbolic=(2,)),
    case("tile", joining.Tile((2, 1, 3)), _X, symbolic=_ALL),
    case("repeat", joining.Repeat(3, axis=1), _X, symbolic=_ALL),
    case("flip", joining.Flip(), _X, symbolic=_ALL),
    case("flip_axis", joining.Flip((0, -1)), _X, symbolic=_ALL),
    case("roll", Roll(2, 1), _X, symbolic=_ALL),
    case("roll_several", Roll((-1, 4), (-1, 0)), (5, 3, 7), symbolic=(3, 5, 7)),
    case("roll_once_around", Roll(-3, 1), _X, symbolic=_ALL),
    case("roll_modulo", Roll((-7, 11, 4), (0, 2, 1)), (2, 3, 5, 7)),
    case("index_first", Index((Slice(), Integer(0))), _X, symbolic=(2, 5)),
    case("index_last", Index((Slice(), Integer(-1))), _X, symbolic=(2, 5)),
    case("index_step", Index((Slice(), Slice(), Slice(step=2))), _X, symbolic=_ALL),
    case("index_range", Index((Slice(), Slice(1, 3), Slice(-4, -1))), _X, symbolic=(2,)),
    case("index_backwards", Index((Slice(), Slice(step=-1), Slice(4, 0, -2))), _X, symbolic=(3,)),
    case("index_new", Index((NewAxis(), Slice(), NewAxis(), Integer(1))), _X, symbolic=(2, 5)),
]

INDEXING = [
    case("gather", indexing.Gather(), (7, 3), Input((2, 5), "index", 7), symbolic=(7, 3, 2, 5)),
    case("gather_axis", indexing.Gather(1), (2, 7, 3), Input((5,), "index", 7), symbolic=(2, 3, 5)),
    case("gather_scalar", indexing.Gather(-1), _X, Input((), "index", 5), symbolic=(2, 3)),
    case("take", indexing.Take(), (3, 4), Input((2, 5), "index", 12), symbolic=(2, 5)),
    case("take_axis", indexing.Take(0), (3, 4), Input((2, 5), "index", 3), symbolic=(2, 5)),
    case(
        "take_along",
        scattering.TakeAlongAxis(),
        (2, 3, 7),
        Input((2, 3, 5), "place", 7),
        symbolic=(2, 3, 5, 7),
    ),
    case(
        "take_along_axis",
        scattering.TakeAlongAxis(1),
        (2, 7, 3),
        Input((2, 5, 3), "place", 7),
        symbolic=(2, 3, 5),
    ),
    case("take_along_vector", scattering.TakeAlongAxis(0), (7,), Input((9,), "place", 7)),
    case(
        "gather_nd",
        scattering.GatherNd(),
        (4, 5, 3),
        Input((2, 6, 2), "place", 4),
        symbolic=(3, 5, 6),
    ),
    case(
        "gather_nd_one",
        scattering.GatherNd(),
        (4, 3),
        Input((6, 1), "place", 4),
        symbolic=(3, 4, 6),
    ),
    case(
        "gather_nd_elements",
        scattering.GatherNd(),
        (4, 5),
        Input((6, 2), "place", 4),
        symbolic=(5, 6),
    ),
    case(
        "gather_nd_single",
        scattering.GatherNd(),
        (4, 5, 3),
        Input((2,), "place", 4),
        symbolic=(3, 5),
    ),
    case(
        "scatter",
        scattering.Scatter(axis=1),
        (2, 9, 3),
        Input((2, 5, 3), "apart", 9),
        (2, 5, 3),
        symbolic=(2, 3),
    ),
    case(
        "scatter_add",
        scattering.Scatter("add"),
        (2, 3, 4),
        Input((2, 3, 7), "place", 4),
        (2, 3, 7),
        symbolic=(2, 3, 4, 7),
    ),
    case(
        "scatter_add_integer",
        scattering.Scatter("add", axis=0),
        Input((4, 3), "integer"),
        Input((7, 3), "place", 4),
        Input((7, 3), "integer"),
        symbolic=(3, 7),
    ),
    case("scatter_vector", scattering.Scatter(), (9,), Input((5,), "apart", 9), (5,)),
    case(
        "scatter_nd",
        scattering.ScatterNd(),
        (9, 11, 3),
        Input((4, 2, 2), "apart", 9),
        (4, 2, 3),
        symbolic=(3, 11),
    ),
    case(
        "scatter_nd_rows",
        scattering.ScatterNd(),
        (9, 3),
        Input((5, 1), "apart", 9),
        (5, 3),
        symbolic=(3, 9),
    ),
    case(
        "scatter_nd_add",
        scattering.ScatterNd("add"),
        (4, 5, 3),
        Input((7, 2), "place", 4),
        (7, 3),
        symbolic=(3, 5, 7),
    ),
    case(
        "scatter_nd_add_elements",
        scattering.ScatterNd("add"),
        (4, 5),
        Input((7, 2), "place", 4),
        (7,),
        symbolic=(5, 7),
    ),
    case(
        "scatter_nd_single",
        scattering.ScatterNd(),
        (4, 5, 3),
        Input((2,), "place", 4),
        (3,),
        symbolic=(3, 5),
    ),
    case(
        "scatter_nd_integer",
        scattering.ScatterNd("add"),
        Input((4, 3), "integer"),
        Input((7, 1), "place", 4),
        Input((7, 3), "integer"),
        symbolic=(3, 7),
    ),
    case("one_hot", indexing.OneHot(6, DType.F64), Input((2, 5), "index", 6), symbolic=(2, 5)),
    case("one_hot_axis", indexing.OneHot(6, DType.I64, axis=1), Input((2, 5), "integer")),
    case("cumsum", indexing.CumSum(1), _X, symbolic=_ALL),
    case("cumsum_exclusive", indexing.CumSum(-1, exclusive=True), _X, symbolic=_ALL),
    case("cumsum_reverse", indexing.CumSum(1, exclusive=True, reverse=True), _X, symbolic=_ALL),
    case("cumsum_integer", indexing.CumSum(0), Input(_X, "integer"), symbolic=_ALL),
    case("arange", indexing.Arange(5)),
    case("arange_step", indexing.Arange(9, 1, -3, DType.F64)),
    case("full", indexing.Full((2, 3), 1.5, DType.F64)),
    case("zeros_like", indexing.ZerosLike(), _X, symbolic=_ALL),
    case("ones_like", indexing.OnesLike(), Input(_X, "mask"), symbolic=_ALL),
    case("tril", indexing.Tril(), _X, symbolic=_ALL),
    case("tril_above", indexing.Tril(1), _X, symbolic=_ALL),
    case("triu", indexing.Triu(), _X, symbolic=_ALL),
    case("triu_above", indexing.Triu(1), Input(_X, "integer"), symbolic=_ALL),
    case("argmax", indexing.ArgMax(1), _X, symbolic=_ALL),
    case("argmax_ties", indexing.ArgMax(-1, keepdims=True), Input((4, 40), "integer")),
    case("argmin", indexing.ArgMin(-1), _X, symbolic=_ALL),
    case("sort", indexing.Sort(), _X, symbolic=_ALL),
    case("sort_falling", indexing.Sort(1, descending=True), _X, symbolic=_ALL),
    case("sort_ties", indexing.Sort(0), Input((40, 4), "halves"), symbolic=(40, 4)),
    case("sort_ties_falling", indexing.Sort(0, True), Input((40, 4), "halves"), symbolic=(40, 4)),
    case("sort_integer", indexing.Sort(-2), Input((3, 40, 4), "integer"), symbolic=(40, 4)),
    case("sort_of_one", indexing.Sort(0, descending=True), (1, 3), symbolic=(3,)),
    case("topk", indexing.TopK(3), _X, symbolic=(2, 3)),
    case("topk_ties", indexing.TopK(6, axis=0), Input((40, 4), "integer"), symbolic=(4,)),
    case("topk_least", indexing.TopK(6, 0, largest=False), Input((40, 4), "integer")),
]


def _reductions() -> list[OpCase]:
    ops: dict[str, type[red.Reduction]] = {
        "sum": red.ReduceSum,
        "mean": red.ReduceMean,
        "max": red.ReduceMax,
        "min": red.ReduceMin,
        "prod": red.ReduceProd,
        "var": red.Variance,
        "std": red.StandardDeviation,
        "logsumexp": red.ReduceLogSumExp,
        "l1": red.ReduceL1,
        "l2": red.ReduceL2,
        "norm": red.Norm,
        "sum_square": red.ReduceSumSquare,
        "log_sum": red.ReduceLogSum,
    }
    found: list[OpCase] = []
    for name, cls in ops.items():
        x = Input(_X, "positive" if name == "log_sum" else "normal")
        found.append(case(name, cls(), x, symbolic=_ALL))
        found.append(case(f"{name}_axis", cls(axis=1), x, symbolic=_ALL))
        found.append(case(f"{name}_kept", cls(axis=(-1, 0), keepdims=True), x, symbolic=_ALL))
    return found


REDUCE = [
    *_reductions(),
    case("sum_integer", red.ReduceSum(axis=0), Input(_X, "integer"), symbolic=_ALL),
    case("max_integer", red.ReduceMax(axis=0), Input(_X, "integer"), symbolic=_ALL),
    case("sum_square_integer", red.ReduceSumSquare(0), Input(_X, "integer"), symbolic=_ALL),
    case("var_unbiased", red.Variance(axis=1, correction=1), _X, symbolic=(2, 5)),
    case("std_unbiased", red.StandardDeviation(axis=-1, correction=1), _X, symbolic=(2, 3)),
    case("norm_three", red.Norm(axis=1, p=3.0), _X, symbolic=_ALL),
    case("any", red.ReduceAny(axis=1), Input((4, 2, 6), "mask"), symbolic=(4, 6)),
    case("all", red.ReduceAll(axis=1, keepdims=True), Input((4, 2, 6), "mask"), symbolic=(4, 6)),
]

RANDOM = [
    case("random_normal", random.RandomNormal((50, 40), mean=2.0, std=0.5)),
    case("random_uniform", random.RandomUniform((50, 40), low=-1.0, high=3.0)),
    case("random_bernoulli", random.RandomBernoulli((50, 40), p=0.3)),
    case("random_normal_f64", random.RandomNormal((50, 40), dtype=DType.F64)),
    case("random_uniform_f64", random.RandomUniform((50, 40), dtype=DType.F64)),
    case("random_bernoulli_f64", random.RandomBernoulli((50, 40), p=0.3, dtype=DType.F64)),
    case("stop_gradient", random.StopGradient(), _X, symbolic=_ALL),
]

CASES = [*ELEMENTWISE, *SHAPE, *INDEXING, *REDUCE, *RANDOM, *RESIZING, *SAMPLING]
BY_NAME = {record.name: record for record in CASES}
