r"""ResNet18 for TensorFlow, compiled from resnet18.model.

    python resnet18_tensorflow.py --save resnet18.safetensors
    python resnet18_tensorflow.py --epochs 0 --weights resnet18.safetensors \
        --export resnet18.onnx

image f32[N, 3, 224, 224] -> logits f32[N, 1000]; 11,689,512 trainable parameters.
Inside the model images are channels-last, TensorFlow's native layout.
"""

import argparse
import contextlib
import fcntl
import json
import math
import os
import sys
from functools import partial

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load_file
from safetensors.numpy import save as to_bytes
from sklearn.datasets import load_digits

BATCH_SIZE = 32
EPOCHS = 5
LEARNING_RATE = 0.05
MOMENTUM = 0.9
WEIGHT_DECAY = 0.0001
WARMUP_STEPS = 50
SEED = 0


class SymmetricConv2D(layers.Conv2D):
    """Keras' "same" may pad less at the start at a stride; this one pads both sides."""

    def convolution_op(self, x, kernel):
        if self.padding == "same" and max(self.strides) > 1:
            pads = [((k - 1) // 2, k // 2) for k in self.kernel_size]
            x = tf.pad(x, [(0, 0), *pads, (0, 0)])
            return tf.nn.conv2d(x, kernel, self.strides, "VALID")
        return super().convolution_op(x, kernel)


conv2d = partial(SymmetricConv2D, use_bias=False, kernel_initializer="he_uniform")
batch_norm = partial(layers.BatchNormalization, momentum=0.9, epsilon=1e-5)


class BasicBlock(layers.Layer):
    """Two 3x3 convolutions and a shortcut (He et al., 2015): ResNet-18 and -34."""

    def __init__(self, in_channels, channels, stride=1, name=None):
        super().__init__(name=name)
        self.identity = stride == 1 and in_channels == channels
        self.conv1 = conv2d(channels, 3, strides=stride, padding="same", name="conv1")
        self.norm1 = batch_norm(name="norm1")
        self.conv2 = conv2d(channels, 3, padding="same", name="conv2")
        self.norm2 = batch_norm(name="norm2")
        if not self.identity:
            self.project = conv2d(channels, 1, strides=stride, name="project")
            self.project_norm = batch_norm(name="project_norm")

    def call(self, x, training=None):
        h = tf.nn.relu(self.norm1(self.conv1(x), training=training))
        h = self.norm2(self.conv2(h), training=training)
        if self.identity:
            shortcut = x
        else:
            shortcut = self.project_norm(self.project(x), training=training)
        return tf.nn.relu(h + shortcut)


class ResNet18(keras.Model):
    def __init__(self, classes=1000, size=224):
        super().__init__()
        self.classes = classes
        self.size = size
        self.stem = conv2d(64, 7, strides=2, padding="same", name="stem")
        self.stem_norm = batch_norm(name="stem_norm")
        self.basic_block = [
            [
                BasicBlock(64, 64, name="basic_block.0.0"),
                BasicBlock(64, 64, name="basic_block.0.1"),
            ],
            [
                BasicBlock(64, 128, stride=2, name="basic_block.1.0"),
                BasicBlock(128, 128, name="basic_block.1.1"),
            ],
            [
                BasicBlock(128, 256, stride=2, name="basic_block.2.0"),
                BasicBlock(256, 256, name="basic_block.2.1"),
            ],
            [
                BasicBlock(256, 512, stride=2, name="basic_block.3.0"),
                BasicBlock(512, 512, name="basic_block.3.1"),
            ],
        ]
        self.dense = layers.Dense(
            classes, kernel_initializer="glorot_uniform", name="dense"
        )

    def call(self, image, training=None):
        h = tf.transpose(image, (0, 2, 3, 1))
        h = self.stem_norm(self.stem(h), training=training)
        h = tf.nn.max_pool2d(tf.nn.relu(h), 3, 2, ((0, 0), (1, 1), (1, 1), (0, 0)))
        for stage in self.basic_block:
            for block in stage:
                h = block(h, training=training)
        return self.dense(tf.reduce_mean(h, axis=(1, 2)))  # [N, classes]

    def compute_loss(
        self, x=None, y=None, y_pred=None, sample_weight=None, training=True
    ):
        label = y
        logits = y_pred
        return class_loss(tf.nn.log_softmax(logits), label, smoothing=0.1)


def class_loss(
    log_p, label, weight=None, ignore_index=None, smoothing=0.0, reduction="mean"
):
    """-log p of the label's class, weighed; ignored labels leave the denominator."""
    kept = tf.ones_like(log_p[..., 0])
    if ignore_index is not None:
        kept = tf.cast(label != ignore_index, log_p.dtype)
        label = tf.where(label == ignore_index, tf.zeros_like(label), label)
    if weight is None:
        weight = tf.ones_like(log_p[(0,) * (log_p.shape.rank - 1)])
    weights = tf.gather(weight, label) * kept
    loss = -tf.gather(log_p, label, batch_dims=label.shape.rank) * weights
    if smoothing:
        uniform = -tf.reduce_mean(log_p * weight, axis=-1) * kept
        loss = (1 - smoothing) * loss + smoothing * uniform
    if reduction == "none":
        return loss
    total = tf.reduce_sum(loss)
    if reduction == "mean":  # 0 where no label counts
        return tf.math.divide_no_nan(total, tf.reduce_sum(weights))
    return total


def load_data(seed, model):
    """(image, label) to train on and to test on."""
    digits = load_digits()
    image = np.repeat(
        np.repeat(
            np.repeat(digits.images[:, None].astype(np.float32) / 16, 3, axis=1),
            28,
            axis=2,
        ),
        28,
        axis=3,
    )
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


class Tabulated(keras.optimizers.schedules.LearningRateSchedule):
    """The learning rate of every step, computed beforehand."""

    def __init__(self, base, steps):
        factors = [learning_rate_factor(step, steps) for step in range(max(1, steps))]
        self.rates = tf.constant(base * np.array(factors), tf.float32)

    def __call__(self, step):
        return tf.gather(self.rates, tf.minimum(step, len(self.rates) - 1))


class SGD(keras.optimizers.SGD):
    """The velocity is free of the learning rate; weight decay joins the gradient."""

    def update_step(self, gradient, variable, learning_rate):
        gradient += WEIGHT_DECAY * variable
        velocity = self.momentums[self._get_variable_index(variable)]
        velocity.assign(self.momentum * velocity + gradient)
        variable.assign_sub(learning_rate * velocity)


def prepare(model, epoch_steps, args):
    """Compile the model for epochs of so many updates."""
    steps = args.epochs * epoch_steps
    model.compile(
        optimizer=SGD(Tabulated(args.lr, steps), momentum=MOMENTUM),
        metrics=[keras.metrics.SparseCategoricalAccuracy(name="accuracy")],
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
        image, label = (tf.gather(array, rows) for array in arrays)
        return image, label

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
    data = tf.data.Dataset.from_tensor_slices(arrays).batch(args.batch_size)
    result = model.evaluate(data, verbose=0, return_dict=True)
    return {"loss": result.pop("loss"), **result}


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
        "model": "ResNet18",
        "target": "tensorflow",
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


def predict(model, source, path):
    """Write the model's outputs for the inputs in the file `source`."""
    inputs = read(source)
    check(source, inputs, {"image": ("float32", "N", 3, model.size, model.size)})
    output = model(tf.constant(inputs["image"]), training=False)
    write(path, {"logits": np.asarray(output)})


def weights(model):
    """Yield (source's name, variable, order of axes there) of weights."""
    names = {
        "kernel": "weight",
        "gamma": "weight",
        "beta": "bias",
        "moving_mean": "running_mean",
        "moving_variance": "running_var",
    }
    orders = {("kernel", 4): (3, 2, 0, 1), ("kernel", 2): (1, 0)}
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

    signature = [
        tf.TensorSpec((None, 3, model.size, model.size), tf.float32, name="image")
    ]

    @tf.function(input_signature=signature)
    def inference(image):
        return {"logits": model(image, training=False)}

    proto, _ = tf2onnx.convert.from_function(inference, signature, opset=17)
    shapes = {"image": ("N", 3, model.size, model.size), "logits": ("N", model.classes)}
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

    use_device(args.device)
    keras.utils.set_random_seed(args.seed)
    model = ResNet18()
    model(tf.zeros((1, 3, model.size, model.size)))  # creates the variables
    if args.weights:
        load(model, read(args.weights), args.weights)
    if args.epochs or args.resume or args.evaluate:
        train_part, test_part = load_data(args.seed, model)
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

# Compiled by Tercet. sha256 of the lines above: f4368ab703e2a132
