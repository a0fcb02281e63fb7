"""Small instances of the networks of samples/zoo mean the same in all targets, and learn in all."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import pytest

from tercet.project import FRAMEWORKS
from tests.random_programs.workers import Workers
from tests.zoo.networks import NETWORKS, Network
from tests.zoo.scripts import Small

pytestmark = pytest.mark.slow
STEPS = 20
LESS = 0.9
"""Of the mean loss of the first epoch, what that of the last is at most."""


@pytest.fixture(scope="module")
def workers() -> Iterator[Workers]:
    with Workers(FRAMEWORKS) as found:
        yield found


@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network.name)
def test_is_identical_and_learns(network: Network, workers: Workers, tmp_path: Path) -> None:
    small = Small(network, tmp_path, workers)
    report = small.verified()
    assert report.identical, report.to_json()
    assert {target.name for target in report.targets} == {*FRAMEWORKS, "onnx"}
    for framework, epochs in small.trained().items():
        assert epochs[-1]["step"] == STEPS
        losses = [epoch["loss"] for epoch in epochs]
        assert all(map(math.isfinite, losses))
        assert losses[-1] < LESS * losses[0], f"{framework}: {losses}"
