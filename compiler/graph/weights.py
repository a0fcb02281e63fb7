"""Weights by canonical path: initial ones, lively ones for verification, and their file.

The file is safetensors with exactly the paths, shapes and layouts of the language, whatever
framework wrote it, so that training can go from one framework to another.
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tercet.compiler.graph.ir import Graph, Parameter
from tercet.compiler.initializers import (
    Initializer,
    LecunNormal,
    Normal,
    Orthogonal,
    Uniform,
    VarianceScaling,
    generator,
)
from tercet.compiler.lazy import np
from tercet.compiler.types import DType
from tercet.dsl.syntax_hints import nearest

if TYPE_CHECKING:
    from tercet.compiler.ops.base import Array

_MOST_NAMES = 10
"""Names that one message lists."""

_FILE_DTYPES = {
    DType.F16: "F16",
    DType.BF16: "F32",  # NumPy has no bf16; its values are exact in f32
    DType.F32: "F32",
    DType.F64: "F64",
    DType.I8: "I8",
    DType.I32: "I32",
    DType.I64: "I64",
    DType.U8: "U8",
    DType.BOOL: "BOOL",
}


class WeightsError(Exception):
    """A weights file that is damaged or does not belong to the model; the message lists why."""


# ------------------------------------------------------------------------------- initial weights


def initial_weights(graph: Graph, seed: int) -> dict[str, Array]:
    """Every parameter by path, drawn by its initializer from the seed and its path alone.

    Raises MemoryError for more of them than this machine holds.
    """
    return _draw(graph, seed, lambda parameter: parameter.init)


def lively_weights(graph: Graph, seed: int) -> dict[str, Array]:
    """Weights for verification, under which a wrong operation shows in the outputs.

    Initial values hide mistakes: a zero head makes every output zero, a scale of one and a bias
    of zero are not seen, a small deviation lets signals die with depth.  Weights that keep the
    variance (He, Glorot, LeCun, orthogonal) stay as the model says; all else is drawn anew.
    Buffers keep their values: they mean something.
    """
    return _draw(graph, seed, _lively)


def _draw(graph: Graph, seed: int, choose: Callable[[Parameter], Initializer]) -> dict[str, Array]:
    found: dict[str, Array] = {}
    for path, parameter in graph.parameters():
        init, shape = choose(parameter), _shape(path, parameter)
        reason = init.unfit(shape)
        if reason is not None:
            raise WeightsError(f"`{path}` is {parameter.type}, but {reason}")
        if math.prod(shape) * 8 > sys.maxsize:  # of which NumPy makes no array at all
            raise MemoryError(f"`{path}` is {parameter.type}")
        values = init.sample(generator(seed, path), shape, parameter.fans)
        found[path] = values.astype(parameter.type.dtype.numpy_name)
    return found


def _lively(parameter: Parameter) -> Initializer:
    match parameter.role:
        case "weight" | "recurrent_weight":
            keeps = isinstance(parameter.init, VarianceScaling | Orthogonal)
            if len(parameter.type.shape) < 2:  # a slope, as of prelu
                return Uniform(0.1, 0.4)
            return parameter.init if keeps else LecunNormal()
        case "scale" | "running_var":
            return Uniform(0.5, 1.5)
        case "bias" | "recurrent_bias" | "running_mean":
            return Normal(std=0.1)
        case "embedding" | "parameter":
            return Normal(std=0.3)
        case "buffer":
            return parameter.init


def _shape(path: str, parameter: Parameter) -> tuple[int, ...]:
    sizes = [size for size in parameter.type.shape if isinstance(size, int)]
    if len(sizes) != parameter.type.rank:
        raise WeightsError(f"`{path}` has no fixed shape: {parameter.type}")
    return tuple(sizes)


# ---------------------------------------------------------------------------------------- the file


def save(path: Path | str, weights: Mapping[str, Array]) -> None:
    """Writes a weights file whole or not at all: temporary file, fsync, rename.  Raises OSError."""
    import safetensors.numpy

    path = Path(path)
    arrays = {name: np.asarray(array, order="C") for name, array in weights.items()}
    data = safetensors.numpy.save(arrays)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as problem:
        raise OSError(problem.errno, problem.strerror or str(problem), str(path)) from None
    finally:
        temporary.unlink(missing_ok=True)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Makes a rename in the folder last; not every system can open one."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def load(path: Path | str, graph: Graph) -> dict[str, Array]:
    """The weights of a file, in the order of the graph's parameters.

    Raises WeightsError where a name is missing or left over, or a shape or dtype differs.
    """
    with _checked(path, graph) as file:
        return {name: file.get_tensor(name) for name, _ in graph.parameters()}


def check(path: Path | str, graph: Graph) -> None:
    """Compares a file with the graph's parameters without reading the numbers, as `load` does."""
    with _checked(path, graph):
        pass


@contextmanager
def _checked(path: Path | str, graph: Graph) -> Iterator[Any]:
    import safetensors

    parameters = dict(graph.parameters())
    try:
        with safetensors.safe_open(os.fspath(path), framework="numpy") as file:
            found = {name: _header(file, name) for name in file.keys()}  # noqa: SIM118
            problems = _problems(parameters, found)
            if problems:
                raise WeightsError(f"{path} does not fit `{graph.name}`:\n" + "\n".join(problems))
            yield file
    except FileNotFoundError:
        raise WeightsError(f"{path} does not exist") from None
    except (OSError, safetensors.SafetensorError) as error:
        raise WeightsError(f"{path} cannot be read as safetensors: {error}") from error


Header = tuple[tuple[int, ...], str]
"""Shape and dtype of a tensor in a file."""


def _header(file: Any, name: str) -> Header:
    part = file.get_slice(name)
    return tuple(part.get_shape()), part.get_dtype()


def _problems(parameters: Mapping[str, Parameter], found: Mapping[str, Header]) -> list[str]:
    missing = [name for name in parameters if name not in found]
    extra = [name for name in found if name not in parameters]
    lines = _listed(f"missing: `{name}`" + _meant(name, extra, "the file has") for name in missing)
    lines += _listed(
        f"left over: `{name}`" + _meant(name, missing, "the model needs") for name in extra
    )
    common = [name for name in parameters if name in found]
    lines += _listed(
        line for name in common for line in _differences(name, parameters[name], found[name])
    )
    return lines + _of_twin(parameters, found)


def _of_twin(parameters: Mapping[str, Parameter], found: Mapping[str, Header]) -> list[str]:
    """What to do where the file is whole, but of the model's twin in the other precision."""
    pairs = {
        (header[1], _FILE_DTYPES[parameters[name].type.dtype])
        for name, header in found.items()
        if name in parameters
    }
    floats = {pair for pair in pairs if pair[1] in ("F32", "F64")}
    if floats == {("F64", "F32")}:
        return ["  it is in f64, as --float64 writes it, and fits the model with --float64"]
    if floats == {("F32", "F64")}:
        return ["  it is in f32, and fits the model without --float64"]
    return []


def _listed(lines: Iterable[str]) -> list[str]:
    every = list(lines)
    shown = [f"  {line}" for line in every[:_MOST_NAMES]]
    rest = len(every) - len(shown)
    return [*shown, f"  … and {rest} more"] if rest else shown


def _meant(name: str, candidates: list[str], words: str) -> str:
    """The name that stands in its place: one nearly alike, or with the same end."""
    near = nearest(name, candidates)
    if near is None:
        parts = name.split(".")
        ends = [c for c in candidates if c.split(".")[-2:] == parts[-2:]]
        near = ends[0] if len(ends) == 1 else None
    return f" ({words} `{near}`)" if near else ""


def _differences(name: str, parameter: Parameter, header: Header) -> list[str]:
    shape, dtype = header
    wanted = _FILE_DTYPES[parameter.type.dtype]
    if shape != _shape(name, parameter):
        return [f"`{name}` has shape {list(shape)}, not {list(parameter.type.shape)}"]
    return [] if dtype == wanted else [f"`{name}` is {dtype}, not {wanted}"]
