"""Cases: shapes, slices, sizes computed at run time, reductions."""

from __future__ import annotations

from typing import Any

from tests.backends.mxnet_symbol_cases import Case, function, integers, positive, real, weights

TABLE = (real("N", 6),)
STEPS = (real("N", "T", 4),)
IMAGE = (real("N", 4, "H", "W"),)


def _call(name: str, *arguments: Any, **options: Any) -> Any:
    return function(lambda F, *inputs: getattr(F, name)(*inputs, *arguments, **options))


def _reshape(*shape: int, **options: Any) -> Any:
    return _call("reshape", shape=shape, **options)


def _reshapes() -> list[Case]:
    heads = (real("N", "T", 2, 4),)
    four = (real("N", "T", "H", "W"),)
    even = (real("2*N", "T", "3*S", 4),)
    return [
        Case("reshape_keep", _reshape(0, 0, 2, -1), STEPS, dims=(("N", "T", 2, 2),)),
        Case("reshape_constant_tail", _reshape(-1, 4), STEPS, dims=(("N * T", 4),)),
        Case("reshape_split_front", _reshape(-1, 2, 2), STEPS),
        Case("reshape_flat", _reshape(-1), IMAGE, dims=(("4 * H * N * W",),)),
        Case("reshape_rest", _reshape(-1, -2), STEPS, operators={"Reshape": 1}),
        Case("reshape_merge", _reshape(-3, 0, 0), heads, dims=(("N * T", 2, 4),)),
        Case("reshape_merge_shifts", _reshape(-3, -2), four, dims=(("N * T", "H", "W"),)),
        Case("reshape_merge_twice", _reshape(-3, -3), four, dims=(("N * T", "H * W"),)),
        Case("reshape_merge_all", _reshape(0, -3, 0), four, dims=(("N", "H * T", "W"),)),
        Case("reshape_split", _reshape(-4, -1, 2, -2), even, dims=(("N", 2, "T", "3 * S", 4),)),
        Case("reshape_split_two", _reshape(-4, 2, -1, 0, -4, -1, 3, 0), even),
        Case("reshape_reverse", _reshape(-1, 0, 0, reverse=True), heads),
        Case("reshape_static", _reshape(2, 3), (real(6),)),
        Case(
            "reshape_heads",
            function(
                lambda F, x: F.reshape(
                    F.transpose(F.reshape(x, (0, 0, 2, -1)), (0, 2, 1, 3)), (-3, 0, 0)
                )
            ),
            STEPS,
            dims=(("2 * N", "T", 2),),
        ),
        Case("reshape_baked_length", _reshape(0, 5, 4), STEPS, error="cannot become (0, 5, 4)"),
        Case(
            "reshape_baked_base",
            _reshape(0, 5, 4),
            STEPS,
            sizes={"T": (5,)},
            error="dimension `T` cannot vary: T=5 works, with N=5, T=4: Reshape `",
        ),
        Case(
            "pixel_shuffle",
            function(_pixel_shuffle),
            (real("N", 8, "H", "W"),),
            dims=(("N", 2, "2 * H", "2 * W"),),
        ),
        Case("reshape_like", _call("reshape_like"), (real("N", "T", 4), real("N", 2, "T", 2))),
        Case(
            "reshape_like_part",
            _call("reshape_like", lhs_begin=0, lhs_end=1, rhs_begin=0, rhs_end=2),
            (real("6*N", "T"), real("2*N", 3, "S")),
            dims=(("2 * N", 3, "T"),),
        ),
        Case("flatten", _call("flatten"), IMAGE),
        Case("expand_dims", function(lambda F, x: F.expand_dims(x * 2, axis=-1)), STEPS),
        Case("expand_dims_inside", function(lambda F, x: F.expand_dims(x * 2, axis=1)), STEPS),
        Case("squeeze", _call("squeeze", axis=1), (real("N", 1, "T"),), dims=(("N", "T"),)),
        Case("squeeze_several", _call("squeeze", axis=(1, -1)), (real("N", 1, "T", 1),)),
        Case("squeeze_all_ones", _call("squeeze"), (real("N", 1, "T", 1),)),
        Case("transpose", _call("transpose", axes=(0, 2, 1)), STEPS),
        Case("transpose_default", _call("transpose"), STEPS),
        Case("swapaxes", _call("swapaxes", 1, 2), STEPS, dims=(("N", 4, "T"),)),
    ]


def _pixel_shuffle(F: Any, x: Any) -> Any:
    x = F.reshape(F.reshape(x, (0, -4, -1, 4, 0, 0)), (0, 0, -4, 2, 2, 0, 0))
    return F.reshape(F.transpose(x, (0, 1, 4, 2, 5, 3)), (0, 0, -3, -3))


def _repetition() -> list[Case]:
    pad = (0, 0, 0, 0, 1, 2, 3, 0)
    space = (real("N", 8, "H", "W"),)
    one = (real("N", 1, 4),)
    return [
        Case("broadcast_to", _call("broadcast_to", shape=(0, 5, 4)), one),
        Case("broadcast_axis", _call("broadcast_axis", axis=1, size=5), one),
        Case("broadcast_like", _call("broadcast_like"), (real(1, "T", 1), real("N", "T", 4))),
        Case(
            "broadcast_like_axes",
            _call("broadcast_like", lhs_axes=(1,), rhs_axes=(0,)),
            (real("N", 1, 4), real("T", 3)),
            dims=(("N", "T", 4),),
        ),
        Case("tile", _call("tile", (1, 2, 3)), STEPS, dims=(("N", "2 * T", 12),)),
        Case("tile_short", _call("tile", (2,)), STEPS),
        Case("tile_long", _call("tile", (2, 1, 1, 3)), STEPS),
        Case("repeat", _call("repeat", repeats=3, axis=1), STEPS, dims=(("N", "3 * T", 4),)),
        Case("repeat_first", _call("repeat", repeats=2, axis=0), STEPS),
        Case("repeat_all", _call("repeat", repeats=2), STEPS),
        Case("pad", _call("pad", "constant", pad, 0.5), IMAGE, dims=(("N", 4, "H + 3", "W + 3"),)),
        Case("pad_reflect", _call("pad", "reflect", pad), IMAGE),
        Case("pad_edge", _call("pad", "edge", pad), IMAGE),
        Case("depth_to_space", _call("depth_to_space", block_size=2), space),
        Case(
            "space_to_depth",
            _call("space_to_depth", block_size=2),
            (real("N", 3, "2*H", "2*W"),),
            dims=(("N", 12, "H", "W"),),
        ),
    ]


def _slices() -> list[Case]:
    return [
        Case("slice", _call("slice", begin=(0, 1), end=(2, 3)), (real(4, "T"),)),
        Case("slice_open", _call("slice", begin=(None, 1), end=(None, None)), STEPS),
        Case("slice_last", _call("slice", begin=(None, -3), end=(None, -1)), STEPS),
        Case("slice_step", _slice_step(2, 0), STEPS, dims=(("N", "(T + 1) // 2", 4),)),
        Case("slice_back", _slice_step(-1, None), STEPS),
        Case(
            "slice_back_to_second",
            _call("slice", begin=(None, -1), end=(None, 0), step=(1, -1)),
            STEPS,
            dims=(("N", "T - 1", 4),),
        ),
        Case("slice_axis", _call("slice_axis", axis=1, begin=1, end=None), STEPS),
        Case("slice_axis_last", _call("slice_axis", axis=-2, begin=-2, end=None), STEPS),
        Case(
            "slice_like",
            _call("slice_like", axes=(1,)),
            (real("N", 60, 4), real("S", "T")),
            sizes={"T": (4, 9)},
            dims=(("N", "T", 4),),
        ),
        Case("slice_like_all", _call("slice_like"), (real(60, 60), real("N", "T"))),
        Case("reverse", _call("reverse", axis=1), STEPS),
        Case("reverse_two", _call("reverse", axis=(0, 1)), STEPS),
        Case("concat", _call("concat", dim=1), (real("N", "T"), real("N", 3), real("N", "T"))),
        Case("concat_last", _call("concat", dim=-1), (real("N", 3), real("N", 2))),
        Case("stack", _call("stack", axis=1), (real("N", "T"), real("N", "T"))),
        Case("stack_last", _call("stack", axis=-1), (real("N", "T"), real("N", "T"))),
        Case("split", _call("split", num_outputs=3, axis=1), TABLE),
        Case("split_one", function(lambda F, x: F.split(x, num_outputs=3, axis=1)[1]), TABLE),
        Case("split_batch", _call("split", num_outputs=2, axis=0), (real("2*N", 3),)),
        Case(
            "split_squeeze",
            _call("split", num_outputs=3, axis=1, squeeze_axis=True),
            (real("N", 3, "T"),),
            dims=(("N", "T"),) * 3,
        ),
        Case("split_many", _call("split", num_outputs=12, axis=1), (real("N", 12),)),
        Case("split_v2", _call("split_v2", (1, 3), axis=1), STEPS),
        Case("split_v2_sections", _call("split_v2", 2, axis=2), STEPS),
    ]


def _slice_step(step: int, begin: int | None) -> Any:
    return _call("slice", begin=(None, begin), end=(None, None), step=(1, step))


def _creation() -> list[Case]:
    def add(make: Any) -> Any:
        return function(lambda F, x: F.broadcast_add(x, make(F, x)))

    def like(**options: Any) -> Any:
        return function(lambda F, x: F.contrib.arange_like(x, **options) * 1.0)

    return [
        Case(
            "constants",
            add(lambda F, x: F.zeros((1, 6)) + F.ones((1, 6)) * F.full((1, 6), 2)),
            TABLE,
        ),
        Case("arange", add(lambda F, x: F.reshape(F.arange(1, 13, 2), (1, 6))), TABLE),
        Case("eye", add(lambda F, x: F.slice_axis(F.eye(6), axis=0, begin=2, end=3)), TABLE),
        Case("linspace", add(lambda F, x: F.reshape(F.linspace(0, 1, 6), (1, 6))), TABLE),
        Case("arange_like", like(axis=1), STEPS, dims=(("T",),)),
        Case("arange_like_fixed", like(axis=2, start=2, step=0.5), STEPS),
        Case("arange_like_all", like(start=1, step=2), STEPS, dims=(("N", "T", 4),)),
        Case("zeros_like", add(lambda F, x: F.zeros_like(x) + F.ones_like(x) * 2), STEPS),
        Case("shape_array", _call("shape_array"), STEPS),
        Case("size_array", _call("size_array"), STEPS),
        Case("causal_mask", function(_causal), (real("N", "T", "T"),), dims=(("N", "T", "T"),)),
        Case(
            "positions",
            function(_positions, w=weights(40, 4)),
            (integers(0, 9, "N", "T"),),
            sizes={"T": (3, 40)},
            dims=(("N", "T", 4),),
        ),
    ]


def _causal(F: Any, x: Any) -> Any:
    row = F.contrib.arange_like(x, axis=1)
    future = F.broadcast_greater(F.expand_dims(row, 0), F.expand_dims(row, 1))
    return F.softmax(F.broadcast_add(x, F.expand_dims(future, 0) * -1e9))


def _positions(F: Any, tokens: Any, w: Any) -> Any:
    """The first T rows of a table of 40: T may not be above."""
    rows = F.slice_like(w, F.transpose(tokens), axes=(0,))
    once = F.expand_dims(F.cast(tokens, "float32"), -1)
    return F.broadcast_add(F.expand_dims(rows, 0), once)


_AXES: dict[str, dict[str, Any]] = {
    "axis": {"axis": 1},
    "keep": {"axis": 1, "keepdims": True},
    "two": {"axis": (1, -1)},
    "all": {},
    "all_keep": {"keepdims": True},
    "exclude": {"axis": 0, "exclude": True},
    "exclude_two": {"axis": (0, 2), "exclude": True, "keepdims": True},
}


def _reductions() -> list[Case]:
    cases = []
    for name in ("sum", "mean", "max", "min", "prod"):
        for label, options in _AXES.items():
            cases.append(Case(f"{name}_{label}", _call(name, **options), (positive("N", "T", 4),)))
    cases += [
        Case("norm_all", _call("norm"), STEPS),
        Case("norm_axis", _call("norm", axis=1, keepdims=True), STEPS),
        Case("norm_1", _call("norm", ord=1, axis=1), STEPS),
        Case("cumsum", _call("cumsum", axis=1), STEPS),
        Case("cumsum_all", _call("cumsum"), STEPS),
        Case("mean_f64", _call("mean", axis=1), (real("N", "T", dtype="float64"),), 1e-12),
        Case("mean_int_symbolic", _call("mean", axis=1), (integers(0, 99, "N", "T"),)),
    ]
    return cases


CASES = (*_reshapes(), *_repetition(), *_slices(), *_creation(), *_reductions())
