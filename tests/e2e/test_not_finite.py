"""A loss or weight that is not finite ends training: told, nothing spoilt is written."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import pytest

import tercet
from tests.e2e.running import Runner

MODEL = """
model Net {
    input x: f32[N, 3]
    output y = x |> dense(4) |> dense(1) |> squeeze(axis = 1)
}
train Net {
    target goal: f32[N]
    data = npz("rows.npz", split = 0.5, shuffle = false) { x = x, goal = goal }
    loss = mse(y, goal)
    optimizer = sgd(lr = 0.01)
    batch = 4
    epochs = 3
}
"""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=["pytorch", "tensorflow", "mxnet"])
def runner(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Runner]:
    folder = tmp_path_factory.mktemp(request.param)
    (folder / "net.model").write_text(MODEL)
    random = np.random.default_rng(0)
    rows = {"x": random.normal(size=(48, 3)), "goal": random.normal(size=48)}
    np.savez(folder / "rows.npz", **{name: a.astype(np.float32) for name, a in rows.items()})
    for style in ("full", "lean"):
        output, lean = folder / style, style == "lean"
        tercet.compile(folder / "net.model", targets=[request.param], output=output, lean=lean)
        script = output / f"net_{request.param}.py"
        # The loss overflows some steps after the beginning.
        script.write_text(script.read_text().replace("LEARNING_RATE = 0.01", "LEARNING_RATE = 1e7"))
    runner = Runner(folder, request.param)
    yield runner
    runner.close()


def _script(runner: Runner, style: str) -> str:
    return f"{style}/{runner.script.name}"


@pytest.mark.parametrize("style", ["full", "lean"])
def test_it_stops_and_writes_no_weights(style: str, runner: Runner) -> None:
    saved = runner.folder / f"{style}.safetensors"
    done = runner.run(_script(runner, style), "--save", str(saved))
    assert done.code == 1
    told = re.findall(r"epoch (\d)(?:/3)?, step (\d+): the loss is not finite", done.stderr)
    assert len(told) == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert 1 <= int(told[0][0]) <= 3
    assert 2 <= int(told[0][1]) <= 18
    assert not saved.exists()


def test_the_last_checkpoint_is_of_a_finite_loss(runner: Runner) -> None:
    kept = runner.folder / "run.ckpt"
    flags = ["--checkpoint", str(kept), "--checkpoint-every", "1"]
    done = runner.run(_script(runner, "full"), *flags)
    (step,) = re.findall(r"step (\d+): the loss is not finite", done.stderr)
    resumed = runner.run(_script(runner, "full"), "--resume", str(kept), *flags)
    (again,) = re.findall(r"step (\d+): the loss is not finite", resumed.stderr)
    # Keras' loss is a mean since the beginning of the epoch, whose sum overflows a step earlier.
    assert int(again) - int(step) in ((0, 1) if "tensorflow" in runner.script.name else (0,))


def test_who_wants_it_may_train_on(runner: Runner) -> None:
    saved = runner.folder / "allowed.safetensors"
    flags = ["--allow-nonfinite", "--save", str(saved)]
    done = runner.run(_script(runner, "full"), *flags)
    assert done.code == 0, done.stderr
    assert saved.exists()


SPOILT = """
model Net {
    input x: f32[N, 3]
    buffer far: f32[3] = [-inf, inf, 0.0]
    y = x |> dense(1) |> squeeze(axis = 1)
    output shown = y + sum(where(far > 9.0, 1.0, 0.0))
}
train Net {
    target goal: f32[N]
    data = npz("rows.npz", split = 0.5, shuffle = false) { x = x, goal = goal }
    loss = mean(shown - goal) * 1e30
    optimizer = sgd(lr = RATE)
    batch = 24
    epochs = 1
}
"""
"""One step, whose loss is finite; its update is not at a rate of 1e30.  The buffer never is."""
NORMED = """
model Net {
    input x: f32[N, 3]
    output y = (x * 1e30) |> batch_norm |> dense(1) |> squeeze(axis = 1)
}
train Net {
    target goal: f32[N]
    data = npz("rows.npz", split = 0.5, shuffle = false) { x = x, goal = goal }
    loss = mse(y, goal)
    optimizer = sgd(lr = 0.01)
    batch = 24
    epochs = 1
}
"""
"""A variance of a batch that is infinite hides itself: what is normalised by it is 0."""


@pytest.mark.parametrize(
    ("text", "weight"),
    [
        (SPOILT.replace("RATE", "1e30"), r"dense\.weight"),
        (SPOILT.replace("RATE", "1e-30"), None),
        (NORMED, r"batch_norm\.running_var"),
    ],
    ids=["update", "buffer", "statistic"],
)
def test_weights_that_are_not_finite_are_not_saved(
    text: str, weight: str | None, runner: Runner
) -> None:
    target = runner.script.stem.removeprefix("net_")
    (runner.folder / "spoilt.model").write_text(text)
    tercet.compile(runner.folder / "spoilt.model", targets=[target], output=runner.folder)
    script, saved = f"spoilt_{target}.py", runner.folder / "spoilt.safetensors"
    saved.unlink(missing_ok=True)
    told = rf"^epoch 1(/1)?, step 1: {weight} is not finite$"
    for flag in ("--save", "--checkpoint"):
        done = runner.run(script, flag, str(saved))
        assert done.code == (0 if weight is None else 1), done.stderr
        assert weight is None or re.search(told, done.stderr, re.M), done.stderr
        assert saved.exists() == (weight is None)
    assert runner.run(script, "--allow-nonfinite", "--save", str(saved)).code == 0
    assert saved.exists()
