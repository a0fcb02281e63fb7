r"""TinyGPT for PyTorch, compiled from tiny_gpt.model.

    python tiny_gpt_pytorch.py --save tiny_gpt.safetensors
    python tiny_gpt_pytorch.py --epochs 0 --weights tiny_gpt.safetensors \
        --export tiny_gpt.onnx

tokens i64[N, T] -> logits f32[N, T, 256]; 842,496 trainable parameters.
"""

import argparse
import hashlib
import math
import sys
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
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
        self.embed = nn.Embedding(vocab, dim)
        self.position = nn.Parameter(torch.empty(context, dim))
        self.norm1 = nn.ModuleList([nn.LayerNorm(dim) for _ in range(layers)])
        self.norm2 = nn.ModuleList([nn.LayerNorm(dim) for _ in range(layers)])
        self.causal_self_attention = nn.ModuleList(
            [CausalSelfAttention(dim, heads) for _ in range(layers)]
        )
        self.dense = nn.ModuleList([nn.Linear(dim, 4 * dim) for _ in range(layers)])
        self.dense_1 = nn.ModuleList([nn.Linear(4 * dim, dim) for _ in range(layers)])
        self.last_norm = nn.LayerNorm(dim)

    def forward(self, tokens):
        T = tokens.shape[1]
        x = self.embed(tokens) + self.position[:T]  # [N, T, dim]
        for i in range(self.layers):
            x = x + self.causal_self_attention[i](self.norm1[i](x))
            h = F.gelu(self.dense[i](self.norm2[i](x)))  # [N, T, 4 * dim]
            x = x + self.dense_1[i](h)  # [N, T, dim]
        return self.last_norm(x) @ self.embed.weight.T  # [N, T, vocab]


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
    """Train on the arrays until `args.epochs` are done."""
    dataset = TensorDataset(*map(torch.from_numpy, arrays))
    optimizer = torch.optim.AdamW(
        parameter_groups(model),
        LEARNING_RATE,
        betas=(0.9, 0.999),
        eps=1e-8,
        weight_decay=WEIGHT_DECAY,
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
            tokens, following = (t.to(args.device) for t in batch)
            for group in optimizer.param_groups:
                group["lr"] = LEARNING_RATE * learning_rate_factor(step, steps)
            optimizer.zero_grad()
            logits = model(tokens)
            loss = F.cross_entropy(logits.movedim(2, 1), following)
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


def weights(model):
    """Parameters and running statistics, named as in the source."""
    return model.state_dict()


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
    for name, tensor in weights(model).items():
        value = initial_value(name, tuple(tensor.shape), seed)
        tensor.copy_(torch.as_tensor(value))


def export(model, path):
    import onnx

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
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument(
        "--device", default="cuda" if torch.cuda.is_available() else "cpu"
    )
    parser.add_argument("--weights", help="start from these weights (safetensors)")
    parser.add_argument("--save", help="write the weights here (safetensors)")
    parser.add_argument("--export", help="write an ONNX model here")
    args = parser.parse_args()

    torch.manual_seed(args.seed)
    model = TinyGPT().to(args.device)
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

# Compiled by Tercet. sha256 of the lines above: 1da54b669ad8c053
