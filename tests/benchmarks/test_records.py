"""What is on record was measured somewhere, and names no folder of that machine."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchmarks.processes import ROOT

RECORDS = sorted((ROOT / "benchmarks").glob("*.json"))
ABSOLUTE = re.compile(r"(?<![\w.:/])(?:/[\w.+-]+)+/[\w+-]+\.\w+")


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.name)
def test_no_record_names_a_folder_of_a_machine(record: Path) -> None:
    assert ABSOLUTE.findall(record.read_text(encoding="utf-8")) == []


def test_such_a_name_would_be_found() -> None:
    assert ABSOLUTE.search('File "/a/folder/worker.py", line 79')
