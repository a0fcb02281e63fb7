"""What all layers of one kind have in common, said once: `conv2d = partial(nn.Conv2D, …)`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from tercet.codegen.expr import Attribute, Call, Expr, Helper, Literal, Name
from tercet.codegen.printed import ClassCode
from tercet.codegen.render import render
from tercet.codegen.script.pieces import Piece
from tercet.codegen.tree import find_parts, map_expressions
from tercet.codegen.tree import replace as replace_parts
from tercet.dsl.records import dataclass

_FEWEST = 3
"""As many layers make it worth a function."""

_Keywords = tuple[tuple[str, Expr], ...]


@dataclass(frozen=True)
class Kinds:
    """The layers of a framework that may get a short function, and what it may settle for them.

    `aliases` are the functions' names by that of the class, in `module` or a helper of the script.
    `settings` are matters of style rather than of structure, as initial values always are.
    """

    module: str
    aliases: Mapping[str, str]
    settings: frozenset[str]
    shares_initializers: bool
    """Whether layers that get the same initializer object draw different values all the same."""

    @property
    def names(self) -> frozenset[str]:
        """What the functions are called."""
        return frozenset(self.aliases.values())

    def alias(self, callee: Expr) -> str | None:
        match callee:
            case Attribute(Name(module), member) if module == self.module:
                return self.aliases.get(member)
            case Helper(identifier):
                return self.aliases.get(identifier)
        return None

    def common(self, calls: Sequence[Call]) -> _Keywords:
        """The settings that all calls have with one value."""
        first, *others = (dict(call.keywords) for call in calls)
        return tuple(
            (key, value)
            for key, value in first.items()
            if (key.endswith("_initializer") or key in self.settings)
            and all(other.get(key) == value for other in others)
            and (isinstance(value, Literal) or self.shares_initializers)
        )


def without_initial_values(code: ClassCode) -> ClassCode:
    """The class with its layers as their kinds start, where the script draws all values itself."""

    def bare(expr: Expr) -> Expr | None:
        match expr:
            case Call(Attribute() | Helper() | Name("partial") as callee, positional, keywords):
                kept = tuple((k, v) for k, v in keywords if not k.endswith("initializer"))
                if len(kept) < len(keywords):
                    return replace_parts(Call(callee, positional, kept), bare)
        return None

    construct, build = (
        tuple(map_expressions(lines, bare)) for lines in (code.construct, code.build)
    )
    return replace(code, construct=construct, build=build)


def with_factories(classes: Sequence[ClassCode], kinds: Kinds) -> tuple[list[ClassCode], Piece]:
    """The classes with their layers made by short functions, and these functions."""
    calls: dict[str, list[Call]] = defaultdict(list)
    for code in classes:
        for call in find_parts(code.construct, Call):
            if kinds.alias(call.callee) is not None:
                calls[render(call.callee)].append(call)
    many = {made: found for made, found in sorted(calls.items()) if len(found) >= _FEWEST}
    shared = {made: common for made, found in many.items() if (common := kinds.common(found))}
    lines = [_line(made, common, kinds) for made, common in shared.items()]

    def shortened(expr: Expr) -> Expr | None:
        return _shortened(expr, shared, kinds) if isinstance(expr, Call) else None

    changed = [
        replace(code, construct=tuple(map_expressions(code.construct, shortened)))
        for code in classes
    ]
    return changed, Piece("\n".join(lines), ("from functools import partial",))


def _line(made: str, common: _Keywords, kinds: Kinds) -> str:
    name = kinds.aliases[made.rpartition(".")[2]]
    settings = ", ".join(f"{key}={render(value)}" for key, value in common)
    return f"{name} = partial({made}, {settings})"


def _shortened(call: Call, shared: Mapping[str, _Keywords], kinds: Kinds) -> Expr | None:
    alias = kinds.alias(call.callee)
    common = None if alias is None else shared.get(render(call.callee))
    if common is None or alias is None:
        return None
    gone = {key for key, _ in common}
    kept = tuple((key, value) for key, value in call.keywords if key not in gone)
    return Call(Name(alias), call.positional, kept)
