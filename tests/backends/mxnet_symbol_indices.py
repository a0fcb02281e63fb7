"""Cases: elements by index, order, extremes."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.backends.mxnet_symbol_cases import Case, function, integers, layer, real, weights

STEPS = (real("N", "T", 4),)
TABLE = (real("N", 6),)
DTYPES = ("float32", "int32", "int64")


def _call(name: str, *arguments: Any, **options: Any) -> Any:
    return function(lambda F, *inputs: getattr(F, name)(*inputs, *arguments, **options))


def _taking() -> list[Case]:
    cases = []
    for dtype in DTYPES:
        ids = integers(0, 11, "N", "T", dtype=dtype)
        wild = integers(-3, 15, "S", dtype=dtype)
        cases += [
            Case(f"embedding_{dtype}", layer("Embedding", 11, 6), (ids,), dims=(("N", "T", 6),)),
            Case(f"take_{dtype}", _call("take", axis=1), (real("N", 11), ids)),
            Case(f"take_clipped_{dtype}", _call("take", axis=1), (real("N", 9), wild)),
            Case(f"take_clipped_symbolic_{dtype}", _call("take", axis=1), (*STEPS, wild)),
            Case(f"take_wrapped_{dtype}", _call("take", axis=0, mode="wrap"), (*STEPS, wild)),
            Case(f"one_hot_{dtype}", _call("one_hot", 7), (integers(-1, 9, "N", dtype=dtype),)),
        ]
    backwards = np.array([5, 4, 0, 9, -1], np.float32)
    cases += [
        Case("embedding_clipped", layer("Embedding", 11, 6), (integers(-3, 15, "N", "T"),)),
        Case(
            "take_constant",
            function(lambda F, x, i: F.take(x, i, axis=1), i=backwards),
            TABLE,
            operators={"Clip": 0, "Gather": 1},
        ),
        Case(
            "take_parameter_rows",
            function(lambda F, i, w: F.take(w, i), w=weights(9, 3)),
            (integers(0, 9, "N", "T"),),
        ),
        Case(
            "one_hot_values",
            _call("one_hot", 7, on_value=3, off_value=-2, dtype="float64"),
            (integers(0, 7, "N", "T"),),
        ),
        Case("one_hot_int", _call("one_hot", 7, dtype="int32"), (integers(0, 7, "N"),)),
        Case("pick", _call("pick", axis=1), (real("N", 6), integers(-2, 9, "N"))),
        Case("pick_default", _call("pick"), (real("N", "T", 4), integers(0, 4, "N", "T"))),
        Case(
            "pick_keep",
            _call("pick", axis=1, keepdims=True),
            (real("N", "T", 4), integers(0, 9, "N", 4, dtype="float32")),
        ),
        Case("gather_nd", _call("gather_nd"), (real("N", "T", 4), integers(0, 2, 2, "S"))),
        Case(
            "scatter_nd",
            function(lambda F, x: F.scatter_nd(x, F.reshape(F.arange(3), (1, 3)), (5, 4))),
            (real(3, 4),),
        ),
        Case(
            "index_copy",
            function(lambda F, x, y: F.contrib.index_copy(x, F.arange(1, 3, dtype="int32"), y)),
            (real(5, 4), real(2, 4)),
        ),
        Case(
            "gather_nd_f32",
            _call("gather_nd"),
            (real("N", 6), integers(0, 2, 2, 3, "S", dtype="float32")),
        ),
    ]
    return cases


def _ordering() -> list[Case]:
    cases = []
    for name in ("argmax", "argmin"):
        cases += [
            Case(name, _call(name, axis=1), STEPS),
            Case(f"{name}_keep", _call(name, axis=-1, keepdims=True), STEPS),
            Case(f"{name}_all", _call(name), (real(4, "T"),)),
        ]
    for kind in ("value", "indices", "both", "mask"):
        cases += [
            Case(f"topk_{kind}", _call("topk", k=2, axis=1, ret_typ=kind), STEPS),
            Case(f"topk_{kind}_all", _call("topk", axis=None, k=3, ret_typ=kind), STEPS),
        ]
    cases += [
        Case("topk_smallest", _call("topk", k=2, is_ascend=True, dtype="int32"), STEPS),
        Case("topk_whole_axis", _call("topk", k=0, axis=1, ret_typ="value"), STEPS),
        Case("sort", _call("sort", axis=-1), STEPS),
        Case("sort_axis", _call("sort", axis=1, is_ascend=False), STEPS),
        Case("argsort_all", _call("argsort", axis=None), STEPS),
        Case("argsort", _call("argsort", axis=1), STEPS),
        Case("argsort_int", _call("argsort", axis=1, is_ascend=False, dtype="int64"), STEPS),
    ]
    return cases


CASES = (*_taking(), *_ordering())
