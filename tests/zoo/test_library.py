"""The networks of samples/zoo compute what those of a library compute, in double precision."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.zoo.library import compare, is_installed
from tests.zoo.networks import NETWORKS, Network

pytestmark = pytest.mark.slow
COMPARED = [n for n in NETWORKS if n.library is not None and not n.library.only_on_record]


@pytest.mark.parametrize("network", COMPARED, ids=lambda network: network.name)
def test_gives_what_the_library_gives(network: Network, tmp_path: Path) -> None:
    library = network.library
    assert library is not None
    if not is_installed(library):
        pytest.skip(f"{library.package} is not installed: pip install -c constraints.txt .[zoo]")
    compared = compare(network, tmp_path)
    assert compared.dependence > 1e-3
    assert compared.difference <= library.tolerance
