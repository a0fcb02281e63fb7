"""`load_data` as printed code: the same NumPy lines in the scripts of all targets.

A source prints setup lines and one expression for each column; the mapping is printed over these
by `numpy_ops`; then the rows are parted.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePath

from tercet.codegen.names import Names
from tercet.codegen.script import data_files, tables  # noqa: F401  (register their sources)
from tercet.codegen.script.data_sources import RESERVED, Loading, loading
from tercet.codegen.script.finite_checks import CHECK_FINITE, finite_lines
from tercet.codegen.script.index_checks import check_lines, follow_model
from tercet.codegen.script.numpy_ops import Printed, mapping_lines
from tercet.codegen.script.pieces import Piece, joined, literal
from tercet.codegen.script.style import FULL, Style
from tercet.compiler.data.base import DataSource, FileSource
from tercet.compiler.data.bundled import Table
from tercet.compiler.graph.columns import column_uses, may_be_undefined
from tercet.compiler.graph.index_checks import IndexCheck
from tercet.compiler.graph.training import Data
from tercet.dsl.records import dataclass


@dataclass(frozen=True)
class DataCode:
    """`load_data` and its helpers, the expression that calls it, and the names of its arrays.

    `tested` is whether there are rows to test on.

    `call` reads `args`; it gives two tuples of arrays, to train and to test on, in the order of
    `names` (valid Python names for what the source calls inputs and targets).
    """

    piece: Piece
    call: str
    names: tuple[str, ...]
    tested: bool


def data_code(
    data: Data,
    model_folder: Path,
    script_folder: Path | None,
    checks: Sequence[IndexCheck] = (),
    style: Style = FULL,
) -> DataCode:
    """The loading of `data` in a script that will lie in `script_folder`, if that is known.

    `model_folder` is that of the `.model` file, from which the source's path counts; `checks` are
    those that the arrays must pass in a full script; where they follow the parameters of the model,
    `load_data` takes the model.
    """
    how = loading(data.source, column_uses(data.mapping), model_folder).styled(style)
    follows = bool(style.full_only(*checks)) and follow_model(checks)
    names = Names(RESERVED | how.reserved | ({"model"} if follows else set()))
    printed = mapping_lines(data.mapping, how.columns, names)
    where = _where(data.source, how)
    arrays = {o.name: name for o, name in zip(data.mapping.outputs, printed.names, strict=True)}
    undefined = may_be_undefined(data.mapping)
    finite = style.full_only(*finite_lines(where, {name: arrays[name] for name in undefined}))
    looking = (*finite, *style.full_only(*check_lines(checks, arrays, where)))
    printed = replace(printed, lines=(*printed.lines, *looking))
    function = _published if data.source.published_test else _parted
    begin = style.full_only(*_check_path(how))
    more = ("model",) if follows else ()
    text, arguments = function(data.source, how, printed, begin, more)
    given = {
        "model": "model",
        "data": style.pick(full="args.data", lean="DATA"),
        "seed": "args.seed",
    }
    call = f"load_data({', '.join(given[argument] for argument in arguments)})"
    constants = _path_constant(data.source, model_folder, script_folder)
    imports = ("import numpy as np", *how.imports)
    if constants:
        imports = (*imports, "from pathlib import Path")
    helpers = dict.fromkeys((*how.helpers, *([CHECK_FINITE] if finite else [])))
    piece = joined((*helpers, Piece(text, imports, constants)))
    share, _ = how.split
    tested = data.source.published_test or share < 1
    return DataCode(piece, call, tuple(printed.names), tested)


def _path_constant(
    source: DataSource, model_folder: Path, script_folder: Path | None
) -> tuple[tuple[str, str], ...]:
    if not isinstance(source, FileSource):
        return ()
    if script_folder is None or Path(source.path).is_absolute():
        return (("DATA", f"Path({literal(str(model_folder / source.path))})"),)
    relative = os.path.relpath(model_folder / source.path, script_folder)
    return (("DATA", f"Path(__file__).parent / {literal(PurePath(relative).as_posix())}"),)


def _where(source: DataSource, how: Loading) -> str:
    """What a message about the arrays begins with, as an expression."""
    if "data" not in how.arguments:
        return literal(source.name)
    return 'f"{path}, {part}"' if source.published_test else "path"


def _check_path(how: Loading) -> list[str]:
    if "data" not in how.arguments:
        return []
    test, what = ("is_dir", "folder") if how.parts != ("", "") else ("is_file", "file")
    return [
        f"    if not path.{test}():",
        f'        raise SystemExit(f"{{path}}: no such {what}; --data reads another one")',
    ]


def _parameters(arguments: tuple[str, ...]) -> str:
    return ", ".join({"data": "path"}.get(argument, argument) for argument in arguments)


def _docstring(printed: Printed) -> str:
    arrays = f"({', '.join(printed.names)})"
    return f'    """{arrays if len(arrays) < 48 else "Arrays"} to train on and to test on."""'


# -------------------------------------------------------------------- sources with a test part


def _published(
    source: DataSource,
    how: Loading,
    printed: Printed,
    begin: Sequence[str],
    more: tuple[str, ...],
) -> tuple[str, tuple[str, ...]]:
    arguments = (*how.arguments, *more)
    train, test = (", ".join(("path", literal(part), *more)) for part in how.parts)
    lines = [
        f"def load_data({_parameters(arguments)}):",
        _docstring(printed),
        *begin,
        f"    return load_part({train}), load_part({test})",
        "",
        "",
        f"def load_part({', '.join(('path', 'part', *more))}):",
        *(f"    {line}" for line in (*how.setup, *printed.lines)),
        f"    return {', '.join(printed.names)}{',' if len(printed.names) == 1 else ''}",
    ]
    return "\n".join(lines), arguments


# ------------------------------------------------------------------------- sources to be parted


def _parted(
    source: DataSource,
    how: Loading,
    printed: Printed,
    begin: Sequence[str],
    more: tuple[str, ...],
) -> tuple[str, tuple[str, ...]]:
    share, shuffle = how.split
    arguments = (*how.arguments, *(("seed",) if shuffle else ()), *more)
    standardize = isinstance(source, Table) and source.standardize
    rows = how.length if standardize else f"len({printed.names[0]})"
    parting = _parting(share, shuffle, rows)
    train, test = ("train", "test") if shuffle else (":split", "split:")
    if standardize:
        body = [*how.setup, *parting, *_standardized(source, how, train), *printed.lines]
    else:
        body = [*how.setup, *printed.lines, *parting]
    lines = [
        f"def load_data({_parameters(arguments)}):",
        _docstring(printed),
        *begin,
        *(f"    {line}" for line in body),
        f"    return {_rows(printed, train)}, {_rows(printed, test)}",
    ]
    return "\n".join(lines), arguments


def _parting(share: float, shuffle: bool, rows: str) -> list[str]:
    split = f"split = int({literal(share)} * {rows})"
    if not shuffle:
        return [split]
    return [
        f"order = np.random.default_rng(seed).permutation({rows})",
        split,
        "train, test = order[:split], order[split:]",
    ]


def _standardized(source: DataSource, how: Loading, train: str) -> list[str]:
    assert isinstance(source, Table)
    name = source.loader.removeprefix("load_")
    return [
        f"features = {name}.data",
        f"mean, std = features[{train}].mean(axis=0), features[{train}].std(axis=0)",
        "features = (features - mean) / std",
    ]


def _rows(printed: Printed, index: str) -> str:
    inner = ", ".join(f"{name}[{index}]" for name in printed.names)
    return f"({inner}{',' if len(printed.names) == 1 else ''})"
