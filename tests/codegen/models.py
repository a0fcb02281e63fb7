"""Models that are hard to print as classes: a file each, with the difficulty in its name."""

from __future__ import annotations

from pathlib import Path


def _texts(folder: str) -> dict[str, str]:
    place = Path(__file__).parent / folder
    return {path.stem: path.read_text("utf-8") for path in sorted(place.glob("*.model"))}


_TEXT = "model M {{\n    input x: f32[N, 4]\n    output y = {}\n}}\n"

MODELS = {
    **_texts("models"),
    "deep_expression": _TEXT.format("tanh(" * 40 + "x" + ")" * 40),
    "wide_sum": _TEXT.format(" + ".join(f"x * {k}.5" for k in range(60))),
}
SHARING = _texts("sharing")
"""Layers and blocks that blocks get as arguments, and parameters in loops."""
