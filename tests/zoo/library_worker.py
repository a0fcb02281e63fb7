"""Run as a script: a network of a library, with given weights, in double precision.

    python -m tests.zoo.library_worker FOLDER

`plan.json` in the folder names the function that builds it, `weights.safetensors` holds what its
parameters are to be, `inputs0.safetensors` … what it is given.  Outputs are written to
`outputs0.safetensors` …, and to `left.json` the names for which there was no weight.
"""

from __future__ import annotations

import importlib
import json
import sys
import warnings
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file


def _define_operators() -> Any:
    """The schemas that torchvision's Python files look for while they are imported.

    Its compiled part is made for one build of torch, and absent beside another; no network needs
    it, but the import does.  They last as long as the object that is given back.
    """
    make: Any = torch.library.Library  # without annotations of its own
    library = make("torchvision", "FRAGMENT")
    for name in ("nms", "qnms"):
        try:
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        except RuntimeError:  # it is there already
            continue
    return library


def _found(path: str) -> Any:
    module, _, name = path.rpartition(".")
    return getattr(importlib.import_module(module), name)


def _build(plan: dict[str, Any]) -> torch.nn.Module:
    arguments = plan["arguments"]
    if plan["config"]:
        network = _found(plan["builder"])(_found(plan["config"])(**arguments))
    else:
        network = _found(plan["builder"])(**arguments)
    assert isinstance(network, torch.nn.Module)
    return network.double().eval()


def main(folder: Path) -> None:
    warnings.simplefilter("ignore")
    plan = json.loads((folder / "plan.json").read_text())
    network = _build(plan)
    weights = load_file(folder / "weights.safetensors")
    found = network.load_state_dict({n: w.double() for n, w in weights.items()}, strict=False)
    if found.unexpected_keys:
        raise SystemExit(f"the library has no {found.unexpected_keys}")
    (folder / "left.json").write_text(json.dumps(found.missing_keys))
    for index in range(plan["probes"]):
        inputs = load_file(folder / f"inputs{index}.safetensors")
        given = {n: t.double() if t.is_floating_point() else t for n, t in inputs.items()}
        named = {plan["given"].get(n): given[n] for n in plan["inputs"] if n in plan["given"]}
        placed = [given[n] for n in plan["inputs"] if n not in plan["given"]]
        with torch.no_grad():
            found = network(*placed, **named)
        outputs = [found[key] for key in plan["outputs"]] or [found]
        numbered = {str(k): output.contiguous() for k, output in enumerate(outputs)}
        save_file(numbered, folder / f"outputs{index}.safetensors")


if __name__ == "__main__":
    KEPT = _define_operators()
    main(Path(sys.argv[1]))
