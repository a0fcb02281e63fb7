"""What the benchmarks do with their samples."""

import pytest

from benchmarks.figures import Figure, Limit
from benchmarks.questions.training import paired
from benchmarks.report import page_with

BELOW = Limit("<=", 1.02)
REACHES = Limit("<=", 1.02, "interval")


@pytest.mark.parametrize(
    "samples, limit, met",
    [
        ((0.9, 1.0, 1.01), BELOW, True),
        ((1.0, 1.1, 1.2), BELOW, False),
        ((1.0, 1.1, 1.2), REACHES, True),
        ((1.1, 1.2, 1.3), REACHES, False),
        ((0.95, 0.97, 0.93), Limit(">=", 0.94), True),
        ((0.95, 0.91, 0.93), Limit(">=", 0.94), False),
        ((5.0,), None, None),
    ],
)
def test_met(samples: tuple[float, ...], limit: Limit | None, met: bool | None) -> None:
    assert Figure("f", "×", samples, limit).met is met


def test_interval_holds_the_median_and_narrows() -> None:
    few, many = (Figure("f", "s", tuple(map(float, range(10))) * n) for n in (1, 20))
    assert few.interval[0] < few.median < few.interval[1]
    assert many.interval[1] - many.interval[0] < few.interval[1] - few.interval[0]


def test_paired_rounds_cancel_the_order() -> None:
    assert paired([1.0, 2.0, 1.0, 2.0], [2.0, 1.0, 2.0, 1.0]) == (1.0, 1.0)


def test_page_keeps_what_is_outside_the_marks() -> None:
    answer = {
        "machine": {"Python": "3.11"},
        "load": [0.1, 0.2],
        "real_time": False,
        "figures": [Figure("a b", "s", (1.0, 2.0), BELOW).to_json()],
    }
    page = "before\n<!-- x -->\nold\n<!-- end -->\nafter <!-- y --><!-- end -->"
    written = page_with(page, "x", answer)
    assert written.startswith("before\n<!-- x -->")
    assert written.endswith("after <!-- y --><!-- end -->")
    assert "old" not in written
    assert "| a b | 1.5 s | 1 to 2 | 2 | ≤ 1.02 |" in written
    assert page_with(written, "x", answer) == written
