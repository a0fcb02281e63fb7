"""The weights of an ONNX model in a file of their own, beside one that would grow beyond 2 GiB."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from tercet.backends.onnx import protobuf
from tercet.compiler.lazy import lazy_module

if TYPE_CHECKING:
    import onnx
else:
    onnx = lazy_module("onnx")

MAX_FILE_BYTES = 2**31 - 2**24
"""Protocol buffers end at 2 GiB; a margin is left for the nodes."""

_SMALL = 1024
"""Bytes of a tensor below which it stays in the model's file, as in onnx.save_model."""
_ALIGNMENT = 64
"""A runtime that maps the file into memory finds every element where its type wants it."""
_PART = 2**24


class DataFile:
    """`<model>.data` while it is written; the model names it without a folder."""

    def __init__(self, model: Path) -> None:
        self._path = model.with_name(f"{model.name}.data")

    def __enter__(self) -> DataFile:
        self._file = self._path.open("wb")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def added(self, tensor: protobuf.Initializer) -> onnx.TensorProto:
        """The tensor's message; its elements are in the file, unless they are few."""
        if tensor.size < _SMALL:
            return tensor.proto()
        offset = self._begin()
        tensor.elements().tofile(self._file)
        return tensor.external(self._path.name, offset)

    def move(self, proto: onnx.TensorProto, folder: Path) -> Path | None:
        """Takes over the elements of a message; gives the file in `folder` that they were in."""
        source = None
        if proto.data_location == onnx.TensorProto.EXTERNAL:
            place = {entry.key: entry.value for entry in proto.external_data}
            source = folder / place["location"]
            start, length = int(place.get("offset", 0)), int(place.get("length", -1))
            parts = _read(source, start, source.stat().st_size - start if length < 0 else length)
        elif len(proto.raw_data) >= _SMALL:
            parts = iter([proto.raw_data])
        else:
            return None
        offset = self._begin()
        for part in parts:
            self._file.write(part)
        protobuf.placed(proto, self._path.name, offset, self._file.tell() - offset)
        return source

    def _begin(self) -> int:
        self._file.write(bytes(-self._file.tell() % _ALIGNMENT))
        return self._file.tell()


def _read(path: Path, start: int, length: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(start)
        while length > 0:
            part = file.read(min(length, _PART))
            if not part:
                raise OSError(f"{path} ends too early")
            yield part
            length -= len(part)


def gather(path: Path, *, largest: int = MAX_FILE_BYTES) -> None:
    """Leaves a framework's export in one file, or in two: the model and `<path>.data`.

    PyTorch writes the weights of a large model into a file each.  Two files it is too where one
    has more than `largest` bytes.
    """
    model = onnx.load(str(path), load_external_data=False)
    scattered = any(t.data_location == onnx.TensorProto.EXTERNAL for t in model.graph.initializer)
    if not scattered and path.stat().st_size <= largest:
        return
    with DataFile(path) as data:
        moved = {data.move(tensor, path.parent) for tensor in model.graph.initializer}
    path.write_bytes(model.SerializeToString(deterministic=True))
    for source in moved:
        if source is not None:
            source.unlink()
