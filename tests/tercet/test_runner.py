"""Scripts that behave as frameworks do at their worst."""

from __future__ import annotations

import signal
import sys
import time
from itertools import pairwise
from pathlib import Path

import pytest

from tercet.processes import GRACE_SECONDS, KEPT_CHARACTERS
from tercet.runner import Finished, Job, RunError, run, run_all, script_environment


def script(text: str, name: str = "script", timeout: float | None = 30.0) -> Job:
    return Job(name, [sys.executable, "-c", text], timeout=timeout)


def exists(process: int) -> bool:
    """Whether a process runs; a zombie, which nobody has waited for yet, does not."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def wait_until_gone(processes: list[int], seconds: float = 5.0) -> list[int]:
    end = time.monotonic() + seconds
    while (left := [p for p in processes if exists(p)]) and time.monotonic() < end:
        time.sleep(0.02)
    return left


SPAWNS_A_CHILD = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print(child.pid, flush=True)
"""
IGNORES_SIGTERM = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
sys.stdout.write(f"{os.getpid()}\\n")  # one write: three of them share a pipe
time.sleep(60)
"""


def test_output_of_both_streams_and_exit_code() -> None:
    text = (
        "import sys; print('out'); sys.stdout.flush(); print('err', file=sys.stderr); sys.exit(3)"
    )
    finished = run(script(text))
    assert (finished.exit_code, finished.output, finished.ok) == (3, "out\nerr\n", False)
    with pytest.raises(RunError, match="script ended with exit code 3") as caught:
        finished.require_success()
    assert caught.value.finished is finished
    assert "out\nerr" in str(caught.value)


def test_success_passes_through() -> None:
    finished = run(script("print('fine')"))
    assert finished.require_success() is finished


def test_a_hung_script_is_stopped_and_its_last_output_shown() -> None:
    finished = run(script("print('before', flush=True)\nimport time; time.sleep(60)", timeout=0.5))
    assert finished.timed_out
    assert not finished.ok
    assert finished.last_lines() == "before"
    assert finished.seconds < 5
    assert "did not end within 0.5 s" in finished.outcome


def test_a_script_that_ignores_sigterm_is_killed() -> None:
    finished = run(script(IGNORES_SIGTERM, timeout=0.5))
    assert finished.timed_out
    assert finished.exit_code == -signal.SIGKILL
    assert not exists(int(finished.output))


def test_children_end_with_a_script_that_hangs() -> None:
    finished = run(script(SPAWNS_A_CHILD + "time.sleep(60)", timeout=1.0))
    assert finished.timed_out
    assert wait_until_gone([int(finished.output)]) == []


def test_children_left_behind_do_not_hold_the_run_up() -> None:
    started = time.monotonic()
    finished = run(script(SPAWNS_A_CHILD))
    assert finished.ok
    assert time.monotonic() - started < GRACE_SECONDS + 10
    assert wait_until_gone([int(finished.output)]) == []


def test_a_crash_names_the_signal() -> None:
    finished = run(script("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"))
    assert finished.exit_code == -signal.SIGSEGV
    assert "SIGSEGV" in finished.outcome


def test_huge_output_is_read_to_its_end_and_kept_in_part() -> None:
    heard = 0

    def count(job: Job, text: str) -> None:
        nonlocal heard
        heard += len(text)

    text = "import sys\nfor _ in range(300): sys.stdout.write('x' * 100_000)\nprint('\\nlast')"
    finished = run(script(text), on_text=count)
    assert finished.ok
    assert heard == 300 * 100_000 + len("\nlast\n")
    assert len(finished.output) == KEPT_CHARACTERS
    assert finished.output.endswith("\nlast\n")


def test_a_slow_listener_still_hears_everything() -> None:
    heard: list[str] = []

    def slow(job: Job, text: str) -> None:
        if not heard:
            time.sleep(GRACE_SECONDS + 0.5)
        heard.append(text)

    text = "import sys\nfor _ in range(40): sys.stdout.write('y' * 100_000)"
    assert run(script(text), on_text=slow).ok
    assert sum(map(len, heard)) == 40 * 100_000


def test_output_without_end_does_not_delay_the_timeout() -> None:
    finished = run(script("while True: print('y' * 1000)", timeout=1.0))
    assert finished.timed_out
    assert finished.seconds < 6


def test_broken_utf8_and_progress_bars() -> None:
    text = "import os; os.write(1, b'\\xff ok\\n 10%\\r 50%\\r100%\\n')"
    assert run(script(text)).last_lines() == "\N{REPLACEMENT CHARACTER} ok\n100%"


def test_a_script_that_closes_its_output_goes_on() -> None:
    text = "import os, sys, time\nos.close(1); os.close(2); time.sleep(0.5); os._exit(7)"
    finished = run(script(text))
    assert (finished.exit_code, finished.timed_out) == (7, False)


def test_nothing_to_read_on_standard_input() -> None:
    assert run(script("import sys; sys.exit(len(sys.stdin.read()))")).ok


def test_several_run_side_by_side_in_order_of_the_jobs(tmp_path: Path) -> None:
    """Each waits for the file that the job after it makes: one by one they would never end."""
    waits = "import os, time\nwhile not os.path.exists({0!r}): time.sleep(0.02)\n"
    makes = "open({0!r}, 'w').close(); print({1})"
    notes = [str(tmp_path / f"note{i}") for i in range(4)]
    jobs = [
        script((waits.format(notes[i + 1]) if i < 2 else "") + makes.format(notes[i], i), str(i))
        for i in range(3)
    ]
    ended: list[str] = []
    results = run_all(jobs, on_end=lambda finished: ended.append(finished.job.name))
    assert [finished.output for finished in results] == ["0\n", "1\n", "2\n"]
    assert sorted(ended) == ["0", "1", "2"]


def test_at_once_limits_how_many_run() -> None:
    text = "import time; print(time.monotonic()); time.sleep(0.3); print(time.monotonic())"
    spans = [
        tuple(map(float, finished.output.split()))
        for finished in run_all([script(text) for _ in range(3)], at_once=1)
    ]
    assert all(earlier[1] <= later[0] for earlier, later in pairwise(spans))


def test_one_failure_leaves_the_others_alone() -> None:
    bad, good = run_all([script("raise SystemExit(1)"), script("print('good')")])
    assert (bad.exit_code, good.output) == (1, "good\n")


def test_inherit_writes_to_the_own_streams(capfd: pytest.CaptureFixture[str]) -> None:
    finished = run(script("print('straight')"), inherit=True)
    assert (finished.ok, finished.output) == (True, "")
    assert capfd.readouterr().out == "straight\n"


def test_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "0")
    environment = script_environment({"EXTRA": "1"}, threads=2)
    assert environment["TF_CPP_MIN_LOG_LEVEL"] == "0"
    assert environment["OMP_NUM_THREADS"] == "2"
    assert environment["PYTHONHASHSEED"] == "0"
    assert environment["EXTRA"] == "1"
    assert "OMP_NUM_THREADS" not in script_environment({})


def test_run_error_without_output() -> None:
    finished = Finished(script(""), exit_code=1, seconds=0.1, output="")
    assert str(RunError(finished)).endswith("and printed nothing")
