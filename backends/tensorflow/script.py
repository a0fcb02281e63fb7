"""The whole TensorFlow script: Keras models by subclassing, trained by `compile` and `fit`."""

from __future__ import annotations

from dataclasses import replace

from tercet.backends.base import Place, check_exact
from tercet.backends.draft import Draft
from tercet.backends.factories import with_factories, without_initial_values
from tercet.backends.script import ClassFrame, assemble, class_text, header, main_text
from tercet.backends.tensorflow.export import build_line, export_piece, predict_piece
from tercet.backends.tensorflow.helpers import HELPER_NAMES, helper_pieces
from tercet.backends.tensorflow.kinds import KINDS
from tercet.backends.tensorflow.layout import Held
from tercet.backends.tensorflow.phrasing import phrased
from tercet.backends.tensorflow.precision import policy
from tercet.backends.tensorflow.target import TensorFlowTarget
from tercet.backends.tensorflow.training import TrainingPrinter
from tercet.backends.tensorflow.weights import name_layers_piece, weights_pieces
from tercet.codegen.expr import Attribute, Expr, Helper, Name
from tercet.codegen.interface import Interface
from tercet.codegen.models import print_model
from tercet.codegen.printed import ClassCode
from tercet.codegen.script.draws import DRAWS, has_random_layers
from tercet.codegen.script.files import reading
from tercet.codegen.script.index_checks import index_check_piece
from tercet.codegen.script.initial import start_piece
from tercet.codegen.script.pieces import Piece, literal
from tercet.codegen.script.stored import has_stored, stored_piece, with_paths
from tercet.codegen.script.style import FULL, Style
from tercet.codegen.script.training import argument_lines, constants, output_lines
from tercet.codegen.tree import find_parts, map_expressions
from tercet.codegen.writer import Evaluate, For, Line, lines
from tercet.compiler.graph.ir import Apply, Call, Graph, Value
from tercet.compiler.graph.training import Training
from tercet.compiler.types import DType
from tercet.dsl.diagnostics import Diagnostic, DiagnosticError

_IMPORTS = Piece(
    imports=(
        "import argparse",
        "import keras",
        "import tensorflow as tf",
        "from functools import partial",
        "from keras import layers",
    )
)
_DEVICE = '''\
def use_device(device):
    """Let TensorFlow see no device but this one: cpu, cuda or cuda:K."""
    gpus = tf.config.list_physical_devices("GPU")
    if device == "cpu":
        tf.config.set_visible_devices([], "GPU")
        return
    kind, _, number = device.partition(":")
    if kind != "cuda" or not (number or "0").isdigit() or int(number or 0) >= len(gpus):
        raise SystemExit(f"{device}: no such device; TensorFlow finds {len(gpus)} GPUs")
    tf.config.set_visible_devices(gpus[int(number or 0)], "GPU")'''

_SEEN = (
    'seen = [] if args.device == "cpu" else [gpus[int(args.device[5:] or 0)]]',
    'tf.config.set_visible_devices(seen, "GPU")',
)
"""Lines of a lean script's `main` that do the same, without words for an absent device."""


def draft(
    model: Graph,
    training: Training | None,
    place: Place,
    style: Style = FULL,
    *,
    follow: bool = True,
) -> Draft:
    """The script for a model.  Raises DiagnosticError for what TensorFlow cannot express."""
    check_exact(training, style, "tensorflow")
    functions = () if training is None else TrainingPrinter.graphs(training)
    mixed = bool(training and training.is_mixed)
    printed = print_model(
        model,
        lambda models: TensorFlowTarget(
            models, functions, mixed=mixed, exact=style.exact, lean=style.lean
        ),
        style.pick(full=training, lean=None),
        follow=follow,
    )
    target = printed.target
    phrases = with_paths([phrased(c, target) for c in printed.classes], place.script_folder)
    phrases = [without_initial_values(c) for c in phrases] if style.exact else phrases
    classes, factories = with_factories(phrases, KINDS)
    printer = (
        TrainingPrinter(printed.interface, training, target, place, style) if training else None
    )
    precision = policy(training.precision) if training else ""
    texts = [_class_text(code, target, printer) for code in classes]
    code = Piece(
        "\n\n\n".join(texts),
        constants=(
            *constants(training, precision),
            *(printer.data.piece.constants if printer else ()),
        ),
    )
    used = {h.identifier for c in classes for h in find_parts((*c.construct, *c.compute), Helper)}
    used -= {"stored"}
    used |= {name for name in HELPER_NAMES if f"partial({name}," in factories.text}
    model_text = [code.text, *(piece.text for piece in helper_pieces(used))]
    used |= printer.helpers if printer else set()
    kinds = {name for name in used if name[0].isupper()}
    named = style.exact and has_random_layers(model)
    draws = style.exact and (named or (printer is not None and printer.draws))
    pieces = [
        _IMPORTS,
        *([DRAWS] if draws else []),
        *helper_pieces(kinds),  # what the functions below are made of
        factories,
        code,
        *([stored_piece("np")] if has_stored(model) else []),
        *helper_pieces(used - kinds),
        *([name_layers_piece(target.facts)] if named else []),
        *(printer.pieces() if printer else ()),
        *style.full_only(
            index_check_piece(printed.interface), predict_piece(printed.interface, target)
        ),
        *weights_pieces(model, target.facts, style),
        *style.exact_only(start_piece(model, _START, place.script_folder)),
        export_piece(
            printed.interface, target, style, selects=any("tf.where(" in t for t in model_text)
        ),
        *style.full_only(Piece(_DEVICE)),
    ]
    head = header(model, place, "TensorFlow", training is not None, _notes(target), style=style)
    main = _main(printed.interface, classes[-1].name, training, printer, style)
    return assemble(head, pieces, main, printed.decisions)


_START = (
    "drawn = {",
    "    name: np.asarray(initial_value(name, array.shape, seed), array.dtype)",
    "    for name, array in tensors(model).items()",
    "}",
    'load(model, drawn, "initial values")',
)


def _class_text(code: ClassCode, target: TensorFlowTarget, printer: TrainingPrinter | None) -> str:
    """A class; the model's own also holds what is particular about its training."""
    graph = code.graphs[0]
    if any(argument.name == "layers" for argument in code.arguments):
        code = replace(code, construct=tuple(map_expressions(code.construct, _whole_name)))
    told = ", training=None" if target.facts.is_trained(graph) else ""
    methods = _build_method(code, target)
    if graph is not target.model:
        frame = ClassFrame(
            "layers.Layer",
            f"call(self, {{inputs}}{told})",
            ("super().__init__(name=name)",),
            ("name=None",),
            methods=methods,
        )
        return class_text(code, frame)
    if len(code.inputs) > 1:  # Keras' `fit` gives a model one argument
        unpacking = Line(f"{', '.join(code.inputs)} = inputs")
        code = replace(code, inputs=("inputs",), compute=(unpacking, *code.compute))
    end = printer.attributes if printer is not None else ()
    begin = ("super().__init__()",)
    call = f"call(self, {{inputs}}{told})"
    frame = ClassFrame("keras.Model", call, begin, end=end, methods=methods)
    own = printer.methods() if printer is not None else []
    return "\n\n".join([class_text(code, frame), *own])


def _whole_name(expr: Expr) -> Expr | None:
    """`keras.layers.Dense` where an argument of the constructor is called `layers`."""
    match expr:
        case Attribute(Name("layers"), member):
            return Attribute(Attribute(Name("keras"), "layers"), member)
    return None


def _build_method(code: ClassCode, target: TensorFlowTarget) -> tuple[str, ...]:
    """What makes variables when a class is first applied, since Keras names them by what is around.

    A block that others apply before its owner does is built by the owner, which fixes its path.
    """
    head = "def build(self, input_shape):"
    if any(isinstance(s, Evaluate | For) for s in code.build):
        note = '    """Build what other blocks apply: weights are named after who builds them."""'
        return (head, note, *lines(code.build, 1))
    if code.build:
        return (head, *lines(code.build, 1))
    made = [i for graph in target.facts.graphs for i in graph.instances]
    if code.graphs[0].block not in {i.block for i in made if i.site in target.built_ahead_sites}:
        return ()
    return (head, '    """Fix the path of the weights; the owner calls this."""')


def _notes(target: TensorFlowTarget) -> list[str]:
    held = (target.layouts.held(v) for g in target.facts.graphs for v in _values(g))
    if not any(how is Held.LAST for how in held):
        return []
    return ["Inside the model images are channels-last, TensorFlow's native layout."]


def _values(graph: Graph) -> list[Value]:
    return [entry.value for entry in graph.inputs] + [
        value
        for item in graph.body.walk()
        if isinstance(item, Apply | Call)
        for value in item.outputs
    ]


def _precision(model: Graph) -> list[str]:
    """The lines that make another precision than f32 that of all layers.

    Raises DiagnosticError where a model has several: Keras would cast between them silently.
    """
    found = {i.value.type.dtype: i.span for i in model.inputs if i.value.type.dtype.is_float}
    own = {p.type.dtype for _, p in model.parameters() if p.type.dtype.is_float}
    dtypes = sorted(own | found.keys())
    if len(dtypes) > 1:
        message = f"tensorflow cannot mix {' and '.join(dtypes)} in inputs and parameters"
        span = next((found[d] for d in dtypes if d in found), model.block.span)
        raise DiagnosticError(Diagnostic("E0701", message, span))
    if dtypes in ([], [DType.F32]):
        return []
    precision = literal(dtypes[0].numpy_name)
    return [
        f"keras.config.set_floatx({precision})",
        f"keras.config.set_dtype_policy({precision})",
    ]


def _main(
    interface: Interface,
    cls: str,
    training: Training | None,
    printer: TrainingPrinter | None,
    style: Style,
) -> str:
    found = 'tf.config.list_physical_devices("GPU")'
    device = f'"cuda" if {style.pick(full=found, lean="gpus")} else "cpu"'
    body = [
        *style.pick(full=[], lean=[f"gpus = {found}"]),
        *argument_lines(training, device, "write an ONNX model here", style),
        "",
        *style.pick(full=["use_device(args.device)"], lean=_SEEN),
        *_precision(interface.model),
        "keras.utils.set_random_seed(args.seed)",
        f"model = {cls}()",
        build_line(interface),
        *style.exact_only("start(model, args.seed)"),
        "if args.weights:",
        f"    load(model, {reading('args.weights', style)}, args.weights)",
    ]
    if printer is not None:
        body += printer.main_lines()
    return main_text([*body, *output_lines("predict(model, source, path)", style)])
