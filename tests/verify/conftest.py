"""What verifications run with."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import pytest

from tercet.interpreters import Interpreters, TargetChoice, TargetInfo
from tercet.verification import run


@pytest.fixture
def all_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The named targets, or PyTorch and ONNX, whatever this machine has."""

    def choose(named: Sequence[str], interpreters: Interpreters) -> TargetChoice:
        names = named or ("pytorch", "onnx")
        return TargetChoice(tuple(TargetInfo(n, sys.executable, "1.0", n) for n in names))

    monkeypatch.setattr(run, "choose_targets", choose)
