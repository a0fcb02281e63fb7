"""Tercet: one `.model` file, three frameworks, one answer.

    import tercet

    project = tercet.load("digits.model")
    tercet.compile("digits.model", targets=["pytorch"], output="scripts")
    tercet.export("digits.model", "tensorflow", weights="digits.safetensors", output="digits.onnx")
    report = tercet.verify("digits.model")
    assert report.identical

These four are what the commands of the same names do.  They are loaded at their first use, so that
`import tercet` costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tercet.version import VERSION

if TYPE_CHECKING:
    from tercet.api import compile, export, load, verify

__version__ = VERSION
__all__ = ["__version__", "compile", "export", "load", "verify"]


def __getattr__(name: str) -> Any:
    if name in ("compile", "export", "load", "verify"):
        from tercet import api

        return getattr(api, name)
    raise AttributeError(f"module 'tercet' has no attribute {name!r}")
