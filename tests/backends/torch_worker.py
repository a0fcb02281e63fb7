"""Run as a script: every generated script of a folder, in one process.

    python -m tests.backends.torch_worker FOLDER

A job is a subfolder with `script.py`, `weights.safetensors` and `in0.safetensors`, `in1…`.  By the
script's own functions it gets `saved.safetensors` and `out0.safetensors` … from the model,
`model.onnx`, and `onnx0.safetensors` … from ONNX Runtime; or `error.txt`.
"""

from __future__ import annotations

import importlib.util
import sys
import traceback
import warnings
from pathlib import Path
from types import ModuleType

import onnxruntime
import torch
from safetensors.numpy import load_file, save_file


def _module(folder: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("script", folder / "script.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _run(folder: Path) -> None:
    module = _module(folder)
    torch.manual_seed(0)
    model = getattr(module, (folder / "name.txt").read_text())()
    weights = folder / "weights.safetensors"
    module.load(model, module.read(weights), weights)
    module.save(model, folder / "saved.safetensors")
    probes = sorted(folder.glob("in*.safetensors"))
    for number, probe in enumerate(probes):
        module.predict(model, probe, folder / f"out{number}.safetensors", "cpu")
    if not (folder / "export").exists():
        return
    module.export(model, str(folder / "model.onnx"))
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        folder / "model.onnx", options, providers=["CPUExecutionProvider"]
    )
    for number, probe in enumerate(probes):
        names = [output.name for output in session.get_outputs()]
        taken = {i.name for i in session.get_inputs()}
        feed = {n: a for n, a in load_file(probe).items() if n in taken}
        results = dict(zip(names, session.run(names, feed), strict=True))
        save_file(results, folder / f"onnx{number}.safetensors")


def main() -> None:
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    for folder in sorted(p for p in Path(sys.argv[1]).iterdir() if p.is_dir()):
        try:
            _run(folder)
        except (Exception, SystemExit):
            (folder / "error.txt").write_text(traceback.format_exc())


if __name__ == "__main__":
    main()
