"""`dsl.records.dataclass` against the standard one: written late, and the same when written."""

import dataclasses
from collections.abc import Callable
from dataclasses import FrozenInstanceError, field
from typing import Any, cast

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
    "standard subclass": dataclasses.dataclass,
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
    assert derived(1) != standard(1)
    assert dataclasses.replace(derived(1), depth=9).depth == 9
    for cls in (derived, standard):
        for arguments, keywords in [((), {}), ((1, 2, 3), {}), ((1,), {"other": 1})]:
            with pytest.raises(TypeError, match=r"Derived\.__init__\(\)"):
                cls(*arguments, **keywords)
        with pytest.raises(TypeError, match="unhashable type: 'list'"):
            hash(cls(1))


def _details(decorator: Any) -> type[Any]:
    @decorator(frozen=True)
    class Details:
        name: str
        note: str = field(default="", compare=False)
        secret: int = field(default=0, repr=False)
        length: int = field(init=False)
        found: dict[str, int] = field(default_factory=dict, init=False, compare=False)

        def __post_init__(self) -> None:
            object.__setattr__(self, "length", len(self.name))

    return cast(type[Any], Details)


@pytest.mark.parametrize("decorator", [records.dataclass, dataclasses.dataclass])
def test_options_of_fields(decorator: Any) -> None:
    cls = _details(decorator)
    record = cls("ab", "first", secret=3)
    assert record == cls("ab", "second", secret=3) != cls("ab", "first")
    assert hash(record) == hash(cls("ab", "second", secret=3))
    assert repr(record).endswith("Details(name='ab', note='first', length=2, found={})")
    assert cls("a").found is not cls("a").found


def _small(decorator: Any) -> tuple[Any, Any]:
    @decorator(frozen=True)
    class One:
        value: float

    @decorator
    class Empty:
        pass

    return One, Empty


@pytest.mark.parametrize("decorator", [records.dataclass, dataclasses.dataclass])
def test_one_field_and_none(decorator: Any) -> None:
    One, Empty = _small(decorator)
    nan = float("nan")
    assert One(1) == One(1.0) != One(2)
    assert One(nan) == One(nan)  # one object, as in a tuple
    assert One(float("nan")) != One(nan)
    assert hash(One(1)) == hash((1,))
    assert Empty() == Empty()
    with pytest.raises(TypeError, match="unhashable"):
        hash(Empty())


def _with_own(decorator: Any) -> Any:
    @decorator(frozen=True)
    class Own:
        value: int

        def __eq__(self, other: object) -> bool:
            return True

        def __hash__(self) -> int:
            return 7

        def __repr__(self) -> str:
            return "own"

    return Own


@pytest.mark.parametrize("decorator", [records.dataclass, dataclasses.dataclass])
def test_methods_of_its_own_stay(decorator: Any) -> None:
    Own = _with_own(decorator)
    assert Own(1) == Own(2)
    assert hash(Own(1)) == 7
    assert repr(Own(1)) == "own"


def test_frozen(derived: type[Any]) -> None:
    record = derived(1)
    with pytest.raises(FrozenInstanceError):
        record.width = 2
    with pytest.raises(FrozenInstanceError):
        del record.width


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
