"""A syntax tree as text without spans, to compare two trees."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from tercet.dsl import nodes
from tercet.dsl.source import Source, Span


def dump(node: Any) -> str:
    """The node's class and its parts that are neither span nor source nor comment."""
    if isinstance(node, tuple):
        return f"[{', '.join(map(dump, node))}]"
    if not isinstance(node, nodes.Node | nodes.Module):
        return repr(node)
    values = (getattr(node, f.name) for f in fields(node) if f.name != "documentation")
    parts = (dump(value) for value in values if not isinstance(value, Span | Source))
    return f"{type(node).__name__}({', '.join(parts)})"
