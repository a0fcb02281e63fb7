"""Settings every test runs under."""

from __future__ import annotations

import os

# Before NumPy or a framework starts its threads: on few cores, more threads only slow each other.
os.environ["OMP_NUM_THREADS"] = "1"
