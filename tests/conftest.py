"""Settings every test runs under."""

from __future__ import annotations

import os

import hypothesis
import pytest

# The same examples in every run: a new counter-example belongs to the person who looks for one
# (`pytest --hypothesis-profile=explore`), not to whoever happens to run the tests that day.
# Neither deadline nor health check looks at the clock: a loaded machine is no defect.
hypothesis.settings.register_profile(
    "repeatable",
    derandomize=True,
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.register_profile(
    "explore", hypothesis.settings.get_profile("repeatable"), derandomize=False
)
hypothesis.settings.load_profile("repeatable")

# Before NumPy or a framework starts its threads: on few cores, more threads only slow each other.
os.environ["OMP_NUM_THREADS"] = "1"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden",
        action="store_true",
        help="write the files of tests/golden anew; read the difference as prose",
    )


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    """Whether golden files are written instead of compared."""
    return bool(request.config.getoption("--update-golden"))
