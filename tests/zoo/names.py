"""What libraries call the parameters of the networks of samples/zoo."""

from __future__ import annotations

import re


def replaced(path: str, *rules: tuple[str, str]) -> str:
    """The path with the first match of each pattern replaced, one rule after the other."""
    for pattern, by in rules:
        path = re.sub(pattern, by, path, count=1)
    return path


def resnet(path: str) -> str:
    """torchvision's ResNet: `layer1.0.conv1.weight`."""
    path = re.sub(r"^bottleneck\.(\d+)", lambda m: f"layer{int(m[1]) + 1}", path)
    return replaced(
        path,
        (r"^stem\.conv2d", "conv1"),
        (r"^stem\.batch_norm", "bn1"),
        (r"\.norm(\d)", r".bn\1"),
        (r"\.project_norm", ".downsample.1"),
        (r"\.project", ".downsample.0"),
        (r"^dense", "fc"),
    )
