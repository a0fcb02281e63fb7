"""Run as a script beside generated ones: a class with another argument against `-P` of it.

    python parameters_worker.py PLAN --device cpu

PLAN holds a list of comparisons.  Each names, in the working directory, the script compiled as it
stands, keyword arguments for its model, the script compiled at these values, and a file of inputs.
Both models get the same weights by the scripts' own `load`, which is strict about names and shapes,
and predict by their own `predict`; the largest difference, and the scale of the outputs, are
written behind.
"""

from __future__ import annotations

import importlib.util
import json
import re
import sys
import textwrap
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save_file


def _script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(Path(name).stem, name)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _model(script: ModuleType, arguments: dict[str, Any]) -> Any:
    """The model as `main` makes it, but for its arguments."""
    assert script.__file__ is not None
    main = Path(script.__file__).read_text().partition("\ndef main(")[2]
    (lines,) = re.findall(r"^    model = .*?(?=^    if args.weights:)", main, re.M | re.S)
    settings = re.findall(r"^    (keras\.config\..*)", main, re.M)
    given = ", ".join(f"{name}={value!r}" for name, value in arguments.items())
    made = textwrap.dedent(lines).replace("()", f"({given})", 1)
    text = "\n".join([*settings, made])
    scope = {**vars(script), "args": SimpleNamespace(device=_device(script))}
    exec(text, scope)
    return scope["model"]


def _device(script: ModuleType) -> Any:
    return script.find_device("cpu") if hasattr(script, "find_device") else "cpu"


def _outputs(script: ModuleType, model: Any, weights: str, inputs: str) -> dict[str, Any]:
    script.load(model, script.read(weights), weights)
    device = () if hasattr(script, "use_device") else (_device(script),)
    script.predict(model, inputs, "outputs", *device)
    return load_file("outputs")


def compare(plan: dict[str, Any]) -> tuple[float, float]:
    rng = np.random.default_rng(0)
    other = _script(plan["other"])
    reference = _model(other, {})
    other.save(reference, "weights")
    drawn = {}
    for name, array in load_file("weights").items():
        noise = 0.02 * rng.normal(size=array.shape)
        noise = np.abs(noise) if name.endswith("running_var") else noise
        drawn[name] = (array + noise).astype(array.dtype)
    save_file(drawn, "weights")
    wanted = _outputs(other, reference, "weights", plan["inputs"])
    script = _script(plan["script"])
    found = _outputs(script, _model(script, plan["arguments"]), "weights", plan["inputs"])
    assert found.keys() == wanted.keys()
    assert all(found[n].shape == wanted[n].shape for n in wanted)
    error = max(float(np.abs(found[n] - wanted[n]).max()) for n in wanted)
    return error, max(float(np.abs(array).max()) for array in wanted.values())


def main() -> None:
    plans = json.loads(Path(sys.argv[-1]).read_text())
    Path(f"{sys.argv[-1]}.found").write_text(json.dumps([compare(plan) for plan in plans]))


if __name__ == "__main__":
    main()
