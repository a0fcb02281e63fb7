"""300 of the texts that `python -m benchmarks.fuzz` tries by the hundred thousand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tercet.compiler.elaborate import limits
from tests.fuzz.mutations import KINDS, Mutator
from tests.fuzz.trial import tried

ROOT = Path(__file__).parents[2]
TEXTS = 300
CHUNK = 25
CAMPAIGN = 0


@pytest.mark.parametrize("first", range(0, TEXTS, CHUNK))
def test_texts_end_in_programs_or_diagnostics(first: int, tmp_path: Path) -> None:
    (tmp_path / "data").symlink_to(ROOT / "samples" / "data")
    mutator = Mutator(CAMPAIGN)
    mutants = [mutator.mutant(number) for number in range(first, first + CHUNK)]
    outcomes = [(mutant, tried(mutant.text, tmp_path)) for mutant in mutants]
    found = [(m.number, m.kind, m.origin, o.finding) for m, o in outcomes if o.finding is not None]
    assert not found, found


def test_texts_come_from_their_numbers_alone() -> None:
    forwards = [Mutator(3).mutant(number).text for number in range(8)]
    backwards = [Mutator(3).mutant(number).text for number in reversed(range(8))]
    assert forwards == backwards[::-1]
    assert forwards != [Mutator(4).mutant(number).text for number in range(8)]


def test_every_stage_is_reached(tmp_path: Path) -> None:
    """A campaign in which hardly anything is printed would say little of printing."""
    mutator = Mutator(CAMPAIGN)
    mutants = [mutator.mutant(number) for number in range(TEXTS)]
    stages = [tried(mutant.text, tmp_path).stage for mutant in mutants]
    assert {mutant.kind for mutant in mutants} == set(KINDS)
    assert stages.count("compiled") > TEXTS // 20
    assert stages.count("formatted") > TEXTS // 10
    assert stages.count("wrong syntax") > TEXTS // 10


@pytest.mark.parametrize(
    "text, finding",
    [
        ("model M { input x: f32[N] output y = relu(x) }", None),
        ("model M {", None),
    ],
)
def test_a_trial_finds_nothing_in_good_and_bad_texts(
    text: str, finding: str | None, tmp_path: Path
) -> None:
    assert tried(text.encode(), tmp_path).finding == finding


def test_a_trial_finds_what_was_put_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An error in Tercet, a formatter that is not idempotent, a text that takes too long."""
    text = b"model M { input x: f32[N] output y = relu(x) }"

    def fail(*_: object) -> None:
        raise KeyError("here")

    def spin(*_: object) -> None:
        while True:
            pass

    with monkeypatch.context() as patch:
        patch.setattr("tests.fuzz.trial.verify", fail)
        assert "KeyError" in str(tried(text, tmp_path).finding)
    with monkeypatch.context() as patch:
        patch.setattr("tests.fuzz.trial.format_source", lambda source: source.text + "\n")
        assert "formatting twice" in str(tried(text, tmp_path).finding)
    with monkeypatch.context() as patch:
        patch.setattr("tests.fuzz.trial.SECONDS", 0.2)
        patch.setattr("tests.fuzz.trial.verify", spin)
        assert "more than 0.2 s" in str(tried(text, tmp_path).finding)


def test_the_recorded_campaign_left_nothing(tmp_path: Path) -> None:
    """It may be of older code, and be interrupted: it tells how many texts were tried."""
    record = json.loads((ROOT / "benchmarks" / "fuzz.json").read_text("utf-8"))
    outcomes = [count for counts in record["outcomes"].values() for count in counts.values()]
    assert sum(outcomes) == record["next"] > 0
    assert record["findings"] == []
    found = {one["number"] for one in record["mended"]}
    assert all(o["number"] in found or o["seconds"] <= record["limit"] for o in record["slowest"])
    for one in record["mended"]:
        assert tried(one["latin-1"].encode("latin-1"), tmp_path).finding is None


_HEAD = "model M { input x: f32[N, 4]\n h = x\n"
_MOST = limits.OPERATIONS
LARGEST = {
    "a loop": f"{_HEAD} for i in range({_MOST}) {{ h = h |> dense(4) }} output h }}",
    "a loop of unlike layers": f"{_HEAD} for i in range(1, {_MOST // 2}) {{ h = h |> dense(i) }}"
    " output h }",
    "small loops in a long one": f"{_HEAD} for i in range({limits.STEPS // 70}) {{"
    " for j in range(2) { k = j } } output y = h + k }",
    "outputs": f"{_HEAD} p = [x] * {_MOST} output p }}",
    "a list of operands": f"{_HEAD} output y = concat([x] * {limits.ITEMS}, axis = 1) }}",
    "kinds of a block": "block B(n) { input x: f32[N, C] output x |> dense(n) |> dense(C) }\n"
    f"{_HEAD} for i in range(1, {limits.SPECIALISATIONS}) {{ h = h |> B(i) }} output h }}",
}
"""Legal programs of a few lines, as large as their limits let them be."""


@pytest.mark.slow
@pytest.mark.parametrize("name", LARGEST)
def test_the_largest_programs_end_in_time(name: str, tmp_path: Path) -> None:
    outcome = tried(LARGEST[name].encode(), tmp_path)
    assert (outcome.stage, outcome.finding) == ("compiled", None)
