r"""DigitsCNN for TensorFlow, compiled from digits_cnn.model.

    python digits_cnn_tensorflow.py --save digits_cnn.safetensors
    python digits_cnn_tensorflow.py --epochs 0 --weights digits_cnn.safetensors \
        --export digits_cnn.onnx

image f32[N, 1, 8, 8] -> logits f32[N, 10]; 29,162 trainable parameters.
Inside the model images are channels-last, TensorFlow's native layout.
"""

import argparse
import hashlib
import math
import zlib
from collections import Counter

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from safetensors.numpy import load_file
from safetensors.numpy import save as to_bytes
from sklearn.datasets import load_digits

BATCH_SIZE = 32
EPOCHS = 10
LEARNING_RATE = 0.05
MOMENTUM = 0.9
WEIGHT_DECAY = 0.0001
WARMUP_STEPS = 100
MAX_GRADIENT_NORM = 1.0
SEED = 0


class Draws:
    """Random numbers by the step of training and by the name of what draws them."""

    def begin(self, seed, step, update=0):
        """Start a step, or the evaluation of a batch."""
        self.key, self.times = (seed, step, update), Counter()

    def of(self, name):
        """The generator for the next application of what is called so."""
        key = (*self.key, zlib.crc32(name.encode()), self.times[name])
        self.times[name] += 1
        return np.random.default_rng(key)


draws = Draws()


class Dropout(layers.Layer):
    """Zeros where `draws` says so, the same in every framework: elements, or all that
    is at one place of the first axes, so many."""

    def __init__(self, rate, axes=None, name=None):
        super().__init__(name=name)
        self.rate = rate
        self.axes = axes

    def call(self, x, training=None, channels_last=False):
        if not training:
            return x
        shape = tuple(x.shape)
        if channels_last:
            shape = (shape[0], shape[-1], *shape[1:-1])
        first = len(shape) if self.axes is None else self.axes
        shape = (*shape[:first], *(1,) * (len(shape) - first))
        kept = draws.of(self.source_name).random(shape) >= self.rate
        kept = np.moveaxis(kept, 1, -1) if channels_last else kept
        return x * tf.cast(kept, x.dtype) / (1 - self.rate)


class ConvBnRelu(layers.Layer):
    """Convolution without bias, batch normalisation, ReLU."""

    def __init__(self, channels, name=None):
        super().__init__(name=name)
        self.conv2d = layers.Conv2D(
            channels, 3, padding="same", use_bias=False, name="conv2d"
        )
        self.batch_norm = layers.BatchNormalization(
            momentum=0.9, epsilon=1e-5, name="batch_norm"
        )

    def call(self, x, training=None):
        return tf.nn.relu(self.batch_norm(self.conv2d(x), training=training))


class DigitsCNN(keras.Model):
    def __init__(self, classes=10, width=32):
        super().__init__()
        self.classes = classes
        self.width = width
        self.conv_bn_relu = ConvBnRelu(width, name="conv_bn_relu")
        self.conv_bn_relu_1 = ConvBnRelu(2 * width, name="conv_bn_relu_1")
        self.dropout = Dropout(0.25, name="dropout")
        self.dense = layers.Dense(classes, name="dense")
        name_layers(self)

    def call(self, image, training=None):
        h = tf.transpose(image, (0, 2, 3, 1))
        h = self.conv_bn_relu_1(
            self.conv_bn_relu(h, training=training), training=training
        )  # [N, 8, 8, 2 * width]
        h = tf.reshape(
            tf.transpose(tf.nn.max_pool2d(h, 2, 2, "VALID"), (0, 3, 1, 2)),
            (-1, 32 * self.width),
        )  # [N, 32 * width]
        h = self.dropout(h, training=training)
        return self.dense(h)  # [N, classes]

    def train_step(self, data):
        draws.begin(self.seed, int(self.optimizer.iterations))
        return super().train_step(data)


def name_layers(layer, prefix=""):
    """Tell layers that draw random numbers what they are called in the source."""
    for child in layer._layers:
        path = prefix + child.name
        if isinstance(child, Dropout):
            child.source_name = path
        name_layers(child, f"{path}.")


def load_data(seed):
    """(image, label) to train on and to test on."""
    digits = load_digits()
    image = digits.images[:, None].astype(np.float32) / 16
    label = digits.target.astype(np.int64)
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


class Progress(keras.callbacks.Callback):
    # Stops `fit` at a loss that is not finite.
    def on_train_batch_end(self, batch, logs=None):
        step = int(self.model.optimizer.iterations)
        epoch = (step - 1) // self.params["steps"] + 1
        if not math.isfinite(logs["loss"]):
            raise SystemExit(f"epoch {epoch}, step {step}: the loss is not finite")


def train(model, arrays, args):
    """Train on the arrays until `args.epochs` are done."""
    model.seed = args.seed
    orders = [
        batches(len(arrays[0]), args.batch_size, args.seed, epoch)
        for epoch in range(args.epochs or 1)
    ]

    def batch(rows):
        image, label = (tf.gather(array, rows) for array in arrays)
        return image, label

    data = tf.data.Dataset.from_tensor_slices(np.concatenate(orders)).map(batch)
    steps = args.epochs * len(orders[0])
    model.compile(
        optimizer=SGD(
            Tabulated(LEARNING_RATE, steps),
            momentum=MOMENTUM,
            global_clipnorm=MAX_GRADIENT_NORM,
        ),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=[
            keras.metrics.SparseCategoricalAccuracy(name="accuracy"),
            keras.metrics.SparseTopKCategoricalAccuracy(3, name="top3"),
        ],
        run_eagerly=True,  # NumPy draws
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
    data = tf.data.Dataset.from_tensor_slices(arrays).batch(args.batch_size)
    result = model.evaluate(data, verbose=0, return_dict=True)
    return {"loss": result.pop("loss"), **result}


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
    if name == "dense.weight":
        return scaled_uniform(random, shape, 2 / sum(fans(shape)))
    if name in ("conv_bn_relu.batch_norm.weight", "conv_bn_relu_1.batch_norm.weight"):
        return np.ones(shape)
    kind = name.rpartition(".")[2]
    if kind == "running_var":
        return np.ones(shape)
    if kind in ("bias", "running_mean"):
        return np.zeros(shape)
    return scaled_uniform(random, shape, 2 / fans(shape)[0])


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

    signature = [tf.TensorSpec((None, 1, 8, 8), tf.float32, name="image")]

    @tf.function(input_signature=signature)
    def inference(image):
        return {"logits": model(image, training=False)}

    proto, _ = tf2onnx.convert.from_function(inference, signature, opset=17)
    shapes = {"image": ("N", 1, 8, 8), "logits": ("N", model.classes)}
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
    model = DigitsCNN()
    model(tf.zeros((1, 1, 8, 8)))  # creates the variables
    start(model, args.seed)
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

# Compiled by Tercet. sha256 of the lines above: 0adffc9eb9d0e9ba
