"""Dropout of whole channels and whole examples, as each framework draws it while training."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.e2e.running import running

pytestmark = pytest.mark.slow

MODEL = """\
model M {
    input x: f32[N, 3, 4, 5]
    h = x |> channel_dropout(0.5)
    g = x |> stochastic_depth(0.25)
    output h, g
}
"""

TRAINED = {
    "pytorch": """\
import numpy as np, torch
from net_pytorch import M
torch.manual_seed(0)
outputs = [y.numpy() for y in M().train()(torch.ones(400, 3, 4, 5))]
""",
    "tensorflow": """\
import keras, numpy as np, tensorflow as tf
from net_tensorflow import M
keras.utils.set_random_seed(0)
found = M()(tf.ones((400, 3, 4, 5)), training=True)
outputs = [y.numpy() for y in (found.values() if isinstance(found, dict) else found)]
""",
    "mxnet": """\
import numpy as np, mxnet as mx
from net_mxnet import M
mx.random.seed(0)
model = M()
model.initialize()
with mx.autograd.train_mode():
    outputs = [y.asnumpy() for y in model(mx.nd.ones((400, 3, 4, 5)))]
""",
}
"""What each script's model gives for ones while it is trained."""


@pytest.mark.parametrize("target", TRAINED)
def test_wholes_are_dropped_and_the_others_scaled(target: str, tmp_path: Path) -> None:
    (tmp_path / "net.model").write_text(MODEL)
    driver = f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n{TRAINED[target]}"
    (tmp_path / "driver.py").write_text(f"{driver}np.savez('found.npz', *outputs)\n")
    with running(tmp_path, target) as runner:
        done = runner.run("driver.py")
    assert done.code == 0, done.stderr
    found = np.load(tmp_path / "found.npz")
    channels, examples = (found[name].reshape(400, 3, 20) for name in ("arr_0", "arr_1"))
    np.testing.assert_array_equal(channels, np.broadcast_to(channels[:, :, :1], channels.shape))
    np.testing.assert_array_equal(examples, np.broadcast_to(examples[:, :1, :1], examples.shape))
    np.testing.assert_allclose(np.unique(channels), [0, 2])
    np.testing.assert_allclose(np.unique(examples), [0, 4 / 3], rtol=1e-6)
    assert np.unique(channels.sum(axis=(1, 2))).size == 4, "channels go one by one"
    assert abs(float((channels == 0).mean()) - 0.5) < 0.1
    assert abs(float((examples == 0).mean()) - 0.25) < 0.1
