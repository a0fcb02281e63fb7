"""The command as a process of its own: what it imports, and streams and disks that fail."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


ROOT = Path(__file__).parents[2]


def tercet_process(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tercet", *arguments],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, **environment},
        check=False,
        timeout=60,
    )


def test_help_needs_nothing_heavy() -> None:
    """By what is imported and not by the clock, which depends on the machine's other work."""
    code = (
        "import sys; from tercet.cli import main; main(['--help']);"
        "print(sorted({'argparse', 'lark', 'numpy', 'rich', 'onnx', 'tercet.compiler',"
        " 'tercet.dsl'} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert done.stderr == "[]\n"


def test_a_reader_that_leaves_is_no_error() -> None:
    command = f"{sys.executable} -m tercet explain; echo code $? >&2"
    done = subprocess.run(
        ["bash", "-c", f"({command}) | true"], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert done.stderr in ("code 141\n", "code 0\n")


def test_a_full_disk_is_told_without_a_traceback() -> None:
    command = f"{sys.executable} -m tercet --help > /dev/full"
    done = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert done.returncode == 2
    assert done.stderr == "error: [Errno 28] No space left on device\n"


def test_a_disk_that_fills_up_leaves_no_half_of_a_script(tmp_path: Path) -> None:
    (tmp_path / "net.model").write_text("model N { input x: f32[N, 3]\n output y = x |> dense(2) }")
    command = "ulimit -f 1; exec {} -m tercet compile net.model -t pytorch"  # KiB of a file
    done = subprocess.run(
        ["bash", "-c", command.format(sys.executable)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr == f"error: {tmp_path / 'net_pytorch.py'}: File too large\n"
    assert [path.name for path in tmp_path.iterdir()] == ["net.model"]


def test_closed_standard_output() -> None:
    command = f"{sys.executable} -m tercet --help >&-"
    done = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_terminal_without_the_characters() -> None:
    done = tercet_process("explain", "E0101", PYTHONIOENCODING="ascii")
    assert done.returncode == 0
    assert "Traceback" not in done.stderr
