"""Files of weights that a command is given: compared with the model before a framework starts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tercet.errors import TercetError
from tercet.files import require_input
from tercet.project import Project

if TYPE_CHECKING:
    from numpy.typing import NDArray


def fitting(project: Project, path: Path) -> dict[str, NDArray[Any]]:
    """The weights in a file.  Raises TercetError for a file that does not fit the model."""
    from tercet.compiler.graph.weights import WeightsError, load

    try:
        return load(require_input(path), project.model)
    except WeightsError as problem:
        raise TercetError(str(problem)) from None


def require_fit(project: Project, path: Path) -> None:
    """That names, shapes and dtypes in a file are the model's.  Raises TercetError."""
    from tercet.compiler.graph.weights import WeightsError, check

    try:
        check(require_input(path), project.model)
    except WeightsError as problem:
        raise TercetError(str(problem)) from None
