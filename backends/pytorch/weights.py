"""Weights under their names in the source, inference on files, and export by `torch.onnx`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from backends.pytorch.target import DTYPES
from compiler.codegen.classes import ClassCode
from compiler.codegen.files import CHECK, READ, WRITE, checked_inputs, dtypes_are_kept
from compiler.codegen.pieces import Piece, literal
from compiler.codegen.render import render
from compiler.codegen.specialised import layers_of
from compiler.dims import Dim, evaluate
from compiler.ir import Graph, Value
from compiler.ops.base import Op
from compiler.ops.norm import BatchNorm
from compiler.ops.recurrent import Gru, Recurrent
from compiler.sizes import example_sizes
from compiler.types import DType, TensorType

_LOAD = """\
def load(model, tensors, path):
    \"\"\"Put the tensors, read from `path`, into the model: exactly those it has.\"\"\"
    named = weights(model)
    if missing := sorted(named.keys() - tensors.keys()):
        raise SystemExit(f"{path}: missing {missing}")
    if unexpected := sorted(tensors.keys() - named.keys()):
        raise SystemExit(f"{path}: unexpected {unexpected}")
    for name, parameter in named.items():
        have = f"{tensors[name].dtype} {tuple(tensors[name].shape)}"
        want = f"{parameter.dtype} {tuple(parameter.shape)}"
        if have != want:
            raise SystemExit(f"{path}: {name} is {have}, the model needs {want}")
        parameter.copy_(tensors[name])


def save(model, path):
    write(path, {name: p.cpu().contiguous() for name, p in weights(model).items()})"""

_IMPORTS = ("from safetensors.torch import load_file, save_file",)


def weights_pieces(model: Graph, classes: Sequence[ClassCode]) -> list[Piece]:
    """`weights`, `load` and `save`."""
    text = _weights_text(model, classes)
    imports = ("import re",) if "re.fullmatch" in text else ()
    load = _LOAD if dtypes_are_kept(model) else _without_dtypes(_LOAD)
    return [Piece(text, imports), READ, CHECK, Piece(load, _IMPORTS), WRITE]


def _without_dtypes(text: str) -> str:
    return text.replace("{tensors[name].dtype} ", "").replace("{parameter.dtype} ", "")


def has_source_names(model: Graph, classes: Sequence[ClassCode]) -> bool:
    """Whether PyTorch calls a tensor otherwise than the source, so that there is `source_name`."""
    recurrent = any(isinstance(layer.op, Recurrent) for layer in layers_of(model))
    return recurrent or bool(_renamed(classes))


def _renamed(classes: Sequence[ClassCode]) -> dict[str, str]:
    return {a: s for c in classes for a, s in c.attributes.items() if a != s}


def _weights_text(model: Graph, classes: Sequence[ClassCode]) -> str:
    kinds: set[type[Op]] = {type(layer.op) for layer in layers_of(model)}
    renamed = _renamed(classes)
    skipped = [name for name, skip in _skipped(kinds).items() if skip]
    recurrent = any(issubclass(kind, Recurrent) for kind in kinds)
    if not has_source_names(model, classes):
        return _plain_weights(skipped)
    lines = [*_renaming(renamed, recurrent, kinds), "", "", "def weights(model):"]
    lines += ['    """Parameters and running statistics, named as in the source."""']
    condition = " and ".join(f'not name.endswith("{s}")' for s in skipped)
    if any(issubclass(k, Recurrent) and k is not Gru for k in kinds):
        lines += _recurrent_filter(skipped)
        return "\n".join(lines)
    lines += ["    return {", "        source_name(name): tensor"]
    lines += ["        for name, tensor in model.state_dict().items()"]
    lines += [f"        if {condition}"] if condition else []
    return "\n".join([*lines, "    }"])


def _recurrent_filter(skipped: Sequence[str]) -> list[str]:
    names = ", ".join(literal(s) for s in skipped)
    lines = ["    frozen = {n for n, p in model.named_parameters() if not p.requires_grad}"]
    lines += ["    return {", "        source_name(name): tensor"]
    lines += ["        for name, tensor in model.state_dict().items()"]
    lines += ['        if not (name in frozen and "bias_hh" in name)']
    lines += [f"        and not name.endswith(({names},))"] if skipped else []
    return [*lines, "    }"]


def _skipped(kinds: set[type[Op]]) -> dict[str, bool]:
    return {"num_batches_tracked": BatchNorm in kinds}


def _plain_weights(skipped: Sequence[str]) -> str:
    lines = ["def weights(model):"]
    lines += ['    """Parameters and running statistics, named as in the source."""']
    if not skipped:
        return "\n".join([*lines, "    return model.state_dict()"])
    test = " and ".join(f'not name.endswith("{s}")' for s in skipped)
    return "\n".join(
        [
            *lines,
            "    return {",
            "        name: tensor",
            "        for name, tensor in model.state_dict().items()",
            f"        if {test}",
            "    }",
        ]
    )


def _renaming(renamed: dict[str, str], recurrent: bool, kinds: set[type[Op]]) -> list[str]:
    lines = ["def source_name(name):", '    """The source\'s name of a tensor of the model."""']
    if renamed:
        lines += [f"    renamed = {literal_dict(renamed)}"]
        lines += ['    name = ".".join(renamed.get(part, part) for part in name.split("."))']
    if recurrent:
        lines += _recurrent_renaming()
    return [*lines, "    return name"]


def _recurrent_renaming() -> list[str]:
    return [
        '    layer, _, parameter = name.rpartition(".")',
        '    if match := re.fullmatch(r"(weight|bias)_(ih|hh)_l(\\d+)(_reverse)?", parameter):',
        '        kind, source, number, reverse = match.groups(default="")',
        '        number = "" if number == "0" else number',
        '        parts = ["recurrent_" * (source == "hh") + kind, number, reverse[1:]]',
        "        return f\"{layer}.{'_'.join(filter(None, parts))}\"",
    ]


def literal_dict(entries: dict[str, str]) -> str:
    """A dictionary of strings as Python text."""
    return "{" + ", ".join(f"{literal(k)}: {literal(v)}" for k, v in entries.items()) + "}"


def predict_piece(model: Graph) -> Piece:
    """`predict`: the outputs for the inputs in a file."""
    names = ", ".join(_moved(i.value) for i in model.inputs)
    outputs = [literal(o.name) for o in model.outputs]
    call = f"model({names})"
    result = f"outputs = ({call},)" if len(outputs) == 1 else f"outputs = {call}"
    checks = "\n    ".join(checked_inputs(model, "torch."))
    text = f'''\
@torch.no_grad()
def predict(model, source, path, device):
    """Write the model's outputs for the inputs in the file `source`."""
    model.eval()
    inputs = read(source)
    {checks}
    {result}
    named = zip(({", ".join(outputs)},), outputs, strict=True)
    write(path, {{name: o.cpu().contiguous().clone() for name, o in named}})'''
    return Piece(text, _IMPORTS)


def _moved(value: Value) -> str:
    dtype = ", torch.bfloat16" if value.type.dtype is DType.BF16 else ""
    return f"inputs[{literal(value.name)}].to(device{dtype})"


def export_piece(model: Graph) -> Piece:
    """`export` by the exporter that traces: names kept, symbolic sizes everywhere (docs)."""
    sizes = example_sizes(model)
    examples = ", ".join(_example(i.value.type, sizes) for i in model.inputs)
    axes = {}
    for entry in (
        *((i.value.name, i.value) for i in model.inputs),
        *((o.name, o.value) for o in model.outputs),
    ):
        name, value = entry
        dynamic = {k: str(n) for k, n in enumerate(value.type.shape) if isinstance(n, Dim)}
        if dynamic:
            axes[name] = dynamic
    inner = ", ".join(
        f"{literal(name)}: {{{', '.join(f'{k}: {literal(v)}' for k, v in places.items())}}}"
        for name, places in axes.items()
    )
    inputs = ", ".join(literal(i.value.name) for i in model.inputs)
    outputs = ", ".join(literal(o.name) for o in model.outputs)
    text = f"""\
def export(model, path):
    \"\"\"Write an ONNX model; the tracing exporter keeps every symbolic size.\"\"\"
    warnings.filterwarnings("ignore", "You are using the legacy", DeprecationWarning)
    torch.onnx.export(
        model.eval().cpu(),
        ({examples},),
        path,
        input_names=[{inputs}],
        output_names=[{outputs}],
        dynamic_axes={{{inner}}},
        opset_version=17,
        dynamo=False,
    )"""
    return Piece(text, ("import warnings",))


def _example(type_: TensorType, sizes: Mapping[str, int]) -> str:
    """Zeros, or for integers ones: 1 is a legal divisor and a legal length."""
    shape = ", ".join(str(evaluate(n, sizes)) for n in type_.shape) or "()"
    dtype = "" if type_.dtype is DType.F32 else f", dtype={render(DTYPES[type_.dtype])}"
    return f"torch.{'ones' if type_.dtype.is_integer else 'zeros'}({shape}{dtype})"
