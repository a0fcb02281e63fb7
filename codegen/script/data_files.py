"""How a user's own arrays and text are read; one line tells what is wrong with a file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tercet.codegen.expr import Name, lift
from tercet.codegen.render import render
from tercet.codegen.script.data_sources import Column, Loading, reads
from tercet.codegen.script.files import types_text
from tercet.codegen.script.finite_checks import CHECK_FINITE, finite_lines
from tercet.codegen.script.pieces import Piece
from tercet.compiler import dims
from tercet.compiler.data.files import Npz, Text
from tercet.compiler.graph.columns import Use

_READ_ARRAYS = Piece(
    '''\
def read_arrays(path, types):
    """Arrays of an .npz file, which must have these dtypes and shapes."""
    if not zipfile.is_zipfile(path):
        raise SystemExit(f"{path}: not an .npz file")
    arrays, name = {}, "the list of arrays"
    try:
        with np.load(path) as file:
            if len(set(file.files)) < len(file.files):
                raise ValueError("two of the same name")
            for name in types.keys() & set(file.files):
                arrays[name] = np.asarray(file[name])
    except Exception as error:  # damaged files raise errors of many kinds
        problem = str(error).partition("\\n")[0] or type(error).__name__
        raise SystemExit(f"{path}: {name}: {problem}") from None
    check(path, arrays, types)
    return arrays''',
    ("import zipfile", "import numpy as np"),
)


@reads(Npz)
def _npz(source: Npz, used: Mapping[str, Use], folder: Path) -> Loading:
    heads, types = source.heads(folder), source.columns(dims.symbol("rows"), folder)
    arrays = {name: Name("arrays")[heads[name].name] for name in used}
    asked = types_text({heads[name].name: types[name] for name in used})
    looked_at = {
        heads[name].name: arrays[name]
        for name, use in used.items()
        if types[name].dtype.is_float and not use.gaps
    }
    checks = finite_lines("path", {name: render(array) for name, array in looked_at.items()})
    return Loading(
        {name: Column(array, "") for name, array in arrays.items()},
        (f"arrays = read_arrays(path, {asked})", *checks),
        helpers=(_READ_ARRAYS, *([CHECK_FINITE] if checks else [])),
        arguments=("data",),
        split=(source.split, source.shuffle),
        reserved=frozenset({"arrays", "read_arrays", "check", "zipfile"}),
        lean_setup=("arrays = np.load(path)",),
    )


_READ_TEXT = Piece(
    '''\
def read_text(path):
    """The characters of a text in UTF-8."""
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise SystemExit(f"{path}: {error}") from None'''
)


@reads(Text)
def _text(source: Text, used: Mapping[str, Use], folder: Path) -> Loading:
    if source.level == "bytes":
        read = "text = np.frombuffer(path.read_bytes(), np.uint8).astype(np.int64)"
    else:
        read = "text = np.unique(list(read_text(path)), return_inverse=True)[1]"
    stride = source.stride or source.window
    starts = f"np.arange(0, len(text) - {source.window}, {stride})[:, None]"
    text, windows = Name("text"), Name("windows")
    return Loading(
        {
            "ids": Column(text[windows], "int64"),
            "next_ids": Column(text[windows + lift(1)], "int64"),
        },
        (read, f"windows = {starts} + np.arange({source.window})"),
        helpers=() if source.level == "bytes" else (_READ_TEXT,),
        arguments=("data",),
        split=(source.split, source.shuffle),
        reserved=frozenset({"text", "read_text"}),
    )
