"""Two training scripts of one framework, in one process, by turns: prints the seconds of each.

    python -m benchmarks.race GENERATED.py HANDWRITTEN.py --epochs 1 --rounds 30

Both scripts have `main`, which makes everything and calls `train`.  Here `main` runs with `train`
put aside, and what it would have been given is trained on again and again.  The order within a
round alternates, so that neither is always the one that finds warm caches.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Training = Callable[[], object]


def prepared(path: Path, epochs: int, rows: int) -> Training:
    """The training of a script, ready to run: one call trains for `epochs` on the first rows."""
    spec = importlib.util.spec_from_file_location(f"{path.parent.name}_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    train, given = module.train, list[tuple[Any, ...]]()

    def aside(model: Any, arrays: Any, *others: Any) -> int:
        given.append((model, tuple(array[:rows] for array in arrays), *others))
        return 0

    vars(module).update(train=aside, evaluate=lambda *_: {})
    sys.argv = [str(path), "--epochs", str(epochs), "--device", "cpu"]
    module.main()
    return lambda: train(*given[0])


def race(generated: Training, written: Training, rounds: int) -> dict[str, list[float]]:
    """The seconds of each training in each round, after a round that does not count."""
    seconds: dict[str, list[float]] = {"generated": [], "written": []}
    runners = {"generated": generated, "written": written}
    for k in range(rounds + 1):
        for name in ("generated", "written") if k % 2 else ("written", "generated"):
            start = time.perf_counter()
            runners[name]()
            spent = time.perf_counter() - start
            if k:
                seconds[name].append(spent)
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("generated", type=Path)
    parser.add_argument("written", type=Path)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--rows", type=int, default=10**9, help="of the data, the first ones")
    args = parser.parse_args()
    with open(os.devnull, "w") as nowhere, contextlib.ExitStack() as quiet:
        quiet.enter_context(contextlib.redirect_stderr(nowhere))  # progress bars
        quiet.enter_context(contextlib.redirect_stdout(nowhere))
        trainings = [
            prepared(path, args.epochs, args.rows) for path in (args.generated, args.written)
        ]
        seconds = race(trainings[0], trainings[1], args.rounds)
    print(json.dumps(seconds))


if __name__ == "__main__":
    main()
