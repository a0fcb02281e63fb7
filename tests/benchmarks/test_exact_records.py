"""What is on record of exact scripts: every sample, every operation, nothing unexplained."""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks.exact_operations import cases, unknown
from benchmarks.exact_page import OPERATIONS, RECORD

SAMPLES = {path.stem for path in Path("samples").glob("*.model")}


def test_every_sample_is_on_record() -> None:
    record = json.loads(RECORD.read_text(encoding="utf-8"))
    assert record["samples"].keys() == SAMPLES
    far = {name for name, row in record["samples"].items() if row["largest"] > record["limit"]}
    assert all(record["samples"][name]["within rounding"] for name in far)
    assert all(record["samples"][name]["of"].endswith("running_mean") for name in far)


def test_operations_are_on_record() -> None:
    """Those that came later are found by `python -m benchmarks.exact_operations`."""
    record = json.loads(OPERATIONS.read_text(encoding="utf-8"))
    assert unknown(record) == {}
    assert record["records"] >= 300
    assert record["refused"].keys() <= {case.name for case in cases()}
