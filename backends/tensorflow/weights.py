"""Weights under their names in the source, in the layouts of the source."""

from __future__ import annotations

from collections.abc import Iterator

from backends.tensorflow.facts import Facts
from compiler.codegen.files import CHECK, READ, WRITE, dtypes_are_kept
from compiler.codegen.pieces import Piece, literal
from compiler.ir import Graph, Layer
from compiler.ops.activation import PRelu
from compiler.ops.conv import AnyConvolution
from compiler.ops.linear import Dense
from compiler.ops.recurrent import Gru, Recurrent

_IMPORTS = (
    "import numpy as np",
    "from safetensors.numpy import load_file, save_file",
)
_CELLS = '{"simple_rnn_cell", "lstm_cell", "gru_cell"}'


def weights_pieces(model: Graph, facts: Facts) -> list[Piece]:
    """`weights`, `load`, `save` and what they need."""
    special = any(isinstance(layer.op, Gru | PRelu) for layer in facts.layers)
    load = _LOAD_PARTS if special else _LOAD
    if not dtypes_are_kept(model):
        load = load.replace("{tensors[name].dtype} ", "").replace("{variable.dtype} ", "")
    return [Piece(_weights(facts, special)), READ, CHECK, Piece(load, _IMPORTS), WRITE]


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
        lines.append(f"    names = {_dictionary(names)}")
    if orders:
        entries = ", ".join(f"({literal(k)}, {rank}): {v}" for (k, rank), v in orders.items())
        lines.append(f"    orders = {{{entries}}}")
    path = '".".join([*layer, names.get(kind, kind)])' if names else '".".join([*layer, kind])'
    lines += [
        "    for variable in model.weights:",
        '        _, *layer, kind = variable.path.split("/")',
        *(f"        {line}" for line in _recurrent_lines(layers)),
        "        rank = len(variable.shape)",
        f"        name = {_suffixed(path, layers)}",
    ]
    order = "orders.get((kind, rank), range(rank))" if orders else "range(rank)"
    if not special:
        return "\n".join([*lines, f"        yield name, variable, {order}"])
    return "\n".join([*lines, *_parts(layers, order)])


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


def _dictionary(entries: dict[str, str]) -> str:
    inner = ", ".join(f"{literal(k)}: {literal(v)}" for k, v in entries.items())
    return f"{{{inner}}}"


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
    return [
        *lines,
        '        if "/gru_cell/" in variable.path:  # gates z, r, n there, r, z, n in the source',
        "            units = variable.shape[-1] // 3",
        "            gates = np.r_[units : 2 * units, :units, 2 * units : 3 * units]",
        "            part = (..., gates)",
        '            if kind == "bias":  # both biases',
        '                recurrent = ".".join([*layer, "recurrent_bias"]) + suffix',
        "                yield recurrent, variable, (1, gates), (0,)",
        "                part, order = (0, gates), (0,)",
        "        yield name, variable, part, order",
    ]


_CHECK = """\
    if missing := sorted(named.keys() - tensors.keys()):
        raise SystemExit(f"{path}: missing {missing}")
    if unexpected := sorted(tensors.keys() - named.keys()):
        raise SystemExit(f"{path}: unexpected {unexpected}")"""

_COMPARED = """\
        have = f"{tensors[name].dtype} {tensors[name].shape}"
        want = f"{variable.dtype} {shape}"
        if have != want:
            raise SystemExit(f"{path}: {name} is {have}, the model needs {want}")"""

_LOAD = f'''\
def load(model, path):
    assign_weights(model, read(path), path)


def assign_weights(model, tensors, path):
    """Give the model these weights; `path` is where they come from."""
    named = {{name: (variable, order) for name, variable, order in weights(model)}}
{_CHECK}
    for name, (variable, order) in named.items():
        shape = tuple(variable.shape[axis] for axis in order)
{_COMPARED}
        variable.assign(tensors[name].transpose(np.argsort(order)))


def tensors(model):
    """All weights as the source has them."""
    return {{
        name: np.ascontiguousarray(variable.numpy().transpose(order))
        for name, variable, order in weights(model)
    }}


def save(model, path):
    write(path, tensors(model))'''

_LOAD_PARTS = f'''\
def load(model, path):
    assign_weights(model, read(path), path)


def assign_weights(model, tensors, path):
    """Give the model these weights; `path` is where they come from."""
    named = {{name: weight for name, *weight in weights(model)}}
{_CHECK}
    for name, (variable, part, order) in named.items():
        array = variable.numpy()
        shape = array[part].transpose(order).shape
{_COMPARED}
        array[part] = tensors[name].transpose(np.argsort(order))
        variable.assign(array)


def tensors(model):
    """All weights as the source has them."""
    return {{
        name: np.ascontiguousarray(variable.numpy()[part].transpose(order))
        for name, variable, part, order in weights(model)
    }}


def save(model, path):
    write(path, tensors(model))'''
