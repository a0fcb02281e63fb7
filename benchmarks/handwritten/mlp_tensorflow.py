"""The perceptron of the iris in Keras, as written by hand."""

import argparse

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from sklearn.datasets import load_iris

BATCH_SIZE = 16
EPOCHS = 30
LEARNING_RATE = 0.01


def load_data():
    iris = load_iris()
    order = np.random.default_rng(0).permutation(len(iris.data))[: int(0.8 * len(iris.data))]
    features = iris.data[order]
    features = (features - features.mean(axis=0)) / features.std(axis=0)
    return features.astype(np.float32), iris.target[order]


def train(model, data, args):
    rows = len(data[0])
    batches = tf.data.Dataset.from_tensor_slices(data).shuffle(rows)
    batches = batches.batch(BATCH_SIZE, drop_remainder=True).prefetch(tf.data.AUTOTUNE)
    model.fit(batches, epochs=args.epochs)
    return args.epochs * (rows // BATCH_SIZE)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--device", default="cpu")
    args = parser.parse_args()
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((4,)),
            layers.Dense(32, activation="relu"),
            layers.Dense(32, activation="relu"),
            layers.Dense(3),
        ]
    )
    model.compile(
        optimizer=keras.optimizers.Adam(LEARNING_RATE, epsilon=1e-8),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        steps_per_execution=32,
    )
    train(model, load_data(), args)


if __name__ == "__main__":
    main()
