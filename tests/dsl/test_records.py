"""`dsl.records.dataclass` against the standard one: written late, and the same when written."""

import dataclasses
from collections.abc import Callable
from dataclasses import FrozenInstanceError, field
from typing import Any

import pytest

from tercet.dsl import records


def _classes(decorator: Any) -> tuple[type[Any], type[Any]]:
    @decorator(frozen=True)
    class Base:
        width: int
        names: list[str] = field(default_factory=list, kw_only=True)

    @decorator(frozen=True)
    class Derived(Base):
        depth: int = 3

    return Base, Derived


@pytest.fixture
def derived() -> type[Any]:
    return _classes(records.dataclass)[1]


def _unwritten(cls: type[Any]) -> bool:
    return "__eq__" not in cls.__dict__


FIRST_USES: dict[str, Callable[[type[Any]], object]] = {
    "call": lambda cls: cls(1),
    "fields": dataclasses.fields,
    "is_dataclass": dataclasses.is_dataclass,
    "match": lambda cls: cls.__match_args__,
    "standard subclass": dataclasses.dataclass(frozen=True),
    "call of a subclass": lambda cls: type("Plain", (cls,), {})(1),
}


@pytest.mark.parametrize("use", FIRST_USES.values(), ids=FIRST_USES.keys())
def test_written_at_first_use(derived: type[Any], use: Callable[[type[Any]], object]) -> None:
    assert _unwritten(derived)
    if use is FIRST_USES["standard subclass"]:
        use(type("Sub", (derived,), {}))
    else:
        use(derived)
    assert not _unwritten(derived)


def test_same_as_standard(derived: type[Any]) -> None:
    standard = _classes(dataclasses.dataclass)[1]
    shown = [
        [(f.name, f.kw_only, f.default) for f in dataclasses.fields(cls)]
        for cls in (derived, standard)
    ]
    assert shown[0] == shown[1]
    assert derived.__match_args__ == standard.__match_args__
    assert repr(derived(1, 2, names=["a"])) == repr(standard(1, 2, names=["a"])).replace(
        standard.__qualname__, derived.__qualname__
    )
    assert derived(1) == derived(1) != derived(2)
    assert dataclasses.replace(derived(1), depth=9).depth == 9


def test_frozen(derived: type[Any]) -> None:
    record = derived(1)
    with pytest.raises(FrozenInstanceError):
        record.width = 2


def test_with_slots_or_an_init_of_its_own_at_once() -> None:
    @records.dataclass(frozen=True, slots=True)
    class Slotted:
        x: int

    @records.dataclass
    class Own:
        x: int

        def __init__(self) -> None:
            self.x = 1

    assert not hasattr(Slotted(1), "__dict__")
    assert not _unwritten(Own)
    assert Own() == Own()
