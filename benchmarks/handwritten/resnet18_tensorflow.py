"""ResNet-18 in Keras for images of 32 x 32, written by hand: what a script is compared with."""

import argparse

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from sklearn.datasets import load_digits

SIZE = 32
BATCH_SIZE = 32
EPOCHS = 5
LEARNING_RATE = 0.05
MOMENTUM = 0.9
WEIGHT_DECAY = 1e-4
WARMUP_STEPS = 50


def conv_norm(x, channels, kernel, stride=1):
    if stride != 1:
        x = layers.ZeroPadding2D(kernel // 2)(x)
    padding = "same" if stride == 1 else "valid"
    x = layers.Conv2D(
        channels, kernel, stride, padding, use_bias=False, kernel_initializer="he_uniform"
    )(x)
    return layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(x)


def basic_block(x, channels, stride=1):
    h = layers.ReLU()(conv_norm(x, channels, 3, stride))
    h = conv_norm(h, channels, 3)
    if stride != 1 or x.shape[-1] != channels:
        x = conv_norm(x, channels, 1, stride)
    return layers.ReLU()(layers.Add()([h, x]))


def make_model():
    image = keras.Input((SIZE, SIZE, 3))
    h = layers.ReLU()(conv_norm(image, 64, 7, 2))
    h = layers.MaxPooling2D(3, 2)(layers.ZeroPadding2D(1)(h))
    for channels, stride in ((64, 1), (128, 2), (256, 2), (512, 2)):
        h = basic_block(h, channels, stride)
        h = basic_block(h, channels)
    return keras.Model(image, layers.Dense(10)(layers.GlobalAveragePooling2D()(h)))


def smoothed_cross_entropy(label, logits):
    label = tf.one_hot(tf.cast(tf.reshape(label, [-1]), tf.int32), 10)
    return keras.losses.categorical_crossentropy(
        label, logits, from_logits=True, label_smoothing=0.1
    )


def load_data():
    digits = load_digits()
    image = (digits.images[..., None] / 16).astype(np.float32)
    order = np.random.default_rng(0).permutation(len(image))[: int(0.8 * len(image))]
    image = np.kron(image, np.ones((1, SIZE // 8, SIZE // 8, 3), np.float32))
    return image[order], digits.target[order]


def train(model, data, args):
    rows = len(data[0])
    epoch_steps = rows // BATCH_SIZE
    batches = tf.data.Dataset.from_tensor_slices(data).shuffle(rows)
    batches = batches.batch(BATCH_SIZE, drop_remainder=True).prefetch(tf.data.AUTOTUNE)
    model.fit(batches, epochs=args.epochs)
    return args.epochs * epoch_steps


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--device", default="cpu")
    args = parser.parse_args()
    keras.utils.set_random_seed(0)
    data = load_data()
    model = make_model()
    epoch_steps = len(data[0]) // BATCH_SIZE
    model.compile(
        optimizer=keras.optimizers.SGD(
            keras.optimizers.schedules.CosineDecay(
                0.0,
                max(1, args.epochs * epoch_steps - WARMUP_STEPS),
                warmup_target=LEARNING_RATE,
                warmup_steps=WARMUP_STEPS,
            ),
            momentum=MOMENTUM,
            weight_decay=WEIGHT_DECAY,
        ),
        loss=smoothed_cross_entropy,
        metrics=["accuracy"],
        steps_per_execution=32,
    )
    train(model, data, args)


if __name__ == "__main__":
    main()
