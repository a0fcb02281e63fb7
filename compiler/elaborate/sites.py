"""What a body's text says before anything is evaluated: the names of its call sites.

The names of parameters follow from the text alone: all branches are counted, taken or not, in the
order of the text, so that checkpoints do not depend on what a specialisation happens to do.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import fields
from typing import Any

from tercet.compiler.elaborate.errors import error
from tercet.compiler.graph.ir import Site
from tercet.compiler.graph.values import is_kind, kind_name
from tercet.compiler.naming import snake_case
from tercet.dsl import nodes
from tercet.dsl.diagnostics import Diagnostic
from tercet.dsl.records import dataclass
from tercet.dsl.source import Span

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_BODIES = ("body", "then", "otherwise")
_INTERPOLATED = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")


@dataclass(frozen=True)
class BodyText:
    """What is known of a body before it runs.

    `sites` by the node that makes the layer: a call, a pipe stage that is a name, a declaration.
    `assigned` gives for each name of the body the first place that binds it, `read` the first place
    that uses it; `hiding` are names that are called before or where they are first bound.
    """

    sites: dict[nodes.Node, Site]
    assigned: dict[str, Span]
    read: dict[str, Span]
    hiding: frozenset[str]
    inputs: tuple[nodes.Input, ...]
    problems: tuple[Diagnostic, ...]
    kinds: frozenset[nodes.Node]
    """Calls of kinds that make no layer: what they are given to makes layers of them."""


@dataclass(eq=False)
class _Candidate:
    node: nodes.Node
    name: str
    loops: int
    named: bool = False
    """Whether the text gives the name itself."""
    certain: bool = False
    """Whether the text alone shows that a layer is made here."""


def body_text(
    body: tuple[nodes.Statement, ...],
    own: frozenset[str],
    lookup: Callable[[str], Any],
    made_anew: Callable[[nodes.Block], frozenset[str]],
) -> BodyText:
    """Reads a body.  `own` are its parameters; `lookup` gives what a name means in the file.

    `made_anew` are the parameters of a block that it makes layers of.
    """
    reader = _Reader(own, lookup, made_anew)
    for statement, loops in _statements(body):
        reader.statement(statement, loops)
    kinds = reader.kinds()
    return BodyText(
        sites=_named(reader.finish(kinds)),
        assigned=reader.assigned,
        read=reader.read,
        hiding=frozenset(reader.hiding()),
        inputs=tuple(s for s in body if isinstance(s, nodes.Input)),
        problems=tuple(reader.problems),
        kinds=kinds,
    )


def has_output(body: tuple[nodes.Statement, ...]) -> bool:
    """Whether an `output` stands somewhere in a body, be it in a wrong place or lost."""
    kinds = nodes.Output | nodes.Lost
    return any(isinstance(statement, kinds) for statement, _ in _statements(body))


def _statements(body: tuple[nodes.Statement, ...]) -> Iterator[tuple[nodes.Statement, int]]:
    """All statements of a body in text order, with the number of loops around each."""
    pending = [(statement, 0) for statement in reversed(body)]
    while pending:
        statement, loops = pending.pop()
        yield statement, loops
        match statement:
            case nodes.For():
                pending.extend((s, loops + 1) for s in reversed(statement.body))
            case nodes.If():
                inner = (*statement.then, *statement.otherwise)
                pending.extend((s, loops) for s in reversed(inner))
            case nodes.Update():
                pending.extend((s, loops) for s in reversed(statement.body))


class _Reader:
    def __init__(
        self,
        own: frozenset[str],
        lookup: Callable[[str], Any],
        made_anew: Callable[[nodes.Block], frozenset[str]],
    ) -> None:
        self._own = own
        self._lookup = lookup
        self._made_anew = made_anew
        self._given: list[nodes.Expr] = []
        """Arguments that blocks make layers of."""
        self._emptily: set[str] = set()
        """Names called with nothing between the brackets."""
        self._applied: set[str] = set()
        """Names of which layers are applied, if that is what they are."""
        self._values: dict[str, list[nodes.Expr]] = {}
        self._found: list[_Candidate] = []
        self._bound: dict[nodes.Node, str] = {}
        self.assigned: dict[str, Span] = {}
        self.read: dict[str, Span] = {}
        self._called: dict[str, int] = {}
        self._bound_until: dict[str, int] = {}
        self.problems: list[Diagnostic] = []

    def statement(self, statement: nodes.Statement, loops: int) -> None:
        match statement:
            case nodes.Assign(target=nodes.TargetName(id=name), value=nodes.Call() as call):
                self._bound[call] = name
            case nodes.Declare():
                self._found.append(_Candidate(statement, statement.name, loops, True, True))
                self.assigned.setdefault(statement.name, statement.name_span)
            case nodes.Input() | nodes.Target():
                self.assigned.setdefault(statement.name, statement.name_span)
            case nodes.Lost(names=names):
                for name in names:
                    self.assigned.setdefault(name, statement.span)
        match statement:
            case nodes.Assign(target=nodes.TargetName(id=name), value=value):
                self._values.setdefault(name, []).append(value)
        if isinstance(statement, nodes.Assign | nodes.For):
            for target in nodes.target_names(statement.target):
                self.assigned.setdefault(target.id, target.span)
                bound = statement.iterable if isinstance(statement, nodes.For) else statement
                self._bound_until.setdefault(target.id, bound.span.end)
                if isinstance(statement, nodes.For):
                    self._reads(target.id, target.span)  # counting is use enough
        self._expressions(statement, loops)

    def _expressions(self, statement: nodes.Statement, loops: int) -> None:
        parts = [name for name in _parts(type(statement)) if name not in _BODIES]
        pending: list[Any] = [getattr(statement, name) for name in parts]
        while pending:
            node = pending.pop()
            if isinstance(node, tuple):
                pending.extend(node)
                continue
            match node:
                case nodes.Name():
                    self._reads(node.id, node.span)
                    continue
                case nodes.Constant():
                    if isinstance(node.value, str):
                        for name in _INTERPOLATED.findall(node.value):
                            self._reads(name, node.span)
                    continue
                case nodes.Call():
                    self._call(node, loops)
                case nodes.Pipe():
                    for stage in node.stages:
                        self._stage(stage, loops)
            if isinstance(node, nodes.Node):
                pending.extend([getattr(node, name) for name in _parts(type(node))])

    def _reads(self, name: str, span: Span) -> None:
        known = self.read.get(name)
        if known is None or span.start < known.start:
            self.read[name] = span

    def _call(self, call: nodes.Call, loops: int) -> None:
        if isinstance(call.function, nodes.Name):
            if call.arguments or call.keywords:
                self._applied.add(call.function.id)
            else:
                self._emptily.add(call.function.id)
            block = self._lookup(call.function.id)
            if isinstance(block, nodes.Block) and not self._is_local(call.function):
                self._given.extend(given_for(call, block, self._made_anew(block)))
        self._candidate(call, call.function, loops, self._given_name(call))

    def _stage(self, stage: nodes.Expr, loops: int) -> None:
        """A stage that is no call may be a kind applied directly, also inside a conditional."""
        match stage:
            case nodes.Call():
                pass
            case nodes.Conditional():
                self._stage(stage.then, loops)
                self._stage(stage.otherwise, loops)
            case _:
                if isinstance(stage, nodes.Name):
                    self._applied.add(stage.id)
                self._candidate(stage, stage, loops, None)

    def _candidate(
        self, node: nodes.Node, callee: nodes.Expr, loops: int, given: str | None
    ) -> None:
        match callee:
            case nodes.Call():
                return
            case nodes.Name(id=name):
                start = callee.span.start
                self._called[name] = min(start, self._called.get(name, start))
            case nodes.Attribute(name=name):
                pass
            case nodes.Index(value=nodes.Name(id=name)):
                pass
            case _:
                name = "layer"
        named = given is not None
        self._found.append(_Candidate(node, given or name, loops, named, certain=named))

    def _given_name(self, call: nodes.Call) -> str | None:
        for keyword in call.keywords:
            if keyword.name == "name":
                value = keyword.value
                text = value.value if isinstance(value, nodes.Constant) else None
                if isinstance(text, str) and _NAME.match(text):
                    return text
                self.problems.extend(
                    error(
                        "E0216",
                        "the name of a layer must be a string that is a name",
                        value.span,
                        'write it out, as in `name = "project"`: paths depend on the text alone',
                    ).diagnostics
                )
        return None

    def hiding(self) -> Iterator[str]:
        """Names called before their first assignment ends, and so meant for what they hide."""
        for name, end in self._bound_until.items():
            if self._called.get(name, end) < end:
                yield name

    def kinds(self) -> frozenset[nodes.Node]:
        """The calls of kinds that are given to a block, or bound to a name, to be made anew.

        A name that is applied too is that of one layer.
        """
        found: set[nodes.Node] = set()
        fixed = self._own | self._applied
        names = self._emptily - fixed
        pending = [v for name in names for v in self._values.get(name, ())] + self._given
        while pending:
            match pending.pop():
                case nodes.Conditional(then=then, otherwise=otherwise):
                    pending += [then, otherwise]
                case nodes.Call(function=nodes.Name() as function) as call:
                    if not self._is_local(function) and is_kind(self._lookup(function.id)):
                        found.add(call)
                case nodes.Name(id=name) if name not in names and name not in fixed:
                    names.add(name)
                    pending += self._values.get(name, ())
        return frozenset(found)

    def finish(self, kinds: frozenset[nodes.Node]) -> list[_Candidate]:
        """The candidates that may make a layer, certain ones first, each group in text order."""
        kept = [c for c in self._found if c.node not in kinds and self._judged(c)]
        kept.sort(key=lambda c: (not c.certain, c.node.span.start, c.node.span.end))
        return kept

    def _judged(self, candidate: _Candidate) -> bool:
        """Fills in the kind's name; False where the name is known to make no layer."""
        callee = candidate.node
        if isinstance(callee, nodes.Call):
            callee = callee.function
        kind = None
        if isinstance(callee, nodes.Name) and not self._is_local(callee):
            kind = self._lookup(callee.id)
            if kind is not None and not is_kind(kind):
                return False
            candidate.certain = kind is not None  # a constant may be a kind of layers
        if not candidate.named:
            kind_or_text = candidate.name if kind is None else kind_name(kind)
            candidate.name = self._bound.get(candidate.node) or snake_case(kind_or_text)
        return True

    def _is_local(self, callee: nodes.Name) -> bool:
        """Whether a name is one of the body's, and not yet the language's that it is to hide."""
        if callee.id in self._own:
            return True
        first = self.assigned.get(callee.id)
        return first is not None and callee.span.start >= self._bound_until.get(callee.id, 0)


def _named(candidates: list[_Candidate]) -> dict[nodes.Node, Site]:
    """Numbers equal names in order; a number that makes another site's name is passed over."""
    bases = {c.name for c in candidates}
    taken: set[str] = set()
    counts: dict[str, int] = {}
    sites: dict[nodes.Node, Site] = {}
    for candidate in candidates:
        base = name = candidate.name
        while name in taken or (name != base and name in bases):
            counts[base] = counts.get(base, 0) + 1
            name = f"{base}_{counts[base]}"
        taken.add(name)
        sites[candidate.node] = Site(name, candidate.node.span, candidate.loops)
    return sites


def _parts(cls: type[nodes.Node]) -> tuple[str, ...]:
    """The fields of a node class that may hold expressions."""
    found = _PARTS.get(cls)
    if found is None:
        kept = tuple(f.name for f in fields(cls) if f.name not in _PLAIN)
        found = _PARTS[cls] = kept
    return found


_PARTS: dict[type[nodes.Node], tuple[str, ...]] = {}
_PLAIN = ("span", "name", "name_span", "id", "target", "kind", "operator", "dtype", "dtype_span")


def nodes_in(part: Any) -> Iterator[nodes.Node]:
    """The nodes of an expression, a statement, or a tuple of them."""
    pending = [part]
    while pending:
        node = pending.pop()
        if isinstance(node, tuple):
            pending.extend(node)
        elif isinstance(node, nodes.Node):
            yield node
            pending.extend([getattr(node, name) for name in _parts(type(node))])


def names_in(part: Any) -> list[nodes.Name]:
    """The names that an expression, a statement, or a tuple of them mentions, in text order."""
    found = [node for node in nodes_in(part) if isinstance(node, nodes.Name)]
    return sorted(found, key=lambda name: name.span.start)


def given_for(
    call: nodes.Call, block: nodes.Block, parameters: frozenset[str]
) -> Iterator[nodes.Expr]:
    """What a call of a block gives for some of its parameters."""
    for parameter, argument in zip(block.parameters, call.arguments, strict=False):
        if parameter.name in parameters:
            yield argument
    for keyword in call.keywords:
        if keyword.name in parameters:
            yield keyword.value


def names_read(parts: tuple[Any, ...]) -> set[str]:
    """All names that expressions and statements mention."""
    return {name.id for name in names_in(parts)}
