"""What several targets cannot express, told together: once for each line of the source."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from tercet.dsl.diagnostics import Diagnostic


def together(refused: Mapping[str, Sequence[Diagnostic]]) -> list[Diagnostic]:
    """One diagnostic for each line of the source, which names all targets that refuse it."""
    by_line: dict[object, dict[str, list[tuple[str, Diagnostic]]]] = {}
    for target, diagnostics in refused.items():
        for diagnostic in diagnostics:
            span = diagnostic.span
            line = by_line.setdefault((span.source.name, span.line, diagnostic.code), {})
            line.setdefault(diagnostic.message.removeprefix(target), []).append(
                (target, diagnostic)
            )
    return [_joined(reasons) for reasons in by_line.values()]


def _joined(reasons: Mapping[str, Sequence[tuple[str, Diagnostic]]]) -> Diagnostic:
    """The diagnostics of a line, by what they say after the target's name."""
    said: list[str] = []
    for reason, given in reasons.items():
        targets = [t for t, diagnostic in given if diagnostic.message != reason]
        said.append(f"{_listed(targets)}{reason}")
    every = [diagnostic for given in reasons.values() for _, diagnostic in given]
    help = next((d.help for d in every if d.help is not None), None)
    return replace(every[0], message="; ".join(said), help=help)


def _listed(names: Iterable[str]) -> str:
    """`pytorch, tensorflow and mxnet`."""
    *others, last = list(names) or [""]
    return f"{', '.join(others)} and {last}" if others else last
