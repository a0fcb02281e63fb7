"""Mappings built by hand: what elaboration makes of `{ image = pixels / 16 }`."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tercet.codegen.script.data import DataCode, data_code
from tercet.codegen.script.files import CHECK
from tercet.compiler.data import DataSource
from tercet.compiler.dims import symbol
from tercet.compiler.graph.ir import Apply, Graph, GraphInput, GraphOutput, Region, Value
from tercet.compiler.graph.training import Data
from tercet.compiler.ops.base import Op
from tercet.compiler.ops.elementwise import Constant
from tercet.compiler.types import DType, TensorType
from tercet.dsl import nodes
from tercet.dsl.source import Source, Span

N = symbol("N")
SPAN = Span(Source("test.model", "data"), 0, 4)
BLOCK = nodes.Block(SPAN, "block", "mapping", SPAN, (), ())


class Mapping:
    """Builds a mapping graph; `columns` are the source's."""

    def __init__(self, source: DataSource, folder: Path) -> None:
        self.source = source
        types = source.columns(N, folder)
        self.columns = {name: Value(name, type) for name, type in types.items()}
        self.items: list[Apply] = []
        self.outputs: list[GraphOutput] = []

    def apply(self, op: Op, *inputs: Value) -> Value:
        (type,) = op.infer_types([value.type for value in inputs])
        output = Value(op.name, type)
        self.items.append(Apply(op, inputs, (output,), SPAN))
        return output

    def constant(self, value: float | int, dtype: DType = DType.F32) -> Value:
        return self.apply(Constant(value=value, dtype=dtype))

    def output(self, name: str, value: Value) -> Value:
        self.outputs.append(GraphOutput(name, value, SPAN))
        return value

    def data(self) -> Data:
        used = {id(v) for item in self.items for v in item.inputs}
        used |= {id(output.value) for output in self.outputs}
        inputs = tuple(
            GraphInput(value, (None,) * value.type.rank, SPAN)
            for value in self.columns.values()
            if id(value) in used
        )
        body = Region(tuple(self.items))
        graph = Graph("data", BLOCK, {}, {"N": N}, inputs, body, tuple(self.outputs))
        return Data(self.source, graph, SPAN)


def mapped(
    source: DataSource, folder: Path, build: Callable[[Mapping], None] | None = None, **same: str
) -> Data:
    """A mapping made by `build`, or `same`: outputs that are columns as they are."""
    mapping = Mapping(source, folder)
    for name, column in same.items():
        mapping.output(name, mapping.columns[column])
    if build is not None:
        build(mapping)
    return mapping.data()


def script_text(code: DataCode) -> str:
    """The code as a module."""
    constants = (f"{name} = {value}" for name, value in code.piece.constants)
    return "\n".join((*code.piece.imports, *constants, CHECK.text, code.piece.text)) + "\n"


def load(data: Data, folder: Path, *arguments: Any, finite: bool = True) -> Any:
    """What the printed `load_data` returns; the script lies in `folder` too.

    Unless `finite`, nothing looks for NaN and infinite numbers.
    """
    code = data_code(data, folder, folder)
    scope: dict[str, Any] = {"__file__": str(folder / "script.py")}
    exec(script_text(code), scope)
    if not finite:
        scope["check_finite"] = lambda *_: None
    return scope["load_data"](*arguments)


def f32(*shape: int) -> TensorType:
    return TensorType(DType.F32, (N, *shape))


def sample_files(folder: Path) -> None:
    """Small files of every kind, in the folder."""
    random = np.random.default_rng(0)
    for name in (*(f"data_batch_{k}" for k in range(1, 6)), "test_batch"):
        random.integers(0, 10, (4, 3073), dtype=np.uint8).tofile(folder / f"{name}.bin")
    for name in ("train", "test"):
        random.integers(0, 10, (4, 3074), dtype=np.uint8).tofile(folder / f"{name}.bin")
    (folder / "table.csv").write_text('"Year of it",name,x\n2000,a,1.5\n2001,b,2.5\n2002,c,3.5\n')
    (folder / "table.csv.gz").write_bytes(gzip.compress((folder / "table.csv").read_bytes()))
    (folder / "plain.csv").write_text("2000,1.5\n2001,2.5\n")
    np.savez(folder / "arrays.npz", image=np.ones((5, 2), np.uint8), label=np.arange(5))
    (folder / "poem.txt").write_text("abcabcabcd" * 3, encoding="utf-8")
