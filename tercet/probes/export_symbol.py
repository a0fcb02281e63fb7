"""Run an MXNet script that exports a Symbol, then convert what it wrote, in one process.

    python export_symbol.py SYMBOL PARAMS SPEC OUT SCRIPT [ARGUMENT...]

MXNet is imported once for both.  This is MXNet's interpreter, which need not have what Tercet
stands on, and what it has must not be hidden: the converter is run as a package of its own, whose
folder comes last, and the package `tercet`, whose dimensions it counts with, is loaded from a file.
"""

import importlib.util
import os
import runpy
import sys
from typing import List  # noqa: UP035 - for Python 3.8


def run_script(script: str, arguments: List[str]) -> None:  # noqa: UP006
    """Run it as `python SCRIPT ARGUMENT...` would; SystemExit where it does not succeed."""
    sys.path[0] = os.path.dirname(os.path.abspath(script))
    sys.argv = [script, *arguments]
    try:
        runpy.run_path(script, run_name="__main__")
    except SystemExit as end:
        if end.code:
            raise


def convert(files: List[str]) -> None:  # noqa: UP006
    """Run the converter on SYMBOL PARAMS SPEC OUT."""
    folder = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    _load("tercet", folder)
    sys.path.append(os.path.join(folder, "backends", "mxnet"))
    sys.argv = ["symbol_to_onnx", *files]
    runpy.run_module("symbol_to_onnx", run_name="__main__", alter_sys=True)


def _load(name: str, folder: str) -> None:
    """Import a package from a folder that is not on the path."""
    init = os.path.join(folder, "__init__.py")
    spec = importlib.util.spec_from_file_location(name, init, submodule_search_locations=[folder])
    assert spec is not None
    assert spec.loader is not None
    sys.modules[name] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)


if __name__ == "__main__":
    files, script, arguments = sys.argv[1:5], sys.argv[5], sys.argv[6:]
    run_script(script, arguments)
    convert(files)
