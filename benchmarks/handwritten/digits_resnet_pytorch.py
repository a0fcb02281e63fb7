"""DigitsResNet in PyTorch, as written by hand: what the generated script is compared with."""

import argparse
import math
import sys

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from tqdm import tqdm

BATCH_SIZE = 32
EPOCHS = 5
LEARNING_RATE = 0.05
MOMENTUM = 0.9
WEIGHT_DECAY = 1e-4
WARMUP_STEPS = 50


class BasicBlock(nn.Module):
    def __init__(self, in_channels, channels, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, channels, 3, stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(channels)
        self.project = None
        if stride != 1 or in_channels != channels:
            self.project = nn.Sequential(
                nn.Conv2d(in_channels, channels, 1, stride, bias=False),
                nn.BatchNorm2d(channels),
            )

    def forward(self, x):
        shortcut = x if self.project is None else self.project(x)
        h = F.relu(self.norm1(self.conv1(x)))
        return F.relu(self.norm2(self.conv2(h)) + shortcut)


class DigitsResNet(nn.Sequential):
    def __init__(self):
        super().__init__(
            nn.Conv2d(1, 16, 3, padding=1, bias=False),
            nn.BatchNorm2d(16),
            nn.ReLU(),
            BasicBlock(16, 16),
            BasicBlock(16, 16),
            BasicBlock(16, 32, stride=2),
            BasicBlock(32, 32),
            BasicBlock(32, 64, stride=2),
            BasicBlock(64, 64),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(64, 10),
        )


def load_data():
    digits = load_digits()
    image = (digits.images[:, None] / 16).astype(np.float32)
    order = np.random.default_rng(0).permutation(len(image))[: int(0.8 * len(image))]
    return torch.from_numpy(image[order]), torch.from_numpy(digits.target[order])


def factor(step, steps):
    """Linear warm-up, then cosine decay."""
    if step < WARMUP_STEPS:
        return (step + 1) / WARMUP_STEPS
    progress = (step - WARMUP_STEPS) / max(1, steps - WARMUP_STEPS)
    return 0.5 * (1 + math.cos(math.pi * progress))


def train(model, data, args):
    loader = DataLoader(TensorDataset(*data), BATCH_SIZE, shuffle=True, drop_last=True)
    optimizer = torch.optim.SGD(
        model.parameters(), LEARNING_RATE, MOMENTUM, weight_decay=WEIGHT_DECAY
    )
    steps = args.epochs * len(loader)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: factor(step, steps))
    model.train()
    for epoch in range(args.epochs):
        total = 0.0
        for image, label in tqdm(loader, desc=f"epoch {epoch + 1}/{args.epochs}"):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(image.to(args.device)), label.to(args.device))
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.detach()
        print(f"epoch {epoch + 1}: loss {float(total) / len(loader):.4f}", file=sys.stderr)
    return steps


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--device", default="cpu")
    args = parser.parse_args()
    torch.manual_seed(0)
    train(DigitsResNet().to(args.device), load_data(), args)


if __name__ == "__main__":
    main()
