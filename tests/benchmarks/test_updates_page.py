"""docs/training.md is what was measured, and what was measured is as near as is promised."""

from __future__ import annotations

import json

from benchmarks.updates import PAGE, RECORD, ROWS, page
from tercet.compiler.training import OPTIMIZERS
from tests.backends.updates import OPTIMIZERS as MEASURED


def test_the_page_is_written_from_the_record() -> None:
    record = json.loads(RECORD.read_text(encoding="utf-8"))
    assert PAGE.read_text(encoding="utf-8") == page(record)


def test_every_optimizer_has_its_rows() -> None:
    assert {type(row.optimizer) for row in ROWS} == set(OPTIMIZERS.values())
    assert {name for row in ROWS for name in row.cases} == set(MEASURED)


def test_all_scripts_were_as_near_as_promised() -> None:
    record = json.loads(RECORD.read_text(encoding="utf-8"))
    found = [value for row in record["scripts"].values() for value in row.values()]
    assert len(found) == 3 * len(ROWS)
    assert max(found) < 1e-6


def test_the_product_has_no_exception() -> None:
    product = json.loads(RECORD.read_text(encoding="utf-8"))["product"]
    for net, targets in product.items():
        for target, own in targets.items():
            assert "problems" not in own, (net, target)
            assert set(own["worst"]) == set(MEASURED), (net, target)
            assert max(own["worst"].values()) < 1e-6, (net, target)
