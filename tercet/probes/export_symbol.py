"""Run an MXNet script that exports a Symbol, then convert what it wrote, in one process.

    python export_symbol.py SYMBOL PARAMS SPEC OUT SCRIPT [ARGUMENT...]

MXNet is imported once for both.  This is MXNet's interpreter, which need not have what Tercet
stands on, and what it has must not be hidden: the converter is run as a package of its own, and
its folder comes last.
"""

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
    tercet = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    sys.path.append(os.path.join(tercet, "backends", "mxnet"))
    sys.argv = ["symbol_to_onnx", *files]
    runpy.run_module("symbol_to_onnx", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    files, script, arguments = sys.argv[1:5], sys.argv[5], sys.argv[6:]
    run_script(script, arguments)
    convert(files)
