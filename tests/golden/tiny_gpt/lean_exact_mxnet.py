r"""TinyGPT for MXNet Gluon, compiled from tiny_gpt.model.

    python tiny_gpt_mxnet.py --save tiny_gpt.safetensors
    python tiny_gpt_mxnet.py --epochs 0 --weights tiny_gpt.safetensors \
        --export tiny_gpt

tokens i64[N, T] -> logits f32[N, T, 256]; 842,496 trainable parameters.
"""

import argparse
import hashlib
import math
import os
import sys
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path

import numpy as np
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


dense = partial(nn.Dense, flatten=False)


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
        self.embed = nn.Embedding(vocab, dim)
        self.position = self.params.get("position", shape=(context, dim), init="zeros")
        self.norm1 = block_list(*[LayerNorm((dim,)) for _ in range(layers)])
        self.norm2 = block_list(*[LayerNorm((dim,)) for _ in range(layers)])
        self.causal_self_attention = block_list(
            *[CausalSelfAttention(dim, heads) for _ in range(layers)]
        )
        self.dense = block_list(*[dense(4 * dim) for _ in range(layers)])
        self.dense_1 = block_list(*[dense(dim) for _ in range(layers)])
        self.last_norm = LayerNorm((dim,))

    def hybrid_forward(self, F, tokens, position):
        T = F.contrib.arange_like(tokens, axis=1)  # 0, 1, ...: as many as T
        x = F.broadcast_add(
            self.embed(tokens), F.slice_like(position, T, axes=(0,))
        )  # [N, T, dim]
        for i in range(self.layers):
            x = x + self.causal_self_attention[i](self.norm1[i](x))
            h = gelu(F, self.dense[i](self.norm2[i](x)))  # [N, T, 4 * dim]
            x = x + self.dense_1[i](h)  # [N, T, dim]
        return F.dot(self.last_norm(x), F.transpose(value(F, self.embed.weight)))


class Erf(mx.autograd.Function):
    """Its gradient is written out: MXNet's own has pi in float32."""

    def forward(self, x):
        self.save_for_backward(x)
        return nd.erf(x)

    def backward(self, gradient):
        (x,) = self.saved_tensors
        return gradient * 2 / np.pi**0.5 * nd.exp(-nd.square(x))


def block_list(*blocks):
    """Blocks kept in order; Gluon's counterpart of a list of layers."""
    stack = nn.HybridSequential()
    stack.add(*blocks)
    return stack


def value(F, parameter):
    """A parameter of another block as an operand."""
    return parameter.var() if F is mx.sym else parameter.data()


class LayerNorm(nn.HybridBlock):
    """Layer normalisation over several trailing axes."""

    def __init__(
        self, shape, epsilon=1e-5, gamma_initializer="ones", beta_initializer="zeros"
    ):
        super().__init__()
        self.axes = tuple(range(-len(shape), 0))
        self.epsilon = epsilon
        self.gamma = self.params.get("gamma", shape=shape, init=gamma_initializer)
        self.beta = self.params.get("beta", shape=shape, init=beta_initializer)

    def hybrid_forward(self, F, x, gamma, beta):
        x = F.broadcast_sub(x, F.mean(x, axis=self.axes, keepdims=True))
        variance = F.mean(F.square(x), axis=self.axes, keepdims=True)
        x = F.broadcast_div(x, F.sqrt(variance + self.epsilon))
        return F.broadcast_add(F.broadcast_mul(x, gamma), beta)


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


def gelu(F, x):
    return 0.5 * x * (1 + erf(F, x / 2**0.5))


def erf(F, x):
    return F.erf(x) if F is mx.sym else Erf()(x)


def load_data(path, seed):
    """(tokens, following) to train on and to test on."""
    text = np.frombuffer(path.read_bytes(), np.uint8).astype(np.int64)
    windows = np.arange(0, len(text) - 128, 128)[:, None] + np.arange(128)
    tokens = text[windows]
    following = text[windows + 1]
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


class AdamW(mx.optimizer.Optimizer):
    """Adam with decoupled weight decay (Loshchilov and Hutter, 2019)."""

    def __init__(self, beta1=0.9, beta2=0.999, epsilon=1e-8, **settings):
        super().__init__(**settings)
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon

    def create_state(self, index, weight):
        return (nd.zeros_like(weight), nd.zeros_like(weight))

    def update(self, index, weight, gradient, state):
        self._update_count(index)
        rate, wd = self._get_lr(index), self._get_wd(index)
        step = self._index_update_count[index]
        mean, square = state
        mean[:] = self.beta1 * mean + (1 - self.beta1) * gradient
        square[:] = self.beta2 * square + (1 - self.beta2) * gradient**2
        root = nd.sqrt(square / (1 - self.beta2**step)) + self.epsilon
        weight[:] = weight - rate * wd * weight
        weight[:] = weight - rate / (1 - self.beta1**step) * mean / root


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
    """Train on the arrays until `args.epochs` are done."""
    for name, parameter in weights(model).items():
        if any(fnmatchcase(name, pattern) for pattern in NO_DECAY):
            parameter.wd_mult = 0.0
    trainer = gluon.Trainer(
        model.collect_params(),
        AdamW(
            learning_rate=LEARNING_RATE,
            beta1=0.9,
            beta2=0.999,
            epsilon=1e-8,
            wd=WEIGHT_DECAY,
        ),
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
            tokens, following = (
                nd.from_numpy(np.ascontiguousarray(array[rows])).as_in_context(
                    args.device
                )
                for array in arrays
            )
            trainer.set_learning_rate(LEARNING_RATE * learning_rate_factor(step, steps))
            with autograd.record():
                logits = model(tokens)
                loss = nd.mean(softmax_cross_entropy(logits, following))
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
    metrics = {"accuracy": Accuracy(), "perplexity": Perplexity()}
    total = 0.0
    dataset = gluon.data.ArrayDataset(*arrays)
    for batch in gluon.data.DataLoader(dataset, args.batch_size):
        tokens, following = (array.as_in_context(args.device) for array in batch)
        logits = model(tokens)
        metrics["accuracy"].update(logits.asnumpy(), following.asnumpy())
        metrics["perplexity"].update(logits.asnumpy(), following.asnumpy())
        total += len(tokens) * float(
            nd.mean(softmax_cross_entropy(logits, following)).asscalar()
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
    if name in ("embed.weight", "position"):
        return random.normal(0.0, 0.1, shape)
    if name == "last_norm.weight" or any(
        fnmatchcase(name, pattern) for pattern in ("norm1.*.weight", "norm2.*.weight")
    ):
        return np.ones(shape)
    kind = name.rpartition(".")[2]
    if kind == "bias":
        return np.zeros(shape)
    return scaled_uniform(random, shape, 2 / sum(fans(shape)))


def start(model, seed):
    """Give every weight its initial value, the same in every framework."""
    for name, parameter in weights(model).items():
        value = initial_value(name, parameter.shape, seed)
        parameter.set_data(nd.array(value, dtype=parameter.dtype))


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
    model = TinyGPT()
    model.infer_shape(nd.zeros((2, 5), dtype="int64"))  # fixes the parameters' shapes
    model.initialize(ctx=args.device)
    start(model, args.seed)
    if args.weights:
        load(model, load_file(args.weights), args.weights)
    if args.epochs or not args.export:  # to export alone takes no data
        train_part, test_part = load_data(DATA, args.seed)
        train(model, train_part, args)
        print(evaluate(model, test_part, args))
    if args.save:
        save(model, args.save)
    if args.export:
        export(model, args.export)


if __name__ == "__main__":
    main()

# Compiled by Tercet. sha256 of the lines above: 21d45920f6554159
