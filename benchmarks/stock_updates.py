"""Run as a script: what a framework's own optimizers do with given gradients.

    python -m benchmarks.stock_updates FRAMEWORK FOLDER

FOLDER/start.npy is a parameter in float64, `gradients.npy` its gradient in every step,
`factors.npy` those of the learning rate, `settings.json` the arguments of every optimizer by the
language's names.  The parameter that results goes to FOLDER/FRAMEWORK-NAME.npy; nothing where there
is no such optimizer.  MXNet's are run in float32, for not all of them know another.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Settings = Mapping[str, Any]
Stock = Callable[[str, Settings, Array, Array, Array], Array | None]


def _torch(
    kind: str, given: Settings, start: Array, gradients: Array, factors: Array
) -> Array | None:
    import torch

    settings = {name: value for name, value in given.items() if not name.startswith("beta")}
    if "beta1" in given:
        settings["betas"] = (given["beta1"], given["beta2"])
    if kind == "Adagrad":
        settings["initial_accumulator_value"] = settings.pop("initial_accumulator")
    if kind == "RMSprop":
        settings["alpha"] = settings.pop("rho")
    if not hasattr(torch.optim, kind):
        return None
    weight = torch.nn.Parameter(torch.from_numpy(start.copy()))
    optimizer = getattr(torch.optim, kind)([weight], **settings)
    for gradient, factor in zip(gradients, factors, strict=True):
        optimizer.param_groups[0]["lr"] = given["lr"] * factor
        weight.grad = torch.from_numpy(gradient.copy())
        optimizer.step()
    result: Array = weight.detach().numpy()
    return result


def _keras(
    kind: str, given: Settings, start: Array, gradients: Array, factors: Array
) -> Array | None:
    import keras
    import tensorflow as tf  # type: ignore[import-untyped]

    keras.config.set_floatx("float64")
    renamed = {"beta1": "beta_1", "beta2": "beta_2", "eps": "epsilon", "lr": "learning_rate"}
    renamed["initial_accumulator"] = "initial_accumulator_value"
    settings = {renamed.get(name, name): value for name, value in given.items()}
    for unknown in ("momentum_decay", "lr_decay"):
        settings.pop(unknown, None)
    settings["weight_decay"] = settings["weight_decay"] or None
    optimizer = getattr(keras.optimizers, kind)(**settings)
    weight = keras.Variable(start)
    for gradient, factor in zip(gradients, factors, strict=True):
        optimizer.learning_rate = given["lr"] * factor
        optimizer.apply([tf.constant(gradient)], [weight])
    return np.asarray(weight)


def _mxnet(
    kind: str, given: Settings, start: Array, gradients: Array, factors: Array
) -> Array | None:
    np.bool = bool  # type: ignore[attr-defined]
    import mxnet as mx
    from mxnet import nd

    renamed = {"eps": "epsilon", "lr": "learning_rate", "weight_decay": "wd"}
    if kind == "rmsprop":
        renamed |= {"rho": "gamma1", "momentum": "gamma2"}
    if kind == "nadam":
        renamed["momentum_decay"] = "schedule_decay"
    if kind == "adagrad":
        del renamed["eps"]
    settings = {renamed.get(name, name): value for name, value in given.items()}
    for unknown in ("lr_decay", "initial_accumulator", "nesterov"):
        settings.pop(unknown, None)
    if kind not in mx.optimizer.Optimizer.opt_registry:
        return None
    optimizer = mx.optimizer.create(kind, **settings)
    weight = nd.array(start)
    state = optimizer.create_state(0, weight)
    for gradient, factor in zip(gradients, factors, strict=True):
        optimizer.set_learning_rate(given["lr"] * factor)
        optimizer.update(*_listed(optimizer, weight, nd.array(gradient), state))
    result: Array = weight.asnumpy()
    return result


def _listed(optimizer: Any, weight: Any, gradient: Any, state: Any) -> tuple[Any, ...]:
    """What `update` takes: MXNet's SGD wants lists."""
    if type(optimizer).__name__ == "SGD":
        return [0], [weight], [gradient], [state]
    return 0, weight, gradient, state


STOCK: dict[str, Stock] = {"pytorch": _torch, "tensorflow": _keras, "mxnet": _mxnet}


def main() -> None:
    framework, folder = sys.argv[1], Path(sys.argv[2])
    arrays = [np.load(folder / f"{name}.npy") for name in ("start", "gradients", "factors")]
    for name, (kinds, settings) in json.loads((folder / "settings.json").read_text()).items():
        found = STOCK[framework](kinds[framework], settings, *arrays)
        if found is not None:
            np.save(folder / f"{framework}-{name}.npy", found)


if __name__ == "__main__":
    main()
