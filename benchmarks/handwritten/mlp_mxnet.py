"""The perceptron of the iris in Gluon, as written by hand."""

import argparse
import sys

import numpy as np

np.bool = bool  # MXNet 1.9 still uses the alias that NumPy 1.24 removed

import mxnet as mx  # noqa: E402
from mxnet import autograd, gluon  # noqa: E402
from mxnet.gluon import nn  # noqa: E402
from sklearn.datasets import load_iris  # noqa: E402
from tqdm import tqdm  # noqa: E402

BATCH_SIZE = 16
EPOCHS = 30
LEARNING_RATE = 0.01


def load_data():
    iris = load_iris()
    order = np.random.default_rng(0).permutation(len(iris.data))[: int(0.8 * len(iris.data))]
    features = iris.data[order]
    features = (features - features.mean(axis=0)) / features.std(axis=0)
    return features.astype(np.float32), iris.target[order]


def train(model, data, args):
    context = mx.Context(args.device)
    trainer = gluon.Trainer(model.collect_params(), "adam", {"learning_rate": LEARNING_RATE})
    cross_entropy = gluon.loss.SoftmaxCrossEntropyLoss()
    batches = mx.io.NDArrayIter(*data, BATCH_SIZE, shuffle=True, last_batch_handle="discard")
    epoch_steps = len(data[0]) // BATCH_SIZE
    for epoch in range(args.epochs):
        total = 0.0
        batches.reset()
        for batch in tqdm(batches, desc=f"epoch {epoch + 1}/{args.epochs}", total=epoch_steps):
            features = batch.data[0].as_in_context(context)
            species = batch.label[0].as_in_context(context)
            with autograd.record():
                loss = cross_entropy(model(features), species).mean()
            loss.backward()
            trainer.step(1)
            total += loss.asscalar()
        print(f"epoch {epoch + 1}: loss {total / epoch_steps:.4f}", file=sys.stderr)
    return args.epochs * epoch_steps


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--device", default="cpu")
    args = parser.parse_args()
    mx.random.seed(0)
    model = nn.HybridSequential()
    model.add(nn.Dense(32, activation="relu"), nn.Dense(32, activation="relu"), nn.Dense(3))
    model.initialize(mx.init.Xavier(), ctx=mx.Context(args.device))
    model.hybridize(static_alloc=True, static_shape=True)
    train(model, load_data(), args)


if __name__ == "__main__":
    main()
