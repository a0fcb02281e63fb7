r"""DigitsCNN for MXNet Gluon, compiled from digits_cnn.model.

    python digits_cnn_mxnet.py --save digits_cnn.safetensors
    python digits_cnn_mxnet.py --epochs 0 --weights digits_cnn.safetensors \
        --export digits_cnn

image f32[N, 1, 8, 8] -> logits f32[N, 10]; 29,162 trainable parameters.
"""

import argparse
import hashlib
import math
import os
import sys
import zlib
from collections import Counter

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

softmax_cross_entropy = gluon.loss.SoftmaxCrossEntropyLoss()
BATCH_SIZE = 32
EPOCHS = 10
LEARNING_RATE = 0.05
MOMENTUM = 0.9
WEIGHT_DECAY = 0.0001
WARMUP_STEPS = 100
MAX_GRADIENT_NORM = 1.0
SEED = 0


class ConvBnRelu(nn.HybridBlock):
    """Convolution without bias, batch normalisation, ReLU."""

    def __init__(self, channels):
        super().__init__()
        self.conv2d = nn.Conv2D(channels, 3, padding=1, use_bias=False)
        self.batch_norm = BatchNorm()

    def hybrid_forward(self, F, x):
        return F.Activation(self.batch_norm(self.conv2d(x)), act_type="relu")


class DigitsCNN(nn.HybridBlock):
    def __init__(self, classes=10, width=32):
        super().__init__()
        self.conv_bn_relu = ConvBnRelu(width)
        self.conv_bn_relu_1 = ConvBnRelu(2 * width)
        self.dropout = Dropout(0.25)
        self.dense = nn.Dense(classes)
        name_layers(self)

    def hybrid_forward(self, F, image):
        h = F.Pooling(
            self.conv_bn_relu_1(self.conv_bn_relu(image)),
            kernel=(2, 2),
            stride=(2, 2),
            pool_type="max",
        )  # [N, 2 * width, 4, 4]
        h = self.dropout(F.flatten(h))  # [N, 32 * width]
        return self.dense(h)  # [N, classes]


class Draws:
    """Random numbers by the step of training and by the name of what draws them."""

    def begin(self, seed, step, update=0):
        """Start a step, or the evaluation of a batch."""
        self.key, self.times = (seed, step, update), Counter()

    def of(self, name):
        """The generator for the next application of what is called so."""
        key = (*self.key, zlib.crc32(name.encode()), self.times[name])
        self.times[name] += 1
        return np.random.default_rng(key)


draws = Draws()


class BatchNorm(nn.BatchNorm):
    """Averages as it runs, in full precision; MXNet's own with the gradients."""

    def __init__(self, momentum=0.9, **settings):
        super().__init__(momentum=1, **settings)
        self.share = 1 - momentum

    def hybrid_forward(self, F, x, gamma, beta, running_mean, running_var):
        if mx.autograd.is_training():
            with mx.autograd.pause():
                mean = nd.mean(x, axis=1, exclude=True, keepdims=True)
                square = nd.square(nd.broadcast_sub(x, mean))
                variance = nd.mean(square, axis=1, exclude=True)
                running_mean += self.share * (mean.reshape(-1) - running_mean)
                running_var += self.share * (variance - running_var)
        return super().hybrid_forward(F, x, gamma, beta, running_mean, running_var)


class Dropout(nn.Dropout):
    """Zeros where `draws` says so, the same in every framework: elements, or all that
    is at one place of the first axes, so many."""

    def __init__(self, rate, first=None):
        super().__init__(rate)
        self.first = first

    def hybrid_forward(self, F, x):
        if not mx.autograd.is_training():
            return super().hybrid_forward(F, x)
        first = x.ndim if self.first is None else self.first
        shape = (*x.shape[:first], *(1,) * (x.ndim - first))
        kept = draws.of(self.source_name).random(shape) >= self._rate
        kept = nd.array(kept, ctx=x.context, dtype=x.dtype)
        return nd.broadcast_mul(x, kept) / (1 - self._rate)


def name_layers(block, prefix=""):
    """Tell layers that draw random numbers what they are called in the source."""
    for name, child in block._children.items():
        path = prefix + name
        if isinstance(child, Dropout):
            child.source_name = path
        name_layers(child, f"{path}.")


def load_data(seed):
    """(image, label) to train on and to test on."""
    digits = load_digits()
    image = digits.images[:, None].astype(np.float32) / 16
    label = digits.target.astype(np.int64)
    order = np.random.default_rng(seed).permutation(len(image))
    split = int(0.8 * len(image))
    train, test = order[:split], order[split:]
    return (image[train], label[train]), (image[test], label[test])


def batches(rows, batch_size, seed, epoch):
    """Row numbers of each batch of an epoch; rows that fill no batch sit it out."""
    if rows < batch_size:
        raise SystemExit(f"{rows} training rows do not fill a batch of {batch_size}")
    order = np.random.default_rng((seed, epoch)).permutation(rows)
    return order[: rows - rows % batch_size].reshape(-1, batch_size)


def learning_rate_factor(step, steps):
    """Linear warm-up, then cosine decay to zero; a factor of the base rate."""
    if step < WARMUP_STEPS:
        return (step + 1) / WARMUP_STEPS
    progress = (step - WARMUP_STEPS) / max(1, steps - WARMUP_STEPS)
    return 0.5 * (1 + math.cos(math.pi * progress))


class Momentum(mx.optimizer.Optimizer):
    """Gradient descent with momentum; the velocity is free of the rate."""

    def __init__(self, momentum=0.9, **settings):
        super().__init__(**settings)
        self.momentum = momentum

    def create_state(self, index, weight):
        return (nd.zeros_like(weight),)

    def update(self, index, weight, gradient, state):
        self._update_count(index)
        rate, wd = self._get_lr(index), self._get_wd(index)
        (velocity,) = state
        velocity[:] = self.momentum * velocity + gradient + wd * weight
        weight[:] = weight - rate * velocity


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


class TopKAccuracy:
    """Share of labels with fewer than k classes of a larger score."""

    def __init__(self):
        self.correct = self.total = 0

    def update(self, logits, label):
        label = np.expand_dims(label, 1)
        larger = logits > np.take_along_axis(logits, label, 1)
        correct = larger.sum(axis=1) < 3
        self.correct += correct.sum()
        self.total += correct.size

    def result(self):
        return self.correct / self.total


def train(model, arrays, args):
    """Train on the arrays until `args.epochs` are done."""
    trainer = gluon.Trainer(
        model.collect_params(),
        Momentum(learning_rate=LEARNING_RATE, momentum=MOMENTUM, wd=WEIGHT_DECAY),
    )
    changed = [
        parameter
        for parameter in model.collect_params().values()
        if parameter.grad_req != "null"
    ]
    epoch_steps = len(batches(len(arrays[0]), args.batch_size, args.seed, 0))
    steps = args.epochs * epoch_steps
    step = 0
    for epoch in range(args.epochs):
        loader = batches(len(arrays[0]), args.batch_size, args.seed, epoch)
        total = 0.0
        title = f"epoch {epoch + 1}/{args.epochs}"
        for rows in tqdm(loader, desc=title, disable=None):
            image, label = (
                nd.from_numpy(np.ascontiguousarray(array[rows])).as_in_context(
                    args.device
                )
                for array in arrays
            )
            draws.begin(args.seed, step)
            trainer.set_learning_rate(LEARNING_RATE * learning_rate_factor(step, steps))
            with autograd.record():
                logits = model(image)
                loss = nd.mean(softmax_cross_entropy(logits, label))
            loss.backward()
            gradients = [parameter.grad() for parameter in changed]
            norm = nd.sqrt(nd.add_n(*(nd.sum(gradient**2) for gradient in gradients)))
            for gradient in gradients:
                gradient *= MAX_GRADIENT_NORM / nd.maximum(norm, MAX_GRADIENT_NORM)
            trainer.step(1)
            step += 1
            total += float(loss.asscalar())
            if not math.isfinite(total):
                raise SystemExit(f"{title}, step {step}: the loss is not finite")
        print(f"{title}: loss {total / len(loader):.4f}", file=sys.stderr)


def evaluate(model, arrays, args):
    """The metrics over all rows of the arrays."""
    metrics = {"accuracy": Accuracy(), "top3": TopKAccuracy()}
    total = 0.0
    dataset = gluon.data.ArrayDataset(*arrays)
    for batch in gluon.data.DataLoader(dataset, args.batch_size):
        image, label = (array.as_in_context(args.device) for array in batch)
        logits = model(image)
        metrics["accuracy"].update(logits.asnumpy(), label.asnumpy())
        metrics["top3"].update(logits.asnumpy(), label.asnumpy())
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


def fans(shape):
    """How many inputs and outputs one weight connects."""
    field = math.prod(shape[2:])
    return shape[1] * field, shape[0] * field


def scaled_uniform(random, shape, variance):
    bound = math.sqrt(3 * variance)
    return random.uniform(-bound, bound, shape)


def initial_value(name, shape, seed):
    """What a weight starts as: it depends on the seed and its name alone."""
    digest = hashlib.sha256(f"{seed}:{name}".encode()).digest()
    key = int.from_bytes(digest[:16], "little")
    random = np.random.Generator(np.random.Philox(key=key))
    if name == "dense.weight":
        return scaled_uniform(random, shape, 2 / sum(fans(shape)))
    if name in ("conv_bn_relu.batch_norm.weight", "conv_bn_relu_1.batch_norm.weight"):
        return np.ones(shape)
    kind = name.rpartition(".")[2]
    if kind == "running_var":
        return np.ones(shape)
    if kind in ("bias", "running_mean"):
        return np.zeros(shape)
    return scaled_uniform(random, shape, 2 / fans(shape)[0])


def start(model, seed):
    """Give every weight its initial value, the same in every framework."""
    for name, parameter in weights(model).items():
        value = initial_value(name, parameter.shape, seed)
        parameter.set_data(nd.array(value, dtype=parameter.dtype))


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
    model = DigitsCNN()
    model.infer_shape(nd.zeros((2, 1, 8, 8)))  # fixes the parameters' shapes
    model.initialize(ctx=args.device)
    start(model, args.seed)
    if args.weights:
        load(model, load_file(args.weights), args.weights)
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

# Compiled by Tercet. sha256 of the lines above: 3d142a54a6b959e9
