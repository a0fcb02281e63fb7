r"""TinyGPT for MXNet Gluon, compiled from tiny_gpt.model.

    python tiny_gpt_mxnet.py --save tiny_gpt.safetensors
    python tiny_gpt_mxnet.py --epochs 0 --weights tiny_gpt.safetensors \
        --export tiny_gpt

tokens i64[N, T] -> logits f32[N, T, 256]; 842,496 trainable parameters.
"""

import argparse
import fcntl
import json
import math
import os
import sys
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load_file
from safetensors.numpy import save as to_bytes
from tqdm import tqdm

# ruff: noqa: E402
np.bool = bool  # MXNet 1.9 still uses the alias that NumPy 1.24 removed
# Its sums in place of the gradients of a value with many uses break the graph.
os.environ.setdefault("MXNET_EXEC_INPLACE_GRAD_SUM_CAP", "1000000")

import mxnet as mx
from mxnet import autograd, gluon, nd
from mxnet.gluon import nn

GLOROT_UNIFORM = mx.init.Xavier("uniform", "avg", magnitude=3)
softmax_cross_entropy = gluon.loss.SoftmaxCrossEntropyLoss()
BATCH_SIZE = 8
EPOCHS = 6
LEARNING_RATE = 0.003
WEIGHT_DECAY = 0.01
NO_DECAY = ["*.bias", "*norm*"]
WARMUP_STEPS = 50
MAX_GRADIENT_NORM = 1.0
SEED = 0
DATA = Path(__file__).parent / "../../../samples/data/text/hamlet.txt"


dense = partial(nn.Dense, flatten=False, weight_initializer=GLOROT_UNIFORM)


class CausalSelfAttention(nn.HybridBlock):
    def __init__(self, in_features, heads):
        super().__init__()
        self.heads = heads
        self.in_features = in_features
        self.dense = dense(3 * in_features)
        self.dense_1 = dense(in_features)

    def hybrid_forward(self, F, x):
        q, k, v = F.split(self.dense(x), num_outputs=3, axis=2)
        q = F.reshape(q, shape=(0, 0, self.heads, self.in_features // self.heads))
        q = F.swapaxes(q, 1, 2)  # [N, heads, T, in_features // heads]
        k = F.reshape(k, shape=(0, 0, self.heads, self.in_features // self.heads))
        k = F.swapaxes(k, 1, 2)
        v = F.reshape(v, shape=(0, 0, self.heads, self.in_features // self.heads))
        v = F.swapaxes(v, 1, 2)
        h = attention(
            F, q, k, v, 1 / (self.in_features // self.heads) ** 0.5, causal=True
        )
        h = F.reshape(F.swapaxes(h, 1, 2), shape=(0, 0, self.in_features))
        return self.dense_1(h)  # [N, T, in_features]


class TinyGPT(nn.HybridBlock):
    def __init__(self, vocab=256, layers=4, heads=4, dim=128, context=128):
        super().__init__()
        self.vocab = vocab
        self.layers = layers
        self.context = context
        self.embed = nn.Embedding(vocab, dim, weight_initializer=mx.init.Normal(0.1))
        self.position = self.params.get(
            "position", shape=(context, dim), init=mx.init.Normal(0.1)
        )
        self.norm1 = block_list(*[nn.LayerNorm() for _ in range(layers)])
        self.norm2 = block_list(*[nn.LayerNorm() for _ in range(layers)])
        self.causal_self_attention = block_list(
            *[CausalSelfAttention(dim, heads) for _ in range(layers)]
        )
        self.dense = block_list(*[dense(4 * dim) for _ in range(layers)])
        self.dense_1 = block_list(*[dense(dim) for _ in range(layers)])
        self.last_norm = nn.LayerNorm()

    def hybrid_forward(self, F, tokens, position):
        T = F.contrib.arange_like(tokens, axis=1)  # 0, 1, ...: as many as T
        x = F.broadcast_add(
            self.embed(tokens), F.slice_like(position, T, axes=(0,))
        )  # [N, T, dim]
        for i in range(self.layers):
            x = x + self.causal_self_attention[i](self.norm1[i](x))
            h = F.LeakyReLU(self.dense[i](self.norm2[i](x)), act_type="gelu")
            x = x + self.dense_1[i](h)
        return F.dot(self.last_norm(x), F.transpose(value(F, self.embed.weight)))


def block_list(*blocks):
    """Blocks kept in order; Gluon's counterpart of a list of layers."""
    stack = nn.HybridSequential()
    stack.add(*blocks)
    return stack


def value(F, parameter):
    """A parameter of another block as an operand."""
    return parameter.var() if F is mx.sym else parameter.data()


def attention(F, query, key, value, scale, mask=None, causal=False):
    """softmax(query @ key.T * scale) @ value over what is visible; 0 if nothing is."""
    scores = F.linalg_gemm2(query, key, transpose_b=True, alpha=scale)
    visible = mask
    if causal:
        row = F.contrib.arange_like(scores, axis=-2)
        column = F.contrib.arange_like(scores, axis=-1)
        visible = F.broadcast_lesser_equal(
            F.reshape(column, shape=(1, -1)), F.reshape(row, shape=(-1, 1))
        )
        if mask is not None:
            visible = F.broadcast_mul(mask, visible)
    if visible is not None:
        hidden = F.stop_gradient((visible - 1) * 1e30)
        scores = F.broadcast_add(scores, hidden)
    weights = F.softmax(scores, axis=-1)
    if mask is not None:
        weights = F.broadcast_mul(weights, visible)
    return F.linalg_gemm2(weights, value)


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


class AdamW(mx.optimizer.Adam):
    """Adam with decoupled weight decay (Loshchilov and Hutter, 2019)."""

    def create_state(self, index, weight):
        self.scale = nd.array([self.rescale_grad], weight.context)
        return super().create_state(index, weight)

    def update(self, index, weight, gradient, state):
        self._update_count(index)
        step = self._index_update_count[index]
        # The operation has betas in float32; what corrects the bias must have the same.
        beta1, beta2 = np.float32([self.beta1, self.beta2]).tolist()
        root = math.sqrt(1 - beta2**step)
        nd.contrib.adamw_update(
            weight,
            gradient,
            *state,
            self.scale,
            out=weight,
            lr=root / (1 - beta1**step),
            eta=self._get_lr(index),
            wd=self._get_wd(index),
            beta1=beta1,
            beta2=beta2,
            epsilon=self.epsilon * root,  # added before the correction of the bias
            clip_gradient=self.clip_gradient or -1.0,
        )


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


def train(model, arrays, args):
    """Train on the arrays until `args.epochs` are done; gives the step."""
    for name, parameter in weights(model).items():
        if any(fnmatchcase(name, pattern) for pattern in NO_DECAY):
            parameter.wd_mult = 0.0
    trainer = gluon.Trainer(
        model.collect_params(),
        AdamW(
            learning_rate=args.lr, beta1=0.9, beta2=0.999, epsilon=1e-8, wd=WEIGHT_DECAY
        ),
    )
    changed = [
        parameter
        for parameter in model.collect_params().values()
        if parameter.grad_req != "null"
    ]
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
            tokens, following = (
                nd.from_numpy(np.ascontiguousarray(array[rows])).as_in_context(
                    args.device
                )
                for array in arrays
            )
            trainer.set_learning_rate(args.lr * learning_rate_factor(step, steps))
            with autograd.record():
                logits = model(tokens)
                loss = nd.mean(softmax_cross_entropy(logits, following))
            loss.backward()
            gradients = [parameter.grad() for parameter in changed]
            gluon.utils.clip_global_norm(
                gradients, MAX_GRADIENT_NORM, check_isfinite=False
            )
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
    metrics = {"accuracy": Accuracy(), "perplexity": Perplexity()}
    total = 0.0
    for start in range(0, len(arrays[0]), args.batch_size):
        tokens, following = (
            nd.from_numpy(np.ascontiguousarray(part)).as_in_context(args.device)
            for part in (a[start : start + args.batch_size] for a in arrays)
        )
        logits = model(tokens)
        metrics["accuracy"].update(logits.asnumpy(), following.asnumpy())
        metrics["perplexity"].update(logits.asnumpy(), following.asnumpy())
        total += len(tokens) * float(
            nd.mean(softmax_cross_entropy(logits, following)).asscalar()
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
        "model": "TinyGPT",
        "target": "mxnet",
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


def predict(model, source, path, device):
    """Write the model's outputs for the inputs in the file `source`."""
    inputs = read(source)
    sizes = check(source, inputs, {"tokens": ("int64", "N", "T")})
    T = sizes["T"]
    if T > model.context:
        raise SystemExit(f"{source}: T <= {model.context} must hold, and T is {T}")
    check_indices(source, "tokens", inputs["tokens"], 0, model.vocab - 1)
    arrays = [
        nd.array(inputs[name], ctx=device, dtype=inputs[name].dtype)
        for name in ("tokens",)
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
    symbol = model(mx.sym.var("tokens"))
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
    parser.add_argument(
        "--data", type=Path, default=DATA, help="read the data from here"
    )
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

    args.device = find_device(args.device)
    np.random.seed(args.seed)
    mx.random.seed(args.seed)
    model = TinyGPT()
    model.infer_shape(nd.zeros((2, 5), dtype="int64"))  # fixes the parameters' shapes
    model.initialize(ctx=args.device)
    if args.weights:
        load(model, read(args.weights), args.weights)
    model.hybridize(static_alloc=True, static_shape=True)
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

# Compiled by Tercet. sha256 of the lines above: e3d5290b2b7dc16c
