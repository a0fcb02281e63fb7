"""What is on record of samples/zoo is of the files that are there, and as it should be."""

from __future__ import annotations

import json
from typing import Any

import pytest

from benchmarks.zoo import digest
from benchmarks.zoo_page import PAGE, RECORD, page
from tests.zoo.networks import NETWORKS, Network

FOUND: dict[str, Any] = json.loads(RECORD.read_text(encoding="utf-8"))["networks"]


@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network.name)
def test_is_on_record(network: Network) -> None:
    """Where it is not, `python -m benchmarks.zoo NETWORK` measures it, with its library."""
    found = FOUND[network.name]
    assert found["text"] == digest(network)
    assert found["verdict"] == "identical"
    assert found["trainable"] == network.trainable
    assert found["small"]["parameters"] == network.small
    if network.library is None:
        assert found["library"] is None
    else:
        assert found["library"]["name"] == network.library.builder
        assert found["library"]["parameters"] == network.library.parameters
        assert found["library"]["difference"] <= network.library.tolerance
        assert found["library"]["dependence"] > 1e-3


def test_the_page_shows_the_record() -> None:
    """`python -m benchmarks.zoo --page` writes it."""
    assert PAGE.read_text(encoding="utf-8") == page(json.loads(RECORD.read_text(encoding="utf-8")))
