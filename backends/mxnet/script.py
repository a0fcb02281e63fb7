"""The whole MXNet script: Gluon classes and an explicit training loop."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from tercet.backends.base import Place, Unsupported, check_exact, layer_precision, refused
from tercet.backends.draft import Draft
from tercet.backends.factories import with_factories, without_initial_values
from tercet.backends.mxnet.helpers import helper_constants, helper_pieces
from tercet.backends.mxnet.kinds import KINDS
from tercet.backends.mxnet.precision import precision_name
from tercet.backends.mxnet.raw_parameters import has_constants, with_raw_parameters
from tercet.backends.mxnet.target import MXNetTarget, held_as
from tercet.backends.mxnet.training import TrainingPrinter
from tercet.backends.mxnet.weights import (
    example_arrays,
    export_piece,
    name_layers_piece,
    predict_piece,
    weights_pieces,
)
from tercet.backends.script import ClassFrame, assemble, class_text, header, main_text
from tercet.codegen.expr import Helper, Name
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
from tercet.codegen.tree import find_parts
from tercet.codegen.uses import Uses
from tercet.compiler.graph.callees import all_graphs
from tercet.compiler.graph.ir import Graph
from tercet.compiler.graph.reach import reached_inputs, unreached
from tercet.compiler.graph.training import Training
from tercet.compiler.sizing.sizes import example_sizes

_BLOCK = ClassFrame("nn.HybridBlock", "hybrid_forward(self, F, {inputs})", ("super().__init__()",))
_IMPORTS = Piece(
    imports=(
        "import argparse",
        "import numpy as np",
        "import mxnet as mx",
        "from mxnet import gluon, nd",
        "from mxnet.gluon import nn, rnn",
    )
)
_BEFORE_MXNET = Piece(
    """\
# ruff: noqa: E402
np.bool = bool  # MXNet 1.9 still uses the alias that NumPy 1.24 removed
# Its sums in place of the gradients of a value with many uses break the graph.
os.environ.setdefault("MXNET_EXEC_INPLACE_GRAD_SUM_CAP", "1000000")""",
    ("import os", "import numpy as np"),
)
"""What stands between the other imports and those of MXNet."""
_EXPORTED = 'args.export and f"{args.export}-symbol.json"'
_IMPORTS_ANY = re.compile(r"(import|from) \w")
_IMPORTS_MXNET = re.compile(r"(import|from) mxnet\b")

_FIND_DEVICE = '''\
def find_device(name):
    """MXNet's device for `cpu`, `cuda` or `cuda:K`."""
    kind, _, number = name.partition(":")
    if kind == "cpu":
        return mx.cpu()
    known = kind == "cuda" and (number or "0").isdigit()
    if not known or int(number or 0) >= mx.context.num_gpus():
        raise SystemExit(f"MXNet finds no device {name}")
    return mx.gpu(int(number or 0))'''


def draft(
    model: Graph,
    training: Training | None,
    place: Place,
    style: Style = FULL,
    *,
    follow: bool = True,
) -> Draft:
    """The script for a model.  Raises DiagnosticError for what MXNet cannot express."""
    check_exact(training, style, "mxnet")
    _check_ends(model)
    loss = training.update.loss if training else None
    printed = print_model(
        model,
        lambda models: MXNetTarget(models[0], loss=loss, exact=style.exact),
        style.pick(full=training, lean=None),
        follow=follow,
    )
    whole = with_paths(map(with_raw_parameters, printed.classes), place.script_folder)
    whole = [without_initial_values(code) for code in whole] if style.exact else whole
    _check_dependence(model, whole[-1])
    classes, factories = with_factories(whole, KINDS)
    printer = TrainingPrinter(printed.interface, training, place, style) if training else None
    helpers = _helpers(whole) | (printer.helpers() if printer else set())
    named = style.exact and has_random_layers(model)
    draws = style.exact and (named or (printer is not None and printer.draws))
    whole_model = replace(_BLOCK, end=("name_layers(self)",)) if named else _BLOCK
    precision = precision_name(training.precision) if training else ""
    code = Piece(
        "\n\n\n".join(
            class_text(code, whole_model if code is classes[-1] else _BLOCK) for code in classes
        ),
        constants=(
            *constants(training, precision),
            *(printer.data.piece.constants if printer else ()),
        ),
    )
    helpers -= {"stored"}
    partly = {name for name in helpers if f"partial({name}," in factories.text}
    above = helper_pieces(partly)  # what the functions below are made of
    pieces = [
        _BEFORE_MXNET,
        _IMPORTS,
        helper_constants(helpers),
        *above,
        factories,
        code,
        *([DRAWS] if draws else []),
        *([stored_piece("np")] if has_stored(model) else []),
        *(piece for piece in helper_pieces(helpers) if piece not in above),
        *([name_layers_piece(classes)] if named else []),
        *(printer.pieces() if printer else ()),
        *style.full_only(index_check_piece(printed.interface), predict_piece(printed.interface)),
        *weights_pieces(model, classes, style),
        *style.exact_only(start_piece(model, _START, place.script_folder)),
        export_piece(model),
        *style.full_only(Piece(_FIND_DEVICE)),
    ]
    head = header(model, place, "MXNet Gluon", training is not None, (), exported="", style=style)
    main = _main(printed.interface, classes, training, printer, style)
    return assemble(head, pieces, main, printed.decisions, amend=_in_order)


_START = (
    "for name, parameter in weights(model).items():",
    "    value = initial_value(name, parameter.shape, seed)",
    "    parameter.set_data(nd.array(value, dtype=parameter.dtype))",
)


def _helpers(classes: list[ClassCode]) -> set[str]:
    return {h.identifier for c in classes for h in find_parts((*c.construct, *c.compute), Helper)}


def _check_ends(model: Graph) -> None:
    """Inputs and outputs that MXNet cannot hold.  Raises DiagnosticError."""
    ends = [(f"the input `{i.value.name}`", i.value.type, i.span) for i in model.inputs]
    outputs = [(f"the output `{o.name}`", o.value.type, o.span) for o in model.outputs]
    for what, type, span in [*ends, *outputs]:
        try:
            held_as(type.dtype)
        except Unsupported as problem:
            raise refused("mxnet", what, span, problem) from None


def _check_dependence(model: Graph, code: ClassCode) -> None:
    """MXNet runs no graph without variables.  Raises DiagnosticError."""
    read = {n.identifier for n in find_parts(code.compute, Name)}
    parameters = [path for path, _ in model.parameters()]
    if read.isdisjoint(code.inputs) and len(unreached(model)) == len(parameters):
        output = model.outputs[0]
        problem = Unsupported("no output depends on an input or a parameter")
        raise refused("mxnet", f"the output `{output.name}`", output.span, problem)


def _in_order(text: str) -> str:
    """The script with what MXNet needs set before it is imported."""
    lines = text.replace(f"{_BEFORE_MXNET.text}\n\n\n", "").split("\n")
    own = [line for line in lines if _IMPORTS_MXNET.match(line)]
    place = max(k for k, line in enumerate(lines) if _IMPORTS_ANY.match(line))
    kept = [line for line in lines[: place + 1] if line not in own]
    return "\n".join([*kept, "", _BEFORE_MXNET.text, "", *own, *lines[place + 1 :]])


def _main(
    interface: Interface,
    classes: Sequence[ClassCode],
    training: Training | None,
    printer: TrainingPrinter | None,
    style: Style,
) -> str:
    device = '"cuda" if mx.context.num_gpus() else "cpu"'
    found = style.pick(
        full="find_device(args.device)", lean='mx.Context(args.device.replace("cuda", "gpu"))'
    )
    body = [
        *argument_lines(
            training, device, "write FILE-symbol.json and FILE-0000.params", style, _EXPORTED
        ),
        "",
        f"args.device = {found}",
        "np.random.seed(args.seed)",
        "mx.random.seed(args.seed)",
        f"model = {classes[-1].name}()",
        *_cast(interface.model, any(map(has_constants, classes))),
        *_initialized(interface, any(map(has_constants, classes))),
        *style.exact_only("start(model, args.seed)"),
        "if args.weights:",
        f"    load(model, {reading('args.weights', style)}, args.weights)",
        *(() if style.exact else ("model.hybridize(static_alloc=True, static_shape=True)",)),
    ]
    if printer is not None:
        body += printer.main_lines()
    return main_text([*body, *output_lines("predict(model, source, path, args.device)", style)])


def _initialized(interface: Interface, computes: bool) -> list[str]:
    """Parameters with shapes and values.

    Gluon infers the shapes from the graph of the outputs, which must then hold every parameter and
    every input; where one has no part in it, the layers are run instead: in training mode, since
    oneDNN's convolutions turn their weights into a layout of its own otherwise, which no others can
    be loaded into.
    """
    model = interface.model
    examples = example_arrays(interface, example_sizes(model))
    whole = not computes or _calls_matter(model)
    if whole and not unreached(model) and len(reached_inputs(model)) == len(model.inputs):
        return [
            f"model.infer_shape({examples})  # fixes the parameters' shapes",
            "model.initialize(ctx=args.device)",
        ]
    return [
        "model.initialize(ctx=args.device)",
        "with mx.autograd.train_mode():  # oneDNN leaves the layout of the weights alone",
        f"    model({_on_device(examples)})  # fixes the parameters' shapes",
    ]


def _calls_matter(model: Graph) -> bool:
    """Whether something uses all that blocks give, so that no constant of theirs is left out."""
    uses = Uses()
    for graph in all_graphs(model):
        uses.add(graph)
    calls = (call for graph in all_graphs(model) for call in graph.calls)
    return all(uses.is_live(output) for call in calls for output in call.outputs)


def _on_device(examples: str) -> str:
    return f"*(x.as_in_context(args.device) for x in ({examples},))"


def _cast(model: Graph, computes: bool) -> list[str]:
    """Parameters are made in float32; a model in float64 casts them all, and some back."""
    precision = layer_precision(model, "mxnet")
    if precision is None:
        return []
    whole = f"model.cast({literal(precision.numpy_name)})"
    others = {
        path: held_as(p.type.dtype) for path, p in model.parameters() if p.type.dtype != precision
    }
    restored = _KEEP_CONSTANTS if computes else []
    if not others:
        return [whole, *restored]
    loop = f"for name, dtype in {literal(others)}.items():"
    return [whole, *restored, loop, "    weights(model)[name].cast(dtype)"]


_KEEP_CONSTANTS = [
    "for parameter in model.collect_params().values():",
    "    if isinstance(parameter, gluon.Constant):",
    "        parameter.cast(parameter.value.dtype)",
]
