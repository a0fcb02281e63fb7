"""The command that Tercet runs in MXNet's interpreter.

    python -m tercet.backends.mxnet.symbol_to_onnx SYMBOL PARAMS SPEC.json OUT.onnx

SPEC.json is one object: `model` (a name), `inputs` (each `name dtype shape`, symbolic dimensions as
strings), `outputs` (names in order), and optionally `sizes` (for a symbolic dimension an admissible
size or several, the first one being the base), `opset`, and `scalars` (names of outputs without
axes).
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import onnx

from . import ConversionError, GraphInput, convert


def main(arguments: Sequence[str] | None = None) -> int:
    """Converts and writes; 0, or 1 with one message on stderr."""
    parser = argparse.ArgumentParser(prog="symbol_to_onnx", description="MXNet Symbol to ONNX")
    parser.add_argument("symbol", type=Path, help="PREFIX-symbol.json of HybridBlock.export")
    parser.add_argument("params", type=Path, help="PREFIX-0000.params")
    parser.add_argument("spec", type=Path, help="names, dtypes and shapes of inputs and outputs")
    parser.add_argument("out", type=Path, help="the ONNX file to write")
    options = parser.parse_args(arguments)
    try:
        spec = _read_spec(options.spec)
        model = convert(options.symbol, options.params, **spec)
        _write(model, options.out)
    except (ConversionError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _read_spec(path: Path) -> dict[str, Any]:
    try:
        spec = json.loads(path.read_text("utf-8"))
        return {
            "inputs": [_graph_input(item) for item in spec["inputs"]],
            "output_names": [str(name) for name in spec["outputs"]],
            "model_name": str(spec["model"]),
            "sizes": spec.get("sizes"),
            "opset": int(spec.get("opset", 17)),
            "scalars": [str(name) for name in spec.get("scalars", [])],
        }
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConversionError(
            f"{path}: not a specification of inputs and outputs: {error}"
        ) from error


def _graph_input(item: dict[str, Any]) -> GraphInput:
    shape = tuple(dim if isinstance(dim, str) else int(dim) for dim in item["shape"])
    return GraphInput(str(item["name"]), str(item["dtype"]), shape)


def _write(model: onnx.ModelProto, path: Path) -> None:
    """Writes beside the target first: a reader never sees half a file."""
    temporary = path.with_name(path.name + ".part")
    temporary.write_bytes(model.SerializeToString(deterministic=True))
    os.replace(temporary, path)


if __name__ == "__main__":
    sys.exit(main())
