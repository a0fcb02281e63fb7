"""Advice from names: which known one was probably meant."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

_LONGEST: Final = 80


def nearest(name: str, candidates: Iterable[str]) -> str | None:
    """The candidate that `name` most likely misspells, or None where none is near.

    Spellings that differ only in case and underscores come first (`Conv2D`, `BatchNorm`), then the
    least number of edits (Damerau-Levenshtein), at most a third of the name's length.
    """
    if len(name) > _LONGEST:
        return None
    known = sorted(set(candidates) - {name})
    folded = _fold(name)
    for candidate in known:
        if _fold(candidate) == folded:
            return candidate
    limit = max(1, len(name) // 3) if len(name) > 1 else 0
    close = [c for c in known if abs(len(c) - len(name)) <= limit]
    ranked = [(_distance(name.lower(), c.lower(), limit), c) for c in close]
    distance, best = min(ranked, default=(limit + 1, ""))
    return best if distance <= limit else None


def _fold(name: str) -> str:
    return name.replace("_", "").lower()


def _distance(a: str, b: str, limit: int) -> int:
    """Insertions, deletions, replacements and swaps of neighbours, counted up to a limit."""
    before: list[int] = []
    last = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        row = [i]
        for j, y in enumerate(b, 1):
            cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        if min(row) > limit:
            return limit + 1
        before, last = last, row
    return last[-1]
