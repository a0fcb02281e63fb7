"""Patterns over parameter paths, as `no_decay` has them: each must match something."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from fnmatch import fnmatchcase
from typing import Any, Final

from tercet.compiler.elaborate.errors import error, warning
from tercet.compiler.elaborate.scope import Frame
from tercet.compiler.graph.ir import Graph
from tercet.compiler.graph.values import describe, holds_poison
from tercet.dsl import nodes
from tercet.dsl.diagnostics import DiagnosticError
from tercet.dsl.records import dataclass
from tercet.dsl.source import Span
from tercet.dsl.syntax_hints import nearest

_WILD: Final = re.compile(r"(\[[^]]*\]|[*?.])")
"""What separates the words of a pattern."""


@dataclass(frozen=True)
class Pattern:
    """A pattern and where it stands."""

    text: str
    span: Span


def patterns_of(frame: Frame, name: str, value: nodes.Expr) -> tuple[Pattern, ...] | None:
    """The patterns of a setting, None where one is wrong already.  Raises DiagnosticError."""
    found = frame.evaluate(value)
    if holds_poison(found):
        return None
    help = f'for example `{name} = ["*.bias"]`'
    if not isinstance(found, tuple):
        message = f"`{name}` is a list of patterns, not {describe(found)}"
        raise error("E0608", message, value.span, help)
    spans = [value.span] * len(found)
    if isinstance(value, nodes.List | nodes.Tuple):
        spans = [item.span for item in value.items]
    for text, span in zip(found, spans, strict=True):
        if not isinstance(text, str):
            message = f"a pattern of `{name}` is a string, not {describe(text)}"
            raise error("E0608", message, span, help)
    return tuple(Pattern(text, span) for text, span in zip(found, spans, strict=True))


def checked_no_decay(
    frame: Frame, model: Graph, settings: Mapping[str, Any], places: Mapping[str, Span]
) -> tuple[str, ...] | None:
    """The patterns of `no_decay`; None where one matches no trained parameter (E0615 is reported).

    Warns where no parameter decays anyway.
    """
    patterns: tuple[Pattern, ...] = settings.get("no_decay") or ()
    trained = {path: parameter.trainable for path, parameter in model.parameters()}
    paths = [path for path in trained if trained[path]]
    wrong = [pattern for pattern in patterns if not _matched(pattern.text, paths)]
    for pattern in wrong:
        frame.fail(_unmatched(pattern, trained))
    optimizer = settings["optimizer"]
    if patterns and not optimizer.weight_decay:
        frame.warn(
            warning(
                "W0908",
                f"`no_decay` has no effect: `{optimizer.name}` has no weight decay here",
                places["no_decay"],
                f"give it one, `{optimizer.name}(…, weight_decay = 0.01)`, or remove `no_decay`",
            )
        )
    return None if wrong else tuple(pattern.text for pattern in patterns)


def _unmatched(pattern: Pattern, trained: Mapping[str, bool]) -> DiagnosticError:
    if _matched(pattern.text, trained):
        message = f"`{pattern.text}` matches no parameter that is trained"
        return error("E0615", message, pattern.span, "only what is trained decays: remove it")
    near = _nearest(pattern.text, trained)
    help = "`tercet show --json` lists the paths" if near is None else f"did you mean `{near}`?"
    return error("E0615", f"`{pattern.text}` matches no parameter", pattern.span, help)


def _nearest(pattern: str, paths: Collection[str]) -> str | None:
    """The pattern with its misspelt words mended, None where that matches nothing either."""
    words = {word for path in paths for word in path.split(".")}
    mended = "".join(
        part if part in words or _WILD.fullmatch(part) else nearest(part, words) or part
        for part in _WILD.split(pattern)
    )
    for candidate in (mended, f"*{pattern}", f"{pattern}*", f"*{pattern}*"):
        if candidate != pattern and _matched(candidate, paths):
            return candidate
    return None


def _matched(pattern: str, paths: Collection[str]) -> bool:
    return any(fnmatchcase(path, pattern) for path in paths)
