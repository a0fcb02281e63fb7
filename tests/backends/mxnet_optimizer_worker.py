"""Run as a script: optimizers as generated scripts make them, on given gradients.

    python -m tests.backends.mxnet_optimizer_worker FOLDER

FOLDER/NAME.py ends in `trainer = …` over a parameter `weight`, with `args.lr`; `gradients.npy` are
those of every step, NAME.rate is the learning rate.  NAME.npy gets the weight after each step.
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np

np.bool = bool  # type: ignore[attr-defined]

import mxnet as mx  # noqa: E402
from mxnet import gluon, nd  # noqa: E402


class _Model:
    def __init__(self, start: object) -> None:
        self.weight = gluon.Parameter("weight", shape=(5, 3))
        self.weight.initialize(ctx=mx.cpu())
        self.weight.set_data(nd.array(start))

    def collect_params(self) -> dict[str, object]:
        return {"weight": self.weight}


def _run(path: Path, folder: Path) -> None:
    gradients = np.load(folder / "gradients.npy")
    rate = float(path.with_suffix(".rate").read_text())
    model = _Model(np.load(folder / "start.npy"))
    args = SimpleNamespace(lr=rate)
    scope = {"mx": mx, "nd": nd, "gluon": gluon, "np": np, "model": model, "args": args}
    exec(path.read_text(), scope)
    trainer, found = scope["trainer"], []
    for gradient in gradients:
        with mx.autograd.record():
            loss = nd.sum(model.weight.data() * nd.array(gradient))
        loss.backward()
        trainer.step(1)
        found.append(model.weight.data().asnumpy())
    np.save(path.with_suffix(".npy"), np.stack(found))


def main() -> None:
    folder = Path(sys.argv[1])
    for path in sorted(folder.glob("*.py")):
        _run(path, folder)


if __name__ == "__main__":
    main()
