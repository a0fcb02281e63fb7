"""Weights under their names in the source, inference on files, export of Symbol and parameters."""

from __future__ import annotations

from collections.abc import Sequence

from tercet.backends.mxnet.export import scalar_outputs
from tercet.backends.mxnet.raw_parameters import has_constants
from tercet.backends.mxnet.recurrent import parameter_names
from tercet.backends.mxnet.target import GLUON_NAMES
from tercet.codegen.interface import Interface
from tercet.codegen.printed import ClassCode
from tercet.codegen.script.files import (
    CHECK,
    READ,
    WRITE,
    checked_inputs,
    dtypes_are_kept,
    names_agree,
    types_agree,
    writing,
)
from tercet.codegen.script.pieces import Piece, literal
from tercet.codegen.script.style import Style
from tercet.codegen.specialised import layers_of
from tercet.compiler.dims import Dim, evaluate
from tercet.compiler.graph.ir import Graph
from tercet.compiler.ops.recurrent import Recurrent
from tercet.compiler.types import DType

_IMPORTS = (
    "from safetensors.numpy import load_file",
    "from safetensors.numpy import save as to_bytes",
    "from mxnet import nd",
)


def weights_pieces(model: Graph, classes: Sequence[ClassCode], style: Style) -> list[Piece]:
    """`weights`, `load` and `save`."""
    text = _weights_text(model, classes)
    files = Piece(f"{_load(model, style)}\n\n\n{_save(model, style)}", _IMPORTS)
    return [Piece(text), *style.full_only(READ, CHECK), files, *style.full_only(WRITE)]


def _scalars(model: Graph) -> list[str]:
    return [path for path, p in model.parameters() if not p.type.shape]


def _load(model: Graph, style: Style) -> str:
    shape, array, dtype = "tensors[name].shape", "tensors[name]", "tensors[name].dtype"
    if _scalars(model):
        shape, array = f"({shape} or (1,))", f"{array}.reshape(parameter.shape)"
    if not dtypes_are_kept(model):
        dtype = "parameter.dtype"
    agree = types_agree(model, shape, "np.dtype(parameter.dtype)", "parameter.shape")
    body = [*style.full_only(agree)]  # Gluon itself looks at shapes
    body.append(f"        parameter.set_data(nd.array({array}, dtype={dtype}))")
    text = f'''\
def load(model, tensors, path):
    """Put the tensors, read from `path`, into the model: exactly those it has."""
    named = weights(model)
{names_agree(style)}
    for name, parameter in named.items():'''
    return "\n".join([text, *body])


def _save(model: Graph, style: Style) -> str:
    arrays = "{name: p.data().asnumpy() for name, p in weights(model).items()}"
    restored = []
    if scalars := _scalars(model):
        restored += [
            f"    for name in {literal(scalars)}:  # Gluon holds a number as one element",
            "        tensors[name] = tensors[name].reshape(())",
        ]
    if truths := [path for path, p in model.parameters() if p.type.dtype is DType.BOOL]:
        restored += [
            f"    for name in {literal(truths)}:  # held as 0 and 1",
            "        tensors[name] = tensors[name].astype(bool)",
        ]
    if not restored:
        return f"def save(model, path):\n    {writing('path', arrays, style)}"
    lines = ["def save(model, path):", f"    tensors = {arrays}", *restored]
    return "\n".join([*lines, f"    {writing('path', 'tensors', style)}"])


def _weights_text(model: Graph, classes: Sequence[ClassCode]) -> str:
    names = _source_names(model, classes)
    recurrent = any(isinstance(layer.op, Recurrent) for layer in layers_of(model))
    unbiased = any(isinstance(v.op, Recurrent) and not v.op.bias for v in layers_of(model))
    named = _WITHOUT_BIAS if unbiased else _NAMED_PARAMETERS
    found = "named_parameters(model)" if recurrent else "model._collect_params_with_prefix()"
    lines = ["def weights(model):"]
    lines += ['    """Parameters and running statistics, named as in the source."""']
    computes = any(map(has_constants, classes))
    if not names and not computes:
        return "\n".join([*lines, f"    return {found}"])
    path = '".".join(names.get(part, part) for part in path.split("."))' if names else "path"
    lines += [f"    names = {literal(names)}"] if names else []
    lines += [
        "    return {",
        f"        {path}",
        f"        : parameter for path, parameter in {found}.items()",
    ]
    if computes:
        lines.append("        if not isinstance(parameter, gluon.Constant)  # computed, no weight")
    lines.append("    }")
    return "\n".join([*lines, *(["", "", named] if recurrent else [])])


_NAMED_PARAMETERS = '''\
def named_parameters(block, prefix=""):
    """Parameters by path, but for the second biases that `one_bias` froze."""
    named = {
        prefix + name: parameter
        for name, parameter in block._reg_params.items()
        if not (name.endswith("h2h_bias") and parameter.grad_req == "null")
    }
    for name, child in block._children.items():
        named |= named_parameters(child, f"{prefix}{name}.")
    return named'''


def name_layers_piece(classes: Sequence[ClassCode]) -> Piece:
    """`name_layers`, which tells dropouts their names in the source."""
    renamed = _renamed(classes)
    own = f"{literal(renamed)}.get(name, name)" if renamed else "name"
    return Piece(f'''\
def name_layers(block, prefix=""):
    """Tell layers that draw random numbers what they are called in the source."""
    for name, child in block._children.items():
        path = prefix + {own}
        if isinstance(child, Dropout):
            child.source_name = path
        name_layers(child, f"{{path}}.")''')


def _renamed(classes: Sequence[ClassCode]) -> dict[str, str]:
    """Attributes that cannot have the source's names, with these."""
    return {a: s for c in classes for a, s in c.attributes.items() if a != s}


_WITHOUT_BIAS = _NAMED_PARAMETERS.replace(
    'grad_req == "null")\n',
    'grad_req == "null")\n'
    '        and not (name.endswith("_bias") and not getattr(block, "is_biased", True))\n',
).replace("that `one_bias` froze", "that `one_bias` and\n    `without_bias` froze")


def _source_names(model: Graph, classes: Sequence[ClassCode]) -> dict[str, str]:
    """Gluon's names and renamed attributes, with the source's."""
    found = _renamed(classes)
    for layer in layers_of(model):
        for parameter in layer.parameters:
            own = GLUON_NAMES.get((type(layer.op).__name__, parameter.name))
            if own is not None:
                found[own] = parameter.name
        if isinstance(layer.op, Recurrent):
            found |= parameter_names(layer.op)
    return found


# ---------------------------------------------------------------------------------- prediction


def predict_piece(interface: Interface) -> Piece:
    """`predict`: the outputs for the inputs in a file."""
    model = interface.model
    inputs = [i.value.name for i in model.inputs]
    outputs = [o.name for o in model.outputs]
    checks = "\n    ".join(checked_inputs(interface))
    scalars = [
        f"    arrays[{literal(n)}] = arrays[{literal(n)}].reshape(())\n"
        for n in scalar_outputs(model)
    ]
    without_axes = "".join(scalars)
    array = "inputs[name]"
    if not all(entry.value.type.shape for entry in model.inputs):
        array = f"{array}.reshape({array}.shape or (1,))"
    called = "model(*arrays)" if len(outputs) > 1 else "[model(*arrays)]"
    text = f'''\
def predict(model, source, path, device):
    """Write the model's outputs for the inputs in the file `source`."""
    inputs = read(source)
    {checks}
    arrays = [
        nd.array({array}, ctx=device, dtype=inputs[name].dtype)
        for name in {literal(tuple(inputs))}
    ]
    outputs = {called}
    names = {literal(outputs)}
    arrays = {{n: y.asnumpy() for n, y in zip(names, outputs, strict=True)}}
{without_axes}    write(path, arrays)'''
    return Piece(text, _IMPORTS)


# --------------------------------------------------------------------------------------- export


def export_piece(model: Graph) -> Piece:
    """`export`: the Symbol with inputs and outputs as in the source, and the parameters."""
    names = tuple(i.value.name for i in model.inputs)
    variables = f"*[mx.sym.var(name) for name in {literal(names)}]"
    if len(names) == 1:
        variables = f"mx.sym.var({literal(names[0])})"
    text = f'''\
def export(model, path):
    """Write the graph and its parameters: PATH-symbol.json and PATH-0000.params."""
    outputs = model({variables})
    symbol = mx.sym.Group(list(outputs))
    symbol.save(f"{{path}}-symbol.json")
    states = set(symbol.list_auxiliary_states())
    parameters = {{
        f"{{'aux' if name in states else 'arg'}}:{{name}}": parameter.data()
        for name, parameter in model.collect_params().items()
    }}
    nd.save(f"{{path}}-0000.params", parameters)'''
    if len(model.outputs) == 1:
        text = text.replace("    outputs = model(", "    symbol = model(")
        text = text.replace("    symbol = mx.sym.Group(list(outputs))\n", "")
    return Piece(text)


def example_arrays(interface: Interface, sizes: dict[str, int]) -> str:
    """NDArrays of the model's inputs at such sizes, as arguments."""
    found = []
    for entry in interface.model.inputs:
        shape = tuple(
            evaluate(n, sizes) if isinstance(n, Dim) else n
            for n in interface.type(entry.value).shape
        )
        dtype = entry.value.type.dtype
        tail = "" if dtype is DType.F32 else f', dtype="{dtype.numpy_name}"'
        found.append(f"nd.zeros({literal(shape or (1,))}{tail})")
    return ", ".join(found)
