"""Run as a script: other scripts, each in a fork of a process that has imported their framework.

    python tests/backends/script_forks.py torch

Reads a JSON list per line, `[stdout file, stderr file, script, flag, …]`, and answers each with the
exit code.  Importing a framework takes most of the time of a short run.
"""

from __future__ import annotations

import importlib
import json
import os
import runpy
import sys
import traceback

import numpy as np


def _child(stdout: str, stderr: str, arguments: list[str]) -> int:
    for number, path in ((1, stdout), (2, stderr)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    sys.argv = arguments
    try:
        runpy.run_path(arguments[0], run_name="__main__")
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def main() -> None:
    if "mxnet" in sys.argv:
        np.bool = bool  # type: ignore[attr-defined]  # as the scripts for MXNet do
    for name in sys.argv[1:]:
        importlib.import_module(name)
    for line in sys.stdin:
        stdout, stderr, *arguments = json.loads(line)
        child = os.fork()
        if not child:
            code = _child(stdout, stderr, arguments)
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()
