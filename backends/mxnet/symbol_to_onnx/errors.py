"""The one error that a conversion ends with."""

from __future__ import annotations


class ConversionError(Exception):
    """The Symbol, its parameters, or what was asked for cannot be converted, and why."""
