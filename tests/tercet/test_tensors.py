"""Files of arrays: what a user hands in is read or refused, any names are written."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tercet.errors import TercetError
from tercet.tensors import read, write

ARRAYS: dict[str, NDArray[Any]] = {
    "file": np.arange(6, dtype=np.float32).reshape(2, 3).T,  # the name np.savez has for itself
    "block.weight": np.array([[1, 2]], dtype=np.int64),
    "scalar": np.asarray(2.5, dtype=np.float16),
    "mask": np.array([True, False]),
}


def _npz(folder: Path) -> bytes:
    np.savez(folder / "good.npz", x=np.arange(100.0))
    return (folder / "good.npz").read_bytes()


def _npy(folder: Path) -> bytes:
    np.save(folder / "good.npy", np.arange(3))
    return (folder / "good.npy").read_bytes()


def _safetensors(dtype: str, size: int) -> bytes:
    header = {"y": {"dtype": dtype, "shape": [2], "data_offsets": [0, 2 * size]}}
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + bytes(2 * size)


@pytest.mark.parametrize("suffix", ["npz", "safetensors"])
def test_what_is_written_is_read(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"arrays.{suffix}"
    write(path, ARRAYS)
    found = read(path)
    assert found.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        assert found[name].dtype == array.dtype
        np.testing.assert_array_equal(found[name], array)


@pytest.mark.parametrize(
    "name, says",
    [
        ("missing.npz", "there is no file"),
        ("folder.npz", "is a folder, not a file"),
        ("empty.npz", "cannot be read"),
        ("text.npz", "cannot be read"),
        ("cut.npz", "cannot be read"),
        ("garbled.npz", "cannot be read"),
        ("objects.npz", "cannot be read"),
        ("single.npz", "is a single array"),
        ("empty.safetensors", "cannot be read"),
        ("text.safetensors", "cannot be read"),
        ("bf16.safetensors", "a type that NumPy lacks"),
        ("f8.safetensors", "a type that NumPy lacks"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path, name: str, says: str) -> None:
    good = _npz(tmp_path)
    (tmp_path / "folder.npz").mkdir()
    np.savez(tmp_path / "objects.npz", x=np.array([{}], dtype=object))
    texts = {
        "empty.npz": b"",
        "text.npz": b"hello",
        "cut.npz": good[: len(good) // 2],
        "garbled.npz": good[:60] + bytes(20) + good[80:],
        "single.npz": _npy(tmp_path),
        "empty.safetensors": b"",
        "text.safetensors": b"hello, this is no header",
        "bf16.safetensors": _safetensors("BF16", 2),
        "f8.safetensors": _safetensors("F8_E4M3", 1),
    }
    for file, text in texts.items():
        (tmp_path / file).write_bytes(text)
    with pytest.raises(TercetError, match=f"{name}.*{says}|{says}.*{name}"):
        read(tmp_path / name)


@pytest.mark.parametrize("suffix", ["npz", "safetensors"])
def test_what_cannot_be_written_is_the_systems_error(suffix: str) -> None:
    with pytest.raises(OSError, match="No such file"):
        write(Path(f"/proc/arrays.{suffix}"), ARRAYS)
