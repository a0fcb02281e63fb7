"""Every setting of `train` has a signature in the language and a page."""

from __future__ import annotations

import pytest

from tercet.compiler.data import SOURCES
from tercet.compiler.settings import Setting
from tercet.compiler.signature import signature
from tercet.compiler.training import CLIPS, METRICS, OPTIMIZERS, SCHEDULES

ALL: dict[str, type[Setting]] = {
    f"{kind}.{name}": cls
    for kind, table in (
        ("optimizer", OPTIMIZERS),
        ("schedule", SCHEDULES),
        ("clip", CLIPS),
        ("metric", METRICS),
        ("data", SOURCES),
    )
    for name, cls in table.items()
}


@pytest.mark.parametrize("name", ALL)
def test_settings_have_signatures_and_pages(name: str) -> None:
    cls = ALL[name]
    assert str(signature(cls)).startswith(name.partition(".")[2] + "(")
    assert cls.__doc__
    assert not cls.__doc__.startswith(cls.__name__ + "(")


def test_signatures_read_as_the_language() -> None:
    assert str(signature(OPTIMIZERS["sgd"])) == (
        "sgd(lr: float, momentum: float = 0.0, nesterov: bool = false, weight_decay: float = 0.0)"
    )
    parameters = [p.name for p in signature(SCHEDULES["cosine"]).parameters]
    assert parameters == ["end", "warmup"]
    assert [p.name for p in signature(METRICS["top_k_accuracy"]).parameters] == [
        "k",
        "axis",
        "ignore_index",
    ]
    assert [p.name for p in signature(SOURCES["digits"]).parameters] == ["split", "shuffle"]
