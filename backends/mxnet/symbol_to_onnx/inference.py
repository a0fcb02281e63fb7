"""MXNet's own knowledge about a Symbol: its nodes, shapes, dtypes, and values of constants.

Every node is renamed to `node<index>` inside MXNet, because names in a Symbol need not be unique (a
shared layer called twice); messages carry the names of the source.  MXNet is imported only by
`import_mxnet`, inside the process that converts.
"""

from __future__ import annotations

import importlib
import json
import math
import os
import re
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .errors import ConversionError

Entry = tuple[int, int]
"""(index of a node, which of its outputs)."""


def import_mxnet() -> Any:
    """MXNet, with the aliases that NumPy 1.24 removed and MXNet 1.9 still reads."""
    os.environ.setdefault("MXNET_SUBGRAPH_VERBOSE", "0")  # else it greets on stderr
    for kind in (bool, int, float, complex, object, str):
        if kind.__name__ not in vars(np):
            setattr(np, kind.__name__, kind)
    try:
        return importlib.import_module("mxnet")
    except ImportError as error:
        raise ConversionError(f"MXNet cannot be imported: {error}") from error


@dataclass(frozen=True)
class SymbolNode:
    """One node of the Symbol; `operator` is "null" for inputs and parameters."""

    index: int
    operator: str
    name: str
    attributes: Mapping[str, str]
    inputs: tuple[Entry, ...]


class SymbolGraph:
    """A Symbol and its parameters, as `HybridBlock.export` writes them."""

    def __init__(self, symbol_file: Path, params_file: Path) -> None:
        """Raises ConversionError where a file is missing or is not what it should be."""
        self._mxnet = import_mxnet()
        try:
            document = json.loads(symbol_file.read_text("utf-8"))
            self.nodes = tuple(_symbol_node(i, raw) for i, raw in enumerate(document["nodes"]))
            self.heads: tuple[Entry, ...] = tuple((h[0], h[1]) for h in document["heads"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ConversionError(f"{symbol_file}: not a Symbol of MXNet: {error}") from error
        for index, raw in enumerate(document["nodes"]):
            raw["name"] = f"node{index}"
        try:
            self._internals = self._mxnet.sym.load_json(json.dumps(document)).get_internals()
            loaded = self._mxnet.nd.load(str(params_file))
        except (OSError, self._mxnet.MXNetError) as error:
            raise ConversionError(self._message(error)) from error
        named = loaded if isinstance(loaded, dict) else {}  # a file without arrays loads as a list
        self._parameters = {name.split(":", 1)[-1]: value for name, value in named.items()}

    @property
    def variables(self) -> tuple[SymbolNode, ...]:
        return tuple(node for node in self.nodes if node.operator == "null")

    @property
    def parameters(self) -> frozenset[str]:
        return frozenset(self._parameters)

    def parameter(self, name: str) -> npt.NDArray[Any]:
        return np.asarray(self._parameters[name].asnumpy())

    @cached_property
    def _positions(self) -> dict[Entry, int]:
        """Where each visible output of a node stands in MXNet's list of internal outputs."""
        positions: dict[Entry, int] = {}
        counts: Counter[int] = Counter()
        for position, name in enumerate(self._internals.list_outputs()):
            index = int(re.findall(r"\d+", name)[0])
            positions[index, counts[index]] = position
            counts[index] += 1
        return positions

    @cached_property
    def _counts(self) -> Counter[int]:
        return Counter(index for index, _ in self._positions)

    def output_count(self, node: SymbolNode) -> int:
        """How many outputs of the node others can see."""
        return self._counts[node.index]

    def shapes(self, inputs: Mapping[str, Sequence[int]]) -> dict[Entry, tuple[int, ...]]:
        """The shape of every entry.  Raises ConversionError with what MXNet says."""
        known: dict[str, tuple[int, ...]] = {}
        for node in self.variables:
            if node.name in self._parameters:
                known[f"node{node.index}"] = self._parameters[node.name].shape
            else:
                known[f"node{node.index}"] = tuple(inputs[node.name])
        found = self._infer("infer_shape", known)
        for (index, _), position in self._positions.items():
            if found[position] is None or 0 in found[position]:
                name = self.nodes[index].name
                raise ConversionError(f"MXNet does not infer the shape of `{name}`")
        shapes = {entry: tuple(found[position]) for entry, position in self._positions.items()}
        self._check_reshapes(shapes)
        return shapes

    def _check_reshapes(self, shapes: Mapping[Entry, tuple[int, ...]]) -> None:
        """MXNet infers a size for -1 also where the other sizes do not divide the elements."""
        for node in self.nodes:
            if node.operator == "Reshape":
                before, after = shapes[node.inputs[0]], shapes[node.index, 0]
                if math.prod(before) != math.prod(after):
                    raise ConversionError(
                        f"Reshape `{node.name}`: {before} cannot become {node.attributes['shape']}"
                    )

    def dtypes(self, inputs: Mapping[str, str]) -> dict[Entry, np.dtype[Any]]:
        """The dtype of every entry.  Raises ConversionError with what MXNet says."""
        known: dict[str, Any] = {}
        for node in self.variables:
            if node.name in self._parameters:
                known[f"node{node.index}"] = self._parameters[node.name].dtype
            else:
                known[f"node{node.index}"] = np.dtype(inputs[node.name])
        found = self._infer("infer_type", known)
        return {entry: np.dtype(found[position]) for entry, position in self._positions.items()}

    def _infer(self, what: str, known: Mapping[str, Any]) -> list[Any]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                found = getattr(self._internals, what)(**known)[1]
            except (self._mxnet.MXNetError, ValueError, TypeError) as error:
                raise ConversionError(self._message(error)) from error
        if found is None:
            raise ConversionError("MXNet does not infer all shapes and dtypes of the Symbol")
        return list(found)

    def constant(self, entry: Entry) -> npt.NDArray[Any] | None:
        """The value of an entry that depends on parameters alone, computed by MXNet; else None."""
        symbol = self._internals[self._positions[entry]]
        arguments, states = symbol.list_arguments(), symbol.list_auxiliary_states()
        names = {name: self.nodes[int(name[4:])].name for name in (*arguments, *states)}
        if not all(name in self._parameters for name in names.values()):
            return None
        try:
            bound = symbol.bind(
                self._mxnet.cpu(),
                {name: self._parameters[names[name]] for name in arguments},
                aux_states={name: self._parameters[names[name]] for name in states},
            )
            return np.asarray(bound.forward()[0].asnumpy())
        except self._mxnet.MXNetError as error:
            raise ConversionError(self._message(error)) from error

    def _message(self, error: Exception) -> str:
        """What MXNet says, without its stack trace, with the names of the source."""
        text = str(error).split("Stack trace")[0].strip()
        text = re.sub(r"\[\d\d:\d\d:\d\d\] \S+: ", "", text.replace("MXNetError: ", ""))
        return re.sub(r"\bnode(\d+)(?=\b|_)", lambda m: self.nodes[int(m[1])].name, text)


def _symbol_node(index: int, raw: Mapping[str, Any]) -> SymbolNode:
    attributes = {
        key: value for key, value in raw.get("attrs", {}).items() if not key.startswith("__")
    }
    inputs = tuple((entry[0], entry[1]) for entry in raw["inputs"])
    return SymbolNode(index, raw["op"], raw["name"], attributes, inputs)
