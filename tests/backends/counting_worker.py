"""Run as a script: counts how often the layers of generated scripts compute in a training step.

    python -m tests.backends.counting_worker FRAMEWORK FOLDER

A job is a subfolder with `script.py`, `name.txt`, `inputs.safetensors` and `order.json`.  It gets
`counts.json`, how often each layer called `produced_…` was applied while the model was applied
once; or `error.txt`.
"""

from __future__ import annotations

import importlib
import json
import sys
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file

Arrays = Mapping[str, np.ndarray[Any, Any]]


def _pytorch(model: Any, arrays: Arrays, count: Callable[[str], None]) -> None:
    torch = importlib.import_module("torch")
    for name, module in model.named_modules():
        module.register_forward_hook(lambda *_, name=name: count(name))
    model.train()
    model(*(torch.from_numpy(array) for array in arrays.values()))


def _tensorflow(model: Any, arrays: Arrays, count: Callable[[str], None]) -> None:
    tf, keras = importlib.import_module("tensorflow"), importlib.import_module("keras")
    tensors = [tf.constant(array) for array in arrays.values()]
    given = tensors if len(tensors) > 1 else tensors[0]
    model(given, training=True)  # which builds, and may apply layers to find shapes
    apply = keras.layers.Layer.__call__

    def counted(layer: Any, *args: Any, **settings: Any) -> Any:
        count(layer.name)
        return apply(layer, *args, **settings)

    keras.layers.Layer.__call__ = counted
    try:
        model(given, training=True)
    finally:
        keras.layers.Layer.__call__ = apply


def _mxnet(model: Any, arrays: Arrays, count: Callable[[str], None]) -> None:
    mx = importlib.import_module("mxnet")
    model.initialize()
    tensors = [mx.nd.array(np.atleast_1d(a), dtype=a.dtype) for a in arrays.values()]
    with mx.autograd.record():
        model(*tensors)  # which finds shapes
        for name, block in model._children.items():
            block.register_forward_hook(lambda *_, name=name: count(name))
        model(*tensors)


_RUN = {"pytorch": _pytorch, "tensorflow": _tensorflow, "mxnet": _mxnet}


def main() -> None:
    warnings.simplefilter("ignore")
    framework, place = sys.argv[1:]
    for folder in sorted(p for p in Path(place).iterdir() if p.is_dir()):
        counts: Counter[str] = Counter()

        def count(name: str, counts: Counter[str] = counts) -> None:
            counts[name] += 1

        try:
            scope: dict[str, Any] = {"__name__": "script"}
            exec(compile((folder / "script.py").read_text(), "script.py", "exec"), scope)
            arrays = load_file(folder / "inputs.safetensors")
            order = json.loads((folder / "order.json").read_text())
            model = scope[(folder / "name.txt").read_text()]()
            _RUN[framework](model, {name: arrays[name] for name in order}, count)
        except (Exception, SystemExit):
            (folder / "error.txt").write_text(traceback.format_exc())
        found = {name: n for name, n in counts.items() if name.startswith("produced_")}
        (folder / "counts.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main()
