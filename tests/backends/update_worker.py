"""Run as a script: training scripts of one framework, with the gradients of every step on record.

    python -m tests.backends.update_worker FRAMEWORK FOLDER

A job is a subfolder with `script.py` and `weights.safetensors`.  It gets `gradients.npz`, which
holds `STEP/NAME` under the source's names and in its layouts, before clipping, and
`trained.safetensors`; or `error.txt`.
"""

from __future__ import annotations

import importlib.util
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


class Recorder:
    """The script that runs now, its model, and the gradients of its steps."""

    def __init__(self) -> None:
        self.script = ModuleType("none")
        self.model: Any = None
        self.gradients: dict[str, Array] = {}
        self.step = 0

    def begin(self, script: Any) -> None:
        """Listen to this script."""
        self.script, self.gradients, self.step = script, {}, 0
        train = script.train

        def told(model: Any, arrays: Any, args: Any) -> Any:
            self.model = model
            return train(model, arrays, args)

        script.train = told

    def take(self, gradients: Iterator[tuple[str, Array]]) -> None:
        """A step's gradients are known."""
        self.gradients |= {f"{self.step}/{name}": g.copy() for name, g in gradients}
        self.step += 1


def _listen_to_torch(recorder: Recorder) -> None:
    import torch

    backward: Any = torch.Tensor.backward

    def found() -> Iterator[tuple[str, Array]]:
        renamed = getattr(recorder.script, "source_name", lambda name: name)
        for name, parameter in recorder.model.named_parameters():
            if parameter.grad is not None:
                yield renamed(name), parameter.grad.numpy()

    def told(self: Any, *args: Any, **settings: Any) -> None:
        backward(self, *args, **settings)
        recorder.take(found())

    torch.Tensor.backward = told  # type: ignore[method-assign]


def _listen_to_keras(recorder: Recorder) -> None:
    import keras
    import tensorflow as tf  # type: ignore[import-untyped]
    from keras.src.optimizers.base_optimizer import BaseOptimizer

    apply, compiled = BaseOptimizer.apply, keras.Model.compile

    def told(self: Any, grads: Any, trainable_variables: Any = None) -> None:
        rows = recorder.script.weights(recorder.model)
        places = {variable.path: (name, order) for name, variable, order in rows}
        named = [places[variable.path] for variable in trainable_variables]

        def take(*gradients: Array) -> None:
            pairs = zip(named, gradients, strict=True)
            recorder.take((name, g.transpose(order)) for (name, order), g in pairs)

        tf.numpy_function(take, [tf.convert_to_tensor(gradient) for gradient in grads], [])
        apply(self, grads, trainable_variables)

    def plainly_compiled(self: Any, *args: Any, **settings: Any) -> None:
        compiled(self, *args, **{**settings, "jit_compile": False})

    BaseOptimizer.apply = told
    keras.Model.compile = plainly_compiled


def _listen_to_mxnet(recorder: Recorder) -> None:
    np.bool = bool  # type: ignore[attr-defined]  # as the scripts do
    from mxnet import nd

    backward = nd.NDArray.backward

    def found() -> Iterator[tuple[str, Array]]:
        for name, parameter in recorder.script.weights(recorder.model).items():
            if parameter.grad_req != "null":
                yield name, parameter.grad().asnumpy()

    def told(self: Any, *args: Any, **settings: Any) -> None:
        backward(self, *args, **settings)
        recorder.take(found())

    nd.NDArray.backward = told


LISTEN: dict[str, Callable[[Recorder], None]] = {
    "pytorch": _listen_to_torch,
    "tensorflow": _listen_to_keras,
    "mxnet": _listen_to_mxnet,
}


def _run(folder: Path, recorder: Recorder) -> None:
    spec = importlib.util.spec_from_file_location("script", folder / "script.py")
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    recorder.begin(script)
    weights, trained = (str(folder / f"{name}.safetensors") for name in ("weights", "trained"))
    sys.argv = ["script.py", "--device", "cpu", "--weights", weights, "--save", trained]
    script.main()
    np.savez(folder / "gradients.npz", **recorder.gradients)


def main() -> None:
    warnings.simplefilter("ignore")
    recorder = Recorder()
    LISTEN[sys.argv[1]](recorder)
    for folder in sorted(p for p in Path(sys.argv[2]).iterdir() if p.is_dir()):
        try:
            _run(folder, recorder)
        except (Exception, SystemExit):
            (folder / "error.txt").write_text(traceback.format_exc())


if __name__ == "__main__":
    main()
