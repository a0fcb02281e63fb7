"""Weights under their names in the source, inference on files, and export by `torch.onnx`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tercet.backends.pytorch.target import DTYPES
from tercet.codegen.interface import Interface
from tercet.codegen.printed import ClassCode
from tercet.codegen.render import render
from tercet.codegen.script.files import (
    CHECK,
    READ,
    WRITE,
    checked_inputs,
    names_agree,
    shapes_agree,
    types_agree,
    types_text,
    writing,
)
from tercet.codegen.script.pieces import Piece, literal
from tercet.codegen.script.style import Style
from tercet.codegen.specialised import layers_of
from tercet.compiler.dims import Dim, evaluate
from tercet.compiler.graph.ir import Graph, Value
from tercet.compiler.graph.reach import reached_inputs
from tercet.compiler.ops.base import LayerOp
from tercet.compiler.ops.norm import BatchNorm
from tercet.compiler.ops.recurrent import Gru, Recurrent
from tercet.compiler.sizing.sizes import example_sizes
from tercet.compiler.types import DType, TensorType

_IMPORTS = (
    "from safetensors.torch import load_file",
    "from safetensors.torch import save as to_bytes",
)


def weights_pieces(model: Graph, classes: Sequence[ClassCode], style: Style) -> list[Piece]:
    """`weights`, `load` and `save`."""
    text = _weights_text(model, classes)
    imports = ("import re",) if "re.fullmatch" in text else ()
    return [
        Piece(text, imports),
        *style.full_only(READ, CHECK),
        Piece(_load(model, style), _IMPORTS),
        *style.full_only(WRITE),
    ]


def _load(model: Graph, style: Style) -> str:
    shapes = ("tuple(tensors[name].shape)", "parameter.dtype", "tuple(parameter.shape)")
    agree = style.pick(
        full=types_agree(model, *shapes),
        lean=shapes_agree("tensors[name].shape", "parameter.shape"),
    )
    saved = "{name: p.cpu().contiguous() for name, p in weights(model).items()}"
    return f'''\
def load(model, tensors, path):
    """Put the tensors, read from `path`, into the model: exactly those it has."""
    named = weights(model)
{names_agree(style)}
    for name, parameter in named.items():
{agree}
        parameter.copy_(tensors[name])


def save(model, path):
    {writing("path", saved, style)}'''


def has_source_names(model: Graph, classes: Sequence[ClassCode]) -> bool:
    """Whether PyTorch calls a tensor otherwise than the source, so that there is `source_name`."""
    recurrent = any(isinstance(layer.op, Recurrent) for layer in layers_of(model))
    return recurrent or bool(_renamed(classes))


def _renamed(classes: Sequence[ClassCode]) -> dict[str, str]:
    return {a: s for c in classes for a, s in c.attributes.items() if a != s}


def _weights_text(model: Graph, classes: Sequence[ClassCode]) -> str:
    kinds = {type(layer.op) for layer in layers_of(model)}
    renamed = has_source_names(model, classes)
    second_biases = any(issubclass(k, Recurrent) and k is not Gru for k in kinds)
    kept = ['not (name in frozen and "bias_hh" in name)'] if second_biases else []
    kept += ['not name.endswith("num_batches_tracked")'] if BatchNorm in kinds else []
    lines = [*_renaming(_renamed(classes), kinds), "", ""] if renamed else []
    lines += ["def weights(model):"]
    lines += ['    """Parameters and running statistics, named as in the source."""']
    if not renamed and not kept:
        return "\n".join([*lines, "    return model.state_dict()"])
    if second_biases:
        lines += ["    frozen = {n for n, p in model.named_parameters() if not p.requires_grad}"]
    lines += ["    return {", f"        {'source_name(name)' if renamed else 'name'}: tensor"]
    lines += ["        for name, tensor in model.state_dict().items()"]
    lines += [f"        if {' and '.join(kept)}"] if kept else []
    return "\n".join([*lines, "    }"])


def _renaming(renamed: dict[str, str], kinds: set[type[LayerOp]]) -> list[str]:
    lines = ["def source_name(name):", '    """The source\'s name of a tensor of the model."""']
    recurrent = any(issubclass(kind, Recurrent) for kind in kinds)
    result = "name"
    if renamed:
        lines += [f"    renamed = {literal(renamed)}"]
        result = '".".join(renamed.get(part, part) for part in name.split("."))'
    if recurrent and renamed:
        lines += [f"    name = {result}"]
        result = "name"
    if recurrent:
        lines += _recurrent_renaming()
    return [*lines, f"    return {result}"]


def _recurrent_renaming() -> list[str]:
    return [
        '    layer, _, parameter = name.rpartition(".")',
        '    if match := re.fullmatch(r"(weight|bias)_(ih|hh)_l(\\d+)(_reverse)?", parameter):',
        '        kind, source, number, reverse = match.groups(default="")',
        '        number = "" if number == "0" else number',
        '        parts = ["recurrent_" * (source == "hh") + kind, number, reverse[1:]]',
        "        return f\"{layer}.{'_'.join(filter(None, parts))}\"",
    ]


def predict_piece(interface: Interface) -> Piece:
    """`predict`: the outputs for the inputs in a file."""
    model = interface.model
    names = ", ".join(f"inputs[{literal(i.value.name)}].to(device)" for i in model.inputs)
    outputs = [literal(o.name) for o in model.outputs]
    call = f"model({names})"
    if len(outputs) == 1:
        result = [f"output = {call}", f"write(path, {{{outputs[0]}: output.cpu().contiguous()}})"]
    else:  # two may be views of one tensor, which safetensors refuses
        result = [
            f"outputs = zip(({', '.join(outputs)}), {call}, strict=True)",
            "write(path, {name: o.cpu().contiguous().clone() for name, o in outputs})",
        ]
    body = "\n    ".join([*checked_inputs(interface, "torch."), *result])
    text = f'''\
@torch.no_grad()
def predict(model, source, path, device):
    """Write the model's outputs for the inputs in the file `source`."""
    model.eval()
    inputs = read(source)
    {body}'''
    return Piece(text, _IMPORTS)


def export_piece(interface: Interface, style: Style) -> Piece:
    """`export` by the exporter that traces: names kept, symbolic sizes everywhere (docs)."""
    model = interface.model
    sizes = example_sizes(model)
    examples = ", ".join(_example(interface.type(i.value), sizes) for i in model.inputs)
    inputs = {i.value.name: i.value for i in model.inputs}
    outputs = {o.name: o.value for o in model.outputs}
    axes = {name: _symbolic_axes(value) for name, value in inputs.items()}
    explained = '    """Write an ONNX model; the tracing exporter keeps every symbolic size."""\n'
    explained = "".join(style.full_only(explained))
    text = f"""\
def export(model, path):
{explained}    import onnx

{_without_alarms(model, style)}    torch.onnx.export(
        model.eval().cpu(),
        ({examples},),
        path,
        input_names={literal(list(inputs))},
        output_names={literal(list(outputs))},
        dynamic_axes={literal({name: found for name, found in axes.items() if found})},
        opset_version=17,
        dynamo=False,
    )
    proto = onnx.load(path, load_external_data=False)
    shapes = {literal({name: _declared(interface.type(value)) for name, value in outputs.items()})}
    for value in proto.graph.output:  # tracing does not follow all of their sizes
        dtype = value.type.tensor_type.elem_type
        shape = shapes[value.name]
        value.type.CopyFrom(onnx.helper.make_tensor_type_proto(dtype, shape))
{_with_all_inputs(interface)}    onnx.save(proto, path)"""
    return Piece(text, ("import warnings", "import numpy as np"))


def _without_alarms(model: Graph, style: Style) -> str:
    """The lines against warnings: of the exporter itself, and of recurrent layers in it."""
    lines = [
        '    warnings.filterwarnings("ignore", "You are using the legacy", DeprecationWarning)'
    ]
    if any(isinstance(layer.op, Recurrent) for layer in layers_of(model)):
        lines += [
            "    # The states have as many rows as x, whatever the size of the batch.",
            '    warnings.filterwarnings("ignore", "Exporting a model to ONNX with a batch_size")',
        ]
    return "".join(f"{line}\n" for line in style.full_only(*lines))


def _with_all_inputs(interface: Interface) -> str:
    """Lines of `export` that put inputs back which the exporter leaves out."""
    model = interface.model
    types = {i.value.name: interface.type(i.value) for i in model.inputs}
    if len(reached_inputs(model)) == len(types):
        return ""
    return f"""\
    there = {{value.name for value in proto.graph.input}}
    for name, (dtype, *shape) in {types_text(types)}.items():
        if name not in there:  # for no output needs it
            kind = onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
            value = onnx.helper.make_tensor_value_info(name, kind, shape)
            proto.graph.input.append(value)
"""


def _symbolic_axes(value: Value) -> dict[int, str]:
    return {axis: str(n) for axis, n in enumerate(value.type.shape) if isinstance(n, Dim)}


def _declared(type_: TensorType) -> tuple[int | str, ...]:
    return tuple(str(n) if isinstance(n, Dim) else n for n in type_.shape)


def _example(type_: TensorType, sizes: Mapping[str, int]) -> str:
    """Zeros, or for integers ones: 1 is a legal divisor and a legal length."""
    shape = ", ".join(str(evaluate(n, sizes)) for n in type_.shape) or "()"
    dtype = "" if type_.dtype is DType.F32 else f", dtype={render(DTYPES[type_.dtype])}"
    return f"torch.{'ones' if type_.dtype.is_integer else 'zeros'}({shape}{dtype})"
