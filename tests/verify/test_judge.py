"""Verdicts over all voices: every kind of wrong answer is caught, and nothing vacuous passes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tercet.compiler.types import DType
from tercet.verification.judge import Judgement, ProbeKind, Reference, Voice, judge, worst

Array = NDArray[Any]
Function = Callable[[Array], Array]

PROBES = (
    ProbeKind("first"),
    ProbeKind("redrawn", redraws=0),
    ProbeKind("other sizes"),
    ProbeKind("zeros", edge=True, redraws=0),
    ProbeKind("large", edge=True, redraws=0),
)


def _inputs() -> list[Array]:
    random = np.random.default_rng(0)
    first, redrawn = random.normal(size=(2, 2, 4))
    return [first, redrawn, random.normal(size=(3, 4)), np.zeros((2, 4)), first * 100]


def _smooth(x: Array) -> Array:
    return np.asarray(np.tanh(x) + 0.1 * x)


def _answers(function: Function, dtype: str) -> list[dict[str, Array]]:
    return [{"y": function(x.astype(dtype)).astype(dtype)} for x in _inputs()]


def _judge(truth: Function, *others: Function, dtype: DType = DType.F32) -> Judgement:
    """The reference, an eager voice and its file; `others` replace their functions in order."""
    kind = dtype.numpy_name
    exact = "float64" if dtype.is_float else kind
    names = (("a", "eager"), ("a.onnx", "onnx"), ("b.onnx", "onnx"))
    voices = [
        Voice(name, name[0], "eager" if how == "eager" else "onnx", _answers(function, kind))
        for (name, how), function in zip(names, (*others, truth, truth, truth), strict=False)
    ]
    reference = Reference(_answers(truth, exact), _answers(truth, kind))
    return judge({"y": dtype}, PROBES, reference, voices)


def _verdict(judgement: Judgement) -> str:
    return worst(pair.verdict for pair in judgement.pairs)


def test_everyone_is_compared_with_its_file_all_files_and_the_reference() -> None:
    judgement = _judge(_smooth)
    pairs = [(pair.left, pair.right) for pair in judgement.pairs]
    assert pairs == [
        ("a", "a.onnx"),
        ("a.onnx", "b.onnx"),
        ("a", "reference"),
        ("a.onnx", "reference"),
        ("b.onnx", "reference"),
    ]
    assert _verdict(judgement) == "identical"
    assert all(pair.max_abs is not None and pair.max_abs < 1e-5 for pair in judgement.pairs)


def test_a_small_difference_of_meaning_is_found_and_placed() -> None:
    judgement = _judge(_smooth, lambda x: _smooth(x) + 1e-3 * (x.shape[0] == 3))
    assert _verdict(judgement) == "different"
    wrong = {(p.left, p.right): p.probe for p in judgement.pairs if p.verdict == "different"}
    assert wrong == {("a", "a.onnx"): "other sizes", ("a", "reference"): "other sizes"}


def test_a_nan_is_different() -> None:
    judgement = _judge(_smooth, lambda x: np.where(x > 1.5, np.nan, _smooth(x)))
    assert _verdict(judgement) == "different"
    assert any("NaN" in str(pair.reason) for pair in judgement.pairs)


def test_two_voices_wrong_in_the_same_way_differ_from_the_reference() -> None:
    def wrong(x: Array) -> Array:
        return _smooth(x) * 1.001

    judgement = _judge(_smooth, wrong, wrong, wrong)
    verdicts = {pair.right: pair.verdict for pair in judgement.pairs}
    assert verdicts["reference"] == "different"
    assert verdicts["b.onnx"] == "identical"


def test_a_missing_output_a_wrong_dtype_and_a_wrong_shape_are_different() -> None:
    assert _verdict(_judge(_smooth, lambda x: _smooth(x)[:1])) == "different"
    reference = Reference(_answers(_smooth, "float64"), _answers(_smooth, "float32"))
    empty: list[dict[str, Array]] = [{} for _ in PROBES]
    for answers in (_answers(_smooth, "float64"), empty):
        voice = Voice("a", "a", "eager", answers)
        judgement = judge({"y": DType.F32}, PROBES, reference, [voice])
        assert _verdict(judgement) == "different"


def test_a_constant_output_is_not_judged() -> None:
    judgement = _judge(lambda x: np.full_like(x, 0.5))
    assert _verdict(judgement) == "not judged"
    assert "0.5 everywhere" in str(judgement.pairs[0].reason)


def test_a_tiny_output_is_not_judged() -> None:
    judgement = _judge(lambda x: _smooth(x) * 1e-9)
    assert "tiny" in str(judgement.pairs[0].reason)


@pytest.mark.parametrize("small, told", [(1e-3, False), (1e-7, True), (0.0, True)])
def test_columns_within_the_tolerance_of_others_are_told(small: float, told: bool) -> None:
    judgement = _judge(lambda x: _smooth(x) * np.array([1, small, 1, small]))
    assert _verdict(judgement) == "identical"
    what = "y: of 2 of its 4 columns nothing is told"
    said = f"{what}, as they are nowhere more than 1e-05 of the others"
    assert judgement.notes == ((said,) if told else ())


def test_an_output_that_ignores_the_input_is_not_judged() -> None:
    judgement = _judge(lambda x: np.arange(4.0) + 1e-4 * _smooth(x))
    assert "hardly depends" in str(judgement.pairs[0].reason)


def test_an_edge_that_depends_on_a_nan_is_left_out() -> None:
    answers = _answers(lambda x: np.argsort(x), "int64")
    reference = Reference(answers, answers, undefined=["", "", "", {"y"}, ""])
    wrong = [{"y": found["y"] + (index == 3)} for index, found in enumerate(answers)]
    judgement = judge({"y": DType.I64}, PROBES, reference, [Voice("a", "a", "eager", wrong)])
    assert _verdict(judgement) == "identical"
    assert judgement.notes == ("zeros: y left out: it depends on what the reference says is NaN",)


def test_one_probe_of_far_larger_outputs_hides_no_change_of_the_others() -> None:
    assert _verdict(_judge(lambda x: _smooth(x) * (1e6 if len(x) == 3 else 1))) == "identical"


def test_a_reference_that_is_nan_is_not_judged() -> None:
    def invalid(x: Array) -> Array:
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(np.log(x))

    judgement = _judge(invalid)
    assert _verdict(judgement) == "not judged"
    assert "NaN" in str(judgement.pairs[0].reason)


def test_an_edge_that_the_reference_cannot_answer_is_left_out_and_told() -> None:
    def overflowing(x: Array) -> Array:
        with np.errstate(over="ignore"):
            return np.asarray(np.exp(x))

    judgement = _judge(overflowing)
    assert _verdict(judgement) == "identical"
    assert judgement.notes == ("large: y left out: the reference itself is infinite there",)


def test_an_edge_beyond_the_precision_is_left_out_but_a_gross_error_there_is_not() -> None:
    def chaotic(x: Array) -> Array:
        return np.asarray(np.sin(x * (1 + 50 * (np.abs(x) > 20))))

    def other(x: Array) -> Array:
        return np.sin((x.astype(np.float64) * (1 + 1e-7)) * (1 + 50 * (np.abs(x) > 20)))

    judgement = _judge(chaotic, other)
    assert _verdict(judgement) == "identical"
    assert "rounding alone" in judgement.notes[0]
    assert (
        _verdict(_judge(chaotic, lambda x: np.where(np.abs(x) > 20, -1, chaotic(x)))) == "different"
    )


def test_an_ordinary_probe_beyond_the_precision_is_not_judged() -> None:
    def chaotic(x: Array) -> Array:
        return np.asarray(np.sin(x * 2e4))

    judgement = _judge(chaotic, lambda x: np.sin(x.astype(np.float64) * (1 + 1e-7) * 2e4))
    assert _verdict(judgement) == "not judged"


def test_what_sums_in_order_lose_is_rounding_and_more_is_not() -> None:
    def off(by: float) -> list[dict[str, Array]]:
        return [{"y": _smooth(x) + by * (i == 3)} for i, x in enumerate(_inputs())]

    exact, rounded = _answers(_smooth, "float64"), _answers(_smooth, "float32")
    for given, verdict in (([], "different"), (off(1e-4), "identical"), (off(1e-6), "different")):
        answers = [{"y": a["y"].astype(np.float32)} for a in off(1.5e-4)]
        reference = Reference(exact, rounded, in_order=given)
        found = judge({"y": DType.F32}, PROBES, reference, [Voice("a", "a", "eager", answers)])
        assert _verdict(found) == verdict


def test_integers_are_judged_exactly() -> None:
    same = [{"y": np.rint(3 * x).astype(np.int64)} for x in _inputs()]
    off = [{"y": a["y"] + (i == 2)} for i, a in enumerate(same)]
    reference = Reference(same, same)
    for answers, verdict in ((same, "identical"), (off, "different")):
        found = judge({"y": DType.I64}, PROBES, reference, [Voice("a", "a", "eager", answers)])
        assert _verdict(found) == verdict


def test_nothing_compared_is_not_judged() -> None:
    assert worst([]) == "not judged"
