"""Where generated TensorFlow scripts turn images around, and that blocks stay one class."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.backends.tensorflow_models import MODELS
from tests.backends.tensorflow_scripts import script_text
from tests.backends.test_tensorflow_models import graph_of

_TURN = re.compile(r"tf\.transpose\((?:[^()]|\([^()]*\))*\)")
_BY_NAME = {model.name: model.text for model in MODELS}


def classes(text: str) -> str:
    """The classes of a script that come from blocks and models."""
    script = script_text(graph_of(text), Path("/nowhere"))
    return script[script.index("SEED = 0") : script.index("def predict(")]


def turns(text: str) -> list[str]:
    return _TURN.findall(classes(text))


_IMAGE_IN = "tf.transpose(image, (0, 2, 3, 1))"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Mlp", []),
        ("Deep", [_IMAGE_IN, 'tf.transpose(tf.nn.avg_pool2d(h, 4, 4, "VALID"), (0, 3, 1, 2))']),
        ("OddPaddings", [_IMAGE_IN, "tf.transpose(h, (0, 3, 1, 2))"]),
        ("SqueezeExcite", [_IMAGE_IN, "tf.transpose(self.scale, (1, 2, 0))"]),
        ("Groups", [_IMAGE_IN]),
        ("Sequence1d", ["tf.transpose(wave, (0, 2, 1))"]),
        ("Recurrences", []),
    ],
)
def test_transpositions_stand_at_the_ends(name: str, expected: list[str]) -> None:
    assert turns(_BY_NAME[name]) == expected


def test_attention_is_no_image() -> None:
    orders = [turn for turn in turns(_BY_NAME["Gpt"]) if "(0, 2, 1, 3)" not in turn]
    assert orders == ["tf.transpose(self.embed.embeddings)"]


def test_a_block_is_one_class_whatever_its_instances_pad() -> None:
    text = classes(_BY_NAME["OddPaddings"])
    assert text.count("class Odd(") == 1
    assert "class Odd_1" not in text
    assert 'padding="same"' not in text


_RESIDUAL = """
block Inner(channels) {
    input x: f32[N, C, H, W]
    output x |> conv2d(channels, 3, padding = 1)
}
block Plain() {
    input x: f32[..., D]
    output relu(x) + 1
}
block Outer(channels) {
    input x: f32[N, C, H, W]
    h = x |> Plain |> Inner(channels)
    output h + x, mean(h, axis = [2, 3])
}
model Nested() {
    input image: f32[N, 4, 8, 8]
    h, pooled = image |> Outer(4)
    h, again = h |> Outer(4)
    output y = h, code = pooled + again
}
"""


def test_a_signature_reaches_through_calls() -> None:
    """`Plain` takes any layout: it is given that of its callers."""
    assert turns(_RESIDUAL) == [_IMAGE_IN, "tf.transpose(h, (0, 3, 1, 2))"]
    text = classes(_RESIDUAL)
    assert "tf.reduce_mean(h, axis=(1, 2))" in text


def test_a_flatten_of_single_cells_needs_no_turn() -> None:
    body = "h = image |> global_avg_pool2d |> dropout(0.1) |> flatten"
    text = f"""
model Head() {{
    input image: f32[N, 3, 8, 8]
    {body}
    output y = h |> dense(2)
}}
"""
    assert turns(text) == [_IMAGE_IN]
    assert "tf.reduce_mean(h, axis=(1, 2))" in classes(text)
    assert "reshape" not in classes(text)


def test_sizes_are_read_where_they_lie() -> None:
    text = """
block Half() {
    input x: f32[N, C, H, W]
    output reshape(x |> conv2d(C, 1), [N, C, H * W])
}
model Sizes() {
    input image: f32[N, 3, H, W]
    output y = image |> Half
}
"""
    assert "N, H, W, _ = tf.unstack(tf.shape(x))" in classes(text)
