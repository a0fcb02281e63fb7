"""Run as a script: exact scripts of one operation each, in float64, with their gradients.

    python -m tests.backends.exact_op_worker FRAMEWORK FOLDER

A job is a subfolder with `FRAMEWORK.py`, `name.txt` (the class), `weights.safetensors` and
`inputs.safetensors`, some of which may be zeros.  It gets `FRAMEWORK.safetensors`: outputs as
`out.0`, … and the gradients of their sum, weighted by random numbers, as `gradient.NAME`; or
`FRAMEWORK.error`.
"""

from __future__ import annotations

import importlib.util
import sys
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save_file

Arrays = dict[str, Any]


def _script(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location("script", path)
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    return script


def weighting(number: int, shape: tuple[int, ...]) -> Any:
    """What an output is weighted by before it is summed."""
    return np.random.default_rng(number).normal(size=shape)


def _several(found: Any) -> list[Any]:
    return list(found) if isinstance(found, tuple | list) else [found]


def _pytorch(script: Any, name: str, weights: Arrays, inputs: Arrays) -> Arrays:
    import torch

    model = getattr(script, name)().double()
    script.load(model, {k: torch.from_numpy(a) for k, a in weights.items()}, "weights")
    model.eval()
    tensors = {k: torch.from_numpy(a) for k, a in inputs.items()}
    trained = {k: t for k, t in tensors.items() if t.is_floating_point()}
    text = Path(script.__file__).read_text()
    if any(word in text for word in ("cross_entropy(", "nll_loss", "mean_of_counted(")):
        trained = dict(list(trained.items())[:1])  # there is no gradient for weights of classes
    for tensor in trained.values():
        tensor.requires_grad_()
    outputs = _several(model(*tensors.values()))
    parts = [
        (y * torch.from_numpy(weighting(k, tuple(y.shape)))).sum()
        for k, y in enumerate(outputs)
        if y.is_floating_point() and y.requires_grad
    ]
    if parts:
        total: Any = torch.stack(parts).sum()
        total.backward()
    found = {f"gradient.{k}": t.grad.numpy() for k, t in trained.items() if t.grad is not None}
    return found | {f"out.{k}": y.detach().numpy() for k, y in enumerate(outputs)}


def _tensorflow(script: Any, name: str, weights: Arrays, inputs: Arrays) -> Arrays:
    import keras
    import tensorflow as tf  # type: ignore[import-untyped]

    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    model = getattr(script, name)()
    floats = {k: tf.Variable(a) for k, a in inputs.items() if a.dtype.kind == "f"}

    # A convolution with groups has a gradient in training only.
    mode = {"training": True} if "GroupedConv" in Path(script.__file__).read_text() else {}

    def run() -> list[Any]:
        given = [tf.convert_to_tensor(floats.get(k, a)) for k, a in inputs.items()]
        return _several(model(given if len(given) > 1 else given[0], **mode))

    run()
    script.load(model, weights, "weights")
    with tf.GradientTape() as tape:
        outputs = run()
        parts = [
            tf.reduce_sum(y * weighting(k, tuple(y.shape)))
            for k, y in enumerate(outputs)
            if y.dtype.is_floating
        ]
        total = tf.add_n(parts) if parts else tf.zeros((), tf.float64)
    gradients = dict(zip(floats, tape.gradient(total, list(floats.values())), strict=True))
    found = {
        f"gradient.{k}": tf.convert_to_tensor(g).numpy()
        for k, g in gradients.items()
        if g is not None
    }
    return found | {f"out.{k}": y.numpy() for k, y in enumerate(outputs)}


def _mxnet(script: Any, name: str, weights: Arrays, inputs: Arrays) -> Arrays:
    from mxnet import autograd, nd
    from mxnet.base import MXNetError

    model = getattr(script, name)()
    model.cast("float64")
    arrays = {
        k: nd.array(a.reshape(a.shape or (1,)), dtype="float64" if a.dtype == bool else a.dtype)
        for k, a in inputs.items()
    }
    if weights:
        model.infer_shape(*arrays.values())
    model.initialize()
    script.load(model, weights, "weights")
    trained = {k: arrays[k] for k, a in inputs.items() if a.dtype.kind == "f"}
    for array in trained.values():
        array.attach_grad()
    with autograd.record(train_mode=False):
        outputs = _several(model(*arrays.values()))
        parts = [
            nd.sum(y * nd.array(weighting(k, y.shape), dtype="float64"))
            for k, y in enumerate(outputs)
            if y.dtype == np.float64
        ]
        total = nd.add_n(*parts) if parts else None
    found = {}
    try:
        if total is not None:
            total.backward()
            found = {f"gradient.{k}": a.grad.asnumpy() for k, a in trained.items()}
    except MXNetError as problem:
        if "not in a computational graph" not in str(problem):
            raise
    return found | {f"out.{k}": y.asnumpy() for k, y in enumerate(outputs)}


RUN: dict[str, Callable[[Any, str, Arrays, Arrays], Arrays]] = {
    "pytorch": _pytorch,
    "tensorflow": _tensorflow,
    "mxnet": _mxnet,
}


def main() -> None:
    warnings.simplefilter("ignore")
    framework, place = sys.argv[1], Path(sys.argv[2])
    if framework == "mxnet":
        np.bool = bool  # type: ignore[attr-defined]  # as the scripts do
    for folder in sorted(path.parent for path in place.glob(f"*/{framework}.py")):
        try:
            script = _script(folder / f"{framework}.py")
            arrays = (load_file(folder / f"{n}.safetensors") for n in ("weights", "inputs"))
            weights, inputs = (dict(sorted(found.items())) for found in arrays)
            name = (folder / "name.txt").read_text()
            found = RUN[framework](script, name, weights, inputs)
            whole = {k: np.ascontiguousarray(a) for k, a in found.items()}
            save_file(whole, folder / f"{framework}.safetensors")
        except (Exception, SystemExit):
            (folder / f"{framework}.error").write_text(traceback.format_exc())


if __name__ == "__main__":
    main()
