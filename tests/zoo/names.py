"""What libraries call the parameters of the networks of samples/zoo."""

from __future__ import annotations

import re
from collections.abc import Callable


def replaced(path: str, *rules: tuple[str, str]) -> str:
    """The path with the first match of each pattern replaced, one rule after the other."""
    for pattern, by in rules:
        path = re.sub(pattern, by, path, count=1)
    return path


def _numbered(path: str, pattern: str, name: Callable[..., str]) -> str:
    """The path with the first match replaced by what `name` makes of the numbers in it."""
    return re.sub(pattern, lambda m: name(*map(int, m.groups())), path, count=1)


def vgg(path: str) -> str:
    """torchvision's VGG-16: `features.0.weight`, every ReLU and pooling counted too."""
    before = (0, 2, 4, 7, 10)
    path = _numbered(
        path, r"^conv2d\.(\d)\.(\d)", lambda s, i: f"features.{2 * (before[s] + i) + s}"
    )
    path = _numbered(path, r"^dense\.(\d)", lambda i: f"classifier.{3 * i}")
    return replaced(path, (r"^head", "classifier.6"))


def resnet(path: str) -> str:
    """torchvision's ResNet: `layer1.0.conv1.weight`."""
    path = _numbered(path, r"^bottleneck\.(\d)", lambda stage: f"layer{stage + 1}")
    return replaced(
        path,
        (r"^stem\.conv2d", "conv1"),
        (r"^stem\.batch_norm", "bn1"),
        (r"\.norm(\d)", r".bn\1"),
        (r"\.project_norm", ".downsample.1"),
        (r"\.project", ".downsample.0"),
        (r"^dense\.", "fc."),
    )


def densenet(path: str) -> str:
    """torchvision's DenseNet: `features.denseblock1.denselayer1.conv1.weight`."""
    path = _numbered(
        path,
        r"^dense_layer\.(\d)\.(\d+)",
        lambda stage, i: f"features.denseblock{stage + 1}.denselayer{i + 1}",
    )
    return replaced(
        path,
        (r"^dense\.", "classifier."),
        (r"^batch_norm", "features.norm5"),
        (r"^stem\.conv2d", "features.conv0"),
        (r"^stem\.batch_norm", "features.norm0"),
        (r"^transition\.(\d)\.batch_norm", r"features.transition\1.norm"),
        (r"^transition\.(\d)\.conv2d", r"features.transition\1.conv"),
    )


_CONV_BN = ((r"\.conv2d", ".0"), (r"\.batch_norm", ".1"))


def mobilenet_v3(path: str) -> str:
    """torchvision's MobileNetV3: `features.1.block.0.0.weight`, without what a block lacks."""
    before, squeezed = (0, 1, 3, 6, 10, 12), (2, 4, 5)
    found = re.match(r"bneck\.(\d)\.(\d)\.(.*)", path)
    if found is None:
        return replaced(
            path,
            (r"^stem", "features.0"),
            (r"^head", "features.16"),
            (r"^hidden", "classifier.0"),
            (r"^dense", "classifier.3"),
            *_CONV_BN,
        )
    stage, i, part = int(found[1]), int(found[2]), found[3]
    first = 0 if stage == 0 else 1  # the first block does not expand
    part = replaced(
        part,
        (r"^expand", "0"),
        (r"^depthwise", f"{first}"),
        (r"^squeeze_excite\.squeeze", f"{first + 1}.fc1"),
        (r"^squeeze_excite\.excite", f"{first + 1}.fc2"),
        (r"^project", f"{first + (2 if stage in squeezed else 1)}"),
        *_CONV_BN,
    )
    return f"features.{before[stage] + i + 1}.block.{part}"


def shufflenet(path: str) -> str:
    """torchvision's ShuffleNetV2: `stage2.0.branch2.0.weight`."""
    path = _numbered(path, r"^unit\.(\d)", lambda stage: f"stage{stage + 2}")
    places = {"shrink": (1, 0), "project": (1, 2), "squeeze": (2, 0), "depthwise": (2, 3)}
    for part, (branch, first) in {**places, "expand": (2, 5)}.items():
        path = replaced(
            path,
            (rf"\.{part}\.conv2d", f".branch{branch}.{first}"),
            (rf"\.{part}\.batch_norm", f".branch{branch}.{first + 1}"),
        )
    return replaced(
        path, (r"^stem\.", "conv1."), (r"^last\.", "conv5."), (r"^dense\.", "fc."), *_CONV_BN
    )


def efficientnet(path: str) -> str:
    """torchvision's EfficientNet: `features.1.0.block.0.0.weight`."""
    found = re.match(r"inverted_residual\.(\d)\.(\d)\.(.*)", path)
    if found is None:
        rules = (r"^stem", "features.0"), (r"^head", "features.8"), (r"^dense", "classifier.1")
        return replaced(path, *rules, *_CONV_BN)
    stage, i, part = int(found[1]), int(found[2]), found[3]
    first = 0 if stage == 0 else 1  # the first stage does not expand
    part = replaced(
        part,
        (r"^expand_conv", "0.0"),
        (r"^expand_norm", "0.1"),
        (r"^depthwise\.", f"{first}.0."),
        (r"^depthwise_norm", f"{first}.1"),
        (r"^squeeze_excite\.squeeze", f"{first + 1}.fc1"),
        (r"^squeeze_excite\.excite", f"{first + 1}.fc2"),
        (r"^project\.", f"{first + 2}.0."),
        (r"^project_norm", f"{first + 2}.1"),
    )
    return f"features.{stage + 1}.{i}.block.{part}"


def convnext(path: str) -> str:
    """torchvision's ConvNeXt: stages at odd places of `features`, what is between at even ones."""
    path = _numbered(path, r"^cn_block\.(\d)", lambda stage: f"features.{2 * stage + 1}")
    path = _numbered(
        path, r"^channel_norm\.(\d)\.layer_norm", lambda stage: f"features.{2 * stage}.0"
    )
    path = _numbered(path, r"^down\.(\d)", lambda stage: f"features.{2 * stage}.1")
    return replaced(
        path,
        (r"^stem_norm\.layer_norm", "features.0.1"),
        (r"^stem", "features.0.0"),
        (r"^channel_norm(_1)?\.layer_norm", "classifier.0"),
        (r"^dense\.", "classifier.2."),
        (r"\.scale$", ".layer_scale"),
        (r"\.depthwise", ".block.0"),
        (r"\.layer_norm", ".block.2"),
        (r"\.dense\.", ".block.3."),
        (r"\.dense_1\.", ".block.5."),
    )


def deeplab(path: str) -> str:
    """torchvision's DeepLabV3: a ResNet as `backbone`, then `classifier` and `aux_classifier`."""
    if re.match(r"stem|bottleneck", path):
        return f"backbone.{resnet(path)}"
    path = _numbered(path, r"^pyramid\.atrous\.(\d)", lambda i: f"classifier.0.convs.{i + 1}")
    return replaced(
        path,
        (r"^pyramid\.conv_bn", "classifier.0.convs.0"),
        (r"^pyramid\.pooled\.conv2d", "classifier.0.convs.4.1"),
        (r"^pyramid\.pooled\.batch_norm", "classifier.0.convs.4.2"),
        (r"^pyramid\.project", "classifier.0.project"),
        (r"^conv_bn\.conv2d", "classifier.1"),
        (r"^conv_bn\.batch_norm", "classifier.2"),
        (r"^head", "classifier.4"),
        (r"^aux_conv", "aux_classifier"),
        (r"^aux_head", "aux_classifier.4"),
        *_CONV_BN,
    )
