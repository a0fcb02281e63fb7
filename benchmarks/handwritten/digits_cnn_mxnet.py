"""DigitsCNN in Gluon, as written by hand: what the generated script is compared with."""

import argparse
import math
import sys

import numpy as np

np.bool = bool  # MXNet 1.9 still uses the alias that NumPy 1.24 removed

import mxnet as mx  # noqa: E402
from mxnet import autograd, gluon  # noqa: E402
from mxnet.gluon import nn  # noqa: E402
from sklearn.datasets import load_digits  # noqa: E402
from tqdm import tqdm  # noqa: E402

BATCH_SIZE = 32
EPOCHS = 10
LEARNING_RATE = 0.05
MOMENTUM = 0.9
WEIGHT_DECAY = 1e-4
WARMUP_STEPS = 100
MAX_NORM = 1.0


def make_model():
    model = nn.HybridSequential()
    for channels in (32, 64):
        model.add(
            nn.Conv2D(channels, 3, padding=1, use_bias=False),
            nn.BatchNorm(),
            nn.Activation("relu"),
        )
    model.add(nn.MaxPool2D(), nn.Flatten(), nn.Dropout(0.25), nn.Dense(10))
    return model


def load_data():
    digits = load_digits()
    image = (digits.images[:, None] / 16).astype(np.float32)
    order = np.random.default_rng(0).permutation(len(image))[: int(0.8 * len(image))]
    return image[order], digits.target[order]


def factor(step, steps):
    """Linear warm-up, then cosine decay."""
    if step < WARMUP_STEPS:
        return (step + 1) / WARMUP_STEPS
    progress = (step - WARMUP_STEPS) / max(1, steps - WARMUP_STEPS)
    return 0.5 * (1 + math.cos(math.pi * progress))


def train(model, data, args):
    context = mx.Context(args.device)
    settings = {"learning_rate": LEARNING_RATE, "momentum": MOMENTUM, "wd": WEIGHT_DECAY}
    trainer = gluon.Trainer(model.collect_params(), "sgd", settings)
    parameters = [p for p in model.collect_params().values() if p.grad_req != "null"]
    cross_entropy = gluon.loss.SoftmaxCrossEntropyLoss()
    batches = mx.io.NDArrayIter(*data, BATCH_SIZE, shuffle=True, last_batch_handle="discard")
    epoch_steps = len(data[0]) // BATCH_SIZE
    step, steps = 0, args.epochs * epoch_steps
    for epoch in range(args.epochs):
        total = 0.0
        batches.reset()
        for batch in tqdm(batches, desc=f"epoch {epoch + 1}/{args.epochs}", total=epoch_steps):
            image = batch.data[0].as_in_context(context)
            label = batch.label[0].as_in_context(context)
            trainer.set_learning_rate(LEARNING_RATE * factor(step, steps))
            with autograd.record():
                loss = cross_entropy(model(image), label).mean()
            loss.backward()
            gradients = [p.grad() for p in parameters]
            gluon.utils.clip_global_norm(gradients, MAX_NORM, check_isfinite=False)
            trainer.step(1)
            total += loss.asscalar()
            step += 1
        print(f"epoch {epoch + 1}: loss {total / epoch_steps:.4f}", file=sys.stderr)
    return step


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--device", default="cpu")
    args = parser.parse_args()
    mx.random.seed(0)
    model = make_model()
    model.initialize(mx.init.Xavier(), ctx=mx.Context(args.device))
    model.hybridize(static_alloc=True, static_shape=True)
    train(model, load_data(), args)


if __name__ == "__main__":
    main()
