"""The work that `tercet show` counts, against figures worked out by hand."""

from __future__ import annotations

import pytest

from tercet import summary
from tests.compiler.texts import body


@pytest.mark.parametrize(
    "inputs, statements, flops, parameters",
    [
        # 2 * outputs (5 * 5 * 8) * window (3 * 5 * 3)
        (
            "input x: f32[N, 3, 10, 12]",
            "y = x |> conv2d(8, [3, 5], stride = 2, padding = 1)",
            "18000 * N",
            368,
        ),
        # each of two groups sees half of the channels: 2 * (8 * 10 * 8) * (3 * 3 * 2)
        (
            "input x: f32[N, 4, 10, 12]",
            "y = x |> conv2d(8, 3, groups = 2, bias = false)",
            "23040 * N",
            144,
        ),
        # an input element meets each output channel's window: 2 * (5 * 5 * 4) * (3 * 3 * 8)
        (
            "input x: f32[N, 4, 5, 5]",
            "y = x |> conv_transpose2d(8, 3, stride = 2)",
            "14400 * N",
            296,
        ),
        ("input x: f32[N, T, 7]", "y = x |> dense(5)", "70 * N * T", 40),
        # 2 * gates * units * (inputs + units)
        ("input x: f32[N, T, 4]", "y = x |> lstm(8)", "768 * N * T", 416),
        ("input x: f32[N, T, 4]", "y = x |> gru(8)", "576 * N * T", 336),
        (
            "input x: f32[N, T, 4]",
            "y = x |> lstm(8, layers = 2, bidirectional = true)",
            "4608 * N * T",
            2432,
        ),
        ("input a: f32[N, 4]\n input b: f32[4, 5]", "y = a @ b", "40 * N", 0),
        # of every score two products of width 8 and 5, scaling, and a softmax of 5
        (
            "input q: f32[N, T, 8]\n input k: f32[N, 7, 8]\n input v: f32[N, 7, 5]",
            "y = scaled_dot_product_attention(q, k, v)",
            "224 * N * T",
            0,
        ),
        # what is summed, not the sums; of a variance the mean, differences, squares and their mean
        ("input x: f32[N, 6, 7]", "y = x |> sum(axis = 1)", "42 * N", 0),
        ("input x: f32[N, 6, 7]", "y = x |> var(axis = [1, 2])", "168 * N", 0),
        ("input x: f32[N, 6, 7, 7]", "y = x |> global_avg_pool2d", "294 * N", 0),
        # elements are only moved
        (
            "input x: f32[N, 6, 7]",
            "a, b = x |> transpose([0, 2, 1]) |> split(2, axis = 2)\n"
            "y = concat([a[:, ::2], b[:, 3:]], axis = 1) |> flatten",
            "0",
            0,
        ),
        # applied three times, its parameters counted once
        ("input x: f32[N, 8]", "d = dense(8)\n y = x |> d |> d |> d", "384 * N", 72),
    ],
)
def test_totals(inputs: str, statements: str, flops: str, parameters: int) -> None:
    totals = summary.totals(body(statements, inputs))
    assert str(totals.flops) == flops
    assert totals.trainable == totals.parameters == parameters


@pytest.mark.parametrize(
    "inputs, statements, size",
    [
        ("input x: f32[N, 8]", "y = x |> dense(5) |> relu", "40 * N"),
        # all outputs of an operation, each in its own dtype
        ("input x: f32[N, 8]", "a, b = x |> split(2, axis = 1)\n y = a + b", "48 * N"),
        ("input x: f32[N, 8]", "y, _ = x |> topk(3)", "36 * N"),
        (
            "input x: f32[N, T, 4]",
            "y, _, _ = x |> lstm(8, return_state = true)",
            "32 * N * T + 64 * N",
        ),
    ],
)
def test_bytes_of_activations(inputs: str, statements: str, size: str) -> None:
    assert str(summary.totals(body(statements, inputs)).activation_bytes) == size
