"""Initial values in NumPy, for scripts that start from the same weights in every framework.

They are those of `tercet weights`: each is drawn from the seed and the weight's name alone.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path

from tercet.codegen.expr import Literal
from tercet.codegen.render import render
from tercet.codegen.script.pieces import Piece, literal
from tercet.codegen.script.stored import located
from tercet.compiler import initializers as kinds
from tercet.compiler.graph.ir import Graph, Parameter
from tercet.compiler.initializers import Initializer, counted_as, shape_fans
from tercet.compiler.stored import StoredArray

INITIAL_VALUE = "initial_value"
_NUMPY = "import numpy as np"
_MATH = "import math"

_HELPERS = {
    "fans": '''\
def fans(shape):
    """How many inputs and outputs one weight connects."""
    field = math.prod(shape[2:])
    return shape[1] * field, shape[0] * field''',
    "scaled_uniform": """\
def scaled_uniform(random, shape, variance):
    bound = math.sqrt(3 * variance)
    return random.uniform(-bound, bound, shape)""",
    "truncated_normal": '''\
def truncated_normal(random, shape, std, mean):
    """A normal distribution redrawn outside two standard deviations."""
    values = random.normal(size=shape)
    while (outside := np.abs(values) > 2).any():
        values[outside] = random.normal(size=int(outside.sum()))
    return values * std + mean''',
    "orthogonal": '''\
def orthogonal(random, shape, gain):
    """Saxe et al., 2014; of several gates each by itself."""
    rows, columns = shape[0], math.prod(shape[1:])
    gates = rows // columns if rows % columns == 0 else 1
    rows //= gates
    parts = []
    for _ in range(gates):
        q, r = np.linalg.qr(random.normal(size=(max(rows, columns), min(rows, columns))))
        q = q * np.sign(np.diag(r))
        parts.append(q if rows >= columns else q.T)
    return gain * np.concatenate(parts).reshape(shape)''',
}

_GENERATOR = [
    'digest = hashlib.sha256(f"{seed}:{name}".encode()).digest()',
    'key = int.from_bytes(digest[:16], "little")',
    "random = np.random.Generator(np.random.Philox(key=key))",
]


def initial_piece(model: Graph, script_folder: Path | None = None) -> Piece:
    """`initial_value(name, shape, seed)` for every parameter and running statistic."""
    found = {path: _drawn(parameter, script_folder) for path, parameter in model.parameters()}
    body = list(_rules(found))
    drawn = any("random" in expr for expr in found.values())
    lines = [
        f"def {INITIAL_VALUE}(name, shape, seed):",
        '    """What a weight starts as: it depends on the seed and its name alone."""',
        *(f"    {line}" for line in (_GENERATOR if drawn else [])),
        *(f"    {line}" for line in body),
    ]
    text = "\n".join(lines)
    helpers = _helpers(text)
    whole = "\n\n\n".join([*(_HELPERS[name] for name in helpers), text])
    imports = [_NUMPY]
    imports += ["import hashlib"] if drawn else []
    imports += [_MATH] if "math." in whole else []
    imports += ["from fnmatch import fnmatchcase"] if "fnmatchcase" in whole else []
    return Piece(whole, tuple(imports))


def _helpers(text: str) -> list[str]:
    """The helpers that a text calls, in their order."""
    used = {name for name in _HELPERS if f"{name}(" in text}
    return [name for name in _HELPERS if name in used]


def _rules(found: Mapping[str, str]) -> Iterator[str]:
    """Lines that choose among expressions by the name of a weight."""
    usual = _usual(found)
    exceptions: dict[str, list[str]] = defaultdict(list)
    special = {name: expr for name, expr in found.items() if usual.get(_kind(name)) != expr}
    for pattern, expr in _patterns(special, found):
        exceptions[expr].append(pattern)
    for expr, patterns in exceptions.items():
        yield f"if {_matched(patterns)}:"
        yield f"    return {expr}"
    by_expr: dict[str, list[str]] = defaultdict(list)
    for kind, expr in usual.items():
        by_expr[expr].append(kind)
    *others, (last, _) = sorted(by_expr.items(), key=lambda entry: len(entry[0])) or [_NONE]
    if others:
        yield 'kind = name.rpartition(".")[2]'
    for expr, named in others:
        test = f"== {literal(named[0])}" if len(named) == 1 else f"in {literal(tuple(named))}"
        yield f"if kind {test}:"
        yield f"    return {expr}"
    yield f"return {last}"


_NONE = ("np.zeros(shape)", list[str]())


def _kind(path: str) -> str:
    """What a weight is called within its layer; a model's own `param` is called nothing."""
    return path.rpartition(".")[2] if "." in path else ""


def _usual(found: Mapping[str, str]) -> dict[str, str]:
    """What most weights start as that are called so within their layers."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for path, expr in found.items():
        if kind := _kind(path):
            counts[kind][expr] += 1
    return {kind: counter.most_common(1)[0][0] for kind, counter in counts.items()}


def _patterns(special: Mapping[str, str], every: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Patterns for the special ones: one for all places of a loop, where they agree."""
    done: set[str] = set()
    for path, expr in special.items():
        pattern = re.sub(r"(?<=\.)\d+(?=\.)", "*", path)
        matched = [name for name in every if fnmatchcase(name, pattern)]
        if any(every[name] != expr for name in matched):
            pattern = path
        if pattern not in done:
            done.add(pattern)
            yield pattern, expr


def _matched(patterns: list[str]) -> str:
    plain = [p for p in patterns if "*" not in p]
    tests = []
    if plain:
        one = f"name == {literal(plain[0])}"
        tests.append(one if len(plain) == 1 else f"name in {literal(tuple(plain))}")
    many = [p for p in patterns if "*" in p]
    if len(many) > 1:
        tests.append(f"any(fnmatchcase(name, pattern) for pattern in {literal(tuple(many))})")
    elif many:
        tests.append(f"fnmatchcase(name, {literal(many[0])})")
    return " or ".join(tests)


def _drawn(parameter: Parameter, script_folder: Path | None) -> str:
    """The expression of the values of a parameter over `random` and `shape`."""
    if isinstance(parameter.init, StoredArray):
        path = located(parameter.init.path, script_folder)
        return f"stored({literal(path)}, {literal(parameter.init.tensor)})"
    shape = tuple(size for size in parameter.type.shape if isinstance(size, int))
    theirs = shape_fans(shape) if len(shape) > 1 else None
    return _expression(counted_as(parameter.init, parameter.fans, theirs))


def _expression(init: Initializer) -> str:
    match init:
        case kinds.Zeros():
            return "np.zeros(shape)"
        case kinds.Ones():
            return "np.ones(shape)"
        case kinds.Constant(value):
            return f"np.full(shape, {literal(float(value))})"
        case kinds.Values(elements):
            return f"np.array({render(Literal(elements))})"
        case kinds.Uniform(low, high):
            return f"random.uniform({literal(low)}, {literal(high)}, shape)"
        case kinds.Normal(std, mean):
            return f"random.normal({literal(mean)}, {literal(std)}, shape)"
        case kinds.TruncatedNormal(std, mean):
            return f"truncated_normal(random, shape, {literal(std)}, {literal(mean)})"
        case kinds.GlorotUniform():
            return "scaled_uniform(random, shape, 2 / sum(fans(shape)))"
        case kinds.GlorotNormal():
            return "random.normal(0.0, math.sqrt(2 / sum(fans(shape))), shape)"
        case kinds.HeUniform():
            return "scaled_uniform(random, shape, 2 / fans(shape)[0])"
        case kinds.HeNormal():
            return "random.normal(0.0, math.sqrt(2 / fans(shape)[0]), shape)"
        case kinds.LecunNormal():
            return "random.normal(0.0, math.sqrt(1 / fans(shape)[0]), shape)"
        case kinds.Orthogonal(gain):
            return f"orthogonal(random, shape, {literal(gain)})"
        case kinds.Identity():
            return "np.eye(*shape)"
    raise TypeError(type(init).__name__)


def start_piece(model: Graph, lines: Iterable[str], script_folder: Path | None) -> Piece:
    """`start(model, seed)`, which puts initial values into the model by these lines."""
    drawn = initial_piece(model, script_folder)
    text = "\n".join(
        [
            "def start(model, seed):",
            '    """Give every weight its initial value, the same in every framework."""',
            *(f"    {line}" for line in lines),
        ]
    )
    return Piece(f"{drawn.text}\n\n\n{text}", drawn.imports)
