"""The perceptron of the iris in PyTorch, as written by hand."""

import argparse
import sys

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.datasets import load_iris
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
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
    optimizer = torch.optim.Adam(model.parameters(), LEARNING_RATE)
    loader = DataLoader(TensorDataset(*data), BATCH_SIZE, shuffle=True, drop_last=True)
    model.train()
    for epoch in range(args.epochs):
        total = 0.0
        for features, species in tqdm(loader, desc=f"epoch {epoch + 1}/{args.epochs}"):
            optimizer.zero_grad()
            logits = model(features.to(args.device))
            loss = F.cross_entropy(logits, species.to(args.device))
            loss.backward()
            optimizer.step()
            total += loss.detach()
        print(f"epoch {epoch + 1}: loss {float(total) / len(loader):.4f}", file=sys.stderr)
    return args.epochs * len(loader)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--device", default="cpu")
    args = parser.parse_args()
    torch.manual_seed(0)
    train(make_model().to(args.device), load_data(), args)


if __name__ == "__main__":
    main()
