"""Run as a script: functions of NDArrays, and what autograd makes of them.

    python -m tests.backends.mxnet_eager_worker FOLDER

FOLDER/NAME.py defines `function(...)`, which gives a list; NAME.npz holds its arguments, `weight0`
… of its outputs, and the arguments' `direction0` ….  NAME.out.npz gets the outputs as `0`, `1`, …
and `slope`, the derivative of the weighed sum of outputs along the direction; or NAME.txt.
"""

from __future__ import annotations

import sys
import traceback
from pathlib import Path

import numpy as np

np.bool = bool  # type: ignore[attr-defined]

import mxnet as mx  # noqa: E402
from mxnet import autograd, gluon, nd  # noqa: E402


def _run(path: Path) -> None:
    given = np.load(path.with_suffix(".npz"))
    scope = {"mx": mx, "nd": nd, "np": np, "gluon": gluon, "nn": gluon.nn}
    exec(path.read_text(), scope)
    names = sorted(n for n in given.files if n.startswith("x"))
    arrays = [nd.array(given[n], dtype=given[n].dtype) for n in names]
    moved = [n for n in names if f"direction{n[1:]}" in given.files]
    for name in moved:
        arrays[names.index(name)].attach_grad()
    with autograd.record():
        outputs = scope["function"](*arrays)
        total = nd.zeros((1,))
        for number, output in enumerate(outputs):
            if f"weight{number}" in given.files and moved:
                weight = nd.array(given[f"weight{number}"], dtype="float32")
                total = total + nd.sum(output * weight.reshape(output.shape))
    slope = 0.0
    if moved and any(n.startswith("weight") for n in given.files):
        total.backward()
        for name in moved:
            gradient = arrays[names.index(name)].grad.asnumpy().astype(np.float64)
            slope += float((gradient * given[f"direction{name[1:]}"]).sum())
    found = {str(number): output.asnumpy() for number, output in enumerate(outputs)}
    np.savez(path.with_suffix(".out.npz"), slope=slope, **found)


def main() -> None:
    for path in sorted(Path(sys.argv[1]).glob("*.py")):
        try:
            _run(path)
        except Exception:
            path.with_suffix(".txt").write_text(traceback.format_exc())


if __name__ == "__main__":
    main()
