"""Statements of `call` as people write them: the input turned, layers with their activations.

Channels-last layers need more words than others (`training=training`, a transposition, padding by
numbers), so that what the class printer breaks into lines by length comes out uneven here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from tercet.backends.draft import COLUMNS
from tercet.backends.tensorflow.conv import stride_padding
from tercet.backends.tensorflow.crossing import Crossing
from tercet.codegen.expr import Attribute, Call, Element, Expr, Helper, Name, Subscript
from tercet.codegen.names import Names
from tercet.codegen.printed import ClassCode
from tercet.codegen.render import render
from tercet.codegen.tree import call_depth, children, find_parts, map_expressions, mentions
from tercet.codegen.tree import replace as replace_parts
from tercet.codegen.writer import Assign, For, If, Line, Return, Statement
from tercet.compiler.graph.ir import Apply
from tercet.compiler.ops.conv import AnyConvolution

_tf = Name("tf")
_ACTIVATIONS = frozenset({"gelu", "elu", "celu", "mish", "hard_swish", "sigmoid", "tanh"})
_BODY = 8
"""The columns by which a method's statements are indented."""
_DEEPEST = 3
_WIDEST = 60
"""What a line may become by a transposition that is folded into it."""


def phrased(code: ClassCode, target: Crossing) -> ClassCode:
    """The class with the statements of its `call` in better words."""
    compute = code.compute
    for name in code.inputs:
        compute = _turned_apart(compute, name, code, target)
    compute = tuple(_with_activations(compute, _BODY))
    return replace(code, compute=tuple(_with_reasons(compute, _stride_paddings(code, target))))


# ------------------------------------------------------------------------------ transposed inputs


def _turned_apart(
    body: tuple[Statement, ...], name: str, code: ClassCode, target: Crossing
) -> tuple[Statement, ...]:
    """`image` stays what it is: it is turned where it is used, or under another name.

    Where the source itself gives the name to something else, so does the script.
    """
    place = next((k for k, s in enumerate(body) if _turns(s, name)), None)
    if place is None:
        return body
    turned, after = body[place], body[place + 1 :]
    assert isinstance(turned, Assign)
    folded = _folded(after, name, turned.value)
    if folded is not None:
        return (*body[:place], *folded)
    if any(Name(name) in targets for targets in _targets(after)):
        return body
    own = _own_name(after, name, code)
    renamed = map_expressions(after, lambda e: Name(own) if e == Name(name) else None)
    value = code.graphs[0].inputs[code.inputs.index(name)].value
    shape = target.comment(code.graphs[0], value) if len(code.graphs) == 1 else None
    return (*body[:place], Assign((Name(own),), turned.value, shape), *renamed)


def _turns(statement: Statement, name: str) -> bool:
    """Whether a statement overwrites an input with its transposition."""
    match statement:
        case Assign((Name(found),), Call(callee, (Name(read), _))):
            return found == read == name and callee == _tf.transpose
    return False


def _folded(after: Sequence[Statement], name: str, value: Expr) -> list[Statement] | None:
    """The statements with a transposition in the only one that reads it, if that has room."""
    place = next((k for k, s in enumerate(after) if _count([s], name)), None)
    if place is None:
        return None
    reader = after[place]
    if not isinstance(reader, Assign | Return) or _count([reader.value], name) != 1:
        return None
    rebinds = isinstance(reader, Assign) and Name(name) in reader.targets
    if not rebinds and _count(after[place + 1 :], name):
        return None
    whole = replace_parts(reader.value, lambda e: value if e == Name(name) else None)
    if call_depth(whole) > _DEEPEST or len(render(whole)) > _WIDEST:
        return None
    return [*after[:place], replace(reader, value=whole), *after[place + 1 :]]


def _own_name(after: Sequence[Statement], name: str, code: ClassCode) -> str:
    """`h`, where nothing else is called so by then; else one that says the layout."""
    if len(code.inputs) == 1 and name != "h":
        last = max(k for k, s in enumerate(after) if _count([s], name))
        reader = after[last]
        if isinstance(reader, Assign | Return) and not _count([*after[:last], reader.value], "h"):
            return "h"
    rank = code.graphs[0].inputs[code.inputs.index(name)].value.type.rank
    taken = {n.identifier for n in find_parts(code.compute, Name)} | set(code.inputs)
    order = {3: "nwc", 4: "nhwc", 5: "ndhwc"}.get(rank, "channels_last")
    return Names(taken).fresh(f"{name}_{order}")


def _targets(statements: Iterable[Statement]) -> Iterator[tuple[Expr, ...]]:
    for statement in statements:
        match statement:
            case Assign(targets):
                yield targets
            case For(target, _, body):
                yield (target,)
                yield from _targets(body)
            case If(_, then, otherwise):
                yield from _targets((*then, *otherwise))


def _count(parts: Iterable[Statement | Expr], name: str) -> int:
    """How often a variable is named."""
    total = 0
    for part in parts:
        found = _all(part) if isinstance(part, Expr) else find_parts([part], Name)
        total += sum(e == Name(name) for e in found)
    return total


def _all(expr: Expr) -> Iterator[Expr]:
    yield expr
    for child in children(expr):
        yield from _all(child)


# ------------------------------------------------------------------------------------ activations


def _with_activations(body: Iterable[Statement], indent: int) -> Iterator[Statement]:
    """An activation stands with the layer before it: `h = tf.nn.relu(self.norm(h))`."""
    done: list[Statement] = []
    for statement in body:
        match statement:
            case For(target, iterable, inner):
                statement = For(target, iterable, tuple(_with_activations(inner, indent + 4)))
            case If(condition, then, otherwise):
                both = (tuple(_with_activations(s, indent + 4)) for s in (then, otherwise))
                statement = If(condition, *both)
            case Assign((Name(),)) | Return() if done:
                done[-1:] = _together(done[-1], statement, indent)
                continue
        done.append(statement)
    yield from done


def _together(layer: Statement, activation: Assign | Return, indent: int) -> list[Statement]:
    """A layer's line and its activation's as one; what the layer takes goes before if need be."""
    match layer, activation.value:
        case Assign((Name(name),), applied), Call(_, (Name(read), *_)) as call if (
            name == read and _is_activation(call)
        ):
            made = _layer_call(applied)
        case _:
            return [layer, activation]
    if made is None or (isinstance(activation, Assign) and activation.targets != layer.targets):
        return [layer, activation]
    whole = _put(activation, applied, name, activation.comment or layer.comment)
    if indent + _width(whole) <= COLUMNS:
        return [_without_far_comment(whole, indent)]
    match made.positional:
        case (Call() as inner,) if not any(mentions(v, Name(name)) for _, v in made.keywords):
            rest = replace_parts(applied, lambda e: Name(name) if e == inner else None)
            last = replace(whole, value=_put(activation, rest, name, None).value)
            return [Assign(layer.targets, inner), _without_far_comment(last, indent)]
    return [layer, activation]


def _layer_call(applied: Expr) -> Call | None:
    """The application of a layer, or one of which a part is taken."""
    call = applied.owner if isinstance(applied, Subscript) else applied
    return call if isinstance(call, Call) and isinstance(call.callee, Element | Name) else None


def _without_far_comment(statement: Assign | Return, indent: int) -> Statement:
    """The statement without a shape for which there is no room on the line."""
    comment = statement.comment
    if comment is None or indent + _width(statement) + len(f"  # {comment}") <= COLUMNS:
        return statement
    return replace(statement, comment=None)


def _put(
    activation: Assign | Return, operand: Expr, name: str, comment: str | None
) -> Assign | Return:
    value = replace_parts(activation.value, lambda e: operand if e == Name(name) else None)
    return replace(activation, value=value, comment=comment)


def _width(statement: Assign | Return) -> int:
    left = "return " if isinstance(statement, Return) else f"{render(statement.targets[0])} = "
    return len(left + render(statement.value))


def _is_activation(call: Call) -> bool:
    match call.callee:
        case Attribute(Attribute(Name("tf"), "nn"), _):
            return len(call.positional) == 1
        case Attribute(Name("tf"), name) | Helper(name):
            return name in _ACTIVATIONS
    return False


# ---------------------------------------------------------------------------------------- padding


def _stride_paddings(code: ClassCode, target: Crossing) -> dict[str, str]:
    """Why layers of a class are padded by numbers, by attribute."""
    items = (item for graph in code.graphs for item in graph.body.walk())
    sites = {i.layer.site: None for i in items if isinstance(i, Apply) and i.layer is not None}
    found: dict[str, str] = {}
    for site in sites:
        ops = [op for op in target.facts.ops(site) if isinstance(op, AnyConvolution)]
        reason = stride_padding(ops, target.facts)
        if reason:
            found[site.name] = reason
    return {a: found[site] for a, site in code.attributes.items() if site in found}


def _with_reasons(body: Iterable[Statement], reasons: dict[str, str]) -> Iterator[Statement]:
    """A comment before the first line that pads what a layer pads itself elsewhere.

    Takes what is said once out of `reasons`.
    """
    for statement in body:
        match statement:
            case For(target, iterable, inner):
                yield For(target, iterable, tuple(_with_reasons(inner, reasons)))
            case If(condition, then, otherwise):
                both = (tuple(_with_reasons(s, reasons)) for s in (then, otherwise))
                yield If(condition, *both)
            case _:
                calls = find_parts([statement], Call)
                said = {reason for c in calls if (reason := _reason(c, reasons)) is not None}
                yield from (Line(f"# {reason}") for reason in sorted(said))
                for site in [site for site, reason in reasons.items() if reason in said]:
                    del reasons[site]
                yield statement


def _reason(call: Call, reasons: dict[str, str]) -> str | None:
    match call:
        case Call(Element(site), (Call(callee), *_)) if callee == _tf.pad:
            return reasons.get(site)
    return None
