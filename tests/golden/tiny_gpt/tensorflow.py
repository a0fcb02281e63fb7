r"""TinyGPT for TensorFlow, compiled from tiny_gpt.model.

    python tiny_gpt_tensorflow.py --save tiny_gpt.safetensors
    python tiny_gpt_tensorflow.py --epochs 0 --weights tiny_gpt.safetensors \
        --export tiny_gpt.onnx

tokens i64[N, T] -> logits f32[N, T, 256]; 842,496 trainable parameters.
"""

import argparse
import contextlib
import fcntl
import json
import math
import os
import sys
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from safetensors import SafetensorError, safe_open
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


dense = partial(layers.Dense, kernel_initializer="glorot_uniform")
layer_norm = partial(layers.LayerNormalization, epsilon=1e-5)


class CausalSelfAttention(layers.Layer):
    def __init__(self, in_features, heads, name=None):
        super().__init__(name=name)
        self.heads = heads
        self.in_features = in_features
        self.dense = dense(3 * in_features, name="dense")
        self.dense_1 = dense(in_features, name="dense_1")

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
        self.embed = keras.layers.Embedding(
            vocab,
            dim,
            embeddings_initializer=keras.initializers.RandomNormal(stddev=0.1),
            name="embed",
        )
        self.norm1 = [layer_norm(name=f"norm1.{i}") for i in range(layers)]
        self.norm2 = [layer_norm(name=f"norm2.{i}") for i in range(layers)]
        self.causal_self_attention = [
            CausalSelfAttention(dim, heads, name=f"causal_self_attention.{i}")
            for i in range(layers)
        ]
        self.dense = [dense(4 * dim, name=f"dense.{i}") for i in range(layers)]
        self.dense_1 = [dense(dim, name=f"dense_1.{i}") for i in range(layers)]
        self.last_norm = layer_norm(name="last_norm")

    def build(self, input_shape):
        self.position = self.add_weight(
            name="position",
            shape=(self.context, self.dim),
            initializer=keras.initializers.RandomNormal(stddev=0.1),
        )

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
        index = self._get_variable_index(variable)
        mean, square = self._momentums[index], self._velocities[index]
        step = tf.cast(self.iterations + 1, variable.dtype)
        mean.assign(self.beta_1 * mean + (1 - self.beta_1) * gradient)
        square.assign(self.beta_2 * square + (1 - self.beta_2) * gradient**2)
        root = tf.sqrt(square / (1 - self.beta_2**step)) + self.epsilon
        rate = learning_rate / (1 - self.beta_1**step)
        variable.assign_sub(rate * mean / root)


def prepare(model, epoch_steps, args):
    """Compile the model for epochs of so many updates."""
    steps = args.epochs * epoch_steps
    optimizer = AdamW(
        Tabulated(args.lr, steps),
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-8,
        weight_decay=WEIGHT_DECAY,
        global_clipnorm=MAX_GRADIENT_NORM,
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
    )


class Progress(keras.callbacks.Callback):
    """Stops at a number that is not finite, writes metrics.jsonl and checkpoints."""

    def __init__(self, args, steps):
        super().__init__()
        self.args = args
        self.steps = steps

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch + 1

    def on_train_batch_end(self, batch, logs=None):
        step = int(self.model.optimizer.iterations)
        if not (math.isfinite(logs["loss"]) or self.args.allow_nonfinite):
            raise SystemExit(f"epoch {self.epoch}, step {step}: the loss is not finite")
        every = self.args.checkpoint and self.args.checkpoint_every
        if every and step % every == 0:
            check_weights(self.args, self.model, f"epoch {self.epoch}, step {step}")
            save_checkpoint(self.args, self.model)

    def on_epoch_end(self, epoch, logs=None):
        step = int(self.model.optimizer.iterations)
        if self.args.log_dir:
            rate = self.args.lr * learning_rate_factor(step - 1, self.steps)
            record = {"epoch": epoch + 1, "step": step, "loss": float(logs["loss"])}
            log(self.args.log_dir, {**record, "learning_rate": rate})
        check_weights(self.args, self.model, f"epoch {epoch + 1}, step {step}")
        if self.args.checkpoint:
            save_checkpoint(self.args, self.model)


def train(model, arrays, args):
    """Train on the arrays until `args.epochs` are done; gives the step."""
    count = len(arrays[0])
    epoch_steps = len(batches(count, args.batch_size, args.seed, 0))
    step = load_checkpoint(args, model) if args.resume else 0
    if step > args.epochs * epoch_steps:
        raise SystemExit(f"{args.resume}: step {step} is beyond {args.epochs} epochs")
    progress = Progress(args, args.epochs * epoch_steps)
    with tf.device("CPU"):
        arrays = [tf.constant(array) for array in arrays]

    def batch(rows):
        tokens, following = (tf.gather(array, rows) for array in arrays)
        return tokens, following

    while step < args.epochs * epoch_steps:
        first, done = divmod(step, epoch_steps)
        # Steps that are executed at once must not reach into the next epoch.
        alone = done or epoch_steps % model.steps_per_execution
        last = first + 1 if alone else min(first + 50, args.epochs)
        orders = [
            batches(count, args.batch_size, args.seed, epoch)
            for epoch in range(first, last)
        ]
        data = tf.data.Dataset.from_tensor_slices(np.concatenate(orders)[done:])
        with contextlib.redirect_stdout(sys.stderr):  # Keras' progress
            model.fit(
                data.map(batch).prefetch(tf.data.AUTOTUNE),
                initial_epoch=first,
                epochs=last,
                steps_per_epoch=epoch_steps - done,
                shuffle=False,
                verbose=1 if sys.stderr.isatty() else 2,
                callbacks=[progress],
            )
        step = last * epoch_steps
    return step


def check_weights(args, model, where):
    """End training that has spoilt a weight, unless that is allowed."""
    if args.allow_nonfinite:
        return
    for name, variable, *_ in weights(model):
        if not np.isfinite(variable.numpy()).all():
            raise SystemExit(f"{where}: {name} is not finite")


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


def log(folder, record):
    """Append a line to metrics.jsonl in the folder."""
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "metrics.jsonl"), "a") as file:
        file.write(json.dumps(record) + "\n")


def save_checkpoint(args, model):
    """Write weights, optimizer state, random state and step to `args.checkpoint`."""
    arrays = {f"weights/{name}": array for name, array in tensors(model).items()}
    for name, variable in state(model):
        arrays[name] = np.ascontiguousarray(variable.numpy())
    run = identity(args.seed, args.batch_size)
    step = int(model.optimizer.iterations)
    write(args.checkpoint, arrays, {**run, "step": str(step)})


def load_checkpoint(args, model):
    """Put everything back as `save_checkpoint` found it; gives the step."""
    arrays, step = read_checkpoint(args.resume, identity(args.seed, args.batch_size))
    own = {
        name.removeprefix("weights/"): array
        for name, array in arrays.items()
        if name.startswith("weights/")
    }
    load(model, own, args.resume)
    for name, variable in state(model):
        found, shape = arrays.get(name, np.empty(0)), tuple(variable.shape)
        if (found.shape, str(found.dtype)) != (shape or (1,), variable.dtype):
            raise SystemExit(f"{args.resume}: missing {name}")
        variable.assign(found.reshape(shape))
    if int(model.optimizer.iterations) != step:
        raise SystemExit(f"{args.resume}: the optimizer is not at step {step}")
    return step


def state(model):
    """Yield (name in a checkpoint, variable) of optimizer and random generators."""
    model.optimizer.build(model.trainable_variables)
    owners = {v.path.replace("/", "_") + "_": name for name, v, *_ in weights(model)}
    for variable in model.optimizer.variables:
        if variable.name == "learning_rate":  # `--lr` says it
            continue
        owner = max(filter(variable.name.startswith, owners), key=len, default=None)
        if owner is None:  # Keras numbers those without a name, as Nadam's
            yield f"optimizer/{variable.name.rstrip('_0123456789')}", variable
        else:
            slot = variable.name.removeprefix(owner)
            yield f"optimizer/{owners[owner]}/{slot}", variable
    generators = [v for v in model.variables if v.name == "seed_generator_state"]
    for number, variable in enumerate(generators):
        yield f"random/{number}", variable


def identity(seed, batch_size):
    """What a checkpoint and the run that resumes it must agree in."""
    return {
        "format": "tercet-checkpoint-1",
        "model": "TinyGPT",
        "target": "tensorflow",
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


def predict(model, source, path):
    """Write the model's outputs for the inputs in the file `source`."""
    inputs = read(source)
    sizes = check(source, inputs, {"tokens": ("int64", "N", "T")})
    T = sizes["T"]
    if T > model.context:
        raise SystemExit(f"{source}: T <= {model.context} must hold, and T is {T}")
    check_indices(source, "tokens", inputs["tokens"], 0, model.vocab - 1)
    output = model(tf.constant(inputs["tokens"]))
    write(path, {"logits": np.asarray(output)})


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
    named = {name: weight for name, *weight in weights(model)}
    if missing := sorted(named.keys() - tensors.keys()):
        raise SystemExit(f"{path}: missing {missing}")
    if unexpected := sorted(tensors.keys() - named.keys()):
        raise SystemExit(f"{path}: unexpected {unexpected}")
    for name, (variable, order) in named.items():
        shape = tuple(variable.shape[axis] for axis in order)
        have = f"{tensors[name].dtype} {tensors[name].shape}"
        want = f"{variable.dtype} {shape}"
        if have != want:
            raise SystemExit(f"{path}: {name} is {have}, the model needs {want}")
        variable.assign(tensors[name].transpose(np.argsort(order)))


def tensors(model):
    """All weights as the source has them."""
    return {
        name: np.ascontiguousarray(variable.numpy().transpose(order))
        for name, variable, order in weights(model)
    }


def save(model, path):
    write(path, tensors(model))


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
    try:  # tf2onnx only warns of operations that it does not know
        onnx.checker.check_model(proto)
    except onnx.checker.ValidationError as error:
        raise SystemExit(f"{path}: not expressible in ONNX: {error}") from None
    onnx.save(proto, path)


def use_device(device):
    """Let TensorFlow see no device but this one: cpu, cuda or cuda:K."""
    gpus = tf.config.list_physical_devices("GPU")
    if device == "cpu":
        tf.config.set_visible_devices([], "GPU")
        return
    kind, _, number = device.partition(":")
    if kind != "cuda" or not (number or "0").isdigit() or int(number or 0) >= len(gpus):
        raise SystemExit(f"{device}: no such device; TensorFlow finds {len(gpus)} GPUs")
    tf.config.set_visible_devices(gpus[int(number or 0)], "GPU")


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
        default="cuda" if tf.config.list_physical_devices("GPU") else "cpu",
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

    use_device(args.device)
    keras.utils.set_random_seed(args.seed)
    model = TinyGPT()
    model(tf.zeros((1, 1), tf.int64))  # creates the variables
    if args.weights:
        load(model, read(args.weights), args.weights)
    if args.epochs or args.resume or args.evaluate:
        train_part, test_part = load_data(args.data, args.seed, model)
        epoch_steps = len(train_part[0]) // args.batch_size
        prepare(model, epoch_steps, args)
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
        predict(model, source, path)
    if args.export:
        export(model, args.export)


if __name__ == "__main__":
    main()

# Compiled by Tercet. sha256 of the lines above: 248327e0c3279234
