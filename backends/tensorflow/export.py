"""Inference on files, and export by tf2onnx from a traced `tf.function`."""

from __future__ import annotations

from collections.abc import Iterator

from tercet.backends.tensorflow.target import DTYPES, TensorFlowTarget, scope
from tercet.codegen.interface import Interface
from tercet.codegen.names import Names
from tercet.codegen.render import render
from tercet.codegen.script.files import checked_inputs
from tercet.codegen.script.pieces import Piece, literal
from tercet.codegen.script.style import Style
from tercet.compiler.dims import Dim, evaluate
from tercet.compiler.graph.callees import all_graphs
from tercet.compiler.graph.ir import Apply, Graph, Value
from tercet.compiler.sizing.sizes import smallest_sizes
from tercet.compiler.types import TensorType


def model_call(model: Graph, inputs: list[str], target: TensorFlowTarget) -> str:
    """The expression that applies the model in inference."""
    given = inputs[0] if len(inputs) == 1 else f"({', '.join(inputs)})"
    told = ", training=False" if target.facts.is_trained(model) else ""
    return f"model({given}{told})"


def predict_piece(interface: Interface, target: TensorFlowTarget) -> Piece:
    """`predict`: the outputs for the inputs in a file."""
    model = interface.model
    given = [f"tf.constant(inputs[{literal(i.value.name)}])" for i in model.inputs]
    outputs = [literal(o.name) for o in model.outputs]
    call = model_call(model, given, target)
    if len(outputs) == 1:
        result = [f"    output = {call}", f"    write(path, {{{outputs[0]}: np.asarray(output)}})"]
    else:
        result = [
            f"    outputs = zip(({', '.join(outputs)}), {call}, strict=True)",
            "    write(path, {name: np.asarray(output) for name, output in outputs})",
        ]
    lines = [
        "def predict(model, source, path):",
        '    """Write the model\'s outputs for the inputs in the file `source`."""',
        "    inputs = read(source)",
        *(f"    {line}" for line in checked_inputs(interface)),
        *result,
    ]
    return Piece(
        "\n".join(lines),
        (
            "import numpy as np",
            "from safetensors.numpy import load_file",
            "from safetensors.numpy import save as to_bytes",
        ),
    )


def export_piece(
    interface: Interface, target: TensorFlowTarget, style: Style, *, selects: bool
) -> Piece:
    """`export`, with names and sizes of the source; `selects` where the model has a `tf.where`."""
    model = interface.model
    taken = target.reserved_names | target.reserved_arguments
    names = Names(
        taken
        | {"model", "path", "signature", "inference", "graph", "select", "handlers"}
        | {"back_to_back_optimizer"}
    )
    # TensorFlow calls an input after the function's parameter where that has a capital letter
    parameters = [names.fresh(i.value.name.lower()) for i in model.inputs]
    outputs = [literal(o.name) for o in model.outputs]
    call = model_call(model, parameters, target)
    result = f"{{{outputs[0]}: {call}}}"
    if len(outputs) > 1:
        result = f"dict(zip(({', '.join(outputs)}), {call}, strict=True))"
    values = [(i.value.name, i.value) for i in model.inputs]
    values += [(o.name, o.value) for o in model.outputs]
    shapes = ", ".join(
        f"{literal(name)}: {_onnx_shape(interface.type(value))}" for name, value in values
    )
    specs = ", ".join(_spec(i.value, interface) for i in model.inputs)
    order = [
        "    outputs = {output.name: output for output in proto.graph.output}",
        "    del proto.graph.output[:]",
        f"    proto.graph.output.extend(outputs[name] for name in ({', '.join(outputs)}))",
    ]
    lines = [
        "def export(model, path):",
        "    import onnx",
        "    import tf2onnx",
        "",
        f"    signature = [{specs}]",
        "",
        "    @tf.function(input_signature=signature)",
        f"    def inference({', '.join(parameters)}):",
        f"        return {result}",
        "",
        *(_APART if _turns_ones(model) else ()),
        *(_SELECT if selects else _PLAIN),
        *_renaming(model),
        *(order if len(outputs) > 1 else []),
        f"    shapes = {{{shapes}}}",
        "    for value in (*proto.graph.input, *proto.graph.output):",
        "        dtype = value.type.tensor_type.elem_type",
        "        shape = shapes[value.name]",
        "        value.type.CopyFrom(onnx.helper.make_tensor_type_proto(dtype, shape))",
        "    del proto.graph.value_info[:]",
        *style.pick(
            full=[
                "    try:  # tf2onnx only warns of operations that it does not know",
                "        onnx.checker.check_model(proto)",
                "    except onnx.checker.ValidationError as error:",
                '        raise SystemExit(f"{path}: not expressible in ONNX: {error}") from None',
            ],
            lean=["    onnx.checker.check_model(proto)  # tf2onnx only warns"],
        ),
        "    onnx.save(proto, path)",
    ]
    return Piece("\n".join(lines))


_APART = [
    "    from tf2onnx.optimizer import back_to_back_optimizer",
    "",
    "    # It takes away a reshape whose sizes the next one copies.",
    '    back_to_back_optimizer._func_map.pop(("Reshape",), None)',
    "",
]
"""What keeps apart reshapes of which tf2onnx makes one, and a wrong one."""

_PLAIN = ["    proto, _ = tf2onnx.convert.from_function(inference, signature, opset=17)"]
_SELECT = [
    "    def select(graph, node, name, arguments):",
    '        node.type = "Where"  # tf2onnx multiplies by the mask, which keeps NaN and infinity',
    "        return node",
    "",
    "    handlers = {'SelectV2': (select, [])}",
    "    proto, _ = tf2onnx.convert.from_function(",
    "        inference, signature, opset=17, custom_op_handlers=handlers",
    "    )",
]
"""The conversion of a model without `tf.where`, and of one with."""


def _turns_ones(model: Graph) -> bool:
    """Whether a tensor has an axis of size 1 beside several sizes that only the run knows.

    A transposition that moves such an axis alone becomes a reshape in tf2onnx, which copies sizes.
    """
    types = (value.type for item in called_items(model) for value in item.outputs)
    return any(1 in t.shape and sum(isinstance(n, Dim) for n in t.shape) > 1 for t in types)


def _renaming(model: Graph) -> list[str]:
    """Lines that give inputs back the names that TensorFlow has no scope for."""
    names = [i.value.name for i in model.inputs if scope(i.value.name) != i.value.name]
    if not names:
        return []
    entries = ", ".join(f"{literal(scope(name))}: {literal(name)}" for name in names)
    return [
        f"    renamed = {{{entries}}}",
        "    for node in proto.graph.node:",
        "        node.input[:] = [renamed.get(name, name) for name in node.input]",
        "    for value in proto.graph.input:",
        "        value.name = renamed.get(value.name, value.name)",
    ]


def _spec(value: Value, interface: Interface) -> str:
    shape = tuple(None if isinstance(n, Dim) else n for n in interface.type(value).shape)
    dtype = render(DTYPES[value.type.dtype])
    return f"tf.TensorSpec({literal(shape)}, {dtype}, name={literal(scope(value.name))})"


def _onnx_shape(type: TensorType) -> str:
    return literal(tuple(str(n) if isinstance(n, Dim) else n for n in type.shape))


def build_line(interface: Interface) -> str:
    """The line of `main` that makes the model's variables, by applying it once."""
    model = interface.model
    sizes = smallest_sizes(model)
    divides = any(map(_divides, called_items(model)))
    given = [
        _filled("ones" if divides else "zeros", interface.type(i.value), sizes)
        for i in model.inputs
    ]
    whole = given[0] if len(given) == 1 else f"({', '.join(given)})"
    return f"model({whole})  # creates the variables"


def called_items(model: Graph) -> Iterator[Apply]:
    """Every operation of a model and of the blocks that it calls."""
    for graph in all_graphs(model):
        yield from (item for item in graph.body.walk() if isinstance(item, Apply))


def _divides(item: Apply) -> bool:
    """Whether zeros may not be divided by."""
    return item.op.needs_divisor and item.outputs[0].type.dtype.is_integer


def _filled(how: str, type: TensorType, sizes: dict[str, int]) -> str:
    shape = tuple(evaluate(n, sizes) if isinstance(n, Dim) else n for n in type.shape)
    dtype = render(DTYPES[type.dtype])
    tail = "" if dtype == "tf.float32" else f", {dtype}"
    return f"tf.{how}({literal(shape)}{tail})"
