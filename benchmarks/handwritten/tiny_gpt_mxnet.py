"""TinyGPT in Gluon, as written by hand: what the generated script is compared with."""

import argparse
import math
import sys
from pathlib import Path

import numpy as np

np.bool = bool  # MXNet 1.9 still uses the alias that NumPy 1.24 removed

import mxnet as mx  # noqa: E402
from mxnet import autograd, gluon, nd  # noqa: E402
from mxnet.gluon import nn  # noqa: E402
from tqdm import tqdm  # noqa: E402

TEXT = Path(__file__).parents[2] / "samples/data/text/hamlet.txt"
VOCAB, LAYERS, HEADS, DIM, CONTEXT = 256, 4, 4, 128, 128
BATCH_SIZE = 8
EPOCHS = 6
LEARNING_RATE = 3e-3
WEIGHT_DECAY = 0.01
WARMUP_STEPS = 50
MAX_NORM = 1.0


class Attention(nn.HybridBlock):
    def __init__(self):
        super().__init__()
        self.project_in = nn.Dense(3 * DIM, flatten=False)
        self.project_out = nn.Dense(DIM, flatten=False)
        hidden = np.triu(np.full((CONTEXT, CONTEXT), -1e30, np.float32), 1)
        self.hidden = self.params.get_constant("hidden", hidden)

    def hybrid_forward(self, F, x, hidden):
        def heads(x):
            return F.swapaxes(F.reshape(x, shape=(0, 0, HEADS, -1)), 1, 2)

        q, k, v = map(heads, F.split(self.project_in(x), num_outputs=3, axis=2))
        scores = F.linalg_gemm2(q, k, transpose_b=True, alpha=(DIM // HEADS) ** -0.5)
        weights = F.softmax(F.broadcast_add(scores, hidden))
        h = F.swapaxes(F.linalg_gemm2(weights, v), 1, 2)
        return self.project_out(F.reshape(h, shape=(0, 0, -1)))


class Block(nn.HybridBlock):
    def __init__(self):
        super().__init__()
        self.norm1 = nn.LayerNorm()
        self.attention = Attention()
        self.norm2 = nn.LayerNorm()
        self.mlp = nn.HybridSequential()
        self.mlp.add(
            nn.Dense(4 * DIM, flatten=False), nn.GELU(), nn.Dense(DIM, flatten=False)
        )

    def hybrid_forward(self, F, x):
        x = x + self.attention(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class TinyGPT(nn.HybridBlock):
    def __init__(self):
        super().__init__()
        self.embed = self.params.get("embed", shape=(VOCAB, DIM), init=mx.init.Normal(0.1))
        self.position = self.params.get(
            "position", shape=(CONTEXT, DIM), init=mx.init.Normal(0.1)
        )
        self.blocks = nn.HybridSequential()
        self.blocks.add(*[Block() for _ in range(LAYERS)])
        self.norm = nn.LayerNorm()

    def hybrid_forward(self, F, tokens, embed, position):
        x = F.Embedding(tokens, embed, input_dim=VOCAB, output_dim=DIM)
        x = self.norm(self.blocks(F.broadcast_add(x, position)))
        return F.dot(x, embed, transpose_b=True)


class AdamW(mx.optimizer.Adam):
    """Adam with decoupled weight decay, by MXNet's fused operation."""

    def __init__(self, **settings):
        super().__init__(**settings)
        self.scale = nd.ones(1)

    def update(self, index, weight, grad, state):
        self._update_count(index)
        step = self._index_update_count[index]
        root = math.sqrt(1 - self.beta2**step)
        nd.contrib.adamw_update(
            weight,
            grad,
            *state,
            self.scale,
            out=weight,
            lr=root / (1 - self.beta1**step),
            eta=self._get_lr(index),
            wd=self._get_wd(index),
            beta1=self.beta1,
            beta2=self.beta2,
            epsilon=self.epsilon,
        )


def load_data():
    text = np.frombuffer(TEXT.read_bytes(), np.uint8).astype(np.int64)
    windows = np.arange(0, len(text) - CONTEXT, CONTEXT)[:, None] + np.arange(CONTEXT)
    order = np.random.default_rng(0).permutation(len(windows))[: int(0.9 * len(windows))]
    return text[windows][order], text[windows + 1][order]


def factor(step, steps):
    """Linear warm-up, then cosine decay."""
    if step < WARMUP_STEPS:
        return (step + 1) / WARMUP_STEPS
    progress = (step - WARMUP_STEPS) / max(1, steps - WARMUP_STEPS)
    return 0.5 * (1 + math.cos(math.pi * progress))


def train(model, data, args):
    context = mx.Context(args.device)
    for parameter in model.collect_params(".*(bias|beta|gamma)").values():
        parameter.wd_mult = 0.0
    optimizer = AdamW(learning_rate=LEARNING_RATE, wd=WEIGHT_DECAY)
    trainer = gluon.Trainer(model.collect_params(), optimizer)
    parameters = [p for p in model.collect_params().values() if p.grad_req != "null"]
    cross_entropy = gluon.loss.SoftmaxCrossEntropyLoss()
    batches = mx.io.NDArrayIter(*data, BATCH_SIZE, shuffle=True, last_batch_handle="discard")
    epoch_steps = len(data[0]) // BATCH_SIZE
    step, steps = 0, args.epochs * epoch_steps
    for epoch in range(args.epochs):
        total = 0.0
        batches.reset()
        for batch in tqdm(batches, desc=f"epoch {epoch + 1}/{args.epochs}", total=epoch_steps):
            tokens = batch.data[0].as_in_context(context)
            following = batch.label[0].as_in_context(context)
            trainer.set_learning_rate(LEARNING_RATE * factor(step, steps))
            with autograd.record():
                loss = cross_entropy(model(tokens), following).mean()
            loss.backward()
            gradients = [p.grad() for p in parameters]
            gluon.utils.clip_global_norm(gradients, MAX_NORM, check_isfinite=False)
            trainer.step(1)
            total += loss.asscalar()
            step += 1
        print(f"epoch {epoch + 1}: loss {total / epoch_steps:.4f}", file=sys.stderr)
    return step


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--device", default="cpu")
    args = parser.parse_args()
    mx.random.seed(0)
    model = TinyGPT()
    model.initialize(mx.init.Xavier(), ctx=mx.Context(args.device))
    model.hybridize(static_alloc=True, static_shape=True)
    train(model, load_data(), args)


if __name__ == "__main__":
    main()
