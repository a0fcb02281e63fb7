r"""DigitsResNet for MXNet Gluon, compiled from digits_resnet.model.

    python digits_resnet_mxnet.py --save digits_resnet.safetensors
    python digits_resnet_mxnet.py --epochs 0 --weights digits_resnet.safetensors \
        --export digits_resnet

image f32[N, 1, 8, 8] -> logits f32[N, 10]; 174,970 trainable parameters.
"""

import argparse
import fcntl
import json
import math
import os
import sys
from functools import partial

import numpy as np
from safetensors import SafetensorError, safe_open
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
        self.classes = classes
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


def load_data(seed, model):
    """(image, label) to train on and to test on."""
    digits = load_digits()
    image = digits.images[:, None].astype(np.float32) / 16
    label = digits.target.astype(np.int64)
    if model.classes - 1 < 9:
        raise SystemExit(
            f"label is from 0 to 9; the model takes 0 to {model.classes - 1}"
        )
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


def train(model, arrays, args):
    """Train on the arrays until `args.epochs` are done; gives the step."""
    trainer = gluon.Trainer(
        model.collect_params(),
        "sgd",
        {"learning_rate": args.lr, "momentum": MOMENTUM, "wd": WEIGHT_DECAY},
    )
    step = load_checkpoint(args, model, trainer) if args.resume else 0
    epoch_steps = len(batches(len(arrays[0]), args.batch_size, args.seed, 0))
    steps = args.epochs * epoch_steps
    if step > steps:
        raise SystemExit(f"{args.resume}: step {step} is beyond {args.epochs} epochs")
    for epoch in range(step // epoch_steps, args.epochs):
        order = batches(len(arrays[0]), args.batch_size, args.seed, epoch)
        loader = order[step % epoch_steps :]
        total = 0.0
        title = f"epoch {epoch + 1}/{args.epochs}"
        for rows in tqdm(loader, desc=title, disable=None):
            image, label = (
                nd.from_numpy(np.ascontiguousarray(array[rows])).as_in_context(
                    args.device
                )
                for array in arrays
            )
            factor = learning_rate_factor(step, steps)
            before = learning_rate_factor(max(0, step - 1), steps)
            trainer.set_learning_rate(args.lr * factor)
            # MXNet's velocity has the rate in it.
            trainer.optimizer.momentum = MOMENTUM * factor / (before or 1.0)
            with autograd.record():
                logits = model(image)
                loss = nd.mean(softmax_cross_entropy(logits, label))
            loss.backward()
            trainer.step(1)
            step += 1
            total += float(loss.asscalar())
            if not (math.isfinite(total) or args.allow_nonfinite):
                raise SystemExit(f"{title}, step {step}: the loss is not finite")
            if args.checkpoint_every and step % args.checkpoint_every == 0:
                check_weights(args, model, f"{title}, step {step}")
                save_checkpoint(args, model, trainer, step)
        mean = total / len(loader)
        print(f"epoch {epoch + 1}: loss {mean:.4f}", file=sys.stderr)
        if args.log_dir:
            rate = trainer.learning_rate
            record = {"epoch": epoch + 1, "step": step, "loss": mean}
            log(args.log_dir, {**record, "learning_rate": rate})
        check_weights(args, model, f"{title}, step {step}")
        if args.checkpoint:
            save_checkpoint(args, model, trainer, step)
    return step


def check_weights(args, model, where):
    """End training that has spoilt a weight, unless that is allowed."""
    if args.allow_nonfinite:
        return
    for name, parameter in weights(model).items():
        if not np.isfinite(parameter.data().asnumpy()).all():
            raise SystemExit(f"{where}: {name} is not finite")


def evaluate(model, arrays, args):
    """The metrics over all rows of the arrays."""
    metrics = {"accuracy": Accuracy()}
    total = 0.0
    for start in range(0, len(arrays[0]), args.batch_size):
        image, label = (
            nd.from_numpy(np.ascontiguousarray(part)).as_in_context(args.device)
            for part in (a[start : start + args.batch_size] for a in arrays)
        )
        logits = model(image)
        metrics["accuracy"].update(logits.asnumpy(), label.asnumpy())
        total += len(image) * float(
            nd.mean(softmax_cross_entropy(logits, label)).asscalar()
        )
    result = {name: float(metric.result()) for name, metric in metrics.items()}
    return {"loss": total / len(arrays[0]), **result}


def log(folder, record):
    """Append a line to metrics.jsonl in the folder."""
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "metrics.jsonl"), "a") as file:
        file.write(json.dumps(record) + "\n")


def save_checkpoint(args, model, trainer, step):
    """Write weights, optimizer state and step to `args.checkpoint`."""
    tensors = {f"weights/{name}": p.data() for name, p in weights(model).items()}
    for name, index in trained(model, trainer).items():
        for slot, array in enumerate(slots(trainer, index)):
            tensors[f"optimizer/{name}/{slot}"] = array
    run = {**identity(args.seed, args.batch_size), "step": str(step)}
    write(args.checkpoint, {n: array.asnumpy() for n, array in tensors.items()}, run)


def load_checkpoint(args, model, trainer):
    """Put everything back as `save_checkpoint` found it; gives the step."""
    tensors, step = read_checkpoint(args.resume, identity(args.seed, args.batch_size))
    kept = {n[8:]: t for n, t in tensors.items() if n.startswith("weights/")}
    load(model, kept, args.resume)
    for name, index in trained(model, trainer).items():
        for slot, array in enumerate(slots(trainer, index)):
            found = tensors.get(f"optimizer/{name}/{slot}", np.empty(0))
            if (found.shape or (1,), found.dtype) != (array.shape, array.dtype):
                raise SystemExit(
                    f"{args.resume}: no {slot} of the optimizer for {name}"
                )
            array[:] = found
        trainer.optimizer._index_update_count[index] = step
    trainer.optimizer.num_update = step
    return step


def trained(model, trainer):
    """The optimizer's numbers of the parameters that it changes."""
    numbers = {p.name: index for index, p in enumerate(trainer._params)}
    return {
        name: numbers[parameter.name]
        for name, parameter in weights(model).items()
        if parameter.grad_req != "null"
    }


def slots(trainer, index):
    """The arrays that the optimizer keeps for a parameter, made if need be."""
    updater = trainer._updaters[0]
    if index not in updater.states:
        weight = trainer._params[index].data()
        state = trainer.optimizer.create_state_multi_precision(index, weight)
        updater.states[index] = state
        updater.states_synced[index] = True
    state = updater.states[index]
    return state if isinstance(state, tuple) else [] if state is None else [state]


def identity(seed, batch_size):
    """What a checkpoint and the run that resumes it must agree in."""
    return {
        "format": "tercet-checkpoint-1",
        "model": "DigitsResNet",
        "target": "mxnet",
        "optimizer": "sgd, momentum",
        "seed": str(seed),
        "batch_size": str(batch_size),
    }


def read_checkpoint(path, run):
    """The tensors of a checkpoint and the number of its step."""
    try:
        with safe_open(path, "np") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}
    except (OSError, SafetensorError, AttributeError, KeyError, TypeError) as error:
        raise SystemExit(f"{path}: {error}") from None
    for name, value in run.items():
        if metadata.get(name) != value:
            raise SystemExit(f"{path}: {name} is {metadata.get(name)!r}, not {value!r}")
    step = metadata.get("step", "")
    if not step.isdecimal() or len(step) > 15:
        raise SystemExit(f"{path}: step is {step!r}, not a number of steps")
    return tensors, int(step)


def claim(path):
    """Keep other runs from writing this checkpoint until this process ends."""
    try:
        file = os.open(f"{path}.lock", os.O_CREAT | os.O_WRONLY, 0o666)
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise SystemExit(f"{path}: another run is writing this checkpoint") from None
    except OSError as error:
        raise SystemExit(f"{path}: {error}") from None


def predict(model, source, path, device):
    """Write the model's outputs for the inputs in the file `source`."""
    inputs = read(source)
    check(source, inputs, {"image": ("float32", "N", 1, 8, 8)})
    arrays = [
        nd.array(inputs[name], ctx=device, dtype=inputs[name].dtype)
        for name in ("image",)
    ]
    outputs = [model(*arrays)]
    names = ["logits"]
    arrays = {n: y.asnumpy() for n, y in zip(names, outputs, strict=True)}
    write(path, arrays)


def weights(model):
    """Parameters and running statistics, named as in the source."""
    names = {"gamma": "weight", "beta": "bias"}
    return {
        ".".join(names.get(part, part) for part in path.split(".")): parameter
        for path, parameter in model._collect_params_with_prefix().items()
    }


def read(path):
    """The tensors of a safetensors file."""
    try:
        return load_file(path)
    except (OSError, SafetensorError, AttributeError, KeyError, TypeError) as error:
        raise SystemExit(f"{path}: {error}") from None


def check(path, tensors, types):
    """Sizes by name of tensors in `path`, which must have these dtypes and shapes."""
    if tensors.keys() != types.keys():
        raise SystemExit(f"{path}: holds {sorted(tensors)}, not {sorted(types)}")
    sizes = {}
    for name, (dtype, *wanted) in types.items():
        found, shape = str(tensors[name].dtype), list(tensors[name].shape)
        wanted = [sizes.get(size, size) for size in wanted]
        pairs = zip(wanted, shape, strict=False)
        new = {size: have for size, have in pairs if isinstance(size, str) and have}
        if found != dtype or shape != [new.get(size, size) for size in wanted]:
            need = ", ".join(map(str, wanted))
            raise SystemExit(f"{path}: {name} is {found} {shape}, not {dtype} [{need}]")
        sizes |= new
    return sizes


def load(model, tensors, path):
    """Put the tensors, read from `path`, into the model: exactly those it has."""
    named = weights(model)
    if missing := sorted(named.keys() - tensors.keys()):
        raise SystemExit(f"{path}: missing {missing}")
    if unexpected := sorted(tensors.keys() - named.keys()):
        raise SystemExit(f"{path}: unexpected {unexpected}")
    for name, parameter in named.items():
        have = f"{tensors[name].dtype} {tensors[name].shape}"
        want = f"{np.dtype(parameter.dtype)} {parameter.shape}"
        if have != want:
            raise SystemExit(f"{path}: {name} is {have}, the model needs {want}")
        parameter.set_data(nd.array(tensors[name], dtype=tensors[name].dtype))


def save(model, path):
    write(path, {name: p.data().asnumpy() for name, p in weights(model).items()})


def write(path, tensors, metadata=None):
    """Write a safetensors file; a crash leaves the old one or the new one."""
    temporary = f"{path}.{os.getpid()}.tmp"
    try:
        with open(temporary, "wb") as file:
            file.write(to_bytes(tensors, metadata))
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except (OSError, SafetensorError) as error:
        raise SystemExit(f"{path}: {error}") from None


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


def find_device(name):
    """MXNet's device for `cpu`, `cuda` or `cuda:K`."""
    kind, _, number = name.partition(":")
    if kind == "cpu":
        return mx.cpu()
    known = kind == "cuda" and (number or "0").isdigit()
    if not known or int(number or 0) >= mx.context.num_gpus():
        raise SystemExit(f"MXNet finds no device {name}")
    return mx.gpu(int(number or 0))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--batch-size", type=int, default=BATCH_SIZE)
    parser.add_argument("--lr", type=float, default=LEARNING_RATE)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument(
        "--device",
        default="cuda" if mx.context.num_gpus() else "cpu",
        help="cpu, cuda or cuda:K",
    )
    parser.add_argument(
        "--weights", metavar="FILE", help="start from these weights (safetensors)"
    )
    parser.add_argument(
        "--save", metavar="FILE", help="write the weights here (safetensors)"
    )
    parser.add_argument(
        "--checkpoint",
        metavar="FILE",
        help="write the state of training here each epoch",
    )
    parser.add_argument(
        "--checkpoint-every", type=int, metavar="STEPS", help="and after so many steps"
    )
    parser.add_argument("--resume", metavar="FILE", help="go on from a checkpoint")
    parser.add_argument(
        "--allow-nonfinite",
        action="store_true",
        help="train on where the loss is not finite",
    )
    parser.add_argument(
        "--evaluate", action="store_true", help="evaluate even without training"
    )
    parser.add_argument(
        "--log-dir", metavar="DIR", help="append to metrics.jsonl in this folder"
    )
    parser.add_argument(
        "--predict",
        nargs=2,
        action="append",
        default=[],
        metavar=("IN", "OUT"),
        help="run on the inputs in IN, write the outputs to OUT (safetensors)",
    )
    parser.add_argument(
        "--export", metavar="FILE", help="write FILE-symbol.json and FILE-0000.params"
    )
    args = parser.parse_args()
    if not 0 <= args.seed < 2**32:
        parser.error("--seed must be from 0 to 4294967295")
    if args.epochs < 0 or args.batch_size < 1 or not args.lr >= 0:
        parser.error("--epochs and --lr must be at least 0, --batch-size 1")
    if args.checkpoint_every and (args.checkpoint_every < 0 or not args.checkpoint):
        parser.error("--checkpoint-every needs --checkpoint and a positive number")
    inputs = [args.weights, *(i for i, _ in args.predict)]
    files = [
        args.save,
        args.checkpoint,
        args.export and f"{args.export}-symbol.json",
        *(o for _, o in args.predict),
    ]
    for path in filter(None, [args.resume, *inputs, *files]):
        if os.path.exists(path) and not os.path.isfile(path):
            raise SystemExit(f"{path}: not a file")
    kept = [os.path.realpath(path) for path in inputs if path]
    for path in filter(None, files):
        folder = os.path.dirname(os.path.abspath(path))
        if not os.path.isdir(folder) or not os.access(folder, os.W_OK):
            raise SystemExit(f"{path}: no folder that can be written to")
        if os.path.realpath(path) in kept or path.endswith(".model"):
            raise SystemExit(f"{path}: would overwrite an input or a model")
    if args.log_dir and os.path.isfile(args.log_dir):
        raise SystemExit(f"{args.log_dir}: not a folder")
    if args.checkpoint:
        claim(args.checkpoint)

    args.device = find_device(args.device)
    np.random.seed(args.seed)
    mx.random.seed(args.seed)
    model = DigitsResNet()
    model.infer_shape(nd.zeros((2, 1, 8, 8)))  # fixes the parameters' shapes
    model.initialize(ctx=args.device)
    if args.weights:
        load(model, read(args.weights), args.weights)
    model.hybridize(static_alloc=True, static_shape=True)
    if args.epochs or args.resume or args.evaluate:
        train_part, test_part = load_data(args.seed, model)
    step = 0
    if args.epochs or args.resume:
        step = train(model, train_part, args)
    if (args.epochs or args.evaluate) and len(test_part[0]):
        result = evaluate(model, test_part, args)
        if args.log_dir:
            record = {"epoch": args.epochs, "step": step, "test": result}
            log(args.log_dir, record)
        print("  ".join(f"{name} {value:.4f}" for name, value in result.items()))
    if args.save:
        save(model, args.save)
    for source, path in args.predict:
        predict(model, source, path, args.device)
    if args.export:
        export(model, args.export)


if __name__ == "__main__":
    main()

# Compiled by Tercet. sha256 of the lines above: 352162ef2669e092
