r"""TinyGPT for PyTorch, compiled from tiny_gpt.model.

    python tiny_gpt_pytorch.py --save tiny_gpt.safetensors
    python tiny_gpt_pytorch.py --epochs 0 --weights tiny_gpt.safetensors \
        --export tiny_gpt.onnx

tokens i64[N, T] -> logits f32[N, T, 256]; 842,496 trainable parameters.
"""

import argparse
import fcntl
import json
import math
import os
import sys
import warnings
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from safetensors.torch import save as to_bytes
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from tqdm import tqdm

BATCH_SIZE = 8
EPOCHS = 6
LEARNING_RATE = 0.003
WEIGHT_DECAY = 0.01
NO_DECAY = ["*.bias", "*norm*"]
WARMUP_STEPS = 50
MAX_GRADIENT_NORM = 1.0
SEED = 0
DATA = Path(__file__).parent / "../../../samples/data/text/hamlet.txt"


class CausalSelfAttention(nn.Module):
    def __init__(self, in_features, heads):
        super().__init__()
        self.heads = heads
        self.dense = nn.Linear(in_features, 3 * in_features)
        self.dense_1 = nn.Linear(in_features, in_features)

    def forward(self, x):
        N, T, D = x.shape
        q, k, v = self.dense(x).chunk(3, dim=-1)
        q = q.reshape(N, T, self.heads, D // self.heads).transpose(1, 2)
        k = k.reshape(N, T, self.heads, D // self.heads).transpose(1, 2)
        v = v.reshape(N, T, self.heads, D // self.heads).transpose(1, 2)
        h = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        h = h.transpose(1, 2).reshape(N, T, D)
        return self.dense_1(h)


class TinyGPT(nn.Module):
    def __init__(self, vocab=256, layers=4, heads=4, dim=128, context=128):
        super().__init__()
        self.vocab = vocab
        self.layers = layers
        self.context = context
        self.embed = initialized(
            nn.Embedding(vocab, dim), weight=partial(nn.init.normal_, std=0.1)
        )
        self.position = nn.Parameter(
            nn.init.normal_(torch.empty(context, dim), std=0.1)
        )
        self.norm1 = nn.ModuleList([nn.LayerNorm(dim) for _ in range(layers)])
        self.norm2 = nn.ModuleList([nn.LayerNorm(dim) for _ in range(layers)])
        self.causal_self_attention = nn.ModuleList(
            [CausalSelfAttention(dim, heads) for _ in range(layers)]
        )
        self.dense = nn.ModuleList([nn.Linear(dim, 4 * dim) for _ in range(layers)])
        self.dense_1 = nn.ModuleList([nn.Linear(4 * dim, dim) for _ in range(layers)])
        self.last_norm = nn.LayerNorm(dim)
        self.apply(initialize)

    def forward(self, tokens):
        T = tokens.shape[1]
        x = self.embed(tokens) + self.position[:T]  # [N, T, dim]
        for i in range(self.layers):
            x = x + self.causal_self_attention[i](self.norm1[i](x))
            h = F.gelu(self.dense[i](self.norm2[i](x)))  # [N, T, 4 * dim]
            x = x + self.dense_1[i](h)  # [N, T, dim]
        return self.last_norm(x) @ self.embed.weight.T  # [N, T, vocab]


def initialized(module, **functions):
    """The layer, with functions of its own that `initialize` fills parameters by."""
    module.own_initial_values = functions
    return module


def initialize(module):
    if isinstance(module, nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        nn.init.zeros_(module.bias)
    for name, fill in getattr(module, "own_initial_values", {}).items():
        fill(getattr(module, name).data)


def load_data(path, seed, model):
    """(tokens, following) to train on and to test on."""
    if not path.is_file():
        raise SystemExit(f"{path}: no such file; --data reads another one")
    text = np.frombuffer(path.read_bytes(), np.uint8).astype(np.int64)
    windows = np.arange(0, len(text) - 128, 128)[:, None] + np.arange(128)
    tokens = text[windows]
    following = text[windows + 1]
    check_indices(path, "tokens", tokens, 0, model.vocab - 1)
    check_indices(path, "following", following, 0, model.vocab - 1)
    order = np.random.default_rng(seed).permutation(len(tokens))
    split = int(0.9 * len(tokens))
    train, test = order[:split], order[split:]
    return (tokens[train], following[train]), (tokens[test], following[test])


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
        correct = logits.argmax(axis=-1) == label
        self.correct += correct.sum()
        self.total += correct.size

    def result(self):
        return self.correct / self.total


class Perplexity:
    """exp of the mean negative log-likelihood of the labels."""

    def __init__(self):
        self.loss = self.total = 0

    def update(self, logits, label):
        logits = logits.astype(np.float64)
        logits -= logits.max(axis=-1, keepdims=True)
        own = np.take_along_axis(logits, np.expand_dims(label, -1), -1)
        log_sum = np.log(np.exp(logits).sum(axis=-1, keepdims=True))
        self.loss += (log_sum - own).sum()
        self.total += label.size

    def result(self):
        return np.exp(self.loss / self.total)


def parameter_groups(model):
    """The parameters with weight decay, and those without."""
    decayed, spared = [], []
    for name, parameter in model.named_parameters():
        matched = any(fnmatchcase(name, pattern) for pattern in NO_DECAY)
        (spared if matched else decayed).append(parameter)
    return [{"params": decayed}, {"params": spared, "weight_decay": 0.0}]


def in_order(dataset, order):
    """A loader of batches drawn already; it leaves the random state alone."""
    return DataLoader(
        dataset, batch_size=None, sampler=order, generator=torch.Generator()
    )


def train(model, arrays, args):
    """Train on the arrays until `args.epochs` are done; gives the step."""
    dataset = TensorDataset(*map(torch.from_numpy, arrays))
    optimizer = torch.optim.AdamW(
        parameter_groups(model),
        args.lr,
        betas=(0.9, 0.999),
        eps=1e-8,
        weight_decay=WEIGHT_DECAY,
    )
    step = load_checkpoint(args, model, optimizer) if args.resume else 0
    epoch_steps = len(batches(len(dataset), args.batch_size, args.seed, 0))
    steps = args.epochs * epoch_steps
    if step > steps:
        raise SystemExit(f"{args.resume}: step {step} is beyond {args.epochs} epochs")
    for epoch in range(step // epoch_steps, args.epochs):
        model.train()
        order = batches(len(dataset), args.batch_size, args.seed, epoch)
        loader = in_order(dataset, order[step % epoch_steps :])
        total = 0.0
        title = f"epoch {epoch + 1}/{args.epochs}"
        for batch in tqdm(loader, desc=title, disable=None):
            tokens, following = (t.to(args.device) for t in batch)
            for group in optimizer.param_groups:
                group["lr"] = args.lr * learning_rate_factor(step, steps)
            optimizer.zero_grad()
            logits = model(tokens)
            loss = F.cross_entropy(logits.movedim(2, 1), following)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), MAX_GRADIENT_NORM)
            optimizer.step()
            step += 1
            total += loss.item()
            if not (math.isfinite(total) or args.allow_nonfinite):
                raise SystemExit(f"{title}, step {step}: the loss is not finite")
            if args.checkpoint_every and step % args.checkpoint_every == 0:
                check_weights(args, model, f"{title}, step {step}")
                save_checkpoint(args, model, optimizer, step)
        mean = total / len(loader)
        print(f"epoch {epoch + 1}: loss {mean:.4f}", file=sys.stderr)
        if args.log_dir:
            rate = optimizer.param_groups[0]["lr"]
            record = {"epoch": epoch + 1, "step": step, "loss": mean}
            log(args.log_dir, {**record, "learning_rate": rate})
        check_weights(args, model, f"{title}, step {step}")
        if args.checkpoint:
            save_checkpoint(args, model, optimizer, step)
    return step


def check_weights(args, model, where):
    """End training that has spoilt a weight, unless that is allowed."""
    if args.allow_nonfinite:
        return
    for name, tensor in weights(model).items():
        if not tensor.isfinite().all():
            raise SystemExit(f"{where}: {name} is not finite")


@torch.no_grad()
def evaluate(model, arrays, args):
    """Loss and metrics over all rows of the arrays."""
    model.eval()
    dataset = TensorDataset(*map(torch.from_numpy, arrays))
    metrics = {"accuracy": Accuracy(), "perplexity": Perplexity()}
    total = 0.0
    for batch in DataLoader(dataset, args.batch_size):
        tokens, following = (t.to(args.device) for t in batch)
        logits = model(tokens)
        metrics["accuracy"].update(logits.cpu().numpy(), following.cpu().numpy())
        metrics["perplexity"].update(logits.cpu().numpy(), following.cpu().numpy())
        total += len(tokens) * F.cross_entropy(logits.movedim(2, 1), following)
    result = {name: float(metric.result()) for name, metric in metrics.items()}
    return {"loss": float(total) / len(dataset), **result}


def log(folder, record):
    """Append a line to metrics.jsonl in the folder."""
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "metrics.jsonl"), "a") as file:
        file.write(json.dumps(record) + "\n")


def save_checkpoint(args, model, optimizer, step):
    """Write weights, optimizer state, random state and step to `args.checkpoint`."""
    tensors = {f"weights/{name}": tensor for name, tensor in weights(model).items()}
    for name, parameter in model.named_parameters():
        for slot, value in optimizer.state.get(parameter, {}).items():
            tensors[f"optimizer/{name}/{slot}"] = torch.as_tensor(value)
    tensors["random/cpu"] = torch.get_rng_state()
    if args.device.startswith("cuda"):
        tensors["random/cuda"] = torch.cuda.get_rng_state(args.device)
    run = {**identity(args.seed, args.batch_size), "step": str(step)}
    write(args.checkpoint, {n: t.cpu().contiguous() for n, t in tensors.items()}, run)


def load_checkpoint(args, model, optimizer):
    """Put everything back as `save_checkpoint` found it; gives the step."""
    arrays, step = read_checkpoint(args.resume, identity(args.seed, args.batch_size))
    tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
    load(model, part(tensors, "weights/"), args.resume)
    for name, parameter in model.named_parameters():
        state = part(tensors, f"optimizer/{name}/")
        for slot, value in state.items():
            if (
                value.shape not in ((), parameter.shape)
                or not value.is_floating_point()
            ):
                raise SystemExit(f"{args.resume}: {slot} does not fit {name}")
        optimizer.state[parameter] = {
            slot: value if slot == "step" else value.to(parameter.device)
            for slot, value in state.items()
        }
    if len({frozenset(state) for state in optimizer.state.values() if state}) > 1:
        raise SystemExit(f"{args.resume}: some state of the optimizer is missing")
    try:
        torch.set_rng_state(tensors["random/cpu"])
        if args.device.startswith("cuda") and "random/cuda" in tensors:
            torch.cuda.set_rng_state(tensors["random/cuda"], args.device)
    except (KeyError, RuntimeError, TypeError):
        raise SystemExit(f"{args.resume}: no state of random numbers") from None
    return step


def part(tensors, prefix):
    """The tensors whose names begin so, without the beginning."""
    return {
        n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)
    }


def identity(seed, batch_size):
    """What a checkpoint and the run that resumes it must agree in."""
    return {
        "format": "tercet-checkpoint-1",
        "model": "TinyGPT",
        "target": "pytorch",
        "optimizer": "adamw",
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


def check_indices(where, name, indices, low, high):
    """Refuse numbers of classes or rows that are not from `low` to `high`."""
    indices = np.atleast_1d(indices)
    wrong = ~((low <= indices) & (indices <= high))
    if wrong.any():
        found = f"row {np.argwhere(wrong)[0][0]} holds {indices[wrong][0]}"
        raise SystemExit(f"{where}: {name} must be from {low} to {high}; {found}")


@torch.no_grad()
def predict(model, source, path, device):
    """Write the model's outputs for the inputs in the file `source`."""
    model.eval()
    inputs = read(source)
    sizes = check(source, inputs, {"tokens": ("torch.int64", "N", "T")})
    T = sizes["T"]
    if T > model.context:
        raise SystemExit(f"{source}: T <= {model.context} must hold, and T is {T}")
    check_indices(source, "tokens", inputs["tokens"], 0, model.vocab - 1)
    output = model(inputs["tokens"].to(device))
    write(path, {"logits": output.cpu().contiguous()})


def weights(model):
    """Parameters and running statistics, named as in the source."""
    return model.state_dict()


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
        have = f"{tensors[name].dtype} {tuple(tensors[name].shape)}"
        want = f"{parameter.dtype} {tuple(parameter.shape)}"
        if have != want:
            raise SystemExit(f"{path}: {name} is {have}, the model needs {want}")
        parameter.copy_(tensors[name])


def save(model, path):
    write(path, {name: p.cpu().contiguous() for name, p in weights(model).items()})


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
    """Write an ONNX model; the tracing exporter keeps every symbolic size."""
    import onnx

    warnings.filterwarnings("ignore", "You are using the legacy", DeprecationWarning)
    torch.onnx.export(
        model.eval().cpu(),
        (torch.ones(2, 5, dtype=torch.int64),),
        path,
        input_names=["tokens"],
        output_names=["logits"],
        dynamic_axes={"tokens": {0: "N", 1: "T"}},
        opset_version=17,
        dynamo=False,
    )
    proto = onnx.load(path, load_external_data=False)
    shapes = {"logits": ("N", "T", model.vocab)}
    for value in proto.graph.output:  # tracing does not follow all of their sizes
        dtype = value.type.tensor_type.elem_type
        shape = shapes[value.name]
        value.type.CopyFrom(onnx.helper.make_tensor_type_proto(dtype, shape))
    onnx.save(proto, path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--batch-size", type=int, default=BATCH_SIZE)
    parser.add_argument("--lr", type=float, default=LEARNING_RATE)
    parser.add_argument(
        "--data", type=Path, default=DATA, help="read the data from here"
    )
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument(
        "--device",
        default="cuda" if torch.cuda.is_available() else "cpu",
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
    parser.add_argument("--export", metavar="FILE", help="write an ONNX model here")
    args = parser.parse_args()
    if not 0 <= args.seed < 2**32:
        parser.error("--seed must be from 0 to 4294967295")
    if args.epochs < 0 or args.batch_size < 1 or not args.lr >= 0:
        parser.error("--epochs and --lr must be at least 0, --batch-size 1")
    if args.checkpoint_every and (args.checkpoint_every < 0 or not args.checkpoint):
        parser.error("--checkpoint-every needs --checkpoint and a positive number")
    inputs = [args.weights, *(i for i, _ in args.predict)]
    files = [args.save, args.checkpoint, args.export, *(o for _, o in args.predict)]
    for path in filter(None, [args.resume, *inputs, *files]):
        if os.path.exists(path) and not os.path.isfile(path):
            raise SystemExit(f"{path}: not a file")
    kept = [os.path.realpath(path) for path in [*inputs, args.data] if path]
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

    try:
        torch.empty(0, device=args.device)
    except (AssertionError, RuntimeError):
        raise SystemExit(f"PyTorch finds no device {args.device}") from None
    torch.manual_seed(args.seed)
    model = TinyGPT().to(args.device)
    if args.weights:
        load(model, read(args.weights), args.weights)
    if args.epochs or args.resume or args.evaluate:
        train_part, test_part = load_data(args.data, args.seed, model)
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

# Compiled by Tercet. sha256 of the lines above: fc5f956b4a57edc8
