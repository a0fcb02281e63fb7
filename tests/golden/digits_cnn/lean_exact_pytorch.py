r"""DigitsCNN for PyTorch, compiled from digits_cnn.model.

    python digits_cnn_pytorch.py --save digits_cnn.safetensors
    python digits_cnn_pytorch.py --epochs 0 --weights digits_cnn.safetensors \
        --export digits_cnn.onnx

image f32[N, 1, 8, 8] -> logits f32[N, 10]; 29,162 trainable parameters.
"""

import argparse
import hashlib
import math
import sys
import zlib
from collections import Counter

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from safetensors.torch import save as to_bytes
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from tqdm import tqdm

BATCH_SIZE = 32
EPOCHS = 10
LEARNING_RATE = 0.05
MOMENTUM = 0.9
WEIGHT_DECAY = 0.0001
WARMUP_STEPS = 100
MAX_GRADIENT_NORM = 1.0
SEED = 0


class ConvBnRelu(nn.Module):
    """Convolution without bias, batch normalisation, ReLU."""

    def __init__(self, in_channels, channels):
        super().__init__()
        self.conv2d = nn.Conv2d(in_channels, channels, 3, padding=1, bias=False)
        self.batch_norm = BatchNorm2d(channels)

    def forward(self, x):
        return F.relu(self.batch_norm(self.conv2d(x)))


class DigitsCNN(nn.Module):
    def __init__(self, classes=10, width=32):
        super().__init__()
        self.classes = classes
        self.conv_bn_relu = ConvBnRelu(1, width)
        self.conv_bn_relu_1 = ConvBnRelu(width, 2 * width)
        self.dropout = Dropout(0.25)
        self.dense = nn.Linear(32 * width, classes)
        name_layers(self)

    def forward(self, image):
        h = F.max_pool2d(self.conv_bn_relu_1(self.conv_bn_relu(image)), 2)
        h = self.dropout(h.flatten(1))  # [N, 32 * width]
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


class BatchNorm2d(nn.BatchNorm2d):
    """Averages the variance of the batch; PyTorch's own an unbiased estimate."""

    def forward(self, x):
        if not self.training:
            return super().forward(x)
        axes = [0, *range(2, x.dim())]
        variance, mean = torch.var_mean(x.detach(), axes, correction=0)
        self.running_mean.lerp_(mean, self.momentum)
        self.running_var.lerp_(variance, self.momentum)
        return F.batch_norm(x, None, None, self.weight, self.bias, True, eps=self.eps)


class Dropout(nn.Dropout):
    """Zeros where `draws` says so, the same in every framework: elements, or all that
    is at one place of the first axes, so many."""

    def __init__(self, rate, axes=None):
        super().__init__(rate)
        self.axes = axes

    def forward(self, x):
        if not self.training:
            return x
        first = x.dim() if self.axes is None else self.axes
        shape = (*x.shape[:first], *(1,) * (x.dim() - first))
        kept = draws.of(self.source_name).random(shape) >= self.p
        return x * torch.as_tensor(kept).to(x) / (1 - self.p)


def name_layers(model):
    """Tell layers that draw random numbers what they are called in the source."""
    for name, module in model.named_modules():
        if isinstance(module, Dropout):
            module.source_name = name


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


def in_order(dataset, order):
    """A loader of batches drawn already; it leaves the random state alone."""
    return DataLoader(
        dataset, batch_size=None, sampler=order, generator=torch.Generator()
    )


def train(model, arrays, args):
    """Train on the arrays until `args.epochs` are done."""
    dataset = TensorDataset(*map(torch.from_numpy, arrays))
    optimizer = torch.optim.SGD(
        model.parameters(), LEARNING_RATE, momentum=MOMENTUM, weight_decay=WEIGHT_DECAY
    )
    epoch_steps = len(batches(len(dataset), args.batch_size, args.seed, 0))
    steps = args.epochs * epoch_steps
    step = 0
    for epoch in range(args.epochs):
        model.train()
        order = batches(len(dataset), args.batch_size, args.seed, epoch)
        loader = in_order(dataset, order)
        total = 0.0
        title = f"epoch {epoch + 1}/{args.epochs}"
        for batch in tqdm(loader, desc=title, disable=None):
            image, label = (t.to(args.device) for t in batch)
            draws.begin(args.seed, step)
            for group in optimizer.param_groups:
                group["lr"] = LEARNING_RATE * learning_rate_factor(step, steps)
            optimizer.zero_grad()
            logits = model(image)
            loss = F.cross_entropy(logits, label)
            loss.backward()
            gradients = [p.grad for p in model.parameters() if p.grad is not None]
            norm = nn.utils.get_total_norm(gradients) - 1e-6  # PyTorch adds it again
            nn.utils.clip_grads_with_norm_(model.parameters(), MAX_GRADIENT_NORM, norm)
            optimizer.step()
            step += 1
            total += loss.item()
            if not math.isfinite(total):
                raise SystemExit(f"{title}, step {step}: the loss is not finite")
        print(f"{title}: loss {total / len(loader):.4f}", file=sys.stderr)


@torch.no_grad()
def evaluate(model, arrays, args):
    """Loss and metrics over all rows of the arrays."""
    model.eval()
    dataset = TensorDataset(*map(torch.from_numpy, arrays))
    metrics = {"accuracy": Accuracy(), "top3": TopKAccuracy()}
    total = 0.0
    for batch in DataLoader(dataset, args.batch_size):
        image, label = (t.to(args.device) for t in batch)
        logits = model(image)
        metrics["accuracy"].update(logits.cpu().numpy(), label.cpu().numpy())
        metrics["top3"].update(logits.cpu().numpy(), label.cpu().numpy())
        total += len(image) * F.cross_entropy(logits, label)
    result = {name: float(metric.result()) for name, metric in metrics.items()}
    return {"loss": float(total) / len(dataset), **result}


def weights(model):
    """Parameters and running statistics, named as in the source."""
    return {
        name: tensor
        for name, tensor in model.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }


def load(model, tensors, path):
    """Put the tensors, read from `path`, into the model: exactly those it has."""
    named = weights(model)
    if wrong := sorted(named.keys() ^ tensors.keys()):
        raise SystemExit(f"{path}: missing or unexpected {wrong}")
    for name, parameter in named.items():
        if tensors[name].shape != parameter.shape:
            raise SystemExit(f"{path}: {name} has another shape in the model")
        parameter.copy_(tensors[name])


def save(model, path):
    tensors = {name: p.cpu().contiguous() for name, p in weights(model).items()}
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
    for name, tensor in weights(model).items():
        value = initial_value(name, tuple(tensor.shape), seed)
        tensor.copy_(torch.as_tensor(value))


def export(model, path):
    import onnx

    torch.onnx.export(
        model.eval().cpu(),
        (torch.zeros(2, 1, 8, 8),),
        path,
        input_names=["image"],
        output_names=["logits"],
        dynamic_axes={"image": {0: "N"}},
        opset_version=17,
        dynamo=False,
    )
    proto = onnx.load(path, load_external_data=False)
    shapes = {"logits": ("N", model.classes)}
    for value in proto.graph.output:  # tracing does not follow all of their sizes
        dtype = value.type.tensor_type.elem_type
        shape = shapes[value.name]
        value.type.CopyFrom(onnx.helper.make_tensor_type_proto(dtype, shape))
    onnx.save(proto, path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--batch-size", type=int, default=BATCH_SIZE)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument(
        "--device", default="cuda" if torch.cuda.is_available() else "cpu"
    )
    parser.add_argument("--weights", help="start from these weights (safetensors)")
    parser.add_argument("--save", help="write the weights here (safetensors)")
    parser.add_argument("--export", help="write an ONNX model here")
    args = parser.parse_args()

    torch.manual_seed(args.seed)
    model = DigitsCNN().to(args.device)
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

# Compiled by Tercet. sha256 of the lines above: c20626b6c4f929fd
