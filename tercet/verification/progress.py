"""Shows what a verification waits for: a line for each script with its clock and its last words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tercet.runner import Finished
from tercet.verification.run import Progress

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import TaskID

_WIDTH = 60


class PlainProgress(Progress):
    """A line when a script has ended: for logs and pipes."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def ended(self, target: str, finished: Finished) -> None:
        words = f"{finished.seconds:.1f} s" if finished.ok else finished.outcome
        self._console.print(f"{finished.job.name}: {words}", style="dim", markup=False)


class LiveProgress(Progress):
    """Spinning lines on a terminal, gone when all is done.  To be used as a context manager."""

    def __init__(self, console: Console) -> None:
        from rich import progress

        self._bars = progress.Progress(
            progress.SpinnerColumn(finished_text="✓"),
            progress.TextColumn("{task.description:<10}", markup=False),
            progress.TimeElapsedColumn(),
            progress.TextColumn("{task.fields[said]}", style="dim", markup=False),
            console=console,
            transient=True,
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> LiveProgress:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def started(self, targets: Sequence[str]) -> None:
        for target in targets:
            self._tasks[target] = self._bars.add_task(target, total=1, said="waiting", start=False)

    def printed(self, target: str, text: str) -> None:
        self._begin(target)
        lines = text.replace("\r", "\n").strip().splitlines()
        if lines:
            self._bars.update(self._tasks[target], said=lines[-1][:_WIDTH])

    def ended(self, target: str, finished: Finished) -> None:
        self._begin(target)
        said = "" if finished.ok else finished.outcome
        self._bars.update(self._tasks[target], said=said, completed=1)

    def _begin(self, target: str) -> None:
        self._bars.start_task(self._tasks[target])
