"""Every network of samples/zoo is what it says: short, as large as published, without a warning."""

from __future__ import annotations

import re

import pytest

from tercet.compiler.pipeline import load
from tercet.project import FRAMEWORKS, drafts
from tests.zoo.networks import NETWORKS, ZOO, Network, trainable

every_network = pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network.name)


def test_every_file_has_a_record() -> None:
    assert sorted(network.name for network in NETWORKS) == sorted(
        path.stem for path in ZOO.glob("*")
    )


@every_network
def test_names_its_reference_in_few_lines(network: Network) -> None:
    lines = network.path.read_text(encoding="utf-8").splitlines()
    header = [line for line in lines[: lines.index("")] if line.startswith("# ")]
    assert network.reference in " ".join(line.removeprefix("# ") for line in header)
    assert re.search(r"\b(19|20)\d\d\b", header[0])
    assert len(lines) <= network.lines


@every_network
def test_has_the_published_number_of_parameters(network: Network) -> None:
    assert trainable(network.opened({})) == network.trainable


@every_network
@pytest.mark.parametrize("size", ["full", "small"])
def test_nothing_to_complain_about(network: Network, size: str) -> None:
    parameters = network.small if size == "small" else {}
    assert load(network.path, parameters=parameters).diagnostics == ()


@every_network
def test_compiles_for_every_target_at_full_size(network: Network) -> None:
    assert drafts(network.opened({}), FRAMEWORKS, ZOO).keys() == set(FRAMEWORKS)


@every_network
def test_its_parameters_make_it_small(network: Network) -> None:
    names = {parameter.name for parameter in network.opened({}).model.block.parameters}
    assert network.small.keys() <= names
    assert trainable(network.opened(network.small)) < 300_000
