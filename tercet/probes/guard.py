"""Run as a script: clears up after a command that was killed.

Reads a JSON list per line, `[true, "group", 4711]` when something begins and with `false` when it
is over: a process group, a folder.  The input ends with the command, however that ended; what was
not over is then killed or removed.
"""

import json
import os
import shutil
import signal
import sys
from contextlib import suppress


def main() -> None:
    left: dict[tuple[str, object], None] = {}
    for line in sys.stdin:
        begins, kind, what = json.loads(line)
        if begins:
            left[kind, what] = None
        else:
            left.pop((kind, what), None)
    for kind, what in left:  # processes were started after the folders that they write to
        if kind == "group":
            with suppress(OSError):
                os.killpg(what, signal.SIGKILL)  # type: ignore[arg-type]
    for kind, what in left:
        if kind == "folder":
            shutil.rmtree(what, ignore_errors=True)  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
