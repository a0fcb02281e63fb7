r"""DigitsResNet for MXNet Gluon, compiled from digits_resnet.model.

    python digits_resnet_mxnet.py --save digits_resnet.safetensors
    python digits_resnet_mxnet.py --epochs 0 --weights digits_resnet.safetensors \
        --export digits_resnet

image f32[N, 1, 8, 8] -> logits f32[N, 10]; 174,970 trainable parameters.
"""

import argparse
import math
import os
import sys
from functools import partial

import numpy as np
from safetensors.numpy import load_file
from safetensors.numpy import save as to_bytes
from sklearn.datasets import load_digits
from tqdm import tqdm

# ruff: noqa: E402
np.bool = bool  # MXNet 1.9 still uses the alias that NumPy 1.24 removed
# Its sums in place of the gradients of a value with many uses break the graph.
os.environ.setdefault("MXNET_EXEC_INPLACE_GRAD_SUM_CAP", "1000000")

import mxnet as mx
from mxnet import autograd, gluon, nd
from mxnet.gluon import nn

GLOROT_UNIFORM = mx.init.Xavier("uniform", "avg", magnitude=3)
HE_UNIFORM = mx.init.Xavier("uniform", "in", magnitude=6)
softmax_cross_entropy = gluon.loss.SoftmaxCrossEntropyLoss()
BATCH_SIZE = 32
EPOCHS = 5
LEARNING_RATE = 0.05
MOMENTUM = 0.9
WEIGHT_DECAY = 0.0001
WARMUP_STEPS = 50
SEED = 0


conv2d = partial(nn.Conv2D, use_bias=False, weight_initializer=HE_UNIFORM)


class BasicBlock(nn.HybridBlock):
    def __init__(self, in_channels, channels, stride=1):
        super().__init__()
        self.identity = stride == 1 and in_channels == channels
        self.conv1 = conv2d(channels, 3, strides=stride, padding=1)
        self.norm1 = nn.BatchNorm()
        self.conv2 = conv2d(channels, 3, padding=1)
        self.norm2 = nn.BatchNorm()
        if not self.identity:
            self.project = conv2d(channels, 1, strides=stride)
            self.project_norm = nn.BatchNorm()

    def hybrid_forward(self, F, x):
        h = F.Activation(self.norm1(self.conv1(x)), act_type="relu")
        h = self.norm2(self.conv2(h))
        shortcut = x if self.identity else self.project_norm(self.project(x))
        return F.Activation(h + shortcut, act_type="relu")


class DigitsResNet(nn.HybridBlock):
    def __init__(self, classes=10, width=16, depth=2):
        super().__init__()
        self.stem = conv2d(width, 3, padding=1)
        self.stem_norm = nn.BatchNorm()
        self.basic_block = block_list(
            block_list(*[BasicBlock(width, width) for _ in range(depth)]),
            block_list(
                BasicBlock(width, 2 * width, stride=2),
                *[BasicBlock(2 * width, 2 * width) for _ in range(1, depth)],
            ),
            block_list(
                BasicBlock(2 * width, 4 * width, stride=2),
                *[BasicBlock(4 * width, 4 * width) for _ in range(1, depth)],
            ),
        )
        self.dense = nn.Dense(classes, weight_initializer=GLOROT_UNIFORM)

    def hybrid_forward(self, F, image):
        h = F.Activation(self.stem_norm(self.stem(image)), act_type="relu")
        for stage in self.basic_block:
            h = stage(h)
        return self.dense(F.mean(h, axis=(2, 3)))  # [N, classes]


def block_list(*blocks):
    """Blocks kept in order; Gluon's counterpart of a list of layers."""
    stack = nn.HybridSequential()
    stack.add(*blocks)
    return stack


def load_data(seed):
    """(image, label) to train on and to test on."""
    digits = load_digits()
    image = digits.images[:, None].astype(np.float32) / 16
    label = digits.target.astype(np.int64)
    order = np.random.default_rng(seed).permutation(len(image))
    split = int(0.8 * len(image))
    train, test = order[:split], order[split:]
    return (image[train], label[train]), (image[test], label[test])


def learning_rate_factor(step, steps):
    """Linear warm-up, then cosine decay to zero; a factor of the base rate."""
    if step < WARMUP_STEPS:
        return (step + 1) / WARMUP_STEPS
    progress = (step - WARMUP_STEPS) / max(1, steps - WARMUP_STEPS)
    return 0.5 * (1 + math.cos(math.pi * progress))


class Accuracy:
    """Share of labels that have the largest score."""

    def __init__(self):
        self.correct = self.total = 0

    def update(self, logits, label):
        correct = logits.argmax(axis=1) == label
        self.correct += correct.sum()
        self.total += correct.size

    def result(self):
        return self.correct / self.total


def train(model, arrays, args):
    """Train on the arrays until `args.epochs` are done."""
    trainer = gluon.Trainer(
        model.collect_params(),
        "sgd",
        {"learning_rate": LEARNING_RATE, "momentum": MOMENTUM, "wd": WEIGHT_DECAY},
    )
    dataset = gluon.data.ArrayDataset(*arrays)
    loader = gluon.data.DataLoader(
        dataset, args.batch_size, shuffle=True, last_batch="discard"
    )
    step, steps = 0, args.epochs * len(loader)
    for epoch in range(args.epochs):
        total = 0.0
        title = f"epoch {epoch + 1}/{args.epochs}"
        for batch in tqdm(loader, desc=title, disable=None):
            image, label = (array.as_in_context(args.device) for array in batch)
            factor = learning_rate_factor(step, steps)
            before = learning_rate_factor(max(0, step - 1), steps)
            trainer.set_learning_rate(LEARNING_RATE * factor)
            # MXNet's velocity has the rate in it.
            trainer.optimizer.momentum = MOMENTUM * factor / (before or 1.0)
            with autograd.record():
                logits = model(image)
                loss = nd.mean(softmax_cross_entropy(logits, label))
            loss.backward()
            trainer.step(1)
            step += 1
            total += float(loss.asscalar())
            if not math.isfinite(total):
                raise SystemExit(f"{title}, step {step}: the loss is not finite")
        print(f"{title}: loss {total / len(loader):.4f}", file=sys.stderr)


def evaluate(model, arrays, args):
    """The metrics over all rows of the arrays."""
    metrics = {"accuracy": Accuracy()}
    total = 0.0
    dataset = gluon.data.ArrayDataset(*arrays)
    for batch in gluon.data.DataLoader(dataset, args.batch_size):
        image, label = (array.as_in_context(args.device) for array in batch)
        logits = model(image)
        metrics["accuracy"].update(logits.asnumpy(), label.asnumpy())
        total += len(image) * float(
            nd.mean(softmax_cross_entropy(logits, label)).asscalar()
        )
    result = {name: float(metric.result()) for name, metric in metrics.items()}
    return {"loss": total / len(arrays[0]), **result}


def weights(model):
    """Parameters and running statistics, named as in the source."""
    names = {"gamma": "weight", "beta": "bias"}
    return {
        ".".join(names.get(part, part) for part in path.split(".")): parameter
        for path, parameter in model._collect_params_with_prefix().items()
    }


def load(model, tensors, path):
    """Put the tensors, read from `path`, into the model: exactly those it has."""
    named = weights(model)
    if wrong := sorted(named.keys() ^ tensors.keys()):
        raise SystemExit(f"{path}: missing or unexpected {wrong}")
    for name, parameter in named.items():
        parameter.set_data(nd.array(tensors[name], dtype=tensors[name].dtype))


def save(model, path):
    tensors = {name: p.data().asnumpy() for name, p in weights(model).items()}
    with open(path, "wb") as file:
        file.write(to_bytes(tensors))


def export(model, path):
    """Write the graph and its parameters: PATH-symbol.json and PATH-0000.params."""
    symbol = model(mx.sym.var("image"))
    symbol.save(f"{path}-symbol.json")
    states = set(symbol.list_auxiliary_states())
    parameters = {
        f"{'aux' if name in states else 'arg'}:{name}": parameter.data()
        for name, parameter in model.collect_params().items()
    }
    nd.save(f"{path}-0000.params", parameters)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--batch-size", type=int, default=BATCH_SIZE)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--device", default="cuda" if mx.context.num_gpus() else "cpu")
    parser.add_argument("--weights", help="start from these weights (safetensors)")
    parser.add_argument("--save", help="write the weights here (safetensors)")
    parser.add_argument("--export", help="write FILE-symbol.json and FILE-0000.params")
    args = parser.parse_args()

    args.device = mx.Context(args.device.replace("cuda", "gpu"))
    np.random.seed(args.seed)
    mx.random.seed(args.seed)
    model = DigitsResNet()
    model.infer_shape(nd.zeros((2, 1, 8, 8)))  # fixes the parameters' shapes
    model.initialize(ctx=args.device)
    if args.weights:
        load(model, load_file(args.weights), args.weights)
    model.hybridize(static_alloc=True, static_shape=True)
    if args.epochs or not args.export:  # to export alone takes no data
        train_part, test_part = load_data(args.seed)
        train(model, train_part, args)
        print(evaluate(model, test_part, args))
    if args.save:
        save(model, args.save)
    if args.export:
        export(model, args.export)


if __name__ == "__main__":
    main()

# Compiled by Tercet. sha256 of the lines above: 054fb4ba7258b327
