"""Run as a script: exact training scripts of one framework, a few steps of each, in one process.

    python -m tests.backends.exact_worker FRAMEWORK STEPS FOLDER

A job is a subfolder with `FRAMEWORK.py` and `flags.txt`.  It gets `FRAMEWORK.safetensors`, the
weights after so many steps, and for PyTorch `gradients.npz`: the largest magnitude that each
element's gradient had in them, by the names of the source; or `FRAMEWORK.error`.
"""

from __future__ import annotations

import importlib.util
import sys
import traceback
import warnings
from pathlib import Path
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def _script(path: Path, steps: int, flags: list[str]) -> Any:
    """The script, whose data are so many batches to train on, and a little to evaluate on."""
    spec = importlib.util.spec_from_file_location("script", path)
    assert spec is not None
    assert spec.loader is not None
    script: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    place = flags.index("--batch-size") + 1 if "--batch-size" in flags else None
    batch = script.BATCH_SIZE if place is None else int(flags[place])
    everything = script.load_data

    def some(*which: Any) -> Any:
        train, test = everything(*which)
        rows = steps * batch
        return tuple(a[:rows] for a in train), tuple(a[: 2 * batch] for a in test)

    script.load_data = some
    return script


class Gradients:
    """The largest gradients of the model that a PyTorch script trains."""

    def __init__(self) -> None:
        self.largest: dict[str, Array] = {}
        self.script: Any = None
        self.model: Any = None

    def listen(self) -> None:
        import torch

        tensor: Any = torch.Tensor
        backward = tensor.backward

        def told(loss: Any, *args: Any, **settings: Any) -> None:
            backward(loss, *args, **settings)
            self._take()

        tensor.backward = told

    def begin(self, script: Any) -> None:
        self.script, self.largest = script, {}
        train = script.train

        def told(model: Any, arrays: Any, args: Any) -> Any:
            self.model = model
            return train(model, arrays, args)

        script.train = told

    def _take(self) -> None:
        renamed = getattr(self.script, "source_name", lambda name: name)
        for name, parameter in self.model.named_parameters():
            if parameter.grad is not None:
                size = np.abs(parameter.grad.numpy())
                before = self.largest.get(renamed(name))
                self.largest[renamed(name)] = size if before is None else np.maximum(before, size)


def _run(framework: str, steps: int, folder: Path, gradients: Gradients) -> None:
    flags = (folder / "flags.txt").read_text().split()
    script = _script(folder / f"{framework}.py", steps, flags)
    saved = str(folder / f"{framework}.safetensors")
    sys.argv = ["script.py", "--device", "cpu", "--epochs", "1", "--save", saved, *flags]
    if framework == "pytorch":
        gradients.begin(script)
    script.main()
    if framework == "pytorch":
        np.savez(folder / "gradients.npz", **gradients.largest)


def main() -> None:
    warnings.simplefilter("ignore")
    framework, steps, place = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    gradients = Gradients()
    if framework == "pytorch":
        gradients.listen()
    for folder in sorted(path.parent for path in place.glob(f"*/{framework}.py")):
        try:
            _run(framework, steps, folder, gradients)
        except (Exception, SystemExit):
            (folder / f"{framework}.error").write_text(traceback.format_exc())


if __name__ == "__main__":
    main()
