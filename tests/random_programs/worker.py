"""Run as a script: runs generated scripts of one framework, one after the other, in this process.

    python -m tests.random_programs.worker pytorch

Reads a JSON list per line: a folder, a script there and its flags; answers with a JSON text, which
is empty where all went well.  Of an exported Symbol it makes ONNX.  A script called "plan" is none:
its flag is a comparison of a class at other arguments with what `-P` makes of it
(tests/samples/parameters_worker.py).
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import logging
import runpy
import sys
import traceback
import warnings
from pathlib import Path
from unittest import mock

import numpy as np


def _prepare(framework: str) -> None:
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    if framework == "mxnet":
        np.bool = bool  # type: ignore[attr-defined]  # as the scripts for MXNet do
    if framework == "tensorflow":
        tf = importlib.import_module("tensorflow")

        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(1)
        importlib.import_module("keras")
        gc.freeze()  # what was imported stays: a session is cleared much faster
        return
    importlib.import_module({"pytorch": "torch"}.get(framework, framework))


def _run(framework: str, folder: Path, name: str, flags: list[str]) -> None:
    if framework == "tensorflow":
        keras = importlib.import_module("keras")

        keras.config.set_floatx("float32")  # what a script before may have changed
        keras.config.set_dtype_policy("float32")
        keras.backend.clear_session()
    if name == "plan":
        from tests.samples.parameters_worker import compare

        own = folder / f"{framework}.arguments"  # each framework writes weights and outputs
        own.mkdir()
        with contextlib.chdir(own):
            (folder / f"{framework}.found").write_text(json.dumps(compare(json.loads(flags[0]))))
        return
    script = folder / name
    with mock.patch.object(sys, "argv", [script.name, *flags]):
        runpy.run_path(str(script), run_name="__main__")
    if (folder / "mxnet-symbol.json").exists() and framework == "mxnet":
        from tercet.backends.mxnet.symbol_to_onnx.__main__ import main as convert

        names = ("mxnet-symbol.json", "mxnet-0000.params", "mxnet.json", "mxnet.onnx")
        if convert([str(folder / name) for name in names]) != 0:
            raise RuntimeError("the Symbol was not converted")


def main() -> None:
    framework = sys.argv[1]
    _prepare(framework)
    answers = sys.stdout
    for number, line in enumerate(sys.stdin):
        folder, script, *flags = json.loads(line)
        problem = ""
        with contextlib.redirect_stdout(sys.stderr):
            try:
                _run(framework, Path(folder), script, flags)
            except (Exception, SystemExit):
                problem = traceback.format_exc()
        if number % 20 == 0:
            gc.collect()
        print(json.dumps(problem), file=answers, flush=True)


if __name__ == "__main__":
    main()
