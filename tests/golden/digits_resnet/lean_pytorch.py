r"""DigitsResNet for PyTorch, compiled from digits_resnet.model.

    python digits_resnet_pytorch.py --save digits_resnet.safetensors
    python digits_resnet_pytorch.py --epochs 0 --weights digits_resnet.safetensors \
        --export digits_resnet.onnx

image f32[N, 1, 8, 8] -> logits f32[N, 10]; 174,970 trainable parameters.
"""

import argparse
import math
import sys

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
EPOCHS = 5
LEARNING_RATE = 0.05
MOMENTUM = 0.9
WEIGHT_DECAY = 0.0001
WARMUP_STEPS = 50
SEED = 0


class BasicBlock(nn.Module):
    def __init__(self, in_channels, channels, stride=1):
        super().__init__()
        self.identity = stride == 1 and in_channels == channels
        self.conv1 = nn.Conv2d(
            in_channels, channels, 3, stride=stride, padding=1, bias=False
        )
        self.norm1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(channels)
        if not self.identity:
            self.project = nn.Conv2d(
                in_channels, channels, 1, stride=stride, bias=False
            )
            self.project_norm = nn.BatchNorm2d(channels)

    def forward(self, x):
        h = F.relu(self.norm1(self.conv1(x)))
        h = self.norm2(self.conv2(h))
        shortcut = x if self.identity else self.project_norm(self.project(x))
        return F.relu(h + shortcut)


class DigitsResNet(nn.Module):
    def __init__(self, classes=10, width=16, depth=2):
        super().__init__()
        self.classes = classes
        self.stem = nn.Conv2d(1, width, 3, padding=1, bias=False)
        self.stem_norm = nn.BatchNorm2d(width)
        self.basic_block = nn.ModuleList(
            [
                nn.Sequential(*[BasicBlock(width, width) for _ in range(depth)]),
                nn.Sequential(
                    BasicBlock(width, 2 * width, stride=2),
                    *[BasicBlock(2 * width, 2 * width) for _ in range(1, depth)],
                ),
                nn.Sequential(
                    BasicBlock(2 * width, 4 * width, stride=2),
                    *[BasicBlock(4 * width, 4 * width) for _ in range(1, depth)],
                ),
            ]
        )
        self.dense = nn.Linear(4 * width, classes)
        self.apply(initialize)

    def forward(self, image):
        h = F.relu(self.stem_norm(self.stem(image)))  # [N, width, 8, 8]
        for stage in self.basic_block:
            h = stage(h)
        return self.dense(h.mean(dim=(2, 3)))  # [N, classes]


def initialize(module):
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_uniform_(module.weight, nonlinearity="relu")
    elif isinstance(module, nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        nn.init.zeros_(module.bias)


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
    dataset = TensorDataset(*map(torch.from_numpy, arrays))
    optimizer = torch.optim.SGD(
        model.parameters(), LEARNING_RATE, momentum=MOMENTUM, weight_decay=WEIGHT_DECAY
    )
    # PyTorch's BatchNorm averages unbiased variances; the source means biased ones.
    loader = DataLoader(dataset, args.batch_size, shuffle=True, drop_last=True)
    step, steps = 0, args.epochs * len(loader)
    for epoch in range(args.epochs):
        model.train()
        total = 0.0
        title = f"epoch {epoch + 1}/{args.epochs}"
        for batch in tqdm(loader, desc=title, disable=None):
            image, label = (t.to(args.device) for t in batch)
            for group in optimizer.param_groups:
                group["lr"] = LEARNING_RATE * learning_rate_factor(step, steps)
            optimizer.zero_grad()
            logits = model(image)
            loss = F.cross_entropy(logits, label)
            loss.backward()
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
    metrics = {"accuracy": Accuracy()}
    total = 0.0
    for batch in DataLoader(dataset, args.batch_size):
        image, label = (t.to(args.device) for t in batch)
        logits = model(image)
        metrics["accuracy"].update(logits.cpu().numpy(), label.cpu().numpy())
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
    model = DigitsResNet().to(args.device)
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

# Compiled by Tercet. sha256 of the lines above: 0ae7524ca2ee14c4
