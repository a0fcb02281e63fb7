"""Run as a script: every generated MXNet script of a folder, in one process.

    python -m tests.backends.mxnet_worker FOLDER

A job is a subfolder with `script.py`, `weights.safetensors` and `in0.safetensors`, `in1…`.  It is
run by its own `main`: it gets `saved.safetensors` and `out0.safetensors` … from the model, and,
where there is a `spec.json`, `model.onnx` from the exported Symbol and `onnx0.safetensors` … from
ONNX Runtime; or `error.txt`.
"""

from __future__ import annotations

import importlib.util
import sys
import traceback
import warnings
from pathlib import Path
from types import ModuleType
from unittest import mock

import onnxruntime
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
    probes = sorted(folder.glob("in*.safetensors"))
    flags = ["--device", "cpu", "--weights", f"{folder}/weights.safetensors"]
    flags += ["--save", f"{folder}/saved.safetensors"]
    flags += ["--export", f"{folder}/model"] if (folder / "spec.json").exists() else []
    for number, probe in enumerate(probes):
        flags += ["--predict", str(probe), f"{folder}/out{number}.safetensors"]
    with mock.patch.object(sys, "argv", ["script.py", *flags]):
        module.main()
    if (folder / "spec.json").exists():
        _infer(folder, probes)


def _infer(folder: Path, probes: list[Path]) -> None:
    from tercet.backends.mxnet.symbol_to_onnx.__main__ import main as convert

    files = ("model-symbol.json", "model-0000.params", "spec.json", "model.onnx")
    if convert([str(folder / name) for name in files]) != 0:
        raise RuntimeError("the Symbol was not converted; see stderr")
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
    for folder in sorted(p for p in Path(sys.argv[1]).iterdir() if p.is_dir()):
        print(folder.name, file=sys.stderr)
        try:
            _run(folder)
        except (Exception, SystemExit):
            (folder / "error.txt").write_text(traceback.format_exc())


if __name__ == "__main__":
    main()
