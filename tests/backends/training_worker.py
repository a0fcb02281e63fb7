"""Run as a script: generated scripts of one framework, each by its own flags, in one process.

    python -m tests.backends.training_worker FOLDER

A job is a subfolder with `script.py` and `flags.txt`, one run a line.  What a run ends with other
than success is in `error.txt`, what it prints in `output.txt`.
"""

from __future__ import annotations

import contextlib
import runpy
import sys
import traceback
import warnings
from pathlib import Path


def _run(folder: Path) -> None:
    for flags in (folder / "flags.txt").read_text().splitlines():
        sys.argv = ["script.py", "--device", "cpu", *flags.split()]
        with (folder / "output.txt").open("a") as output, contextlib.redirect_stdout(output):
            runpy.run_path(str(folder / "script.py"), run_name="__main__")


def main() -> None:
    warnings.simplefilter("ignore")
    for folder in sorted(p for p in Path(sys.argv[1]).iterdir() if p.is_dir()):
        try:
            _run(folder)
        except (Exception, SystemExit):
            (folder / "error.txt").write_text(traceback.format_exc())


if __name__ == "__main__":
    main()
