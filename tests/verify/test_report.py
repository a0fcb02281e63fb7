"""The report's JSON is what the documentation says, and its table shows what matters."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from tercet.verification.judge import Pair
from tercet.verification.report import ProbeReport, Report, TargetReport, print_report

SAME = Pair("pytorch", "pytorch.onnx", "logits", 1e-7, 5e-8, "identical", "first")
WRONG = Pair("onnx", "mxnet.onnx", "logits", None, float("inf"), "different", "zeros", "NaN [x]")
TARGETS = (TargetReport("pytorch", {"torch": "2.13.0"}, "cpu", 3.25),)
PROBES = (ProbeReport("first", {"N": 2}, "standard normal"),)


def _report(*pairs: Pair, not_judged: tuple[str, ...] = ()) -> Report:
    return Report("Net", 0, "cpu", TARGETS, PROBES, pairs, not_judged)


@pytest.mark.parametrize(
    "report, verdict, code",
    [
        (_report(SAME), "identical", 0),
        (_report(SAME, WRONG), "different", 1),
        (_report(SAME, not_judged=("mxnet crashed",)), "not judged", 2),
        (_report(SAME, WRONG, not_judged=("mxnet crashed",)), "different", 1),
        (_report(), "not judged", 2),
    ],
)
def test_the_verdict_and_the_exit_code(report: Report, verdict: str, code: int) -> None:
    assert (report.verdict, report.exit_code) == (verdict, code)
    assert report.identical == (code == 0)


def test_the_file_holds_the_documented_keys_in_strict_json(tmp_path: Path) -> None:
    def refuse(text: str) -> float:
        raise AssertionError(f"{text} is not JSON")

    path = _report(SAME, WRONG).write(tmp_path)
    found = json.loads(path.read_text(), parse_constant=refuse)
    assert path.name == "report.json"
    assert found["identical"] is False
    assert found["targets"][0]["versions"] == {"torch": "2.13.0"}
    assert {"device", "seconds"} <= found["targets"][0].keys()
    assert {"left", "right", "output", "max_abs", "max_rel", "verdict"} <= found["pairs"][0].keys()
    assert found["pairs"][1]["max_rel"] == "inf"
    assert found["probes"][0]["sizes"] == {"N": 2}
    assert found["seed"] == 0


def test_the_table_shows_verdicts_reasons_and_closes_with_the_outcome() -> None:
    console = Console(file=io.StringIO(), width=120, force_terminal=False)
    print_report(_report(SAME, WRONG, not_judged=("mxnet crashed [oops]",)), console)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "1.0e-07" in text
    assert "different: NaN [x] at zeros" in text
    assert "mxnet crashed [oops]" in text
    assert text.splitlines()[-1].startswith("Net: different (pytorch; 2 comparisons over 1 probe)")
