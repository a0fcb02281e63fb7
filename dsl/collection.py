"""Python's garbage collection, put off while much is made that is kept.

What reading, elaborating and printing make holds few cycles: collecting meanwhile only walks over
all of it, again and again.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Garbage is not collected while inside."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()
