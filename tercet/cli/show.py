"""`tercet show FILE`: layers, shapes and parameters."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tercet.cli import options, terminal
from tercet.cli.command import Command
from tercet.errors import TercetError

if TYPE_CHECKING:
    from tercet.compiler.graph.ir import Graph


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    options.add_file(parser)
    options.add_model(parser)
    parser.add_argument(
        "--at", metavar="N=1,T=128", default="", help="sizes for symbolic dimensions"
    )
    options.add_json(parser)


def _run(args: argparse.Namespace) -> int:
    project = options.project(args)
    sizes = _sizes(args.at, project.model)
    if args.json:
        print(json.dumps(_object(project.model, sizes), indent=2))
    else:
        _print_table(project.model, sizes)
    return 0


def _sizes(text: str, graph: Graph) -> dict[str, int]:
    """The sizes given by `--at`.  Raises TercetError."""
    from tercet.compiler.dims import symbols

    known = sorted({s for i in graph.inputs for n in i.value.type.shape for s in symbols(n)})
    sizes: dict[str, int] = {}
    for part in filter(None, text.split(",")):
        name, _, value = (piece.strip() for piece in part.partition("="))
        if name not in known:
            raise TercetError(
                f"{graph.name} has no dimension {name}", f"its dimensions: {', '.join(known)}"
            )
        if name in sizes:
            raise TercetError(f"--at {part}: {name} is given twice")
        if not value.isdecimal() or not 1 <= int(value) < 2**63:
            raise TercetError(f"--at {part}: a size is an integer from 1 on")
        sizes[name] = int(value)
    for constraint in graph.constraints:
        if sizes.keys() >= {*constraint.symbols} and not constraint.holds(sizes):
            raise TercetError(f"--at {text}: {constraint.told(sizes)}")
    return sizes


def _object(graph: Graph, sizes: Mapping[str, int]) -> dict[str, Any]:
    from tercet import summary

    def number(size: Any) -> Any:
        size = summary.at(size, sizes)
        return size if isinstance(size, int) else str(size)

    def port(name: str, type: Any) -> dict[str, Any]:
        return {"name": name, "dtype": str(type.dtype), "shape": summary.shape_at(type, sizes)}

    totals = summary.totals(graph)
    return {
        "model": graph.name,
        "inputs": [port(i.value.name, i.value.type) for i in graph.inputs],
        "outputs": [port(o.name, o.value.type) for o in graph.outputs],
        "parameters": [
            {
                "path": row.path,
                "shape": list(row.parameter.type.shape),
                "dtype": str(row.parameter.type.dtype),
                "operation": row.operation,
                "role": row.parameter.role,
                "trainable": row.parameter.trainable,
            }
            for row in summary.parameter_rows(graph)
        ],
        "totals": {
            "trainable": totals.trainable,
            "parameters": totals.parameters,
            "flops": number(totals.flops),
            "activation_bytes": number(totals.activation_bytes),
        },
    }


def _print_table(graph: Graph, sizes: Mapping[str, int]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from tercet import summary

    table = Table(title=graph.name, box=box.SIMPLE_HEAD, title_justify="left")
    for name in ("layer", "operation", "output"):
        table.add_column(name, overflow="fold")
    table.add_column("parameters", justify="right", overflow="fold")
    for given in graph.inputs:
        type = given.value.type
        shape = _shape(type, sizes)
        table.add_row(Text(given.value.name), Text("input"), Text(f"{type.dtype}{shape}"), "")
    for row in summary.rows(graph):
        shape = f"{row.output.dtype}{_shape(row.output, sizes)}"
        parameters = f"{row.parameters:,}" if row.parameters else ""
        table.add_row(Text(row.path), Text(row.operation), Text(shape), parameters)
    Console(width=terminal.width()).print(table)
    _print_totals(graph, sizes)


def _print_totals(graph: Graph, sizes: Mapping[str, int]) -> None:
    from tercet import summary

    totals = summary.totals(graph)
    fixed = totals.parameters - totals.trainable
    more = f", {fixed:,} not trainable" if fixed else ""
    print(f"{totals.trainable:,} trainable parameters{more}")
    for name, size in (
        ("operations", totals.flops),
        ("bytes of activations", totals.activation_bytes),
    ):
        value = summary.at(size, sizes)
        print(f"{value:,} {name}" if isinstance(value, int) else f"{value} {name}")
    for constraint in graph.constraints:
        print(f"needs {constraint}")


def _shape(type: Any, sizes: Mapping[str, int]) -> str:
    from tercet import summary

    return f"[{', '.join(map(str, summary.shape_at(type, sizes)))}]"


COMMAND = Command(
    "show",
    "Show a model's layers, the shapes of what they compute, and its parameters.",
    (
        "tercet show net.model                   symbolic sizes stay symbolic",
        "tercet show net.model --at N=1,T=128    concrete ones, and numbers for work and memory",
        "tercet show net.model --json            one object for programs",
    ),
    _add_arguments,
    _run,
)
