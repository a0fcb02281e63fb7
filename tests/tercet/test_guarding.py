"""Where a command is killed, neither its scripts nor its temporary folders are left."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tercet.guarding import temporary_folder
from tests.tercet.test_runner import exists

CASE = Path(__file__).parents[1] / "cases/hostile/orphan_after_kill9/long.model"
COMMAND = """\
import sys
from pathlib import Path
from tercet.guarding import temporary_folder
from tercet.runner import Job, run_all

child = "import os, subprocess, sys, time; " \\
    "worker = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']); " \\
    "print(os.getpid(), worker.pid, flush=True); time.sleep(60)"
with temporary_folder() as folder:
    (folder / "file").write_text("")
    print(folder, flush=True)
    jobs = [Job(name, [sys.executable, "-c", child]) for name in "ab"]
    run_all(jobs, inherit=True)
"""


def wait_for(condition: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_kill_leaves_no_process_and_no_folder() -> None:
    command = [sys.executable, "-c", COMMAND]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        folder = Path(process.stdout.readline().strip())
        lines = [process.stdout.readline(), process.stdout.readline()]
        numbers = [int(number) for line in lines for number in line.split()]
        assert folder.is_dir()
        assert len(numbers) == 4
        assert all(map(exists, numbers))
        process.send_signal(signal.SIGKILL)
        wait_for(lambda: not any(map(exists, numbers)) and not folder.exists())


def test_what_is_over_is_left_alone(tmp_path: Path) -> None:
    """A folder that is gone and made again by someone else stays."""
    text = (
        "import os, sys, time\nfrom tercet.guarding import temporary_folder\n"
        "with temporary_folder() as other:\n"
        "    with temporary_folder() as folder: pass\n"
        "    os.mkdir(folder); print(folder, other, flush=True); time.sleep(60)\n"
    )
    command = [sys.executable, "-c", text]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        folder, other = map(Path, process.stdout.readline().split())
        process.send_signal(signal.SIGKILL)
        wait_for(lambda: not other.exists())
    assert folder.is_dir()
    folder.rmdir()


def test_a_folder_is_gone_afterwards() -> None:
    with temporary_folder() as folder:
        (folder / "file").write_text("")
    assert not folder.exists()


@pytest.mark.slow
def test_the_case(tmp_path: Path) -> None:
    shutil.copy(CASE, tmp_path)
    folders = tmp_path / "tmp"
    folders.mkdir()
    command = [sys.executable, "-m", "tercet", "train", "long.model", "-t", "pytorch"]
    flags = ["--checkpoint", "c.ck", "--device", "cpu"]
    process = subprocess.Popen(
        [*command, *flags],
        cwd=tmp_path,
        env={**os.environ, "TMPDIR": str(folders)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    checkpoint = tmp_path / "c.ck"
    wait_for(checkpoint.exists, 120)
    assert list(folders.glob("tercet-*"))
    process.kill()
    process.wait()
    wait_for(lambda: not list(folders.glob("tercet-*")))
    written = checkpoint.stat().st_mtime_ns
    time.sleep(1)
    assert checkpoint.stat().st_mtime_ns == written
