"""Expressions as Python text, with no more parentheses than needed."""

from __future__ import annotations

from tercet.codegen.expr import (
    ArgumentName,
    Attribute,
    Binary,
    Call,
    Comprehension,
    Conditional,
    Dictionary,
    Element,
    Expr,
    Format,
    Helper,
    Literal,
    LoopItem,
    Name,
    Sequence,
    SizeName,
    SliceExpr,
    Starred,
    Subscript,
    Unary,
)

_ATOM = 100
_POWER = 14
_UNARY = 13
_PRECEDENCE = {
    "or": 3,
    "and": 4,
    "not": 5,
    "in": 6,
    "==": 6,
    "!=": 6,
    "<": 6,
    "<=": 6,
    ">": 6,
    ">=": 6,
    "is": 6,
    "is not": 6,
    "|": 7,
    "&": 9,
    "+": 11,
    "-": 11,
    "*": 12,
    "/": 12,
    "//": 12,
    "%": 12,
    "@": 12,
    "**": _POWER,
}


def render(expr: Expr) -> str:
    """The text of an expression; placeholders must have been filled in."""
    return _render(expr)[0]


def _render(expr: Expr) -> tuple[str, int]:
    match expr:
        case Name(identifier) | Helper(identifier):
            return identifier, _ATOM
        case Literal(content):
            return literal_text(content)
        case Attribute(owner, member):
            return f"{_inside(owner, _ATOM)}.{member}", _ATOM
        case Call(callee, positional, keywords):
            arguments = [render(p) for p in positional]
            arguments += [f"{k}={render(v)}" for k, v in keywords]
            return f"{_inside(callee, _ATOM)}({', '.join(arguments)})", _ATOM
        case Subscript(owner, place):
            return f"{_inside(owner, _ATOM)}[{_index(place)}]", _ATOM
        case SliceExpr():
            return _index(expr), 0
        case Unary(operator, operand):
            level = _PRECEDENCE["not"] if operator == "not" else _UNARY
            space = " " if operator == "not" else ""
            return f"{operator}{space}{_inside(operand, level)}", level
        case Binary("==" | "!=" as operator, left, Literal(None)):
            return _binary("is" if operator == "==" else "is not", left, Literal(None))
        case Binary(operator, left, right):
            return _binary(operator, left, right)
        case Conditional(condition, then, otherwise):
            text = f"{_inside(then, 2)} if {_inside(condition, 2)} else {_inside(otherwise, 1)}"
            return text, 1
        case Starred(operand):
            return f"*{_inside(operand, 7)}", 0
    return _render_display(expr)


def _render_display(expr: Expr) -> tuple[str, int]:
    match expr:
        case Sequence(items, is_list):
            inner = ", ".join(map(render, items))
            if is_list:
                return f"[{inner}]", _ATOM
            return f"({inner}{',' if len(items) == 1 else ''})", _ATOM
        case Dictionary(entries):
            inner = ", ".join(f"{render(k)}: {render(v)}" for k, v in entries)
            return f"{{{inner}}}", _ATOM
        case Comprehension(element, target, iterable):
            return f"[{render(element)} for {bare(target)} in {render(iterable)}]", _ATOM
        case Format(parts):
            inner = "".join(
                p.replace("{", "{{").replace("}", "}}")
                if isinstance(p, str)
                else f"{{{render(p)}}}"
                for p in parts
            )
            return f'f"{inner}"', _ATOM
        case ArgumentName(identifier):
            return f"self.{identifier}", _ATOM
        case LoopItem(identifier) | SizeName(identifier):
            return identifier, _ATOM
        case Element(site, places, received):
            owner = "" if received else "self."
            return f"{owner}{site}" + "".join(f"[{render(p)}]" for p in places), _ATOM
    raise TypeError(f"{type(expr).__name__} is a placeholder and cannot be printed")


def bare(expr: Expr) -> str:
    """A tuple without its parentheses, as targets and subscripts are written."""
    if isinstance(expr, Sequence) and not expr.is_list and len(expr.items) > 1:
        return ", ".join(bare(i) if not isinstance(i, Sequence) else render(i) for i in expr.items)
    return _index(expr) if isinstance(expr, SliceExpr) else render(expr)


def _index(place: Expr) -> str:
    match place:
        case SliceExpr(start, stop, step):
            text = f"{_part(start)}:{_part(stop)}"
            return text if step is None else f"{text}:{_part(step)}"
        case Sequence(items, False) if len(items) > 1:
            return ", ".join(_index(i) for i in items)
    return render(place)


def _part(expr: Expr | None) -> str:
    return "" if expr is None else render(expr)


def _inside(expr: Expr, level: int) -> str:
    text, own = _render(expr)
    if isinstance(expr, Literal) and level == _ATOM and isinstance(expr.content, int | float):
        return f"({text})"
    return text if own >= level else f"({text})"


def _binary(operator: str, left: Expr, right: Expr) -> tuple[str, int]:
    level = _PRECEDENCE[operator]
    right_level = _UNARY if operator == "**" else level + 1
    left_level = level + 1 if operator == "**" or level == 6 else level
    return f"{_inside(left, left_level)} {operator} {_inside(right, right_level)}", level


def literal_text(content: object) -> tuple[str, int]:
    """A number, string, bool, None or list of these as Python writes it; floats short."""
    match content:
        case bool() | None:
            return repr(content), _ATOM
        case float():
            return _float_text(content)
        case int():
            return repr(content), _ATOM if content >= 0 else _UNARY
        case str():
            escaped = repr(str(content))  # an element type is a string by its name
            if '"' not in content and escaped.startswith("'"):
                escaped = '"' + escaped[1:-1].replace("\\'", "'") + '"'
            return escaped, _ATOM
        case tuple():
            return f"[{', '.join(literal_text(part)[0] for part in content)}]", _ATOM
    raise TypeError(f"{type(content).__name__} has no literal in Python")


def _float_text(value: float) -> tuple[str, int]:
    if value != value or value in (float("inf"), float("-inf")):
        return f'float("{value}")', _ATOM
    text = repr(value)
    if "e" in text:
        mantissa, exponent = text.split("e")
        text = f"{mantissa}e{int(exponent)}"
    return text, _ATOM if value >= 0 and not text.startswith("-") else _UNARY
