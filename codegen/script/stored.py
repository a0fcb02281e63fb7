"""Arrays of files that parameters of a script start as, and where the script finds the files."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path, PurePath

from tercet.codegen.expr import Call, Expr, Helper, Literal
from tercet.codegen.printed import ClassCode
from tercet.codegen.script.pieces import Piece
from tercet.codegen.tree import map_expressions
from tercet.compiler.graph.ir import Graph
from tercet.compiler.stored import StoredArray

_STORED = Helper("stored")


def stored(init: StoredArray) -> Expr:
    """The expression of the array, by the whole path until it is `located`."""
    return _STORED(init.path, init.tensor)


def located(path: str, script_folder: Path | None) -> str:
    """The path as a script in that folder says it; the whole one where that is not known."""
    if script_folder is None:
        return path
    return PurePath(os.path.relpath(path, script_folder)).as_posix()


def with_paths(classes: Iterable[ClassCode], script_folder: Path | None) -> list[ClassCode]:
    """The classes with the paths from the script's folder."""

    def change(expr: Expr) -> Expr | None:
        match expr:
            case Call(Helper("stored"), (Literal(str(path)), name)):
                return _STORED(located(path, script_folder), name)
        return None

    return [
        replace(
            code,
            construct=tuple(map_expressions(code.construct, change)),
            build=tuple(map_expressions(code.build, change)),
        )
        for code in classes
    ]


def has_stored(model: Graph) -> bool:
    """Whether parameters start as arrays of files."""
    return any(isinstance(p.init, StoredArray) for _, p in model.parameters())


def stored_piece(framework: str) -> Piece:
    """`stored`; `framework` is what safetensors calls the arrays."""
    return Piece(
        f'''\
def stored(path, name):
    """A tensor of a safetensors file; its path counts from this script's folder."""
    with safe_open(Path(__file__).parent / path, "{framework}") as file:
        return file.get_tensor(name)''',
        ("from pathlib import Path", "from safetensors import safe_open"),
    )
