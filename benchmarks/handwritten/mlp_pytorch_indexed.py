"""The perceptron of the iris in PyTorch without a DataLoader: rows picked from tensors."""

import argparse
import sys

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.datasets import load_iris
from torch import nn
from tqdm import tqdm

BATCH_SIZE = 16
EPOCHS = 30
LEARNING_RATE = 0.01


def make_model():
    return nn.Sequential(
        nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 3)
    )


def load_data():
    iris = load_iris()
    order = np.random.default_rng(0).permutation(len(iris.data))[: int(0.8 * len(iris.data))]
    features = iris.data[order]
    features = (features - features.mean(axis=0)) / features.std(axis=0)
    return torch.from_numpy(features.astype(np.float32)), torch.from_numpy(iris.target[order])


def train(model, data, args):
    features, species = (tensor.to(args.device) for tensor in data)
    optimizer = torch.optim.Adam(model.parameters(), LEARNING_RATE)
    epoch_steps = len(features) // BATCH_SIZE
    model.train()
    for epoch in range(args.epochs):
        order = torch.randperm(len(features)).split(BATCH_SIZE)[:epoch_steps]
        total = 0.0
        for rows in tqdm(order, desc=f"epoch {epoch + 1}/{args.epochs}"):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(features[rows]), species[rows])
            loss.backward()
            optimizer.step()
            total += loss.detach()
        print(f"epoch {epoch + 1}: loss {float(total) / epoch_steps:.4f}", file=sys.stderr)
    return args.epochs * epoch_steps


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--device", default="cpu")
    args = parser.parse_args()
    torch.manual_seed(0)
    train(make_model().to(args.device), load_data(), args)


if __name__ == "__main__":
    main()
