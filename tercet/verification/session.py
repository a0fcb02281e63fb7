"""Runs an ONNX file in ONNX Runtime, and says truthfully where it ran.

Asked for CUDA on a machine that cannot start it, ONNX Runtime runs on the CPU and raises nothing.
So the providers of the session are read back, and on CUDA a profile tells which provider
computed each node.

Graph optimisations stay at the basic level: at the extended one, ONNX Runtime's own fusion of GELU
breaks valid models (an erf and a tanh form that share a node).
"""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, redirect_stdout, suppress
from dataclasses import dataclass, field
from functools import partial
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tercet.guarding import temporary_folder

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

Device = Literal["cpu", "cuda", "auto"]

_CPU = "CPUExecutionProvider"
_CUDA = "CUDAExecutionProvider"
_CUDA_OPTIONS = {"use_tf32": "0", "cudnn_conv_algo_search": "HEURISTIC"}
_FATAL = 4
_PRELOADING = threading.Lock()
"""Standard output belongs to all threads."""


class SessionError(Exception):
    """ONNX Runtime does not load or run the file."""


class DeviceError(SessionError):
    """CUDA was asked for and is not what computed."""


@dataclass(frozen=True)
class Port:
    """An input or output that the file declares; symbolic sizes are strings, unnamed ones None."""

    name: str
    type: str
    shape: tuple[int | str | None, ...]


@dataclass(frozen=True)
class OnnxRun:
    """Outputs by name for every feed, and where and how fast they were computed.

    `placement` counts the nodes that each provider computed; it is known on CUDA only.
    """

    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    results: tuple[dict[str, Array], ...]
    device: Literal["cpu", "cuda"]
    seconds: float
    version: str
    placement: dict[str, int] = field(default_factory=dict)


def run_onnx(
    path: Path,
    feeds: Sequence[Mapping[str, Array]],
    device: Device = "cpu",
    *,
    threads: int | None = None,
) -> OnnxRun:
    """Loads the file and runs every feed.

    Raises DeviceError where `device` is "cuda" and CUDA did not compute, SessionError for whatever
    ONNX Runtime refuses.
    """
    import onnxruntime

    started = time.perf_counter()
    wanted = _resolve(device, onnxruntime.get_available_providers())
    with _profile(wanted) as profile:
        session = _open(onnxruntime, path, wanted, device, profile, threads)
        outputs = tuple(map(_port, session.get_outputs()))
        results = tuple(_run(session, feed, outputs) for feed in feeds)
        placement = _placement(session) if _CUDA in session.get_providers() else {}
    used: Literal["cpu", "cuda"] = "cuda" if placement.get(_CUDA) else "cpu"
    if device == "cuda" and used != "cuda":
        took = ", ".join(placement or session.get_providers())
        raise DeviceError(f"CUDA was asked for, but {took} computed; tercet doctor tells more")
    seconds = time.perf_counter() - started
    inputs = tuple(map(_port, session.get_inputs()))
    version = str(onnxruntime.__version__)
    return OnnxRun(inputs, outputs, results, used, seconds, version, placement)


def _resolve(device: Device, available: Sequence[str]) -> Literal["cpu", "cuda"]:
    """What to try: `auto` tries CUDA where the installed ONNX Runtime has it."""
    if device == "cuda" and _CUDA not in available:
        raise DeviceError("CUDA was asked for, but this ONNX Runtime was built without it")
    return "cuda" if device != "cpu" and _CUDA in available else "cpu"


@contextmanager
def _profile(device: str) -> Iterator[Path | None]:
    """A place for the profile, gone afterwards; none is taken on the CPU."""
    if device == "cpu":
        yield None
        return
    with temporary_folder() as folder:
        yield folder / "profile"


def _open(
    onnxruntime: Any,
    path: Path,
    wanted: str,
    device: Device,
    profile: Path | None,
    threads: int | None,
) -> Any:
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    # What goes wrong is raised; on `auto`, a CUDA that does not start is not worth a page of log.
    options.log_severity_level = _FATAL
    if device == "auto" or wanted == "cpu":
        onnxruntime.set_default_logger_severity(_FATAL)
    if threads is not None:
        options.intra_op_num_threads = threads
    if profile is not None:
        options.enable_profiling = True
        options.profile_file_prefix = str(profile)
    # ONNX Runtime's own fallback would change the provider in the middle, and print that it did.
    opened = partial(onnxruntime.InferenceSession, str(path), options, enable_fallback=0)
    try:
        if wanted == "cuda":
            _preload(onnxruntime)
            with suppress(Exception) if device == "auto" else nullcontext():
                return opened(providers=[(_CUDA, _CUDA_OPTIONS), _CPU])
        return opened(providers=[_CPU])
    except Exception as problem:  # ONNX Runtime's exceptions share no base of their own
        raise SessionError(f"ONNX Runtime does not load it: {_first_line(problem)}") from problem


def _preload(onnxruntime: Any) -> None:
    """Loads the libraries that the extra `cuda` brings, which nothing else would find.

    What is missing is printed there; here the session tells, by its providers.
    """
    if hasattr(onnxruntime, "preload_dlls"):
        with _PRELOADING, redirect_stdout(StringIO()):
            onnxruntime.preload_dlls()


def _run(session: Any, feed: Mapping[str, Array], outputs: Sequence[Port]) -> dict[str, Array]:
    names = [port.name for port in outputs]
    try:
        values = session.run(names, dict(feed))
    except Exception as problem:
        raise SessionError(f"ONNX Runtime does not run it: {_first_line(problem)}") from problem
    return dict(zip(names, values, strict=True))


def _placement(session: Any) -> dict[str, int]:
    """Nodes by the provider that computed them, from the session's profile (which this ends)."""
    events = json.loads(Path(session.end_profiling()).read_text())
    nodes = {
        event["args"]["node_index"]: event["args"]["provider"]
        for event in events
        if event.get("cat") == "Node" and event.get("args", {}).get("provider")
    }
    return dict(Counter(nodes.values()))


def _port(declared: Any) -> Port:
    return Port(declared.name, declared.type, tuple(declared.shape))


def _first_line(problem: Exception) -> str:
    text = str(problem).strip()
    return text.splitlines()[0] if text else type(problem).__name__
