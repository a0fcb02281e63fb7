"""The known name nearest to a misspelt one."""

from __future__ import annotations

import pytest

from tercet.dsl.syntax_hints import nearest

NAMES = ["conv2d", "conv1d", "batch_norm", "relu", "gelu", "dense", "max_pool2d", "sum", "N", "C"]


@pytest.mark.parametrize(
    "name, meant",
    [
        ("conv2", "conv2d"),
        ("Conv2D", "conv2d"),
        ("BatchNorm", "batch_norm"),
        ("batchnorm", "batch_norm"),
        ("rleu", "relu"),
        ("dens", "dense"),
        ("maxpool2d", "max_pool2d"),
        ("embedding", None),
        ("n", "N"),
        ("x", None),
        ("", None),
        ("relu" * 100_000, None),
    ],
)
def test_nearest(name: str, meant: str | None) -> None:
    assert nearest(name, NAMES) == meant


def test_the_name_itself_is_no_advice() -> None:
    assert nearest("relu", ["relu"]) is None
