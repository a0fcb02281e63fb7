"""What every sample has to be: its trainable parameters, and options to compile it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from tercet.project import Project, open_project

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "samples"
TARGETS = ("pytorch", "tensorflow", "mxnet")


@dataclass(frozen=True)
class Sample:
    """A file of samples/ and facts that are known from elsewhere."""

    name: str
    trainable: int
    parameters: dict[str, str] = field(default_factory=dict, hash=False)

    @property
    def path(self) -> Path:
        return SAMPLES / f"{self.name}.model"

    @property
    def id(self) -> str:
        return "-".join((self.name, *(f"{k}={v}" for k, v in self.parameters.items())))


def _gru(inputs: int, units: int) -> int:
    """Kernels, recurrent kernels, and the two biases of `linear_before_reset`."""
    return 3 * units * (inputs + units + 2)


def _lstm(inputs: int, units: int) -> int:
    return 4 * units * (inputs + units + 1)


def _conv_bn(inputs: int, channels: int) -> int:
    """A convolution without bias, of `inputs` weights per channel, and its normalisation."""
    return (inputs + 2) * channels


def _inverted(inputs: int, channels: int, expansion: int) -> int:
    hidden = expansion * inputs
    expand = _conv_bn(inputs, hidden) if expansion > 1 else 0
    return expand + _conv_bn(9, hidden) + _conv_bn(hidden, channels)


# Counts of published networks are those of their papers' implementations; the others are sums.
CATALOG = (
    Sample("linear_regression", 2),
    Sample("logistic_regression", 30 + 1),
    Sample("mlp", 5 * 32 + 33 * 32 + 33 * 3),
    Sample("article_cnn", 28 * 32 + 289 * 64 + (64 * 6 * 6 + 1) * 64 + 65),
    Sample("mnist_cnn", 10 * 32 + 289 * 64 + (64 * 5 * 5 + 1) * 128 + 129 * 10),
    Sample("digits_cnn", 9 * 32 + 64 + 9 * 32 * 64 + 128 + (64 * 16 + 1) * 10),
    Sample("digits_resnet", 174_970),
    Sample("rnn", 32 * (1 + 32 + 1) + 33),
    Sample("lstm_forecast", _lstm(1, 32) + _lstm(32, 32) + 33),
    Sample("char_gru", 256 * 64 + _gru(64, 192) + 193 * 256),
    Sample("tiny_gpt", 842_496),
    Sample("resnet18", 11_689_512),
    Sample("resnet18", 11_181_642, parameters={"classes": "10", "size": "32"}),
    Sample(
        "mobile_digits",
        _conv_bn(9, 16)
        + _inverted(16, 16, 1)
        + _inverted(16, 24, 4)
        + _inverted(24, 24, 4)
        + _inverted(24, 32, 4)
        + _inverted(32, 32, 4)
        + _conv_bn(32, 128)
        + 129 * 10,
    ),
    Sample("bert_tiny", 4_385_920),
    Sample("autoencoder", 66_897),
    Sample("vae", 65 * 128 + 2 * 129 * 8 + 9 * 128 + 129 * 64),
    Sample("siamese", 10 * 32 + 289 * 64 + 257 * 16),
    Sample("multi_task", 10 * 32 + 289 * 64 + 65 * 10 + 65 * 32 + 33),
    Sample("unet", 117_073),
)

GOLDEN = ("digits_resnet", "resnet18", "tiny_gpt")


@cache
def project(sample: Sample) -> Project:
    return open_project(sample.path, parameters=sample.parameters)
