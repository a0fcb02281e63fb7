"""Tercet: one `.model` file, three frameworks, one answer."""

__version__ = "0.1.0"
