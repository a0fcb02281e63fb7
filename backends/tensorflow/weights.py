"""Weights under their names in the source, in the layouts of the source."""

from __future__ import annotations

from collections.abc import Iterator

from tercet.backends.tensorflow.facts import Facts
from tercet.backends.tensorflow.target import scope
from tercet.codegen.script.files import (
    CHECK,
    READ,
    WRITE,
    names_agree,
    shapes_agree,
    types_agree,
    writing,
)
from tercet.codegen.script.pieces import Piece, literal
from tercet.codegen.script.style import Style
from tercet.compiler.graph.ir import Create, Graph, Layer
from tercet.compiler.ops.activation import PRelu
from tercet.compiler.ops.conv import AnyConvolution
from tercet.compiler.ops.linear import Dense
from tercet.compiler.ops.recurrent import Gru, Recurrent

_IMPORTS = (
    "import numpy as np",
    "from safetensors.numpy import load_file",
    "from safetensors.numpy import save as to_bytes",
)
_BARE = '.replace("/.", "/")'
_CELLS = '{"simple_rnn_cell", "lstm_cell", "gru_cell"}'


def weights_pieces(model: Graph, facts: Facts, style: Style) -> list[Piece]:
    """`weights`, `load`, `save` and what they need."""
    special = any(isinstance(layer.op, Gru | PRelu) for layer in facts.layers)
    return [
        Piece(_weights(facts, special)),
        *style.full_only(READ, CHECK),
        Piece(_load(model, special, style), _IMPORTS),
        Piece(_save(special, style), _IMPORTS),
        *style.full_only(WRITE),
    ]


def _weights(facts: Facts, special: bool) -> str:
    layers = list(facts.layers)
    names = {**facts.source_names, **facts.renamed_parameters}
    orders = dict(entry for layer in layers for entry in _orders(layer))
    what = "source's name, variable, its part, order of axes there"
    lines = [
        "def weights(model):",
        f'    """Yield ({what if special else what.replace(" its part,", "")}) of weights."""',
    ]
    if names:
        lines.append(f"    names = {literal(names)}")
    if orders:
        lines.append(f"    orders = {literal(orders)}")
    path = '".".join([*layer, names.get(kind, kind)])' if names else '".".join([*layer, kind])'
    lines += [
        "    for variable in model.weights:",
        f"        _, *layer, kind = {_parts_of_path(facts)}",
        *(f"        {line}" for line in _recurrent_lines(layers)),
        "        rank = len(variable.shape)",
        f"        name = {_suffixed(path, layers)}",
    ]
    order = "orders.get((kind, rank), range(rank))" if orders else "range(rank)"
    if not special:
        return "\n".join([*lines, f"        yield name, variable, {order}"])
    return "\n".join([*lines, *_parts(layers, order)])


def name_layers_piece(facts: Facts) -> Piece:
    """`name_layers`, which tells dropouts their names in the source."""
    own = 'child.name.removeprefix(".")' if _dotted(facts) else "child.name"
    return Piece(f'''\
def name_layers(layer, prefix=""):
    """Tell layers that draw random numbers what they are called in the source."""
    for child in layer._layers:
        path = prefix + {own}
        if isinstance(child, Dropout):
            child.source_name = path
        name_layers(child, f"{{path}}.")''')


def _dotted(facts: Facts) -> bool:
    """Whether `scope` put a dot before the name of a layer."""
    made = (i for g in facts.graphs for i in g.body.walk())
    return any(scope(i.made.site.name) != i.made.site.name for i in made if isinstance(i, Create))


def _parts_of_path(facts: Facts) -> str:
    """The parts of a variable's path, without the dots that `scope` puts before underscores."""
    return f'variable.path{_BARE if _dotted(facts) else ""}.split("/")'


def _orders(layer: Layer) -> Iterator[tuple[tuple[str, int], tuple[int, ...]]]:
    """The order of axes that turns a variable, by kind and rank, into the source's."""
    match layer.op:
        case Dense():
            yield ("kernel", 2), (1, 0)
        case AnyConvolution(rank=rank):
            yield ("kernel", rank + 2), (rank + 1, rank, *range(rank))
        case Recurrent():
            yield ("kernel", 2), (1, 0)
            yield ("recurrent_kernel", 2), (1, 0)


# ---------------------------------------------------------------------------- recurrent layers


def _is_stack(layer: Layer) -> bool:
    return isinstance(layer.op, Recurrent)


def _recurrent_lines(layers: list[Layer]) -> list[str]:
    """Lines that take Keras' cells, and the levels of a stack, out of the path."""
    if not any(map(_is_stack, layers)):
        return []
    return [
        'suffix = ""',
        f"if layer and layer[-1] in {_CELLS}:",
        '    layer.pop()  # Keras keeps the weights in a "cell"',
        "    if layer[-1][0].isdigit():  # a level of `Recurrent`",
        '        suffix = "_" + layer.pop()',
        '        suffix = suffix.removeprefix("_0")',
    ]


def _suffixed(path: str, layers: list[Layer]) -> str:
    return f"{path} + suffix" if any(map(_is_stack, layers)) else path


def _parts(layers: list[Layer], order: str) -> list[str]:
    """The yields for variables that hold more than one tensor, or one in another shape."""
    lines = [f"        part, order = ..., {order}"]
    if any(isinstance(layer.op, PRelu) for layer in layers):
        lines += [
            '        if kind == "alpha":  # Keras keeps axes of size 1',
            "            part, order = (0,) * (rank - 1), (0,)",
        ]
    if not any(isinstance(layer.op, Gru) for layer in layers):
        return [*lines, "        yield name, variable, part, order"]
    of_both = all(v.op.linear_before_reset for v in layers if isinstance(v.op, Gru))
    return [
        *lines,
        '        if "/gru_cell/" in variable.path:  # gates z, r, n there, r, z, n in the source',
        "            units = variable.shape[-1] // 3",
        "            gates = np.r_[units : 2 * units, :units, 2 * units : 3 * units]",
        "            part = (..., gates)",
        f'            if kind == "bias"{"" if of_both else " and rank == 2"}:  # both biases',
        '                recurrent = ".".join([*layer, "recurrent_bias"]) + suffix',
        "                yield recurrent, variable, (1, gates), (0,)",
        "                part, order = (0, gates), (0,)",
        "        yield name, variable, part, order",
    ]


def _yielded(special: bool) -> str:
    """What `weights` yields after the name: with the part of a variable, or without."""
    return "variable, part, order" if special else "variable, order"


def _load(model: Graph, special: bool, style: Style) -> str:
    agree = types_agree(model, "tensors[name].shape", "variable.dtype", "shape")
    if special:
        looking = [_SHAPE_OF_PART, style.pick(full=agree, lean=_LEAN_AGREE)]
    else:  # Keras itself looks at the shape of what is assigned
        looking = [*style.full_only(_SHAPE, agree)]
    assigned = "\n".join([*looking, _ASSIGN_PART if special else _ASSIGN])
    return f'''\
def load(model, tensors, path):
    """Put the tensors, read from `path`, into the model: exactly those it has."""
    named = {{name: weight for name, *weight in weights(model)}}
{names_agree(style)}
    for name, ({_yielded(special)}) in named.items():
{assigned}'''


def _save(special: bool, style: Style) -> str:
    """`save`; in a full script checkpoints want `tensors` as well."""
    found = f"""\
{{
        name: np.ascontiguousarray(variable.numpy(){"[part]" if special else ""}.transpose(order))
        for name, {_yielded(special)} in weights(model)
    }}"""
    called = style.pick(
        full=writing("path", "tensors(model)", style),
        lean=f"found = tensors(model)\n    {writing('path', 'found', style)}",
    )
    full = f'''\
def tensors(model):
    """All weights as the source has them."""
    return {found}


def save(model, path):
    {called}'''
    lean = f"""\
def save(model, path):
    tensors = {found}
    {writing("path", "tensors", style)}"""
    return full if style.exact else style.pick(full=full, lean=lean)


_LEAN_AGREE = shapes_agree("tensors[name].shape", "shape")
_SHAPE = "        shape = tuple(variable.shape[axis] for axis in order)"
_ASSIGN = "        variable.assign(tensors[name].transpose(np.argsort(order)))"
_SHAPE_OF_PART = """\
        array = variable.numpy()
        shape = array[part].transpose(order).shape"""
_ASSIGN_PART = """\
        array[part] = tensors[name].transpose(np.argsort(order))
        variable.assign(array)"""
