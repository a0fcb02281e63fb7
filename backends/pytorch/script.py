"""The whole PyTorch script: an explicit training loop, as PyTorch's own examples have it."""

from __future__ import annotations

from dataclasses import replace

from tercet.backends.base import Place, check_exact, layer_precision
from tercet.backends.draft import Draft
from tercet.backends.pytorch.helpers import helper_pieces, name_layers_piece
from tercet.backends.pytorch.initialize import initialize_piece
from tercet.backends.pytorch.precision import torch_name
from tercet.backends.pytorch.sequences import with_sequences
from tercet.backends.pytorch.target import PyTorchTarget
from tercet.backends.pytorch.training import TrainingPrinter
from tercet.backends.pytorch.weights import (
    export_piece,
    has_source_names,
    predict_piece,
    weights_pieces,
)
from tercet.backends.script import ClassFrame, assemble, class_text, header, main_text
from tercet.codegen.expr import Helper
from tercet.codegen.models import print_model
from tercet.codegen.script.draws import DRAWS, has_random_layers
from tercet.codegen.script.files import reading
from tercet.codegen.script.index_checks import index_check_piece
from tercet.codegen.script.initial import start_piece
from tercet.codegen.script.pieces import Piece
from tercet.codegen.script.stored import has_stored, stored_piece, with_paths
from tercet.codegen.script.style import FULL, Style
from tercet.codegen.script.training import argument_lines, constants, output_lines
from tercet.codegen.tree import find_parts
from tercet.compiler.graph.ir import Graph
from tercet.compiler.graph.training import Training

_BLOCK = ClassFrame("nn.Module", "forward(self, {inputs})", ("super().__init__()",))
_IMPORTS = Piece(
    imports=(
        "import argparse",
        "import torch",
        "import torch.nn.functional as F",
        "from functools import partial",
        "from torch import nn",
    )
)


def draft(
    model: Graph,
    training: Training | None,
    place: Place,
    style: Style = FULL,
    *,
    follow: bool = True,
) -> Draft:
    """The script for a model.  Raises DiagnosticError for what PyTorch cannot express."""
    check_exact(training, style, "pytorch")
    loss = training.update.loss if training else None
    printed = print_model(
        model,
        lambda _: PyTorchTarget(exact=style.exact, loss=loss),
        style.pick(full=training, lean=None),
        follow=follow,
    )
    target = printed.target
    classes = with_paths(map(with_sequences, printed.classes), place.script_folder)
    printer = (
        TrainingPrinter(printed.interface, training, target, place, style) if training else None
    )
    initialize = Piece() if style.exact else initialize_piece(model)
    named = style.exact and has_random_layers(model)
    precision = torch_name(training.precision) if training else ""
    own = ClassFrame(
        _BLOCK.base,
        _BLOCK.forward,
        _BLOCK.begin,
        end=(
            *(("self.apply(initialize)",) if initialize.text else ()),
            *(("name_layers(self)",) if named else ()),
        ),
    )
    texts = [class_text(code, own if code is classes[-1] else _BLOCK) for code in classes]
    code = Piece(
        "\n\n\n".join(texts),
        constants=(
            *constants(training, precision),
            *(printer.data.piece.constants if printer else ()),
        ),
    )
    pieces = [
        _IMPORTS,
        code,
        initialize,
        *(printer.pieces(has_source_names(model, classes)) if printer else ()),
        *style.full_only(index_check_piece(printed.interface), predict_piece(printed.interface)),
        *weights_pieces(model, classes, style),
        *style.exact_only(start_piece(model, _START, place.script_folder)),
        export_piece(printed.interface, style),
    ]
    helpers = {
        h.identifier for c in classes for h in find_parts((*c.construct, *c.compute), Helper)
    }
    helpers |= printer.helpers() if printer else set()
    helpers -= {"stored"}
    draws = named or (printer is not None and printer.draws)
    pieces[2:2] = [
        *style.exact_only(*([DRAWS] if draws else [])),
        *([stored_piece("np" if style.exact else "pt")] if has_stored(model) else []),
        *helper_pieces(helpers),
        *([name_layers_piece(has_source_names(model, classes))] if named else []),
    ]
    head = header(model, place, "PyTorch", training is not None, (), style=style)
    main = _main(model, classes[-1].name, training, printer, style)
    result = assemble(head, pieces, main, printed.decisions)
    return replace(result, notes=printer.notes if printer else ())


_START = (
    "for name, tensor in weights(model).items():",
    "    value = initial_value(name, tuple(tensor.shape), seed)",
    "    tensor.copy_(torch.as_tensor(value))",
)


def _main(
    model: Graph,
    name: str,
    training: Training | None,
    printer: TrainingPrinter | None,
    style: Style,
) -> str:
    device = '"cuda" if torch.cuda.is_available() else "cpu"'
    precision = layer_precision(model, "pytorch")
    moved = f".to(args.device{f', {torch_name(precision)}' if precision else ''})"
    body = [
        *argument_lines(training, device, "write an ONNX model here", style),
        "",
        *style.full_only(
            "try:",
            "    torch.empty(0, device=args.device)",
            "except (AssertionError, RuntimeError):",
            '    raise SystemExit(f"PyTorch finds no device {args.device}") from None',
        ),
        "torch.manual_seed(args.seed)",
        f"model = {name}(){moved}",
        *style.exact_only("start(model, args.seed)"),
        "if args.weights:",
        f"    load(model, {reading('args.weights', style)}, args.weights)",
    ]
    if printer is not None:
        body += printer.main_lines()
    return main_text([*body, *output_lines("predict(model, source, path, args.device)", style)])
