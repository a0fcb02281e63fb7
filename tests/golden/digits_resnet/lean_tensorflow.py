r"""DigitsResNet for TensorFlow, compiled from digits_resnet.model.

    python digits_resnet_tensorflow.py --save digits_resnet.safetensors
    python digits_resnet_tensorflow.py --epochs 0 --weights digits_resnet.safetensors \
        --export digits_resnet.onnx

image f32[N, 1, 8, 8] -> logits f32[N, 10]; 174,970 trainable parameters.
Inside the model images are channels-last, TensorFlow's native layout.
"""

import argparse
import math
from functools import partial

import keras
import numpy as np
import tensorflow as tf
from keras import layers
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


batch_norm = partial(layers.BatchNormalization, momentum=0.9, epsilon=1e-5)
conv2d = partial(layers.Conv2D, use_bias=False, kernel_initializer="he_uniform")


class BasicBlock(layers.Layer):
    def __init__(self, in_channels, channels, stride=1, name=None):
        super().__init__(name=name)
        self.identity = stride == 1 and in_channels == channels
        self.conv1 = conv2d(channels, 3, strides=stride, name="conv1")
        self.norm1 = batch_norm(name="norm1")
        self.conv2 = conv2d(channels, 3, padding="same", name="conv2")
        self.norm2 = batch_norm(name="norm2")
        if not self.identity:
            self.project = conv2d(channels, 1, strides=stride, name="project")
            self.project_norm = batch_norm(name="project_norm")

    def call(self, x, training=None):
        # pad 1 on both sides: "same" may pad less at the start at stride 2
        h = self.conv1(tf.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0))))
        h = tf.nn.relu(self.norm1(h, training=training))
        h = self.norm2(self.conv2(h), training=training)
        if self.identity:
            shortcut = x
        else:
            shortcut = self.project_norm(self.project(x), training=training)
        return tf.nn.relu(h + shortcut)


class DigitsResNet(keras.Model):
    def __init__(self, classes=10, width=16, depth=2):
        super().__init__()
        self.classes = classes
        self.stem = conv2d(width, 3, padding="same", name="stem")
        self.stem_norm = batch_norm(name="stem_norm")
        self.basic_block = [
            [BasicBlock(width, width, name=f"basic_block.0.{j}") for j in range(depth)],
            [BasicBlock(width, 2 * width, stride=2, name="basic_block.1.0")]
            + [
                BasicBlock(2 * width, 2 * width, name=f"basic_block.1.{j}")
                for j in range(1, depth)
            ],
            [BasicBlock(2 * width, 4 * width, stride=2, name="basic_block.2.0")]
            + [
                BasicBlock(4 * width, 4 * width, name=f"basic_block.2.{j}")
                for j in range(1, depth)
            ],
        ]
        self.dense = layers.Dense(
            classes, kernel_initializer="glorot_uniform", name="dense"
        )

    def call(self, image, training=None):
        h = tf.transpose(image, (0, 2, 3, 1))
        h = tf.nn.relu(self.stem_norm(self.stem(h), training=training))
        for stage in self.basic_block:
            for block in stage:
                h = block(h, training=training)
        return self.dense(tf.reduce_mean(h, axis=(1, 2)))  # [N, classes]


def load_data(seed):
    """(image, label) to train on and to test on."""
    digits = load_digits()
    image = digits.images[:, None].astype(np.float32) / 16
    label = digits.target.astype(np.int64)
    order = np.random.default_rng(seed).permutation(len(image))
    split = int(0.8 * len(image))
    train, test = order[:split], order[split:]
    return (image[train], label[train]), (image[test], label[test])


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
    data = tf.data.Dataset.from_tensor_slices(arrays)
    data = data.shuffle(len(data), args.seed)
    data = data.batch(args.batch_size, drop_remainder=True)
    steps = args.epochs * len(data)
    model.compile(
        optimizer=SGD(Tabulated(LEARNING_RATE, steps), momentum=MOMENTUM),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=[keras.metrics.SparseCategoricalAccuracy(name="accuracy")],
    )
    model.fit(data, epochs=args.epochs, shuffle=False, callbacks=[Progress()])


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


def save(model, path):
    tensors = {
        name: np.ascontiguousarray(variable.numpy().transpose(order))
        for name, variable, order in weights(model)
    }
    with open(path, "wb") as file:
        file.write(to_bytes(tensors))


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
    model = DigitsResNet()
    model(tf.zeros((1, 1, 8, 8)))  # creates the variables
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

# Compiled by Tercet. sha256 of the lines above: c953997b0f9a6d46
