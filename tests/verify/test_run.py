"""Whole verifications, with frameworks played by scripts: no mistake passes, no crash hides."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

import tercet
from tercet.cli import main
from tercet.errors import TercetError
from tercet.interpreters import Interpreters, TargetChoice, TargetInfo
from tercet.verification import run
from tercet.verification.session import DeviceError
from tests.verify.fake import Change, verify, write_model, write_script

pytestmark = pytest.mark.usefixtures("all_installed")


def test_equal_answers_are_identical(tmp_path: Path) -> None:
    report = verify(tmp_path, output=tmp_path / "kept")
    assert (report.verdict, report.exit_code) == ("identical", 0)
    assert [(p.left, p.right) for p in report.pairs if p.output == "best"] == [
        ("pytorch", "pytorch.onnx"),
        ("pytorch.onnx", "onnx"),
        ("pytorch", "reference"),
        ("pytorch.onnx", "reference"),
        ("onnx", "reference"),
    ]
    assert {p.output for p in report.pairs} == {"scores", "flipped", "best"}
    assert {probe.sizes["N"] for probe in report.probes} == {2, 3}
    assert [target.device for target in report.targets] == ["cpu", "cpu"]
    assert report.targets[0].versions["pytorch"] == "1.0"
    assert all(target.seconds > 0 for target in report.targets)
    assert (tmp_path / "kept" / "pytorch.onnx").exists()


_GEMM = '["h", "second.weight", "second.bias"], '
_ARGMAX = 'helper.make_node("ArgMax", '
MISTAKES: dict[str, list[Change]] = {
    "a bias left out": [('.T + weights["second.bias"]', ".T")],
    "a factor": [("flipped = -scores", "flipped = -1.0001 * scores")],
    "one place too high, at one batch size": [
        ("best = scores.argmax(axis=1)", "best = scores.argmax(axis=1) + (len(x) == 3)")
    ],
    "swapped outputs": [
        ('"scores": scores, "flipped": flipped', '"flipped": scores, "scores": flipped')
    ],
    "rows in another order": [("flipped = -scores", "flipped = -scores[::-1]")],
    "NaN": [("flipped = -scores", "flipped = np.full_like(scores, np.nan)")],
    "one infinite element": [("flipped = -scores", "flipped = -scores; flipped[0, 0] = np.inf")],
    "float64": [("flipped = -scores", "flipped = -scores.astype(np.float64)")],
    "i32": [("best = scores.argmax(axis=1)", "best = scores.argmax(axis=1).astype(np.int32)")],
    "an axis too many": [("flipped = -scores", "flipped = -scores[None]")],
    "an output missing": [(', "best": best', "")],
    "an output too many": [(', "best": best', ', "best": best, "worst": best')],
    "zeros for zeros only": [("flipped = -scores", "flipped = -scores * x.any()")],
    "ONNX: another activation": [('"Tanh", ["a"]', '"Softsign", ["a"]')],
    "ONNX: swapped outputs": [
        (_GEMM + '["scores"]', _GEMM + '["z"]'),
        ('"Neg", ["scores"], ["flipped"]', '"Identity", ["z"], ["flipped"]'),
        (
            _ARGMAX + '["scores"]',
            'helper.make_node("Neg", ["z"], ["scores"]), ' + _ARGMAX + '["z"]',
        ),
    ],
    "ONNX: a sequence of tensors": [
        ('"Neg", ["scores"], ["flipped"]', '"SequenceConstruct", ["scores"], ["flipped"]'),
        (
            "graph = helper.make_graph",
            'declared["flipped"] = helper.make_tensor_sequence_value_info("flipped", 1, None)\n'
            "graph = helper.make_graph",
        ),
    ],
    "ONNX: outputs in another order": [
        ('["scores", "flipped", "best"]\n', '["flipped", "scores", "best"]\n')
    ],
}


@pytest.mark.parametrize("changes", MISTAKES.values(), ids=MISTAKES)
def test_every_mistake_is_different(tmp_path: Path, changes: list[Change]) -> None:
    report = verify(tmp_path, *changes)
    assert (report.verdict, report.exit_code) == ("different", 1)
    wrong = {pair.left for pair in report.pairs if pair.verdict == "different"}
    assert wrong <= {"pytorch", "pytorch.onnx"}
    assert any(pair.right == "reference" for pair in report.pairs if pair.verdict == "different")


FAILURES: dict[str, tuple[list[Change], str]] = {
    "a crash": ([('print("the weights are loaded")', "raise OSError('no disk')")], "no disk"),
    "a crash after the answers": ([('batch = "N"', "raise OSError('late')")], "exit code 1"),
    "a kill": (
        [('print("the weights are loaded")', "import os; os.kill(os.getpid(), 9)")],
        "pytorch was ended by SIGKILL",
    ),
    "an answer that is not written": ([("save_file({name", "print({name")], "answer0"),
    "an empty file": ([("onnx.save(", 'open(args.export, "w"); print(')], "does not load"),
    "a file that is no model": ([('"Tanh", ["a"]', '"Tanx", ["a"]')], "does not load"),
    "a frozen batch": ([('batch = "N"', "batch = 2")], "does not run"),
}


@pytest.mark.parametrize("changes, words", FAILURES.values(), ids=FAILURES)
def test_what_fails_is_not_judged(tmp_path: Path, changes: list[Change], words: str) -> None:
    report = verify(tmp_path, *changes)
    assert (report.verdict, report.exit_code) == ("not judged", 2)
    assert words in report.not_judged[0]
    assert report.targets[0].problem == report.not_judged[0]
    assert report.targets[1].problem is None


def test_the_last_output_of_a_hung_script_is_shown(tmp_path: Path) -> None:
    hang = ('print("the weights are loaded")', 'print("loaded", flush=True); time.sleep(600)')
    report = verify(tmp_path, hang, timeout=2.0)
    assert report.exit_code == 2
    assert "did not end within 2 s" in report.not_judged[0]
    assert report.not_judged[0].endswith("loaded")


def test_a_difference_outweighs_a_crash(tmp_path: Path) -> None:
    wrong = write_script(tmp_path, ("-scores", "scores"), name="wrong.py")
    crash = write_script(tmp_path, ("import argparse", "import no_such_module"), name="crash.py")
    report = tercet.verify(
        write_model(tmp_path),
        targets=["pytorch", "tensorflow"],
        scripts={"pytorch": wrong, "tensorflow": crash},
    )
    assert report.exit_code == 1
    assert "no_such_module" in report.not_judged[0]


def test_cuda_that_is_asked_for_and_not_there_is_not_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tercet.verification import voices

    def no_cuda(*_: object) -> None:
        raise DeviceError("CUDA was asked for, but ONNX Runtime took ['CPUExecutionProvider']")

    monkeypatch.setattr(voices, "run_onnx", no_cuda)
    report = verify(tmp_path, device="cuda")
    assert report.exit_code == 2
    assert "CUDA was asked for" in report.not_judged[0]


def test_another_seed_draws_other_weights_and_the_same_seed_the_same(tmp_path: Path) -> None:
    first, again, other = (verify(tmp_path, seed=seed).to_json()["pairs"] for seed in (0, 0, 1))
    assert first == again
    assert first != other


def test_what_is_not_there_is_an_error(tmp_path: Path) -> None:
    model = write_model(tmp_path)
    with pytest.raises(TercetError, match="there is no script"):
        tercet.verify(model, scripts={"pytorch": tmp_path / "none.py"})
    with pytest.raises(TercetError, match="there is no file"):
        tercet.verify(model, targets=["onnx"], weights=tmp_path / "none.safetensors")
    with pytest.raises(TercetError, match="onnx has no script"):
        tercet.verify(model, scripts={"onnx": model})


def test_a_script_names_its_target_which_has_to_be_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def choose(named: Sequence[str], interpreters: Interpreters) -> TargetChoice:
        if "mxnet" in named:
            raise TercetError("mxnet is not installed")
        return TargetChoice((TargetInfo("onnx", sys.executable, "1.0", None),))

    monkeypatch.setattr(run, "choose_targets", choose)
    script = write_script(tmp_path)
    with pytest.raises(TercetError, match="mxnet is not installed"):
        tercet.verify(write_model(tmp_path), scripts={"mxnet": script})


# -------------------------------------------------------------------------------------- the command


def test_the_command_prints_a_table_and_writes_the_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script, model = write_script(tmp_path), write_model(tmp_path)
    flags = ["-o", str(tmp_path / "out"), "--script", f"pytorch={script}"]
    assert main(["verify", str(model), *flags]) == 0
    shown = capsys.readouterr()
    assert "Small: identical (pytorch, onnx; 15 comparisons over 6 probes)" in shown.out
    assert shown.err.startswith("pytorch: ")
    assert json.loads((tmp_path / "out" / "report.json").read_text())["identical"] is True


def test_lines_for_a_file_are_not_folded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    name = "A" + "b" * 60
    text = f"model {name} {{ input x: f32[N, 3]\n output {name.lower()} = x |> dense(4) }}"
    flags = ["-t", "onnx", "-o", str(tmp_path / "out")]
    assert main(["verify", str(write_model(tmp_path, text)), *flags]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert f"{name}: identical (onnx; 1 comparison over 6 probes)" in lines
    assert any(line.split()[:3] == ["onnx", "reference", name.lower()] for line in lines)


def test_the_command_says_different_in_json_and_by_its_exit_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    script = write_script(tmp_path, ("flipped = -scores", "flipped = scores"))
    assert (
        main(["verify", str(write_model(tmp_path)), "--json", "--script", f"pytorch={script}"]) == 1
    )
    assert json.loads(capsys.readouterr().out)["identical"] is False
    assert json.loads((tmp_path / "report.json").read_text())["verdict"] == "different"


@pytest.mark.parametrize(
    "flags, words",
    [
        (["--script", "pytorch"], "TARGET=FILE"),
        (["--script", "onnx=x.py"], "onnx has no script"),
        (["--script", "pytorsh=x.py"], "did you mean pytorch"),
        (["--script", "pytorch=none.py"], "there is no script"),
        (["--weights", "none.safetensors"], "there is no file"),
        (["--seed", "-1"], "an integer from 0 on"),
        (["-o", "/proc/none"], "No such file"),
    ],
)
def test_wrong_flags_are_not_judged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], flags: list[str], words: str
) -> None:
    assert main(["verify", str(write_model(tmp_path)), *flags]) == 2
    assert words in capsys.readouterr().err


def test_errors_in_the_model_are_not_judged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify", str(write_model(tmp_path, "model M { output y }"))]) == 2
    assert "error" in capsys.readouterr().err
