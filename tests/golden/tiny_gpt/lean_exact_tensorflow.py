r"""TinyGPT for TensorFlow, compiled from tiny_gpt.model.

    python tiny_gpt_tensorflow.py --save tiny_gpt.safetensors
    python tiny_gpt_tensorflow.py --epochs 0 --weights tiny_gpt.safetensors \
        --export tiny_gpt.onnx

tokens i64[N, T] -> logits f32[N, T, 256]; 842,496 trainable parameters.
"""

import argparse
import hashlib
import math
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from safetensors.numpy import load_file
from safetensors.numpy import save as to_bytes

BATCH_SIZE = 8
EPOCHS = 6
LEARNING_RATE = 0.003
WEIGHT_DECAY = 0.01
NO_DECAY = ["*.bias", "*norm*"]
WARMUP_STEPS = 50
MAX_GRADIENT_NORM = 1.0
SEED = 0
DATA = Path(__file__).parent / "../../../samples/data/text/hamlet.txt"


layer_norm = partial(layers.LayerNormalization, epsilon=1e-5)


class CausalSelfAttention(layers.Layer):
    def __init__(self, in_features, heads, name=None):
        super().__init__(name=name)
        self.heads = heads
        self.in_features = in_features
        self.dense = layers.Dense(3 * in_features, name="dense")
        self.dense_1 = layers.Dense(in_features, name="dense_1")

    def call(self, x):
        N, T, _ = tf.unstack(tf.shape(x))
        q, k, v = tf.split(self.dense(x), 3, axis=-1)
        q = tf.reshape(q, (N, T, self.heads, self.in_features // self.heads))
        q = tf.transpose(q, (0, 2, 1, 3))  # [N, heads, T, in_features // heads]
        k = tf.reshape(k, (N, T, self.heads, self.in_features // self.heads))
        k = tf.transpose(k, (0, 2, 1, 3))
        v = tf.reshape(v, (N, T, self.heads, self.in_features // self.heads))
        v = tf.transpose(v, (0, 2, 1, 3))
        h = tf.transpose(
            scaled_dot_product_attention(q, k, v, causal=True), (0, 2, 1, 3)
        )  # [N, T, heads, in_features // heads]
        h = tf.reshape(h, (N, T, self.in_features))  # [N, T, in_features]
        return self.dense_1(h)


class TinyGPT(keras.Model):
    def __init__(self, vocab=256, layers=4, heads=4, dim=128, context=128):
        super().__init__()
        self.vocab = vocab
        self.layers_1 = layers
        self.dim = dim
        self.context = context
        self.embed = keras.layers.Embedding(vocab, dim, name="embed")
        self.norm1 = [layer_norm(name=f"norm1.{i}") for i in range(layers)]
        self.norm2 = [layer_norm(name=f"norm2.{i}") for i in range(layers)]
        self.causal_self_attention = [
            CausalSelfAttention(dim, heads, name=f"causal_self_attention.{i}")
            for i in range(layers)
        ]
        self.dense = [
            keras.layers.Dense(4 * dim, name=f"dense.{i}") for i in range(layers)
        ]
        self.dense_1 = [
            keras.layers.Dense(dim, name=f"dense_1.{i}") for i in range(layers)
        ]
        self.last_norm = layer_norm(name="last_norm")

    def build(self, input_shape):
        self.position = self.add_weight(name="position", shape=(self.context, self.dim))

    def call(self, tokens):
        T = tf.shape(tokens)[1]
        x = self.embed(tokens) + self.position[:T]  # [N, T, dim]
        for i in range(self.layers_1):
            x = x + self.causal_self_attention[i](self.norm1[i](x))
            h = gelu(self.dense[i](self.norm2[i](x)))  # [N, T, 4 * dim]
            x = x + self.dense_1[i](h)  # [N, T, dim]
        return self.last_norm(x) @ tf.transpose(self.embed.embeddings)  # [N, T, vocab]


def gelu(x):
    """x * P(X <= x).  `tf.nn.gelu` computes it by erfc, which ONNX lacks."""
    return 0.5 * x * (1 + tf.math.erf(x / math.sqrt(2)))


def scaled_dot_product_attention(q, k, v, mask=None, causal=False, scale=None):
    """softmax(q k^T * scale) v over the keys that the mask shows; 0 if none."""
    scores = tf.matmul(q, k, transpose_b=True)
    scores *= q.shape[-1] ** -0.5 if scale is None else scale
    visible = mask
    if causal:
        rows, columns = tf.shape(scores)[-2], tf.shape(scores)[-1]
        earlier = tf.range(columns) <= tf.range(rows)[:, tf.newaxis]
        visible = earlier if mask is None else mask & earlier
    if visible is not None:
        scores = tf.where(visible, scores, scores.dtype.min)
    weights = tf.nn.softmax(scores)
    if mask is not None:
        weights = tf.where(visible, weights, 0)
    return weights @ v


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


class Tabulated(keras.optimizers.schedules.LearningRateSchedule):
    """The learning rate of every step, computed beforehand."""

    def __init__(self, base, steps):
        factors = [learning_rate_factor(step, steps) for step in range(max(1, steps))]
        self.rates = tf.constant(base * np.array(factors), tf.float32)

    def __call__(self, step):
        return tf.gather(self.rates, tf.minimum(step, len(self.rates) - 1))


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


class AdamW(keras.optimizers.AdamW):
    """Epsilon is added after the correction of the bias.

    Gradients of rows that a batch uses several times are added up.
    """

    def apply(self, grads, trainable_variables=None):
        whole = [g if g is None else tf.convert_to_tensor(g) for g in grads]
        super().apply(whole, trainable_variables)

    def update_step(self, gradient, variable, learning_rate):
        if self._use_weight_decay(variable):
            variable.assign_sub(learning_rate * WEIGHT_DECAY * variable)
        index = self._get_variable_index(variable)
        mean, square = self._momentums[index], self._velocities[index]
        step = tf.cast(self.iterations + 1, variable.dtype)
        mean.assign(self.beta_1 * mean + (1 - self.beta_1) * gradient)
        square.assign(self.beta_2 * square + (1 - self.beta_2) * gradient**2)
        root = tf.sqrt(square / (1 - self.beta_2**step)) + self.epsilon
        rate = learning_rate / (1 - self.beta_1**step)
        variable.assign_sub(rate * mean / root)


class Progress(keras.callbacks.Callback):
    # Stops `fit` at a loss that is not finite.
    def on_train_batch_end(self, batch, logs=None):
        step = int(self.model.optimizer.iterations)
        epoch = (step - 1) // self.params["steps"] + 1
        if not math.isfinite(logs["loss"]):
            raise SystemExit(f"epoch {epoch}, step {step}: the loss is not finite")


def train(model, arrays, args):
    """Train on the arrays until `args.epochs` are done."""
    orders = [
        batches(len(arrays[0]), args.batch_size, args.seed, epoch)
        for epoch in range(args.epochs or 1)
    ]

    def batch(rows):
        tokens, following = (tf.gather(array, rows) for array in arrays)
        return tokens, following

    data = tf.data.Dataset.from_tensor_slices(np.concatenate(orders)).map(batch)
    steps = args.epochs * len(orders[0])
    optimizer = AdamW(
        Tabulated(LEARNING_RATE, steps),
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-8,
        global_clipnorm=MAX_GRADIENT_NORM,
        weight_decay=0.0,
    )
    optimizer.exclude_from_weight_decay(
        [
            variable
            for name, variable, *_ in weights(model)
            if any(fnmatchcase(name, pattern) for pattern in NO_DECAY)
        ]
    )
    model.compile(
        optimizer=optimizer,
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        jit_compile=False,
    )
    model.fit(
        data,
        epochs=args.epochs,
        steps_per_epoch=len(orders[0]),
        shuffle=False,
        callbacks=[Progress()],
    )


def evaluate(model, arrays, args):
    """Loss and metrics over all rows of the arrays."""
    metrics = {"accuracy": Accuracy(), "perplexity": Perplexity()}

    @tf.function(reduce_retracing=True)
    def measure(tokens, following):
        logits = model(tokens)
        return (
            tf.reduce_mean(
                tf.nn.sparse_softmax_cross_entropy_with_logits(following, logits)
            ),
            (logits, following),
            (logits, following),
        )

    rows, total = 0, 0.0
    data = tf.data.Dataset.from_tensor_slices(arrays)
    for batch in data.batch(args.batch_size):
        loss, *operands = measure(*batch)
        rows += len(batch[0])
        total += len(batch[0]) * loss
        for metric, values in zip(metrics.values(), operands, strict=True):
            metric.update(*(value.numpy() for value in values))
    return {
        "loss": float(total / rows),
        **{name: float(metric.result()) for name, metric in metrics.items()},
    }


def weights(model):
    """Yield (source's name, variable, order of axes there) of weights."""
    names = {
        "kernel": "weight",
        "embeddings": "weight",
        "gamma": "weight",
        "beta": "bias",
    }
    orders = {("kernel", 2): (1, 0)}
    for variable in model.weights:
        _, *layer, kind = variable.path.split("/")
        rank = len(variable.shape)
        name = ".".join([*layer, names.get(kind, kind)])
        yield name, variable, orders.get((kind, rank), range(rank))


def load(model, tensors, path):
    """Put the tensors, read from `path`, into the model: exactly those it has."""
    named = {name: weight for name, *weight in weights(model)}
    if wrong := sorted(named.keys() ^ tensors.keys()):
        raise SystemExit(f"{path}: missing or unexpected {wrong}")
    for name, (variable, order) in named.items():
        variable.assign(tensors[name].transpose(np.argsort(order)))


def tensors(model):
    """All weights as the source has them."""
    return {
        name: np.ascontiguousarray(variable.numpy().transpose(order))
        for name, variable, order in weights(model)
    }


def save(model, path):
    found = tensors(model)
    with open(path, "wb") as file:
        file.write(to_bytes(found))


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
    drawn = {
        name: np.asarray(initial_value(name, array.shape, seed), array.dtype)
        for name, array in tensors(model).items()
    }
    load(model, drawn, "initial values")


def export(model, path):
    import onnx
    import tf2onnx

    signature = [tf.TensorSpec((None, None), tf.int64, name="tokens")]

    @tf.function(input_signature=signature)
    def inference(tokens):
        return {"logits": model(tokens)}

    def select(graph, node, name, arguments):
        node.type = (
            "Where"  # tf2onnx multiplies by the mask, which keeps NaN and infinity
        )
        return node

    handlers = {"SelectV2": (select, [])}
    proto, _ = tf2onnx.convert.from_function(
        inference, signature, opset=17, custom_op_handlers=handlers
    )
    shapes = {"tokens": ("N", "T"), "logits": ("N", "T", model.vocab)}
    for value in (*proto.graph.input, *proto.graph.output):
        dtype = value.type.tensor_type.elem_type
        shape = shapes[value.name]
        value.type.CopyFrom(onnx.helper.make_tensor_type_proto(dtype, shape))
    del proto.graph.value_info[:]
    onnx.checker.check_model(proto)  # tf2onnx only warns
    onnx.save(proto, path)


def main():
    gpus = tf.config.list_physical_devices("GPU")
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--batch-size", type=int, default=BATCH_SIZE)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--device", default="cuda" if gpus else "cpu")
    parser.add_argument("--weights", help="start from these weights (safetensors)")
    parser.add_argument("--save", help="write the weights here (safetensors)")
    parser.add_argument("--export", help="write an ONNX model here")
    args = parser.parse_args()

    seen = [] if args.device == "cpu" else [gpus[int(args.device[5:] or 0)]]
    tf.config.set_visible_devices(seen, "GPU")
    keras.utils.set_random_seed(args.seed)
    model = TinyGPT()
    model(tf.zeros((1, 1), tf.int64))  # creates the variables
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

# Compiled by Tercet. sha256 of the lines above: e4ba8da2889dd4af
