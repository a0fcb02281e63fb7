"""Run as a script: every generated script of a folder, in one process.

    python -m tests.backends.tensorflow_worker FOLDER

A job is a subfolder with `script.py`, `weights.safetensors` and `in0.safetensors`, `in1…`.  The
script's own `main`, called with flags, leaves `out0.safetensors` … and `model.onnx`; ONNX
Runtime adds `onnx0.safetensors` …; or there is `error.txt`.
"""

from __future__ import annotations

import logging
import runpy
import sys
import traceback
from pathlib import Path

import keras
import onnxruntime
from safetensors.numpy import load_file, save_file


def _run(folder: Path) -> None:
    probes = sorted(folder.glob("in*.safetensors"))
    flags = ["--device", "cpu", "--weights", str(folder / "weights.safetensors")]
    flags += ["--save", str(folder / "saved.safetensors")]
    for number, probe in enumerate(probes):
        flags += ["--predict", str(probe), str(folder / f"out{number}.safetensors")]
    exported = (folder / "export").exists()
    if exported:
        flags += ["--export", str(folder / "model.onnx")]
    keras.config.set_floatx("float32")  # what a job before may have changed
    keras.config.set_dtype_policy("float32")
    extra = folder / "flags.txt"
    sys.argv = ["script.py", *flags, *(extra.read_text().split() if extra.exists() else ())]
    runpy.run_path(str(folder / "script.py"), run_name="__main__")
    if exported:
        _run_onnx(folder, probes)


def _run_onnx(folder: Path, probes: list[Path]) -> None:
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
    logging.disable(logging.WARNING)
    for folder in sorted(p for p in Path(sys.argv[1]).iterdir() if p.is_dir()):
        try:
            _run(folder)
        except (Exception, SystemExit):
            (folder / "error.txt").write_text(traceback.format_exc())


if __name__ == "__main__":
    main()
